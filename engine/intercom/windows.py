"""Intercom's windows of ten seconds, kept on our side: in one process, for all its threads."""

import re
import threading
from collections.abc import Mapping

from engine.intercom.answers import seconds_to_reset
from engine.ports import Timer

WINDOW_SECONDS = 10.0
RESERVE = 10
"""Requests of a window that we leave to other threads and other apps of the workspace."""


class Windows:
    """When the next request may leave, by what Intercom's answers say of their window."""

    def __init__(self, clock: Timer) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def wait(self) -> None:
        """Wait for the next window where this one is used up: at most ten seconds, and one by chance."""
        with self._lock:
            seconds = self._closed_until - self._clock.monotonic()
        if seconds > 0:
            self._clock.sleep(seconds + self._clock.jitter())

    def told(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of the window that it fell into; nonsense says nothing."""
        left = headers.get("x-ratelimit-remaining", "").strip()
        if not re.fullmatch(r"[0-9]{1,9}", left) or int(left) > RESERVE:
            return
        seconds = seconds_to_reset(headers, self._clock.now())
        if seconds is not None:
            with self._lock:
                closed_until = self._clock.monotonic() + min(WINDOW_SECONDS, seconds)
                self._closed_until = max(self._closed_until, closed_until)
