"""The text of a new spec, line by line; which line proposes which property is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.tools.new.addressee import Addressee, Lines
from engine.tools.new.captured import Captured
from engine.tools.new.occurrence import PART, Occurrence
from engine.tools.new.proposal import MOST, WRITTEN, Proposed
from engine.tools.new.spelling import line
from engine.tools.quotes import written

MODELINE = "# yaml-language-server: $schema=../schemas/metric.schema.json"
UNDOCUMENTED = "undocumented"
"""Why a property is no more than proposed: Intercom does not document it, so `check` warns of it."""

_HEADS = {
    WRITTEN: "# What people write stays in Intercom until you uncomment its line:",
    UNDOCUMENTED: "# Of these `check` would warn, as Intercom does not document them so:",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A new spec before it is text. `item` and `use` are what it says under these keys, or nothing."""

    metric: str
    captured: Captured
    occurrence: Occurrence
    addressee: Addressee
    item: str = ""
    use: str = ""
    has_schema: bool = False
    properties: tuple[Proposed, ...] = ()

    def without(self, unwanted: Sequence[Proposed]) -> "Draft":
        """The same with some properties as comments."""
        kept = tuple(
            replace(one, why_not=UNDOCUMENTED) if one in unwanted else one for one in self.properties
        )
        return replace(self, properties=kept)


@dataclass(frozen=True, slots=True)
class Page:
    """The text, and the property that each of its lines (from 1) belongs to."""

    text: str
    properties: dict[int, Proposed]


def page_of(draft: Draft, tests: Sequence[str] = ()) -> Page:
    """The spec as text, with the lines of its `tests:` at the end."""
    lines: list[tuple[str, Proposed | None]] = [(text, None) for text in _head(draft)]
    lines += _properties(draft.properties)
    lines += [(text, None) for text in ("", *tests) if tests]
    owners = {number: one for number, (_, one) in enumerate(lines, 1) if one}
    return Page("".join(f"{text}\n" for text, _ in lines).rstrip() + "\n", owners)


def _head(draft: Draft) -> Iterator[str]:
    captured = draft.captured
    if draft.has_schema:
        yield MODELINE
    yield "# Proposed from a notification: take out what you do not need."
    yield line("metric", draft.metric)
    yield line("topic", captured.topic)
    if draft.use:
        yield line("use", draft.use)
        yield "history: none  # its past is not told"
    if draft.item:
        yield line("item", draft.item)
    yield ""
    if draft.occurrence.each:
        yield from _section("each", ((PART, draft.occurrence.each),))
    yield from _section("let", draft.addressee.let)
    yield from _section("lookups", draft.addressee.lookups)
    yield line("time", draft.occurrence.time)
    yield line("unique_id", draft.occurrence.unique_id)
    yield ""
    yield from _section("profile", draft.addressee.profile)


def _section(name: str, lines: Lines) -> Iterator[str]:
    if lines:
        yield f"{name}:"
        yield from (f"  {line(key, value)}" for key, value in lines)
        yield ""


def _properties(properties: Sequence[Proposed]) -> Iterator[tuple[str, Proposed | None]]:
    if not properties:
        return
    sent = [one for one in properties if not one.why_not]
    yield ("properties:" if sent else "# properties:"), None
    for one in sorted(sent, key=lambda one: "*" in one.name):
        yield from ((f"  {text}", one) for text in _entry(one))
    for why, head in _HEADS.items():
        kept = [one for one in properties if one.why_not == why]
        yield from ((f"  {text}", None) for text in (head,) if kept)
        yield from ((f"  # {text}", None) for one in kept for text in _entry(one))
    if len(properties) == MOST:
        yield f"  # The notification holds more than these {MOST}.", None


def _entry(one: Proposed) -> Iterator[str]:
    value = f"{one.path} as {one.type}" if one.type else one.path
    if not one.excepted:
        yield line(one.name, value)
        return
    yield f"{written(one.name, is_key=True)}:"
    yield f"  {line('path', value)}"
    yield f"  except: [{', '.join(written(key, within=True) for key in one.excepted)}]"
