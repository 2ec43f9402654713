"""`new`: a metric from a captured notification."""

import gc
import sys
from itertools import islice
from pathlib import Path

import click

from engine.commands.text import FINE, FOUND, echo_json, safe, show_issues, stdin, stop
from engine.errors import SpecError, Unreadable
from engine.issues import counted
from engine.tools.inputs import read_inputs
from engine.tools.new.metric import NewMetric, folder_for, make


@click.command()
@click.argument("metric")
@click.option("--from", "source", required=True, metavar="FILE", help="A notification as JSON; - is stdin.")
@click.option("--mappings", default="", metavar="DIR", help="The folder to write into. Default: ./mappings.")
@click.option("--name", default="", metavar="FILENAME", help="Of the new file. Default: made from METRIC.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def new(metric: str, source: str, mappings: str, name: str, as_json: bool) -> None:
    """Make a spec with its test from a captured notification.

    METRIC is its name in Klaviyo. Writes the spec into the folder of mappings, and the notification, as it
    came, into tests/fixtures beside it. Every plain value is proposed as a property: take out what you do
    not need. What people write is proposed in comments.

    \b
    Example:
      intercom-klaviyo new Unsubscribed \\
          --from tests/fixtures/contact.unsubscribed.json
    """
    gc.enable()  # there is work for it
    try:
        folder = folder_for(mappings)
        made = make(metric, _one(source), folder, name)
    except SpecError as error:
        stop(str(error), error.issues)
    except Unreadable as error:
        stop(f"{source}: {error.reason}")
    if as_json:
        echo_json(_row(metric, made))
    else:
        _show(made)
    sys.exit(FINE if made.passed else FOUND)


def _one(source: str) -> bytes:
    """The bytes of the only notification of a file. Raises Unreadable."""
    inputs = list(islice(read_inputs([source], stdin()), 2))
    if len(inputs) != 1:
        raise Unreadable("it holds several notifications; give one" if inputs else "it is empty")
    if inputs[0].fault:
        raise Unreadable(inputs[0].fault)
    return inputs[0].raw


def _show(made: NewMetric) -> None:
    fixture = "written, with what it tells of people" if made.is_new_fixture else "the same is there already"
    rows = [(_named(made.file), "written"), (_named(made.fixture), fixture)]
    width = max(len(name) for name, _ in rows)
    for name, told in rows:
        click.echo(f"{safe(name):<{width}}  {told}")
    show_issues(made.issues)
    failed = sum(not outcome.passed for outcome in made.outcomes)
    checked = counted(len(made.issues), "issue") if made.issues else "no faults"
    tested = f"{failed} failed" if failed else "passed"
    click.echo(f"check: {checked}; test: {tested}")
    file = safe(_named(made.file))
    click.echo(f"\nNext: take out of {file} what you do not need, and see what comes out:")
    click.echo(f"  intercom-klaviyo test {file}")


def _named(path: Path) -> str:
    """A path from where the person stands, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _row(metric: str, made: NewMetric) -> dict[str, object]:
    return {
        "metric": metric,
        "file": _named(made.file),
        "fixture": _named(made.fixture),
        "fixture_written": made.is_new_fixture,
        "passed": made.passed,
        "issues": [issue.as_json() for issue in made.issues],
    }
