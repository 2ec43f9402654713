"""Is all that the ledger holds as it was written? SQLite checks its file, and we each payload."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from engine.errors import LedgerError
from engine.ledger import sqlite
from engine.ledger.reading import NOTIFICATION, PROFILE
from engine.ledger.schema import inbox, outbox, profiles
from engine.ledger.sealed import Damaged, opened
from engine.ledger.store import Ledger

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: `faults` of the file in SQLite's words, and which rows' payload has changed."""

    faults: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    notifications: int = 0
    """How many payloads of notifications were opened; and below of events and of profiles."""
    events: int = 0
    profiles: int = 0


def check(path: Path) -> Checked:
    """Look at a ledger's file and at every payload in it. Raises LedgerError where it cannot be opened."""
    engine = sqlite.opened(path)
    try:
        faults = _faults(engine)
    finally:
        engine.dispose()
    if faults:
        return Checked(faults=faults)
    ledger = Ledger(path)
    try:
        return _payloads(ledger)
    except LedgerError as error:
        return Checked(faults=(error.reason,))
    finally:
        ledger.close()


def _faults(engine: Engine) -> tuple[str, ...]:
    try:
        return tuple(sqlite.sound(engine, thorough=True))
    except (DBAPIError, sqlite3.DatabaseError) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(said, sqlite3.OperationalError):
            raise LedgerError(f"the ledger cannot be read: {said}") from None
        return (str(said),)


def _payloads(ledger: Ledger) -> Checked:
    """Open every payload, some at a time, so that nobody waits for it."""
    damaged: list[str] = []
    numbers = []
    for table, key, blob, start in (
        (inbox, inbox.c.id, inbox.c.raw, NOTIFICATION),
        (outbox, outbox.c.id, outbox.c.body, ""),
        (profiles, profiles.c.contact, profiles.c.body, PROFILE),
    ):
        number = 0
        for row_key, kept, checksum in _rows(ledger, table, key, blob):
            number += 1
            try:
                opened(kept, checksum or b"")
            except Damaged:
                damaged.append(f"{start}{row_key}")
        numbers.append(number)
    return Checked((), tuple(damaged), *numbers)


def _rows(ledger: Ledger, table: Any, key: Any, blob: Any) -> Iterator[tuple[Any, bytes, bytes | None]]:
    last: Any = None
    while True:
        with ledger.read() as tx:
            rows = _some(tx, table, key, blob, last)
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][0]


def _some(
    tx: Connection, table: Any, key: Any, blob: Any, last: Any
) -> list[tuple[Any, bytes, bytes | None]]:
    asked = select(key, blob, table.c.checksum).where(blob.is_not(None)).order_by(key).limit(AT_ONCE)
    return [
        (row[0], row[1], row[2]) for row in tx.execute(asked if last is None else asked.where(key > last))
    ]
