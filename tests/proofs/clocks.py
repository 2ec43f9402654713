"""The wall clock is set again and again, by seconds and by years: nothing is lost or given up early.

python -m tests.soak clocks --number 10000 --seed 1
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from engine.ports import Response, Transport
from engine.sandbox.faults import Faults
from tests.proofs.checker import wrong
from tests.proofs.stage import START, Stage, Told
from tests.support import ManualClock

YEAR = 365 * 86_400.0
JUMPS = (-YEAR, YEAR, -8 * 86_400.0, 8 * 86_400.0, -3_600.0, 3_600.0, -61.0, 61.0, -20.0, 20.0, -0.5, 0.5)
"""A broken battery, a wrong year, a zone taken for UTC, and the steps of a time server."""
CHANCES = {"error-before": 0.15, "error-after": 0.05, "dropped": 0.05, "throttled": 0.05}


@dataclass
class Jumping(ManualClock):
    """A clock whose wall part is set; what waits must not see it."""

    jump: float = 0.0

    def __init__(self) -> None:
        super().__init__(jitter=0.5)
        self.jump = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.jump)


@dataclass
class Mid:
    """A transport on whose way the clock is sometimes set: while an answer is waited for."""

    inner: Transport
    clock: Jumping
    chance: random.Random
    often: float = 0.1
    jumps: int = field(default=0)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        if self.chance.random() < self.often:
            set_again(self.clock, self.chance)
            self.jumps += 1
        return self.inner.send(method, url, headers, body)


def set_again(clock: Jumping, chance: random.Random) -> None:
    """Set the wall clock; never further off than two years, in which certificates would end."""
    jump = clock.jump + chance.choice(JUMPS)
    clock.jump = jump if abs(jump) < 2 * YEAR else 0.0


def run(folder: Path, jumps: int, seed: int) -> list[str]:
    """Events come while the clock is set so often; what is wrong in the end."""
    chance, clock = random.Random(seed), Jumping()
    stage = Stage(folder, faults=Faults(seed, CHANCES), clock=clock)
    # The stand-in judges times by a clock of its own, which is right.
    stage.account.clock = ManualClock()
    stage.account.windows._clock = clock
    number = done = 0
    while done < jumps:
        for _ in range(chance.randrange(2, 8)):
            set_again(clock, chance)
            done += 1
        some = [Told(number + place, chance.randrange(7), START - number % 1000) for place in range(3)]
        number += len(some)
        stage.put(some)
        stage.relay.work_off()
        clock.sleep(chance.random() * 30)
    stage.drained()
    return wrong(stage.told("throttled", "not-stored", "flow-for-backfill").facts())
