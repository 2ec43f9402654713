"""How it stands with the relay, and what needs a person: each with what to do now."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.issues import lasting
from engine.klaviyo.limits import ENDPOINTS
from engine.klaviyo.windows import SECOND
from engine.ledger import figures, limiter, reading
from engine.ledger.room import Room
from engine.ledger.store import Ledger
from engine.relay.alerts import told
from engine.relay.concerns import concerns_of
from engine.relay.facts import Seen, facts_of
from engine.relay.relay import ACCOUNT
from engine.relay.translating import INTERCOM

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3_600.0
SILENCE_SECONDS = 86_400.0
"""Intercom tries the connection every so often: so long a silence means that it has stopped."""
FEW_BYTES = 500_000_000
"""So little free room is nearly none: the ledger must go on when Klaviyo is away for a day."""
NOBODY = "no_identity"
OF_LEDGER = ("cannot-translate", "other-workspace", "not-translated")
OF_SERVE = ("bad-signatures", "broken-mappings")
"""Concerns of which only `serve` itself can know."""


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
class Need:
    """Something that needs a person, and what to do now."""

    what: str
    next: str


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
    needs: tuple[Need, ...]


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
    disk = _disk(ledger.path, free_bytes)
    with ledger.read() as tx:
        accounts = figures.all_accounts(tx, now)
        last_webhook = figures.last_webhook(tx)
        lost = reading.lost(tx, now - keep_dead_seconds)
        needs = [
            *_of_serve(is_served),
            *_of_accounts(accounts, now),
            *_of_lost(lost),
            *_of_damage(figures.damaged(tx)),
            *_of_silence(last_webhook, now),
            *_of_disk(disk),
            *_of_concerns(tx, now),
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
            accounts=tuple(accounts),
            drainers=tuple(figures.drainers(tx, now)),
            disk=disk,
            needs=tuple(needs),
        )


def _limit(used: limiter.Used) -> Limit:
    allowed = ENDPOINTS.get(used.endpoint)
    most = 0 if allowed is None else allowed.a_second if used.seconds == SECOND else allowed.a_minute
    return Limit(used.account, used.endpoint, used.seconds, used.used, most, used.closed_seconds)


def _disk(path: Path, free_bytes: int | None) -> Disk:
    log = path.with_name(path.name + "-wal")
    file, behind = (one.stat().st_size if one.is_file() else 0 for one in (path, log))
    return Disk(file, behind, shutil.disk_usage(path.parent).free if free_bytes is None else free_bytes)


def _of_serve(is_served: bool | None) -> Iterator[Need]:
    if is_served is False:
        yield Need(
            "no `serve` runs on this ledger: Intercom's webhooks are not received, and it tries each twice",
            "start it: `intercom-klaviyo serve`",
        )


def _of_accounts(accounts: list[figures.Account], now: float) -> Iterator[Need]:
    for one in accounts:
        if one.paused:
            whose = "Intercom" if one.name == INTERCOM else "Klaviyo"
            secret = "INTERCOM_TOKEN" if one.name == INTERCOM else "KLAVIYO_API_KEY"
            since = lasting(now - (now if one.paused_at is None else one.paused_at))
            yield Need(
                f"{whose} has let us do nothing for {since}: {one.paused}",
                f"put it right (`intercom-klaviyo doctor` says how), set {secret}; nothing is lost meanwhile",
            )


def _of_lost(lost: list[reading.Lost]) -> Iterator[Need]:
    dead = sum(one.count for one in lost if one.outcome == "dead")
    if dead:
        yield Need(
            f"{dead:,} dead: Klaviyo refused them, or they were tried in vain for a week",
            "`intercom-klaviyo dead` says why; once that is put right: `intercom-klaviyo replay --dead`",
        )
    parked = [one for one in lost if one.outcome == "parked" and one.reason not in (NOBODY, "damaged")]
    if parked:
        reasons = ", ".join(sorted({one.reason for one in parked}))
        yield Need(
            f"{sum(one.count for one in parked):,} parked: they cannot be made yet ({reasons})",
            "`intercom-klaviyo dead --parked` says why; then mend the mapping, and `replay --dead`",
        )


def _of_damage(damaged: int) -> Iterator[Need]:
    if damaged:
        yield Need(
            f"{damaged:,} rows of the ledger have changed on the disk, and are not sent",
            "`intercom-klaviyo ledger check` says which; look at the disk, and at the last backup",
        )


def _of_silence(last_webhook: float | None, now: float) -> Iterator[Need]:
    if last_webhook is not None and now - last_webhook > SILENCE_SECONDS:
        yield Need(
            f"Intercom has sent nothing for {lasting(now - last_webhook)}",
            "Developer Hub > your app > Webhooks: is it live, is the address right?",
        )


def _of_concerns(tx: Connection, now: float) -> Iterator[Need]:
    """What alerts tell as well: worked out anew, or known to `serve` alone, which has written it down."""
    facts = facts_of(tx, ACCOUNT, now, heard_at=None, usual_silence=None, room=Room(), seen=Seen())
    known = [one for one, _ in told(tx).concerns.values() if one.code in OF_SERVE]
    for one in (*concerns_of(facts), *known):
        if one.code in (*OF_SERVE, *OF_LEDGER):
            yield Need(one.text, one.next)


def _of_disk(disk: Disk) -> Iterator[Need]:
    if disk.free < FEW_BYTES:
        yield Need(
            f"the disk of the ledger is nearly full: {disk.free / 1e6:,.0f} MB are free",
            "make room; `intercom-klaviyo ledger purge` takes away what need not be kept",
        )
