"""What the ledger has to tell a person: what went through, and one event with all that is known of it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal, select

from engine.events import Request
from engine.ledger.frozen import thawed
from engine.ledger.schema import attempts, changed_at, inbox, outbox, profiles

PROFILE, NOTIFICATION = "profile:", "notification:"
"""What the ids of what is no event begin with; an event's is a number."""
OUTCOMES = ("queued", "parked", "in_flight", "accepted", "dead", "skipped")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; of all metrics, contacts and reasons where none is named."""

    metric: str = ""
    contact: str = ""
    outcomes: Collection[str] = OUTCOMES
    reason: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, a profile, or a notification that nothing came of. `at`: when something became of it last."""

    id: str
    at: float
    outcome: str
    metric: str
    unique_id: str
    contact: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Whole:
    """An entry with its history. `is_kept` says whether the notification that told of it is still there."""

    entry: Entry
    pointer: str
    spec: str
    spec_hash: str
    time: float | None
    made_at: float
    settled_at: float | None
    tries: int
    first_try_at: float | None
    not_before: float
    is_uncertain: bool
    last_attempt_at: float | None
    last_attempt_reason: str
    topic: str
    received_at: float | None
    notified_at: float | None
    is_kept: bool
    body: bytes | None
    checksum: bytes | None

    def request(self) -> Request:
        """The request as it was made. Raises Damaged."""
        return thawed(self.body, self.checksum)


def events(tx: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """The newest events, the newest last."""
    asked: list[ColumnElement[bool]] = [since_(wanted.since)]
    # Where all are asked for, SQLite must not go by the states: it would sort all that there is.
    asked += [outbox.c.state.in_(wanted.outcomes)] if set(wanted.outcomes) != set(OUTCOMES) else []
    asked += [outbox.c.metric == wanted.metric] if wanted.metric else []
    asked += [outbox.c.contact == wanted.contact] if wanted.contact else []
    asked += [outbox.c.reason == wanted.reason] if wanted.reason else []
    rows = tx.execute(
        select(outbox, changed_at.label("at"))
        .where(*asked)
        .order_by(changed_at.desc(), outbox.c.id.desc())
        .limit(most)
    ).all()
    return [_event(row) for row in reversed(rows)]


def since_(moment: float) -> ColumnElement[bool]:
    """Whether something became of an event since a moment."""
    return changed_at >= literal(moment)


def _event(row: Row[Any]) -> Entry:
    return Entry(
        str(row.id), row.at, row.state, row.metric, row.unique_id, row.contact, row.reason, row.detail
    )


_profile_at = func.coalesce(profiles.c.settled_at, profiles.c.made_at)


def lost_profiles(tx: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """The newest profiles that are dead or parked, the newest last."""
    states = [state for state in wanted.outcomes if state in ("parked", "dead")]
    asked: list[ColumnElement[bool]] = [profiles.c.state.in_(states), _profile_at >= literal(wanted.since)]
    asked += [profiles.c.name == wanted.metric] if wanted.metric else []
    asked += [profiles.c.contact == wanted.contact] if wanted.contact else []
    asked += [profiles.c.reason == wanted.reason] if wanted.reason else []
    rows = tx.execute(
        select(profiles, _profile_at.label("at")).where(*asked).order_by(_profile_at.desc()).limit(most)
    ).all()
    return [_profile(row) for row in reversed(rows)]


def _profile(row: Row[Any]) -> Entry:
    id_ = f"{PROFILE}{row.contact}"
    return Entry(id_, row.at, row.state, row.name, "", row.contact, row.reason, row.detail)


def skipped_notifications(tx: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """The newest notifications that nothing came of, the newest last; their topic stands for the metric."""
    asked: list[ColumnElement[bool]] = [
        inbox.c.state == "skipped", inbox.c.received_at >= literal(wanted.since),
    ]  # fmt: skip
    asked += [inbox.c.reason == wanted.reason] if wanted.reason else []
    rows = tx.execute(select(inbox).where(*asked).order_by(inbox.c.received_at.desc()).limit(most)).all()
    return [
        Entry(
            f"{NOTIFICATION}{row.id}",
            row.received_at,
            "skipped",
            row.topic,
            "",
            row.contacts.strip(),
            row.reason,
            "",
        )
        for row in reversed(rows)
    ]


@dataclass(frozen=True, slots=True)
class Lost:
    """How many events, or profiles, are dead or parked for one reason."""

    outcome: str
    metric: str
    reason: str
    count: int


def lost(tx: Connection, since: float = 0.0) -> list[Lost]:
    """What is dead or parked, by metric and reason; dead since a moment, and parked at any time."""
    found: list[Lost] = []
    for state, at in (("dead", since), ("parked", 0.0)):
        for table, name, when in (
            (outbox, outbox.c.metric, changed_at),
            (profiles, profiles.c.name, _profile_at),
        ):
            rows = tx.execute(
                select(name, table.c.reason, func.count())
                .where(table.c.state == state, when >= literal(at))
                .group_by(name, table.c.reason)
                .order_by(name, table.c.reason)
            )
            found += [Lost(state, *row) for row in rows]
    return found


def whole(tx: Connection, id_: str) -> Whole | None:
    """One entry with all that is known of it; None where there is none with this id."""
    if id_.startswith(PROFILE):
        asked = select(profiles, _profile_at.label("at")).where(
            profiles.c.contact == id_.removeprefix(PROFILE)
        )
        row = tx.execute(asked).first()
        return _whole(tx, row, _profile(row)) if row else None
    if not (id_.isascii() and id_.isdigit() and len(id_) < 19):
        return None
    row = tx.execute(select(outbox, changed_at.label("at")).where(outbox.c.id == int(id_))).first()
    return _whole(tx, row, _event(row)) if row else None


def _whole(tx: Connection, row: Row[Any], entry: Entry) -> Whole:
    told = tx.execute(select(inbox).where(inbox.c.id == row.inbox_id)).first()
    tried = tx.execute(select(attempts).where(attempts.c.id == row.attempt)).first()
    values = row._mapping
    return Whole(
        entry,
        pointer=row.pointer,
        spec=values.get("spec") or "",
        spec_hash=row.spec_hash,
        time=values.get("time"),
        made_at=row.made_at,
        settled_at=row.settled_at,
        tries=row.tries,
        first_try_at=row.first_try_at,
        not_before=row.not_before,
        is_uncertain=bool(values.get("is_uncertain")),
        last_attempt_at=tried.began_at if tried else None,
        last_attempt_reason=tried.reason if tried else "",
        topic=told.topic if told else "",
        received_at=told.received_at if told else None,
        notified_at=told.created_at if told else None,
        is_kept=told is not None and told.raw is not None,
        body=row.body,
        checksum=row.checksum,
    )
