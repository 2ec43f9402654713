"""A body of bytes as a JSON value, or a refusal: what Klaviyo could not store never comes further."""

import gzip
import json
import math
import re
import zlib
from io import BytesIO
from typing import Any

from engine.sandbox.klaviyo.problems import Problem, Refusal, payload

LARGEST_BODY_BYTES = 20_000_000
"""More than any limit of Klaviyo's: what is over it is not even read."""
DEEPEST_BODY = 200
LARGEST_NUMBER = 10**308
"""About what a floating number holds: an integer over it could not be summed."""
_HALF = re.compile("[\ud800-\udfff]")


def unpacked(raw: bytes, encoding: str, accepted: bool) -> bytes:
    """The bytes of a body before they were compressed."""
    if not encoding or encoding == "identity":
        return raw
    if encoding != "gzip" or not accepted:
        raise Refusal(unsupported(f"content encoding '{encoding[:40]}'"))
    try:
        with gzip.GzipFile(fileobj=BytesIO(raw)) as file:
            return file.read(LARGEST_BODY_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise Refusal(payload()) from None


def unsupported(what: str) -> Problem:
    """A kind of body that is not taken."""
    return Problem(415, "unsupported_media_type", "Unsupported media type.", f"Unsupported {what}.")


def value_of(raw: bytes) -> Any:
    """The value. Raises Refusal for what is no JSON, no finite number, half of a character, or too deep."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal(payload()) from None
    if len(raw) > LARGEST_BODY_BYTES or not _is_storable(value):
        raise Refusal(payload())
    return value


def _is_storable(value: Any) -> bool:
    waiting = [(value, 1)]
    while waiting:
        top, depth = waiting.pop()
        if isinstance(top, str):
            if not top.isascii() and _HALF.search(top):
                return False
        elif isinstance(top, float):
            if not math.isfinite(top):
                return False
        elif isinstance(top, int):
            if abs(top) > LARGEST_NUMBER:
                return False
        elif isinstance(top, (dict, list)):
            if depth > DEEPEST_BODY:
                return False
            inner = [*top.keys(), *top.values()] if isinstance(top, dict) else top
            waiting += [(one, depth + 1) for one in inner]
    return True
