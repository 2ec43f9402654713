"""A spec's file as its author laid it out: entries with the comments and blank lines that belong to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from engine.language.document import Document
from engine.language.source import Node
from engine.tools.fmt.comments import Comment, comments_of, end_of_line, is_block_of_text, next_content

BLANK = ""
"""A blank line among the lines above an entry."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it stands after its key or dash: a line, and those below it, less the entry's indentation.

    With `is_open`, blank lines below would be part of it.
    """

    lines: tuple[str, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that stand under each other. `tail` are the lines after the last one."""

    items: tuple["Item", ...]
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A `key: value`, or an element of a list (without a key).

    `lead` are the comments and blank lines above it, `notes` the comments in its own line, `inside` those
    within its brackets, which stay in its text.
    """

    key: Node | None
    node: Node
    body: Written | Block
    lead: tuple[str, ...] = ()
    notes: tuple[Comment, ...] = ()
    inside: tuple[Comment, ...] = ()

    @property
    def name(self) -> str:
        """Its key as text."""
        return str(self.key.value) if self.key else ""


def lay_out(root: Node | None, document: Document) -> Block:
    """The layout of a file that was read without an error; *root* is None where it holds comments alone."""
    return _Layout(document, comments_of(root, document)).of_file(root)


def is_in_brackets(node: Node) -> bool:
    """Whether a map or a list is written in brackets."""
    return node.kind != "scalar" and node.document.text[node.start : node.start + 1] in ("{", "[")


class _Layout:
    """Goes once through a file; each comment goes to the entry that it belongs to."""

    def __init__(self, document: Document, comments: tuple[Comment, ...]) -> None:
        self._document = document
        self._text = document.text
        self._comments = [*reversed(comments)]
        self._root: Node | None = None

    def of_file(self, root: Node | None) -> Block:
        if root is None or not root.value:
            return Block((), without_blank(self._above(len(self._text))))
        self._root = root
        block = self._block(root, self._column_of(root), len(self._text), -1)
        return replace(block, tail=(*block.tail, *self._above(len(self._text))))

    def _block(self, node: Node, column: int, until: int, outer: int) -> Block:
        """Entries up to *until*, where something else starts, inside a block of column *outer*.

        A comment after the last entry belongs to the deepest block that is not indented deeper than it.
        """
        entries = [*self._entries(node)]
        starts = [start for start, _, _ in entries[1:]]
        items = []
        for (start, key, child), following in zip(entries, [*starts, until], strict=True):
            lead = self._above(start)
            items.append(self._item(key, child, column, following, lead))
        items[0] = replace(items[0], lead=without_blank(items[0].lead))
        return Block(tuple(items), self._above(until, max(outer + 1, column), blank=False))

    def _is_long_section(self, node: Node) -> bool:
        """Whether it is a section in brackets over several lines, which stand as lines of their own."""
        sections = self._root.value.values() if self._root else ()
        is_section = node.kind == "map" and any(section is node for section in sections)
        return is_section and bool(node.value) and "\n" in self._text[node.start : node.end]

    def _entries(self, node: Node) -> Iterator[tuple[int, Node | None, Node]]:
        """Where each entry starts, its key, and its value."""
        if node.kind == "map":
            for key, child in node.value.items():
                yield node.keys[key].start, node.keys[key], child
            return
        dash = node.start
        for child in node.value:
            yield dash, None, child
            dash = next_content(self._text, _end_of(child))

    def _item(self, key: Node | None, node: Node, column: int, until: int, lead: tuple[str, ...]) -> Item:
        if node.kind == "scalar" or (is_in_brackets(node) and not self._is_long_section(node)):
            return self._written(key, node, column, lead)
        start = node.start
        notes = self._notes(lambda comment: comment.index < start and not comment.is_alone)
        block = self._block(node, self._column_of(node), until, column)
        return Item(key, node, block, lead, notes)

    def _written(self, key: Node | None, node: Node, column: int, lead: tuple[str, ...]) -> Item:
        notes: tuple[Comment, ...] = ()
        while self._is_next(before=node.start):
            if self._comments[-1].is_alone:
                lead = (*lead, self._comments.pop().text)
            else:
                notes += self._notes(lambda comment: comment.index < node.start and not comment.is_alone)
        if is_block_of_text(node):
            header = end_of_line(self._text, node.start)
            notes += self._notes(lambda comment: comment.index < header, goes_on=False)
        inside = self._notes(lambda comment: comment.index < node.end, goes_on=False)
        body = self._in_lines(node, column)
        line = self._document.position(_end_of(node))[0]
        notes += self._notes(lambda comment: comment.line == line and not comment.is_alone)
        return Item(key, node, body, lead, notes, inside)

    def _in_lines(self, node: Node, column: int) -> Written:
        """A value's text; later lines keep their indentation relative to *column*, where the entry starts."""
        first, *later = self._text[node.start : node.end].split("\n")
        if is_block_of_text(node):
            return _block_of_text(node, first, later, column)
        least = 2 if node.kind == "scalar" else 0
        return Written((_trimmed(first), *(_moved(line, -column, least) for line in later)))

    # The comments

    def _is_next(self, before: int) -> bool:
        return bool(self._comments) and self._comments[-1].index < before

    def _notes(self, belongs: Callable[[Comment], bool], goes_on: bool = True) -> tuple[Comment, ...]:
        """The next comments that belong here; one in the same column of the next line goes on with it."""
        notes = []
        while self._comments and belongs(self._comments[-1]):
            note = self._comments.pop()
            while goes_on and self._comments and self._is_more(note, self._comments[-1]):
                note = replace(note, more=(*note.more, self._comments.pop().text))
            notes.append(note)
        return tuple(notes)

    def _is_more(self, note: Comment, below: Comment) -> bool:
        is_next = below.line == note.line + len(note.more) + 1
        return is_next and below.is_alone and below.column == note.column

    def _above(self, index: int, column: int = -1, blank: bool = True) -> tuple[str, ...]:
        """The comments before a place that are indented at least as deep as *column*, and blank lines."""
        lines: list[str] = []
        while self._is_next(before=index) and self._comments[-1].column >= column:
            comment = self._comments.pop()
            lines += [BLANK] * self._is_after_blank(comment.index) + [comment.text]
        return (*lines, *([BLANK] * (blank and index < len(self._text) and self._is_after_blank(index))))

    def _is_after_blank(self, index: int) -> bool:
        line = self._text.rfind("\n", 0, index)
        before = self._text.rfind("\n", 0, max(line, 0)) + 1
        return line >= 0 and not self._text[before:line].strip()

    def _column_of(self, node: Node) -> int:
        """The column of the entries of a map or a list."""
        first = next(iter(node.keys.values())) if node.kind == "map" else node
        return self._document.position(first.start)[1]


