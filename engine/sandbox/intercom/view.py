"""`View`: which workspace is looked at, in which version; and what every object in it is written with."""

from dataclasses import dataclass, field
from html import escape

from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.truth import Author, Conversation
from engine.sandbox.intercom.versions import NEWEST, Object, is_before
from engine.sandbox.intercom.workspace import Workspace

MOST_PARTS = 500
"""The newest parts that Intercom sends; older ones are lost to its API."""


@dataclass(frozen=True, slots=True)
class View:
    """A workspace as one version of the API sees it; *html* is whether texts of conversations are HTML."""

    workspace: Workspace
    version: str = NEWEST
    switches: Switches = field(default_factory=Switches)
    html: bool = True

    def is_before(self, version: str) -> bool:
        """Whether this version is older than another."""
        return is_before(self.version, version)

    def text(self, text: str | None) -> str | None:
        """A message of a conversation."""
        return as_html(text) if self.html else text

    def contact_id(self, contact_id: str) -> str:
        """Under which id a conversation names a contact."""
        if self.switches.merged_keeps_references:
            return contact_id
        return self.workspace.survivor(contact_id) or contact_id

    def reference(self, contact_id: str) -> Object:
        """A contact as conversations and tickets name it: by its ids alone."""
        known = self.workspace.contacts.get(self.contact_id(contact_id))
        external = known.external_id if known else None
        return {"type": "contact", "id": self.contact_id(contact_id), "external_id": external}

    def references(self, conversation: Conversation) -> Object:
        """All contacts of a conversation."""
        named = [self.reference(one) for one in conversation.contact_ids]
        return {"type": "contact.list", "contacts": named}

    def author(self, author: Author) -> Object:
        """Who wrote: the address is that of the time of writing."""
        key = self.contact_id(author.id) if author.is_customer else author.id
        return {"type": author.type, "id": key, "name": author.name, "email": author.email}


def as_html(text: str | None) -> str | None:
    """A text as Intercom's editor has it."""
    return f"<p>{escape(text, quote=False)}</p>" if text else text


def nothing_linked() -> Object:
    """What is linked to a conversation or a ticket: in this workspace nothing is."""
    return {"type": "list", "data": [], "total_count": 0, "has_more": False}
