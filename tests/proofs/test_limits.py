"""The windows in the ledger hold for all who share them, and no clock freezes them."""

import random
import threading
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.clock import SystemClock
from engine.errors import NotSent, Unavailable
from engine.klaviyo.limits import BULK_EVENTS, EVENTS
from engine.ledger.limiter import LONGEST_PAUSE, Limiter, Taken, Window
from engine.ledger.store import Ledger
from engine.relay.windows import LedgerWindows
from tests.serving import until
from tests.support import ManualClock

WINDOWS = (Window(1.0, 10), Window(6.0, 60))
YEAR = 365 * 86_400.0
ENDPOINT = f"POST {EVENTS}"


class Set(ManualClock):
    """A clock that can be set: the other one, which never goes back, does not see it."""

    def __init__(self) -> None:
        super().__init__(jitter=0.5)
        self.set = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.set)


def over(grants: Sequence[float], windows: Sequence[Window]) -> list[tuple[float, int]]:
    """By brute force: every stretch of a window's length, from each grant on, that holds too many."""
    times = sorted(grants)
    return [
        (start, held)
        for window in windows
        for place, start in enumerate(times)
        if (held := bisect_left(times, start + window.seconds) - place) > window.most
    ]


def granted(limiter: Limiter, clock: ManualClock, until: float, chance: random.Random) -> list[float]:
    """When requests leave if somebody always wants to send, one or several at once."""
    found: list[float] = []
    while clock.seconds < until:
        most = chance.choice((1, 1, 1, 4, 20))
        taken = limiter.take(ENDPOINT, WINDOWS, most)
        assert taken.number <= most
        assert (taken.number == 0) is (taken.wait > 0)
        if taken.wait:
            clock.sleep(min(taken.wait, 0.01 + chance.random()))
        else:
            found += [clock.seconds] * taken.number
            clock.sleep(chance.random() * 0.05)
    return found


def test_brute_force_sees_an_eleventh_request_of_a_second() -> None:
    assert over([0.0, *[0.5] * 10], WINDOWS) == [(0.0, 11)]
    assert over([0.0, *[1.0] * 10], WINDOWS) == []


@pytest.mark.parametrize("seed", range(3))
def test_no_stretch_of_any_window_holds_too_many(tmp_path: Path, seed: int) -> None:
    clock, chance = ManualClock(), random.Random(seed)
    clock.sleep(chance.random() * 10)
    limiter = Limiter(Ledger(tmp_path / "l.db", clock=clock), "a")
    grants = granted(limiter, clock, clock.seconds + 30.0, chance)
    assert over(grants, WINDOWS) == []
    assert len(grants) >= 230  # of 300: a slot counts until it lies wholly outside


class Noting(SystemClock):
    """The real clock, which knows what it told a thread last."""

    def __init__(self) -> None:
        self.last = threading.local()

    def now(self) -> datetime:
        self.last.moment = super().now()
        return self.last.moment


def test_two_threads_and_two_openings_of_the_ledger_share_the_windows(tmp_path: Path) -> None:
    """By the real clock for a moment: 10 a second and no more, whoever asks."""
    grants: list[float] = []
    clock = Noting()
    began = clock.now().timestamp()

    def ask(ledger: Ledger) -> None:
        limiter = Limiter(ledger, "a")
        while clock.now().timestamp() < began + 1.3:
            if limiter.take(ENDPOINT, WINDOWS).number:
                grants.append(clock.last.moment.timestamp())

    ledgers = [Ledger(tmp_path / "l.db", clock=clock), Ledger(tmp_path / "l.db", clock=clock)]
    threads = [threading.Thread(target=ask, args=(ledger,)) for ledger in ledgers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ledger in ledgers:
        ledger.close()
    assert 10 <= len(grants) <= 20
    assert over(sorted(grants), WINDOWS) == []


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 0.0), (7.0, 7.0), (1e9, LONGEST_PAUSE)])
def test_a_pause_that_klaviyo_asks_for_is_kept_for_a_quarter_of_an_hour_at_most(
    tmp_path: Path, asked: float, waited: float
) -> None:
    clock = ManualClock()
    limiter = Limiter(Ledger(tmp_path / "l.db", clock=clock), "a")
    limiter.pause(ENDPOINT, asked)
    assert limiter.asked(ENDPOINT) == pytest.approx(waited, abs=1e-3)
    while wait := limiter.take(ENDPOINT, WINDOWS).wait:
        clock.sleep(wait)
    assert clock.seconds == pytest.approx(waited, abs=0.1)


