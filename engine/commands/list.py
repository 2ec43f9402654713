"""`list`: the metrics and profiles of a folder, and the topics that they answer."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePath

import click

from engine.commands.options import option, plans_from, tell_whose
from engine.commands.text import echo_json, page_width, print_rich, safe, stop
from engine.issues import counted
from engine.tools.listing import Answered, Listed, by_topic, listed

MOST_TOPICS = 3
"""How many of a spec's topics are shown; `--topics` shows all."""


# `list` alone would hide Python's own from the rest of this module.
@click.command("list")
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER]...")
@option("mappings")
@click.option("--topics", is_flag=True, help="Each topic with the specs that answer it.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a spec, or a topic.")
def list_(paths: tuple[str, ...], mappings: str, topics: bool, as_json: bool) -> None:
    """Show the metrics and profiles that there are, or the topics that they answer.

    Without a path: ./mappings, or else the shipped ones. A number with a plus has lines beside it that
    make a property for each key of an object.

    \b
    Example:
      intercom-klaviyo list --topics
    """
    if paths and mappings:
        stop("name the mappings once: as paths, or with --mappings")
    tell_whose(*paths, mappings)
    plans = plans_from(*(paths or (mappings,)))
    if as_json:
        for row in by_topic(plans) if topics else listed(plans):
            echo_json(asdict(row))
    elif topics:
        _show_topics(by_topic(plans))
    else:
        _show_specs(listed(plans))


def _show_specs(rows: tuple[Listed, ...]) -> None:
    cells = []
    for row in rows:
        past = f"past: {row.history}" if row.history != "none" else "no past"
        topics = "\n".join(map(safe, _few(row.topics)))
        named = f"{row.properties - row.spread}{'+' if row.spread else ''}"
        file = safe(PurePath(row.file).name)
        cells.append([(safe(row.name), file), (topics, past), (named, ""), *_plain(row.profile, row.tests)])
    _print_table(("name and file", "topics and past", "properties", "profile", "tests"), cells)
    events = sum(row.kind == "event" for row in rows)
    told = [counted(events, "metric"), counted(len(rows) - events, "profile")]
    click.echo(f"\n{', '.join(told)}, {counted(sum(row.tests for row in rows), 'test')}")


def _show_topics(rows: tuple[Answered, ...]) -> None:
    answered = [row for row in rows if row.names]
    cells = [[(safe(row.topic), ""), (safe(", ".join(row.names)), "")] for row in answered]
    _print_table(("topic", "answered by"), cells)
    more = f"Intercom documents {len(rows) - len(answered)} more (docs/topics.md)"
    click.echo(f"\n{counted(len(answered), 'topic')}; {more}")


def _few(topics: tuple[str, ...]) -> Iterator[str]:
    yield from topics[:MOST_TOPICS]
    if len(topics) > MOST_TOPICS:
        yield f"and {len(topics) - MOST_TOPICS} more"


def _plain(*numbers: int) -> Iterator[tuple[str, str]]:
    return ((str(number), "") for number in numbers)


def _print_table(headings: tuple[str, ...], rows: Sequence[Sequence[tuple[str, str]]]) -> None:
    """A table of cells, each a text and what is told dimly below it; numbers stand to the right."""
    # Imported here: rich is large, and only this output needs its tables.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = page_width()
    console = Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
    gap = 1 if len(headings) > 2 else 2  # five columns of the shipped mappings fill 80 characters
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number > 1 else "left", overflow="fold")
    for row in rows:
        cells = [Text(text).append(f"\n{below}" if below else "", style="dim") for text, below in row]
        table.add_row(*cells)
    print_rich(console, table)
