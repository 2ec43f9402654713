"""Work gives way to webhooks that wait for their answer, and is not kept from going on for ever."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.ledger.inbox import Received
from engine.relay import courtesy
from engine.relay.courtesy import Courtesy
from engine.relay.intake import Intake
from engine.relay.translating import FEWEST_TOGETHER, MOST_TOGETHER, together_next
from tests.proofs.stage import Stage, Told
from tests.serving import until

ONE = Received("workspace", "a", "conversation.read", b"{}", 1.0)


def working(given: Courtesy) -> tuple[threading.Thread, threading.Event]:
    """A thread that works, and what it sets once it has gone on."""
    went_on = threading.Event()
    thread = threading.Thread(target=lambda: (given.give_way(), went_on.set()))
    thread.start()
    return thread, went_on


def test_who_works_goes_on_once_the_last_webhook_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "LONGEST", 10.0)
    given = Courtesy()
    given.give_way()  # nobody waits
    with given:
        with given:
            thread, went_on = working(given)
            assert not went_on.wait(0.02)
        assert not went_on.wait(0.02), "another one waits still"
    assert went_on.wait(5)
    thread.join()


def test_however_many_webhooks_come_who_works_goes_on_after_a_moment() -> None:
    given = Courtesy()
    with given:
        thread, went_on = working(given)
        assert went_on.wait(5)
    thread.join()


@pytest.mark.parametrize("end", ["kept", "refused", "too late", "no room"])
def test_a_webhook_is_waited_for_until_it_is_answered_whatever_the_answer(end: str) -> None:
    given, reached, gate = Courtesy(), threading.Event(), threading.Event()

    def keep(_: Sequence[Received]) -> None:
        reached.set()
        gate.wait(10)
        if end == "refused":
            raise Unavailable("full")

    async def play(intake: Intake) -> None:
        waiting = asyncio.create_task(intake.keep(ONE))
        while end != "no room" and not reached.is_set():
            await asyncio.sleep(0.001)
        if end in ("kept", "refused"):
            assert given._waiting == 1
            gate.set()
        [fault] = await asyncio.gather(waiting, return_exceptions=True)
        assert (fault is None) is (end == "kept")
        assert given._waiting == 0

    seconds, most = (0.02 if end == "too late" else 5.0), (0 if end == "no room" else 10)
    intake = Intake(keep, courtesy=given, seconds=seconds, most=most)
    intake.start()
    try:
        asyncio.run(play(intake))
    finally:
        gate.set()
        assert intake.stop(5)


def test_who_translates_and_delivers_gives_way_and_holds_no_turn_meanwhile(tmp_path: Path) -> None:
    """Whoever gives way inside a transaction would keep the very webhook waiting that it waits for."""
    given: list[int] = []
    stage = Stage(tmp_path)

    def give_way() -> None:
        assert not stage.ledger._turn._is_taken
        given.append(1)

    relay = stage.another(give_way=give_way)
    stage.put([Told(number, 1_788_170_000.0) for number in range(40)])
    while relay.translator.step():
        pass
    translating = len(given)
    assert translating >= 40 / MOST_TOGETHER, "before each transaction"
    assert relay.drain
    while relay.drain.step().sent:
        pass
    assert len(given) - translating >= 40, "before each request"
    assert stage.waiting() == 0


def test_what_comes_in_is_kept_before_what_waits_to_be_written_longer(tmp_path: Path) -> None:
    stage, seen = Stage(tmp_path), list[int]()

    def write() -> None:
        with stage.ledger.write() as tx:
            seen.append(tx.exec_driver_sql("select count(*) from inbox").scalar_one())

    wanted = [write, write, lambda: stage.put([Told(1)])]
    threads = [threading.Thread(target=one) for one in wanted]
    with stage.ledger.write():
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: len(stage.ledger._turn._waiting) == number)
    for thread in threads:
        thread.join(10)
    assert seen == [1, 1]


@pytest.mark.parametrize(
    ("disk", "a_row", "least", "most"),
    [(0.0003, 0.0008, 3, 3), (0.005, 0.001, 6, 12), (0.02, 0.001, 12, 12), (0.02, 0.008, 3, 3)],
    ids=["fast disk", "slow disk", "very slow disk", "slow disk and slow machine"],
)
def test_what_is_written_together_grows_with_what_a_commit_costs_and_not_for_long(
    disk: float, a_row: float, least: int, most: int
) -> None:
    together = FEWEST_TOGETHER
    for _ in range(20):
        together = together_next(together, together * a_row, disk)
    assert least <= together <= most
    for _ in range(5):
        together = together_next(together, together * 0.001, 0.0001)
    assert together == FEWEST_TOGETHER, "on a disk that is fast again"
