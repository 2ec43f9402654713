"""What a query may say: parameters, sparse fieldsets, sorting, and pages walked by opaque cursors."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from engine.sandbox.klaviyo.problems import Problem, Refusal, bad_parameter, not_modelled, unknown_field

Row = TypeVar("Row")

PREDICTIONS = (
    "historic_clv", "predicted_clv", "total_clv", "historic_number_of_orders", "predicted_number_of_orders",
    "average_days_between_orders", "average_order_value", "churn_probability",
    "expected_date_of_next_order", "ranked_channel_affinity",
)  # fmt: skip
_PLACE = (
    "address1",
    "address2",
    "city",
    "country",
    "ip",
    "latitude",
    "longitude",
    "region",
    "timezone",
    "zip",
)
_PROFILE = (
    "created", "email", "external_id", "first_name", "id", "image", "last_event_date", "last_name", "locale",
    "location", *(f"location.{one}" for one in _PLACE), "organization", "phone_number", "properties", "title",
    "updated", "subscriptions", "predictive_analytics",
    *(f"predictive_analytics.{one}" for one in PREDICTIONS),
)  # fmt: skip
_METRIC = ("created", "id", "integration", "name", "updated")
_JOB = (
    "completed_at", "completed_count", "created_at", "expires_at", "failed_count", "id", "started_at",
    "status", "total_count",
)  # fmt: skip
_CONTACT = ("default_sender_email", "default_sender_name", "organization_name", "website_url")
_STREET = ("address1", "address2", "city", "country", "region", "zip")
_ACCOUNT = (
    "contact_information", *(f"contact_information.{one}" for one in _CONTACT),
    "contact_information.street_address",
    *(f"contact_information.street_address.{one}" for one in _STREET), "id", "industry", "locale",
    "preferred_currency", "public_api_key", "test_account", "timezone",
)  # fmt: skip
_EXTRA = ("subscriptions", "predictive_analytics")
_WRITES_PROFILE = {"fields[profile]": _PROFILE, "additional-fields[profile]": _EXTRA}


INCLUDES_ELSEWHERE = {"conversations", "flow-triggers", "lists", "profiles", "push-tokens", "segments"}
FIELDS_ELSEWHERE = {
    f"fields[{kind}]" for kind in ("attribution", "conversation", "flow", "list", "push-token", "segment")
}
"""What the real service knows in queries and this does not: said, rather than refused as unknown."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the query of an endpoint may name. `sizes` is the usual and the largest page, if it has pages."""

    resource: str
    lists: Mapping[str, Sequence[str]]
    include: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    has_filter: bool = False
    pages: int = 0
    largest: int = 0


