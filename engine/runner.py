"""`Runner`: the machine that scripts embed. The journey of a notification reads off its methods."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.clock import SystemClock
from engine.deadline import TooSlow, within
from engine.enquiry import Enquiry, settled
from engine.errors import Denied, NotSent
from engine.events import Answer, Delivery, Notification, Parked, Result, Skipped, Translation
from engine.intercom import webhook
from engine.intercom.records import RecordsFile, read_records
from engine.klaviyo.request import Builder
from engine.language.made import fewer
from engine.language.plan import Plan
from engine.ports import Clock, Known, Record, Records, Sink
from engine.relay.machine import ByWorkspace, Learning, Tickets, Worked
from engine.router import Router

if TYPE_CHECKING:
    from engine.language.explanation import Explanation
    from engine.ledger.store import Ledger
    from engine.relay.relay import Relay

Payload = bytes | str | Mapping[str, Any] | Notification
"""A webhook's body as it came, the same parsed, or a notification that is opened already."""


class Runner:
    """Specs at work: notifications in, requests for Klaviyo out.

    *plans* come from `load`. *records* answer look-ups: anything with `fetch` (see `Records`), the
    tables themselves (`{"contacts": [...], "teams": [...]}`), or the path of a YAML or JSON file with
    them; without it look-ups give no value. Raises Unreadable where such a file cannot be read.
    *sink* is where `send` delivers. *ledger*, a file on a disk of this machine, is where `put` keeps what
    `drain` translates and delivers (extra `relay`). *deadline_seconds* parks what a spec has not worked out
    by then: for specs and payloads of strangers, in the main thread of a POSIX process. Without it, the
    limits on paths and templates stand alone.

        runner = Runner(load("mappings"), records=Intercom(token), sink=Klaviyo(key))
        for made in runner.send(body):
            print(made)
    """

    def __init__(
        self,
        plans: Iterable[Plan],
        *,
        records: Records | Mapping[str, Any] | str | Path | None = None,
        sink: Sink | None = None,
        ledger: "Ledger | str | Path | None" = None,
        clock: Clock | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        self.router = Router.of(plans)
        self._records = _as_records(records)
        self._sink = sink
        self._clock = clock or SystemClock()
        self._deadline = deadline_seconds
        self._builder = sink or Builder()
        self._ledger = ledger
        self._relay: Relay | None = None

    def translate(self, payload: Payload, *, every: bool = False, partial: bool = False) -> list[Result]:
        """What each spec that answers makes of a notification, in the order of the plans.

        A `Translation` carries its `request`, checked and ready to send; `Skipped` and `Parked` carry
        their reason. There is always at least one result. *every* asks for each element of `each`, not
        only for what the notification tells of. Where records cannot be asked for now, an event is parked
        (`unavailable`); *partial* lets it go without what are only names. Raises Unreadable for bytes that
        are no JSON, and for JSON that is larger than 20 MB, nested over 64 deep, or of over 50,000 values;
        Denied where the records may not be read; nothing else that JSON can hold raises.
        """
        [results] = self.translate_all([payload], every=every, partial=partial)
        return results

    def translate_all(
        self, payloads: Iterable[Payload], *, every: bool = False, partial: bool = False
    ) -> list[list[Result]]:
        """What comes of each of several notifications, with their look-ups asked for together.

        As `translate`; for some hundreds at once.
        """
        notifications = [self.read(payload) for payload in payloads]
        matched = [() if isinstance(one, Skipped) else self.router.match(one) for one in notifications]
        pairs = [
            (plan, one)
            for one, plans in zip(notifications, matched, strict=True)
            if isinstance(one, Notification)
            for plan in plans
        ]
        asked = Enquiry(self._records, pairs, every=every, deadline_seconds=self._deadline)
        made = iter([self._results(asked, place, every, partial) for place in range(len(pairs))])
        found: list[list[Result]] = []
        for one, plans in zip(notifications, matched, strict=True):
            if isinstance(one, Skipped):
                found.append([one])
            else:
                found.append([result for _ in plans for result in next(made)] or [self._unanswered(one)])
        return found

    def put(self, *bodies: bytes) -> int:
        """Keep bodies of webhooks in the ledger: once this returns, they are on the disk.

        Gives how many of them were new. Their signatures are the caller's to check (`webhook.read`). Raises
        Unreadable for what is no notification, and then keeps none; Unavailable where the disk is full or
        busy; LedgerError where the ledger cannot be used; ValueError for a runner without one.
        """
        return self._relayed().put(bodies)

    def drain(self) -> int:
        """Translate and deliver what is due, and give how many events and profiles were sent.

        Each event goes once, whatever died on the way: what could not be sent now is due again later, and
        stays in the ledger until then. Raises as `put`.
        """
        return self._relayed().work_off()

    def _relayed(self) -> "Relay":
        if self._relay is None:
            # Imported here: only who keeps a ledger needs its libraries.
            from engine.ledger.store import Ledger
            from engine.relay.relay import Relay

            if self._ledger is None:
                raise ValueError("this runner has no ledger: Runner(..., ledger='ledger.db')")
            held = self._ledger
            ledger = held if isinstance(held, Ledger) else Ledger(held, clock=self._clock)
            self._relay = Relay(ledger, self, self._sink)
        return self._relay

    def work_out(
        self, notifications: Sequence[Notification | Skipped], *, every: bool, partial: bool
    ) -> tuple[list[Worked], Known]:
        """What each plan makes of notifications, and the records that were looked up. Raises Denied.

        As `translate_all`, for whoever keeps what comes of it.
        """
        if not isinstance(self._records, ByWorkspace):
            return self._work_out(notifications, self._records, every=every, partial=partial)
        known: dict[tuple[str, str], Record | None] = {}
        found: dict[int, Worked] = {}
        for app_id, places in _by_workspace(notifications).items():
            some = [notifications[place] for place in places]
            records = self._records.of(app_id) if app_id else self._records
            if records is None:
                made = [Worked(one, ((None, _of_nobody(app_id)),)) for one in some]
            else:
                made, own = self._work_out(some, records, every=every, partial=partial)
                known |= own
            found |= dict(zip(places, made, strict=True))
        return [found[place] for place in range(len(notifications))], known

    def _work_out(
        self,
        notifications: Sequence[Notification | Skipped],
        records: Records | None,
        *,
        every: bool,
        partial: bool,
    ) -> tuple[list[Worked], Known]:
        """What each plan makes of notifications of one workspace. Raises Denied."""
        router = self.router
        pairs = [
            (plan, one)
            for one in notifications
            if isinstance(one, Notification)
            for plan in router.match(one)
        ]
        asked = Enquiry(records, pairs, every=every, deadline_seconds=self._deadline)
        place = count()
        found = []
        for one in notifications:
            if isinstance(one, Skipped):
                found.append(Worked(one, ((None, one),)))
                continue
            own = [(plan, next(place)) for plan in router.match(one)]
            made = [(plan, result) for plan, at in own for result in self._results(asked, at, every, partial)]
            found.append(Worked(one, tuple(made or [(None, self._unanswered(one))])))
        return found, asked.known

    def learn(self, contact: Record) -> None:
        """A contact as a notification has it: look-ups that follow should not give an older one."""
        records = self._records_of(str(contact.get("workspace_id") or ""))
        if isinstance(records, Learning):
            records.learn("contact", contact)

    def ticket(self, app_id: str, ticket_id: str) -> Mapping[str, Any] | None:
        """A ticket as it is now, where the records can say. Raises Unavailable and Denied."""
        records = self._records_of(app_id)
        return records.ticket(ticket_id) if isinstance(records, Tickets) else None

    def _records_of(self, app_id: str) -> Records | None:
        return self._records.of(app_id) if isinstance(self._records, ByWorkspace) else self._records

    def send(
        self, payload: Payload, *, every: bool = False, partial: bool = False
    ) -> list[Delivery | Skipped | Parked]:
        """Translate a notification and deliver what comes of it.

        A `Delivery` says what became of its translation: Accepted, Unavailable (the sink has tried for as
        long as its patience lasts) or Rejected. To send one again is safe: ids make repeats one event.
        Raises Unreadable as `translate` does, Denied where a key is not accepted, and ValueError for a
        runner without a sink.
        """
        [made] = self.send_all([payload], every=every, partial=partial)
        return made

    def send_all(
        self, payloads: Iterable[Payload], *, every: bool = False, partial: bool = False, bulk: bool = False
    ) -> list[list[Delivery | Skipped | Parked]]:
        """Translate and deliver several notifications; *bulk* packs many events into a request."""
        return self.deliver(self.translate_all(payloads, every=every, partial=partial), bulk=bulk)

    def deliver(
        self, results: Iterable[list[Result]], *, bulk: bool = False
    ) -> list[list[Delivery | Skipped | Parked]]:
        """Deliver what was translated; what was skipped or parked stays as it is.

        Raises Denied, whose `rows` are the same, with NotSent for what was not answered before.
        """
        if self._sink is None:
            raise ValueError("this runner has no sink to send to: Runner(..., sink=Klaviyo(key))")
        rows = list(results)
        requests = [
            one.request for row in rows for one in row if isinstance(one, Translation) and one.request
        ]
        try:
            answers = dict(enumerate(self._sink.deliver(requests, bulk=bulk)))
        except Denied as denied:
            denied.rows = _delivered(rows, denied.answers)
            raise
        return _delivered(rows, answers)

    def _results(self, asked: Enquiry, place: int, every: bool, partial: bool) -> list[Result]:
        """What comes of one plan and one notification."""
        plan, notification = asked.pairs[place]
        try:
            with within(self._deadline):
                missing = asked.missing(place)
                made = plan.translate(notification, asked.known, every=every)
                results = [settled(one, plan, missing, partial=partial) for one in made]
                return [fewer(self._build(one)) for one in results]
        except TooSlow:
            return [self._too_slow(plan)]

    def explain(self, payload: Payload, *, every: bool = False) -> "list[Explanation]":
        """The same results, each with where its values came from and why others were left out.

        Raises Unreadable and Denied as `translate` does.
        """
        # Imported here: translating needs none of it.
        from engine.language.explanation import Explanation, settled

        notification = self.read(payload)
        if isinstance(notification, Skipped):
            return [Explanation(notification)]
        pairs = [(plan, notification) for plan in self.router.match(notification)]
        if not pairs:
            return [Explanation(self._unanswered(notification))]
        asked = Enquiry(self._records, pairs, every=every, deadline_seconds=self._deadline)
        explained: list[Explanation] = []
        for plan, whole in asked.pairs:
            try:
                with within(self._deadline):
                    told = plan.explain(whole, asked.known, every=every)
                    explained += [settled(one, self._build(one.result)) for one in told]
            except TooSlow:
                explained.append(Explanation(self._too_slow(plan)))
        return explained

    def read(self, payload: Payload) -> Notification | Skipped:
        """Open a notification. Raises Unreadable."""
        return payload if isinstance(payload, Notification) else webhook.read_body(payload)

    def _unanswered(self, notification: Notification) -> Skipped:
        if notification.topic == "ping":
            return Skipped("ping", "Intercom tests the connection")
        if notification.history:
            return Skipped("no_spec", "no spec takes the past of such objects (`history:`)")
        if not notification.topic:
            return Skipped("no_spec", "the notification has no topic")
        topic = _plain(notification.topic)
        if len(self.router.plans) == 1:
            [plan] = self.router.plans
            answers = ", ".join(plan.spec.topics)
            return Skipped("no_spec", f"{plan.name} answers {answers}, and this is {topic}")
        return Skipped("no_spec", f"no spec answers {topic}")

    def _too_slow(self, plan: Plan) -> Parked:
        return Parked("deadline", f"the spec takes over {self._deadline:g} seconds for it", plan.name)

    def _build(self, result: Result) -> Result:
        if not isinstance(result, Translation):
            return result
        return self._builder.build(result, self._clock.now())


def _delivered(
    rows: Iterable[list[Result]], answers: Mapping[int, Answer]
) -> list[list[Delivery | Skipped | Parked]]:
    """The results with the answers to their requests, in their order."""
    place = count()
    return [
        [
            Delivery(one, answers.get(next(place), NotSent("it was not sent")))
            if isinstance(one, Translation) and one.request
            else _unmade(one)
            for one in row
        ]
        for row in rows
    ]


def _unmade(result: Result) -> Skipped | Parked:
    """What is no request; a translation without one comes from a script that has not built it."""
    if isinstance(result, Translation):
        raise ValueError("a translation without a request cannot be delivered")
    return result


def _by_workspace(notifications: Sequence[Notification | Skipped]) -> dict[str, list[int]]:
    """The places of notifications by the workspace that they come from."""
    found: dict[str, list[int]] = {}
    for place, one in enumerate(notifications):
        found.setdefault(one.app_id if isinstance(one, Notification) else "", []).append(place)
    return found


def _of_nobody(app_id: str) -> Skipped:
    return Skipped("other_workspace", f"no token is set for {_plain(app_id) or 'this workspace'}")


def _as_records(records: Records | Mapping[str, Any] | str | Path | None) -> Records | None:
    if isinstance(records, str | Path):
        return read_records(records)
    return RecordsFile(records) if isinstance(records, Mapping) else records


def _plain(topic: str) -> str:
    """A topic as far as it can be shown: it comes from outside."""
    return topic if topic.isascii() and topic.isprintable() and len(topic) < 80 else "this topic"
