"""Two folders of mappings over the same notifications: which events appear, vanish or change."""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from engine.clock import SystemClock
from engine.events import Parked, Result, Skipped, Translation
from engine.issues import Issue, Place
from engine.language.conversions import iso
from engine.language.plan import Plan
from engine.language.spec import EVENT_ID, Spec
from engine.ports import Clock, Records
from engine.runner import Payload, Runner
from engine.tools.diff.pairs import pairs_of
from engine.tools.equality import is_same

KINDS = (
    "id", "vanished", "appeared", "outcome", "endpoint", "type", "removed", "added", "value", "issue",
)  # fmt: skip
"""What may differ, the most dangerous first: an event with another id is sent again and counts twice."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between what two sides make of a notification.

    `field` is `time`, `unique_id`, `value`, `profile.email` or `properties.Title`; nothing where the
    outcome itself differs. `was` and `now` tell the difference in words without a customer's value,
    `old` and `new` are the values. `place` is the new side's line, or the old one's where only that has
    one; `line` is what that line calls the field (`properties.Attribute *`).
    """

    kind: str
    metric: str
    field: str = ""
    was: str = ""
    now: str = ""
    old: Any = None
    new: Any = None
    place: Place | None = None
    line: str = ""


class Comparison:
    """An old and a new set of plans at work on the same notifications, records and moment."""

    def __init__(
        self,
        old: Iterable[Plan],
        new: Iterable[Plan],
        *,
        records: Records | None = None,
        clock: Clock | None = None,
    ) -> None:
        # One moment for both: the limit on times that lie ahead must not move between them.
        standing = _Standing((clock or SystemClock()).now())
        self._old = _Side(tuple(old), records, standing)
        self._new = _Side(tuple(new), records, standing)

    def compare(self, payload: Payload) -> tuple[Change, ...]:
        """Every difference that a notification shows, the most dangerous first. Raises Unreadable."""
        notification = self._old.runner.read(payload)
        if isinstance(notification, Skipped):
            return ()
        old, new = (_by_name(side.runner.translate(notification)) for side in (self._old, self._new))
        changes = [change for name in {**old, **new} for change in self._of_one(name, old, new)]
        return tuple(sorted(changes, key=lambda change: KINDS.index(change.kind)))

    def _of_one(
        self, name: str, old: Mapping[str, list[Result]], new: Mapping[str, list[Result]]
    ) -> Iterator[Change]:
        """The changes of one metric or profile."""
        before, after = old.get(name, []), new.get(name, [])
        for was, now in pairs_of(before, after):
            if isinstance(was, Translation) and isinstance(now, Translation):
                yield from self._between(was, now)
                continue
            kind = "outcome"
            if was is None and isinstance(now, Translation):
                kind = "appeared"
            elif now is None and isinstance(was, Translation):
                kind = "vanished"
            told = _words(was) if was else self._old.why_none(name, before)
            telling = _words(now) if now else self._new.why_none(name, after)
            if not _same_outcome(was, now):
                yield Change(kind, name, "", told, telling)

    def _between(self, old: Translation, new: Translation) -> Iterator[Change]:
        """What differs between two events, or two profiles, that are the same one."""
        before, after = self._old.spec_of(old), self._new.spec_of(new)
        if _endpoint(old) != _endpoint(new):
            yield Change("endpoint", new.metric, "", _endpoint(old), _endpoint(new))
        elif old.unique_id != new.unique_id:
            label, place = "unique_id", _place_of(after, "unique_id")
            ids = old.unique_id, new.unique_id
            yield Change("id", new.metric, label, _template(before), _template(after), *ids, place, label)
        told, telling = self._old.fields_of(old), self._new.fields_of(new)
        for label in {**told, **telling}:
            yield from _of_field(new.metric, label, told.get(label), telling.get(label))
        yield from _of_issues(new.metric, old.issues, new.issues)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A clock that stands still."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


class _Told(NamedTuple):
    """A field that is sent: its value, the line that made it, and what that line calls it."""

    value: Any
    place: Place | None
    line: str


class _Side:
    """One set of plans, and what is known of it besides its results."""

    def __init__(self, plans: tuple[Plan, ...], records: Records | None, clock: Clock) -> None:
        self.runner = Runner(plans, records=records, clock=clock)
        self._specs = {(plan.spec.stem, plan.hash): plan.spec for plan in plans}
        self._spread = {
            (key, line.value.place): f"properties.{line.name}"
            for key, spec in self._specs.items()
            for line in spec.properties
            if line.is_spread
        }

    def spec_of(self, made: Translation) -> Spec:
        """The spec that made it."""
        return self._specs[made.spec, made.spec_hash]

    def why_none(self, name: str, results: list[Result]) -> str:
        """Why nothing came under a name, or nothing more than what has its counterpart."""
        skipped = next((result for result in results if isinstance(result, Skipped)), None)
        if skipped:
            return f"skipped: {skipped.detail}"
        if results:
            return "not among its events"
        known = any(spec.name == name for spec in self._specs.values())
        return "not answered by its spec" if known else "without a spec"

    def fields_of(self, made: Translation) -> dict[str, _Told]:
        """All that is sent but the id, by its label."""
        spec = self.spec_of(made)
        fields = {}
        if made.time:
            fields["time"] = _Told(iso(made.time), _place_of(spec, "time"), "time")
        for label, value in _labelled(made):
            place = made.places.get(label)
            line = self._spread.get(((made.spec, made.spec_hash), place)) if place else None
            fields[label] = _Told(value, place, line or label)
        return fields


