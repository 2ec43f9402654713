"""What can be searched for, and what is compared: a field's kind, and its value of an object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.sandbox.intercom.contacts import contact
from engine.sandbox.intercom.conversations import shown_rating
from engine.sandbox.intercom.standing import standing, statistics
from engine.sandbox.intercom.truth import Contact, Conversation, Rating
from engine.sandbox.intercom.view import View

STRING, INTEGER, DATE, BOOLEAN = "String", "Integer", "Date", "Boolean"
STRINGS, WORDS, TAG = "Strings", "Words", "Tag"
"""Several at once (each is compared), the words of a text, and tags of contacts (only `=` and `!=`)."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a search knows of a field."""

    kind: str
    value: Callable[[View, Any], Any]


def _own(name: str) -> Callable[[View, Any], Any]:
    return lambda view, one: getattr(one, name)


def _stands(name: str) -> Callable[[View, Any], Any]:
    return lambda view, one: getattr(standing(one)[0], name)


def _counted(name: str) -> Callable[[View, Any], Any]:
    def value(view: View, one: Conversation) -> Any:
        found = statistics(*standing(one), len(one.parts), view.workspace.office.team_name)
        return found and found[name]

    return value


def _rated(of: Callable[[Rating], Any]) -> Callable[[View, Any], Any]:
    def value(view: View, one: Conversation) -> Any:
        rating = shown_rating(view, one)
        return None if rating is None else of(rating)

    return value


def _fin(name: str) -> Callable[[View, Any], Any]:
    return lambda view, one: None if one.fin is None else one.fin.get(name)


def _teammates(view: View, one: Conversation) -> list[str]:
    return [part.author.id for part in one.parts if part.author.type == "admin"]


def _contacts(view: View, one: Conversation) -> list[str]:
    return [view.contact_id(key) for key in one.contact_ids]


def _is_open(view: View, one: Conversation) -> bool:
    return standing(one)[0].state != "closed"


def _ticket_state(view: View, one: Conversation) -> str:
    state = view.workspace.office.ticket_states[standing(one)[0].ticket_state]
    return str(state["category" if view.switches.state_words == "category" else "internal_label"])


_CATEGORIES = {"Customer": "request", "Back-office": "task", "Tracker": "tracker"}
_DATES_COUNTED = (
    "first_contact_reply_at", "first_assignment_at", "first_admin_reply_at", "first_close_at",
    "last_assignment_at", "last_assignment_admin_reply_at", "last_contact_reply_at", "last_admin_reply_at",
    "last_close_at",
)  # fmt: skip
_NUMBERS_COUNTED = (
    "time_to_assignment", "time_to_admin_reply", "time_to_first_close", "time_to_last_close",
    "median_time_to_reply", "count_reopens", "count_assignments", "count_conversation_parts",
)  # fmt: skip

_BOTH: dict[str, Field] = {
    "id": Field(STRING, _own("id")),
    "created_at": Field(DATE, _own("created_at")),
    "updated_at": Field(DATE, _stands("updated_at")),
    "contact_ids": Field(STRINGS, _contacts),
    "teammate_ids": Field(STRINGS, _teammates),
    "open": Field(BOOLEAN, _is_open),
    "snoozed_until": Field(DATE, _own("snoozed_until")),
}
CONVERSATIONS: Mapping[str, Field] = {
    **_BOTH,
    "admin_assignee_id": Field(INTEGER, _stands("admin_id")),
    "team_assignee_id": Field(INTEGER, _stands("team_id")),
    "source.type": Field(STRING, _own("channel")),
    "source.id": Field(STRING, _own("message_id")),
    "source.delivered_as": Field(STRING, _own("delivered_as")),
    "source.subject": Field(STRING, _own("subject")),
    "source.body": Field(WORDS, _own("body")),
    "source.author.id": Field(STRING, lambda view, one: one.author.id),
    "source.author.type": Field(STRING, lambda view, one: one.author.type),
    "source.author.name": Field(STRING, lambda view, one: one.author.name),
    "source.author.email": Field(STRING, lambda view, one: one.author.email),
    "source.url": Field(STRING, _own("url")),
    "channel_initiated": Field(STRING, _own("channel")),
    "read": Field(BOOLEAN, _stands("is_read")),
    "state": Field(STRING, _stands("state")),
    "waiting_since": Field(DATE, _stands("waiting_since")),
    "tag_ids": Field(STRINGS, lambda view, one: [tagging.tag_id for tagging in one.tags]),
    "priority": Field(STRING, _own("priority")),
    **{f"statistics.{name}": Field(DATE, _counted(name)) for name in _DATES_COUNTED},
    **{f"statistics.{name}": Field(INTEGER, _counted(name)) for name in _NUMBERS_COUNTED},
    "statistics.last_closed_by_id": Field(STRING, _counted("last_closed_by_id")),
    "conversation_rating.requested_at": Field(DATE, _rated(lambda rating: rating.asked_at)),
    "conversation_rating.replied_at": Field(DATE, _rated(lambda rating: rating.answered_at)),
    "conversation_rating.score": Field(INTEGER, _rated(lambda rating: rating.stars)),
    "conversation_rating.remark": Field(STRING, _rated(lambda rating: rating.remark)),
    "conversation_rating.contact_id": Field(STRING, _rated(lambda rating: rating.contact_id)),
    "conversation_rating.admin_d": Field(
        STRING, _rated(lambda rating: rating.admin_id)
    ),  # so Intercom has it
    "ai_agent_participated": Field(BOOLEAN, lambda view, one: one.fin is not None),
    "ai_agent.resolution_state": Field(STRING, _fin("resolution_state")),
    "ai_agent.last_answer_type": Field(STRING, _fin("last_answer_type")),
    "ai_agent.rating": Field(INTEGER, _fin("rating")),
    "ai_agent.rating_remark": Field(STRING, _fin("rating_remark")),
    "ai_agent.source_type": Field(STRING, _fin("source_type")),
    "ai_agent.source_title": Field(STRING, _fin("source_title")),
}
TICKETS: Mapping[str, Field] = {
    **_BOTH,
    "admin_assignee_id": Field(STRING, lambda view, one: str(standing(one)[0].admin_id)),
    "team_assignee_id": Field(STRING, lambda view, one: str(standing(one)[0].team_id)),
    "title": Field(STRING, lambda view, one: one.ticket.attributes.get("_default_title_")),
    "description": Field(STRING, lambda view, one: one.ticket.attributes.get("_default_description_")),
    "category": Field(STRING, lambda view, one: _CATEGORIES[one.ticket.category]),
    "ticket_type_id": Field(STRING, lambda view, one: one.ticket.type_id),
    "state": Field(STRING, _ticket_state),
}


