"""A clock that is set changes nothing of what waits: `python -m tests.soak clocks` sets it 10,000 times."""

from pathlib import Path

import pytest
from sqlalchemy import select

from engine.errors import NotSent
from engine.ledger import outbox
from engine.ledger.schema import inbox as inbox_rows
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.store import Ledger
from engine.relay.clocks import Rebase
from engine.relay.relay import Relay
from tests.proofs.clocks import YEAR, Jumping, run
from tests.proofs.stage import Plain, Told, straight
from tests.proofs.test_leases import Sink, states, step

DAY = 86_400.0


@pytest.fixture
def clock() -> Jumping:
    return Jumping()


@pytest.fixture
def ledger(tmp_path: Path, clock: Jumping) -> Ledger:
    return Ledger(tmp_path / "l.db", clock=clock)


def relay(ledger: Ledger, clock: Jumping, sink: Sink) -> Relay:
    return Relay(ledger, Plain(), sink, clock=clock, late_after_seconds=1e9)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_while_the_clock_is_set_again_and_again(tmp_path: Path, seed: int) -> None:
    assert run(tmp_path, 500, seed) == []


@pytest.mark.parametrize("jump", [YEAR, -YEAR, 8 * DAY])
def test_no_event_is_given_up_since_the_clock_was_set(ledger: Ledger, clock: Jumping, jump: float) -> None:
    one = relay(ledger, clock, Sink(NotSent("no connection")))
    straight(ledger, [Told(0)])
    assert step(one) == 1
    clock.jump = jump
    for _ in range(20):
        clock.sleep(301.0)
        step(one)
    assert states(ledger) == [("queued", False)]


def test_no_event_is_given_up_where_the_clock_is_set_while_an_answer_is_waited_for(
    ledger: Ledger, clock: Jumping
) -> None:
    sink = Sink(NotSent("no connection"))
    one = relay(ledger, clock, sink)
    straight(ledger, [Told(0)])
    step(one)
    clock.sleep(301.0)

    def jump() -> None:
        clock.jump += YEAR

    sink.before = jump
    assert step(one) == 1
    assert states(ledger) == [("queued", False)]


def test_an_event_is_given_up_after_seven_days_whatever_the_clock_says(
    ledger: Ledger, clock: Jumping
) -> None:
    one = relay(ledger, clock, Sink(NotSent("no connection")))
    straight(ledger, [Told(0)])
    step(one)
    began = clock.seconds
    while states(ledger) == [("queued", False)]:
        clock.sleep(9_000.0)
        clock.jump -= 3 * 9_000.0  # it seems to go back and back
        step(one)
    assert 7 * DAY <= clock.seconds - began < 7.2 * DAY
    assert states(ledger) == [("dead", False)]


def test_what_waits_for_an_address_waits_its_time(ledger: Ledger, clock: Jumping) -> None:
    parked = outbox.Event("M", 1, "parked", "u1", "c1", reason="no_identity")
    with ledger.write() as tx:
        outbox.add(tx, "klaviyo", ledger.digest_key, [parked], ledger.now())
    rebase = Rebase(ledger, clock)
    rebase.check()
    clock.jump = YEAR
    rebase.check()
    with ledger.write() as tx:
        assert outbox.give_up(tx, ledger.now() - 7 * DAY, ledger.now()) == 0
    clock.sleep(7 * DAY + 1)
    with ledger.write() as tx:
        assert outbox.give_up(tx, ledger.now() - 7 * DAY, ledger.now()) == 1


def test_times_are_moved_once_by_whoever_sees_it_first(ledger: Ledger, clock: Jumping) -> None:
    straight(ledger, [Told(0)])
    both = [Rebase(ledger, clock, "one start"), Rebase(ledger, clock, "one start")]
    for one in both:
        assert one.check() == 0.0
    clock.jump = YEAR
    assert [one.check() for one in both] == [YEAR, YEAR]
    with ledger.read() as tx:
        assert tx.scalar(select(outbox_rows.c.made_at)) == pytest.approx(ledger.now())


def test_another_start_of_the_machine_moves_nothing(ledger: Ledger, clock: Jumping) -> None:
    """The clock that never goes back begins anew then: what it says is of no use."""
    straight(ledger, [Told(0)])
    before = ledger.now()
    Rebase(ledger, clock, "one start").check()
    clock.jump = YEAR
    assert Rebase(ledger, clock, "another").check() == 0.0
    with ledger.read() as tx:
        assert tx.scalar(select(outbox_rows.c.made_at)) == pytest.approx(before)


def test_a_few_seconds_move_nothing(ledger: Ledger, clock: Jumping) -> None:
    rebase = Rebase(ledger, clock)
    rebase.check()
    clock.jump = 59.0
    assert rebase.check() == 0.0
    clock.jump = -61.0
    assert rebase.check() == -61.0


def test_translation_goes_on_after_a_clock_that_was_set_back(ledger: Ledger, clock: Jumping) -> None:
    one = relay(ledger, clock, Sink())
    one.put([Told(0).body()])
    from engine.ledger import accounts

    with ledger.write() as tx:
        accounts.put(tx, "intercom", accounts.Standing("no scope", ledger.now(), ledger.now() + 300.0))
    clock.jump = -YEAR
    clock.sleep(301.0)
    one.work_off()
    with ledger.read() as tx:
        assert tx.scalar(select(inbox_rows.c.state)) == "translated"
