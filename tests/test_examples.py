"""The scripts beside the engine do what they say: examples, the benchmark, make and CI as dry runs."""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.stand_in import StandIn
from tests.support import records_as_intercom

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
TICKET = FIXTURES / "ticket.created.json"
SCRIPTS = sorted(ROOT.glob("examples/*.py"))
ENVIRONMENT = {
    **{
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MAKE", "MFLAGS", "FORCE_COLOR"))
    },
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    "PYTHONWARNINGS": "error",
    "COLUMNS": "80",
}


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def printed(*command: str | Path, cwd: Path = ROOT) -> str:
    done = run(*command, cwd=cwd)
    told = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.returncode, told) == (0, []), done.stdout
    return done.stdout


def needs(tool: str) -> str:
    found = shutil.which(tool, path=ENVIRONMENT["PATH"])
    if found is None:
        pytest.skip(f"there is no {tool} here: NOT TESTED")
    return found


# Embedding


def test_every_script_beside_the_engine_is_known_here() -> None:
    assert [script.name for script in SCRIPTS] == [
        "arrived.py",
        "embed.py",
        "own_records.py",
        "relay.py",
        "send.py",
        "stand_in.py",
    ]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_command_in_an_examples_docstring_works_as_it_stands(
    script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    [command] = re.findall(r"^ {4}python ((?:.+\\\n)*.+)$", docstring, re.MULTILINE)
    with StandIn(records_as_intercom) as intercom, StandIn() as klaviyo:
        keys = {"INTERCOM_TOKEN": "t", "INTERCOM_URL": intercom.url}
        keys |= {"KLAVIYO_API_KEY": "pk_x", "KLAVIYO_URL": klaviyo.url}
        keys |= {"LEDGER_FILE": str(tmp_path / "ledger.db")}
        for name, text in keys.items():
            monkeypatch.setitem(ENVIRONMENT, name, text)
        assert printed(sys.executable, *command.replace("\\\n", " ").split())


def test_what_the_sending_script_sends_has_its_names_and_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    with StandIn(records_as_intercom) as intercom, StandIn() as klaviyo:
        keys = {"INTERCOM_TOKEN": "t", "INTERCOM_URL": intercom.url}
        keys |= {"KLAVIYO_API_KEY": "pk_x", "KLAVIYO_URL": klaviyo.url}
        for name, text in keys.items():
            monkeypatch.setitem(ENVIRONMENT, name, text)
        out = printed(sys.executable, ROOT / "examples" / "send.py", TICKET)
    assert re.findall(r"^accepted (.+ Ticket) ic:", out, re.MULTILINE) == [
        "Created Ticket",
        "Submitted Ticket",
    ]
    assert sorted(metric for _, metric in klaviyo.events()) == ["Created Ticket", "Submitted Ticket"]


def test_what_the_relaying_script_has_kept_arrives_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with StandIn(records_as_intercom) as intercom, StandIn() as klaviyo:
        keys = {"INTERCOM_TOKEN": "t", "INTERCOM_URL": intercom.url, "KLAVIYO_API_KEY": "pk_x"}
        keys |= {"KLAVIYO_URL": klaviyo.url, "LEDGER_FILE": str(tmp_path / "ledger.db")}
        for name, text in keys.items():
            monkeypatch.setitem(ENVIRONMENT, name, text)
        script = ROOT / "examples" / "relay.py"
        assert printed(sys.executable, script, TICKET) == "kept 1\nsent 3\n"
        assert printed(sys.executable, script, TICKET) == "kept 0\nsent 0\n"
    assert sorted(metric for _, metric in klaviyo.events()) == ["Created Ticket", "Submitted Ticket"]


@pytest.mark.parametrize("cwd", [ROOT, None], ids=["the clone", "elsewhere"])
def test_the_embedded_engine_prints_one_line_a_request(cwd: Path | None, tmp_path: Path) -> None:
    lines = printed(sys.executable, ROOT / "examples" / "embed.py", TICKET, cwd=cwd or tmp_path).splitlines()
    records = FIXTURES / "records.yaml"
    rows = printed(sys.executable, "cli.py", "translate", "--json", TICKET, "--records", records).splitlines()
    sent = [re.fullmatch(r"POST (/api/events) (\{.+\})", line) for line in lines]
    assert [(match[1], json.loads(match[2])) for match in sent if match] == [
        (row["endpoint"], row["body"]) for row in map(json.loads, rows)
    ]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("fixture", "told"),
    [
        ("contact.user.updated", r"POST /api/profile-import \{.+\}"),
        ("ping", "skipped Intercom tests the connection"),
        ("history.ticket.cut", "parked no_time `time` has no value"),
    ],
)
def test_the_embedded_engine_tells_what_else_may_come(fixture: str, told: str) -> None:
    lines = printed(sys.executable, ROOT / "examples" / "embed.py", FIXTURES / f"{fixture}.json").splitlines()
    assert re.fullmatch(told, lines[0])


