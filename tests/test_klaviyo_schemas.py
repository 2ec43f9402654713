"""Our schemas of the two bodies sent to Klaviyo: at least as strict as Klaviyo's own specification."""

import copy
import json
import os
from datetime import datetime
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[1]
OPENAPI = ROOT.parent / "shared" / "data" / "klaviyo-openapi" / "2026-07-15.json"
OURS = {
    kind: json.loads((ROOT / "schemas" / f"klaviyo-{kind}.schema.json").read_text(encoding="utf-8"))
    for kind in ("event", "profile")
}
THEIR_NAMES = {"event": "EventCreateQueryV2", "profile": "ProfileUpsertQuery"}
FAST = {kind: jsonschema_rs.Draft202012Validator(schema) for kind, schema in OURS.items()}
TELLING = {kind: Draft202012Validator(schema) for kind, schema in OURS.items()}
BOTH = pytest.mark.parametrize("kind", list(OURS))
DROP = object()

EVENT = {
    "data": {
        "type": "event",
        "attributes": {
            "metric": {"data": {"type": "metric", "attributes": {"name": "Created Ticket"}}},
            "profile": {
                "data": {
                    "type": "profile",
                    "attributes": {
                        "email": "ana@example.com",
                        "phone_number": "+34600111222",
                        "external_id": "crm-42",
                        "first_name": "Ana",
                    },
                }
            },
            "time": "2026-11-20T10:15:30Z",
            "unique_id": "ic:hx7q2m9d:ticket:991:created",
            "properties": {
                "email": "ana@example.com",
                "Ticket ID": "991",
                "Ticket Parts Count": 3,
                "Shared": True,
                "Snoozed Until": "2026-11-22T09:00:00+00:00",
                "Tags": ["warranty"],
                "$extra": {"description_html": "<p>It <b>leaks</b></p>"},
            },
            "backfill": False,
        },
    }
}
RATING = {
    "data": {
        "type": "event",
        "attributes": {
            "metric": {"data": {"type": "metric", "attributes": {"name": "Rated Conversation"}}},
            "profile": {"data": {"type": "profile", "attributes": {"email": "ana@example.com"}}},
            "time": "2026-11-20T10:15:30Z",
            "unique_id": "ic:hx7q2m9d:conversation:17:rated",
            "properties": {"Conversation Rating": 5},
            "value": 5.0,
        },
    }
}
PROFILE = {
    "data": {
        "type": "profile",
        "attributes": {
            "email": "ana@example.com",
            "phone_number": "+34600111222",
            "external_id": "crm-42",
            "first_name": "Ana",
            "last_name": "Ruiz",
            "organization": "Ruiz SL",
            "locale": "es-ES",
            "title": "CTO",
            "image": "https://example.com/a.png",
            "location": {
                "city": "Madrid",
                "region": "Madrid",
                "country": "Spain",
                "timezone": "Europe/Madrid",
            },
            "properties": {
                "Intercom Contact ID": "66f0a1",
                "Intercom_unsubscribed_from_emails": False,
                "Intercom_tags": ["vip", "beta"],
            },
        },
    }
}
SAMPLES = {"event": EVENT, "profile": PROFILE}

A = "/data/attributes"
M = f"{A}/metric/data"
P = f"{A}/profile/data"

