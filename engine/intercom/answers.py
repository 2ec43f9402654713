"""What an answer of Intercom's REST means: a value, nothing there, try again, or a refusal.

An answer is untrusted: of a refusal only its code is repeated, and that only where it looks like one; of a
merged contact only an id is taken. Which answers are tried again: Intercom's pages on errors and on rate
limits, and what others saw (a 200 without a body; HTML comes from the edge of a network, and passes).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.errors import Denied, Rejected, Unavailable, Unreadable
from engine.intercom.webhook import decoded
from engine.ports import Response

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may stand in an address as an id."""
LONGEST_WAIT_SECONDS = 60.0

_CANONICAL = re.compile(r'</contacts/([A-Za-z0-9_-]{1,64})>; *rel="?canonical"?')
_CODE = re.compile(r"[a-z_]{1,40}")
_ONE = "Read one user and one company"
_SCOPES = (
    (r"/contacts/search|/contacts|/companies", "Read and list users and companies"),
    (r"/contacts/[^/]+/tags|/tags.*", "Read tags"),
    (r"/contacts/.+|/companies/.+", _ONE),
    (r"/conversations.*", "Read conversations"),
    (r"/tickets.*", "Read tickets"),
    (r"/admins.*|/teams.*", "Read admins"),
)
"""What the token needs for an address, as the checkboxes in Intercom's Developer Hub are called."""
_MEANT = {
    "intercom_version_invalid": "it does not know this version of its API",
    "invalid_sort_order": "it does not sort like this",
    "invalid_field": "it cannot search by this field",
    "parameter_invalid": "a parameter does not suit it",
    "parameter_not_found": "it misses a parameter",
    "conflict": "this clashes with what it has",
    "resource_conflict": "this clashes with what it has",
    "data_invalid": "it cannot use what was sent",
    "validation_error": "it cannot use what was sent",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such thing. *survivor* is the id of the contact that it was merged into, if any."""

    survivor: str = ""


def meaning(response: Response, path: str, now: datetime) -> dict[str, Any] | Gone:
    """The value of a good answer, or Gone. Raises what the others mean.

    Unavailable is for what is worth another try, and carries the seconds that Intercom wants us to wait.
    """
    status, is_page = response.status, response.body.lstrip()[:1] == b"<"
    if 200 <= status < 300:
        return _value(response)
    if 300 <= status < 400:
        raise Unavailable(
            f"Intercom's address answers with a redirect ({status}), which is not followed: is it right?"
        )
    if status == 429:
        raise Unavailable("Intercom asks to wait (429)", seconds_to_reset(response.headers, now))
    if status == 401 and not is_page:
        raise Denied("Intercom does not accept the token (401): is it whole, and of this region?")
    if status == 403 and not is_page:
        raise _denied(response, path)
    if status == 410 and not is_page:
        merged = _CANONICAL.fullmatch(response.headers.get("link", "").strip())
        return Gone(merged[1] if merged else "")
    if status == 404 and not is_page:
        return Gone()
    if status == 408 or is_page or not 400 <= status < 500:
        raise Unavailable(f"Intercom cannot answer now ({status})")
    raise _rejected(response)


def seconds_to_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long until the next window of 10 seconds, at most a minute; None where nothing sensible is said."""
    text = headers.get("x-ratelimit-reset", "").strip()
    if not re.fullmatch(r"[0-9]{1,11}", text):
        return None
    seconds = int(text) - now.timestamp()
    return min(LONGEST_WAIT_SECONDS, seconds) if seconds > 0 else None


def nonsense(what: str) -> Unavailable:
    """An answer that has not the shape of what was asked for; *what* was asked, in our words."""
    return Unavailable(f"Intercom answered something that is no answer of its ({what})")


def _value(response: Response) -> dict[str, Any]:
    if not response.body.strip():
        raise Unavailable(f"Intercom answered nothing ({response.status})")
    try:
        value = decoded(response.body)
    except Unreadable:
        value = None
    if not isinstance(value, dict):
        raise nonsense(str(response.status))
    return value


def _denied(response: Response, path: str) -> Denied:
    code, _ = _fault(response)
    if code == "api_plan_restricted":
        return Denied("Intercom's API is closed to this workspace (403): it has no active subscription")
    scope = next((scope for pattern, scope in _SCOPES if re.fullmatch(pattern, path)), "")
    hint = f': tick "{scope}" in the Developer Hub' if scope else ""
    return Denied(f"the token may not read this (403){hint}", scope)


def _rejected(response: Response) -> Rejected:
    code, message = _fault(response)
    told = ", ".join(word for word in (str(response.status), code) if word)
    meant = f": {_MEANT[code]}" if code in _MEANT else ""
    return Rejected(f"Intercom refuses the request ({told}){meant}", detail=message)


def _fault(response: Response) -> tuple[str, str]:
    """The code and the message of the first error, each empty where there is none."""
    try:
        value = decoded(response.body)
    except Unreadable:
        return "", ""
    errors = value.get("errors") if isinstance(value, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return "", ""
    code, message = first.get("code"), first.get("message")
    return (
        code if isinstance(code, str) and _CODE.fullmatch(code) else "",
        message if isinstance(message, str) else "",
    )
