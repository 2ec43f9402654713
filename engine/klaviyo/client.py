"""`Klaviyo`: events and profiles delivered, and read back.

Each request ends as `Accepted`, `Unavailable` (to be tried again) or `Rejected`; `Denied` is raised, since it
is no single request's fault. Accepted means that Klaviyo has taken it (202): it is stored a little later.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import partial
from itertools import count
from math import isfinite
from typing import Any

import msgspec

from engine.errors import Denied, FateUnknown, Unavailable
from engine.events import Accepted, Answer, Parked, Request, Translation
from engine.klaviyo.batches import Batch, batches_of_events, batches_of_profiles, with_meta_placed
from engine.klaviyo.bulk import Bulk
from engine.klaviyo.lanes import Lanes, Waiting
from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, EVENTS
from engine.klaviyo.reading import Reading
from engine.klaviyo.refusals import Item, lightened, rejected
from engine.klaviyo.request import Builder
from engine.klaviyo.rest import REVISION, Fault, Refused, Rest, fault_of
from engine.klaviyo.windows import RATE_SHARE, Windows
from engine.ports import Timer, Transport

PATIENCE_SECONDS = 600.0
LONGEST_WAIT = 300.0
"""Between two tries, where Klaviyo names no time."""
JOB_SECONDS = 1800.0
"""How long a job of Klaviyo's is followed."""
SHORTEST_JOB = 60.0
LONGEST_POLL = 10.0
WORKERS = 8
BULK_TRIES = 6
"""Rounds in bulk: an event for which Klaviyo always fails costs the others no more than these."""
IMPATIENT_SECONDS = 300.0