# kind, where the sample is changed, to what, and the pointer of the fault where it is another one
WRONG = [
    ("event", "", None),
    ("event", "", []),
    ("event", "/data", DROP, ""),
    ("event", "/data", [EVENT["data"]]),
    ("event", "/links", {}, ""),
    ("event", "/data/type", "events"),
    ("event", "/data/type", DROP, "/data"),
    ("event", "/data/id", "01HZX3K8Q0", "/data"),
    ("event", "/data/attributes", DROP, "/data"),
    ("event", f"{A}/colour", "red", A),
    ("event", f"{A}/metric", DROP, A),
    ("event", f"{A}/metric", "Created Ticket"),
    ("event", f"{A}/metric/name", "Created Ticket", f"{A}/metric"),
    ("event", f"{M}/type", "event"),
    ("event", f"{M}/id", "UMTLbD", M),
    ("event", f"{M}/attributes/name", ""),
    ("event", f"{M}/attributes/name", "x" * 128),
    ("event", f"{M}/attributes/name", None),
    ("event", f"{M}/attributes/service", "api", f"{M}/attributes"),
    ("event", f"{A}/profile", DROP, A),
    ("event", f"{A}/profile/email", "ana@example.com", f"{A}/profile"),
    ("event", f"{P}/id", "01HZX3K8Q0", P),
    ("event", f"{P}/attributes", {}),
    ("event", f"{P}/attributes", {"first_name": "Ana"}),
    ("event", f"{P}/attributes/email", None),
    ("event", f"{P}/attributes/meta", {}, f"{P}/attributes"),
    ("event", f"{P}/attributes/anonymous_id", "a1", f"{P}/attributes"),
    ("event", f"{P}/attributes/_kx", "a1", f"{P}/attributes"),
    ("event", f"{P}/attributes/properties", {"Plan": None}, f"{P}/attributes/properties/Plan"),
    ("event", f"{A}/properties", DROP, A),
    ("event", f"{A}/properties", None),
    ("event", f"{A}/properties", []),
    ("event", f"{A}/properties", {f"k{i}": i for i in range(401)}),
    ("event", f"{A}/properties", {"": 1}),
    ("event", f"{A}/properties", {"k" * 128: 1}),
    ("event", f"{A}/properties", {"$value": 1}),
    ("event", f"{A}/properties", {"$extra\n": 1}),
    ("event", f"{A}/properties/Ticket ID", None),
    ("event", f"{A}/properties/Ticket ID", "x" * 100_001),
    ("event", f"{A}/properties/Tags", [0] * 4001),
    ("event", f"{A}/properties/$extra", None),
    ("event", f"{A}/time", DROP, A),
    ("event", f"{A}/time", None),
    ("event", f"{A}/time", 1795169730),
    ("event", f"{A}/time", "2026-11-20T10:15:30+00:00"),
    ("event", f"{A}/time", "2026-11-20T10:15:30.000Z"),
    ("event", f"{A}/time", "2026-11-20 10:15:30Z"),
    ("event", f"{A}/time", "2026-11-20T10:15:30Z\n"),
    ("event", f"{A}/time", "\u0662026-11-20T10:15:30Z"),
    ("event", f"{A}/unique_id", DROP, A),
    ("event", f"{A}/unique_id", ""),
    ("event", f"{A}/unique_id", "a b"),
    ("event", f"{A}/unique_id", "a" * 121),
    ("event", f"{A}/unique_id", "a\n"),
    ("event", f"{A}/unique_id", "caf\u00e9"),
    ("event", f"{A}/value", "5"),
    ("event", f"{A}/value", True),
    ("event", f"{A}/value", None),
    ("event", f"{A}/value_currency", "eur"),
    ("event", f"{A}/value_currency", "EURO"),
    ("event", f"{A}/value_currency", "EUR\n"),
    ("event", f"{A}/value_currency", None),
    ("event", f"{A}/backfill", "false"),
    ("event", f"{A}/backfill", 0),
    ("event", f"{A}/backfill", None),
    ("profile", "/data/type", "contact"),
    ("profile", "/data/id", "01HZX3K8Q0", "/data"),
    ("profile", "/data/meta", {}, "/data"),
    ("profile", A, DROP, "/data"),
    ("profile", A, {"title": "CTO"}),
    ("profile", f"{A}/anonymous_id", "a1", A),
    ("profile", f"{A}/subscriptions", {}, A),
    ("profile", f"{A}/email", None),
    ("profile", f"{A}/email", ""),
    ("profile", f"{A}/email", "ana"),
    ("profile", f"{A}/email", "ana@example"),
    ("profile", f"{A}/email", "ana@@example.com"),
    ("profile", f"{A}/email", "ana@bo@example.com"),
    ("profile", f"{A}/email", "ana ruiz@example.com"),
    ("profile", f"{A}/email", " ana@example.com"),
    ("profile", f"{A}/email", "ana@example.com\n"),
    ("profile", f"{A}/email", ".ana@example.com"),
    ("profile", f"{A}/email", "ana.@example.com"),
    ("profile", f"{A}/email", "ana..ruiz@example.com"),
    ("profile", f"{A}/email", "Ana <ana@example.com>"),
    ("profile", f"{A}/email", "an\u00e1@example.com"),
    ("profile", f"{A}/email", "ana@ex\u00e1mple.com"),
    ("profile", f"{A}/email", "ana@-example.com"),
    ("profile", f"{A}/email", "ana@example-.com"),
    ("profile", f"{A}/email", "ana@example..com"),
    ("profile", f"{A}/email", "ana@example.com."),
    ("profile", f"{A}/email", "ana@ex_ample.com"),
    ("profile", f"{A}/email", "ana@127.0.0.1"),
    ("profile", f"{A}/email", "ana@example.c"),
    ("profile", f"{A}/email", "a" * 243 + "@example.com"),
    ("profile", f"{A}/phone_number", "600111222"),
    ("profile", f"{A}/phone_number", "+034600111222"),
    ("profile", f"{A}/phone_number", "+34 600 111 222"),
    ("profile", f"{A}/phone_number", "+123456"),
    ("profile", f"{A}/phone_number", "+1234567890123456"),
    ("profile", f"{A}/phone_number", "+34600111222\n"),
    ("profile", f"{A}/phone_number", "+3460011122\u0662"),
    ("profile", f"{A}/phone_number", 34600111222),
    ("profile", f"{A}/external_id", 42),
    ("profile", f"{A}/external_id", ""),
    ("profile", f"{A}/first_name", None),
    ("profile", f"{A}/organization", {"name": "Ruiz SL"}),
    ("profile", f"{A}/image", "ftp://example.com/a.png"),
    ("profile", f"{A}/image", "/a.png"),
    ("profile", f"{A}/image", "https://"),
    ("profile", f"{A}/image", "https://example.com/a b.png"),
    ("profile", f"{A}/image", "https://example.com/a.png\n"),
    ("profile", f"{A}/location", "Madrid"),
    ("profile", f"{A}/location", None),
    ("profile", f"{A}/location/city", None),
    ("profile", f"{A}/location/zip", 28001),
    ("profile", f"{A}/location/latitude", None),
    ("profile", f"{A}/location/latitude", ""),
    ("profile", f"{A}/location/longitude", [1]),
    ("profile", f"{A}/location/ip", "192.0.2.1", f"{A}/location"),
    ("profile", f"{A}/properties", {f"k{i}": i for i in range(401)}),
    ("profile", f"{A}/properties", None),
    ("profile", f"{A}/properties", {"": 1}),
    ("profile", f"{A}/properties", {"k" * 128: 1}),
    ("profile", f"{A}/properties", {"$extra": {"a": 1}}),
    ("profile", f"{A}/properties/a~1b", None),
    ("profile", f"{A}/properties/Plan", "x" * 100_001),
    ("profile", f"{A}/properties/Intercom_tags", [0] * 4001),
]
RIGHT = [
    ("event", "", EVENT),
    ("event", "", RATING),
    ("event", f"{M}/attributes/name", "x" * 127),
    ("event", f"{P}/attributes", {"external_id": "crm-42", "properties": {"Plan": "Pro"}}),
    ("event", f"{P}/attributes", {"phone_number": "+1234567"}),
    ("event", f"{A}/backfill", DROP),
    ("event", f"{A}/backfill", True),
    ("event", f"{A}/properties", {}),
    ("event", f"{A}/properties", {f"k{i}": i for i in range(400)}),
    ("event", f"{A}/properties", {"k" * 127: "x" * 100_000, "$extra": "text", "US$": [0] * 4000}),
    ("event", f"{A}/properties", {"nested": {"$value": None, "": [None]}}),
    ("event", f"{A}/unique_id", "!" * 60 + "~" * 60),
    ("event", f"{A}/value", -3),
    ("event", f"{A}/value_currency", "EUR"),
    ("profile", "", PROFILE),
    ("profile", A, {"email": "a@b.co"}),
    ("profile", f"{A}/email", "o'neil.ana+news_1@mail.ex-ample--1.co"),
    ("profile", f"{A}/email", "a" * 242 + "@example.com"),
    ("profile", f"{A}/phone_number", "+123456789012345"),
    ("profile", f"{A}/first_name", "Zo\u00eb \U0001f600"),
    ("profile", f"{A}/image", "http://example.com"),
    ("profile", f"{A}/location", {"latitude": 40.4168, "longitude": "-3.7038"}),
]


