"""`Stage`: where scenarios are played: a workspace, the time, and whom it is told."""

from dataclasses import dataclass, field, replace

from engine.ports import Clock
from engine.sandbox.intercom.notifications import Teller
from engine.sandbox.intercom.standing import Standing, standing
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.truth import Author, Contact, Conversation, Part
from engine.sandbox.intercom.versions import NEWEST
from engine.sandbox.intercom.view import View
from engine.sandbox.intercom.workspace import Workspace


@dataclass
class Stage:
    """A workspace that lives: each action changes it, and returns the notifications that are sent of it.

    *clock* says when it happens, *version* is what the app is set to in the Developer Hub.
    """

    workspace: Workspace
    clock: Clock
    version: str = NEWEST
    switches: Switches = field(default_factory=Switches)
    seed: int = 0

    def __post_init__(self) -> None:
        self.teller = Teller(View(self.workspace, self.version, self.switches), self.seed)

    def now(self) -> int:
        """This second."""
        return int(self.clock.now().timestamp())

    def contact(self, contact_id: str) -> Contact:
        """A contact that is there. Raises ValueError."""
        found = self.workspace.contacts.get(contact_id)
        if found is None or not found.is_there:
            raise ValueError(f"there is no contact {contact_id}")
        return found

    def conversation(self, conversation_id: str) -> Conversation:
        """A conversation, which may be a ticket. Raises ValueError."""
        found = self.workspace.conversations.get(conversation_id)
        if found is None:
            raise ValueError(f"there is no conversation {conversation_id}")
        return found

    def ticket(self, ticket_id: str) -> Conversation:
        """A conversation that is a ticket. Raises ValueError."""
        found = self.conversation(ticket_id)
        if found.ticket is None:
            raise ValueError(f"the conversation {ticket_id} is no ticket")
        return found

    def admin(self, admin_id: str = "") -> Author:
        """A teammate; the first, where it does not matter who."""
        office = self.workspace.office
        return office.admin(admin_id or next(iter(office.admins)))

    def standing(self, one: Conversation) -> Standing:
        """How a conversation stands now."""
        return standing(one)[0]

    def part(
        self,
        kind: str,
        at: int,
        by: Author,
        body: str | None = None,
        to: tuple[str, str] | None = None,
        state: str = "",
        before: str = "",
    ) -> Part:
        """A new part."""
        return Part(str(37_300_000_000 + self.workspace.fresh()), kind, at, by, body, to, state, before)

    def add(self, one: Conversation, *parts: Part) -> Conversation:
        """A conversation with more parts, which is kept."""
        made = replace(one, parts=(*one.parts, *parts))
        self.workspace.put(made)
        return made
