"""The ledger's writers take turns: whoever asks first, and nobody is forgotten."""

import threading
from typing import Any

import pytest

from engine.ledger.turns import Turns
from tests.serving import until


def waiting(turns: Turns, number: int) -> None:
    until(lambda: len(turns._waiting) == number)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, had = Turns(), []

    def take(name: int) -> None:
        with turns:
            had.append(name)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns:
        for number, thread in enumerate(threads, 1):
            thread.start()
            waiting(turns, number)
        had.append(-1)
    for thread in threads:
        thread.join(10)
    assert had == [-1, 0, 1, 2, 3, 4]


def test_who_comes_back_at_once_waits_behind_those_who_wait() -> None:
    turns, had = Turns(), []

    def take() -> None:
        with turns:
            had.append("other")

    other = threading.Thread(target=take)
    with turns:
        other.start()
        waiting(turns, 1)
    with turns:
        had.append("again")
    other.join(10)
    assert had == ["other", "again"]


def test_who_goes_first_goes_before_those_who_wait_longer() -> None:
    turns, had = Turns(), []

    def take(name: str, turn: Any) -> None:
        with turn:
            had.append(name)

    wanted = [("a", turns), ("b", turns), ("first", turns.first)]
    threads = [threading.Thread(target=take, args=one) for one in wanted]
    with turns:
        for number, thread in enumerate(threads, 1):
            thread.start()
            waiting(turns, number)
    for thread in threads:
        thread.join(10)
    assert had == ["first", "a", "b"]
    with turns.first:
        assert turns._is_taken
    assert not turns._is_taken


def test_who_is_interrupted_while_waiting_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    real = threading.Lock

    class Interrupted:
        def __init__(self) -> None:
            self.times = 0

        def acquire(self) -> bool:
            self.times += 1
            if self.times == 2:
                raise KeyboardInterrupt
            return True

        def release(self) -> None:
            raise AssertionError("it is not waited for")

    def enter(turns: Any) -> None:
        with turns:
            raise AssertionError("it is not had")

    with turns:
        monkeypatch.setattr(threading, "Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            enter(turns)
        monkeypatch.setattr(threading, "Lock", real)
    with turns:
        pass
    assert not turns._is_taken
