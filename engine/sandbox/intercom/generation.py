"""Two years of conversations and tickets, by chance from one seed: nothing else decides anything."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from engine.sandbox.intercom.office import FIN, PHOTO, Office
from engine.sandbox.intercom.people import People
from engine.sandbox.intercom.truth import PEOPLE, STATES, Author, Conversation, Part, Rating, Tagging, Ticket

T = TypeVar("T")

LONG_PARTS = 640
"""Parts of the longest ticket: more than Intercom sends."""
LONG, TRACKER, INTERNAL = 6, 9, 7
"""Which ticket of each ten is the longest (only the first such), a tracker, and one without customers."""
KINDS = (
    "outbound", "by bot", "group", "email", "rated", "remarked", "asked", "rated twice", "snoozed", "photo",
    "Fin", "plain",
)  # fmt: skip
"""What conversations are in turn."""
CHAINS: tuple[tuple[str, ...], ...] = (
    (),
    ("in_progress",),
    ("in_progress", "waiting_on_customer"),
    ("waiting_on_customer", "resolved"),
    ("resolved",),
    ("in_progress", "resolved", "in_progress", "resolved"),
    ("4517901", "4517902"),
)
"""The states that tickets come to in turn, after they were submitted; or ids of states that a team made."""

_QUESTIONS = (
    "Hi, my order #{} arrived damaged. Can I get a refund?",
    "Where is my parcel #{}?",
    "Can I change order {}?",
    "The lamp of order {} flickers.",
    "Do you ship to Malta? <b>{}</b>",
    "Invoice for {}, please & thank you",
)
_ANSWERS = (
    "So sorry about that! Could you send a photo?", "It is on its way.", "Done, you will get a mail.",
    "Let me look.", "We have sent you a new one.",
)  # fmt: skip
_REPLIES = (
    "Here it is.",
    "Thanks!",
    "That did not help.",
    "When will it come?",
    "Yes, please.",
    "It\u2019s 5 > 4 & fine",
)
_TITLES = ("Damaged order", "Late parcel", "Flickering lamp", "")
_NOISE: Mapping[str, Any] = {
    "Has attachments": False, "Imported via standalone": False, "Auto-translated": False,
    "Copilot used": False,
}  # fmt: skip
_FIN: Mapping[str, Any] = {
    "source_type": "workflow", "source_title": "Returns", "last_answer_type": "ai_answer",
    "resolution_state": "escalated", "rating": 3, "rating_remark": "It asked me twice",
}  # fmt: skip


class Past:
    """A past in the making, from *start* to *end* in epoch seconds."""

    def __init__(self, office: Office, start: int, end: int, seed: int) -> None:
        self._rng = random.Random(seed)
        self._office = office
        self._start, self._end = start, end
        self._tags = [*office.tags]
        self._admins = [office.admin(key) for key in office.admins]
        self.people = People(self._rng, office, start, end)
        self.counter = 0
        """How many numbers ids were made of."""
        self._tickets = self._plain_ones = 0

    def conversations(self, conversations: int, tickets: int) -> list[Conversation]:
        """That many of both, oldest first."""
        total = conversations + tickets
        self.people.invite(total // 3)
        times = sorted(
            self._start + int(self._rng.random() * (self._end - self._start - 60)) for _ in range(total)
        )
        kinds = [True] * tickets + [False] * conversations
        self._rng.shuffle(kinds)
        made = [
            self._ticket(at) if is_ticket else self._plain(at)
            for at, is_ticket in zip(times, kinds, strict=True)
        ]
        self.people.settle()
        return made

    # Conversations

    def _plain(self, at: int) -> Conversation:
        number = self.counter = self.counter + 1
        kind = KINDS[self._plain_ones % len(KINDS)]
        self._plain_ones += 1
        who, known = self._customer(at)
        voice = self.people.contacts[who].voice
        contacts = [voice.id]
        if kind == "group":
            contacts.append(self.people.contacts[(who + 1) % known].id)
        if kind == "outbound":
            author, delivered = self._one(self._admins), "admin_initiated"
            parts: list[Part] = []
        else:
            author, delivered = (
                (FIN, "operator_initiated") if kind == "by bot" else (voice, "customer_initiated")
            )
            parts = self._talk(at, voice, kind, 2 + int(self._rng.random() * 5))
        ratings = self._ratings(kind, parts, voice)
        parts.sort(key=lambda part: part.at)
        self._heard(who, at if author is voice else 0, parts)
        return self._made(who, number, at, kind, author, delivered, tuple(contacts), parts, ratings, None)

    def _talk(self, at: int, voice: Author, kind: str, rounds: int) -> list[Part]:
        """An assignment, answers and replies in turn, and how it ends."""
        admin = self._one(self._admins)
        team = str(self._office.admins[admin.id]["team_ids"][0])
        parts: list[Part] = []
        if kind == "Fin":
            at = self._add(parts, at, 2, "comment", FIN, "I am a bot. Let me see.")
        at = self._add(parts, at, 300, "assignment", FIN, to=("team", team))
        at = self._add(parts, at, 900, "assignment", admin, to=("admin", admin.id))
        for turn in range(rounds):
            if turn % 2:
                photo = (PHOTO,) if kind == "photo" else ()
                body = None if photo else self._one(_REPLIES)
                at = self._add(parts, at, 20000, "comment", voice, body, attachments=photo)
            else:
                at = self._add(parts, at, 4000, "comment", admin, self._one(_ANSWERS))
        if kind == "snoozed":
            self._add(parts, at, 60, "snoozed", admin)
        elif kind in ("rated", "remarked", "asked", "rated twice") or self._rng.random() < 0.6:
            self._add(parts, at, 600, "close", admin)
        return parts

    def _ratings(self, kind: str, parts: list[Part], voice: Author) -> tuple[Rating, ...]:
        """Surveys after a conversation was closed, and the parts that they leave."""
        if (
            kind not in ("rated", "remarked", "asked", "rated twice")
            or not parts
            or parts[-1].kind != "close"
        ):
            return ()
        closed, by = parts[-1].at, parts[-1].author.id
        answered, stars = closed + 300, 1 + int(self._rng.random() * 5)
        asked = Rating(closed + 1, voice.id, by)
        if kind == "asked" or answered + 7200 > self._end:
            return (asked,)
        rating = Rating(closed + 1, voice.id, by, stars, answered)
        self._add(parts, answered, 0, "conversation_rating_changed", voice)
        if kind == "remarked":
            rating = Rating(closed + 1, voice.id, by, stars, answered, "Quick and friendly", answered + 240)
            self._add(parts, answered + 240, 0, "conversation_rating_remark_added", voice)
        if kind == "rated twice":
            return (rating, Rating(answered + 3600, voice.id, by))
        return (rating,)

    # Tickets

    def _ticket(self, at: int) -> Conversation:
        number = self.counter = self.counter + 1
        count = self._tickets
        self._tickets += 1
        category = {TRACKER: "Tracker", INTERNAL: "Back-office"}.get(count % 10, "Customer")
        who, known = self._customer(at)
        voice = self.people.contacts[who].voice
        contacts = [voice.id]
        if category == "Tracker":
            contacts += [self.people.contacts[(who + n) % known].id for n in (1, 2)]
        is_converted = category == "Customer" and count % 3 == 1
        parts = self._talk(at, voice, "plain", 2)[:4] if is_converted else []
        born = parts[-1].at + 30 if parts else at + 1
        parts += self._states(
            min(born, self._end), voice, category, CHAINS[count % len(CHAINS)], count == LONG
        )
        self._heard(who, at, parts)
        types = [key for key, one in self._office.ticket_types.items() if one["category"] == category]
        ticket = self._form(str(4000 + count), self._one(types), category)
        author = self._one(self._admins) if category != "Customer" else voice
        delivered = "customer_initiated" if author is voice else "admin_initiated"
        return self._made(who, number, at, "ticket", author, delivered, tuple(contacts), parts, (), ticket)

    def _states(
        self, born: int, voice: Author, category: str, chain: Sequence[str], is_long: bool
    ) -> list[Part]:
        """The part of its birth, then what happens until it has come through all states."""
        admin = self._one(self._admins)
        teller = FIN if self._rng.random() < 0.5 else admin
        state = self._office.state_of("submitted")
        parts: list[Part] = []
        kind = "ticket_state_updated_by_admin"
        at = self._add(parts, born, 0, kind, teller, state=state, before=state)
        at = self._add(parts, at, 600, "assignment", admin, to=("admin", admin.id))
        if is_long:
            gap = max(1, (self._end - at) // (LONG_PARTS + 10))
            for turn in range(LONG_PARTS):
                by, body = (admin, self._one(_ANSWERS)) if turn % 2 else (voice, self._one(_REPLIES))
                at = self._add(parts, at + gap, 0, "comment", by, body)
        for coming in chain:
            new = self._office.state_of(coming) if coming in STATES else coming
            if self._office.category(new) == "resolved":
                at = self._add(parts, at, 9000, "close", admin)
                at = self._add(parts, at, 0, kind, admin, state=new, before=state)
            else:
                if parts[-1].state and self._office.category(state) == "resolved":
                    at = self._add(parts, at, 9000, "open", admin)
                at = self._add(parts, at, 9000, kind, admin, state=new, before=state)
                if category == "Customer":
                    at = self._add(parts, at, 9000, "comment", voice, self._one(_REPLIES))
            state = new
        return parts

    def _form(self, number: str, type_id: str, category: str) -> Ticket:
        names = [one["name"] for one in self._office.ticket_types[type_id]["ticket_type_attributes"]["data"]]
        words: dict[str, Any] = dict.fromkeys(names, f"{int(self._rng.random() * 9000)}")
        words |= {
            "_default_title_": self._one(_TITLES) or None,
            "_default_description_": "As said on the phone.",
        }
        return Ticket(number, type_id, words, category, is_shared=category == "Customer")

    # Both

    def _made(
        self,
        who: int,
        number: int,
        at: int,
        kind: str,
        author: Author,
        delivered: str,
        contacts: tuple[str, ...],
        parts: list[Part],
        ratings: tuple[Rating, ...],
        ticket: Ticket | None,
    ) -> Conversation:
        chance = self._rng.random
        order = f"{1000 + number % 9000}"
        is_mail = kind == "email"
        custom = {**_NOISE, "order_number": order} if chance() < 0.5 else dict(_NOISE)
        if kind == "rated":
            custom |= {
                "Refund amount": 49.9,
                "Delivery: carrier [EU]": "Norrpost",
                "Replacement wanted": True,
            }
        tags = (Tagging(self._one(self._tags), at + 240, "9608801"),) if chance() < 0.4 else ()
        sla = (
            ("First reply 1h", self._one(("hit", "missed", "active", "cancelled", None)))
            if chance() < 0.3
            else None
        )
        last = parts[-1].at if parts else at
        companies = self.people.contacts[who].company_ids
        fin = {**_FIN, "created_at": at + 1, "updated_at": at + 2} if kind == "Fin" else None
        return Conversation(
            id=str(215472600000000 + number),
            created_at=at,
            contact_ids=contacts,
            author=author,
            message_id=str(3381828000 + number),
            body="A gift for you" if kind == "outbound" else self._one(_QUESTIONS).format(order),
            channel="email" if is_mail else "conversation",
            delivered_as=delivered,
            subject=f"Order {order}" if is_mail else "",
            url=None if is_mail else f"https://shop.example.com/orders/{order}",
            title=self._one(_TITLES),
            parts=tuple(parts),
            tags=tags,
            ratings=ratings,
            priority=self._one(("none", "none", "none", "low", "medium", "high", "urgent")),
            custom=custom,
            sla=sla,
            fin=fin,
            company_id=companies[0] if companies else "",
            snoozed_until=last + 86400
            if kind == "snoozed" and parts and parts[-1].kind == "snoozed"
            else None,
            ticket=ticket,
            read_at=last if chance() < 0.6 else 0,
            touched_at=at + 240 if tags and at + 240 <= self._end else 0,
        )

    def _add(
        self,
        parts: list[Part],
        at: int,
        longest: int,
        kind: str,
        by: Author,
        body: str | None = None,
        to: tuple[str, str] | None = None,
        state: str = "",
        before: str = "",
        attachments: tuple[Mapping[str, Any], ...] = (),
    ) -> int:
        """Add a part up to *longest* seconds later, unless that has not come yet; and when it was."""
        later = at + (5 + int(self._rng.random() ** 2 * longest) if longest else 0)
        if later <= self._end:
            self.counter += 1
            key = str(37_300_000_000 + self.counter)
            parts.append(Part(key, kind, later, by, body, to, state, before, attachments))
        return later

    def _customer(self, at: int) -> tuple[int, int]:
        """Somebody who was there at a time, of how many."""
        known = self.people.known_at(at)
        return int(self._rng.random() * known), known

    def _heard(self, who: int, began: int, parts: list[Part]) -> None:
        replied, contacted = began, 0
        for part in parts:
            if part.kind == "comment":
                if part.author.type in PEOPLE:
                    replied = part.at
                else:
                    contacted = part.at
        self.people.heard(who, replied, contacted)

    def _one(self, of: Sequence[T]) -> T:
        return of[int(self._rng.random() * len(of))]
