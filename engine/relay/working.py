"""`Workers`: the threads of `serve`, which translate and deliver as soon as there is something to do."""

import threading
import time
from collections.abc import Callable
from functools import partial

from engine.errors import LedgerError
from engine.relay.draining import EVENTS, PROFILES, Step
from engine.relay.relay import Relay

SOON = 0.05
OFTEN_SECONDS = 1.0
"""How often it is seen whether something has become due, or has come in by another process."""
BEAT_SECONDS = 5.0
TICK_SECONDS = 15.0
FAILED_SECONDS = 1.0
STOP_SECONDS = 6.0

Told = Callable[[str, BaseException], None]
"""Is told what a worker was at, and what it met; nothing of a customer's may go into a log by way of it."""


class Workers:
    """Threads over one relay. *tick* is called every few seconds for what has to be looked after."""

    def __init__(self, relay: Relay, *, tick: Callable[[], None], told: Told) -> None:
        self._relay = relay
        self._told = told
        self._stopped = threading.Event()
        self._incoming = threading.Event()
        self._outgoing = {lane: threading.Event() for lane in (EVENTS, PROFILES)}
        self.broken: LedgerError | None = None
        """Why the ledger can no longer be used; None while it can."""
        self._threads = [
            threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
            for name, work in (
                ("translate", self._translate),
                ("deliver", partial(self._deliver, EVENTS)),
                ("deliver profiles", partial(self._deliver, PROFILES)),
                ("beat", self._beat),
                ("tick", lambda: self._every(TICK_SECONDS, tick)),
            )
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something has come in."""
        self._incoming.set()

    @property
    def are_alive(self) -> bool:
        """Whether all of them still work."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self, within: float = STOP_SECONDS) -> bool:
        """End after what is being done now; whether that was within the time. Nothing relies on it."""
        self._stopped.set()
        self._incoming.set()
        self._wake_senders()
        self._relay.stop()
        end = time.monotonic() + within
        begun = [thread for thread in self._threads if thread.ident is not None]
        for thread in begun:
            thread.join(max(0.0, end - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        if ended and self.broken is None:
            self._relay.release()
        return ended

    def _run(self, name: str, work: Callable[[], None]) -> None:
        """Work until stopped; what goes wrong is told, and costs a moment."""
        while not self._stopped.is_set():
            try:
                work()
            except LedgerError as error:
                self.broken = error
                self._told(name, error)
                self._stopped.wait(TICK_SECONDS)
            except Exception as error:  # Unavailable, and what nobody has thought of: the others go on
                self._told(name, error)
                self._stopped.wait(FAILED_SECONDS)

    def _translate(self) -> None:
        self._incoming.clear()
        if self._relay.translator.step():
            self._wake_senders()
        else:
            self._incoming.wait(OFTEN_SECONDS)

    def _deliver(self, lane: str) -> None:
        self._outgoing[lane].clear()
        step = self._relay.drain.step(lane, live=True) if self._relay.drain else Step(wait=OFTEN_SECONDS)
        if not step.sent:
            woken = self._stopped if step.gathers else self._outgoing[lane]
            woken.wait(min(max(step.wait, SOON), OFTEN_SECONDS))

    def _wake_senders(self) -> None:
        for woken in self._outgoing.values():
            woken.set()

    def _beat(self) -> None:
        self._every(BEAT_SECONDS, self._relay.drain.beat if self._relay.drain else lambda: None)

    def _every(self, seconds: float, work: Callable[[], None]) -> None:
        work()
        self._stopped.wait(seconds)
