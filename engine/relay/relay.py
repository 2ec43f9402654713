"""`Relay`: what comes in is kept, translated and delivered; for scripts, and below the workers of `serve`."""

import os
import secrets
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from engine.clock import SystemClock
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, EVENTS, PROFILE_IMPORT
from engine.ledger import accounts, inbox
from engine.ledger.inbox import Received
from engine.ledger.limiter import Limiter
from engine.ledger.store import Ledger
from engine.ports import Sink, Timer
from engine.relay.choosing import Room, RoomOf, unlimited
from engine.relay.clocks import Rebase
from engine.relay.draining import Attempted, Drain
from engine.relay.envelope import received
from engine.relay.machine import Machine
from engine.relay.points import Points, nothing
from engine.relay.queues import ProfileQueue
from engine.relay.translating import INTERCOM, Translator, Trouble
from engine.relay.whose import OneAccount
from engine.relay.windows import LedgerWindows

ACCOUNT = "klaviyo"
"""What the ledger calls the account, where there is only one."""


def new_owner() -> str:
    """What tells this process from others, and this time that it runs from the next."""
    return f"{os.getpid()} {secrets.token_hex(4)}"


class Relay:
    """The way from Intercom to one account of Klaviyo's, over a ledger.

    *machine* opens and translates (a `Runner`), *sink* delivers: without one, what is made waits. A `Klaviyo`
    keeps its windows in the ledger here, for all who send to the account. *owner* tells who delivers from
    others. *told* hears of each attempt, *trouble* once of each kind of exception by which a notification
    cannot be translated. *give_way* is called between two pieces of work, such as `Courtesy.give_way`.
    """

    def __init__(
        self,
        ledger: Ledger,
        machine: Machine,
        sink: Sink | None,
        *,
        account: str = ACCOUNT,
        owner: str = "",
        clock: Timer | None = None,
        late_after_seconds: float = 86_400.0,
        points: Points = nothing,
        told: Callable[[Attempted], None] = lambda _: None,
        trouble: Trouble = lambda _, __: None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.ledger = ledger
        self._account = account
        self._at = points
        self._clock = clock or SystemClock()
        room: RoomOf = unlimited
        profile_sink = sink
        self._to: OneAccount | None = None
        if isinstance(sink, Klaviyo):
            limiter = Limiter(ledger, account)
            windows = LedgerWindows(limiter, self._clock, sink.rate_share, give_way=give_way)
            room = partial(_room, windows)
            self._to = OneAccount(sink, windows, ledger, account, self._clock)
            sink, profile_sink = self._to.lane(), self._to.lane()
        clocks = Rebase(ledger, self._clock)
        self.translator = Translator(
            ledger, machine, account, points=points, clocks=clocks, trouble=trouble, give_way=give_way
        )
        self.drain: Drain | None = None
        if sink is not None:
            self.drain = Drain(
                ledger, sink, account, owner=owner or new_owner(), clock=self._clock,
                late_after_seconds=late_after_seconds, points=points, clocks=clocks, told=told,
                profile_sink=profile_sink, room=room, give_way=give_way,
            )  # fmt: skip

    def put(self, bodies: Sequence[bytes]) -> int:
        """Keep bodies of webhooks: once this returns, they are on the disk. How many of them were new.

        Raises Unreadable for what is no notification, and Unavailable where the ledger cannot be written.
        """
        return self.keep([received(raw, self.ledger.now()) for raw in bodies])

    def keep(self, some: Sequence[Received]) -> int:
        """Keep opened envelopes together. Raises Unavailable."""
        if not some:
            return 0
        self._at("before_keep")
        with self.ledger.write(first=True) as tx:
            new = inbox.put(tx, some)
        self._at("after_keep")
        return new

    def stop(self) -> None:
        """Let nothing leave any more that has not yet."""
        if self._to:
            self._to.stop()

    def use(self, key: str = "", *, access_token: str = "") -> None:
        """Send with this key, or this token, from the next request on. Raises ValueError where it is none."""
        if self._to and self.drain:
            self._to.use(key, access_token=access_token)
            self.drain.ask_again()

    def try_now(self) -> None:
        """Try again at once what waits for a person: one has seen to it. Raises Unavailable."""
        with self.ledger.write() as tx:
            for name in (self._account, INTERCOM):
                accounts.try_now(tx, name)

    def release(self) -> None:
        """Give up what others wait for."""
        if self.drain:
            self.drain.release()

    def work_off(self) -> int:
        """Translate and deliver until nothing is due any more; how many events and profiles were sent."""
        sent = 0
        while True:
            translated = self.translator.step()
            step = self.drain.step() if self.drain else None
            sent += step.sent if step else 0
            if not translated and not (step and step.sent):
                return sent


def _room(windows: LedgerWindows, tx: Connection, queue: str) -> Room:
    """The room that the windows have for a queue."""
    is_profiles = queue == ProfileQueue.name
    alone, many = (PROFILE_IMPORT, BULK_PROFILES) if is_profiles else (EVENTS, BULK_EVENTS)
    return Room(
        windows.room(tx, f"POST {alone}"),
        windows.room_of_minute(tx, f"POST {alone}"),
        windows.room_of_minute(tx, f"POST {many}"),
    )
