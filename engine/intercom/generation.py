"""Which versions of Intercom's API a webhook may come from: it does not say, but its shape may."""

from collections.abc import Mapping
from typing import Any

_PRIORITIES = ("none", "low", "medium", "high", "urgent")
_OLD, _NEW, _NEWER, _ANCIENT = "2.14 or older", "2.15 or newer", "2.16 or newer", "2.11 or older"
OUTDATED = (_OLD, _ANCIENT)
"""Those in which texts come as HTML and some times as text."""


def generation(event: Mapping[str, Any]) -> str:
    """Such as `2.14 or older`, of a webhook as it came; nothing where its shape does not tell."""
    data = event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    if not isinstance(item, dict):
        return ""
    if item.get("type") == "conversation":
        return _of_conversation(item)
    ticket = item.get("ticket") if item.get("type") == "ticket_ticket_part" else item
    return _of_ticket(ticket) if isinstance(ticket, dict) and ticket.get("type") == "ticket" else ""


def _of_conversation(item: Mapping[str, Any]) -> str:
    if item.get("priority") in _PRIORITIES:
        return _NEWER
    statistics = item.get("statistics")
    if not isinstance(statistics, dict):
        return ""
    times = [value for name, value in statistics.items() if name.endswith("_at") and value is not None]
    if not times:
        return ""
    return _OLD if all(isinstance(time, str) for time in times) else _NEW


def _of_ticket(ticket: Mapping[str, Any]) -> str:
    if isinstance(ticket.get("ticket_state"), str):
        return _ANCIENT
    assignees = [ticket.get(name) for name in ("admin_assignee_id", "team_assignee_id")]
    return _NEWER if any(type(one) is int for one in assignees) else ""
