"""The newest state of each contact, and what of it Klaviyo has: never backwards, only what changed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, update

from engine.events import Request
from engine.ledger.counters import Counted, count
from engine.ledger.due import MOST, asked, is_due, queued
from engine.ledger.frozen import frozen, thawed
from engine.ledger.many import put_each
from engine.ledger.outbox import key_of
from engine.ledger.schema import profiles
from engine.ledger.sqlite import insert

_AT_ONCE = 500
_MOST_MERGES = 10
"""Of one contact, into one after the other."""

# Written once: to put a statement together takes longer than to run it.
_KNOWN = select(profiles).where(
    profiles.c.account == bindparam("own"), profiles.c.contact.in_(bindparam("contacts", expanding=True))
)
_COUNT = select(func.count()).select_from(
    select(profiles.c.contact).where(*is_due(profiles)).limit(MOST).subquery()
)
_GIVE = (
    select(
        profiles.c.contact, profiles.c.name, profiles.c.body, profiles.c.checksum, profiles.c.digest,
        profiles.c.klaviyo_id, profiles.c.tries, profiles.c.first_try_at,
    )
    .where(*is_due(profiles))
    .order_by(profiles.c.not_before, profiles.c.made_at)
    .limit(MOST)
)  # fmt: skip
_OWN = (profiles.c.account == bindparam("own_account"), profiles.c.contact == bindparam("own"))
_TAKEN = update(profiles).where(*_OWN)
_SETTLE = update(profiles).where(
    *_OWN, profiles.c.state == bindparam("before"), profiles.c.digest == bindparam("sent")
)
_SETTLE_TRIED = _SETTLE.values(first_try_at=func.coalesce(profiles.c.first_try_at, bindparam("tried_at")))
_NEXT = select(profiles.c.not_before).where(*queued(profiles)).order_by(profiles.c.not_before).limit(1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a notification, or a look-up, says of a contact; `request` is None where it cannot be sent.

    `updated_at` is Intercom's; of two that have the same, the one with the later `told_at` is newer: that of
    the notification, and 0 for a look-up, which may come from a cache.
    """

    contact: str
    updated_at: float
    told_at: float
    name: str
    spec_hash: str
    inbox_id: int
    request: Request | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DueProfile:
    """A profile that is to be sent now."""

    contact: str
    name: str
    kept: bytes | None
    checksum: bytes | None
    digest: bytes
    klaviyo_id: str
    tries: int
    first_try_at: float | None

    def request(self) -> Request:
        """The request as it was made. Raises Damaged."""
        return thawed(self.kept, self.checksum)


@dataclass(frozen=True, slots=True)
class SettledProfile:
    """What became of a profile that was sent."""

    due: DueProfile
    state: str
    reason: str = ""
    detail: str = ""
    pointer: str = ""
    not_before: float = 0.0
    klaviyo_id: str | None = ""
    """The profile's id at Klaviyo; None takes away the one that is known, empty leaves it."""
    is_tried: bool = True


def tell(tx: Connection, account: str, digest_key: bytes, told: Sequence[Told], now: float) -> list[str]:
    """Take in what is said of contacts; gives of each what came of it.

    `queued`, `parked`, `unchanged` where Klaviyo has it, `older` where something newer is known, `merged`
    and `deleted` where the contact is no more.
    """
    known = _known(tx, account, {one.contact for one in told})
    more = Counter(one.contact for one in told)
    outcomes = []
    made: Counter[Counted] = Counter()
    for one in told:
        before = known.get(one.contact)
        outcome, values = _compared(one, before, digest_key, now)
        outcomes.append(outcome)
        if values is None:
            continue
        row = insert(profiles).values(account=account, contact=one.contact, **values)
        tx.execute(row.on_conflict_do_update(index_elements=["account", "contact"], set_=values))
        if more[one.contact] > 1:
            known |= _known(tx, account, {one.contact})
        if outcome in ("queued", "parked"):
            made[Counted(outcome, one.name, one.reason)] += 1
    count(tx, made, now)
    return outcomes


def _known(tx: Connection, account: str, contacts: Iterable[str]) -> dict[str, Row[Any]]:
    asked = sorted(contacts)
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        rows = tx.execute(_KNOWN, {"own": account, "contacts": some})
        found |= {row.contact: row for row in rows}
    return found


