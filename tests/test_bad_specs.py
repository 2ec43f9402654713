"""Broken specs: each file of bad_specs/ says on top what must be reported for it, and nothing else is.

A line `#> LINE:COL  code  message` is one issue, in order; the line counts from the top of the file. An
issue in a shared file has its name before it: `#> shared/NAME.yaml:LINE:COL  code  message`. Adding a
case is adding a file.
"""

import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SpecError
from engine.folder import load, look_at
from engine.issues import CODES, Issue, Place, render
from engine.tools.codes import explained

FOLDER = Path(__file__).parent / "bad_specs"
FILES = [*sorted(FOLDER.glob("*.yaml")), *sorted((FOLDER / "shared").glob("*.yaml"))]

OF_NOTIFICATIONS = {"refused", "failed", "no-record", "over-limit", "not-accepted", "phone-only"}
"""Codes that come of a notification, not of a spec."""

METRIC = """\
metric: Created Ticket
topic: ticket.created
time: created_at
unique_id: ticket:{{ id }}
profile:
  email: ticket_parts.ticket_parts[0].author.email
"""


def expected_of(file: Path) -> list[str]:
    text = file.read_bytes().decode("utf-8", "replace")
    return re.findall(r"^#> (.*)$", text, re.MULTILINE)


def reported(issues: tuple[Issue, ...], file: Path) -> list[str]:
    """Each issue as the files write it: with the file's name only where it is another one."""
    lines = []
    for issue in issues:
        assert issue.place is not None
        other = "" if issue.place.file == str(file) else f"{Path(issue.place.file).relative_to(file.parent)}:"
        lines.append(f"{other}{issue.place.line}:{issue.place.column}  {issue.code}  {issue.message}")
    return lines


def write(folder: Path, **files: str) -> Path:
    """A folder of mappings; `shared_ticket` becomes shared/ticket.yaml."""
    (folder / "shared").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        place = (
            folder / "shared" / name.removeprefix("shared_") if name.startswith("shared_") else folder / name
        )
        place.with_suffix(".yaml").write_text(text, encoding="utf-8")
    return folder


# The files


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_spec_is_told_with_every_fault_in_its_place(file: Path) -> None:
    start = time.process_time()
    reading = look_at([file])
    assert reported(reading.issues, file) == expected_of(file)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("file", [file for file in FILES if expected_of(file)], ids=lambda file: file.stem)
def test_a_broken_spec_makes_no_plan_and_a_warning_costs_nothing(file: Path) -> None:
    reading = look_at([file])
    faulty = any(CODES[line.split()[1]].severity == "error" for line in expected_of(file))
    assert bool(reading.errors) is faulty
    assert bool(reading.plans) is not faulty


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_fault_can_be_shown_and_repeats_no_word_of_a_library(file: Path) -> None:
    for issue in look_at([file]).issues:
        render(issue).encode()
        words = f"{issue.message} {issue.hint}"
        assert not re.search(r"Expecting|NoneType|[Tt]oken|scalar|Traceback|jinja|jmespath|<class", words)
        assert issue.message == issue.message.strip().removesuffix(".")
        assert issue.message


def test_every_code_of_a_spec_has_its_file() -> None:
    shown = {line.split()[1] for file in FILES for line in expected_of(file)}
    others = {one.code for one in explained().values() if one.group in ("Sending", "The settings")}
    others |= {"too-slow", "one-event-twice"}
    assert shown - {"over-limit"} == set(CODES) - OF_NOTIFICATIONS - others


def test_there_are_many_broken_specs_and_each_has_something_to_say() -> None:
    specs = [file for file in FILES if file.parent == FOLDER]
    assert len(specs) >= 45
    assert [file.name for file in specs if not expected_of(file)] == []


# All at once, and each once


def test_all_faults_of_a_file_come_at_once_whatever_they_are(tmp_path: Path) -> None:
    faults = {
        "a-yaml": "  Label: {{ id }}",
        "b-path": "  Title: title..name",
        "c-template": '  Name: "{{ name | uper }}"',
        "d-type": "  Price: price as nmber",
        "e-empty": "  Empty:",
        "f-list": "  Tags: [?x]",
    }
    alone = set()
    for name, line in faults.items():
        folder = write(tmp_path / name, spec=f"{METRIC}properties:\n{line}\n")
        alone |= {(issue.code, issue.message) for issue in look_at([folder]).issues}
    folder = write(tmp_path / "all", spec=METRIC + "properties:\n" + "\n".join(faults.values()) + "\n")
    together = look_at([folder]).issues
    assert {(issue.code, issue.message) for issue in together} == alone
    assert [issue.place.line for issue in together if issue.place] == [8, 9, 10, 11, 12, 13]


def test_faults_come_in_the_order_of_the_files_and_their_lines(tmp_path: Path) -> None:
    broken = f"{METRIC}properties:\n  B: b..c\n  A: a..c\n"
    folder = write(tmp_path, b=broken, a=broken)
    places = [
        (Path(issue.place.file).name, issue.place.line) for issue in look_at([folder]).issues if issue.place
    ]
    assert places == [("a.yaml", 8), ("a.yaml", 9), ("b.yaml", 8), ("b.yaml", 9)]


