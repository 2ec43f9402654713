"""What the newest API version writes -> what an older one does.

Views (`conversations.py`, `tickets.py`, `contacts.py`) have the shape of 2.16. SINCE says which keys an
older version lacks, UNTIL what it writes otherwise. Whether a text is HTML, which rating is shown and how
webhooks write times is no matter of shape alone: the views and `notifications.py` ask `is_before`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]

VERSIONS = ("2.9", "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16")
"""The versions that this stand-in speaks: those that know tickets."""
NEWEST = VERSIONS[-1]

# Kind of object -> the first version that has these keys.
SINCE: dict[str, dict[str, tuple[str, ...]]] = {
    "conversation": {
        "2.11": ("ai_agent", "ai_agent_participated", "linked_objects"),
        "2.15": ("company",),
        "2.16": ("channel", "external_references", "sales_agent", "sales_agent_participated"),
    },
    "statistics": {
        "2.12": ("assigned_team_first_response_time",),
        "2.14": ("assigned_team_first_response_time_in_office_hours", "handling_time"),
        "2.15": ("adjusted_handling_time",),
    },
    "rating": {"2.14": ("updated_at",)},
    "ai_agent": {"2.14": ("created_at", "updated_at")},
    "part": {
        "2.14": ("app_package_code", "email_message_metadata", "event_details", "metadata", "state", "tags"),
    },
    "author": {"2.14": ("from_ai_agent", "is_ai_answer")},
    "ticket": {"2.16": ("previous_ticket_state_id",)},
}


def is_before(version: str, other: str) -> bool:
    """Whether a version is older than another."""
    return _number(version) < _number(other)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _unassigned_is_null(conversation: Object) -> None:
    for key in ("admin_assignee_id", "team_assignee_id"):
        conversation[key] = conversation[key] or None


def _team_is_text(conversation: Object) -> None:
    if conversation["team_assignee_id"] is not None:
        conversation["team_assignee_id"] = str(conversation["team_assignee_id"])


def _priority_is_yes_or_no(conversation: Object) -> None:
    conversation["priority"] = "not_priority" if conversation["priority"] == "none" else "priority"


def _routing_is_one_state(ai_agent: Object) -> None:
    if ai_agent["resolution_state"] in ("escalated", "negative_feedback", "procedure_handoff"):
        ai_agent["resolution_state"] = "routed_to_team"


def _assignees_are_text(ticket: Object) -> None:
    for key in ("admin_assignee_id", "team_assignee_id"):
        ticket[key] = str(ticket[key])


def _state_is_text(ticket: Object) -> None:
    state = ticket["ticket_state"]
    ticket["ticket_state"] = state["category"]
    ticket["ticket_state_internal_label"] = state["internal_label"]
    ticket["ticket_state_external_label"] = state["external_label"]


def _owner_is_number(contact: Object) -> None:
    if contact.get("owner_id") is not None:
        contact["owner_id"] = int(contact["owner_id"])


def _phone_comes_twice(contact: Object) -> None:
    contact["formatted_phone"] = contact["phone"]


# Kind of object, the first and the last version that write it so, and how.
UNTIL: tuple[tuple[str, str, str, Callable[[Object], None]], ...] = (
    ("conversation", "2.9", "2.15", _unassigned_is_null),
    ("conversation", "2.9", "2.15", _priority_is_yes_or_no),
    ("conversation", "2.9", "2.9", _team_is_text),
    ("ai_agent", "2.9", "2.14", _routing_is_one_state),
    ("ticket", "2.9", "2.15", _assignees_are_text),
    ("ticket", "2.9", "2.11", _state_is_text),
    ("contact", "2.9", "2.15", _owner_is_number),
    ("listed contact", "2.11", "2.11", _phone_comes_twice),
)


def aged(item: Object, version: str) -> Object:
    """An object of 2.16 in the shape of an older version: the same object, changed in place."""
    if version == NEWEST:
        return item
    for kind, thing in list(_objects(item)):
        for first, keys in SINCE.get(kind, {}).items():
            if is_before(version, first):
                for key in keys:
                    thing.pop(key, None)
        for changed, first, last, change in UNTIL:
            if changed == kind and not is_before(version, first) and not is_before(last, version):
                change(thing)
    return item


def with_iso_times(contact: Object) -> Object:
    """A contact as webhooks write it: its times as text, with milliseconds."""
    for key, value in contact.items():
        if key.endswith("_at") and isinstance(value, int):
            contact[key] = datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds")
    return contact


def with_iso_statistics(conversation: Object) -> Object:
    """A conversation as webhooks up to 2.14 write it."""
    statistics = conversation["statistics"] or {}
    for key, value in statistics.items():
        if key.endswith("_at") and value is not None:
            statistics[key] = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return conversation


def _objects(item: Object) -> Iterator[tuple[str, Object]]:
    """The objects in an item whose shape differs between versions, each with its kind."""
    kind = item.get("type")
    if kind == "conversation":
        yield from _of_conversation(item)
    elif kind == "ticket" and "ticket_state" in item:
        yield "ticket", item
    elif kind == "contact":
        yield "contact", item
        if "email_domain" in item:
            yield "listed contact", item
    for wrapped in ("ticket", "contact"):
        if isinstance(item.get(wrapped), dict):
            yield from _objects(item[wrapped])


def _of_conversation(item: Object) -> Iterator[tuple[str, Object]]:
    parts = item.get("conversation_parts", {}).get("conversation_parts", [])
    found = [
        ("statistics", item["statistics"]),
        ("rating", item["conversation_rating"]),
        ("ai_agent", item["ai_agent"]),
        *(("part", part) for part in parts),
        *(("author", part["author"]) for part in parts),
        ("conversation", item),
    ]
    yield from ((kind, thing) for kind, thing in found if thing)
