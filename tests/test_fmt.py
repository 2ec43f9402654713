"""`fmt`: the form of the house, reached from every other form; what a file means and its comments stay.

`fmt/NAME.in.yaml` becomes `fmt/NAME.out.yaml`: adding a case is adding two files.
"""

import json
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.folder import look_at
from engine.language import source
from engine.language.conversions import TYPES
from engine.language.expressions import Expression
from engine.language.keys import KEYS
from engine.language.source import Node, read
from engine.language.templates import Template
from engine.language.values import read_value
from engine.tools.fmt import formatting as formatter
from engine.tools.fmt.formatting import Formatted, format_files, format_text
from engine.tools.fmt.layout import BLANK, Block, Item, lay_out
from engine.tools.fmt.meaning import meaning_of
from engine.tools.fmt.order import ORDER
from engine.tools.fmt.shorter import shorter
from engine.tools.quotes import written
from tests.damage import damages
from tests.support import ROOT, Ran, run

FOLDER = Path(__file__).parent / "fmt"
CASES = sorted(file.name.removesuffix(".in.yaml") for file in FOLDER.glob("*.in.yaml"))
SHIPPED = {file: file.read_text(encoding="utf-8") for file in sorted((ROOT / "mappings").rglob("*.yaml"))}
BAD = sorted((Path(__file__).parent / "bad_specs").rglob("*.yaml"))

METRIC = """\
metric: A Metric
topic: ticket.created
time: created_at
unique_id: ticket:{{ id }}
profile:
  email: ticket_parts.ticket_parts[0].author.email
"""
ODD = METRIC.replace("time: created_at", "time: {path: created_at}")
FAULTY = METRIC.replace("created_at", "created..at")

NOT_OF_ITS_TEXT = {
    "missing-key", "unknown-property", "unknown-shared", "no-identifier", "text-cut-by-hash", "unstable-id",
    "name-too-long", "too-many-properties",
}  # fmt: skip
"""Faults that only a look at the shared files, at the payloads or at Klaviyo's limits tells."""


def by_name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def formatted(text: str, name: str = "spec.yaml") -> str:
    """The form of a spec that has one."""
    made = format_text(text.encode("utf-8"), name)
    assert made.outcome in ("same", "changed"), [*map(str, made.issues)]
    return made.after


def meaning(text: str) -> str:
    root, issues = read(text.encode("utf-8"), "spec.yaml")
    assert [issue for issue in issues if issue.severity == "error"] == []
    return meaning_of(root, "spec")


def comment_lines(text: str) -> Counter[str]:
    """The comments that have a line of their own."""
    return Counter(line.strip() for line in text.split("\n") if line.strip().startswith("#"))


# The cases


@pytest.mark.parametrize("name", CASES)
def test_a_file_comes_out_in_its_form(name: str) -> None:
    before = (FOLDER / f"{name}.in.yaml").read_text(encoding="utf-8")
    after = (FOLDER / f"{name}.out.yaml").read_text(encoding="utf-8")
    assert formatted(before) == after
    assert formatted(after) == after


