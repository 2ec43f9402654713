"""From the outbox to Klaviyo: the one function that sends, for one account, under a lease.

What is about to leave is written down first. What may have arrived, and was not told so, goes again one by
one and with the same bytes: Klaviyo records an id once there, and may refuse a bulk request for it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import compress

from sqlalchemy import Connection

from engine.errors import Denied, EngineError, FateUnknown, Unavailable
from engine.events import Answer, Request
from engine.klaviyo.lanes import Waiting
from engine.ledger import accounts, inbox, leases
from engine.ledger.accounts import Standing
from engine.ledger.leases import Lease
from engine.ledger.sealed import Damaged
from engine.ledger.store import Ledger
from engine.ports import Sink, Timer
from engine.relay.choosing import Chosen, Lane, RoomOf, unlimited
from engine.relay.clocks import Rebase
from engine.relay.points import Points, nothing
from engine.relay.queues import EventQueue, ProfileQueue, Row, Terms

EVENTS, PROFILES = "events", "profiles"
"""The lanes: an import of many profiles, which Klaviyo takes long for, keeps no event waiting."""
LONGEST_WAIT = 300.0
DENIED_SECONDS = 300.0
IDLE_SECONDS = 30.0
FRESH_TRIES = 3
"""A row that has failed so often says nothing of the others any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: how many rows were sent, and for how many seconds there is nothing to do.

    Where it *gathers*, rows are due, and wait for so long for others to go with, or for a window.
    """

    sent: int = 0
    wait: float = 0.0
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class Attempted:
    """How an attempt ended: what was sent, how many rows of it had which fate, and why some had not."""

    kind: str
    accepted: int
    waiting: int
    refused: int
    reason: str = ""


class _Lost(EngineError):
    """Somebody else delivers now."""


class Drain:
    """Delivery to one account. *sink* tries each request once, within windows that the ledger keeps.

    *owner* tells this process from others. Events older than *late_after_seconds* when they leave start no
    flow (`backfill`). Rows for which there is no *room* one by one go in bulk. Two threads may make steps,
    each in its own lane; *profile_sink* is another way to the same account, for that of profiles.
    """

    def __init__(
        self,
        ledger: Ledger,
        sink: Sink,
        account: str,
        *,
        owner: str,
        clock: Timer,
        late_after_seconds: float = 86_400.0,
        points: Points = nothing,
        clocks: Rebase | None = None,
        told: Callable[[Attempted], None] = lambda _: None,
        profile_sink: Sink | None = None,
        room: RoomOf = unlimited,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._owner = owner
        self._clock = clock
        self._late_after = late_after_seconds
        self._at = points
        self._told = told
        self._give_way = give_way
        self._clocks = clocks or Rebase(ledger, clock)
        self._lease: Lease | None = None
        self._leasing = threading.Lock()
        self._keys = 0
        """How often the key has changed: what is said of an old one no longer counts."""
        events = [EventQueue(account, uncertain=False), EventQueue(account, uncertain=True)]
        self._lanes = deque(
            [
                Lane(EVENTS, account, [*events], sink, clock, room),
                Lane(PROFILES, account, [ProfileQueue(account)], profile_sink or sink, clock, room),
            ]
        )

    def step(self, lane: str = "", *, live: bool = False) -> Step:
        """Send some of what is due, of one lane or of all in turn; *live* as `Lane.choose` has it.

        Raises Unavailable where the ledger cannot be written.
        """
        self._give_way()
        moved = self._clocks.check()
        lanes = [one for one in self._lanes if lane in ("", one.name)]
        if not lane:
            self._lanes.rotate(-1)
        lease = self._leased(lanes)
        if lease is None:
            return Step(wait=leases.SECONDS / 3)
        now = self._ledger.now()
        waits: list[float] = []
        with self._ledger.read() as tx:
            whole = accounts.standing(tx, self._account)
            if seconds := whole.closed(now):
                return Step(wait=seconds)
            for one in lanes:
                chosen, wait = one.choose(tx, now, whole, live=live)
                if chosen is not None:
                    break
                waits += [wait] if wait else []
            else:
                if waits:
                    return Step(wait=min(waits), gathers=True)
                return Step(wait=min(IDLE_SECONDS, *(one.until_next(tx, now) for one in lanes)))
        try:
            self._send(one, chosen, lease, moved)
        except _Lost:
            self._drop(lease)
            return Step()
        return Step(len(chosen.rows))

    def beat(self) -> None:
        """Keep the lease while a step takes long: from another thread, every few seconds."""
        lease = self._lease
        if lease is not None and leases.renewed(self._ledger, lease) is None:
            self._drop(lease)

    def ask_again(self) -> None:
        """The key is another one: it may have the scopes that the last one lacked."""
        self._keys += 1
        for lane in self._lanes:
            lane.one_by_one.clear()

    def release(self) -> None:
        """Give the lease up, so that another may go on at once."""
        if self._lease is not None:
            leases.release(self._ledger, self._lease)
            self._lease = None

    def _drop(self, lost: Lease) -> None:
        """It is somebody else's; the other lane may have renewed it meanwhile, or taken the next one."""
        with self._leasing:
            if self._lease is not None and self._lease.fence == lost.fence:
                self._lease = None

    def _leased(self, lanes: Iterable[Lane]) -> Lease | None:
        """The lease, if this process delivers. Who takes it finds what was on its way when it was lost."""
        with self._leasing:
            lease = self._kept() or leases.take(self._ledger, f"drain {self._account}", self._owner)
            self._lease = lease
        if lease is None:
            return None
        for lane in lanes:
            if not lane.is_clean(lease.fence):
                with self._ledger.write() as tx:
                    if not leases.holds(tx, lease):
                        return None
                    for queue in lane.queues:
                        queue.recover(tx, self._ledger.now())
                lane.clean_since = lease.fence
        return lease

    def _kept(self) -> Lease | None:
        """The lease that this process has still, renewed in time; None where it has none."""
        lease = self._lease
        if lease is None or not leases.SECONDS * 2 / 3 < lease.until - self._ledger.now() <= leases.SECONDS:
            lease = lease and leases.renewed(self._ledger, lease)
        return lease

    def _send(self, lane: Lane, chosen: Chosen, lease: Lease, moved: float) -> None:
        """Write down what is about to leave, send it, and write down what became of it. Raises _Lost."""
        queue, rows = chosen.queue, chosen.rows
        now = self._ledger.now()
        requests: list[Request] = []
        sound: list[Row] = []
        damaged: list[Row] = []
        for row in rows:
            try:
                requests.append(queue.request(row, now, self._late_after))
                sound.append(row)
            except Damaged:
                damaged.append(row)
        self._give_way()
        lane.leaves(chosen)
        with self._ledger.write() as tx:
            if not leases.holds(tx, lease):
                raise _Lost
            attempt = accounts.begin_attempt(tx, self._account, queue.name, lease.fence, len(sound), now)
            begun = queue.begin(tx, sound, attempt)
            sound, requests = [*compress(sound, begun)], [*compress(requests, begun)]
            queue.set_aside(tx, damaged, now)
        self._at("after_intent")
        denied: Denied | None = None
        key = self._keys
        try:
            answers: list[Answer | None] = (
                [*lane.sink.deliver(requests, bulk=chosen.bulk)] if requests else []
            )
        except Denied as error:
            if key != self._keys:
                pass  # it was refused for the key before: these go again with the new one
            elif chosen.bulk and error.scope:
                lane.one_by_one.add(queue.name)  # if it lacks one for these as well, they will say so
            else:
                denied = error
            answers = [error.answers.get(place) for place in range(len(requests))]
        except Exception as error:  # a fault of ours, or of another sink: these wait longer each time
            answers = [FateUnknown(f"sending failed in an unforeseen way ({type(error).__name__})")] * len(
                requests
            )
        self._at("after_post")
        answered = list(zip(sound, answers, strict=True))
        moved = self._clocks.check() - moved
        self._settle(lane, chosen, answered, lease, attempt, denied, moved)
        lane.clean_since = lease.fence
        self._at("after_settle")

    def _settle(
        self,
        lane: Lane,
        chosen: Chosen,
        answered: list[tuple[Row, Answer | None]],
        lease: Lease,
        attempt: int,
        denied: Denied | None,
        moved: float,
    ) -> None:
        """Write down what became of rows. Raises _Lost where somebody else sends them by now."""
        now, queue = self._ledger.now(), chosen.queue
        given = [answer for _, answer in answered if answer is not None]
        failed = [answer for answer in given if isinstance(answer, Unavailable)]
        is_down = bool(failed) and len(failed) == len(given) and _says_of_queue(answered)
        # Rows of a backlog need no time of their own where their queue waits: they go on together after it.
        terms = Terms(now, self._clock.jitter(), waits=not (is_down and chosen.bulk), moved=moved)
        reason = denied.reason if denied else (failed[0].reason if failed else "")
        self._give_way()
        with self._ledger.write() as tx:
            is_ours = leases.holds(tx, lease)
            if is_ours:
                counts = queue.settle(tx, answered, terms)
                self._at("mid_settle")
                was_taken = len(failed) < len(given)
                self._put_standing(
                    tx, lane, chosen, failed, denied, now, is_down=is_down, was_taken=was_taken
                )
                accepted, refused = counts["accepted"], counts["dead"]
                told = Attempted(queue.name, accepted, len(answered) - accepted - refused, refused, reason)
                accounts.end_attempt(
                    tx, attempt, now, accepted=told.accepted, refused=told.refused,
                    waiting=told.waiting, reason=reason,
                )  # fmt: skip
            else:
                queue.overtaken(tx, [row for row, _ in answered])
        if not is_ours:
            raise _Lost
        self._told(told)

    def _put_standing(
        self,
        tx: Connection,
        lane: Lane,
        chosen: Chosen,
        failed: list[Unavailable],
        denied: Denied | None,
        now: float,
        *,
        is_down: bool,
        was_taken: bool,
    ) -> None:
        """Write down how it stands after a try: with the queue, or with all where the key is not accepted."""
        whole = accounts.standing(tx, self._account)  # the other lane may have met something meanwhile
        if denied is not None and not denied.scope:
            accounts.put(tx, self._account, _paused(whole, denied, now))
            return
        after = chosen.own
        if denied is not None:
            after = _paused(after, denied, now)
        elif is_down:
            after = self._backed_off(after, failed, now)
        elif was_taken:
            after = Standing()
        if after != chosen.own:
            accounts.put(tx, lane.gate(chosen.queue), after)
        if chosen.whole.paused and whole == chosen.whole and (was_taken or denied is not None):
            accounts.put(tx, self._account, Standing())

    def _backed_off(self, before: Standing, failed: list[Unavailable], now: float) -> Standing:
        own = min(LONGEST_WAIT, 0.5 * 2.0 ** min(before.failures, 16)) * (0.5 + self._clock.jitter() / 2)
        asked = max((one.retry_after or 0.0 for one in failed), default=0.0)
        wait = min(max(own, asked), inbox.LONGEST_WAIT)
        return Standing(before.paused, before.paused_at, now + wait, before.failures + 1)


def _paused(before: Standing, denied: Denied, now: float) -> Standing:
    paused_at = before.paused_at if before.paused else now
    return Standing(denied.reason, paused_at, now + DENIED_SECONDS, before.failures)


def _says_of_queue(answered: list[tuple[Row, Answer | None]]) -> bool:
    """Whether failures may be those of all it sends, and not only of rows that fail again and again."""
    return any(
        row.tries < FRESH_TRIES
        for row, answer in answered
        if isinstance(answer, Unavailable) and not isinstance(answer, Waiting)
    )
