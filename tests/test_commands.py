"""What holds for several commands: inputs that fail, what cannot run, what reaches the terminal, help."""

import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from engine.commands import main
from engine.ledger.store import Ledger
from examples.stand_in import StandIn
from tests.letters import letter
from tests.support import (
    FIXTURES,
    NAMED,
    OBEYED,
    RECORDS,
    ROOT,
    Ran,
    as_line,
    changed,
    places,
    put,
    read,
    records_as_intercom,
    run,
    write,
)

pytestmark = pytest.mark.usefixtures("in_the_clone")

WITH_RECORDS = ("--records", RECORDS)
TICKET = FIXTURES / "ticket.created.json"
PING = as_line(read("ping"))
PRETTY = json.dumps(letter(), indent=4)


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
        'no spec makes "Wrote Leter"; did you mean "Wrote Letter"\\?\n'
        "    there are: Wrote Letter, Licked Stamp, Penfriend",
    ),
    (["--metric", "zzz"], 'no spec makes "zzz"\n    there are: .+'),
    (["--metric", "\x1b[31m"], r'no spec makes "\\x1b\[31m"\n    there are: .+'),
]


@pytest.mark.parametrize(("options", "words"), COULD_NOT_RUN, ids=[" ".join(row[0]) for row in COULD_NOT_RUN])
@pytest.mark.parametrize("command", ["translate", "explain"])
def test_what_cannot_run_says_so_and_exits_2(
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


def test_the_names_that_could_be_meant_fit_into_80_columns_and_none_is_broken() -> None:
    names = [row["name"] for row in run("list", "--json").rows]
    said = run("show", "zzz").err.removesuffix("\n").split("\n")
    assert said[0] == 'error: no spec makes "zzz"'
    assert [row for row in said if len(row) > 80] == []
    told = [row.strip().removesuffix(",").removeprefix("there are: ") for row in said[1:]]
    assert [name for row in told for name in row.split(", ")] == names
    assert len(told) > 1


@pytest.mark.parametrize(
    "command", [["test"], ["list", "--json"], ["coverage", TICKET]], ids=["test", "list", "coverage"]
)
def test_shipped_mappings_that_nobody_named_are_told_of(command: list[str | Path], here: Path) -> None:
    ran = run(*command)
    assert ran.code == 0
    assert ran.err == "note: these are the shipped mappings, as there is no ./mappings here\n"
    named = ["--mappings", ROOT / "mappings"] if command[0] == "coverage" else [ROOT / "mappings"]
    assert run(*command, *named).err == ""
    shutil.copytree(ROOT / "mappings", here / "mappings")
    shutil.copytree(FIXTURES, here / "tests" / "fixtures", ignore=shutil.ignore_patterns("versions"))
    assert run(*command).err == ""


@pytest.mark.parametrize(
    "arguments",
    [["translate", "--bogus"], ["explain"], ["explain", "a", "b"], ["transmogrify"], ["check", "--x"], []],
)
def test_what_is_typed_wrongly_shows_the_usage_and_exits_2(arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("Usage: intercom-klaviyo ")


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


# What comes from outside never reaches the terminal as it is

HOSTILE = "\x1b[31m\x9b1m\u202eX\r\nY\x00\u2066\u2028\x7f\x07"


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
    file = write(tmp_path / "hostile.ndjson", b"".join(map(as_line, payloads)))
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
def test_the_example_in_the_help_of_a_command_works(
    name: str, example: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("mappings", "schemas", "tests/fixtures", "examples", "docs"):  # some commands write
        shutil.copytree(ROOT / folder, here / folder, ignore=shutil.ignore_patterns("versions"))
    shutil.copy(ROOT / "README.md", here)
    Ledger(here / "ledger.db").close()
    with StandIn(records_as_intercom) as intercom, StandIn() as klaviyo:
        for service, server in (("INTERCOM", intercom), ("KLAVIYO", klaviyo)):
            monkeypatch.setenv(f"{service}_URL", server.url)
        monkeypatch.setenv("INTERCOM_TOKEN", "t")
        monkeypatch.setenv("KLAVIYO_API_KEY", "pk_x")
        for line in example.strip().splitlines():
            words = shlex.split(line)
            assert words[:2] == ["intercom-klaviyo", name]
            ran = run(*words[1:])
            assert ran.code in (0, 1)
            assert all(row.startswith("note: ") for row in ran.err.splitlines())
            assert ran.out


def test_the_help_lists_every_command_with_its_own_first_line() -> None:
    assert commands() == [
        "translate", "explain", "check", "test", "send", "serve", "status", "events", "dead", "replay",
        "ledger", "doctor", "records", "sandbox", "init", "new", "record", "fmt", "list", "show", "coverage",
        "diff", "explain-issue",
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
