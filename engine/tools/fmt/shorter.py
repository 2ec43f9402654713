"""The shorter of two forms that say the same: blocks of values, lists of one, quotes that nothing needs."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from engine.language.expressions import Expression
from engine.language.source import Node, read
from engine.language.values import BLOCK_KEYS, Value, read_value
from engine.tools.fmt.comments import Comment
from engine.tools.fmt.layout import Block, Item, Written, comments_among, without_blank
from engine.tools.quotes import quoted, written

Role = Literal[
    "file", "value", "id", "values", "profile", "properties", "spread", "lookups", "lookup", "when",
    "condition", "names", "other",
]  # fmt: skip
"""What a node is in the language, as far as that tells which forms it may have."""

WIDEST = 100
"""Characters of a line up to which `{ admin: path }` stands in it."""

_LIKE_TEXT = re.compile(r"#(?:\S|.*\{[{%])")
"""A comment that may be a text which YAML has cut: unquoted, a value before it would be in doubt."""

_TOP: dict[str, Role] = {
    "topic": "names", "use": "names", "without": "names", "item": "value", "each": "values", "let": "values",
    "when": "when", "lookups": "lookups", "time": "value", "unique_id": "id", "value": "value",
    "profile": "profile", "properties": "properties",
}  # fmt: skip
_WITHIN: dict[Role, Role] = {
    "values": "value", "lookups": "lookup", "lookup": "value", "when": "condition", "properties": "value",
    "profile": "value",
}  # fmt: skip
_OF_VALUES = ("value", "id", "spread")


def role_within(role: Role, key: str) -> Role:
    """The role of what stands under a key."""
    if role == "file":
        return _TOP.get(key, "other")
    if role == "properties" and "*" in key:
        return "spread"
    if role == "profile" and key == "location":
        return "values"
    if (role == "condition" and key == "not") or (role in _OF_VALUES and key == "except"):
        return "names"
    return _WITHIN.get(role, "other")


def shorter(item: Item, role: Role) -> Item:
    """An entry in the shorter form, with all its comments."""
    if isinstance(item.body, Block):
        return _shorter_block(item, item.body, role)
    if len(item.body.lines) == 1 or _alone(item.node, role, item.name) is not None:
        text = in_a_line(item.node, role, item.name)
        comments = sorted((*item.notes, *item.inside), key=lambda comment: comment.index)
        return _with_comments(replace(item, notes=()), Written((text,)), comments)
    return _with_comments(item, item.body, ())


def _shorter_block(item: Item, body: Block, role: Role) -> Item:
    alone = _alone(item.node, role, item.name)
    if isinstance(alone, str):
        return _with_comments(item, Written((written(alone),)), _comments_in(body))
    if alone is not None:
        [child] = [child for child in body.items if child.node is alone]
        made = shorter(child, _role_alone(role))
        return _with_comments(item, made.body, _comments_in(body))
    children = [shorter(child, role_within(role, child.name)) for child in body.items]
    lines = replace(body, items=tuple(children))
    if role in ("lookup", "condition") and _fits_a_line(item, lines):
        text = in_a_line(item.node, role, item.name)
        if len(item.name) + len(text) < WIDEST:
            return _with_comments(item, Written((text,)), _comments_in(body))
    if item.key is None:
        return _beside_dash(item, lines)
    return replace(item, body=_in_order(item.node, lines) if role in _OF_VALUES else lines)


def _beside_dash(item: Item, body: Block) -> Item:
    """An element of a list whose first line stands beside its dash, with what is above that line above it."""
    first, *later = body.items
    above = (*(text for note in item.notes for text in note.texts), *comments_among(first.lead))
    items = (replace(first, lead=()), *later)
    return replace(item, body=replace(body, items=items), lead=(*item.lead, *above), notes=())


def _with_comments(item: Item, body: Written | Block, inside: Iterable[Comment | str]) -> Item:
    """An entry in a line: of its comments only one can stand there, so several go above it.

    So does one that could be taken for the rest of the new text.
    """
    found = [*item.notes, *inside]
    beside = [one for one in found if isinstance(one, Comment) and not one.is_alone]
    stays = len(beside) == 1 and (body == item.body or not _LIKE_TEXT.match(beside[0].text))
    above = [one for one in found if one not in beside or not stays]
    texts = [text for one in above for text in ((one,) if isinstance(one, str) else one.texts)]
    notes = tuple(beside) if stays else ()
    return replace(item, body=body, lead=(*item.lead, *texts), notes=notes, inside=())


def _comments_in(body: Written | Block) -> list[Comment | str]:
    """Every comment of the entries of a block, in their order."""
    if isinstance(body, Written):
        return []
    found: list[Comment | str] = []
    for item in body.items:
        found += [*comments_among(item.lead), *item.notes, *item.inside, *_comments_in(item.body)]
    return [*found, *comments_among(body.tail)]


def _fits_a_line(item: Item, body: Block) -> bool:
    """Whether short values and one comment at most stand in a block, so that it can stand in brackets."""
    if item.node.kind != "map" or [*item.notes, *_comments_in(body)][1:]:
        return False
    bodies = [child.body for child in body.items]
    return all(isinstance(body, Written) and len(body.lines) == 1 for body in bodies)


def _in_order(node: Node, body: Block) -> Block:
    """The lines of a value's block in the order of the language, without those that say nothing."""
    kept = _kept(node)
    items: list[Item] = []
    waiting: tuple[str, ...] = ()
    for item in body.items:
        if item.name in kept:
            items.append(replace(item, lead=(*waiting, *item.lead)))
            waiting = ()
        else:
            comments = _comments_in(Block((item,)))
            waiting += tuple(
                text for one in comments for text in ((one,) if isinstance(one, str) else one.texts)
            )
    items.sort(key=lambda item: kept.index(item.name))
    items[0] = replace(items[0], lead=without_blank(items[0].lead))
    return Block(tuple(items), (*waiting, *body.tail))


