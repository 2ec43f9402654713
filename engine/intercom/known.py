"""What was asked for lately, and what is being asked for now: so that nothing is asked for twice."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from engine.ports import Timer

MOST_KEPT = 2_000
"""Of each table: the oldest go first. A contact takes some 20 KB."""


class Known:
    """Values by table and key, kept for a time; usable from several threads.

    *ages* says for each table how many seconds a value is kept; *missed* is for None, of any table.
    """

    def __init__(self, clock: Timer, ages: Mapping[str, float], missed: float) -> None:
        self._clock = clock
        self._ages = ages
        self._missed = missed
        self._lock = threading.Lock()
        self._kept: dict[str, OrderedDict[str, tuple[float, Any]]] = {table: OrderedDict() for table in ages}
        self._asked: dict[tuple[str, str], Future[dict[str, Any]]] = {}

    def ask(
        self, table: str, keys: Iterable[str], fetch: Callable[[list[str]], dict[str, Any]]
    ) -> dict[str, Any]:
        """The values of these keys: those that are kept, those that others fetch just now, and the rest.

        *fetch* gets the rest, and may leave keys out: these are not kept, and left out here too. What it
        raises, those raise as well that wait for it; where it is interrupted, they get nothing.
        """
        found, mine, others = self._claimed(table, dict.fromkeys(keys))
        fetched: dict[str, Any] = {}
        fault: Exception | None = None
        try:
            fetched = fetch(mine) if mine else {}
        except Exception as error:
            fault = error
            raise
        finally:
            self._landed(table, mine, fetched, fault)
        found |= fetched
        for future in others:
            found |= future.result()
        return found

    def peek(self, table: str, key: str) -> Any:
        """The value that is kept; None where none is."""
        with self._lock:
            until, value = self._kept[table].get(key, (0.0, None))
            return value if until > self._clock.monotonic() else None

    def keep(self, table: str, key: str, value: Any) -> None:
        """Keep a value that came in another way."""
        with self._lock:
            self._keep(table, key, value)

    def forget(self, table: str, key: str) -> None:
        """Ask for it anew the next time."""
        with self._lock:
            self._kept[table].pop(key, None)

    def _claimed(
        self, table: str, keys: Iterable[str]
    ) -> tuple[dict[str, Any], list[str], list[Future[dict[str, Any]]]]:
        """What is kept, what this thread has to ask for, and what others are asking for."""
        found: dict[str, Any] = {}
        mine: list[str] = []
        others: list[Future[dict[str, Any]]] = []
        with self._lock:
            now, kept = self._clock.monotonic(), self._kept[table]
            for key in keys:
                until, value = kept.get(key, (now, None))
                if until > now:
                    found[key] = value
                elif (table, key) in self._asked:
                    others.append(self._asked[table, key])
                else:
                    mine.append(key)
                    self._asked[table, key] = Future()
        return found, mine, others

    def _landed(
        self, table: str, mine: list[str], fetched: Mapping[str, Any], fault: Exception | None
    ) -> None:
        """Keep what came, and give it to those who wait for it."""
        with self._lock:
            futures = [(key, self._asked.pop((table, key))) for key in mine]
            for key in mine:
                if key in fetched:
                    self._keep(table, key, fetched[key])
        for key, future in futures:
            if fault is not None:
                future.set_exception(fault)
            else:
                future.set_result({key: fetched[key]} if key in fetched else {})

    def _keep(self, table: str, key: str, value: Any) -> None:
        kept = self._kept[table]
        age = self._missed if value is None else self._ages[table]
        kept[key] = (self._clock.monotonic() + age, value)
        kept.move_to_end(key)
        while len(kept) > MOST_KEPT:
            kept.popitem(last=False)
