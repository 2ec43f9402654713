"""What holds for every payload: nothing raises, nothing that Klaviyo refuses goes out, nothing leaks."""

import contextlib
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Parked, Runner, Skipped, Translation, Unreadable, load
from engine.language.catalogue import KEYS, TOPICS
from tests.support import (
    ABSENT,
    FIXTURES,
    NAMED,
    RECORDS,
    ROOT,
    StandingClock,
    changed,
    places,
    put,
    read,
    runner,
    some,
    the_event,
)

RULES = {
    endpoint: jsonschema_rs.validator_for(json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8")))
    for endpoint, name in {
        "/api/events": "klaviyo-event.schema.json",
        "/api/profile-import": "klaviyo-profile.schema.json",
    }.items()
}
TABLES = yaml.safe_load(RECORDS.read_text(encoding="utf-8"))
PLANS = load(ROOT / "mappings")


def examples(number: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=len(some(range(number), 2)),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def assert_sound(results: list[Any]) -> None:
    """Every result says what became of the notification, and every request is fit for Klaviyo."""
    assert results
    for result in results:
        if not isinstance(result, Translation):
            assert isinstance(result, Skipped | Parked)
            assert re.fullmatch("[a-z_]+", result.reason)
            continue
        assert result.request
        body, endpoint = result.request.body, result.request.endpoint
        assert RULES[endpoint].is_valid(body)
        json.dumps(
            body, allow_nan=False, ensure_ascii=False
        ).encode()  # raises for NaN, and for half characters
        attributes = body["data"]["attributes"]
        person = attributes["profile"]["data"]["attributes"] if endpoint == "/api/events" else attributes
        for fields in (attributes.get("properties", {}), person, person.get("location", {})):
            assert None not in fields.values()
            assert len(fields) <= 400


# Nothing raises, and nothing unfit goes out

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["\ud800", "0", " ", "{{ 7 * 7 }}", "a@b.co", "+46701234567", "1e400"]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
AWKWARD = st.sampled_from(
    ["", " ", "0", 0, -1, 0.5, True, False, None, [], {}, [None], [[]], {"": ""}, 10**30, -(10**18), 1e308,
     1788170400, 1788170400.5, "1788170400", 1788170400000, "2026-08-31T10:00:00Z",
     "9999-12-31T23:59:59-14:00", "user", "bot", "submitted", "resolved", "contact", "ticket",
     "notification_event", "x" * 100_001, "ö" * 60_000, "\x00", "\u2028", "\ud83d", [1] * 4_001,
     {f"k{number}": number for number in range(450)}]
)  # fmt: skip
TOPIC = st.sampled_from(sorted(topic for topics in TOPICS.values() for topic in topics))
KEY = st.sampled_from(sorted({key for keys in KEYS.values() for key in keys} | {"ticket_part", "contact"}))


@cache
def text_of(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text(encoding="utf-8")


@st.composite
def mangled(draw: Any, of: str) -> Any:
    """One of several JSON objects, with some places replaced or taken out."""
    value = json.loads(
        draw(st.sampled_from([of] if of.startswith("{") else [text_of(name) for name in NAMED]))
    )
    for _ in range(draw(st.integers(1, 4))):
        ways = [path for path, _ in places(value) if path]
        if ways:
            new = draw(st.just(ABSENT) | AWKWARD | JSON)
            put(value, list(draw(st.sampled_from(ways))), new if new is ABSENT else deepcopy(new))
    return value


@st.composite
def invented(draw: Any) -> Any:
    """A notification with the right keys and anything under them."""
    item = draw(st.dictionaries(KEY, JSON | AWKWARD, max_size=8))
    event = {"type": "notification_event", "app_id": "hx7q2m9d", "data": {"item": item}}
    if draw(st.booleans()):
        item["type"] = draw(st.sampled_from(["conversation", "ticket", "contact"]))
        return {**event, "history": True}
    return {**event, "topic": draw(TOPIC), "created_at": draw(st.just(1788170400) | JSON)}


@examples(300)
@given(JSON)
def test_no_json_value_raises(value: Any) -> None:
    assert_sound(runner().translate({"type": value, "data": value, "topic": value}))
    if not isinstance(value, str):  # text is a body
        assert_sound(runner().translate(value))


@examples(400)
@given(invented(), st.booleans())
def test_no_notification_of_anything_raises(notification: Any, every: bool) -> None:
    assert_sound(runner().translate(notification, every=every))


@examples(500)
@given(mangled(of="fixtures"), st.booleans())
def test_no_mangled_notification_raises(notification: Any, every: bool) -> None:
    before = deepcopy(notification)
    results = runner().translate(notification, every=every)
    assert_sound(results)
    assert notification == before
    assert repr(runner().translate(notification, every=every)) == repr(results)


@examples(200)
@given(mangled(of=json.dumps(TABLES["contacts"][0])), st.sampled_from(NAMED))
def test_no_mangled_record_raises(contact: Any, name: str) -> None:
    table = {
        "contacts": [{**contact, "id": "68b1c2d3e4f5a6b7c8d9e0f1"}],
        "teams": [{"id": "9681002", "name": contact}],
    }
    assert_sound(Runner(PLANS, records=table, clock=StandingClock()).translate(read(name)))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("conversation.user.created", "created_at"),
        ("conversation.read", "event.created_at"),
        ("conversation.read", "snoozed_until"),
        ("conversation.read", "statistics.time_to_admin_reply"),
        ("conversation.rating.added", "conversation_rating.rating"),
        ("ticket.created", "event.created_at"),
        ("ticket.created", "ticket_parts.total_count"),
        ("ticket.created", "team_assignee_id"),
    ],
)
@pytest.mark.parametrize("digits", [19, 31, 310, 4300])
def test_a_number_of_many_digits_raises_nothing(name: str, path: str, digits: int) -> None:
    notification = changed(read(name), {path: 10 ** (digits - 1)})
    assert_sound(runner().translate(notification))


@pytest.mark.parametrize("name", ["conversation.read", "ticket.created"])
@pytest.mark.parametrize("odd", [[[]], [{}], {"id": {"type": "admin"}}, "nobody", -1, 1.5, True, "9" * 30])
def test_an_assignee_that_is_none_costs_the_assignee_not_the_event(name: str, odd: Any) -> None:
    results = runner().translate(changed(read(name), {"admin_assignee_id": odd}))
    assert_sound(results)
    assert [one.properties.get("Assigned Admin Name") for one in results] == [None] * len(results)


@pytest.mark.parametrize("name", NAMED)
def test_translating_changes_neither_the_payload_nor_the_records(name: str) -> None:
    payload, tables = read(name), deepcopy(TABLES)
    machine = Runner(PLANS, records=tables, clock=StandingClock())
    for every in (False, True):
        machine.translate(payload, every=every)
        machine.explain(payload, every=every)
    assert payload == read(name)
    assert tables == TABLES


# Bytes that are no JSON

CANARY = "CANARY-7d1e"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" \n", b"\xef\xbb\xbf", b"{", b"null null", b'{"type": CANARY-7d1e}', b'{"CANARY-7d1e',
        b'"CANARY-7d1e', b'{"a": "CANARY-7d1e\xff"}', b'{"a": "\xed\xa0\x80CANARY-7d1e"}',
        b"CANARY-7d1e=1&b=2", b"<p>CANARY-7d1e</p>", b'{"CANARY-7d1e": NaN}', b'{"CANARY-7d1e": -Infinity}',
        b'{"CANARY-7d1e": 1e999}', b"{'CANARY-7d1e': 1}", b'["CANARY-7d1e",]', b'{"a": "CANARY-7d1e\n"}',
        b'{"a": "\\x CANARY-7d1e"}', b"[" * 100_000, b'{"CANARY-7d1e":' * 10_000, b"\x00CANARY-7d1e",
        b'"' + b"CANARY-7d1e" * 2_000_000 + b'"',
    ],
    ids=lambda raw: repr(raw[:24]),
)  # fmt: skip
def test_bytes_that_are_no_json_are_refused_without_repeating_them(raw: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        runner().translate(raw)
    assert caught.value.reason == str(caught.value) != ""
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@examples(300)
@given(st.sampled_from(NAMED), st.data())
def test_a_body_that_is_cut_or_overwritten_is_refused_or_read(name: str, data: st.DataObject) -> None:
    raw = text_of(name).encode()
    at = data.draw(st.integers(0, len(raw)))
    raw = raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + data.draw(st.integers(0, 3)) :]
    raw = raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))]
    with contextlib.suppress(Unreadable):
        assert_sound(runner().translate(raw))


