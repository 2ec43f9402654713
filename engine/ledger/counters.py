"""What happened, counted by day: it stays when the rows themselves are no longer kept."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from engine.ledger.schema import counters
from engine.ledger.sqlite import insert

DAY = 86_400
_INSERT = insert(counters)
_MORE = _INSERT.on_conflict_do_update(
    index_elements=["day", "kind", "name", "reason"],
    set_={"count": counters.c.count + _INSERT.excluded.count},
)


class Counted(NamedTuple):
    """What is counted: a kind (`topic`, or an outcome), a name (a topic, or a metric) and a reason."""

    kind: str
    name: str
    reason: str = ""


def count(tx: Connection, found: Mapping[Counted, int] | Counter[Counted], now: float) -> None:
    """Add to the counts of today."""
    rows = [
        {"day": int(now // DAY), "kind": one.kind, "name": one.name, "reason": one.reason, "count": number}
        for one, number in found.items()
        if number
    ]
    if not rows:
        return
    tx.execute(_MORE, rows)
