"""What the commands share: values as text that is safe in a terminal, and how a run ends."""

import sys
from collections.abc import Iterable
from typing import Any, NoReturn

import click
import msgspec

from engine.events import Parked, Result, Translation
from engine.issues import Issue, render

FINE, FOUND, COULD_NOT_RUN = 0, 1, 2

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def safe(text: str) -> str:
    """Text without what a terminal would obey: control characters and marks of direction show as escapes."""
    if text.isprintable() and not _BIDI & set(text):
        return text
    return "".join(
        c.encode("unicode_escape").decode("ascii") if c in _BIDI or not (c.isprintable() or c == " ") else c
        for c in text
    )


def shown(value: Any) -> str:
    """A value as a person reads it: text bare, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    return safe(msgspec.json.encode(value).decode("utf-8"))


def outcome_of(result: Result) -> str:
    """What became of it: `event`, `profile`, `skipped` or `parked`."""
    if isinstance(result, Translation):
        return "event" if result.unique_id else "profile"
    return "parked" if isinstance(result, Parked) else "skipped"


def echo_json(row: Any) -> None:
    """One line of JSON, in UTF-8 whatever the locale."""
    click.echo(msgspec.json.encode(row))


def show_issues(issues: Iterable[Issue], *, err: bool = False) -> None:
    """Issues for people, with their carets."""
    for issue in issues:
        head, *rest = render(issue).split("\n")
        colour = "red" if issue.severity == "error" else "yellow"
        click.echo(click.style(safe(head), fg=colour), err=err)
        for line in rest:
            click.echo(line.replace("\x1b", "\\x1b"), err=err)


def stop(message: str, issues: Iterable[Issue] = ()) -> NoReturn:
    """End because the command could not run: one clear line, after the issues if there are any."""
    show_issues(issues, err=True)
    click.echo(f"error: {safe(message)}", err=True)
    sys.exit(COULD_NOT_RUN)


def complain(message: str) -> None:
    """One clear line on standard error; the run goes on."""
    click.echo(f"error: {safe(message)}", err=True)
