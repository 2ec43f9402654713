"""`fmt`: spec files in the form of the house."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from engine.commands.text import (
    COULD_NOT_RUN,
    FINE,
    FOUND,
    complain,
    echo_json,
    safe,
    show_issues,
    stdin,
    stop,
)
from engine.errors import SpecError
from engine.issues import counted
from engine.tools.fmt.formatting import Formatted, diff_of, format_files, format_text

STDIN = "-"
_WORDS = {
    "changed": ("rewritten", "would be rewritten"),
    "same": ("in form", "in form"),
    "faulty": ("left for its faults", "faulty"),
    "failed": ("not read or not written", "not read"),
    "unsafe": ("left by a fault of fmt", "left by a fault of fmt"),
}
"""What became of files, in the order of the last line: as they are written, and as they are looked at."""
_UNSAFE = "its new form would not say the same, which is a fault of fmt; please report it with the file"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file would be rewritten.")
@click.option("--diff", is_flag=True, help="Write nothing, too, and show what would change.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a file.")
def fmt(paths: tuple[str, ...], check: bool, diff: bool, as_json: bool) -> None:
    """Rewrite specs into the shorter form that says the same.

    What they mean stays the same, every comment stays, and so does the order inside the sections. A file
    with faults is left as it is, and they are shown. Without a path: ./mappings. With -, standard input is
    written to standard output.

    \b
    Example:
      intercom-klaviyo fmt --check --diff mappings
    """
    looks = check or diff
    if STDIN in paths:
        _format_stdin(paths, check, diff, as_json)
        return
    if not paths and not Path("mappings").is_dir():
        stop("there is no ./mappings here; name a file or a folder")
    found: Counter[str] = Counter()
    try:
        for made in format_files(paths or ("mappings",), write=not looks):
            found[made.outcome] += 1
            if as_json:
                echo_json(_row(made, diff))
            else:
                _show(made, looks, diff)
    except SpecError as error:
        stop(str(error))
    if not as_json:
        told = [f"{found[outcome]:,} {words[looks]}" for outcome, words in _WORDS.items() if found[outcome]]
        click.echo(f"{counted(found.total(), 'file')}: {', '.join(told)}")
    sys.exit(_code(found, looks))


def _format_stdin(paths: tuple[str, ...], check: bool, diff: bool, as_json: bool) -> None:
    """What comes in, in its form, or nothing where it has faults: an editor keeps its text then."""
    if len(paths) > 1:
        stop("- stands alone: standard input gives one text")
    looks = check or diff
    made = format_text(stdin().read(), STDIN)
    if as_json:
        text = {} if looks or not _is_sound(made) else {"text": made.after}
        echo_json({**_row(made, diff), **text})
    elif looks or not _is_sound(made):
        _show(made, looks, diff)
    else:
        click.echo(made.after.encode("utf-8"), nl=False)
    sys.exit(_code(Counter([made.outcome]), looks))


def _is_sound(made: Formatted) -> bool:
    return made.outcome in ("same", "changed")


def _code(found: Counter[str], looks: bool) -> int:
    if found["unsafe"]:
        return COULD_NOT_RUN
    return FOUND if found["faulty"] or found["failed"] or (looks and found["changed"]) else FINE


def _row(made: Formatted, diff: bool) -> dict[str, Any]:
    """A file for machines; what there is none of is left out."""
    row: dict[str, Any] = {"file": made.file, "outcome": made.outcome}
    if made.issues:
        row["issues"] = [issue.as_json() for issue in made.issues]
    if made.reason:
        row["reason"] = made.reason
    if diff and made.outcome == "changed":
        row["diff"] = "\n".join(diff_of(made))
    return row


def _show(made: Formatted, looks: bool, diff: bool) -> None:
    """A file for people: nothing where nothing changes."""
    if made.outcome == "faulty":
        show_issues(made.issues, err=True)
        complain(f"{made.file}: left as it is, for {counted(len(made.issues), 'fault')}")
    elif made.outcome == "failed":
        complain(f"{made.file}: {made.reason}")
    elif made.outcome == "unsafe":
        complain(f"{made.file}: left as it is: {_UNSAFE}")
    elif made.outcome == "changed":
        click.echo(f"{safe(made.file)}: {_WORDS['changed'][looks]}")
        for line in diff_of(made) if diff else ():
            click.echo(click.style(safe(line), fg=_COLOURS.get(line[:1])))
