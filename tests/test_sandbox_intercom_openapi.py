"""Answers held against Intercom's own description of its API, where the notes beside the repository have it.

DEVIATIONS are places where real answers are known to differ from it; each of them must be needed.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.workspace import Workspace
from tests.sandbox_intercom import Desktop, shared_workspace
from tests.support import NOW, ROOT

FILE = ROOT.parent / "shared" / "data" / "intercom-openapi" / "2.16.json"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"Intercom's OpenAPI file is not at {FILE}")

SOME = {"field": "created_at", "operator": ">", "value": 0}

DEVIATIONS: dict[str, str] = {
    # place in the schema -> why real answers are otherwise
    r"custom_attributes/[^/]+": "booleans and decimals are among the values",
    r"statistics/\w+": "null until it has happened",
    r"conversation_rating/(rating|remark)": "null while nothing is answered",
    r"sla_applied/sla_status": "null where an SLA was ever removed",
    r"(ticket/)?snoozed_until": "null for what is not snoozed",
    r"(data/\d+/)?email(_domain)?": "null for contacts without an address",
}


@cache
def specification() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8"))


def nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: nullable(value) for key, value in schema.items() if key not in ("example", "examples", "format")
    }
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if made.pop("nullable", None) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


@cache
def schemas() -> Any:
    return nullable(specification()["components"]["schemas"])


def schema_of(method: str, path: str) -> Any:
    """What the description has for a good answer of an address."""
    for pattern, methods in specification()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", pattern), path) and method.lower() in methods:
            answer = methods[method.lower()]["responses"]["200"]
            return nullable(answer["content"]["application/json"]["schema"])
    raise AssertionError(f"{method} {path} is in no description")


def faults(schema: Any, value: Any) -> Iterator[str]:
    whole = {**schema, "components": {"schemas": schemas()}}
    for error in Draft202012Validator(whole).iter_errors(value):
        yield from leaves(error)


def leaves(error: Any) -> Iterator[str]:
    """The innermost places of an error."""
    inner = [one for one in error.context or () if one.validator != "type" or one.validator_value != "null"]
    if inner:
        for one in inner:
            yield from leaves(one)
    else:
        yield "/".join(map(str, error.absolute_path))


def allowed(place: str) -> str:
    """The row of DEVIATIONS that a place falls under; empty for none."""
    return next((row for row in DEVIATIONS if re.fullmatch(f"(.*/)?{row}", place)), "")


def addresses() -> list[tuple[str, str, Any]]:
    workspace = shared_workspace()
    office = workspace.office
    people = [one for one in workspace.contacts.values() if one.is_there]
    listed = [one for one in workspace.conversations.values() if one.is_listed]
    rows: list[tuple[str, str, Any]] = [
        ("GET", "/me", None),
        ("GET", "/admins", None),
        ("GET", f"/admins/{next(iter(office.admins))}", None),
        ("GET", "/teams", None),
        ("GET", f"/teams/{next(iter(office.teams))}", None),
        ("GET", "/tags", None),
        ("GET", "/segments", None),
        ("GET", "/ticket_types", None),
        ("GET", "/ticket_states", None),
        ("GET", "/contacts", None),
        ("GET", f"/contacts/find_by_external_id/{people[0].external_id}", None),
        ("POST", "/contacts/search", {"query": SOME}),
        ("GET", "/conversations", None),
        ("POST", "/conversations/search", {"query": SOME, "pagination": {"per_page": 150}}),
        ("POST", "/tickets/search", {"query": SOME, "pagination": {"per_page": 150}}),
    ]
    for one in people:
        rows += [("GET", f"/contacts/{one.id}{more}", None) for more in ("", "/tags", "/subscriptions")]
    rows += [("GET", f"/conversations/{one.id}", None) for one in listed]
    rows += [("GET", f"/tickets/{one.id}", None) for one in workspace.tickets()]
    return rows


def kind_of(method: str, path: str) -> str:
    return f"{method} {re.sub('/[0-9a-f_]*[0-9][^/]*', '/{id}', path)}"


@cache
def deviating() -> dict[str, set[str]]:
    """Every place in which an answer differs from the description, by the kind of address."""
    desktop = Desktop()
    found: dict[str, set[str]] = {}
    for method, path, body in addresses():
        status, value, _ = desktop.ask(method, path, body)
        assert status == 200
        found.setdefault(kind_of(method, path), set()).update(faults(schema_of(method, path), value))
    return found


def test_answers_are_as_intercom_describes_them_but_for_what_is_known_to_differ() -> None:
    unknown = {kind: sorted({place for place in places if not allowed(place)})[:5]
               for kind, places in deviating().items()}  # fmt: skip
    assert {kind: places for kind, places in unknown.items() if places} == {}


def test_each_known_deviation_is_needed() -> None:
    used = {allowed(place) for places in deviating().values() for place in places}
    assert {*DEVIATIONS} - used == set()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/contacts/1", None),
        ("GET", "/admins/1", None),
        ("POST", "/contacts/search", {"query": SOME, "sort": {"order": "desc"}}),
        ("POST", "/tickets/search", {"query": {"field": "ticket_state", "operator": "=", "value": "x"}}),
    ],
)
def test_refusals_are_as_intercom_describes_them(method: str, path: str, body: Any) -> None:
    _, value, _ = Desktop().ask(method, path, body)
    assert [*faults({"$ref": "#/components/schemas/error"}, value)] == []


def test_the_description_knows_no_keys_that_answers_lack() -> None:
    """Of a contact, a conversation and a ticket: what is described is there, but for what only some have."""
    desktop = Desktop(Workspace.of(12, 12, now=NOW))
    contact = next(iter(desktop.workspace.contacts))
    Scenarios(desktop.workspace, desktop.clock).write(contact, "Hi")
    key = [*desktop.workspace.conversations][-1]
    ticket = next(iter(desktop.workspace.tickets())).id
    optional = {
        "contact": {"merge_history"},
        "conversation": {"monitor_evaluations", "scorecards"},
        "ticket": set(),
    }
    told = {
        "contact": desktop.get(f"/contacts/{contact}"),
        "conversation": desktop.get(f"/conversations/{key}"),
        "ticket": desktop.get(f"/tickets/{ticket}"),
    }
    for kind, value in told.items():
        described = {*specification()["components"]["schemas"][kind]["properties"]}
        assert described - {*value} == optional[kind]
