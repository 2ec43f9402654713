"""Taking away what is no longer kept, and what somebody has the right to have taken away."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, or_, select, update

from engine.ledger import outbox as events
from engine.ledger import sqlite
from engine.ledger.counters import Counted, count
from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.schema import attempts, changed_at, inbox, keys, outbox, profiles
from engine.ledger.sqlite import insert
from engine.ledger.store import Ledger

DAY = 86_400.0
OLD_SECONDS = 30 * DAY
"""So long the ledger remembers notifications that are no longer kept, and attempts."""
AT_ONCE = 500
"""Rows that a transaction takes away: webhooks wait for no longer than that takes."""
OPEN = ("parked", "queued", "in_flight", "dead")
"""States of an event for which its notification is kept."""
SENDING = ("queued", "in_flight", "dead")
"""The same of a profile: a parked one waits for its contact's next change."""
ERASED, WIPED = "erased", "wiped"
"""When something of a contact was taken away last, and up to which of these the files hold none of it."""
EXPIRED = "expired"
"""The reason of what was dead for so long that it is no longer kept."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things are kept, in seconds since they were settled, and how long an address is waited for."""

    keep_seconds: float = 7 * DAY
    keep_dead_seconds: float = 30 * DAY
    wait_seconds: float = 7 * DAY


@dataclass(frozen=True, slots=True)
class Purged:
    """What is taken away, and what is given up first."""

    given_up: int = 0
    """Events that have waited too long for an address."""
    expired: int = 0
    """Dead events and profiles."""
    of_deleted: int = 0
    """Events of contacts that were deleted while these were on their way."""
    events: int = 0
    """Events that Klaviyo has, of which a digest stays so that none goes twice; and skipped ones."""
    payloads: int = 0
    """The bodies of notifications."""
    notifications: int = 0
    attempts: int = 0
    is_wiped: bool = True
    """Whether nothing of it lives on in the file; while somebody reads, it does until the next time."""


Step = Callable[[Connection], int]


def purge(
    ledger: Ledger,
    policy: Policy,
    points: Callable[[str], None] = lambda name: None,
    now: float | None = None,
) -> Purged:
    """Take away what is no longer kept, in small transactions, and let none of it live on in the file.

    What is still to reach Klaviyo stays, however old. *points* is called between the transactions. *now* is
    for a ledger whose clock may be wrong. Raises Unavailable.
    """
    now = ledger.now() if now is None else now
    done: Counter[str] = Counter()
    for name, step in _steps(policy, now):
        while True:
            with ledger.write() as tx:
                number = step(tx)
            if not number:
                break
            done[name] += number
            points("mid_purge")
    return Purged(**done, is_wiped=sqlite.shrunk(ledger.engine))


def purgeable(ledger: Ledger, policy: Policy) -> Purged:
    """What `purge` would take away now; what one of its steps leaves to a later one is not counted."""
    now = ledger.now()
    old = now - policy.keep_seconds
    with ledger.read() as tx:

        def of(table: Any, *wanted: ColumnElement[bool]) -> int:
            return tx.scalar(select(func.count()).select_from(table).where(*wanted)) or 0

        return Purged(
            given_up=of(outbox, *_waited(now - policy.wait_seconds)),
            expired=of(outbox, *_dead(outbox, now - policy.keep_dead_seconds))
            + of(profiles, *_dead(profiles, now - policy.keep_dead_seconds)),
            of_deleted=of(outbox, *_of_deleted()),
            events=of(outbox, *_settled(old)),
            payloads=of(inbox, *_payloads(old)),
            notifications=of(inbox, *_forgotten(now - OLD_SECONDS)),
            attempts=of(attempts, attempts.c.began_at <= now - OLD_SECONDS),
        )


def _steps(policy: Policy, now: float) -> Iterator[tuple[str, Step]]:
    """What is taken away, in an order in which each step leaves the next ones nothing undone."""
    old, long_dead = now - policy.keep_seconds, now - policy.keep_dead_seconds
    yield "given_up", lambda tx: events.give_up(tx, now - policy.wait_seconds, now, AT_ONCE)
    yield "of_deleted", lambda tx: _skip_deleted(tx, now)
    yield "expired", lambda tx: _expire_events(tx, long_dead, now)
    yield "expired", lambda tx: _expire_profiles(tx, long_dead, now)
    yield "events", lambda tx: _take_events(tx, old)
    yield "payloads", lambda tx: _take_payloads(tx, old)
    yield "notifications", lambda tx: _delete(tx, inbox, *_forgotten(now - OLD_SECONDS))
    yield "attempts", lambda tx: _delete(tx, attempts, attempts.c.began_at <= now - OLD_SECONDS)


def _waited(before: float) -> tuple[ColumnElement[bool], ...]:
    return outbox.c.state == "parked", outbox.c.reason == "no_identity", outbox.c.made_at <= before


def _dead(table: Any, before: float) -> tuple[ColumnElement[bool], ...]:
    return table.c.state == "dead", table.c.settled_at <= before


def _settled(before: float) -> tuple[ColumnElement[bool], ...]:
    # By time, and not by state: SQLite would sort all accepted events for each transaction.
    return (outbox.c.state + "").in_(("accepted", "skipped")), changed_at <= before


def _of_deleted() -> tuple[ColumnElement[bool], ...]:
    """Events of deleted contacts that still have a body: they were on their way when the contact went."""
    gone = select(profiles.c.contact).where(
        profiles.c.account == outbox.c.account,
        profiles.c.contact == outbox.c.contact,
        profiles.c.deleted_at.is_not(None),
    )
    is_left = or_(outbox.c.state.in_(("parked", "queued", "dead")), outbox.c.body.is_not(None))
    return exists(gone), outbox.c.state != "in_flight", is_left


