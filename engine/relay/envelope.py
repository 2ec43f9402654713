"""The envelope of a notification: all that is read of it before it is kept."""

import hashlib
import json

import msgspec

from engine.errors import Unreadable
from engine.intercom.webhook import BOM, decoded
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
        found = _patiently_read(body)
    names = (found.app_id or "", found.id or "", found.topic or "")
    if any(len(name) > LONGEST_NAME for name in names):
        raise Unreadable("its envelope holds what no notification does")
    return Received(names[0], names[1] or _digest(body), names[2], raw, now)


def _patiently_read(body: bytes) -> _Envelope:
    """The envelope of what is JSON only for a patient reader: half a surrogate pair costs a field at most."""
    try:
        found = msgspec.convert(decoded(body), _Envelope)
        f"{found.app_id}{found.id}{found.topic}".encode()  # what a row is found by has to be text
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        raise Unreadable("it is no notification of Intercom") from None
    return found


def _digest(body: bytes) -> str:
    lasting = {key: value for key, value in decoded(body).items() if key not in _OF_THE_DELIVERY}
    try:
        told = json.dumps(lasting, sort_keys=True)
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    return hashlib.sha256(told.encode()).hexdigest()
