"""Short forms of the proofs, for bugs that are planted: each gives what is wrong, if anything is."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import func, select

from engine.errors import FateUnknown, NotSent
from engine.events import Accepted, Answer, Request
from engine.ledger import leases
from engine.ledger.schema import inbox as inbox_rows
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.store import Ledger
from engine.relay.relay import Relay
from tests.proofs import flips, kills, order
from tests.proofs.checker import wrong
from tests.proofs.clocks import YEAR, Jumping
from tests.proofs.stage import Plain, Stage, Told, straight
from tests.support import ManualClock


class Sink:
    """Answers as it is told, once it has done something."""

    def __init__(self, answer: Answer | None = None, before: Callable[[], None] = lambda: None) -> None:
        self.sent: list[list[Request]] = []
        self.is_bulk: list[bool] = []
        self.before = before
        self.answer = answer or Accepted()

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Note what came, and answer."""
        self.sent.append(list(requests))
        self.is_bulk.append(bulk)
        self.before()
        return [self.answer for _ in requests]

    def build(self, translation: object, now: object, *, backfill: bool | None = None) -> object:
        """As it is."""
        return translation


def _ledger(folder: Path, clock: ManualClock, events: int = 1) -> Ledger:
    ledger = Ledger(folder / "l.db", clock=clock)
    straight(ledger, [Told(number, number % 9) for number in range(events)])
    return ledger


def _step(ledger: Ledger, clock: ManualClock, sink: Sink, relay: Relay | None = None) -> Relay:
    made = relay or Relay(ledger, Plain(), sink, clock=clock, late_after_seconds=1e9)  # type: ignore[arg-type]
    assert made.drain is not None
    made.drain.step()
    return made


def _states(ledger: Ledger) -> list[str]:
    with ledger.read() as tx:
        return [*tx.scalars(select(outbox_rows.c.state))]


def commits(folder: Path, mutation: str = "") -> Sequence[object]:
    """Each commit of what was answered for is on the disk."""
    with Ledger(folder / "l.db").write() as tx:
        found = tx.exec_driver_sql("PRAGMA synchronous").scalar()
    return [] if found == 2 else [f"synchronous is {found}"]


def kills_before_keeping(folder: Path, mutation: str = "") -> Sequence[object]:
    """Killed again and again, it loses nothing that it has answered for."""
    done = kills.run(folder, 4, 5, mutation, points=("before_keep",), drops=1.0)
    return [complaint for one in done for complaint in wrong(one.history.facts())]


def bulk_again(folder: Path, mutation: str = "") -> Sequence[object]:
    """What may have arrived goes one by one."""
    clock = ManualClock()
    ledger = _ledger(folder, clock, 100)

    def die() -> None:
        raise KeyboardInterrupt

    dying, living = Sink(before=die), Sink()
    try:
        _step(ledger, clock, dying)
    except KeyboardInterrupt:
        clock.sleep(leases.SECONDS + 1)
    _step(ledger, clock, living)
    return ["it went in bulk again" for is_bulk in living.is_bulk if is_bulk]


def two_senders(folder: Path, mutation: str = "") -> Sequence[object]:
    """Of two, one delivers while it is at it."""
    clock = ManualClock()
    ledger = _ledger(folder, clock)
    other = Sink()

    def meanwhile() -> None:
        straight(ledger, [Told(1)])
        _step(ledger, clock, other)

    _step(ledger, clock, Sink(before=meanwhile))
    return other.sent


def a_sleeper(folder: Path, mutation: str = "") -> Sequence[object]:
    """One that slept past its lease settles nothing over the other."""
    clock = ManualClock()
    ledger = _ledger(folder, clock)

    def sleep() -> None:
        clock.sleep(leases.SECONDS + 1)
        _step(ledger, clock, Sink())

    _step(ledger, clock, Sink(FateUnknown("no answer"), sleep))
    return [state for state in _states(ledger) if state != "accepted"]


def rows_of_one_fact(folder: Path, mutation: str = "") -> Sequence[object]:
    """Notifications of one fact make one row."""
    stage = Stage(folder)
    stage.put([Told(0), Told(0, telling=1)])
    stage.drained()
    with stage.ledger.read() as tx:
        count = tx.scalar(select(func.count()).select_from(outbox_rows)) or 0
    return [f"{count} rows"] * (count != 1)


def told_twice(folder: Path, mutation: str = "") -> Sequence[object]:
    """A fact that two notifications tell of is recorded once."""
    stage = Stage(folder)
    stage.put([Told(0), Told(0, telling=1)])
    stage.drained()
    return wrong(stage.told().facts())


def a_retry(folder: Path, mutation: str = "") -> Sequence[object]:
    """An event that is stored although the answer was 500 is recorded once."""
    stage = Stage(folder)
    stage.put([Told(0)])
    stage.drained()
    stage.account.faults.order({"next": [{"kind": "error-after"}]})
    stage.put([Told(1)])
    stage.drained()
    return wrong(stage.told().facts())


def orders(folder: Path, mutation: str = "") -> Sequence[object]:
    """Klaviyo has the newest of each contact."""
    return order.run(folder, 8, 1)


def bits(folder: Path, mutation: str = "") -> Sequence[object]:
    """Bits that turn over in checksums, or in what they are of, set aside or remake all that has one."""
    stage = Stage(folder)
    told = [Told(number) for number in range(40)]
    stage.put(told)
    stage.relay.translator.step()
    flips._flipped(stage, random.Random(1))
    assert stage.relay.drain is not None
    stage.relay.drain.step()
    return [state for state in _states(stage.ledger) if state == "accepted"]


def a_year_later(folder: Path, mutation: str = "") -> Sequence[object]:
    """A clock that is set gives nothing up."""
    clock = Jumping()
    ledger = _ledger(folder, clock)
    sink = Sink(NotSent("no connection"))
    relay = _step(ledger, clock, sink)
    clock.jump = YEAR
    clock.sleep(301.0)
    _step(ledger, clock, sink, relay)
    return [state for state in _states(ledger) if state != "queued"]


def broken_off(folder: Path, mutation: str = "") -> Sequence[object]:
    """Rows of a step that was broken off are sent by the next one."""
    clock = ManualClock()
    ledger = _ledger(folder, clock)
    broken = iter(["after_post"])

    def at(point: str) -> None:
        if point == "after_post" and next(broken, ""):
            raise RuntimeError("a fault of ours")

    sink = Sink()
    relay = Relay(ledger, Plain(), sink, clock=clock, points=at)  # type: ignore[arg-type]
    try:
        _step(ledger, clock, sink, relay)
    except RuntimeError:
        _step(ledger, clock, sink, relay)
    return [state for state in _states(ledger) if state != "accepted"]


def acknowledged_twice(folder: Path, mutation: str = "") -> Sequence[object]:
    """A notification that is sent again is in the inbox once."""
    stage = Stage(folder)
    for attempt in (1, 2):
        stage.put([Told(0)], attempt)
    with stage.ledger.read() as tx:
        names = json.dumps([*tx.scalars(select(inbox_rows.c.notification))])
    return [] if names == '["n0.0"]' else [names]
