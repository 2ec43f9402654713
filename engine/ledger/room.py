"""How much room the ledger takes, and how much there is left for it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

RESERVE_BYTES = 64 * 1024 * 1024
"""Kept free, so that what became of an event can still be written where nothing new is taken in."""
QUOTA_BYTES = 10 * 1024**3
QUOTA_SHARE = 0.8
"""Of the file system, where that is less."""
_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Room:
    """What the ledger's files hold, what they may hold, and what is free on their disk."""

    used_bytes: int = 0
    quota_bytes: int = QUOTA_BYTES
    free_bytes: int = QUOTA_BYTES

    @property
    def share(self) -> float:
        """How much of what it may hold is used, all of it being 1."""
        return self.used_bytes / self.quota_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing new should be taken in."""
        return self.free_bytes < RESERVE_BYTES or self.share >= 1


def room_of(file: Path, quota_bytes: int | None = None) -> Room:
    """The room of a ledger's file, which is there. Raises OSError."""
    used = sum(_size(file.with_name(file.name + end)) for end in _BESIDE)
    disk = shutil.disk_usage(file.parent)
    usual = min(QUOTA_BYTES, int(disk.total * QUOTA_SHARE))
    return Room(used, max(1, quota_bytes or usual), disk.free)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # SQLite takes away what it keeps beside its file when nobody uses it