def _shown(name: str) -> Callable[[View, Any], Any]:
    first, _, second = name.partition(".")

    def value(view: View, one: Contact) -> Any:
        found = contact(view, one)[first]
        return found[second] if second else found

    return value


_CONTACT_STRINGS = (
    "name", "avatar", "owner_id", "language_override", "browser", "browser_language", "os",
    "location.country", "location.region", "location.city", "ios_app_version", "ios_device",
    "ios_os_version", "ios_app_name", "ios_sdk_version", "android_app_version", "android_device",
    "android_app_name", "android_sdk_version",
)  # fmt: skip
_CONTACT_DATES = (
    "signed_up_at", "last_seen_at", "last_contacted_at", "last_replied_at", "last_email_opened_at",
    "last_email_clicked_at", "ios_last_seen_at", "android_last_seen_at",
)  # fmt: skip
CONTACTS: Mapping[str, Field] = {
    "id": Field(STRING, _own("id")),
    "role": Field(STRING, _own("role")),
    "email": Field(STRING, _own("email")),
    "email_domain": Field(STRING, _shown("email_domain")),
    "phone": Field(STRING, _own("phone")),
    "formatted_phone": Field(STRING, _own("phone")),
    "external_id": Field(STRING, _own("external_id")),
    "created_at": Field(DATE, _own("created_at")),
    "updated_at": Field(DATE, _own("updated_at")),
    **{name: Field(STRING, _shown(name)) for name in _CONTACT_STRINGS},
    **{name: Field(DATE, _shown(name)) for name in _CONTACT_DATES},
    "unsubscribed_from_emails": Field(BOOLEAN, _own("is_unsubscribed")),
    "marked_email_as_spam": Field(BOOLEAN, _own("is_spam")),
    "has_hard_bounced": Field(BOOLEAN, _own("has_bounced")),
    "segment_id": Field(STRING, lambda view, one: None),
    "tag_id": Field(TAG, lambda view, one: [tagging.tag_id for tagging in one.tags]),
}
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "conversations": CONVERSATIONS,
    "tickets": TICKETS,
    "contacts": CONTACTS,
}


def field_of(view: View, kind: str, name: str) -> Field | None:
    """A field by its name; also those of attributes that a workspace has made itself."""
    prefix, _, rest = name.partition(".")
    if kind == "contacts" and prefix == "custom_attributes" and rest:
        return Field(STRING, lambda view, one: _text(one.custom.get(rest)))
    if kind == "tickets" and prefix == "ticket_attribute" and rest:
        types = view.workspace.office.ticket_types.values()
        named = {row["id"]: row["name"] for one in types for row in one["ticket_type_attributes"]["data"]}
        title = named.get(rest)
        return Field(STRING, lambda view, one: one.ticket.attributes.get(title)) if title else None
    return FIELDS[kind].get(name)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
