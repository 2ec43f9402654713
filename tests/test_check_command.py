"""`check`: every fault with its place, as rows and for people."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support import ROOT, Ran, run, write

pytestmark = pytest.mark.usefixtures("in_the_clone")


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


def test_what_leaves_is_no_fault_so_strict_is_refused_beside_it() -> None:
    words = "error: --leaving lists what is no fault, so it takes no --strict\n"
    assert run("check", "--leaving", "--strict") == Ran(2, "", words)


def test_one_file_alone_is_checked_with_the_shared_files_beside_it(here: Path) -> None:
    shutil.copytree(ROOT / "mappings", here / "mappings")
    assert run("check", "mappings/created_ticket.yaml").out == "1 file: no faults\n"
    shutil.rmtree(here / "mappings" / "shared")
    rows = run("check", "mappings/created_ticket.yaml", "--json").rows
    assert ("unknown-shared", 4, 6) in [(row["code"], row["line"], row["column"]) for row in rows]
