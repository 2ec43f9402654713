"""What is dead or parked goes on its way again: each row in the one transaction that finds it so."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from engine.ledger import inbox as notifications
from engine.ledger.counters import Counted, count
from engine.ledger.schema import changed_at, inbox, outbox, profiles

_ANEW: dict[str, Any] = {
    "state": "queued", "reason": "", "detail": "", "pointer": "", "tries": 0, "first_try_at": None,
    "not_before": 0.0, "settled_at": None,
}  # fmt: skip
NEVER = ("too_old", "damaged", "not_readable")
"""Reasons of notifications that are not taken up: nothing else could come of them."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An event or a profile that is dead or parked; `body` says whether it has a request of its own."""

    id: int
    contact: str
    metric: str
    unique_id: str
    state: str
    reason: str
    inbox_id: int
    is_uncertain: bool
    has_raw: bool
    has_body: bool

    @property
    def is_made_anew(self) -> bool:
        """Whether its notification is translated again, by today's mappings."""
        return self.has_raw and not self.goes_as_it_is

    @property
    def goes_as_it_is(self) -> bool:
        """Whether its own bytes are sent: Klaviyo may know it by them, or nothing else is left."""
        if self.state != "dead" or not self.has_body or self.reason == "damaged":
            return False
        return self.is_uncertain or not self.has_raw


def lost_events(tx: Connection, metric: str, since: float, after: int, most: int) -> list[Lost]:
    """Events that are dead or parked since a moment, after the one with an id."""
    wanted = [outbox.c.state.in_(("parked", "dead")), outbox.c.id > after, changed_at >= since]
    if metric:
        wanted.append(outbox.c.metric == metric)
    rows = tx.execute(
        select(
            outbox.c.id, outbox.c.contact, outbox.c.metric, outbox.c.unique_id, outbox.c.state,
            outbox.c.reason, outbox.c.inbox_id, outbox.c.is_uncertain, inbox.c.raw.is_not(None),
            outbox.c.body.is_not(None),
        )
        .outerjoin_from(outbox, inbox, inbox.c.id == outbox.c.inbox_id)
        .where(*wanted)
        .order_by(outbox.c.id)
        .limit(most)
    )  # fmt: skip
    return [Lost(*row) for row in rows]


def lost_profiles(tx: Connection, metric: str, since: float, after: str, most: int) -> list[Lost]:
    """Profiles that are dead or parked since a moment, after the one of a contact."""
    changed = or_(
        profiles.c.settled_at >= since, profiles.c.settled_at.is_(None) & (profiles.c.made_at >= since)
    )
    wanted: list[ColumnElement[bool]] = [
        profiles.c.state.in_(("parked", "dead")), profiles.c.contact > after, changed,
    ]  # fmt: skip
    if metric:
        wanted.append(profiles.c.name == metric)
    rows = tx.execute(
        select(
            profiles.c.contact, profiles.c.name, profiles.c.state, profiles.c.reason, profiles.c.inbox_id,
            inbox.c.raw.is_not(None).label("has_raw"), profiles.c.body.is_not(None).label("has_body"),
        )
        .outerjoin_from(profiles, inbox, inbox.c.id == profiles.c.inbox_id)
        .where(*wanted)
        .order_by(profiles.c.contact)
        .limit(most)
    )  # fmt: skip
    return [
        Lost(
            0, row.contact, row.name, "", row.state, row.reason, row.inbox_id or 0,
            # What a profile says may go twice, so it goes as it is, and is made anew as well.
            is_uncertain=True, has_raw=bool(row.has_raw), has_body=bool(row.has_body),
        )
        for row in rows
    ]  # fmt: skip


def send_again(tx: Connection, account: str, lost: Sequence[Lost], now: float) -> None:
    """Queue those that go as they are, take away those that are made anew, and take up notifications.

    Of the dead ones alone: what is parked is taken away once its notification is translated.
    """
    as_they_are = [one.id for one in lost if one.id and one.goes_as_it_is]
    anew = [one.id for one in lost if one.id and one.state == "dead" and one.is_made_anew]
    dead = outbox.c.state == "dead"
    tx.execute(update(outbox).where(outbox.c.id.in_(as_they_are), dead).values(**_ANEW))
    tx.execute(delete(outbox).where(outbox.c.id.in_(anew), dead))
    people = [one.contact for one in lost if not one.id and one.goes_as_it_is]
    mine = (profiles.c.account == account, profiles.c.contact.in_(people), profiles.c.state == "dead")
    tx.execute(update(profiles).where(*mine).values(**_ANEW))
    notifications.take_up(tx, [one.inbox_id for one in lost if one.has_raw])
    moved = [one for one in lost if one.goes_as_it_is or one.is_made_anew]
    count(tx, Counter(Counted("replayed", one.metric, one.state) for one in moved), now)


@dataclass(frozen=True, slots=True)
class Kept:
    """A notification that can be translated again."""

    id: int
    topic: str
    received_at: float


def kept(
    tx: Connection, since: float, until: float, topics: Sequence[str], after: int, most: int
) -> list[Kept]:
    """Notifications of a time that are kept and settled, after the one with an id; of some topics, or all."""
    wanted = [
        inbox.c.received_at >= since, inbox.c.received_at <= until, inbox.c.id > after,
        inbox.c.raw.is_not(None), inbox.c.state != "received", inbox.c.reason.not_in(NEVER),
    ]  # fmt: skip
    if topics:
        wanted.append(inbox.c.topic.in_(topics))
    columns = (inbox.c.id, inbox.c.topic, inbox.c.received_at)
    rows = tx.execute(select(*columns).where(*wanted).order_by(inbox.c.id).limit(most))
    return [Kept(*row) for row in rows]
