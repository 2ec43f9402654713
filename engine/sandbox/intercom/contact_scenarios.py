"""What happens to contacts: they come, change, are tagged, merged, unsubscribed and deleted."""

from dataclasses import replace
from typing import Any

from engine.sandbox.intercom.stage import Stage
from engine.sandbox.intercom.truth import Contact, Tagging
from engine.sandbox.intercom.versions import Object


class ContactScenarios(Stage):
    """Scenarios of contacts."""

    def arrive(self, role: str = "user", **known: Any) -> list[Object]:
        """Somebody new: a `user` or a `lead`, with what is *known* of them (fields of `Contact`)."""
        number, at = self.workspace.fresh(), self.now()
        external = f"cust_{90000 + number}" if role == "user" else f"5e68ece4-0ec8-4792-baac-{number:012x}"
        given = {"external_id": external, "seen_at": at, **known}
        one = Contact(f"68b1c2d3e5{number:014x}", at, at, role=role, **given)
        self.workspace.put(one)
        return [self.teller.contact(f"contact.{role}.created", one, at)]

    def update(self, contact_id: str, **changes: Any) -> list[Object]:
        """Something of a contact changes; another address has a notification of its own besides."""
        before = self.contact(contact_id)
        one, at = self._changed(before, **changes), self.now()
        topics = [f"contact.{one.role}.updated"]
        if one.email != before.email:
            topics.append("contact.email.updated")
        return [self.teller.contact(topic, one, at) for topic in topics]

    def leave_email(self, contact_id: str, email: str) -> list[Object]:
        """A lead leaves an address."""
        one = self._changed(self.contact(contact_id), email=email)
        return [self.teller.contact("contact.lead.added_email", one, self.now())]

    def sign_up(self, contact_id: str, external_id: str) -> list[Object]:
        """A lead becomes a user."""
        known = {"role": "user", "external_id": external_id, "signed_up_at": self.now()}
        one = self._changed(self.contact(contact_id), **known)
        return [self.teller.contact("contact.lead.signed_up", one, self.now())]

    def tag(self, contact_id: str, tag_id: str, *, admin_id: str = "") -> list[Object]:
        """A contact is tagged."""
        one = self._untagged(self.contact(contact_id), tag_id)
        tagging = Tagging(tag_id, self.now(), self.admin(admin_id).id)
        one = self._changed(one, tags=(*one.tags, tagging))
        return [self.teller.tag(f"contact.{one.role}.tag.created", one, tag_id, self.now())]

    def untag(self, contact_id: str, tag_id: str) -> list[Object]:
        """A tag is taken off."""
        one = self._changed(self._untagged(self.contact(contact_id), tag_id))
        return [self.teller.tag(f"contact.{one.role}.tag.deleted", one, tag_id, self.now())]

    def merge(self, lead_id: str, into: str) -> list[Object]:
        """A lead turns out to be a user, who keeps what they have and takes over what they lack."""
        lead, user = self.contact(lead_id), self.contact(into)
        tags = {tagging.tag_id: tagging for tagging in (*lead.tags, *user.tags)}
        one = self._changed(
            user,
            phone=user.phone or lead.phone,
            name=user.name or lead.name,
            email=user.email or lead.email,
            custom={**lead.custom, **user.custom},
            tags=tuple(tags.values()),
        )
        self.workspace.put(replace(lead, merged_into=into, updated_at=self.now()))
        merged_from = lead_id if self.switches.merged_from else ""
        return [self.teller.contact("contact.merged", one, self.now(), merged_from)]

    def unsubscribe(self, contact_id: str) -> list[Object]:
        """A contact wants no more mail: the count of single subscriptions does not move."""
        one = self._changed(self.contact(contact_id), is_unsubscribed=True)
        return [self.teller.subscription("contact.unsubscribed", one, self.now())]

    def subscribe(self, contact_id: str) -> list[Object]:
        """A contact wants mail again."""
        one = self._changed(self.contact(contact_id), is_unsubscribed=False)
        return [self.teller.subscription("contact.subscribed", one, self.now())]

    def delete(self, contact_id: str) -> list[Object]:
        """A contact is gone; conversations still name them."""
        one = self._changed(self.contact(contact_id), is_deleted=True)
        return [self.teller.deleted(one, self.now())]

    def _untagged(self, one: Contact, tag_id: str) -> Contact:
        return replace(one, tags=tuple(tagging for tagging in one.tags if tagging.tag_id != tag_id))

    def _changed(self, one: Contact, **changes: Any) -> Contact:
        made = replace(one, **changes, updated_at=max(one.updated_at, self.now()))
        self.workspace.put(made)
        return made
