"""`diff`: what a change of the mappings changes, and nothing else.

A small pair of folders, one planted change at a time; and the shipped mappings against themselves.
"""

import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Parked, Runner, Skipped, Translation, load
from engine.tools.diff.changes import KINDS, Comparison, gather, kind_of
from engine.tools.diff.pairs import pairs_of
from tests.support import FIXTURES, NAMED, NOW, OBEYED, RECORDS, ROOT, Ran, changed, read, run, write

SPECS = {
    "wrote.yaml": """\
metric: Wrote
topic: conversation.user.created
use: note
when:
  state: open
time: created_at
unique_id: conv:{{ id }}:wrote
value: custom_attributes.weight
properties:
  Pages: custom_attributes.pages
  Secret: custom_attributes.secret as text
  Team: team.name
lookups:
  team: team_assignee_id
""",
    "answered.yaml": """\
metric: Answered
topic: conversation.user.created
use: note
each:
  part: conversation_parts.conversation_parts
time: part.created_at
unique_id: conv:{{ id }}:part:{{ part.id }}
properties:
  Author: part.author
""",
    "penfriend.yaml": """\
name: Penfriend
topic: conversation.user.created
profile:
  email: source.author.email as email
  location:
    city: source.author.city
""",
    "shared/note.yaml": """\
history: conversations
profile:
  email: source.author.email as email
properties:
  Subject: title as text
  Sent: sent_at as datetime
  Extra *:
    path: custom_attributes
    except: [pages, secret, weight]
""",
}
RECORDS_HERE = 'teams: [{ id: "7", name: Post }]\n'


