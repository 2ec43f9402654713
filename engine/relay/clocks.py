"""The machine's clock when it is set: what waits goes on waiting for as long as it should.

The ledger keeps moments of the wall clock, which somebody, or the network, may set to another time. The other
clock, which never goes back, says by how much; then all moments that something waits for, or is counted
from, move too.
"""

import json
import secrets
import threading
from pathlib import Path

from sqlalchemy import Column, Connection, case, select, update

from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.limiter import moved_slots
from engine.ledger.schema import accounts, inbox, leases, limits, outbox, profiles
from engine.ledger.store import Ledger
from engine.ports import Timer

TOLERATED_SECONDS = 60.0
"""What clocks may part by before anything moves: no wait of ours is so exact."""
_NAME = "clock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Rebase:
    """Moves the times in a ledger after the clock was set. Each who uses it may have one: it is done once.

    *boot* tells starts of the machine apart, as the clock that never goes back begins anew with each.
    """

    def __init__(self, ledger: Ledger, clock: Timer, boot: str | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._boot = boot_of_machine() if boot is None else boot
        self._base: float | None = None
        self._turn = threading.Lock()
        self._moved = 0.0

    def check(self) -> float:
        """Move what has to be moved; by how many seconds times were moved since the first call.

        Costs nothing while the clocks agree. Raises Unavailable where the ledger cannot be written.
        """
        if self._base is not None and abs(self._offset() - self._base) <= TOLERATED_SECONDS:
            return self._moved
        with self._turn:  # of two threads that notice it, one must not count what the other has counted
            with self._ledger.write() as tx:
                base = self._settled(tx)
            self._moved += 0.0 if self._base is None else base - self._base
            self._base = base
            return self._moved

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _settled(self, tx: Connection) -> float:
        """What the clocks part by, once the ledger agrees with it."""
        offset = self._offset()
        known = json.loads(cursor(tx, _NAME) or "null")
        if known and known[0] == self._boot:
            if abs(offset - known[1]) <= TOLERATED_SECONDS:
                return float(known[1])
            _move(tx, offset - known[1])
        set_cursor(tx, _NAME, json.dumps([self._boot, offset]))
        return offset


def _move(tx: Connection, seconds: float) -> None:
    """Move all moments of what is not settled yet; none is a moment that never was."""
    waits = ("received", "queued", "parked", "in_flight")
    for table, columns in (
        (inbox, (inbox.c.first_try_at, inbox.c.not_before)),
        (outbox, (outbox.c.first_try_at, outbox.c.not_before, outbox.c.made_at)),
        (profiles, (profiles.c.first_try_at, profiles.c.not_before, profiles.c.made_at)),
    ):
        rows = update(table).where(table.c.state.in_(waits))
        tx.execute(rows.values({column.name: _later(column, seconds) for column in columns}))
    tx.execute(update(accounts).values(not_before=_later(accounts.c.not_before, seconds)))
    tx.execute(update(leases).values(until=_later(leases.c.until, seconds)))
    for row in tx.execute(select(limits)).all():
        mine = (limits.c.account == row.account, limits.c.endpoint == row.endpoint)
        closed = {"asked_until": row.asked_until, "full_until": row.full_until}
        times = {name: until + seconds if until else 0.0 for name, until in closed.items()}
        tx.execute(update(limits).where(*mine).values(slots=moved_slots(row.slots, seconds), **times))


def _later(column: Column[float], seconds: float) -> object:
    return case((column > 0, column + seconds), else_=column)


def boot_of_machine() -> str:
    """What tells this start of the machine from others; where the system does not say, this process."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(8)
