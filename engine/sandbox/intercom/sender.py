"""`Sender`: notifications over HTTP as Intercom delivers them, signed, twice at most, and not in order."""

import hashlib
import hmac
import json
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from uuid import UUID

from engine.errors import Unavailable
from engine.ports import Timer, Transport
from engine.sandbox.intercom.deliveries import Books, Due, Fate, Try
from engine.sandbox.intercom.notifications import Teller
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.versions import Object
from engine.sandbox.intercom.view import View
from engine.sandbox.intercom.workspace import Workspace

DEADLINE_SECONDS = 5.0
SLOW_SECONDS = 0.5
RETRY_SECONDS = 60.0
FIRST_THROTTLE_SECONDS = 60.0
LONGEST_THROTTLE_SECONDS = 2 * 3600.0
MOST_ERRORS = 1000
"""Errors in a row within the window after which nothing is sent for as long as the window is."""
WINDOW_SECONDS = PAUSE_SECONDS = 15 * 60.0
USER_AGENT = "intercom-parrot-service-client/1.0"


@dataclass(frozen=True, slots=True)
class Chances:
    """What goes wrong on the way, each from 0 to 1: notifications that come twice, later than those after
    them (by up to *delay_seconds*), or never.
    """

    duplicates: float = 0.0
    delays: float = 0.0
    losses: float = 0.0
    delay_seconds: float = 30.0


