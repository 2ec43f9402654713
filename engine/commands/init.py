"""`init`: a folder of one's own to edit."""

import shlex
from pathlib import Path

import click

from engine.commands.text import echo_json, safe, stop
from engine.errors import SpecError
from engine.issues import counted
from engine.tools.starting import FOLDERS, Started, start


@click.command()
@click.argument("folder")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a file that was written.")
def init(folder: str, as_json: bool) -> None:
    """Make a folder of mappings to edit: a copy of what is shipped.

    Writes mappings/, schemas/ for editors, and tests/fixtures/ with records.yaml, so that check, test and
    translate work there at once. Where one of the three holds anything already, nothing is written.

    \b
    Example:
      intercom-klaviyo init ours
    """
    if not folder.strip():
        stop("name a folder; a dot means this one")
    try:
        started = start(Path(folder))
    except (SpecError, FileNotFoundError) as error:
        stop(str(error))
    if as_json:
        for file in started.files:
            echo_json({"file": str(started.folder / file)})
    else:
        _show(started)


def _show(started: Started) -> None:
    names = {name: safe(str(started.folder / name)) for name in FOLDERS}
    width = max(map(len, names.values()))
    for name, shown in names.items():
        click.echo(f"{shown:<{width}}  {counted(started.within(name), 'file')}")
    click.echo("\nNext:")
    if started.folder.resolve() != Path.cwd():
        click.echo(f"  cd {safe(shlex.quote(str(started.folder)))}")
    click.echo("  intercom-klaviyo check")
    click.echo("  intercom-klaviyo test")
    click.echo("  intercom-klaviyo translate tests/fixtures/ticket.created.json \\")
    click.echo("      --records tests/fixtures/records.yaml")
