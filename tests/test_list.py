"""`list`: what there is, and which topics are answered."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from rich.cells import cell_len

from engine.commands import main
from engine.language.catalogue import TOPICS
from tests.support import OBEYED, ROOT, Ran, run, write

MAPPINGS = ROOT / "mappings"
SHIPPED = sorted(path.stem for path in MAPPINGS.glob("*.yaml"))


def listed(*options: str | Path) -> list[Any]:
    return run("list", "--json", *options).rows


def merged(name: str) -> dict[str, Any]:
    """A shipped spec as another YAML reader sees it, over its shared file."""
    own = yaml.safe_load((MAPPINGS / f"{name}.yaml").read_bytes())
    use = own.get("use")
    below = yaml.safe_load((MAPPINGS / "shared" / f"{use}.yaml").read_bytes()) if use else {}
    sections = {key: {**below.get(key, {}), **own.get(key, {})} for key in ("profile", "properties")}
    return {**below, **own, **sections}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_spec_is_told_by_its_file_its_topics_and_its_numbers(name: str) -> None:
    spec = merged(name)
    topics = [spec["topic"]] if isinstance(spec["topic"], str) else spec["topic"]
    location = spec["profile"].get("location", {})
    [row] = [row for row in listed("--mappings", MAPPINGS) if row["file"].endswith(f"/{name}.yaml")]
    assert row == {
        "name": spec.get("metric") or spec["name"],
        "kind": "event" if "metric" in spec else "profile",
        "file": str(MAPPINGS / f"{name}.yaml"),
        "topics": topics,
        "properties": len(spec["properties"]),
        "spread": sum("*" in key for key in spec["properties"]),
        "profile": len(spec["profile"]) + len(location) - bool(location),
        "history": spec.get("history", "none"),
        "tests": len(spec["tests"]),
    }


def test_specs_stand_in_the_order_of_their_files() -> None:
    assert [Path(row["file"]).stem for row in listed("--mappings", MAPPINGS)] == SHIPPED


def test_every_topic_names_those_who_answer_it_and_nobody_else() -> None:
    answers: dict[str, list[str]] = {topic: [] for topics in TOPICS.values() for topic in topics}
    for row in listed("--mappings", MAPPINGS):
        for topic in row["topics"]:
            answers[topic].append(row["name"])
    rows = listed("--mappings", MAPPINGS, "--topics")
    assert [row["topic"] for row in rows] == sorted(answers)
    assert {row["topic"]: row["names"] for row in rows} == answers
    assert all(row["topic"] in TOPICS[row["kind"]] for row in rows)


SPECS = {
    "b.yaml": """\
        metric: Second
        topic: [conversation.user.created, made.up, conversation.read, ticket.created, ticket.closed]
        time: created_at
        unique_id: x:{{ id }}
        profile: { email: source.author.email as email }
        """,
    "a.yaml": """\
        metric: First
        topic: conversation.user.created
        time: created_at
        unique_id: x:{{ id }}
        profile: { email: source.author.email as email, location: { city: city, country: country } }
        properties: { One: id, Two: id, "Three *": custom_attributes }
        history: conversations
        tests:
          - { name: one, given: letter, expect: skipped }
        """,
    "who.yaml": "name: Who\ntopic: contact.merged\nprofile: { email: email as email }\n",
}


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in SPECS.items():
        write(tmp_path / "mappings" / name, re.sub("^ {8}", "", text, flags=re.MULTILINE))
    return tmp_path


TABLE = """\
name and file topics and past           properties profile tests
First         conversation.user.created         2+       3     1
a.yaml        past: conversations
Second        conversation.user.created          0       1     0
b.yaml        made.up
              conversation.read
              and 2 more
              no past
Who           contact.merged                     0       1     0
who.yaml      no past

2 metrics, 1 profile, 1 test
"""
BY_TOPIC = """\
topic                      answered by
contact.merged             Who
conversation.read          Second
conversation.user.created  First, Second
made.up                    Second
ticket.closed              Second
ticket.created             Second

