"""From the outbox to Klaviyo: the one function that sends, for one account, under a lease.

What is about to leave is written down first. What may have arrived, and was not told so, goes again one by
one and with the same bytes: Klaviyo records an id once there, and may refuse a bulk request for it.
"""

from collections import deque
from collections.abc import Callable
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
from engine.relay.clocks import Rebase
from engine.relay.points import Points, nothing
from engine.relay.queues import EventQueue, ProfileQueue, Queue, Row, Terms, recover

BACKLOG = 60
"""More due rows than these go in bulk: the two ways have windows of their own."""

Room = Callable[[Connection, str], int]
"""How many rows of a queue may go one by one now."""
MOST_IN_BULK = 1_000
LONGEST_WAIT = 300.0
DENIED_SECONDS = 300.0
IDLE_SECONDS = 30.0
FRESH_TRIES = 3
"""A row that has failed so often says nothing of the others any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: how many rows were sent, and for how many seconds there is nothing to do."""

    sent: int = 0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Attempted:
    """How an attempt ended: what was sent, how many rows of it had which fate, and why some had not."""

    kind: str
    accepted: int
    waiting: int
    refused: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is sent next, with how it stands with its queue, and with the whole account."""

    queue: Queue
    rows: list[Row]
    bulk: bool
    own: Standing
    whole: Standing


class _Lost(EngineError):
    """Somebody else delivers now."""


class Drain:
    """Delivery to one account. *sink* tries each request once, within windows that the ledger keeps.

    *owner* tells this process from others. Events older than *late_after_seconds* when they leave start no
    flow (`backfill`). Rows for which there is no *room* one by one go in bulk.
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
        room: Room | None = None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._sink = sink
        self._account = account
        self._owner = owner
        self._clock = clock
        self._late_after = late_after_seconds
        self._at = points
        self._told = told
        self._give_way = give_way
        self._room: Room = room or (lambda _, __: BACKLOG)
        self._clocks = clocks or Rebase(ledger, clock)
        self._lease: Lease | None = None
        self._is_clean = False
        """Whether nothing is on its way: not so after a step that was broken off."""
        self._one_by_one: set[str] = set()
        """Queues for which the key lacks a scope in bulk: `lists:write` is one for profiles."""
        self._queues: deque[Queue] = deque(
            [EventQueue(account, uncertain=False), EventQueue(account, uncertain=True), ProfileQueue(account)]
        )

    def step(self) -> Step:
        """Send some of what is due. Raises Unavailable where the ledger cannot be written."""
        self._give_way()
        moved = self._clocks.check()
        if not self._has_lease():
            return Step(wait=leases.SECONDS / 3)
        now = self._ledger.now()
        with self._ledger.read() as tx:
            whole = accounts.standing(tx, self._account)
            if seconds := whole.closed(now):
                return Step(wait=seconds)
            chosen = self._chosen(tx, now, whole)
            if chosen is None:
                return Step(wait=self._until_next(tx, now))
        try:
            self._send(chosen, moved)
        except _Lost:
            self._lease = None
            return Step()
        return Step(len(chosen.rows))

    def beat(self) -> None:
        """Keep the lease while a step takes long: from another thread, every few seconds."""
        lease = self._lease
        if lease is not None and leases.renewed(self._ledger, lease) is None and self._lease is lease:
            self._lease = None

    def ask_again(self) -> None:
        """The key is another one: it may have the scopes that the last one lacked."""
        self._one_by_one.clear()

    def release(self) -> None:
        """Give the lease up, so that another may go on at once."""
        if self._lease is not None:
            leases.release(self._ledger, self._lease)
            self._lease = None

    def _has_lease(self) -> bool:
        """Whether this process delivers. Who takes the lease finds what was on its way when it was lost."""
        self._lease = self._kept() or leases.take(self._ledger, f"drain {self._account}", self._owner)
        if self._lease is None:
            return False
        if not self._is_clean:
            with self._ledger.write() as tx:
                recover(tx, self._account, self._ledger.now())
            self._is_clean = True
        return True

    def _kept(self) -> Lease | None:
        """The lease that this process has still, renewed in time; None where it has none."""
        lease = self._lease
        if lease is None or not leases.SECONDS * 2 / 3 < lease.until - self._ledger.now() <= leases.SECONDS:
            lease = lease and leases.renewed(self._ledger, lease)
        self._is_clean = self._is_clean and lease is not None
        return lease

    def _chosen(self, tx: Connection, now: float, whole: Standing) -> _Chosen | None:
        """The next queue in turn that is open and has rows which are due; None where there is none.

        Of one that has failed one row is sent, to see whether Klaviyo takes it again.
        """
        for _ in range(len(self._queues)):
            queue = self._queues[0]
            self._queues.rotate(-1)
            own = accounts.standing(tx, self._gate(queue))
            if own.closed(now):
                continue
            is_probe = own.failures > 0 or bool(own.paused or whole.paused)
            in_bulk = queue.goes_in_bulk and queue.name not in self._one_by_one
            count = queue.count(tx, now, BACKLOG + 1) if in_bulk and not is_probe else 0
            many = count > BACKLOG or (count > 0 and count > self._room(tx, queue.name))
            rows = queue.due(tx, now, MOST_IN_BULK if many else 1 if is_probe else BACKLOG)
            if rows:
                return _Chosen(queue, rows, many, own, whole)
        return None

    def _gate(self, queue: Queue) -> str:
        """The name of a queue's own standing: an endpoint may fail, or a scope be missing, for it alone."""
        return f"{self._account} {queue.name}"

    def _until_next(self, tx: Connection, now: float) -> float:
        waits = [IDLE_SECONDS]
        for queue in self._queues:
            time = queue.next_due(tx)
            if time is not None:
                waits.append(max(0.0, time - now, accounts.standing(tx, self._gate(queue)).closed(now)))
        return min(waits)

    def _send(self, chosen: _Chosen, moved: float) -> None:
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
        lease = self._lease
        self._give_way()
        with self._ledger.write() as tx:
            if lease is None or not leases.holds(tx, lease):
                raise _Lost
            attempt = accounts.begin_attempt(tx, self._account, queue.name, lease.fence, len(sound), now)
            begun = queue.begin(tx, sound, attempt)
            sound, requests = [*compress(sound, begun)], [*compress(requests, begun)]
            queue.set_aside(tx, damaged, now)
        self._is_clean = False
        self._at("after_intent")
        denied: Denied | None = None
        try:
            answers: list[Answer | None] = (
                [*self._sink.deliver(requests, bulk=chosen.bulk)] if requests else []
            )
        except Denied as error:
            if chosen.bulk and error.scope:
                self._one_by_one.add(queue.name)  # if it lacks one for these as well, they will say so
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
        self._settle(chosen, answered, lease, attempt, denied, moved)
        self._is_clean = True
        self._at("after_settle")

    def _settle(
        self,
        chosen: _Chosen,
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
                self._put_standing(tx, chosen, failed, denied, now, is_down=is_down, was_taken=was_taken)
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
        chosen: _Chosen,
        failed: list[Unavailable],
        denied: Denied | None,
        now: float,
        *,
        is_down: bool,
        was_taken: bool,
    ) -> None:
        """Write down how it stands after a try: with the queue, or with all where the key is not accepted."""
        if denied is not None and not denied.scope:
            accounts.put(tx, self._account, _paused(chosen.whole, denied, now))
            return
        after = chosen.own
        if denied is not None:
            after = _paused(after, denied, now)
        elif is_down:
            after = self._backed_off(after, failed, now)
        elif was_taken:
            after = Standing()
        if after != chosen.own:
            accounts.put(tx, self._gate(chosen.queue), after)
        if chosen.whole.paused and (was_taken or denied is not None):
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
