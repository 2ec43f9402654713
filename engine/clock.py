"""The machine's own time and chance."""

import random
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started, or thereabouts."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """From 0 up to 1: retries of many programs should not come at once."""
        return random.random()
