"""How long Intercom is usually silent: the longest time without a webhook, of each of the last days."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from engine.ledger.counters import DAY
from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.schema import inbox

DAYS = 7
"""A week has its weekend. Before that many days are known, nothing is taken for usual."""
NAME = "silence"


@dataclass(frozen=True, slots=True)
class Silence:
    """When something came last, and the longest silence that ended on each day, in seconds."""

    heard_at: float
    longest: Mapping[int, float] = field(default_factory=dict)

    @property
    def usual(self) -> float | None:
        """The longest of a week; None until a week is known."""
        return max(self.longest.values()) if len(self.longest) >= DAYS else None

    def ended(self, first: float, last: float) -> "Silence":
        """The same once more has come, *first* to begin with and *last* just now."""
        today = int(last // DAY)
        longest = max(first - self.heard_at, self.longest.get(today, 0.0))
        kept = {day: seconds for day, seconds in self.longest.items() if today - DAYS <= day <= today}
        return Silence(last, kept | {today: longest})


def listen(tx: Connection, now: float) -> Silence:
    """What is known of it by now, with all that has come since the last look; counted from the first look."""
    known = _known(tx)
    since = 0.0 if known is None or known.heard_at > now else known.heard_at  # later than now: it went back
    newer = (inbox.c.received_at > since, inbox.c.received_at <= now)
    last = tx.scalar(select(func.max(inbox.c.received_at)).where(*newer))
    if known is None or not since:
        return Silence(last or now, known.longest if known else {})
    if last is None:
        return known
    return known.ended(tx.scalar(select(func.min(inbox.c.received_at)).where(*newer)) or last, last)


def remember(tx: Connection, silence: Silence) -> None:
    """Write it down for the next look."""
    days = {str(day): seconds for day, seconds in silence.longest.items()}
    set_cursor(tx, NAME, json.dumps({"heard_at": silence.heard_at, "longest": days}))


def _known(tx: Connection) -> Silence | None:
    text = cursor(tx, NAME)
    if text is None:
        return None
    held = json.loads(text)
    return Silence(held["heard_at"], {int(day): seconds for day, seconds in held["longest"].items()})