def letter(number: int = 1, **custom: Any) -> dict[str, Any]:
    parts = [{"id": f"{number}{at}", "created_at": 1788170400 + at, "author": f"ann {at}"} for at in range(3)]
    item = {
        "type": "conversation",
        "id": f"4{number}",
        "title": f"Hello {number}",
        "state": "open",
        "created_at": 1788170400,
        "sent_at": 1788170300,
        "team_assignee_id": 7,
        "source": {"author": {"email": f"ann{number}@example.com", "city": "Uppsala"}},
        "conversation_parts": {"conversation_parts": parts},
        "custom_attributes": {"pages": number, "secret": f"my secret {number}", "weight": 20, "Wax": "red"}
        | custom,
    }
    envelope = {"type": "notification_event", "app_id": "app1", "topic": "conversation.user.created"}
    return {**envelope, "id": f"n{number}", "created_at": 1788170401, "data": {"item": item}}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`old` and `new` with the same specs, and `letters.ndjson` with two notifications."""
    monkeypatch.chdir(tmp_path)
    for side in ("old", "new"):
        for name, text in SPECS.items():
            write(tmp_path / side / name, text)
    write(tmp_path / "letters.ndjson", "".join(json.dumps(letter(number)) + "\n" for number in (1, 2)))
    write(tmp_path / "records.yaml", RECORDS_HERE)
    return tmp_path


def plant(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert before in text
    write(folder / file, text.replace(before, after))


GIVEN = ("letters.ndjson", "--records", "records.yaml")


def rows(*options: str, old: str = "old", new: str = "new") -> list[Any]:
    return run("diff", old, new, *GIVEN, "--json", *options).rows


# One planted change each: what it is, file, text before and after -> how often which row comes

Row = tuple[str, str, str | None, str | None, str | None]
PLANTED: list[tuple[str, str, str, str, dict[Row, int]]] = [
    (
        "the template of an id",
        "wrote.yaml",
        "conv:{{ id }}:wrote",
        "conv:{{ id }}:writing",
        {("id", "Wrote", "unique_id", "conv:{{ id }}:wrote", "conv:{{ id }}:writing"): 2},
    ),
    (
        "the template of an id under each",
        "answered.yaml",
        "part:{{ part.id }}",
        "piece:{{ part.id }}",
        {
            (
                "id",
                "Answered",
                "unique_id",
                "conv:{{ id }}:part:{{ part.id }}",
                "conv:{{ id }}:piece:{{ part.id }}",
            ): 6
        },
    ),
    (
        "a type that makes a number",
        "wrote.yaml",
        "pages",
        "pages as text",
        {("type", "Wrote", "properties.Pages", "number", "text"): 2},
    ),
    (
        "a date that becomes a number, in a shared file",
        "shared/note.yaml",
        "sent_at as datetime",
        "sent_at",
        {
            ("type", "Wrote", "properties.Sent", "date", "number"): 2,
            ("type", "Answered", "properties.Sent", "date", "number"): 6,
        },
    ),
    (
        "a property less",
        "wrote.yaml",
        "  Pages: custom_attributes.pages\n",
        "",
        {("removed", "Wrote", "properties.Pages", "number", None): 2},
    ),
    (
        "a property more",
        "wrote.yaml",
        "  Pages:",
        "  Number: id\n  Pages:",
        {("added", "Wrote", "properties.Number", None, "text"): 2},
    ),
    (
        "a property by another name",
        "wrote.yaml",
        "  Pages:",
        "  Sheets:",
        {
            ("removed", "Wrote", "properties.Pages", "number", None): 2,
            ("added", "Wrote", "properties.Sheets", None, "number"): 2,
        },
    ),
    (
        "a property from another place",
        "wrote.yaml",
        "custom_attributes.secret as text",
        "title as text",
        {("value", "Wrote", "properties.Secret", "text", "text"): 2},
    ),
    (
        "a condition",
        "wrote.yaml",
        "state: open",
        "state: closed",
        {
            (
                "vanished",
                "Wrote",
                None,
                "event",
                "skipped: `state: closed` does not hold (new/wrote.yaml:5)",
            ): 2
        },
    ),
    (
        "a condition under each, for one of three elements",
        "answered.yaml",
        "properties:",
        "when:\n  part.author: { not: ann 1 }\nproperties:",
        {("vanished", "Answered", None, "event", "not among its events"): 2},
    ),
    (
        "another topic",
        "wrote.yaml",
        "topic: conversation.user.created",
        "topic: conversation.read",
        {("vanished", "Wrote", None, "event", "not answered by its spec"): 2},
    ),
    (
        "another name of the metric",
        "wrote.yaml",
        "metric: Wrote",
        "metric: Written",
        {
            ("vanished", "Wrote", None, "event", "without a spec"): 2,
            ("appeared", "Written", None, "without a spec", "event"): 2,
        },
    ),
    (
        "a required field without a value",
        "wrote.yaml",
        "  Pages: custom_attributes.pages",
        "  Pages: { path: custom_attributes.sheets, required: true }",
        {
            (
                "outcome",
                "Wrote",
                None,
                "event",
                "parked, required: properties.Pages is required and has no value",
            ): 2
        },
    ),
    (
        "another time",
        "wrote.yaml",
        "time: created_at",
        "time: event.created_at",
        {("value", "Wrote", "time", "date", "date"): 2},
    ),
    (
        "another time and id at once",
        "wrote.yaml",
        "time: created_at\nunique_id: conv:{{ id }}:wrote",
        "time: event.created_at\nunique_id: conv:{{ id }}:writing",
        {
            ("id", "Wrote", "unique_id", "conv:{{ id }}:wrote", "conv:{{ id }}:writing"): 2,
            ("value", "Wrote", "time", "date", "date"): 2,
        },
    ),
    (
        "another number for Klaviyo to sum",
        "wrote.yaml",
        "value: custom_attributes.weight",
        "value: custom_attributes.pages",
        {("value", "Wrote", "value", "number", "number"): 2},
    ),
    (
        "a field of the profile",
        "penfriend.yaml",
        "    city: source.author.city",
        "    country: source.author.city",
        {
            ("removed", "Penfriend", "profile.location.city", "text", None): 2,
            ("added", "Penfriend", "profile.location.country", None, "text"): 2,
        },
    ),
    (
        "a type that refuses the value",
        "wrote.yaml",
        "custom_attributes.secret as text",
        "custom_attributes.secret as number",
        {
            ("removed", "Wrote", "properties.Secret", "text", None): 2,
            ("issue", "Wrote", "properties.Secret", None, "refused"): 2,
        },
    ),
    (
        "a look-up of another id, which no record has",
        "wrote.yaml",
        "team: team_assignee_id",
        "team: id",
        {
            ("removed", "Wrote", "properties.Team", "text", None): 2,
            ("issue", "Wrote", None, None, "no-record"): 2,
        },
    ),
    (
        "an object that is spread no more",
        "shared/note.yaml",
        "path: custom_attributes",
        "path: custom_attributes.nothing",
        {
            ("removed", "Wrote", "properties.Extra Wax", "text", None): 2,
            ("removed", "Answered", "properties.Extra Wax", "text", None): 6,
        },
    ),
    (
        "the order of lines",
        "wrote.yaml",
        "when:\n  state: open\ntime: created_at\n",
        "time: created_at\nwhen: { state: open }\n",
        {},
    ),
    (
        "another way to write the same",
        "wrote.yaml",
        "Pages: custom_attributes.pages",
        "Pages: { path: custom_attributes.pages }",
        {},
    ),
    ("a comment", "wrote.yaml", "when:", "# only open ones\nwhen:", {}),
]
IDS = [row[0] for row in PLANTED]


def told(row: dict[str, Any]) -> Row:
    return row["change"], row["metric"], row["field"], row["was"], row["now"]


@pytest.mark.parametrize(("what", "file", "before", "after", "expected"), PLANTED, ids=IDS)
def test_a_planted_change_gives_exactly_its_rows(
    what: str, file: str, before: str, after: str, expected: dict[Row, int], two: Path
) -> None:
    plant(two / "new", file, before, after)
    ran = run("diff", "old", "new", *GIVEN, "--json")
    assert Counter(map(told, ran.rows)) == expected
    assert (ran.code, ran.err) == (1 if expected else 0, "")
    assert run("diff", "old", "new", *GIVEN).code == ran.code


MIRRORED = {"vanished": "appeared", "appeared": "vanished", "removed": "added", "added": "removed"}


@pytest.mark.parametrize(("what", "file", "before", "after", "expected"), PLANTED, ids=IDS)
def test_swapping_the_sides_swaps_what_was_and_what_is(
    what: str, file: str, before: str, after: str, expected: dict[Row, int], two: Path
) -> None:
    plant(two / "new", file, before, after)
    forth, back = rows("--show-values"), rows("--show-values", old="new", new="old")

    def of(row: dict[str, Any]) -> str:
        return json.dumps(
            [row[key] for key in ("input", "change", "metric", "field", "was", "now", "old", "new")]
        )

    def mirrored(row: dict[str, Any]) -> dict[str, Any]:
        change = MIRRORED.get(row["change"], row["change"])
        swapped = {"was": row["now"], "now": row["was"], "old": row["new"], "new": row["old"]}
        return {**row, "change": change, **swapped}

    assert Counter(map(of, back)) == Counter(of(mirrored(row)) for row in forth)


@pytest.mark.parametrize(("what", "file", "before", "after", "expected"), PLANTED, ids=IDS)
def test_a_change_names_the_line_that_makes_it(
    what: str, file: str, before: str, after: str, expected: dict[Row, int], two: Path
) -> None:
    plant(two / "new", file, before, after)
    for row in rows():
        if row["field"] is None:
            continue
        side = "old/" if row["change"] == "removed" else "new/"
        assert row["file"].startswith(side)
        line = Path(row["file"]).read_text().split("\n")[row["line"] - 1]
        assert line[row["column"] - 1 :].strip()


# The same on both sides


@pytest.mark.parametrize("options", [(), ("--records", RECORDS)], ids=["without records", "with records"])
def test_mappings_do_not_differ_from_themselves(options: tuple[str | Path, ...]) -> None:
    mappings, inputs = ROOT / "mappings", len(list(FIXTURES.rglob("*.json")))
    assert run("diff", mappings, mappings, FIXTURES, "--json", *options) == Ran(0, "", "")
    first = run("diff", mappings, mappings, FIXTURES, *options).out.split("\n")[0]
    same = f"{inputs} inputs: {inputs} the same, 0 changed; 0 appeared, 0 vanished, 0 with another id"
    assert first == same


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "mappings").glob("*.yaml")))
def test_a_shipped_mapping_that_is_taken_away_makes_its_own_events_vanish_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "new")
    (tmp_path / "new" / f"{name}.yaml").unlink()
    runner = Runner(load(ROOT / "mappings"), records=RECORDS)
    [plan] = [plan for plan in runner.router.plans if plan.spec.stem == name]
    made = [result for fixture in NAMED for result in runner.translate(read(fixture))]
    sent = sum(isinstance(result, Translation) and result.metric == plan.name for result in made)
    parked = sum(isinstance(result, Parked) and result.metric == plan.name for result in made)
    files = [FIXTURES / f"{fixture}.json" for fixture in NAMED]
    ran = run("diff", ROOT / "mappings", tmp_path / "new", *files, "--records", RECORDS, "--json")
    expected = Counter({("vanished", plan.name): sent, ("outcome", plan.name): parked})
    assert Counter((row["change"], row["metric"]) for row in ran.rows) == +expected


def test_every_shipped_event_is_known_again_under_another_id(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "new")
    for file in (tmp_path / "new").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"^(unique_id: \S.*?)( +#.*)?$", r"\1:x", text, flags=re.MULTILINE), "utf-8")
    runner = Runner(load(ROOT / "mappings"), records=RECORDS)
    made = [result for fixture in NAMED for result in runner.translate(read(fixture))]
    sent = sum(isinstance(result, Translation) and bool(result.unique_id) for result in made)
    files = [FIXTURES / f"{fixture}.json" for fixture in NAMED]
    ran = run("diff", ROOT / "mappings", tmp_path / "new", *files, "--records", RECORDS, "--json")
    assert Counter(row["change"] for row in ran.rows) == {"id": sent}


# What is sent twice comes first


def everything(two: Path) -> None:
    """One planted change of nearly every kind, in the new side."""
    plant(two / "new", "answered.yaml", "part:{{ part.id }}", "piece:{{ part.id }}")
    plant(two / "new", "shared/note.yaml", "sent_at as datetime", "sent_at")
    plant(two / "new", "shared/note.yaml", "title as text", "source.author.email as text")
    plant(two / "new", "wrote.yaml", "custom_attributes.secret as text", "custom_attributes.secret as number")
    plant(two / "new", "wrote.yaml", "  Team:", "  Wax: custom_attributes.Wax\n  Team:")
    write(two / "new" / "penfriend.yaml", SPECS["penfriend.yaml"].replace("Penfriend", "Friend"))


def test_the_most_dangerous_comes_first_in_each_input(two: Path) -> None:
    everything(two)
    for name in ("letters.ndjson:1", "letters.ndjson:2"):
        kinds = [KINDS.index(row["change"]) for row in rows() if row["input"] == name]
        assert kinds == sorted(kinds)
        assert {KINDS[kind] for kind in kinds} == set(KINDS) - {"outcome", "endpoint"}


SHOWN = """\
another id: sent again, such an event counts twice
  Answered  6 in 2 of 2 inputs
      conv:{{ id }}:part:{{ part.id }} -> conv:{{ id }}:piece:{{ part.id }}
      new/answered.yaml:7; such as letters.ndjson:1
