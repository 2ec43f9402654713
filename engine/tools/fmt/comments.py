"""The comments of a YAML file: where each stands, and how much room its author left before it."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.language.document import Document
from engine.language.source import Node


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment. `before` is what stands in its line before it; nothing where it has a line of its own.

    `line` and `column` are counted from 0. `more` are the lines below that go on with it, in the same column.
    """

    index: int
    line: int
    column: int
    text: str
    before: str = ""
    more: tuple[str, ...] = ()

    @property
    def is_alone(self) -> bool:
        """Whether it has a line of its own."""
        return not self.before

    @property
    def texts(self) -> tuple[str, ...]:
        """All its lines."""
        return (self.text, *self.more)


def comments_of(root: Node | None, document: Document) -> tuple[Comment, ...]:
    """Every comment of a file, in its order; *root* is None where there is nothing else."""
    text = document.text
    found = []
    at = 0
    for start, end in [*_scalars(root), (len(text), len(text))]:
        while (opened := text.find("#", at, start)) >= 0:
            at = end_of_line(text, opened)
            found.append(_comment(document, opened))
        at = max(at, end)
    return tuple(found)


def _scalars(root: Node | None) -> Iterator[tuple[int, int]]:
    """Where each scalar starts and ends, keys too; of a block of text its header ends in its line."""
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if node.kind == "scalar" and is_block_of_text(node):
            header = node.document.text.find("#", node.start, end_of_line(node.document.text, node.start))
            yield node.start, header if header >= 0 else node.end
            yield end_of_line(node.document.text, node.start), node.end
        elif node.kind == "scalar":
            yield node.start, node.end
        elif node.kind == "map":
            pairs = [(node.keys[key], child) for key, child in node.value.items()]
            waiting += [one for pair in reversed(pairs) for one in reversed(pair)]
        else:
            waiting += reversed(node.value)


def _comment(document: Document, start: int) -> Comment:
    line, column = document.position(start)
    before = document.text[start - column : start]
    text = document.text[start : end_of_line(document.text, start)].rstrip()
    if not before.strip():
        return Comment(start, line, len(before), text)
    if before.startswith("%") or before.strip() in ("---", "..."):  # these lines say nothing, and go
        return Comment(start, line, 0, text)
    return Comment(start, line, len(before), text, before.rstrip())


def is_block_of_text(node: Node) -> bool:
    """Whether a scalar stands under a `|` or a `>`."""
    return node.style in ("|", ">")


def end_of_line(text: str, at: int) -> int:
    """The index of the line break after a character, or of the end of the text."""
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


def next_content(text: str, at: int) -> int:
    """The index of what comes next that is neither white space nor a comment."""
    while at < len(text) and text[at] in " \t\n#":
        at = end_of_line(text, at) if text[at] == "#" else at + 1
    return at
