"""What a real language server makes of the schemas. In a text, the bar is where the cursor is.

Skipped where there is none: `npm install yaml-language-server` somewhere, and let YAML_LANGUAGE_SERVER name
its program, `node_modules/.bin/yaml-language-server`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.language.catalogue import TOPICS
from engine.language.conditions import FORMS
from engine.language.conversions import TYPES
from engine.language.inline import EXPECT_KEYS, OUTCOMES, TEST_KEYS
from engine.language.keys import HELP, KEYS, LOCATION_FIELDS, PROFILE_FIELDS
from engine.language.source import read
from engine.language.values import BLOCK_KEYS
from engine.ports import TABLES
from tests import language_server
from tests.language_server import LanguageServer
from tests.support import ROOT
from tests.test_editor_schemas import RICH, SHIPPED, TYPOS, mistyped

COMMAND = language_server.command()
if COMMAND is None:
    pytest.skip(
        "WHAT EDITORS OFFER IS NOT TESTED: let YAML_LANGUAGE_SERVER name a yaml-language-server",
        allow_module_level=True,
    )

HEAD = "metric: A\ntopic: {}\nuse: {}\n"
TICKET, CONVERSATION = (
    HEAD.format("ticket.created", "ticket"),
    HEAD.format("conversation.read", "conversation"),
)
TOP = {"metric", "Metric", "topic", *KEYS["metric"]}
BLOCK = {key for key in BLOCK_KEYS if key != "except"}
STATES = {"submitted", "in_progress", "waiting_on_customer", "resolved"}
TESTS = "tests:\n  - name: a\n    "

EXACTLY: list[tuple[str, set[str]]] = [
    ("|", TOP),
    ("metric: A\n|", TOP - {"metric"}),
    ("metric: A\ntopic: |", {topic for known in TOPICS.values() for topic in known}),
    ("metric: A\ntopic:\n  - |", {topic for known in TOPICS.values() for topic in known}),
    ("metric: A\ntopic: [ticket.created, |]", {topic for known in TOPICS.values() for topic in known}),
    ("metric: A\nuse: |", {"conversation", "ticket"}),
    (TICKET + "lookups:\n  |", set(TABLES)),
    (TICKET + "lookups:\n  closed_by:\n    |", set(TABLES)),
    (TICKET + "properties:\n  Refund Amount:\n    |", BLOCK),
    (TICKET + "properties:\n  Attribute *:\n    |", BLOCK | {"except"}),
    (TICKET + "properties:\n  Refund Amount:\n    path: id\n    as: |", set(TYPES)),
    (TICKET + "properties:\n  Refund Amount:\n    path: id\n    required: |", {"true", "false"}),
    (TICKET + "history: |", {"conversations", "tickets", "contacts", "none"}),
    (TICKET + "profile:\n  |", {*PROFILE_FIELDS, "location"}),
    (TICKET + "profile:\n  location:\n    |", set(LOCATION_FIELDS)),
    (TICKET + "when:\n  ticket_state.category:\n    |", set(FORMS)),
    (TICKET + "when:\n  ticket_state.category:\n    not:\n      - |", STATES),
    (TICKET + "tests:\n  - |", {*TEST_KEYS, "test"}),
    (TICKET + TESTS + "|", {*TEST_KEYS, "test"} - {"name"}),
    (TICKET + TESTS + "expect: |", set(OUTCOMES)),
    (TICKET + TESTS + "expect:\n      |", set(EXPECT_KEYS)),
    (TICKET + TESTS + "with:\n      ticket_state.category: |", STATES),
    (TICKET + "let:\n  |", set()),
    (TICKET + "properties:\n  |", set()),
]
"""What is offered at the cursor, all of it."""

AMONG: list[tuple[str, set[str], set[str]]] = [
    (TICKET + "when:\n  ticket_state.category: |", STATES | {"null", "{ not: null }"}, {"open", "true"}),
    (TICKET + "when:\n  open: |", {"true", "false", "null", "{ at_least: ... }"}, STATES),
    (TICKET + "when:\n  |", {"ticket_state.category", "event.created_at", "contact.role"}, {"source.type"}),
    (CONVERSATION + "when:\n  |", {"source.type", "conversation_rating.rating"}, {"ticket_state.category"}),
    (TICKET + "properties:\n  A: |", {"ticket_state.category", "team.name", "event.app_id"}, {"source.type"}),
    (CONVERSATION + "properties:\n  A: |", {"title", "tags.tags[].name"}, {"ticket_state.category"}),
    (CONVERSATION + "properties:\n  A: ti|", {"title"}, {"true", "ticket_state.category"}),
    (CONVERSATION + "properties:\n  A: title\n  B: |\n  C: state\n", {"title"}, {"path"}),
    (CONVERSATION + "properties:\n  A:\n    path: |", {"title"}, {"template"}),
    (CONVERSATION + "let:\n  a: |", {"title"}, {"ticket_state.category"}),
    (CONVERSATION + "each:\n  a: |", {"conversation_parts.conversation_parts"}, {"title"}),
    (CONVERSATION + "time: |", {"created_at", "event.created_at"}, {"title"}),
    (CONVERSATION + "value: |", {"conversation_rating.rating"}, {"title", "team_assignee_id"}),
    (CONVERSATION + "lookups:\n  team: |", {"team_assignee_id"}, {"title"}),
    (CONVERSATION + "lookups:\n  a:\n    admin: |", {"statistics.last_closed_by_id"}, {"title"}),
    (CONVERSATION + "profile:\n  email: |", {"contact.email", "source.author.email"}, {"created_at"}),
    (TICKET + "item: |", {"data.item", "data.item.ticket || data.item"}, set()),
    (TICKET + TESTS + "with:\n      |", {"open", "event.created_at"}, {"source.type"}),
    ("metric: A\ntopic: ticket.unheard_of\nproperties:\n  A: |", {"ticket_state.category"}, {"source.type"}),
    (
        "metric: A\ntopic: [conversation.read, ticket.closed]\nproperties:\n  A: |",
        {"source.type", "ticket_id"},
        {"role"},
    ),
    ("metric: A\nproperties:\n  A: |", {"source.type", "ticket_state.category", "role"}, set()),
]
"""What is offered at the cursor among others, and what is not."""

MODELINE = "# yaml-language-server: $schema=../schemas/{}.schema.json\n"


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with language_server.running(COMMAND, ROOT / "mappings") as started:
        yield started


def offered(server: LanguageServer, text: str, kind: str = "metric") -> list[str]:
    before, _, after = (MODELINE.format(kind) + text).partition("|")
    uri = server.open(before + after)
    items = server.offers(uri, before.count("\n"), len(before.rpartition("\n")[2]))
    return [item["label"] for item in items]


@pytest.mark.parametrize(("text", "wanted"), EXACTLY, ids=[text for text, _ in EXACTLY])
def test_the_editor_offers_exactly_this(server: LanguageServer, text: str, wanted: set[str]) -> None:
    labels = offered(server, text)
    assert set(labels) == wanted
    assert len(labels) == len(wanted)


@pytest.mark.parametrize(("text", "wanted", "unwanted"), AMONG, ids=[text for text, _, _ in AMONG])
def test_the_editor_offers_this_and_not_that(
    server: LanguageServer, text: str, wanted: set[str], unwanted: set[str]
) -> None:
    labels = set(offered(server, text))
    assert wanted - labels == set()
    assert unwanted & labels == set()


def test_shared_files_are_offered_the_paths_of_the_history_that_they_are_for(server: LanguageServer) -> None:
    text = "history: {}\nproperties:\n  A: |"
    assert "source.type" in offered(server, text.format("conversations"), "shared")
    assert "source.type" not in offered(server, text.format("tickets"), "shared")
    assert "source.type" in offered(server, text.format("none"), "shared")


def test_what_is_offered_says_what_it_is(server: LanguageServer) -> None:
    text = MODELINE.format("metric") + CONVERSATION + "properties:\n  A: "
    items = server.offers(server.open(text), text.count("\n"), 5)
    [title] = [item for item in items if item["label"] == "title"]
    assert title["documentation"].startswith("conversation, text: ")
    assert title["textEdit"]["newText"] == "title"


def test_a_key_that_is_chosen_comes_with_its_colon(server: LanguageServer) -> None:
    for text in (
        "",
        TICKET + "profile:\n  ",
        TICKET + "properties:\n  A:\n    ",
        TICKET + TESTS,
        TICKET + TESTS + "expect:\n      ",
    ):
        whole = MODELINE.format("metric") + text
        line = len(whole.rpartition("\n")[2])
        for item in server.offers(server.open(whole), whole.count("\n"), line):
            assert ":" in item["textEdit"]["newText"], item["label"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_editor_marks_nothing_in_a_shipped_spec(server: LanguageServer, file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("../../schemas", "../schemas")
    assert server.marks(server.open(text)) == []


def test_the_editor_marks_nothing_in_the_spec_with_everything(server: LanguageServer) -> None:
    assert server.marks(server.open(MODELINE.format("metric") + RICH)) == []


@pytest.mark.parametrize(("line", "typo", "marked"), TYPOS, ids=[typo[2] for typo in TYPOS])
def test_the_editor_marks_a_typo_where_it_stands(
    server: LanguageServer, line: str, typo: str, marked: str
) -> None:
    text = MODELINE.format("metric") + mistyped(line, typo)
    lines = text.split("\n")
    found = []
    for mark in server.marks(server.open(text)):
        start, end = mark["range"]["start"], mark["range"]["end"]
        if start["line"] == end["line"]:
            found.append(lines[start["line"]][start["character"] : end["character"]])
    assert marked in found


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("mappings/low_rating.yaml", "Metric"),
        ("mappings/profile.yaml", "Profile mapping"),
        ("mappings/shared/order.yaml", "Shared lines"),
        ("other.yaml", ""),
    ],
)
def test_the_settings_in_the_docs_give_a_file_its_schema(name: str, schema: str) -> None:
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```json\n(\{\n  \"yaml.schemas.*?)```", page, re.DOTALL)
    settings = {"schemas": json.loads(block)["yaml.schemas"]}
    with language_server.running(COMMAND, ROOT, settings) as started:
        found = {mark["source"] for mark in started.marks(started.open("wehn: 1\n", name))}
    assert found == ({f"yaml-schema: {schema}"} if schema else set())


def test_every_key_tells_what_it_is_when_the_mouse_rests_on_it(server: LanguageServer) -> None:
    text = MODELINE.format("metric") + RICH
    uri = server.open(text)
    root, _ = read(text.encode(), "rich.yaml")
    told = {}
    for key, place in keys_of(root):
        hover = server.hover(uri, place.line - 1, place.column - 1)
        told.setdefault(key, hover)
        assert len(hover) < 3000
        assert re.search(r"^#### (Metric|test)\n\n(?!Source)[^\n]{8}", hover), f"{key}: {hover}"
    for key in KEYS["metric"]:
        assert key in told
    assert HELP["unique_id"] in told["unique_id"]
    assert HELP["block.as"] in told["as"]
    assert TYPES["number"].help in told["as"]
    assert "what states of any name come down to" in told["ticket_state.category"]


def keys_of(node: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """The keys with their places, but for those of one's own that a test expects."""
    for key, place, child in node.items():
        if above not in ("expect.profile", "expect.properties"):
            yield key, place
        yield from keys_of(child, f"expect.{key}" if above == "expect" else key)
    for child in node.value if node.kind == "list" else ():
        yield from keys_of(child, above)
