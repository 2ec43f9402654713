"""`translate`: what goes in, what comes out, what ends with which exit code."""

import itertools
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.letters import letter
from tests.support import (
    FIXTURES,
    NAMED,
    RECORDS,
    ROOT,
    Ran,
    as_line,
    changed,
    read,
    run,
    write,
)

pytestmark = pytest.mark.usefixtures("in_the_clone")

WITH_RECORDS = ("--records", RECORDS)
PING = as_line(read("ping"))
BROKEN = b'{"type": "notification_event", \n'


# translate: the rows

KEYS = ["input", "outcome", "metric", "endpoint", "body", "reason", "issues"]


def test_a_row_has_exactly_its_keys_in_their_order(every_row: list[Any]) -> None:
    assert {tuple(row) for row in every_row} == {tuple(KEYS)}
    assert {row["outcome"] for row in every_row} == {"event", "profile", "skipped", "parked"}


def test_a_row_tells_what_was_made_or_why_not_and_never_both(every_row: list[Any]) -> None:
    for row in every_row:
        made = {"event": "/api/events", "profile": "/api/profile-import"}.get(row["outcome"])
        assert row["endpoint"] == made
        assert isinstance(row["body"], dict) == bool(made)
        assert isinstance(row["reason"], str) == (not made)
        assert isinstance(row["issues"], list)
        if row["outcome"] == "event":
            assert row["body"]["data"]["attributes"]["metric"]["data"]["attributes"]["name"] == row["metric"]


def test_a_folder_is_read_by_name_with_what_is_below_it(every_row: list[Any]) -> None:
    inputs = [name for name, _ in itertools.groupby(row["input"] for row in every_row)]
    assert inputs == [str(path) for path in sorted(FIXTURES.rglob("*.json"))]


def answering(name: str) -> list[str]:
    """The metrics of the shipped specs that answer a fixture, by the names of their files."""
    specs = [yaml.safe_load(path.read_bytes()) for path in sorted((ROOT / "mappings").glob("*.yaml"))]
    payload = read(name)
    found = []
    for spec in specs:
        shared = ROOT / "mappings" / "shared" / f"{spec.get('use')}.yaml"
        below = yaml.safe_load(shared.read_bytes()) if shared.is_file() else {}
        topics = spec["topic"] if isinstance(spec["topic"], list) else [spec["topic"]]
        past = spec.get("history", below.get("history"))
        told = (
            past == f"{payload['data']['item']['type']}s"
            if "history" in payload
            else payload["topic"] in topics
        )
        found += [spec.get("metric") or spec["name"]] if told else []
    return found


@pytest.mark.parametrize("name", NAMED)
def test_each_spec_that_answers_gives_its_results_by_the_name_of_its_file(
    name: str, every_row: list[Any]
) -> None:
    rows = [row for row in every_row if row["input"] == str(FIXTURES / f"{name}.json")]
    told = [metric for metric, _ in itertools.groupby(row["metric"] for row in rows)]
    if answering(name):
        assert told == answering(name)
    else:
        assert [(row["outcome"], row["metric"]) for row in rows] == [("skipped", None)]


def test_several_paths_are_read_in_their_order_and_one_twice_is_read_twice(letters: Path) -> None:
    write(letters / "folder" / "deep" / "z.ndjson", PING + PING)
    write(letters / "folder" / "b.json", PING)
    write(letters / "folder" / "deep" / "a.jsonl", PING)
    write(letters / "folder" / "notes.txt", "not read")
    ran = run(
        "translate", "--json", "letter.json", "folder", "-", "letter.json", "--metric", "a_letter", stdin=PING
    )
    folder = ["folder/b.json", "folder/deep/a.jsonl:1", "folder/deep/z.ndjson:1", "folder/deep/z.ndjson:2"]
    assert [row["input"] for row in ran.rows] == ["letter.json", *folder, "-", "letter.json"]
    assert (ran.code, ran.err) == (0, "")


PRETTY = json.dumps(letter(), indent=4)
SAME_LETTER = {
    "compact.json": json.dumps(letter(), separators=(",", ":")),
    "pretty.json": PRETTY,
    "windows.json": PRETTY.replace("\n", "\r\n"),
    "bom.json": "\ufeff" + PRETTY,
    "blank_around.json": f"\n\n{PRETTY}\n\n",
    "any_suffix.txt": PRETTY,
    "one.ndjson": json.dumps(letter()),
    "one.jsonl": json.dumps(letter()) + "\r\n",
    "bom.ndjson": "\ufeff" + json.dumps(letter()) + "\n",
}


@pytest.mark.parametrize("from_stdin", [False, True], ids=["file", "standard input"])
@pytest.mark.parametrize("name", SAME_LETTER)
def test_the_same_notification_gives_the_same_however_it_is_written(
    name: str, from_stdin: bool, letters: Path
) -> None:
    expected = run("translate", "--json", "letter.json").rows
    content = SAME_LETTER[name].encode()
    file = write(letters / name, content)
    ran = run("translate", "--json", "-" if from_stdin else file.name, stdin=content)
    told = "-" if from_stdin else f"{name}:1" if name.endswith(("ndjson", "jsonl")) else name
    assert ran.rows == [{**row, "input": told} for row in expected]
    assert (ran.code, ran.err) == (0, "")


