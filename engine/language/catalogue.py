"""What Intercom documents of its notifications: the topics, and the keys of their objects.

The topics are those of Intercom's API 2.9 to 2.16; the keys come from the tables in `payloads`. Payloads
bring more than is documented, so what is not in here is warned of, never refused.
"""

from engine.issues import nearest
from engine.language.payloads import keys_of


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


TOPICS: dict[str, frozenset[str]] = {
    "contact": words(
        """
        contact.user.created contact.user.updated contact.user.tag.created contact.user.tag.deleted
        contact.lead.created contact.lead.updated contact.lead.signed_up contact.lead.added_email
        contact.lead.tag.created contact.lead.tag.deleted contact.email.updated contact.unsubscribed
        contact.subscribed contact.merged contact.deleted contact.archived contact.unarchive
        visitor.signed_up granular.subscribe granular.unsubscribe
        """
    ),
    "conversation": words(
        """
        conversation.user.created conversation.user.replied conversation.rating.added
        conversation.read conversation.admin.replied conversation.admin.replied.translated
        conversation.admin.closed conversation.admin.opened conversation.admin.assigned
        conversation.admin.open.assigned conversation.admin.noted conversation.admin.snoozed
        conversation.admin.unsnoozed conversation.admin.single.created conversation.operator.replied
        conversation.priority.updated conversation.contact.attached conversation.contact.detached
        conversation.company.updated conversation.deleted conversation_part.redacted
        conversation_part.tag.created
        """
    ),
    "ticket": words(
        """
        ticket.created ticket.state.updated ticket.contact.replied ticket.resolved ticket.closed
        ticket.note.created ticket.admin.assigned ticket.team.assigned ticket.contact.attached
        ticket.contact.detached ticket.attribute.updated ticket.admin.replied
        ticket.admin.replied.translated ticket.rating.provided ticket.admin.snoozed
        ticket.admin.unsnoozed
        """
    ),
}
"""Topics by the kind of object that they tell of."""

KINDS = ("conversation", "ticket", "contact")
"""The kinds of objects that notifications tell of."""

KEYS: dict[str, frozenset[str]] = {kind: keys_of(kind) for kind in KINDS}
"""The keys at the top of each object: a spec's own names must not hide them."""

HISTORY = {"conversations": "conversation", "tickets": "ticket", "contacts": "contact"}
"""What `history:` may say, and the `type` of the objects that are meant."""


def kind_of(topic: str) -> str:
    """`conversation`, `ticket` or `contact`; nothing for a topic that is not known."""
    return next((kind for kind, topics in TOPICS.items() if topic in topics), "")


def nearest_topic(word: str) -> str:
    """The documented topic that is most like a word: by its parts first, then by its letters."""
    known = [topic for topics in TOPICS.values() for topic in sorted(topics)]
    parts = set(word.split("."))
    shared = {topic: len(parts & set(topic.split("."))) for topic in known}
    most = max(shared.values())
    if most < 2:
        return nearest(word, known)
    alike = [topic for topic in known if shared[topic] == most]
    return nearest(word, alike) or alike[0]
