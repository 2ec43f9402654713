"""`ledger`: look after the ledger."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from engine.commands.ledgers import ledger_option, opened, path_of, told
from engine.commands.options import settings_from, settings_option
from engine.commands.text import FINE, FOUND, complain, echo_json, note, safe, stop
from engine.issues import counted

_DAY = 86_400.0
_MOST_SHOWN = 20


@click.group()
def ledger() -> None:
    """Look after the ledger: check it, back it up, take away what need not be kept.

    All of it works while `serve` runs.

    \b
    Example:
      intercom-klaviyo ledger check
    """


@ledger.command()
@ledger_option
@settings_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def check(ledger_file: str, settings_file: str, as_json: bool) -> None:
    """Look whether all that the ledger holds is as it was written.

    SQLite checks its file, and each payload is opened and compared with its checksum.

    Exit 1 where anything has changed.

    \b
    Example:
      intercom-klaviyo ledger check
    """
    path = path_of(ledger_file, settings_from(settings_file, with_secrets=False))
    with told():
        # Imported here: it needs the extra.
        from engine.ledger.checking import check as checked

        found = checked(path)
    is_bad = bool(found.faults or found.damaged)
    if as_json:
        echo_json(asdict(found))
        sys.exit(FOUND if is_bad else FINE)
    for fault in found.faults:
        click.echo(f"the file: {safe(fault)}")
    for id_ in found.damaged[:_MOST_SHOWN]:
        click.echo(f"changed on the disk: {safe(id_ if ':' in id_ else f'event {id_}')}")
    if len(found.damaged) > _MOST_SHOWN:
        click.echo(f"... and {len(found.damaged) - _MOST_SHOWN:,} more (--json has all)")
    if found.faults:
        complain("the ledger is damaged: keep the file, stop `serve`, and go back to a backup")
    else:
        click.echo(
            f"{counted(found.notifications, 'notification')}, {counted(found.events, 'event')} and "
            f"{counted(found.profiles, 'profile')} opened: {counted(len(found.damaged), 'fault')}"
        )
        if found.damaged:
            note("what has changed is not sent: events are made again from their notifications by `serve`")
    sys.exit(FOUND if is_bad else FINE)


@ledger.command()
@ledger_option
@settings_option
@click.option("--dry-run", is_flag=True, help="Take nothing away: show how much it would be.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def purge(ledger_file: str, settings_file: str, dry_run: bool, as_json: bool) -> None:
    """Take away what need not be kept any longer.

    As `serve` does by itself once a day; ledger.keep_days, keep_dead_days and wait_days say how long that is.
    What is still to reach Klaviyo stays, however old.

    \b
    Example:
      intercom-klaviyo ledger purge --dry-run
    """
    settings = settings_from(settings_file, with_secrets=False)
    with opened(ledger_file, settings) as opened_ledger:
        # Imported here: it needs the extra.
        from engine.ledger import erasing

        days = (settings.keep_days, settings.keep_dead_days, settings.wait_days)
        policy = erasing.Policy(*(number * _DAY for number in days))
        done = (erasing.purgeable if dry_run else erasing.purge)(opened_ledger, policy)
    if as_json:
        echo_json(asdict(done))
        return
    for number, what in (
        (done.given_up, "events given up, as their contact never got an address"),
        (done.of_deleted, "events of deleted contacts, never to be sent"),
        (done.expired, "events and profiles that were dead"),
        (done.events, "events that Klaviyo has, or that were skipped"),
        (done.payloads, "bodies of notifications"),
        (done.notifications, "notifications by their id"),
        (done.attempts, "records of what was sent when"),
    ):
        click.echo(f"{number:>9,}  {what}")
    click.echo("Nothing was taken away." if dry_run else "Taken away, and out of the file.")
    if not done.is_wiped:
        note("somebody reads the ledger just now: the log is emptied the next time")


@ledger.command()
@click.argument("file", metavar="FILE")
@ledger_option
@settings_option
@click.option("--force", is_flag=True, help="Replace FILE where it is there.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def backup(file: str, ledger_file: str, settings_file: str, force: bool, as_json: bool) -> None:
    """Copy the ledger, whole and for its owner alone, also while it is used.

    The copy is a ledger by itself. After going back to one, what was sent since goes again: Klaviyo knows it
    by its ids.

    \b
    Example:
      intercom-klaviyo ledger backup copy.db
    """
    settings = settings_from(settings_file, with_secrets=False)
    target, source = Path(file), path_of(ledger_file, settings)
    if target.exists() and target.samefile(source):
        stop(f"{file} is the ledger itself")
    if target.exists() and not force:
        stop(f"{file} is there already: --force replaces it")
    with opened(ledger_file, settings) as opened_ledger:
        # Imported here: it needs the extra.
        from engine.ledger.sqlite import backed_up

        try:
            backed_up(opened_ledger.engine, target)
        except OSError as error:
            stop(f"{file} cannot be written: {error.strerror or 'unknown'}")
    size = target.stat().st_size
    if as_json:
        echo_json({"file": file, "bytes": size})
    else:
        click.echo(f"{file}: {size:,} bytes, a copy of {source}")
