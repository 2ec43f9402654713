"""Accounts as we meet them, Klaviyo's and Intercom's: may anything be asked now, and is a person needed?"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from engine.ledger.inbox import LONGEST_WAIT
from engine.ledger.schema import accounts, attempts
from engine.ledger.sqlite import insert


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with an account. `paused` says why a person is needed, or is empty."""

    paused: str = ""
    paused_at: float | None = None
    not_before: float = 0.0
    failures: int = 0

    def closed(self, now: float) -> float:
        """For how many seconds nothing is tried; what is longer than any wait comes of a clock set back."""
        return self.not_before - now if now < self.not_before <= now + LONGEST_WAIT else 0.0


_STANDING = select(accounts).where(accounts.c.account == bindparam("own"))
_BEGIN = attempts.insert()
_END = attempts.update().where(attempts.c.id == bindparam("own"))


def standing(tx: Connection, account: str) -> Standing:
    """How it stands with an account."""
    row = tx.execute(_STANDING, {"own": account}).first()
    return Standing(row.paused, row.paused_at, row.not_before, row.failures) if row else Standing()


def put(tx: Connection, account: str, found: Standing) -> None:
    """Write down how it stands with an account."""
    values = {
        "paused": found.paused,
        "paused_at": found.paused_at,
        "not_before": found.not_before,
        "failures": found.failures,
    }
    made = insert(accounts).values(account=account, **values)
    tx.execute(made.on_conflict_do_update(index_elements=["account"], set_=values))


def parts(tx: Connection, account: str) -> dict[str, Standing]:
    """How it stands with an account, and with each part of it that stands by itself, by its name."""
    rows = tx.execute(select(accounts).where(_parts(account))).all()
    return {row.account: Standing(row.paused, row.paused_at, row.not_before, row.failures) for row in rows}


def worst(tx: Connection, account: str) -> tuple[str, Standing]:
    """How it stands with the worst part of an account, which a person may be needed for, and its name."""
    found = parts(tx, account)
    name = max(found, key=lambda one: (bool(found[one].paused), found[one].not_before), default=account)
    return name, found.get(name, Standing())


def try_now(tx: Connection, account: str) -> None:
    """Have the next try at once, since a person has seen to what it waits for. Whether it helps, it shows."""
    tx.execute(update(accounts).where(_parts(account)).values(not_before=0.0))


def _parts(account: str) -> ColumnElement[bool]:
    """The account, and those of its queues that have failed by themselves: `klaviyo profiles`."""
    return (accounts.c.account == account) | accounts.c.account.startswith(f"{account} ", autoescape=True)


def begin_attempt(tx: Connection, account: str, kind: str, fence: int, items: int, now: float) -> int:
    """Write down that something is about to be sent; gives the number of the attempt."""
    row = {"account": account, "kind": kind, "fence": fence, "items": items, "began_at": now}
    primary = tx.execute(_BEGIN, row).inserted_primary_key
    return int(primary[0]) if primary else 0


def end_attempt(
    tx: Connection, attempt: int, now: float, *, accepted: int, waiting: int, refused: int, reason: str
) -> None:
    """Write down how an attempt ended."""
    values = {"ended_at": now, "accepted": accepted, "waiting": waiting, "refused": refused, "reason": reason}
    tx.execute(_END, {"own": attempt, **values})
