"""The books of the stand-in and the independent look at them; fuzz: nothing that is sent breaks it."""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.sandbox.books import Books, read
from engine.sandbox.klaviyo.checker import CODES, Finding, findings
from engine.sandbox.klaviyo.front import ENDPOINTS
from tests.support import ManualClock
from tests.test_klaviyo_schemas import BODIES
from tests.test_sandbox_klaviyo_app import Stand, bulk, event
from tests.test_sandbox_klaviyo_bodies import SAMPLES


def codes(stand: Stand) -> list[str]:
    found: list[Finding] = findings(stand.account.books.entries())
    assert {one.code for one in found} <= set(CODES)
    return [one.code for one in found]


def test_books_only_grow_and_survive_in_a_file(tmp_path: Path) -> None:
    books = Books(ManualClock(), tmp_path / "books.ndjson")
    assert books.note("arrived", body="\u0000\udcff\u2028 \u00e9") == 1
    assert books.note("answered", arrival=1) == 2
    [first, _] = books.entries()
    first["kind"] = "changed"
    assert [one["kind"] for one in books.entries()] == ["arrived", "answered"]
    with (tmp_path / "books.ndjson").open("a") as file:
        file.write('{"number": 3, "ki')
    assert list(read(tmp_path / "books.ndjson")) == list(books.entries())
    assert [one["number"] for one in books.entries(after=1)] == [2]


def test_no_key_is_in_the_books() -> None:
    stand = Stand(keys={"pk_secret": frozenset()})
    stand.ask("POST /api/events", event(), authorization="Klaviyo-API-Key pk_secret")
    assert "pk_secret" not in json.dumps(list(stand.account.books.entries()))


def test_a_good_run_has_no_findings() -> None:
    stand = Stand()
    for number in range(20):
        stand.ask("POST /api/events", event(number, backfill=number % 2 == 0))
        stand.clock.seconds += 0.1
    stand.ask("POST /api/events", event(3))
    stand.ask("POST /api/events", event(unique_id=..., time=...))
    stand.ask("POST /api/event-bulk-create-jobs", bulk(event(30, backfill=True), event(31), group=...))
    stand.ask("POST /api/events", event(value="5"))
    stand.account.flush()
    assert codes(stand) == []


def test_an_accepted_event_may_wait_as_long_as_the_delay() -> None:
    stand = Stand(delay_seconds=5.0)
    stand.ask("POST /api/events", event())
    assert codes(stand) == []
    stand.clock.seconds += 6
    stand.ask("GET /api/accounts")
    assert codes(stand) == []
    stand.account._waiting.clear()
    stand.ask("POST /api/events", event(2))
    stand.account._waiting.clear()
    stand.clock.seconds += 6
    stand.ask("GET /api/events")
    assert codes(stand) == ["not-stored"]


def test_a_full_window_is_told() -> None:
    stand = Stand(divisor=3500)
    for number in range(3):
        stand.ask("POST /api/events", event(number))
    assert codes(stand) == ["throttled", "throttled"]


def lying(entries: list[dict[str, Any]], lie: str) -> list[dict[str, Any]]:
    """The books of a stand-in with a bug."""
    stored = next(one for one in entries if one["kind"] == "stored")
    if lie == "twice":
        return [*entries, {**stored, "number": 99, "event": "other"}]
    if lie == "not-stored":
        return [one for one in entries if one["kind"] not in ("stored", "flow")]
    if lie == "flow-for-backfill":
        past = [one for one in entries if one["kind"] == "stored"][1]
        return [*entries, {**past, "number": 99, "kind": "flow"}]
    if lie == "no-flow":
        return [one for one in entries if one["kind"] != "flow"]
    if lie == "never-came":
        return [*entries, {**stored, "number": 99, "unique_id": "nobody's", "event": "x"}]
    assert lie == "over-limit"
    [opened] = [one for one in entries if one["kind"] == "opened"]
    return [{**opened, "divisor": 3500} if one is opened else one for one in entries]


@pytest.mark.parametrize("lie", [code for code in CODES if code != "throttled"])
def test_each_broken_promise_is_found(lie: str) -> None:
    stand = Stand()
    stand.send(event(1), event(2, backfill=True))
    assert codes(stand) == []
    found = {one.code for one in findings(lying(list(stand.account.books.entries()), lie))}
    assert lie in found
    assert found <= {lie, "no-flow", "not-stored"}