def test_without_a_path_standard_input_is_read(letters: Path) -> None:
    assert run("translate", "--json", stdin=PING) == run("translate", "--json", "-", stdin=PING)


def test_an_object_of_the_past_comes_wrapped(letters: Path) -> None:
    past = {"type": "notification_event", "history": True, "app_id": "app1", "data": letter()["data"]}
    [told] = run("translate", "--json", "-", stdin=as_line(past)).rows
    live = run("translate", "--json", "letter.json").rows[0]
    ids = [row["body"]["data"]["attributes"]["unique_id"] for row in (told, live)]
    assert ids == ["ic:app1:conv:42:letter"] * 2
    assert told["metric"] == "Wrote Letter", "Licked Stamp has no `history`"


# translate: lines, and inputs that fail

LINES = b"".join([PING, b"\n", b"  \r\n", PING, BROKEN, b"\n", b"[]\n", PING])


@pytest.mark.parametrize("name", ["lines.ndjson", "lines.jsonl", "-"])
def test_a_broken_line_is_named_and_the_others_go_on(name: str, here: Path) -> None:
    if name != "-":
        write(here / name, LINES)
    ran = run("translate", "--json", name, stdin=LINES)
    assert [row["input"] for row in ran.rows] == [f"{name}:{number}" for number in (1, 4, 7, 8)]
    assert [row["reason"].partition(":")[0] for row in ran.rows] == [
        "ping",
        "ping",
        "not_a_notification",
        "ping",
    ]
    assert (ran.code, ran.err) == (1, f"error: {name}:5: it is not JSON (it ends too early)\n")


@pytest.mark.parametrize("name", ["lines.ndjson", "-"])
def test_a_broken_first_line_costs_that_line_only(name: str, here: Path) -> None:
    content = BROKEN + PING + PING
    if name != "-":
        write(here / name, content)
    ran = run("translate", "--json", name, stdin=content)
    assert [row["input"] for row in ran.rows] == [f"{name}:2", f"{name}:3"]
    assert (ran.code, ran.err) == (1, f"error: {name}:1: it is not JSON (it ends too early)\n")


@pytest.mark.parametrize("name", ["lines.ndjson", "-"])
def test_a_byte_order_mark_does_not_hide_that_there_are_lines(name: str, here: Path) -> None:
    content = b"\xef\xbb\xbf" + PING + PING
    if name != "-":
        write(here / name, content)
    ran = run("translate", "--json", name, stdin=content)
    assert [row["input"] for row in ran.rows] == [f"{name}:1", f"{name}:2"]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf\n"])
def test_standard_input_without_anything_is_named(content: bytes) -> None:
    assert run("translate", "--json", stdin=content) == Ran(1, "", "error: -: it is empty\n")


def test_a_folder_that_leads_into_itself_ends(here: Path) -> None:
    write(here / "folder" / "ping.json", PING)
    (here / "folder" / "again").symlink_to(here / "folder")
    (here / "folder" / "nowhere.json").symlink_to(here / "gone.json")
    assert [row["input"] for row in run("translate", "--json", "folder").rows] == ["folder/ping.json"]


