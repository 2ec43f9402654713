"""`Spec`: what a mapping file says, with the place of everything, and how to run it left out."""

from dataclasses import dataclass, field
from typing import Literal

from engine.issues import Place
from engine.language.conditions import Condition
from engine.language.expressions import Expression
from engine.language.names import Name
from engine.language.source import Node
from engine.language.values import Value

EVENT_ID = "Intercom Event ID"
"""The property that repeats `unique_id`, since Klaviyo never gives unique ids back."""

Kind = Literal["event", "profile"]


@dataclass(frozen=True, slots=True)
class Field:
    """One line of `profile:` or `properties:`. `name` is dotted for a part of the location."""

    name: str
    value: Value
    place: Place

    @property
    def is_spread(self) -> bool:
        """Whether each key of an object becomes a property of its own."""
        return "*" in self.name

    def keeps(self, key: str) -> bool:
        """Whether a key of a spread object is not among its exceptions."""
        return not any(
            key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
            for pattern in self.value.excepted
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of `tests:`; `expect` stays a node, so that a failure can name its line."""

    name: str
    given: str
    place: Place
    expect: Node = field(compare=False, repr=False)
    changes: tuple[tuple[tuple[str | int, ...], Node], ...] = field(default=(), compare=False, repr=False)
    """Values to put into the fixture: keys and indexes from the item on, or from `event`."""
    history: bool = False
    given_place: Place | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """One mapping file with what it takes in by `use`, read and found without a fault.

    `names` are those of `let`, `lookups` and `each` that something needs, each after what it needs
    itself; `idle` are those that nothing needs. `hash` changes with any character of the files.
    """

    file: str
    stem: str
    kind: Kind
    name: str
    topics: tuple[str, ...]
    item: Expression
    conditions: tuple[Condition, ...]
    names: tuple[Name, ...]
    each: Name | None
    time: Value | None
    unique_id: Value | None
    value: Value | None
    profile: tuple[Field, ...]
    properties: tuple[Field, ...]
    history: str
    cases: tuple[Case, ...]
    idle: tuple[Name, ...] = ()
    hash: str = ""
    name_place: Place | None = None
    profile_place: Place | None = None
    item_value: Value | None = None
    """`item` as it is written; None where it is not."""

    @property
    def required(self) -> frozenset[str]:
        """The fields without which nothing is made: `profile.email`, `properties.Title`, `value`."""
        sections = (("profile", self.profile), ("properties", self.properties))
        named = {
            f"{section}.{one.name}" for section, fields in sections for one in fields if one.value.required
        }
        return frozenset(named | ({"value"} if self.value and self.value.required else set()))


@dataclass(frozen=True, slots=True)
class Draft:
    """A spec as far as it could be read. `faults` says whether anything in it is faulty."""

    spec: Spec
    faults: bool
    doubtful: frozenset[str]
    """The names that are written, and could not be read or mean two things."""
    profile: frozenset[str]
    """The fields of the profile that are written."""
    is_whole: bool
    """Whether no line was lost on the way."""
