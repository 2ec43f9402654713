"""What API versions 2.9 to 2.16 send -> the one shape that specs see.

The differences are those of Intercom's changelogs and of payloads seen: assignees are null, 0, "0",
numbers or text; a ticket's state is a text or an object; times are epoch seconds or ISO text. What
people filled in themselves (`custom_attributes`, `ticket_attributes`) is never touched.
"""

import math
from collections.abc import Sized
from typing import Any

from engine.language.conversions import moment
from engine.language.faults import Refused

DEEPEST = 64
MOST_VALUES = 50_000
"""A ticket with the 500 parts that Intercom sends at most has some 20,000."""
ASSIGNEES = frozenset(("admin_assignee_id", "team_assignee_id"))
OTHER_TIMES = frozenset(("waiting_since", "snoozed_until"))
UNTOUCHED = frozenset(("custom_attributes", "ticket_attributes"))


class NotJson(Exception):
    """A value that JSON cannot hold, one nested too deep, or one that holds too many."""


class _Room:
    """How many values there may still be."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def enter(self, container: Sized, depth: int) -> None:
        """Count what a list or an object holds. Raises NotJson."""
        self.left -= len(container)
        if depth >= DEEPEST:
            raise NotJson(f"it is nested over {DEEPEST} deep")
        if self.left < 0:
            raise NotJson(f"it holds over {MOST_VALUES:,} values")


def shaped(value: Any) -> Any:
    """A copy of a payload in the one shape. Raises NotJson for what no JSON payload of Intercom holds."""
    return _shaped(value, 0, _Room())


def _shaped(value: Any, depth: int, room: _Room) -> Any:
    if isinstance(value, dict):
        return _object(value, depth, room)
    if isinstance(value, list):
        room.enter(value, depth)
        return [_shaped(element, depth + 1, room) for element in value]
    return _scalar(value)


def _object(value: dict[Any, Any], depth: int, room: _Room) -> dict[str, Any]:
    room.enter(value, depth)
    made: dict[str, Any] = {}
    for key, child in value.items():
        if not isinstance(key, str):
            raise NotJson("a key is no text")
        if key in UNTOUCHED:
            made[key] = _copied(child, depth + 1, room)
        elif key in ASSIGNEES:
            made[key] = _assignee(child, depth + 1, room)
        elif isinstance(child, str | float) and (key.endswith("_at") or key in OTHER_TIMES):
            made[key] = _seconds(child)
        else:
            made[key] = _shaped(child, depth + 1, room)
    _name_alike(made)
    return made


def _name_alike(made: dict[str, Any]) -> None:
    """Bring what goes by several names, or comes in several forms, into one."""
    state = made.get("ticket_state")
    if isinstance(state, str) and _is_ticket(made):  # up to 2.11, with its labels beside it
        labels = {key: made.get(f"ticket_state_{key}") for key in ("internal_label", "external_label")}
        made["ticket_state"] = {"category": state} | {key: text for key, text in labels.items() if text}
    owner = made.get("owner_id")
    if isinstance(owner, int) and not isinstance(owner, bool):  # text since 2.16
        made["owner_id"] = str(owner)
    for key, inner, other in (
        ("teammates", "admins", "teammates"),
        ("ticket_type_attributes", "data", "ticket_type_attributes"),
    ):
        listed = made.get(key)
        if isinstance(listed, dict) and inner not in listed and other in listed:
            listed[inner] = listed[other]


def _is_ticket(made: dict[str, Any]) -> bool:
    """Not one of a ticket's parts, whose `ticket_state` is a text in every version."""
    return "part_type" not in made and made.get("type") != "ticket_part"


def _assignee(value: Any, depth: int, room: _Room) -> Any:
    """The id as a number; None for nobody: null, 0, "0" and ""."""
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 18:
            value = int(text)
        elif not text:
            value = None
    return None if value == 0 and not isinstance(value, bool) else _shaped(value, depth, room)


def _seconds(value: str | float) -> Any:
    """Epoch seconds of a time; the value itself where it is none, for the type to refuse."""
    if isinstance(value, str) and not value.strip():
        return None
    try:
        return math.floor(moment(value).timestamp())
    except Refused:
        return _scalar(value)


def _copied(value: Any, depth: int, room: _Room) -> Any:
    if isinstance(value, dict):
        room.enter(value, depth)
        if not all(isinstance(key, str) for key in value):
            raise NotJson("a key is no text")
        return {key: _copied(child, depth + 1, room) for key, child in value.items()}
    if isinstance(value, list):
        room.enter(value, depth)
        return [_copied(element, depth + 1, room) for element in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise NotJson("it holds what JSON cannot")
