"""Whom a notification is about: its contact, all that it names, and those that were looked up for it."""

from typing import Any

from engine.events import Notification
from engine.language.reference import NEAR_SECONDS
from engine.ports import Record

STATE_TOPICS = frozenset(("ticket.state.updated", "ticket.resolved"))


def wrapped(contact: Record, app_id: str) -> dict[str, Any]:
    """A contact as its past would have it."""
    head = {"type": "notification_event", "history": True, "app_id": app_id}
    return {**head, "data": {"type": "notification_event_data", "item": contact}}


def named_in(notification: Notification) -> set[str]:
    """The ids of the contacts that a notification tells of: it is taken away with each of them."""
    data = notification.event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    inner = [item.get(key) for key in ("contact", "ticket")] if isinstance(item, dict) else []
    found: set[str] = set()
    for one in (item, *inner):
        people = one.get("contacts") if isinstance(one, dict) else None
        listed = people.get("contacts") if isinstance(people, dict) else None
        found |= {
            str(each.get("id"))
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict)
        }
    contact = contact_in(notification) if notification.topic.startswith("contact.") else None
    return found | ({contact["id"]} if contact else set())


def is_short(notification: Notification) -> bool:
    """Whether a notification tells of a change of a ticket's state that is not among its parts.

    A part is of the notification's own second, or of the one before (seen in captures of Intercom's).
    """
    if notification.topic not in STATE_TOPICS or notification.created_at is None:
        return False
    data = notification.event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    held = item.get("ticket_parts") if isinstance(item, dict) else None
    parts = held.get("ticket_parts") if isinstance(held, dict) else None
    times = [
        part.get("created_at")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict) and part.get("ticket_state")
    ]
    near = notification.created_at
    return not any(isinstance(at, int | float) and abs(at - near) <= NEAR_SECONDS for at in times)


def contact_in(notification: Notification) -> dict[str, Any] | None:
    """The contact that a notification tells of."""
    data = notification.event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    inner = item.get("contact") if isinstance(item, dict) else None
    found = inner if isinstance(inner, dict) else item
    return found if isinstance(found, dict) and isinstance(found.get("id"), str) else None


def contacts_of(result: Any) -> list[str]:
    """The ids of the contacts that were looked up for a result."""
    made = getattr(result, "translation", None) or result
    return [key for table, key in getattr(made, "looked_up", ()) if table == "contact"]
