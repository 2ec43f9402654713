"""Attacks: every spec of `tests/attacks/` ends quickly, in its place, and reaches nothing outside.

The tables there and the files in `specs/` are the attacks; adding one is adding a row or a file. They run
in processes of their own (see `attacking`): all of them once, and some again under another hash seed, in
another time zone and another locale.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacking import CANARY, Attack, Outcome, attacks
from tests.support import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: there is no fork here"),
]

# Seconds of the processor. A check takes one at most where nothing else runs; here several run at once.
MOST_CHECK_SECONDS = 1.5
MOST_FIXTURE_SECONDS = 0.25
MOST_BIG_SECONDS = 1.0
MOST_MEGABYTES = 150
LARGEST_BODY = 5_000_000
MOST_ISSUES = 51
"""Fifty, and one that counts the others."""

HERE = {"TZ": "UTC", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
ELSEWHERE = {"TZ": "America/St_Johns", "PYTHONHASHSEED": "4294967295", "LC_ALL": "C", "PYTHONUTF8": "0"}
PARTS = ((HERE, "1/2"), (HERE, "2/2"), (ELSEWHERE, "1/6"))
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
OF_LIBRARIES = re.compile(
    r"Expecting|NoneType|[Tt]oken|Traceback|[Jj]inja|[Jj]mespath|lexer|expref|\bnud\b|<class"
)
LONGEST_WORDS = 400

each = pytest.mark.parametrize("attack", attacks().values(), ids=attacks().keys())
Ran = tuple[dict[str, Outcome], dict[str, Outcome]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """What became of all attacks, and of some of them elsewhere."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    folder = tmp_path_factory.mktemp("attacks")
    files = [folder / f"{number}.jsonl" for number in range(len(PARTS))]
    running = []
    for file, (there, part) in zip(files, PARTS, strict=True):
        with file.open("wb") as output:
            command = [sys.executable, "-W", "error", "-m", "tests.attacking", part]
            running.append(subprocess.Popen(command, cwd=ROOT, env={**bare, **there}, stdout=output))
    assert [process.wait() for process in running] == [0] * len(PARTS)
    first, second, elsewhere = map(_read, files)
    return first | second, elsewhere


def _read(file: Path) -> dict[str, Outcome]:
    outcomes = [Outcome(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return {outcome.name: outcome for outcome in outcomes}


def test_there_are_many_attacks_and_each_is_run(ran: Ran) -> None:
    assert len(attacks()) >= 500
    assert ran[0].keys() == attacks().keys()
    assert len(ran[1]) > len(attacks()) / 8


@each
def test_an_attack_ends_in_its_place_and_in_no_traceback(attack: Attack, ran: Ran) -> None:
    outcome = ran[0][attack.name]
    assert outcome.traceback == ""
    faults = [issue for issue in outcome.issues if issue["severity"] == "error"]
    told = {issue["code"] for issue in faults} | {
        f"{issue['line']}:{issue['column']} {issue['code']}" for issue in faults
    }
    assert (attack.told in told) if attack.told else faults == []
    assert outcome.exit == (1 if attack.told else 0)
    for issue in outcome.issues:
        assert issue["file"] == "mappings/attack.yaml"
        assert issue["line"] >= 1
        assert issue["column"] >= 1
        words = issue["message"], issue.get("hint", "")
        assert max(map(len, words)) <= LONGEST_WORDS
        assert not OF_LIBRARIES.search(" ".join(words))


@each
def test_checking_an_attack_takes_little_time_and_memory(attack: Attack, ran: Ran) -> None:
    outcome = ran[0][attack.name]
    assert outcome.check_seconds < MOST_CHECK_SECONDS
    assert outcome.megabytes < MOST_MEGABYTES


@each
def test_what_an_attack_makes_is_bounded(attack: Attack, ran: Ran) -> None:
    outcome = ran[0][attack.name]
    assert outcome.slowest_fixture < MOST_FIXTURE_SECONDS
    assert outcome.big_seconds < MOST_BIG_SECONDS
    assert outcome.largest_body < LARGEST_BODY
    assert outcome.most_issues <= MOST_ISSUES
    if attack.gives is not None and attack.gives != "bounded":
        assert outcome.of_big == [attack.gives]


@each
def test_an_attack_opens_no_file_no_connection_and_no_process(attack: Attack, ran: Ran) -> None:
    assert ran[0][attack.name].opened == []


@each
def test_what_check_prints_of_an_attack_neither_commands_the_terminal_nor_tells_a_secret(
    attack: Attack, ran: Ran
) -> None:
    outcome = ran[0][attack.name]
    assert {found.group() for found in OBEYED.finditer(outcome.printed)} == set()
    assert CANARY not in f"{outcome.printed}{outcome.issues}{outcome.of_big}"
    assert re.search(r"^mappings/attack\.yaml:\d+:\d+  [a-z-]+  ", outcome.printed, re.MULTILINE) or not (
        outcome.issues
    )


def test_an_attack_ends_the_same_under_every_hash_seed_and_in_every_zone(ran: Ran) -> None:
    here, elsewhere = ran
    kept = ("exit", "issues", "printed", "largest_body", "most_issues", "made", "of_big")
    differing = [
        (name, key)
        for name, outcome in elsewhere.items()
        for key in kept
        if getattr(outcome, key) != getattr(here[name], key)
    ]
    assert differing == []
