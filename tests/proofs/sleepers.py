"""A relay is stopped, as by `kill -STOP`, until its lease has ended and another one has delivered.

python -m tests.soak sleepers --number 100 --seed 1

Then it goes on, and must neither send nor settle what is the other's by now.
"""

import json
import os
import random
import signal
import socket
import struct
from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine.ledger.leases import SECONDS
from engine.ledger.schema import attempts
from engine.ledger.store import Ledger
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.switches import Switches
from tests.proofs.checker import wrong
from tests.proofs.history import History, note_account, note_ledger
from tests.proofs.kills import EXPECTED, stand_in, victims
from tests.proofs.stage import Told
from tests.support import NOW

POINTS = ("after_keep", "after_translate", "after_queue", "after_intent", "after_post", "after_settle")
"""Those at which it holds no lock of SQLite's: who stops inside of a transaction lets nobody write."""
EACH = 20
"""Sleeps over one ledger; then a new one."""


class Relay:
    """A relay that was ordered, at the other end of a wire."""

    def __init__(self, orders: socket.socket, order: dict[str, Any], history: History) -> None:
        self._orders = orders
        self._history = history
        self._wire, theirs = socket.socketpair()
        fd = array("i", [theirs.fileno()])
        orders.sendmsg([json.dumps(order).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fd)])
        theirs.close()
        self._lines = self._wire.makefile("rwb")
        self.pid = json.loads(self._lines.readline())["pid"]
        self._left = 0

    def put(self, told: Sequence[Told]) -> None:
        """Tell it of these."""
        self._left += len(told)
        for one in told:
            one.noted(self._history)
        put = {"names": [one.name for one in told], "bodies": [one.body().decode() for one in told]}
        self._lines.write(json.dumps(put).encode() + b"\n")
        self._lines.flush()

    def works(self) -> bool:
        """Until it stops, or has kept all and has nothing more to do; whether it has stopped."""
        while line := self._lines.readline():
            told = json.loads(line)
            for name in told.get("kept", ()):
                self._left -= 1
                self._history.note("acknowledged", notification=name)
            if told.get("stops"):
                return True
            if told.get("idle") and not self._left:
                return False
        raise AssertionError("it has died")

    def sleeps(self) -> bool:
        """Work until it is stopped, as it says or by us now; whether it was by itself."""
        is_by_itself = self.works()
        if not is_by_itself:
            os.kill(self.pid, signal.SIGSTOP)
        assert json.loads(self._orders.recv(1_000)) == {"stopped": True}
        return is_by_itself

    def goes_on(self) -> None:
        """Go on, and work to the end."""
        os.kill(self.pid, signal.SIGCONT)
        while self.works():
            assert json.loads(self._orders.recv(1_000)) == {"stopped": True}
            os.kill(self.pid, signal.SIGCONT)

    def ends(self) -> None:
        """Let it end."""
        self._lines.close()
        self._wire.close()
        json.loads(self._orders.recv(1_000))


def run(folder: Path, number: int, seed: int, mutation: str = "") -> tuple[Counter[str], list[str]]:
    """Let relays sleep so often; where they slept, and what went wrong."""
    chance = random.Random(seed)
    slept: Counter[str] = Counter()
    told: list[str] = []
    with victims() as first, victims() as second:
        for start in range(0, number, EACH):
            account = Account(delay_seconds=0.0, switches=Switches(bulk_repeats_refused="stored"))
            account.windows.limits = lambda endpoint: (10**6, 10**6)  # type: ignore[method-assign]
            file = folder / f"{start}.db"
            history = History()
            with stand_in(account) as url:
                _sleeps(
                    file, url, (first, second), chance, history, slept, min(EACH, number - start), mutation
                )
            ledger = Ledger(file)
            note_ledger(history, ledger)
            told += _fences(ledger)
            ledger.close()
            note_account(history, account, EXPECTED)
            told += wrong(history.facts())
    return slept, told


def _sleeps(
    file: Path,
    url: str,
    orders: tuple[socket.socket, socket.socket],
    chance: random.Random,
    history: History,
    slept: Counter[str],
    number: int,
    mutation: str,
) -> None:
    clock = file.with_suffix(".clock")
    clock.write_bytes(struct.pack("d", (NOW - datetime.now(UTC)).total_seconds()))
    names = iter(range(10**6))

    def some() -> list[Told]:
        return [Told(next(names), chance.randrange(9)) for _ in range(chance.choice((1, 3, 6, 70)))]

    for place in range(number):
        point = POINTS[place % len(POINTS)]
        order = {"ledger": str(file), "url": url, "point": "", "workers": 1, "clock": str(clock)}
        one = Relay(
            orders[0],
            {**order, "stops": f"{point}:{chance.choice((1, 1, 1, 2))}", "mutation": mutation},
            history,
        )
        one.put(some())
        slept[point if one.sleeps() else "with nothing to do"] += 1
        _pass(clock, SECONDS + 1)
        other = Relay(orders[1], order, history)
        other.put(some())
        other.works()
        one.put(some())
        one.goes_on()
        other.ends()
        one.ends()
        _pass(clock, SECONDS + 1)
    for _ in range(2):  # what is left goes, and what waits for its turn
        _pass(clock, 600.0)
        last = Relay(orders[1], order, history)
        last.put(some())
        last.works()
        last.ends()


def _pass(clock: Path, seconds: float) -> None:
    """Let time pass for all of them."""
    with clock.open("r+b") as file:
        [skipped] = struct.unpack("d", file.read(8))
        file.seek(0)
        file.write(struct.pack("d", skipped + seconds))


def _fences(ledger: Ledger) -> list[str]:
    """The numbers of who sends never fall: nobody begins to send after somebody else has."""
    with ledger.read() as tx:
        fences = [*tx.scalars(select(attempts.c.fence).order_by(attempts.c.id))]
    return [] if fences == sorted(fences) else [f"somebody sent without the lease: {fences}"]
