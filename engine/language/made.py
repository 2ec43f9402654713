"""What is made of one element: profile and properties, line by line, and an issue for what fails."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from engine.events import Result
from engine.issues import Issue, Place, counted
from engine.language.faults import Failed, Refused
from engine.language.spec import EVENT_ID, Field
from engine.language.values import Value
from engine.language.work import MOST_OF_ALL, Work, weight

MOST_OF_A_FIELD = 10_000
"""Values that one property may hold."""
MOST_MADE = 250_000
"""Values that one notification may make: 500 events of 150 values each have some 80,000."""
MOST_ISSUES = 50
"""Issues that a result carries; the rest of them is counted."""
MOST_KEYS = 1_000
"""Keys of an object that are looked at to make a property of each; Klaviyo takes 400 properties."""


class Scope(Mapping[str, Any]):
    """The names that values see: those of the spec, and behind them the keys of the item.

    The item is not copied: there may be many elements, and an item may have many keys.
    """

    __slots__ = ("_item", "_names", "work")

    def __init__(self, item: Mapping[str, Any], names: dict[str, Any], work: Work | None = None) -> None:
        self._item = item
        self._names = names
        self.work = work or Work(MOST_OF_ALL)

    def get(self, name: str, default: Any = None) -> Any:
        """What a name stands for; a name of the spec that has no value hides the item's key, too."""
        return self._names[name] if name in self._names else self._item.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self._names[name] if name in self._names else self._item[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._item

    def __iter__(self) -> Iterator[str]:
        return iter({**self._item, **self._names})

    def __len__(self) -> int:
        return len({**self._item, **self._names})

    def put(self, name: str, value: Any) -> None:
        """Give a name its value."""
        self._names[name] = value

    def beside(self, name: str, value: Any) -> "Scope":
        """The same names and one more, to be filled on its own."""
        return Scope(self._item, {**self._names, name: value}, self.work)


@dataclass(slots=True)
class Element:
    """What one event is made from: the names it sees, its time if that was needed, and its issues."""

    scope: Scope
    named: set[str] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    time: datetime | None = None
    room: Work = field(default_factory=lambda: Work(MOST_MADE))
    """What may still be made of the notification, of this element and of the others."""
    looked_up: list[tuple[str, str]] = field(default_factory=list)
    """Whose records were asked for, as tables with ids."""


class Made:
    """What has been made of one element so far."""

    def __init__(self, element: Element, lines: Iterable[Field] = ()) -> None:
        self.element = element
        self._named = {line.name for line in lines if not line.is_spread}
        self.time: datetime | None = None
        self.unique_id = ""
        self.value: Any = None
        self.profile: dict[str, Any] = {}
        self.properties: dict[str, Any] = {}
        self.places: dict[str, Place] = {}

    def worked_out(self, value: Value, label: str) -> Any:
        """The value, or None; what stands in its way becomes an issue."""
        try:
            return value.settle(value.extract(self.element.scope))
        except (Failed, Refused) as error:
            self.element.issues.append(issue_of(error, label, value.place))
            return None

    def text_of(self, value: Value | None) -> str:
        """The text of an id; nothing where it, or a part of it, has no value."""
        return plain_text(self.worked_out(value, "unique_id") if value else None)

    def add_value(self, value: Value | None) -> tuple[str, str] | None:
        """Klaviyo's `value`: a number, or an issue."""
        if value is None:
            return None
        found = self.worked_out(value, "value")
        if isinstance(found, bool) or not isinstance(found, int | float | None):
            self.element.issues.append(
                Issue("refused", "value: this is no number", value.place, field="value")
            )
            found = None
        self.value = found
        self.places["value"] = value.place
        return _required(value, found, "value")

    def add_profile(self, one: Field) -> tuple[str, str] | None:
        """One line of `profile`; or why the event has to wait."""
        label = f"profile.{one.name}"
        found = self.worked_out(one.value, label)
        if found is not None:
            outer, _, inner = one.name.partition(".")
            target = self.profile.setdefault(outer, {}) if inner else self.profile
            found = self._put(target, inner or outer, found, label, one.value.place)
        return _required(one.value, found, label)

    def add_property(self, one: Field) -> tuple[str, str] | None:
        """One line of `properties`, or one property each key of a spread object."""
        label = f"properties.{one.name}"
        if not one.is_spread:
            found = self._set(one.name, self.worked_out(one.value, label), one.value.place)
            return _required(one.value, found, label)
        try:
            spread = one.value.extract(self.element.scope)
        except Failed as error:
            self.element.issues.append(issue_of(error, label, one.value.place))
            spread = None
        if spread is None:
            spread = one.value.default
        if spread is not None and not isinstance(spread, dict):
            self.element.issues.append(
                Issue("refused", f"{label}: this is no object", one.value.place, field=label)
            )
            spread = None
        for key, raw in islice((spread or {}).items(), MOST_KEYS):
            name = one.name.replace("*", key)
            if one.keeps(key) and name not in self._named and name not in self.properties:
                self._set(name, self._settled(one.value, raw, f"properties.{name}"), one.value.place)
        over = len(spread or {}) - MOST_KEYS
        if over > 0:
            message = f"{label}: {counted(over, 'key')} over the first {MOST_KEYS:,} are left out"
            self.element.issues.append(Issue("over-limit", message, one.value.place, field=label))
        return _required(one.value, spread, label)

    def _settled(self, value: Value, raw: Any, label: str) -> Any:
        try:
            return value.type.convert(raw) if value.type and raw is not None else raw
        except Refused as error:
            self.element.issues.append(issue_of(error, label, value.place))
            return None

    def _set(self, name: str, found: Any, place: Place) -> Any:
        if found is None or name == EVENT_ID:
            return found
        return self._put(self.properties, name, found, f"properties.{name}", place)

    def _put(self, target: dict[str, Any], name: str, found: Any, label: str, place: Place) -> Any:
        """Put a value of its own where it belongs; None, and an issue, where there is too much of it."""
        room = Work(MOST_OF_A_FIELD)
        try:
            found = owned(found, room)
            self.element.room.take(MOST_OF_A_FIELD - room.left)
        except Failed as error:
            self.element.issues.append(issue_of(error, label, place))
            return None
        target[name] = found
        self.places[label] = place
        return found


def owned(value: Any, room: Work) -> Any:
    """A copy of a list or an object: what a caller does to a result must not reach specs or records.

    Raises Failed where there is no room for it.
    """
    room.take(weight(value))
    if isinstance(value, dict):
        return {
            key: owned(child, room) if isinstance(child, _COPIED) else child for key, child in value.items()
        }
    if isinstance(value, list):
        return [owned(child, room) if isinstance(child, _COPIED) else child for child in value]
    return value


_COPIED = (list, dict, str)


def plain_text(value: Any) -> str:
    """The text of an id: of text and whole numbers; nothing for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        return str(value).strip()
    except ValueError:  # Python prints no number of thousands of digits
        return ""


def _required(value: Value, found: Any, label: str) -> tuple[str, str] | None:
    if value.required and found is None:
        return "required", f"{label} is required and has no value"
    return None


def issue_of(error: Failed | Refused, label: str, place: Place | None) -> Issue:
    """What stands in the way of a field, as an issue that names the field."""
    if isinstance(error, Refused):
        return Issue("refused", f"{label}: this is {error}", place, field=label)
    return Issue("failed", f"{label}: {error}", place, field=label)


def fewer(result: Result) -> Result:
    """The result with its first issues, and how many more there are."""
    over = len(result.issues) - MOST_ISSUES
    if over <= 0:
        return result
    first = result.issues[MOST_ISSUES]
    more = Issue(first.code, f"and {counted(over, 'more issue')}, of which this is the first", first.place)
    return replace(result, issues=(*result.issues[:MOST_ISSUES], more))
