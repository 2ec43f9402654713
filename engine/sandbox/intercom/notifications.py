"""Notifications as Intercom sends them to an app, in the version that the app is set to."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from engine.sandbox.intercom.contacts import contact
from engine.sandbox.intercom.conversations import conversation
from engine.sandbox.intercom.tickets import part_of_ticket, ticket
from engine.sandbox.intercom.truth import Contact, Conversation, Part
from engine.sandbox.intercom.versions import Object, aged, with_iso_statistics, with_iso_times
from engine.sandbox.intercom.view import View


class Teller:
    """What a workspace tells an app. A *view* is of the app's version; ids are made by chance from *seed*."""

    def __init__(self, view: View, seed: int = 0) -> None:
        plain = not view.is_before("2.15") and view.switches.plain_text_from_2_15
        self._view = replace(view, html=not plain)
        self._rng = random.Random(seed)

    def is_before(self, version: str) -> bool:
        """Whether the app is set to an older version."""
        return self._view.is_before(version)

    def conversation(self, topic: str, one: Conversation, parts: Sequence[Part], at: int) -> Object:
        """About a conversation: with the parts that it is sent for, and no others."""
        item = aged(conversation(self._view, one, parts=parts), self._view.version)
        return self._envelope(topic, with_iso_statistics(item) if self._view.is_before("2.15") else item, at)

    def ticket(self, topic: str, one: Conversation, at: int) -> Object:
        """About a ticket, with its parts."""
        return self._envelope(topic, self._ticket(one), at)

    def ticket_reply(self, topic: str, one: Conversation, part: Part, at: int) -> Object:
        """About something said in a ticket, which wraps it; keys that others have as null are missing."""
        told = self._ticket(one)
        for key in ("snoozed_until", "company_id"):
            if told[key] is None:
                del told[key]
        item = {"type": "ticket_ticket_part", "ticket": told, "ticket_part": part_of_ticket(self._view, part)}
        return self._envelope(topic, item, at)

    def ticket_closed(self, one: Conversation, part: Part, at: int) -> Object:
        """`ticket.closed`: up to 2.14 contacts have an id and a role alone, from 2.15 on it is wrapped."""
        if not self._view.is_before("2.15"):
            return self.ticket_reply("ticket.closed", one, part, at)
        told = self._ticket(one)
        people = self._view.workspace.contacts
        named = [row["id"] for row in told["contacts"]["contacts"]]
        told["contacts"]["contacts"] = [{"id": key, "role": people[key].role} for key in named]
        return self._envelope("ticket.closed", told, at)

    def contact(self, topic: str, one: Contact, at: int, merged_from: str = "") -> Object:
        """About a contact."""
        item = self._contact(one)
        if merged_from:
            item["merged_from"] = {"type": "contact", "id": merged_from}
        return self._envelope(topic, item, at)

    def tag(self, topic: str, one: Contact, tag_id: str, at: int) -> Object:
        """About a tag of a contact."""
        tag = dict(self._view.workspace.office.tags[tag_id])
        return self._envelope(topic, {"type": "contact_tag", "tag": tag, "contact": self._contact(one)}, at)

    def subscription(self, topic: str, one: Contact, at: int) -> Object:
        """About a contact who wants no more mail, or wants it again."""
        told = {"contact": self._contact(one), "subscription_types": {"type": "list", "data": []}}
        times = with_iso_times({"created_at": at}) if self._has_iso_contacts else {"created_at": at}
        kind = topic.replace(".", "_").removesuffix("d")
        return self._envelope(topic, {"type": kind, **told, **times}, at)

    def deleted(self, one: Contact, at: int) -> Object:
        """About a contact who is gone: little more than the id."""
        item = {"id": one.id, "external_id": one.external_id, "type": "contact", "deleted": True}
        return self._envelope("contact.deleted", item, at)

    def ping(self, at: int) -> Object:
        """A test of the connection, which has no id."""
        item = {"type": "ping", "message": "something something interzen"}
        told = self._envelope("ping", item, at)
        return told | {"id": None, "delivery_status": None, "first_sent_at": at}

    def _ticket(self, one: Conversation) -> Object:
        return aged(ticket(self._view, one), self._view.version)

    @property
    def _has_iso_contacts(self) -> bool:
        return self._view.is_before("2.15") or self._view.switches.contact_times == "iso"

    def _contact(self, one: Contact) -> Object:
        """As REST has it, but for its times and the domain of its address."""
        item = contact(self._view, one)
        del item["email_domain"]
        item = aged(item, self._view.version)
        return with_iso_times(item) if self._has_iso_contacts else item

    def _envelope(self, topic: str, item: Object, at: int) -> Object:
        made: dict[str, Any] = {
            "type": "notification_event",
            "app_id": self._view.workspace.app_id,
            "data": {"type": "notification_event_data", "item": item},
            "links": {},
            "id": f"notif_{UUID(int=self._rng.getrandbits(128), version=4)}",
            "topic": topic,
            "delivery_status": "pending",
            "delivery_attempts": 1,
            "delivered_at": 0,
            "first_sent_at": at + 1,
            "created_at": at,
            "self": None,
        }
        # A copy that shares nothing: what comes later must not change what was told.
        copied: Object = json.loads(json.dumps(made))
        return copied