@pytest.mark.parametrize("cwd", [ROOT, None], ids=["the clone", "elsewhere"])
def test_look_ups_are_answered_from_a_source_of_ones_own(cwd: Path | None, tmp_path: Path) -> None:
    out = printed(sys.executable, ROOT / "examples" / "own_records.py", TICKET, cwd=cwd or tmp_path)
    assert out == (
        "Created Ticket mara.lindqvist@example.com Returns & Refunds\n"
        "Submitted Ticket mara.lindqvist@example.com Returns & Refunds\n"
    )


# The broken spec

DIAGNOSES = """\
examples/broken_spec.yaml:3:8  unknown-topic  warning: Intercom documents no topic "conversation.user.create"; did you mean "conversation.user.created"?
    topic: conversation.user.create
           ^
examples/broken_spec.yaml:5:33  bad-condition  a condition has no "atleast"; did you mean "at_least"?
    conversation_rating.rating: { atleast: 4 }
                                  ^
    hint: a value, a list of values, { not: value }, { at_least: number } or { at_most: number }
examples/broken_spec.yaml:9:33  unknown-type  there is no type "emial"; did you mean "email"?
    email: source.author.email as emial
                                  ^
    hint: types: text, plain_text, integer, number, boolean, datetime, date, email, phone, first_name, last_name, url, list
examples/broken_spec.yaml:11:10  quote-the-template  the template stands without quotes
    Label: {{ id }}
           ^
    hint: put the whole value in quotes: "{{ id }}"
examples/broken_spec.yaml:12:19  bad-path  a name is expected after the dot
    Team Name: team..name
                    ^
examples/broken_spec.yaml:13:36  bad-path  a second name cannot follow without a dot
    Refund: custom_attributes.Refund amount
                                     ^
    hint: a name with spaces stands in double quotes: custom_attributes."Refund amount"
1 file: 5 faults, 1 warning
"""  # noqa: E501 - the text as it is printed


def test_each_mistake_of_the_broken_spec_is_diagnosed() -> None:
    done = run(sys.executable, "cli.py", "check", "examples/broken_spec.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == DIAGNOSES


# Shell, make, the benchmark


@pytest.mark.parametrize(("shell", "script"), [("sh", "examples/demo.sh"), ("bash", ".ci/run")])
def test_a_script_can_be_read_by_its_shell_and_run_by_its_name(shell: str, script: str) -> None:
    printed(needs(shell), "-n", ROOT / script)
    assert os.access(ROOT / script, os.X_OK)


def test_ci_runs_the_tests_then_the_linter_then_the_types_and_the_floors() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("make ")] == [
        "test", "lint", "types", "floors",
    ]  # fmt: skip
    assert "set -euo pipefail" in lines


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """What the demo prints, while what it has left behind is still there."""
    needs("intercom-klaviyo")
    out = printed(needs("env"), "KEEP=1", needs("sh"), ROOT / "examples" / "demo.sh", cwd=Path("/"))
    yield out
    [numbers] = re.findall(r"kill -INT (\d+) (\d+) ends them", out)
    for number in map(int, numbers):
        os.kill(number, signal.SIGINT)
    shutil.rmtree(re.findall(LEFT, out)[0], ignore_errors=True)


LEFT = r"What was received and sent is in (\S+), which stays"


