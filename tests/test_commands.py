"""The command line: what goes in, what comes out, what ends with which exit code.

Most runs are in this process (click's CliRunner); where streams, encodings or imports of a real process
matter, they are processes.
"""

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml
from click.testing import CliRunner
from rich.cells import cell_len

from engine.commands import main
from tests.support import FIXTURES, NAMED, RECORDS, ROOT, changed, places, put, read

WITH_RECORDS = ("--records", RECORDS)
TICKET = FIXTURES / "ticket.created.json"
PLAIN_ENVIRONMENT = {"COLUMNS": "80", "FORCE_COLOR": None, "NO_COLOR": None, "TERM": "dumb"}
DOORS = {
    "cli.py": [sys.executable, str(ROOT / "cli.py")],
    "module": [sys.executable, "-m", "engine"],
    "script": [str(Path(sys.executable).with_name("intercom-klaviyo"))],
    "listing its modules": [
        sys.executable,
        "-c",
        "import sys; from engine.commands import main\ntry: main()\nfinally: print('', *sys.modules)",
    ],
}


class Ran(NamedTuple):
    """What a run printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.split("\n") if line]


def run(*arguments: str | Path, stdin: bytes = b"", columns: int = 80) -> Ran:
    """A command in this process; what is raised is raised here, so nothing ends in a traceback."""
    environment = {**PLAIN_ENVIRONMENT, "COLUMNS": str(columns)}
    words = list(map(str, arguments))
    runner = CliRunner(env=environment)
    result = runner.invoke(main, words, input=stdin, prog_name="intercom-klaviyo", catch_exceptions=False)
    return Ran(result.exit_code, result.stdout_bytes.decode("utf-8"), result.stderr_bytes.decode("utf-8"))


def process(
    *arguments: str | Path,
    door: str = "cli.py",
    stdin: bytes | int = b"",
    stdout: int = subprocess.PIPE,
    **environment: str,
) -> subprocess.CompletedProcess[bytes]:
    """A command as a process of its own, in the clone."""
    return subprocess.run(
        [*DOORS[door], *map(str, arguments)],
        cwd=ROOT,
        env=clean_environment() | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        **({"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}),
    )


def clean_environment() -> dict[str, str]:
    ours = ("PYTHONIOENCODING", "PYTHONUTF8", "FORCE_COLOR", "LC_", "LANG")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "COLUMNS": "80", "PYTHONWARNINGS": "error"}


@pytest.fixture(autouse=True)
def _in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


PING = line(read("ping"))
BROKEN = b'{"type": "notification_event", \n'


# A small folder of specs and a letter that they answer, for what must not hang on the shipped mappings

SPECS = {
    "a_letter.yaml": """\
        metric: Wrote Letter
        topic: conversation.user.created
        history: conversations
        lookups:
          team: team_assignee_id
        time: created_at
        unique_id: conv:{{ id }}:letter
        value: custom_attributes.stamps as number
        profile:
          email: source.author.email as email
          phone_number: custom_attributes.phone as phone
        properties:
          Subject: title as text
          Team: team.name
          Pages:
            path: custom_attributes.pages
            default: 1
          Colour: blue as text
          Extra *:
            path: custom_attributes
            except: [phone, stamps, pages]
        tests:
          - name: a letter
            given: letter
            expect:
              time: 2026-08-31T10:00:00Z
              properties: { Subject: Hello, Pages: 1 }
        """,
    "b_stamp.yaml": """\
        metric: Licked Stamp
        topic: conversation.user.created
        when:
          custom_attributes.stamps: { at_least: 3 }
          state: open
        time: created_at
        unique_id: conv:{{ id }}:stamp
        profile:
          email: source.author.email as email
        """,
    "profile.yaml": """\
        name: Penfriend
        topic: contact.user.created
        profile:
          email: email as email
        """,
}


def letter(**custom: Any) -> dict[str, Any]:
    item = {
        "type": "conversation",
        "id": "42",
        "title": "Hello",
        "state": "open",
        "created_at": 1788170400,
        "team_assignee_id": 7,
        "source": {"author": {"email": "ann@example.com"}},
        "custom_attributes": custom,
    }
    envelope = {"type": "notification_event", "app_id": "app1", "topic": "conversation.user.created"}
    return {**envelope, "id": "n1", "created_at": 1788170400, "data": {"item": item}}


@pytest.fixture
def letters(here: Path) -> Path:
    """`mappings`, `tests/fixtures` with records, and `letter.json`, as in a user's folder."""
    for name, text in SPECS.items():
        lines = [row.removeprefix(" " * 8) for row in text.splitlines()]
        write(here / "mappings" / name, "\n".join(lines) + "\n")
    write(here / "tests" / "fixtures" / "letter.json", json.dumps(letter()))
    write(here / "tests" / "fixtures" / "records.yaml", 'teams: [{ id: "7", name: Post }]\n')
    write(here / "letter.json", json.dumps(letter()))
    return here


