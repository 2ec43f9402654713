"""libyaml's parser and Python's own read a spec alike, so that it does not matter which a machine has."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.language import source
from engine.language.document import Document
from engine.language.mending import UNREADABLE

ROOT = Path(__file__).resolve().parents[1]
SPECS = sorted([*(ROOT / "mappings").rglob("*.yaml"), *(ROOT / "tests" / "bad_specs").rglob("*.yaml")])
CHARACTERS = list("abc:# -\n\"'{}[]&*!|>%@`,0.~é漢🎟\\<=")
DAMAGES = 1_500

pytestmark = pytest.mark.skipif(
    source.FAST_PARSER is None, reason="PyYAML was built without libyaml: NOT TESTED"
)


def built(text: str, parser: Any) -> Any:
    """The tree with the place of everything, and the issues; None where the parser refuses the text."""
    document = Document("spec.yaml", text, tuple(text.split("\n")))
    builder = source._Builder(document, source.Limits())
    try:
        root = builder.build(parser)
    except (*UNREADABLE, source._TooLarge):
        return None
    return shape(root), [(issue.code, issue.place) for issue in builder.issues]


def shape(node: Any) -> Any:
    if node is None:
        return None
    # Where a container, or a value that is not there, ends is a matter of taste.
    end = node.end if node.kind == "scalar" and node.value is not None else None
    mark = (node.kind, node.start, end, node.style, node.broken)
    if node.kind == "map":
        return (*mark, [(key, place, shape(child)) for key, place, child in node.items()])
    return (*mark, [shape(child) for child in node.value] if node.kind == "list" else node.value)


def damaged(chance: random.Random, text: str) -> str:
    """A piece of a spec with a few characters put in, taken out or turned round."""
    start = chance.randrange(len(text))
    piece = list(text[start : start + 600])
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(piece) + 1)
        what = chance.random()
        if what < 0.4:
            piece.insert(at, chance.choice(CHARACTERS))
        elif what < 0.7 and piece:
            piece.pop(min(at, len(piece) - 1))
        else:
            piece[at : at + 3] = reversed(piece[at : at + 3])
    return "".join(piece).replace("\t", " ")


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_both_parsers_read_a_spec_alike(spec: Path) -> None:
    text = spec.read_bytes().decode("utf-8", "replace").replace("\t", " ")
    fast = built(text, source.FAST_PARSER)
    assert fast is None or fast == built(text, yaml.SafeLoader)


def test_both_parsers_read_damaged_specs_alike() -> None:
    chance = random.Random(20260831)
    texts = [spec.read_bytes().decode("utf-8", "replace") for spec in SPECS]
    read = 0
    for _ in range(DAMAGES):
        text = damaged(chance, chance.choice(texts))
        fast = built(text, source.FAST_PARSER)
        read += fast is not None
        slow = built(text, yaml.SafeLoader)
        # Python's own parser takes a `?` inside a flow map for a complex key; then it is the stricter one.
        assert fast is None or fast == slow or (slow is None and "?" in text), text
    assert read > DAMAGES / 6


def test_the_c_parser_is_stopped_before_depth_can_hurt_it() -> None:
    for opening in ("[", "{a: ", "- ", "? "):
        root, issues = source.read(opening.encode() * 60_000, "spec.yaml")
        assert root is None
        assert [issue.code for issue in issues] == ["too-large"]