6 topics; Intercom documents {more} more (docs/topics.md)
"""


def test_people_see_a_table(few: Path) -> None:
    assert run("list") == Ran(0, TABLE, "")


def test_people_see_the_topics_that_are_answered_and_how_many_are_not(few: Path) -> None:
    more = sum(map(len, TOPICS.values())) - 5
    assert run("list", "--topics") == Ran(0, BY_TOPIC.format(more=more), "")


def test_a_topic_that_intercom_does_not_document_is_of_no_kind(few: Path) -> None:
    assert {"topic": "made.up", "kind": "", "names": ["Second"]} in listed("--topics")


@pytest.mark.parametrize("options", [(), ("--topics",)], ids=["specs", "topics"])
@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (40, 80), (200, 140)])
def test_the_table_fits_into_the_terminal(
    options: tuple[str, ...], columns: int, widest: int, few: Path
) -> None:
    write(few / "mappings" / "long.yaml", SPECS["who.yaml"].replace("Who", "想要的退款金额和颜色" * 12))
    write(few / "mappings" / f"{'long' * 30}.yaml", SPECS["who.yaml"].replace("Who", "A long name " * 9))
    for folder in (MAPPINGS, few / "mappings"):
        shown = run("list", *options, "--mappings", folder, columns=columns).out
        assert max(map(cell_len, shown.split("\n"))) <= widest
    assert shown.count("想") == 12, "and nothing is cut off"


def test_a_name_cannot_write_to_the_terminal(few: Path) -> None:
    write(few / "mappings" / "who.yaml", SPECS["who.yaml"].replace("Who", '"\\e[31m\\n\\u202eX"'))
    for options in ((), ("--topics",)):
        out = run("list", *options).out
        assert r"\x1b[31m\n\u202eX" in out
        assert {found.group() for found in OBEYED.finditer(out)} == set()


def test_without_a_folder_those_here_are_listed_or_else_the_shipped_ones(
    few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [row["name"] for row in listed()] == ["First", "Second", "Who"]
    assert [row["name"] for row in listed("--mappings", "mappings/a.yaml")] == ["First"]
    monkeypatch.chdir(few / "mappings")
    assert [row["file"] for row in listed()] == [f"mappings/{name}.yaml" for name in SHIPPED]


def test_folders_and_files_are_taken_as_check_and_test_take_them(few: Path) -> None:
    assert listed("mappings") == listed("--mappings", "mappings") == listed()
    assert [row["name"] for row in listed("mappings/who.yaml", "mappings/a.yaml")] == ["Who", "First"]
    assert listed("mappings/a.yaml", few / "mappings") == listed("--mappings", few / "mappings")
    assert [row["names"] for row in listed("--topics", "mappings/who.yaml") if row["names"]] == [["Who"]]
    assert run("list", "gone") == Ran(2, "", "error: there is no file or folder gone\n")


def test_the_mappings_are_named_once(few: Path) -> None:
    words = "error: name the mappings once: as paths, or with --mappings\n"
    assert run("list", "mappings", "--mappings", "mappings") == Ran(2, "", words)


def test_faulty_specs_are_shown_with_their_faults(few: Path) -> None:
    write(few / "mappings" / "who.yaml", SPECS["who.yaml"].replace("email as", "e..mail as"))
    ran = run("list")
    assert ran.err.startswith("mappings/who.yaml:3:21  bad-path")
    assert (ran.code, ran.out) == (2, "")
    assert run("list", "--mappings", "gone") == Ran(2, "", "error: there is no file or folder gone\n")


def test_the_command_is_called_list_and_python_keeps_its_own() -> None:
    command = main.get_command(click.Context(main), "list")
    assert command is not None
    assert command.name == "list"
    assert main.list_commands(click.Context(main)).count("list") == 1, "the module hides nothing"
    assert run("--help").code == 0
    assert json.loads(run("list", "--json", "--mappings", MAPPINGS).out.split("\n")[0])