def test_many_threads_at_once_lose_and_repeat_nothing() -> None:
    stand = Stand(divisor=7)  # 50 a second, and the clock stands still
    statuses: list[int] = []

    def send(lane: int) -> None:
        for number in range(30):
            body = event(number, whom={"email": f"p{lane % 3}@example.com"})
            statuses.append(stand.ask("POST /api/events", body).status)

    threads = [threading.Thread(target=send, args=(lane,)) for lane in range(6)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(before)
    stand.account.flush()
    assert sorted(statuses) == [202] * 50 + [429] * 130
    assert set(codes(stand)) == {"throttled"}
    kinds = [one["kind"] for one in stand.account.books.entries()]
    inside = [kind for kind in kinds if kind in ("arrived", "answered")]
    assert inside == ["arrived", "answered"] * 180, "one request after the other"


# Fuzz

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WRITES = sorted(endpoint for endpoint in ENDPOINTS if not endpoint.startswith("GET"))
READS = sorted(endpoint for endpoint in ENDPOINTS if endpoint.startswith("GET"))
PARTS = st.sampled_from(
    ["equals(", "any(", "and(", "has(", "greater-than(", ")", "[", "]", ",", '"', "'", "\\", "email",
     "datetime", "metric_id", "timestamp", "2026-11-01T00:00:00Z", "0000-00-00T00:00:00Z", "1e9",
     "9999-12-31T23:59:59-23:59",
     "-1", " ", "\u0000", "\u202e", "X", "profile", "status"],
)  # fmt: skip


def put(body: Any, path: list[int], value: Any) -> Any:
    """A copy with another value somewhere: *path* chooses among the children at each level."""
    if not path or not isinstance(body, (dict, list)) or not body:
        return value
    step, *rest = path
    if isinstance(body, list):
        place = step % len(body)
        return [put(one, rest, value) if at == place else one for at, one in enumerate(body)]
    key = list(body)[step % len(body)]
    return {name: put(one, rest, value) if name == key else one for name, one in body.items()}


def whole(stand: Stand, what: str, raw: bytes | None, query: Any = None) -> int:
    what = what.replace("{id}", "X").replace("{job_id}", "X")
    answer = stand.ask(what, raw, query=query)
    assert answer.status < 500 or answer.status == 501
    if answer.body:
        json.loads(answer.body)
    stand.account.flush()
    return answer.status


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WRITES), st.lists(st.integers(0, 9), max_size=12), JSON)
@example("POST /api/events", [0, 1, 1, 0], {"email": "\ud800"})
def test_no_body_breaks_it(what: str, path: list[int], value: Any) -> None:
    stand = Stand()
    body = put(SAMPLES[what], path, value)
    whole(stand, what, json.dumps(body).encode())
    for read_back in ("GET /api/events", "GET /api/profiles", "GET /api/metrics"):
        assert whole(stand, read_back, None) == 200


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WRITES), st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_no_bytes_break_it(what: str, raw: bytes) -> None:
    assert whole(Stand(), what, raw) in (400, 404)


QUERIES = st.dictionaries(
    st.sampled_from(["filter", "sort", "page[size]", "page[cursor]", "include", "fields[event]", "x"])
    | st.text(max_size=5),
    st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=8),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(READS), QUERIES)
def test_no_query_breaks_it(what: str, query: dict[str, str]) -> None:
    stand = Stand()
    stand.send(event(1), event(2))
    try:
        whole(stand, what, None, {key: value for key, value in query.items()})
    except UnicodeEncodeError:
        return  # half of a character: it cannot be written into an address


@settings(max_examples=60, deadline=None)
@given(BODIES["event"], BODIES["profile"])
def test_what_our_schemas_let_through_is_taken_and_comes_back_as_it_was(first: Any, second: Any) -> None:
    stand = Stand(delay_seconds=0)
    assert stand.ask("POST /api/events", first).status in (202, 400)
    assert stand.ask("POST /api/profile-import", second).status in (200, 201, 409)
    stand.account.flush()
    for one in stand.value("GET /api/events")["data"]:
        assert one["attributes"]["event_properties"] == first["data"]["attributes"]["properties"]
    assert codes(stand) == []
