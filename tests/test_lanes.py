"""Events and profiles leave side by side, and nothing that is slow keeps the other waiting."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Denied
from engine.events import Accepted, Answer, Request
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import BULK_EVENTS, EVENTS, PROFILE_IMPORT
from engine.ledger.limiter import Limiter
from engine.ledger.store import Ledger
from engine.ports import Response
from engine.relay.draining import Attempted, Drain
from engine.relay.relay import Relay
from engine.relay.whose import OneAccount
from engine.relay.windows import LedgerWindows
from tests.ledgers import Shop
from tests.proofs.stage import Stage, Told, straight
from tests.serving import until
from tests.support import Call, ManualClock, Wire, json_answer, read

LIVE: Any = {"lane": "events", "live": True}


def drain_of(relay: Relay) -> Drain:
    assert relay.drain
    return relay.drain


def due(stage: Stage, numbers: range) -> None:
    """So many events, each of somebody else."""
    straight(stage.ledger, [Told(number, number) for number in numbers])


# While more is coming in


def test_at_twice_what_single_requests_may_nothing_waits_for_long(tmp_path: Path) -> None:
    """They use their window up within seconds; those in bulk must not do so with theirs."""
    stage, attempts = Stage(tmp_path, workers=4, rate_share=0.2), list[Attempted]()
    drain = drain_of(stage.another(told=attempts.append))
    for tick in range(140):
        if tick < 120:
            due(stage, range(tick * 30, tick * 30 + 30))
        while drain.step(**LIVE).sent:
            pass
        stage.clock.sleep(0.3)
    with stage.ledger.read() as tx:
        found = tx.exec_driver_sql(
            "select state, count(*), max(settled_at - made_at) from outbox group by state"
        ).all()
    [(state, number, slowest)] = found
    assert (state, number) == ("accepted", 3_600)
    assert slowest <= 5.0, "instead of for most of a minute"
    assert {one.reason for one in attempts} == {""}, "Klaviyo never asked to wait"


def test_a_bulk_request_that_is_not_full_waits_for_others_and_a_full_one_does_not(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    drain = drain_of(stage.relay)
    due(stage, range(100))
    assert drain.step(**LIVE).sent == 100, "the first goes at once"
    due(stage, range(100, 200))
    waits = drain.step(**LIVE)
    assert (waits.sent, waits.gathers) == (0, True)
    assert 0.3 < waits.wait < 1.0
    due(stage, range(200, 300))
    stage.clock.sleep(waits.wait)
    assert drain.step(**LIVE).sent == 200
    due(stage, range(300, 1_300))
    assert drain.step(**LIVE).sent == 1_000


def test_who_works_off_what_there_is_waits_for_nobody(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for start in (0, 100, 200):
        due(stage, range(start, start + 100))
        assert stage.relay.work_off() == 100


def test_no_step_waits_for_a_window_while_other_queues_could_send(tmp_path: Path) -> None:
    """What may have arrived goes one by one only; fresh events go in bulk meanwhile."""
    stage = Stage(tmp_path, rate_share=0.1)
    drain = drain_of(stage.relay)
    due(stage, range(400))
    with stage.ledger.write() as tx:
        tx.exec_driver_sql("update outbox set is_uncertain = 1")
    due(stage, range(400, 420))
    began, sent = stage.clock.seconds, 0
    while (step := drain.step(**LIVE)).sent:
        sent += step.sent
    assert step.gathers, "the rest waits for the window, and is looked at again soon"
    assert 0.0 < step.wait <= 1.0
    assert stage.clock.seconds == began, "nobody slept"
    with stage.ledger.read() as tx:
        left = tx.exec_driver_sql("select id from outbox where state = 'queued' and is_uncertain = 0").all()
    assert left == []
    assert 20 < sent < 420


def test_where_somebody_else_has_used_up_the_window_of_bulk_the_other_one_serves(tmp_path: Path) -> None:
    """And what has room in neither is not begun: nobody else could send it meanwhile."""
    stage = Stage(tmp_path, rate_share=0.1)
    drain = drain_of(stage.relay)
    windows = LedgerWindows(Limiter(stage.ledger, "klaviyo"), stage.clock, 0.1)
    for _ in range(15):
        windows.wait(f"POST {BULK_EVENTS}")
    began = stage.clock.seconds
    due(stage, range(1_500))
    sent = [drain.step(**LIVE).sent for _ in range(20)]
    assert sum(sent) == 35, "a second's window of single requests"
    assert (drain.step(**LIVE).gathers, stage.clock.seconds) == (True, began)
    with stage.ledger.read() as tx:
        assert tx.exec_driver_sql("select count(*) from outbox where state = 'in_flight'").scalar_one() == 0
    stage.clock.sleep(70.0)
    assert drain.step(**LIVE).sent == 1_000


# Side by side


class Gate:
    """A sink that tells when it is reached, and answers once it may."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        self.reached.set()
        assert self.open.wait(20)
        return [Accepted() for _ in requests]

    def build(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is built")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def states(shop: Shop, table: str) -> list[str]:
    with shop.ledger.read() as tx:
        return [*tx.exec_driver_sql(f"select state from {table}").scalars()]


def kept(shop: Shop) -> None:
    """An event and a profile that wait to be sent."""
    shop.relay.put(
        [json.dumps(read(name)).encode() for name in ("conversation.user.created", "contact.user.updated")]
    )
    while shop.relay.translator.step():
        pass
    assert set(states(shop, "outbox")) == set(states(shop, "profiles")) == {"queued"}


def test_events_leave_while_an_import_of_profiles_is_followed(shop: Shop) -> None:
    kept(shop)
    slow = Gate()
    drain = Drain(
        shop.ledger,
        shop.sink,
        "klaviyo",
        owner="me",
        clock=shop.clock,
        late_after_seconds=1e9,
        profile_sink=slow,
    )
    other = threading.Thread(target=drain.step, args=("profiles",))
    other.start()
    try:
        assert slow.reached.wait(20)
        while drain.step("events").sent:
            pass
        assert set(states(shop, "outbox")) == {"accepted"}
        assert set(states(shop, "profiles")) == {"in_flight"}
    finally:
        slow.open.set()
        other.join(20)
    assert set(states(shop, "profiles")) == {"accepted"}


def test_what_broke_off_in_one_lane_is_sent_again_and_the_other_lane_goes_on(shop: Shop) -> None:
    kept(shop)
    slow, failing = Gate(), [True]

    def at(point: str) -> None:
        if point == "after_post" and failing and threading.current_thread() is threading.main_thread():
            failing.clear()
            raise MemoryError

    drain = Drain(
        shop.ledger, shop.sink, "klaviyo", owner="me", clock=shop.clock, late_after_seconds=1e9,
        profile_sink=slow, points=at,
    )  # fmt: skip
    other = threading.Thread(target=drain.step, args=("profiles",))
    other.start()
    try:
        assert slow.reached.wait(20)
        with pytest.raises(MemoryError):
            drain.step("events")
        assert "in_flight" in states(shop, "outbox")
        while drain.step("events").sent:
            pass
        assert set(states(shop, "outbox")) == {"accepted"}
        assert set(states(shop, "profiles")) == {"in_flight"}, "it is on its way still: nobody takes it back"
    finally:
        slow.open.set()
        other.join(20)
    assert set(states(shop, "profiles")) == {"accepted"}
    events = [one.unique_id for one in shop.sink.delivered]
    assert len(events) == 2 * len({*events}), "what may have arrived went again, and no more often"


def account_of(folder: Path, wire: Wire) -> OneAccount:
    clock = ManualClock()
    ledger = Ledger(folder / "l.db", clock=clock)
    windows = LedgerWindows(Limiter(ledger, "klaviyo"), clock)
    return OneAccount(
        Klaviyo("pk_x", transport=wire, clock=clock, workers=1), windows, ledger, "klaviyo", clock
    )


@pytest.mark.parametrize("is_ours", [True, False])
def test_no_lane_sends_before_it_is_known_whose_the_key_is(tmp_path: Path, is_ours: bool) -> None:
    reached, gate = threading.Event(), threading.Event()
    found = ["Abc123"]

    def answer(call: Call) -> Response:
        if "accounts" not in call.url:
            return Response(202)
        reached.set()
        assert gate.wait(20)
        return json_answer(200, {"data": [{"type": "account", "id": found[-1]}]})

    wire = Wire(answer)
    account = account_of(tmp_path, wire)
    lanes = [account.lane(), account.lane()]
    if not is_ours:
        gate.set()
        account.check()
        found.append("Xyz789")
        account.use("pk_y")
        gate.clear()
        reached.clear()
        wire.calls.clear()
    ends: list[str] = []

    def send(lane: Any, number: int) -> None:
        try:
            lane.deliver([Told(number).request()])
            ends.append("sent")
        except Denied as denied:
            ends.append("Abc123" in denied.reason and "denied")

    threads = [threading.Thread(target=send, args=(lane, number)) for number, lane in enumerate(lanes)]
    for thread in threads:
        thread.start()
    assert reached.wait(20)
    until(lambda: account._asking.locked())
    assert {call.method for call in wire.calls} == {"GET"}
    gate.set()
    for thread in threads:
        thread.join(20)
    assert ends == (["sent"] * 2 if is_ours else ["denied"] * 2)
    assert sum("accounts" in call.url for call in wire.calls) == (1 if is_ours else 2)


def test_a_scope_that_one_lane_lacks_stops_nothing_in_the_other(tmp_path: Path) -> None:
    no_scope = json_answer(403, {"errors": [{"code": "permission_denied", "detail": "profiles:write"}]})
    told = [Told(number, number) for number in range(4)]

    def answer(call: Call) -> Response:
        if "profile" in call.url:
            return no_scope
        if call.method == "POST" and len([one for one in wire.calls if EVENTS in one.url]) == 1:
            with pytest.raises(Denied):  # in the midst of the others
                profiles.deliver([Request(PROFILE_IMPORT, {"data": {"type": "profile", "attributes": {}}})])
        return Response(202)

    wire = Wire(answer)
    account = account_of(tmp_path, wire)
    events, profiles = account.lane(), account.lane()
    assert events.deliver([one.request() for one in told]) == [Accepted()] * 4
