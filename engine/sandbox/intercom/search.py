"""Intercom's search language: a query -> whether an object is meant, or why the query is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.sandbox.intercom.fields import (
    BOOLEAN,
    DATE,
    INTEGER,
    STRING,
    STRINGS,
    TAG,
    WORDS,
    Field,
    field_of,
)
from engine.sandbox.intercom.refusals import Refusal, invalid
from engine.sandbox.intercom.view import View

MOST_FILTERS = 15
DEEPEST_GROUP = 2

Meant = Callable[[Any], bool]
"""Whether an object is among those that are searched for."""

_EQUAL, _LISTED = ("=", "!="), ("IN", "NIN")
_ORDERED, _TEXTUAL = ("<", "<=", ">", ">="), ("~", "!~", "^", "$")
_OPERATORS = {
    STRING: (*_EQUAL, *_LISTED, *_TEXTUAL),
    STRINGS: (*_EQUAL, *_LISTED),
    WORDS: (*_EQUAL, *_LISTED, *_TEXTUAL),
    INTEGER: (*_EQUAL, *_LISTED, *_ORDERED),
    DATE: (*_EQUAL, *_LISTED, *_ORDERED),
    BOOLEAN: (*_EQUAL, *_LISTED),
    TAG: _EQUAL,
}
_BY_DAY = ("=", "<", ">")
"""All that dates of contacts can be compared by."""


@dataclass(frozen=True, slots=True)
class Search:
    """Queries for one kind of objects: `conversations`, `tickets` or `contacts`."""

    view: View
    kind: str

    def meant(self, query: Any) -> Meant:
        """What a query means. Raises Refusal."""
        if not isinstance(query, dict):
            raise Refusal(400, "parameter_not_found", "query is missing")
        return self._group(query, 1) if "field" not in query else self._filter(query)

    def _group(self, query: Any, depth: int) -> Meant:
        if not isinstance(query, dict) or query.get("operator") not in ("AND", "OR"):
            raise invalid("a query is a filter, or filters joined by AND or OR")
        parts = query.get("value")
        if not isinstance(parts, list) or not parts:
            raise invalid("a group's value is a list of filters")
        if len(parts) > MOST_FILTERS:
            raise invalid(f"a group has at most {MOST_FILTERS} filters")
        if depth > DEEPEST_GROUP:
            raise invalid(f"filters are nested at most {DEEPEST_GROUP} deep")
        tests = [
            self._filter(one) if isinstance(one, dict) and "field" in one else self._group(one, depth + 1)
            for one in parts
        ]
        joined = all if query["operator"] == "AND" else any
        return lambda one: joined(test(one) for test in tests)

    def _filter(self, query: dict[str, Any]) -> Meant:
        name, operator, wanted = query.get("field"), query.get("operator"), query.get("value")
        field = field_of(self.view, self.kind, name) if isinstance(name, str) else None
        if field is None:
            raise invalid(f"Invalid field '{name}'", "invalid_field")
        allowed = _BY_DAY if self._by_day(field) else _OPERATORS[field.kind]
        if not isinstance(operator, str) or operator not in allowed:
            raise invalid(f"'{operator}' does not work on {name}, which is a {field.kind}")
        if operator in _LISTED:
            return self._in(field, str(name), operator, wanted)
        compared = self._comparison(field, operator, self._read(field, str(name), wanted))
        return lambda one: compared(field.value(self.view, one))

    def _in(self, field: Field, name: str, operator: str, wanted: Any) -> Meant:
        if not isinstance(wanted, list):
            raise invalid(f"{operator} takes an array of values")
        most = self.view.switches.most_values
        if most is not None and len(wanted) > most:
            raise invalid(f"{operator} takes at most {most} values")
        values = {self._read(field, name, one) for one in wanted}

        def is_among(one: Any) -> bool:
            found = field.value(self.view, one)
            given = found if isinstance(found, list) else [found]
            return any(_folded(value) in values for value in given)

        return is_among if operator == "IN" else lambda one: not is_among(one)

    def _by_day(self, field: Field) -> bool:
        return self.kind == "contacts" and field.kind == DATE

    def _read(self, field: Field, name: str, value: Any) -> Any:
        """A value of a filter as it is compared. Raises Refusal where it is none for this field."""
        if value is None:
            return None
        if field.kind in (INTEGER, DATE):
            if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,15}", str(value)):
                raise invalid(f"the value for {name} is not a valid {field.kind.lower()}")
            seconds = int(value)
            return _day(seconds, self.view.workspace.timezone) if self._by_day(field) else seconds
        if field.kind == BOOLEAN:
            if str(value).lower() not in ("true", "false"):
                raise invalid(f"the value for {name} is not a boolean")
            return str(value).lower() == "true"
        if isinstance(value, list | dict):
            raise invalid(f"the value for {name} is not a text")
        return _folded(str(value))

    def _comparison(self, field: Field, operator: str, wanted: Any) -> Callable[[Any], bool]:
        """How a value of an object is compared."""
        if field.kind in (STRINGS, TAG, WORDS):
            return _of_several(operator, wanted)
        if operator in _ORDERED:
            loose = self.view.switches.greater_means_or_equal and self.kind != "contacts"
            return _ordered(
                f"{operator}=" if loose and len(operator) == 1 else operator, self._dated(field), wanted
            )
        if operator in _TEXTUAL:
            return _textual(operator, wanted)
        shown = self._dated(field)
        if operator == "=":
            return lambda value: shown(value) == wanted
        return lambda value: shown(value) != wanted

    def _dated(self, field: Field) -> Callable[[Any], Any]:
        """A value of an object as it is compared: of a contact's time its day."""
        if not self._by_day(field):
            return _folded
        zone = self.view.workspace.timezone
        return lambda value: None if value is None else _day(value, zone)


def _folded(value: Any) -> Any:
    """Texts are the same in any case."""
    return value.casefold() if isinstance(value, str) else value


@lru_cache(maxsize=100_000)
def _day(seconds: int, zone: str) -> date:
    return datetime.fromtimestamp(seconds, _zone(zone)).date()


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _of_several(operator: str, wanted: Any) -> Callable[[Any], bool]:
    """Of several values, or of the words of a text, each is compared: one is enough."""
    inverse = {"!=": "=", "!~": "~"}
    if operator in inverse:
        same = _of_several(inverse[operator], wanted)
        return lambda value: not same(value)
    if operator == "=":
        return lambda value: wanted in _several(value)
    test = _textual(operator, wanted)
    return lambda value: any(test(one) for one in _several(value))


def _several(value: Any) -> list[Any]:
    found = re.findall(r"\w+", value) if isinstance(value, str) else value or []
    return [_folded(one) for one in found]


def _ordered(operator: str, shown: Callable[[Any], Any], wanted: Any) -> Callable[[Any], bool]:
    if wanted is None:
        return lambda value: False
    compare: Callable[[Any], bool] = {
        "<": lambda value: value < wanted,
        "<=": lambda value: value <= wanted,
        ">": lambda value: value > wanted,
        ">=": lambda value: value >= wanted,
    }[operator]
    return lambda value: value is not None and compare(shown(value))


def _textual(operator: str, wanted: Any) -> Callable[[Any], bool]:
    text = "" if wanted is None else str(wanted)
    if operator == "!~":
        return lambda value: value is None or text not in _folded(value)
    compare: Callable[[str], bool] = {
        "~": lambda value: text in value,
        "^": lambda value: value.startswith(text),
        "$": lambda value: value.endswith(text),
    }[operator]
    return lambda value: value is not None and compare(_folded(str(value)))
