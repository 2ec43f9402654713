"""`events`: what went through lately, an event a line."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from engine.clock import SystemClock
from engine.commands.entries import Page
from engine.commands.ledgers import ledger_option, metric_option, note_unknown, opened, since_of, since_option
from engine.commands.options import settings_from, settings_option
from engine.commands.text import FINE
from engine.ports import Timer

if TYPE_CHECKING:
    from engine.ledger.reading import Entry, Wanted
    from engine.ledger.store import Ledger

OUTCOMES = ("queued", "parked", "in_flight", "accepted", "dead", "skipped")
EVERY_SECONDS = 1.0
OVERLAP_SECONDS = 120.0
"""So long back `--follow` looks each time: what is written down late bears the time at which it began."""
MOST = 10_000


@click.command()
@ledger_option
@settings_option
@metric_option
@click.option("--contact", default="", metavar="ID", help="Only this contact's, by its id at Intercom.")
@click.option("--outcome", type=click.Choice(OUTCOMES), default=None, help="Only these.")
@since_option
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, metavar="N", help="The newest N. Default: 50."
)
@click.option("--follow", is_flag=True, help="Then show what comes, until Ctrl-C.")
@click.option("--show-values", is_flag=True, help="Show the requests, with customers' values in them.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON an event.")
def events(
    ledger_file: str,
    settings_file: str,
    metric: str,
    contact: str,
    outcome: str | None,
    since: str,
    limit: int,
    follow: bool,
    show_values: bool,
    as_json: bool,
) -> None:
    """Show what went through lately, an event a line, and what became of it.

    The newest last. With --outcome skipped, also the notifications that nothing came of, by their topic.

    \b
    Example:
      intercom-klaviyo events --since 2h
    """
    settings = settings_from(settings_file, with_secrets=False)
    with opened(ledger_file, settings) as ledger:
        # Imported here: it needs the extra.
        from engine.ledger.reading import Wanted

        note_unknown(ledger, metric)
        page = Page(ledger, as_json=as_json, show_values=show_values)
        wanted = Wanted(
            metric, contact, (outcome,) if outcome else OUTCOMES, since=since_of(since, ledger.now())
        )
        for entry in latest(ledger, wanted, limit):
            page.show(entry)
        if follow:
            followed(ledger, wanted, page.show, SystemClock())
        else:
            page.sum_up(limit)
    sys.exit(FINE)


def latest(ledger: "Ledger", wanted: "Wanted", most: int) -> "list[Entry]":
    """The newest entries, the newest last."""
    # Imported here: it needs the extra.
    from engine.ledger import reading

    with ledger.read() as tx:
        found = reading.events(tx, wanted, most)
        if set(wanted.outcomes) == {"skipped"} and not wanted.metric and not wanted.contact:
            found += reading.skipped_notifications(tx, wanted, most)
    return sorted(found, key=lambda one: one.at)[-most:]


def followed(ledger: "Ledger", wanted: "Wanted", show: "Callable[[Entry], None]", clock: Timer) -> None:
    """Show what comes from now on, each for each thing that becomes of it, until Ctrl-C."""
    known = {_known_by(one): one.at for one in _lately(ledger, wanted)}
    try:
        while True:
            clock.sleep(EVERY_SECONDS)
            for entry in _lately(ledger, wanted):
                if _known_by(entry) not in known:
                    known[_known_by(entry)] = entry.at
                    show(entry)
            before = ledger.now() - 2 * OVERLAP_SECONDS
            known = {one: at for one, at in known.items() if at >= before}
    except KeyboardInterrupt:
        return


def _lately(ledger: "Ledger", wanted: "Wanted") -> "list[Entry]":
    since = max(wanted.since, ledger.now() - OVERLAP_SECONDS)
    return latest(ledger, replace(wanted, since=since), MOST)


def _known_by(entry: "Entry") -> tuple[str, str, float]:
    return entry.id, entry.outcome, entry.at
