"""Nodes of a spec's file -> lines of YAML: each value as its author wrote it, at another indentation."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.issues import Place
from engine.language.source import Node
from engine.tools.quotes import quoted

_BLOCK_HEADERS = ("|", "|-", ">", ">-")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of YAML, and where it is written; without a place where no comment may follow it."""

    text: str
    place: Place | None = None


def entry(key: Node, node: Node, indent: int = 0, place: Place | None = None) -> Iterator[Line]:
    """The lines of `key: value`; *place* stands for that of the key."""
    head = f"{' ' * indent}{scalar_lines(key)[0] if _fits_a_line(key) else quoted(str(key.value))}:"
    place = place or key.place
    if node.kind == "scalar":
        yield from _scalar(head, node, indent, place)
    elif _fits_a_line(node) or not node.value:
        yield Line(f"{head} {_in_brackets(node)}", place)
    else:
        yield Line(head, place)
        yield from _children(node, indent + 2)


def value_text(node: Node) -> str:
    """The text of a value alone, as it stands after its key."""
    if node.kind == "scalar":
        first, *later = scalar_lines(node)
        return "\n".join([first, *(f"  {line}" if line else "" for line in later)])
    if _fits_a_line(node) or not node.value:
        return _in_brackets(node)
    return "\n".join(line.text for line in _children(node, 0))


def _children(node: Node, indent: int) -> Iterator[Line]:
    if node.kind == "map":
        for key, _, child in node.items():
            yield from entry(node.keys[key], child, indent)
        return
    for child in node.value:
        head = f"{' ' * indent}-"
        if child.kind == "scalar":
            yield from _scalar(head, child, indent, child.place)
        else:
            yield Line(f"{head} {_in_brackets(child)}", child.place)


def _scalar(head: str, node: Node, indent: int, place: Place) -> Iterator[Line]:
    """A scalar after its key or dash; a comment follows a block's header, and else the last line."""
    first, *later = scalar_lines(node)
    texts = [f"{head} {first}".rstrip(), *(f"{' ' * (indent + 2)}{line}" if line else "" for line in later)]
    last = 0 if _is_block(node) else len(texts) - 1
    for number, text in enumerate(texts):
        yield Line(text, place if number == last else None)


def scalar_lines(node: Node) -> list[str]:
    """A scalar's text as written, later lines less their indentation.

    What a terminal would obey, and what hangs on its own indentation, is written anew in quotes.
    """
    raw = _raw(node)
    first, *later = raw.split("\n")
    if not later:
        return [raw] if raw.isprintable() else [quoted(str(node.value))]
    if all(line.isprintable() for line in (first, *later)):
        if not _is_block(node):
            return [first.rstrip(), *(line.lstrip(" ") for line in later)]
        header = first.partition("#")[0].strip()
        if header in _BLOCK_HEADERS and str(node.value).strip("\n"):
            indent = min(len(line) - len(line.lstrip(" ")) for line in later if line.strip())
            return [header, *(line[indent:] for line in _without_blank_end(later))]
    return [quoted(str(node.value))]


def _raw(node: Node) -> str:
    return node.document.text[node.start : node.end]


def _is_block(node: Node) -> bool:
    return node.style in ("|", ">")


def _fits_a_line(node: Node) -> bool:
    """Whether it is written in one line: a scalar, or a list or a map in brackets."""
    raw = _raw(node)
    bare = node.kind != "scalar" and not raw.startswith(("{", "["))
    return not bare and "\n" not in raw and raw.isprintable()


def _in_brackets(node: Node) -> str:
    """A list or a map in one line."""
    return _raw(node) if _fits_a_line(node) else _flow(node.data())


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {_flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
