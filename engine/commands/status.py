"""`status`: how it stands with the relay, and what needs a person."""

import sys
from collections.abc import Callable

import click

from engine.clock import SystemClock
from engine.commands.ledgers import ledger_option, opened
from engine.commands.options import settings_from, settings_option
from engine.commands.standing import lines_of
from engine.commands.text import FINE, FOUND, as_line, page_width
from engine.ports import Timer

EVERY_SECONDS = 2.0


@click.command()
@ledger_option
@settings_option
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def status(ledger_file: str, settings_file: str, watch: bool, as_json: bool) -> None:
    """Show what waits, what went through, and what needs a person.

    Reads the ledger, also while `serve` runs: how much waits and for how long, what came of each metric, when
    Intercom was last heard of, how much of Klaviyo's limits is used, who delivers, and the room on the disk.

    Exit 1 where something needs a person; it says what to do now.

    \b
    Example:
      intercom-klaviyo status
    """
    settings = settings_from(settings_file, with_secrets=False)
    with opened(ledger_file, settings) as ledger:
        # Imported here: it needs the extra.
        from engine.relay.status import status as look
        from engine.tools.alone import is_held

        def once() -> tuple[list[str], bool]:
            found = look(ledger, settings.keep_dead_days * 86_400, is_served=is_held(ledger.path))
            lines = [as_line(found)] if as_json else lines_of(found, page_width(), needs_first=watch)
            return lines, bool(found.needs)

        needs = watched(once, SystemClock()) if watch else shown(once)
    sys.exit(FOUND if needs else FINE)


Look = Callable[[], tuple[list[str], bool]]
"""Gives the lines of the page, and whether anything needs a person."""


def shown(once: Look) -> bool:
    """Show it; whether anything needs a person."""
    lines, needs = once()
    for line in lines:
        click.echo(line)
    sys.stdout.flush()
    return needs


def watched(once: Look, clock: Timer) -> bool:
    """Show it again and again until Ctrl-C, in a terminal in its place; whether the last needs a person."""
    needs = False
    try:
        if sys.stdout is not None and sys.stdout.isatty():
            # Imported here: it is slow to import, and for terminals.
            from rich.live import Live
            from rich.text import Text

            with Live(auto_refresh=False) as live:
                while True:
                    lines, needs = once()
                    live.update(Text.from_ansi("\n".join(lines)), refresh=True)
                    clock.sleep(EVERY_SECONDS)
        while True:
            needs = shown(once)
            click.echo()
            clock.sleep(EVERY_SECONDS)
    except KeyboardInterrupt:
        return needs
