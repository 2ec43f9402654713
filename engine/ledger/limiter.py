"""Klaviyo's windows, kept in the ledger: for all threads and processes that send to one account.

A window is cut into slots. A slot counts until it lies wholly outside, so that no stretch of a window's
length ever holds more than is allowed, whenever Klaviyo's own windows begin.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from engine.ledger.schema import limits
from engine.ledger.sqlite import insert
from engine.ledger.store import Ledger

SLOTS = 60
"""Of a window: one of a minute is a second long."""
LONGEST_PAUSE = 900.0
_MOMENT = 0.001


@dataclass(frozen=True, slots=True)
class Window:
    """How many requests may leave in any stretch of so many seconds."""

    seconds: float
    most: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How many requests may leave now; where it is none, how many seconds to *wait*."""

    number: int
    wait: float


class Limiter:
    """The windows of one account of Klaviyo's."""

    def __init__(self, ledger: Ledger, account: str) -> None:
        self._ledger = ledger
        self._account = account

    def take(self, endpoint: str, windows: Sequence[Window], most: int = 1) -> Taken:
        """Count requests that leave now: *most* of them, or as many as may."""
        with self._ledger.write(lax=True) as tx:
            now = self._ledger.now()
            slots, closed = self._row(tx, endpoint, now)
            if closed > now:
                return Taken(0, closed - now + _MOMENT)
            known = json.dumps(slots)
            held = [_held(slots.get(str(window.seconds), {}), window, now) for window in windows]
            free = [window.most - sum(used.values()) for used, window in zip(held, windows, strict=True)]
            number = max(0, min(most, *free))
            for used, window in zip(held, windows, strict=True):
                if number:
                    slot = _slot(now, window)
                    used[slot] = used.get(slot, 0) + number
                slots[str(window.seconds)] = used
            # Where one has to wait as well: what lies ahead since a clock was set back has to grow old.
            if (found := json.dumps(slots)) != known:
                self._put(tx, endpoint, slots=found)
            if number:
                return Taken(number, 0.0)
            waits = [_until_free(used, window, now) for used, window in zip(held, windows, strict=True)]
            return Taken(0, max(waits) + _MOMENT)

    def room(self, tx: Connection, endpoint: str, windows: Sequence[Window]) -> int:
        """How many requests may leave now."""
        now = self._ledger.now()
        row = tx.execute(select(limits).where(*self._of(endpoint))).first()
        if row is not None and now < max(row.asked_until, row.full_until) <= now + LONGEST_PAUSE:
            return 0
        slots = json.loads(row.slots) if row is not None else {}
        held = (sum(_held(slots.get(str(one.seconds), {}), one, now).values()) for one in windows)
        return max(0, min(one.most - used for one, used in zip(windows, held, strict=True)))

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long, a quarter of an hour at most, since Klaviyo asks for it."""
        self._close(endpoint, "asked_until", seconds)

    def close(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long, since what is left of a window is for others."""
        self._close(endpoint, "full_until", seconds)

    def asked(self, endpoint: str) -> float:
        """How many seconds Klaviyo has asked to wait still."""
        with self._ledger.read() as tx:
            until = tx.scalar(select(limits.c.asked_until).where(*self._of(endpoint)))
        return max(0.0, min((until or 0.0) - self._ledger.now(), LONGEST_PAUSE))

    def _of(self, endpoint: str) -> tuple[Any, ...]:
        return limits.c.account == self._account, limits.c.endpoint == endpoint

    def _row(self, tx: Connection, endpoint: str, now: float) -> tuple[dict[str, dict[str, int]], float]:
        """The slots, and until when it is closed: not for long, although a clock was set back."""
        row = tx.execute(select(limits).where(*self._of(endpoint))).first()
        if row is None:
            return {}, 0.0
        closed = max(row.asked_until, row.full_until)
        if closed > now + LONGEST_PAUSE:
            closed = now + LONGEST_PAUSE
            self._put(tx, endpoint, asked_until=closed, full_until=0.0)
        return json.loads(row.slots), closed

    def _close(self, endpoint: str, column: str, seconds: float) -> None:
        with self._ledger.write(lax=True) as tx:
            until = self._ledger.now() + min(seconds, LONGEST_PAUSE)
            known = tx.scalar(select(limits.c[column]).where(*self._of(endpoint)))
            if until > (known or 0.0):
                self._put(tx, endpoint, **{column: until})

    def _put(self, tx: Connection, endpoint: str, **values: object) -> None:
        row = insert(limits).values(account=self._account, endpoint=endpoint, **values)
        tx.execute(row.on_conflict_do_update(index_elements=["account", "endpoint"], set_=values))


def moved_slots(slots: str, seconds: float) -> str:
    """Slots of a row, all of them so much later: a clock was set."""
    found = json.loads(slots)
    for length, used in found.items():
        by = round(seconds / (float(length) / SLOTS))
        found[length] = {str(int(slot) + by): count for slot, count in used.items()}
    return json.dumps(found)


@dataclass(frozen=True, slots=True)
class Used:
    """How many requests have left in one window of an endpoint, and for how long it is closed still."""

    account: str
    endpoint: str
    seconds: float
    used: int
    closed_seconds: float


def used(tx: Connection, now: float) -> list[Used]:
    """How much of each window is used, of all accounts and endpoints."""
    found: list[Used] = []
    for row in tx.execute(select(limits).order_by(limits.c.account, limits.c.endpoint)):
        closed = max(0.0, min(max(row.asked_until, row.full_until) - now, LONGEST_PAUSE))
        for length, slots in json.loads(row.slots).items():
            window = Window(float(length), 0)
            taken = sum(_held(slots, window, now).values())
            found.append(Used(row.account, row.endpoint, window.seconds, taken, closed))
    return found


def _slot(now: float, window: Window) -> str:
    return str(int(now // (window.seconds / SLOTS)))


def _held(slots: dict[str, int], window: Window, now: float) -> dict[str, int]:
    """The slots that still count. What lies ahead, after the clock was set back, counts as now."""
    width = window.seconds / SLOTS
    current = int(now // width)
    held: dict[str, int] = {}
    for slot, count in slots.items():
        if (int(slot) + 1) * width > now - window.seconds:
            own = str(min(int(slot), current))
            held[own] = held.get(own, 0) + count
    return held


def _until_free(used: dict[str, int], window: Window, now: float) -> float:
    """How long until enough slots lie outside for one more request."""
    width = window.seconds / SLOTS
    over = sum(used.values()) - window.most + 1
    if over <= 0:
        return 0.0
    for slot in sorted(used, key=int):
        over -= used[slot]
        if over <= 0:
            return (int(slot) + 1) * width + window.seconds - now
    return window.seconds