def put(body, path, value):
    """A copy of the body with the value at the path, or without it (DROP)."""
    if not path:
        return value
    result = copy.deepcopy(body)
    parent = result
    for step in path[:-1]:
        parent = parent[step]
    if value is DROP:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return result


def steps(pointer):
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def pointer(path):
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def label(case):
    kind, where, value = case[:3]
    return ascii(f"{kind} {where} {'dropped' if value is DROP else repr(value)[:25]}")


def inlined(node, document):
    """The schema with each $ref replaced by what it names; what stands beside it is kept."""
    if isinstance(node, list):
        return [inlined(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        target = document
        for step in steps(node["$ref"]):
            target = target[step]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return inlined(target | beside, document)
    return {key: inlined(value, document) for key, value in node.items()}


def strict(schema):
    """OpenAPI 3.0 as JSON Schema, with each key refused that is not declared."""
    result = {key: value for key, value in schema.items() if key != "nullable"}
    if "properties" in result:
        result["properties"] = {name: strict(value) for name, value in result["properties"].items()}
        result.setdefault("additionalProperties", False)
    if "items" in result:
        result["items"] = strict(result["items"])
    for key in {"oneOf", "anyOf", "allOf"} & result.keys():
        result[key] = [strict(option) for option in result[key]]
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


def options(schema):
    """The plain schemas of which a value may satisfy any."""
    nested = schema.get("anyOf", schema.get("oneOf"))
    return [plain for option in nested for plain in options(option)] if nested else [schema]


def types(schema):
    named = schema.get("type", [])
    return {named} if isinstance(named, str) else set(named)


def excesses(ours, theirs, at=""):
    """What ours lets through at each place and theirs does not, as sentences."""
    theirs = options(theirs)
    listed = [value for option in theirs for value in option.get("enum", [])]
    if "const" in ours:
        if ours["const"] not in listed:
            yield f"{at}: {ours['const']!r} is not one of theirs"
        return
    if listed:
        yield f"{at}: any value, theirs lists them"
    if not types(ours):
        yield f"{at}: any type"
    for name in sorted(types(ours) - set().union(*map(types, theirs))):
        yield f"{at}: the type {name}"
    for option in theirs:
        if "object" in types(ours) and "properties" in option:
            yield from _excesses_of_object(ours, option, at)


def _excesses_of_object(ours, theirs, at):
    if ours.get("additionalProperties") is not False:
        yield f"{at}: any key"
    for name in theirs.get("required", []):
        if name not in ours.get("required", []):
            yield f"{at}: the absence of {name}"
    for name, schema in ours.get("properties", {}).items():
        if name in theirs["properties"]:
            yield from excesses(schema, theirs["properties"][name], f"{at}/{name}")
        else:
            yield f"{at}: the key {name}"


TEXT = st.text(min_size=1, max_size=8)
SCALAR = (
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(st.none() | inner, max_size=2) | st.dictionaries(TEXT, st.none() | inner, max_size=2)
    ),
    max_leaves=4,
)
CUSTOM = st.dictionaries(TEXT.filter(lambda key: not key.startswith("$")), VALUE, max_size=3)
PLACES = ("address1", "address2", "city", "country", "region", "zip", "timezone")
COORDINATE = st.floats(-180, 180) | st.just("40.4168")
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["ana@example.com", "o'neil+x@mail.example.co"]),
        "phone_number": st.integers(1_000_000, 999_999_999_999_999).map("+{}".format),
        "external_id": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "organization": TEXT,
        "locale": st.just("es-ES"),
        "title": TEXT,
        "image": st.just("https://example.com/a.png"),
        "location": st.fixed_dictionaries(
            {}, optional={"latitude": COORDINATE, "longitude": COORDINATE, **dict.fromkeys(PLACES, TEXT)}
        ),
        "properties": CUSTOM,
    },
).filter({"email", "phone_number", "external_id"}.intersection)