@pytest.mark.parametrize("odd", [float("nan"), float("-inf"), {1}, b"1", {1: 2}], ids=repr)
def test_an_object_that_no_json_can_be_is_refused(odd: Any) -> None:
    for path in ("title", "custom_attributes.size"):
        with pytest.raises(Unreadable):
            runner().translate(changed(read("conversation.read"), {path: odd}))


def test_a_value_nested_past_reading_is_refused_without_repeating_it() -> None:
    deep: Any = CANARY
    for _ in range(70):
        deep = {CANARY: deep}
    with pytest.raises(Unreadable, match=r"^it is nested over 64 deep$"):
        runner().translate(changed(read("conversation.read"), {"title": deep}))


# Nobody's words get into what is shown and logged

MADE_BY_PEOPLE = (
    "name", "email", "phone", "body", "subject", "title", "remark", "rating_remark", "external_id", "url",
    "image_url", "city", "region", "country", "_default_title_", "_default_description_", "browser",
    "referrer",
)  # fmt: skip
SPOILT: dict[str, Any] = {
    "text": CANARY,
    "a template": "{{ " + CANARY + " }}",
    "too long": CANARY * 20_000,
    "half a character": CANARY + "\ud800",
    "a list": [[CANARY]],
    "an object": {CANARY: {CANARY: CANARY}},
    "a long list": [CANARY] * 5_000,
    "an address that is none": f"{CANARY}@@example.com",
    "a number that is none": f"+46 {CANARY}",
    "a page that is none": f"https://exämple.com/{CANARY}",
}