vanished
  Penfriend  in 2 of 2 inputs
      now without a spec
      such as letters.ndjson:1
appeared
  Friend  in 2 of 2 inputs
      before without a spec
      such as letters.ndjson:1
another type
  properties.Sent  date -> number  in 2 of 2 inputs
      Answered, Wrote; new/shared/note.yaml:6; such as letters.ndjson:1
left out now
  properties.Secret  text  in 2 of 2 inputs
      Wrote; old/wrote.yaml:11; such as letters.ndjson:1
sent now, too
  properties.Wax  text  in 2 of 2 inputs
      Wrote; new/wrote.yaml:12; such as letters.ndjson:1
another value
  properties.Subject  text  in 2 of 2 inputs
      Answered, Wrote; new/shared/note.yaml:5; such as letters.ndjson:1
issues
  refused  properties.Secret  in 2 of 2 inputs
      Wrote; new/wrote.yaml:11; such as letters.ndjson:1

2 inputs: 0 the same, 2 changed; 2 appeared, 2 vanished, 6 with another id
"""


def test_people_see_each_change_once_with_how_often_and_where(two: Path) -> None:
    everything(two)
    assert run("diff", "old", "new", *GIVEN).out == SHOWN


def test_many_inputs_with_the_same_change_stay_one_paragraph(two: Path) -> None:
    lines = [json.dumps(letter(number)) + "\n" for number in range(300)]
    write(two / "letters.ndjson", "".join(lines) + json.dumps(read("ping")) + "\n")
    everything(two)
    many = run("diff", "old", "new", *GIVEN).out
    assert len(many.split("\n")) == len(SHOWN.split("\n"))
    assert "  Answered  900 in 300 of 301 inputs\n" in many
    assert many.endswith(
        "\n301 inputs: 1 the same, 300 changed; 300 appeared, 300 vanished, 900 with another id\n"
    )


def test_the_names_that_one_line_spreads_are_told_together(two: Path) -> None:
    custom = {f"Key {number}": [number, "text", True][number % 3] for number in range(30)}
    write(two / "letters.ndjson", json.dumps(letter(1, **custom)) + "\n")
    plant(two / "new", "shared/note.yaml", "path: custom_attributes", "path: custom_attributes.nothing")
    told = run("diff", "old", "new", *GIVEN).out
    assert "  properties.Extra *  text, number, boolean  in 1 of 1 input\n" in told
    assert "Extra Wax, Extra Key 0, Extra Key 1 and 28 more" in told
    assert len(told.split("\n")) < 8


@pytest.mark.parametrize("columns", [80, 40, 120])
def test_no_line_is_wider_than_the_terminal_that_has_80_columns_at_least(columns: int, two: Path) -> None:
    everything(two)
    plant(
        two / "new",
        "wrote.yaml",
        "state: open",
        "state: { not: [open, closed, snoozed, and, so, on, for, ever] }",
    )
    shown = run("diff", "old", "new", *GIVEN, columns=columns).out
    assert max(map(len, shown.split("\n"))) <= max(columns, 81)


def test_a_path_stays_in_one_piece_however_long_it_is(two: Path) -> None:
    name = f"{'a-long-name-' * 9}.json"
    write(two / name, json.dumps(letter()))
    everything(two)
    assert f" {name}\n" in run("diff", "old", "new", name).out


# Values are customers'

SECRETS = ("my secret", "ann1", "Uppsala", "Hello", "Post", "2026-", "17881", "ic:app1", "red")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["people", "json"])
def test_no_value_is_shown_unless_asked_for(options: tuple[str, ...], two: Path) -> None:
    everything(two)
    for side in ("old", "new"):
        for file, before, after in [
            ("wrote.yaml", "Team: team.name", "Team: title"),
            ("answered.yaml", "part.author", "title"),
        ]:
            if side == "new":
                plant(two / side, file, before, after)
    out = run("diff", "old", "new", *GIVEN, *options).out
    assert [secret for secret in SECRETS if re.search(rf"\b{re.escape(secret)}", out)] == []
    shown = run("diff", "old", "new", *GIVEN, *options, "--show-values").out
    assert [
        secret
        for secret in ("my secret 1", "ann1@example.com", "Hello 1", "Post", "ic:app1:conv:41:part:10")
        if secret not in shown
    ] == []


def test_values_are_shown_as_they_were_and_are_a_few_of_each(two: Path) -> None:
    write(two / "letters.ndjson", "".join(json.dumps(letter(number)) + "\n" for number in range(9)))
    plant(two / "new", "wrote.yaml", "pages", "pages as text")
    plant(two / "new", "wrote.yaml", "custom_attributes.secret as text", "custom_attributes.nothing")
    out = run("diff", "old", "new", *GIVEN, "--show-values").out
    told = (
        '      0 -> "0"\n      1 -> "1"\n      2 -> "2"\n      and 6 other pairs of values: --json shows all'
    )
    assert f"{told}\n" in out
    assert '      "my secret 0" -> nothing\n' in out
    values = [(row["old"], row["new"]) for row in rows("--show-values") if row["field"] == "properties.Pages"]
    assert values == [(number, str(number)) for number in range(9)]


HOSTILE = "\x1b[31m\x9b1m\u202eX\r\nY\x00\u2066\u2028\x7f\x07"


def test_a_payload_cannot_write_to_the_terminal(two: Path) -> None:
    hostile = letter(1, **{HOSTILE: HOSTILE, "secret": HOSTILE})
    write(two / "letters.ndjson", json.dumps(changed(hostile, {"title": HOSTILE})) + "\n")
    everything(two)
    plant(two / "new", "shared/note.yaml", "path: custom_attributes", "path: custom_attributes.nothing")
    out = run("diff", "old", "new", *GIVEN, "--show-values").out
    assert r"\x1b[31m" in out
    assert {found.group() for found in OBEYED.finditer(out)} == set()


# What is compared with what

KEYS = ["input", "change", "metric", "field", "was", "now", "file", "line", "column"]


def test_a_row_has_exactly_its_keys(two: Path) -> None:
    everything(two)
    assert {tuple(row) for row in rows()} == {tuple(KEYS)}
    assert {tuple(row) for row in rows("--show-values")} == {(*KEYS, "old", "new")}


def test_an_event_that_comes_of_another_object_at_the_same_place_has_another_id(two: Path) -> None:
    plant(
        two / "new",
        "answered.yaml",
        "conversation_parts.conversation_parts",
        "conversation_parts.conversation_parts[1:]",
    )
    kinds = Counter(told(row)[:2] for row in rows())
    assert kinds == {("vanished", "Answered"): 2}, "the other two keep their ids, at other positions"


def test_events_whose_times_stay_are_the_same_ones_wherever_they_stand(two: Path) -> None:
    plant(
        two / "new",
        "answered.yaml",
        "conversation_parts.conversation_parts",
        "conversation_parts.conversation_parts[1:]",
    )
    plant(two / "new", "answered.yaml", "part:{{ part.id }}", "piece:{{ part.id }}")
    told = [
        (row["change"], row["old"], row["new"])
        for row in rows("--show-values")
        if row["input"].endswith(":1")
    ]
    assert sorted(told, key=str) == [
        ("id", "ic:app1:conv:41:part:11", "ic:app1:conv:41:piece:11"),
        ("id", "ic:app1:conv:41:part:12", "ic:app1:conv:41:piece:12"),
        ("vanished", None, None),
    ]


def test_a_new_metric_that_makes_nothing_of_these_notifications_is_no_difference(two: Path) -> None:
    write(two / "new" / "third.yaml", SPECS["wrote.yaml"].replace("Wrote", "Third").replace("open", "closed"))
    assert run("diff", "old", "new", *GIVEN).code == 0


def test_another_reason_for_skipping_is_no_difference_since_nothing_is_sent(two: Path) -> None:
    for side, state in (("old", "closed"), ("new", "snoozed")):
        plant(two / side, "wrote.yaml", "state: open", f"state: {state}")
    assert run("diff", "old", "new", *GIVEN).code == 0


def test_a_parked_event_differs_by_its_reason(two: Path) -> None:
    write(two / "letters.ndjson", json.dumps(changed(letter(), {"source": None, "created_at": None})) + "\n")
    assert run("diff", "old", "new", *GIVEN).code == 0
    plant(two / "new", "wrote.yaml", "time: created_at", "time: event.created_at")
    [row] = rows()
    assert (row["change"], row["metric"]) == ("outcome", "Wrote")
    assert row["was"] == "parked, no_time: `time` has no value"
    assert row["now"].startswith("parked, no_identity: there is nobody to send it to")


def test_an_event_that_becomes_a_profile_differs_by_its_endpoint(two: Path) -> None:
    write(two / "new" / "wrote.yaml", SPECS["penfriend.yaml"].replace("Penfriend", "Wrote"))
    of_wrote = {told(row) for row in rows() if row["metric"] == "Wrote" and row["change"] != "removed"}
    assert of_wrote == {
        ("endpoint", "Wrote", None, "/api/events", "/api/profile-import"),
        ("added", "Wrote", "profile.location.city", None, "text"),
    }


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("1", "true", 1),
        ("1", "1.0", 0),
        ("1", "2", 1),
        ("[1]", "[true]", 1),
        ("[1, { a: 2 }]", "[1.0, { a: 2.0 }]", 0),
        ("[1, 2]", "[2, 1]", 1),
        ("{ a: 0, b: 1 }", "{ b: 1, a: 0 }", 0),
        ("{ a: 0 }", "{ a: false }", 1),
        ("{ a: 0 }", "{ a: 0, b: null }", 1),
    ],
)
def test_values_are_equal_as_json_is(before: str, after: str, code: int, two: Path) -> None:
    for side, text in (("old", before), ("new", after)):
        plant(two / side, "wrote.yaml", "custom_attributes.pages", f"{{ value: {text} }}")
    assert run("diff", "old", "new", *GIVEN).code == code


def test_an_issue_that_both_sides_have_is_no_difference(two: Path) -> None:
    for side in ("old", "new"):
        plant(two / side, "wrote.yaml", "secret as text", "secret as number")
    plant(two / "new", "wrote.yaml", "  Pages: custom_attributes.pages", "  Pages: title as number")
    issues = [told(row) for row in rows() if row["change"] == "issue"]
    assert issues == [("issue", "Wrote", "properties.Pages", None, "refused")] * 2


def test_a_parked_event_is_known_again_by_its_reason() -> None:
    late, lost = Parked("no_time", "", "M"), Parked("required", "", "M")
    assert list(pairs_of([late, lost], [lost])) == [(lost, lost), (late, None)]
    assert list(pairs_of([late, lost], [lost, late])) == [(late, late), (lost, lost)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2026-08-31", "date"),
        ("2026-08-31T10:00:00Z", "date"),
        ("2026-08-31 10:00:00+02:00", "date"),
        ("2026-08-31 at noon", "text"),
        ("4821", "text"),
        ("", "text"),
        (True, "boolean"),
        (0, "number"),
        (1.5, "number"),
        ([], "list"),
        ({}, "object"),
    ],
)
def test_a_value_is_of_the_kind_that_segments_see(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


class Ticking:
    """A clock that is half a year ahead each time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def now(self) -> datetime:
        self.asked += 1
        return NOW + timedelta(days=180 * self.asked)


