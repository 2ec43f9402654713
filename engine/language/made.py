"""What is made of one element: profile and properties, line by line, and an issue for what fails."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.issues import Issue, Place
from engine.language.faults import Failed, Refused
from engine.language.spec import EVENT_ID, Field
from engine.language.values import Value


@dataclass(slots=True)
class Element:
    """What one event is made from: the names it sees, its time if that was needed, and its issues."""

    scope: dict[str, Any]
    named: set[str] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    time: datetime | None = None


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
            if inner:
                self.profile.setdefault(outer, {})[inner] = owned(found)
            else:
                self.profile[outer] = owned(found)
            self.places[label] = one.value.place
        return _required(one.value, found, label)

    def add_property(self, one: Field) -> tuple[str, str] | None:
        """One line of `properties`, or one property each key of a spread object."""
        label = f"properties.{one.name}"
        if not one.is_spread:
            found = self.worked_out(one.value, label)
            self._set(one.name, found, one.value.place)
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
        for key, raw in (spread or {}).items():
            name = one.name.replace("*", key)
            if one.keeps(key) and name not in self._named and name not in self.properties:
                self._set(name, self._settled(one.value, raw, f"properties.{name}"), one.value.place)
        return _required(one.value, spread, label)

    def _settled(self, value: Value, raw: Any, label: str) -> Any:
        try:
            return value.type.convert(raw) if value.type and raw is not None else raw
        except Refused as error:
            self.element.issues.append(issue_of(error, label, value.place))
            return None

    def _set(self, name: str, found: Any, place: Place) -> None:
        if found is not None and name != EVENT_ID:
            self.properties[name] = owned(found)
            self.places[f"properties.{name}"] = place


def owned(value: Any) -> Any:
    """A copy of a list or an object: what a caller does to a result must not reach specs or records."""
    if isinstance(value, dict):
        return {key: owned(child) for key, child in value.items()}
    return [owned(element) for element in value] if isinstance(value, list) else value


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