def spoilt(value: Any, bad: Any, but: str = "") -> Any:
    """A copy with *bad* wherever people have written something, *but* under one key."""
    made = deepcopy(value)
    ways = [path for path, _ in places(made) if path and path[-1] in MADE_BY_PEOPLE and path[-1] != but]
    ways += [
        path for path, _ in places(made) if path[-2:-1] in (("custom_attributes",), ("ticket_attributes",))
    ]
    ways = list(dict.fromkeys(ways))
    if bad == SPOILT["a long list"]:  # everywhere, it would be more than a notification may hold
        ways = ways[:: len(ways) // 8 + 1]
    for path in ways:
        put(made, list(path), bad)
    return made


def assert_discreet(results: list[Any]) -> None:
    """No issue, no reason and no detail repeats what people wrote."""
    assert_sound(results)
    said = [(issue.code, issue.message, issue.hint, issue.field) for one in results for issue in one.issues]
    said += [(one.reason, one.detail) for one in results if not isinstance(one, Translation)]
    assert [words for words in said if CANARY.casefold() in repr(words).casefold()] == []


@pytest.mark.parametrize("bad", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("name", NAMED)
def test_what_people_wrote_is_in_no_issue_and_no_detail(name: str, bad: Any) -> None:
    for records in (spoilt(TABLES, bad), TABLES, {}):
        machine = Runner(PLANS, records=records, clock=StandingClock())
        assert_discreet(machine.translate(spoilt(read(name), bad)))


@pytest.mark.parametrize("bad", SPOILT.values(), ids=SPOILT)
def test_what_klaviyo_would_refuse_is_not_repeated_when_it_is_left_out(bad: Any) -> None:
    results = runner().translate(spoilt(read("contact.user.updated"), bad, but="email"))
    assert_discreet(results)
    assert [type(one) for one in results] == [Translation]


def test_a_topic_and_an_app_id_that_are_none_are_not_repeated() -> None:
    for change in (
        {"event.topic": f"a\n{CANARY}"},
        {"event.topic": [CANARY]},
        {"event.app_id": f"ä {CANARY}"},
    ):
        [result] = runner().translate(changed(read("conversation.read"), change))
        assert isinstance(result, Skipped | Parked)
        assert CANARY not in repr((result.detail, result.issues))


# The same everywhere

PRINT = """
import contextlib, json, locale, sys
with contextlib.suppress(locale.Error):
    locale.setlocale(locale.LC_ALL, "")
from tests.support import NAMED, ROOT, as_history, read, runner
for name in NAMED:
    for payload in (read(name), as_history(read(name))):
        for result in runner().translate(payload, every=True):
            said = [*map(str, result.issues), getattr(result, "reason", ""), getattr(result, "detail", "")]
            request = getattr(result, "request", None)
            row = [result.metric, *said, request and request.body]
            sys.stdout.buffer.write(json.dumps(row, ensure_ascii=False).encode() + b"\\n")
"""
PLACES_ON_EARTH = [
    {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
    {
        "TZ": "America/St_Johns",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "1",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    },
    {
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "POSIX",
        "PYTHONHASHSEED": "2",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    },
    {"TZ": "UTC", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "3"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "4"},
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4294967295", "PYTHONUTF8": "1"},
]


def test_the_same_input_gives_the_same_bytes_in_every_zone_locale_and_process(tmp_path: Path) -> None:
    bare = {
        key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "TZ", "PYTHON"))
    }
    command = [sys.executable, "-W", "error", "-c", PRINT]
    running = [
        subprocess.Popen(
            command, env={**bare, "PYTHONPATH": str(ROOT), **there}, stdout=subprocess.PIPE, cwd=tmp_path
        )
        for there in PLACES_ON_EARTH
    ]
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(PLACES_ON_EARTH)
    assert len(set(printed)) == 1
    assert printed[0].count(b"\n") > 2 * len(NAMED)


# One bad field costs itself


def left_out(event: Translation) -> list[str]:
    """The fields that issues say were left out, each issue counted."""
    return [issue.field for issue in event.issues if issue.code in ("over-limit", "refused")]


def with_records(contact: dict[str, Any]) -> Runner:
    tables = {**TABLES, "contacts": [TABLES["contacts"][0] | contact, *TABLES["contacts"][1:]]}
    return Runner(PLANS, records=tables, clock=StandingClock())


@pytest.mark.parametrize(
    "phone", ["call me", "12345", "070-123 45 67", "+46", "+999 12345678", "+46 70 123", "0", "ext. 5"]
)
def test_a_bad_phone_number_costs_the_phone_not_the_event(phone: str) -> None:
    [event] = with_records({"phone": phone}).translate(read("conversation.read"))
    assert isinstance(event, Translation)
    assert event.profile.keys() == {"email", "first_name", "last_name"}
    assert event.properties["phone_number"] == phone
    assert left_out(event) == ["profile.phone_number"]


@pytest.mark.parametrize("phone", ["+46 70-123 45 67", " +46701234567 ", "+46 (0)70 123 45 67"])
def test_a_good_phone_number_is_sent_in_the_form_that_klaviyo_takes(phone: str) -> None:
    [event] = with_records({"phone": phone}).translate(read("conversation.read"))
    assert isinstance(event, Translation)
    assert event.profile["phone_number"] == "+46701234567"


@pytest.mark.parametrize(
    "email", ["mara at example.com", "mara@example", "a b@example.com", "mara@exämple.com", "x" * 300]
)
def test_a_bad_address_costs_the_address_where_a_number_says_who_it_is(email: str) -> None:
    [event] = with_records({"email": email}).translate(read("conversation.read"))
    assert isinstance(event, Translation)
    assert "email" not in event.profile
    assert event.profile["phone_number"] == "+46701234567"
    assert "profile.email" in left_out(event)
    assert "phone-only" in [issue.code for issue in event.issues]


def nested(depth: int) -> Any:
    return 1 if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    ("fits", "too_much"),
    [
        ("x" * 100_000, "x" * 100_001),
        ("ö" * 50_000, "ö" * 50_001),
        ([1] * 4_000, [1] * 4_001),
        (nested(10), nested(11)),
        (2**63 - 1, 2**63),
        ("\U0001f600", "\ud83d"),
        ({"a": "x" * 100_000}, {"a": "x" * 100_001}),
        ([[1] * 4_000], [[1] * 4_001]),
        ({"a": [2**63 - 1]}, {"a": [2**63]}),
    ],
    ids=[
        "text",
        "text in bytes",
        "list",
        "depth",
        "number",
        "half a character",
        "inner text",
        "inner list",
        "inner number",
    ],
)
def test_a_value_over_a_limit_is_left_out_with_an_issue_and_the_rest_is_sent(
    fits: Any, too_much: Any
) -> None:
    notification = read("ticket.created")
    event = the_event(changed(notification, {"ticket_attributes.Size": fits}), "Created Ticket")
    assert event.properties["Attribute Size"] == fits
    assert event.issues == ()
    cut = the_event(changed(notification, {"ticket_attributes.Size": too_much}), "Created Ticket")
    assert cut.properties == the_event(notification, "Created Ticket").properties
    assert [(issue.code, issue.field) for issue in cut.issues] == [
        ("over-limit", "properties.Attribute Size")
    ]