def resource(kind, attributes):
    return st.fixed_dictionaries({"type": st.just(kind), "attributes": attributes})


def wrapped(data):
    return st.fixed_dictionaries({"data": data})


BODIES = {
    "event": wrapped(
        resource(
            "event",
            st.fixed_dictionaries(
                {
                    "metric": wrapped(resource("metric", st.fixed_dictionaries({"name": TEXT}))),
                    "profile": wrapped(resource("profile", ATTRIBUTES)),
                    "properties": CUSTOM
                    | st.builds(lambda custom, extra: custom | {"$extra": extra}, CUSTOM, VALUE),
                    "time": st.datetimes(datetime(1990, 1, 1)).map("{:%Y-%m-%dT%H:%M:%SZ}".format),
                    "unique_id": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
                },
                optional={
                    "value": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
                    "value_currency": st.sampled_from(["EUR", "USD"]),
                    "backfill": st.booleans(),
                },
            ),
        )
    ),
    "profile": wrapped(resource("profile", ATTRIBUTES)),
}
# keys of Klaviyo that stand, or once stood, somewhere near, and one that never did
FOREIGN_KEYS = ["anonymous_id", "_kx", "id", "meta", "ip", "service", "subscriptions", "links", "colour"]
FOREIGN_VALUES = [None, "", "x", 0, 1.5, True, [], ["x"], {}, {"x": None}]


