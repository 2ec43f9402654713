"""A layout as the text of a file: two spaces a level, and comments in the columns that they had."""

from collections.abc import Iterable

from engine.tools.fmt.comments import Comment
from engine.tools.fmt.layout import BLANK, Block, Item, Written
from engine.tools.fmt.shorter import key_text

INDENT = 2
GAP = 2
"""Spaces before a comment whose column is taken."""


def page(header: Iterable[str], file: Block) -> str:
    """The text of a file."""
    made = _Page()
    made.above(header, 0)
    made.block(file, 0)
    return "".join(f"{line}\n" for line in made.lines)


class _Page:
    """The lines of a file, one after the other."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._is_open = False

    def block(self, block: Block, indent: int) -> None:
        """Entries under each other."""
        for item in block.items:
            self.above(item.lead, indent)
            self._item(item, indent)
        self.above(block.tail, indent)

    def above(self, lines: Iterable[str], indent: int) -> None:
        """Comments and blank lines; none after a text that blank lines would add to."""
        for line in lines:
            if line != BLANK:
                self._add(" " * indent + line)
            elif not self._is_open:
                self._add(BLANK)

    def _add(self, line: str) -> None:
        self.lines.append(line)
        self._is_open = False

    def _item(self, item: Item, indent: int) -> None:
        head = " " * indent + (f"{key_text(item.key)}:" if item.key else "-")
        if isinstance(item.body, Written):
            self._written(item.body, head, indent, item.notes)
        elif item.key:
            self._add(_with_notes(head, item.notes))
            self.block(item.body, indent + INDENT)
        else:
            first = len(self.lines)
            self.block(item.body, indent + INDENT)
            self.lines[first] = f"{head} {self.lines[first][indent + INDENT :]}"

    def _written(self, body: Written, head: str, indent: int, notes: tuple[Comment, ...]) -> None:
        first, *later = body.lines
        texts = [f"{head} {first}", *(f"{' ' * indent}{line}" if line else "" for line in later)]
        noted = 0 if first.startswith(("|", ">")) else len(texts) - 1
        for number, text in enumerate(texts):
            self._add(_with_notes(text, notes) if number == noted else text)
        self._is_open = body.is_open


def _with_notes(line: str, notes: tuple[Comment, ...]) -> str:
    """The line with its comments, in the column where the author put them unless it is too near now."""
    for note in notes:
        least = GAP if len(line) != len(note.before) else 1
        column = max(note.column, len(line) + least)
        line = "\n".join([line.ljust(column) + note.text, *(" " * column + text for text in note.more)])
    return line
