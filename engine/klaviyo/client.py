"""`Klaviyo`: events and profiles delivered, and read back.

Each request ends as `Accepted`, `Unavailable` (to be tried again) or `Rejected`; `Denied` is raised, since it
is no single request's fault. Accepted means that Klaviyo has taken it (202): it is stored a little later.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zlib import crc32

from engine.errors import FateUnknown, NotSent, Unavailable
from engine.events import Accepted, Answer, Parked, Request, Translation
from engine.klaviyo.batches import Batch, batches_of_events, batches_of_profiles, with_meta_placed
from engine.klaviyo.bulk import Bulk
from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, EVENTS, IDENTIFIERS
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
LONGEST_POLL = 10.0
WORKERS = 8


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

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked:
        """The translation with its request, less what Klaviyo would refuse; see `Builder.build`."""
        return self._builder.build(translation, now, backfill=backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Send events and profiles, and say of each in its order what became of it.

        *bulk* packs many into a request, for history and backlog. What is Unavailable is tried again, less
        often each time and when Klaviyo says, until the patience is spent. Raises Denied.
        """
        answers: dict[int, Answer] = {}
        waiting = list(range(len(requests)))
        end = self._clock.monotonic() + self._patience
        tries = 0
        while waiting:
            once = self._in_bulk if bulk else self._one_by_one
            answers |= dict(zip(waiting, once([requests[place] for place in waiting]), strict=True))
            waiting = [place for place in waiting if isinstance(answers[place], Unavailable)]
            wait = self._wait(tries, [answers[place] for place in waiting])
            if self._clock.monotonic() + wait > end:
                break
            if waiting:
                self._clock.sleep(wait)
            tries += 1
        return [answers[place] for place in range(len(requests))]

    def _wait(self, tries: int, answers: Iterable[Answer]) -> float:
        """How long to wait before the next try: Klaviyo's word, and not less than our own."""
        own = min(LONGEST_WAIT, 0.5 * 2.0 ** min(tries, 16)) * self._clock.jitter()
        asked = [one.retry_after for one in answers if isinstance(one, Unavailable) and one.retry_after]
        return max([own, *asked])

    def _in_bulk(self, requests: list[Request]) -> list[Answer]:
        events = [place for place, request in enumerate(requests) if request.endpoint == EVENTS]
        profiles = [place for place, request in enumerate(requests) if request.endpoint != EVENTS]
        found = dict(zip(events, self.send_events([requests[place] for place in events]), strict=True))
        found |= dict(
            zip(profiles, self.import_profiles([requests[place] for place in profiles]), strict=True)
        )
        return [found[place] for place in range(len(requests))]

    def _one_by_one(self, requests: list[Request]) -> list[Answer]:
        """In several lanes at once; what is of one profile stays in its order, in one lane."""
        lanes: dict[int, list[int]] = {}
        for place, request in enumerate(requests):
            lanes.setdefault(crc32(_whom(request).encode()) % self._workers, []).append(place)
        if len(lanes) < 2:
            return self._lane(requests)
        with ThreadPoolExecutor(len(lanes)) as pool:
            rows = [
                (places, pool.submit(self._lane, [requests[place] for place in places]))
                for places in lanes.values()
            ]
        found: dict[int, Answer] = {}
        for places, row in rows:
            found |= dict(zip(places, row.result(), strict=True))
        return [found[place] for place in range(len(requests))]

    def _lane(self, requests: list[Request]) -> list[Answer]:
        """One after another; after one that is Unavailable the rest waits for the next try."""
        answers: list[Answer] = []
        for request in requests:
            answer = self._send_alone(Item(0, request))
            answers.append(answer)
            if isinstance(answer, Unavailable):
                waits = NotSent("it waits behind one that could not be sent", answer.retry_after)
                return answers + [waits] * (len(requests) - len(answers))
        return answers

    def send_event(self, request: Request) -> Answer:
        """Send one event (`POST /api/events`), once.

        A refusal that points at one optional field costs that field: it is left out and noted, and the event
        is sent once again. Raises Denied.
        """
        return self._send_alone(Item(0, request))

    def import_profile(self, request: Request) -> Answer:
        """Create or update one profile (`POST /api/profile-import`), once; refusals as in `send_event`."""
        return self._send_alone(Item(0, request))

    def _send_alone(self, item: Item) -> Answer:
        try:
            body = item.request.body
            if item.request.endpoint == EVENTS:
                body = with_meta_placed(body, self.revision)
            self._rest.send(f"POST {item.request.endpoint}", body)
        except Unavailable as error:
            return error
        except Refused as refused:
            lighter = lightened(item, list(refused.faults))
            return (
                self._send_alone(lighter) if lighter else rejected(item, list(refused.faults), refused.status)
            )
        return Accepted(item.left_out)

    def send_events(self, requests: Sequence[Request]) -> list[Answer]:
        """Send many events (`POST /api/event-bulk-create-jobs`), once: 1,000 a request and 5 MB at most.

        Events that a refusal points at are set aside, and the rest is sent again; where it points at none,
        the bad one is searched for by halves. One whose `unique_id` is refused as a repetition goes to
        `/api/events`, which passes over repetitions. Raises Denied.
        """
        bulk = Bulk(batches_of_events, self._post_events, self._send_alone)
        return _sent(bulk, requests)

    def import_profiles(self, requests: Sequence[Request]) -> list[Answer]:
        """Create or update many profiles (`POST /api/profile-bulk-import-jobs`), and wait for the end of it.

        10,000 profiles a job and 5 MB at most, none of them twice. Raises Denied.
        """
        bulk = Bulk(batches_of_profiles, self._post_profiles, self._send_alone)
        return _sent(bulk, requests)

    def _post_events(self, batch: Batch) -> dict[int, list[Fault]]:
        self._rest.send(f"POST {BULK_EVENTS}", batch.body)
        return {}

    def _post_profiles(self, batch: Batch) -> dict[int, list[Fault]]:
        """Start a job and follow it; the faults of single profiles. Raises Unavailable and Refused."""
        job_id = _id_of(self._rest.send(f"POST {BULK_PROFILES}", batch.body))
        if not self._followed(job_id):
            return {}
        errors = self.pages(f"GET {BULK_PROFILES}/{{id}}/import-errors", {"page[size]": "100"}, id=job_id)
        return batch.named(fault_of(one.get("attributes") or {}) for one in errors)

    def _followed(self, job_id: str) -> bool:
        """Wait for the end of a job; whether anything in it failed. Raises Unavailable."""
        end = self._clock.monotonic() + JOB_SECONDS
        wait = 1.0
        while True:
            try:
                job = self._rest.send(f"GET {BULK_PROFILES}/{{job_id}}", job_id=job_id)
            except Unavailable:
                job = None  # asked again: the job goes on
            attributes = _attributes(job)
            status = attributes.get("status")
            if status == "complete":
                return attributes.get("failed_count") != 0
            if status == "cancelled":
                raise Unavailable("Klaviyo has cancelled the import of these profiles")
            if self._clock.monotonic() + wait > end:
                raise FateUnknown("Klaviyo has not ended the import of these profiles")
            self._clock.sleep(wait)
            wait = min(wait * 2, LONGEST_POLL)


def _sent(bulk: Bulk, requests: Sequence[Request]) -> list[Answer]:
    bulk.send([Item(place, request) for place, request in enumerate(requests)])
    return [bulk.answers[place] for place in range(len(requests))]


def _whom(request: Request) -> str:
    """Whom a request is about."""
    attributes: Mapping[str, Any] = request.body["data"]["attributes"]
    profile = attributes["profile"]["data"]["attributes"] if request.endpoint == EVENTS else attributes
    return next((str(profile[key]) for key in IDENTIFIERS if profile.get(key)), "")


def _attributes(answer: Any) -> Mapping[str, Any]:
    data = answer.get("data") if isinstance(answer, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}


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
