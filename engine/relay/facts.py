"""What the ledger tells of how it goes, in a few quick questions."""

from dataclasses import dataclass, field
from math import inf

from sqlalchemy import Connection, Table, func, select

from engine.ledger import accounts
from engine.ledger.accounts import Standing
from engine.ledger.counters import DAY
from engine.ledger.room import Room
from engine.ledger.schema import attempts, counters, inbox, outbox, profiles
from engine.relay.translating import INTERCOM, UNFORESEEN

RECENT_SECONDS = 600.0
STRANGER = "other_workspace"
_MOST_ATTEMPTS = 5_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What the process knows and the ledger does not. None is what it cannot know yet.

    `bad_signatures` counts those in a row. `broken_mappings` says what is wrong with a folder that was
    changed, `clock_jumped` by how many seconds the clock was moved lately; *uptime* is in seconds.
    """

    uptime: float = inf
    bad_signatures: int | None = None
    broken_mappings: str = ""
    clock_jumped: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """How it goes at one moment. Times are in seconds since 1970, and None is for what there is not."""

    now: float
    klaviyo: Standing = field(default_factory=Standing)
    queue: str = ""
    """Which queue alone stands so with Klaviyo; empty where all do."""
    intercom: Standing = field(default_factory=Standing)
    heard_at: float | None = None
    usual_silence: float | None = None
    accepted: int = 0
    refused: int = 0
    tried: int = 0
    trouble: str = ""
    """Why the last try came to nothing."""
    damaged: int = 0
    untranslatable: int = 0
    why_untranslatable: str = ""
    strangers: int = 0
    """Notifications since yesterday of workspaces that no token is set for."""
    stranger: str = ""
    """The newest of these workspaces."""
    to_translate_since: float | None = None
    to_send_since: float | None = None
    room: Room = field(default_factory=Room)
    seen: Seen = field(default_factory=Seen)
    is_read: bool = True
    """Whether the ledger could be asked."""


@dataclass(frozen=True, slots=True)
class Tries:
    """What was sent lately: how often, and what became of it."""

    number: int = 0
    accepted: int = 0
    refused: int = 0
    trouble: str = ""


def tries(tx: Connection, account: str, since: float) -> Tries:
    """What was sent since a moment."""
    last = (
        select(attempts.c.began_at, attempts.c.accepted, attempts.c.refused, attempts.c.reason)
        .where(attempts.c.account == account)
        .order_by(attempts.c.id.desc())
        .limit(_MOST_ATTEMPTS)
    )
    rows = [row for row in tx.execute(last) if row.began_at >= since]
    return Tries(
        len(rows),
        sum(row.accepted for row in rows),
        sum(row.refused for row in rows),
        rows[0].reason if rows else "",
    )


def damaged(tx: Connection, now: float) -> int:
    """How often something was found since yesterday that had changed on the disk."""
    lately = (counters.c.day >= int(now // DAY) - 1, counters.c.reason == "damaged")
    return tx.scalar(select(func.sum(counters.c.count)).where(*lately)) or 0


def untranslatable(tx: Connection, now: float) -> tuple[int, str]:
    """How many notifications have waited for over ten minutes by a fault of ours, and why."""
    stuck = (
        inbox.c.state == "received",
        inbox.c.reason.startswith(UNFORESEEN),
        inbox.c.first_try_at <= now - RECENT_SECONDS,
    )
    number, newest = tx.execute(select(func.count(), func.max(inbox.c.reason)).where(*stuck)).one()
    return number, newest or ""


def strangers(tx: Connection, now: float) -> tuple[int, str]:
    """How many notifications came since yesterday from workspaces without a token, and the last of these.

    Once they are replayed, there are none.
    """
    lately = (counters.c.day >= int(now // DAY) - 1, counters.c.reason == STRANGER)
    if not tx.scalar(select(func.sum(counters.c.count)).where(*lately)):
        return 0, ""
    mine = (inbox.c.received_at > now - DAY, inbox.c.state + "" == "skipped", inbox.c.reason == STRANGER)
    number, last = tx.execute(select(func.count(), func.max(inbox.c.workspace)).where(*mine)).one()
    return number, last or ""


def to_translate_since(tx: Connection) -> float | None:
    """Since when a notification could have been translated that is not; None where none waits."""
    return _since(tx, inbox, "received", "received_at")


def to_send_since(tx: Connection, account: str) -> float | None:
    """Since when an event or a profile could have been sent that is not; None where none waits."""
    events = [_since(tx, outbox, "queued", "made_at", account, uncertain=one) for one in (False, True)]
    found = [*events, _since(tx, profiles, "queued", "made_at", account)]
    return min((since for since in found if since is not None), default=None)


def _since(
    tx: Connection, table: Table, state: str, made: str, account: str = "", *, uncertain: bool = False
) -> float | None:
    """Of rows that were never put off, when the first was made; of the others, when the first was due."""
    mine = [table.c.state == state]
    if account:
        mine.append(table.c.account == account)
    if table is outbox:  # its index has each kind in order, and both together in none
        mine.append(outbox.c.is_uncertain.is_(uncertain))
    order = table.c.id if "id" in table.c else table.c[made]  # by id the index has them in order
    fresh = select(table.c[made]).where(*mine, table.c.not_before == 0).order_by(order).limit(1)
    late = select(func.min(table.c.not_before)).where(*mine, table.c.not_before > 0)
    found = (tx.scalar(fresh), tx.scalar(late))
    return min((since for since in found if since is not None), default=None)


def facts_of(
    tx: Connection,
    account: str,
    now: float,
    *,
    heard_at: float | None,
    usual_silence: float | None,
    room: Room,
    seen: Seen,
) -> Facts:
    """How it goes now."""
    lately = tries(tx, account, now - RECENT_SECONDS)
    name, klaviyo = accounts.worst(tx, account)
    return Facts(
        now,
        klaviyo,
        name.removeprefix(account).strip(),
        accounts.worst(tx, INTERCOM)[1],
        heard_at,
        usual_silence,
        lately.accepted,
        lately.refused,
        lately.number,
        lately.trouble,
        damaged(tx, now),
        *untranslatable(tx, now),
        *strangers(tx, now),
        to_translate_since(tx),
        to_send_since(tx, account),
        room,
        seen,
    )
