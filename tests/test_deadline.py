"""Deadlines: the net under the limits. Time is up once, for what is at work and for nothing else."""

import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import Notification, Parked, Runner, Translation, load
from engine.deadline import TooSlow, within
from engine.language.explanation import Explanation
from engine.language.plan import Plan
from engine.language.reference import Wanted
from tests.support import RECORDS, ROOT, StandingClock, read

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="NOT TESTED: this platform has no such clock"
)

SOON, LATE = 0.05, 60.0
ENOUGH = 0.5
"""For a spec that is fine, also on a busy machine."""


def work_for_ever() -> None:
    while True:
        sum(range(100))


@pytest.fixture(autouse=True)
def _unarmed() -> Any:
    """Nothing is left ticking, and no handler stays behind."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_work_that_takes_too_long_ends() -> None:
    with pytest.raises(TooSlow), within(SOON):
        work_for_ever()


def test_nothing_that_catches_exceptions_swallows_the_end() -> None:
    def stubborn() -> None:
        while True:
            with suppress(Exception):
                work_for_ever()

    with pytest.raises(TooSlow), within(SOON):
        stubborn()


def test_work_that_ends_in_time_is_not_disturbed_later() -> None:
    with within(SOON):
        done = True
    for _ in range(200_000):  # well past the time
        pass
    assert done


def test_an_error_inside_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError), within(LATE):
        raise KeyError


def test_a_handler_that_was_there_is_there_again() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        with pytest.raises(TooSlow), within(SOON):
            work_for_ever()
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung == [1]


def test_the_bell_does_not_ring_into_the_clearing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    disarm = signal.setitimer

    def ringing_late(which: int, seconds: float) -> Any:
        if not seconds:
            signal.raise_signal(signal.SIGALRM)
        return disarm(which, seconds)

    monkeypatch.setattr(signal, "setitimer", ringing_late)
    with within(LATE):
        pass


def test_whenever_the_bell_rings_nothing_but_its_end_comes_out() -> None:
    for step in range(200):
        with suppress(TooSlow), within(0.000_05 + step * 0.000_005):
            sum(range(500))
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_without_seconds_there_is_no_deadline() -> None:
    with within(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_off_the_main_thread_there_is_no_deadline_and_no_error() -> None:
    seen: list[Any] = []

    def work() -> None:
        with within(SOON):
            seen.append(signal.getitimer(signal.ITIMER_REAL))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(0.0, 0.0)]


# In a Runner


class Endless(Plan):
    """A plan whose work never ends; where it starts to be endless, the field says."""

    where = "translate"

    def needs(self, notification: Notification, known: Any, *, every: bool = False) -> Wanted:
        if self.where == "needs":
            work_for_ever()
        return {}

    def translate(self, notification: Notification, known: Any, *, every: bool = False) -> Any:
        work_for_ever()

    def explain(self, notification: Notification, known: Any, *, every: bool = False) -> list[Explanation]:
        work_for_ever()
        return []


class EndlessNeeds(Endless):
    """Endless before its records are known."""

    where = "needs"


def machine(kind: type[Endless]) -> Runner:
    """Two specs for one topic: the first never ends."""
    [fine] = load(ROOT / "mappings" / "read_conversation.yaml")
    endless = kind(replace(fine.spec, name="Endless"))
    return Runner([endless, fine], records=RECORDS, clock=StandingClock(), deadline_seconds=ENOUGH)


@pytest.mark.parametrize("kind", [Endless, EndlessNeeds])
def test_a_spec_that_takes_too_long_parks_its_event_and_no_other(kind: type[Endless]) -> None:
    runner = machine(kind)
    for _ in range(2):
        parked, made = runner.translate(read("conversation.read"))
        assert isinstance(parked, Parked)
        assert (parked.reason, parked.metric) == ("deadline", "Endless")
        assert parked.detail == "the spec takes over 0.5 seconds for it"
        assert isinstance(made, Translation)
        assert made.metric == "Read Conversation"


def test_explaining_it_says_the_same() -> None:
    parked, made = machine(Endless).explain(read("conversation.read"))
    assert isinstance(parked.result, Parked)
    assert (parked.result.reason, parked.rows) == ("deadline", ())
    assert made.rows


def test_the_records_may_take_the_time_that_they_take() -> None:
    class Slow:
        def fetch(self, table: str, ids: Any) -> dict[str, Any]:
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
            return dict.fromkeys(ids)

    plans = load(ROOT / "mappings" / "read_conversation.yaml")
    runner = Runner(plans, records=Slow(), clock=StandingClock(), deadline_seconds=LATE)
    [made] = runner.translate(read("conversation.read"))
    assert isinstance(made, Translation)


def test_a_runner_sets_no_alarm_unless_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    armed: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _, seconds: armed.append(seconds))
    for seconds in (None, LATE):
        runner = Runner(load(ROOT / "mappings"), clock=StandingClock(), deadline_seconds=seconds)
        runner.translate(read("conversation.read"))
        assert (LATE in armed) is (seconds is not None)


def test_the_commands_have_a_deadline(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    from engine.commands import main

    def endless(*_: Any, **__: Any) -> Any:
        work_for_ever()

    for place in ("engine.commands.options.OF_COMMANDS", "engine.tools.cases.OF_COMMANDS"):
        monkeypatch.setattr(place, SOON)
    monkeypatch.setattr("engine.language.plan.Plan.translate", endless)
    monkeypatch.setattr("engine.language.plan.Plan.explain", endless)
    fixture = str(ROOT / "tests" / "fixtures" / "conversation.read.json")
    codes = {}
    for command in (["translate", fixture], ["explain", fixture], ["test"]):
        with pytest.raises(SystemExit) as ended:
            main([*command])
        codes[command[0]] = ended.value.code
        assert "takes over 0.05 seconds for it" in capsys.readouterr().out
    assert codes == {"translate": 1, "explain": 0, "test": 1}