def test_a_name_over_klaviyos_limit_costs_its_property() -> None:
    attributes = {"n" * 117: 1, "n" * 118: 2}  # `Attribute ` comes before them
    event = the_event(changed(read("ticket.created"), {"ticket_attributes": attributes}), "Created Ticket")
    assert [value for name, value in event.properties.items() if name.startswith("Attribute n")] == [1]
    assert left_out(event) == [f"properties.Attribute {'n' * 118}"]


@pytest.mark.parametrize("number", [381, 401, 1_000])
def test_properties_over_400_are_cut_from_the_end_with_one_issue(number: int) -> None:
    attributes = {f"Size {place}": place for place in range(number)}
    event = the_event(changed(read("ticket.created"), {"ticket_attributes": attributes}), "Created Ticket")
    plain = the_event(changed(read("ticket.created"), {"ticket_attributes": {}}), "Created Ticket")
    kept = 400 - len(plain.properties)
    assert event.properties == plain.properties | {
        f"Attribute Size {place}": place for place in range(min(number, kept))
    }
    assert left_out(event) == (["properties"] if number > kept else [])


def test_an_event_too_large_for_klaviyo_waits() -> None:
    attributes = {f"Text {number}": "x" * 99_000 for number in range(51)}
    [result] = [
        one
        for one in runner().translate(changed(read("ticket.created"), {"ticket_attributes": attributes}))
        if one.metric == "Created Ticket"
    ]
    assert isinstance(result, Parked)
    assert result.reason == "too_large"


