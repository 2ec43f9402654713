"""One account of the stand-in: what it has stored, and what it has taken and not yet processed.

Klaviyo answers 202 and processes a little later; so does this, after `delay_seconds` of its clock. `settle`
does what is due, `flush` all of it. Nothing here knows of HTTP.
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.clock import SystemClock
from engine.ports import Timer
from engine.sandbox.books import Books
from engine.sandbox.faults import Faults
from engine.sandbox.klaviyo.bodies import Rules, moment_of, profile_in_job
from engine.sandbox.klaviyo.people import People
from engine.sandbox.klaviyo.problems import Refusal
from engine.sandbox.klaviyo.switches import Switches
from engine.sandbox.klaviyo.windows import Windows

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"


@dataclass(slots=True)
class Metric:
    """A metric: one name of one integration."""

    id: str
    name: str
    integration: str
    created: datetime


@dataclass(slots=True)
class Event:
    """An event that is stored. `time` is UTC, to the second."""

    id: str
    uuid: str
    profile_id: str
    metric: Metric
    time: datetime
    unique_id: str
    properties: dict[str, Any]
    value: float | None
    backfill: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """An event that was taken: its own attributes, and the profile's resource."""

    arrival: int
    attributes: Mapping[str, Any]
    profile: Mapping[str, Any]
    backfill: bool
    received: datetime
    integration: str


@dataclass(slots=True)
class Job:
    """A bulk import of profiles."""

    id: str
    profiles: list[dict[str, Any]]
    created: datetime
    lists: tuple[str, ...] = ()
    """Lists that were named: they are kept with the job, and nobody is put into them."""
    started: datetime | None = None
    ended: datetime | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """As Klaviyo names it."""
        return "complete" if self.ended else "processing" if self.started else "queued"


