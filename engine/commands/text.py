"""What the commands share: values as text that is safe in a terminal, and how a run ends."""

import json
import sys
from collections.abc import Iterable
from io import BytesIO
from textwrap import wrap
from typing import Any, BinaryIO, NoReturn

import click
import msgspec

from engine.events import Parked, Result, Translation
from engine.issues import WIDEST_LINE, Issue, caret_lines

FINE, FOUND, COULD_NOT_RUN = 0, 1, 2


def safe(text: str) -> str:
    """Text without what a terminal would obey: control characters and marks of direction show as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(value: Any) -> str:
    """A value as a person reads it: text bare, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    return safe(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def stdin() -> BinaryIO:
    """Standard input as bytes; empty where it is closed."""
    return sys.stdin.buffer if sys.stdin else BytesIO()


def outcome_of(result: Result) -> str:
    """What became of it: `event`, `profile`, `skipped` or `parked`."""
    if isinstance(result, Translation):
        return "event" if result.unique_id else "profile"
    return "parked" if isinstance(result, Parked) else "skipped"


def reason_of(result: Result) -> str | None:
    """Why nothing came of it, `code: sentence`; None for an event and for a profile."""
    return None if isinstance(result, Translation) else f"{result.reason}: {result.detail}"


def echo_json(row: Any) -> None:
    """One line of JSON, in UTF-8 whatever the locale."""
    try:
        click.echo(msgspec.json.encode(row))
    except UnicodeEncodeError:  # half a surrogate pair in a raw value
        click.echo(json.dumps(row).encode("ascii"))


def show_issues(issues: Iterable[Issue], *, err: bool = False, width: int = 0) -> None:
    """Issues for people, with their carets; in lines of *width* where that is given."""
    for issue in issues:
        colour = "red" if issue.severity == "error" else "yellow"
        head = str(issue)
        if issue.severity == "warning" and issue.place and not issue.field:
            head = f"{issue.place}  {issue.code}  warning: {issue.message}"
        for line in _wrapped(safe(head), width):
            click.echo(click.style(line, fg=colour), err=err)
        for line in caret_lines(issue.place, width - 5 if width else WIDEST_LINE) if issue.place else ():
            click.echo("    " + "\t".join(map(safe, line.split("\t"))), err=err)
        for line in _wrapped(f"    hint: {safe(issue.hint)}", width) if issue.hint else ():
            click.echo(line, err=err)


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines of a width, later ones indented; in one line where there is none."""
    if not width or len(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    return wrap(text, width, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)


def stop(message: str, issues: Iterable[Issue] = ()) -> NoReturn:
    """End because the command could not run: one clear line, after the issues if there are any."""
    show_issues(issues, err=True)
    click.echo(f"error: {safe(message)}", err=True)
    sys.exit(COULD_NOT_RUN)


def complain(message: str) -> None:
    """One clear line on standard error; the run goes on."""
    click.echo(f"error: {safe(message)}", err=True)
