"""A file's text, and where in it a character of a value stands."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from engine.issues import Place

_WORD = re.compile(r"\w+")
# White space with a line break in it: flow scalars fold it into one space, or into line breaks.
_FOLD = re.compile(r"[ \t]*(?:\n[ \t]*)+")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Document:
    """A file's name and text, to make places from.

    `shown` are the lines as the person wrote them, where `text` is what could be read of them. A line
    is what an editor takes for one; YAML knows further line breaks.
    """

    file: str
    text: str
    shown: tuple[str, ...]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @property
    def is_mended(self) -> bool:
        """Whether lines that are no YAML were taken out."""
        return self.text != "\n".join(self.shown)

    def position(self, index: int) -> tuple[int, int]:
        """Line and column, from 0, of the character at *index* of the text."""
        line = bisect_right(self._starts, index) - 1
        return line, index - self._starts[line]

    def place(self, line: int, column: int, end: int = 0) -> Place:
        """A place from a line and a column counted from 0; it ends at *end*, or with the word there."""
        text = self.shown[line] if line < len(self.shown) else ""
        if end <= column:
            word = _WORD.match(text, column)
            end = word.end() if word else column + 1
        return Place(self.file, line + 1, column + 1, text, end + 1)

    def place_of(self, index: int, end: int = 0) -> Place:
        """The place of the character at *index* of the text, up to *end* where that is in the same line."""
        line, column = self.position(index)
        last, until = self.position(end) if end > index else (line, 0)
        return self.place(line, column, until if last == line else 0)


def raw_index(value: str, raw: str, style: str | None, offset: int) -> int:
    """Where in *raw* (the file's text of a scalar) the character *offset* of its value stands."""
    if style == "|":
        found = _in_literal(value, raw, offset)
    elif style == ">":
        found = _in_folded(value, raw, offset)
    else:
        found = _in_flow(raw, style, offset)
    return min(found, max(len(raw) - 1, 0))


def _in_flow(raw: str, style: str | None, offset: int) -> int:
    """In plain and quoted scalars: escapes, doubled quotes, folded lines."""
    at, count = (1 if style else 0), 0
    while True:
        while style == '"' and raw.startswith("\\\n", at):  # an escaped line break is no character
            at = _skip(raw, at + 2, " \t")
        if count >= offset or at >= len(raw):
            return at
        fold = _FOLD.match(raw, at)
        if fold:
            folded = max(fold.group().count("\n") - 1, 1)
            if offset < count + folded:
                return at
            at, count = fold.end(), count + folded
            continue
        blanks = _BLANKS.match(raw, at)
        if blanks:  # all at once: a look for a fold at each of them would look through the rest of them
            passed = min(len(blanks.group()), offset - count)
            at, count = at + passed, count + passed
            continue
        step = 1
        if style == '"' and raw[at] == "\\":
            step = {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
        elif style == "'" and raw.startswith("''", at):
            step = 2
        at, count = at + step, count + 1


def _in_literal(value: str, raw: str, offset: int) -> int:
    """Under a `|`, each line of the value is a line of the file, less its indentation."""
    lines, indent = _block(value, raw)
    before = value[:offset]
    start, line = lines[min(before.count("\n"), len(lines) - 1)]
    return start + min(indent, len(line)) + offset - (before.rfind("\n") + 1)


def _in_folded(value: str, raw: str, offset: int) -> int:
    """Under a `>`, lines run on; blank lines between them are line breaks."""
    lines, indent = _block(value, raw)
    count = 0
    end = lines[0][0]
    for start, line in lines:
        content = line[indent:]
        if not content:
            continue
        breaks = 0
        while value[count + breaks : count + breaks + 1] == "\n":
            breaks += 1
        if count and not breaks:
            breaks = 1  # the space that joins two lines
        if offset < count + breaks:
            return end
        count += breaks
        if offset < count + len(content):
            return start + indent + offset - count
        count += len(content)
        end = start + len(line)
    return end


def _block(value: str, raw: str) -> tuple[list[tuple[int, str]], int]:
    """The lines under a `|` or `>` with where each starts, and their indentation."""
    start = raw.find("\n") + 1
    lines = []
    for line in raw[start:].split("\n"):
        lines.append((start, line))
        start += len(line) + 1
    written = next((line for _, line in lines if line.strip()), "")
    kept = next((line for line in value.split("\n") if line.strip()), "")
    return lines, _skip(written, 0, " ") - _skip(kept, 0, " ")


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at