class Account:
    """An account. *keys* holds the scopes of each key or token; None takes every one for everything.

    *organization* and *is_test* are told by `GET /api/accounts`. Everything is done under `lock`.
    """

    def __init__(
        self,
        clock: Timer | None = None,
        *,
        switches: Switches | None = None,
        delay_seconds: float = 1.0,
        keys: Mapping[str, frozenset[str]] | None = None,
        organization: str = "Example Shop",
        is_test: bool = True,
        divisor: float = 1.0,
        seed: int = 0,
        faults: Faults | None = None,
        books: Books | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.switches = switches or Switches()
        self.delay_seconds = delay_seconds
        self.keys = keys
        self.organization = organization
        self.is_test = is_test
        self.lock = threading.RLock()
        self.books = books or Books(self.clock)
        self.faults = faults or Faults(seed)
        self.windows = Windows(self.clock, divisor=divisor, refused_counts=self.switches.refused_counts)
        self.people = People(self.switches)
        self.metrics: dict[str, Metric] = {}
        self.events: dict[str, Event] = {}
        self.jobs: dict[str, Job] = {}
        self.flow_triggers: list[dict[str, Any]] = []
        self._known: dict[tuple[str, str, str], str] = {}
        self._waiting: list[tuple[float, Callable[[], None]]] = []
        self._random = random.Random(seed)
        self.books.note("opened", divisor=divisor, phase=self.windows.phase, delay_seconds=delay_seconds)

    def rules(self, revision: str) -> Rules:
        """By what bodies are judged now."""
        return Rules(self.clock.now(), revision, self.switches)

    def settle(self) -> int:
        """Process what is due; how much waits still."""
        with self.lock:
            now = self.clock.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                self._waiting.pop(0)[1]()
            return len(self._waiting)

    def flush(self) -> None:
        """Process all that waits, due or not."""
        with self.lock:
            while self._waiting:
                self._waiting.pop(0)[1]()
            self.books.note("flushed")

    def later(self, work: Callable[[], None], share: float = 1.0) -> None:
        """Do something after a share of the delay, behind what is due before it."""
        due = self.clock.monotonic() + self.delay_seconds * share
        self._waiting.append((due, work))
        self._waiting.sort(key=lambda one: one[0])

    def new_id(self, length: int = 6, start: str = "") -> str:
        """An id that was not given before, all but certainly."""
        return start + "".join(self._random.choices(LETTERS, k=length))

    def new_uuid(self) -> str:
        """A random UUID of version 4."""
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def take(self, submissions: list[Submission]) -> None:
        """Take events that were judged good; they are stored later."""
        with self.lock:
            self.later(lambda: self._store_all(submissions))

    def stored_unique_ids(self, profile: Mapping[str, Any], metric: str, unique_id: str, by: str) -> bool:
        """Whether an event is stored under this `unique_id` already."""
        found = self.people.named(profile.get("attributes") or {}, profile.get("id"))
        named = self._metric_id(by, metric)
        return bool(found and named and (found[0].id, named, unique_id) in self._known)

    def start_job(self, profiles: list[dict[str, Any]], lists: tuple[str, ...] = ()) -> Job:
        """Take a bulk import."""
        with self.lock:
            job = Job(self.new_id(26, "01"), profiles, self.clock.now(), lists)
            self.jobs[job.id] = job
            self.later(lambda: setattr(job, "started", self.clock.now()), 0.5)
            self.later(lambda: self._run(job))
            return job

    def told_events(self) -> list[dict[str, Any]]:
        """All that is stored, in the order of its time; `profile` is what it is known by."""
        with self.lock:
            people = self.people.by_id
            return [
                {
                    "time": one.time.isoformat(),
                    "metric": one.metric.name,
                    "profile": people[one.profile_id].known if one.profile_id in people else "",
                    "unique_id": one.unique_id,
                    "value": one.value,
                    "backfill": one.backfill,
                    "properties": one.properties,
                }
                for one in sorted(self.events.values(), key=lambda one: one.time)
            ]

    def forget(self, wanted: Mapping[str, Any], id_: str | None) -> None:
        """Take a deletion: the profile goes, and what its events told."""
        with self.lock:
            self.later(lambda: self._forget(wanted, id_))

    def _store_all(self, submissions: list[Submission]) -> None:
        for one in submissions:
            self._store(one)

    def _store(self, one: Submission) -> None:
        name, unique_id = (
            one.attributes["metric"]["data"]["attributes"]["name"],
            one.attributes.get("unique_id"),
        )
        attributes = one.profile.get("attributes") or {}
        told = {
            "arrival": one.arrival,
            "metric": name,
            "unique_id": unique_id,
            "person": _identifiers(one.profile),
        }
        known_by = [
            key
            for key in ("email", "phone_number", "external_id", "anonymous_id", "_kx")
            if attributes.get(key)
        ]
        if (
            self.switches.phone_only == "dropped"
            and known_by == ["phone_number"]
            and not one.profile.get("id")
        ):
            self.books.note("dropped", reason="known by a phone number alone", **told)
            return
        person = self.people.of_event(self.new_id(24, "01"), one.profile, one.received)
        metric = self._metric(one)
        time = moment_of(one.attributes.get("time") or "") or one.received.replace(microsecond=0)
        key = (person.id, metric.id, unique_id or str(int(time.timestamp())))
        if key in self._known:
            self.books.note("repeated", of=self._known[key], **told)
            return
        event = Event(
            self.new_id(11), self.new_uuid(), person.id, metric, time, key[2],
            dict(one.attributes["properties"]), one.attributes.get("value"), one.backfill,
        )  # fmt: skip
        self.events[event.id] = event
        self._known[key] = event.id
        person.last_event = max(person.last_event or time, time)
        self.books.note(
            "stored", event=event.id, profile=person.id, time=time.isoformat(), dedupe=key[2], **told
        )
        if not one.backfill:
            self.flow_triggers.append({"event": event.id, "metric": name, "profile": person.id})
            self.books.note("flow", event=event.id, **told)

    def _metric_id(self, integration: str, name: str) -> str:
        found = (
            one.id for one in self.metrics.values() if (one.integration, one.name) == (integration, name)
        )
        return next(found, "")

    def _metric(self, one: Submission) -> Metric:
        attributes = one.attributes["metric"]["data"]["attributes"]
        service = attributes.get("service")
        # A key's `service` names an integration of its own; under OAuth it is ignored.
        integration = (
            service if service and service != "api" and one.integration == "API" else one.integration
        )
        found = self._metric_id(integration, attributes["name"])
        if not found:
            found = self.new_id()
            self.metrics[found] = Metric(found, attributes["name"], integration, one.received)
        return self.metrics[found]

    def _run(self, job: Job) -> None:
        for place, data in enumerate(job.profiles):
            at = f"/data/attributes/profiles/data/{place}"
            now = self.clock.now()
            try:
                wrong = list(profile_in_job(data, at, Rules(now, switches=self.switches)))
                if wrong:
                    raise Refusal(*wrong)
                self.people.upsert(self.new_id(24, "01"), data, now)
            except Refusal as refusal:
                for one in refusal.problems:
                    pointer = one.pointer.replace("/data/attributes", f"{at}/attributes", 1)
                    source = {"pointer": one.pointer if one.pointer.startswith(at) else pointer}
                    told = {"code": one.code, "title": one.title, "detail": one.detail, "source": source}
                    payload = data.get("attributes")
                    job.errors.append({"place": place, **told, "original_payload": payload})
        job.ended = self.clock.now()

    def _forget(self, wanted: Mapping[str, Any], id_: str | None) -> None:
        for profile in self.people.named(wanted, id_):
            self.people.remove(profile)
            for event in self.events.values():
                if event.profile_id == profile.id:
                    event.profile_id, event.properties, event.value = "", {}, None
            self._known = {key: event for key, event in self._known.items() if key[0] != profile.id}
            self.books.note("forgotten", profile=profile.id)


def _identifiers(profile: Mapping[str, Any]) -> dict[str, Any]:
    attributes = profile.get("attributes") or {}
    named = {
        key: attributes.get(key) for key in ("email", "phone_number", "external_id", "anonymous_id", "_kx")
    }
    return {key: value for key, value in {"id": profile.get("id"), **named}.items() if value}