@pytest.mark.parametrize("name", CASES)
def test_both_parsers_lead_to_the_same_form(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FAST_PARSER", None)
    before = (FOLDER / f"{name}.in.yaml").read_text(encoding="utf-8")
    assert formatted(before) == (FOLDER / f"{name}.out.yaml").read_text(encoding="utf-8")


def test_every_case_is_a_pair() -> None:
    assert CASES
    assert {file.name for file in FOLDER.iterdir()} == {
        f"{name}.{side}.yaml" for name in CASES for side in ("in", "out")
    }


def test_every_key_of_the_language_has_its_place_in_the_order() -> None:
    assert set(ORDER) == {key for keys in KEYS.values() for key in keys}
    assert len(ORDER) == len(set(ORDER))


# The shipped mappings are the model


@pytest.mark.parametrize("file", SHIPPED, ids=by_name)
def test_the_shipped_mappings_are_in_form(file: Path) -> None:
    made = format_text(SHIPPED[file].encode("utf-8"), str(file), is_shared=file.parent.name == "shared")
    assert made.after == made.before
    assert made.outcome == "same"


@pytest.mark.parametrize("file", BAD, ids=by_name)
def test_what_is_read_without_an_error_keeps_its_meaning_and_what_is_not_is_left(file: Path) -> None:
    raw = file.read_bytes()
    is_shared = file.parent.name == "shared"
    made = format_text(raw, str(file), is_shared=is_shared)
    errors = {
        issue.code
        for issue in look_at([file]).issues
        if issue.severity == "error" and issue.place and Path(issue.place.file) == file
    }
    if made.outcome == "faulty":
        assert {issue.code for issue in made.issues} <= errors
        return
    assert made.outcome in ("same", "changed")
    assert meaning(made.after) == meaning(raw.decode("utf-8"))
    assert comment_lines(made.after) == comment_lines(raw.decode("utf-8"))
    assert format_text(made.after.encode("utf-8"), str(file), is_shared=is_shared).outcome == "same"
    assert errors <= NOT_OF_ITS_TEXT


# Every other form leads to the same text

VALUES = ("item", "time", "unique_id", "value")
SECTIONS = ("let", "each", "profile", "properties", "lookups")


class Raw(NamedTuple):
    """A scalar as it stands in the file, of one line or of several."""

    lines: tuple[str, ...]


class Map(NamedTuple):
    """Keys with their values, and whether a blank line is above; in brackets or not."""

    entries: tuple[tuple[str, Any, bool], ...]
    in_brackets: bool = False


class List(NamedTuple):
    """Elements, and whether a blank line is above; in brackets or not."""

    entries: tuple[tuple[Any, bool], ...]
    in_brackets: bool = False


class Longhand:
    """The long way to write a spec that is in form: by chance in everything that makes no difference."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def of_file(self, text: str) -> str:
        root, _ = read(text.encode("utf-8"), "spec.yaml")
        assert root is not None
        sections = [*lay_out(root, root.document).items]
        self.chance.shuffle(sections)
        if sections[0].name == "item":  # its blank line above would be lost on top of the file
            sections.append(sections.pop(0))
        lines: list[str] = []
        for section in sections:
            lines += [""] * (self.chance.randint(1, 3) if BLANK in section.lead else 0)
            lines += self.entry(self.key(section.name), self.section(section), 0)
        ending = self.chance.choice(["\n", "\r\n"])
        return ending.join(self.padded(lines)) + ending * self.chance.randint(0, 3)

    def padded(self, lines: list[str]) -> Iterator[str]:
        """Lines with spaces at their ends, where these are nobody's text."""
        in_text = -1
        for line in lines:
            indent = len(line) - len(line.lstrip())
            if in_text >= 0 and line and indent <= in_text:
                in_text = -1
            yield line + " " * (self.chance.choice([0, 0, 0, 2]) if in_text < 0 else 0)
            if re.search(r": *[|>][-+]?$", line):
                in_text = indent

    # What it says, in a longer form

    def section(self, item: Item) -> Any:
        if item.name in VALUES:
            return self.value(item.node)
        if item.name in ("topic", "use", "without"):
            return self.one_or_list(self.data(item))
        if item.name == "when" and isinstance(item.body, Block):
            return self.map(item, lambda line: self.condition(line))
        if item.name in SECTIONS:
            return self.map(item, lambda line: self.line(item.name, line))
        return self.data(item)

    def map(self, item: Item, of_line: Callable[[Item], Any]) -> Map:
        assert isinstance(item.body, Block)
        return Map(tuple((line.name, of_line(line), BLANK in line.lead) for line in item.body.items))

    def line(self, section: str, line: Item) -> Any:
        if section == "profile" and line.name == "location":
            return self.map(line, lambda inner: self.value(inner.node))
        if line.node.kind == "map" and section != "lookups":
            return self.block(line)
        if section == "lookups":
            table, node = line.name, line.node
            if node.kind == "map":
                [(table, _, node)] = node.items()
            elif self.chance.random() < 0.3:
                return self.value(node, in_block=False)
            in_brackets = self.chance.random() < 0.5
            return Map(((table, self.value(node, in_brackets, in_block=False), False),), in_brackets)
        return self.value(line.node)

    def condition(self, line: Item) -> Any:
        found = self.data(line)
        if isinstance(found, Map):
            return found._replace(in_brackets=self.chance.random() < 0.5)
        return self.one_or_list(found)

    def block(self, line: Item) -> Map:
        """A value's block that is one in the shorter form, too."""
        found = self.data(line)
        assert isinstance(found, Map)
        extra = [entry for entry in self.empty() if not any(entry[0] == own[0] for own in found.entries)]
        return found._replace(entries=self.shuffled([*found.entries, *extra]))

    def value(self, node: Node, in_brackets: bool = False, in_block: bool = True) -> Any:
        """A value on one line, or as the block that says the same."""
        if node.kind != "scalar":
            return self.node(node)
        if not in_block or self.chance.random() < 0.3:
            return self.node(node, in_brackets)
        found = read_value(node, lambda _: None)
        assert found is not None
        in_brackets = "\n" not in raw_of(node) and self.chance.random() < 0.5
        entries: list[tuple[str, Any, bool]] = []
        if isinstance(found.source, Expression):
            text = self.node(node, in_brackets)
            if found.type:
                entries.append(("as", self.text(found.type.name, in_brackets), False))
                text = self.text(found.text, in_brackets)
            entries.append(("path", text, False))
        else:
            key = "template" if isinstance(found.source, Template) else "value"
            entries.append((key, self.node(node, in_brackets), False))
        return Map(self.shuffled([*entries, *self.empty()]), in_brackets)

    def empty(self) -> Iterator[tuple[str, Any, bool]]:
        """Lines of a block that say nothing."""
        if self.chance.random() < 0.3:
            yield "required", Raw(("false",)), False
        if self.chance.random() < 0.3:
            yield "default", Raw(("null",)), False

    def shuffled(self, entries: list[Any]) -> tuple[Any, ...]:
        self.chance.shuffle(entries)
        return tuple(entries)

    def one_or_list(self, found: Any) -> Any:
        if isinstance(found, Raw) and self.chance.random() < 0.5:
            return List(((found, False),), self.chance.random() < 0.5)
        return found

    def data(self, item: Item) -> Any:
        """A value as it is, with other quotes."""
        if not isinstance(item.body, Block):
            return self.node(item.node)
        found = [(self.data(child), BLANK in child.lead) for child in item.body.items]
        if item.node.kind == "list":
            return List(tuple(found))
        return Map(tuple((child.name, *one) for child, one in zip(item.body.items, found, strict=True)))

    def node(self, node: Node, in_brackets: bool = False) -> Any:
        if node.kind == "map":
            return Map(tuple((key, self.node(child, True), False) for key, _, child in node.items()), True)
        if node.kind == "list":
            return List(tuple((self.node(child, True), False) for child in node.value), True)
        raw = raw_of(node)
        if not node.is_text or "\n" in raw or re.match(r"\d{4}-\d\d-\d\d", str(node.value)):
            return Raw(tuple(line.strip() for line in raw.rstrip().split("\n")))
        return self.text(node.value, in_brackets)

    def text(self, text: str, in_brackets: bool = False) -> Raw:
        """A text with any quotes, or with none where that is how it stands in form."""
        spellings = [json.dumps(text, ensure_ascii=False), "'" + text.replace("'", "''") + "'"]
        return Raw((self.chance.choice([*spellings, written(text, within=in_brackets)]),))

    def key(self, text: str) -> str:
        return self.chance.choice([json.dumps(text, ensure_ascii=False), written(text, is_key=True)])

    # How it is laid out

    def entry(self, key: str, tree: Any, indent: int) -> list[str]:
        head = " " * indent + key + " " * self.chance.choice([0, 0, 1]) + ":"
        if isinstance(tree, Raw) or tree.in_brackets:
            first, *later = self.inline(tree)
            if not later and self.chance.random() < 0.1:
                return [head, " " * (indent + 3) + first]
            deeper = " " * (indent + self.chance.randint(1, 5))
            return [head + self.gap() + first, *(deeper + line for line in later)]
        least = 0 if isinstance(tree, List) else 1
        return [head, *self.under(tree, indent + self.chance.randint(least, 4))]

    def under(self, tree: Any, indent: int) -> list[str]:
        """A map or a list, a line an entry."""
        lines: list[str] = []
        for number, (*key, child, is_apart) in enumerate(tree.entries):
            lines += [""] * (self.chance.randint(1, 3) if is_apart and number else 0)
            lines += self.entry(self.key(key[0]), child, indent) if key else self.element(child, indent)
        return lines

    def element(self, tree: Any, indent: int) -> list[str]:
        if isinstance(tree, Raw) or tree.in_brackets:
            return [" " * indent + "-" + self.gap() + self.inline(tree)[0]]
        gap = self.gap()
        first, *later = self.under(tree, indent + 1 + len(gap))
        return [" " * indent + "-" + gap + first.lstrip(" "), *later]

    def inline(self, tree: Any) -> tuple[str, ...]:
        if isinstance(tree, Raw):
            return tree.lines
        pad = " " * self.chance.randint(0, 2)
        entries = [
            (f"{self.key_within(key[0])}: " if key else "") + self.inline(child)[0]
            for *key, child, _ in tree.entries
        ]
        opened, closed = "{}" if isinstance(tree, Map) else "[]"
        return (opened + pad + ("," + self.gap()).join(entries) + pad + closed,)

    def key_within(self, text: str) -> str:
        return self.chance.choice([json.dumps(text, ensure_ascii=False), written(text, within=True)])

    def gap(self) -> str:
        return " " * self.chance.randint(1, 3)


def raw_of(node: Node) -> str:
    return node.document.text[node.start : node.end]


def without_comments(text: str) -> str:
    """A file in form without its comments, in form."""
    kept = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    return formatted(re.sub(r"(?m) +# .*$", "", "\n".join(kept)))


BARE = {file: without_comments(text) for file, text in SHIPPED.items()}


@given(st.sampled_from([*SHIPPED]), st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_every_longer_form_of_a_shipped_mapping_comes_out_as_that_mapping(file: Path, seed: int) -> None:
    long = Longhand(random.Random(seed)).of_file(BARE[file])
    assert meaning(long) == meaning(BARE[file])
    assert formatted(long) == BARE[file]


def test_the_long_form_differs_in_every_way_that_it_can() -> None:
    """Else the test above tests nothing."""
    long = "\n".join(
        Longhand(random.Random(seed)).of_file(text) for seed in range(20) for text in BARE.values()
    )
    for sign in ("path:", "template:", "as:", "required: false", "default: null", "\r\n"):
        assert sign in long
    for sign in (
        r"(?m)^ {3}\S",
        r"(?m)^- ",
        r"topic *:[ \r]*\n +- ",
        r"\{\w",
        r"\n\n\n\n\w",
        r"\S +\r?\n",
        r"'\w",
    ):
        assert re.search(sign, long), sign


# Comments


def own_lines(text: str) -> list[int]:
    """The lines before which a comment may stand: not inside a value of several lines."""
    root, _ = read(text.encode("utf-8"), "spec.yaml")
    assert root is not None
    inner: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind == "scalar":
            inside = text.count("\n", node.start, node.end)
            line = text.count("\n", 0, node.start)
            inner |= {*range(line + 1, line + inside + 1)}
        waiting += node.value.values() if node.kind == "map" else node.value if node.kind == "list" else ()
    return [line for line in range(text.count("\n") + 1) if line not in inner]


@given(st.sampled_from([*SHIPPED]), st.integers(0, 2**32), st.booleans())
@settings(max_examples=100, deadline=None)
def test_comments_that_are_put_anywhere_are_all_kept(file: Path, seed: int, is_long: bool) -> None:
    chance = random.Random(seed)
    text = Longhand(chance).of_file(BARE[file]).replace("\r\n", "\n") if is_long else SHIPPED[file]
    lines = text.split("\n")
    free = own_lines(text)
    for number, at in enumerate(sorted(chance.sample(free, 8), reverse=True)):
        is_alone = chance.random() < 0.5 or at + 1 not in free or not lines[at].strip() or "#" in lines[at]
        gap = " " * chance.randint(0 if is_alone else 1, 9)
        if is_alone:
            lines.insert(at, f"{gap}# planted {number}")
        else:
            lines[at] += f"{gap}# planted {number}"
    planted = "\n".join(lines)
    made = formatted(planted)
    assert meaning(made) == meaning(text)
    assert sorted(re.findall("# planted [0-7]", made)) == [f"# planted {number}" for number in range(8)]
    assert Counter(comments(made)) == Counter(comments(planted))
    assert formatted(made) == made


def comments(text: str) -> list[str]:
    """The comments of a shipped file, of which no text holds a `#`."""
    return re.findall(r"(?m)(?:^| )(#.*?) *$", text)


def test_a_comment_stays_above_what_it_is_about_when_sections_move() -> None:
    text = f"# on top\n\n# about the profile\nprofile: {{ email: id }}\n# about the name\n{METRIC[:16]}\n"
    assert formatted(text).split("\n") == [
        "# on top", "",
        "# about the name", "metric: A Metric",
        "# about the profile", "profile: { email: id }", "",
    ]  # fmt: skip


# Whatever is written


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_a_damaged_spec_comes_out_with_its_meaning_or_is_left(first: int) -> None:
    outcomes: Counter[str] = Counter()
    for number, damage in damages(range(first, first + 100), seed=5):
        shared = damage.file.startswith("shared")
        made = format_text(damage.text.encode("utf-8"), damage.file, is_shared=shared)
        outcomes[made.outcome] += 1
        assert made.outcome in ("same", "changed", "faulty"), f"case {number}"
        if made.outcome == "changed":
            again = format_text(made.after.encode("utf-8"), damage.file, is_shared=shared)
            assert again.outcome == "same", f"case {number}"
    assert outcomes["changed"] > 3
    assert outcomes["faulty"] > 10


@pytest.mark.parametrize("text", ["", "\n", "{}", "# only this", "# a\n\n\n# b\n", "\ufeff# a"])
def test_a_file_without_a_line_keeps_its_comments(text: str) -> None:
    made = format_text(text.encode("utf-8"), "shared/empty.yaml", is_shared=True)
    assert made.outcome in ("same", "changed")
    kept = [*comment_lines(text.removeprefix("\ufeff"))]
    assert [line for line in made.after.split("\n") if line] == kept


def test_what_only_yaml_takes_for_a_line_break_stays_where_it_is() -> None:
    text = METRIC + 'properties:\n  A:   "{{ id }}\u2028{{ id }}"\n'
    made = format_text(text.encode("utf-8"), "spec.yaml")
    assert (made.outcome, made.after) == ("same", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("|\n    {{ id }}", "{{ id }}"), (">\n    {{ id }}", "{{ id }}"), ("|+\n    a {{ id }}", "a {{ id }}")],
)
def test_a_file_that_ends_in_a_text_without_a_line_break_gets_one_and_the_text_none(
    text: str, value: str
) -> None:
    root, _ = read(formatted(f"properties:\n  A: {text}").encode(), "")
    assert root is not None
    assert root.data() == {"properties": {"A": value}}
    assert formatted(f"properties:\n  A: {text}").endswith("\n")


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_block_of_a_path_and_a_type_is_a_line(name: str) -> None:
    assert formatted(f"properties:\n  A: {{path: a, as: {name}}}\n") == f"properties:\n  A: a as {name}\n"


# The net


MEANS_ANOTHER = {
    "a path": ("time: created_at", "time: updated_at"),
    "a type": ("A: a as text", "A: a as number"),
    "a path and a text": ("A: a", "A: { value: a }"),
    "a path and a template": ("A: a", 'A: "{{ a }}"'),
    "a number and its text": ("A: 5", 'A: { value: "5" }'),
    "a whole number": ("A: 5", "A: 5.0"),
    "true and one": ("A: true", "A: 1"),
    "a default": ("A: { path: a, default: 0 }", "A: { path: a, default: false }"),
    "no default": ("A: { path: a, default: 0 }", "A: a"),
    "required": ("A: { path: a, required: true }", "A: a"),
    "exceptions": ("A *: { path: a, except: b }", "A *: { path: a, except: [b, c] }"),
    "a help": ("A: { path: a, help: b }", "A: { path: a, help: c }"),
    "a line less": ("A: a\n  B: b", "A: a"),
    "the order of lines": ("A: a\n  B: b", "B: b\n  A: a"),
    "a name": ("let:\n  x: a", "let:\n  x: b"),
    "a name that nothing uses": ("let:\n  x: a\n  y: b", "let:\n  x: a"),
    "a table": ("lookups:\n  admin: a", "lookups:\n  admin: { team: a }"),
    "a condition": ("when:\n  a: 5", 'when:\n  a: "5"'),
    "a condition's kind": ("when:\n  a: 5", "when:\n  a: { not: 5 }"),
    "a bound": ("when:\n  a: { at_least: 4 }", "when:\n  a: { at_most: 4 }"),
    "a condition in text": ("when: a", "when: b"),
    "a topic": ("topic: [ticket.created, ticket.closed]", "topic: ticket.created"),
    "what is taken in": ("use: ticket", "use: conversation"),
    "what is left out": ("without: [A, B]", "without: A"),
    "the item": ("item: data.item", "item: data"),
    "the past": ("history: tickets", "history: none"),
    "what a test changes": (
        "tests:\n  - { name: a, given: b, with: { c: 1 }, expect: skipped }",
        'tests:\n  - { name: a, given: b, with: { c: "1" }, expect: skipped }',
    ),
    "what a test expects": (
        "tests:\n  - { name: a, given: b, expect: skipped }",
        "tests:\n  - { name: a, given: b, expect: parked }",
    ),
}


@pytest.mark.parametrize("pair", MEANS_ANOTHER.values(), ids=MEANS_ANOTHER)
def test_specs_that_say_something_else_have_another_meaning(pair: tuple[str, str]) -> None:
    is_section = re.match(r"[a-z_]+:", pair[0])
    one, other = (
        meaning(f"name: a\n{text}\n" if is_section else f"name: a\nproperties:\n  {text}\n") for text in pair
    )
    assert one != other


SPOILED: dict[str, Callable[[str], str]] = {
    "a value": lambda text: text.replace("created_at", "updated_at"),
    "a comment": lambda text: text.replace("# kept", ""),
    "a comment's words": lambda text: text.replace("# kept", "# left"),
    "a line": lambda text: text.replace("time: created_at\n", ""),
    "a key, which stands twice then": lambda text: f"{text}time: created_at\n",
    "the YAML": lambda text: text.replace("time: ", "time: [ "),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_form_that_would_not_say_the_same_is_never_written(
    spoil: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(f"# kept\n{ODD}", encoding="utf-8")
    (tmp_path / "second.yaml").write_text(METRIC + "\n\n", encoding="utf-8")
    whole = formatter.page
    monkeypatch.setattr(formatter, "page", lambda *parts: spoil(whole(*parts)) if parts[0] else whole(*parts))
    ran = run("fmt", tmp_path)
    assert file.read_text(encoding="utf-8") == f"# kept\n{ODD}"
    assert (tmp_path / "second.yaml").read_text(encoding="utf-8") == METRIC
    assert ran.code == 2
    assert "odd.yaml: left as it is: its new form would not say the same, which is a fault of fmt" in ran.err
    assert ran.out.endswith("2 files: 1 rewritten, 1 left by a fault of fmt\n")


def test_a_step_that_loses_a_type_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(item: Item, role: Any) -> Item:
        return shorter(item, "other" if role == "value" else role)

    monkeypatch.setattr(formatter, "shorter", careless)
    text = METRIC + "properties:\n  A: {path: a, as: text}\n"
    monkeypatch.setattr("engine.tools.fmt.shorter._value_alone", lambda node, _: node.get("path"))
    assert format_text(text.encode("utf-8"), "spec.yaml").outcome == "unsafe"


# The command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with mappings: in form, not in form, faulty, and a shared one."""
    folder = tmp_path / "mappings"
    (folder / "shared").mkdir(parents=True)
    for name, text in {
        "faulty": FAULTY,
        "form": METRIC,
        "odd": ODD,
        "shared/odd": "history:   tickets\nitem: {path: data.item}\n",
    }.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts_in(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes().decode("utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_files_are_rewritten_and_named_and_a_faulty_one_is_left_with_its_faults(here: Path) -> None:
    ran = run("fmt")
    assert ran.out == (
        "mappings/odd.yaml: rewritten\n"
        "mappings/shared/odd.yaml: rewritten\n"
        "4 files: 2 rewritten, 1 in form, 1 left for its faults\n"
    )
    assert "mappings/faulty.yaml:3:15  bad-path" in ran.err
    assert ran.err.endswith("error: mappings/faulty.yaml: left as it is, for 1 fault\n")
    assert ran.code == 1
    assert texts_in(here) == {
        "mappings/faulty.yaml": FAULTY,
        "mappings/form.yaml": METRIC,
        "mappings/odd.yaml": METRIC,
        "mappings/shared/odd.yaml": "item: data.item\nhistory: tickets\n",
    }


def test_rewriting_is_fine_and_so_is_finding_nothing_to_rewrite(here: Path) -> None:
    assert run("fmt", "mappings/odd.yaml", "mappings/form.yaml").code == 0
    again = run("fmt", "mappings/odd.yaml", "mappings/form.yaml", "mappings/odd.yaml")
    assert again == Ran(0, "2 files: 2 in form\n", "")


@pytest.mark.parametrize("options", [["--check"], ["--diff"], ["--check", "--diff"]])
def test_a_look_writes_nothing_and_exits_1_where_a_file_would_change(here: Path, options: list[str]) -> None:
    before = texts_in(here)
    ran = run("fmt", *options, "mappings/odd.yaml", "mappings/form.yaml")
    assert ran.code == 1
    assert ran.out.startswith("mappings/odd.yaml: would be rewritten\n")
    assert ran.out.endswith("2 files: 1 would be rewritten, 1 in form\n")
    assert texts_in(here) == before
    assert run("fmt", *options, "mappings/form.yaml").code == 0
    assert run("fmt", *options, "mappings/faulty.yaml").code == 1


def test_the_diff_shows_the_changed_lines_with_one_around_them(here: Path) -> None:
    ran = run("fmt", "--check", "--diff", "mappings/odd.yaml")
    assert ran.out == (
        "mappings/odd.yaml: would be rewritten\n"
        "--- mappings/odd.yaml\n"
        "+++ mappings/odd.yaml (in form)\n"
        "@@ -2,3 +2,3 @@\n"
        " topic: ticket.created\n"
        "-time: {path: created_at}\n"
        "+time: created_at\n"
        " unique_id: ticket:{{ id }}\n"
        "1 file: 1 would be rewritten\n"
    )


def test_only_the_look_without_the_diff_is_short(here: Path) -> None:
    assert run("fmt", "--check", "mappings/odd.yaml").out.count("\n") == 2


def test_a_diff_shows_what_a_terminal_would_obey_as_escapes(here: Path) -> None:
    (here / "mappings" / "odd.yaml").write_bytes(ODD.replace("\n", "\r\n").encode())
    assert "-topic: ticket.created\\r\n" in run("fmt", "--diff", "mappings/odd.yaml").out


def test_the_rows_tell_each_file(here: Path) -> None:
    faulty, form, odd, shared = run("fmt", "--check", "--diff", "--json", "mappings").rows
    assert faulty["outcome"] == "faulty"
    assert [issue["code"] for issue in faulty["issues"]] == ["bad-path"]
    assert form == {"file": "mappings/form.yaml", "outcome": "same"}
    assert odd["outcome"] == shared["outcome"] == "changed"
    assert "+time: created_at" in odd["diff"].split("\n")
    assert "diff" not in run("fmt", "--json", "mappings/odd.yaml").rows[0]
    assert (here / "mappings" / "odd.yaml").read_text(encoding="utf-8") == METRIC


def test_without_a_path_only_mappings_here_are_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("fmt") == Ran(2, "", "error: there is no ./mappings here; name a file or a folder\n")


@pytest.mark.parametrize("missing", ["nowhere", "mappings/nowhere.yaml", "empty"])
def test_where_a_path_is_not_there_nothing_is_written(here: Path, missing: str) -> None:
    (here / "empty").mkdir()
    before = texts_in(here)
    ran = run("fmt", "mappings/odd.yaml", missing)
    assert (ran.code, ran.out) == (2, "")
    assert missing in ran.err
    assert texts_in(here) == before


def test_only_in_the_folder_of_shared_files_a_file_needs_no_name(here: Path) -> None:
    for name in ("mappings/part.yaml", "mappings/shared/part.yaml"):
        (here / name).write_text("history:   tickets\n", encoding="utf-8")
    assert "not-a-spec" in run("fmt", "mappings/part.yaml").err
    assert (
        run("fmt", "mappings/shared/part.yaml").out
        == "mappings/shared/part.yaml: rewritten\n1 file: 1 rewritten\n"
    )
    (here / "mappings" / "shared" / "part.yaml").write_text(METRIC + "\n\n", encoding="utf-8")
    assert 'a shared file has no key "metric"' in run("fmt", "mappings/shared/part.yaml").err


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "mappings" / "folder.yaml").mkdir()
    ran = run("fmt", "mappings/form.yaml", "mappings")
    assert "error: mappings/folder.yaml: is a directory\n" in ran.err
    assert "1 not read or not written" in ran.out
    assert ran.code == 1


# Standard input


def test_standard_input_comes_out_in_its_form_and_nothing_else_is_printed() -> None:
    assert run("fmt", "-", stdin=ODD.encode()) == Ran(0, METRIC, "")
    assert run("fmt", "-", stdin=METRIC.encode()) == Ran(0, METRIC, "")


def test_standard_input_with_faults_gives_no_text() -> None:
    ran = run("fmt", "-", stdin=FAULTY.encode())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("-:3:15  bad-path")


def test_a_look_at_standard_input_gives_no_text() -> None:
    assert run("fmt", "--check", "-", stdin=ODD.encode()) == Ran(1, "-: would be rewritten\n", "")
    assert run("fmt", "--check", "-", stdin=METRIC.encode()) == Ran(0, "", "")
    assert "+time: created_at" in run("fmt", "--diff", "-", stdin=ODD.encode()).out


def test_the_row_of_standard_input_holds_its_text() -> None:
    assert run("fmt", "--json", "-", stdin=ODD.encode()).rows == [
        {"file": "-", "outcome": "changed", "text": METRIC}
    ]
    assert "text" not in run("fmt", "--json", "-", stdin=FAULTY.encode()).rows[0]
    assert "text" not in run("fmt", "--json", "--check", "-", stdin=ODD.encode()).rows[0]


def test_standard_input_stands_alone(here: Path) -> None:
    before = texts_in(here)
    ran = run("fmt", "-", "mappings", stdin=ODD.encode())
    assert (ran.code, ran.out) == (2, "")
    assert texts_in(here) == before


def test_standard_input_knows_no_shared_files_and_asks_for_none() -> None:
    text = "metric: A\nuse: [mine]\nwithout: [B]\nproperties:\n  C: {path: c}\n"
    assert run("fmt", "-", stdin=text.encode()).out == (
        "metric: A\nuse: mine\nwithout: B\nproperties:\n  C: c\n"
    )


# What is on the disk


def only_file(folder: Path) -> Formatted:
    [made] = format_files([folder], write=True)
    return made


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_rewritten_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(ODD, encoding="utf-8")
    file.chmod(mode)
    assert only_file(tmp_path).outcome == "changed"
    assert file.stat().st_mode & 0o777 == mode
    assert texts_in(tmp_path) == {"odd.yaml": METRIC}


def test_a_file_in_form_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "form.yaml"
    file.write_text(METRIC, encoding="utf-8")
    before = file.stat()
    assert only_file(tmp_path).outcome == "same"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "odd.yaml"
    real.write_text(ODD, encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to(real)
    assert only_file(tmp_path / "link.yaml").outcome == "changed"
    assert (tmp_path / "link.yaml").is_symlink()
    assert real.read_text(encoding="utf-8") == METRIC


def test_a_file_that_cannot_be_replaced_is_whole_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.yaml").write_text(ODD, encoding="utf-8")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    made = only_file(tmp_path)
    assert (made.outcome, made.reason) == ("failed", "no space left on device")
    assert texts_in(tmp_path) == {"odd.yaml": ODD}


def test_a_read_only_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.yaml").write_text(ODD, encoding="utf-8")
    monkeypatch.setattr(os, "access", lambda *_: False)
    made = only_file(tmp_path)
    assert (made.outcome, made.reason) == ("failed", "it is read-only")
    assert texts_in(tmp_path) == {"odd.yaml": ODD}


def test_the_shipped_mappings_pass_their_check_after_the_long_way_round(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    files = sorted((tmp_path / "mappings").rglob("*.yaml"))
    for seed, file in enumerate(files):
        bare = without_comments(file.read_text(encoding="utf-8"))
        file.write_bytes(Longhand(random.Random(seed)).of_file(bare).encode("utf-8"))
    assert look_at([tmp_path / "mappings"]).errors == 0
    assert run("fmt", tmp_path / "mappings").out.endswith(f"{len(files)} files: {len(files)} rewritten\n")
    assert look_at([tmp_path / "mappings"]).errors == 0
    assert run("fmt", "--check", tmp_path / "mappings").code == 0
