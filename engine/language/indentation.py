"""Lines that stand wrongly: which of a block stands out, and where it should stand.

YAML stumbles where lines begin to contradict each other, which is often behind the one that is wrong:
when all children of a key but the first stand alike, the first is meant.
"""

import re
from dataclasses import dataclass

_DASH = re.compile(r"-(?:\s|$)")
_KEY = re.compile(r"[^#]*?:(?:\s|$)")
_OPENS = re.compile(r"(?::|-|[|>][-+0-9]*)\s*(?:#.*)?$")
"""The end of a line whose value stands below it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line with something on it; `number` counts from 0."""

    number: int
    indent: int
    text: str

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry of a list."""
        return bool(_DASH.match(self.text))

    @property
    def inner(self) -> int:
        """Where what belongs to it stands: behind its dash, for an entry that is a map."""
        content = self.text[1:].lstrip() if self.is_entry else ""
        return self.indent + (len(self.text) - len(content) if _KEY.match(content) else 0)


@dataclass(frozen=True, slots=True)
class Misplaced:
    """The line that stands wrongly and how; `indent` is where it should stand, if that is known."""

    line: int
    how: str
    indent: int | None = None


DEEPER = "this line is indented deeper than the value above it allows"
UNLIKE_ABOVE = "this line is indented like none of the lines above it"
NO_DASH = "this line has no dash, as those below it have"
UNLIKE_BELOW = "this line is indented otherwise than those below it"


def misplaced(text: str, line: int) -> Misplaced | None:
    """The line whose indentation is to blame where YAML cannot go on at *line*; None where none is."""
    rows = rows_of(text)
    at = next((place for place, row in enumerate(rows) if row.number == line), 0)
    if at == 0:
        return None
    row, above = rows[at], rows[at - 1]
    if row.indent > above.indent:
        return _deeper(rows, at)
    if row.indent == above.indent:
        start = at
        while start and rows[start - 1].indent == row.indent:
            start -= 1
        before = rows[start - 1] if start else row
        if start and before.is_entry and row.is_entry and not rows[start].is_entry:
            return Misplaced(row.number, DEEPER, before.indent)
        if (
            start > 1
            and row.is_entry
            and before.indent > row.indent
            and _opens_a_list(rows[start - 2], before)
        ):
            return Misplaced(before.number, NO_DASH)
        swallowed = before.indent < row.indent and not _OPENS.search(before.text)
        return _deeper(rows, start) if swallowed and before.inner != row.indent else None
    return _shallower(rows, at)


def _opens_a_list(parent: Row, first: Row) -> bool:
    """Whether a row could only be the first entry of a list, but for its dash."""
    return (
        parent.text.split("#")[0].rstrip().endswith(":") and not first.is_entry and not _KEY.match(first.text)
    )


def rows_of(text: str) -> list[Row]:
    """The lines that hold more than a comment."""
    rows = []
    for number, line in enumerate(text.split("\n")):
        row = _row(number, line)
        if row.text and not row.text.startswith("#"):
            rows.append(row)
    return rows


def _row(number: int, line: str) -> Row:
    return Row(number, len(line) - len(line.lstrip()), line.strip())


def indented(lines: list[str], indent: int) -> list[str]:
    """The lines with the first at another indentation, and those that moved with it.

    Behind the dash of an entry stands one space; its further keys follow where they stood below its first.
    """
    first = _row(0, lines[0])
    if not first.is_entry:
        return [" " * indent + first.text, *lines[1:]]
    made = [" " * indent + f"- {first.text[1:].lstrip()}"]
    by = _row(0, made[0]).inner - first.inner
    below = next(iter(rows_of("\n".join(lines[1:]))), first)
    follows = below.indent == first.inner  # else it is the dash alone that stands wrongly
    for line in lines[1:]:
        row = _row(0, line)
        follows = follows and (not row.text or row.indent >= first.inner)
        made.append(" " * (row.indent + by) + row.text if follows and row.text else line)
    return made


def _deeper(rows: list[Row], at: int) -> Misplaced:
    """A row below one whose value is complete: one of the two stands wrongly."""
    row, above = rows[at], rows[at - 1]
    is_first = at < 2 or (rows[at - 2].indent < above.indent and not rows[at - 2].is_entry)
    if is_first and _stands_out(rows, at - 1, at):
        return Misplaced(above.number, UNLIKE_BELOW, row.indent)
    after = next((other for other in rows[at + 1 :] if other.indent <= row.indent), None)
    is_alone = after is None or after.indent <= above.indent
    return Misplaced(row.number, DEEPER, above.indent if is_alone and not above.is_entry else None)


def _shallower(rows: list[Row], at: int) -> Misplaced | None:
    """A row less indented than the one above it, at no depth that is open there."""
    row = rows[at]
    parent = at - 1
    while parent >= 0 and rows[parent].indent > row.indent:
        parent -= 1
    if parent >= 0 and rows[parent].indent == row.indent:
        return None
    if (
        parent > 0
        and rows[parent - 1].indent < rows[parent].indent
        and row.indent % 2 < rows[parent].indent % 2
    ):
        return Misplaced(rows[parent].number, UNLIKE_BELOW, row.indent)
    siblings = parent >= 0 and rows[parent].is_entry and row.is_entry
    first = parent if siblings else parent + 1
    if _stands_out(rows, first, at):
        is_alone = sum(other.indent == rows[first].indent for other in rows[first:at]) == 1
        return Misplaced(rows[first].number, UNLIKE_BELOW, row.indent if is_alone else None)
    return Misplaced(row.number, UNLIKE_ABOVE, rows[first].indent)


def _stands_out(rows: list[Row], first: int, other: int) -> bool:
    """Whether the first row of a block stands wrongly, and not one that contradicts it."""
    one, two = rows[first].indent, rows[other].indent
    if one % 2 != two % 2:
        return one % 2 == 1
    after = 0
    for row in rows[other:]:
        if row.indent < min(one, two):
            break
        after += row.indent == two
    return after > sum(row.indent == one for row in rows[first:other])
