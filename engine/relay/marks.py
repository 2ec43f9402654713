"""What a workspace is known by over time: where its history ends, and how far its notifications have come."""

from sqlalchemy import Connection

from engine.events import Notification
from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.inbox import Waiting

BEFORE_FIRST = 5.0
"""What lies before the first notification by more than this is left to the backfill."""
OLDEST_SECONDS = 7 * 86_400.0
"""An envelope that is older than this, by Intercom's own clock, is somebody's capture."""


AHEAD_SECONDS = 86_400.0
"""An envelope that is further ahead of our clock moves no mark: one odd time would make all others old."""


class Marks:
    """The marks of all workspaces in one transaction: each is read once, and `put` writes what has moved."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self._known: dict[str, float | None] = {}
        self._moved: set[str] = set()

    def cut_off(self, waiting: Waiting, notification: Notification) -> float | None:
        """The moment before which events are the backfill's; set by the first notification of a workspace."""
        if notification.history:
            return None
        name = f"cut_off {waiting.workspace}"
        if self._get(name) is None:
            at = notification.created_at or waiting.received_at
            self._set(name, (waiting.received_at if _is_odd(at, waiting) else at) - BEFORE_FIRST)
        return self._get(name)

    def is_captured(self, waiting: Waiting, notification: Notification) -> bool:
        """Whether an envelope is far older than the newest one, by Intercom's clock: ours may be wrong.

        One that is taken up again was looked at when it was new.
        """
        at = notification.created_at
        if at is None:
            return False
        name = f"newest {waiting.workspace}"
        newest = self._get(name) or 0.0
        if at > newest and not _is_odd(at, waiting):
            self._set(name, at)
        return waiting.tries == 0 and waiting.settled_at is None and at < newest - OLDEST_SECONDS

    def pinged(self, waiting: Waiting) -> None:
        """Intercom has tried the connection."""
        self._set(f"ping {waiting.workspace}", waiting.received_at)

    def put(self) -> None:
        """Write down what has moved."""
        for name in sorted(self._moved):
            set_cursor(self._tx, name, str(self._known[name]))

    def _get(self, name: str) -> float | None:
        if name not in self._known:
            found = cursor(self._tx, name)
            self._known[name] = None if found is None else float(found)
        return self._known[name]

    def _set(self, name: str, value: float) -> None:
        self._known[name] = value
        self._moved.add(name)


def _is_odd(at: float, waiting: Waiting) -> bool:
    return at > waiting.received_at + AHEAD_SECONDS
