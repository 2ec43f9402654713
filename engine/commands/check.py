"""`check`: every fault of every spec."""

import sys
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

import click

from engine.commands.options import is_shipped
from engine.commands.text import FINE, FOUND, echo_json, safe, show_issues, stop
from engine.deadline import OF_COMMANDS
from engine.errors import SpecError
from engine.folder import Reading, look_at
from engine.issues import Issue, counted

if TYPE_CHECKING:
    from engine.tools.leaving import Departure

MOST_NAMES = 2
MOST_A_FILE = 10
"""Issues of one file that are shown: a screenful. The rest is counted."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER]...")
@click.option("--strict", is_flag=True, help="Warnings exit 1, too.")
@click.option("--markdown", is_flag=True, help="The files are pages: check the YAML blocks in them.")
@click.option("--leaving", is_flag=True, help="List instead what the specs send away, by kind.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON an issue.")
def check(paths: tuple[str, ...], strict: bool, markdown: bool, leaving: bool, as_json: bool) -> None:
    """Show every fault of every spec, with its line and what to do.

    Without a path: ./mappings, or else the shipped ones. Warnings alone exit 0. What a code means:
    explain-issue CODE.

    \b
    Examples:
      intercom-klaviyo check mappings
      intercom-klaviyo check --markdown README.md
      intercom-klaviyo check --leaving
    """
    if markdown and (leaving or not paths):
        stop("--markdown takes pages, and no --leaving" if leaving else "--markdown takes the pages to check")
    if leaving and strict:
        stop("--leaving lists what is no fault, so it takes no --strict")
    try:
        if leaving:
            _show_leaving(paths, as_json)
            return
        reading, what = _pages(paths) if markdown else _files(paths)
    except SpecError as error:
        stop(str(error), error.issues)
    if as_json:
        for issue in reading.issues:
            echo_json(issue.as_json())
    else:
        _show(reading.issues)
        warnings = len(reading.issues) - reading.errors
        found = [counted(reading.errors, "fault")] if reading.errors else []
        found += [counted(warnings, "warning")] if warnings else []
        click.echo(f"{what}: {', '.join(found) or 'no faults'}")
    sys.exit(FOUND if reading.errors or (strict and reading.issues) else FINE)


def _files(paths: Iterable[str]) -> tuple[Reading, str]:
    reading = look_at(list(paths) or None, deadline_seconds=OF_COMMANDS)
    files = counted(len(reading.files), "file")
    if is_shipped(*paths):
        return reading, f"{files}, those shipped, as there is no ./mappings here"
    return reading, files


def _pages(paths: Iterable[str]) -> tuple[Reading, str]:
    # Imported here: few checks are of pages.
    from engine.tools.markdown import look_at_pages

    reading, blocks = look_at_pages(paths)
    return reading, f"{counted(len(reading.files), 'page')}, {counted(blocks, 'block')}"


def _show(issues: Iterable[Issue]) -> None:
    for file, of_file in groupby(issues, key=lambda issue: issue.place.file if issue.place else ""):
        told = list(of_file)
        show_issues(told[:MOST_A_FILE])
        more = len(told) - MOST_A_FILE
        if more > 0:
            click.echo(f"{safe(file)}: and {more:,} more (--json shows all)")


def _show_leaving(paths: Iterable[str], as_json: bool) -> None:
    # Imported here: it is asked for rarely.
    from engine.tools.leaving import KINDS, departures

    reading = look_at(list(paths) or None, thorough=False)
    if reading.errors:
        stop("what faulty specs send cannot be told", reading.issues)
    rows = departures(reading.plans)
    if as_json:
        for row in rows:
            place = {"file": row.place.file, "line": row.place.line, "column": row.place.column}
            told = {"kind": row.kind, "field": row.field, "text": row.text, **place, "specs": row.specs}
            echo_json(told)
        return
    for kind, means in KINDS.items():
        of_kind = [row for row in rows if row.kind == kind]
        if of_kind:
            click.secho(f"{kind}: {means}", bold=True)
        for row in of_kind:
            _show_row(row)
    click.echo(f"{counted(len(rows), 'line')} of {counted(len(reading.plans), 'spec')}")


def _show_row(row: "Departure") -> None:
    used = ", ".join(row.specs) if len(row.specs) <= MOST_NAMES else counted(len(row.specs), "spec")
    click.echo(f"  {safe(row.field)}: {safe(' '.join(row.text.split()))}")
    click.echo(click.style(f"      {safe(row.place.file)}:{row.place.line}  {safe(used)}", dim=True))
