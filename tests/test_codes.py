"""The reference of codes: each has a cause, a cure and an example, and the examples do what they say.

The examples are tried twice: as files in a folder, through the functions that `check` and `translate`
call, and through `said_of`, which is what `explain-issue` and the page on issues show.
"""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine import Runner, load
from engine.commands import main
from engine.folder import look_at
from engine.issues import CODES, Issue
from engine.language.expressions import steps
from engine.tools import codes
from engine.tools.codes import TOPIC, Explained, explained, grouped, said_of, whole
from tests.support import FIXTURES, RECORDS, ROOT, StandingClock, put, read

ALL = explained()
OF_NOTIFICATIONS = "One notification"
WITHOUT_SPECS = ("Sending", "The settings")
OF_LIBRARIES = re.compile(
    r"Expecting|NoneType|[Tt]oken|scalar|Traceback|[Jj]inja|[Jj][Mm][Ee][Ss][Pp]ath|<class|None\b|pars(er|ing)"
)
WIDTH = 80


def each(*needed: str) -> list[pytest.param]:
    """The codes that have all of these."""
    found = [one for one in ALL.values() if all(getattr(one, key) for key in needed)]
    return [pytest.param(one, id=one.code) for one in found]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain-issue", *arguments], terminal_width=WIDTH)


def bare(text: str) -> str:
    """A text however it is broken into lines."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of mappings that has shared ones, with fixtures beside it."""
    root = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "mappings" / "shared", root / "mappings" / "shared")
    shutil.copytree(FIXTURES, root / "tests" / "fixtures", ignore=shutil.ignore_patterns("versions"))
    return root / "mappings"


def found_in(example: str, folder: Path) -> tuple[Issue, ...]:
    """What `check` finds in an example that is saved as a file."""
    file = folder / "example.yaml"
    file.write_text(whole(example), encoding="utf-8")
    return look_at([file]).issues


def brought_by(one: Explained, example: str, folder: Path) -> list[Issue]:
    """The issues of the notification that the code's `with` describes."""
    assert found_in(example, folder) == ()
    payload = read(TOPIC)
    for path, value in one.changes.items():
        put(payload["data"]["item"], list(steps(path)), value)
    runner = Runner(load(folder / "example.yaml"), records=RECORDS, clock=StandingClock())
    return [issue for result in runner.translate(payload) for issue in result.issues]


def as_told(issues: tuple[Issue, ...] | list[Issue]) -> list[tuple[str, str, int, int]]:
    return [(issue.code, issue.message, issue.place.line, issue.place.column) for issue in issues]


# The file


def test_every_code_is_told_of_and_in_the_order_and_the_groups_of_the_table() -> None:
    source = (ROOT / "engine" / "issues.py").read_text(encoding="utf-8")
    table = source[source.index("CODES:") : source.index("@dataclass")]
    groups: dict[str, list[str]] = {}
    for heading, code in re.findall(r'^    # (.+)$|^    "([a-z-]+)": Kind\(', table, re.MULTILINE):
        if heading:
            groups[heading] = []
        else:
            [*groups.values()][-1].append(code)
    assert [code for within in groups.values() for code in within] == list(CODES)
    assert {group: [one.code for one in within] for group, within in grouped(ALL.values()).items()} == groups


@pytest.mark.parametrize("one", each())
def test_every_code_has_a_cause_a_cure_and_an_example_or_a_sentence_for_it(one: Explained) -> None:
    assert one.cause.endswith(".")
    assert one.cure.endswith((".", "`"))
    assert (one.severity, one.means) == CODES[one.code]
    assert bool(one.wrong) is not bool(one.when)
    assert one.right or one.group in WITHOUT_SPECS or one.code in ("too-large", "too-slow")
    assert bool(one.changes) is (one.group == OF_NOTIFICATIONS)
    assert one.when or one.wrong != one.right