_ERROR = ("code", "detail", "id", "original_payload", "source", "source.pointer", "title")
_PROPERTY = ("id", "inferred_type", "label", "property", "sample_values")
RULES: Mapping[str, Rule] = {
    "GET /api/events": Rule(
        "event",
        {
            "fields[event]": ("datetime", "event_properties", "id", "timestamp", "uuid"),
            "fields[metric]": _METRIC,
            "fields[profile]": _PROFILE,
        },
        ("attributions", "metric", "profile"), ("datetime", "timestamp"), True, 200, 1000,
    ),
    "GET /api/profiles": Rule(
        "profile", _WRITES_PROFILE, (), ("created", "email", "id", "updated"), True, 20, 100
    ),
    "GET /api/profiles/{id}": Rule("profile", _WRITES_PROFILE),
    "PATCH /api/profiles/{id}": Rule("profile", _WRITES_PROFILE),
    "POST /api/profiles": Rule("profile", _WRITES_PROFILE),
    "POST /api/profile-import": Rule("profile", _WRITES_PROFILE),
    "GET /api/metrics": Rule("metric", {"fields[metric]": _METRIC}, (), (), True, 200),
    "GET /api/metrics/{id}": Rule("metric", {"fields[metric]": _METRIC}),
    "GET /api/metrics/{id}/metric-properties": Rule(
        "metric-property",
        {"fields[metric-property]": _PROPERTY, "additional-fields[metric-property]": ("sample_values",)},
    ),
    "GET /api/accounts": Rule("account", {"fields[account]": _ACCOUNT}),
    "POST /api/profile-bulk-import-jobs": Rule(
        "profile-bulk-import-job", {"fields[profile-bulk-import-job]": _JOB}
    ),
    "GET /api/profile-bulk-import-jobs": Rule(
        "profile-bulk-import-job",
        {"fields[profile-bulk-import-job]": _JOB}, (), ("created_at",), True, 20, 100,
    ),
    "GET /api/profile-bulk-import-jobs/{job_id}": Rule(
        "profile-bulk-import-job", {"fields[profile-bulk-import-job]": _JOB}
    ),
    "GET /api/profile-bulk-import-jobs/{id}/import-errors": Rule(
        "import-error", {"fields[import-error]": _ERROR}, (), (), False, 20, 100
    ),
    "POST /api/metric-aggregates": Rule(
        "metric-aggregate", {"fields[metric-aggregate]": ("data", "dates", "id")}
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was judged good."""

    values: Mapping[str, str]
    include: tuple[str, ...] = ()
    sort: str = ""
    filter: str = ""
    size: int = 0

    def fields(self, kind: str) -> tuple[str, ...] | None:
        """The sparse fieldset of a kind of resource; None where all are wanted."""
        found = self.values.get(f"fields[{kind}]")
        return None if found is None else tuple(filter(None, found.split(",")))

    def extra(self, kind: str) -> tuple[str, ...]:
        """The additional fields of a kind of resource."""
        return tuple(filter(None, self.values.get(f"additional-fields[{kind}]", "").split(",")))


def asked_of(endpoint: str, pairs: Sequence[tuple[str, str]]) -> Asked:
    """A query, judged. Raises Refusal with all that is wrong with it."""
    rule = RULES.get(endpoint, Rule("resource", {}))
    values = dict(pairs)
    wrong = [
        bad_parameter("A parameter may not be given twice.", name)
        for name in values
        if sum(name == other for other, _ in pairs) > 1
    ]
    for name, value in values.items():
        wrong += _wrong(rule, name, value)
    if wrong:
        raise Refusal(*wrong)
    include = tuple(filter(None, values.get("include", "").split(",")))
    size = int(values.get("page[size]") or rule.pages)
    return Asked(values, include, values.get("sort", ""), values.get("filter", ""), size)


def _wrong(rule: Rule, name: str, value: str) -> list[Problem]:
    parts = list(filter(None, value.split(",")))
    if any(map(_is_elsewhere, parts)) or name in FIELDS_ELSEWHERE:
        return [not_modelled(f"the query {name}={value[:60]}")]
    if name == "include" and rule.include:
        bad = [part for part in parts if part not in rule.include]
        return [
            bad_parameter(f"'{part}' is not an allowed include parameter for this resource.", name)
            for part in bad
        ]
    if name in rule.lists:
        bad = [part for part in parts if part not in rule.lists[name]]
        return [bad_parameter(f"'{part}' is not an allowed value for {name}.", name) for part in bad]
    if name == "sort" and rule.sorts:
        is_known = value.removeprefix("-") in rule.sorts
        return [] if is_known else [bad_parameter(f"'{value}' is not an allowed sort field.", name)]
    if name == "page[size]" and rule.largest:
        is_size = value.isascii() and value.isdigit() and len(value) < 6 and 1 <= int(value) <= rule.largest
        detail = f"Page size must be an integer between 1 and {rule.largest}."
        return [] if is_size else [bad_parameter(detail, name)]
    if (name == "filter" and rule.has_filter) or (name == "page[cursor]" and rule.pages):
        return []
    if name == "include":
        return [
            bad_parameter(f"'{part}' is not an allowed include parameter for this resource.", name)
            for part in parts
        ]
    # Seen at metrics: `page[size]` is told as a field of the resource.
    field = name.replace("[", "_").replace("]", "")
    problem = unknown_field(field, rule.resource, "")
    return [bad_parameter(problem.detail, name)]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursors of its neighbours; nothing where there is none."""

    rows: list[Any]
    next: str = ""
    previous: str = ""


def page_of(
    rows: Sequence[Row], key: Callable[[Row], tuple[Any, str]], asked: Asked, descending: bool
) -> Page:
    """A page of rows sorted by *key*, whose second part is an id: new rows neither repeat nor hide one."""
    ordered = sorted(rows, key=key, reverse=descending)
    mark = _mark(asked)
    cursor = asked.values.get("page[cursor]")
    if cursor is None:
        part, start = ordered[: asked.size], 0
    else:
        word, place = _opened(cursor, mark, [key(row) for row in rows])
        after = [row for row in ordered if (key(row) < place if descending else key(row) > place)]
        before = [row for row in ordered if (key(row) > place if descending else key(row) < place)]
        part = after[: asked.size] if word == "next" else before[-asked.size :]
        start = ordered.index(part[0]) if part else len(ordered)
    end = start + len(part)
    following = _sealed("next", key(part[-1]), mark) if part and end < len(ordered) else ""
    previous = _sealed("prev", key(part[0]), mark) if part and start > 0 else ""
    return Page(list(part), following, previous)


def links_of(address: str, asked: Asked, page: Page, last: str) -> dict[str, Any]:
    """The links of a collection: absolute; on the last page null or absent, as the switch *last* says."""

    def link(cursor: str) -> str:
        values = dict(asked.values) | ({"page[cursor]": cursor} if cursor else {})
        return f"{address}?{urlencode(values)}" if values else address

    links: dict[str, Any] = {"self": link(asked.values.get("page[cursor]", ""))}
    for name, cursor in (("next", page.next), ("prev", page.previous)):
        if cursor or last == "null":
            links[name] = link(cursor) if cursor else None
    return links


def _is_elsewhere(part: str) -> bool:
    return part in INCLUDES_ELSEWHERE or part.lstrip("-").startswith("subscriptions.")


def _mark(asked: Asked) -> str:
    return sha256(f"{asked.filter}\n{asked.sort}".encode()).hexdigest()[:8]


def _sealed(word: str, place: tuple[Any, str], mark: str) -> str:
    text = json.dumps([word, place[0], place[1], mark])
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def _opened(cursor: str, mark: str, places: Sequence[tuple[Any, str]]) -> tuple[str, tuple[Any, str]]:
    """Which way and from where. Raises Refusal for a cursor that is none of ours, or of another query."""
    bad = Refusal(bad_parameter("Invalid cursor.", "page[cursor]"))
    try:
        value = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        word, first, id_, sealed = value
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise bad from None
    is_ours = word in ("next", "prev") and isinstance(id_, str) and sealed == mark
    if (
        not is_ours
        or not isinstance(first, (str, int))
        or any(type(one) is not type(first) for one, _ in places)
    ):
        raise bad
    return word, (first, id_)