def test_both_sides_see_the_same_moment(two: Path) -> None:
    clock = Ticking()
    plans = load("old")
    ahead = int(
        datetime(2028, 3, 1, tzinfo=UTC).timestamp()
    )  # too far ahead at first, and not half a year later
    comparison = Comparison(plans, plans, clock=clock)
    found = [comparison.compare(changed(letter(), {"created_at": ahead})) for _ in range(3)]
    assert (found, clock.asked) == ([(), (), ()], 1)


# Which result is which

EVENTS = st.builds(
    lambda number, second: Translation("M", {}, {}, NOW + timedelta(seconds=second), f"id{number}"),
    st.integers(0, 4),
    st.integers(0, 4),
)
PARKED = st.builds(lambda reason: Parked(reason, "", "M"), st.sampled_from(["no_time", "required"]))
RESULTS = st.lists(EVENTS | PARKED, max_size=6) | st.just([Skipped("condition", "", "M")])


@given(RESULTS, RESULTS)
def test_every_result_has_one_counterpart_at_most_and_both_sides_agree_on_it(old: Any, new: Any) -> None:
    pairs = list(pairs_of(old, new))
    for side, results in enumerate((old, new)):
        kept = [id(pair[side]) for pair in pairs if pair[side] is not None]
        assert sorted(kept) == sorted(id(result) for result in results if not isinstance(result, Skipped))
    assert [pair for pair in pairs if pair == (None, None)] == []
    mirrored = Counter((id(was), id(now)) for now, was in pairs_of(new, old))
    assert mirrored == Counter((id(was), id(now)) for was, now in pairs)


