"""Klaviyo's rate limits as it keeps them: fixed windows of a second and of a minute for each endpoint.

An account's private keys share one quota; each OAuth token has its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.klaviyo.limits import ENDPOINTS, Endpoint
from engine.ports import Timer

_PROFILES = "profiles:read"
LIMITS: Mapping[str, Endpoint] = {
    **ENDPOINTS,
    "POST /api/profiles": Endpoint(75, 750, ("profiles:write",)),
    "GET /api/profiles/{id}": Endpoint(75, 750, (_PROFILES,)),
    "PATCH /api/profiles/{id}": Endpoint(75, 750, ("profiles:write",)),
    "GET /api/profiles with predictive_analytics": Endpoint(10, 150, (_PROFILES,)),
    "GET /api/profiles/{id} with predictive_analytics": Endpoint(10, 150, (_PROFILES,)),
    "GET /api/profile-bulk-import-jobs": Endpoint(10, 150, ("lists:read", _PROFILES)),
    "GET /api/metrics/{id}": Endpoint(10, 150, ("metrics:read",)),
    "POST /api/data-privacy-deletion-jobs": Endpoint(3, 60, ("data-privacy:write",)),
}
"""Klaviyo's own figures. A query that asks for more than usual moves a call to a stricter row."""
SECOND, MINUTE = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request fits, and what the headers of its answer say of the minute."""

    fits: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        """Of every answer but a 429."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Windows:
    """The windows of an account. *divisor* makes every limit smaller, for tests that fill one.

    *phase* is when they begin, in seconds of the clock: nobody outside knows it. `others` holds how many
    requests a minute other integrations of the account send, by endpoint.
    """

    def __init__(
        self, clock: Timer, *, divisor: float = 1.0, phase: float = 0.0, refused_counts: bool = False
    ) -> None:
        if divisor < 1:
            raise ValueError("divisor is at least 1")
        self.divisor = divisor
        self.phase = phase
        self.others: dict[str, int] = {}
        self._clock = clock
        self._refused_counts = refused_counts
        self._counts: dict[tuple[str, str, float], tuple[int, int]] = {}

    def limits(self, endpoint: str) -> tuple[int, int]:
        """How many requests fit in a second and in a minute."""
        whole = LIMITS[endpoint]
        return max(1, int(whole.a_second / self.divisor)), max(1, int(whole.a_minute / self.divisor))

    def take(self, endpoint: str, quota: str = "") -> Taken:
        """Count a request of a quota, if it fits."""
        now = self._clock.monotonic() + self.phase
        rows = list(zip((SECOND, MINUTE), self.limits(endpoint), strict=True))
        used = [self._used(endpoint, quota, length, now) for length, _ in rows]
        left = [length - now % length for length, _ in rows]
        full = [place for place, (_, most) in enumerate(rows) if used[place] >= most]
        if not full or self._refused_counts:
            for (length, _), count in zip(rows, used, strict=True):
                self._counts[endpoint, quota, length] = (int(now // length), count + 1)
        most = rows[1][1]
        remaining = max(0, most - used[1] - (0 if full else 1))
        wait = max((math.ceil(left[place]) for place in full), default=0)
        return Taken(not full, most, remaining, math.ceil(left[1]), wait)

    def used(self, endpoint: str) -> int:
        """How many requests this minute has seen, of all quotas together."""
        now = self._clock.monotonic() + self.phase
        minute = int(now // MINUTE)
        counts = [count for (one, _, length), (window, count) in self._counts.items()
                  if one == endpoint and length == MINUTE and window == minute]  # fmt: skip
        return sum(counts)

    def _used(self, endpoint: str, quota: str, length: float, now: float) -> int:
        window, count = self._counts.get((endpoint, quota, length), (-1, 0))
        if window == int(now // length):
            return count
        return self.others.get(endpoint, 0) if length == MINUTE and not quota else 0
