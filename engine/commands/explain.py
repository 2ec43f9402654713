"""`explain`: where each value came from, and why others were left out."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.options import machine_options, runner_from, work_through
from engine.commands.text import (
    FINE,
    FOUND,
    echo_json,
    outcome_of,
    page_width,
    print_rich,
    reason_of,
    safe,
    show_issues,
    shown,
)
from engine.events import Translation
from engine.issues import Place
from engine.language.conversions import iso
from engine.language.explanation import EXCEPTED, Explanation, Row

if TYPE_CHECKING:
    from rich.console import Console

_HEADINGS = {"event": "time, id and value"}
LONGEST_RAW = 60


@click.command()
@click.argument("file", metavar="FILE")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a result, with every row.")
def explain(file: str, mappings: str, records: str, metric: str, as_json: bool) -> None:
    """Show where each value of a notification's events came from.

    Each row tells the property, its value, the line of the spec, the expression, the raw value where it
    is another one, the type, and the record or the default that made it; or why it is left out.

    \b
    Example:
      intercom-klaviyo explain tests/fixtures/ticket.created.json \\
          --records tests/fixtures/records.yaml --metric "Created Ticket"
    """
    runner = runner_from(mappings, records, metric)
    unreadable = 0
    for name, explained in work_through([file], runner.explain):
        if explained is None:
            unreadable += 1
            continue
        if as_json:
            for explanation in explained:
                echo_json(_row(name, explanation))
        else:
            _show(name, explained)
    sys.exit(FOUND if unreadable else FINE)


def _row(name: str, explanation: Explanation) -> dict[str, Any]:
    result = explanation.result
    return {
        "input": name,
        "outcome": outcome_of(result),
        "metric": result.metric or None,
        "reason": reason_of(result),
        "rows": [_fields(row) for row in explanation.rows],
        "when": [
            {"condition": check.text, "found": check.found, "holds": check.holds, **_place(check.place)}
            for check in explanation.checks
        ],
        "notes": list(explanation.notes),
        "issues": [issue.as_json() for issue in result.issues],
    }


def _fields(row: Row) -> dict[str, Any]:
    return {
        "section": row.section,
        "name": row.name,
        "value": _plain(row.value),
        **_place(row.place),
        "expression": row.expression,
        "raw": row.raw,
        "type": row.type or None,
        "origin": row.origin or None,
        "why": row.why or None,
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"file": None, "line": None, "column": None}
    return {"file": place.file, "line": place.line, "column": place.column}


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value


def _show(name: str, explained: list[Explanation]) -> None:
    # Imported here: rich is large, and only this output needs its tables.
    from rich.console import Console

    width = page_width()
    console = Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
    print_rich(console, safe(name), "bold")
    for explanation in explained:
        result = explanation.result
        title = f"\n{outcome_of(result):<8} {safe(result.metric)}".rstrip()
        if not isinstance(result, Translation):
            title += f": {safe(result.detail)}"
        print_rich(console, title, "bold")
        if explanation.rows:
            _show_rows(console, explanation.rows)
        elif explanation.checks:
            _show_checks(console, explanation)
        for note in explanation.notes:
            print_rich(console, f" note: {safe(note)}", "dim")
        show_issues(result.issues, width=width)


def _show_rows(console: "Console", rows: tuple[Row, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    for section in ("event", "profile", "properties"):
        within = _gathered([row for row in rows if row.section == section])
        if not within:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 1), show_header=False, width=console.width)
        table.add_column(ratio=26, overflow="fold")
        table.add_column(ratio=54, overflow="fold")
        for row in within:
            out = row.value is None
            value = f"left out: {safe(row.why)}" if out else shown(_plain(row.value))
            told = Text(value, style="yellow" if out else "bold")
            told.append("".join(f"\n{line}" for line in _where(row)), style="not bold dim")
            table.add_row(Text(safe(row.name)), told)
        print_rich(console, _HEADINGS.get(section, section), "underline")
        print_rich(console, table)


def _gathered(rows: list[Row]) -> list[Row]:
    """The keys that one line excepts, as one row."""
    kept: list[Row] = []
    for row in rows:
        if row.why == EXCEPTED and kept and kept[-1].why.startswith(EXCEPTED) and kept[-1].place == row.place:
            kept[-1] = replace(kept[-1], name=f"{kept[-1].name}, {row.name}")
        else:
            kept.append(row)
    return kept


def _where(row: Row) -> Iterator[str]:
    """The lines under a value: where it is written, and what made it."""
    place = f"{_short(row.place)}  " if row.place else ""
    kind = f" as {row.type}" if row.type else ""
    yield f"{place}{safe(' '.join(row.expression.split()))}{kind}"
    made = []
    told = row.name != "unique_id" and row.raw is not None and row.why != EXCEPTED
    if told and shown(row.raw) != shown(_plain(row.value)):
        raw = shown(row.raw)
        made.append(f"from {raw if len(raw) <= LONGEST_RAW else raw[: LONGEST_RAW - 3] + '...'}")
    if row.origin:
        made.append({"default": "by its default"}.get(row.origin, f"by {safe(row.origin)}"))
    if made:
        yield ", ".join(made)


def _short(place: Place) -> str:
    """A place without the folders that all places share."""
    path = Path(place.file)
    name = f"{path.parent.name}/{path.name}" if path.parent.name == "shared" else path.name
    return f"{safe(name)}:{place.line}"


def _show_checks(console: "Console", explanation: Explanation) -> None:
    for check in explanation.checks:
        mark = "holds        " if check.holds else "does not hold"
        found = "no value" if check.found is None else shown(check.found)
        print_rich(console, f" when  {mark}  {safe(check.text)}  (found: {found}; {_short(check.place)})")
