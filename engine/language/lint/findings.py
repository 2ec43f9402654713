"""What a look at a path or a template gives, and one step of such a look.

Where nothing is known of the payload the answer is `any`, and nothing is found wrong: payloads bring more
than is documented.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from engine.language.expressions import ITEM
from engine.language.payloads import ANY, NOTHING, Shape

TEXT, NUMBER, BOOLEAN = Shape("text"), Shape("number"), Shape("boolean")
Steps = tuple[str, ...]
BRACKETS = "[]"
"""Stands for a key where brackets are put after what is no list."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a value sees: `shape` has the item's keys and the spec's names, `item` the item's keys alone.

    `is_whole`: nothing else can be there, as far as the spec could be read.
    """

    shape: Shape
    item: Shape = ANY
    is_whole: bool = True

    def with_name(self, name: str, shape: Shape) -> "Scope":
        """The scope with one name laid over it."""
        keys = {**self.shape.keys, name: shape}
        return replace(self, shape=replace(self.shape, keys=keys))


@dataclass(frozen=True, slots=True)
class Missing:
    """A step that leads nowhere: the *key* at *offset* of the text, which *owner* does not have.

    `before` are the steps that led to the owner, None where they are not known. `is_root`: the path starts
    here. `is_compared`: it stands beside `==` or its like. `is_quoted`: in double quotes.
    """

    offset: int
    key: str
    owner: Shape
    before: Steps | None = ()
    is_root: bool = False
    is_quoted: bool = False
    is_compared: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """A value of the payload compared with a plain one of the path, at *offset*.

    `listed` are the steps to the list of which it is an element, where it is one.
    """

    offset: int
    shape: Shape
    plain: Any
    listed: Steps | None = None


@dataclass(frozen=True, slots=True)
class Calculated:
    """A calculation at *offset* with what is no number: a value of this shape."""

    offset: int
    shape: Shape
    is_sum: bool


@dataclass(slots=True)
class Found:
    """What a value gives, which places it reads, and what is odd about it."""

    shape: Shape = ANY
    reads: list[tuple[Steps, Shape]] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    calculated: list[Calculated] = field(default_factory=list)


def shape_of_plain(value: Any) -> Shape:
    """The shape of a value that is written in the spec."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        return Shape("list", element=ANY)
    return Shape("map") if isinstance(value, dict) else ANY


class Walk:
    """What paths and templates share: one step further into a shape, and what is noted on the way."""

    def __init__(self, scope: Scope, found: Found) -> None:
        self.scope = scope
        self.found = found

    def step(
        self, key: str, shape: Shape, before: Steps | None, offset: int, quoted: bool = False
    ) -> tuple[Shape, Steps | None]:
        """The shape of a key; `before` is None where the steps that led here are not known."""
        if key == ITEM:
            return self.scope.item, ()
        steps = None if before is None else (*before, key)
        inside = self._inside(key, shape, before, offset, quoted)
        if steps is not None:
            self.found.reads.append((steps, inside))
        return inside, steps

    def _inside(self, key: str, shape: Shape, before: Steps | None, offset: int, quoted: bool) -> Shape:
        if shape is NOTHING or key in shape.keys:
            return shape.keys.get(key, NOTHING)
        if not shape.is_known or shape.type == "map":
            return ANY
        if shape is self.scope.shape and not self.scope.is_whole:
            return ANY
        is_root = before is not None and not before and shape is self.scope.shape
        self.found.missing.append(Missing(offset, key, shape, before, is_root, quoted))
        return NOTHING
