"""Lists page by page: what they go by, and the cursors that lead on.

A cursor is what Intercom's look like: where the page ended (the time that the list goes by in milliseconds,
and the id), and the number of the next page. What changes its place meanwhile comes twice, or not at all.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.sandbox.intercom.refusals import invalid
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.versions import Object

MOST_PER_PAGE = 150

Key = Callable[[Any], tuple[int, str]]
"""What a list goes by: a time, and an id where two have the same."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of a list is asked for."""

    per_page: int
    cursor: str | None = None

    @classmethod
    def of(cls, per_page: Any, cursor: Any, default: int) -> "Wanted":
        """As a request has it. Raises Refusal."""
        size = default if per_page is None else per_page
        if isinstance(size, bool) or not str(size).isdigit() or int(size) < 1:
            raise invalid("per_page is a number from 1 on")
        if int(size) > MOST_PER_PAGE:
            raise invalid(f"per_page is at most {MOST_PER_PAGE}")
        if cursor is not None and not isinstance(cursor, str):
            raise invalid("starting_after is not a cursor")
        return cls(int(size), cursor or None)


def page(
    rows: Sequence[Any],
    key: Key,
    wanted: Wanted,
    switches: Switches,
    now: float,
    *,
    descending: bool,
    repeats: bool = False,
) -> tuple[list[Any], Object]:
    """The objects of a page, and its `pages`. *repeats* names the same next page for ever. Raises Refusal."""
    ordered = sorted(rows, key=key, reverse=descending)
    number, first = 1, 0
    if wanted.cursor:
        at, last, number = _read(wanted.cursor, switches, now)
        ended = (at, last)
        first = sum(key(row) >= ended if descending else key(row) <= ended for row in ordered)
    shown = ordered[first : first + wanted.per_page]
    if switches.deepest_object is not None and first + len(shown) > switches.deepest_object:
        raise invalid("this page is too deep in the list")
    told: Object = {
        "type": "pages",
        "page": number,
        "per_page": wanted.per_page,
        "total_pages": -(-len(rows) // wanted.per_page),
    }
    if first + wanted.per_page < len(ordered):
        onward = _written(*key(shown[-1]), number + 1, switches, now)
        told["next"] = {"page": number + 1, "starting_after": onward}
    if repeats and wanted.cursor:
        told["next"] = {"page": number + 1, "starting_after": wanted.cursor}
    return shown, told


def _written(at: int, key: str, number: int, switches: Switches, now: float) -> str:
    told: list[Any] = [at * 1000, key, number]
    if switches.cursor_seconds is not None:
        told.append(now + switches.cursor_seconds)
    return base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode()


def _read(cursor: str, switches: Switches, now: float) -> tuple[int, str, int]:
    try:
        at, key, number, *until = json.loads(base64.b64decode(cursor, validate=True))
        found = (int(at) // 1000, str(key), int(number))
    except (ValueError, TypeError):
        raise invalid("starting_after is not a cursor") from None
    if until and now > until[0]:
        raise invalid("this cursor has expired")
    return found
