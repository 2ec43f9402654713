"""The tables of payloads: as Intercom documents them, as its payloads are, and as the mappings read them."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import load
from engine.events import Notification
from engine.intercom.records import PLURALS, read_records
from engine.intercom.webhook import read_body
from engine.language.catalogue import KEYS, KINDS, TOPICS, kind_of
from engine.language.conditions import Condition
from engine.language.expressions import Expression
from engine.language.payloads import (
    CONTAINERS,
    SCALARS,
    TABLES,
    Shape,
    keys_of,
    lines_of,
    notification_of,
    paths_of,
    shape_of,
)
from engine.language.payloads.notification import ITEMS
from engine.language.spec import Spec
from engine.ports import TABLES as RECORDS
from tests.support import FIXTURES, ROOT
from tests.support import RECORDS as RECORDS_FILE

OPENAPI = ROOT.parent / "shared" / "data" / "intercom-openapi" / "2.16.json"
UNKNOWN = "unknown"
LONGEST_HELP = 70

# The tables themselves


@pytest.mark.parametrize("table", list(TABLES))
def test_each_line_of_a_table_has_a_path_of_its_own_a_known_type_and_a_short_meaning(table: str) -> None:
    lines = list(lines_of(table))
    paths = [path for path, *_ in lines]
    assert len(paths) == len(set(paths))
    for path, kind, meaning, values in lines:
        assert re.fullmatch(r"[a-z_]\w*(\[\])?(\.[a-z_]\w*(\[\])?)*", path), path
        assert kind in (*SCALARS, *CONTAINERS, "any") or kind in TABLES, path
        assert 0 < len(meaning) <= LONGEST_HELP, f"{path}: {meaning}"
        assert not meaning.endswith("."), path
        assert not values or kind == "text", path
        known = [value.strip() for value in values.split(",")] if values else []
        assert all(known), path
        assert len(known) == len(set(known)), path
        assert "..." not in known[:-1], path


@pytest.mark.parametrize("table", list(TABLES))
def test_what_has_keys_is_an_object_and_what_has_elements_a_list(table: str) -> None:
    for path, shape in paths_of(shape_of(table)):
        assert bool(shape.element) == (shape.type == "list"), path
        assert not shape.keys or shape.type in ("object", "map"), path
        assert shape.type != "object" or shape.keys, path
        assert shape.help or path.endswith("[]") or shape.keys, path


def test_every_table_is_in_use() -> None:
    inner = {kind for table in TABLES for _, kind, _, _ in lines_of(table)}
    items = {table for tables in ITEMS.values() for table in tables.split()}
    assert set(TABLES) - inner - items - set(KINDS) - set(RECORDS) == {"notification"}
    assert items - set(TABLES) == {UNKNOWN}


def test_every_table_of_look_ups_is_described() -> None:
    assert [table for table in RECORDS if not shape_of(table).keys] == []


@pytest.mark.parametrize("topic", [topic for topics in TOPICS.values() for topic in sorted(topics)])
def test_every_topic_has_an_item_that_is_described_or_that_is_said_to_be_unknown(topic: str) -> None:
    item = notification_of(topic, kind_of(topic)).keys["data"].keys["item"]
    assert item.type == ("any" if ITEMS.get(topic) == UNKNOWN else "object")
    assert item.is_known == bool(item.keys)


def test_topics_with_items_of_their_own_are_topics() -> None:
    assert set(ITEMS) <= {topic for topics in TOPICS.values() for topic in topics}


def test_the_keys_that_names_must_not_hide_are_those_of_the_objects() -> None:
    assert {kind: frozenset(shape_of(kind).keys) for kind in KINDS} == KEYS
    assert all(keys_of(table) == set(shape_of(table).keys) for table in TABLES)
    assert {"company", "ticket", "statistics"} <= KEYS["conversation"]
    assert "ticket_part" not in KEYS["ticket"]
    assert "merged_from" not in KEYS["contact"]


# What Intercom documents: its specification of API 2.16

PAIRS = {
    "conversation": "conversation", "ticket": "ticket", "contact": "contact", "admin": "admin",
    "team": "team", "tag": "tag_basic", "applied_tag": "tag", "company": "company",
    "part": "conversation_part", "ticket_part": "ticket_part", "ticket_type": "ticket_type",
    "ticket_type_attribute": "ticket_type_attribute", "subscription_type": "subscription_type",
}  # fmt: skip

LEFT_OUT = {
    "monitor_evaluations": "REST alone, and only where a query parameter asks for it",
    "scorecards": "REST alone, and only where a query parameter asks for it",
    "merge_history": "REST alone, and only where a query parameter asks for it",
    "teammates.teammates": "specs see the list as teammates.admins",
    "ticket_type_attributes.ticket_type_attributes": "specs see the list as ticket_type_attributes.data",
}
"""Ends of documented paths that the tables leave out, with all below them."""

UNDOCUMENTED = {
    "teammates.admins": "what the list is called in payloads, and what specs see",
    "ticket_type_attributes.data": "what the list is called in payloads, and what specs see",
    "conversation.topics": "in every notification of a conversation; documented for API 2.0",
    "conversation.ticket": "in every notification of a conversation",
    "source.author.from_ai_agent": "API 2.14 and 2.15",
    "source.author.is_ai_answer": "API 2.14 and 2.15",
    "contacts[].role": "in notifications of ticket.closed, API 2.14",
    "conversation_rating.contact.role": "comes with the table of contacts that are only referred to",
    "ticket_attributes._default_title_": "named in the description of the map",
    "ticket_attributes._default_description_": "named in the description of the map",
    "ticket.ticket_state_internal_label": "API 2.9 to 2.11",
    "ticket.ticket_state_external_label": "API 2.9 to 2.11",
    "ticket.company_id": "seen in notifications",
    "ticket.channel": "seen in notifications",
    "ticket_type.is_internal": "seen in notifications",
    "contact.formatted_phone": "API 2.11 and Preview",
    "contact.opted_out_subscription_types": "in every contact, with those that it opted out of",
    "contact.opted_in_subscription_types": "seen in notifications",
    "contact.unsubscribed_from_sms": "seen in notifications",
    "contact.sms_consent": "seen in notifications",
    "contact.enabled_push_messaging": "seen in notifications",
    "contact.utm_campaign": "seen in notifications",
    "contact.utm_content": "seen in notifications",
    "contact.utm_medium": "seen in notifications",
    "contact.utm_source": "seen in notifications",
    "contact.utm_term": "seen in notifications",
    "contact.referrer": "seen in notifications",
    "location.country_code": "seen in notifications",
    "location.continent_code": "seen in notifications",
    "contact.tags.type": "seen in notifications",
    "contact.notes.type": "seen in notifications",
    "contact.companies.type": "seen in notifications",
    "social_profiles.type": "seen in notifications",
}
"""Ends of paths that are in the tables and not in the specification, with all below them, and why."""

OTHERWISE = {
    "input_options": "an object of which no key is documented",
}
"""Ends of paths whose type differs from the documented one, and why."""

MORE_VALUES = {
    "conversation.priority": {"priority", "not_priority"},  # up to API 2.15
}
"""Closed values that the specification of 2.16 no longer has."""


def documentation() -> dict[str, Any]:
    path = Path(os.environ.get("INTERCOM_OPENAPI", OPENAPI))
    if not path.is_file():
        pytest.skip(
            f"Intercom's specification is not beside this repository: {path} is no file. Nothing held our "
            "tables against it; INTERCOM_OPENAPI may name a copy of API 2.16, as JSON"
        )
    schemas: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
    return schemas


def documented(schemas: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Every path below a schema, with its own schema."""
    return dict(_below(schemas, {"$ref": name}, name, ()))


