"""Notifications as they came: kept before they are answered for, and opened later."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, true, update

from engine.ledger.counters import Counted, count
from engine.ledger.schema import inbox
from engine.ledger.sealed import opened, seal
from engine.ledger.sqlite import insert

LONGEST_WAIT = 3_600.0
"""No wait is longer: what seems to be comes of a clock that was set back."""

_STANDS = select(inbox.c.id, inbox.c.state, inbox.c.settled_at).where(
    inbox.c.id.in_(bindparam("ids", expanding=True))
)
_SETTLE = update(inbox).where(inbox.c.id == bindparam("own_id"), inbox.c.state == "received")
_NEW = insert(inbox).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook's body whose signature is right, with what its envelope says.

    `notification` is its id, or a digest of what stays the same when it is sent again.
    """

    workspace: str
    notification: str
    topic: str
    raw: bytes
    received_at: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification that is to be translated. `tries` counts those that had to be given up."""

    id: int
    workspace: str
    topic: str
    kept: bytes | None
    checksum: bytes | None
    received_at: float
    tries: int
    first_try_at: float | None
    settled_at: float | None = None
    """When it was translated before: it is taken up again."""

    def raw(self) -> bytes:
        """The body as it came. Raises Damaged."""
        return opened(self.kept or b"", self.checksum or b"")


def put(tx: Connection, received: Sequence[Received]) -> int:
    """Keep notifications, each once; gives how many of them were new."""
    rows = []
    for one in received:
        kept, checksum = seal(one.raw)
        rows.append(
            {
                "workspace": one.workspace,
                "notification": one.notification,
                "topic": one.topic,
                "received_at": one.received_at,
                "raw": kept,
                "checksum": checksum,
                "state": "received",
            }
        )
    new = tx.execute(_NEW, rows).rowcount
    topics = Counter(Counted("topic", one.topic) for one in received)
    if again := len(rows) - new:
        topics[Counted("again", "")] = again
    count(tx, topics, received[-1].received_at)
    return new


def due(
    tx: Connection, now: float, most: int, largest_bytes: int, *, without: Collection[str] = ()
) -> list[Waiting]:
    """Those that are to be translated now, whoever waits longest first; together within a size.

    Those of workspaces *without* are left where they are.
    What could not be translated yet stands behind what is new: while Intercom cannot be asked, hundreds of
    these would keep those waiting that need nobody's answer. One is given at least.
    """
    rows = tx.execute(
        select(
            inbox.c.id, inbox.c.workspace, inbox.c.topic, inbox.c.raw, inbox.c.checksum,
            inbox.c.received_at, inbox.c.tries, inbox.c.first_try_at, inbox.c.settled_at,
        )
        .where(inbox.c.state == "received")
        .where((inbox.c.not_before <= now) | (inbox.c.not_before > now + LONGEST_WAIT))
        .where(inbox.c.workspace.not_in(without) if without else true())
        .order_by(inbox.c.not_before, inbox.c.id)  # as its index has them: the settled ones are not read
        .limit(most)
    )  # fmt: skip
    found: list[Waiting] = []
    size = 0
    for row in rows:
        size += len(row.raw or b"")
        if found and size > largest_bytes:
            break
        found.append(Waiting(*row))
    return found


def untouched(tx: Connection, some: Sequence[Waiting]) -> set[int]:
    """The ids of those that nobody else has translated since they were read."""
    read = {one.id: one.settled_at for one in some}
    rows = tx.execute(_STANDS, {"ids": list(read)})
    return {row.id for row in rows if row.state == "received" and row.settled_at == read[row.id]}


def settle(
    tx: Connection,
    waiting: Waiting,
    state: str,
    now: float,
    *,
    reason: str = "",
    made: Mapping[str, int] | None = None,
    created_at: float | None = None,
    contacts: Collection[str] = (),
) -> bool:
    """Say what came of one; whether it was still to be translated."""
    values = {
        "state": state, "reason": reason, "made": json.dumps(made or {}, sort_keys=True), "settled_at": now,
        "created_at": created_at,
        "contacts": " ".join(["", *sorted(contacts), ""]) if contacts else "",
    }  # fmt: skip
    return tx.execute(_SETTLE, {"own_id": waiting.id, **values}).rowcount == 1


def postpone(tx: Connection, ids: Iterable[int], now: float, seconds: float, reason: str = "") -> None:
    """Translate them later: something that they need could not be had."""
    values = {
        "not_before": now + seconds,
        "tries": inbox.c.tries + 1,
        "reason": reason,
        "first_try_at": inbox.c.first_try_at,
    }
    for id_ in ids:
        mine = (inbox.c.id == id_, inbox.c.state == "received")
        tx.execute(update(inbox).where(*mine).values(**values))
        tx.execute(update(inbox).where(*mine, inbox.c.first_try_at.is_(None)).values(first_try_at=now))


def take_up(tx: Connection, ids: Iterable[int]) -> int:
    """Have notifications translated again that are still kept; how many that are."""
    values = {"state": "received", "not_before": 0.0, "tries": 0, "first_try_at": None, "reason": ""}
    taken = 0
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        mine = (inbox.c.id.in_(some), inbox.c.raw.is_not(None))
        taken += tx.execute(update(inbox).where(*mine).values(**values)).rowcount
    return taken
