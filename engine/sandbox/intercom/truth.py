"""What is so in a workspace, in one form: every API version, and every webhook, is a view of it.

A conversation is the list of its parts. What Intercom writes beside them (assignees, states, counters, times)
follows from them (`standing.py`), so that no two answers can contradict each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

PEOPLE = ("user", "lead", "contact", "visitor")
"""The types of authors that are customers."""
STATES = ("submitted", "in_progress", "waiting_on_customer", "resolved")
"""The four categories that every state of a ticket has."""


class Author(NamedTuple):
    """Who wrote: with the name and the address of that time."""

    type: str
    id: str
    name: str | None
    email: str | None

    @property
    def is_customer(self) -> bool:
        """Whether it is neither a teammate nor a bot."""
        return self.type in PEOPLE


class Part(NamedTuple):
    """Something that happened in a conversation. Times are epoch seconds everywhere in here.

    `to` is whom it was assigned to, as (type, id). `state` and `before` are ids of ticket states, where
    the part tells of one.
    """

    id: str
    kind: str
    at: int
    author: Author
    body: str | None = None
    to: tuple[str, str] | None = None
    state: str = ""
    before: str = ""
    attachments: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_reply(self) -> bool:
        """Whether somebody said something with it."""
        return self.kind == "comment"


class Tagging(NamedTuple):
    """A tag, when it was put on, and by which admin."""

    tag_id: str
    at: int
    admin_id: str


@dataclass(frozen=True, slots=True)
class Rating:
    """A survey: when it was asked for, and what was answered, if anything."""

    asked_at: int
    contact_id: str
    admin_id: str
    stars: int | None = None
    answered_at: int | None = None
    remark: str | None = None
    remarked_at: int | None = None

    @property
    def changed_at(self) -> int:
        """When it last changed."""
        return max(self.asked_at, self.answered_at or 0, self.remarked_at or 0)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What makes a conversation a ticket. `number` is what people see; its states are parts."""

    number: str
    type_id: str
    attributes: Mapping[str, Any]
    category: str = "Customer"
    is_shared: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, and the ticket that it is or became.

    `read_at` is when the customer last looked, `touched_at` when something changed that is no part.
    """

    id: str
    created_at: int
    contact_ids: tuple[str, ...]
    author: Author
    message_id: str
    body: str
    channel: str = "conversation"
    delivered_as: str = "customer_initiated"
    subject: str = ""
    url: str | None = None
    title: str = ""
    parts: tuple[Part, ...] = ()
    tags: tuple[Tagging, ...] = ()
    ratings: tuple[Rating, ...] = ()
    priority: str = "none"
    custom: Mapping[str, Any] = field(default_factory=dict)
    sla: tuple[str, str | None] | None = None
    company_id: str = ""
    fin: Mapping[str, Any] | None = None
    snoozed_until: int | None = None
    ticket: Ticket | None = None
    read_at: int = 0
    touched_at: int = 0

    @property
    def is_listed(self) -> bool:
        """Whether Intercom lists it among conversations: tickets without a customer's voice are not."""
        return self.ticket is None or self.ticket.category == "Customer"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person. `merged_into` and `is_deleted` take them out of every answer."""

    id: str
    created_at: int
    updated_at: int
    external_id: str | None = None
    role: str = "user"
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    avatar: str = ""
    owner_id: str = ""
    place: tuple[str, str, str, str] | None = None
    language: str | None = None
    browser: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[Tagging, ...] = ()
    company_ids: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()
    opted_in: tuple[str, ...] = ()
    is_unsubscribed: bool = False
    has_bounced: bool = False
    is_spam: bool = False
    signed_up_at: int | None = None
    seen_at: int | None = None
    replied_at: int | None = None
    contacted_at: int | None = None
    merged_into: str = ""
    is_deleted: bool = False

    @property
    def is_there(self) -> bool:
        """Whether Intercom still has them under this id."""
        return not (self.merged_into or self.is_deleted)

    @property
    def voice(self) -> Author:
        """How they appear as an author: a lead without an address has an empty one."""
        return Author(self.role, self.id, self.name, self.email or "")