def places(node, path=()):
    yield path, node
    children = enumerate(node) if isinstance(node, list) else getattr(node, "items", tuple)()
    for key, value in children:
        yield from places(value, (*path, key))


def neighbours(body, key, value):
    """Every body one change away: a key more, another value, a key less."""
    for path, node in places(body):
        if isinstance(node, dict):
            yield put(body, (*path, key), value)
        if path:
            yield put(body, path, value)
            yield put(body, path, DROP)


@pytest.fixture(scope="session")
def theirs():
    path = Path(os.environ.get("KLAVIYO_OPENAPI", OPENAPI))
    if not path.is_file():
        pytest.skip(
            f"Klaviyo's specification is not beside this repository: {path} is no file. Nothing held our "
            "schemas against it; KLAVIYO_OPENAPI may name a copy of revision 2026-07-15"
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    return {kind: strict(inlined(schemas[name], document)) for kind, name in THEIR_NAMES.items()}


@BOTH
def test_our_schema_is_a_valid_schema_of_draft_2020_12(kind):
    assert OURS[kind]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(OURS[kind])


def test_both_schemas_describe_the_same_profile():
    profile = OURS["profile"]["$defs"]

    assert {name: OURS["event"]["$defs"][name] for name in profile} == profile


@BOTH
def test_our_schema_allows_no_key_type_or_absence_that_klaviyo_does_not(kind, theirs):
    assert list(excesses(inlined(OURS[kind], OURS[kind]), theirs[kind])) == []


@BOTH
def test_whatever_our_schema_lets_through_klaviyo_lets_through(kind, theirs):
    their_validator = jsonschema_rs.Draft202012Validator(theirs[kind])

    @settings(max_examples=150, derandomize=True, deadline=None)
    @given(BODIES[kind], st.sampled_from(FOREIGN_KEYS), st.sampled_from(FOREIGN_VALUES))
    def holds(body, key, value):
        assert FAST[kind].is_valid(body)
        assert their_validator.is_valid(body)
        for neighbour in neighbours(body, key, value):
            if FAST[kind].is_valid(neighbour):
                assert their_validator.is_valid(neighbour), neighbour

    holds()


@pytest.mark.parametrize(("kind", "where", "value"), RIGHT, ids=map(label, RIGHT))
def test_a_right_body_is_accepted(kind, where, value):
    body = put(SAMPLES[kind], steps(where), value)

    assert [error.message for error in TELLING[kind].iter_errors(body)] == []
    assert FAST[kind].is_valid(body)


@pytest.mark.parametrize("case", WRONG, ids=map(label, WRONG))
def test_a_wrong_body_is_refused_and_the_pointer_names_the_fault(case):
    kind, where, value, fault = case if len(case) == 4 else (*case, case[1])
    body = put(SAMPLES[kind], steps(where), value)

    assert [pointer(error.absolute_path) for error in TELLING[kind].iter_errors(body)] == [fault]
    assert not FAST[kind].is_valid(body)
