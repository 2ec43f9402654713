"""Klaviyo's limits, once: for the builder, for `check`, for batches and for the windows of the client.

Source: the descriptions of the endpoints in Klaviyo's specification, revision 2026-07-15, and Klaviyo's
page on the events API for the size of lists and the depth of values.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character outside the first 65,536."""

IDENTIFIERS = ("email", "phone_number", "external_id")
"""The profile fields of which an event needs at least one."""
LONGEST_METRIC = 127
RESERVED = {
    "$extra": "",
    "$value": "write it as `value:`, beside `time:`",
    "$event_id": "`unique_id:` is sent for it",
}
"""Names with a meaning of their own, and what to write instead; `$extra` holds what segments need not see."""
MOST_PROPERTIES = 400
LONGEST_TEXT_BYTES = 100_000
MOST_LIST_ITEMS = 4_000
DEEPEST = 10
LARGEST_EVENT_BYTES = 5_000_000
LARGEST_PROFILE_BYTES = 100_000
EARLIEST_YEAR = 1990
LATEST_DAYS_AHEAD = 365
LARGEST_INTEGER = 2**63 - 1
LARGEST_REQUEST_BYTES = 5_000_000
MOST_BULK_EVENTS = 1_000
MOST_BULK_PROFILES = 10_000

EVENTS = "/api/events"
BULK_EVENTS = "/api/event-bulk-create-jobs"
PROFILE_IMPORT = "/api/profile-import"
BULK_PROFILES = "/api/profile-bulk-import-jobs"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What Klaviyo lets one account ask of an endpoint, the scopes that a key needs, and its good answers."""

    a_second: int
    a_minute: int
    scopes: tuple[str, ...]
    good: tuple[int, ...] = (200,)


ENDPOINTS = {
    f"POST {EVENTS}": Endpoint(350, 3_500, ("events:write",), (202,)),
    f"GET {EVENTS}": Endpoint(350, 3_500, ("events:read",)),
    f"POST {BULK_EVENTS}": Endpoint(10, 150, ("events:write",), (202,)),
    f"POST {PROFILE_IMPORT}": Endpoint(75, 750, ("profiles:write",), (200, 201)),
    f"POST {BULK_PROFILES}": Endpoint(10, 150, ("lists:write", "profiles:write"), (202,)),
    f"GET {BULK_PROFILES}/{{job_id}}": Endpoint(10, 150, ("lists:read", "profiles:read")),
    f"GET {BULK_PROFILES}/{{id}}/import-errors": Endpoint(10, 150, ("profiles:read",)),
    "GET /api/profiles": Endpoint(75, 750, ("profiles:read",)),
    "GET /api/metrics": Endpoint(10, 150, ("metrics:read",)),
    "GET /api/metrics/{id}/metric-properties": Endpoint(1, 15, ("metrics:read",)),
    "POST /api/metric-aggregates": Endpoint(3, 60, ("metrics:read",)),
    "GET /api/accounts": Endpoint(1, 15, ("accounts:read",)),
}
"""The endpoints that we use, each by its method and its path in Klaviyo's specification."""


def excess(value: Any) -> str:
    """What about a value is over a limit, or cannot be sent at all; nothing where it is fine."""
    waiting = [(value, 1)]
    while waiting:
        top, depth = waiting.pop()
        if isinstance(top, str):
            found = _text_excess(top)
        elif isinstance(top, float):
            found = "" if math.isfinite(top) else "is no finite number"
        elif isinstance(top, int):
            found = "" if abs(top) <= LARGEST_INTEGER else "is too large a number"
        elif depth > DEEPEST:
            found = f"is nested over {DEEPEST} deep"
        elif isinstance(top, list):
            found = f"has over {MOST_LIST_ITEMS:,} elements" if len(top) > MOST_LIST_ITEMS else ""
            waiting += [(element, depth + 1) for element in top]
        elif isinstance(top, dict):
            found = next((text for key in top if (text := _text_excess(key))), "")
            waiting += [(child, depth + 1) for child in top.values()]
        else:
            found = ""
        if found:
            return found
    return ""


def _text_excess(text: str) -> str:
    if len(text) > LONGEST_TEXT_BYTES // 4:
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > LONGEST_TEXT_BYTES:
            return f"is over {LONGEST_TEXT_BYTES // 1000} KB long"
    if not text.isascii() and _HALF.search(text):
        return "holds half of a character"
    return ""
