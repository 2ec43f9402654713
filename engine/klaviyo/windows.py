"""Klaviyo's windows, kept on our side: in one process, for all its threads.

Klaviyo counts requests of an account in fixed windows of a second and of a minute, for each endpoint by
itself (facts: its page on rate limits). When these begin is not known, so we keep below the limit in *every*
second and minute, and below our share of it, since other integrations of the account use the same windows.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from engine.errors import NotSent
from engine.klaviyo.limits import ENDPOINTS
from engine.ports import Timer

SECOND, MINUTE = 1.1, 61.0
"""A little longer than Klaviyo's: not every request travels for the same time."""
LONGEST_PAUSE = 900.0
_MOMENT = 0.001
"""Added to a wait, so that it is over when it is over."""
_SLICE = 1.0
"""The longest wait in one piece: between two, it is seen whether anything has changed."""

Stopped = Callable[[], bool]


def never() -> bool:
    """Nothing stops it."""
    return False


RATE_SHARE = 0.8


class Windows(Protocol):
    """When the next request to an endpoint may leave."""

    def wait(self, endpoint: str, until: float | None = None, stopped: Stopped = never) -> None:
        """Wait until one more request fits, and count it. *endpoint* is a key of `limits.ENDPOINTS`.

        Raises NotSent where Klaviyo has asked for a longer wait than *until* (of the clock's `monotonic`),
        and once *stopped* says so.
        """
        ...

    def told(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of the window of a minute."""
        ...

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long."""
        ...


class OwnWindows:
    """The windows of one process. *rate_share* is how much of each limit is ours, over 0 up to 1."""

    def __init__(self, clock: Timer, rate_share: float = RATE_SHARE) -> None:
        if not 0 < rate_share <= 1:
            raise ValueError("rate_share is over 0, and at most 1")
        self._clock = clock
        self._share = rate_share
        self._lock = threading.Lock()
        self._sent: dict[str, deque[float]] = {}
        self._asked: dict[str, float] = {}
        """Until when Klaviyo has asked to wait."""
        self._full: dict[str, float] = {}
        """Until when what is left of a minute is for others."""

    def wait(self, endpoint: str, until: float | None = None, stopped: Stopped = never) -> None:
        """Wait until one more request fits, and count it; see `Windows`."""
        while seconds := self._take(endpoint):
            with self._lock:
                asked_until = self._asked.get(endpoint, 0.0)
            if until is not None and asked_until > max(until, self._clock.monotonic()):
                raise NotSent("Klaviyo asks to wait longer", asked_until - self._clock.monotonic())
            if stopped():
                raise NotSent("sending was stopped")
            self._clock.sleep(min(seconds, _SLICE))

    def told(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Wait for the next minute where what is left of this one is what we leave to others."""
        seconds = for_others(endpoint, headers, self._share)
        if seconds is not None:
            self._close(self._full, endpoint, seconds)

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long, a quarter of an hour at most; a longer pause that runs stays."""
        self._close(self._asked, endpoint, min(seconds, LONGEST_PAUSE))

    def _close(self, closed: dict[str, float], endpoint: str, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        with self._lock:
            closed[endpoint] = max(until, closed.get(endpoint, until))

    def _take(self, endpoint: str) -> float:
        """Nothing, if a request may leave now (and is counted); else how long to wait before asking again."""
        limits = ENDPOINTS[endpoint]
        with self._lock:
            now = self._clock.monotonic()
            closed = max(self._asked.get(endpoint, now), self._full.get(endpoint, now))
            if closed > now:
                return closed - now + _MOMENT
            sent = self._sent.setdefault(endpoint, deque())
            while sent and sent[0] <= now - MINUTE:
                sent.popleft()
            for length, limit in ((MINUTE, limits.a_minute), (SECOND, limits.a_second)):
                ours = max(1, int(limit * self._share))
                if len(sent) >= ours and (left := sent[-ours] + length - now) > 0:
                    return left + _MOMENT
            sent.append(now)
            return 0.0


def for_others(endpoint: str, headers: Mapping[str, str], share: float) -> float | None:
    """For how long what is left of a minute is only what we leave to others; None where more is left.

    Klaviyo's `RateLimit-Remaining` counts the whole account, and is approximate; what is no number is passed
    over.
    """
    limit, remaining, reset = (
        _number(headers.get(f"ratelimit-{name}")) for name in ("limit", "remaining", "reset")
    )
    if remaining is None or reset is None:
        return None
    whole = limit or ENDPOINTS[endpoint].a_minute
    return min(reset, MINUTE) if remaining <= round(whole * (1 - share)) else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