# What stands alone


def _alone(node: Node, role: Role, name: str) -> Node | str | None:
    """What says the same as a map or a list when it stands alone: a node inside it, or a text; or nothing."""
    if node.kind == "list" and role in ("names", "condition") and len(node.value) == 1:
        [element] = node.value
        return element if element.kind == "scalar" else None
    if node.kind == "map" and role == "lookup" and [*node.value] == [name]:
        value = node.value[name]
        return value if value.kind == "scalar" or _alone(value, "value", "") is not None else None
    return _value_alone(node, role) if node.kind == "map" and role in _OF_VALUES else None


def _role_alone(role: Role) -> Role:
    """The role of what stands alone for a node of a role."""
    return "value" if role == "lookup" else role if role in _OF_VALUES else "other"


def _value_alone(node: Node, role: Role) -> Node | str | None:
    kept = _kept(node)
    if len(kept) == 1:
        child: Node | None = node.value[kept[0]]
        return child if child and _says(child, role) == _says(node, role) else None
    if kept == ["path", "as"] and not _is_over_lines(node.value["path"]):
        text = " as ".join(str(node.value[key].value).strip() for key in kept)
        line, _ = read(f"x: {quoted(text)}".encode(), node.document.file)
        child = line.get("x") if line else None
        return text if child and text.isprintable() and _says(child, role) == _says(node, role) else None
    return None


def _is_over_lines(node: Node) -> bool:
    return "\n" in node.document.text[node.start : node.end]


def _kept(node: Node) -> list[str]:
    """The keys of a value's block that say something, in the order of the language."""
    plain: dict[str, Any] = {"required": False, "default": None, "except": []}
    return [
        key
        for key in BLOCK_KEYS
        if (child := node.get(key)) and (key not in plain or child.data() != plain[key])
    ]


def _says(node: Node, role: Role) -> tuple[object, ...] | None:
    """What a value says, whatever its form; None where it is none."""
    value = _value(node, role)
    if value is None:
        return None
    kind = value.type.name if value.type else ""
    plain = json.dumps([value.text, value.default, value.required, value.excepted])
    return type(value.source), type(getattr(value.source, "value", None)), kind, plain


def _value(node: Node, role: Role) -> Value | None:
    return read_value(node, lambda _: None, full=role == "id", spread=role == "spread")


# A line


def in_a_line(node: Node, role: Role, name: str, *, within: bool = False) -> str:
    """A value in one line and in its shorter form. *within*: it stands between brackets."""
    alone = _alone(node, role, name)
    if isinstance(alone, str):
        return written(alone, within=within)
    if alone is not None:
        return in_a_line(alone, _role_alone(role), "", within=within)
    if node.kind == "scalar":
        return _scalar(node, role, within)
    if node.kind == "list":
        return "[" + ", ".join(in_a_line(child, "other", "", within=True) for child in node.value) + "]"
    keys = _kept(node) if role in _OF_VALUES else node.value
    lines = [
        f"{key_text(node.keys[key], within=True)}: "
        + in_a_line(node.value[key], role_within(role, key), key, within=True)
        for key in keys
    ]
    return "{ " + ", ".join(lines) + " }" if lines else "{}"


def key_text(key: Node, *, within: bool = False) -> str:
    """A key as it stands in a file."""
    if not key.value.isprintable():
        return key.document.text[key.start : key.end]
    return str(key.value) if key.is_plain else written(key.value, is_key=True, within=within)


def _scalar(node: Node, role: Role, within: bool) -> str:
    raw = node.document.text[node.start : node.end]
    if not node.is_text:
        return raw or "null"
    text = str(node.value)
    if not text.isprintable():
        return raw
    value = _value(node, role) if role in (*_OF_VALUES, "lookup") else None
    if value is not None and isinstance(value.source, Expression):
        text = f"{value.text} as {value.type.name}" if value.type else value.text
    return written(text, within=within, was_plain=node.is_plain)