@pytest.mark.parametrize("jump", [-YEAR, YEAR, -3600.0, 3600.0, -30.0])
@pytest.mark.parametrize("state", ["full", "paused", "closed"])
def test_a_clock_that_is_set_freezes_nothing_for_long(tmp_path: Path, jump: float, state: str) -> None:
    clock = Set()
    limiter = Limiter(Ledger(tmp_path / "l.db", clock=clock), "a")
    while limiter.take(ENDPOINT, WINDOWS).number and state == "full":
        pass
    if state == "paused":
        limiter.pause(ENDPOINT, 600.0)
    elif state == "closed":
        limiter.close(ENDPOINT, 60.0)
    clock.set = jump
    began = clock.seconds
    while wait := limiter.take(ENDPOINT, WINDOWS).wait:
        assert wait > 0
        clock.sleep(wait)
        assert clock.seconds - began <= LONGEST_PAUSE + 1
    clock.set = 0.0
    while wait := limiter.take(ENDPOINT, WINDOWS).wait:
        clock.sleep(wait)
        assert clock.seconds - began <= 2 * (LONGEST_PAUSE + 1)


def test_a_clock_that_is_set_back_never_opens_a_window_that_is_full(tmp_path: Path) -> None:
    clock = Set()
    limiter = Limiter(Ledger(tmp_path / "l.db", clock=clock), "a")
    grants = granted(limiter, clock, 5.0, random.Random(1))
    clock.set = -YEAR
    grants += granted(limiter, clock, 12.0, random.Random(2))
    assert over(grants, WINDOWS) == []


def test_a_backlog_goes_at_nearly_the_whole_rate_that_is_ours(tmp_path: Path) -> None:
    clock = ManualClock()
    windows = LedgerWindows(Limiter(Ledger(tmp_path / "l.db", clock=clock), "a"), clock, 0.8)
    for _ in range(1_200):
        windows.wait(f"POST {BULK_EVENTS}")
    assert 1_200 / clock.seconds * 60 >= 0.95 * 150 * 0.8


class Full:
    """A limiter whose ledger has no room left."""

    def take(self, endpoint: str, windows: Sequence[Window], most: int) -> Taken:
        raise Unavailable("there is no room left")


def test_a_request_that_cannot_be_counted_has_not_left() -> None:
    windows = LedgerWindows(Full(), ManualClock())  # type: ignore[arg-type]
    with pytest.raises(NotSent, match="no room left"):
        windows.wait(ENDPOINT)


def test_what_may_leave_now_is_what_the_windows_hold_still(tmp_path: Path) -> None:
    clock = ManualClock()
    ledger = Ledger(tmp_path / "l.db", clock=clock)
    limiter = Limiter(ledger, "a")

    def room() -> int:
        with ledger.read() as tx:
            return limiter.room(tx, ENDPOINT, WINDOWS)

    assert room() == 10
    for left in range(9, -1, -1):
        limiter.take(ENDPOINT, WINDOWS)
        assert room() == left
    clock.sleep(1.1)
    assert room() == 10
    limiter.pause(ENDPOINT, 5.0)
    assert room() == 0
    clock.sleep(5.1)
    assert room() == 10


class Slow:
    """A limiter with a count of what it was asked for; the first of those who ask waits at a gate."""

    def __init__(self, free: int) -> None:
        self.asked: list[int] = []
        self.given = 0
        self.gate = threading.Event()
        self._free = free

    def take(self, endpoint: str, windows: Sequence[Window], most: int) -> Taken:
        self.asked.append(most)
        if len(self.asked) == 1:
            assert self.gate.wait(10)
        number = min(most, self._free - self.given)
        self.given += number
        return Taken(number, 0.0 if number else 1.0)


@pytest.mark.parametrize("free", [8, 3])
def test_threads_that_want_to_send_at_the_same_time_are_counted_together(free: int) -> None:
    limiter, clock = Slow(free), ManualClock()
    windows = LedgerWindows(limiter, clock)  # type: ignore[arg-type]
    left: list[bool] = []

    def send() -> None:
        left.append(windows._take(ENDPOINT) == 0.0)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
        until(lambda: bool(limiter.asked))
    until(lambda: windows._wanted[ENDPOINT] == 7)
    limiter.gate.set()
    for thread in threads:
        thread.join(10)
    assert limiter.asked[:2] == [1, 7]
    assert left.count(True) == limiter.given == free
    assert windows._taken[ENDPOINT] == windows._wanted[ENDPOINT] == 0


def test_many_threads_leave_no_more_often_than_was_counted(tmp_path: Path) -> None:
    clock = ManualClock()
    limiter = Limiter(Ledger(tmp_path / "l.db", clock=clock), "a")
    windows = LedgerWindows(limiter, clock)
    left: list[bool] = []

    def send() -> None:
        for _ in range(60):
            left.append(windows._take(ENDPOINT) == 0.0)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = windows._windows(ENDPOINT)[1].most
    assert left.count(True) == held, "as many as a second holds"
    assert windows._taken[ENDPOINT] == windows._wanted[ENDPOINT] == 0