@dataclass
class Sender:
    """The webhooks of one app, to one address.

    *secret* is the app's client secret; *topics* what is subscribed to, or None for everything. *transport*
    raises Unavailable where no answer comes; an answer after five seconds is none. *scale* shortens the
    waiting between tries and after a refusal: with 0.01 the minute is 0.6 seconds. Chance comes from *seed*.
    """

    workspace: Workspace
    url: str
    secret: str
    transport: Transport
    clock: Timer
    topics: Collection[str] | None = None
    chances: Chances = field(default_factory=Chances)
    switches: Switches = field(default_factory=Switches)
    scale: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.books = Books()
        self.is_disabled = False
        self.paused_until = 0.0
        self._rng = random.Random(self.seed)
        self._due: list[Due] = []
        self._order = 0
        self._errors: list[float] = []
        self._throttle = 0.0
        self._throttled_until = 0.0

    def register(self) -> bool:
        """Save the address: it must answer HEAD, and then gets a ping. Whether it was taken."""
        try:
            answer = self.transport.send("HEAD", self.url, {"User-Agent": USER_AGENT})
        except Unavailable:
            return False
        if not 200 <= answer.status < 300:
            return False
        self.ping()
        return True

    def ping(self) -> None:
        """Send a test of the connection, as Intercom does now and then."""
        at = self.clock.monotonic()
        ping = Teller(View(self.workspace)).ping(int(self.clock.now().timestamp()))
        self._try(Due(at, 0, ping, at))

    def offer(self, notifications: Iterable[Object]) -> None:
        """Take notifications that are to be sent, in the order that chance makes of theirs."""
        for one in notifications:
            if self.topics is not None and one["topic"] not in self.topics:
                continue
            now, chances = self.clock.monotonic(), self.chances
            if self._happens(chances.losses, "lost"):
                self._write(Due(now, 0, one, now), Fate.LOST)
                continue
            late = (
                chances.delay_seconds * self._rng.random()
                if self._happens(chances.delays, "delayed")
                else 0.0
            )
            self._put(now + late, one, now)
            if self._happens(chances.duplicates, "duplicated"):
                self._put(now + late + chances.delay_seconds * self._rng.random(), one, now)

    def run(self, seconds: float | None = None) -> None:
        """Send what is due within *seconds*, or all there is, waiting in between."""
        until = None if seconds is None else self.clock.monotonic() + seconds
        while self._due and (until is None or self._due[0].at <= until):
            if (wait := self._due[0].at - self.clock.monotonic()) > 0:
                self.clock.sleep(wait)
            self._send(heappop(self._due))
        if until is not None and (wait := until - self.clock.monotonic()) > 0:
            self.clock.sleep(wait)

    @property
    def waiting(self) -> int:
        """How many are still to be sent."""
        return len(self._due)

    def _send(self, due: Due) -> None:
        now = self.clock.monotonic()
        if self.is_disabled:
            self._write(due, Fate.DISABLED)
        elif now < self.paused_until or now - due.first_due > LONGEST_THROTTLE_SECONDS * self.scale:
            self._write(due, Fate.DROPPED)
        elif now < self._throttled_until:
            self._put(self._throttled_until, due.notification, due.first_due)
        else:
            self._try(due)

    def _try(self, due: Due) -> None:
        status, seconds = self._posted(due.notification)
        is_taken = status is not None and 200 <= status < 300
        self._count(is_taken)
        if is_taken:
            self._throttle = 0.0
            self.books.slow += seconds > SLOW_SECONDS
            self._write(due, Fate.DELIVERED, status, seconds)
        elif status == 410:
            self.is_disabled = True
            self._write(due, Fate.DISABLED, status, seconds)
        elif status == 429:
            self._slow_down(due, seconds)
        elif due.notification["delivery_attempts"] == 1 and due.notification["topic"] != "ping":
            self._write(due, Fate.RETRIED, status, seconds)
            self._again(due)
        else:
            self._write(due, Fate.FAILED, status, seconds)

    def _posted(self, notification: Object) -> tuple[int | None, float]:
        """The status of the answer, or None where none came in time; and how long that took."""
        body = json.dumps(notification, ensure_ascii=False, separators=(",", ":")).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha1).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            "X-Hub-Signature": f"sha1={signature}",
        }
        began = self.clock.monotonic()
        try:
            status: int | None = self.transport.send("POST", self.url, headers, body).status
        except Unavailable:
            status = None
        seconds = self.clock.monotonic() - began
        return (None if seconds > DEADLINE_SECONDS else status), seconds

    def _again(self, due: Due) -> None:
        """The second try, a minute later; it has the id of the first."""
        changes: Object = {"delivery_attempts": 2}
        if not self.switches.retry_keeps_id:
            changes["id"] = f"notif_{UUID(int=self._rng.getrandbits(128), version=4)}"
        now = self.clock.monotonic()
        self._put(now + RETRY_SECONDS * self.scale, {**due.notification, **changes}, due.first_due)

    def _slow_down(self, due: Due, seconds: float) -> None:
        """429: everything waits, longer each time; what waited for two hours is dropped."""
        longest = LONGEST_THROTTLE_SECONDS * self.scale
        self._throttle = min(longest, self._throttle * 2 or FIRST_THROTTLE_SECONDS * self.scale)
        self._throttled_until = self.clock.monotonic() + self._throttle
        self._write(due, Fate.THROTTLED, 429, seconds)
        self._put(self._throttled_until, due.notification, due.first_due)

    def _count(self, is_taken: bool) -> None:
        """Errors in a row: more than a thousand within the window pause everything."""
        now = self.clock.monotonic()
        if is_taken:
            self._errors.clear()
            return
        self._errors = [at for at in self._errors if now - at <= WINDOW_SECONDS] + [now]
        if len(self._errors) > MOST_ERRORS:
            self.paused_until = now + PAUSE_SECONDS * self.scale
            self._errors.clear()

    def _put(self, at: float, notification: Object, first_due: float) -> None:
        self._order += 1
        heappush(self._due, Due(at, self._order, notification, first_due))

    def _happens(self, share: float, what: str) -> bool:
        is_so = self._rng.random() < share
        self.books.chances[what] += is_so
        return is_so

    def _write(self, due: Due, fate: Fate, status: int | None = None, seconds: float = 0.0) -> None:
        told = due.notification
        attempt = told["delivery_attempts"]
        self.books.tries.append(
            Try(self.clock.monotonic(), told["topic"], told["id"], attempt, fate, status, seconds)
        )
