"""`dead`: what is dead or parked, and one of it whole."""

import sys
from dataclasses import asdict

import click

from engine.commands.entries import Page, body_of, hidden, row_of, tell_whole
from engine.commands.ledgers import (
    ledger_option,
    metric_option,
    moment,
    note_unknown,
    opened,
    since_of,
    since_option,
)
from engine.commands.options import settings_from, settings_option
from engine.commands.text import FINE, FOUND, echo_json, stop

MOST = 10_000
_TIMES = ("time", "made_at", "settled_at", "first_try_at", "last_attempt_at", "received_at", "notified_at")


@click.group(invoke_without_command=True)
@ledger_option
@settings_option
@metric_option
@click.option("--reason", default="", metavar="CODE", help="Only what is dead or parked for this reason.")
@since_option
@click.option("--dead", "only_dead", is_flag=True, help="Only what is dead: refused, or tried in vain.")
@click.option("--parked", "only_parked", is_flag=True, help="Only what is parked: it cannot be made yet.")
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, metavar="N", help="The newest N. Default: 50."
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON an event.")
@click.pass_context
def dead(
    context: click.Context,
    ledger_file: str,
    settings_file: str,
    metric: str,
    reason: str,
    since: str,
    only_dead: bool,
    only_parked: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Show what Klaviyo refused, what was given up, and what waits for a person.

    `dead show ID` shows one of them with its history. Profiles are listed too, as profile:CONTACT.

    Exit 1 where there is any.

    \b
    Example:
      intercom-klaviyo dead --since 3d
    """
    context.obj = (ledger_file, settings_file, as_json)
    if context.invoked_subcommand is not None:
        return
    if only_dead and only_parked:
        raise click.UsageError("--dead and --parked exclude each other; without them both are shown")
    settings = settings_from(settings_file, with_secrets=False)
    with opened(ledger_file, settings) as ledger:
        # Imported here: it needs the extra.
        from engine.ledger import reading

        note_unknown(ledger, metric)
        states = ("dead",) if only_dead else ("parked",) if only_parked else ("dead", "parked")
        wanted = reading.Wanted(metric, "", states, reason, since_of(since, ledger.now()))
        with ledger.read() as tx:
            found = reading.events(tx, wanted, limit) + reading.lost_profiles(tx, wanted, limit)
        page = Page(ledger, as_json=as_json, with_ids=True)
        for entry in sorted(found, key=lambda one: one.at)[-limit:]:
            page.show(entry)
    if not as_json:
        page.sum_up(limit)
        if found:
            click.echo(
                "one whole: `intercom-klaviyo dead show ID`; all again: `intercom-klaviyo replay --dead`"
            )
    sys.exit(FOUND if found else FINE)


@dead.command()
@click.argument("id_", metavar="ID")
@click.option("--show-values", is_flag=True, help="Show the request, with customers' values in it.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.pass_context
def show(context: click.Context, id_: str, show_values: bool, as_json: bool) -> None:
    """Show one event whole: its history, why it is dead or parked, and what to do now.

    ID is the number that `dead` and `events --json` show, or profile:CONTACT.

    \b
    Example:
      intercom-klaviyo dead show 17
    """
    ledger_file, settings_file, also_json = context.obj
    with opened(ledger_file, settings_from(settings_file, with_secrets=False)) as ledger:
        # Imported here: it needs the extra.
        from engine.ledger import reading

        with ledger.read() as tx:
            found = reading.whole(tx, id_)
        if found is None:
            stop(f"the ledger has no event {id_}: `intercom-klaviyo dead` lists them with their ids")
        body = body_of(ledger, id_)
    if as_json or also_json:
        rest = {
            name: value for name, value in asdict(found).items() if name not in ("entry", "body", "checksum")
        }
        rest |= {name: moment(rest[name]) or None for name in _TIMES}
        shown = body if show_values or body is None else hidden(body)
        echo_json(row_of(found.entry) | rest | {"request": shown})
    else:
        tell_whole(found, body, shows_values=show_values)
    sys.exit(FOUND if found.entry.outcome in ("dead", "parked") else FINE)
