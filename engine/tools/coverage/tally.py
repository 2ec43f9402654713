"""What is counted of one spec while it works: which lines gave a value, and which conditions held."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.events import Notification, Parked, Result, Skipped, Translation
from engine.issues import Place
from engine.language.conditions import Condition
from engine.language.faults import Failed, Refused
from engine.language.made import Element
from engine.language.names import SECTIONS
from engine.language.plan import Plan
from engine.language.reference import Run
from engine.language.spec import Spec
from engine.language.values import Value
from engine.ports import Known

LOSSES = ("refused", "failed", "no-record", "over-limit", "not-accepted")
"""Codes of issues for which a line gave no value, though there was something to make it of."""
_OUTCOMES = {Translation: "made", Skipped: "skipped", Parked: "parked"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a spec: `had` of `of` events had a value by it.

    Events that were parked count, and those that were skipped do not; for `each` it is notifications.
    `lost` says how many lost the value, by the code of the issue. `keys`, of a line that spreads an
    object, says how many had each key; `by_metric` has `had` and `of` of each metric.
    """

    section: str
    name: str
    place: Place
    of: int
    had: int
    lost: Mapping[str, int]
    by_metric: Mapping[str, tuple[int, int]]
    is_spread: bool = False
    keys: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of `when`: for how many events, or elements of `each`, it held, and for how many it failed."""

    text: str
    place: Place
    held: int
    failed: int
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpecCount:
    """A spec, how many notifications came to it, and what became of them.

    `made` counts what would be sent; `why` counts the reasons of all else, in words.
    """

    spec: Spec
    notifications: int
    made: int
    skipped: int
    parked: int
    why: Mapping[str, int]
    lines: tuple[Line, ...]
    conditions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class WatchedPlan(Plan):
    """A plan that counts what it makes."""

    tally: "Tally" = field(compare=False, repr=False)

    def translate(self, notification: Notification, known: Known, *, every: bool = False) -> list[Result]:
        """The same results; what they were made from waits in the tally."""
        run = _WatchedRun(self.spec, notification, known, self.tally)
        self.tally.waiting = run.made(every=every)
        return [result for result, _ in self.tally.waiting]


class _WatchedRun(Run):
    """A run that tells of every line of `when` whether it holds, also of those after one that does not."""

    def __init__(self, spec: Spec, notification: Notification, known: Known, tally: "Tally") -> None:
        super().__init__(spec, notification, known)
        self._tally = tally

    def failing(self, element: Element, *, looking_up: bool = False) -> Condition | None:
        """The same condition; each has been counted."""
        failing = super().failing(element, looking_up=looking_up)
        held, failed = self._tally.held, self._tally.failed
        at = len(self.spec.conditions) if failing is None else self.spec.conditions.index(failing)
        held.update(condition.place for condition in self.spec.conditions[:at])
        for condition in self.spec.conditions[at:]:
            if condition is failing:
                failed[condition.place] += 1
                self.name_all(element)
            elif not any(name.kind == "lookup" for name in self.behind(condition.path)):
                # What asks records is left out: none are fetched for what is not wanted.
                holds = condition.holds(_found(condition.path, element))
                (held if holds else failed)[condition.place] += 1
        return failing


def _found(value: Value, element: Element) -> Any:
    try:
        return value.extract(element.scope)
    except Failed:
        return None


class _Written(NamedTuple):
    """A line as it stands in a spec."""

    section: str
    name: str
    value: Value
    is_spread: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it stands under `let`, `lookups` or `each`."""
        return self.section in SECTIONS

    def given(self, element: Element) -> Any:
        """Its value, of an event that was not made. Raises Failed and Refused."""
        raw = self.value.extract(element.scope)
        if self.is_spread:
            found = self.value.default if raw is None else raw
            return found if isinstance(found, dict) and found else None
        found = self.value.settle(raw)
        if self.section == "value" and (isinstance(found, bool) or not isinstance(found, int | float | None)):
            raise Refused("no number")
        return found


def _written_in(spec: Spec) -> Iterator[_Written]:
    """The lines of a spec that make values, those that it takes in among them."""
    section_of = {kind: section for section, kind in SECTIONS.items()}
    for name in spec.names:
        yield _Written(section_of[name.kind], name.name, name.value)
    for label, value in (("time", spec.time), ("unique_id", spec.unique_id), ("value", spec.value)):
        if value is not None:
            yield _Written(label, label, value)
    for section, fields in (("profile", spec.profile), ("properties", spec.properties)):
        for line in fields:
            yield _Written(section, line.name, line.value, line.is_spread)


