"""A relay is killed again and again, at every named point and at any moment; nothing is lost or doubled.

python -m tests.soak kills --number 1000 --seed 1
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from engine.ledger.store import Ledger
from engine.relay.points import POINTS
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import klaviyo_app
from engine.sandbox.klaviyo.switches import Switches
from tests.proofs.history import History, note_account, note_ledger
from tests.proofs.stage import Told
from tests.support import ROOT

NAMED = [name for name in POINTS if name != "mid_purge"]
EACH = 50
"""Kills of one ledger; then a new one."""
LONGEST_SECONDS = 0.06
"""Until a kill at any moment."""
EXPECTED = ("over-limit", "throttled", "no-flow", "flow-for-backfill")
"""The stand-in's clock is not the relay's here: limits are proven elsewhere."""


@dataclass
class Killing:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    history: History = field(default_factory=History)


@contextmanager
def stand_in(account: Account) -> Iterator[str]:
    """A Klaviyo on a port of this machine; its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(klaviyo_app(account), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def victims() -> Iterator[socket.socket]:
    """The process that forks relays; orders go over its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.proofs.victim", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, cwd=ROOT)
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.wait(20)


class Rounds:
    """One ledger, whose relay dies again and again."""

    def __init__(
        self,
        orders: socket.socket,
        url: str,
        file: Path,
        chance: random.Random,
        mutation: str = "",
        points: Sequence[str] = NAMED,
        drops: float = 0.0,
    ) -> None:
        self._points = points
        self._drops = drops
        self.killing = Killing()
        self._orders = orders
        self._url = url
        self._file = file
        self._chance = chance
        self._mutation = mutation
        self._number = 0
        self._round = 0
        self._how = ""
        self._again: list[Told] = []
        """What was not answered for, and comes once more; and what was, and comes all the same."""

    def run(self, kills: int) -> None:
        """Kill so often, and then let it work to the end."""
        for _ in range(kills):
            named = self._chance.random() < 0.6 or len(self._points) == 1
            point = f"{self._chance.choice(self._points)}:{self._chance.randrange(1, 4)}" if named else ""
            self._one(point, None if named else self._chance.random() * LONGEST_SECONDS)
        for _ in range(2):
            self._one("", None, new=0)

    def _one(self, point: str, seconds: float | None, new: int | None = None) -> None:
        """A round: some notifications, and a death at a point, after some time, or once all is done."""
        order = {
            "ledger": str(self._file),
            "url": self._url,
            "point": point,
            "workers": self._chance.choice((1, 4)),
            "skipped": self._round * 60.0,
            "mutation": self._mutation,
        }
        self._round += 1
        wire, theirs = socket.socketpair()
        fd = array("i", [theirs.fileno()])
        self._orders.sendmsg([json.dumps(order).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fd)])
        theirs.close()
        with wire:
            self._driven(wire, point, seconds, new)
        json.loads(self._orders.recv(1_000))

    def _driven(self, wire: socket.socket, point: str, seconds: float | None, new: int | None) -> None:
        lines = wire.makefile("rwb")
        first = lines.readline()
        if not first:
            return
        pid = json.loads(first)["pid"]
        timer = threading.Timer(seconds, _kill, [pid]) if seconds is not None else None
        if timer:
            timer.start()
        told = self._some(new)
        waiting = {one.name: one for one in told}
        with suppress(BrokenPipeError, ConnectionResetError):
            self._put(lines, told)
            self._read(lines, waiting)
        _kill(pid)
        if timer:
            timer.cancel()
            timer.join()
        self.killing.kills[self._how or point.partition(":")[0] or "at random"] += 1
        self._again = [one for one in waiting.values() if self._chance.random() >= self._drops]
        self._again += [one for one in told if self._chance.random() < 0.1 * (1 - self._drops)]

    def _some(self, new: int | None) -> list[Told]:
        """New notifications, and those that come again."""
        count = self._chance.choice((1, 1, 3, 3, 6, 70)) if new is None else new
        found = self._again + [
            Told(self._number + place, self._chance.randrange(9)) for place in range(count)
        ]
        self._number += count
        return list({one.name: one for one in found}.values())

    def _put(self, lines: Any, told: list[Told]) -> None:
        """Send them, in a few parts."""
        for one in told:
            one.noted(self.killing.history)
        size = self._chance.choice((1, 7, 100)) if len(told) < 20 else 40
        for start in range(0, len(told), size):
            some = told[start : start + size]
            put = {"names": [one.name for one in some], "bodies": [one.body().decode() for one in some]}
            lines.write(json.dumps(put).encode() + b"\n")
        lines.flush()

    def _read(self, lines: Any, waiting: dict[str, Told]) -> None:
        """Read answers until it dies, or has nothing to do any more."""
        self._how = ""
        while line := lines.readline():
            told = json.loads(line)
            for name in told.get("kept", ()):
                waiting.pop(name, None)
                self.killing.history.note("acknowledged", notification=name)
            if told.get("idle") and not waiting:
                self._how = "with nothing to do"
                return


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def run(
    folder: Path,
    kills: int,
    seed: int,
    mutation: str = "",
    *,
    points: Sequence[str] = NAMED,
    drops: float = 0.0,
) -> list[Killing]:
    """Kill relays on several ledgers, and tell of each what happened.

    They die at one of *points*, or at any moment. *drops* is how often what was not answered never
    comes again.
    """
    chance = random.Random(seed)
    done = []
    with victims() as orders:
        for number in range(0, kills, EACH):
            strict = chance.random() < 0.5
            account = Account(
                delay_seconds=0.0, switches=Switches(bulk_repeats_refused="stored" if strict else "request")
            )
            account.windows.limits = lambda endpoint: (10**6, 10**6)  # type: ignore[method-assign]
            file = folder / f"{number}.db"
            with stand_in(account) as url:
                rounds = Rounds(orders, url, file, chance, mutation, points, drops)
                rounds.run(min(EACH, kills - number))
            ledger = Ledger(file)
            note_ledger(rounds.killing.history, ledger)
            ledger.close()
            note_account(rounds.killing.history, account, EXPECTED)
            done.append(rounds.killing)
    return done
