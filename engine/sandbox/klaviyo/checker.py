"""An independent look at the books of a stand-in for Klaviyo: did what was promised come to pass?

It reads the entries alone and shares no code with what wrote them but Klaviyo's figures: bodies are opened
again, requests counted again, and what is stored is compared with what was accepted.
"""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.klaviyo.limits import ENDPOINTS
from engine.sandbox.books import Entry

SINGLE = "POST /api/events"
BULK = "POST /api/event-bulk-create-jobs"
_SETTLING_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be. `code` is one of `CODES`, `number` an entry of the books."""

    code: str
    text: str
    number: int = 0


CODES = {
    "over-limit": "more requests were served in a window than Klaviyo allows",
    "throttled": "a request came although its window was full",
    "twice": "an event is recorded twice",
    "flow-for-backfill": "a flow was started for an event of the past",
    "no-flow": "an event of now started no flow",
    "not-stored": "an event was accepted and is not stored",
    "never-came": "something is stored that nobody sent",
}


@dataclass(frozen=True, slots=True)
class _Sent:
    """One event inside of a request, as it was sent."""

    arrival: int
    metric: str
    unique_id: str
    people: frozenset[tuple[str, str]]
    is_past: bool | None
    """Whether it is a backfill; None where the event and its group say different things."""
    time: str | None


def findings(entries: Iterable[Entry]) -> list[Finding]:
    """All that is wrong, in the order of the books' numbers."""
    books = list(entries)
    by_kind: dict[str, list[Entry]] = defaultdict(list)
    for entry in books:
        by_kind[entry["kind"]].append(entry)
    answered = {entry["arrival"]: entry for entry in by_kind["answered"]}
    sent = [one for entry in by_kind["arrived"] for one in _events(entry)]
    found = [
        *_windows(by_kind, answered),
        *_repetitions(by_kind["stored"]),
        *_flows(by_kind, sent),
        *_fates(by_kind, sent, answered, books),
    ]
    return sorted(found, key=lambda one: one.number)


def _events(entry: Entry) -> Iterator[_Sent]:
    """The events of a request; none where its body is no good one."""
    request = entry["request"].rstrip("/")
    try:
        raw = entry["body"].encode("utf-8", "surrogateescape")
        body = json.loads(gzip.decompress(raw) if entry.get("encoding") == "gzip" else raw)
        attributes = body["data"]["attributes"]
        if request == SINGLE:
            is_past = bool(attributes.get("backfill"))
            yield _one(entry["number"], attributes["profile"]["data"], attributes, is_past)
        elif request == BULK:
            for group in attributes["events-bulk-create"]["data"]:
                inner = group["attributes"]
                for event in inner["events"]["data"]:
                    own = event["attributes"]
                    flags = {own.get("backfill"), inner.get("backfill")} - {None}
                    past = None if len(flags) > 1 else True in flags
                    yield _one(entry["number"], inner["profile"]["data"], own, past)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, RecursionError):
        return


def _one(number: int, profile: Any, event: Any, is_past: bool | None) -> _Sent:
    named = {**(profile.get("attributes") or {}), "id": profile.get("id")}
    names = ("id", "email", "phone_number", "external_id", "anonymous_id", "_kx")
    people = frozenset((name, named[name]) for name in names if named.get(name))
    metric = event["metric"]["data"]["attributes"]["name"]
    return _Sent(number, metric, event.get("unique_id") or "", people, is_past, event.get("time"))


def _windows(by_kind: dict[str, list[Entry]], answered: dict[int, Entry]) -> Iterator[Finding]:
    opened = by_kind["opened"][0] if by_kind["opened"] else {"divisor": 1, "phase": 0}
    arrived = {entry["number"]: entry["seconds"] for entry in by_kind["arrived"]}
    counts: Counter[tuple[str, str, int, int]] = Counter()
    for number, answer in sorted(answered.items()):
        endpoint = answer["endpoint"]
        limits = ENDPOINTS.get(endpoint)
        if limits is None or answer["status"] in (401, 403, 404, 405, 501):
            continue
        if answer["status"] == 429:
            if not answer["fault"]:
                yield Finding("throttled", f"{endpoint}: the window was full", number)
            continue
        for length, most in ((1, limits.a_second), (60, limits.a_minute)):
            window = int((arrived[number] + opened["phase"]) // length)
            key = (endpoint, answer["quota"], length, window)
            counts[key] += 1
            if counts[key] > max(1, int(most / opened["divisor"])):
                yield Finding("over-limit", f"{endpoint}: request {counts[key]} of {length} s", number)


def _repetitions(stored: list[Entry]) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], int] = {}
    for entry in stored:
        second = str(int(datetime.fromisoformat(entry["time"]).timestamp()))
        key = (entry["profile"], entry["metric"], entry["unique_id"] or second)
        if key in seen:
            yield Finding("twice", f"{entry['metric']}: as entry {seen[key]}", entry["number"])
        seen.setdefault(key, entry["number"])


def _flows(by_kind: dict[str, list[Entry]], sent: list[_Sent]) -> Iterator[Finding]:
    past: dict[tuple[int, str, str], set[bool | None]] = defaultdict(set)
    for one in sent:
        past[one.arrival, one.metric, one.unique_id].add(one.is_past)
    started = {entry["event"] for entry in by_kind["flow"]}
    for entry in by_kind["flow"]:
        if past[entry["arrival"], entry["metric"], entry["unique_id"] or ""] == {True}:
            yield Finding("flow-for-backfill", f"{entry['metric']}: a flow was started", entry["number"])
    for entry in by_kind["stored"]:
        told = past[entry["arrival"], entry["metric"], entry["unique_id"] or ""]
        if told == {False} and entry["event"] not in started:
            yield Finding("no-flow", f"{entry['metric']}: no flow was started", entry["number"])


def _fates(
    by_kind: dict[str, list[Entry]], sent: list[_Sent], answered: dict[int, Entry], books: list[Entry]
) -> Iterator[Finding]:
    """Each accepted event is stored, or was stored before; nothing is stored that never came."""
    opened = by_kind["opened"][0] if by_kind["opened"] else {"delay_seconds": 0}
    flushed = max((entry["number"] for entry in by_kind["flushed"]), default=0)
    latest = books[-1]["seconds"] if books else 0.0
    known: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in by_kind["stored"] + by_kind["repeated"]:
        known[entry["metric"], entry["unique_id"] or ""].append(entry)
    for one in sent:
        answer = answered.get(one.arrival)
        if answer is None or answer["status"] != 202 or answer["lost"]:
            continue
        due = answer["seconds"] + opened["delay_seconds"] + _SETTLING_SECONDS
        if flushed < answer["number"] and latest <= due:
            continue
        if not any(_is_of(entry, one) for entry in known[one.metric, one.unique_id]):
            yield Finding("not-stored", f"{one.metric}: accepted, and not stored", one.arrival)
    came = {(one.arrival, one.metric, one.unique_id) for one in sent}
    for entry in by_kind["stored"]:
        if (entry["arrival"], entry["metric"], entry["unique_id"] or "") not in came:
            yield Finding("never-came", f"{entry['metric']}: nobody sent it", entry["number"])


def _is_of(entry: Entry, one: _Sent) -> bool:
    if entry["arrival"] != one.arrival or not set(entry["person"].items()) & one.people:
        return False
    if one.unique_id or entry["kind"] == "repeated" or not one.time:
        return True
    told = datetime.fromisoformat(one.time.upper().replace("Z", "+00:00"))
    aware = told if told.tzinfo else told.replace(tzinfo=UTC)
    return aware.replace(microsecond=0) == datetime.fromisoformat(entry["time"])
