"""Work gives way to webhooks that wait for their answer: Python's threads share one core."""

import threading

LONGEST = 0.02
"""Seconds: however many webhooks come, what has come already is worked off as well."""


class Courtesy:
    """Entered while a webhook waits for its answer; who works calls `give_way` between two pieces of work."""

    def __init__(self) -> None:
        self._waiting = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._waiting += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._waiting -= 1
            if not self._waiting:
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until every webhook is answered, but not for long. Not inside a transaction that writes."""
        if self._waiting:
            with self._changed:
                self._changed.wait_for(lambda: not self._waiting, LONGEST)
