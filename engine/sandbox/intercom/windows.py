"""Intercom's windows of ten seconds: how many requests each has, and what is left of it."""

from math import ceil, floor

from engine.ports import Clock

WINDOW_SECONDS = 10
CALLS_PER_MINUTE = 10_000


class Windows:
    """The requests of one app."""

    def __init__(self, clock: Clock, calls_per_minute: int = CALLS_PER_MINUTE) -> None:
        self._clock = clock
        self.limit = ceil(calls_per_minute * WINDOW_SECONDS / 60)
        self._window, self._used = -1, 0

    def take(self) -> bool:
        """Count a request; whether there was still room for it."""
        window = floor(self._clock.now().timestamp() / WINDOW_SECONDS)
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return self._used <= self.limit

    def headers(self) -> dict[str, str]:
        """What every answer to somebody known says of the window that it fell into."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self._used)),
            "x-ratelimit-reset": str((self._window + 1) * WINDOW_SECONDS),
        }
