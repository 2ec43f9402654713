"""Where nobody outside Intercom knows how it is: both ways, to be chosen."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """What Intercom's pages leave open, or say in two ways. The defaults are what is likelier, or safer to
    be tested against.
    """

    rating_lists_its_part: bool = True
    """`conversation.rating.added` lists the part of the rating; otherwise no part."""

    fin_rating_is_told: bool = False
    """A rating of Fin's answer sends `conversation.rating.added` as well."""

    remark_is_told: bool = False
    """A remark that is added to a rating later sends `conversation.rating.added` again."""

    state_updated_with_resolved: bool = True
    """From 2.15 on `ticket.state.updated` is still sent beside `ticket.resolved`."""

    both_on_creation: bool = True
    """A ticket from the form sends `ticket.state.updated` too, as a converted one is known to."""

    ticket_reply_is_told_twice: bool = False
    """A reply to a ticket also sends `conversation.user.replied`, as one team saw of teammates' replies."""

    ticket_in_conversation: Literal["whole", "short"] = "whole"
    """`ticket` of a conversation: the ticket without its parts, or `{type, id}`."""

    plain_text_from_2_15: bool = True
    """Texts of conversations in webhooks are plain from 2.15 on; otherwise HTML, "as REST has it"."""

    contact_times: Literal["iso", "epoch"] = "iso"
    """Times of contacts in webhooks from 2.15 on; before they are ISO text."""

    merged_from: bool = True
    """`contact.merged` names whom it took in (documented in 2026, and missing in an older capture)."""

    merged_keeps_references: bool = True
    """Conversations of a merged contact still name its old id; otherwise the id of the one that remains."""

    retry_keeps_id: bool = True
    """The second try of a notification has the id of the first."""

    greater_means_or_equal: bool = False
    """`>` and `<` of conversations and tickets take in the value itself, as their page can be read."""

    unsorted_by: Literal["created_at", "updated_at"] = "created_at"
    """What searches and lists without `sort` (and those of tickets, which ignore it) go by, newest first."""

    state_words: Literal["category", "label"] = "category"
    """What the tickets' search field `state` is compared with."""

    most_values: int | None = None
    """How many values `IN` takes; None is any number."""

    deepest_object: int | None = None
    """Up to which object a list can be paged; None is without end."""

    cursor_seconds: float | None = None
    """For how long a cursor leads on; None is for ever."""

    index_delay_seconds: float = 180.0
    """How old a contact is before searches find it: "a few minutes"."""
