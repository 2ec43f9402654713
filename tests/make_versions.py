"""Write tests/fixtures/versions/<v>/: the samples as Intercom sends them to an app set to API version v.

    python tests/make_versions.py

The samples have the newest shape. SINCE says which keys an older one lacks, UNTIL what it writes otherwise.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = ("2.9", "2.11", "2.12", "2.14", "2.15", "2.16")
SAMPLES = (
    "contact.deleted",
    "contact.user.updated",
    "conversation.rating.added",
    "conversation.read",
    "conversation.user.created",
    "conversation.user.replied",
    "ping",
    "ticket.contact.replied",
    "ticket.created",
    "ticket.state.updated.resolved",
    "ticket.state.updated.submitted",
    "ticket.state.updated.waiting_on_customer",
)

Object = dict[str, Any]

# Kind of object -> the first version that sends these keys.
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
    "source": {"2.16": ("email_message_metadata", "recipients", "reply_to")},
    "part": {
        "2.14": ("app_package_code", "email_message_metadata", "event_details", "metadata", "state", "tags"),
    },
    "author": {"2.14": ("from_ai_agent", "is_ai_answer")},
    "ticket": {"2.16": ("previous_ticket_state_id",)},
}


def unassigned_is_null(conversation: Object) -> None:
    for key in ("admin_assignee_id", "team_assignee_id"):
        conversation[key] = conversation[key] or None


def team_is_text(conversation: Object) -> None:
    if conversation["team_assignee_id"] is not None:
        conversation["team_assignee_id"] = str(conversation["team_assignee_id"])


def priority_is_yes_or_no(conversation: Object) -> None:
    conversation["priority"] = "not_priority" if conversation["priority"] == "none" else "priority"


def times_are_iso(statistics: Object) -> None:
    for key, value in statistics.items():
        if key.endswith("_at") and value is not None:
            statistics[key] = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def body_is_html(message: Object) -> None:
    if message["body"]:
        message["body"] = f"<p>{escape(message['body'], quote=False)}</p>"


def routing_is_one_state(ai_agent: Object) -> None:
    if ai_agent["resolution_state"] in ("escalated", "negative_feedback", "procedure_handoff"):
        ai_agent["resolution_state"] = "routed_to_team"


def assignees_are_text(ticket: Object) -> None:
    for key in ("admin_assignee_id", "team_assignee_id"):
        ticket[key] = str(ticket[key])


def state_is_text(ticket: Object) -> None:
    state = ticket["ticket_state"]
    ticket["ticket_state"] = state["category"]
    ticket["ticket_state_internal_label"] = state["internal_label"]
    ticket["ticket_state_external_label"] = state["external_label"]


def owner_is_number(contact: Object) -> None:
    if contact.get("owner_id") is not None:  # a deleted contact is little more than its id
        contact["owner_id"] = int(contact["owner_id"])


# Kind of object, the last version that writes it so, and how.
UNTIL: tuple[tuple[str, str, Callable[[Object], None]], ...] = (
    ("conversation", "2.15", unassigned_is_null),
    ("conversation", "2.15", priority_is_yes_or_no),
    ("conversation", "2.9", team_is_text),
    ("statistics", "2.14", times_are_iso),
    ("source", "2.14", body_is_html),
    ("part", "2.14", body_is_html),
    ("ai_agent", "2.14", routing_is_one_state),
    ("ticket", "2.15", assignees_are_text),
    ("ticket", "2.11", state_is_text),
    ("contact", "2.15", owner_is_number),
)


def shape(notification: Object, version: str) -> Object:
    """The notification, given in the shape of 2.16, in the shape of *version*."""
    shaped = deepcopy(notification)
    for kind, thing in objects(shaped["data"]["item"]):
        for first, keys in SINCE.get(kind, {}).items():
            if _number(version) < _number(first):
                for key in keys:
                    thing.pop(key, None)
        for changed, last, change in UNTIL:
            if changed == kind and _number(version) <= _number(last):
                change(thing)
    return shaped


def objects(item: Object) -> Iterator[tuple[str, Object]]:
    """The objects in an item whose shape differs between versions, each with its kind."""
    if item["type"] == "conversation":
        yield from _conversation(item)
        return
    yield item["type"], item
    for wrapped in ("ticket", "contact"):
        if wrapped in item:
            yield wrapped, item[wrapped]


def _conversation(item: Object) -> Iterator[tuple[str, Object]]:
    parts = item.get("conversation_parts", {}).get("conversation_parts", [])
    found = [
        ("statistics", item["statistics"]),
        ("rating", item["conversation_rating"]),
        ("ai_agent", item["ai_agent"]),
        ("source", item["source"]),
        *(("part", part) for part in parts),
        *(("author", part["author"]) for part in parts),
        ("conversation", item),
    ]
    yield from ((kind, thing) for kind, thing in found if thing)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def compact(notification: Object) -> str:
    """The notification on one line, to keep what ships small."""
    return json.dumps(notification, ensure_ascii=False, separators=(",", ":")) + "\n"


def files() -> dict[Path, str]:
    """Every file under versions/, and what belongs in it."""
    made = {}
    for sample in SAMPLES:
        notification = json.loads((FIXTURES / f"{sample}.json").read_text(encoding="utf-8"))
        for version in VERSIONS:
            made[FIXTURES / "versions" / version / f"{sample}.json"] = compact(shape(notification, version))
    return made


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
