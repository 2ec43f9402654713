"""Tickets as the API writes them, in the shape of 2.16."""

from collections.abc import Sequence

from engine.sandbox.intercom.standing import standing
from engine.sandbox.intercom.truth import Author, Conversation, Part, Ticket
from engine.sandbox.intercom.versions import Object
from engine.sandbox.intercom.view import MOST_PARTS, View, as_html, nothing_linked


def ticket(view: View, conversation: Conversation, *, with_parts: bool = True) -> Object:
    """A ticket. It has the id and the `created_at` of its conversation, also where it became one later."""
    told = conversation.ticket
    if told is None:
        raise ValueError("this conversation is no ticket")
    now, _ = standing(conversation)
    before = now.previous_ticket_state
    made: Object = {
        "type": "ticket",
        "id": conversation.id,
        "ticket_id": told.number,
        "ticket_attributes": dict(told.attributes),
        "ticket_state": dict(view.workspace.office.ticket_states[now.ticket_state]),
        "ticket_type": ticket_type(view, told),
        "contacts": view.references(conversation),
        "admin_assignee_id": now.admin_id,
        "team_assignee_id": now.team_id,
        "created_at": conversation.created_at,
        "updated_at": now.updated_at,
        "ticket_parts": _parts(view, conversation.parts),
        "open": now.state != "closed",
        "snoozed_until": conversation.snoozed_until,
        "linked_objects": nothing_linked(),
        "category": told.category,
        "is_shared": told.is_shared,
        "company_id": conversation.company_id or None,
        "channel": "email" if conversation.channel == "email" else "messenger",
        "previous_ticket_state_id": before or None,
    }
    if not with_parts:
        del made["ticket_parts"]
    return made


def ticket_type(view: View, told: Ticket) -> Object:
    """A ticket's type, with the definitions of all its attributes."""
    return dict(view.workspace.office.ticket_types[told.type_id])


def _parts(view: View, parts: Sequence[Part]) -> Object:
    newest = [part_of_ticket(view, part) for part in parts[-MOST_PARTS:]]
    return {"type": "ticket_part.list", "ticket_parts": newest, "total_count": len(parts)}


def part_of_ticket(view: View, part: Part) -> Object:
    """A part in a ticket: keys without a value are left out, and states are told."""
    made: Object = {"type": "ticket_part", "id": part.id, "part_type": part.kind}
    if part.body:
        made["body"] = as_html(part.body)
    if part.state:
        office = view.workspace.office
        made["ticket_state"] = office.category(part.state)
        made["previous_ticket_state"] = office.category(part.before)
    made |= {"created_at": part.at, "updated_at": part.at}
    if part.to:
        made["assigned_to"] = {"type": part.to[0], "id": part.to[1] or None}
    attachments = [dict(one) for one in part.attachments]
    return made | {"author": _author(view, part.author), "attachments": attachments, "redacted": False}


def _author(view: View, author: Author) -> Object:
    """Customers are users here, leads as well."""
    told = view.author(author)
    kind = "user" if author.is_customer else author.type
    return {"id": told["id"], "type": kind, "name": told["name"], "email": told["email"]}
