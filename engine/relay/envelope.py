"""The envelope of a notification: all that is read of it before it is kept."""

import hashlib

import msgspec

from engine.errors import Unreadable
from engine.intercom.webhook import BOM
from engine.ledger.inbox import Received

_OF_THE_DELIVERY = ("delivery_attempts", "delivery_status", "delivered_at", "first_sent_at")
"""What differs when a notification is sent again."""
LONGEST_NAME = 200


class _Envelope(msgspec.Struct):
    """What is read; the rest of the JSON is passed over."""

    app_id: str | None = None
    id: str | None = None
    topic: str | None = None


def received(raw: bytes, now: float) -> Received:
    """A body, with what it is known by: its id, or where it has none a digest of what never differs.

    *now* is in seconds since 1970. Raises Unreadable where it is no JSON object, or no envelope.
    """
    body = raw.removeprefix(BOM)
    try:
        found = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it is no notification of Intercom") from None
    names = (found.app_id or "", found.id or "", found.topic or "")
    if any(len(name) > LONGEST_NAME for name in names):
        raise Unreadable("its envelope holds what no notification does")
    return Received(names[0], names[1] or _digest(body), names[2], raw, now)


def _digest(body: bytes) -> str:
    whole = msgspec.json.decode(body)
    lasting = {key: value for key, value in whole.items() if key not in _OF_THE_DELIVERY}
    return hashlib.sha256(msgspec.json.encode(lasting, order="deterministic")).hexdigest()
