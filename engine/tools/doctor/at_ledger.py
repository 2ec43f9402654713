"""What has come from Intercom so far, and whether anything delivers it; nothing is written."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import LedgerError
from engine.intercom.generation import OUTDATED, generation
from engine.issues import counted, lasting
from engine.language.plan import Plan
from engine.ledger import schema, sqlite
from engine.ledger.counters import DAY
from engine.ledger.cursors import cursor, values
from engine.ledger.migrations import version_of
from engine.ledger.sealed import Damaged, opened
from engine.relay.relay import ACCOUNT
from engine.relay.whose import sent_to
from engine.tools.doctor.findings import Finding

SIDE = "Ledger"
HUB = "Developer Hub > your app > Configure > Webhooks"
DAYS = 30
LONGEST_SILENCE = float(DAY)
SAMPLES = 50
"""Webhooks that are opened to see which version of Intercom's API they are of."""


def look_at_ledger(file: Path, plans: Iterable[Plan], now: float) -> Iterator[Finding]:
    """Topics that have come, of which version, when the last one did, and whether something delivers."""
    engine = sqlite.read_only(file)
    try:
        version = version_of(engine)
        if version != schema.VERSION:
            yield _other_version(file, version)
            return
        with engine.connect() as tx:
            yield from _topics(tx, plans, now)
            yield from _heard(tx, now)
            yield from _version(tx)
            yield _delivery(tx, now)
    except LedgerError as error:
        yield Finding(SIDE, "fault", f"{file}: {error.reason}", "set ledger.file to that of `serve`")
    except SQLAlchemyError:
        yield Finding(SIDE, "fault", f"{file} cannot be read as a ledger", "`intercom-klaviyo ledger check`")
    finally:
        engine.dispose()


def account_of(file: Path) -> str:
    """The account of Klaviyo's that a ledger has sent to; empty where it has not, or cannot be read."""
    engine = sqlite.read_only(file)
    try:
        with engine.connect() as tx:
            return cursor(tx, sent_to(ACCOUNT)) or ""
    except (LedgerError, SQLAlchemyError):
        return ""
    finally:
        engine.dispose()


def _other_version(file: Path, version: int) -> Finding:
    if version > schema.VERSION:
        hint = "update intercom-klaviyo to the version of `serve`"
        return Finding(SIDE, "fault", f"a newer version of intercom-klaviyo wrote {file}", hint)
    return Finding(SIDE, "note", f"{file} holds nothing yet, or is of an older version", "start `serve`")


def _topics(tx: Connection, plans: Iterable[Plan], now: float) -> Iterator[Finding]:
    counters = schema.counters
    lately = (counters.c.kind == "topic", counters.c.day >= int(now // DAY) - DAYS)
    rows = tx.execute(select(counters.c.name, func.sum(counters.c.count)).where(*lately).group_by("name"))
    came: dict[str, int] = {name: number for name, number in rows}
    needed = sorted({topic for plan in plans for topic in plan.spec.topics})
    seen = [f"{topic} ({came[topic]:,})" for topic in needed if topic in came]
    lacking = [topic for topic in needed if topic not in came]
    if seen:
        what = f"webhooks of {counted(len(seen), 'topic')} have come within {DAYS} days: {', '.join(seen)}"
        yield Finding(SIDE, "ok", what)
    if came and lacking:
        what = f"none has come within {DAYS} days of {', '.join(lacking)}"
        yield Finding(SIDE, "look", what, f"are they ticked, and is the subscription live? {HUB}")


def _heard(tx: Connection, now: float) -> Iterator[Finding]:
    last = tx.scalar(select(func.max(schema.inbox.c.received_at)))
    ping = max(map(float, values(tx, "ping ")), default=None)
    if last is None:
        yield Finding(SIDE, "look", "no webhook has come yet", f"set the address of `serve` there: {HUB}")
        return
    pinged = f", the last ping {_ago(now - ping)}" if ping is not None else ""
    is_silent = now - last > LONGEST_SILENCE
    hint = f"is the subscription paused or suspended? {HUB} > Set live" if is_silent else ""
    what = f"the last webhook came {_ago(now - last)}{pinged}"
    yield Finding(SIDE, "look" if is_silent else "ok", what, hint)


def _ago(seconds: float) -> str:
    return f"{lasting(max(seconds, 0.0))} ago"


def _version(tx: Connection) -> Iterator[Finding]:
    """Of which version of Intercom's API webhooks are now, by the newest whose shape tells."""
    inbox = schema.inbox
    kept = select(inbox.c.raw, inbox.c.checksum).where(inbox.c.raw.is_not(None))
    last = tx.execute(kept.order_by(inbox.c.id.desc()).limit(SAMPLES))
    found = next(filter(None, (_generation(raw, checksum) for raw, checksum in last)), "")
    if found:
        what = f"webhooks come in the shape of Intercom's API {found}"
        hint = "a newer one sends texts without HTML: choose it in the Developer Hub"
        yield Finding(SIDE, "note", what, hint) if found in OUTDATED else Finding(SIDE, "ok", what)


def _generation(raw: bytes, checksum: bytes | None) -> str:
    try:
        event = msgspec.json.decode(opened(raw, checksum or b""))
    except (Damaged, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return generation(event) if isinstance(event, dict) else ""


def _delivery(tx: Connection, now: float) -> Finding:
    leases, outbox = schema.leases, schema.outbox
    held = select(leases.c.until).where(leases.c.name.startswith("drain "), leases.c.until > now)
    waiting = tx.scalar(select(func.count()).where(outbox.c.state == "queued")) or 0
    waits = f"; {counted(waiting, 'event')} to be sent" if waiting else ""
    if tx.execute(held).first():
        return Finding(SIDE, "ok", f"a `serve` delivers from it now{waits}")
    return Finding(
        SIDE, "look" if waiting else "note", f"no `serve` delivers from it now{waits}", "start `serve`"
    )