@given(RESULTS)
def test_every_result_is_the_counterpart_of_itself(results: Any) -> None:
    assert all(was == now for was, now in pairs_of(results, results))


# What is compared on


def beside(two: Path, side: str = "new") -> Path:
    """Fixtures beside a side: it moves into a folder of its own."""
    home = two / "home"
    home.mkdir(exist_ok=True)
    (two / side).rename(home / "mappings")
    write(home / "tests" / "fixtures" / "letter.json", json.dumps(letter()))
    return home


def test_without_a_path_the_fixtures_beside_new_are_read_with_their_records(two: Path) -> None:
    home = beside(two)
    plant(home / "mappings", "wrote.yaml", "Team: team.name", "Team: title")
    [row] = run("diff", "old", "home/mappings", "--json").rows
    assert (row["change"], row["input"]) == ("added", "home/tests/fixtures/letter.json"), (
        "no records: no team"
    )
    write(home / "tests" / "fixtures" / "records.yaml", RECORDS_HERE)
    [row] = run("diff", "old", "home/mappings", "--json").rows
    assert row["change"] == "value"
    assert run("diff", "old/wrote.yaml", "home/mappings/wrote.yaml", "--json").rows == [row], "files alone"
    write(two / "none.yaml", "teams: []\n")
    [row, issue] = run("diff", "old", "home/mappings", "--json", "--records", "none.yaml").rows
    assert (row["change"], issue["was"]) == ("added", "no-record")