def _below(
    schemas: dict[str, Any], schema: dict[str, Any], path: str, above: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        assert name not in above, "a schema that is inside itself"
        above, schema = (*above, name), schemas[name]
    if above[1:] or "." in path:
        yield path, schema
    for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from ((inner, one) for inner, one in _below(schemas, alternative, path, above) if inner != path)
    for key, child in schema.get("properties", {}).items():
        yield from _below(schemas, child, f"{path}.{key}", above)
    if "items" in schema:
        yield from _below(schemas, schema["items"], f"{path}[]", above)


def reason(path: str, reasons: dict[str, str]) -> str:
    """The entry that speaks of a path, or of something that it lies in."""
    places = [path[: at.start()] for at in re.finditer(r"\.|\[|$", path)]
    return next((end for end in reasons if any(f".{place}".endswith(f".{end}") for place in places)), "")


def types_of(path: str, schema: dict[str, Any]) -> tuple[str, ...]:
    """The types of a table that say what a schema says."""
    kind = schema.get("type", "")
    if "oneOf" in schema and kind != "object":
        return ("any", "object")
    if kind == "integer":
        is_time = schema.get("format") in ("date-time", "timestamp") or path.endswith("_at")
        return ("time",) if is_time else ("integer",)
    if kind == "object":
        return ("object",) if "properties" in schema or "oneOf" in schema else ("map", "object")
    return {"string": ("text",), "array": ("list",), "": ("object",)}.get(kind, (kind,))


def described(table: str) -> dict[str, Shape]:
    """Every path of a table, starting with the name of its schema."""
    return {f"{PAIRS[table]}.{path}": shape for path, shape in paths_of(shape_of(table))}


@pytest.mark.parametrize("table", list(PAIRS))
def test_a_table_has_every_path_that_intercom_documents_and_says_why_it_has_others(table: str) -> None:
    theirs, ours = documented(documentation(), PAIRS[table]), described(table)
    anything = {path: "" for path, shape in ours.items() if shape.type == "any"}
    lacking = [path for path in theirs if path not in ours and not reason(path, LEFT_OUT | anything)]
    assert lacking == []
    assert [path for path in ours if path not in theirs and not reason(path, UNDOCUMENTED)] == []


@pytest.mark.parametrize("table", list(PAIRS))
def test_a_path_has_the_type_and_the_values_that_intercom_documents(table: str) -> None:
    theirs, ours = documented(documentation(), PAIRS[table]), described(table)
    for path in sorted(set(theirs) & set(ours)):
        schema, shape = theirs[path], ours[path]
        assert shape.type in types_of(path, schema) or reason(path, OTHERWISE), f"{path}: {shape.type}"
        values = {value for value in schema.get("enum", ()) if value is not None}
        assert values <= set(shape.values), path
        if values and not shape.is_open:
            assert set(shape.values) - values <= MORE_VALUES.get(path, set()), path
        if len(shape.values) == 1 and not shape.is_open:
            assert schema.get("example", shape.values[0]) == shape.values[0], path


def test_no_reason_is_given_for_what_is_not_so() -> None:
    schemas = documentation()
    theirs = {path for name in PAIRS.values() for path in documented(schemas, name)}
    ours = {path for table in PAIRS for path in described(table)}
    for reasons, paths in (
        (LEFT_OUT, theirs - ours),
        (UNDOCUMENTED, ours - theirs),
        (OTHERWISE, ours & theirs),
    ):
        assert [end for end in reasons if not any(reason(path, {end: ""}) for path in paths)] == []


# What payloads are


def misfits(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """The places of a value that are not as the shape says. Null may stand anywhere."""
    if value is None or shape.type in ("any", "map"):
        return
    kinds: dict[str, Any] = {
        "text": str, "integer": int, "time": int, "number": (int, float), "boolean": bool, "object": dict,
        "list": list,
    }  # fmt: skip
    if not isinstance(value, kinds[shape.type]) or isinstance(value, bool) != (shape.type == "boolean"):
        yield f"{path}: {type(value).__name__} where {shape.type} is expected"
    elif shape.values and not shape.is_open and value not in shape.values:
        yield f"{path}: {value!r} is none of its values"
    elif isinstance(value, dict):
        for key, child in value.items():
            inner = f"{path}.{key}".removeprefix(".")
            yield from misfits(child, shape.keys[key], inner) if key in shape.keys else [f"{inner}: unknown"]
    elif isinstance(value, list) and shape.element:
        for child in value:
            yield from misfits(child, shape.element, f"{path}[]")


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, id=str(file.relative_to(FIXTURES))) for file in sorted(FIXTURES.rglob("*.json"))],
)
def test_every_value_of_a_fixture_lies_where_the_tables_say_and_is_what_they_say(file: Path) -> None:
    opened = read_body(file.read_bytes())
    assert isinstance(opened, Notification)
    kind = opened.event["data"]["item"]["type"] if opened.history else kind_of(opened.topic)
    assert list(misfits(opened.event, notification_of(opened.topic, kind))) == []


