"""`Ledger`: the durable record of what was received, what is to be sent and what became of it."""

import errno
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from engine.clock import SystemClock
from engine.errors import LedgerError, Unavailable
from engine.ledger import sqlite
from engine.ledger.migrations import brought_up
from engine.ledger.turns import Turns
from engine.ports import Clock


class Ledger:
    """One file on a disk of this machine, made where it is not there.

    Several threads and processes may use it at once. Raises LedgerError where the file cannot be used: it
    lies on a network file system, others may read it, it is damaged, or a newer version has written it.
    """

    def __init__(self, path: str | Path, *, clock: Clock | None = None) -> None:
        self.path = Path(path)
        self.clock = clock or SystemClock()
        self._turn = Turns()
        self._engine = sqlite.opened(self.path)
        self._lax = sqlite.opened(self.path, lax=True)
        for opened in (self._engine, self._lax):  # for whoever forgets to close it
            weakref.finalize(self, opened.dispose)
        try:
            self.digest_key = brought_up(self._engine, self.path)
            found = sqlite.sound(self._engine)
        except BaseException:
            self.close()
            raise
        if found:
            self.close()
            raise LedgerError(
                f"the ledger {self.path} is damaged: {found[0]}",
                "keep the file, and start with a backup of it (docs/operating.md, A damaged ledger)",
            )

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's own."""
        return self._engine

    def now(self) -> float:
        """Seconds since 1970, by the ledger's clock."""
        return self.clock.now().timestamp()

    @contextmanager
    def write(self, *, lax: bool = False, first: bool = False) -> Iterator[Connection]:
        """A transaction that writes: on the disk once the block has ended, and not at all where it raises.

        *lax* is for what may be lost with the power. *first* goes before all other threads that wait: for
        the one that somebody outside waits for. Raises Unavailable where the disk is full or another
        process writes for too long.
        """
        # Threads wait here in their order; SQLite would let each look again after ever longer sleeps.
        with self._turn.first if first else self._turn, _worded():
            engine = self._lax if lax else self._engine
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads: it sees one moment. Raises Unavailable."""
        with _worded(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self._lax.dispose()


@contextmanager
def _worded() -> Iterator[None]:
    """The database's refusals in our words. Raises Unavailable for what passes, and LedgerError."""
    try:
        yield
    except DBAPIError as error:
        raise _refusal(error) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Unavailable("there is no room left on the disk of the ledger") from None
        raise


def _refusal(error: DBAPIError) -> Exception:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return Unavailable("there is no room left on the disk of the ledger, or the disk fails")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable("another process writes to the ledger for too long")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return LedgerError("the ledger is damaged", "`intercom-klaviyo ledger check` says more")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return Unavailable("the ledger's file cannot be written")
    return error
