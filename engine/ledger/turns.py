"""A lock that is had in the order in which it was asked for: Python's own goes to whoever comes by first."""

import threading
from collections import deque
from collections.abc import Callable


class Turns:
    """One at a time, first come, first served: who writes much lets those between that write little.

    `first` is for one thread alone, for which others wait outside: it goes before those who wait here.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()
        self.first = _First(self)

    def __enter__(self) -> None:
        self._take(self._waiting.append)

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False

    def _take(self, stand_in_line: Callable[[threading.Lock], None]) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            stand_in_line(mine)
        try:
            mine.acquire()  # until the one before hands it over
        except BaseException:  # interrupted: it is not waited for any more
            self._give_up(mine)
            raise

    def _give_up(self, mine: threading.Lock) -> None:
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return
        self.__exit__()  # it had been handed over


class _First:
    """The same turns, for who goes before the others."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        self._turns._take(self._turns._waiting.appendleft)

    def __exit__(self, *given: object) -> None:
        self._turns.__exit__(*given)
