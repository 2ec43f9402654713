"""`check`: every fault of every spec."""

import sys

import click

from engine.commands.text import FINE, FOUND, echo_json, show_issues, stop
from engine.errors import SpecError
from engine.folder import look_at
from engine.issues import counted


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON an issue.")
def check(paths: tuple[str, ...], as_json: bool) -> None:
    """Show every fault of every spec, with its line and what to do.

    Without a path: ./mappings, or else the shipped ones. Warnings alone exit 0.

    \b
    Example:
      intercom-klaviyo check mappings
    """
    try:
        reading = look_at(paths or None)
    except SpecError as error:
        stop(str(error), error.issues)
    if as_json:
        for issue in reading.issues:
            echo_json(issue.as_json())
    else:
        show_issues(reading.issues)
        warnings = len(reading.issues) - reading.errors
        found = [counted(reading.errors, "fault")] if reading.errors else []
        found += [counted(warnings, "warning")] if warnings else []
        click.echo(f"{counted(len(reading.files), 'file')}: {', '.join(found) or 'no faults'}")
    sys.exit(FOUND if reading.errors else FINE)
