"""The lock by which only one `serve` runs on a ledger; it goes when its process does."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import LedgerError

MOST_BYTES = 100
LOOKS = 4


@contextmanager
def alone(path: Path, owner: str) -> Iterator[str]:
    """Be the only service on a ledger: *owner* begins with the number of our process.

    Gives the owner before us, who has ended by now, however that was. Raises LedgerError.
    """
    held = _opened(path)
    try:
        before = os.pread(held, MOST_BYTES, 0).decode("ascii", "replace").strip()
        if not _locked(held):
            number = before.partition(" ")[0]
            who = f" (process {number})" if number.isdigit() else ""
            raise LedgerError(
                f"another `serve` uses the ledger {path}{who}", "one is enough: `intercom-klaviyo status`"
            )
        with suppress(OSError):
            os.ftruncate(held, 0)
            os.pwrite(held, owner.encode(), 0)
        yield before
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    """Whether the lock is ours now; who only looks at it (`is_held`) has it for a moment."""
    for _ in range(LOOKS):
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def is_held(path: Path) -> bool | None:
    """Whether a `serve` runs on a ledger; None where none ever has."""
    try:
        looked = os.open(path.with_name(path.name + ".lock"), os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(looked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(looked)
    return False


def _opened(path: Path) -> int:
    """The file of the lock, for its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be opened: {error.strerror or 'unknown'}") from None
