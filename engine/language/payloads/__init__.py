"""What Intercom documents of its payloads: every path with its type, its values and what it means.

The tables are text, one path a line (see `Shape` for what the columns say), in the modules beside this
one. They feed warnings, editors, docs and the command `coverage`. Payloads bring more than is documented,
so nothing here refuses anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from engine.language.payloads import contact, conversation, notification, records, ticket
from engine.language.payloads.people import ABOUT

SCALARS = ("text", "integer", "number", "boolean", "time")
CONTAINERS = ("object", "list", "map")
"""A `map` has the workspace's own names as keys, such as `custom_attributes`; an `object` has known ones."""

TABLES: Mapping[str, str] = {
    **conversation.TABLES, **ticket.TABLES, **contact.TABLES, **records.TABLES, **notification.TABLES,
}  # fmt: skip
"""The tables by the name of the object that they describe."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of one place of a payload.

    A line of a table is `path | type | what it means | values`. `type` is one of SCALARS and CONTAINERS,
    `any`, or the name of another table, whose paths then follow. `values` are the possible ones, or with
    `...` at the end (`is_open`) only the usual ones. `about` says whom it tells of, see `people`. A place
    where nothing is known is `any`.
    """

    type: str
    help: str = ""
    values: tuple[str, ...] = ()
    is_open: bool = False
    keys: Mapping[str, "Shape"] = field(default_factory=dict)
    element: "Shape | None" = None
    about: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it, so that a key that it lacks can be called unknown."""
        return self.type not in ("any", "nothing")


ANY = Shape("any")
NOTHING = Shape("nothing")
"""Of a key that is not there."""


@cache
def shape_of(table: str) -> Shape:
    """The object that a table describes. Raises KeyError for a name that is no table."""
    root = _Draft("object")
    for path, kind, meaning, values in lines_of(table):
        draft = root
        for step in path.replace("[]", ".[]").split("."):
            draft = draft.inner(step)
        draft.settle(kind, meaning, values, ABOUT.get((table, path), ""))
    return root.finished()


def lines_of(table: str) -> Iterator[tuple[str, str, str, str]]:
    """The lines of a table as path, type, meaning and values. What ends in `|` or `,` goes on in the next."""
    text = TABLES[table].strip().replace("|\n", "|").replace(",\n", ",")
    for line in text.splitlines():
        path, kind, meaning, values = (cell.strip() for cell in f"{line}|||".split("|")[:4])
        yield path, kind, meaning, values


def keys_of(table: str) -> frozenset[str]:
    """The keys at the top of a table, read without the rest of it: this is needed at every start."""
    return frozenset(path.split(".")[0].removesuffix("[]") for path, *_ in lines_of(table))


class _Draft:
    """A shape while the lines of its table are read."""

    def __init__(self, kind: str = "") -> None:
        self.shape = Shape(kind or "any")
        self.inside: dict[str, _Draft] = {}

    def inner(self, step: str) -> "_Draft":
        return self.inside.setdefault(step, _Draft())

    def settle(self, kind: str, meaning: str, values: str, about: str) -> None:
        known = tuple(value.strip() for value in values.split(",") if value.strip())
        is_open = known[-1:] == ("...",)
        if kind in TABLES:
            named = shape_of(kind)
            self.shape = Shape(named.type, meaning, keys=named.keys, about=about)
        else:
            usual = known[:-1] if is_open else known
            self.shape = Shape(kind, meaning, usual, is_open, about=about)

    def finished(self) -> Shape:
        shape = self.shape
        element = self.inside.pop("[]").finished() if "[]" in self.inside else None
        keys = {**shape.keys, **{step: draft.finished() for step, draft in self.inside.items()}}
        kind = shape.type
        if kind == "any" and (element or keys):
            kind = "list" if element else "object"
        return Shape(kind, shape.help, shape.values, shape.is_open, keys, element, shape.about)


@cache
def notification_of(topic: str, kind: str) -> Shape:
    """A whole notification of a topic; its `data.item` is a *kind* where the topic has no table of its own.

    A kind that is not known gives an item of which nothing is known.
    """
    tables = notification.ITEMS.get(topic, kind).split()
    item = NOTHING
    for table in tables:
        item = either(item, shape_of(table) if table in TABLES else ANY)
    if not tables:
        item = ANY
    whole = shape_of("notification")
    inner = whole.keys["data"]
    inside = Shape("object", inner.help, keys={**inner.keys, "item": item})
    return Shape("object", whole.help, keys={**whole.keys, "data": inside})


def either(one: Shape, other: Shape, deepest: int = 8) -> Shape:
    """What is known of a value that is one or the other: every key of both, down to a depth."""
    if one is other or other is NOTHING:
        return one
    if one is NOTHING:
        return other
    if one.type != other.type or not one.is_known or not deepest:
        return ANY
    keys = {**other.keys, **one.keys}
    for key in one.keys.keys() & other.keys.keys():
        keys[key] = either(one.keys[key], other.keys[key], deepest - 1)
    element = one.element or other.element
    if one.element and other.element:
        element = either(one.element, other.element, deepest - 1)
    values = tuple(dict.fromkeys((*one.values, *other.values))) if one.values and other.values else ()
    is_open, about = one.is_open or other.is_open, one.about or other.about
    return Shape(one.type, one.help or other.help, values, is_open, keys, element, about)


def paths_of(shape: Shape, before: str = "", deepest: int = 12) -> Iterator[tuple[str, Shape]]:
    """Every path below a shape with what is there, in the order of the table; `[]` for each element."""
    if not deepest:
        return
    for key, child in shape.keys.items():
        path = f"{before}.{name_of(key)}" if before else name_of(key)
        yield path, child
        yield from paths_of(child, path, deepest - 1)
    if shape.element:
        yield f"{before}[]", shape.element
        yield from paths_of(shape.element, f"{before}[]", deepest - 1)


def name_of(key: str) -> str:
    """A key as a path writes it: in double quotes where it is no plain word."""
    return key if key.isascii() and key.isidentifier() else f'"{key}"'
