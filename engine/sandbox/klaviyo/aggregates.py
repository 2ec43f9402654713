"""Counts of a metric by hour, day, week or month: `POST /api/metric-aggregates`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from engine.sandbox.klaviyo.account import Event
from engine.sandbox.klaviyo.filters import Condition, conditions_of
from engine.sandbox.klaviyo.problems import Refusal, invalid
from engine.sandbox.klaviyo.resources import shown

_MOST = sys.float_info.max
LONGEST = timedelta(days=366)
NOT_KNOWN = {"Factory", "Europe/Kyiv", "Pacific/Kanton"}
"""Zones that Klaviyo's specification excepts."""


def aggregated(events: Sequence[Event], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The dates and the rows of an answer. Raises Refusal."""
    zone = _zone(attributes.get("timezone") or "UTC")
    since, until = _bounds(attributes["filter"], zone)
    starts = list(_starts(since, until, attributes.get("interval") or "day", zone))
    inside = [one for one in events if one.metric.id == attributes["metric_id"] and since <= one.time < until]
    groups: list[list[Event]] = [[] for _ in starts]
    for event in inside:
        place = sum(start <= event.time for start in starts) - 1
        groups[max(place, 0)].append(event)
    measured = {kind: [MEASURES[kind](group) for group in groups] for kind in attributes["measurements"]}
    return {
        "dates": [
            start.astimezone(zone).isoformat() if zone is not UTC else shown(start) for start in starts
        ],
        "data": [{"dimensions": [], "measurements": measured}],
    }


MEASURES: Mapping[str, Any] = {
    "count": len,
    "unique": lambda group: len({one.profile_id for one in group}),
    "sum_value": lambda group: min(max(sum(one.value or 0 for one in group), -_MOST), _MOST),
}


def _zone(name: str) -> tzinfo:
    try:
        if name in NOT_KNOWN:
            raise ValueError(name)
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError):
        raise Refusal(invalid("Not a valid timezone.", "/data/attributes/timezone")) from None


def _bounds(filters: Sequence[str], zone: tzinfo) -> tuple[datetime, datetime]:
    at = "/data/attributes/filter"
    try:
        found = [one for text in filters for one in conditions_of(text, "POST /api/metric-aggregates")]
    except Refusal as refusal:
        raise Refusal(*(invalid(one.detail, at) for one in refusal.problems)) from None
    since, until = _bound(found, "greater-or-equal"), _bound(found, "less-than")
    if len(found) != 2 or since is None or until is None:
        detail = "The filter must include a greater-or-equal and a less-than filter on datetime."
        raise Refusal(invalid(detail, at))
    # The times of the filter have no zone: they are read in that of the request.
    since, until = _placed(since, zone), _placed(until, zone)
    if not since < until <= since + LONGEST:
        raise Refusal(invalid("The time range must be over 0 and at most 1 year long.", at))
    return since, until


def _bound(found: Sequence[Condition], operator: str) -> datetime | None:
    return next((one.values[0] for one in found if one.operator == operator), None)


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise Refusal(invalid("Invalid datetime.", "/data/attributes/filter")) from None


def _starts(since: datetime, until: datetime, interval: str, zone: tzinfo) -> Iterator[datetime]:
    """The beginnings of the intervals that a range touches, in UTC."""
    local = since.astimezone(zone).replace(minute=0, second=0, tzinfo=None)
    if interval != "hour":
        local = local.replace(hour=0)
    if interval == "week":
        local -= timedelta(days=local.weekday())
    if interval == "month":
        local = local.replace(day=1)
    while (start := local.replace(tzinfo=zone).astimezone(UTC)) < until:
        yield start
        local = _following(local, interval)


def _following(local: datetime, interval: str) -> datetime:
    if interval == "month":
        return (local + timedelta(days=32)).replace(day=1)
    return (
        local + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[interval]
    )