def _key_of(line: str, label: str) -> str:
    """The key of a spread object that made a property: `plan` for `properties.Attribute plan`."""
    before, _, after = line.partition("*")
    name = label.removeprefix("properties.")
    return name[len(before) : len(name) - len(after)]


class Tally:
    """What is counted of one spec."""

    def __init__(self, spec: Spec) -> None:
        self.waiting: list[tuple[Result, Element | None]] = []
        """What the spec made of the notification at hand, before it is known what Klaviyo takes of it."""
        self.held: Counter[Place] = Counter()
        self.failed: Counter[Place] = Counter()
        self._spec = spec
        self._lines = tuple(_written_in(spec))
        self._came: Counter[str] = Counter()
        self._why: Counter[str] = Counter()
        self._had: Counter[Place] = Counter()
        self._lost: Counter[tuple[Place, str]] = Counter()
        self._spread = {line.value.place: line.name for line in spec.properties if line.is_spread}
        self._keys: dict[Place, Counter[str]] = {place: Counter() for place in self._spread}

    def count(self, results: Iterator[Result]) -> None:
        """Count what came of a notification: the next results are this spec's, as they would be sent."""
        waiting, self.waiting = self.waiting, []
        self._came["notifications"] += 1
        first = waiting[0][0]
        if self._spec.each and not (isinstance(first, Skipped) and first.reason in ("no_item", "no_element")):
            self._had[self._spec.each.value.place] += 1
        for made, element in waiting:
            result = next(results)
            outcome = _OUTCOMES[type(result)]
            self._came[outcome] += 1
            if not isinstance(result, Translation):
                self._why[f"{outcome}: {result.detail}"] += 1
            if element and not isinstance(made, Skipped):
                self._count_lines(made, element, result)

    def _count_lines(self, made: Result, element: Element, result: Result) -> None:
        self._came["events"] += 1
        lost = {(issue.place, issue.code) for issue in result.issues if issue.place and issue.code in LOSSES}
        had = set(self._named(element))
        if isinstance(made, Translation):
            gone = {issue.field for issue in result.issues if issue.code in ("over-limit", "not-accepted")}
            had |= self._made_by(made, gone)
        else:
            given, refused = self._given(element)
            lost |= refused
            had |= given - {place for place, _ in lost}
        self._had.update(had)
        self._lost.update(lost)

    def _named(self, element: Element) -> Iterator[Place]:
        """The lines of `let` and `lookups` that stand for something."""
        for name in self._spec.names:
            found = element.scope.get(name.name)
            if name.kind != "each" and found is not None and not (name.kind == "lookup" and found == []):
                yield name.value.place

    def _made_by(self, made: Translation, gone: set[str]) -> set[Place]:
        """The lines that made something, less what Klaviyo would refuse."""
        had = {value.place for value in (self._spec.time, self._spec.unique_id) if value}
        for label, place in made.places.items():
            if label in gone or (label == "value" and made.value is None):
                continue
            had.add(place)
            if place in self._spread:
                self._keys[place][_key_of(self._spread[place], label)] += 1
        return had

    def _given(self, element: Element) -> tuple[set[Place], set[tuple[Place, str]]]:
        """Of an event that was not made: the lines that have a value all the same, and what they lose."""
        given: set[Place] = set()
        lost: set[tuple[Place, str]] = set()
        for line in (line for line in self._lines if not line.is_name):
            place = line.value.place
            try:
                if line.given(element) is not None:
                    given.add(place)
            except Refused:
                lost.add((place, "refused"))
            except Failed:
                lost.add((place, "failed"))
        return given, lost

    def counted(self) -> SpecCount:
        """The counts as they stand."""
        came = self._came
        return SpecCount(
            self._spec,
            came["notifications"],
            came["made"],
            came["skipped"],
            came["parked"],
            self._why,
            tuple(map(self._counted, self._lines)),
            tuple(
                Asked(one.text, one.place, self.held[one.place], self.failed[one.place], (self._spec.name,))
                for one in self._spec.conditions
            ),
        )

    def _counted(self, line: _Written) -> Line:
        value = line.value
        of = self._came["notifications" if line.section == "each" else "events"]
        had = self._had[value.place]
        return Line(
            line.section,
            line.name,
            value.place,
            of,
            had,
            {code: times for (place, code), times in sorted(self._lost.items()) if place == value.place},
            {self._spec.name: (had, of)},
            line.is_spread,
            self._keys.get(value.place, {}),
        )
