"""The past: search windows and cursors -> notifications of objects as they are now.

Windows are cut by `created_at`, which never changes: paging over anything else loses what changes meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any

from engine.intercom.rest import Rest, id_of

WINDOW_DAYS = 30
PER_PAGE = 150
DAY_SECONDS = 24 * 3600
NATIVE_SECONDS = 5
"""A ticket whose first state is this close to its conversation's beginning was never anything else."""

_KEYS = {"conversations": "conversations", "tickets": "tickets", "contacts": "data"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the past.

    `kind` is `conversations`, `tickets` or `contacts`. The window runs from `window_start` up to and without
    `window_end`. `cursor` is where its next page starts, or None where the window is done. `total_count` is
    how many objects Intercom has for the window, if it says so: of contacts more than come, since it
    searches them by whole days. `notifications` are ready for `Runner.translate`.
    """

    kind: str
    window_start: datetime
    window_end: datetime
    cursor: str | None
    total_count: int | None
    notifications: tuple[dict[str, Any], ...]

    @property
    def onward(self) -> tuple[datetime, str | None]:
        """The `start` and the `cursor` that go on after this page, with the same `end`."""
        return (self.window_end, None) if self.cursor is None else (self.window_start, self.cursor)


def conversations(
    rest: Rest,
    app_id: str,
    start: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    window_days: int = WINDOW_DAYS,
    per_page: int = PER_PAGE,
) -> Iterator[Page]:
    """Conversations that began from *start* up to *end*, oldest windows first; without their parts.

    Intercom lists tickets among them. One that was a ticket from the start is left out; one that became a
    ticket later comes as it was before, with `ticket` null; where neither is known (of its parts the
    oldest are lost), it comes as it is. *cursor* is that of a page to go on after, with its `onward`.
    Raises Unavailable, Denied and Rejected.
    """
    return _past(
        rest, "conversations", app_id, start, end, cursor, window_days, per_page, told=_before_tickets
    )


def tickets(
    rest: Rest,
    app_id: str,
    start: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    window_days: int = WINDOW_DAYS,
    per_page: int = PER_PAGE,
) -> Iterator[Page]:
    """Tickets by their `created_at`, each with up to 500 parts, which tell of its states.

    A ticket that was a conversation first has the conversation's `created_at`. Arguments and errors are
    those of `conversations`.
    """
    return _past(rest, "tickets", app_id, start, end, cursor, window_days, per_page)


def contacts(
    rest: Rest,
    app_id: str,
    start: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    window_days: int = WINDOW_DAYS,
    per_page: int = PER_PAGE,
) -> Iterator[Page]:
    """Contacts that were created from *start* up to *end*; else as `conversations`."""
    return _past(rest, "contacts", app_id, start, end, cursor, window_days, per_page)


_Telling = Callable[[dict[str, Any]], dict[str, Any] | None]
"""From an object to what its notification has, or None where it is none of this kind."""


def _past(
    rest: Rest,
    kind: str,
    app_id: str,
    start: datetime,
    end: datetime,
    cursor: str | None,
    window_days: int,
    per_page: int,
    told: Callable[[Rest, int, int], _Telling] | None = None,
) -> Iterator[Page]:
    """Pages of one kind. Its arguments are looked at now, not when the first page is asked for."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end are aware of their time zone")
    if not (1 <= window_days <= WINDOW_DAYS and 1 <= per_page <= PER_PAGE):
        raise ValueError(f"windows have up to {WINDOW_DAYS} days, and pages up to {PER_PAGE} objects")

    def pages(cursor: str | None) -> Iterator[Page]:
        for first, last in _windows(start, end, window_days):
            telling = told(rest, first, last) if told else _as_it_is
            seen: set[str] = set()
            for rows, total, onward in _searched(rest, kind, first, last, per_page, cursor):
                fresh = [row for row in rows if _is_within(row, first, last) and _is_new(row, seen)]
                items = [item for row in fresh if (item := telling(row)) is not None]
                wrapped = tuple(_wrapped(app_id, item) for item in items)
                yield Page(kind, _moment(first), _moment(last), onward, total, wrapped)
            cursor = None

    return pages(cursor)


