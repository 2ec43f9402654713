"""`Workspace`: one workspace of invented people, which its REST shows and its webhooks tell of."""

import gc
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from engine.sandbox.intercom.generation import Past
from engine.sandbox.intercom.office import APP_ID, Office, furnished
from engine.sandbox.intercom.truth import Contact, Conversation

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
"""When a workspace is looked at, where nothing else is said."""
YEARS_SECONDS = 2 * 365 * 86400
MOST_HOPS = 3
"""Merges in a row that Intercom follows to the contact that remains."""


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for circles, of which none are made: it takes 40% of the time of a large one."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass
class Workspace:
    """People, conversations and tickets, as they are now; scenarios change them.

    Everyone in it is invented. `revision` grows with each change.
    """

    now: datetime
    office: Office
    app_id: str = APP_ID
    name: str = "Acme Lamps"
    region: str = "EU"
    timezone: str = "Europe/Berlin"
    contacts: dict[str, Contact] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    revision: int = 0
    counter: int = 0

    @classmethod
    def of(
        cls, conversations: int = 60, tickets: int = 40, seed: int = 0, now: datetime = NOW
    ) -> "Workspace":
        """A workspace with two years behind it: *conversations* that are no tickets, and *tickets*.

        The same arguments give the same workspace, byte for byte. *now* is aware of its time zone.
        """
        if now.tzinfo is None or conversations < 0 or tickets < 0:
            raise ValueError("a workspace has counts from 0 on, and a time that is aware of its zone")
        end = int(now.timestamp())
        made = cls(now, furnished(end - YEARS_SECONDS))
        past = Past(made.office, end - YEARS_SECONDS, end, seed)
        with _uncollected():
            made.conversations = {one.id: one for one in past.conversations(conversations, tickets)}
        made.contacts = {one.id: one for one in past.people.contacts}
        made.counter = past.counter
        return made

    def put(self, *things: Contact | Conversation) -> None:
        """Take in what is new or has changed."""
        for thing in things:
            if isinstance(thing, Contact):
                self.contacts[thing.id] = thing
            else:
                self.conversations[thing.id] = thing
        self.revision += 1

    def fresh(self) -> int:
        """A number that no id of this workspace has been made of yet."""
        self.counter += 1
        return self.counter

    def survivor(self, contact_id: str) -> str:
        """Whom a contact was merged into in the end; empty where that is nobody, or too many merges away."""
        for _ in range(MOST_HOPS):
            contact = self.contacts.get(contact_id)
            if contact is None or not contact.merged_into:
                return ""
            contact_id = contact.merged_into
            if (found := self.contacts.get(contact_id)) is not None and found.is_there:
                return contact_id
        return ""

    def tickets(self) -> Iterable[Conversation]:
        """All conversations that are tickets."""
        return (one for one in [*self.conversations.values()] if one.ticket is not None)

    def as_json(self) -> str:
        """All of it as text: for comparing two of them."""
        told = {
            "app_id": self.app_id,
            "office": asdict(self.office),
            "contacts": [asdict(one) for one in self.contacts.values()],
            "conversations": [asdict(one) for one in self.conversations.values()],
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
