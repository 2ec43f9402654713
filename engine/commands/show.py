"""`show`: a spec with what it takes in by `use`, as one file."""

from pathlib import Path
from typing import Any

import click

from engine.commands.options import chosen, option, plans_from
from engine.commands.text import echo_json, page_width, safe, stop
from engine.errors import SpecError
from engine.folder import default_folder
from engine.issues import Place
from engine.tools.show.merged import Entry, merge
from engine.tools.show.page import Shown, page

SUFFIXES = (".yaml", ".yml")


@click.command()
@click.argument("metric")
@option("mappings")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a line of the spec.")
def show(metric: str, mappings: str, as_json: bool) -> None:
    """Show a spec with all that it takes in, and the origin of every line.

    METRIC is a metric's name or its file's, or the path of the file. What comes out is a spec that stands
    by itself: shared lines are merged in, and those that are replaced, left out or unused are told of in
    comments.

    \b
    Example:
      intercom-klaviyo show created_ticket
    """
    if not mappings and _is_path(metric):
        mappings, metric = metric, ""
    plans = chosen(plans_from(mappings), metric)
    if len(plans) > 1:
        files = ", ".join(plan.spec.file for plan in plans)
        stop(f'several files make "{metric}": {files}; name one of them')
    [plan] = plans
    folder = Path(mappings) if mappings else default_folder()
    try:
        merged = merge(plan, folder if folder.is_dir() else folder.parent)
    except SpecError as error:
        stop(str(error))
    if as_json:
        for one in merged.entries:
            echo_json(_row(one))
    else:
        _show(list(page(merged)))


def _is_path(metric: str) -> bool:
    """Whether what is named is a spec's file; without its suffix, it is the name that a metric has."""
    try:
        return Path(metric).suffix in SUFFIXES and Path(metric).is_file()
    except OSError:  # no name of a file
        return False


def _row(one: Entry) -> dict[str, Any]:
    return {
        "section": one.section,
        "name": one.name or None,
        "text": one.text,
        **_place(one.place),
        "replaces": [{**_place(place), "text": text} for place, text in one.replaces],
        "fate": one.fate or None,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}


def _show(lines: list[Shown]) -> None:
    """Origins stand in a column behind the lines; above those that leave them no room."""
    width = page_width()
    longest = max(len(_comment(line)) for line in lines if line.text.strip())
    column = max((len(line.text) for line in lines if len(line.text) + longest <= width), default=0)
    for line in lines:
        comment = _comment(line)
        if line.text.strip() and len(line.text) + len(comment) <= width:
            behind = f"{line.text:<{column}}{click.style(comment, dim=True)}" if comment else line.text
            click.echo(behind)
            continue
        if comment:
            indent = len(line.text) - len(line.text.lstrip())
            click.echo(" " * indent + click.style(comment.lstrip(), dim=True))
        if line.text.strip():
            click.echo(line.text)


def _comment(line: Shown) -> str:
    return f"  # {safe(line.comment)}" if line.comment else ""