@pytest.mark.parametrize("one", each())
def test_what_is_told_is_short_plain_and_in_the_words_of_authors(one: Explained) -> None:
    prose = f"{one.cause} {one.cure} {one.when}"
    words = prose.replace("token", "key") if one.group in WITHOUT_SPECS else prose
    assert not OF_LIBRARIES.search(words)
    assert prose.isascii()
    assert len(one.cause) < 350
    assert len(one.cure) < 350
    assert prose.count("`") % 2 == 0
    lines = f"{one.wrong}\n{one.right}".split("\n")
    assert [line for line in lines if len(line) > WIDTH - 4 or line != line.rstrip()] == []


@pytest.mark.parametrize(
    "text", ["", "A:\n  bad-path: { cause: a, cure: b }\n  bad-path: { cause: a, cure: b }\n", "A: [\n"]
)
def test_a_damaged_file_is_not_read(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "FILE", tmp_path / "codes.yaml")
    codes.FILE.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"codes\.yaml is damaged"):
        explained()


@pytest.mark.parametrize("told", ["{ cause: a }", "{ cause: a, cure: b, wrnog: c }"])
def test_a_code_without_a_cure_or_with_a_misspelt_key_is_not_read(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "FILE", tmp_path / "codes.yaml")
    codes.FILE.write_text(f"A:\n  bad-path: {told}\n", encoding="utf-8")
    with pytest.raises(TypeError):
        explained()


# The examples


@pytest.mark.parametrize("one", each("wrong"))
def test_the_wrong_example_gives_its_code_and_nothing_else(one: Explained, folder: Path) -> None:
    found = brought_by(one, one.wrong, folder) if one.changes else found_in(one.wrong, folder)
    assert [issue.code for issue in found] == [one.code]
    assert as_told(said_of(one.wrong, one.changes)) == as_told(found)
    [issue] = found
    assert issue.place.line <= len(one.wrong.split("\n")), "in a line that is shown"


@pytest.mark.parametrize("one", each("right"))
def test_the_right_example_gives_nothing_at_all(one: Explained, folder: Path) -> None:
    found = brought_by(one, one.right, folder) if one.changes else found_in(one.right, folder)
    assert as_told(found) == []
    assert said_of(one.right, one.changes) == ()
    assert load(folder / "example.yaml")


@pytest.mark.parametrize("one", each("changes"))
def test_the_right_example_sends_what_the_wrong_one_leaves_out(one: Explained, folder: Path) -> None:
    def sent(example: str) -> int:
        assert brought_by(one, example, folder) is not None
        runner = Runner(load(folder / "example.yaml"), records=RECORDS, clock=StandingClock())
        payload = read(TOPIC)
        for path, value in one.changes.items():
            put(payload["data"]["item"], list(steps(path)), value)
        [event] = runner.translate(payload)
        return len(event.properties) + len(event.profile)

    assert sent(one.right) == sent(one.wrong) + 1


# The command


@pytest.mark.parametrize("one", each())
def test_a_code_is_shown_with_its_cause_cure_and_example(one: Explained) -> None:
    ran = run(one.code)
    assert ran.exit_code == 0
    lines = ran.output.rstrip("\n").split("\n")
    assert lines[:2] == [f"{one.code}  {one.severity}", one.means]
    assert bare(f"why {one.cause} what to do {one.cure}") in bare(ran.output)
    for heading, example in (("wrong", one.wrong), ("right", one.right)):
        if example:
            after = lines[lines.index(heading) + 1 :]
            assert [line for line in example.split("\n") if f"  {line}".rstrip() not in after] == []
    if one.when:
        assert bare(f"wrong {one.when}") in bare(ran.output)


@pytest.mark.parametrize("one", each("wrong"))
def test_a_caret_stands_under_what_is_wrong_and_beside_it_what_check_says(one: Explained) -> None:
    [issue] = said_of(one.wrong, one.changes)
    lines = run(one.code).output.split("\n")
    shown = one.wrong.split("\n")[issue.place.line - 1]
    caret = lines[lines.index(f"  {shown}") + 1]
    assert caret.index("^") == 2 + issue.place.column - 1
    assert bare(issue.message) in bare(run(one.code).output)