def test_the_demo_shows_the_main_job_and_what_to_try_next(demo: str) -> None:
    shown = [
        "resolve       ticket.resolved", "kill -9", ": 0 are missing at Klaviyo, 0 are there twice",
        "nothing needs a person", "none recorded twice", "Marked Ticket On Hold", "Intercom contact",
        "event    Created Ticket", "Returns & Refunds", "shared/ticket.yaml:", DIAGNOSES, "Try next",
    ]  # fmt: skip
    assert [text for text in shown if text not in demo] == []
    assert "Traceback" not in demo


def test_the_demo_can_leave_its_sandbox_running_and_says_how_to_talk_to_it_and_what_it_leaves(
    demo: str,
) -> None:
    folder = Path(re.findall(LEFT, demo)[0])
    assert {"told.ndjson", "env", "out", "ledger.db"} <= {one.name for one in folder.iterdir()}
    assert f"\n  . {folder / 'env'}\n  export LEDGER_FILE={folder / 'ledger.db'}\n" in demo
    wanted = ["  . .venv/bin/activate"] if (ROOT / ".venv" / "bin" / "activate").exists() else []
    assert re.findall("^  . .venv/bin/activate$", demo.partition("Both run on")[2], re.M) == wanted


def test_the_demo_ends_what_it_has_started_unless_it_is_told_to_keep_it() -> None:
    text = (ROOT / "examples" / "demo.sh").read_text(encoding="utf-8")
    ending = text[text.index("end() {") : text.index("# Waits for a file")]
    with subprocess.Popen(["sleep", "20"]) as relay, subprocess.Popen(["sleep", "20"]) as sandbox:
        folder = tempfile.mkdtemp()
        given = f"work={folder} relay={relay.pid} sandbox={sandbox.pid}\n{ending}\ntrap end EXIT; exit 0"
        printed(needs("sh"), "-c", given)
        assert relay.wait(5) == -signal.SIGTERM
        assert sandbox.wait(5) == -signal.SIGINT
    assert not Path(folder).exists()
    assert '[ -n "$KEEP" ] || trap end EXIT' in text


def test_the_demo_runs_the_commands_that_it_shows() -> None:
    text = (ROOT / "examples" / "demo.sh").read_text(encoding="utf-8")
    lines = text.partition("cat <<NEXT")[0].splitlines()
    shown = {shlex.split(line)[1].split()[0] for line in lines if line.startswith("title ")}
    run = {line.split()[1] for line in lines if line.lstrip().startswith("intercom-klaviyo ")}
    assert shown == run - {"send"}


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("demo", ["-m venv", "install --quiet --editable '.[relay,sandbox]'", "sh examples/demo.sh"]),
        ("test", ["-m venv", "--editable '.[relay,sandbox]'", "--editable '.[test]'", "-m pytest"]),
        ("lint", ["--editable '.[dev]'", "ruff format --check .", "ruff check ."]),
        ("types", ["--editable '.[dev]'", "bin/mypy"]),
        ("bench", ["--editable '.[relay,sandbox]'", "benchmarks/start.py"]),
    ],
)
def test_make_would_set_up_what_it_needs_and_then_work(target: str, steps: list[str], tmp_path: Path) -> None:
    given = [] if target == "demo" else [f"PYTHON={sys.executable}"]  # demo has to find one
    plan = printed(needs("make"), "-n", target, f"VENV={tmp_path / 'new'}", *given)
    found = [plan.find(step) for step in steps]
    assert -1 not in found, plan
    assert found == sorted(found)
    assert not (tmp_path / "new").exists()


def test_make_sets_nothing_up_a_second_time(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("bin/python", ".installed", ".for-tests"):
        (venv / name).touch()
    for target, last in (("demo", "sh examples/demo.sh"), ("test", "-m pytest")):
        [line] = printed(needs("make"), "-n", target, f"VENV={venv}").splitlines()
        assert last in line


def test_the_benchmark_of_the_start_gives_a_ratio_each_with_and_without_records() -> None:
    out = printed(sys.executable, ROOT / "benchmarks" / "start.py", "1", cwd=Path("/"))
    ratio = r"median \d\.\d\d of eager \(from \d\.\d\d to \d\.\d\d, 1 rounds\)"
    assert re.fullmatch(rf"without records +{ratio}\nwith records +{ratio}\n", out)
