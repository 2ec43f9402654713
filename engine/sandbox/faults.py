"""What goes wrong on purpose: by chance from a seed, or on order; each fault is counted.

Shared by the stand-ins. One asks `next_for` at the start of a request, and does what the fault says where
that stands in its own order of checks.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.issues import did_you_mean

KINDS = {
    "throttled": "429 with Retry-After",
    "throttled-bare": "429 without Retry-After",
    "throttled-zero": "429 with Retry-After: 0",
    "error-before": "5xx, and nothing is stored",
    "error-after": "5xx, although all is stored",
    "dropped": "the connection breaks before the answer; all is stored",
    "reset": "the connection breaks before the answer; nothing is stored",
    "slow": "the answer takes its time",
    "challenge": "403 of HTML from the edge of the network",
    "scope": "403, as if the key lacked a scope",
}
"""Each kind of fault of Klaviyo's side, and what it looks like from outside."""
TROUBLE = {
    "intercom-empty": "an answer of Intercom's REST is empty",
    "intercom-errors": "Intercom's REST answers 5xx",
    "webhooks-lost": "a notification never comes",
    "webhooks-twice": "a notification comes twice",
    "webhooks-late": "a notification comes after those that follow it",
}
"""What can go wrong on Intercom's side."""
STATUSES = (500, 502, 503, 504)


class BadFaults(ValueError):
    """An order of faults that cannot be read; its text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `seconds` is Retry-After or slowness, `status` that of an error."""

    kind: str
    seconds: int = 1
    status: int = 503


@dataclass(slots=True)
class _Order:
    fault: Fault
    times: int
    endpoint: str


class Faults:
    """The faults of one stand-in. `counts` says how often each kind has come."""

    def __init__(self, seed: int = 0, chances: Mapping[str, float] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._chances: dict[str, float] = {}
        self._orders: list[_Order] = []
        self.order({"chances": dict(chances or {})})

    def order(self, wanted: Any) -> None:
        """Take an order: `seed`, `chances` by kind (0 to 1), `next`: a list of faults for coming requests.

        One of `next` has `kind`, and may have `times` (1), `endpoint` (a method and path; else any),
        `seconds` and `status`. What is not named stays as it is. Raises BadFaults, and then changes nothing.
        """
        if not isinstance(wanted, dict) or not set(wanted) <= {"seed", "chances", "next"}:
            raise BadFaults("faults are an object with `seed`, `chances` or `next`")
        chances, listed = wanted.get("chances"), wanted.get("next")
        if "seed" in wanted and not _is_whole(wanted["seed"]):
            raise BadFaults("`seed` is a whole number")
        orders = [_read(one) for one in _listed(listed)]
        if chances is not None:
            _check(chances)
        with self._lock:
            if "seed" in wanted:
                self._random = random.Random(wanted["seed"])
            if chances is not None:
                self._chances = {kind: float(chance) for kind, chance in sorted(chances.items())}
            if listed is not None:
                self._orders = orders

    def next_for(self, endpoint: str) -> Fault | None:
        """What goes wrong with a request to an endpoint (`POST /api/events`); mostly nothing."""
        with self._lock:
            fault = self._ordered(endpoint) or self._by_chance()
            if fault:
                self.counts[fault.kind] += 1
            return fault

    def _ordered(self, endpoint: str) -> Fault | None:
        for order in self._orders:
            if order.times > 0 and order.endpoint in ("", endpoint):
                order.times -= 1
                return order.fault
        return None

    def _by_chance(self) -> Fault | None:
        if not self._chances:
            return None
        drawn, status = self._random.random(), self._random.choice(STATUSES)
        for kind, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                return Fault(kind, self._random.randrange(1, 4), status)
        return None


def _read(wanted: Any) -> _Order:
    if not isinstance(wanted, dict) or not set(wanted) <= {"kind", "times", "endpoint", "seconds", "status"}:
        raise BadFaults("a fault is an object with `kind`, `times`, `endpoint`, `seconds` or `status`")
    kind, endpoint = wanted.get("kind"), wanted.get("endpoint", "")
    if not isinstance(kind, str):
        raise BadFaults("a fault has a `kind`")
    _check({kind: 0})
    numbers = [wanted.get("times", 1), wanted.get("seconds", 1), wanted.get("status", 503)]
    if not all(map(_is_whole, numbers)) or not isinstance(endpoint, str):
        raise BadFaults("`times`, `seconds` and `status` are whole numbers from 0, `endpoint` is a text")
    times, seconds, status = numbers
    if not 500 <= status <= 599:
        raise BadFaults("`status` is from 500 to 599")
    return _Order(Fault(kind, seconds, status), times, endpoint)


def _listed(wanted: Any) -> list[Any]:
    if wanted is None:
        return []
    if not isinstance(wanted, list):
        raise BadFaults("`next` is a list")
    return wanted


def _check(chances: Any) -> None:
    if not isinstance(chances, dict):
        raise BadFaults("`chances` is an object: each kind and its chance")
    for kind, chance in chances.items():
        if kind not in KINDS:
            raise BadFaults(
                f"there is no fault '{kind}'{did_you_mean(kind, KINDS)}; there are {', '.join(KINDS)}"
            )
        if isinstance(chance, bool) or not isinstance(chance, (int, float)) or not 0 <= chance <= 1:
            raise BadFaults(f"the chance of '{kind}' is a number from 0 to 1")
    if sum(chances.values()) > 1:
        raise BadFaults("all chances together are over 1")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