@pytest.mark.parametrize("one", each("changes"))
def test_a_code_of_a_notification_is_shown_with_what_brings_it(one: Explained) -> None:
    lines = run(one.code).output.split("\n")
    held = lines[lines.index("where a notification holds") + 1 :]
    for path, value in one.changes.items():
        assert f"  {path}: {json.dumps(value)}" in held


@pytest.mark.parametrize("code", ["", *ALL])
def test_what_is_shown_fits_into_80_columns_and_is_plain(code: str) -> None:
    output = run(*[code][: bool(code)]).output
    assert [line for line in output.split("\n") if len(line) > WIDTH or line != line.rstrip()] == []
    assert re.sub(r"[\n -~]", "", output) == ""


def test_without_a_code_all_are_listed_under_their_headings() -> None:
    ran = run()
    assert ran.exit_code == 0
    groups = [text.split("\n") for text in ran.output.split("\n\n")]
    listed = {heading: [line.split()[0] for line in lines if line[2:3].strip()] for heading, *lines in groups}
    for group, within in grouped(ALL.values()).items():
        assert listed[group] == [one.code for one in within]
    for one in ALL.values():
        warned = " (warning)" if one.severity == "warning" else ""
        assert bare(f"{one.code} {one.means}{warned}") in bare(ran.output)


def test_for_machines_each_code_is_a_line() -> None:
    rows = [json.loads(line) for line in run("--json").output.splitlines()]
    assert [row["code"] for row in rows] == list(CODES)
    one = ALL["refused"]
    assert json.loads(run("refused", "--json").output) == {
        "code": "refused",
        "severity": "warning",
        "means": CODES["refused"].means,
        "group": OF_NOTIFICATIONS,
        "cause": one.cause,
        "cure": one.cure,
        "wrong": one.wrong,
        "right": one.right,
        "with": {'custom_attributes."Refund amount"': "about 50"},
        "when": None,
    }
    assert (rows[0]["code"], rows[0]["wrong"], rows[0]["right"]) == ("too-large", None, None)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("unknwon-path", 'there is no code "unknwon-path"; did you mean "unknown-path"? Without'),
        ("unknown_type", 'there is no code "unknown_type"; did you mean "unknown-type"? Without'),
        ("zzz", 'there is no code "zzz". Without'),
        ("bad\x1b[2J", 'there is no code "bad\\x1b[2J". Without'),
    ],
)
def test_a_code_that_is_none_is_said_to_be_none(code: str, said: str) -> None:
    ran = run(code)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: {said} a code, explain-issue lists them all")


# The page


def test_every_code_has_its_heading_its_line_and_its_texts_on_the_page() -> None:
    page = (ROOT / "docs" / "issues.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == list(CODES)
    for one in ALL.values():
        assert f"- [{one.code}](#{one.code}): {one.means}" in page
        section = page.partition(f"\n### {one.code}\n")[2].partition("\n### ")[0]
        assert bare(f"{one.cause} **What to do:** {one.cure}") in bare(section)
        assert not one.wrong or f"\n```yaml no-check\n{one.wrong}\n```\n" in section
        assert not one.right or f"\n```yaml\n{one.right}\n```" in section
        for issue in said_of(one.wrong, one.changes) if one.wrong else ():
            assert f"{issue.code}  {issue.message}\n" in section


def test_the_right_examples_of_the_page_pass_check_as_they_stand_there() -> None:
    page = str(ROOT / "docs" / "issues.md")
    ran = CliRunner().invoke(main, ["check", "--markdown", page])
    assert ran.exit_code == 0
    number = sum(bool(one.right) for one in ALL.values())
    assert ran.output == f"1 page, {number} blocks: no faults\n"
