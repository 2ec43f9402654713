"""`explain`: where each value came from, as rows and for people."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.letters import letter
from tests.support import (
    FIXTURES,
    NAMED,
    RECORDS,
    ROOT,
    changed,
    run,
    write,
)

pytestmark = pytest.mark.usefixtures("in_the_clone")

WITH_RECORDS = ("--records", RECORDS)
RECORDS_HERE = ("--records", "tests/fixtures/records.yaml")


ROW_KEYS = tuple("section name value file line column expression raw type origin why".split())  # noqa: SIM905


@pytest.fixture(scope="module")
def every_explanation() -> list[Any]:
    with contextlib.chdir(ROOT):
        return run("explain", "--json", FIXTURES, *WITH_RECORDS).rows


def test_an_explanation_has_exactly_its_keys(every_explanation: list[Any]) -> None:
    keys = ["input", "outcome", "metric", "reason", "rows", "when", "notes", "issues"]
    assert {tuple(told) for told in every_explanation} == {tuple(keys)}
    assert {tuple(row) for told in every_explanation for row in told["rows"]} == {ROW_KEYS}
    checks = {tuple(check) for told in every_explanation for check in told["when"]}
    assert checks == {("condition", "found", "holds", "file", "line", "column")}


def test_each_result_is_explained_in_the_order_of_translate(
    every_row: list[Any], every_explanation: list[Any]
) -> None:
    same = ("input", "outcome", "metric", "reason", "issues")
    assert [[told[key] for key in same] for told in every_explanation] == [
        [row[key] for key in same] for row in every_row
    ]


def test_the_values_that_are_explained_are_those_that_are_sent(
    every_row: list[Any], every_explanation: list[Any]
) -> None:
    for row, told in zip(every_row, every_explanation, strict=True):
        if not row["body"]:
            continue
        sent = row["body"]["data"]["attributes"]
        shown: dict[str, dict[str, Any]] = {"event": {}, "profile": {}, "properties": {}}
        for field in told["rows"]:
            if field["value"] is not None:
                shown[field["section"]][field["name"]] = field["value"]
        profile = sent["profile"]["data"]["attributes"] if row["outcome"] == "event" else dict(sent)
        properties = sent["properties"] if row["outcome"] == "event" else profile.pop("properties")
        location = profile.pop("location", {})
        flat = {**profile, **{f"location.{key}": value for key, value in location.items()}}
        assert shown["properties"] == properties
        assert shown["profile"] == flat
        assert shown["event"] == {key: sent[key] for key in ("time", "unique_id", "value") if key in sent}


def test_every_row_names_the_line_where_its_expression_stands(every_explanation: list[Any]) -> None:
    by_the_engine = set()
    for told in every_explanation:
        for row in told["rows"]:
            if row["file"] is None:
                by_the_engine.add((row["name"], row["origin"]))
                continue
            written = (ROOT / row["file"]).read_text(encoding="utf-8").split("\n")[row["line"] - 1]
            assert written[row["column"] - 1 :].lstrip("\"'").startswith(row["expression"])
    assert by_the_engine == {("Intercom Event ID", "the engine")}


def test_every_row_has_a_value_or_a_reason_and_never_both(every_explanation: list[Any]) -> None:
    rows = [row for told in every_explanation for row in told["rows"]]
    assert [row for row in rows if (row["value"] is None) == (row["why"] is None)] == []


def test_the_reason_of_a_row_is_one_also_where_the_event_is_parked(every_explanation: list[Any]) -> None:
    parked = [row for told in every_explanation if told["outcome"] == "parked" for row in told["rows"]]
    found = {(row["name"], row["why"]) for row in parked if row["raw"] is not None}
    hollow = {
        (name, why) for name, why in found if why in ("left out", "no value", "the event needs a value here")
    }
    assert hollow == set(), "these have a value, and are said to be left out for no reason"


def explained(letters: Path, payload: Any, *options: str) -> dict[str, Any]:
    write(letters / "letter.json", json.dumps(payload))
    [told] = run("explain", "--json", "letter.json", "--metric", "Wrote Letter", *options).rows
    return {row["name"]: row for row in told["rows"]}


EXPLAINED = [
    ("a plain value", {}, (), "Subject", {"value": "Hello", "raw": "Hello", "type": "text", "why": None}),
    ("the moment that a number means", {}, (), "time", {"value": "2026-08-31T10:00:00Z", "raw": 1788170400}),
    ("the id with what the engine puts before it", {}, (), "unique_id", {"raw": "conv:42:letter"}),
    ("the default", {}, (), "Pages", {"value": 1, "raw": None, "origin": "default"}),
    ("no default where there is a value", {"pages": 2}, (), "Pages", {"value": 2, "origin": None}),
    ("the record", {}, RECORDS_HERE, "Team", {"value": "Post", "origin": "team 7"}),
    ("a record that was not asked for", {}, (), "Team", {"why": "team 7 is not looked up: no records given"}),
    ("no value", {}, (), "Colour", {"value": None, "why": "there is no `blue` here", "expression": "blue"}),
    ("a number made of text", {"stamps": "3"}, (), "value", {"value": 3, "raw": "3", "type": "number"}),
    ("a refused value", {"phone": "call me"}, (), "phone_number", {"raw": "call me", "value": None}),
    ("an excepted key", {"pages": 2}, (), "Extra pages", {"value": None, "why": "named under `except`"}),
    ("a spread key", {"Wax": True}, (), "Extra Wax", {"value": True, "expression": "custom_attributes"}),
    ("what Klaviyo would refuse", {"Wax": "x" * 100_001}, (), "Extra Wax", {"value": None}),
]


@pytest.mark.parametrize(
    ("what", "custom", "options", "name", "row"), EXPLAINED, ids=[row[0] for row in EXPLAINED]
)
def test_a_row_explains(
    what: str, custom: dict[str, Any], options: tuple[str, ...], name: str, row: dict[str, Any], letters: Path
) -> None:
    found = explained(letters, letter(**custom), *options)[name]
    assert {key: found[key] for key in row} == row


def test_a_refused_value_says_what_it_should_be_and_one_over_a_limit_which(letters: Path) -> None:
    rows = explained(letters, letter(phone="call me", Wax="x" * 100_001))
    assert "phone number with a country code" in rows["phone_number"]["why"]
    assert "100 KB" in rows["Extra Wax"]["why"]


def test_a_record_that_is_not_there_any_more_is_named(letters: Path) -> None:
    rows = explained(letters, changed(letter(), {"team_assignee_id": 8}), *RECORDS_HERE)
    assert rows["Team"]["why"] == "there is no team 8"
    rows = explained(letters, changed(letter(), {"team_assignee_id": 0}), *RECORDS_HERE)
    assert rows["Team"]["why"] == "there is no team id to look up"


TOLD = """\
letter.json

