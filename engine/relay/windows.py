"""Klaviyo's windows for its client, counted in the ledger: for all who send to the account."""

from collections.abc import Mapping

from sqlalchemy import Connection

from engine.errors import NotSent, Unavailable
from engine.klaviyo.limits import ENDPOINTS
from engine.klaviyo.windows import MINUTE, RATE_SHARE, SECOND, Stopped, for_others, never
from engine.ledger.limiter import Limiter, Window
from engine.ports import Timer

_SLICE = 1.0
"""The longest wait in one piece: between two, it is seen whether anything has changed."""


class LedgerWindows:
    """The windows of one account; as `klaviyo.windows.Windows` has it."""

    def __init__(self, limiter: Limiter, clock: Timer, rate_share: float = RATE_SHARE) -> None:
        self._limiter = limiter
        self._clock = clock
        self._share = rate_share

    def wait(self, endpoint: str, until: float | None = None, stopped: Stopped = never) -> None:
        """Wait until one more request fits, and count it. Raises NotSent as `Windows.wait` says."""
        windows = self._windows(endpoint)
        while seconds := self._take(endpoint, windows):
            asked = self._limiter.asked(endpoint)
            if until is not None and asked and self._clock.monotonic() + asked > until:
                raise NotSent("Klaviyo asks to wait longer", asked)
            if stopped():
                raise NotSent("sending was stopped")
            self._clock.sleep(min(seconds, _SLICE))

    def _take(self, endpoint: str, windows: tuple[Window, ...]) -> float:
        """As `Limiter.take`. Raises NotSent where that cannot be written down."""
        try:
            return self._limiter.take(endpoint, windows)
        except Unavailable as error:
            raise NotSent(error.reason) from None

    def room(self, tx: Connection, endpoint: str) -> int:
        """How many requests may leave now."""
        return self._limiter.room(tx, endpoint, self._windows(endpoint))

    def told(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Wait for the next minute where what is left of this one is what we leave to others."""
        seconds = for_others(endpoint, headers, self._share)
        if seconds is not None:
            self._limiter.close(endpoint, seconds)

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long."""
        self._limiter.pause(endpoint, seconds)

    def _windows(self, endpoint: str) -> tuple[Window, ...]:
        limits = ENDPOINTS[endpoint]
        lengths = ((MINUTE, limits.a_minute), (SECOND, limits.a_second))
        return tuple(Window(length, max(1, int(limit * self._share))) for length, limit in lengths)
