"""What Klaviyo looks at before a body: where, who, by which revision, and in which form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.sandbox.klaviyo.json_text import unsupported
from engine.sandbox.klaviyo.problems import (
    Problem,
    Refusal,
    bad_key,
    no_scope,
    not_found,
    not_modelled,
    unauthenticated,
)
from engine.sandbox.klaviyo.switches import Switches
from engine.sandbox.klaviyo.windows import LIMITS

SUPPORTED = (
    "2024-10-15", "2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-04-15",
    "2026-07-15", "2026-10-15",
)  # fmt: skip
"""The revisions that Klaviyo has not retired."""
MODELLED = "2026-01-15"
"""The oldest revision whose rules are known here."""
OPT_OUT = "x-klaviyo-revision-fall-forward-opt-out"
MEDIA_TYPES = ("application/vnd.api+json", "application/json")
_KEY = re.compile(r"Klaviyo-API-Key (pk_\S+)")
_TOKEN = re.compile(r"Bearer (\S+)")
_REVISION = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(\.[a-z0-9]+)?")
_ALLOWED = {row: row.partition(" with ")[0] for row in LIMITS}
ENDPOINTS = tuple(dict.fromkeys(_ALLOWED.values()))
"""What this stands in for, each by its method and its path in the specification."""
ELSEWHERE = {
    "accounts", "back-in-stock-subscriptions", "campaign-clone", "campaign-message-assign-template",
    "campaign-messages", "campaign-recipient-estimation-jobs", "campaign-recipient-estimations",
    "campaign-send-jobs", "campaign-values-reports", "campaigns", "catalog-categories", "catalog-items",
    "catalog-variants", "client", "conversations", "coupon-code-bulk-create-jobs", "coupon-codes",
    "coupons", "custom-metrics", "custom-objects", "data-privacy-deletion-jobs",
    "data-source-record-bulk-create-jobs", "data-source-record-create-jobs", "data-sources",
    "event-bulk-create-jobs", "events", "flow-actions", "flow-messages", "flow-series-reports",
    "flow-values-reports", "flows", "form-series-reports", "form-values-reports", "form-versions",
    "forms", "images", "lists", "mapped-metrics", "metric-aggregates", "metric-properties", "metrics",
    "object-types", "profile-bulk-import-jobs", "profile-import", "profile-merge",
    "profile-subscription-bulk-create-jobs", "profile-subscription-bulk-delete-jobs",
    "profile-suppression-bulk-create-jobs", "profile-suppression-bulk-delete-jobs", "profiles",
    "push-tokens", "reviews", "segment-series-reports", "segment-values-reports", "segments",
    "tag-groups", "tags", "template-clone", "template-render", "templates", "tracking-settings",
    "universal-content", "web-feeds", "webhook-topics", "webhooks",
}  # fmt: skip
"""Beginnings of the real service's addresses: what is not served below them is not modelled."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: with which scopes (None: all), under which quota, and for which integration."""

    scopes: frozenset[str] | None
    quota: str = ""
    integration: str = "API"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and the ids in the address."""

    endpoint: str
    ids: Mapping[str, str]


def caller_of(
    headers: Mapping[str, str], keys: Mapping[str, frozenset[str]] | None, switches: Switches
) -> Caller:
    """Who asks. Raises Refusal (401)."""
    text = headers.get("authorization", "").strip()
    if not text:
        raise Refusal(unauthenticated(switches.missing_key_status))
    key, token = _KEY.fullmatch(text), _TOKEN.fullmatch(text)
    name = key[1] if key else token[1] if token else ""
    if not name or (keys is not None and name not in keys):
        raise Refusal(bad_key())
    scopes = None if keys is None else keys[name]
    return Caller(scopes) if key else Caller(scopes, f"token {name}", "OAuth App")


def revision_of(headers: Mapping[str, str], switches: Switches) -> str:
    """The revision that the request is answered by. Raises Refusal (400, 410, 501)."""
    asked = headers.get("revision", "").strip()
    match = _REVISION.fullmatch(asked)
    if not match or not _is_date(match[1]):
        words = "Missing the header revision." if not asked else "Invalid revision."
        raise Refusal(_of_revision(400, "invalid", f"{words} Use a date: YYYY-MM-DD[.suffix]."))
    if match[2]:
        raise Refusal(not_modelled("beta revisions"))
    found = match[1]
    if found > SUPPORTED[-1]:
        raise Refusal(_of_revision(400, "invalid", "Unable to specify a future revision date."))
    if found not in SUPPORTED:
        if headers.get(OPT_OUT, "").strip() == "1":
            raise Refusal(_of_revision(410, "gone", f"The revision {found} is not available."))
        later = (one for one in SUPPORTED if one > found)
        found = SUPPORTED[-1] if switches.fall_forward == "newest" else next(later)
    if found < MODELLED:
        raise Refusal(not_modelled(f"revisions before {MODELLED}"))
    return found


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _of_revision(status: int, code: str, detail: str) -> Problem:
    titles = {400: "Invalid input.", 410: "Gone."}
    return Problem(status, code, titles[status], detail, parameter="revision")


def route_of(method: str, path: str) -> Route:
    """The endpoint of an address; a slash at its end changes nothing. Raises Refusal (404, 405, 501)."""
    steps = path.strip("/").split("/")
    others = []
    for endpoint in ENDPOINTS:
        verb, _, pattern = endpoint.partition(" ")
        ids = _ids(pattern.strip("/").split("/"), steps)
        if ids is not None and verb == method:
            return Route(endpoint, ids)
        others += [verb] if ids is not None else []
    if others:
        title = f'Method "{method}" not allowed.'
        problem = Problem(405, "method_not_allowed", title, title)
        raise Refusal(problem, headers={"Allow": ", ".join(sorted(others))})
    if len(steps) > 1 and steps[0] == "api" and steps[1] in ELSEWHERE:
        raise Refusal(not_modelled(f"/api/{steps[1]}" + ("/..." if steps[2:] else "")))
    raise Refusal(not_found("No valid revisions found for method"))


def _ids(pattern: list[str], steps: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(steps):
        return None
    found = {}
    for wanted, step in zip(pattern, steps, strict=True):
        if wanted.startswith("{") and step:
            found[wanted.strip("{}")] = step
        elif wanted != step:
            return None
    return found


def check_scopes(endpoint: str, caller: Caller) -> None:
    """Raises Refusal (403) where the key lacks one."""
    if caller.scopes is not None and not set(LIMITS[endpoint].scopes) <= caller.scopes:
        raise Refusal(no_scope())


def check_media_type(headers: Mapping[str, str]) -> None:
    """Raises Refusal (415) for another kind of body than JSON."""
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in MEDIA_TYPES:
        raise Refusal(unsupported(f"media type '{given[:60]}' in request"))