def test_without_fixtures_beside_new_it_says_what_to_name(two: Path) -> None:
    words = "error: there is no tests/fixtures beside new; name a file or a folder of notifications\n"
    assert run("diff", "old", "new") == Ran(2, "", words)
    beside(two, "old")
    assert run("diff", "home/mappings", "new") == Ran(2, "", words), "those beside OLD are not meant"


def test_without_records_people_are_told_what_does_not_show(two: Path) -> None:
    (two / "records.yaml").rename(two / "elsewhere.yaml")
    tail = "Without --records FILE, what is looked up has no value on either side.\n"
    assert run("diff", "old", "new", "letters.ndjson").out.endswith(f"\n{tail}")
    told = run("diff", "old", "new", "letters.ndjson", "--records", "elsewhere.yaml").out
    assert tail not in told
    (two / "elsewhere.yaml").rename(two / "records.yaml")
    assert run("diff", "old", "new", "letters.ndjson").out == told, "those beside the notifications are taken"
    (two / "sub").mkdir()
    assert run("diff", "old", "new", "letters.ndjson", "sub").out.endswith(tail)
    assert run("diff", "old", "new", "-", stdin=b"{}").out.endswith(tail)


def test_notifications_may_come_from_standard_input(two: Path) -> None:
    plant(two / "new", "wrote.yaml", "pages", "pages as text")
    ran = run("diff", "old", "new", "-", "--json", stdin=json.dumps(letter()).encode())
    assert [(row["input"], row["change"]) for row in ran.rows] == [("-", "type")]


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["people", "json"])
def test_an_input_that_cannot_be_read_is_named_and_the_rest_goes_on(
    options: tuple[str, ...], two: Path
) -> None:
    write(two / "broken.ndjson", '{"a": \n' + json.dumps(letter()) + "\n")
    ran = run("diff", "old", "new", "gone.json", "broken.ndjson", *options)
    assert ran.code == 1
    assert ran.err == (
        "error: gone.json: there is no such file or folder\n"
        "error: broken.ndjson:1: it is not JSON (it ends too early)\n"
    )
    if not options:
        assert ran.out.startswith(
            "1 input: 1 the same, 0 changed; 0 appeared, 0 vanished, 0 with another id; 2 not readable\n"
        )
    plant(two / "new", "wrote.yaml", "pages", "pages as text")
    assert "properties.Pages" in run("diff", "old", "new", "gone.json", "broken.ndjson", *options).out


