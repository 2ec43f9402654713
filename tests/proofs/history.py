"""What happened, as lines of JSON: written down by whoever saw it, judged later by `checker`.

A fact is an object with `fact`, which names its kind:

    sent          a notification left Intercom: `notification`, `events` (unique ids with times), and for a
                  contact `contact`, `updated_at` and `word`, by which its profile is known again
    acknowledged  the relay has answered for it: `notification`
    stored        Klaviyo recorded an event: `unique_id`, `metric`, `time`
    profile       what Klaviyo has of a contact in the end: `contact`, `word`
    notification  a row of the inbox in the end: `notification`, `state`, `reason`
    event         a row of the outbox in the end: `unique_id`, `state`, `reason`, `is_uncertain`, `pointer`
    finding       the stand-in's own books say that something is wrong: `text`
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine.ledger.schema import inbox, outbox
from engine.ledger.store import Ledger
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.checker import findings

Fact = dict[str, Any]


class History:
    """Facts in their order; in a file, where one is given."""

    def __init__(self, file: Path | None = None) -> None:
        self._lines: list[str] = []
        self._file = file

    def note(self, fact: str, **what: Any) -> None:
        """Write a fact down."""
        line = json.dumps({"fact": fact, **what})
        self._lines.append(line)
        if self._file is not None:
            with self._file.open("a", encoding="ascii") as out:
                out.write(line + "\n")

    def facts(self) -> Iterator[Fact]:
        """All of them: copies."""
        return map(json.loads, list(self._lines))


def note_account(history: History, account: Account, passed_over: Iterable[str] = ()) -> None:
    """What the stand-in has in the end; *passed_over* are codes of findings that a proof is not about."""
    account.flush()
    entries = list(account.books.entries())
    for entry in entries:
        if entry["kind"] == "stored":
            history.note("stored", unique_id=entry["unique_id"], metric=entry["metric"], time=entry["time"])
    for one in findings(entries):
        if one.code not in set(passed_over):
            history.note("finding", text=f"{one.code}: {one.text}")


def note_ledger(history: History, ledger: Ledger) -> None:
    """What the ledger says in the end."""
    with ledger.read() as tx:
        for row in tx.execute(select(inbox.c.notification, inbox.c.state, inbox.c.reason)):
            history.note("notification", notification=row[0], state=row[1], reason=row[2])
        columns = (
            outbox.c.unique_id,
            outbox.c.state,
            outbox.c.reason,
            outbox.c.is_uncertain,
            outbox.c.pointer,
        )
        for unique_id, state, reason, is_uncertain, pointer in tx.execute(select(*columns)):
            history.note(
                "event", unique_id=unique_id, state=state, reason=reason, is_uncertain=bool(is_uncertain),
                pointer=pointer,
            )  # fmt: skip


def seconds_of(time: str) -> float:
    """A time of the books as seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()