def _windows(start: datetime, end: datetime, days: int) -> Iterator[tuple[int, int]]:
    """Seconds of the epoch, each window from the first up to and without the last."""
    first, last = floor(start.timestamp()), ceil(end.timestamp())
    step = days * DAY_SECONDS
    while first < last:
        yield first, min(first + step, last)
        first += step


def _searched(
    rest: Rest, kind: str, first: int, last: int, per_page: int, cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], int | None, str | None]]:
    """The pages of one window, and what Intercom adds at its edges."""
    body: dict[str, Any] = {"query": _query(kind, first, last), "pagination": {"per_page": per_page}}
    if kind != "tickets":  # which it takes, and does not sort
        body["sort"] = {"field": "created_at", "order": "ascending"}
    return rest.pages(f"/{kind}/search", key=_KEYS[kind], body=body, cursor=cursor)


def _query(kind: str, first: int, last: int) -> dict[str, Any]:
    if kind == "tickets":
        since = {"field": "created_at", "operator": ">=", "value": first}
    elif kind == "conversations":  # whose page calls `>` "greater (or equal)": both are right like this
        since = {"field": "created_at", "operator": ">", "value": first - 1}
    else:
        # Only whole days of the workspace, whose time zone and summer time we need not know: `>` begins with
        # the day after the one that the value falls into, and a day has up to 25 hours.
        since = {"field": "created_at", "operator": ">", "value": first - 2 * DAY_SECONDS}
        last += 2 * DAY_SECONDS
    until = {"field": "created_at", "operator": "<", "value": last}
    return {"operator": "AND", "value": [since, until]}


def _is_within(row: dict[str, Any], first: int, last: int) -> bool:
    """Whether an object is of this window; one that does not say is."""
    created = _seconds(row.get("created_at"))
    return created is None or first <= created < last


def _is_new(row: dict[str, Any], seen: set[str]) -> bool:
    """Whether no page of the window had it; of two windows none has the same."""
    key = id_of(row)
    if key and key in seen:
        return False
    seen.add(key)
    return True


def _as_it_is(row: dict[str, Any]) -> dict[str, Any] | None:
    return row


def _before_tickets(rest: Rest, first: int, last: int) -> _Telling:
    """Conversations before they became tickets. The window's tickets are read once one is needed."""
    births: dict[str, int | None] | None = None

    def told(conversation: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal births
        if not conversation.get("ticket"):
            return conversation
        if births is None:
            slices = _searched(rest, "tickets", first, last, PER_PAGE, None)
            births = {id_of(ticket): _birth(ticket) for rows, _, _ in slices for ticket in rows}
        key = id_of(conversation)
        if key not in births:
            births[key] = _birth(rest.record("/tickets", key))
        born, began = births[key], _seconds(conversation.get("created_at"))
        if born is None or began is None:
            return conversation
        return None if born - began <= NATIVE_SECONDS else {**conversation, "ticket": None}

    return told


def _birth(ticket: dict[str, Any] | None) -> int | None:
    """When a ticket got its first state; None where its parts do not say, or have lost their beginning."""
    listed = ticket.get("ticket_parts") if ticket else None
    parts = listed.get("ticket_parts") if isinstance(listed, dict) else None
    if not isinstance(listed, dict) or not isinstance(parts, list):
        return None
    total = listed.get("total_count")
    if isinstance(total, int) and total > len(parts):
        return None
    states = [part for part in parts if isinstance(part, dict) and part.get("ticket_state")]
    times = [at for part in states if (at := _seconds(part.get("created_at"))) is not None]
    return min(times, default=None)


def _seconds(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _wrapped(app_id: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "notification_event", "history": True, "app_id": app_id, "data": {"item": item}}
