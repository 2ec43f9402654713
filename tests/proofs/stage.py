"""A relay between two stand-ins, in one process and by a clock that only waiting moves on.

Facts stand for notifications where a proof is about delivery: a `Told` is a small notification that tells of
one event, and `Plain` makes its request without any spec. `journeys` has the shipped mappings instead.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from engine.errors import Unreadable
from engine.events import Notification, Request, Skipped, Translation
from engine.klaviyo.client import Klaviyo
from engine.ledger import outbox
from engine.ledger.limiter import Limiter
from engine.ledger.outbox import Event
from engine.ledger.schema import inbox as inbox_rows
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.schema import profiles as profile_rows
from engine.ledger.store import Ledger
from engine.ports import Known, Record, Response, Sink, Transport
from engine.relay.machine import Machine, Worked
from engine.relay.points import Points, nothing
from engine.relay.relay import ACCOUNT, Relay
from engine.relay.windows import LedgerWindows
from engine.sandbox.faults import Faults
from engine.sandbox.inside import Inside
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import klaviyo_app
from engine.sandbox.klaviyo.switches import Switches
from tests.proofs.history import History, note_account, note_ledger
from tests.support import NOW, ManualClock

START = NOW.timestamp()
METRIC = "Fact"


@dataclass(frozen=True)
class Told:
    """A notification that tells of one event of somebody."""

    number: int
    person: int = 0
    at: float = START
    bad: str = ""
    """`pointer` or `silent`: Klaviyo refuses it, and says where, or does not. `failing`: always 500."""
    telling: int = 0
    """Different notifications may tell of the same."""
    weight: int = 0
    """Bytes that it carries besides."""

    @property
    def name(self) -> str:
        """Of the notification."""
        return f"n{self.number}.{self.telling}"

    @property
    def unique_id(self) -> str:
        """Of the event."""
        return f"ic:w:fact:{self.number}"

    def body(self, attempt: int = 1) -> bytes:
        """As it is sent."""
        told = {
            "app_id": "w", "id": self.name, "topic": "fact", "created_at": self.at, "number": self.number,
            "person": self.person, "bad": self.bad, "delivery_attempts": attempt, "weight": "x" * self.weight,
        }  # fmt: skip
        return json.dumps(told).encode()

    def request(self) -> Request:
        """Its event's."""
        return request_of(
            {"number": self.number, "person": self.person, "bad": self.bad, "created_at": self.at}
        )

    def noted(self, history: History) -> None:
        """Write down that it was sent."""
        history.note("sent", notification=self.name, events={self.unique_id: self.at})


def request_of(told: Mapping[str, Any]) -> Request:
    """The event of a `Told`, as the engine would send it."""
    unique_id = f"ic:w:fact:{told['number']}"
    properties: dict[str, Any] = {"Number": told["number"]}
    if told.get("bad"):
        properties["Bad"] = told["bad"]
    time = datetime.fromtimestamp(told["created_at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": METRIC}}},
        "profile": {
            "data": {"type": "profile", "attributes": {"email": f"person{told['person']}@example.com"}}
        },
        "time": "soon" if told.get("bad") == "pointer" else time,
        "unique_id": unique_id,
        "properties": properties,
    }
    return Request("/api/events", {"data": {"type": "event", "attributes": attributes}}, unique_id)


class Plain:
    """A `Machine` without specs: one event of each `Told`."""

    def read(self, payload: bytes | Mapping[str, Any]) -> Notification | Skipped:
        """Open it."""
        if not isinstance(payload, bytes):
            raise Unreadable("it is no body")
        told = json.loads(payload)
        return Notification(told, told["topic"], told["app_id"], told["id"], told["created_at"])

    def work_out(
        self, notifications: Sequence[Notification | Skipped], *, every: bool, partial: bool
    ) -> tuple[list[Worked], Known]:
        """One event of each."""
        return [self._worked(one) for one in notifications], {}

    def _worked(self, one: Notification | Skipped) -> Worked:
        assert isinstance(one, Notification)
        made = translation_of(one.event)
        return Worked(one, ((None, made),))

    def learn(self, contact: Record) -> None:
        """Nothing is looked up."""

    def ticket(self, ticket_id: str) -> Mapping[str, Any] | None:
        """There are none."""
        return None


