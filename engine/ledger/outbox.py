"""Events on their way to Klaviyo: each once, whatever told of it, and with its bytes as they were made."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, select, update

from engine.events import Request
from engine.ledger.counters import Counted, count
from engine.ledger.due import MOST, asked, is_due, queued
from engine.ledger.frozen import frozen, thawed
from engine.ledger.many import put_each
from engine.ledger.schema import keys, outbox, profiles
from engine.ledger.sqlite import insert

_AT_ONCE = 500
"""Values that one statement asks for: SQLite takes 32,766, other databases fewer."""
OPEN = ("parked", "skipped")
"""States of an event that a later look may still make."""

# Written once: to put a statement together takes longer than to run it.
_OLD = select(keys.c.key).where(keys.c.key.in_(bindparam("keys", expanding=True)))
_KEPT = select(outbox.c.key, outbox.c.state).where(outbox.c.key.in_(bindparam("keys", expanding=True)))
_ADD = insert(outbox)
_FORGET = delete(outbox).where(
    outbox.c.inbox_id.in_(bindparam("ids", expanding=True)), outbox.c.state == "parked"
)
_WAIT_FOR = (
    select(outbox.c.inbox_id)
    .where(outbox.c.contact.in_(bindparam("contacts", expanding=True)))
    .where(outbox.c.state == "parked", outbox.c.reason == "no_identity")
    .distinct()
)

_ACCEPTED = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="accepted", settled_at=bindparam("now"), tries=outbox.c.tries + 1, reason="", detail="")
)
_SETTLE = update(outbox).where(outbox.c.id == bindparam("own"))
_SETTLE_TRIED = _SETTLE.values(first_try_at=func.coalesce(outbox.c.first_try_at, bindparam("tried_at")))


def _due_of(uncertain: bool) -> tuple[Any, Any, Any]:
    """What counts those that are due, gives them, and gives the moment of the next, by their kind.

    Whether they are *uncertain* is part of the statement: an index holds each kind in order.
    """
    kind = outbox.c.is_uncertain.is_(uncertain)
    some = select(outbox.c.id).where(*is_due(outbox), kind).limit(MOST).subquery()
    given = select(
        outbox.c.id, outbox.c.metric, outbox.c.unique_id, outbox.c.contact, outbox.c.time, outbox.c.body,
        outbox.c.checksum, outbox.c.is_uncertain, outbox.c.tries, outbox.c.first_try_at,
    )  # fmt: skip
    order = (outbox.c.not_before, outbox.c.id)
    return (
        select(func.count()).select_from(some),
        given.where(*is_due(outbox), kind).order_by(*order).limit(MOST),
        select(outbox.c.not_before).where(*queued(outbox), kind).order_by(outbox.c.not_before).limit(1),
    )


_COUNT, _GIVE, _NEXT = ({one: _due_of(one)[place] for one in (False, True)} for place in range(3))


@dataclass(frozen=True, slots=True)
class Event:
    """What came of a notification: to be sent (`queued`), or `parked` with its reason."""

    metric: str
    inbox_id: int
    state: str
    unique_id: str = ""
    contact: str = ""
    spec: str = ""
    spec_hash: str = ""
    time: float | None = None
    reason: str = ""
    detail: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is to be sent now."""

    id: int
    metric: str
    unique_id: str
    contact: str
    time: float | None
    kept: bytes | None
    checksum: bytes | None
    is_uncertain: bool
    tries: int
    first_try_at: float | None

    def request(self) -> Request:
        """The request as it was made. Raises Damaged."""
        return thawed(self.kept, self.checksum)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an event that was sent."""

    due: Due
    state: str
    reason: str = ""
    detail: str = ""
    pointer: str = ""
    not_before: float = 0.0
    is_uncertain: bool = False
    is_tried: bool = True
    """Whether anything may have left this machine for it."""


def key_of(digest_key: bytes, *parts: str) -> bytes:
    """What an event is known again by: short, and without anything of a customer in it."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16, key=digest_key).digest()


