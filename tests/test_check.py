"""`check`: what it shows, of which files, and how it ends; pages and what leaves included."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.commands import main
from engine.commands.check import MOST_A_FILE
from engine.folder import load, look_at
from engine.tools.leaving import KINDS, departures
from engine.tools.markdown import look_at_pages

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "mappings"

SPEC = """\
metric: Created Conversation
topic: conversation.user.created
time: created_at
unique_id: conv:{{ id }}
profile:
  email: source.author.email
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)])


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_mappings_have_nothing_to_say() -> None:
    done = run(SHIPPED, "--strict")
    assert (done.exit_code, done.output) == (0, "12 files: no faults\n")


def test_warnings_exit_0_unless_asked_to_be_strict(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC + "properties:\n  Title: titel\n")
    assert run(file).exit_code == 0
    assert run(file, "--strict").exit_code == 1
    assert run(file).output.endswith("1 file: 1 warning\n")


def test_every_issue_for_machines_has_code_severity_place_end_message_and_hint(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC + "properties:\n  Open: 'open == true'\n  Team: team.name\n")
    rows = [json.loads(line) for line in run(file, "--json").output.splitlines()]
    assert [list(row) for row in rows] == [
        ["code", "severity", "message", "file", "line", "column", "end", "hint"] for _ in rows
    ]
    line = file.read_text(encoding="utf-8").splitlines()[7]
    assert line[rows[0]["column"] - 1 : rows[0]["end"] - 1] == "true"
    assert [(row["code"], row["severity"], row["line"], row["column"], row["end"]) for row in rows] == [
        ("bare-literal", "error", 8, 18, 22),
        ("unknown-path", "warning", 9, 9, 13),
    ]


def test_the_end_of_an_issue_never_leaves_its_line() -> None:
    for file in sorted((ROOT / "tests" / "bad_specs").glob("*.yaml")):
        for issue in look_at([file]).issues:
            row = issue.as_json()
            assert row["column"] < row["end"] <= max(len(issue.place.text), row["column"]) + 1, issue


def test_a_screenful_of_a_file_is_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    many = "".join(f"  P{number}: a..b\n" for number in range(MOST_A_FILE + 14))
    write(tmp_path, "a.yaml", f"{SPEC}properties:\n{many}")
    write(tmp_path, "b.yaml", f"{SPEC}properties:\n  P: a..b\n")
    done = run(tmp_path)
    assert done.output.count("bad-path") == MOST_A_FILE + 1
    assert f"{tmp_path}/a.yaml: and 14 more (--json shows all)\n" in done.output
    assert done.output.endswith(f"2 files: {MOST_A_FILE + 15} faults\n")
    assert len(run(tmp_path, "--json").output.splitlines()) == MOST_A_FILE + 15


def test_at_one_place_a_fault_hides_the_warnings_that_follow_it(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC + "properties:\n  A: no\nwhen:\n  open: yes\n")
    told = [(issue.code, issue.place.line) for issue in look_at([file]).issues]
    assert told == [("yaml-habit", 8), ("ambiguous-value", 10)]


def test_a_fixture_that_is_not_there_is_told_before_any_test_runs(tmp_path: Path) -> None:
    test = "tests:\n  - name: one\n    given: conversation.user.create\n    expect: skipped\n"
    file = write(tmp_path, "mappings/a.yaml", SPEC + test)
    assert look_at([file]).issues == ()
    write(tmp_path, "tests/fixtures/conversation.user.created.json", "{}")
    [issue] = look_at([file]).issues
    assert (issue.code, issue.place.line, issue.place.column) == ("unknown-fixture", 9, 12)
    assert issue.message.endswith('; did you mean "conversation.user.created"?')


@pytest.mark.parametrize(
    ("one", "other", "codes"),
    [
        ("", "", ["one-event-twice"]),
        ("", "when:\n  state: open\n", ["one-event-twice"]),
        ("when:\n  state: open\n", "when:\n  state: open\n", ["one-event-twice"]),
        ("when:\n  state: open\n", "when:\n  state: closed\n", []),
        ("when: state == 'open'\n", "when: state == 'closed'\n", []),
        ("when:\n  it: 1\nlet:\n  it: title\n", "when:\n  it: 1\nlet:\n  it: source.subject\n", []),
        ("", "item: event.data.item || data.item\n", []),
        ("", "properties:\n  A: a..b\n", ["bad-path"]),
    ],
)
def test_two_files_that_make_one_event_are_told_of(
    one: str, other: str, codes: list[str], tmp_path: Path
) -> None:
    write(tmp_path, "a.yaml", SPEC + one)
    write(tmp_path, "b.yaml", SPEC + other)
    issues = look_at([tmp_path]).issues
    assert [issue.code for issue in issues if issue.code != "unknown-path"] == codes
    write(tmp_path, "b.yaml", SPEC.replace("conversation.user.created", "conversation.admin.closed"))
    assert look_at([tmp_path]).issues == ()