def comments_among(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines without the blank ones."""
    return tuple(line for line in lines if line != BLANK)


def without_blank(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines without a blank one at the beginning."""
    return lines[1:] if lines[:1] == (BLANK,) else lines


def _end_of(node: Node) -> int:
    """Where the last content of a value ends; blank lines below a block of text are none of it."""
    while node.kind != "scalar" and not is_in_brackets(node):
        node = node.value[-1] if node.kind == "list" else [*node.value.values()][-1]
    if not is_block_of_text(node):
        return node.end
    return node.start + len(node.document.text[node.start : node.end].rstrip())


def _block_of_text(node: Node, first: str, later: list[str], column: int) -> Written:
    """Under a `|` or a `>`: each line of the text keeps what is more than the text's own indentation."""
    header = first.partition("#")[0].strip()
    given = "".join(character for character in header if character.isdigit())
    written = next((line for line in later if line.strip()), "")
    indent = column + int(given) if given else len(written) - len(written.lstrip(" "))
    lines = [line[indent:] for line in (later[:-1] if later and not later[-1] else later)]
    ends_blank = bool(lines) and not lines[-1]
    is_open = "+" in header and ends_blank
    while ends_blank and not is_open and lines and not lines[-1]:
        lines.pop()
    if not is_open:
        header = header.replace("+", "")
    if node.value and not node.value.endswith("\n") and "-" not in header:
        header += "-"  # its last line is the file's and has no line break, which it will get
    header = header.replace(given, "2") if given else header
    return Written((header, *(f"  {line}" if line else "" for line in lines)), is_open)


def _moved(line: str, by: int, least: int) -> str:
    """A line with its indentation changed, *least* at least."""
    content = line.lstrip(" \t")
    indent = max(len(line) - len(content) + by, least)
    return " " * indent + _trimmed(content) if content else ""


def _trimmed(line: str) -> str:
    """The line without white space at its end, unless a backslash makes it part of the text."""
    trimmed = line.rstrip(" \t")
    slashes = len(trimmed) - len(trimmed.rstrip("\\"))
    return line[: len(trimmed) + slashes % 2]
