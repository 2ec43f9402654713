"""A small model of Klaviyo's rules for events and profiles, to send to: strict, and unreliable by a seed.

It keeps its own books (`stored`, `counted`) and shares nothing with the client but what goes over the wire.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import FateUnknown, NotSent
from engine.ports import Response
from tests.support import ManualClock

E164 = re.compile(r"\+[1-9]\d{6,14}")
RATES = {
    "/api/events": (350, 3500),
    "/api/event-bulk-create-jobs": (10, 150),
    "/api/profile-import": (75, 750),
}
BULK = "/data/attributes/events-bulk-create/data"


@dataclass
class Habits:
    """How often something goes wrong, and what is not known of the real service."""

    wrong: float = 0.3
    pointers: bool = True
    repeats_refused: bool = False
    """Whether a bulk request is refused for a `unique_id` that is stored already."""
    others: int = 0
    """Requests a minute that other integrations of the account send."""


@dataclass
class Klaviyo:
    """One account."""

    clock: ManualClock
    seed: int
    habits: Habits = field(default_factory=Habits)
    stored: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often each event (person, metric, unique_id) would have been recorded without their rule of one."""
    bodies: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    counted: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """Requests by endpoint and window: its length in seconds, and its number."""
    requests: int = 0
    over: int = 0
    """Requests that came although a window was full."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.phase = self.random.random() * 60
        self.paused_until = 0.0

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Answer one request, or fail."""
        path = url.partition("klaviyo.test")[2]
        self.requests += 1
        chance = self.random.random()
        if chance < self.habits.wrong * 0.2:
            raise NotSent("no connection came about")
        if self._is_full(path):
            self.over += 1
            return self._throttled()
        if chance < self.habits.wrong * 0.5:
            return self._failing(path)
        answer, store = self._judged(path, json.loads(body or b"{}"))
        if chance < self.habits.wrong * 0.6:
            raise FateUnknown("no whole answer came in time")
        for key, event in store:
            self.stored[key] += 1
            self.bodies.setdefault(key, event)
        if chance < self.habits.wrong * 0.8:
            raise FateUnknown("the connection broke before the answer was whole")
        if chance < self.habits.wrong * 0.9:
            return Response(self.random.choice((500, 502, 503, 504)), {}, b"<html>oops</html>")
        return answer

    def _is_full(self, path: str) -> bool:
        """Count the request in both fixed windows, whose phase nobody knows."""
        now = self.clock.monotonic() + self.phase
        full = False
        for length, most in zip((1, 60), RATES[path], strict=True):
            window = (path, length, int(now // length))
            self.counted[window] += 1
            others = self.habits.others if length == 60 else 0
            full = full or self.counted[window] + others > most
        return full

    def _throttled(self) -> Response:
        text = self.random.choice(
            ("", "0", "1", "12", "soon", "-5", "1e400", "Wed, 21 Oct 2015 07:28:00 GMT")
        )
        headers = {"retry-after": text} if text else {}
        return Response(429, headers, _errors("throttled", "/data/", "Request was throttled."))

    def _failing(self, path: str) -> Response:
        status = self.random.choice((429, 500, 502, 503, 504, 403, 302, 200))
        if status == 429:
            return self._throttled()
        headers = {"location": "https://elsewhere.test/"} if status == 302 else {}
        return Response(status, headers, b"<html>one moment</html>")

    def _judged(self, path: str, value: Any) -> tuple[Response, list[tuple[tuple[str, str, str], Any]]]:
        attributes = value["data"]["attributes"]
        if path == "/api/events":
            events = [("/data/attributes", attributes["profile"]["data"], attributes)]
        else:
            events = []
            for place, group in enumerate(attributes["events-bulk-create"]["data"]):
                inner = group["attributes"]
                for order, event in enumerate(inner["events"]["data"]):
                    start = f"{BULK}/{place}/attributes/events/data/{order}/attributes"
                    events.append((start, inner["profile"]["data"], event["attributes"]))
        faults = [self._fault(*event) for event in events]
        if path != "/api/events":
            assert len(events) <= 1000
            ids = [event["unique_id"] for _, _, event in events]
            faults += [("unique_id is repeated", f"{BULK}/0") for _ in range(len(ids) - len(set(ids)))]
            if self.habits.repeats_refused:
                faults += [
                    ("unique_id is repeated", f"{start}/unique_id")
                    for start, profile, event in events
                    if _key(profile, event) in self.stored
                ]
        wrong = [fault for fault in faults if fault]
        if wrong:
            told = wrong if self.random.random() < 0.5 else wrong[:1]
            return _refused(told, self.habits.pointers), []
        return Response(202), [(_key(profile, event), event) for _, profile, event in events]

    def _fault(self, start: str, profile: Any, event: Any) -> tuple[str, str] | None:
        whom = profile["attributes"]
        above = start.partition("/events/data/")[0] if "/events/data/" in start else start
        if not any(whom.get(key) for key in ("email", "phone_number", "external_id")):
            return "no identifier", f"{above}/profile/data/attributes"
        if "phone_number" in whom and not E164.fullmatch(whom["phone_number"]):
            return "Invalid phone number format", f"{above}/profile/data/attributes/phone_number"
        if "email" in whom and "@" not in whom["email"]:
            return "Invalid email address", f"{above}/profile/data/attributes/email"
        if event["properties"].get("Poison"):
            return "This is refused whatever one does", f"{start}/metric"
        if isinstance(event.get("value", 0), str):
            return "A number is expected", f"{start}/value"
        return None


def _key(profile: Any, event: Any) -> tuple[str, str, str]:
    whom = profile["attributes"]
    person = whom.get("email") or whom.get("external_id") or whom.get("phone_number")
    return person, event["metric"]["data"]["attributes"]["name"], event["unique_id"]


def _errors(code: str, pointer: str, detail: str) -> bytes:
    error = {"id": "1", "status": 400, "code": code, "title": "Invalid input.", "detail": detail}
    return json.dumps({"errors": [{**error, "source": {"pointer": pointer}}]}).encode()


def _refused(faults: list[tuple[str, str]], pointers: bool) -> Response:
    errors = [
        {"id": "1", "code": "invalid", "title": "Invalid input.", "detail": detail}
        | ({"source": {"pointer": pointer}} if pointers else {})
        for detail, pointer in faults
    ]
    return Response(400, {}, json.dumps({"errors": errors}).encode())
