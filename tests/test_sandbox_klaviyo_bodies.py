"""The stand-in's verdict on bodies: as strict as Klaviyo's specification, and the rest by Klaviyo's rules."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sandbox.klaviyo.bodies import RULES, Rules, verdict
from engine.sandbox.klaviyo.filters import ALLOWED
from engine.sandbox.klaviyo.front import ELSEWHERE, ENDPOINTS
from engine.sandbox.klaviyo.json_text import value_of
from engine.sandbox.klaviyo.problems import Problem, Refusal
from engine.sandbox.klaviyo.queries import FIELDS_ELSEWHERE, INCLUDES_ELSEWHERE
from engine.sandbox.klaviyo.queries import RULES as QUERY_RULES
from engine.sandbox.klaviyo.switches import Switches
from engine.sandbox.klaviyo.windows import LIMITS
from tests.support import NOW
from tests.test_klaviyo_schemas import BODIES, DROP, OPENAPI, inlined, neighbours, put, steps, strict

DATA = Path(__file__).parent / "klaviyo_bodies"
TAKEN = [json.loads(line) for line in (DATA / "taken.ndjson").read_text("utf-8").splitlines()]
ROWS = yaml.safe_load((DATA / "wrong.yaml").read_text("utf-8"))
SAMPLES = {row["to"]: row["body"] for row in reversed(TAKEN)}
needs_openapi = pytest.mark.skipif(
    not OPENAPI.exists(),
    reason="Klaviyo's specification is not at hand: nothing is held against it",
)


def judged(endpoint: str, body: Any, revision: str = "2026-07-15", **switches: Any) -> list[Problem]:
    size = len(json.dumps(body, ensure_ascii=False).encode())
    return verdict(endpoint, body, Rules(NOW, revision, Switches(**switches)), size)


def large(order: dict[str, Any], body: Any) -> Any:
    """A value too long to write down."""
    [(kind, size)] = order.items()
    if kind in ("text", "wide"):
        return ("x" if kind == "text" else "\u00e9") * size
    if kind == "list":
        return [0] * size
    if kind == "object":
        return {f"k{place}": place for place in range(size)}
    if kind == "bytes":
        return {f"k{place}": "x" * 99_000 for place in range(size // 99_000 + 1)}
    if kind == "first":
        for step in steps(size):
            body = body[int(step)] if isinstance(body, list) else body[step]
        return body
    if kind == "profiles":
        return [
            {"type": "profile", "attributes": {"email": f"p{place}@example.com"}} for place in range(size)
        ]
    if kind == "events":
        first = body["data"]["attributes"]["events-bulk-create"]["data"][0]["attributes"]["events"]["data"][0]
        own = first["attributes"]
        return [{**first, "attributes": {**own, "unique_id": f"u{place}"}} for place in range(size)]
    assert kind == "deep"
    value: Any = 1
    for place in range(size):
        value = [value] if place % 2 else {"a": value}
    return value


def changed(row: dict[str, Any]) -> Any:
    body = SAMPLES[row["to"]]
    value = DROP if row.get("drop") else large(row["make"], body) if "make" in row else row["put"]
    path = [int(step) if step.isdigit() else step for step in steps(row["at"])]
    before = path[:-1]
    for place in range(1, len(before) + 1):
        holder = body
        for step in before[:place]:
            holder = holder[step] if isinstance(holder, list) or step in holder else None
        if holder is None:
            body = put(body, before[:place], {})
    return put(body, path, value)


def label(row: dict[str, Any]) -> str:
    what = "drop" if row.get("drop") else row.get("make", row.get("put"))
    return ascii(f"{row['to']} {row['at']} {str(what)[:30]} {row.get('revision', '')}")


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row["to"])
def test_a_documented_body_is_taken(row: dict[str, Any]) -> None:
    assert judged(row["to"], row["body"]) == []


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_wrong_body_is_refused_in_klaviyos_words(row: dict[str, Any]) -> None:
    told = judged(row["to"], changed(row), str(row.get("revision", "2026-07-15")))
    if row.get("right"):
        assert told == []
        return
    wanted = (
        row.get("status", 400),
        row.get("code", "invalid"),
        row.get("pointer", row["at"]),
        row["detail"],
    )
    shown = [one.rendered("1") for one in told]
    assert wanted in [(one["status"], one["code"], one["source"]["pointer"], one["detail"]) for one in shown]
    assert {one.title for one in told} <= {"Invalid input.", "Not in the sandbox."}


def test_there_are_enough_wrong_bodies_and_every_endpoint_has_some() -> None:
    wrong = [row for row in ROWS if not row.get("right")]
    assert len(wrong) >= 60
    assert {row["to"] for row in wrong} == set(RULES)


def test_several_faults_are_told_at_once() -> None:
    body = put(SAMPLES["POST /api/events"], ["data", "attributes", "colour"], "red")
    body = put(body, ["data", "attributes", "profile", "data", "attributes", "email"], "x")
    body = put(body, ["data", "attributes", "value"], "5")
    assert {one.pointer.rpartition("/")[2] for one in judged("POST /api/events", body)} == {
        "colour", "email", "value",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[" * 100_000, b'{"a":NaN}', b'{"a":1e999}', b'{"a":-Infinity}', b'"\\ud800"', b"\xff\xfe",
     b'{"\\udfff":1}', b'"\xed\xa0\x80"', b"[" * 300 + b"]" * 300, b"1" * 5000, "\ufeff{}".encode()],
)  # fmt: skip
def test_what_cannot_be_stored_is_no_payload(raw: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        value_of(raw)
    [problem] = caught.value.problems
    assert (problem.status, problem.pointer) == (400, "/data")
    assert problem.detail == "The payload provided in the request is invalid."


def test_what_customers_write_is_kept_byte_for_byte() -> None:
    texts = ["\u0000", "\u202e", "e\u0301", "\U0001f600", "<b>&amp;</b>", "  ", "\r\n", "1e5"]
    assert value_of(json.dumps(texts).encode()) == texts
    assert value_of(json.dumps(texts, ensure_ascii=False).encode()) == texts


# Klaviyo's specification as a judge

BEYOND = {
    "The name of a metric must have": "`name`: less than 128 characters; an empty one names nothing",
    "An event may not have more than 400": "`properties`: must not exceed 400",
    "A string may not be larger than 100 KB.": "each string cannot be larger than 100 KB",
    "An array may not have more than 4,000": "the page on the limits of the events API",
    "Properties may not be nested": "the same page",
    "Invalid datetime.": "`time` has the format date-time",
    "The time must be after the year": "`time`: after 1990 (2000 before this revision)",
    "The time can only be up to 1 year": "`time`: up to 1 year in the future",
    "Not a valid ISO 4217": "`value_currency`: an ISO 4217 code",
    "At least one profile identifier": "the descriptions: at least one profile identifier",
    "Invalid email address": "seen in answers",
    "Invalid phone number format": "seen in answers",
    "The payload may not be larger": "the descriptions: 5 MB, 100 KB for a profile",
    "A profile may not be larger": "100 KB for each profile",
    "A request may not have more than 1,000": "up to 1,000 events per request",
    "A request may not have more than 10,000": "up to 10,000 profiles per request",
    "The unique_id is repeated": "`unique_id` of a bulk request: the request will fail",
    "Only a simple value": "`append`: a simple value or values",
    "Exactly one of id": "one of the identifiers; several are an error",
    "At least one measurement": "nothing to measure gives no rows",
    "Invalid cursor.": "no cursor was given",
    "The sandbox does not stand in": "said instead of done wrongly",
}
"""What the verdict refuses although the schemas take it, and why."""


@cache
def theirs(endpoint: str) -> Any:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    method, _, path = endpoint.partition(" ")
    content = document["paths"][path][method.lower()]["requestBody"]["content"]
    schema = inlined(content["application/vnd.api+json"]["schema"], document)
    return jsonschema_rs.Draft202012Validator(strict(schema))


def is_beyond(problem: Problem) -> bool:
    return any(problem.detail.startswith(start) for start in BEYOND)


def compare(endpoint: str, body: Any) -> None:
    told = judged(endpoint, body)
    if theirs(endpoint).is_valid(body):
        assert [one for one in told if not is_beyond(one)] == [], body
    else:
        assert told, body


@needs_openapi
@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row["to"])
def test_every_body_one_change_away_is_judged_as_the_specification_judges_it(row: dict[str, Any]) -> None:
    keys = [
        "anonymous_id",
        "_kx",
        "id",
        "meta",
        "service",
        "links",
        "colour",
        "backfill",
        "email",
        "location",
    ]
    values = [None, "", "x", 0, 1.5, True, [], ["x"], {}, {"x": None}, {"unset": 5}, [[]], "a@b.co"]
    for key in keys:
        for value in values:
            for neighbour in neighbours(row["body"], key, value):
                compare(row["to"], neighbour)


BUILT = {"POST /api/events": BODIES["event"], "POST /api/profile-import": BODIES["profile"]}


@needs_openapi
@pytest.mark.parametrize("endpoint", BUILT)
def test_generated_bodies_are_judged_as_the_specification_judges_them(endpoint: str) -> None:
    keys, values = (
        st.sampled_from(["meta", "id", "x", "unset", "append"]),
        st.sampled_from([None, 5, "x", {}, []]),
    )

    @settings(max_examples=15, derandomize=True, deadline=None)
    @given(BUILT[endpoint], keys, values)
    def holds(body: Any, key: str, value: Any) -> None:
        compare(endpoint, body)
        for neighbour in neighbours(body, key, value):
            compare(endpoint, neighbour)

    holds()


@needs_openapi
def test_everything_in_the_specification_is_served_or_said_to_be_missing() -> None:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    known = {f"{method.upper()} {path}" for path, row in document["paths"].items() for method in row}
    assert set(ENDPOINTS) <= known
    assert {path.split("/")[2] for path in document["paths"] if path.startswith("/api/")} <= ELSEWHERE


@needs_openapi
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_limits_scopes_and_queries_are_those_of_the_specification(endpoint: str) -> None:
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    method, _, path = endpoint.partition(" ")
    operation = document["paths"][path][method.lower()]
    rate, limits = operation["x-klaviyo-ratelimit"], LIMITS[endpoint]
    assert (rate["burst"], rate["steady"]) == (f"{limits.a_second}/s", f"{limits.a_minute}/m")
    assert sorted(operation["x-klaviyo-scopes"]) == sorted(limits.scopes)
    given = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    parameters = {one["name"]: one["schema"] for one in given}
    rule = QUERY_RULES.get(endpoint)
    if rule is None:
        assert parameters == {}
        return
    for name, values in rule.lists.items():
        enum = {one for one in parameters.pop(name)["items"]["enum"] if "subscriptions." not in one}
        extra = {one for one in values if one.startswith(("subscriptions", "predictive_analytics"))}
        assert enum - extra == set(values) - extra
    for name in [name for name in parameters if name.startswith("fields[")]:
        assert name in FIELDS_ELSEWHERE
        parameters.pop(name)
    if "page[size]" in parameters:
        size = parameters.pop("page[size]")
        assert (size["default"], size["maximum"]) == (rule.pages, rule.largest)
    if rule.sorts:
        listed = {one for one in parameters.pop("sort")["enum"] if "subscriptions" not in one}
        assert listed == {sign + one for one in rule.sorts for sign in ("", "-")}
    if rule.has_filter:
        parameters.pop("filter")
        told = operation["x-klaviyo-filters"]
        table = {
            field: {one for group in row["operators"].values() for one in group}
            for field, row in told.items()
            if not field.startswith("subscriptions")
        }
        assert table == {field: set(operators) for field, operators in ALLOWED[endpoint].items()}
    if rule.include:
        assert set(rule.include) <= set(parameters["include"]["items"]["enum"])
    includes = parameters.get("include", {"items": {"enum": []}})["items"]["enum"]
    assert set(includes) - set(rule.include) <= INCLUDES_ELSEWHERE
    assert set(parameters) <= {"include", "page[cursor]"}
    assert ("page[cursor]" in parameters) == bool(rule.pages)
