"""Requests at rest: as they go out, so that what is sent again is the same to the last byte."""

import msgspec

from engine.events import Request
from engine.ledger.sealed import opened, seal


def frozen(request: Request) -> tuple[bytes, bytes]:
    """A request as it is kept, and the checksum of that."""
    held = {
        "endpoint": request.endpoint,
        "unique_id": request.unique_id,
        "required": sorted(request.required),
        "body": request.body,
    }
    return seal(msgspec.json.encode(held))


def thawed(kept: bytes | None, checksum: bytes | None) -> Request:
    """The request as it was. Raises Damaged."""
    held = msgspec.json.decode(opened(kept or b"", checksum or b""))
    return Request(held["endpoint"], held["body"], held["unique_id"], frozenset(held["required"]))
