"""A file's text, and where in it a character of a value stands."""

from dataclasses import dataclass

from engine.issues import Place


@dataclass(frozen=True, slots=True)
class Document:
    """A file's name and lines, to make places from."""

    file: str
    text: str
    lines: tuple[str, ...]

    def place(self, line: int, column: int) -> Place:
        """A place from a line and a column counted from 0."""
        text = self.lines[line] if line < len(self.lines) else ""
        return Place(self.file, line + 1, column + 1, text)

    def place_of(self, index: int) -> Place:
        """The place of the character at *index* of the text."""
        before = self.text[:index]
        line = before.count("\n")
        return self.place(line, index - (before.rfind("\n") + 1))


def raw_index(value: str, raw: str, style: str | None, offset: int) -> int:
    """Where in *raw* (the file's text of a scalar) the character *offset* of its value stands."""
    at, indent = _first_index(raw, style)
    for character in value[:offset]:
        here = raw[at : at + 1]
        if style == '"' and here == "\\":
            while raw[at : at + 2] == "\\\n":  # an escaped line break is no character
                at = _skip(raw, at + 2, " \t")
            step = {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2) if raw[at : at + 1] == "\\" else 1
            at += step
        elif style == "'" and raw[at : at + 2] == "''":
            at += 2
        elif style == "|" and here == "\n":
            at = min(_skip(raw, at + 1, " "), at + 1 + indent)
        elif style == ">" and here == "\n":
            end = _skip(raw, at, "\n")
            at = min(_skip(raw, end, " "), end + indent)
        elif here == "\n" or (here in (" ", "\t") and here != character):
            at = _skip(raw, at, " \t\n")
        else:
            at += 1
    while style == '"' and raw[at : at + 2] == "\\\n":
        at = _skip(raw, at + 2, " \t")
    return min(at, max(len(raw) - 1, 0))


def _skip(raw: str, at: int, characters: str) -> int:
    while raw[at : at + 1] and raw[at] in characters:
        at += 1
    return at


def _first_index(raw: str, style: str | None) -> tuple[int, int]:
    """Where the text of a scalar begins (after its quote, or under its `|`), and its block's indent."""
    if style in ("'", '"'):
        return 1, 0
    if style in ("|", ">"):
        body = _skip(raw, raw.find("\n") + 1, "\n")
        start = _skip(raw, body, " ")
        return start, start - body
    return 0, 0