def test_a_file_whose_name_is_no_text_is_read_and_named(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.json")
    try:
        write(here / name, PING)
    except OSError:
        pytest.skip("this file system takes only text for names: NOT TESTED")
    for options in ([], ["--json"]):
        ran = run("translate", name, *options)
        assert (ran.code, ran.err) == (0, "")
        assert "caf" in ran.out


# translate: exit codes

EXITS: list[tuple[str, int, list[Any]]] = [
    ("an event", 0, [letter()]),
    ("a skipped one", 0, [letter(stamps=1), read("ping")]),
    ("a field that is left out", 0, [letter(phone="call me")]),
    ("a parked one", 1, [letter(), changed(letter(), {"source.author.email": None})]),
    ("what is no notification", 0, [[], 7, None, "text", {"type": "conversation"}]),
]


@pytest.mark.parametrize(("what", "code", "payloads"), EXITS, ids=[row[0] for row in EXITS])
@pytest.mark.parametrize("options", [["--json"], [], ["--brief"]], ids=["json", "people", "brief"])
def test_translate_exits_1_where_something_is_unreadable_or_parked(
    what: str, code: int, payloads: list[Any], options: list[str], letters: Path
) -> None:
    write(letters / "all.ndjson", b"".join(map(as_line, payloads)))
    ran = run("translate", "all.ndjson", *options)
    assert (ran.code, ran.err) == (code, "")


def test_metric_takes_the_name_or_that_of_the_file_and_nothing_in_between(letters: Path) -> None:
    by_name = run("translate", "--json", "letter.json", "--metric", "Wrote Letter")
    assert by_name == run("translate", "--json", "letter.json", "--metric", "a_letter")
    assert [row["metric"] for row in by_name.rows] == ["Wrote Letter"]
    profile = run("translate", "--json", "letter.json", "--metric", "Penfriend")
    assert [(row["outcome"], row["reason"].partition(":")[0]) for row in profile.rows] == [
        ("skipped", "no_spec")
    ]
    assert profile == run("translate", "--json", "letter.json", "--metric", "profile")


def test_records_answer_look_ups_from_yaml_and_json_alike(letters: Path) -> None:
    write(letters / "records.json", '{"teams": [{"id": 7, "name": "Post"}], "tags": null}')
    for file in ("records.json", "tests/fixtures/records.yaml"):
        row = run("translate", "--json", "letter.json", "--records", file).rows[0]
        assert row["body"]["data"]["attributes"]["properties"]["Team"] == "Post"
    assert "Team" not in json.dumps(run("translate", "--json", "letter.json").rows[0]["body"])


# translate: for people


BLOCKS = """\
all.ndjson:1
  event    Wrote Letter
    time       2026-08-31T10:00:00Z
    unique_id  ic:app1:conv:42:letter
    profile
      email  ann@example.com
    properties
      Intercom Event ID  ic:app1:conv:42:letter
      Subject            Hello
      Team               Post
      Pages              1
      Extra Stamps       3
mappings/a_letter.yaml:11:17  refused  profile.phone_number: this is no phone number with a country code, such as +46701234567
    phone_number: custom_attributes.phone as phone
                  ^
  skipped  Licked Stamp: `custom_attributes.stamps: { at_least: 3 }` does not hold (mappings/b_stamp.yaml:4)
all.ndjson:2
  event    Wrote Letter
    time       2026-08-31T10:00:00Z
    unique_id  ic:app1:conv:42:letter
    value      3
    profile
      email  ann@example.com
    properties
      Intercom Event ID  ic:app1:conv:42:letter
      Subject            Hello
      Team               Post
      Pages              1
  event    Licked Stamp
    time       2026-08-31T10:00:00Z
    unique_id  ic:app1:conv:42:stamp
    profile
      email  ann@example.com
    properties
      Intercom Event ID  ic:app1:conv:42:stamp

2 inputs: 3 events, 0 profiles, 1 skipped, 0 parked
"""  # noqa: E501 - the text as it is printed


def test_people_see_a_block_for_each_result(letters: Path) -> None:
    write(letters / "all.ndjson", as_line(letter(phone="call me", Stamps="3")) + as_line(letter(stamps=3)))
    assert run("translate", "all.ndjson", "--records", "tests/fixtures/records.yaml").out == BLOCKS


def test_people_are_told_at_the_end_how_many_there_were_and_how_to_look_things_up(letters: Path) -> None:
    write(letters / "all.ndjson", as_line(letter()) + BROKEN + as_line(changed(letter(), {"source": None})))
    tail = run("translate", "all.ndjson").out.split("\n")[-3:]
    assert tail == [
        "2 inputs: 1 event, 0 profiles, 2 skipped, 1 parked, 1 not readable",
        "Names, phone numbers and tags come from records: --records FILE looks them up.",
        "",
    ]


def test_briefly_a_result_is_one_line_and_skipped_ones_show_only_where_nothing_else_came(
    every_row: list[Any],
) -> None:
    ran = run("translate", "--brief", FIXTURES, *WITH_RECORDS)
    expected = []
    for name, group in itertools.groupby(every_row, key=lambda row: row["input"]):
        rows = list(group)
        telling = [row for row in rows if row["outcome"] != "skipped"] or rows[:1]
        expected += [
            name,
            *(
                f"  {row['outcome']:<8} {row['metric'] or row['reason'].partition(': ')[2]}"
                for row in telling
            ),
        ]
    shown = ran.out.split("\n\n")[0].split("\n")
    assert len(shown) == len(expected)
    assert [row for row, start in zip(shown, expected, strict=True) if not row.startswith(start)] == []
    counted = Counter(row["outcome"] for row in every_row)
    assert ran.out.split("\n\n")[1].startswith(
        f"{len(set(row['input'] for row in every_row))} inputs: {counted['event']} events,"
        f" {counted['profile']} profiles, {counted['skipped']} skipped, {counted['parked']} parked"
    )


def test_briefly_one_line_says_that_nothing_came_however_many_specs_answered(letters: Path) -> None:
    stamp = (letters / "mappings" / "b_stamp.yaml").read_text()
    write(letters / "mappings" / "a_letter.yaml", stamp.replace("Licked", "Lost"))
    assert len(run("translate", "--json", "letter.json").rows) == 2
    assert run("translate", "--brief", "letter.json").out.split("\n")[:3] == [
        "letter.json",
        "  skipped  Lost Stamp: `custom_attributes.stamps: { at_least: 3 }` does not hold"
        " (mappings/a_letter.yaml:4)",
        "",
    ]