def add(tx: Connection, account: str, digest_key: bytes, events: Sequence[Event], now: float) -> list[str]:
    """Take events in; gives of each `queued`, `parked`, or `duplicate` where it is known already.

    An event that is parked, or was given up, is queued by a later look that can make it.
    """
    wanted = [_key(account, digest_key, event, order) for order, event in enumerate(events)]
    known = _known(tx, wanted)
    rows: dict[bytes, dict[str, Any]] = {}
    outcomes: list[str] = []
    made: Counter[Counted] = Counter()
    for key, event in zip(wanted, events, strict=True):
        before = known.get(key)
        if before is not None and not (before in OPEN and event.state == "queued"):
            outcomes.append("duplicate")
            continue
        if before is not None:
            tx.execute(delete(outbox).where(outbox.c.key == key))
        known[key] = event.state
        rows[key] = _row(account, key, event, now)
        outcomes.append(event.state)
        if event.state == "parked":
            made[Counted("parked", event.metric, event.reason)] += 1
        else:
            made[Counted("queued", event.metric)] += 1
    if rows:
        tx.execute(_ADD, [*rows.values()])
        count(tx, made, now)
    return outcomes


def states(tx: Connection, account: str, digest_key: bytes, events: Sequence[Event]) -> list[str]:
    """What is known of each event that would be taken in: its state, or nothing."""
    wanted = [_key(account, digest_key, event, order) for order, event in enumerate(events)]
    known = _known(tx, wanted)
    return [known.get(key, "") for key in wanted]


def _key(account: str, digest_key: bytes, event: Event, order: int) -> bytes:
    own = event.unique_id or f"{event.inbox_id} {event.spec} {order} {event.reason}"
    return key_of(digest_key, account, event.metric, own)


def _known(tx: Connection, wanted: Iterable[bytes]) -> dict[bytes, str]:
    """The state of those events that are known; `accepted` for those that are no longer kept."""
    asked = list(dict.fromkeys(wanted))
    found: dict[bytes, str] = {}
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        found |= dict.fromkeys(tx.scalars(_OLD, {"keys": some}), "accepted")
        rows = tx.execute(_KEPT, {"keys": some})
        found |= {row.key: row.state for row in rows}
    return found


def _row(account: str, key: bytes, event: Event, now: float) -> dict[str, Any]:
    body, checksum = frozen(event.request) if event.request else (None, None)
    return {
        "account": account,
        "metric": event.metric,
        "unique_id": event.unique_id,
        "key": key,
        "inbox_id": event.inbox_id,
        "contact": event.contact,
        "spec": event.spec,
        "spec_hash": event.spec_hash,
        "time": event.time,
        "state": event.state,
        "reason": event.reason,
        "detail": event.detail,
        "body": body,
        "checksum": checksum,
        "made_at": now,
    }


def count_due(tx: Connection, account: str, now: float, most: int, *, uncertain: bool) -> int:
    """How many are to be sent now whose fate is, or is not, *uncertain*; counted up to *most*."""
    return tx.scalar(_COUNT[uncertain], asked(account, now, most)) or 0


def due(
    tx: Connection, account: str, now: float, most: int, *, largest_bytes: int, uncertain: bool
) -> list[Due]:
    """Those that are to be sent now whose fate is, or is not, *uncertain*; the oldest first."""
    found: list[Due] = []
    size = 0
    for row in tx.execute(_GIVE[uncertain], asked(account, now, most)):
        size += len(row.body or b"")
        if found and size > largest_bytes:
            break
        found.append(Due(*tuple(row)))
    return found


def next_due(tx: Connection, account: str, *, uncertain: bool) -> float | None:
    """When the next one is to be sent whose fate is, or is not, *uncertain*; None where none waits."""
    found: float | None = tx.scalar(_NEXT[uncertain], {"own": account})
    return found


def begin(tx: Connection, sent: Sequence[Due], attempt: int) -> set[int]:
    """Write down that these are about to be sent; gives those that still are to be."""
    begun: set[int] = set()
    for start in range(0, len(sent), _AT_ONCE):
        ids = [one.id for one in sent[start : start + _AT_ONCE]]
        still = (outbox.c.id.in_(ids), outbox.c.state == "queued")
        begun.update(tx.scalars(select(outbox.c.id).where(*still)))
        tx.execute(update(outbox).where(*still).values(state="in_flight", attempt=attempt))
    return begun