@pytest.mark.parametrize("table", RECORDS)
def test_every_value_of_the_records_is_what_the_tables_say(table: str) -> None:
    root = json.loads(json.dumps(read_records(RECORDS_FILE)._tables[table]))
    assert root, f"no {PLURALS[table]} to look at"
    assert [found for record in root.values() for found in misfits(record, shape_of(table))] == []


def test_a_value_that_is_not_as_the_tables_say_is_found() -> None:
    shape = shape_of("conversation")
    wrong = {
        "open": 1, "read": "true", "state": "lost", "created_at": "2026-08-31", "colour": "red",
        "tags": {"tags": [{"name": 5}, "vip"]}, "custom_attributes": {"any": ["thing"]}, "title": None,
    }  # fmt: skip
    assert sorted(text.split(":")[0] for text in misfits(wrong, shape)) == sorted(
        ["open", "read", "state", "created_at", "colour", "tags.tags[].name", "tags.tags[]"]
    )


# What the mappings read

PLAIN_PATH = re.compile(r'(?:[a-z_]\w*|"[^"]+")(?:\[\])?(?:\.(?:[a-z_]\w*|"[^"]+")(?:\[\])?)*')


def plain_paths(spec: Spec) -> Iterator[str]:
    """The paths of a spec that only step from key to key."""
    values = [name.value for name in spec.names]
    values += [value for value in (spec.time, spec.unique_id, spec.value) if value]
    values += [line.value for line in (*spec.profile, *spec.properties)]
    conditions: list[Condition] = list(spec.conditions)
    values += [condition.path for condition in conditions if not condition.is_true]
    for value in values:
        if isinstance(value.source, Expression) and PLAIN_PATH.fullmatch(value.source.text):
            yield value.source.text


def is_there(path: str, shape: Shape) -> bool:
    for step in path.replace("[]", ".[]").split("."):
        if shape.type in ("map", "any"):
            return True
        inner = shape.element if step == "[]" else shape.keys.get(step)
        if inner is None:
            return False
        shape = inner
    return True


@pytest.mark.parametrize(
    "spec", [pytest.param(plan.spec, id=plan.spec.stem) for plan in load(ROOT / "mappings")]
)
def test_every_path_of_a_mapping_is_in_the_tables(spec: Spec) -> None:
    names = {name.name: name for name in spec.names}
    items = [shape_of(kind) for kind in {kind_of(topic) for topic in spec.topics}]
    looked_at = 0
    for path in plain_paths(spec):
        first, _, rest = path.partition(".")
        name = names.get(first.removesuffix("[]"))
        if name is None:
            roots, rest = (
                (items, path) if first != "event" else ([notification_of("", kind_of(spec.topics[0]))], rest)
            )
        elif name.kind == "lookup" and rest:
            roots = [shape_of(name.table)]
        else:
            continue
        looked_at += 1
        assert any(is_there(rest, root) for root in roots), path
    assert looked_at > 5
