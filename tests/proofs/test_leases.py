"""Two relays on one account: one delivers, and one that was stopped for too long settles nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select, update

from engine.errors import FateUnknown, NotSent, Unavailable
from engine.events import Accepted, Answer, Request
from engine.ledger import leases, profiles
from engine.ledger.erasing import forget_contact
from engine.ledger.profiles import Told as ToldProfile
from engine.ledger.schema import attempts
from engine.ledger.schema import inbox as inbox_rows
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.schema import profiles as profile_rows
from engine.ledger.store import Ledger
from engine.relay.points import Points, nothing
from engine.relay.relay import ACCOUNT, Relay
from tests.proofs.checker import wrong
from tests.proofs.stage import Plain, Stage, Told, straight
from tests.support import ManualClock


class Sink:
    """What answers as it is told, and does something before."""

    def __init__(self, answer: Answer | BaseException | None = None) -> None:
        self.answer = answer or Accepted()
        self.sent: list[list[Request]] = []
        self.before: Callable[[], None] = lambda: None

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        self.sent.append(list(requests))
        self.before()
        if isinstance(self.answer, BaseException) and not isinstance(self.answer, Unavailable):
            raise self.answer
        return [self.answer for _ in requests]

    def build(self, translation: object, now: object, *, backfill: bool | None = None) -> object:
        return translation


def states(ledger: Ledger) -> list[tuple[str, bool]]:
    """Of all events."""
    with ledger.read() as tx:
        rows = tx.execute(select(outbox_rows.c.state, outbox_rows.c.is_uncertain).order_by(outbox_rows.c.id))
        return [(row.state, bool(row.is_uncertain)) for row in rows]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(jitter=0.5)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Ledger:
    made = Ledger(tmp_path / "l.db", clock=clock)
    straight(made, [Told(0)])
    return made


def relay(ledger: Ledger, clock: ManualClock, sink: Sink, points: Points = nothing) -> Relay:
    return Relay(ledger, Plain(), sink, clock=clock, late_after_seconds=1e9, points=points)  # type: ignore[arg-type]


def step(one: Relay) -> int:
    assert one.drain is not None
    return one.drain.step().sent


def test_only_one_of_two_delivers(ledger: Ledger, clock: ManualClock) -> None:
    first, second = Sink(), Sink()
    one, other = relay(ledger, clock, first), relay(ledger, clock, second)
    for number in range(1, 30):
        straight(ledger, [Told(number)])
        step(one)
        step(other)
        clock.sleep(3.0)
    assert len(first.sent) == 29
    assert second.sent == []


def test_another_takes_over_within_the_time_of_a_lease(ledger: Ledger, clock: ManualClock) -> None:
    dead, living = relay(ledger, clock, Sink(KeyboardInterrupt())), Sink()
    with pytest.raises(KeyboardInterrupt):
        step(dead)
    other = relay(ledger, clock, living)
    began = clock.seconds
    while not step(other):
        clock.sleep(1.0)
    assert clock.seconds - began <= leases.SECONDS
    assert states(ledger) == [("accepted", True)]


def test_a_lease_that_was_given_up_is_taken_at_once(ledger: Ledger, clock: ManualClock) -> None:
    one, other = relay(ledger, clock, Sink()), relay(ledger, clock, Sink())
    step(one)
    straight(ledger, [Told(1)])
    assert one.drain is not None
    one.drain.release()
    assert step(other) == 1


@pytest.mark.parametrize("late", [Accepted(), FateUnknown("no answer"), NotSent("no connection")])
def test_one_that_slept_past_its_lease_settles_nothing_over_the_other(
    ledger: Ledger, clock: ManualClock, late: Answer
) -> None:
    sleeper, living = Sink(late), Sink()
    one, other = relay(ledger, clock, sleeper), relay(ledger, clock, living)

    def sleep() -> None:
        clock.sleep(leases.SECONDS + 1)
        assert step(other) == 1

    sleeper.before = sleep
    step(one)
    assert states(ledger) == [("accepted", True)]
    with ledger.read() as tx:
        rows = tx.execute(select(attempts.c.fence, attempts.c.ended_at).order_by(attempts.c.id)).all()
    assert [row.fence for row in rows] == [1, 2]
    assert rows[0].ended_at is None  # it never knew what came of it
    assert rows[1].ended_at is not None


def test_what_it_may_have_sent_goes_one_by_one(ledger: Ledger, clock: ManualClock) -> None:
    straight(ledger, [Told(number) for number in range(1, 200)])
    sleeper, living = Sink(FateUnknown("no answer")), Sink()
    one, other = relay(ledger, clock, sleeper), relay(ledger, clock, living)

    def sleep() -> None:
        clock.sleep(leases.SECONDS + 1)
        while step(other):
            pass

    sleeper.before = sleep
    step(one)
    assert {len(requests) for requests in living.sent} == {20, 60}
    assert {is_uncertain for _, is_uncertain in states(ledger)} == {True}


def test_an_older_profile_that_arrived_last_is_sent_over(ledger: Ledger, clock: ManualClock) -> None:
    """The sleeper's request was late: what is newer is made anew from its notification, and sent again."""
    sleeper, living = Sink(), Sink()
    one, other = relay(ledger, clock, sleeper), relay(ledger, clock, living)
    step(one)
    inbox_id = _notified(ledger, clock)
    _tell(ledger, clock, "old", 1.0, inbox_id)

    def sleep() -> None:
        clock.sleep(leases.SECONDS + 1)
        _tell(ledger, clock, "new", 2.0, inbox_id)
        assert step(other) == 1

    sleeper.before = sleep
    step(one)
    with ledger.read() as tx:
        assert tx.scalar(select(profile_rows.c.delivered)) is None
    _tell(ledger, clock, "new", 2.0, inbox_id)
    living.sent.clear()
    step(other)
    [[request]] = living.sent
    assert request.body["data"]["attributes"]["first_name"] == "new"