def settle(tx: Connection, settled: Sequence[Settled], now: float) -> None:
    """Write down what became of events that were sent."""
    plain = [one.due.id for one in settled if one.state == "accepted" and not one.detail]
    for start in range(0, len(plain), _AT_ONCE):
        tx.execute(_ACCEPTED, {"ids": plain[start : start + _AT_ONCE], "now": now})
    others = [one for one in settled if one.state != "accepted" or one.detail]
    put_each(tx, _SETTLE, [_values(one, now) for one in others if not one.is_tried])
    put_each(tx, _SETTLE_TRIED, [_values(one, now) for one in others if one.is_tried])
    made = (Counted(one.state, one.due.metric, one.reason) for one in settled if one.state != "queued")
    count(tx, Counter(made), now)


def _values(one: Settled, now: float) -> dict[str, Any]:
    values: dict[str, Any] = {
        "own": one.due.id, "state": one.state, "reason": one.reason, "detail": one.detail,
        "pointer": one.pointer, "not_before": one.not_before, "is_uncertain": one.is_uncertain,
    }  # fmt: skip
    if one.is_tried:
        values |= {"tries": one.due.tries + 1, "tried_at": now}
    if one.state != "queued":
        values["settled_at"] = now
    return values


def recover(tx: Connection, account: str) -> set[str]:
    """Queue again what was on its way when its sender died: whether it arrived is not known. Whose it is."""
    mine = (outbox.c.account == account, outbox.c.state == "in_flight")
    contacts = {*tx.scalars(select(outbox.c.contact).where(*mine).distinct())}
    values = {"state": "queued", "is_uncertain": True, "tries": outbox.c.tries + 1}
    tx.execute(update(outbox).where(*mine).values(**values))
    return contacts - {""}


def told_by(tx: Connection, ids: Sequence[int]) -> list[int]:
    """The notifications that events came of."""
    found: list[int] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        found += tx.scalars(select(outbox.c.inbox_id).where(outbox.c.id.in_(some)).distinct())
    return found


def forget_parked(tx: Connection, inbox_ids: Iterable[int]) -> None:
    """Take away what is parked of notifications that are translated again: it comes back, or is made now."""
    wanted = list(inbox_ids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        tx.execute(_FORGET, {"ids": some})


def waiting_for(tx: Connection, contacts: Sequence[str]) -> list[int]:
    """The notifications whose events wait for contacts to get an address."""
    found: list[int] = []
    for start in range(0, len(contacts), _AT_ONCE):
        some = contacts[start : start + _AT_ONCE]
        found += tx.scalars(_WAIT_FOR, {"contacts": some})
    return found


def hand_over(tx: Connection, account: str, contact: str, into: str) -> None:
    """Let a contact's events be those of the one that it has become part of: so they wait for its address."""
    mine = (outbox.c.account == account, outbox.c.contact == contact)
    tx.execute(update(outbox).where(*mine).values(contact=into))


def reachable(tx: Connection, account: str, most: int, slack: float) -> list[int]:
    """The notifications whose events wait for an address that their contact has by now.

    That is, its profile can be sent, and was made after the event, or no more than *slack* seconds before it:
    what looked its contact up in the meantime may have missed it. So each word on a contact counts once.
    """
    mine = (outbox.c.account == account, outbox.c.state == "parked", outbox.c.reason == "no_identity")
    same = (profiles.c.account == outbox.c.account, profiles.c.contact == outbox.c.contact)
    known = (profiles.c.state.in_(("queued", "in_flight", "accepted")),)
    newer = profiles.c.made_at > outbox.c.made_at - slack
    found = select(outbox.c.inbox_id).join(profiles, and_(*same)).where(*mine, *known, newer)
    return list(tx.scalars(found.distinct().limit(most)))


def give_up(tx: Connection, made_before: float, now: float, most: int = _AT_ONCE) -> int:
    """Skip up to *most* that have waited for an address since before a moment; how many that are."""
    old = (outbox.c.state == "parked", outbox.c.reason == "no_identity", outbox.c.made_at <= made_before)
    rows = tx.execute(select(outbox.c.id, outbox.c.metric).where(*old).limit(most)).all()
    if rows:
        mine = outbox.c.id.in_([row.id for row in rows])
        tx.execute(update(outbox).where(mine).values(state="skipped", settled_at=now))
        count(tx, Counter(Counted("skipped", row.metric, "no_identity") for row in rows), now)
    return len(rows)
