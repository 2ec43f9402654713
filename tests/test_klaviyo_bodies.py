"""Every body that can leave, held against Klaviyo's own specification: unknown keys are refused."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings

from engine import Translation
from engine.events import Request
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, EVENTS, PROFILE_IMPORT
from engine.ports import Response
from tests.support import NAMED, Call, ManualClock, Wire, as_history, json_answer, read, runner
from tests.test_klaviyo_schemas import BODIES, OPENAPI, inlined, strict

needs_openapi = pytest.mark.skipif(
    not OPENAPI.exists(), reason="Klaviyo's specification is not at hand: bodies are held against nothing"
)


@cache
def validator(path: str) -> Any:
    """What Klaviyo's specification takes in a POST to a path."""
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    content = document["paths"][path]["post"]["requestBody"]["content"]
    schema = inlined(content["application/vnd.api+json"]["schema"], document)
    return jsonschema_rs.Draft202012Validator(strict(schema))


def assert_valid(call: Call) -> None:
    """A request body as the specification has it."""
    path = call.url.removeprefix("https://a.klaviyo.com")
    faults = [f"{path} {error.instance_path}" for error in validator(path).iter_errors(call.json())]
    assert faults == []


def taken(call: Call) -> Response:
    """Everything is taken, and every job has ended."""
    if call.method == "GET":
        return json_answer(200, {"data": {"attributes": {"status": "complete", "failed_count": 0}}})
    return json_answer(200 if call.url.endswith(PROFILE_IMPORT) else 202, {"data": {"id": "job"}})


def sent(requests: list[Request], *, bulk: bool) -> list[Call]:
    """What leaves for these requests."""
    wire = Wire(taken)
    Klaviyo("pk_x", transport=wire, clock=ManualClock(), workers=1).deliver(requests, bulk=bulk)
    return [call for call in wire.calls if call.method == "POST"]


def made(payload: Any, every: bool = False) -> list[Request]:
    """The requests that come of a notification."""
    results = runner().translate(payload, every=every)
    return [one.request for one in results if isinstance(one, Translation) and one.request]


@needs_openapi
@pytest.mark.parametrize("name", NAMED)
def test_what_comes_of_a_fixture_is_valid_one_by_one_and_in_bulk(name: str) -> None:
    notification = read(name)
    payloads = [notification]
    if isinstance(notification.get("data", {}).get("item"), dict) and not notification.get("history"):
        payloads.append(as_history(notification))
    requests = [request for payload in payloads for request in made(payload, every=True)]
    for bulk in (False, True):
        for call in sent(requests, bulk=bulk):
            assert_valid(call)


@needs_openapi
def test_all_fixtures_together_fill_both_bulk_endpoints() -> None:
    requests = [request for name in NAMED for request in made(read(name), every=True)]
    calls = sent(requests, bulk=True)
    assert {call.url.removeprefix("https://a.klaviyo.com") for call in calls} == {BULK_EVENTS, BULK_PROFILES}
    for call in calls:
        assert_valid(call)


@needs_openapi
@settings(max_examples=60, deadline=None)
@given(event=BODIES["event"], profile=BODIES["profile"])
def test_whatever_our_schemas_take_is_valid_in_bulk_too(event: Any, profile: Any) -> None:
    requests = [
        Request(EVENTS, event, event["data"]["attributes"]["unique_id"]),
        Request(PROFILE_IMPORT, profile),
    ]
    for bulk in (False, True):
        for call in sent(requests, bulk=bulk):
            assert_valid(call)


@needs_openapi
def test_the_meta_of_a_profile_is_valid_where_this_revision_has_it() -> None:
    profile = {
        "type": "profile",
        "attributes": {"email": "a@example.com"},
        "meta": {"patch_properties": {"unset": "Old"}},
    }
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Created Ticket"}}},
        "profile": {"data": profile}, "properties": {}, "time": "2026-11-20T10:15:30Z", "unique_id": "ic:1",
    }  # fmt: skip
    request = Request(EVENTS, {"data": {"type": "event", "attributes": attributes}}, "ic:1")
    for bulk in (False, True):
        [call] = sent([request], bulk=bulk)
        assert_valid(call)


@needs_openapi
def test_a_question_about_counts_is_valid() -> None:
    answer = {"data": {"attributes": {"dates": [], "data": []}}}
    wire = Wire(lambda _: json_answer(200, answer))
    client = Klaviyo("pk_x", transport=wire, clock=ManualClock())
    client.metric_aggregates("UMTLbD", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert_valid(wire.calls[0])


@needs_openapi
def test_a_key_that_klaviyo_does_not_know_would_be_seen() -> None:
    request = made(read("ticket.created"))[0]
    request.body["data"]["attributes"]["colour"] = "red"
    with pytest.raises(AssertionError):
        assert_valid(sent([request], bulk=True)[0])
