"""The names that a spec gives: under `let`, `lookups` and `each`, put in the order of their use."""

import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import count
from typing import Literal

from engine.issues import Issue, Place, did_you_mean
from engine.language.layers import Layers
from engine.language.source import Node
from engine.language.values import Say, Value
from engine.ports import TABLES

NameKind = Literal["let", "lookup", "each"]
SECTIONS: dict[str, NameKind] = {"let": "let", "lookups": "lookup", "each": "each"}
TAKEN = ("event", "loop", "none", "null", "true", "false", "self", "super", "caller")

MOST_CIRCLES = 20
"""Circles that are told of one spec; each is looked for anew."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Name:
    """A name and where its value comes from; `table` is what a look-up looks in."""

    name: str
    kind: NameKind
    value: Value
    place: Place
    table: str = ""
    is_common: bool = True
    """Whether it is the same for every element of `each`."""


def read_names(
    merged: Layers, hidden: dict[str, str], value_of: Callable[[Node], Value | None], say: Say
) -> dict[str, Name]:
    """Every name of the spec. *hidden* are the keys of the payload that no name may hide, with their kind."""
    names: dict[str, Name] = {}
    from_file: dict[str, Node] = {}
    for section, kind in SECTIONS.items():
        entries = merged.entries(section)
        if kind == "each" and len(entries) > 1:
            own = {name: entry for name, entry in entries.items() if entry[2] is merged.own}
            if len(own) != 1:
                place = [entry[0] for entry in entries.values()][1]
                say(Issue("name-taken", "`each` takes one name", place))
            entries = own or dict([next(iter(entries.items()))])
        for name, (place, node, layer) in entries.items():
            if not _is_usable(name, place, hidden, say):
                continue
            if name in names and from_file[name] is layer:
                first = names[name].place
                say(Issue("name-taken", f'"{name}" is a name already, in line {first.line}', place))
                continue
            if name in names and from_file[name] is merged.own:
                continue
            table, value_node = _table(name, place, node, say) if kind == "lookup" else ("", node)
            value = value_of(value_node) if value_node else None
            if value is not None:
                names[name] = Name(name, kind, value, place, table)
                from_file[name] = layer
    return names


def _is_usable(name: str, place: Place, hidden: dict[str, str], say: Say) -> bool:
    if not _PLAIN.fullmatch(name):
        hint = "letters, digits and underscores, and a letter first"
        say(Issue("bad-name", f'"{name}" cannot be written in a path', place, hint))
        return False
    if name in TAKEN or keyword.iskeyword(name):
        say(Issue("name-taken", f'"{name}" has a meaning of its own', place, "take another name"))
        return False
    if name in hidden:
        hint = f"take another name, such as `the_{name}`"
        say(Issue("name-taken", f'"{name}" would hide the `{name}` of a {hidden[name]}', place, hint))
        return False
    return True


def _table(name: str, place: Place, node: Node, say: Say) -> tuple[str, Node | None]:
    """The table that a look-up looks in: by its name, or written as `{ admin: path }`."""
    if node.broken:
        return "", None
    if node.kind != "map":
        if name in TABLES:
            return name, node
        near = did_you_mean(name, TABLES)
        message = f'look-ups know no "{name}"{near}'
        known = f"known: {', '.join(TABLES)}"
        hint = known if near else f"say what it is: {name}: {{ admin: ... }}; {known}"
        say(Issue("unknown-table", message, place, hint))
        return "", None
    entries = list(node.items())
    if len(entries) != 1 or entries[0][0] not in TABLES:
        key = entries[0][0] if entries else ""
        place = entries[0][1] if entries else node.place
        message = (
            f'look-ups know no "{key}"{did_you_mean(key, TABLES)}'
            if key not in TABLES
            else "one table is expected"
        )
        say(Issue("unknown-table", message, place, f"known: {', '.join(TABLES)}"))
        return "", None
    return entries[0][0], entries[0][2]


def in_order(
    names: dict[str, Name], roots: Iterable[Value], say: Say
) -> tuple[tuple[Name, ...], tuple[Name, ...]]:
    """The names that the roots need, each after what it needs itself; and those that nothing needs."""
    needs = {name: sorted(own.value.reads & names.keys()) for name, own in names.items()}
    used = {name for name, own in names.items() if own.kind == "each"}
    waiting = [*used, *(name for value in roots for name in value.reads & names.keys())]
    while waiting:
        name = waiting.pop()
        used.add(name)
        waiting += [other for other in needs[name] if other not in used]
    ordered: dict[str, Name] = {}
    for name in _sorted(names, dict(needs), say):
        common = all(ordered[other].is_common for other in needs[name] if other in ordered)
        ordered[name] = replace(names[name], is_common=common and names[name].kind != "each")
    idle = tuple(own for name, own in names.items() if name not in used)
    return tuple(own for name, own in ordered.items() if name in used), idle


def _sorted(names: dict[str, Name], needs: dict[str, list[str]], say: Say) -> list[str]:
    for told in count():
        if told == MOST_CIRCLES:
            break
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle: list[str] = error.args[1][::-1]
            start = circle.index(min(circle[1:], key=lambda name: names[name].place))
            shown = [*circle[start:-1], *circle[: start + 1]]
            say(Issue("circle", f"these need each other: {' -> '.join(shown)}", names[shown[0]].place))
            for name in circle:
                needs[name] = []
    return list(needs)
