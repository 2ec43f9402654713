"""A relay to be killed: `python -m tests.proofs.victim SOCKET_FD` forks one for each order it gets.

What takes long is imported once; each relay is a process of its own, with its own ledger, opened anew. It
keeps what it is sent, answers once that is on the disk, and translates and delivers in between.
"""

import array
import json
import mmap
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from engine.klaviyo.client import Klaviyo
from engine.ledger.limiter import Limiter
from engine.ledger.store import Ledger
from engine.relay.draining import EVENTS, PROFILES
from engine.relay.points import VARIABLE, Points, from_environment
from engine.relay.relay import ACCOUNT, Relay
from engine.relay.windows import LedgerWindows
from tests.proofs.mutations import PLANTED, planted
from tests.proofs.stage import Plain
from tests.support import NOW

import_module("engine.connections")  # before the first fork: it is slow

BETWEEN_SECONDS = 20.0
"""By the relay's clock, from one to the next: a lease ends meanwhile."""


@dataclass
class Skipping:
    """A clock that goes on, and that waiting only moves: each round begins later than the last one ended."""

    skipped: float

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped)

    def sleep(self, seconds: float) -> None:
        self.skipped += seconds

    def jitter(self) -> float:
        return random.random()


class Together(Skipping):
    """One that several processes have in common: what one of them waits for has passed for all."""

    def __init__(self, file: str) -> None:
        with open(file, "r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)

    @property
    def skipped(self) -> float:  # type: ignore[override]
        return struct.unpack("d", self._shared[:8])[0]

    def sleep(self, seconds: float) -> None:
        self._shared[:8] = struct.pack("d", self.skipped + seconds)


def sleeping(point: str, wire: socket.socket) -> Points:
    """Say so and stop, as by `kill -STOP`, at a point that is named as in `FAULT_POINT`."""
    wanted, _, number = point.partition(":")
    left = Counter({wanted: int(number)})

    def at(name: str) -> None:
        left[name] -= 1
        if name == wanted and not left[name]:
            _say(wire, {"stops": True})
            os.kill(os.getpid(), signal.SIGSTOP)

    return at


def relay_of(order: dict[str, Any], wire: socket.socket) -> Relay:
    """A relay over the ledger of an order, to the stand-in at its address."""
    since = (NOW - datetime.now(UTC)).total_seconds()
    clock = Together(order["clock"]) if "clock" in order else Skipping(order["skipped"] + since)
    ledger = Ledger(order["ledger"], clock=clock)
    sink = Klaviyo(
        "pk_x", url=order["url"], clock=clock, patience_seconds=0, workers=order["workers"],
        windows=LedgerWindows(Limiter(ledger, ACCOUNT), clock, 1.0),
    )  # fmt: skip
    points = from_environment({VARIABLE: order["point"]})
    if order.get("stops"):
        points = sleeping(order["stops"], wire)
    return Relay(ledger, Plain(), sink, clock=clock, points=points, late_after_seconds=10**9)


def serve(order: dict[str, Any], wire: socket.socket) -> None:
    """Keep what comes, answer, work; say `idle` when there is nothing to do."""
    with planted(order.get("mutation", "")):
        relay = relay_of(order, wire)
        _say(wire, {"pid": os.getpid()})
        is_idle, read = False, b""
        while True:
            if b"\n" in read:
                line, _, read = read.partition(b"\n")
                _keep(relay, json.loads(line), wire)
                is_idle = False
            elif select.select([wire], [], [], None if is_idle else 0)[0]:
                some = wire.recv(1 << 20)
                if not some:
                    return
                read += some
            elif not _works(relay):
                is_idle = True
                _say(wire, {"idle": True})


def _keep(relay: Relay, put: dict[str, Any], wire: socket.socket) -> None:
    bodies = [body.encode() for body in put["bodies"]]
    if "answers early" in PLANTED:
        _say(wire, {"kept": put["names"]})
    relay.put(bodies)
    if "answers early" not in PLANTED:
        _say(wire, {"kept": put["names"]})


def _works(relay: Relay) -> bool:
    """Whether there was anything to do, as `serve` does it; waits are not waited for."""
    translated = relay.translator.step()
    assert relay.drain is not None
    steps = [relay.drain.step(lane, live=True) for lane in (EVENTS, PROFILES)]
    sent, wait = sum(step.sent for step in steps), min(step.wait for step in steps)
    if not translated and not sent and 0 < wait < 30.0:
        relay._clock.sleep(wait)
        return True
    return bool(translated or sent)


def _say(wire: socket.socket, what: dict[str, Any]) -> None:
    wire.sendall(json.dumps(what).encode() + b"\n")


def main() -> None:
    """Fork a relay for each order; its end is told to whoever has the other side of its wire."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, control, *_ = orders.recvmsg(65_536, socket.CMSG_LEN(4))
        if not message:
            return
        fds = array.array("i")
        fds.frombytes(control[0][2][:4])
        wire = socket.socket(fileno=fds[0])
        child = os.fork()
        if child == 0:
            orders.close()
            with suppress(BrokenPipeError, ConnectionResetError):
                serve(json.loads(message), wire)
            os._exit(0)
        wire.close()
        while os.WIFSTOPPED(status := os.waitpid(child, os.WUNTRACED)[1]):
            orders.send(b'{"stopped": true}')
        orders.send(json.dumps({"status": status}).encode())


if __name__ == "__main__":
    main()
