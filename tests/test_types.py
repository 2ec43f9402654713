"""The types after `as`: what each makes of a value, and what it refuses rather than guess."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.language.conversions import TYPES, number_or_none
from engine.language.faults import Refused

REFUSED = object()
"""What stands in the table where the type refuses the value."""

LONG = 10**17 + 1

ROWS: list[tuple[str, Any, Any]] = [
    # text: as it is; blank is no value
    ("text", "hello", "hello"),
    ("text", " kept as typed ", " kept as typed "),
    ("text", "", None),
    ("text", " \t\n", None),
    ("text", 4821, "4821"),
    ("text", 0, "0"),
    ("text", -1, "-1"),
    ("text", 1.5, "1.5"),
    ("text", 215472629311301000, "215472629311301000"),
    ("text", True, "true"),
    ("text", False, "false"),
    ("text", "0123", "0123"),
    ("text", "None", "None"),
    ("text", [], REFUSED),
    ("text", ["a"], REFUSED),
    ("text", {}, REFUSED),
    ("text", {"a": 1}, REFUSED),
    # plain_text: HTML or plain is told apart, not asked for
    ("plain_text", "<p>Hi &amp; bye</p>", "Hi & bye"),
    ("plain_text", "<p>one</p><p>two</p>", "one\n\ntwo"),
    ("plain_text", "one<br>two<br/>three", "one\ntwo\nthree"),
    ("plain_text", "<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
    ("plain_text", "<b>bold</b> and <i>not</i>", "bold and not"),
    ("plain_text", "<p>a\nb</p>", "a b"),
    ("plain_text", "<script>alert(1)</script><p>x</p>", "x"),
    ("plain_text", "<style>p { color: red }</style>x", "x"),
    ("plain_text", '<a href="https://x.y">here</a>', "here"),
    ("plain_text", "<p>&lt;b&gt;</p>", "<b>"),
    ("plain_text", "plain\ntext  stays", "plain\ntext  stays"),
    ("plain_text", "a < b and c > d", "a < b and c > d"),
    ("plain_text", "1 <2", "1 <2"),
    ("plain_text", "Tom & Jerry", "Tom & Jerry"),
    ("plain_text", "<p> </p>", None),
    ("plain_text", "<img src=x>", None),
    ("plain_text", "  ", None),
    ("plain_text", 5, "5"),
    ("plain_text", ["<p>a</p>"], REFUSED),
    # integer: a whole number, also from text
    ("integer", 12, 12),
    ("integer", 0, 0),
    ("integer", -3, -3),
    ("integer", 12.0, 12),
    ("integer", "12", 12),
    ("integer", " 12 ", 12),
    ("integer", "-12", -12),
    ("integer", "+12", 12),
    ("integer", "012", 12),
    ("integer", "100000000000000001", LONG),
    ("integer", LONG, LONG),
    ("integer", "", None),
    ("integer", " ", None),
    ("integer", 12.5, REFUSED),
    ("integer", "12.5", REFUSED),
    ("integer", "12.0", REFUSED),
    ("integer", "1e3", REFUSED),
    ("integer", "1_000", REFUSED),
    ("integer", "1,000", REFUSED),
    ("integer", "0x10", REFUSED),
    ("integer", "twelve", REFUSED),
    ("integer", "\u0661\u0662", REFUSED),
    ("integer", True, REFUSED),
    ("integer", False, REFUSED),
    ("integer", 10**18, REFUSED),
    ("integer", "9" * 30, REFUSED),
    ("integer", [1], REFUSED),
    # number: real numbers only
    ("number", 49.9, 49.9),
    ("number", 0, 0),
    ("number", 0.0, 0.0),
    ("number", "49.90", 49.9),
    ("number", " 7 ", 7),
    ("number", "-0.5", -0.5),
    ("number", "1e3", 1000.0),
    ("number", ".5", 0.5),
    ("number", "", None),
    ("number", "1_000", REFUSED),
    ("number", "1,5", REFUSED),
    ("number", "1,000.00", REFUSED),
    ("number", "49.90 EUR", REFUSED),
    ("number", "$5", REFUSED),
    ("number", "nan", REFUSED),
    ("number", "inf", REFUSED),
    ("number", "Infinity", REFUSED),
    ("number", "1e400", REFUSED),
    ("number", "0x1p3", REFUSED),
    ("number", "--5", REFUSED),
    ("number", True, REFUSED),
    ("number", False, REFUSED),
    ("number", "true", REFUSED),
    ("number", float("nan"), REFUSED),
    ("number", float("inf"), REFUSED),
    ("number", 10**18, REFUSED),
    ("number", {}, REFUSED),
    # boolean: true, false and their words; never a number
    ("boolean", True, True),
    ("boolean", False, False),
    ("boolean", "true", True),
    ("boolean", " FALSE ", False),
    ("boolean", "", None),
    ("boolean", 1, REFUSED),
    ("boolean", 0, REFUSED),
    ("boolean", "1", REFUSED),
    ("boolean", "yes", REFUSED),
    ("boolean", "on", REFUSED),
    ("boolean", [], REFUSED),
    # datetime: epoch seconds, numeric text, ISO text with a zone
    ("datetime", 1788170400, "2026-08-31T10:00:00Z"),
    ("datetime", 1788170400.9, "2026-08-31T10:00:00Z"),
    ("datetime", 0, "1970-01-01T00:00:00Z"),
    ("datetime", -1, "1969-12-31T23:59:59Z"),
    ("datetime", "1788170400", "2026-08-31T10:00:00Z"),
    ("datetime", " 1788170400 ", "2026-08-31T10:00:00Z"),
    ("datetime", "2026-08-31T10:00:00Z", "2026-08-31T10:00:00Z"),
    ("datetime", "2026-08-31T12:00:00+02:00", "2026-08-31T10:00:00Z"),
    ("datetime", "2026-08-31T10:00:00.999Z", "2026-08-31T10:00:00Z"),
    ("datetime", "2026-08-31 10:00:00+00:00", "2026-08-31T10:00:00Z"),
    ("datetime", "", None),
    ("datetime", "  ", None),
    ("datetime", 1788170400000, REFUSED),
    ("datetime", "1788170400000", REFUSED),
    ("datetime", 10**11, REFUSED),
    ("datetime", -(10**11), REFUSED),
    ("datetime", 10**11 - 1, "5138-11-16T09:46:39Z"),
    ("datetime", "2026-08-31T10:00:00", REFUSED),
    ("datetime", "2026-08-31", REFUSED),
    ("datetime", "31.08.2026", REFUSED),
    ("datetime", "08/31/2026", REFUSED),
    ("datetime", "tomorrow", REFUSED),
    ("datetime", "2026-02-30T10:00:00Z", REFUSED),
    ("datetime", "0001-01-01T00:00:00+14:00", REFUSED),
    ("datetime", True, REFUSED),
    ("datetime", float("nan"), REFUSED),
    ("datetime", {"at": 1}, REFUSED),
    # date: the day in UTC; an ISO day as it is
    ("date", 1788170400, "2026-08-31"),
    ("date", 0, "1970-01-01"),
    ("date", "2026-08-31", "2026-08-31"),
    ("date", "2026-08-31T23:30:00-02:00", "2026-09-01"),
    ("date", "", None),
    ("date", "2026-02-30", REFUSED),
    ("date", "2026-8-31", REFUSED),
    ("date", "31/08/2026", REFUSED),
    ("date", 1788170400000, REFUSED),
    ("date", False, REFUSED),
    # email: trimmed and in lower case
    ("email", " Mara@Example.com ", "mara@example.com"),
    ("email", "a.b+c@x.co.uk", "a.b+c@x.co.uk"),
    ("email", "o'hara@example.ie", "o'hara@example.ie"),
    ("email", "", None),
    ("email", " ", None),
    ("email", "mara", REFUSED),
    ("email", "mara@", REFUSED),
    ("email", "@example.com", REFUSED),
    ("email", "mara@localhost", REFUSED),
    ("email", "mara@example..com", REFUSED),
    ("email", ".mara@example.com", REFUSED),
    ("email", "mara@exa mple.com", REFUSED),
    ("email", "mara@example.com, b@example.com", REFUSED),
    ("email", "Mara <mara@example.com>", REFUSED),
    ("email", "mara@-example.com", REFUSED),
    ("email", "mara@example.com\nbcc: b@example.com", REFUSED),
    ("email", "a" * 250 + "@example.com", REFUSED),
    ("email", 5, REFUSED),
    ("email", ["mara@example.com"], REFUSED),
    # phone: E.164, with its country code, of a number that exists
    ("phone", "+46 70 123 45 67", "+46701234567"),
    ("phone", "+46701234567", "+46701234567"),
    ("phone", " +1 (415) 555-2671 ", "+14155552671"),
    ("phone", "+44 20 7946 0958", "+442079460958"),
    ("phone", "", None),
    ("phone", "070 123 45 67", REFUSED),
    ("phone", "0046701234567", REFUSED),
    ("phone", "46701234567", REFUSED),
    ("phone", "+46", REFUSED),
    ("phone", "+1 555", REFUSED),
    ("phone", "+15551234567", REFUSED),
    ("phone", "+999 123 456 789", REFUSED),
    ("phone", "call me", REFUSED),
    ("phone", 46701234567, REFUSED),
    ("phone", True, REFUSED),
    # first_name and last_name: the first word, and the rest
    ("first_name", "Mara Maria Lindqvist", "Mara"),
    ("first_name", "Mara", "Mara"),
    ("first_name", "  Mara\tLindqvist ", "Mara"),
    ("first_name", "", None),
    ("first_name", " ", None),
    ("first_name", 5, REFUSED),
    ("first_name", {"first": "Mara"}, REFUSED),
    ("last_name", "Mara Maria Lindqvist", "Maria Lindqvist"),
    ("last_name", "  Mara   van  Dijk ", "van Dijk"),
    ("last_name", "Mara", None),
    ("last_name", "", None),
    ("last_name", True, REFUSED),
    # url
    ("url", "https://example.com/a.png", "https://example.com/a.png"),
    ("url", " http://example.com ", "http://example.com"),
    ("url", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
    ("url", "", None),
    ("url", "example.com", REFUSED),
    ("url", "ftp://example.com", REFUSED),
    ("url", "javascript:alert(1)", REFUSED),
    ("url", "https://", REFUSED),
    ("url", "https:///a", REFUSED),
    ("url", "https://exa mple.com", REFUSED),
    ("url", "https://example.com/\nx", REFUSED),
    ("url", "https://[", REFUSED),
    ("url", 5, REFUSED),
    # list: flat, without what is blank
    ("list", ["a", "b"], ["a", "b"]),
    ("list", "vip", ["vip"]),
    ("list", 0, [0]),
    ("list", False, [False]),
    ("list", [], []),
    ("list", ["a", None, "", " ", 0, False], ["a", 0, False]),
    ("list", "", None),
    ("list", {"a": 1}, REFUSED),
    ("list", [["a"]], REFUSED),
    ("list", [{"a": 1}], REFUSED),
]


def made(type_name: str, raw: Any) -> Any:
    try:
        return TYPES[type_name].convert(raw)
    except Refused:
        return REFUSED


def named(row: tuple[str, Any, Any]) -> str:
    return f"{row[0]} of {str(row[1])[:30]!r}"


@pytest.mark.parametrize(("type_name", "raw", "expected"), ROWS, ids=map(named, ROWS))
def test_a_type_makes_its_value_or_refuses(type_name: str, raw: Any, expected: Any) -> None:
    found = made(type_name, raw)
    assert (found, type(found)) == (expected, type(expected))


def test_the_table_has_every_type() -> None:
    assert {row[0] for row in ROWS} == set(TYPES)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_the_example_that_a_type_gives_is_true(kind: Any) -> None:
    raw, expected = kind.example
    assert kind.convert(raw) == expected


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_a_type_says_what_it_does_and_what_klaviyo_stores(kind: Any) -> None:
    assert TYPES[kind.name] is kind
    assert kind.help
    assert not kind.help.endswith(".")
    assert kind.klaviyo in ("text", "number", "boolean", "date", "list")


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"list"}))
@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_text_is_no_value(name: str, blank: str) -> None:
    assert TYPES[name].convert(blank) is None


@pytest.mark.parametrize("name", ["integer", "number", "datetime", "date", "phone", "email", "url"])
@pytest.mark.parametrize("boolean", [True, False])
def test_a_boolean_is_never_a_number(name: str, boolean: bool) -> None:
    assert made(name, boolean) is REFUSED


@pytest.mark.parametrize(("name", "raw", "_"), [row for row in ROWS if row[2] is REFUSED])
def test_a_refusal_completes_the_words_this_is(name: str, raw: Any, _: Any) -> None:
    with pytest.raises(Refused) as refused:
        TYPES[name].convert(raw)
    assert re.match(r"(a|an|no|too|neither) [a-z]", str(refused.value))
    assert not re.search(r"NoneType|str|int\b|float|dict|Invalid|Error", str(refused.value))


def test_a_time_in_milliseconds_is_called_by_its_name() -> None:
    with pytest.raises(Refused, match="a time in milliseconds, not in seconds"):
        TYPES["datetime"].convert(1788170400000)


def test_a_time_without_a_zone_is_called_by_its_name() -> None:
    with pytest.raises(Refused, match="a time without a time zone"):
        TYPES["datetime"].convert("2026-08-31T10:00:00")


@pytest.mark.parametrize(
    "text",
    ["<a>" + "<a " * 3_000, "<a>" + "<a b='" * 3_000, "<a>" + "<!--" * 8_000],
    ids=["tags", "quotes", "comments"],
)
def test_html_that_a_customer_made_to_hurt_costs_little_time(text: str) -> None:
    start = time.process_time()
    made("plain_text", text)
    assert time.process_time() - start < 0.25


# Whatever JSON brings

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["+46701234567", "2026-08-31", "1788170400", "a@b.co", "<p>x</p>", "https://x.y", "nan", "1e999"]
    ),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("name", TYPES)
@settings(derandomize=True, deadline=None, max_examples=120)
@given(value=json_values.filter(lambda value: value is not None))
@example(value="9" * 10_000)
@example(value="1e" + "9" * 10_000)
@example(value="\ud800")
@example(value="https://[::1")
@example(value="2026-08-31T10:00:00+99:99")
@example(value="<p>" * 1_000)
@example(value=["x", {}])
def test_a_type_gives_a_value_or_none_or_refuses_and_nothing_else(name: str, value: Any) -> None:
    found = made(name, value)
    if found is not REFUSED:
        json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("value", [10**400, 10**5_000], ids=["10**400", "10**5000"])
def test_a_number_of_any_size_is_refused_or_taken(name: str, value: int) -> None:
    made(name, value)


@pytest.mark.parametrize("name", TYPES)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(secret=st.text("abcXYZ0123456789@+.-<>/:", min_size=6, max_size=30))
def test_a_refusal_repeats_nothing_of_the_value(name: str, secret: str) -> None:
    for value in (secret, [secret], {secret: secret}, [[secret]]):
        try:
            TYPES[name].convert(value)
        except Refused as refused:
            chain = [
                refused,
                refused.__cause__,
                None if refused.__suppress_context__ else refused.__context__,
            ]
            assert not any(secret in repr(error) for error in chain if error)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("5", 5),
        (" 5.5 ", 5.5),
        (True, None),
        ("", None),
        ("x", None),
        (None, None),
        ([5], None),
        (float("inf"), None),
    ],
)
def test_a_number_or_nothing(value: Any, expected: Any) -> None:
    assert number_or_none(value) == expected