def _compared(
    one: Told, before: Row[Any] | None, digest_key: bytes, now: float
) -> tuple[str, dict[str, Any] | None]:
    """What comes of a word on a contact, and what to write; None where nothing is new."""
    if before is not None and before.deleted_at is not None:
        return "deleted", None
    if before is not None and before.merged_into:
        return "merged", None
    at = (one.updated_at, one.told_at)
    if before is not None and at < (before.updated_at, before.told_at):
        return "older", None
    digest = _digest(digest_key, one.request) if one.request else None
    is_same = before is not None and digest is not None and before.digest == digest and _stands(before)
    values: dict[str, Any] = {
        "name": one.name, "spec_hash": one.spec_hash, "updated_at": one.updated_at, "told_at": one.told_at,
        "inbox_id": one.inbox_id, "made_at": now,
    }  # fmt: skip
    if is_same and before is not None:
        moved = at != (before.updated_at, before.told_at)
        times = {"updated_at": one.updated_at, "told_at": one.told_at}
        still = {"state": before.state, "made_at": before.made_at}
        return "unchanged", times | still if moved else None
    body, checksum = frozen(one.request) if one.request else (None, None)
    values |= {
        "body": body, "checksum": checksum, "digest": digest, "reason": one.reason, "detail": one.detail,
        "pointer": "", "tries": 0, "first_try_at": None, "not_before": 0.0, "attempt": None,
        "settled_at": None, "state": "queued" if one.request else "parked",
    }  # fmt: skip
    if digest is not None and before is not None and before.delivered == digest:
        return "unchanged", values | {"state": "accepted", "body": None, "checksum": None, "settled_at": now}
    return str(values["state"]), values


def _stands(before: Row[Any]) -> bool:
    """Whether what is kept need not be sent anew where the same is told again."""
    if before.state == "dead":
        return bool(before.reason == "refused")
    return bool(before.state != "accepted" or before.delivered == before.digest)


def _digest(digest_key: bytes, request: Request) -> bytes:
    return key_of(digest_key, msgspec.json.encode(request.body).decode())


def merged(tx: Connection, account: str, contact: str, into: str, now: float) -> None:
    """Note that a contact has become part of another one: nothing is sent of it any more."""
    values = _gone(now) | {"merged_into": into, "reason": "merged"}
    _put_gone(tx, account, contact, values, now)


def deleted(tx: Connection, account: str, contact: str, now: float) -> None:
    """Note that a contact was deleted: nothing is sent of it any more, whatever still tells of it."""
    _put_gone(tx, account, contact, _gone(now) | {"deleted_at": now, "reason": "deleted"}, now)


def _gone(now: float) -> dict[str, Any]:
    return {
        "state": "skipped",
        "body": None,
        "checksum": None,
        "digest": None,
        "settled_at": now,
        "detail": "",
    }


def _put_gone(tx: Connection, account: str, contact: str, values: dict[str, Any], now: float) -> None:
    row = insert(profiles).values(
        account=account, contact=contact, updated_at=0.0, told_at=0.0, made_at=now, **values
    )
    tx.execute(row.on_conflict_do_update(index_elements=["account", "contact"], set_=values))


def news(tx: Connection, account: str, times: Mapping[str, tuple[float, float]]) -> set[str]:
    """Those contacts of which less is known than a word of these times (`updated_at`, `told_at`) tells."""
    rows = _known(tx, account, times)
    return {key for key, at in times.items() if key not in rows or _is_news(at, rows[key])}


def _is_news(at: tuple[float, float], row: Row[Any]) -> bool:
    known = _times(row, at)
    return at > known or (at == known and not _stands(row))


def _times(row: Row[Any], at: tuple[float, float]) -> tuple[float, float]:
    """What is known, to be compared with a word of its kind: look-ups are never newer for when they came."""
    return row.updated_at, row.told_at if at[1] else 0.0


def gone(tx: Connection, account: str, contacts: Iterable[str]) -> set[str]:
    """Those of the contacts that were deleted, or have become part of one that was."""
    return gone_and_heirs(tx, account, contacts)[0]


def gone_and_heirs(tx: Connection, account: str, contacts: Iterable[str]) -> tuple[set[str], dict[str, str]]:
    """As `gone`; and of those contacts that have become part of another one, that one's id."""
    rows = _remaining(tx, account, contacts)
    heirs = {contact: row.merged_into or row.contact for contact, row in rows.items()}
    return (
        {contact for contact, row in rows.items() if row.deleted_at is not None},
        {contact: heir for contact, heir in heirs.items() if heir != contact},
    )


