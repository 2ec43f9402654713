"""What the commands share: values as text that is safe in a terminal, and how a run ends."""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

import click
import msgspec

from engine.events import Parked, Result, Skipped, Translation
from engine.issues import WIDEST_LINE, Issue, caret_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FINE, FOUND, COULD_NOT_RUN = 0, 1, 2
NARROWEST, WIDEST = 80, 140
_UNBROKEN = "\xa0"
"""Stands for a space at which no line ends."""
_BLANKS = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$")
"""Blanks at the end of a line, before the codes that end its colours."""

Made = TypeVar("Made")


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


def page_width() -> int:
    """The columns of the terminal, within what a page can use; those of a narrow one where there is none."""
    return min(max(shutil.get_terminal_size((NARROWEST, 24)).columns, NARROWEST), WIDEST)


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


def telling(results: list[Made]) -> list[Made]:
    """Without the skipped ones, where anything else came of the input."""
    return [result for result in results if not isinstance(result, Skipped)] or results[:1]


def as_line(row: Any) -> str:
    """One line of JSON."""
    return msgspec.json.encode(row).decode()


def echo_json(row: Any) -> None:
    """One line of JSON, in UTF-8 whatever the locale."""
    try:
        click.echo(msgspec.json.encode(row))
    except UnicodeEncodeError:  # half a surrogate pair in a raw value
        click.echo(json.dumps(row).encode("ascii"))


def print_rich(console: "Console", what: "str | Table", style: str = "") -> None:
    """What rich prints, without the blanks that fill its lines up."""
    with console.capture() as printed:
        console.print(what, style=style or None)
    for line in printed.get().removesuffix("\n").split("\n"):
        bare = _BLANKS.sub(r"\1", line)
        click.echo(bare, color=True)  # rich has left out the colours where nobody sees any


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
        hint = f"    hint: {safe(issue.hint)}"
        for line in (_wrapped(hint, width) if width else for_reading(hint, err=err)) if issue.hint else ():
            click.echo(line, err=err)


def _wrapped(text: str, width: int, *, breaks_words: bool = True, hang: int = 4) -> list[str]:
    """The text in lines of a width, later ones indented; in one line where there is none."""
    if not width or len(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    return wrap(
        text.lstrip(), width, initial_indent=indent, subsequent_indent=indent + " " * hang,
        break_on_hyphens=False, break_long_words=breaks_words,
    )  # fmt: skip


def for_reading(text: str, *, err: bool = False, hang: int = 4) -> list[str]:
    """One line, in which a program can look for words; several where a person sits at a terminal.

    Later ones are indented by *hang* more than the first.
    """
    stream = sys.stderr if err else sys.stdout
    is_terminal = stream is not None and stream.isatty()
    return _wrapped(text, page_width() if is_terminal else 0, breaks_words=False, hang=hang)


def stop(message: str, issues: Iterable[Issue] = (), *, names: Iterable[str] = ()) -> NoReturn:
    """End because the command could not run: one clear message, after the issues if there are any.

    *names* are those that could have been meant; they follow, none of them broken.
    """
    show_issues(issues, err=True)
    complain(message)
    told = ", ".join(safe(name).replace(" ", _UNBROKEN) for name in names)
    for line in _wrapped(f"    there are: {told}", page_width(), breaks_words=False) if told else ():
        click.echo(line.replace(_UNBROKEN, " "), err=True)
    sys.exit(COULD_NOT_RUN)


def complain(message: str) -> None:
    """One clear message on standard error; the run goes on."""
    _tell(f"error: {safe(message)}")


def note(message: str) -> None:
    """What a person should know, on standard error: the output stays what it is."""
    _tell(f"note: {safe(message)}")


def _tell(message: str) -> None:
    for line in for_reading(message, err=True):
        click.echo(line, err=True)