def write(file: Path, content: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return file


# translate: the rows

KEYS = ["input", "outcome", "metric", "endpoint", "body", "reason", "issues"]


@pytest.fixture(scope="module")
def every_row() -> list[Any]:
    """What comes of every fixture in every version, by machine."""
    with contextlib.chdir(ROOT):
        return run("translate", "--json", FIXTURES, *WITH_RECORDS).rows


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
    [told] = run("translate", "--json", "-", stdin=line(past)).rows
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


UNREADABLE = {
    "empty.json": (b"", "it is empty"),
    "blank.json": (b" \n\t\r\n", "it is empty"),
    "bom_alone.json": (b"\xef\xbb\xbf", "it is empty"),
    "cut.json": (PRETTY.encode()[:300], r"it is not JSON \(it ends too early\)"),
    "two.json": (b'{"a": 1}\n{"b"} \n', r"it is not JSON \(line 2, column [12]\)"),
    "picture.json": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", r"it is not JSON \(line 1, column 1\)"),
    "latin_1.json": (b'{"name": "Tom\xe1s"}', "it is not UTF-8"),
    "utf_16.json": (PRETTY.encode("utf-16"), r"it is not JSON \(line 1, column 1\)"),
    "nan.json": (b'{"a": NaN}', r"it is not JSON \(line 1, column 7\)"),
    "deep.json": (b"[" * 100_000 + b"]" * 100_000, "it is nested too deep"),
    "deepish.json": (b"[" * 70 + b"]" * 70, "it is nested over 64 deep"),
    "large.json": (b" " * (20 * 1024 * 1024) + b"{}", r"it is over 20 MB.*"),
    "missing.json": (None, "there is no such file or folder"),
    "no_json_in_here": ("a folder", r"there is no \.json, \.ndjson or \.jsonl file in it"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("command", ["translate", "explain"])
def test_an_input_that_cannot_be_read_is_named_in_one_line_and_the_rest_goes_on(
    command: str, name: str, here: Path
) -> None:
    content, words = UNREADABLE[name]
    if content == "a folder":
        write(here / name / "notes.txt", "nothing to read")
    elif content is not None:
        write(here / name, content)
    write(here / "good.json", PING)
    ran = run(command, "--json", name, *(["good.json"] if command == "translate" else []))
    assert re.fullmatch(rf"error: {name}: {words}\n", ran.err)
    assert [row["input"] for row in ran.rows] == (["good.json"] if command == "translate" else [])
    assert ran.code == 1


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
    write(letters / "all.ndjson", b"".join(map(line, payloads)))
    ran = run("translate", "all.ndjson", *options)
    assert (ran.code, ran.err) == (code, "")


DAMAGED_SPEC = (
    "metric: A\ntopic: conversation.user.created\ntime: a..b\nunique_id: x\nprofile: { email: a }\n"
    "properties:\n  A: b..c\n"
)
COULD_NOT_RUN = [
    (["--mappings", "gone"], "there is no file or folder gone"),
    (["--mappings", "empty"], r"there are no specs \(\*\.yaml\) in empty"),
    (["--mappings", "mappings/shared"], "there are no specs .*"),
    (["--records", "gone.yaml"], "gone.yaml: No such file or directory"),
    (["--records", "damaged.yaml"], r"damaged.yaml:2:1  bad-yaml  YAML cannot be read on from here"),
    (["--records", "damaged.json"], "damaged.json: it is not JSON"),
    (["--records", "binary.json"], "binary.json: it is not JSON"),
    (["--records", "deep.json"], "deep.json: it is not JSON"),
    (["--records", "list.json"], "list.json: records are lists under contacts, .*"),
    (["--records", "unknown.json"], 'unknown.json: records have no table "people"; tables: contacts, .*'),
    (["--records", "no_id.json"], "no_id.json: `teams` is no list of objects that have an `id`"),
    (["--records", "binary.yaml"], "binary.yaml:1:1  bad-encoding  .*"),
    (["--records", "empty"], "empty: .+"),
    (
        ["--metric", "Wrote Leter"],
        'no spec makes "Wrote Leter"; did you mean "Wrote Letter"\\?'
        " There are: Wrote Letter, Licked Stamp, Penfriend",
    ),
    (["--metric", "zzz"], 'no spec makes "zzz".* There are: .+'),
    (["--metric", "\x1b[31m"], r'no spec makes "\\x1b\[31m".*'),
]


@pytest.mark.parametrize(("options", "words"), COULD_NOT_RUN, ids=[" ".join(row[0]) for row in COULD_NOT_RUN])
@pytest.mark.parametrize("command", ["translate", "explain"])
def test_what_cannot_run_says_so_in_one_line_and_exits_2(
    command: str, options: list[str], words: str, letters: Path
) -> None:
    write(letters / "empty" / "notes.txt", "")
    write(letters / "mappings" / "shared" / "common.yaml", "history: conversations\n")
    write(letters / "damaged.yaml", "contacts: [\n")
    write(letters / "damaged.json", "{")
    write(letters / "binary.json", b'{"contacts": [{"id": "\xff"}]}')
    write(letters / "deep.json", "[" * 100_000)
    write(letters / "list.json", "[]")
    write(letters / "unknown.json", '{"people": []}')
    write(letters / "no_id.json", '{"teams": [{"name": "Post"}]}')
    write(letters / "binary.yaml", b"\xff\xfe\x00")
    ran = run(command, "letter.json", *options)
    assert re.fullmatch(f"error: {words}\n", ran.err)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("command", ["translate", "explain", "test"])
def test_a_command_that_needs_the_specs_shows_all_their_faults_and_exits_2(
    command: str, letters: Path
) -> None:
    write(letters / "mappings" / "c.yaml", DAMAGED_SPEC)
    ran = run(command, *([] if command == "test" else ["letter.json"]))
    assert re.findall(r"^(mappings/\S+)  (\S+)", ran.err, re.MULTILINE) == [
        ("mappings/c.yaml:3:9", "bad-path"),
        ("mappings/c.yaml:7:8", "bad-path"),
    ]
    assert ran.err.endswith("\nerror: 2 faults in mappings\n")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [["translate", "--bogus"], ["explain"], ["explain", "a", "b"], ["transmogrify"], ["check", "--x"], []],
)
def test_what_is_typed_wrongly_shows_the_usage_and_exits_2(arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("Usage: intercom-klaviyo ")


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
    write(letters / "all.ndjson", line(letter(phone="call me", Stamps="3")) + line(letter(stamps=3)))
    assert run("translate", "all.ndjson", "--records", "tests/fixtures/records.yaml").out == BLOCKS


def test_people_are_told_at_the_end_how_many_there_were_and_how_to_look_things_up(letters: Path) -> None:
    write(letters / "all.ndjson", line(letter()) + BROKEN + line(changed(letter(), {"source": None})))
    tail = run("translate", "all.ndjson").out.split("\n")[-3:]
    assert tail == [
        "2 inputs: 1 event, 0 profiles, 2 skipped, 1 parked, 1 not readable",
        "Names, phone numbers and tags come from records: add --records FILE to look them up.",
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


# What comes from outside never reaches the terminal as it is

HOSTILE = "\x1b[31m\x9b1m\u202eX\r\nY\x00\u2066\u2028\x7f\x07"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def hostile(payload: Any) -> Any:
    """A copy with what a terminal obeys in every text and in the names of attributes."""
    made = json.loads(json.dumps(payload))
    for path, value in list(places(made)):
        if isinstance(value, str) and path[-1] not in (
            "type",
            "topic",
            "app_id",
            "part_type",
            "ticket_state",
        ):
            put(made, list(path), value + HOSTILE)
        if path and path[-1] in ("custom_attributes", "ticket_attributes") and isinstance(value, dict):
            put(made, list(path), {key + HOSTILE: child for key, child in value.items()})
    return made


@pytest.mark.parametrize("options", [(), WITH_RECORDS], ids=["without records", "with records"])
@pytest.mark.parametrize("command", [["translate"], ["translate", "--brief"], ["explain"]], ids=" ".join)
def test_a_payload_cannot_write_to_the_terminal(
    command: list[str], options: tuple[str | Path, ...], tmp_path: Path
) -> None:
    payloads = [hostile(read(name)) for name in NAMED] + [{**read("ping"), "topic": HOSTILE}]
    file = write(tmp_path / "hostile.ndjson", b"".join(map(line, payloads)))
    ran = run(*command, file, *options)
    assert options != WITH_RECORDS or r"\x1b[31m\x9b1m\u202eX" in ran.out, "and yet it is shown"
    assert {found.group() for found in OBEYED.finditer(ran.out + ran.err)} == set()
    # A line feed in a value starts no line of its own.
    assert [row for row in (ran.out + ran.err).split("\n") if row.startswith("Y")] == []


def test_a_fixture_of_a_failing_test_cannot_write_to_the_terminal(letters: Path) -> None:
    write(letters / "tests" / "fixtures" / "letter.json", json.dumps(changed(letter(), {"title": HOSTILE})))
    ran = run("test")
    assert r"got       \x1b[31m\x9b1m\u202eX" in ran.out
    assert {found.group() for found in OBEYED.finditer(ran.out)} == set()


def test_the_name_of_a_file_cannot_write_to_the_terminal(here: Path) -> None:
    name = "\x1b[31m\nerror: x\u202e.json"
    ran = run("translate", name)
    assert ran.err == r"error: \x1b[31m\nerror: x\u202e.json: there is no such file or folder" + "\n"


# explain

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


RECORDS_HERE = ("--records", "tests/fixtures/records.yaml")
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
    shown = run("explain", "letter.json", *RECORDS_HERE).out
    assert re.sub(" +\n", "\n", shown) == TOLD


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
def test_no_line_of_an_explanation_is_wider_than_80_columns(
    name: str, options: tuple[str | Path, ...]
) -> None:
    shown = run("explain", (FIXTURES / f"{name}.json").relative_to(ROOT), *options).out
    assert [row for row in shown.split("\n") if cell_len(row) > 80] == []


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


# check


def test_the_shipped_mappings_have_no_faults() -> None:
    files = len(list((ROOT / "mappings").rglob("*.yaml")))
    assert run("check") == Ran(0, f"{files} files: no faults\n", "")
    assert run("check") == run("check", "mappings", "mappings/profile.yaml", "mappings/shared/ticket.yaml")
    assert run("check", "--json") == Ran(0, "", "")


HEAD = (
    "topic: conversation.user.{}\ntime: created_at\nunique_id: b:{{{{ id }}}}\n"
    "profile: {{ email: source.author.email }}\n"
)
FAULTY = {
    "mappings/z.yaml": f"metric: Z\n{HEAD.format('created')}proprties: {{}}\nproperties:\n  A: a..b\n",
    "mappings/b.yaml": f"metric: B\n{HEAD.format('create')}properties:\n  A: title as txt\n",
    "mappings/shared/a.yaml": "properties:\n  A: title as bolean\n",
    "mappings/empty.yml": "",
}
FOUND = [
    "mappings/b.yaml:2:8 unknown-topic warning",
    "mappings/b.yaml:7:15 unknown-type error",
    "mappings/empty.yml:1:1 not-a-spec error",
    "mappings/shared/a.yaml:2:15 unknown-type error",
    "mappings/z.yaml:6:1 unknown-key error",
    "mappings/z.yaml:8:8 bad-path error",
]


@pytest.fixture
def faulty(here: Path) -> Path:
    for name, text in FAULTY.items():
        write(here / name, text)
    return here


def test_check_shows_all_faults_of_all_files_by_file_line_and_column(faulty: Path) -> None:
    ran = run("check", "--json")
    assert [
        f"{row['file']}:{row['line']}:{row['column']} {row['code']} {row['severity']}" for row in ran.rows
    ] == FOUND
    assert (ran.code, ran.err) == (1, "")
    keys = ["code", "severity", "message", "file", "line", "column", "end", "hint"]
    assert all(list(row) in (keys, keys[:-1]) for row in ran.rows)


def test_check_shows_people_the_same_with_the_line_and_a_caret(faulty: Path) -> None:
    ran = run("check", "mappings")
    heads = re.findall(r"^(mappings/\S+)  (\S+)  \S", ran.out, re.MULTILINE)
    assert [f"{place} {code}" for place, code in heads] == [text.rpartition(" ")[0] for text in FOUND]
    assert "\n    A: a..b\n         ^\n" in ran.out
    assert "\n    proprties: {}\n    ^\n" in ran.out
    assert ran.out.endswith("\n4 files: 5 faults, 1 warning\n")
    assert ran.code == 1


def test_the_caret_of_every_fault_stands_under_its_column(faulty: Path) -> None:
    rows = run("check", "--json").rows
    shown = run("check").out.split("\n")
    for row in rows:
        source = (faulty / row["file"]).read_text().split("\n")[row["line"] - 1]
        head = next(i for i, text in enumerate(shown) if text.startswith(f"{row['file']}:{row['line']}:"))
        if source.strip():
            written, caret = shown[head + 1 : head + 3]
            assert written.strip() == source.strip()
            assert written[caret.index("^") :] == source[row["column"] - 1 :].rstrip()


def test_warnings_alone_are_no_fault(here: Path) -> None:
    write(here / "mappings" / "b.yaml", FAULTY["mappings/b.yaml"].replace(" as txt\n", "\n"))
    ran = run("check")
    assert ran.out.endswith("\n1 file: 1 warning\n")
    assert (ran.code, ran.err) == (0, "")
    assert [row["severity"] for row in run("check", "--json").rows] == ["warning"]
    assert run("check", "--json").code == 0


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["gone"], "there is no file or folder gone"),
        (["mappings/gone.yaml"], "there is no file or folder mappings/gone.yaml"),
        (["mappings", "gone"], "there is no file or folder gone"),
        (["nothing"], "there are no specs (*.yaml) in nothing"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["people", "json"])
@pytest.mark.parametrize("command", ["check", "test"])
def test_specs_that_are_not_there_end_check_and_test_with_2(
    command: str, options: list[str], paths: list[str], words: str, letters: Path
) -> None:
    (letters / "nothing").mkdir()
    ran = run(command, *paths, *options)
    assert (ran.code, ran.err) == (2, f"error: {words}\n")
    assert ran.out == "" or (command, paths[0]) == ("test", "mappings")


def test_one_file_alone_is_checked_with_the_shared_files_beside_it(here: Path) -> None:
    shutil.copytree(ROOT / "mappings", here / "mappings")
    assert run("check", "mappings/created_ticket.yaml").out == "1 file: no faults\n"
    shutil.rmtree(here / "mappings" / "shared")
    rows = run("check", "mappings/created_ticket.yaml", "--json").rows
    assert ("unknown-shared", 4, 6) in [(row["code"], row["line"], row["column"]) for row in rows]


# test


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


# Help, and what is imported for it


def commands() -> list[str]:
    assert isinstance(main, click.Group)
    return main.list_commands(click.Context(main))


def examples() -> list[Any]:
    made = []
    for name in commands():
        text = run(name, "--help").out
        *_, example = re.split(r"  Examples?:\n", text)
        example = example.split("\n\n")[0].replace("\\\n", " ")
        made.append(pytest.param(name, example, id=name))
    return made


@pytest.mark.parametrize(("name", "example"), examples())
def test_the_example_in_the_help_of_a_command_works(name: str, example: str, here: Path) -> None:
    for folder in ("mappings", "schemas", "tests/fixtures", "examples", "docs"):  # some commands write
        shutil.copytree(ROOT / folder, here / folder, ignore=shutil.ignore_patterns("versions"))
    shutil.copy(ROOT / "README.md", here)
    for line in example.strip().splitlines():
        words = shlex.split(line)
        assert words[:2] == ["intercom-klaviyo", name]
        ran = run(*words[1:])
        assert ran.code in (0, 1)
        assert ran.err == ""
        assert ran.out


def test_the_help_lists_every_command_with_its_own_first_line() -> None:
    assert commands() == [
        "translate", "explain", "check", "test", "init", "new", "fmt", "list", "show", "coverage", "diff",
        "explain-issue",
    ]  # fmt: skip
    listed = " ".join(run("--help").out.partition("\nCommands:\n")[2].split())
    told = []
    for name in commands():
        command = main.get_command(click.Context(main), name)  # type: ignore[attr-defined]
        assert command is not None
        told.append(" ".join(f"{name} {(command.help or '').split(chr(10) * 2)[0]}".split()))
    assert listed == " ".join(told)


@pytest.mark.parametrize("name", ["", *commands()])
def test_the_help_fits_into_80_columns_and_has_a_short_name(name: str) -> None:
    shown = run(*[name][: bool(name)], "--help")
    assert shown == run(*[name][: bool(name)], "-h")
    assert shown.code == 0
    assert [row for row in shown.out.split("\n") if len(row) > 80] == []


def test_the_version_is_that_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run("--version") == Ran(0, f"intercom-klaviyo {version}\n", "")


ALL_HEAVY = {"jinja2", "yaml", "jmespath", "jsonschema", "requests", "rich", "phonenumbers"}
IMPORTS = [
    (["--help"], ALL_HEAVY | {"jsonschema_rs", "msgspec", "engine.language"}),
    (["--version"], ALL_HEAVY | {"jsonschema_rs", "msgspec", "engine.language"}),
    (["bogus"], ALL_HEAVY),
    (
        ["translate", FIXTURES, *WITH_RECORDS],
        {"requests", "jsonschema", "rich", "engine.language.explanation"},
    ),
    (["translate", "--json", TICKET, *WITH_RECORDS], {"requests", "jsonschema", "rich"}),
    (["translate", "--json", FIXTURES / "ping.json"], {"requests", "jsonschema", "rich", "phonenumbers"}),
    (["explain", TICKET], {"requests", "jsonschema", "phonenumbers"}),
    (["explain", "--json", TICKET], {"requests", "jsonschema", "phonenumbers", "rich"}),
    (["check"], {"requests", "jsonschema", "jsonschema_rs", "rich", "phonenumbers"}),
    (["test"], {"requests", "jsonschema", "rich"}),
]


@pytest.mark.parametrize(
    ("arguments", "unwanted"), IMPORTS, ids=[" ".join(Path(word).name for word in row[0]) for row in IMPORTS]
)
def test_a_command_imports_nothing_heavy_that_it_does_not_use(
    arguments: list[str | Path], unwanted: set[str]
) -> None:
    done = process(*arguments, door="listing its modules")
    loaded = set(done.stdout.decode().splitlines()[-1].split())
    assert "engine.commands" in loaded
    assert loaded & unwanted == set()


# As processes: doors, pipes, encodings


@pytest.mark.parametrize("options", [("--json",), (), ("--brief",)], ids=["json", "people", "brief"])
@pytest.mark.parametrize("door", ["module", "script"])
def test_every_door_gives_the_same_bytes(door: str, options: tuple[str, ...]) -> None:
    if door == "script" and not Path(DOORS[door][0]).exists():
        pytest.skip(f"{DOORS[door][0]} is not installed: NOT TESTED")
    arguments = ["translate", "tests/fixtures/history.ticket.cut.json", "gone.json", *options, *WITH_RECORDS]
    expected, done = process(*arguments), process(*arguments, door=door)
    assert (done.returncode, done.stdout, done.stderr) == (1, expected.stdout, expected.stderr)
    assert expected.stdout
    assert expected.stderr == b"error: gone.json: there is no such file or folder\n"


def test_a_module_calls_itself_by_the_name_that_was_typed() -> None:
    assert process("--help", door="module").stdout.startswith(b"Usage: python -m engine ")
    assert process("--help").stdout.startswith(b"Usage: cli.py ")


@pytest.mark.parametrize(
    "command", [["translate", "--json"], ["translate"], ["translate", "--brief"], ["explain"]], ids=" ".join
)
def test_a_reader_that_leaves_early_ends_the_command_quietly(command: list[str], tmp_path: Path) -> None:
    file = write(tmp_path / "big.ndjson", line(read("ticket.created")) * 300)
    with subprocess.Popen(
        [*DOORS["cli.py"], *command, str(file), *map(str, WITH_RECORDS)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().endswith(b"\n")
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) in (0, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["translate", "--json", TICKET],
        ["explain", TICKET],
        ["check", "examples/broken_spec.yaml"],
        ["test"],
        ["--help"],
        ["--version"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_reader_that_is_gone_already_ends_the_command_quietly(arguments: list[str | Path]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(*arguments, stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


def test_a_terminal_without_a_path_is_told_what_to_name() -> None:
    if not hasattr(os, "openpty"):
        pytest.skip("there are no terminals here: NOT TESTED")
    controller, terminal = os.openpty()
    try:
        done = process("translate", stdin=terminal)
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.returncode == 2
    assert done.stderr.endswith(b"Error: name a file, a folder, or - for standard input\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["translate"], 2),
        (["translate", "-"], 1),
        (["translate", TICKET, "--brief"], 1),
        (["explain", TICKET], 0),
    ],
    ids=["translate", "translate -", "translate a file", "explain"],
)
def test_a_closed_standard_input_ends_in_no_traceback(arguments: list[str | Path], code: int) -> None:
    words = shlex.join([*DOORS["cli.py"], *map(str, arguments)])
    done = subprocess.run(
        ["sh", "-c", f"exec {words} <&-"], cwd=ROOT, env=clean_environment(), capture_output=True, timeout=60
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (code, 2)


POOR = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp1252"},
]
FOREIGN = changed(read("conversation.user.created"), {"title": "Żółć 想要 → 🎟"})


@pytest.mark.parametrize("environment", POOR, ids=lambda row: " ".join(f"{k}={v}" for k, v in row.items()))
def test_json_is_utf_8_whatever_the_locale(environment: dict[str, str]) -> None:
    arguments = ["translate", "--json", "-", *WITH_RECORDS]
    rich, poor = (process(*arguments, stdin=line(FOREIGN), **given) for given in ({}, environment))
    assert poor.stdout == rich.stdout
    assert "Żółć 想要 → 🎟" in poor.stdout.decode("utf-8")
    assert (poor.returncode, poor.stderr) == (0, b"")


@pytest.mark.parametrize("environment", POOR, ids=lambda row: " ".join(f"{k}={v}" for k, v in row.items()))
@pytest.mark.parametrize("command", ["translate", "explain"])
def test_people_see_something_whatever_the_locale(
    command: str, environment: dict[str, str], tmp_path: Path
) -> None:
    file = write(tmp_path / "foreign.json", line(FOREIGN))
    done = process(command, file, *WITH_RECORDS, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"mara.lindqvist@example.com" in done.stdout


def test_the_same_input_gives_the_same_bytes_whatever_the_hash_seed_and_the_time_zone() -> None:
    arguments = ["translate", "--json", FIXTURES, *WITH_RECORDS]
    one = process(*arguments, PYTHONHASHSEED="1", TZ="Pacific/Kiritimati")
    other = process(*arguments, PYTHONHASHSEED="2", TZ="America/St_Johns")
    assert one.stdout == other.stdout != b""