event    Wrote Letter
time, id and value
time                       2026-08-31T10:00:00Z
                           a_letter.yaml:6  created_at
                           from 1788170400
unique_id                  ic:app1:conv:42:letter
                           a_letter.yaml:7  conv:{{ id }}:letter
value                      2
                           a_letter.yaml:8  custom_attributes.stamps as number
profile
email                      ann@example.com
                           a_letter.yaml:10  source.author.email as email
phone_number               left out: there is no `phone` in `custom_attributes`
                           a_letter.yaml:11  custom_attributes.phone as phone
properties
Intercom Event ID          ic:app1:conv:42:letter
                           unique_id
                           by the engine
Subject                    Hello
                           a_letter.yaml:13  title as text
Team                       Post
                           a_letter.yaml:14  team.name
                           by team 7
Pages                      2
                           a_letter.yaml:16  custom_attributes.pages
Colour                     left out: there is no `blue` here
                           a_letter.yaml:18  blue as text
Extra stamps, Extra        left out: named under `except`
pages                      a_letter.yaml:20  custom_attributes

skipped  Licked Stamp: `custom_attributes.stamps: { at_least: 3 }` does not hold
(mappings/b_stamp.yaml:4)
 when  does not hold  custom_attributes.stamps: { at_least: 3 }  (found: 2;
b_stamp.yaml:4)
 when  holds          state: open  (found: open; b_stamp.yaml:5)
"""


def test_people_see_where_each_value_came_from(letters: Path) -> None:
    write(letters / "letter.json", json.dumps(letter(stamps="2", pages=2)))
    assert run("explain", "letter.json", *RECORDS_HERE).out == TOLD


def test_a_skipped_result_shows_each_line_of_when_and_what_it_found(letters: Path) -> None:
    write(letters / "letter.json", json.dumps(letter(stamps=2)))
    [told] = run("explain", "--json", "letter.json", "--metric", "Licked Stamp").rows
    place = {"file": "mappings/b_stamp.yaml", "column": 3}
    assert (told["outcome"], told["rows"]) == ("skipped", [])
    assert told["when"] == [
        {
            "condition": "custom_attributes.stamps: { at_least: 3 }",
            "found": 2,
            "holds": False,
            **place,
            "line": 4,
        },
        {"condition": "state: open", "found": "open", "holds": True, **place, "line": 5},
    ]


WIDE = letter(
    phone="no number",
    **{
        "想要的退款金额和颜色是什么样的呢这是一个很长的名字": "想要的退款金额和颜色" * 9,
        "e\u0301" * 90: "x" * 300,
    },
)


@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (40, 80), (100, 100), (300, 140)])
def test_the_table_is_as_wide_as_the_terminal_and_not_under_80(columns: int, widest: int) -> None:
    for name in ("ticket.state.updated.resolved.everything", "contact.user.updated.everything"):
        shown = run("explain", f"tests/fixtures/{name}.json", *WITH_RECORDS, columns=columns).out.split("\n")
        assert [row for row in shown if cell_len(row) > widest] == []
        assert max(map(cell_len, shown)) >= min(widest, 100)


@pytest.mark.parametrize("options", [(), WITH_RECORDS], ids=["without records", "with records"])
@pytest.mark.parametrize("name", NAMED)
def test_no_line_of_an_explanation_is_wider_than_80_columns_or_ends_in_blanks(
    name: str, options: tuple[str | Path, ...]
) -> None:
    shown = run("explain", (FIXTURES / f"{name}.json").relative_to(ROOT), *options).out
    assert [row for row in shown.split("\n") if cell_len(row) > 80 or row.endswith(" ")] == []


def test_wide_letters_and_long_words_stay_within_80_columns(letters: Path) -> None:
    write(letters / "letter.json", json.dumps(WIDE))
    shown = run("explain", "letter.json").out
    table = shown.partition("mappings/a_letter.yaml:11")[0]
    assert [row for row in table.split("\n") if cell_len(row) > 80] == []


def test_the_issues_under_an_explanation_stay_within_80_columns(letters: Path) -> None:
    write(letters / "letter.json", json.dumps(letter(phone="call me")))
    shown = run("explain", "letter.json").out
    assert "refused" in shown
    assert [row for row in shown.split("\n") if cell_len(row) > 80] == []
