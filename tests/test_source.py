"""The strict YAML loader: nasty files end quickly, every fault has its place, nothing is guessed."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.issues import CODES, Issue, Place, render
from engine.language.document import Document
from engine.language.source import Limits, Node, _read_slowly, read

bounded = settings(derandomize=True, deadline=None, max_examples=100)


def read_text(text: str | bytes) -> tuple[Node | None, list[Issue]]:
    return read(text.encode() if isinstance(text, str) else text, "spec.yaml")


def places(issues: list[Issue]) -> list[str]:
    """`2:7 bad-encoding`, for each issue."""
    return [f"{issue.place.line}:{issue.place.column} {issue.code}" for issue in issues if issue.place]


def value_of(text: str) -> Any:
    root, _ = read_text(f"a: {text}")
    assert root is not None
    return root.data()["a"]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The work inside takes no more of the processor's time than that."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


# Nasty files

ALIASES = "".join(
    [
        "a0: &a0 [lol]\n",
        *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 11)),
    ]
)
MERGES = "".join(
    [
        "m0: &m0 {k: v}\n",
        *(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}], k: v}}\n" for i in range(1, 27)),
    ]
)
MAPS = "".join(f"{' ' * i}k:\n" for i in range(500))

NASTY: dict[str, tuple[str | bytes, list[str]]] = {
    # Too much of something
    "100,000 brackets": ("[" * 100_000, ["1:33 too-large"]),
    "1,000 brackets": ("[" * 1_000, ["1:33 too-large"]),
    "1,000 braces": ("{" * 1_000, ["1:33 too-large"]),
    "1,000 brackets in a value": ("a: " + "[" * 1_000, ["1:35 too-large"]),
    "1,000 dashes": ("- " * 1_000, ["1:65 too-large"]),
    "2,000 question marks": ("? " * 2_000, ["1:65 too-large"]),
    "500 nested maps": (MAPS, ["33:33 too-large"]),
    "a file of 256 KB and one byte": ("#" * (256 * 1024 + 1), ["1:1 too-large"]),
    "10 MB": (b"a: b\n" * 2_000_000, ["1:1 too-large"]),
    "over 10,000 values": ("- 1\n" * 10_001, ["10000:3 too-large"]),
    "over 10,000 values in one list": ("a: [" + "1," * 10_001 + "]", ["1:19999 too-large"]),
    "a plain text over 16 KB": ("a: " + "x" * 16_385, ["1:4 too-large"]),
    "a quoted text over 16 KB": ("b: 1\na: '" + "x" * 16_385 + "'", ["2:4 too-large"]),
    "a block of text over 16 KB": ("a: |\n" + "  xxxxxxx\n" * 2_100, ["1:4 too-large"]),
    # What YAML has and specs do not use
    "an anchor": ("a: &x 1", ["1:4 not-supported"]),
    "an anchor on a map": ("a: &x\n  b: 1", ["1:4 not-supported"]),
    "an anchor on the root": ("&x\na: 1", ["1:1 not-supported"]),
    "an alias": ("a: *x", ["1:4 not-supported"]),
    "an alias in a list": ("a:\n  - 1\n  - *x", ["3:5 not-supported"]),
    "a list that holds itself": ("a: &x [*x]", ["1:4 not-supported", "1:8 not-supported"]),
    "a merge key": ("a: 1\n<<: {b: 2}", ["2:1 not-supported"]),
    "a binary": ("a: !!binary aGk=", ["1:4 not-supported"]),
    "a set": ("a: !!set {b}", ["1:4 not-supported"]),
    "an ordered map": ("a: !!omap [b: 1]", ["1:4 not-supported"]),
    "a Python object": ("a: !!python/object/apply:os.system [ls]", ["1:4 not-supported"]),
    "a tag of one's own": ("a: !mine b", ["1:4 not-supported"]),
    "a bare tag": ("a: !", ["1:4 not-supported"]),
    "a tag on a key": ("!!str a: 1", ["1:1 not-supported"]),
    "a second document": ("a: 1\n---\nb: 2", ["2:1 not-supported"]),
    "a second document after an end": ("a: 1\n...\n---\nb: 2", ["3:1 not-supported"]),
    # Keys
    "a key twice": ("a: 1\nb: 2\na: 3", ["3:1 duplicate-key"]),
    "a key three times": ("a: 1\na: 2\na: 3", ["2:1 duplicate-key", "3:1 duplicate-key"]),
    "a key twice, once in quotes": ('a: 1\n"a": 2', ["2:1 duplicate-key"]),
    "a key twice, deep down": ("a:\n  - b: 1\n    b: 2", ["3:5 duplicate-key"]),
    "a key twice in braces": ("a: { b: 1, b: 2 }", ["1:12 duplicate-key"]),
    "a number as a key": ("b: 1\n12: a", ["2:1 key-not-text"]),
    "true as a key": ("true: a", ["1:1 key-not-text"]),
    "null as a key": ("null: a", ["1:1 key-not-text"]),
    "a list as a key": ("[a]: b", ["1:1 key-not-text"]),
    "a map as a key": ("{a: 1}: b", ["1:1 key-not-text"]),
    "a list after a question mark": ("? [a]\n: b", ["1:3 key-not-text"]),
    # Characters
    "no UTF-8": (b"a: 1\nb: caf\xe9", ["2:7 bad-encoding"]),
    "no UTF-8 after a wide character": ("a: é".encode() + b"\xff", ["1:5 bad-encoding"]),
    "UTF-16": ("a: 1".encode("utf-16"), ["1:1 bad-encoding"]),
    "a NUL": ("a: b\x00c", ["1:5 bad-encoding"]),
    "an escape of a terminal": ("a: 1\nb: \x1b[31m", ["2:4 bad-encoding"]),
    "an emoji as JSON writes it": ('a: "\\ud83d\\ude00"', ["1:4 bad-encoding"]),
    "half of a surrogate pair": ('a: "x\\ud800y"', ["1:4 bad-encoding"]),
    "an unknown escape": ('a: "\\q"', ["1:5 bad-yaml"]),
    "a short escape": ('a: "\\x4"', ["1:5 bad-yaml"]),
    # Numbers
    "a number that is infinite": ("a: 1e400", ["1:4 wrong-kind"]),
    "a number of 100,000 digits": ("a: " + "1" * 100_000, ["1:4 too-large"]),
    "a number of 5,000 digits": ("a: " + "1" * 5_000, ["1:4 wrong-kind"]),
}


@pytest.mark.parametrize(("text", "expected"), NASTY.values(), ids=NASTY.keys())
def test_a_nasty_file_ends_quickly_with_its_fault_in_its_place(
    text: str | bytes, expected: list[str]
) -> None:
    with within(1):
        _, issues = read_text(text)
    assert places(issues) == expected


@pytest.mark.parametrize(("text", "lines"), [(ALIASES, 11), (MERGES, 27)], ids=["aliases", "merges"])
def test_a_bomb_is_refused_line_by_line_and_built_nowhere(text: str, lines: int) -> None:
    with within(1):
        root, issues = read_text(text)
    assert root is not None
    assert {issue.place.line for issue in issues if issue.place} == set(range(1, lines + 1))
    assert {issue.code for issue in issues} == {"not-supported"}
    assert len(json.dumps(root.data())) < 10_000


def test_an_alias_that_stands_for_nothing_ends_the_file_no_more_than_another() -> None:
    root, issues = read_text("a: *missing\nb: 2")
    assert places(issues) == ["1:4 not-supported"]
    assert root is not None
    assert root.data()["b"] == 2


def test_every_code_of_the_loader_is_in_the_table_of_codes() -> None:
    used = {expected.split()[1] for _, row in NASTY.values() for expected in row}
    assert used <= set(CODES)


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', 'a: "\\U00110000"', "%YAML 1." + "9" * 5_000 + "\n---\na: 1"]
)
def test_a_number_that_no_character_has_is_a_fault_like_any_other(text: str) -> None:
    _, issues = read_text(text)
    assert [issue.severity for issue in issues] == ["error"]


def test_a_key_with_half_a_character_is_told_in_words_that_can_be_printed() -> None:
    _, issues = read_text('"\\ud800": 1')
    assert places(issues) == ["1:1 bad-encoding"]
    "\n".join(render(issue) for issue in issues).encode()


def test_an_alias_as_a_key_is_told_once() -> None:
    _, issues = read_text("*x : 1")
    assert places(issues) == ["1:1 not-supported"]


@pytest.mark.parametrize("line", ["a" + " " * 20_000 + "\x07", "a" * 20_000 + "\x07", "- " * 10_000 + "\x07"])
def test_a_very_long_line_ends_quickly(line: str) -> None:
    with within(0.2):
        read_text(line)


def test_a_large_file_with_many_broken_lines_ends_quickly() -> None:
    fine = "".join(f"k{i}: some text here\n" for i in range(4_000))
    broken = "".join(f"z{i}: @\n" for i in range(24))
    with within(2):
        _, issues = read_text(fine + broken)
    assert places(issues)[0] == "4001:5 path-in-quotes"


def test_a_private_character_of_the_writer_is_not_taken_for_our_own_mark() -> None:
    root, issues = read_text("a: \ue000\nb: x\ue000y")
    assert (root.data(), issues) == ({"a": "\ue000", "b": "x\ue000y"}, [])


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_line_that_an_editor_shows_as_one_is_one(separator: str) -> None:
    _, issues = read_text(f"a: 'one{separator}two'\nb: 1\nc: @")
    assert "3:4 path-in-quotes" in places(issues)


def test_limits_are_those_of_the_caller_where_it_has_some() -> None:
    few = Limits(file_bytes=10, depth=1, nodes=3, scalar_characters=2)
    assert places(read(b"a: 1234567890", "f", few)[1]) == ["1:1 too-large"]
    assert places(read(b"a: [1]", "f", few)[1]) == ["1:4 too-large"]
    assert places(read(b"a: 1\nb: 2", "f", few)[1]) == ["2:1 too-large"]
    assert places(read(b"a: xyz", "f", few)[1]) == ["1:4 too-large"]


def test_what_is_just_within_the_limits_is_read() -> None:
    assert read_text("#" * 256 * 1024) == (None, [])
    assert read_text("a: " + "[" * 31 + "]" * 31)[1] == []
    assert read_text("- 1\n" * 9_999)[1] == []
    assert read_text("a: " + "x" * 16_384)[1] == []


# Scalars

CORE: list[tuple[str, Any]] = [
    ("", None),
    ("null", None),
    ("true", True),
    ("false", False),
    ("0", 0),
    ("-0", 0),
    ("7", 7),
    ("-7", -7),
    ("9007199254740993", 9007199254740993),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("1.5", 1.5),
    ("-0.25", -0.25),
    ("3.10", 3.1),
    ("1e3", 1000.0),
    ("1E3", 1000.0),
    ("1.0e+3", 1000.0),
    ("-1e-2", -0.01),
    ("text", "text"),
    ("two words", "two words"),
    ("a.b.c", "a.b.c"),
    ("'true'", "true"),
    ('"5"', "5"),
    ("'null'", "null"),
    ("''", ""),
    ('""', ""),
    ("' '", " "),
    ('"\\u00e9"', "é"),
    ('"\\U0001F600"', "😀"),
    ("😀", "😀"),
    ("2026-08-31T10:00:00Z", "2026-08-31T10:00:00Z"),
    ("1.2.3", "1.2.3"),
    ("=", "="),
    ("<<", "<<"),
    ("e3", "e3"),
    ("1 000", "1 000"),
    ("1,000", "1,000"),
    ("Infinity", "Infinity"),
    ("NaN", "NaN"),
    ("[]", []),
    ("{}", {}),
    ("[1, two, null]", [1, "two", None]),
    ("{ b: 1, c: [true] }", {"b": 1, "c": [True]}),
]


@pytest.mark.parametrize(("text", "expected"), CORE, ids=[text or "nothing" for text, _ in CORE])
def test_a_value_is_what_yaml_1_2_says_without_a_word(text: str, expected: Any) -> None:
    root, issues = read_text(f"a: {text}")
    assert issues == []
    found = root.data()["a"]
    assert (found, type(found)) == (expected, type(expected))


AMBIGUOUS = [
    *(
        "yes",
        "no",
        "on",
        "off",
        "Yes",
        "NO",
        "On",
        "OFF",
        "y",
        "n",
        "Y",
        "N",
        "~",
        "True",
        "FALSE",
        "Null",
        "NULL",
    ),
    *("010", "08", "012", "0033612", "-017", "+012", "0o17", "0x1F"),
    *("12:30", "1:30", "22:22", "12:30:45", "190:20:30"),
    *("1_000", "1__0", "+1_0", "+46701234567", "+5"),
    *("2024-01-01", "2024-13-45"),
    *(".inf", "-.inf", "+.INF", ".nan", ".NaN"),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_habit_of_other_yaml_readers_is_text_with_a_warning(text: str) -> None:
    root, issues = read_text(f"a:\n  b: {text}")
    assert root.data() == {"a": {"b": text}}
    assert places(issues) == ["2:6 ambiguous-value"]
    assert issues[0].severity == "warning"
    assert f"`{text}`" in issues[0].message
    assert f'"{text}"' in issues[0].hint


@pytest.mark.parametrize("text", [".5", "-.5", "1.", "+1.5", "0b10"])
def test_a_number_that_json_does_not_know_is_text_with_a_warning(text: str) -> None:
    root, issues = read_text(f"a: {text}")
    assert root.data() == {"a": text}
    assert places(issues) == ["1:4 ambiguous-value"]


@pytest.mark.parametrize("text", AMBIGUOUS)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_in_quotes_nothing_is_ambiguous(text: str, quote: str) -> None:
    assert read_text(f"a: {quote}{text}{quote}")[1] == []


@pytest.mark.parametrize("key", ["yes", "no", "on", "off", "y", "012", "12:30", "1_000", "2024-01-01", "~"])
def test_a_key_is_text_without_a_warning(key: str) -> None:
    root, issues = read_text(f"{key}: 1")
    assert (root.data(), issues) == ({key: 1}, [])


# Files as people save them


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", None),
        (b"\n\n", None),
        (b"# only a comment", None),
        (b"\xef\xbb\xbf", None),
        (b"\xef\xbb\xbfa: 1", {"a": 1}),
        (b"---\na: 1\n...\n", {"a": 1}),
        (b"%YAML 1.2\n---\na: 1", {"a": 1}),
        (b"a: 1\r\nb:\r\n  c: |\r\n    x\r\n    y\r\n", {"a": 1, "b": {"c": "x\ny\n"}}),
        (b"a: 1\rb: 2\r", {"a": 1, "b": 2}),
        (b"a: b # c", {"a": "b"}),
        (b"a: b#c", {"a": "b#c"}),
        (b"a:  b  ", {"a": "b"}),
        (b"a: |-\n  x\n  y", {"a": "x\ny"}),
        (b"a: >-\n  x\n  y\n\n  z", {"a": "x y\nz"}),
        (b"? a\n: 1", {"a": 1}),
        (b"- a\n- b", ["a", "b"]),
        (b"just text", "just text"),
    ],
)
def test_a_file_is_read_however_it_is_saved(raw: bytes, expected: Any) -> None:
    root, issues = read_text(raw)
    assert issues == []
    assert (root.data() if root else None) == expected


def test_a_node_knows_where_it_and_each_of_its_keys_stand() -> None:
    root, _ = read_text("a: 1\nb:\n  - c: [x, 'y']\n")
    assert [(key, str(place)) for key, place, _ in root.items()] == [
        ("a", "spec.yaml:1:1"),
        ("b", "spec.yaml:2:1"),
    ]
    inner = root.get("b").value[0]
    assert str(inner.place) == "spec.yaml:3:5"
    assert [str(node.place) for node in inner.get("c").value] == ["spec.yaml:3:9", "spec.yaml:3:12"]
    assert inner.get("c").place.text == "  - c: [x, 'y']"


# Broken lines

BROKEN = """\
metric: Created Ticket
label: {{ id }}
text: {{ id }} of {{ name }}
path: @
raw: `null`
title: Ticket: {{ id }}
open: "never closed
fine: 1
percent: %d
quoted: 'a' b
\ttabbed: 1
list: [a, b
map: { a: 1
star: *.name
note: one line
half
twice: 1
twice: 2
last: 3
"""


def test_all_broken_lines_of_a_file_are_told_at_once_and_the_rest_is_read() -> None:
    root, issues = read_text(BROKEN)
    assert places(issues) == [
        "2:8 quote-the-template",
        "3:7 quote-the-template",
        "4:7 path-in-quotes",
        "5:6 path-in-quotes",
        "6:14 colon-in-text",
        "7:7 open-quote",
        "9:10 path-in-quotes",
        "10:13 bad-yaml",
        "11:1 bad-indentation",
        "12:7 bad-yaml",
        "13:6 bad-yaml",
        "14:7 path-in-quotes",
        "16:1 bad-yaml",
        "18:1 duplicate-key",
    ]
    fine = {"metric": "Created Ticket", "fine": 1, "note": "one line", "twice": 1, "last": 3}
    assert fine.items() <= root.data().items()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:b\nd: 3", 1),
        ("x:\n  a:b\n  c: 1\nd: 3", 2),
        (": a\nd: 3", 1),
        ("a: 1\n- b\nd: 3", 2),
    ],
)
def test_a_missing_space_or_key_is_not_blamed_on_an_indentation_that_is_right(text: str, line: int) -> None:
    _, issues = read_text(text)
    assert [issue.place.line for issue in issues if issue.place] == [line]
    assert issues[0].code != "bad-indentation"


def test_a_value_that_could_not_be_read_is_broken_and_its_key_is_kept() -> None:
    root, _ = read_text("a: @\nb: 1")
    assert root.get("a").broken
    assert not root.get("b").broken
    assert [str(place) for _, place, _ in root.items()] == ["spec.yaml:1:1", "spec.yaml:2:1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n  b: 1\n c: 2\nd: 3", "3:2 bad-indentation"),
        ("a:\n  b: 1\n   c: 2\nd: 3", "3:4 bad-indentation"),
        ("a: 1\n  b: 2\nd: 3", "2:3 bad-indentation"),
        ("a:\n  - b: 1\n   c: 2\nd: 3", "3:4 bad-indentation"),
        ("a:\n\tb: 1\nd: 3", "2:1 bad-indentation"),
        ("a: 'it's'\nd: 3", "1:8 bad-yaml"),
        ("a: 'open\nb: 1\nd: 3", "1:4 open-quote"),
        ('a: "open\nb: "x"\nd: 3', "1:4 open-quote"),
        ("'a: 1\nd: 3", "1:1 open-quote"),
        ("a: {% if b %}c{% endif %}\nd: 3", "1:4 quote-the-template"),
        ("a: x: y\nd: 3", "1:5 colon-in-text"),
        ("a: http://x.y: z\nd: 3", "1:14 colon-in-text"),
        ("a: - b\nd: 3", "1:4 bad-yaml"),
    ],
)
def test_a_broken_line_is_named_where_its_fault_is_and_costs_nothing_else(text: str, expected: str) -> None:
    root, issues = read_text(text)
    assert places(issues) == [expected]
    assert root is not None
    assert root.data()["d"] == 3


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {{ id }}", 'put the whole value in quotes: "{{ id }}"'),
        ("a: {{ id }} # note", 'put the whole value in quotes: "{{ id }}"'),
        ('a: {{ b | d("x") }}', """put it in quotes: '{{ b | d("x") }}'"""),
        ("a: {{ b }} of c", 'put the whole value in quotes: "{{ b }} of c"'),
    ],
)
def test_a_template_without_quotes_is_shown_as_it_should_stand(text: str, hint: str) -> None:
    _, issues = read_text(text)
    assert [(issue.code, issue.hint) for issue in issues] == [("quote-the-template", hint)]


LIBRARY = re.compile(
    r"expected <|token|scalar|block mapping|sequence|found character|flow|NoneType|Traceback|node"
)


def test_no_message_of_the_loader_uses_the_words_of_the_library() -> None:
    texts = [BROKEN, *(text for text, _ in NASTY.values() if len(text) < 10_000)]
    for text in texts:
        for issue in read_text(text)[1]:
            assert not LIBRARY.search(f"{issue.message} {issue.hint}"), issue


# The characters of a scalar: each text holds one §, which is looked for

FOUND = [
    "a: §",
    "a: one two§",
    "a: one\n  two\n  three§",
    "a: one\n\n  two§",
    "a:\n  one§",
    "a: one   §two",
    "a: 'one two§'",
    "a: 'it''s, it''s §'",
    "a: '''§'",
    "a: 'one\n  two§'",
    "a: 'one\n\n  two§'",
    'a: "one two§"',
    'a: "\\t\\n\\"\\\\\\/§"',
    'a: "\\x41\\u0041\\U00000041§"',
    'a: "one\n  two§"',
    'a: "one \\\n  two§"',
    'a: "one\\\n  \\  two§"',
    'a: "\\\n  §"',
    "a: |\n  one\n  two§",
    "a: |-\n  one\n    two\n  three§",
    "a: |+\n  one\n\n\n  two§\n\n",
    "a: | # why\n  one§",
    "a: |\n  \tone§",
    "a: |\n  one  \n  §",
    "a: >\n  one\n  two§",
    "a: >-\n  one\n\n  two§",
    "a: >\n  one\n    two\n  three§",
]
FOUND_IN_ODD_LAYOUT = [
    "a: one\n\n\n  § two",
    "a: one  \n  § two",
    "a: 'one\n\n\n  § two'",
    "a: 'one  \n  § two'",
    'a: "one  \n  § two"',
    "a: |\n\n  one\n  § two",
    "a: |2\n    one\n  § two",
    "a: >\n\n  one\n  § two",
    "a: >\n  one\n\n\n  § two",
    "a: >\n  one\n\n    two\n  § three",
]


@pytest.mark.parametrize("text", [*FOUND, *FOUND_IN_ODD_LAYOUT])
def test_a_character_of_a_value_is_found_in_the_file(text: str) -> None:
    node = read_text(text)[0].get("a")
    found = node.at(node.value.index("§"))
    assert _index(text, found) == text.index("§")
    assert "§" in found.text


@pytest.mark.parametrize(("offset", "column"), [(0, 5), (1, 6), (2, 8), (3, 12), (4, 13)])
def test_an_escape_is_found_at_its_backslash(offset: int, column: int) -> None:
    root, _ = read_text('a: "x\\t\\x41yz"')
    assert root.get("a").at(offset).column == column


def test_an_offset_behind_the_text_is_its_last_character() -> None:
    root, _ = read_text("a: abc\nb: 'abc'\nc: \"\"\n")
    assert [str(root.get(key).at(99)) for key in "abc"] == ["spec.yaml:1:6", "spec.yaml:2:8", "spec.yaml:3:5"]


words = st.text("aZ0.()|&é😀", max_size=5).map(lambda tail: f"w{tail}")
lines = st.lists(words, min_size=1, max_size=4).map(" ".join)
paragraphs = st.lists(st.lists(lines, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=3)
STYLES = {
    "plain": ("a: ", "  ", ""),
    "single": ("a: '", "  ", "'"),
    "double": ('a: "', "  ", '"'),
    "literal": ("a: |\n   ", "   ", "\n"),
    "folded": ("a: >-\n   ", "   ", "\n"),
}


@pytest.mark.parametrize("style", STYLES)
@bounded
@given(paragraphs)
def test_every_character_of_a_text_over_many_lines_is_found(style: str, text: list[str]) -> None:
    start, indent, end = STYLES[style]
    body = "\n\n".join(text).replace("\n", f"\n{indent}").replace(f"\n{indent}\n", "\n\n")
    source = f"{start}{body}{end}\nb: 1\n"
    node = read_text(source)[0].get("a")
    stands = [at for at in range(len(start), len(start + body)) if not source[at].isspace()]
    offsets = [at for at, character in enumerate(node.value) if not character.isspace()]
    assert [_index(source, node.at(offset)) for offset in offsets] == stands


ESCAPES = {"": 0, "x": 2, "u": 4, "U": 8}


@bounded
@given(st.lists(st.tuples(st.sampled_from("ab'é\"\\"), st.sampled_from([*ESCAPES])), min_size=1))
@example([("'", ""), ("a", "x"), ('"', ""), ("\\", "U"), ("a", "")])
def test_every_character_of_a_quoted_text_is_found(characters: list[tuple[str, str]]) -> None:
    double, single = 'a: "', "a: '"
    in_double, in_single = [], []
    for character, escape in characters:
        in_double.append(len(double))
        in_single.append(len(single))
        short = f"\\{character}" if character in '"\\' else character
        double += f"\\{escape}{ord(character):0{ESCAPES[escape]}x}" if escape else short
        single += "''" if character == "'" else character
    for source, stands in ((double + '"', in_double), (single + "'", in_single)):
        node = read_text(source)[0].get("a")
        assert node.value == "".join(character for character, _ in characters)
        assert [_index(source, node.at(offset)) for offset in range(len(characters))] == stands


def _index(source: str, place: Place) -> int:
    return sum(len(line) + 1 for line in source.split("\n")[: place.line - 1]) + place.column - 1


# Whatever comes

PIECES = [
    *(
        "a: ",
        "b:",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "? ",
        ": ",
        "{{ x }}",
        "{",
        "}",
        "[",
        "]",
        ",",
        "'",
        '"',
        "#",
    ),
    *("|", ">", "&x", "*x", "!t", "%", "@", "`", "<<: ", "---", "...", "\t", "null", "1", "\\", "\\u", "é"),
    *("\u2028", "\ufeff", "\x00"),
]
yamlish = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@bounded
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))))
def test_no_bytes_ever_raise(raw: bytes) -> None:
    _look_over(*read(raw, "f.yaml"))


@settings(bounded, max_examples=400)
@given(yamlish)
def test_nothing_that_looks_like_yaml_ever_raises(text: str) -> None:
    _look_over(*read_text(text))


def test_both_parsers_of_pyyaml_read_the_same() -> None:
    """Where libyaml is there, it reads the files without a fault, and Python's parser the others."""
    texts = [f"{key}: {text}" for key in ("a", "'b'") for text, _ in CORE]
    texts += [
        *FOUND,
        "a: [b, {c: d}]\n\nb:\n  - é😀\n  - c: |\n      é\n  -\n",
        "\u2028a: b",
        "a: 'é\n\n  é'  # é\nb: é",
    ]
    for text in texts:
        document = Document("spec.yaml", text, tuple(text.split("\n")))
        assert _shape(*read_text(text)) == _shape(*_read_slowly(document, Limits()))


@bounded
@given(yamlish)
def test_both_parsers_of_pyyaml_agree_on_whatever_comes(text: str) -> None:
    text = text.replace("\ufeff", "")
    document = Document("spec.yaml", text, tuple(text.split("\n")))
    assert _shape(*read_text(text)) == _shape(*_read_slowly(document, Limits()))


def _shape(root: Node | None, issues: list[Issue]) -> Any:
    return _nodes(root) if root else None, issues


def _nodes(node: Node) -> list[Any]:
    """A node with all that it holds, and where each begins."""
    inner = node.value.values() if node.kind == "map" else node.value if node.kind == "list" else ()
    keys = [(key, str(place)) for key, place, _ in node.items()]
    return [str(node.place), node.style, node.broken, keys, node.data(), *(_nodes(child) for child in inner)]


def _look_over(root: Node | None, issues: list[Issue]) -> None:
    """Every issue has its place and can be shown, and what was read is JSON."""
    assert issues == sorted(issues, key=lambda issue: issue.place)
    "\n".join(render(issue) for issue in issues).encode()
    json.dumps(root.data() if root else None, allow_nan=False)
