"""What webhooks wait for: one thread that keeps all that has come meanwhile, in one transaction."""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import EngineError, Unavailable
from engine.ledger.inbox import Received
from engine.relay.courtesy import Courtesy

SECONDS = 4.0
"""Who waits longer is told to come again: Intercom itself waits for five."""
MOST, MOST_BYTES = 2_000, 64 * 1024 * 1024
"""What may wait; more is refused at once."""
MOST_TOGETHER, MOST_BYTES_TOGETHER = 256, 8 * 1024 * 1024
"""What is kept in one transaction."""

Told = asyncio.Future[str]
"""Why a notification was not kept; nothing where it is on the disk."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    received: Received
    told: Told


class Intake:
    """Keeps notifications together, so that one flush to the disk serves all who wait for it.

    *keep* takes those that have come, such as `Relay.keep`; it is called by one thread, and what it raises
    fails them all. *on_kept* is called after each time; it must neither wait nor raise. *has_room* says
    whether the disk has a reserve left. While somebody waits, *courtesy* is entered.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Received]], object],
        *,
        on_kept: Callable[[], object] = lambda: None,
        has_room: Callable[[], bool] = lambda: True,
        courtesy: Courtesy | None = None,
        seconds: float = SECONDS,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._keep = keep
        self._on_kept = on_kept
        self._has_room = has_room
        self._courtesy = courtesy or Courtesy()
        self._seconds = seconds
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_stopping = False
        self._writer = threading.Thread(target=self._run, name="intake", daemon=True)
        self.trouble = ""
        """Why the last ones could not be kept; nothing where they were."""

    @property
    def depth(self) -> int:
        """How many wait and are not yet being written."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    async def keep(self, received: Received) -> None:
        """Wait until it is on the disk. Raises Unavailable: then it may come there later, or never."""
        told: Told = asyncio.get_running_loop().create_future()
        with self._courtesy:
            self._take_in(_Waiting(received, told))
            try:
                async with asyncio.timeout(self._seconds):
                    reason = await told
            except TimeoutError:
                raise Unavailable("the ledger takes too long") from None
        if reason:
            raise Unavailable(reason)

    def stop(self, seconds: float = 10.0) -> bool:
        """Write what waits, and take nothing more; whether all was settled in that time."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._writer.ident is not None:
            self._writer.join(seconds)
        with self._changed:
            left = [*self._waiting]
            self._waiting.clear()
        _tell(left, "the relay is stopping")
        return not left and not self._writer.is_alive()

    def _take_in(self, one: _Waiting) -> None:
        with self._changed:
            if self._is_stopping:
                raise Unavailable("the relay is stopping")
            size = len(one.received.raw)
            if len(self._waiting) >= self._most or self._bytes + size > self._most_bytes:
                raise Unavailable("too many notifications wait for the ledger")
            self._waiting.append(one)
            self._bytes += size
            self._changed.notify()

    def _run(self) -> None:
        while together := self._next():
            self.trouble = self._try_to_keep(together)
            _tell(together, self.trouble)
            if not self.trouble:
                self._on_kept()

    def _next(self) -> list[_Waiting]:
        """What is written together now; nothing once all is written and no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            together: list[_Waiting] = []
            size = 0
            while self._waiting and len(together) < MOST_TOGETHER:
                size += len(self._waiting[0].received.raw)
                if together and size > MOST_BYTES_TOGETHER:
                    break
                together.append(self._waiting.popleft())
            self._bytes -= sum(len(one.received.raw) for one in together)
            return together

    def _try_to_keep(self, together: Sequence[_Waiting]) -> str:
        """Keep them, or say why they are not kept."""
        try:
            if not self._has_room():
                return "the disk of the ledger has no reserve left"
            self._keep([one.received for one in together])
        except EngineError as error:
            return str(error)
        except Exception as error:
            # The writer must live on: whoever waits is told, and `trouble` shows it.
            return f"the ledger failed ({type(error).__name__})"
        return ""


def _tell(some: Sequence[_Waiting], reason: str) -> None:
    """Tell those who wait, each in its own event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Told]] = defaultdict(list)
    for one in some:
        by_loop[one.told.get_loop()].append(one.told)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, told, reason)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            continue


def _settle(told: Sequence[Told], reason: str) -> None:
    for one in told:
        if not one.done():
            one.set_result(reason)
