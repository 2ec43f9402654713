"""`doctor`: is everything connected as it should be?"""

import sys
from dataclasses import asdict

import click

from engine.commands.options import option, plans_from, settings_from, settings_option
from engine.commands.text import FINE, FOUND, echo_json, for_reading, safe
from engine.issues import counted
from engine.tools.doctor.findings import Finding
from engine.tools.doctor.looking import look

_COLOURS = {"ok": None, "note": None, "look": "yellow", "fault": "red"}


@click.command()
@option("mappings")
@settings_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a finding.")
def doctor(mappings: str, settings_file: str, as_json: bool) -> None:
    """Look whether Intercom and Klaviyo are connected, and what to do next.

    Both accounts by name, each scope of the token and the key by a harmless call, the region, the topics that
    the mappings need, the clocks, and metrics that would clash with ours. Where there is a ledger, also which
    of these topics have come, when the last webhook did, and whether a `serve` delivers. Nothing is written.

    Exit 1 where something has to be done before events can be sent.

    \b
    Example:
      intercom-klaviyo doctor
    """
    plans = plans_from(mappings)
    settings = settings_from(settings_file)
    bad = count = 0
    side = ""
    for finding in look(settings, plans):
        count += 1
        bad += finding.state == "fault"
        if as_json:
            echo_json(asdict(finding))
            continue
        if finding.side != side:
            side = finding.side
            click.echo(click.style(side, bold=True))
        _show(finding)
    if not as_json:
        verdict = counted(bad, "fault") if bad else "all that is needed is there"
        click.echo(f"\n{counted(count, 'finding')}: {verdict}")
    sys.exit(FOUND if bad else FINE)


def _show(finding: Finding) -> None:
    word = finding.state.upper() if finding.state == "fault" else finding.state
    lines = for_reading(f"  {word:<6} {safe(finding.what)}", hang=7)
    click.echo(click.style(lines[0], fg=_COLOURS[finding.state]))
    for line in lines[1:]:
        click.echo(line)
    for line in for_reading(f"         next: {safe(finding.next)}", hang=6) if finding.next else ():
        click.echo(line)