def test_load_raises_every_error_of_every_file_and_no_warning(tmp_path: Path) -> None:
    folder = write(
        tmp_path, a=METRIC + "lete: 5\n", b=METRIC.replace("ticket.created", "ticket.create") + "x: 1\n"
    )
    with pytest.raises(SpecError) as error:
        load(folder)
    assert [issue.code for issue in error.value.issues] == ["unknown-key", "unknown-key"]
    assert str(error.value) == f"2 faults in {folder}"


def test_a_fault_in_a_shared_file_is_told_once_though_several_metrics_use_it(tmp_path: Path) -> None:
    user = METRIC + "use: ticket\n"
    shared = "let:\n  person: contacts..contacts\nproperties:\n  Category: category as txt\n  All: @\n"
    folder = write(tmp_path, a=user, b=user, c=user, shared_ticket=shared)
    told = [str(issue.place).removeprefix(f"{folder}/") for issue in look_at([folder]).issues]
    assert told == ["shared/ticket.yaml:2:20", "shared/ticket.yaml:4:25", "shared/ticket.yaml:5:8"]


@pytest.mark.parametrize(
    "shared",
    [
        "properties:\n  All: @\n",
        "properties: [\n  Category: category\n",
        "propertys:\n  Category: category\n",
        "use: other\n",
        "- Category\n",
    ],
)
def test_a_spec_alone_tells_of_every_fault_of_what_it_uses(tmp_path: Path, shared: str) -> None:
    folder = write(
        tmp_path, a=METRIC + "use: ticket\n", shared_ticket=shared, shared_other="let:\n  b: c..d\n"
    )
    alone = look_at([folder / "a.yaml"])
    assert [str(issue.place) for issue in alone.issues if issue.code != "unknown-shared"] != []
    assert alone.plans == ()
    with pytest.raises(SpecError):
        load(folder / "a.yaml")


def test_no_plan_is_made_of_a_spec_that_uses_a_faulty_shared_file(tmp_path: Path) -> None:
    user = METRIC + "use: ticket\n"
    folder = write(tmp_path, a=user, b=user, shared_ticket="properties:\n  Category: category as txt\n")
    assert look_at([folder]).plans == ()


def test_a_shared_file_of_another_ending_is_looked_at_when_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "shared" / "ticket.txt"
    file.parent.mkdir()
    file.write_text("properties:\n  A: b..c\n", encoding="utf-8")
    assert [issue.code for issue in look_at([file]).issues] == ["bad-path"]


def test_a_shared_file_that_is_there_is_never_called_missing(tmp_path: Path) -> None:
    for shared in ("# nothing yet\n", "- a\n", "text\n"):
        folder = write(tmp_path, a=METRIC + "use: ticket\n", shared_ticket=shared)
        messages = [issue.message for issue in look_at([folder / "a.yaml"]).issues]
        assert "there is no shared/ticket.yaml" not in messages


def test_a_shared_file_that_nothing_uses_costs_a_spec_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path, a=METRIC, shared_ticket="properties:\n  Category: category as txt\n")
    assert len(look_at([folder / "a.yaml"]).plans) == 1


SPECS = [file.read_bytes() for file in (*FILES, *sorted((FOLDER.parents[1] / "mappings").glob("*.yaml")))]
PIECES = [
    *(
        b"{{ ",
        b" }}",
        b"{% if a %}",
        b"@",
        b": ",
        b"'",
        b'"',
        b"[",
        b"]",
        b"{",
        b"}",
        b"\n",
        b"  ",
        b"\t",
        b"- ",
    ),
    *(
        b" as text",
        b" as ",
        b"null",
        b"5",
        b"*",
        b"&x ",
        b"!",
        b"|",
        b">-\n    ",
        b"#",
        b"`",
        b"\\u",
        b"\xff",
        b"\x00",
    ),
    *(
        b"each:\n  x: y\n",
        b"let:\n  a: b\n",
        b"use: ticket\n",
        b"length (",
        b"a..b",
        b"path: ",
        b"value: ",
        b"not: ",
    ),
]


@settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(SPECS),
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 9), st.sampled_from(PIECES)), max_size=3),
)
def test_no_change_of_a_spec_makes_its_reading_raise(
    tmp_path: Path, spec: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    for at, length, piece in edits:
        at %= len(spec) + 1
        spec = spec[:at] + piece + spec[at + length :]
    (tmp_path / "a.yaml").write_bytes(spec)
    reading = look_at([tmp_path])
    assert all(issue.place for issue in reading.issues)
    "\n".join(map(render, reading.issues)).encode()
    assert reading.plans or reading.errors


# What would mislead


def test_a_location_on_one_line_is_not_called_unknown(tmp_path: Path) -> None:
    folder = write(tmp_path, a=METRIC + "  location: location.city\n")
    (issue,) = look_at([folder]).issues
    assert "no field" not in issue.message


def test_a_section_that_a_tab_broke_is_not_called_empty_as_well(tmp_path: Path) -> None:
    folder = write(tmp_path, a=METRIC + "properties:\n\tTitle: title\n")
    assert [issue.code for issue in look_at([folder]).issues] == ["bad-indentation"]


def test_a_type_without_a_path_is_told_as_that(tmp_path: Path) -> None:
    folder = write(tmp_path, a=METRIC + "properties:\n  Title: as text\n")
    assert [issue.message for issue in look_at([folder]).issues] == ["a path is expected before `as`"]


def test_the_faults_of_a_test_come_with_those_of_its_name(tmp_path: Path) -> None:
    tests = "tests:\n  - name: 5\n    given: ticket.created\n    expect: { properties: 5 }\n"
    lines = [issue.place.line for issue in look_at([write(tmp_path, a=METRIC + tests)]).issues if issue.place]
    assert lines == [8, 10]


# The caret


def shown_under(text: str, column: int) -> tuple[str, str]:
    """The character above the caret as a terminal shows the two lines, and the one it should be."""
    issue = Issue("bad-path", "message", Place("f.yaml", 1, column, text))
    _, line, caret = render(issue).split("\n")
    cells: list[str] = []
    for character in line:
        cells += [character] * width(character, len(cells))
    at = 0
    for character in caret.removesuffix("^"):
        at += width(character, at)
    return "".join(cells[at : at + 1]), text[column - 1 : column]


def width(character: str, at: int) -> int:
    if character == "\t":
        return 8 - at % 8
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


LINES = [
    "Title: title..name",
    "    Title: title..name",
    "\tTitle: title..name",
    "\t\tTitle:\ttitle..name",
    "  Titel:\t\ttitle  \t ..name",
    "名前: 名前..x",
    '  名前と値: "名前".x y',
    "Café: café",
    "Cafe\u0301: cafe\u0301.x y",
    "😀😀: a..b",
    "\uff26\uff35\uff2c\uff2c: \uff41..b",
    "한국어\t値: x..y",
    "x" * 300 + "..y",
    "名" * 300 + "..y",
]


@pytest.mark.parametrize("text", LINES, ids=[line[:20] for line in LINES])
def test_the_caret_stands_under_its_character(text: str) -> None:
    for column, character in enumerate(text, 1):
        if not character.isspace() and not unicodedata.combining(character):
            assert shown_under(text, column)[0] == shown_under(text, column)[1], column


def test_the_caret_may_stand_behind_the_line() -> None:
    issue = Issue("empty-value", "a value is expected here", Place("f.yaml", 1, 9, "  Title:"))
    assert render(issue).split("\n")[1:] == ["    Title:", "          ^"]


def test_a_long_line_is_cut_around_its_caret() -> None:
    issue = Issue("bad-path", "message", Place("f.yaml", 1, 5_001, "x" * 5_000 + "y" + "z" * 5_000))
    _, line, caret = render(issue).split("\n")
    assert len(line) <= 104
    assert line[len(caret) - 1] == "y"


def test_an_issue_without_a_line_is_one_line_and_its_hint() -> None:
    issue = Issue("too-large", "the file is over 256 KB", Place("f.yaml", 1, 1), "make it smaller")
    assert render(issue) == "f.yaml:1:1  too-large  the file is over 256 KB\n    hint: make it smaller"


def test_an_issue_for_machines_leaves_out_what_it_has_not() -> None:
    place = Place("f.yaml", 3, 7, "the line")
    assert Issue("bad-path", "message", place, "hint", "properties.Title").as_json() == {
        "code": "bad-path",
        "severity": "error",
        "message": "message",
        "file": "f.yaml",
        "line": 3,
        "column": 7,
        "end": 8,
        "hint": "hint",
        "field": "properties.Title",
    }
    assert Issue("unknown-topic", "message").as_json() == {
        "code": "unknown-topic",
        "severity": "warning",
        "message": "message",
    }


# Folders


def test_an_empty_folder_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there are no specs"):
        look_at([tmp_path])


def test_a_folder_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no file or folder"):
        look_at([tmp_path / "nowhere"])


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    folder = write(tmp_path, a=METRIC + "lete: 5\n")
    assert len(look_at([folder, folder / "a.yaml"]).issues) == 1


def test_the_hash_of_a_plan_changes_with_every_character_of_its_files(tmp_path: Path) -> None:
    def made(**files: str) -> str:
        return load(write(tmp_path, **files) / "a.yaml")[0].hash

    first = made(a=METRIC + "use: ticket\n", shared_ticket="history: tickets\n")
    assert made(a=METRIC + "use: ticket\n") == first
    assert made(a=METRIC + "use: ticket # note\n") != first
    assert made(a=METRIC + "use: ticket\n", shared_ticket="history: tickets # note\n") != first