def test_running_needs_no_look_at_oddities_and_still_refuses_what_is_no_event(tmp_path: Path) -> None:
    odd = write(tmp_path, "a.yaml", SPEC + "properties:\n  Title: titel\n")
    assert look_at([odd], thorough=False).issues == ()
    twice = write(tmp_path, "b.yaml", SPEC.replace("{{ id }}", "{{ event.id }}"))
    assert [issue.code for issue in look_at([twice], thorough=False).issues] == ["unstable-id"]


def test_a_file_that_takes_too_long_is_given_up_and_the_rest_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC)
    [issue] = look_at([file], deadline_seconds=1e-6).issues
    assert (issue.code, issue.place.file, issue.place.line) == ("too-slow", str(file), 1)
    assert look_at([file], deadline_seconds=60).issues == ()


# Pages

PAGE = """\
# A page

```yaml
# a piece
topic: conversation.user.created
properties:
  Title: titel as text
  Label: {{ id }}
```

- in a list:

    ```yaml
    properties:
      Opened: created_at as datetme
    ```

```yaml no-check
properties: wrong
```

```yaml
services:
  web: { image: nginx }
```

```yaml
jobs:
  tests:
    when: always
```

```json
{"metric": ..}
```
"""


def test_blocks_of_a_page_are_checked_where_they_stand(tmp_path: Path) -> None:
    page = write(tmp_path, "page.md", PAGE)
    reading, blocks = look_at_pages([page])
    assert blocks == 2
    lines = PAGE.split("\n")
    told = [(issue.code, issue.place.line, lines[issue.place.line - 1][issue.place.column - 1 :])
            for issue in reading.issues]  # fmt: skip
    assert told == [("quote-the-template", 8, "{{ id }}"), ("unknown-type", 15, "datetme")]
    assert all(issue.place.text == lines[issue.place.line - 1] for issue in reading.issues)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("````markdown\n```yaml\nproperties: wrong\n```\n````\n", []),
        ("```YAML\nproperties:\n  A: a..b\n```\n", ["3:8  bad-path"]),
        ("``` yml title=x\nproperties:\n  A: a..b\n`````\n", ["3:8  bad-path"]),
        ("> ```yaml\n> properties:\n>   A: a..b\n> ```\n", ["3:10  bad-path"]),
        ("- > ~~~yaml\n  > properties:\n  >   A: a..b\n  > ~~~\n", ["3:12  bad-path"]),
        ("- ```yaml\n  properties:\n    A: a..b\n  ```\n", ["3:10  bad-path"]),
        ("1. one\n\n   ```yaml\n   properties:\n     A: a..b\n   ```\n", ["5:11  bad-path"]),
        ("```yamlish\nproperties: wrong\n```\n", []),
        ("in a line ```yaml``` and\nproperties: wrong\n", []),
        ("```yaml\nproperties:\n  A: a..b\n\ntext\n", ["1:1  bad-yaml"]),
        ("```yaml\nservices: {}\n\ntext\n", []),
        ("> ```yaml\n> properties:\n>   A: a\ntext\n", ["1:3  bad-yaml"]),
        (
            "```yaml\nproperties:\n  A: a\n\n```yaml\nproperties:\n  A: a..b\n```\n",
            ["1:1  bad-yaml", "7:8  bad-path"],
        ),
    ],
)
def test_blocks_are_found_where_they_begin_and_end(page: str, told: list[str], tmp_path: Path) -> None:
    reading, _ = look_at_pages([write(tmp_path, "page.md", page)])
    assert [f"{issue.place.line}:{issue.place.column}  {issue.code}" for issue in reading.issues] == told


def test_a_piece_on_a_page_needs_nothing_else_and_may_name_what_it_does_not_show(tmp_path: Path) -> None:
    page = write(tmp_path, "page.md", "```yaml\nproperties:\n  Team: team.name\n  A: whatever\n```\n")
    done = run("--markdown", page)
    assert (done.exit_code, done.output) == (0, "1 page, 1 block: no faults\n")


