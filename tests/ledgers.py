"""Ledgers with something in them: shipped mappings, fixtures, and a Klaviyo that answers as it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine import Runner, load
from engine.clock import SystemClock
from engine.errors import Rejected
from engine.events import Accepted, Answer, Request, Translation
from engine.klaviyo.request import Builder
from engine.ledger.store import Ledger
from engine.relay.relay import Relay
from tests.support import NOW, RECORDS, ROOT, ManualClock, as_line, read

DAY = 86_400.0
PLANS = load(ROOT / "mappings")


@dataclass
class Sink:
    """Builds as Klaviyo's, keeps what is delivered, and answers each request as it is told."""

    answer: Callable[[Request], Answer] = lambda request: Accepted()
    delivered: list[Request] = field(default_factory=list)
    builder: Builder = field(default_factory=Builder)

    def build(self, translation: Translation, now: datetime, *, backfill: bool | None = None) -> Any:
        return self.builder.build(translation, now, backfill=backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        self.delivered += requests
        return [self.answer(one) for one in requests]


def refusing(*metrics: str) -> Callable[[Request], Answer]:
    """Refuses the events of some metrics, and takes the rest."""

    def answer(request: Request) -> Answer:
        if metric_of(request) in metrics:
            return Rejected(
                "Klaviyo refuses it", "/data/attributes/properties", "it repeats a customer's value"
            )
        return Accepted()

    return answer


def metric_of(request: Request) -> str:
    """The metric of a request; empty for a profile."""
    found = request.body["data"]["attributes"].get("metric")
    return found["data"]["attributes"]["name"] if found else ""


class Shop:
    """A relay over a ledger in a folder, at a time that tests say."""

    def __init__(
        self, folder: Path, answer: Callable[[Request], Answer] | None = None, plans: Any = PLANS
    ) -> None:
        self.clock = ManualClock(NOW)
        self.file = folder / "ledger.db"
        self.ledger = Ledger(self.file, clock=self.clock)
        self.plans = plans
        self.sink = Sink(answer) if answer else Sink()
        self.relay = self.relay_of(plans)

    def relay_of(self, plans: Any) -> Relay:
        """A relay over the same ledger, with mappings of its own, that may deliver at once."""
        if hasattr(self, "relay"):
            self.relay.drain.release()
        machine = Runner(plans, records=RECORDS, sink=self.sink, clock=self.clock)
        return Relay(self.ledger, machine, self.sink, clock=self.clock)

    def take(self, *payloads: Any) -> None:
        """Keep fixtures, by name, or notifications, and work them off."""
        bodies = [as_line(read(one) if isinstance(one, str) else one) for one in payloads]
        self.relay.put(bodies)
        self.relay.work_off()

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.seconds += seconds

    def files(self) -> bytes:
        """Every byte of the ledger's folder."""
        return b"".join(file.read_bytes() for file in self.file.parent.iterdir() if file.is_file())

    def states(self) -> dict[str, int]:
        """How many events are in which state."""
        with self.ledger.read() as tx:
            rows = tx.exec_driver_sql("select state, count(*) from outbox group by state").all()
        return {state: number for state, number in rows}

    def sent(self, metric: str = "") -> list[Request]:
        """What was delivered, of one metric or all events."""
        return [one for one in self.sink.delivered if metric in ("", metric_of(one)) and metric_of(one)]


def stand_still(monkeypatch: Any, clock: ManualClock) -> None:
    """Let the machine's clock be another one, for commands."""
    monkeypatch.setattr(SystemClock, "now", lambda self: clock.now())
