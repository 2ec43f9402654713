"""What webhooks wait for: one transaction for all who wait, and a word for each whatever happens."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LedgerError, Unavailable
from engine.ledger.inbox import Received
from engine.relay.intake import Intake
from tests.receiving import desk


def one(name: str, size: int = 10) -> Received:
    return Received("workspace", name, "conversation.read", bytes(size), 1.0)


class Disk:
    """Keeps what it is given, one group at a time; waits at a gate that is closed, and fails when told to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        self.failing: Exception | None = None

    def keep(self, some: Sequence[Received]) -> None:
        self.reached.set()
        assert self.gate.wait(10)
        if self.failing:
            raise self.failing
        self.groups.append([received.notification for received in some])

    @property
    def kept(self) -> set[str]:
        return {name for group in self.groups for name in group}


def played(
    play: Callable[[Intake, Disk], Coroutine[Any, Any, None]], disk: Disk | None = None, **given: Any
) -> None:
    """Play something with an intake at work."""
    disk = disk or Disk()
    intake = Intake(disk.keep, **given)
    intake.start()
    try:
        asyncio.run(play(intake, disk))
    finally:
        disk.gate.set()
        assert intake.stop(5)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.001)


async def outcomes(waiting: Sequence["asyncio.Task[None]"]) -> list[bool]:
    """Whether each was kept; what is refused is Unavailable, and nothing else."""
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(fault) for fault in found} <= {type(None), Unavailable}
    return [fault is None for fault in found]


def test_all_that_came_during_a_flush_share_the_next_one() -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        first = asyncio.create_task(intake.keep(one("first")))
        await until(disk.reached.is_set)
        others = [asyncio.create_task(intake.keep(one(f"{i}"))) for i in range(50)]
        await until(lambda: intake.depth == 50)
        disk.gate.set()
        assert await outcomes([first, *others]) == [True] * 51
        assert disk.groups == [["first"], [f"{i}" for i in range(50)]]

    played(play)


def test_nobody_is_told_before_the_flush_is_over() -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        waiting = asyncio.create_task(intake.keep(one("a")))
        await until(disk.reached.is_set)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        disk.gate.set()
        await waiting
        assert disk.groups == [["a"]]

    played(play)


@pytest.mark.parametrize("fault", [Unavailable("full"), LedgerError("damaged"), KeyError("a bug")], ids=repr)
def test_what_fails_a_flush_fails_all_of_it_and_the_next_one_is_tried(fault: Exception) -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.failing = fault
        found = await outcomes([asyncio.create_task(intake.keep(one(name))) for name in "abc"])
        assert found == [False] * 3
        assert intake.trouble != ""
        disk.failing = None
        await intake.keep(one("d"))
        assert disk.groups == [["d"]]
        assert intake.trouble == ""

    played(play)


def test_who_waits_too_long_is_told_so_and_a_flush_that_ends_later_harms_nobody() -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        with pytest.raises(Unavailable, match="too long"):
            await intake.keep(one("slow"))
        disk.gate.set()
        await until(lambda: disk.kept == {"slow"})
        await intake.keep(one("next"))

    played(play, seconds=0.05)


@pytest.mark.parametrize("bound", [{"most": 3}, {"most_bytes": 35}], ids=str)
def test_no_more_wait_than_there_is_room_for(bound: dict[str, int]) -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        first = asyncio.create_task(intake.keep(one("first")))
        await until(disk.reached.is_set)
        waiting = [asyncio.create_task(intake.keep(one(name))) for name in "abc"]
        await until(lambda: intake.depth == 3)
        with pytest.raises(Unavailable, match="too many"):
            await intake.keep(one("d"))
        disk.gate.set()
        assert await outcomes([first, *waiting]) == [True] * 4
        await intake.keep(one("e"))
        assert disk.kept == {"first", *"abce"}

    played(play, **bound)


def test_what_was_handed_in_before_the_end_is_kept_and_what_comes_after_is_refused() -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        waiting = [asyncio.create_task(intake.keep(one(f"{i}"))) for i in range(600)]
        await until(disk.reached.is_set)
        ending = asyncio.create_task(asyncio.to_thread(intake.stop, 5))
        await until(lambda: intake._is_stopping)
        with pytest.raises(Unavailable, match="stopping"):
            await intake.keep(one("late"))
        disk.gate.set()
        assert await ending
        assert await outcomes(waiting) == [True] * 600
        assert disk.kept == {f"{i}" for i in range(600)}

    played(play)


def test_a_disk_that_hangs_does_not_hold_up_the_end_and_who_waits_is_refused() -> None:
    async def play(intake: Intake, disk: Disk) -> None:
        disk.gate.clear()
        first = asyncio.create_task(intake.keep(one("first")))
        await until(disk.reached.is_set)
        second = asyncio.create_task(intake.keep(one("second")))
        await until(lambda: intake.depth == 1)
        assert await asyncio.to_thread(intake.stop, 0.05) is False
        assert await outcomes([second]) == [False]
        disk.gate.set()
        assert await outcomes([first]) == [True]
        assert disk.kept == {"first"}

    played(play)


def test_an_intake_that_never_began_ends_and_refuses_what_waits() -> None:
    disk = Disk()

    async def play() -> None:
        intake = Intake(disk.keep)
        waiting = asyncio.create_task(intake.keep(one("a")))
        await until(lambda: intake.depth == 1)
        intake.stop(1)
        assert await outcomes([waiting]) == [False]

    asyncio.run(play())
    assert disk.groups == []


def test_whoever_translates_is_woken_once_something_is_kept_and_not_when_it_failed() -> None:
    told: list[int] = []
    disk = Disk()

    async def play(intake: Intake, disk: Disk) -> None:
        disk.failing = Unavailable("full")
        assert await outcomes([asyncio.create_task(intake.keep(one("a")))]) == [False]
        disk.failing = None
        await intake.keep(one("b"))
        await until(lambda: bool(told))
        assert told == [1]

    played(play, disk, on_kept=lambda: told.append(len(disk.groups)))


def test_without_the_disks_reserve_nothing_is_kept_and_with_it_all_goes_on() -> None:
    has_room = [False]

    async def play(intake: Intake, disk: Disk) -> None:
        with pytest.raises(Unavailable, match="reserve"):
            await intake.keep(one("a"))
        assert disk.groups == []
        has_room[0] = True
        await intake.keep(one("b"))
        assert disk.groups == [["b"]]

    played(play, has_room=lambda: has_room[0])


def test_many_at_once_are_in_the_ledger_each_once_over_few_flushes(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        flushes: list[int] = []
        inner = made.intake._keep
        made.intake._keep = lambda some: (flushes.append(len(some)), inner(some))

        async def play() -> None:
            names = [f"n{i % 250}" for i in range(500)]
            await asyncio.gather(*(made.intake.keep(one(name)) for name in names))

        asyncio.run(play())
        assert sorted(made.kept()) == sorted({f"n{i}" for i in range(250)})
        assert sum(flushes) == 500
        assert len(flushes) < 50
