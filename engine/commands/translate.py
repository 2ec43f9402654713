"""`translate`: what Klaviyo would get."""

import sys
from collections import Counter
from typing import Any

import click

from engine.commands.options import machine_options, runner_from, work_through
from engine.commands.text import (
    FINE,
    FOUND,
    echo_json,
    for_reading,
    outcome_of,
    reason_of,
    safe,
    show_issues,
    shown,
    telling,
)
from engine.events import Result, Translation
from engine.issues import counted
from engine.language.conversions import iso
from engine.tools.inputs import STDIN


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@machine_options
@click.option(
    "--brief", is_flag=True, help="One line a result, and skipped ones only where nothing else came."
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a result.")
def translate(
    paths: tuple[str, ...], mappings: str, records: str, metric: str, brief: bool, as_json: bool
) -> None:
    """Show what Klaviyo would get for each notification; nothing is sent.

    Reads JSON files, NDJSON files (.ndjson, .jsonl), folders of both, and standard input (-). An object
    of the past comes wrapped: {"type": "notification_event", "history": true, "app_id": "...", "data":
    {"item": {...}}}.

    Exit 1 where an input cannot be read or an event is parked.

    \b
    Example:
      intercom-klaviyo translate tests/fixtures/ticket.created.json \\
          --records tests/fixtures/records.yaml
    """
    if not paths:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError("name a file, a folder, or - for standard input")
        paths = (STDIN,)
    runner = runner_from(mappings, records, metric)
    count: Counter[str] = Counter()
    for name, results in work_through(paths, runner.translate):
        if results is None:
            count["unreadable"] += 1
            continue
        count["inputs"] += 1
        if not as_json:
            click.echo(click.style(safe(name), bold=True))
        count.update(outcome_of(result) for result in results)
        for result in telling(results) if brief else results:
            if as_json:
                echo_json(_row(name, result))
            elif brief:
                _show_briefly(result)
            else:
                _show(result)
    if not as_json:
        _sum_up(count, bool(records))
    sys.exit(FOUND if count["unreadable"] or count["parked"] else FINE)


def _row(name: str, result: Result) -> dict[str, Any]:
    request = result.request if isinstance(result, Translation) else None
    return {
        "input": name,
        "outcome": outcome_of(result),
        "metric": result.metric or None,
        "endpoint": request.endpoint if request else None,
        "body": request.body if request else None,
        "reason": reason_of(result),
        "issues": [issue.as_json() for issue in result.issues],
    }


_COLOURS = {"event": "green", "profile": "green", "skipped": None, "parked": "red"}


def _show(result: Result) -> None:
    outcome = outcome_of(result)
    head = click.style(f"{outcome:<8}", fg=_COLOURS[outcome])
    if isinstance(result, Translation):
        click.echo(f"  {head} {safe(result.metric)}")
        _show_fields(result)
    else:
        label = f"{safe(result.metric)}: " if result.metric else ""
        first, *others = for_reading(f"  {outcome:<8} {label}{safe(result.detail)}")
        click.echo(first.replace(f"{outcome:<8}", head, 1))
        for line in others:
            click.echo(line)
    show_issues(result.issues)


def _show_briefly(result: Result) -> None:
    outcome = outcome_of(result)
    head = click.style(f"{outcome:<8}", fg=_COLOURS[outcome])
    metric = safe(result.metric)
    if not isinstance(result, Translation):
        told = f"{metric}: {safe(result.detail)}" if metric else safe(result.detail)
    else:
        time = iso(result.time) if result.time else ""
        told = f"{metric:<24} {time:<20}  {counted(len(result.properties), 'property')}"
    click.echo(f"  {head} {told}")
    for issue in result.issues:
        click.echo(f"           {safe(str(issue))}")


def _show_fields(made: Translation) -> None:
    rows: list[tuple[str, Any]] = []
    if made.time:
        rows += [("time", iso(made.time)), ("unique_id", made.unique_id)]
    if made.value is not None:
        rows.append(("value", made.value))
    for key, value in rows:
        click.echo(f"    {key:<10} {shown(value)}")
    for title, fields in (("profile", made.profile), ("properties", made.properties)):
        if fields:
            click.echo(f"    {title}")
        width = min(max(map(len, fields), default=0), 34)
        for key, value in fields.items():
            click.echo(f"      {safe(key):<{width}}  {shown(value)}")


def _sum_up(count: Counter[str], has_records: bool) -> None:
    parts = [
        counted(count["event"], "event"),
        counted(count["profile"], "profile"),
        f"{count['skipped']} skipped",
        f"{count['parked']} parked",
    ]
    if count["unreadable"]:
        parts.append(f"{count['unreadable']} not readable")
    click.echo(f"\n{counted(count['inputs'], 'input')}: {', '.join(parts)}")
    if not has_records and count["inputs"]:
        click.echo("Names, phone numbers and tags come from records: --records FILE looks them up.")
