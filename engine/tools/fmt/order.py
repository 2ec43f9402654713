"""The order of the sections of a spec, and the blank lines between those that moved."""

from dataclasses import replace
from itertools import pairwise

from engine.tools.fmt.layout import BLANK, Block, Item, without_blank

_GROUPS = (
    ("metric", "name", "topic", "use", "without", "item", "history"),
    ("each",),
    ("let",),
    ("when",),
    ("lookups",),
    ("time", "unique_id", "value"),
    ("profile",),
    ("properties",),
    ("tests",),
)
ORDER = tuple(key for group in _GROUPS for key in group)
"""From what is told to when, whom and what of it: the order in which the shipped mappings read."""

Lines = tuple[str, ...]


def in_order(file: Block) -> tuple[Lines, Block]:
    """The comments on top of a file, and its sections in their order.

    The author's blank lines stay. Where sections stand apart at all, those that come to stand beside each
    other and do not belong together stand apart, too.
    """
    if not file.items:
        return (), file
    header, first = _header(file.items[0])
    items = [first, *file.items[1:]]
    ordered = sorted(items, key=lambda item: ORDER.index(item.name))
    if any(_is_apart(item) for item in items):
        neighbours = {(before.name, item.name) for before, item in pairwise(items)}
        ordered[1:] = [
            item if (before.name, item.name) in neighbours else _apart(before, item)
            for before, item in pairwise(ordered)
        ]
    ordered[0] = replace(ordered[0], lead=without_blank(ordered[0].lead))
    return header, replace(file, items=tuple(ordered))


def _header(first: Item) -> tuple[Lines, Item]:
    """The comments of the file, up to the last blank line if there is one; and the first entry without."""
    lines = without_blank(first.lead)
    blanks = [at for at, line in enumerate(lines) if line == BLANK]
    end = blanks[-1] + 1 if blanks else len(lines)
    return lines[:end], replace(first, lead=lines[end:])


def _is_apart(item: Item) -> bool:
    """Whether a blank line stands above an entry and its comments."""
    return item.lead[:1] == (BLANK,)


def _apart(before: Item, item: Item) -> Item:
    together = any(before.name in group and item.name in group for group in _GROUPS)
    return item if together or _is_apart(item) else replace(item, lead=(BLANK, *item.lead))
