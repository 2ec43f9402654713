"""How it stands with the relay, and what needs a person: each with what to do now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.klaviyo.limits import ENDPOINTS
from engine.klaviyo.windows import SECOND
from engine.ledger import figures, limiter, reading
from engine.ledger.room import Room, room_of
from engine.ledger.store import Ledger
from engine.relay import silence
from engine.relay.alerts import told
from engine.relay.concerns import Concern, concerns_of
from engine.relay.facts import Seen, facts_of
from engine.relay.relay import ACCOUNT

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3_600.0
NOBODY = "no_identity"
OF_SERVE = ("bad-signatures", "broken-mappings", "clock-jumped")
"""Concerns of which only `serve` itself can know: it has written them down."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a window is used, of what Klaviyo allows."""

    account: str
    endpoint: str
    seconds: float
    used: int
    of: int
    closed_seconds: float


@dataclass(frozen=True, slots=True)
class Disk:
    """Room in bytes: that of the ledger's file, of what is not written back into it yet, and what is free."""

    file: int
    log: int
    free: int


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands. Times are in seconds since 1970."""

    now: float
    ledger: str
    waiting: figures.Waiting
    accepted_in_a_minute: int
    accepted_in_an_hour: int
    last_webhook: float | None
    last_ping: float | None
    metrics: tuple[figures.Metric, ...]
    limits: tuple[Limit, ...]
    accounts: tuple[figures.Account, ...]
    drainers: tuple[figures.Drainer, ...]
    disk: Disk
    trouble: str
    """Why the last try came to nothing."""
    needs: tuple[Concern, ...]


def status(
    ledger: Ledger,
    keep_dead_seconds: float,
    free_bytes: int | None = None,
    *,
    is_served: bool | None = None,
) -> Status:
    """How it stands, at one moment. *is_served* says whether a `serve` runs; None where none ever has.

    Raises Unavailable.
    """
    now = ledger.now()
    room = room_of(ledger.path)
    room = room if free_bytes is None else replace(room, free_bytes=free_bytes)
    with ledger.read() as tx:
        last_webhook = figures.last_webhook(tx)
        facts = facts_of(
            tx, ACCOUNT, now, heard_at=last_webhook, usual_silence=silence.listen(tx, now).usual, room=room,
            seen=Seen(),
        )  # fmt: skip
        known = [one for one, _ in told(tx).concerns.values() if one.code in OF_SERVE]
        needs = [
            *_of_serve(is_served),
            *(one for one in (*concerns_of(facts), *known) if one.code != "dead-letters"),
            *_of_lost(reading.lost(tx, now - keep_dead_seconds)),
        ]
        return Status(
            now=now,
            ledger=str(ledger.path),
            waiting=figures.waiting(tx, now),
            accepted_in_a_minute=figures.accepted(tx, now - MINUTE_SECONDS),
            accepted_in_an_hour=figures.accepted(tx, now - HOUR_SECONDS),
            last_webhook=last_webhook,
            last_ping=figures.last_ping(tx),
            metrics=tuple(figures.metrics(tx, now)),
            limits=tuple(_limit(one) for one in limiter.used(tx, now)),
            accounts=tuple(figures.all_accounts(tx, now)),
            drainers=tuple(figures.drainers(tx, now)),
            disk=_disk(ledger.path, room),
            trouble=facts.trouble,
            needs=tuple(needs),
        )


def _limit(used: limiter.Used) -> Limit:
    allowed = ENDPOINTS.get(used.endpoint)
    most = 0 if allowed is None else allowed.a_second if used.seconds == SECOND else allowed.a_minute
    return Limit(used.account, used.endpoint, used.seconds, used.used, most, used.closed_seconds)


def _disk(path: Path, room: Room) -> Disk:
    log = path.with_name(path.name + "-wal")
    file, behind = (one.stat().st_size if one.is_file() else 0 for one in (path, log))
    return Disk(file, behind, room.free_bytes)


def _of_serve(is_served: bool | None) -> Iterator[Concern]:
    if is_served is False:
        yield Concern(
            "not-served",
            "no `serve` runs on this ledger: Intercom's webhooks are not received, and it tries each twice",
            "start it: `intercom-klaviyo serve`",
        )


def _of_lost(lost: list[reading.Lost]) -> Iterator[Concern]:
    dead = sum(one.count for one in lost if one.outcome == "dead")
    if dead:
        yield Concern(
            "dead",
            f"{dead:,} dead: Klaviyo refused them, or they were tried in vain for a week",
            "`intercom-klaviyo dead` says why; once that is put right: `intercom-klaviyo replay --dead`",
        )
    parked = [one for one in lost if one.outcome == "parked" and one.reason != NOBODY]
    if parked:
        reasons = ", ".join(sorted({one.reason for one in parked}))
        yield Concern(
            "parked",
            f"{sum(one.count for one in parked):,} parked: they cannot be made yet ({reasons})",
            "`intercom-klaviyo dead --parked` says why; then mend the mapping, and `replay --dead`",
        )
