"""Conversations as the API writes them, in the shape of 2.16."""

from collections.abc import Sequence

from engine.sandbox.intercom.standing import CLOSING, OPENING, standing, statistics
from engine.sandbox.intercom.tickets import ticket
from engine.sandbox.intercom.truth import Conversation, Part, Rating
from engine.sandbox.intercom.versions import Object
from engine.sandbox.intercom.view import MOST_PARTS, View, nothing_linked


def conversation(view: View, one: Conversation, *, parts: Sequence[Part] | None = None) -> Object:
    """A conversation as lists have it; where *parts* are given with these, or the newest of them."""
    now, waits = standing(one)
    office = view.workspace.office
    first = now.first_contact_reply_at
    made: Object = {
        "type": "conversation",
        "id": one.id,
        "created_at": one.created_at,
        "updated_at": now.updated_at,
        "waiting_since": now.waiting_since,
        "snoozed_until": one.snoozed_until,
        "source": _source(view, one),
        "contacts": view.references(one),
        "first_contact_reply": first and {"created_at": first, "type": one.channel, "url": one.url},
        "admin_assignee_id": now.admin_id,
        "team_assignee_id": now.team_id,
        "open": now.state != "closed",
        "state": now.state,
        "read": now.is_read,
        "tags": {"type": "tag.list", "tags": [_tag(view, one, n) for n in range(len(one.tags))]},
        "priority": one.priority,
        "sla_applied": one.sla
        and {"type": "conversation_sla_summary", "sla_name": one.sla[0], "sla_status": one.sla[1]},
        "statistics": statistics(now, waits, len(one.parts), office.team_name),
        "conversation_rating": _rating(view, one),
        "teammates": {"type": "admin.list", "admins": _teammates(one)},
        "title": one.title,
        "company": _company(view, one.company_id),
        "custom_attributes": dict(one.custom),
        "topics": {"type": "topic.list", "topics": [], "total_count": 0},
        "ticket": _ticket(view, one),
        "linked_objects": nothing_linked(),
        "ai_agent": _ai_agent(one),
        "ai_agent_participated": one.fin is not None,
        "sales_agent": None,
        "sales_agent_participated": False,
        "channel": {"initial": _channel(one), "current": _channel(one)},
        "external_references": [],
    }
    if parts is not None:
        made["conversation_parts"] = _parts(view, one, parts)
    return made


def shown_rating(view: View, one: Conversation) -> Rating | None:
    """Up to 2.14 the last survey, answered or not; from 2.15 on the last that was answered."""
    answered = [rating for rating in one.ratings if view.is_before("2.15") or rating.stars is not None]
    return answered[-1] if answered else None


def _source(view: View, one: Conversation) -> Object:
    return {
        "type": one.channel,
        "id": one.message_id,
        "delivered_as": one.delivered_as,
        "subject": one.subject,
        "body": view.text(one.body),
        "author": view.author(one.author),
        "attachments": [],
        "url": one.url,
        "redacted": False,
    }


def _tag(view: View, one: Conversation, number: int) -> Object:
    tagging = one.tags[number]
    by = {"type": "admin", "id": tagging.admin_id}
    return {**view.workspace.office.tags[tagging.tag_id], "applied_at": tagging.at, "applied_by": by}


def _rating(view: View, one: Conversation) -> Object | None:
    rating = shown_rating(view, one)
    if rating is None:
        return None
    return {
        "rating": rating.stars,
        "remark": rating.remark,
        "created_at": rating.asked_at,
        "updated_at": rating.changed_at,
        "contact": view.reference(rating.contact_id),
        "teammate": {"type": "admin", "id": rating.admin_id},
    }


def _teammates(one: Conversation) -> list[Object]:
    ids = {part.author.id: None for part in one.parts if part.author.type == "admin"}
    return [{"type": "admin", "id": key} for key in ids]


def _company(view: View, company_id: str) -> Object | None:
    record = view.workspace.office.companies.get(company_id)
    keys = ("type", "id", "company_id", "name", "app_id")
    return record and {key: record[key] for key in keys}


def _ticket(view: View, one: Conversation) -> Object | None:
    if one.ticket is None:
        return None
    if view.switches.ticket_in_conversation == "short":
        return {"type": "ticket", "id": one.id}
    return ticket(view, one, with_parts=False)


def _ai_agent(one: Conversation) -> Object | None:
    sources = {"type": "content_source.list", "total_count": 0, "content_sources": []}
    return None if one.fin is None else {**one.fin, "content_sources": sources}


def _channel(one: Conversation) -> str:
    return "messenger" if one.channel == "conversation" else one.channel


def _parts(view: View, one: Conversation, parts: Sequence[Part]) -> Object:
    """The newest of *parts*, each with the state of the conversation at its time."""
    newest = parts[-MOST_PARTS:]
    states = _states(one)
    rows = [_part(view, part, states[part.id]) for part in newest]
    return {"type": "conversation_part.list", "conversation_parts": rows, "total_count": len(parts)}


def _states(one: Conversation) -> dict[str, str]:
    state, found = "open", {}
    for part in one.parts:
        if part.kind in CLOSING:
            state = "closed"
        elif part.kind in (*OPENING, "unsnoozed"):
            state = "open"
        elif part.kind == "snoozed":
            state = "snoozed"
        found[part.id] = state
    return found


def _part(view: View, part: Part, state: str) -> Object:
    """A part in a conversation: a change of a ticket's state does not say which."""
    by_fin = part.author.type == "bot" and part.is_reply
    author = {**view.author(part.author), "from_ai_agent": by_fin, "is_ai_answer": by_fin}
    return {
        "type": "conversation_part",
        "id": part.id,
        "part_type": part.kind,
        "body": view.text(part.body),
        "created_at": part.at,
        "updated_at": part.at,
        "notified_at": part.at,
        "assigned_to": part.to and {"type": part.to[0], "id": part.to[1] or None},
        "author": author,
        "attachments": [dict(attachment) for attachment in part.attachments],
        "external_id": None,
        "redacted": False,
        "metadata": {},
        "email_message_metadata": None,
        "state": state,
        "tags": [],
        "event_details": {},
        "app_package_code": None,
    }
