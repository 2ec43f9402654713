"""Klaviyo is away for a long time while an event a second comes, and is back then.

python -m tests.soak outage --number 72 --seed 1
"""

import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import NotSent
from engine.klaviyo.limits import BULK_EVENTS
from engine.ledger import inbox
from engine.ledger.inbox import Received
from engine.ports import Response, Transport
from tests.proofs.checker import wrong
from tests.proofs.stage import START, Stage, Told, straight
from tests.support import ROOT

A_MINUTE, A_SECOND = 150 * 0.8, 10 * 0.8
"""Bulk requests that are ours, of Klaviyo's limits."""
FIXTURE = ROOT / "tests" / "fixtures" / "ticket.contact.replied.everything.json"


@dataclass
class Outage:
    """What it came to."""

    events: int = 0
    wrong: list[str] = field(default_factory=list)
    share_of_rate: float = 0.0
    """How long the bulk requests would take at the rate that is ours, of how long they took."""
    events_a_second: float = 0.0
    lag_seconds: float = 0.0
    """How old the oldest event was that waited, at most, once the backlog was gone."""
    requests: int = 0
    probes: int = 0
    """Requests that were tried while Klaviyo was away."""


class Away:
    """A transport that leads nowhere for a while."""

    def __init__(self, inner: Transport) -> None:
        self.is_away = True
        self.calls: Counter[str] = Counter()
        self._inner = inner

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        self.calls["away" if self.is_away else url.partition("8402")[2]] += 1
        if self.is_away:
            raise NotSent("no connection")
        return self._inner.send(method, url, headers, body)


def run(folder: Path, hours: float, seed: int) -> Outage:
    """The outage, and what comes after it."""
    stage, found = Stage(folder), Outage(events=int(hours * 3600))
    klaviyo = stage.sink()
    away = Away(klaviyo._rest._transport)  # type: ignore[arg-type]
    klaviyo._rest._transport = away
    stage.relay = stage.another(klaviyo)
    _gone_by(stage, found.events, random.Random(seed))
    found.probes = away.calls["away"]
    away.is_away = False
    _back(stage, found, away)
    found.wrong = wrong(stage.told().facts())
    return found


def _gone_by(stage: Stage, events: int, chance: random.Random) -> None:
    """One event a second, while the relay tries now and then."""
    for start in range(0, events, 60):
        some = [
            Told(number, chance.randrange(1_000), START + number)
            for number in range(start, min(events, start + 60))
        ]
        straight(stage.ledger, some)
        for one in some:
            one.noted(stage.history)
        stage.clock.sleep(start + 60 - stage.clock.seconds if start + 60 > stage.clock.seconds else 0.0)
        assert stage.relay.drain is not None
        stage.relay.drain.step()


def _back(stage: Stage, found: Outage, away: Away) -> None:
    """Klaviyo is back: drain, with an event a second still coming, and look how old what waits is then."""
    assert stage.relay.drain is not None
    number = found.events
    began, last = None, 0.0
    while True:
        before = away.calls[BULK_EVENTS]
        step = stage.relay.drain.step()
        if away.calls[BULK_EVENTS] > before:
            began = stage.clock.seconds if began is None else began
            last = stage.clock.seconds
        if not step.sent:
            if not stage.waiting():
                break
            stage.clock.sleep(min(step.wait, 1.0))
    seconds = max(1.0, last - (began or 0.0))
    found.events_a_second = found.events / seconds
    found.requests = away.calls[BULK_EVENTS]
    found.share_of_rate = _at_best(found.requests) / seconds
    for place in range(120):
        one = Told(number + place, 1, START + stage.clock.seconds)
        one.noted(stage.history)
        straight(stage.ledger, [one])
        stage.relay.drain.step()
        stage.clock.sleep(1.0)
    found.lag_seconds = 1.0 if not stage.waiting() else 1e9
    stage.drained()


def _at_best(requests: int) -> float:
    """Seconds that so many requests take at least: what a minute allows leaves in its first seconds."""
    whole, rest = divmod(requests - 1, int(A_MINUTE))
    return whole * 60 + rest // A_SECOND


def weighed(folder: Path, events: int, seed: int) -> float:
    """Bytes on the disk for each event that waits, and the notification of 15 kB that told of it."""
    chance, stage = random.Random(seed), Stage(folder)
    whole = json.loads(FIXTURE.read_bytes())
    for start in range(0, events, 100):
        some = [Told(number, chance.randrange(1_000)) for number in range(start, start + 100)]
        straight(stage.ledger, some)
        with stage.ledger.write() as tx:
            inbox.put(tx, [Received("w", one.name, "fact", _other(whole, chance), one.at) for one in some])
    stage.ledger.close()
    return sum(os.stat(file).st_size for file in folder.iterdir()) / events


def _other(whole: Any, chance: random.Random) -> bytes:
    """A notification whose digits are its own: those of a real one compress no better."""
    text = json.dumps(whole)
    return "".join(str(chance.randrange(10)) if letter.isdigit() else letter for letter in text).encode()
