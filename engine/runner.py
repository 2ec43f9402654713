"""`Runner`: the machine that scripts embed. The journey of a notification reads off `translate`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.deadline import TooSlow, within
from engine.events import Notification, Parked, Result, Skipped, Translation
from engine.intercom import webhook
from engine.intercom.records import RecordsFile, read_records
from engine.klaviyo.request import Builder
from engine.language.made import fewer
from engine.language.plan import Plan
from engine.ports import Clock, Record, Records
from engine.router import Router

if TYPE_CHECKING:
    from engine.language.explanation import Explanation

Payload = bytes | str | Mapping[str, Any] | Notification
"""A webhook's body as it came, the same parsed, or a notification that is opened already."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.now(UTC)


class Runner:
    """Specs at work: notifications in, requests for Klaviyo out.

    *plans* come from `load`. *records* answer look-ups: anything with `fetch` (see `Records`), the
    tables themselves (`{"contacts": [...], "teams": [...]}`), or the path of a YAML or JSON file with
    them; without it look-ups give no value. Raises Unreadable where such a file cannot be read.
    *deadline_seconds* parks what a spec has not worked out by then: for specs and payloads of strangers, in
    the main thread of a POSIX process. Without it, the limits on paths and templates stand alone.

        runner = Runner(load("mappings"), records="records.yaml")
        for result in runner.translate(body):
            if isinstance(result, Translation):
                send(result.request.endpoint, result.request.body)
    """

    def __init__(
        self,
        plans: Iterable[Plan],
        *,
        records: Records | Mapping[str, Any] | str | Path | None = None,
        clock: Clock | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        self.router = Router.of(plans)
        self._records = _as_records(records)
        self._clock = clock or SystemClock()
        self._deadline = deadline_seconds
        self._builder = Builder()

    def translate(self, payload: Payload, *, every: bool = False) -> list[Result]:
        """What each spec that answers makes of a notification, in the order of the plans.

        A `Translation` carries its `request`, checked and ready to send; `Skipped` and `Parked` carry
        their reason. There is always at least one result. *every* asks for each element of `each`, not
        only for what the notification tells of. Raises Unreadable for bytes that are no JSON, and for
        JSON that is larger than 20 MB, nested over 64 deep, or of over 50,000 values; nothing else that JSON
        can hold raises.
        """
        notification = self.read(payload)
        if isinstance(notification, Skipped):
            return [notification]
        plans = self.router.match(notification)
        if not plans:
            return [self._unanswered(notification)]
        results: list[Result] = []
        for plan in plans:
            try:
                known = self._look_up(plan, notification, every)
                with within(self._deadline):
                    made = plan.translate(notification, known, every=every)
                    results += [fewer(self._build(one)) for one in made]
            except TooSlow:
                results.append(self._too_slow(plan))
        return results

    def explain(self, payload: Payload, *, every: bool = False) -> "list[Explanation]":
        """The same results, each with where its values came from and why others were left out.

        Raises Unreadable as `translate` does.
        """
        # Imported here: translating needs none of it.
        from engine.language.explanation import Explanation, settled

        notification = self.read(payload)
        if isinstance(notification, Skipped):
            return [Explanation(notification)]
        plans = self.router.match(notification)
        if not plans:
            return [Explanation(self._unanswered(notification))]
        explained: list[Explanation] = []
        for plan in plans:
            try:
                known = self._look_up(plan, notification, every)
                with within(self._deadline):
                    told = plan.explain(notification, known, every=every)
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

    def _look_up(
        self, plan: Plan, notification: Notification, every: bool
    ) -> dict[tuple[str, str], Record | None]:
        """The records that a plan needs for this notification; a record may name further ones."""
        known: dict[tuple[str, str], Record | None] = {}
        if self._records is None or not any(name.kind == "lookup" for name in plan.spec.names):
            return known
        while True:
            with within(self._deadline):  # the records take the time that they take
                wanted = plan.needs(notification, known, every=every)
            if not wanted:
                return known
            for table, ids in sorted(wanted.items()):
                found = self._records.fetch(table, sorted(ids))
                known |= {(table, key): found.get(key) for key in ids}

    def _too_slow(self, plan: Plan) -> Parked:
        return Parked("deadline", f"the spec takes over {self._deadline:g} seconds for it", plan.name)

    def _build(self, result: Result) -> Result:
        if not isinstance(result, Translation):
            return result
        return self._builder.build(result, self._clock.now())


def _as_records(records: Records | Mapping[str, Any] | str | Path | None) -> Records | None:
    if isinstance(records, str | Path):
        return read_records(records)
    return RecordsFile(records) if isinstance(records, Mapping) else records


def _plain(topic: str) -> str:
    """A topic as far as it can be shown: it comes from outside."""
    return topic if topic.isascii() and topic.isprintable() and len(topic) < 80 else "this topic"