def _remaining(tx: Connection, account: str, contacts: Iterable[str]) -> dict[str, Row[Any]]:
    """What is known of contacts, of a merged one by way of the one that remains."""
    rows = _known(tx, account, set(contacts))
    for _ in range(_MOST_MERGES):
        further = _known(tx, account, {row.merged_into for row in rows.values() if row.merged_into})
        if not further:
            break
        rows = {contact: further.get(row.merged_into, row) for contact, row in rows.items()}
    return rows


def count_due(tx: Connection, account: str, now: float, most: int) -> int:
    """How many are to be sent now, counted up to *most*."""
    return tx.scalar(_COUNT, asked(account, now, most)) or 0


def due(tx: Connection, account: str, now: float, most: int) -> list[DueProfile]:
    """Those that are to be sent now, whoever waits longest first."""
    return [DueProfile(*row) for row in tx.execute(_GIVE, asked(account, now, most))]


def next_due(tx: Connection, account: str) -> float | None:
    """When the next one is to be sent; None where none waits."""
    found: float | None = tx.scalar(_NEXT, {"own": account})
    return found


def begin(tx: Connection, account: str, sent: Sequence[DueProfile], attempt: int) -> set[str]:
    """Write down that these are about to be sent; gives those of which nothing newer has come since."""
    rows = _known(tx, account, [one.contact for one in sent])
    begun = {
        one.contact
        for one in sent
        if (row := rows.get(one.contact)) and row.state == "queued" and row.digest == one.digest
    }
    wanted = sorted(begun)
    for start in range(0, len(wanted), _AT_ONCE):
        mine = (profiles.c.account == account, profiles.c.contact.in_(wanted[start : start + _AT_ONCE]))
        tx.execute(update(profiles).where(*mine).values(state="in_flight", attempt=attempt))
    return begun


def settle(
    tx: Connection, account: str, settled: Sequence[SettledProfile], now: float, *, before: str = "in_flight"
) -> None:
    """Write down what became of profiles that were sent; one that is newer by now stays queued."""
    taken: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    for one in settled:
        own = {"own_account": account, "own": one.due.contact}
        learned: dict[str, Any] = {"delivered": one.due.digest} if one.state == "accepted" else {}
        if one.klaviyo_id != "":
            learned["klaviyo_id"] = one.klaviyo_id or ""
        if learned:
            taken.append(own | learned)
        row = own | {"before": before, "sent": one.due.digest} | _values(one, now)
        (tried if one.is_tried else others).append(row)
    put_each(tx, _TAKEN, taken)
    put_each(tx, _SETTLE, others)
    put_each(tx, _SETTLE_TRIED, tried)
    made = (Counted(one.state, one.due.name, one.reason) for one in settled if one.state != "queued")
    count(tx, Counter(made), now)


def _values(one: SettledProfile, now: float) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": one.state, "reason": one.reason, "detail": one.detail, "pointer": one.pointer,
        "not_before": one.not_before,
    }  # fmt: skip
    if one.is_tried:
        values |= {"tries": one.due.tries + 1, "tried_at": now}
    if one.state == "accepted":
        values |= {"body": None, "checksum": None}
    if one.state != "queued":
        values["settled_at"] = now
    return values


def doubt(tx: Connection, account: str, sent: Sequence[DueProfile]) -> list[str]:
    """Contacts of which Klaviyo may have an older state than it was told: they are to be sent again."""
    known = _known(tx, account, [one.contact for one in sent])
    newer = [one.contact for one in sent if one.contact in known and known[one.contact].digest != one.digest]
    for start in range(0, len(newer), _AT_ONCE):
        mine = (profiles.c.account == account, profiles.c.contact.in_(newer[start : start + _AT_ONCE]))
        tx.execute(update(profiles).where(*mine).values(delivered=None))
    return newer


def told_by(tx: Connection, account: str, contacts: Iterable[str]) -> list[int]:
    """The notifications that told last of contacts."""
    return [row.inbox_id for row in _known(tx, account, set(contacts)).values() if row.inbox_id is not None]


def recover(tx: Connection, account: str) -> int:
    """Queue again what was on its way when its sender died: to send a profile twice changes nothing."""
    mine = (profiles.c.account == account, profiles.c.state == "in_flight")
    return tx.execute(update(profiles).where(*mine).values(state="queued")).rowcount