def translation_of(told: Mapping[str, Any]) -> Translation:
    """What a spec would make of a `Told`."""
    request = request_of(told)
    attributes = request.body["data"]["attributes"]
    profile = dict(attributes["profile"]["data"]["attributes"])
    time = datetime.fromtimestamp(told["created_at"], UTC).replace(microsecond=0)
    return Translation(
        METRIC, profile, dict(attributes["properties"]), time, request.unique_id, request=request
    )


class Moody:
    """A transport to a stand-in that refuses, or fails at, what its marks say."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """The stand-in's answer, or a worse one."""
        if body is not None and b'"Bad":"silent"' in body:
            return Response(400, {}, b'{"errors":[{"code":"invalid","detail":"One of them is bad."}]}')
        if body is not None and b'"Bad":"failing"' in body:
            return Response(500, {}, b"<html>a fault of ours</html>")
        return self._inner.send(method, url, headers, body)


@dataclass
class Stage:
    """All that a proof in one process needs; what is given differs from proof to proof."""

    folder: Path
    switches: Switches = field(default_factory=Switches)
    faults: Faults = field(default_factory=Faults)
    clock: ManualClock = field(default_factory=lambda: ManualClock(jitter=0.5))
    machine: Machine = field(default_factory=Plain)
    points: Points = nothing
    workers: int = 1
    rate_share: float = 0.8

    def __post_init__(self) -> None:
        self.history = History()
        self.account = Account(self.clock, switches=self.switches, faults=self.faults)
        self.ledger = Ledger(self.folder / "ledger.db", clock=self.clock)
        self.relay = self.another()

    def sink(self, ledger: Ledger | None = None) -> Klaviyo:
        """A client of the stand-in, within the windows that the ledger counts."""

        async def sleep(seconds: float) -> None:
            self.clock.sleep(seconds)

        limiter = Limiter(ledger or self.ledger, ACCOUNT)
        return Klaviyo(
            "pk_x",
            url="http://127.0.0.1:8402",
            transport=Moody(Inside(klaviyo_app(self.account, sleep=sleep))),
            clock=self.clock,
            patience_seconds=0,
            workers=self.workers,
            rate_share=self.rate_share,
            windows=LedgerWindows(limiter, self.clock, self.rate_share),
        )

    def another(self, sink: Sink | None = None, ledger: Ledger | None = None, **given: Any) -> Relay:
        """One more relay on the same ledger."""
        kept = ledger or self.ledger
        return Relay(
            kept, self.machine, sink or self.sink(kept), clock=self.clock, points=self.points,
            late_after_seconds=10 * 86_400.0, **given,
        )  # fmt: skip

    def put(self, told: Sequence[Told], attempt: int = 1) -> None:
        """Send notifications, and note that they were acknowledged."""
        for one in told:
            one.noted(self.history)
        self.relay.put([one.body(attempt) for one in told])
        for one in told:
            self.history.note("acknowledged", notification=one.name)

    def drained(self, hours: float = 24.0) -> None:
        """Work until nothing waits any more; an hour of retries is more than any proof needs by far."""
        until = self.clock.seconds + hours * 3600
        while self.clock.seconds < until:
            self.relay.work_off()
            if not self.waiting():
                return
            self.clock.sleep(1.0)
        raise AssertionError(f"{self.waiting()} rows wait after {hours} hours")

    def waiting(self) -> int:
        """Rows that are not settled."""
        open_states = ("received", "queued", "in_flight")
        with self.ledger.read() as tx:
            return sum(
                tx.scalar(select(func.count()).where(table.c.state.in_(open_states))) or 0
                for table in (inbox_rows, outbox_rows, profile_rows)
            )

    def told(self, *passed_over: str) -> History:
        """The history with the end of it."""
        note_ledger(self.history, self.ledger)
        note_account(self.history, self.account, passed_over)
        return self.history


def straight(ledger: Ledger, told: Sequence[Told]) -> None:
    """Put events into the outbox as a translator would: for proofs of a million."""
    events = [
        Event(METRIC, one.number, "queued", one.unique_id, time=one.at, request=one.request()) for one in told
    ]
    with ledger.write() as tx:
        outbox.add(tx, ACCOUNT, ledger.digest_key, events, ledger.now())


def ids_of(some: Collection[Told]) -> set[str]:
    """The unique ids of events."""
    return {one.unique_id for one in some}
