"""`test`: what passes, what fails and why, and on which fixtures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT, Ran, run, write

pytestmark = pytest.mark.usefixtures("in_the_clone")


def test_the_shipped_mappings_pass_their_tests() -> None:
    ran = run("test")
    specs = sorted(path.name for path in (ROOT / "mappings").glob("*.yaml"))
    assert re.findall(r"^ok    mappings/(\S+)  (?:\d+ tests?)$", ran.out, re.MULTILINE) == specs
    total = sum(len(yaml.safe_load((ROOT / "mappings" / name).read_bytes())["tests"]) for name in specs)
    assert ran.out.endswith(f"\n{total} tests in {len(specs)} specs: all passed\n")
    assert (ran.code, ran.err) == (0, "")
    rows = run("test", "--json").rows
    assert {tuple(row) for row in rows} == {("file", "line", "name", "passed", "differences")}
    assert [row["passed"] for row in rows] == [True] * total


def test_one_file_runs_its_own_tests_on_the_fixtures_beside_its_folder(letters: Path) -> None:
    expected = Ran(0, "ok    mappings/a_letter.yaml  1 test\n1 test in 1 spec: all passed\n", "")
    assert run("test", "mappings/a_letter.yaml") == expected
    assert "ok    mappings/b_stamp.yaml  no tests\n" in run("test").out


CHANGED_EXPECTATIONS = [
    ("Subject: Hello, Pages: 1", "Subject: Hullo, Pages: 1", ("properties.Subject", "Hullo", "Hello")),
    ("Subject: Hello, Pages: 1", 'Subject: Hello, Pages: "1"', ("properties.Pages", "1", 1)),
    ("Subject: Hello, Pages: 1", "Subject: Hello, Pages: true", ("properties.Pages", True, 1)),
    ("Subject: Hello, Pages: 1", "Colour: 1", ("properties.Colour", 1, "(left out)")),
    ("properties: { Subject: Hello, Pages: 1 }", "without: [Subject]", ("Subject", "(left out)", "Hello")),
    ("properties: { Subject: Hello, Pages: 1 }", "value: 5", ("value", 5, "(left out)")),
    (
        "properties: { Subject: Hello, Pages: 1 }",
        "profile: { email: x }",
        ("profile.email", "x", "ann@example.com"),
    ),
    ("10:00:00Z", "10:00:01Z", ("time", "2026-08-31T10:00:01Z", "2026-08-31T10:00:00Z")),
]


@pytest.mark.parametrize(
    ("old", "new", "difference"), CHANGED_EXPECTATIONS, ids=[row[1] for row in CHANGED_EXPECTATIONS]
)
def test_a_changed_expectation_fails_with_what_was_expected_what_came_and_its_line(
    old: str, new: str, difference: tuple[str, Any, Any], letters: Path
) -> None:
    spec = letters / "mappings" / "a_letter.yaml"
    text = spec.read_text()
    at = text[: text.index(old)].count("\n") + 1
    write(spec, text.replace(old, new))
    field, expected, got = difference
    ran = run("test", "--json", spec.relative_to(letters))
    [row] = ran.rows
    [found] = row["differences"]
    assert (found["field"], found["expected"], found["got"], found["line"]) == (field, expected, got, at)
    assert (
        spec.read_text()
        .split("\n")[at - 1][found["column"] - 1 :]
        .lstrip("\"'")
        .startswith(field.rpartition(".")[2] if field == "Subject" else json.dumps(expected).strip('"'))
    )
    assert (row["passed"], row["name"], row["line"], ran.code) == (False, "a letter", 23, 1)
    shown = run("test")
    assert f"FAIL  mappings/a_letter.yaml:23  a letter\n        {field}  (line {at})\n" in shown.out
    assert shown.out.endswith("\n1 test in 3 specs: 1 failed\n")
    assert shown.code == 1


def test_text_and_a_number_that_look_alike_are_shown_differently(letters: Path) -> None:
    spec = letters / "mappings" / "a_letter.yaml"
    write(spec, spec.read_text().replace("Pages: 1 }", 'Pages: "1" }'))
    assert '          expected  "1"\n          got       1\n' in run("test", spec).out


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("skipped", "an event ic:app1:conv:42:letter"),
        ("parked", "an event ic:app1:conv:42:letter"),
        ("[{ value: 1 }, { value: 2 }]", "an event ic:app1:conv:42:letter"),
    ],
)
def test_another_outcome_than_expected_says_what_came(expect: str, told: str, letters: Path) -> None:
    spec = letters / "mappings" / "a_letter.yaml"
    text = spec.read_text()
    write(spec, text[: text.index("    expect:")] + f"    expect: {expect}\n")
    [row] = run("test", "--json", spec).rows
    [found] = row["differences"]
    assert (found["field"], found["got"], found["line"]) == ("outcome", told, 25)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("leter", r'there is no fixture leter\.json in .*tests/fixtures; did you mean "letter"\?'),
        ("../../mappings/a_letter", r"there is no fixture .*"),
        ("broken", r"the fixture .*broken\.json is no JSON"),
        ("list", r"the fixture .*list\.json is no notification"),
    ],
)
def test_a_fixture_that_cannot_be_used_fails_the_test_and_is_named(
    given: str, words: str, letters: Path
) -> None:
    write(letters / "tests" / "fixtures" / "broken.json", "{")
    write(letters / "tests" / "fixtures" / "list.json", "[]")
    spec = letters / "mappings" / "a_letter.yaml"
    write(spec, spec.read_text().replace("given: letter", f"given: {given}"))
    ran = run("test", "--json", spec)
    [found] = ran.rows[0]["differences"]
    assert re.fullmatch(words, found["got"])
    assert (found["field"], ran.code, ran.err) == ("given", 1, "")


def test_the_fixtures_may_be_elsewhere(letters: Path) -> None:
    (letters / "tests").rename(letters / "elsewhere")
    assert run("test") == Ran(
        2, "", "error: there is no tests/fixtures beside mappings; name the folder with --fixtures\n"
    )
    assert run("test", "--fixtures", "elsewhere/fixtures").code == 0
    assert run("test", "--fixtures", "gone") == Ran(2, "", "error: there is no folder gone\n")


def test_damaged_records_beside_the_fixtures_end_the_tests(letters: Path) -> None:
    write(letters / "tests" / "fixtures" / "records.yaml", "teams: 7\n")
    ran = run("test")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("records.yaml: `teams` is no list of objects that have an `id`\n")


def test_tests_look_up_in_the_records_beside_the_fixtures(letters: Path) -> None:
    spec = letters / "mappings" / "a_letter.yaml"
    write(spec, spec.read_text().replace("Subject: Hello, Pages: 1", "Team: Post"))
    assert run("test").code == 0