def test_pages_end_like_files_do(tmp_path: Path) -> None:
    page = write(tmp_path, "page.md", PAGE)
    done = run("--markdown", page)
    assert done.exit_code == 1
    assert done.output.endswith("1 page, 2 blocks: 2 faults\n")
    assert f"{page}:15:29  unknown-type" in done.output
    assert run("--markdown", tmp_path / "none.md").exit_code == 2
    assert run("--markdown").exit_code == 2
    assert run("--markdown", "--leaving", page).exit_code == 2


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=str)
def test_our_own_pages_have_no_faults(page: Path) -> None:
    reading, _ = look_at_pages([page])
    assert [str(issue) for issue in reading.issues] == []


# What leaves

LEAVING = """\
lookups:
  contact: contacts.contacts[0].id
  admin: admin_assignee_id
  team: team_assignee_id
let:
  label: "{{ contact.name }} ({{ state }})"
  parts: conversation_parts.conversation_parts
properties:
  Phone: contact.phone as phone
  Label: label
  Teammate: admin.name
  Team: team.name
  Writer: source.author.name
  Wrote: source.subject as plain_text
  Refund: custom_attributes."Refund amount" as number
  Plan: custom_attributes.plan
  All: custom_attributes
  Attribute *: custom_attributes
  Parts: parts
  Count: length(parts)
  Has Phone: contact.phone != `null`
  Since: contact.created_at as datetime
  State: state
  Fixed: true
"""


def test_what_leaves_is_listed_by_kind_and_what_tells_of_nobody_is_not(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC + LEAVING)
    found = [(row.kind, row.field) for row in departures(load(file))]
    assert found == [
        ("customer", "Phone"),
        ("customer", "Label"),
        ("staff", "Teammate"),
        ("author", "profile.email"),
        ("author", "Writer"),
        ("written", "Wrote"),
        ("attributes", "Refund"),
        ("attributes", "Plan"),
        ("whole", "All"),
        ("whole", "Attribute *"),
        ("whole", "Parts"),
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("contact", "whole"),
        ('"@"', "whole"),
        ("(source.author || contacts.contacts[0]).email", "author"),
        ("max_by(conversation_parts.conversation_parts, &created_at).body", "written"),
        ("map(&body, conversation_parts.conversation_parts)", "written"),
        ('"{% for part in conversation_parts.conversation_parts %}{{ part.body }}{% endfor %}"', "written"),
        ("\"{{ conversation_parts.conversation_parts | map(attribute='body') | join }}\"", "written"),
        ("to_string(source.author)", "whole"),
        ("\"{{ 'yes' if source.author.email else 'no' }}\"", ""),
        ("conversation_parts.conversation_parts[?author.email == 'x'].part_type", ""),
    ],
)
def test_what_leaves_is_seen_through_every_form(value: str, kind: str, tmp_path: Path) -> None:
    lines = f"lookups:\n  contact: contacts.contacts[0].id\nproperties:\n  A: {value}\n"
    rows = departures(load(write(tmp_path, "a.yaml", SPEC + lines)))
    assert kind in [row.kind for row in rows if row.field == "A"] or not kind
    assert kind or "A" not in [row.field for row in rows]


def test_what_leaves_is_shown_with_its_line_and_for_machines(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", SPEC + LEAVING)
    done = run("--leaving", file)
    assert done.exit_code == 0
    shown = f"  Teammate: admin.name\n      {file}:17  Created Conversation\n"
    assert f"staff: {KINDS['staff']}\n{shown}" in done.output
    assert done.output.endswith("11 lines of 1 spec\n")
    rows = [json.loads(line) for line in run("--leaving", "--json", file).output.splitlines()]
    assert rows[2] == {
        "kind": "staff",
        "field": "Teammate",
        "text": "admin.name",
        "file": str(file),
        "line": 17,
        "column": 13,
        "specs": ["Created Conversation"],
    }


def test_a_shared_line_that_several_send_is_one_line() -> None:
    rows = departures(load(SHIPPED))
    assert len({(row.kind, row.place) for row in rows}) == len(rows)
    [title] = [row for row in rows if row.field == "Title"]
    assert title.specs == (
        "Created Conversation", "Rated Conversation", "Read Conversation", "Replied to Conversation",
    )  # fmt: skip


def test_what_faulty_specs_send_is_not_guessed(tmp_path: Path) -> None:
    done = run("--leaving", write(tmp_path, "a.yaml", SPEC + "properties:\n  A: a..b\n"))
    assert done.exit_code == 2
    assert "bad-path" in done.output


def test_each_way_to_look_at_a_path_that_is_not_there_ends_in_one_line() -> None:
    for options in ([], ["--leaving"], ["--markdown"]):
        done = run(*options, "nowhere.yaml")
        assert done.exit_code == 2
        assert done.output.count("\n") == 1
