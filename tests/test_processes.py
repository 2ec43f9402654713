"""Commands as processes of their own: imports, doors, pipes, encodings."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import FIXTURES, RECORDS, ROOT, as_line, changed, read, write

WITH_RECORDS = ("--records", RECORDS)
TICKET = FIXTURES / "ticket.created.json"
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
    file = write(tmp_path / "big.ndjson", as_line(read("ticket.created")) * 300)
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


LONELY = """\
metric: Read
topic: conversation.read
time: event.created_at
unique_id: conv:{{ id }}
profile:
  email: { value: a@example.com }
properties:
  Odd: { value: 2026-01-01 }
"""
TOLD_AT_LENGTH = {
    "a message": (["coverage", "--mappings", "spec.yaml"], "error: there is no tests/fixtures beside"),
    "a hint": (["check", "spec.yaml"], "    hint: "),
    "a reason": (["translate", TICKET, "--mappings", ROOT / "mappings"], "  parked   Created Ticket: "),
}


@pytest.mark.parametrize(("words", "start"), TOLD_AT_LENGTH.values(), ids=TOLD_AT_LENGTH)
def test_what_is_told_at_length_is_one_line_for_programs_and_80_columns_in_a_terminal(
    words: list[str | Path], start: str, tmp_path: Path
) -> None:
    write(tmp_path / "spec.yaml", LONELY)
    piped = within(tmp_path, words, subprocess.PIPE)
    [line] = [row for row in piped.split("\n") if row.startswith(start)]
    assert len(line) > 80
    if not hasattr(os, "openpty"):
        pytest.skip("there are no terminals here: NOT TESTED")
    controller, terminal = os.openpty()
    try:
        within(tmp_path, words, terminal)
        shown = COLOURS.sub("", os.read(controller, 100_000).decode()).replace("\r\n", "\n")
    finally:
        os.close(controller)
        os.close(terminal)
    lines = shown.split("\n")
    at = next(number for number, row in enumerate(lines) if row.startswith(start))
    assert max(map(len, lines[at : at + 2])) <= 80
    assert " ".join(shown.split()) == " ".join(piped.split()), "and nothing else differs"


COLOURS = re.compile("\x1b\\[[0-9;]*m")


def within(folder: Path, words: list[str | Path], output: int) -> str:
    """What a command prints on both streams, where it prints to a pipe."""
    command = [*DOORS["cli.py"], *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(), stdout=output, stderr=output, timeout=60
    )
    return (done.stdout or b"").decode() + (done.stderr or b"").decode()


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
    rich, poor = (process(*arguments, stdin=as_line(FOREIGN), **given) for given in ({}, environment))
    assert poor.stdout == rich.stdout
    assert "Żółć 想要 → 🎟" in poor.stdout.decode("utf-8")
    assert (poor.returncode, poor.stderr) == (0, b"")


@pytest.mark.parametrize("environment", POOR, ids=lambda row: " ".join(f"{k}={v}" for k, v in row.items()))
@pytest.mark.parametrize("command", ["translate", "explain"])
def test_people_see_something_whatever_the_locale(
    command: str, environment: dict[str, str], tmp_path: Path
) -> None:
    file = write(tmp_path / "foreign.json", as_line(FOREIGN))
    done = process(command, file, *WITH_RECORDS, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"mara.lindqvist@example.com" in done.stdout


def test_the_same_input_gives_the_same_bytes_whatever_the_hash_seed_and_the_time_zone() -> None:
    arguments = ["translate", "--json", FIXTURES, *WITH_RECORDS]
    one = process(*arguments, PYTHONHASHSEED="1", TZ="Pacific/Kiritimati")
    other = process(*arguments, PYTHONHASHSEED="2", TZ="America/St_Johns")
    assert one.stdout == other.stdout != b""