def _notified(ledger: Ledger, clock: ManualClock) -> int:
    relay(ledger, clock, Sink()).put([Told(99).body()])
    with ledger.read() as tx:
        return int(tx.scalar(select(inbox_rows.c.id)) or 0)


def _tell(ledger: Ledger, clock: ManualClock, word: str, at: float, inbox_id: int) -> None:
    attributes = {"email": "a@example.com", "first_name": word}
    request = Request("/api/profile-import", {"data": {"type": "profile", "attributes": attributes}})
    told = ToldProfile("c1", at, at, "P", "h", inbox_id, request)
    with ledger.write() as tx:
        profiles.tell(tx, ACCOUNT, ledger.digest_key, [told], ledger.now())


@pytest.mark.parametrize("place", ["after_intent", "after_post"])
@pytest.mark.parametrize("broken", [RuntimeError("a fault of ours"), Unavailable("no room left")])
def test_rows_of_a_step_that_was_broken_off_are_sent_by_the_next(
    ledger: Ledger, clock: ManualClock, broken: Exception, place: str
) -> None:
    """Its relay lives on and keeps its lease: nobody else would ever free them."""
    left = [broken]

    def at(point: str) -> None:
        if point == place and left:
            raise left.pop()

    one = relay(ledger, clock, Sink(), points=at)
    with pytest.raises(type(broken)):
        step(one)
    assert states(ledger) == [("in_flight", False)]
    assert step(one) == 1
    assert states(ledger) == [("accepted", True)]


def test_rows_are_freed_where_the_ledger_could_not_be_written_after_they_were_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    broken = iter([True])

    def at(name: str) -> None:
        if name == "mid_settle" and next(broken, False):
            raise Unavailable("there is no room left")

    stage.points = at
    stage.relay = stage.another()
    stage.put([Told(0)])
    with pytest.raises(Unavailable):
        stage.relay.work_off()
    stage.drained()
    assert wrong(stage.told().facts()) == []


def test_the_lease_outlives_a_clock_that_is_set(ledger: Ledger, clock: ManualClock) -> None:
    """Whoever sees the new time first, the fence keeps the two apart."""
    first, second = Sink(), Sink()
    one, other = relay(ledger, clock, first), relay(ledger, clock, second)
    step(one)
    for number, jump in enumerate((-400 * 86_400.0, 800 * 86_400.0, -3.0, 40.0), 1):
        clock.seconds += jump  # of both clocks: as after a start of the machine
        straight(ledger, [Told(number)])
        step(one)
        step(other)
    assert len(first.sent) + len(second.sent) == 5
    assert {state for state, _ in states(ledger)} == {"accepted"}


@pytest.mark.parametrize("answer", [FateUnknown("no answer"), Accepted(), KeyboardInterrupt()])
def test_who_is_deleted_while_an_event_is_on_its_way_is_sent_nothing_more(
    ledger: Ledger, clock: ManualClock, answer: Answer | BaseException
) -> None:
    with ledger.write() as tx:
        tx.execute(update(outbox_rows).values(contact="c1"))
    sink = Sink(answer)
    one = relay(ledger, clock, sink)

    def delete() -> None:
        with ledger.write() as tx:
            profiles.deleted(tx, ACCOUNT, "c1", ledger.now())
            forget_contact(tx, ACCOUNT, "c1", ledger.now())

    sink.before = delete
    with suppress(KeyboardInterrupt):
        step(one)
    sink.answer = Accepted()
    clock.sleep(300.0)
    step(one)
    assert len(sink.sent) == 1
    with ledger.read() as tx:
        row = tx.execute(select(outbox_rows)).one()
    assert row.state == ("accepted" if isinstance(answer, Accepted) else "skipped")
    assert row.body is None


def test_a_backlog_that_could_not_be_sent_goes_on_together(ledger: Ledger, clock: ManualClock) -> None:
    """It is the account that waits: rows with a wait of their own would come back one after another."""
    straight(ledger, [Told(number) for number in range(1, 100)])
    sink = Sink(NotSent("no connection"))
    one = relay(ledger, clock, sink)
    assert step(one) == 100
    assert one.drain is not None
    wait = one.drain.step().wait
    assert 0 < wait <= 1.0
    with ledger.read() as tx:
        assert {*tx.scalars(select(outbox_rows.c.not_before))} == {ledger.now()}
    sink.answer = Accepted()
    clock.sleep(wait)
    assert (step(one), step(one)) == (1, 99)  # one to see whether it is back
    assert {state for state, _ in states(ledger)} == {"accepted"}
