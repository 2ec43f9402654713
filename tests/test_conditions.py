"""What `when` compares: `same`, and every form of a condition."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.issues import Place
from engine.language.conditions import FORMS, Condition, read_condition, same
from engine.language.source import read
from engine.language.values import Constant, Value

HERE = Place("spec.yaml", 1, 1)
PATH = Value(Constant(None), "path", HERE)

EQUAL: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (False, False),
    (0, 0),
    (5, 5),
    (5, 5.0),
    (5, "5"),
    (5.0, "5"),
    (5.0, "5.0"),
    (1.5, "1.5"),
    (-3, "-3"),
    (0, "0"),
    ("", ""),
    ("open", "open"),
    ("5", "5"),
    (" 5 ", 5),
    ("5 ", 5),
    (9007199254740993, "9007199254740993"),
    (9007199254740993, 9007199254740993),
    (215472629311301, "215472629311301"),
    ("215472629311301999999", 215472629311301999999),
    (["a"], ["a"]),
    ({"a": 1}, {"a": 1}),
]

DIFFERENT: list[tuple[Any, Any]] = [
    (None, False),
    (None, 0),
    (None, ""),
    (None, "null"),
    (None, []),
    (True, 1),
    (True, 1.0),
    (True, "true"),
    (True, "True"),
    (True, False),
    (False, 0),
    (False, ""),
    (False, "false"),
    (False, []),
    (0, ""),
    (5, 6),
    (5, "6"),
    (5, "05"),
    (5, "5x"),
    (5, "five"),
    (5, "+5"),
    (1000, "1_000"),
    (1000, "1,000"),
    (1000, "1e3"),
    (5, "5.5"),
    ("open", "Open"),
    ("open", "open "),
    ("5", " 5"),
    ("5", ["5"]),
    (5, [5]),
    (["a", "b"], ["b", "a"]),
    (9007199254740993, 9007199254740992),
    (9007199254740993, "9007199254740992"),
    (9007199254740993, 9007199254740992.0),
    ("9007199254740993", 9007199254740992.0),
    (215472629311301000001, "215472629311301000000"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL, ids=repr)
def test_these_are_the_same_either_way_round(one: Any, other: Any) -> None:
    assert same(one, other) is True
    assert same(other, one) is True


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=repr)
def test_these_differ_either_way_round(one: Any, other: Any) -> None:
    assert same(one, other) is False
    assert same(other, one) is False


plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(plain, plain)
def test_same_has_no_direction_and_every_value_is_the_same_as_itself(one: Any, other: Any) -> None:
    assert same(one, other) is same(other, one)
    assert same(one, one)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_an_id_is_the_same_as_its_text_and_as_no_neighbour(number: int) -> None:
    assert same(number, str(number))
    assert not same(number, str(number + 1))
    assert not same(str(number), number + 1)


def test_a_number_of_any_size_can_be_compared() -> None:
    assert not same(10**5_000, "5")
    assert not Condition(PATH, "", HERE, at_most=5).holds(10**400)


# The forms


def condition(**form: Any) -> Condition:
    return Condition(PATH, "path: form", HERE, **form)


def condition_of(yaml: str) -> Condition:
    """The condition that a line of `when` is read as."""
    root, issues = read(f"path: {yaml}".encode(), "spec.yaml")
    assert (root is not None, issues) == (True, [])
    found = read_condition(PATH, "path", HERE, root.get("path"), issues.append)
    assert issues == []
    assert found is not None
    return found


HOLDS: list[tuple[str, Any, bool]] = [
    # path: value
    ("resolved", "resolved", True),
    ("resolved", "submitted", False),
    ("resolved", None, False),
    ("resolved", ["resolved"], False),
    ("5", 5, True),
    ("5", "5", True),
    ("'5'", 5, True),
    ("5", 6, False),
    ("5", True, False),
    ("1", True, False),
    ("0", False, False),
    ("0", None, False),
    ("''", "", True),
    ("''", None, False),
    ("true", True, True),
    ("true", "true", False),
    ("true", 1, False),
    ("true", None, False),
    ("false", False, True),
    ("false", None, False),
    ("false", 0, False),
    ("'true'", True, False),
    ("9007199254740993", "9007199254740993", True),
    ("9007199254740993", 9007199254740993, True),
    ("9007199254740993", 9007199254740992, False),
    ("'215472629311301999'", 215472629311301999, True),
    # path: null
    ("null", None, True),
    ("", None, True),
    ("null", False, False),
    ("null", 0, False),
    ("null", "", False),
    ("null", [], False),
    # path: [a, b]
    ("[a, b]", "a", True),
    ("[a, b]", "b", True),
    ("[a, b]", "c", False),
    ("[a, b]", None, False),
    ("[1, two, null]", "1", True),
    ("[1, two, null]", 1, True),
    ("[1, two, null]", None, True),
    ("[true]", 1, False),
    # path: { not: v } and { not: [a, b] }
    ("{ not: a }", "b", True),
    ("{ not: a }", "a", False),
    ("{ not: a }", None, True),
    ("{ not: [a, b] }", "b", False),
    ("{ not: [a, b] }", "c", True),
    ("{ not: 5 }", "5", False),
    ("{ not: true }", 1, True),
    ("{ not: true }", True, False),
    ("{ not: true }", None, True),
    ("{ not: null }", None, False),
    ("{ not: null }", False, True),
    ("{ not: null }", 0, True),
    ("{ not: null }", "", True),
    ("{ not: [null, a] }", None, False),
    # path: { at_least: n } and { at_most: n }
    ("{ at_least: 4 }", 4, True),
    ("{ at_least: 4 }", 5, True),
    ("{ at_least: 4 }", 3.9, False),
    ("{ at_least: 4 }", "4", True),
    ("{ at_least: 4 }", " 4.5 ", True),
    ("{ at_least: 4 }", "four", False),
    ("{ at_least: 4 }", None, False),
    ("{ at_least: 4 }", "", False),
    ("{ at_least: 0 }", None, False),
    ("{ at_least: 0 }", "", False),
    ("{ at_least: 0 }", False, False),
    ("{ at_least: 0 }", True, False),
    ("{ at_least: 0 }", [], False),
    ("{ at_least: -1 }", None, False),
    ("{ at_least: 0 }", 0, True),
    ("{ at_most: 4 }", 4, True),
    ("{ at_most: 4 }", 4.1, False),
    ("{ at_most: 4 }", "3", True),
    ("{ at_most: 4 }", None, False),
    ("{ at_most: 4 }", False, False),
    ("{ at_most: 4 }", {}, False),
    ("{ at_least: 2, at_most: 4 }", 3, True),
    ("{ at_least: 2, at_most: 4 }", 2, True),
    ("{ at_least: 2, at_most: 4 }", 5, False),
    ("{ at_least: 2, at_most: 4 }", 1, False),
    ("{ at_least: 9007199254740993 }", 9007199254740992, False),
    ("{ at_least: 9007199254740993 }", "9007199254740993", True),
    ("{ not: 3, at_least: 2 }", 3, False),
    ("{ not: 3, at_least: 2 }", 4, True),
]


@pytest.mark.parametrize(("form", "found", "expected"), HOLDS, ids=[f"{f} of {v!r}" for f, v, _ in HOLDS])
def test_a_condition_holds_or_not(form: str, found: Any, expected: bool) -> None:
    assert condition_of(form).holds(found) is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (True, True),
        (False, False),
        (None, False),
        ("", False),
        ("x", True),
        ([], False),
        ([0], True),
        ({}, False),
        ({"a": 1}, True),
        (0, True),
        (1, True),
    ],
)
def test_a_condition_as_text_holds_where_jmespath_calls_its_value_true(found: Any, expected: bool) -> None:
    assert condition(is_true=True).holds(found) is expected


@pytest.mark.parametrize(
    ("form", "found"), [*product(["at_least", "at_most"], [None, "", " ", True, False, [], {}, "x"])]
)
def test_no_value_is_neither_at_least_nor_at_most_anything(form: str, found: Any) -> None:
    for bound in (-(10**9), 0, 10**9):
        assert condition(**{form: bound}).holds(found) is False


@settings(derandomize=True, deadline=None, max_examples=200)
@given(plain, plain)
def test_not_is_the_opposite_of_the_value_itself(found: Any, wanted: Any) -> None:
    assert condition(any_of=(wanted,)).holds(found) is not condition(none_of=(wanted,)).holds(found)


def test_the_forms_are_those_of_the_language() -> None:
    assert FORMS == ("not", "at_least", "at_most")


def test_a_condition_knows_its_line_as_it_is_written() -> None:
    assert condition_of("{ not:   [a,\n  b] }").text == "path: { not: [a, b] }"
