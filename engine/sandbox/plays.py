"""What can be played by its name: a scenario, with people and conversations that suit it.

Each play takes the newest that suits, or brings what it needs first: who plays `resolve` in a workspace
without an open ticket gets one.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.truth import Contact, Conversation
from engine.sandbox.intercom.versions import Object


class Cast:
    """Whom and what the plays are about."""

    def __init__(self, scenarios: Scenarios) -> None:
        self.scenarios = scenarios
        self.brought: list[Object] = []
        """Notifications of what had to happen before."""

    def customer(self) -> Contact:
        """A user with an e-mail address; whoever was seen least lately, so that plays spread over people."""
        found = [
            one
            for one in self.scenarios.workspace.contacts.values()
            if one.is_there and one.email and one.role == "user"
        ]
        return min(found, key=lambda one: (one.updated_at, one.id))

    def conversation(self) -> Conversation:
        """The newest conversation of a customer that is no ticket; one is begun where there is none."""
        return self._newest(is_ticket=False) or self._after(self.begun)

    def ticket(self, *states: str) -> Conversation:
        """The newest ticket of a customer in one of these states; one is sent in where there is none."""
        return self._newest(True, states) or self._after(self.sent_in)

    def _newest(self, is_ticket: bool, states: Iterable[str] = ()) -> Conversation | None:
        people = self.scenarios.workspace.contacts
        found = [
            one
            for one in self.scenarios.workspace.conversations.values()
            if (one.ticket is not None) is is_ticket
            and (who := people.get(one.contact_ids[0])) is not None
            and who.is_there
            and who.email
            and (not states or self._state_of(one) in states)
        ]
        return max(found, key=lambda one: (one.created_at, one.id), default=None)

    def _state_of(self, one: Conversation) -> str:
        """One of the four categories; nothing for what is no ticket."""
        state = self.scenarios.standing(one).ticket_state
        return self.scenarios.workspace.office.category(state) if state else ""

    def _after(self, play: Callable[[], list[Object]]) -> Conversation:
        known = {*self.scenarios.workspace.conversations}
        self.brought += play()
        [new] = self.scenarios.workspace.conversations.keys() - known
        return self.scenarios.workspace.conversations[new]

    def begun(self) -> list[Object]:
        """A customer writes."""
        return self.scenarios.write(self.customer().id, "Where is my parcel?")

    def sent_in(self) -> list[Object]:
        """A customer fills in a form."""
        return self.scenarios.send_form(self.customer().id)


@dataclass(frozen=True, slots=True)
class Play:
    """A scenario by its name: what happens, and what is told of it."""

    name: str
    help: str
    run: Callable[[Cast], list[Object]]
    weight: int = 1
    """How often it happens on a shop's day, beside the others."""


def _rated(cast: Cast) -> list[Object]:
    one = cast.conversation()
    return [*cast.scenarios.close(one.id), *cast.scenarios.rate(one.id, 4, "Quick and kind")]


def _read(cast: Cast) -> list[Object]:
    one = cast.conversation()
    return [*cast.scenarios.answer(one.id), *cast.scenarios.read(one.id)]


def _tagged(cast: Cast) -> list[Object]:
    who = cast.customer()
    worn = [one.tag_id for one in who.tags]
    free = [key for key in cast.scenarios.workspace.office.tags if key not in worn]
    return cast.scenarios.tag(who.id, free[0]) if free else cast.scenarios.untag(who.id, worn[0])


def _merged(cast: Cast) -> list[Object]:
    into = cast.customer()
    known = {*cast.scenarios.workspace.contacts}
    cast.brought += cast.scenarios.arrive("lead", name="Robin Vale")
    [lead] = cast.scenarios.workspace.contacts.keys() - known
    return cast.scenarios.merge(lead, into.id)


def _left_email(cast: Cast) -> list[Object]:
    known = {*cast.scenarios.workspace.contacts}
    cast.brought += cast.scenarios.arrive("lead")
    [lead] = cast.scenarios.workspace.contacts.keys() - known
    number = len(known)
    return cast.scenarios.leave_email(lead, f"robin.vale{number}@example.com")


PLAYS = {
    play.name: play
    for play in (
        Play("created", "a customer begins a conversation", Cast.begun, 6),
        Play("reply", "a customer replies", lambda cast: cast.scenarios.reply(cast.conversation().id), 10),
        Play("rate", "a conversation is closed and rated", _rated),
        Play("read", "a teammate answers, and the customer reads it", _read, 10),
        Play("ticket", "a customer sends in a ticket", Cast.sent_in, 3),
        Play("ticket-reply", "a customer replies in a ticket",
             lambda cast: cast.scenarios.reply(cast.ticket("submitted", "in_progress").id)),
        Play("hold", "a ticket waits for the customer",
             lambda cast: cast.scenarios.hold(cast.ticket("submitted", "in_progress").id)),
        Play("resolve", "a ticket is resolved",
             lambda cast: cast.scenarios.resolve(
                 cast.ticket("submitted", "in_progress", "waiting_on_customer").id)),
        Play("reopen", "a resolved ticket is taken up again",
             lambda cast: cast.scenarios.reopen(cast.ticket("resolved").id)),
        Play("convert", "a conversation becomes a ticket",
             lambda cast: cast.scenarios.convert(cast.conversation().id)),
        Play("update", "a customer changes their name",
             lambda cast: cast.scenarios.update(cast.customer().id, name="Robin Vale")),
        Play("tag", "a customer is tagged", _tagged),
        Play("unsubscribe", "a customer wants no more mail",
             lambda cast: cast.scenarios.unsubscribe(cast.customer().id)),
        Play("merge", "a lead turns out to be a customer", _merged),
        Play("email", "a lead leaves an address", _left_email),
    )
}  # fmt: skip
"""The plays by their names, in the order in which `all` plays them."""


def play(scenarios: Scenarios, name: str) -> list[Object]:
    """Play one, and give the notifications of it in their order. Raises KeyError where there is none."""
    cast = Cast(scenarios)
    told = PLAYS[name].run(cast)
    return [*cast.brought, *told]


def day(seed: int) -> Iterator[str]:
    """What happens on a shop's day, without an end; the same seed gives the same day."""
    chance = random.Random(seed)
    weights = [one.weight for one in PLAYS.values()]
    while True:
        yield chance.choices([*PLAYS], weights)[0]
