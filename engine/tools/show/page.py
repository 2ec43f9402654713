"""A merged spec -> the page that people read: YAML that stands by itself, each line with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath

from engine.folder import SHARED
from engine.issues import Place
from engine.tools.show.merged import LEFT_OUT, Entry, Merged
from engine.tools.show.yaml_text import entry

_WITHIN = "location."


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the page: YAML, a comment (without its `#`), or YAML with a comment after it."""

    text: str = ""
    comment: str = ""


def page(merged: Merged) -> Iterator[Shown]:
    """The page, line by line."""
    yield Shown("", " with ".join(merged.files))
    kept = [one for one in merged.entries if not one.fate]
    for section, entries in groupby(kept, key=lambda one: one.section):
        yield from _section(section, list(entries))
    gone = sorted((one for one in merged.entries if one.fate), key=_heading)
    for heading, entries in groupby(gone, key=_heading):
        yield Shown("", heading)
        yield from (Shown("", f"  {one.name}  {_at(one.place)}") for one in entries)
    if merged.tests:
        yield Shown("", f"its tests: {_at(merged.tests)}")


def _heading(one: Entry) -> str:
    if one.fate == LEFT_OUT:
        return "left out by `without`:"
    return "not looked up: nothing uses it" if one.section == "lookups" else "not worked out: nothing uses it"


def _section(section: str, entries: list[Entry]) -> Iterator[Shown]:
    if not entries[0].name:
        yield from _entry(entries[0], 0)
        return
    yield Shown(f"{section}:")
    for one in entries:
        if not _is_within(one):
            yield from _entry(one, 2)
    within = [one for one in entries if _is_within(one)]
    if within:
        yield Shown("  location:")
        for one in within:
            yield from _entry(one, 4)


def _is_within(one: Entry) -> bool:
    return one.section == "profile" and one.name.startswith(_WITHIN)


def _entry(one: Entry, indent: int) -> Iterator[Shown]:
    pad = " " * indent
    for place, text in one.replaces:
        yield Shown(pad, f"replaces {_at(place)}: {text}")
    for line in entry(one.key, one.node, indent, one.place):
        yield Shown(line.text, _at(line.place) if line.place else "")


def _at(place: Place) -> str:
    """A place without the folder of the mappings, which the first line tells."""
    path = PurePath(place.file)
    within = 2 if path.parent.name == SHARED else 1
    return f"{'/'.join(path.parts[-within:])}:{place.line}"