def _payloads(before: float) -> tuple[ColumnElement[bool], ...]:
    """Notifications of which all is settled, each part of it long enough ago."""
    needed = select(outbox.c.id).where(
        outbox.c.inbox_id == inbox.c.id, outbox.c.state.in_(OPEN) | (outbox.c.settled_at > before)
    )
    told = select(profiles.c.contact).where(profiles.c.inbox_id == inbox.c.id, profiles.c.state.in_(SENDING))
    return (
        inbox.c.raw.is_not(None), inbox.c.state != "received", inbox.c.settled_at <= before,
        ~exists(needed), ~exists(told),
    )  # fmt: skip


def _forgotten(before: float) -> tuple[ColumnElement[bool], ...]:
    left = select(outbox.c.id).where(outbox.c.inbox_id == inbox.c.id)
    return (
        inbox.c.received_at <= before, inbox.c.raw.is_(None), inbox.c.state != "received", ~exists(left),
    )  # fmt: skip


def _skip_deleted(tx: Connection, now: float) -> int:
    rows = tx.execute(
        select(outbox.c.account, outbox.c.contact).where(*_of_deleted()).distinct().limit(AT_ONCE)
    ).all()
    for row in rows:
        _skip_events(tx, row.account, row.contact, now)
    return len(rows)


def _expire_events(tx: Connection, before: float, now: float) -> int:
    rows = tx.execute(select(outbox.c.id, outbox.c.metric).where(*_dead(outbox, before)).limit(AT_ONCE)).all()
    tx.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
    count(tx, Counter(Counted("skipped", row.metric, EXPIRED) for row in rows), now)
    return len(rows)


def _expire_profiles(tx: Connection, before: float, now: float) -> int:
    """Give profiles up that are dead; the contact's next change makes one anew."""
    rows = tx.execute(
        select(profiles.c.account, profiles.c.contact, profiles.c.name)
        .where(*_dead(profiles, before))
        .limit(AT_ONCE)
    ).all()
    gone = {"state": "skipped", "reason": EXPIRED, "body": None, "checksum": None, "digest": None}
    for row in rows:
        mine = (profiles.c.account == row.account, profiles.c.contact == row.contact)
        tx.execute(update(profiles).where(*mine).values(**gone, detail="", settled_at=now))
    count(tx, Counter(Counted("skipped", row.name, EXPIRED) for row in rows), now)
    return len(rows)


def _take_events(tx: Connection, before: float) -> int:
    rows = tx.execute(
        select(outbox.c.id, outbox.c.key, outbox.c.state)
        .where(*_settled(before))
        .order_by(changed_at)
        .limit(AT_ONCE)
    ).all()
    known = [{"key": row.key} for row in rows if row.state == "accepted"]
    if known:
        tx.execute(insert(keys).on_conflict_do_nothing(), known)
    tx.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
    return len(rows)


def _take_payloads(tx: Connection, before: float) -> int:
    ids = tx.scalars(select(inbox.c.id).where(*_payloads(before)).limit(AT_ONCE)).all()
    tx.execute(update(inbox).where(inbox.c.id.in_(ids)).values(raw=None, checksum=None))
    return len(ids)


def _delete(tx: Connection, table: Any, *wanted: ColumnElement[bool]) -> int:
    ids = tx.scalars(select(table.c.id).where(*wanted).limit(AT_ONCE)).all()
    tx.execute(delete(table).where(table.c.id.in_(ids)))
    return len(ids)


def forget_contact(tx: Connection, account: str, contact: str, now: float) -> None:
    """Keep nothing of what a deleted contact wrote or was sent; what was to be sent is not sent.

    What is on its way just now is settled first, and taken away by the next purge. That the write-ahead log
    has none of it either is seen to by `wipe`, soon after.
    """
    set_cursor(tx, ERASED, str(now))
    mine = (outbox.c.account == account, outbox.c.contact == contact)
    told = select(outbox.c.inbox_id).where(*mine)
    about = select(profiles.c.inbox_id).where(
        profiles.c.account == account, profiles.c.contact == contact, profiles.c.inbox_id.is_not(None)
    )
    of_contact = inbox.c.id.in_(told) | inbox.c.id.in_(about) | _names(contact)
    taken_up = {"state": "skipped", "reason": "contact_deleted", "settled_at": now}
    tx.execute(update(inbox).where(of_contact, inbox.c.state == "received").values(**taken_up))
    tx.execute(update(inbox).where(of_contact).values(raw=None, checksum=None))
    _skip_events(tx, account, contact, now)


def wipe(ledger: Ledger) -> None:
    """Let nothing live on in the files of what was taken away for a contact since the last time.

    While somebody reads, it is left to the next time. Raises Unavailable.
    """
    with ledger.read() as tx:
        erased = cursor(tx, ERASED)
        if erased == cursor(tx, WIPED):
            return
    if sqlite.shrunk(ledger.engine):
        with ledger.write() as tx:
            set_cursor(tx, WIPED, str(erased))


def _names(contact: str) -> ColumnElement[bool]:
    """Whether a notification that is kept tells of a contact."""
    return inbox.c.raw.is_not(None) & inbox.c.contacts.contains(f" {contact} ", autoescape=True)


def _skip_events(tx: Connection, account: str, contact: str, now: float) -> None:
    mine = (outbox.c.account == account, outbox.c.contact == contact)
    waiting = outbox.c.state.in_(("parked", "queued", "dead"))
    gone = {"state": "skipped", "reason": "contact_deleted", "detail": "", "settled_at": now}
    tx.execute(update(outbox).where(*mine, waiting).values(**gone))
    tx.execute(update(outbox).where(*mine, outbox.c.state != "in_flight").values(body=None, checksum=None))
