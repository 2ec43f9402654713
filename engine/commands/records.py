"""`records`: what Intercom knows by id, in a file."""

import sys
from pathlib import Path

import click

from engine.commands.options import option, plans_from, settings_from, settings_option, work_through
from engine.commands.text import FINE, FOUND, complain, note, safe, stop
from engine.errors import EngineError
from engine.events import Notification
from engine.issues import counted
from engine.runner import Runner
from engine.tools.accounts import intercom_of
from engine.tools.pulling import add_to, pulled


@click.group()
def records() -> None:
    """Put what Intercom knows by id into a file, for look-ups without a network.

    \b
    Example:
      intercom-klaviyo records pull tests/fixtures/ticket.created.json
    """


@records.command()
@click.argument("paths", nargs=-1, required=True, metavar="[FILE or FOLDER or -]...")
@click.option(
    "--into", default="records.json", metavar="FILE", help="The file to add to. Default: records.json."
)
@option("mappings")
@settings_option
def pull(paths: tuple[str, ...], into: str, mappings: str, settings_file: str) -> None:
    """Get from Intercom the records that notifications need, into a JSON file.

    Contacts and companies that the mappings look up for these notifications, and all teammates, teams and
    tags. What the file has already stays, or is renewed. It then answers `--records` of other commands. It
    holds customers' data, so that only you may read it.

    Exit 1 where an input cannot be read, or Intercom could not be asked for a record.

    \b
    Example:
      intercom-klaviyo records pull tests/fixtures/ticket.created.json \\
          --into records.json
    """
    if not into.endswith(".json"):
        raise click.UsageError("--into takes a file that ends in .json")
    plans = plans_from(mappings)
    settings = settings_from(settings_file, "INTERCOM_TOKEN")
    opened = [one for _, one in work_through(paths, Runner(plans).read)]
    try:
        found, missing, gone = pulled(
            intercom_of(settings), plans, [one for one in opened if isinstance(one, Notification)]
        )
        add_to(Path(into), found)
    except EngineError as error:
        stop(str(error))
    parts = [counted(len(rows), table) for table, rows in found.items()]
    click.echo(f"{safe(into)}: {', '.join(parts) or 'nothing new'}")
    if gone:
        note(f"Intercom does not have {counted(gone, 'record')} that these notifications name (any more)")
    if missing:
        complain(f"Intercom could not be asked for {counted(missing, 'record')}: run it again")
    sys.exit(FOUND if missing or None in opened else FINE)