# What cannot run


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_faulty_spec_on_either_side_is_shown_with_its_place(side: str, two: Path) -> None:
    plant(two / side, "wrote.yaml", "created_at", "created..at")
    ran = run("diff", "old", "new", *GIVEN)
    assert ran.err.startswith(f"{side}/wrote.yaml:6:15  bad-path")
    assert ran.err.endswith(f"\nerror: 1 fault in {side}\n")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone", "new", "letters.ndjson"], "there is no file or folder gone"),
        (["old", "gone", "letters.ndjson"], "there is no file or folder gone"),
        (["old", "new", "letters.ndjson", "--records", "gone.yaml"], "gone.yaml: No such file or directory"),
        (
            ["old", "new", "letters.ndjson", "--metric", "Rote"],
            'no spec makes "Rote"; did you mean "Wrote"?\n    there are: Answered, Penfriend, Wrote',
        ),
    ],
)
def test_what_cannot_run_says_so(words: list[str], message: str, two: Path) -> None:
    assert run("diff", *words) == Ran(2, "", f"error: {message}\n")


def test_one_metric_alone_is_compared_by_its_name_or_its_file(two: Path) -> None:
    everything(two)
    of_wrote = [row for row in rows() if row["metric"] == "Wrote"]
    assert rows("--metric", "Wrote") == rows("--metric", "wrote") == of_wrote != []
    assert {row["change"] for row in rows("--metric", "Friend")} == {"appeared"}, "one side alone has it"
    assert {row["metric"] for row in rows("--metric", "penfriend")} == {"Friend", "Penfriend"}


def test_changes_are_gathered_by_line_and_the_more_frequent_first(two: Path) -> None:
    everything(two)
    comparison = Comparison(load("old"), load("new"))
    found = [(str(number), change) for number in (1, 2) for change in comparison.compare(letter(number))]
    found += [("3", change) for change in comparison.compare(letter(3)) if change.kind == "vanished"]
    groups = gather(found)
    assert sum(len(group.changes) for group in groups) == len(found)
    order = [(KINDS.index(group.change.kind), -len(group.inputs)) for group in groups]
    assert order == sorted(order)
    [sent] = [group for group in groups if group.change.field == "properties.Sent"]
    assert (sent.metrics, sent.inputs, sent.kinds) == (("Answered", "Wrote"), ("1", "2"), ("date -> number",))
