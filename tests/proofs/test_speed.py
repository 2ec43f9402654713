"""Floors for the speed of delivery, far below what it does: they find what is square in the rows."""

import time
from pathlib import Path

from engine.ledger.store import Ledger
from engine.relay.relay import Relay
from tests.proofs.provings import Sink
from tests.proofs.stage import Plain, Told, straight

EVENTS = 20_000


def test_a_backlog_is_delivered_at_fifteen_hundred_events_a_second_at_least(tmp_path: Path) -> None:
    ledger, sink = Ledger(tmp_path / "l.db"), Sink()
    for start in range(0, EVENTS, 1_000):
        straight(ledger, [Told(number, number % 500) for number in range(start, start + 1_000)])
    relay = Relay(ledger, Plain(), sink, late_after_seconds=1e9)  # type: ignore[arg-type]
    began = time.process_time()
    assert relay.work_off() == EVENTS
    assert EVENTS / (time.process_time() - began) >= 1_500


def test_a_waiting_notification_is_found_at_once_among_many_that_are_settled(tmp_path: Path) -> None:
    ledger, sink = Ledger(tmp_path / "l.db"), Sink()
    relay = Relay(ledger, Plain(), sink, late_after_seconds=1e9)  # type: ignore[arg-type]
    relay.put([Told(number, weight=3_000).body() for number in range(3_000)])
    with ledger.write() as tx:
        tx.exec_driver_sql("UPDATE inbox SET state = 'translated'")
    with ledger.read() as tx:
        plan = tx.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id, raw FROM inbox WHERE state = 'received'"
            " AND (not_before <= 1 OR not_before > 2) ORDER BY not_before, id LIMIT 50"
        ).all()
    assert "inbox_waiting" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
