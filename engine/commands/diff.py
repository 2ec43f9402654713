"""`diff`: which events a change of the mappings makes appear, vanish or change."""

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

import click

from engine.commands.options import chosen, is_meant, option, plans_from, work_through
from engine.commands.text import FINE, FOUND, echo_json, page_width, safe, shown, stop
from engine.errors import Unreadable
from engine.issues import counted
from engine.tools.diff.changes import Change, Comparison, Group, gather
from engine.tools.diff.given import given

MOST_SAMPLES = 3
LONGEST_VALUE = 60
_WHOLE_WORDS: dict[str, Any] = {"break_on_hyphens": False, "break_long_words": False}

_HEADINGS = {
    "id": ("another id: sent again, such an event counts twice", "red"),
    "vanished": ("vanished", "red"),
    "appeared": ("appeared", "green"),
    "outcome": ("another outcome", "yellow"),
    "endpoint": ("another endpoint", "yellow"),
    "type": ("another type", "yellow"),
    "removed": ("left out now", "yellow"),
    "added": ("sent now, too", "green"),
    "value": ("another value", None),
    "issue": ("issues", None),
}


_OF_EVENTS = ("id", "vanished", "appeared", "outcome", "endpoint")


@click.command()
@click.argument("old")
@click.argument("new")
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@option("records")
@option("metric")
@click.option("--show-values", is_flag=True, help="Show what customers' values were and are.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a difference.")
def diff(
    old: str, new: str, paths: tuple[str, ...], records: str, metric: str, show_values: bool, as_json: bool
) -> None:
    """Show which events a change of the mappings makes appear, vanish or change.

    OLD and NEW are folders of mappings, or single files. Both work on the same notifications: those
    that are named, or else the fixtures beside NEW, with the records beside those.

    Exit 1 where anything differs or an input cannot be read.

    \b
    Example:
      intercom-klaviyo diff mappings mappings tests/fixtures/ticket.created.json
    """
    before, after = plans_from(old), plans_from(new)
    chosen((*before, *after), metric)
    try:
        paths, answers = given(paths, records, new)
    except Unreadable as error:
        stop(error.reason)
    gc.enable()  # from here on there may be work for it
    comparison = Comparison(
        (plan for plan in before if is_meant(plan, metric)),
        (plan for plan in after if is_meant(plan, metric)),
        records=answers,
    )
    count: Counter[str] = Counter()
    found: list[tuple[str, Change]] = []
    for name, changes in work_through(paths, comparison.compare):
        count["unreadable" if changes is None else "changed" if changes else "same"] += 1
        for change in changes or ():
            count[change.kind] += 1
            if as_json:
                echo_json(_row(name, change, show_values))
            else:
                found.append((name, change))
    if found:
        _show(gather(found), count["same"] + count["changed"], show_values)
    if not as_json:
        _sum_up(count, answers is not None)
    sys.exit(FOUND if count["changed"] or count["unreadable"] else FINE)


def _row(name: str, change: Change, show_values: bool) -> dict[str, Any]:
    place = change.place
    row = {
        "input": name,
        "change": change.kind,
        "metric": change.metric,
        "field": change.field or None,
        "was": change.was or None,
        "now": change.now or None,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }
    return row | ({"old": change.old, "new": change.new} if show_values else {})


def _show(groups: list[Group], inputs: int, show_values: bool) -> None:
    width = page_width()
    kind = ""
    for group in groups:
        if group.change.kind != kind:
            kind = group.change.kind
            heading, colour = _HEADINGS[kind]
            click.echo(click.style(heading, fg=colour, bold=True))
        several = kind in _OF_EVENTS and len(group.changes) > len(group.inputs)
        number = f"{len(group.changes)} in " if several else "in "
        _echo(f"{_title(group)}  {number}{len(group.inputs)} of {counted(inputs, 'input')}", 2, width)
        for line in (*_why(group.change), *_packed(_where(group), width - 6)):
            _echo(line, 6, width)
        for line in _samples(group) if show_values else ():
            _echo(line, 6, width)
    click.echo()


def _echo(text: str, indent: int, width: int) -> None:
    first, later = " " * indent, " " * (indent + 2)
    for line in wrap(text, width, initial_indent=first, subsequent_indent=later, **_WHOLE_WORDS):
        click.echo(click.style(line, dim=indent > 2))


def _packed(parts: Iterable[str], width: int) -> Iterator[str]:
    """The parts in as few lines as they fit into, none broken."""
    line = ""
    for part in parts:
        if line and len(line) + len(part) + 2 > width:
            yield line
            line = part
        else:
            line = f"{line}; {part}" if line else part
    yield line


def _title(group: Group) -> str:
    """What differs: a metric, or a field with the kinds of value that it has."""
    change = group.change
    if change.kind in _OF_EVENTS:
        return safe(_several(group.metrics))
    if change.kind == "issue":
        field = safe(_several(group.fields))
        return f"{change.was or change.now}{'' if change.now else ' no longer'}  {field}".rstrip()
    return f"{safe(change.line)}  {', '.join(group.kinds)}"


def _why(change: Change) -> Iterator[str]:
    """How the ids were and are written; what is made of the input instead."""
    if change.kind == "id" and change.was == change.now:
        yield f"{safe(change.now)}: the same words, another value"
    elif change.kind in ("id", "outcome", "endpoint"):
        yield f"{safe(change.was)} -> {safe(change.now)}"
    elif change.kind == "vanished":
        yield f"now {safe(change.now)}"
    elif change.kind == "appeared":
        yield f"before {safe(change.was)}"


def _where(group: Group) -> Iterator[str]:
    """The metrics, the names that a line spreads, the line, and an input that shows it."""
    change = group.change
    if change.kind not in _OF_EVENTS:
        yield safe(_several(group.metrics))
        if change.line and group.fields != (change.line,):
            yield safe(_several(field.partition(".")[2] for field in group.fields))
    if change.place:
        yield f"{safe(change.place.file)}:{change.place.line}"
    yield f"{'such as ' if len(group.inputs) > 1 else ''}{safe(group.inputs[0])}"


def _several(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _samples(group: Group) -> Iterator[str]:
    """The first few pairs of values, each once."""
    if not group.change.field:
        return
    pairs = list(dict.fromkeys(f"{_cut(change.old)} -> {_cut(change.new)}" for change in group.changes))
    yield from pairs[:MOST_SAMPLES]
    if len(pairs) > MOST_SAMPLES:
        yield f"and {len(pairs) - MOST_SAMPLES} other pairs of values: --json shows all"


def _cut(value: Any) -> str:
    text = "nothing" if value is None else shown(value)
    if isinstance(value, str):  # so that "4821" and 4821 look different
        text = f'"{text}"'
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _sum_up(count: Counter[str], has_records: bool) -> None:
    inputs = count["same"] + count["changed"]
    parts = [f"{count['same']} the same, {count['changed']} changed"]
    parts += [f"{count['appeared']} appeared, {count['vanished']} vanished, {count['id']} with another id"]
    parts += [f"{count['unreadable']} not readable"] if count["unreadable"] else []
    click.echo(f"{counted(inputs, 'input')}: {'; '.join(parts)}")
    if not has_records and inputs:
        click.echo("Without --records FILE, what is looked up has no value on either side.")
