"""Conditions: what `when` compares a value with.

A number and its text are equal, since ids come as either; true and false equal only themselves; no
value is neither at least nor at most anything.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.issues import Issue, Place, did_you_mean
from engine.language.conversions import number_or_none, number_text
from engine.language.faults import Refused
from engine.language.source import Node
from engine.language.values import Say, Value

LONGEST_NUMBER = 300
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_OTHER_FORMS = {
    **dict.fromkeys(("max", "lte", "le", "<=", "most", "up_to"), "at_most"),
    **dict.fromkeys(("min", "gte", "ge", ">=", "least", "from"), "at_least"),
    **dict.fromkeys(("ne", "!=", "is_not", "except", "exclude"), "not"),
}
FORMS = ("not", "at_least", "at_most")


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of `when`: a path, and what its value must be. `text` is the line as written."""

    path: Value
    text: str
    place: Place
    any_of: tuple[Any, ...] | None = None
    none_of: tuple[Any, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    is_true: bool = False
    places: tuple[Place, ...] = ()
    """Where each value of `any_of` or `none_of` is written."""

    def holds(self, found: Any) -> bool:
        """Whether the value that the path found is what the line asks for."""
        if self.is_true and (found is None or found is False or found in ("", [], {})):
            return False
        if self.any_of is not None and not any(same(found, wanted) for wanted in self.any_of):
            return False
        if self.none_of is not None and any(same(found, unwanted) for unwanted in self.none_of):
            return False
        if self.at_least is None and self.at_most is None:
            return True
        number = number_or_none(found)
        if number is None:
            return False
        return (self.at_least is None or number >= self.at_least) and (
            self.at_most is None or number <= self.at_most
        )


def same(found: Any, wanted: Any) -> bool:
    """Equal, where a number equals its text, and true and false only themselves."""
    if isinstance(found, bool) or isinstance(wanted, bool) or found is None or wanted is None:
        return found is wanted
    if isinstance(found, str) and isinstance(wanted, int | float):
        return _is_text_of(found, wanted)
    if isinstance(wanted, str) and isinstance(found, int | float):
        return _is_text_of(wanted, found)
    return bool(found == wanted)


def _is_text_of(text: str, number: int | float) -> bool:
    """Whether a text writes a number as JSON does: exactly, however many digits an id has."""
    text = text.strip()
    if len(text) > LONGEST_NUMBER or not JSON_NUMBER.fullmatch(text):
        return False
    try:
        return Decimal(text) == Decimal(number_text(number))
    except (Refused, ArithmeticError):
        return False


def read_condition(path: Value, key: str, place: Place, node: Node, say: Say) -> Condition | None:
    """A condition from what stands after the path; None where it is faulty, which `say` has been told."""
    if node.broken:
        return None
    text = f"{key}: {' '.join(node.document.text[node.start : node.end].split())}"
    if node.kind == "scalar":
        return Condition(path, text, place, any_of=(node.value,), places=(node.place,))
    if node.kind == "list":
        wanted = _scalars(node, say)
        return None if wanted is None else Condition(path, text, place, any_of=wanted, places=_places(node))
    return _read_form(path, text, place, node, say)


def _read_form(path: Value, text: str, place: Place, node: Node, say: Say) -> Condition | None:
    unwanted: tuple[Any, ...] | None = None
    places: tuple[Place, ...] = ()
    bounds: dict[str, Any] = {}
    if not node.value:
        say(Issue("bad-condition", "a condition is expected here", node.place, _HINT))
        return None
    for key, key_place, child in node.items():
        if key not in FORMS:
            other = _OTHER_FORMS.get(key.lower(), "")
            meant = f'; did you mean "{other}"?' if other else did_you_mean(key, FORMS)
            message = f'a condition has no "{key}"{meant}'
            say(Issue("bad-condition", message, key_place, _HINT))
            return None
        if key == "not":
            unwanted, places = _scalars(child, say), _places(child)
            if unwanted is None:
                return None
        elif isinstance(child.value, bool) or not isinstance(child.value, int | float):
            say(Issue("bad-condition", f"`{key}` takes a number", child.place))
            return None
        else:
            bounds[key] = child.value
    return Condition(path, text, place, none_of=unwanted, places=places, **bounds)


_HINT = "a value, a list of values, { not: value }, { at_least: number } or { at_most: number }"


def _places(node: Node) -> tuple[Place, ...]:
    return tuple(element.place for element in (node.value if node.kind == "list" else [node]))


def _scalars(node: Node, say: Say) -> tuple[Any, ...] | None:
    nodes = node.value if node.kind == "list" else [node]
    for element in nodes:
        if element.kind != "scalar":
            say(Issue("bad-condition", "a plain value is expected here", element.place, _HINT))
            return None
    if not nodes:
        say(Issue("bad-condition", "the list is empty, so nothing would fit", node.place))
        return None
    return tuple(element.value for element in nodes)
