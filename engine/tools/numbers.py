"""How it stands with the relay, as numbers for Prometheus."""

from collections.abc import Iterator

from sqlalchemy import func, select

from engine.ledger import accounts
from engine.ledger.schema import counters, inbox, outbox, profiles
from engine.ledger.store import Ledger
from engine.relay.translating import INTERCOM
from engine.web.metrics import Number

_PREFIX = "intercom_klaviyo_"


def numbers_of(ledger: Ledger, account: str) -> Iterator[Number]:
    """Queues, how old the oldest in them is, what became of events, and pauses. Raises Unavailable."""
    now = ledger.now()
    with ledger.read() as tx:
        waiting = tx.execute(
            select(func.count(), func.min(inbox.c.received_at)).where(inbox.c.state == "received")
        ).one()
        queues = [("notifications", *waiting)]
        for name, table in (("events", outbox), ("profiles", profiles)):
            queued = tx.execute(
                select(func.count(), func.min(table.c.made_at)).where(table.c.state == "queued")
            ).one()
            queues.append((name, *queued))
        outcomes = tx.execute(
            select(counters.c.kind, counters.c.name, func.sum(counters.c.count))
            .where(counters.c.kind.in_(("accepted", "dead", "parked", "skipped")))
            .group_by(counters.c.kind, counters.c.name)
        ).all()
        paused = {name: bool(accounts.worst(tx, name)[1].paused) for name in (account, INTERCOM)}
    for name, depth, oldest in queues:
        queue = (("queue", name),)
        yield Number(f"{_PREFIX}queued", "What waits", float(depth), queue)
        age = max(0.0, now - oldest) if oldest else 0.0
        yield Number(f"{_PREFIX}oldest_seconds", "How long the oldest has waited", age, queue)
    for kind, metric, number in outcomes:
        labels = (("outcome", kind), ("metric", metric))
        yield Number(f"{_PREFIX}events", "What became of events so far", float(number), labels)
    for name, is_paused in paused.items():
        text = "Whether a person has to see to a key"
        yield Number(f"{_PREFIX}paused", text, float(is_paused), (("account", name),))
