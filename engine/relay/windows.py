"""Klaviyo's windows for its client, counted in the ledger: for all who send to the account."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from engine.errors import NotSent, Unavailable
from engine.klaviyo.limits import ENDPOINTS
from engine.klaviyo.windows import MINUTE, RATE_SHARE, SECOND, Stopped, for_others, never
from engine.ledger.limiter import Limiter, Window
from engine.ports import Timer

_SLICE = 1.0
"""The longest wait in one piece: between two, it is seen whether anything has changed."""


class LedgerWindows:
    """The windows of one account; as `klaviyo.windows.Windows` has it.

    Threads that want to send at the same time are counted together, by one transaction. *give_way* is called
    before each.
    """

    def __init__(
        self,
        limiter: Limiter,
        clock: Timer,
        rate_share: float = RATE_SHARE,
        *,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._share = rate_share
        self._give_way = give_way
        self._guard = threading.Lock()
        self._asking = {endpoint: threading.Lock() for endpoint in ENDPOINTS}
        self._wanted: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        """Counted already, for threads that stand behind the one which has asked."""

    def wait(self, endpoint: str, until: float | None = None, stopped: Stopped = never) -> None:
        """Wait until one more request fits, and count it. Raises NotSent as `Windows.wait` says."""
        self._give_way()
        while seconds := self._take(endpoint):
            asked = self._limiter.asked(endpoint)
            if until is not None and asked and self._clock.monotonic() + asked > until:
                raise NotSent("Klaviyo asks to wait longer", asked)
            if stopped():
                raise NotSent("sending was stopped")
            self._clock.sleep(min(seconds, _SLICE))

    def _take(self, endpoint: str) -> float:
        """0 where one request may leave now, which is then counted; else how many seconds to wait.

        Raises NotSent where that cannot be written down.
        """
        with self._guard:
            self._wanted[endpoint] += 1
        try:
            self._asking[endpoint].acquire()
        finally:  # an interruption too: else one more than are there would be counted from then on
            with self._guard:
                most = self._wanted[endpoint]
                self._wanted[endpoint] -= 1
        try:
            if self._taken[endpoint]:
                self._taken[endpoint] -= 1
                return 0.0
            taken = self._limiter.take(endpoint, self._windows(endpoint), most)
            self._taken[endpoint] = max(0, taken.number - 1)
            return taken.wait
        except Unavailable as error:
            raise NotSent(error.reason) from None
        finally:
            self._asking[endpoint].release()

    def room(self, tx: Connection, endpoint: str) -> int:
        """How many requests may leave now."""
        return self._limiter.room(tx, endpoint, self._windows(endpoint))

    def room_of_minute(self, tx: Connection, endpoint: str) -> int:
        """How many requests may leave if they are not all sent at once."""
        return self._limiter.room(tx, endpoint, self._windows(endpoint)[:1])

    def told(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Wait for the next minute where what is left of this one is what we leave to others."""
        seconds = for_others(endpoint, headers, self._share)
        if seconds is not None:
            self._limiter.close(endpoint, seconds)

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nothing leave for so long."""
        with self._asking[endpoint]:
            self._taken[endpoint] = 0
        self._limiter.pause(endpoint, seconds)

    def _windows(self, endpoint: str) -> tuple[Window, ...]:
        limits = ENDPOINTS[endpoint]
        lengths = ((MINUTE, limits.a_minute), (SECOND, limits.a_second))
        return tuple(Window(length, max(1, int(limit * self._share))) for length, limit in lengths)
