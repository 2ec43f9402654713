"""The tutorial, done as it says: its edits are made, its commands run, and its output is compared."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.commands import main
from engine.folder import look_at
from tests.support import check_session

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(?P<word>\w+)[^\n]*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def edit(block: str) -> None:
    """Write what a block says: below its lines that are there, or instead of one with the same key."""
    named, *lines = block.rstrip("\n").split("\n")
    file = Path(named.removeprefix("# "))
    text = file.read_text(encoding="utf-8").split("\n")
    at = text.index(lines[0])
    for line in lines[1:]:
        at += 1
        key = line.partition(":")[0]
        if text[at] == line:
            continue
        if text[at].partition(":")[0] == key and "-" not in key:
            text[at] = line
        else:
            text.insert(at, line)
    file.write_text("\n".join(text), encoding="utf-8")


def printed(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    words = shlex.split(command)
    if words[0] == "cd":
        monkeypatch.chdir(words[1])
        return ""
    assert words[0] == "intercom-klaviyo"
    return CliRunner().invoke(main, words[1:]).output


def test_who_follows_the_tutorial_sees_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    commands = 0
    for block in FENCE.finditer(PAGE):
        text = block.group("text")
        if block.group("word") == "yaml" and text.startswith("# "):
            edit(text)
        elif block.group("word") == "console":
            for session in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, *expected = session.rstrip("\n").split("\n")
                check_session(expected, printed(command, monkeypatch), command)
                commands += 1
    assert commands >= 10


# Mistakes of a beginner: what is written, the words that lead out, and what is then written

METRIC = """\
metric: Closed Conversation
topic: conversation.admin.closed
history: none
time: event.created_at
unique_id: conv:{{ id }}:closed:{{ event.created_at }}
profile:
  email: source.author.email as email
"""

MISTAKES = {
    "a name with a space": (
        "properties:\n  Refund: custom_attributes.Refund amount as number\n",
        'custom_attributes."Refund amount"',
        "properties:\n  Refund: custom_attributes.\"Refund amount\" as number\n",
    ),
    "a template without quotes": (
        "properties:\n  Label: {{ title }} of {{ id }}\n",
        'put the whole value in quotes: "{{ title }} of {{ id }}"',
        'properties:\n  Label: "{{ title }} of {{ id }}"\n',
    ),
    "text where a path is expected": (
        "properties:\n  Channel: Support desk\n",
        "{ value: Support desk }",
        "properties:\n  Channel: { value: Support desk }\n",
    ),
    "a path from the whole notification": (
        "properties:\n  Title: data.item.title\n",
        "paths start inside `data.item`: leave it out",
        "properties:\n  Title: title\n",
    ),
    "a record without its look-up": (
        "properties:\n  Team: team.name\n",
        "under `lookups:` write team: team_assignee_id",
        "lookups:\n  team: team_assignee_id\nproperties:\n  Team: team.name\n",
    ),
    "a value that lies deeper": (
        "properties:\n  Rating: rating\n",
        "it is at conversation_rating.rating",
        "properties:\n  Rating: conversation_rating.rating\n",
    ),
    "a list taken for one": (
        "properties:\n  Tags: tags.name\n",
        "tags.tags[].name",
        "properties:\n  Tags: tags.tags[].name\n",
    ),
    "a comparison of another language": (
        "when: state == closed\n",
        "text stands in single quotes: 'closed'",
        "when: state == 'closed'\n",
    ),
    "a number in a condition": (
        "when: conversation_rating.rating >= 4\n",
        "write it between backticks: `4`",
        "when: conversation_rating.rating >= `4`\n",
    ),
    "a date of another tool": (
        "properties:\n  Closed: statistics.last_close_at as timestamp\n",
        'did you mean "datetime"?',
        "properties:\n  Closed: statistics.last_close_at as datetime\n",
    ),
    "a line that is not indented": (
        "properties:\n  Title: title\nState: state\n",
        'a mapping has no key "State" | lines of `properties:` are indented by two spaces',
        "properties:\n  Title: title\n  State: state\n",
    ),
    "an id that is told twice": (
        "value: conversation_rating.rating\nunique_id: conv:{{ id }}:{{ event.id }}\n",
        "take ids, and times of what happened",
        "value: conversation_rating.rating\nunique_id: conv:{{ id }}:{{ event.created_at }}\n",
    ),
}  # fmt: skip


def spec_with(lines: str) -> str:
    """The metric with some lines, which take the place of those with the same key."""
    keys = set(re.findall(r"^(\w+):", lines, re.MULTILINE))
    kept = [line for line in METRIC.splitlines(keepends=True) if line.partition(":")[0] not in keys]
    return "".join(kept) + lines


@pytest.mark.parametrize(("wrong", "cure", "right"), MISTAKES.values(), ids=MISTAKES)
def test_one_message_leads_a_beginner_to_the_cure(wrong: str, cure: str, right: str, tmp_path: Path) -> None:
    file = tmp_path / "closed.yaml"
    file.write_text(spec_with(wrong), encoding="utf-8")
    [issue] = look_at([file]).issues
    assert cure in f"{issue.message} | {issue.hint}"
    file.write_text(spec_with(right), encoding="utf-8")
    assert look_at([file]).issues == ()