class Klaviyo(Reading):
    """One account of Klaviyo.

    *key* is a private API key (`pk_...`), or *access_token* an OAuth token; one of them. *rate_share* is the
    part of Klaviyo's limits that is ours: the account's other integrations use the same ones.
    *patience_seconds* is how long `deliver` goes on trying. *url*, *transport*, *clock* and *windows* are for
    stand-ins and tests. Raises ValueError where there is no key, or two.
    """

    def __init__(
        self,
        key: str = "",
        *,
        access_token: str = "",
        revision: str = REVISION,
        url: str = "",
        rate_share: float = RATE_SHARE,
        patience_seconds: float = PATIENCE_SECONDS,
        workers: int = WORKERS,
        transport: Transport | None = None,
        clock: Timer | None = None,
        windows: Windows | None = None,
    ) -> None:
        if not isfinite(patience_seconds) or patience_seconds < 0 or workers < 1:
            raise ValueError("patience_seconds is a number from 0 on, and workers at least 1")
        rest = Rest(
            key,
            access_token=access_token,
            revision=revision,
            url=url,
            rate_share=rate_share,
            transport=transport,
            clock=clock,
            windows=windows,
        )
        super().__init__(rest)
        self._clock = rest.clock
        self._patience = patience_seconds
        self._workers = workers
        self._builder = Builder()
        self._impatient_until = 0.0
        """Until when one try has to do: nothing could be sent for as long as patience lasts."""

    @property
    def rate_share(self) -> float:
        """The part of Klaviyo's limits that is ours."""
        return self._rest.rate_share

    def sharing(self, windows: Windows) -> "Klaviyo":
        """The same account, with windows that others keep too; `deliver` tries each request once."""
        made = copy(self)
        made._rest = self._rest.sharing(windows)
        made._patience = 0.0
        return made

    def stop(self) -> None:
        """Let nothing leave any more that has not yet, until `deliver` is called again."""
        self._rest.stopped.set()

    def use(self, key: str = "", *, access_token: str = "") -> None:
        """Send this key, or this token, from the next request on. Raises ValueError as for a new account."""
        self._rest.use(key, access_token=access_token)

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked:
        """The translation with its request, less what Klaviyo would refuse; see `Builder.build`."""
        return self._builder.build(translation, now, backfill=backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Send events and profiles, and say of each in its order what became of it.

        *bulk* packs many into a request, for history and backlog. What is Unavailable is tried again, less
        often each time and when Klaviyo says, until the patience is spent; and once only for the five minutes
        after nothing could be sent for so long. Raises Denied, with the answers that came before.
        """
        first = _firsts(requests)
        if len({*first}) < len(requests):
            return self._deliver_once(requests, first, bulk)
        self._rest.stopped.clear()
        began = self._clock.monotonic()
        until = began + (0.0 if began < self._impatient_until else self._patience)
        answers: dict[int, Answer] = {}
        tried: Counter[int] = Counter()
        for tries in count():
            places = [place for place in range(len(requests)) if _is_waiting(answers.get(place))]
            some = [requests[place] for place in places]
            try:
                if bulk and tries < BULK_TRIES:
                    found = self._in_bulk(some, until)
                else:
                    found = self._one_by_one(some, until, [tried[place] for place in places])
            except Denied as denied:
                denied.answers = answers | _moved(denied.answers, places)
                raise
            answers |= _moved(found, places)
            tried.update(places[at] for at, answer in found.items() if not isinstance(answer, Waiting))
            left = [answer for answer in answers.values() if isinstance(answer, Unavailable)]
            wait = self._wait(tries, left)
            if not left or self._clock.monotonic() + wait > until:
                break
            self._clock.sleep(wait)
        is_out = bool(answers) and all(isinstance(answer, Unavailable) for answer in answers.values())
        self._impatient_until = self._clock.monotonic() + IMPATIENT_SECONDS if is_out else 0.0
        return [answers[place] for place in range(len(requests))]

    def _deliver_once(self, requests: Sequence[Request], first: Sequence[int], bulk: bool) -> list[Answer]:
        """Deliver the first of each event that is repeated; its answer is that of the others too."""
        own = {place: at for at, place in enumerate(dict.fromkeys(first))}
        try:
            found = self.deliver([requests[place] for place in own], bulk=bulk)
        except Denied as denied:
            told = denied.answers
            denied.answers = {at: told[own[place]] for at, place in enumerate(first) if own[place] in told}
            raise
        return [found[own[place]] for place in first]

    def _wait(self, tries: int, answers: Iterable[Unavailable]) -> float:
        """How long to wait before the next try: Klaviyo's word, and not less than our own."""
        own = min(LONGEST_WAIT, 0.5 * 2.0 ** min(tries, 16)) * self._clock.jitter()
        return max([own, *(one.retry_after for one in answers if one.retry_after)])

    def _in_bulk(self, requests: Sequence[Request], until: float) -> dict[int, Answer]:
        """Events first, then profiles. Raises Denied, with the answers that came before."""
        answers: dict[int, Answer] = {}
        events = [place for place, request in enumerate(requests) if request.endpoint == EVENTS]
        profiles = [place for place, request in enumerate(requests) if request.endpoint != EVENTS]
        for places, send in ((events, self.send_events), (profiles, self.import_profiles)):
            try:
                found = send([requests[place] for place in places], until=until)
            except Denied as denied:
                denied.answers = answers | _moved(denied.answers, places)
                raise
            answers |= dict(zip(places, found, strict=True))
        return answers

    def _one_by_one(
        self, requests: Sequence[Request], until: float, tried: Sequence[int]
    ) -> dict[int, Answer]:
        """In several lanes at once. Raises Denied, with the answers that came before."""
        lanes = Lanes(lambda request: self._send_alone(Item(0, request), until), self._rest.stopped)
        try:
            lanes.run(requests, tried, self._workers)
        except Denied as denied:
            denied.answers = lanes.answers
            raise
        return lanes.answers

    def send_event(self, request: Request) -> Answer:
        """Send one event (`POST /api/events`), once.

        A refusal that points at one optional field costs that field: it is left out and noted, and the event
        is sent once again. Raises Denied.
        """
        return self._send_alone(Item(0, request))

    def import_profile(self, request: Request) -> Answer:
        """Create or update one profile (`POST /api/profile-import`), once; refusals as in `send_event`."""
        return self._send_alone(Item(0, request))

    def _send_alone(self, item: Item, until: float | None = None) -> Answer:
        try:
            body = item.request.body
            if item.request.endpoint == EVENTS:
                body = with_meta_placed(body, self.revision)
            answer = self._rest.send(f"POST {item.request.endpoint}", body, until=until)
        except Unavailable as error:
            return error
        except Refused as refused:
            faults = list(refused.faults)
            lighter = lightened(item, faults)
            return self._send_alone(lighter, until) if lighter else rejected(item, faults, refused.status)
        return Accepted(item.left_out, _known_as(answer))

    def send_events(self, requests: Sequence[Request], *, until: float | None = None) -> list[Answer]:
        """Send many events (`POST /api/event-bulk-create-jobs`), once: 1,000 a request and 5 MB at most.

        Events that a refusal points at are set aside, and the rest is sent again; where it points at none,
        the bad one is searched for by halves. One whose `unique_id` is refused as a repetition goes to
        `/api/events`, which passes over repetitions. *until* bounds waits that Klaviyo asks for, on the
        clock's `monotonic`. Raises Denied, with the answers that came before.
        """
        alone = partial(self._send_alone, until=until)
        return _sent(Bulk(batches_of_events, partial(self._post_events, until), alone), requests)

    def import_profiles(self, requests: Sequence[Request], *, until: float | None = None) -> list[Answer]:
        """Create or update many profiles (`POST /api/profile-bulk-import-jobs`), and wait for the end of it.

        10,000 profiles a job and 5 MB at most, none of them twice. A job is followed for half an hour at
        most, and for a minute at least. Otherwise as `send_events`.
        """
        alone = partial(self._send_alone, until=until)
        post = partial(self._post_profiles, until)
        return _sent(Bulk(batches_of_profiles, post, alone, ordered=True), requests)

    def _post_events(self, until: float | None, batch: Batch) -> dict[int, list[Fault]]:
        self._rest.send(f"POST {BULK_EVENTS}", batch.body, until=until)
        return {}

    def _post_profiles(self, until: float | None, batch: Batch) -> dict[int, list[Fault]]:
        """Start a job and follow it; the faults of single profiles. Raises Unavailable and Refused.

        Where its errors name other profiles than it counts, nothing is known of any that is not named.
        """
        job_id = _id_of(self._rest.send(f"POST {BULK_PROFILES}", batch.body, until=until))
        failed = self._followed(job_id, until)
        if failed == 0:
            return {}
        try:
            endpoint = f"GET {BULK_PROFILES}/{{id}}/import-errors"
            errors = [one.get("attributes") for one in self.pages(endpoint, {"page[size]": "100"}, id=job_id)]
        except Refused:
            errors = []
        named = batch.named(fault_of(one) for one in errors if isinstance(one, dict))
        if len(named) == failed:
            return named
        return {order: named.get(order, []) for order in range(len(batch.items))}

    def _followed(self, job_id: str, until: float | None) -> int | None:
        """Wait for the end of a job; how many of its profiles failed, if it says so. Raises Unavailable."""
        now = self._clock.monotonic()
        end = now + JOB_SECONDS if until is None else min(now + JOB_SECONDS, max(until, now + SHORTEST_JOB))
        wait = 1.0
        while True:
            try:
                job = self._rest.send(f"GET {BULK_PROFILES}/{{job_id}}", ids={"job_id": job_id}, until=end)
            except Unavailable:
                job = None  # asked again: the job goes on
            except Refused:
                raise FateUnknown("Klaviyo does not know the import of these profiles any more") from None
            attributes = _attributes(job)
            status = attributes.get("status")
            if status == "complete":
                failed = attributes.get("failed_count")
                return failed if isinstance(failed, int) and not isinstance(failed, bool) else None
            if status == "cancelled":
                raise Unavailable("Klaviyo has cancelled the import of these profiles")
            if self._clock.monotonic() + wait > end:
                raise FateUnknown("Klaviyo has not ended the import of these profiles")
            self._clock.sleep(wait)
            wait = min(wait * 2, LONGEST_POLL)


def _firsts(requests: Sequence[Request]) -> list[int]:
    """Of each request the place of the first that is the same event, word for word; of a profile its own."""
    met: dict[bytes, int] = {}
    return [
        met.setdefault(msgspec.json.encode(request.body), place) if request.endpoint == EVENTS else place
        for place, request in enumerate(requests)
    ]


def _sent(bulk: Bulk, requests: Sequence[Request]) -> list[Answer]:
    try:
        bulk.send([Item(place, request) for place, request in enumerate(requests)])
    except Denied as denied:
        denied.answers = dict(bulk.answers)
        raise
    return [bulk.answers[place] for place in range(len(requests))]


def _moved(answers: Mapping[int, Answer], places: Sequence[int]) -> dict[int, Answer]:
    """Answers by the places that theirs stand for."""
    return {places[at]: answer for at, answer in answers.items()}


def _is_waiting(answer: Answer | None) -> bool:
    return answer is None or isinstance(answer, Unavailable)


def _attributes(answer: Any) -> Mapping[str, Any]:
    data = answer.get("data") if isinstance(answer, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _known_as(answer: Any) -> str:
    """The id in an answer; empty where it has none."""
    try:
        return _id_of(answer)
    except FateUnknown:
        return ""


def _id_of(answer: Any) -> str:
    """The id of a job, fit for an address. Raises FateUnknown where there is none."""
    data = answer.get("data") if isinstance(answer, dict) else None
    found = data.get("id") if isinstance(data, dict) else None
    if (
        isinstance(found, str)
        and found.isascii()
        and found.replace("_", "").replace("-", "").rstrip("=").isalnum()
    ):
        return found
    raise FateUnknown("Klaviyo has taken the profiles, and answers without the id of its job")
