"""What Klaviyo has: the account, its metrics, and what has become of events and profiles.

Klaviyo's pages are walked by cursors. Of an address in an answer only the cursor is taken, and put into a
request of our own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.errors import Denied, Unavailable
from engine.klaviyo.limits import EVENTS
from engine.klaviyo.rest import Refused, Rest
from engine.language.conversions import iso

Object = dict[str, Any]
"""A resource of JSON:API: `type`, `id` and `attributes`."""

_CURSOR = re.compile(r"[A-Za-z0-9_=+/:.,~%-]{1,2000}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
MOST_PAGES = 100_000


class Reading:
    """Reading back from one account. Each method raises Unavailable, Denied and Rejected."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.revision = rest.revision

    def account(self, *, until: float | None = None) -> Object:
        """The account of the key: `attributes.contact_information.organization_name`, `test_account`, ...

        *until* bounds a wait that Klaviyo asks for, on the clock's `monotonic`. Raises NotSent beyond it.
        """
        return next(iter(_objects(self._rest.send("GET /api/accounts", until=until))), {})

    def may(self, endpoint: str, **ids: str) -> bool:
        """Whether the key may use an endpoint (a key of `limits.ENDPOINTS`), asked without changing anything.

        A write is asked for with an empty body: Klaviyo looks at scopes first, and then refuses the body.
        """
        try:
            self._rest.send(endpoint, {"data": {}} if endpoint.startswith("POST") else None, ids=ids)
        except Refused:
            return True
        except Denied as denied:
            if not denied.scope:
                raise
            return False
        return True

    def metrics(self) -> Iterator[Object]:
        """Every metric: `attributes.name`, and `attributes.integration.name`, by which namesakes differ."""
        yield from self.pages("GET /api/metrics")

    def metric_properties(self, metric_id: str) -> list[Object]:
        """The properties of a metric, with the type that Klaviyo has inferred (`inferred_type`)."""
        endpoint = "GET /api/metrics/{id}/metric-properties"
        return _objects(self._rest.send(endpoint, ids={"id": _checked(metric_id)}))

    def events(
        self,
        *,
        metric_id: str = "",
        profile_id: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Object]:
        """Events, oldest first: `attributes.datetime` and `attributes.event_properties`.

        *since* is included and *until* is not; both are aware. Klaviyo gives no `unique_id` back.
        """
        filters = [
            f'equals(metric_id,"{_checked(metric_id)}")' if metric_id else "",
            f'equals(profile_id,"{_checked(profile_id)}")' if profile_id else "",
            f"greater-or-equal(datetime,{iso(since)})" if since else "",
            f"less-than(datetime,{iso(until)})" if until else "",
        ]
        yield from self.pages(f"GET {EVENTS}", {"page[size]": "1000", "sort": "datetime"}, filters)

    def metric_aggregates(
        self, metric_id: str, since: datetime, until: datetime, *, interval: str = "day"
    ) -> dict[str, int]:
        """How many events of a metric there are, by the start of each *interval* (hour, day, week, month)."""
        attributes = {
            "metric_id": _checked(metric_id),
            "measurements": ["count"],
            "interval": interval,
            "page_size": 500,
            "timezone": "UTC",
            "filter": [
                f"greater-or-equal(datetime,{_naive(since)})",
                f"less-than(datetime,{_naive(until)})",
            ],
        }
        body = {"data": {"type": "metric-aggregate", "attributes": attributes}}
        answer = self._rest.send("POST /api/metric-aggregates", body)
        try:
            found = answer["data"]["attributes"]
            counts = [0] * len(found["dates"])
            for row in found["data"]:
                for place, count in enumerate(row["measurements"]["count"]):
                    counts[place] += int(count)
            return dict(zip(map(str, found["dates"]), counts, strict=True))
        except (TypeError, KeyError, IndexError, ValueError, AttributeError):
            raise _strange() from None

    def profiles(
        self, *, email: str = "", phone_number: str = "", external_id: str = "", ids: Iterable[str] = ()
    ) -> Iterator[Object]:
        """Profiles with one of these identifiers, or these ids of Klaviyo's: `attributes` as imported."""
        listed = ",".join(f'"{_checked(one)}"' for one in ids)
        filters = [
            f'equals(email,"{_quoted(email)}")' if email else "",
            f'equals(phone_number,"{_quoted(phone_number)}")' if phone_number else "",
            f'equals(external_id,"{_quoted(external_id)}")' if external_id else "",
            f"any(id,[{listed}])" if listed else "",
        ]
        yield from self.pages("GET /api/profiles", {"page[size]": "100"}, filters)

    def pages(
        self,
        endpoint: str,
        query: Mapping[str, str] | None = None,
        filters: Iterable[str] = (),
        **ids: str,
    ) -> Iterator[Object]:
        """The objects of every page. Raises Unavailable where a cursor comes again, or is none."""
        asked = dict(query or {})
        conditions = ",".join(filter(None, filters))
        if conditions:
            asked["filter"] = conditions
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self._rest.send(endpoint, query=asked, ids=ids)
            yield from _objects(answer)
            cursor = _next(answer)
            if not cursor:
                return
            if cursor in seen:
                raise Unavailable("Klaviyo gives the same page again, without an end")
            seen.add(cursor)
            asked["page[cursor]"] = cursor
        raise Unavailable("Klaviyo gives pages without an end")


def _objects(answer: Any) -> list[Object]:
    """The resources of an answer. Raises Unavailable where it holds something else."""
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise _strange()
    return listed


def _next(answer: Mapping[str, Any]) -> str:
    """The cursor of the next page; nothing on the last."""
    links = answer.get("links")
    address = links.get("next") if isinstance(links, dict) else None
    if not address:
        return ""
    try:
        [cursor] = parse_qs(urlsplit(address).query)["page[cursor]"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _strange() from None
    if not _CURSOR.fullmatch(cursor):
        raise _strange()
    return cursor


def _strange() -> Unavailable:
    return Unavailable("Klaviyo's address answers with something that is no answer of its")


def _checked(one: str) -> str:
    """An id of Klaviyo's, fit for an address and a filter. Raises ValueError."""
    if not _ID.fullmatch(one):
        raise ValueError("this is no id of Klaviyo's")
    return one


def _quoted(text: str) -> str:
    """A text inside the quotes of a filter."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _naive(moment: datetime) -> str:
    """Metric aggregates take times without a zone, in the zone that the request names."""
    return iso(moment).removesuffix("Z")
