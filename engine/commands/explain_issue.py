"""`explain-issue`: what is behind a code that `check` or `translate` told."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

import click

from engine.commands.text import echo_json, safe, stop
from engine.issues import Issue, did_you_mean
from engine.tools.codes import Explained, explained, grouped, places, said_of

WIDTH = 80


@click.command("explain-issue")
@click.argument("code", default="", metavar="[CODE]")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a code.")
def explain_issue(code: str, as_json: bool) -> None:
    """Show why an issue comes, what to do about it, and an example put right.

    CODE is the word after the place in an issue, such as unknown-path. Without it: all codes, with
    what they mean.

    \b
    Example:
      intercom-klaviyo explain-issue unknown-path
    """
    codes = explained()
    if code and code not in codes:
        near = did_you_mean(code, codes) or "."
        stop(f'there is no code "{code}"{near} Without a code, explain-issue lists them all')
    chosen = [codes[code]] if code else [*codes.values()]
    if as_json:
        for one in chosen:
            echo_json(_row(one))
    elif code:
        _show(codes[code])
    else:
        _show_all(chosen)


def _row(one: Explained) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity,
        "means": one.means,
        "group": one.group,
        "cause": one.cause,
        "cure": one.cure,
        "wrong": one.wrong or None,
        "right": one.right or None,
        "with": dict(one.changes),
        "when": one.when or None,
    }


def _show_all(codes: Iterable[Explained]) -> None:
    codes = list(codes)
    widest = max(len(one.code) for one in codes)
    for group, within in grouped(codes).items():
        click.echo(click.style(group, bold=True))
        for one in within:
            means = one.means if one.severity == "error" else f"{one.means} (warning)"
            label = f"  {one.code:<{widest}}  "
            for line in wrap(means, WIDTH, initial_indent=label, subsequent_indent=" " * len(label)):
                click.echo(line)
        click.echo()
    click.echo("An error keeps a spec from running, a warning does not.")
    click.echo("More of one: intercom-klaviyo explain-issue CODE")


def _show(one: Explained) -> None:
    colour = "red" if one.severity == "error" else "yellow"
    click.echo(click.style(f"{one.code}  {one.severity}", fg=colour, bold=True))
    _echo(one.means)
    _section("why", wrap(one.cause, WIDTH - 2))
    _section("what to do", wrap(one.cure, WIDTH - 2))
    if one.when:
        _section("wrong", wrap(one.when, WIDTH - 2))
    if one.changes:
        _section("where a notification holds", places(one.changes))
    if one.wrong:
        _section("wrong", _marked(one.wrong, said_of(one.wrong, one.changes)))
    if one.right:
        _section("right", one.right.split("\n"))


def _section(heading: str, lines: Iterable[str]) -> None:
    click.echo()
    click.echo(click.style(heading, bold=True))
    for line in lines:
        click.echo(f"  {safe(line)}")


def _echo(text: str) -> None:
    for line in wrap(text, WIDTH):
        click.echo(line)


def _marked(example: str, issues: Iterable[Issue]) -> Iterator[str]:
    """The lines of an example, with a caret and a message under those that are wrong."""
    told = {issue.place.line: issue for issue in issues if issue.place}
    for number, line in enumerate(example.split("\n"), 1):
        yield line
        if issue := told.get(number):
            before = " " * (issue.place.column - 1) if issue.place else ""
            if len(before) + len(issue.message) + 4 <= WIDTH:
                yield f"{before}^ {issue.message}"
            else:
                yield f"{before}^"
                yield from wrap(issue.message, WIDTH - 4, initial_indent="  ", subsequent_indent="  ")
