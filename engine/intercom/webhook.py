"""Bytes -> `Notification`: the signature checked, the envelope opened, the payload in the one shape."""

import hmac
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from engine.errors import Forged, Unreadable
from engine.events import Notification, Skipped
from engine.intercom.shapes import NotJson, shaped
from engine.language.conversions import FIRST_MILLISECONDS

BOM = b"\xef\xbb\xbf"
"""The mark that some editors put before UTF-8: no part of the JSON."""
LARGEST_BYTES = 20 * 1024 * 1024
"""A notification of a ticket with 500 parts has several MB."""
SIGNED_BY = "x-hub-signature"
PING = Skipped("ping", "Intercom tests the connection")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
"""A request's headers by name, or as pairs; names and values may be bytes too, as servers have them."""


def read(headers: Headers, body: bytes, secrets: Collection[str]) -> Notification | Skipped:
    """Open a webhook whose signature is that of one of our secrets.

    *body* is the request's body, byte for byte: the signature is checked before anything of it is read.
    A ping is Skipped, as is JSON that is no notification. Raises as `check` does, and Unreadable for a
    signed body that is no JSON of Intercom.
    """
    check(headers, body, secrets)
    notification = read_body(body)
    if isinstance(notification, Notification) and notification.topic == "ping":
        return PING
    return notification


def check(headers: Headers, body: bytes, secrets: Collection[str]) -> None:
    """See that a webhook's signature is that of one of our secrets. Raises Forged.

    *secrets* are client secrets of the app (Developer Hub > Basic information): more than one while they
    change, or where several apps send here.
    """
    if isinstance(secrets, str | bytes) or not secrets or not all(secrets):
        raise ValueError("signatures are checked with a list of secrets, none of them empty")
    given = _signature(headers)
    # Each secret is compared, and a missing signature as well: the time taken tells nothing.
    matches = [hmac.compare_digest(given, _signed(body, secret)) for secret in secrets]
    if not any(matches):
        raise Forged


def _signature(headers: Headers) -> bytes:
    """What the header says, or nothing where it is not there exactly once."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    given = [_bytes(value) for name, value in pairs if _bytes(name).lower() == SIGNED_BY.encode()]
    return given[0] if len(given) == 1 else b""


def _signed(body: bytes, secret: str) -> bytes:
    return b"sha1=" + hmac.digest(secret.encode(), body, "sha1").hex().encode()


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def read_body(payload: bytes | str | Mapping[str, Any] | Any) -> Notification | Skipped:
    """Open a notification: the bytes of a webhook's body, or the same as a parsed object.

    An object of the past comes wrapped: `{"type": "notification_event", "history": true, "app_id": ...,
    "data": {"item": ...}}`. What is JSON and no notification is Skipped. Raises Unreadable where the
    bytes are no JSON, or larger than 20 MB, or nested over 64 deep.
    """
    value = decoded(payload) if isinstance(payload, bytes | bytearray | str) else payload
    try:
        event = shaped(dict(value) if isinstance(value, Mapping) else value)
    except NotJson as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    return _opened(event)


def decoded(payload: bytes | bytearray | str, *, largest: int = LARGEST_BYTES) -> Any:
    """The value of some JSON. Raises Unreadable, in words that repeat nothing of it."""
    raw = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else bytes(payload)
    if len(raw) > largest:
        raise Unreadable(f"it is over {largest // 1024 // 1024} MB")
    raw = raw.removeprefix(BOM)
    if not raw.strip():
        raise Unreadable("it is empty")
    try:
        return msgspec.json.decode(raw)
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except msgspec.DecodeError as error:
        # Half a surrogate pair, which JSON may hold: it costs the field that has it, later on.
        if rb"\ud" in raw.lower():
            with suppress(ValueError, RecursionError):
                return json.loads(raw, parse_constant=_refuse)
        raise Unreadable(f"it is not JSON ({_where(str(error), raw)})") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _where(message: str, raw: bytes) -> str:
    """Where the library stopped, as line and column; its message repeats nothing of the content."""
    if "truncated" in message:
        return "it ends too early"
    if "out of range" in message:
        return "a number is too large"
    digits = message.rpartition("byte ")[2].rstrip(")")
    if not digits.isdigit():
        return "it holds what JSON forbids"
    before = raw[: int(digits)]
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace"))
    return f"line {before.count(bytes([10])) + 1}, column {column + 1}"


def _opened(event: Any) -> Notification | Skipped:
    if not isinstance(event, dict) or event.get("type") != "notification_event":
        return Skipped("not_a_notification", _what_it_is(event))
    history = event.get("history") is True
    return Notification(
        event,
        topic="" if history else _text(event.get("topic")),
        app_id=_text(event.get("app_id")),
        id=_text(event.get("id")),
        created_at=None if history else _seconds(event.get("created_at")),
        history=history,
    )


def _what_it_is(event: Any) -> str:
    if isinstance(event, list):
        return "this is a list; put one notification a line into an .ndjson file"
    if not isinstance(event, dict):
        return "this is no notification of Intercom"
    if event.get("type") in ("conversation", "ticket", "contact"):
        return f"this is a {event['type']} without its notification; history comes wrapped in one"
    return "this is no notification of Intercom: its `type` is not notification_event"


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < FIRST_MILLISECONDS else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
