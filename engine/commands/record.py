"""`record`: captured payloads as fixtures that carry no customer."""

import gc
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from engine.commands.options import work_through
from engine.commands.text import FINE, FOUND, complain, echo_json, safe, stop
from engine.errors import SpecError, Unreadable
from engine.issues import counted
from engine.tools.inputs import STDIN
from engine.tools.record.recording import Recorded, Recorder
from engine.tools.record.writing import places_in, read_tables, text_of, write

STDOUT = "-"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@click.option(
    "--into", default="tests/fixtures", metavar="FOLDER", help="Default: ./tests/fixtures; - is stdout."
)
@click.option("--records", default="", metavar="FILE", help="Records of the same people, to be recorded too.")
@click.option("--keep", multiple=True, metavar="PATH", help="A place that stays as it is. May be repeated.")
@click.option("--seed", default="0", metavar="TEXT", help="Another seed invents other people. Default: 0.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a file.")
def record(
    paths: tuple[str, ...], into: str, records: str, keep: tuple[str, ...], seed: str, as_json: bool
) -> None:
    """Make fixtures of captured payloads, with invented people in place of yours.

    Names, addresses, numbers, ids and texts are replaced, each by the same in all that is named in one
    run; keys, times, counts and Intercom's own words stay. No file is ever written over.

    Exit 1 where an input cannot be read, or has not what --keep names.

    \b
    Example:
      intercom-klaviyo record tests/fixtures/ticket.created.json \\
          --records tests/fixtures/records.yaml --into recorded
    """
    if not paths and not records:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError("name a file, a folder, or - for standard input")
        paths = (STDIN,)
    gc.enable()  # there is work for it
    try:
        places = places_in(keep)
        tables = read_tables(records) if records else None
    except (SpecError, Unreadable) as error:
        stop(str(error))
    recorder = Recorder(seed, places)
    page = _Page(into, as_json)
    if tables is not None:
        page.put(records, recorder.record_tables(tables))
    for name, made in work_through(paths, recorder.record_bytes):
        page.put(name, made)
    met = {path for steps, path in places.items() if steps not in recorder.unmet}
    unmet = [path for path in keep if path not in met]
    for path in unmet:
        complain(f"--keep {path}: no input has that")
    page.end()
    sys.exit(FOUND if unmet or page.count["unreadable"] else FINE)


class _Page:
    """Writes recordings, and tells of each in one line, without a value."""

    def __init__(self, into: str, as_json: bool) -> None:
        self._into = into
        self._as_json = as_json
        self.count: Counter[str] = Counter()

    def put(self, name: str, made: Recorded | None) -> None:
        """Write one recording; None stands for an input that cannot be read."""
        if made is None:
            self.count["unreadable"] += 1
            return
        if self._into == STDOUT:
            click.echo(text_of(made.value), nl=False)
            return
        try:
            file, is_new = write(made, Path(self._into))
        except OSError as error:
            stop(f"{error.filename or self._into}: {error.strerror or 'it cannot be written'}")
        self.count["written" if is_new else "there"] += 1
        if self._as_json:
            echo_json(_row(name, made, file, is_new))
        else:
            click.echo(
                f"{safe(str(file))}  {'written' if is_new else 'the same is there already'}: {_told(made)}"
            )

    def end(self) -> None:
        """Sum up, and say what to do before anybody else sees the files."""
        if self._into == STDOUT or self._as_json or not self.count:
            return
        parts = [f"{self.count['written']} written"]
        parts += [f"{self.count['there']} there already"] if self.count["there"] else []
        parts += [f"{self.count['unreadable']} not readable"] if self.count["unreadable"] else []
        click.echo(f"\n{counted(self.count.total(), 'input')}: {', '.join(parts)}")
        if self.count["written"]:
            click.echo(
                "Keys stay as they are, such as the names of your attributes: look at them before you share."
            )


def _told(made: Recorded) -> str:
    often = sorted(made.invented.items(), key=lambda kind: -kind[1])
    told = [counted(number, kind) for kind, number in often] or ["nothing to invent"]
    return ", ".join(told + [f"{made.kept} kept"] * bool(made.kept))


def _row(name: str, made: Recorded, file: Path, is_new: bool) -> dict[str, Any]:
    row = {"input": name, "file": str(file), "written": is_new}
    return {**row, "invented": dict(made.invented), "kept": made.kept}
