"""What leaves next, and how: one by one or in bulk, at once or with what comes in a moment."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from sqlalchemy import Connection

from engine.klaviyo.windows import MINUTE
from engine.ledger import accounts
from engine.ledger.accounts import Standing
from engine.ports import Sink, Timer
from engine.relay.queues import Queue, Row

BACKLOG = 60
"""More due rows than these go in bulk: the two ways have windows of their own."""
MOST_IN_BULK = 1_000
LONG_SECONDS = 2.0
"""Who would have to wait so long for others goes alone."""
FULL_SECONDS = 1.0
"""So late it is seen again whether a window that is used up has room."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests of a queue may leave: one by one at once, or within a minute; in bulk in a minute."""

    at_once: int = MOST_IN_BULK
    alone: int = MOST_IN_BULK
    in_bulk: int = MOST_IN_BULK


RoomOf = Callable[[Connection, str], Room]
"""The room for a queue, by its name."""


def unlimited(_: Connection, __: str) -> Room:
    """Nobody counts."""
    return Room()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is sent next, with how it stands with its queue, and with the whole account."""

    queue: Queue
    rows: list[Row]
    bulk: bool
    own: Standing
    whole: Standing


class Lane:
    """Queues that are sent in turn, each step one of them; other lanes go on meanwhile.

    *sink* sends, within windows that have *room*: rows for which there is none one by one go in bulk.
    """

    def __init__(
        self, name: str, account: str, queues: list[Queue], sink: Sink, clock: Timer, room: RoomOf
    ) -> None:
        self.name = name
        self.sink = sink
        self.queues = deque(queues)
        self.clean_since: int | None = None
        """The lease (its fence) under which nothing was left on its way; None after a step that broke off."""
        self.one_by_one: set[str] = set()
        """Queues for which the key lacks a scope in bulk: `lists:write` is one for profiles."""
        self._account = account
        self._clock = clock
        self._room = room
        self._bulk_at: dict[str, float] = {}
        """When a queue was sent in bulk last, on the clock's `monotonic`."""

    def gate(self, queue: Queue) -> str:
        """The name of a queue's own standing: an endpoint may fail, or a scope be missing, for it alone."""
        return f"{self._account} {queue.name}"

    def is_clean(self, fence: int) -> bool:
        """Whether nothing is on its way that this lease does not know of."""
        return self.clean_since == fence

    def choose(
        self, tx: Connection, now: float, whole: Standing, *, live: bool
    ) -> tuple[Chosen | None, float]:
        """The next queue in turn that is open and has rows which are due.

        Where there is none, for how long such rows wait for others, or for a window; 0 where none are due.
        Of a queue that has failed one row is sent, to see whether Klaviyo takes it again. While more is
        coming in (*live*), no step waits for a window, and requests in bulk that would not be full keep a
        distance: else their window would be used up before it ends, and for the rest of it nothing left.
        Where that takes long, rows go one by one as far as the other window has room.
        """
        waits: list[float] = []
        for _ in range(len(self.queues)):
            queue = self.queues[0]
            self.queues.rotate(-1)
            found = self._chosen(tx, queue, now, whole, live)
            if isinstance(found, Chosen):
                return found, 0.0
            if found:
                waits.append(found)
        return None, min(waits, default=0.0)

    def _chosen(
        self, tx: Connection, queue: Queue, now: float, whole: Standing, live: bool
    ) -> Chosen | float:
        """What is sent of a queue, or for how long its rows wait; 0 where none are due."""
        own = accounts.standing(tx, self.gate(queue))
        if own.closed(now) or not (count := queue.count(tx, now, BACKLOG + 1)):
            return 0.0
        is_probe = own.failures > 0 or bool(own.paused or whole.paused)
        room = self._room(tx, queue.name)
        may_be_bulk = queue.goes_in_bulk and queue.name not in self.one_by_one
        if may_be_bulk and count > min(BACKLOG, room.alone) and not (is_probe and room.at_once):
            rows = queue.due(tx, now, 1 if is_probe else MOST_IN_BULK)
            wait = self._gathering(tx, queue, now, room, len(rows)) if live else 0.0
            if not wait:
                return Chosen(queue, rows, True, own, whole)
            if wait < LONG_SECONDS or not room.at_once:
                return wait
        most = 1 if is_probe else BACKLOG
        if live:
            most = min(most, room.at_once)
        return Chosen(queue, queue.due(tx, now, most), False, own, whole) if most else FULL_SECONDS

    def leaves(self, chosen: Chosen) -> None:
        """It is about to be sent."""
        self.clean_since = None
        if chosen.bulk:
            self._bulk_at[chosen.queue.name] = self._clock.monotonic()

    def until_next(self, tx: Connection, now: float) -> float:
        """For how many seconds nothing is due."""
        waits = [inf]
        for queue in self.queues:
            time = queue.next_due(tx)
            if time is not None:
                waits.append(max(0.0, time - now, accounts.standing(tx, self.gate(queue)).closed(now)))
        return min(waits)

    def _gathering(self, tx: Connection, queue: Queue, now: float, room: Room, number: int) -> float:
        """For how long so many rows wait for others to go with, in bulk; 0 where a request would be full."""
        if not room.in_bulk:
            return LONG_SECONDS
        # The room that is left is spread over a whole window: so there is some at every moment.
        wait = self._bulk_at.get(queue.name, -inf) + MINUTE / room.in_bulk - self._clock.monotonic()
        if wait <= 0.0 or number == MOST_IN_BULK or number < queue.count(tx, now, MOST_IN_BULK):
            return 0.0
        return wait
