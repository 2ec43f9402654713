"""Klaviyo's filters in queries: `and(equals(metric_id,"X"),greater-than(datetime,2026-11-01T00:00:00Z))`.

Read into conditions, and refused where Klaviyo's specification does not list a field or an operator for the
endpoint.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.sandbox.klaviyo.bodies import moment_of
from engine.sandbox.klaviyo.problems import PARENTHESES, Refusal, bad_parameter, not_modelled

_ORDER = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
_ONE = ("any", "equals")
ALLOWED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "GET /api/events": {
        "metric_id": ("equals",),
        "profile_id": ("equals",),
        "profile": ("has",),
        "metric": ("has",),
        "datetime": _ORDER,
        "timestamp": _ORDER,
    },
    "GET /api/profiles": {
        "id": _ONE,
        "email": _ONE,
        "phone_number": _ONE,
        "external_id": _ONE,
        "_kx": ("equals",),
        "created": ("greater-than", "less-than"),
        "updated": ("greater-than", "less-than"),
    },
    "GET /api/metrics": {"integration.name": ("equals",), "integration.category": ("equals",)},
    "GET /api/profile-bulk-import-jobs": {"status": _ONE},
    "POST /api/metric-aggregates": {"datetime": ("greater-or-equal", "less-than")},
}
"""The fields and operators of each endpoint (those of consent are not modelled)."""
LISTS_IN_EQUALS = {"metric_id", "id", "email", "phone_number", "external_id", "status"}
TIMES = {"datetime", "created", "updated"}
DEEPEST = 20
_NAME = re.compile(r"[A-Za-z_.$-]+")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_BARE = re.compile(r"[^\s,()\[\]\"']+")
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: all of a filter hold together. `values` are texts, numbers or moments."""

    operator: str
    field: str
    values: tuple[Any, ...] = ()

    def holds(self, found: Any) -> bool:
        """Whether what was found at the field satisfies it."""
        if self.operator == "has":
            return bool(found)
        if found is None:
            return False
        if self.operator in _ONE:
            return found in self.values
        [value] = self.values
        if self.operator == "greater-than":
            return bool(found > value)
        if self.operator == "greater-or-equal":
            return bool(found >= value)
        return bool(found < value if self.operator == "less-than" else found <= value)


def conditions_of(text: str, endpoint: str) -> list[Condition]:
    """The conditions of a filter. Raises Refusal."""
    reader = _Reader(text)
    found = reader.calls(0)
    if not reader.is_over:
        raise _refused()
    return [_checked(condition, endpoint) for condition in found]


def _refused(detail: str = PARENTHESES) -> Refusal:
    return Refusal(bad_parameter(detail, "filter"))


class _Reader:
    """A filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def is_over(self) -> bool:
        self._skip(_SPACE)
        return self._at == len(self._text)

    def calls(self, depth: int) -> list[Condition]:
        """Conditions with commas between them."""
        found = self._call(depth)
        while self._has(","):
            found += self._call(depth)
        return found

    def _call(self, depth: int) -> list[Condition]:
        operator = self._must(_NAME)
        self._expect("(")
        if operator == "and":
            if depth > DEEPEST:
                raise _refused("Invalid filter provided.")
            inner = self.calls(depth + 1)
            self._expect(")")
            return inner
        field = self._must(_NAME)
        values: tuple[Any, ...] = ()
        is_list = False
        if self._has(","):
            is_list = self._has("[")
            values = self._listed() if is_list else (self._value(),)
        self._expect(")")
        if is_list and operator == "equals" and field not in LISTS_IN_EQUALS:
            raise _refused(f"Invalid value for the field {field}.")
        if is_list and operator not in _ONE:
            raise _refused(f"Invalid value for the field {field}.")
        return [Condition(operator, field, values)]

    def _listed(self) -> tuple[Any, ...]:
        if self._has("]"):
            return ()
        values = [self._value()]
        while self._has(","):
            values.append(self._value())
        self._expect("]")
        return tuple(values)

    def _value(self) -> str:
        self._skip(_SPACE)
        if match := _TEXT.match(self._text, self._at):
            self._at = match.end()
            inner = match[1] if match[1] is not None else match[2]
            return "'" + re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)
        return self._must(_BARE)

    def _must(self, pattern: re.Pattern[str]) -> str:
        self._skip(_SPACE)
        match = pattern.match(self._text, self._at)
        if not match:
            raise _refused()
        self._at = match.end()
        return match[0]

    def _expect(self, sign: str) -> None:
        if not self._has(sign):
            raise _refused()

    def _has(self, sign: str) -> bool:
        self._skip(_SPACE)
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at


def _checked(condition: Condition, endpoint: str) -> Condition:
    allowed = ALLOWED[endpoint].get(condition.field)
    if condition.field.startswith("subscriptions."):
        raise Refusal(not_modelled(f"filters on {condition.field[:60]}"))
    if allowed is None:
        raise _refused(f"'{condition.field}' is not an allowed filter field.")
    if condition.operator not in allowed:
        detail = f"'{condition.operator}' is not an allowed filter operator for {condition.field}"
        raise _refused(detail)
    if bool(condition.values) == (condition.operator == "has"):
        raise _refused(f"Invalid value for the field {condition.field}.")
    values = tuple(_typed(condition.field, value) for value in condition.values)
    return Condition(condition.operator, condition.field, values)


def _typed(field: str, text: str) -> Any:
    """A value as its field has it: a text in quotes, a moment or a number without."""
    is_quoted = text.startswith("'")
    found: Any = None
    if field in TIMES and not is_quoted:
        found = moment_of(text if len(text) > 10 else f"{text}T00:00:00")
    elif field == "timestamp" and not is_quoted:
        found = float(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", text) else None
    elif field not in TIMES and field != "timestamp" and is_quoted:
        found = text[1:]
    if found is None:
        raise _refused(f"Invalid value for the field {field}.")
    return found