def test_a_profile_too_large_for_klaviyo_waits() -> None:
    notification = changed(read("contact.user.updated"), {"custom_attributes": {"note": "x" * 51_000}})
    [result] = runner().translate(notification)
    assert isinstance(result, Parked)
    assert result.reason == "too_large"


@pytest.mark.parametrize("name", ["conversation.read", "ticket.resolved", "contact.user.updated"])
def test_an_event_of_nobody_waits(name: str) -> None:
    nobody = with_records({"email": None, "phone": None})
    notification = read(name)
    for path, _ in list(places(notification)):
        if path and path[-1] in ("email", "phone"):
            put(notification, list(path), "")
    [result] = nobody.translate(notification)
    assert isinstance(result, Parked)
    assert result.reason == "no_identity"


@pytest.mark.parametrize(
    ("created_at", "waits"),
    [
        (0, True),
        (631151999, True),  # the last second of 1989
        (631152000, False),
        (1826755200, False),  # a year after the clock of the tests
        (1826841600, True),
        (253402300799, True),
        (-(10**10), True),
    ],
)
def test_an_event_of_a_time_that_klaviyo_refuses_waits(created_at: int, waits: bool) -> None:
    [result] = runner().translate(changed(read("conversation.user.created"), {"created_at": created_at}))
    assert isinstance(result, Parked) == waits
    assert not isinstance(result, Parked) or result.reason in ("time_out_of_range", "no_time")
