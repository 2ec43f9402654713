"""Events and profiles leave side by side, and nothing that is slow keeps the other waiting."""

import json
import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Denied, NotSent
from engine.events import Accepted, Answer, Request
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.lanes import Waiting
from engine.klaviyo.limits import BULK_EVENTS, EVENTS, PROFILE_IMPORT
from engine.ledger import outbox
from engine.ledger.limiter import Limiter
from engine.ledger.outbox import Event
from engine.ledger.store import Ledger
from engine.ports import Response
from engine.relay.draining import Attempted, Drain
from engine.relay.relay import Relay
from engine.relay.whose import OneAccount
from engine.relay.windows import LedgerWindows
from tests.ledgers import Shop
from tests.proofs.stage import METRIC, Stage, Told, straight
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


def used_up(stage: Stage, path: str, number: int) -> None:
    """Somebody else has sent so many requests."""
    windows = LedgerWindows(Limiter(stage.ledger, "klaviyo"), stage.clock)
    for _ in range(number):
        windows.wait(f"POST {path}")


def test_a_request_that_is_full_by_its_size_keeps_no_distance(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    drain = drain_of(stage.relay)
    events = []
    for number in range(200):
        told = Told(number, number)
        request = told.request()
        request.body["data"]["attributes"]["properties"]["X"] = random.Random(number).randbytes(25_000).hex()
        events.append(Event(METRIC, number, "queued", told.unique_id, time=told.at, request=request))
    with stage.ledger.write() as tx:
        outbox.add(tx, "klaviyo", stage.ledger.digest_key, events, stage.ledger.now())
    sent = [drain.step(**LIVE).sent for _ in range(2)]
    assert sent[0] == sent[1] > 60, "two at once"


def test_one_that_failed_is_tried_in_bulk_where_single_requests_have_no_room(tmp_path: Path) -> None:
    stage, failing = Stage(tmp_path), [True]

    def answer(call: Call) -> Response:
        if "bulk" in call.url and failing:
            raise NotSent("nobody answers")
        return Response(202)

    wire = Wire(answer)
    drain = drain_of(stage.another(Klaviyo("pk_x", transport=wire, clock=stage.clock, workers=1)))
    used_up(stage, EVENTS, 2_800)
    due(stage, range(200))
    assert drain.step(**LIVE).sent == 200
    failing.clear()
    began = stage.clock.seconds
    while stage.waiting():
        step = drain.step(**LIVE)
        if not step.sent:
            stage.clock.sleep(min(max(step.wait, 0.05), 1.0))
        assert stage.clock.seconds - began < 5.0
    assert len([call for call in wire.calls if "bulk" in call.url]) == 3


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
        lanes[0].deliver([Told(7).request()])
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


def kinds(wire: Wire) -> list[tuple[str, str]]:
    """What was asked with which key."""
    return [
        ("whose" if "accounts" in call.url else "event", call.headers["Authorization"].split()[-1])
        for call in wire.calls
    ]


def test_with_a_key_that_changes_nothing_leaves_before_it_is_known_whose_it_is(tmp_path: Path) -> None:
    """Also of what is being sent: the rest of it goes with the key that was asked about."""

    def answer(call: Call) -> Response:
        if "accounts" in call.url:
            id_ = "Abc123" if "old" in call.headers["Authorization"] else "Xyz789"
            return json_answer(200, {"data": [{"type": "account", "id": id_}]})
        if len(kinds(wire)) == 3:
            account.use("pk_new")
        return Response(202)

    wire = Wire(answer)
    account = account_of(tmp_path, wire)
    account.use("pk_old")
    lane = account.lane()
    lane.deliver([Told(number, number).request() for number in range(4)])
    with pytest.raises(Denied, match="Xyz789"):
        lane.deliver([Told(9).request()])
    assert kinds(wire) == [("whose", "pk_old"), *[("event", "pk_old")] * 4, ("whose", "pk_new")]


def test_where_klaviyo_does_not_say_for_long_whose_the_key_is_events_leave_meanwhile(tmp_path: Path) -> None:
    wire = Wire(
        lambda call: Response(429, {"retry-after": "600"}) if "accounts" in call.url else Response(202)
    )
    account = account_of(tmp_path, wire)
    lane = account.lane()
    for _ in range(3):
        began = account._clock.monotonic()
        assert lane.deliver([Told(1).request()]) == [Accepted()]
        assert account._clock.monotonic() - began < 3.0
        account._clock.sleep(61.0)
    assert [kind for kind, _ in kinds(wire)].count("whose") == 1, "it is asked again when Klaviyo says"
    account._clock.sleep(600.0)
    lane.deliver([Told(1).request()])
    assert [kind for kind, _ in kinds(wire)].count("whose") == 2


def test_once_it_is_stopped_nothing_leaves_whatever_a_step_was_at(tmp_path: Path) -> None:
    def answer(call: Call) -> Response:
        if "accounts" in call.url:
            account.stop()
        return Response(202)

    wire = Wire(answer)
    account = account_of(tmp_path, wire)
    [told] = account.lane().deliver([Told(1).request()])
    assert isinstance(told, Waiting)
    assert {call.method for call in wire.calls} == {"GET"}


def test_what_is_said_of_a_key_that_has_changed_pauses_nobody(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    def answer(call: Call) -> Response:
        if "old" not in call.headers["Authorization"] or "accounts" in call.url:
            return Response(202)
        relay.use("pk_new")  # while the old one is on its way
        return json_answer(401, {"errors": [{"code": "authentication_failed"}]})

    relay = stage.another(Klaviyo("pk_old", transport=Wire(answer), clock=stage.clock, workers=1))
    due(stage, range(3))
    drain = drain_of(relay)
    assert [drain.step(**LIVE).sent for _ in range(2)] == [3, 3]
    assert stage.waiting() == 0
    with stage.ledger.read() as tx:
        assert tx.exec_driver_sql("select count(*) from accounts where paused != ''").scalar_one() == 0


def test_who_has_lost_the_lease_takes_nothing_back(tmp_path: Path) -> None:
    """The other lane had renewed it, and then a third one took it: that one's rows are on their way."""
    stage = Stage(tmp_path)
    one, two = (drain_of(stage.another(owner=owner)) for owner in ("one", "two"))
    due(stage, range(3))
    one.step(**LIVE)
    kept = one._lease
    assert kept
    stage.clock.sleep(60.0)
    due(stage, range(3, 6))

    def at(point: str) -> None:
        if point == "after_intent":
            one._lease = replace(kept, until=stage.ledger.now() + 14.0)
            one._lanes[0].clean_since = None
            assert one.step(**LIVE).sent == 0
            with stage.ledger.read() as tx:
                states = [*tx.exec_driver_sql("select state from outbox order by id").scalars()]
            assert states == ["accepted"] * 3 + ["in_flight"] * 3

    two._at = at
    assert two.step(**LIVE).sent == 3


def test_what_was_counted_before_a_pause_does_not_leave_in_it(tmp_path: Path) -> None:
    clock = ManualClock()
    windows = LedgerWindows(Limiter(Ledger(tmp_path / "l.db", clock=clock), "a"), clock)
    windows._taken[f"POST {EVENTS}"] = 1
    windows.pause(f"POST {EVENTS}", 60.0)
    windows.wait(f"POST {EVENTS}")
    assert clock.seconds >= 60.0
