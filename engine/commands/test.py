"""`test`: the tests inside the specs."""

import sys
from pathlib import Path
from typing import Any

import click

from engine.commands.options import tell_whose
from engine.commands.text import FINE, FOUND, echo_json, safe, shown, stop
from engine.errors import SpecError, Unreadable
from engine.folder import default_folder, load
from engine.issues import counted
from engine.language.plan import Plan
from engine.paths import fixtures_beside
from engine.tools.cases import Difference, Outcome, records_in, run_cases


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER]...")
@click.option("--fixtures", default="", metavar="DIR", help="Default: tests/fixtures beside the mappings.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a test.")
def test(paths: tuple[str, ...], fixtures: str, as_json: bool) -> None:
    """Run the tests inside the specs, on the fixtures beside them.

    A fixture is a notification as Intercom sent it, in tests/fixtures/NAME.json; records.yaml there
    answers look-ups. Without a path: ./mappings, or else the shipped ones.

    \b
    Example:
      intercom-klaviyo test mappings/created_ticket.yaml
    """
    tell_whose(*paths)
    count = failed = 0
    specs = 0
    for path in paths or (None,):
        try:
            plans = load(path)
            folder = _fixtures(Path(path) if path else default_folder(), fixtures)
            records = records_in(folder)
        except SpecError as error:
            stop(str(error), error.issues)
        except Unreadable as error:
            stop(error.reason)
        specs += len(plans)
        for plan in plans:
            outcomes = list(run_cases(plan, folder, records))
            count += len(outcomes)
            failed += sum(not outcome.passed for outcome in outcomes)
            (_echo_rows if as_json else _show)(plan, outcomes)
    if not as_json:
        tail = f"{failed} failed" if failed else "all passed"
        click.echo(f"{counted(count, 'test')} in {counted(specs, 'spec')}: {tail}")
    sys.exit(FOUND if failed else FINE)


def _fixtures(path: Path, given: str) -> Path:
    if given:
        if not Path(given).is_dir():
            stop(f"there is no folder {given}")
        return Path(given)
    folder = path if path.is_dir() else path.parent
    found = fixtures_beside(folder.resolve())
    if found is None:
        stop(f"there is no tests/fixtures beside {folder}; name the folder with --fixtures")
    return found


def _show(plan: Plan, outcomes: list[Outcome]) -> None:
    bad = [outcome for outcome in outcomes if not outcome.passed]
    if not bad:
        number = counted(len(outcomes), "test") if outcomes else "no tests"
        click.echo(f"{click.style('ok', fg='green')}    {safe(plan.spec.file)}  {number}")
    for outcome in bad:
        where = f"{safe(plan.spec.file)}:{outcome.case.place.line}"
        click.echo(f"{click.style('FAIL', fg='red')}  {where}  {safe(outcome.case.name)}")
        for difference in outcome.differences:
            if difference.field == "given":
                click.echo(f"        {safe(str(difference.got))}")
                continue
            click.echo(f"        {safe(difference.field)}  (line {difference.place.line})")
            click.echo(f"          expected  {_quoted(difference.expected)}")
            click.echo(f"          got       {_quoted(difference.got)}")


def _quoted(value: Any) -> str:
    """Text in quotes where it could be taken for a number, so that "4821" and 4821 look different."""
    text = shown(value)
    if isinstance(value, str) and text.replace(".", "").replace("-", "").isdigit():
        return f'"{text}"'
    return text if value is not None else "nothing"


def _echo_rows(plan: Plan, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        echo_json(
            {
                "file": plan.spec.file,
                "line": outcome.case.place.line,
                "name": outcome.case.name,
                "passed": outcome.passed,
                "differences": [_difference(difference) for difference in outcome.differences],
            }
        )


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "field": difference.field,
        "expected": difference.expected,
        "got": difference.got,
        "line": difference.place.line,
        "column": difference.place.column,
    }
