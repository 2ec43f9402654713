"""`Upkeep`: what is done every now and then, so that the relay can be left alone."""

from collections.abc import Callable
from math import isfinite

from sqlalchemy import Connection

from engine.errors import EngineError
from engine.ledger import inbox, outbox
from engine.ledger.cursors import cursor, set_cursor, values
from engine.ledger.erasing import wipe
from engine.ledger.room import Room, room_of
from engine.ledger.store import Ledger
from engine.ports import Timer
from engine.relay import silence
from engine.relay.alerts import Alarm
from engine.relay.concerns import concerns_of, unknown_to
from engine.relay.facts import Facts, Seen, facts_of

SECONDS = 15.0
"""Between two ticks."""
HOUR, DAY = 3_600.0, 86_400.0
WAIT_DAYS = 7.0
JUMP_SECONDS = 60.0
JUMP_TOLD_SECONDS = 600.0
SLACK_SECONDS = 600.0
MOST_TAKEN_UP = 500

Trouble = Callable[[str, Exception], None]


class Upkeep:
    """Gives up, looks again, takes away, and tells what is wrong: each by its own time, kept in the ledger.

    *purge* takes away what is no longer kept, and gets the moment that it goes by. *bad_signatures* counts
    the webhooks in a row whose signature was wrong (None until one came), *broken_mappings* says what is
    wrong with a changed folder. *trouble* hears which part failed, and how: the others go on.
    """

    def __init__(
        self,
        ledger: Ledger,
        account: str,
        alarm: Alarm,
        *,
        clock: Timer,
        purge: Callable[[float], object],
        wait_days: float = WAIT_DAYS,
        quota_bytes: int | None = None,
        bad_signatures: Callable[[], int | None] = lambda: None,
        broken_mappings: Callable[[], str] = lambda: "",
        trouble: Trouble = lambda _, __: None,
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._alarm = alarm
        self._clock = clock
        self._purge = purge
        self._wait_seconds = wait_days * DAY
        self._quota = quota_bytes
        self._bad_signatures = bad_signatures
        self._broken_mappings = broken_mappings
        self._trouble = trouble
        self._hands = Hands(ledger, clock)
        self.room = room_of(ledger.path, quota_bytes)

    @property
    def disk_is_full(self) -> bool:
        """Whether nothing new should be taken in, as of the last tick."""
        return self.room.is_full

    def tick(self) -> None:
        """Do what is due. Raises nothing."""
        for name, part in (
            ("the look at the disk", self._look_at_room),
            ("the look at the clock", self._hands.look),
            ("giving up what waits for an address", lambda: self._every("give_up", HOUR, self._give_up)),
            ("the look for addresses", lambda: self._every("look_again", HOUR, self._look_again)),
            ("taking away what is no longer kept", lambda: self._every("purge", DAY, self._take_away)),
            ("wiping out what was erased", lambda: wipe(self._ledger)),
            ("listening for silence", self._listen),
            ("the look at how it goes", self._look_at_all),
        ):
            try:
                part()
            except Exception as error:
                self._trouble(name, error)

    def _every(self, name: str, seconds: float, part: Callable[[], None]) -> None:
        """Do a part whose last time is so long ago, or lies ahead: then the clock went back."""
        name = f"upkeep {name}"
        now = self._ledger.now()
        with self._ledger.read() as tx:
            last = float(cursor(tx, name) or "-inf")
        if isfinite(last) and 0 <= now - last < seconds:
            return
        part()
        with self._ledger.write() as tx:
            set_cursor(tx, name, str(now))

    def _look_at_room(self) -> None:
        self.room = room_of(self._ledger.path, self._quota)

    def _give_up(self) -> None:
        now = self._ledger.now()
        with self._ledger.write() as tx:
            outbox.give_up(tx, sure(tx, now) - self._wait_seconds, now)

    def _look_again(self) -> None:
        """Translate events again whose contacts have an address by now, which they lacked."""
        with self._ledger.write() as tx:
            inbox.take_up(tx, outbox.reachable(tx, self._account, MOST_TAKEN_UP, SLACK_SECONDS))

    def _take_away(self) -> None:
        with self._ledger.read() as tx:
            now = sure(tx, self._ledger.now())
        self._purge(now)

    def _look_at_all(self) -> None:
        seen = Seen(
            self._hands.uptime, self._bad_signatures(), self._broken_mappings(), self._hands.jumped_lately
        )
        try:
            facts = self._facts(self.room, seen)
        except EngineError as error:
            self._trouble("the questions to the ledger", error)
            facts = Facts(self._ledger.now(), room=self.room, seen=seen, is_read=False)
        self._alarm.look(concerns_of(facts), unknown_to(facts))

    def _listen(self) -> None:
        with self._ledger.write(lax=True) as tx:
            silence.remember(tx, silence.listen(tx, self._ledger.now()))

    def _facts(self, room: Room, seen: Seen) -> Facts:
        now = self._ledger.now()
        with self._ledger.read() as tx:
            found = silence.listen(tx, now)
            return facts_of(
                tx,
                self._account,
                now,
                heard_at=found.heard_at,
                usual_silence=found.usual,
                room=room,
                seen=seen,
            )


class Hands:
    """Those of the clock: whether they were moved while we looked elsewhere, or while nothing ran."""

    _NAME = "upkeep seen"

    def __init__(self, ledger: Ledger, clock: Timer) -> None:
        self._ledger = ledger
        self._clock = clock
        self._began = clock.monotonic()
        self._last: tuple[float, float] | None = None
        self._jump = 0.0
        self._jumped_at = 0.0

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    @property
    def jumped_lately(self) -> float:
        """By how many seconds the clock was moved within the last ten minutes; ahead is positive."""
        return self._jump if self._clock.monotonic() - self._jumped_at < JUMP_TOLD_SECONDS else 0.0

    def look(self) -> None:
        """Compare the clock with the time that has passed; after a start, only whether it went back."""
        now, moment = self._ledger.now(), self._clock.monotonic()
        if self._last is None:
            with self._ledger.read() as tx:
                jump = min(0.0, now - float(cursor(tx, self._NAME) or now))
        else:
            jump = (now - self._last[0]) - (moment - self._last[1])
        self._last = (now, moment)
        if abs(jump) > JUMP_SECONDS:
            self._jump, self._jumped_at = jump, moment
        with self._ledger.write(lax=True) as tx:
            set_cursor(tx, self._NAME, str(now))


def sure(tx: Connection, now: float) -> float:
    """Now, or a day after the newest webhook by Intercom's own clock where that is earlier.

    What is thrown away goes by this: a clock that was set ahead by a year must not throw all of it away.
    """
    newest = max(map(float, values(tx, "newest ")), default=now)
    return min(now, newest + DAY)
