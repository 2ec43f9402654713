"""`Scenarios`: what people do, and what Intercom sends of it, in its order and with its times.

scenarios = Scenarios(workspace, clock, version="2.14")
[created] = scenarios.write(contact_id, "Where is my parcel?")
notifications = scenarios.resolve(ticket_id)
"""

from dataclasses import replace

from engine.sandbox.intercom.contact_scenarios import ContactScenarios
from engine.sandbox.intercom.office import FIN, PHOTO
from engine.sandbox.intercom.ticket_scenarios import TicketScenarios
from engine.sandbox.intercom.truth import Conversation, Part, Rating
from engine.sandbox.intercom.versions import Object


class Scenarios(TicketScenarios, ContactScenarios):
    """All that can be played; tickets and contacts have their own files."""

    def write(
        self, contact_id: str, text: str, *, channel: str = "conversation", subject: str = ""
    ) -> list[Object]:
        """A contact begins a conversation."""
        who, at = self.contact(contact_id), self.now()
        number = self.workspace.fresh()
        made = Conversation(
            id=str(215472600000000 + number),
            created_at=at,
            contact_ids=(contact_id,),
            author=who.voice,
            message_id=str(3381828000 + number),
            body=text,
            channel=channel,
            subject=subject,
            read_at=at,
        )
        self.workspace.put(made, replace(who, replied_at=at, seen_at=at, updated_at=at))
        return [self.teller.conversation("conversation.user.created", made, (), at)]

    def reply(
        self, conversation_id: str, text: str | None = "Thanks!", *, contact_id: str = "", photo: bool = False
    ) -> list[Object]:
        """A contact answers, in a conversation or in a ticket; one that was closed is open again."""
        one, at = self.conversation(conversation_id), self.now()
        who = self.contact(contact_id or one.contact_ids[0])
        part = self.part("comment", at, who.voice, None if photo else text)
        if photo:
            part = part._replace(attachments=(PHOTO,))
        more = (self.part("open", at, who.voice),) if self.standing(one).state == "closed" else ()
        one = self.add(replace(one, read_at=at), part, *more)
        self.workspace.put(replace(who, replied_at=at, seen_at=at, updated_at=at))
        in_conversation = self.teller.conversation("conversation.user.replied", one, (part,), at)
        if one.ticket is None:
            return [in_conversation]
        in_ticket = self.teller.ticket_reply("ticket.contact.replied", one, part, at + 1)
        return [in_ticket, in_conversation] if self.switches.ticket_reply_is_told_twice else [in_ticket]

    def answer(self, conversation_id: str, text: str = "On its way.", *, admin_id: str = "") -> list[Object]:
        """A teammate answers."""
        one, at = self.conversation(conversation_id), self.now()
        part = self.part("comment", at, self.admin(admin_id), text)
        one = self.add(one, part)
        if one.ticket is None:
            return [self.teller.conversation("conversation.admin.replied", one, (part,), at)]
        return [self.teller.ticket_reply("ticket.admin.replied", one, part, at + 1)]

    def bot_answers(self, conversation_id: str, text: str = "I am a bot.") -> list[Object]:
        """Fin answers, and the contact's messenger shows it a second later: which counts as reading."""
        one, at = self.conversation(conversation_id), self.now()
        part = self.part("comment", at, FIN, text)
        one = self.add(one, part)
        told = self.teller.conversation("conversation.operator.replied", one, (part,), at)
        return [told, *self._read(one, at + 1)]

    def read(self, conversation_id: str) -> list[Object]:
        """A contact looks at what was answered."""
        return self._read(self.conversation(conversation_id), self.now())

    def assign(self, conversation_id: str, *, admin_id: str = "", team_id: str = "") -> list[Object]:
        """A teammate or a team gets it."""
        one, at = self.conversation(conversation_id), self.now()
        to = ("team", team_id) if team_id else ("admin", admin_id or self.admin().id)
        part = self.part("assignment", at, self.admin(), to=to)
        one = self.add(one, part)
        if one.ticket is None:
            return [self.teller.conversation("conversation.admin.assigned", one, (part,), at)]
        return [self.teller.ticket(f"ticket.{to[0]}.assigned", one, at)]

    def close(self, conversation_id: str, *, admin_id: str = "", survey: bool = True) -> list[Object]:
        """A teammate closes it; the contact is asked how it was a second later."""
        one, at = self.conversation(conversation_id), self.now()
        who = self.admin(admin_id)
        part = self.part("close", at, who)
        if survey:
            one = replace(one, ratings=(*one.ratings, Rating(at + 1, one.contact_ids[0], who.id)))
        one = self.add(one, part)
        return [self.teller.conversation("conversation.admin.closed", one, (part,), at)]

    def rate(
        self, conversation_id: str, stars: int = 4, remark: str | None = None, *, contact_id: str = ""
    ) -> list[Object]:
        """A contact answers the survey."""
        one, at = self.conversation(conversation_id), self.now()
        who = self.contact(contact_id or one.contact_ids[0])
        asked = [rating for rating in one.ratings if rating.stars is None]
        survey = asked[-1] if asked else Rating(at, who.id, self.admin().id)
        given = replace(survey, contact_id=who.id, stars=stars, answered_at=at, remark=remark)
        others = tuple(rating for rating in one.ratings if rating is not survey)
        part = self.part("conversation_rating_changed", at, who.voice)
        return self._rated(replace(one, ratings=(*others, given)), part)

    def remark(self, conversation_id: str, text: str) -> list[Object]:
        """A contact adds words to a rating."""
        one, at = self.conversation(conversation_id), self.now()
        *others, rating = one.ratings
        part = self.part("conversation_rating_remark_added", at, self.contact(rating.contact_id).voice)
        given = replace(rating, remark=text, remarked_at=at)
        told = self._rated(replace(one, ratings=(*others, given)), part)
        return told if self.switches.remark_is_told else []

    def rate_fin(self, conversation_id: str, stars: int = 3) -> list[Object]:
        """A contact rates Fin's answer, which is another survey."""
        one, at = self.conversation(conversation_id), self.now()
        known = {"source_type": "workflow", "source_title": None, "last_answer_type": "ai_answer"}
        fin = {**known, "resolution_state": None, "rating_remark": None, "created_at": at, **(one.fin or {})}
        one = replace(one, fin={**fin, "rating": stars, "updated_at": at}, touched_at=at)
        self.workspace.put(one)
        told = self.teller.conversation("conversation.rating.added", one, (), at)
        return [told] if self.switches.fin_rating_is_told else []

    def _rated(self, one: Conversation, part: Part) -> list[Object]:
        one = self.add(one, part)
        listed = (part,) if self.switches.rating_lists_its_part else ()
        return [self.teller.conversation("conversation.rating.added", one, listed, part.at)]

    def _read(self, one: Conversation, at: int) -> list[Object]:
        seen = [
            part
            for part in one.parts
            if part.is_reply and not part.author.is_customer and part.at > one.read_at
        ]
        one = replace(one, read_at=at)
        self.workspace.put(one)
        return [self.teller.conversation("conversation.read", one, seen, at)]
