"""How it stands with the ledger, in figures: what waits, what went, and what needs looking at."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from engine.ledger.counters import DAY
from engine.ledger.schema import accounts, attempts, counters, cursors, inbox, leases, outbox, profiles


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and for how many seconds the oldest of it has; None where nothing waits."""

    notifications: int
    events: int
    uncertain_events: int
    profiles: int
    events_in_flight: int
    profiles_in_flight: int
    notifications_for: float | None
    events_for: float | None
    profiles_for: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each thing came of a metric; what is skipped, parked and dead by its reason."""

    queued: int = 0
    accepted: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    parked: Mapping[str, int] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, or a profile mapping: what came of it today, in all, and what there is of it now."""

    name: str
    today: Counts
    in_all: Counts
    now: Counts


@dataclass(frozen=True, slots=True)
class Account:
    """An account, or a queue of it: `paused` says why a person is needed, or is empty; `waits`: seconds."""

    name: str
    paused: str
    paused_at: float | None
    waits: float
    failures: int


@dataclass(frozen=True, slots=True)
class Drainer:
    """Who delivers to an account; `fence` tells the holders of the lease apart."""

    account: str
    owner: str
    fence: int
    until: float


def waiting(tx: Connection, now: float) -> Waiting:
    """How much waits, and how long."""
    fates = tx.execute(
        select(outbox.c.is_uncertain, func.count()).where(outbox.c.state == "queued").group_by("is_uncertain")
    )
    by_fate = {bool(row[0]): int(row[1]) for row in fates}
    of_profiles = select(profiles.c.state, func.count()).where(profiles.c.state.in_(("queued", "in_flight")))
    by_state = {row[0]: int(row[1]) for row in tx.execute(of_profiles.group_by(profiles.c.state))}
    in_flight = select(func.count()).select_from(outbox).where(outbox.c.state == "in_flight")
    received = inbox.c.state == "received"
    first_inbox = select(inbox.c.received_at).where(received).order_by(inbox.c.id).limit(1)
    first_event = select(func.min(outbox.c.id)).where(outbox.c.state == "queued").scalar_subquery()
    made_at = select(outbox.c.made_at).where(outbox.c.id == first_event)
    first_profile = select(func.min(profiles.c.made_at)).where(profiles.c.state == "queued")

    def since(moment: float | None) -> float | None:
        return None if moment is None else max(0.0, now - moment)

    return Waiting(
        notifications=tx.scalar(select(func.count()).select_from(inbox).where(received)) or 0,
        events=sum(by_fate.values()),
        uncertain_events=by_fate.get(True, 0),
        profiles=by_state.get("queued", 0),
        events_in_flight=tx.scalar(in_flight) or 0,
        profiles_in_flight=by_state.get("in_flight", 0),
        notifications_for=since(tx.scalar(first_inbox)),
        events_for=since(tx.scalar(made_at)),
        profiles_for=since(tx.scalar(first_profile)),
    )


def accepted(tx: Connection, since: float) -> int:
    """How many events Klaviyo has taken since a moment, an hour or so ago."""
    asked = select(func.sum(attempts.c.accepted)).where(
        attempts.c.began_at >= since, attempts.c.kind != "profiles"
    )
    return int(tx.scalar(asked) or 0)


def metrics(tx: Connection, now: float) -> list[Metric]:
    """What came of each metric, by its name."""
    today: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    in_all: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    states: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    columns = (counters.c.name, counters.c.kind, counters.c.reason)
    kinds = ("queued", "accepted", "skipped", "parked", "dead")
    asked = select(*columns, func.sum(counters.c.count)).where(
        counters.c.kind.in_(kinds), counters.c.name != ""
    )
    for name, kind, reason, number in tx.execute(asked.group_by(*columns)):
        in_all[name].append((kind, reason, int(number)))
    of_today = asked.where(counters.c.day == int(now // DAY))
    for name, kind, reason, number in tx.execute(of_today.group_by(*columns)):
        today[name].append((kind, reason, int(number)))
    for table, name_of in ((outbox, outbox.c.metric), (profiles, profiles.c.name)):
        own = (name_of, table.c.state, table.c.reason)
        kept = select(*own, func.count()).where(table.c.state.in_(("queued", "in_flight", "parked", "dead")))
        for name, state, reason, number in tx.execute(kept.group_by(*own)):
            states[name].append(("queued" if state == "in_flight" else state, reason, int(number)))
    names = sorted({*in_all, *states} - {""})
    return [Metric(one, *(_counts(kind[one]) for kind in (today, in_all, states))) for one in names]


def _counts(rows: list[tuple[str, str, int]]) -> Counts:
    plain = {"queued": 0, "accepted": 0}
    reasons: dict[str, dict[str, int]] = {"skipped": {}, "parked": {}, "dead": {}}
    for kind, reason, number in rows:
        if kind in reasons:
            reasons[kind][reason] = reasons[kind].get(reason, 0) + number
        else:
            plain[kind] += number
    return Counts(plain["queued"], plain["accepted"], **reasons)


def last_webhook(tx: Connection) -> float | None:
    """When the last notification came, pings too; None where none ever has."""
    newest = tx.scalar(select(func.max(inbox.c.received_at)))
    return newest if newest is not None else _newest(tx, "newest ")


def last_ping(tx: Connection) -> float | None:
    """When Intercom last tried the connection."""
    return _newest(tx, "ping ")


def _newest(tx: Connection, start: str) -> float | None:
    found = tx.scalars(select(cursors.c.value).where(cursors.c.name.startswith(start, autoescape=True)))
    return max((float(value) for value in found), default=None)


def all_accounts(tx: Connection, now: float) -> list[Account]:
    """How it stands with each account that has ever failed."""
    rows = tx.execute(select(accounts).order_by(accounts.c.account))
    return [
        Account(row.account, row.paused, row.paused_at, max(0.0, row.not_before - now), row.failures)
        for row in rows
    ]


def drainers(tx: Connection, now: float) -> list[Drainer]:
    """Who delivers now."""
    rows = tx.execute(select(leases).where(leases.c.name.startswith("drain "), leases.c.until > now))
    return [Drainer(row.name.removeprefix("drain "), row.owner, row.fence, row.until) for row in rows]
