"""When a new metric happened and what makes each event itself: `each`, `time` and `unique_id`.

An id is made of what stays when the same thing is told again: the object's id with that of the part that
a notification tells of, or else with the time at which it happened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.tools.new.addressee import CUSTOMERS
from engine.tools.new.captured import Captured

PART = "part"
"""The name under `each`."""

_PREFIXES = {"conversation": "conv"}
_LISTS = {
    "conversation": "conversation_parts.conversation_parts",
    "ticket": "ticket_parts.ticket_parts",
}
_CHANGED = "ticket_state && previous_ticket_state != ticket_state"
_FILTERS = {
    "conversation.user.replied": (f"contains({CUSTOMERS}, author.type)",),
    "conversation.rating.added": ("part_type == 'conversation_rating_changed'",),
    "conversation.admin.closed": ("part_type == 'close'",),
    "conversation.admin.opened": ("part_type == 'open'",),
    "conversation.admin.snoozed": ("part_type == 'snoozed'",),
    "conversation.priority.updated": ("part_type == 'priority_changed'",),
    # The part of a ticket's birth sets the state that it names as the one before.
    "ticket.state.updated": (_CHANGED, "ticket_state"),
    "ticket.resolved": (f"{_CHANGED} && ticket_state == 'resolved'",),
    "ticket.closed": ("part_type == 'close'",),
    "ticket.admin.assigned": ("part_type == 'assignment'",),
    "ticket.team.assigned": ("part_type == 'assignment'",),
    "ticket.admin.snoozed": ("part_type == 'snoozed'",),
    "ticket.admin.unsnoozed": ("part_type == 'unsnoozed'",),
    "ticket.attribute.updated": ("updated_attribute_data",),
}
"""Which parts a topic tells of, where that can be said; the first that finds one is taken."""

_WITHOUT_PARTS = ("conversation.read", "conversation.user.created", "conversation.deleted")
"""Topics whose parts, if any, are not what happened."""

_BY_PERSON = ("conversation.user.replied", "ticket.contact.replied")
"""Topics whose part a customer wrote: of several in a conversation, the one whom the event is about."""

_CREATED = {
    "conversation.user.created": "created_at",
    "conversation.admin.single.created": "created_at",
    "ticket.created": "event.created_at",  # a converted ticket keeps its conversation's created_at
    "contact.user.created": "created_at",
    "contact.lead.created": "created_at",
}
"""Topics that tell of a beginning, which an object has once; and when it was."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The lines that say what happened when. `person` is the path of who did it, where that is known.

    `is_near` asks that the part's time is the notification's, so that no older part is taken for it.
    """

    time: str
    unique_id: str
    each: str = ""
    person: str = ""
    is_near: bool = False


def occurrences(captured: Captured) -> Iterator[Occurrence]:
    """What may have happened, the most telling first; the last fits every notification."""
    prefix, word = _PREFIXES.get(captured.noun, captured.noun), _word(captured)
    stem = f"{prefix}:{{{{ id }}}}:{word}"
    person = f"{PART}.author" if captured.topic in _BY_PERSON else ""
    for path, is_near in _parts(captured):
        yield Occurrence(f"{PART}.created_at", f"{stem}:{{{{ {PART}.id }}}}", path, person, is_near)
    if captured.topic in _CREATED:
        yield Occurrence(_CREATED[captured.topic], f"{prefix}:{{{{ id }}}}:created")
    tag = captured.outer.get("tag")
    which = ":{{ event.data.item.tag.id }}" if isinstance(tag, dict) and tag.get("id") else ""
    yield Occurrence("event.created_at", f"{stem}{which}:{{{{ event.created_at }}}}")


def _parts(captured: Captured) -> Iterator[tuple[str, bool]]:
    """Paths of the parts that may be what happened, each with whether its time must fit."""
    if isinstance(captured.outer.get("ticket_part"), dict):
        yield "event.data.item.ticket_part", False
        return
    listed = _LISTS.get(captured.kind)
    if listed is None or captured.topic in _WITHOUT_PARTS:
        return
    for condition in _FILTERS.get(captured.topic, ()):
        yield f"{listed}[?{condition}]", True
    if captured.kind == "conversation":  # a notification has only the parts that it tells of
        yield listed, True


def _word(captured: Captured) -> str:
    """What happened, as an id can hold it: the topic without the object's name."""
    topic = captured.topic.removeprefix(f"{captured.noun}.").removeprefix(f"{captured.kind}.")
    return re.sub(r"[^A-Za-z0-9._-]", "_", topic)[:40]
