"""Bytes at rest: compressed, and with a checksum that notices every bit that has changed."""

import hashlib
import zlib
from hmac import compare_digest

from engine.errors import EngineError

_LEVEL = 3
"""Of zlib: payloads become a third; a higher one costs twice the time for a tenth of the room."""
_CHECKSUM_BYTES = 8


class Damaged(EngineError):
    """What was written is no longer what is read: a disk, or somebody, has changed it."""


def seal(raw: bytes) -> tuple[bytes, bytes]:
    """The bytes as they are kept, and the checksum of that."""
    kept = zlib.compress(raw, _LEVEL)
    return kept, _checksum(kept)


def opened(kept: bytes, checksum: bytes) -> bytes:
    """The bytes as they were. Raises Damaged."""
    if not compare_digest(_checksum(kept), checksum):
        raise Damaged("what the ledger holds of it has changed on the disk")
    try:
        return zlib.decompress(kept)
    except zlib.error:
        raise Damaged("what the ledger holds of it cannot be opened") from None


def _checksum(kept: bytes) -> bytes:
    return hashlib.blake2b(kept, digest_size=_CHECKSUM_BYTES).digest()