def _endpoint(made: Translation) -> str:
    return made.request.endpoint if made.request else ""


def _labelled(made: Translation) -> Iterator[tuple[str, Any]]:
    if made.value is not None:
        yield "value", made.value
    for name, value in made.profile.items():
        if name == "location" and isinstance(value, dict):
            yield from ((f"profile.location.{key}", child) for key, child in value.items())
        else:
            yield f"profile.{name}", value
    for name, value in made.properties.items():
        if name != EVENT_ID:  # it repeats the id
            yield f"properties.{name}", value


def _place_of(spec: Spec, label: str) -> Place | None:
    value = spec.time if label == "time" else spec.unique_id
    return value.place if value else None


def _template(spec: Spec) -> str:
    """The id as the author wrote it."""
    return " ".join(spec.unique_id.text.split()) if spec.unique_id else ""


def _by_name(results: list[Result]) -> dict[str, list[Result]]:
    named: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if result.metric:
            named[result.metric].append(result)
    return dict(named)


def _same_outcome(old: Result | None, new: Result | None) -> bool:
    """Whether neither is sent, and for the same reason."""
    return isinstance(old, Parked) and isinstance(new, Parked) and old.reason == new.reason


def _words(made: Result) -> str:
    if isinstance(made, Translation):
        return "event" if made.unique_id else "profile"
    return f"parked, {made.reason}: {made.detail}"


# What differs in one field


def _of_field(metric: str, label: str, old: _Told | None, new: _Told | None) -> Iterator[Change]:
    was, now = (kind_of(told.value) if told else "" for told in (old, new))
    values = old.value if old else None, new.value if new else None
    place, line = ((new or old) or _Told(None, None, label))[1:]
    if not (old and new):
        yield Change("added" if new else "removed", metric, label, was, now, *values, place, line)
    elif was != now:
        yield Change("type", metric, label, was, now, *values, place, line)
    elif not is_same(*values):
        yield Change("value", metric, label, was, now, *values, place, line)


def _of_issues(metric: str, old: tuple[Issue, ...], new: tuple[Issue, ...]) -> Iterator[Change]:
    """Issues that one side alone has; their words may hold an id, so the code stands for them."""
    before, after = (Counter((issue.code, issue.field) for issue in issues) for issues in (old, new))
    for issue in _extra(old, before - after):
        yield Change("issue", metric, issue.field, issue.code, "", issue.message, None, issue.place)
    for issue in _extra(new, after - before):
        yield Change("issue", metric, issue.field, "", issue.code, None, issue.message, issue.place)


def _extra(issues: tuple[Issue, ...], extra: Counter[tuple[str, str]]) -> Iterator[Issue]:
    for issue in issues:
        if extra[issue.code, issue.field] > 0:
            extra[issue.code, issue.field] -= 1
            yield issue


def kind_of(value: Any) -> str:
    """What a value is to Klaviyo, whose segments treat a text that is a date as one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "date" if _DATE.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


# Many inputs


@dataclass(frozen=True, slots=True)
class Group:
    """The same change in several inputs, and of several metrics where a shared line makes it."""

    changes: tuple[Change, ...]
    inputs: tuple[str, ...]
    """Each input once, in the order of reading."""

    @property
    def change(self) -> Change:
        """The first of them: they differ in metric, in values, and in fields of one line at most."""
        return self.changes[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics and profiles, each once."""
        return tuple(dict.fromkeys(change.metric for change in self.changes))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the values are to Klaviyo, each once; for another type, what they were and are."""
        return tuple(dict.fromkeys(" -> ".join(_kinds(change)) for change in self.changes))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields, each once: several where one line spreads an object."""
        return tuple(dict.fromkeys(change.field for change in self.changes))


def _kinds(change: Change) -> tuple[str, ...]:
    return (change.was, change.now) if change.kind == "type" else (change.now or change.was,)


def gather(found: Iterable[tuple[str, Change]]) -> list[Group]:
    """Changes with their input -> each kind of change once, the most dangerous and most frequent first."""
    groups: dict[Hashable, list[tuple[str, Change]]] = defaultdict(list)
    for name, change in found:
        where = change.place if change.field and change.place else change.metric
        words = ("", "") if change.kind in ("removed", "added") else (change.was, change.now)
        groups[change.kind, change.line, words, where].append((name, change))
    gathered = [
        Group(tuple(change for _, change in rows), tuple(dict.fromkeys(name for name, _ in rows)))
        for rows in groups.values()
    ]
    return sorted(gathered, key=lambda group: (KINDS.index(group.change.kind), -len(group.inputs)))
