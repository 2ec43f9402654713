"""What happens to tickets: they are born, wait, are resolved and come back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.sandbox.intercom.office import FIN
from engine.sandbox.intercom.stage import Stage
from engine.sandbox.intercom.truth import STATES, Author, Conversation, Part, Ticket
from engine.sandbox.intercom.versions import Object

CHANGED = "ticket_state_updated_by_admin"
"""Also where it was a bot."""


class TicketScenarios(Stage):
    """Scenarios of tickets."""

    def send_form(
        self, contact_id: str, attributes: Mapping[str, Any] | None = None, *, type_id: str = ""
    ) -> list[Object]:
        """A contact fills in a ticket's form: its first state comes a second after it."""
        who, at = self.contact(contact_id), self.now()
        number = self.workspace.fresh()
        one = Conversation(
            id=str(215472600000000 + number),
            created_at=at,
            contact_ids=(contact_id,),
            author=who.voice,
            message_id=str(3381828000 + number),
            body="",
            ticket=self._form(number, type_id, attributes),
            read_at=at,
        )
        self.workspace.put(replace(who, seen_at=at, updated_at=at))
        return self._born(one, FIN, at + 1, self.switches.both_on_creation)

    def convert(
        self,
        conversation_id: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        type_id: str = "",
        admin_id: str = "",
    ) -> list[Object]:
        """A teammate makes a ticket of a conversation, which keeps its id and its age."""
        one, at = self.conversation(conversation_id), self.now()
        if one.ticket is not None:
            raise ValueError(f"the conversation {conversation_id} is a ticket already")
        one = replace(one, ticket=self._form(self.workspace.fresh(), type_id, attributes))
        return self._born(one, self.admin(admin_id), at, True)

    def hold(self, ticket_id: str, *, admin_id: str = "") -> list[Object]:
        """A teammate waits for the customer."""
        return self.change_state(ticket_id, "waiting_on_customer", admin_id=admin_id)

    def resolve(self, ticket_id: str, *, admin_id: str = "") -> list[Object]:
        """A teammate resolves it, which closes it in the same second."""
        return self.change_state(ticket_id, "resolved", admin_id=admin_id)

    def reopen(self, ticket_id: str, *, admin_id: str = "") -> list[Object]:
        """A teammate takes it up again."""
        return self.change_state(ticket_id, "in_progress", admin_id=admin_id)

    def change_state(self, ticket_id: str, state: str, *, admin_id: str = "") -> list[Object]:
        """A ticket comes to another state: one of the four categories, or the id of one of a team's own."""
        one, at, who = self.ticket(ticket_id), self.now(), self.admin(admin_id)
        office = self.workspace.office
        now = self.standing(one)
        new = office.state_of(state) if state in STATES else state
        is_resolved = office.category(new) == "resolved"
        parts: list[Part] = []
        if is_resolved and now.state != "closed":
            parts.append(self.part("close", at, who))
        elif not is_resolved and now.state == "closed":
            parts.append(self.part("open", at, who))
        parts.append(self.part(CHANGED, at, who, state=new, before=now.ticket_state))
        one = self.add(one, *parts)
        return self._resolved(one, parts[0], at) if is_resolved else [self._updated(one, at)]

    def _updated(self, one: Conversation, at: int) -> Object:
        return self.teller.ticket("ticket.state.updated", one, at)

    def _resolved(self, one: Conversation, close: Part, at: int) -> list[Object]:
        """Up to 2.14 a resolved ticket is told as closed; from 2.15 on it has a topic of its own."""
        closed = self.teller.ticket_closed(one, close, at)
        if self.teller.is_before("2.15"):
            return [self._updated(one, at), closed]
        updated = [self._updated(one, at)] if self.switches.state_updated_with_resolved else []
        return [*updated, self.teller.ticket("ticket.resolved", one, at), closed]

    def _born(self, one: Conversation, by: Author, at: int, is_told_twice: bool) -> list[Object]:
        """The part of its first state; of which `ticket.state.updated` comes before `ticket.created`."""
        state = self.workspace.office.state_of("submitted")
        one = self.add(one, self.part(CHANGED, at, by, state=state, before=state))
        updated = [self._updated(one, at)] if is_told_twice else []
        return [*updated, self.teller.ticket("ticket.created", one, at + 1)]

    def _form(self, number: int, type_id: str, attributes: Mapping[str, Any] | None) -> Ticket:
        key = type_id or next(iter(self.workspace.office.ticket_types))
        type_ = self.workspace.office.ticket_types[key]
        names = [row["name"] for row in type_["ticket_type_attributes"]["data"]]
        words = {name: (attributes or {}).get(name) for name in names}
        words["_default_title_"] = words["_default_title_"] or "A lamp came broken"
        category = type_["category"]
        return Ticket(str(4000 + number), key, words, category, is_shared=category == "Customer")
