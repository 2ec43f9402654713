"""`coverage`: which lines of the specs never had a value, and which paths of the payloads nothing reads."""

import gc
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, NamedTuple

import click

from engine.commands.options import chosen, machine_options, plans_from, tell_whose, work_through
from engine.commands.text import FINE, FOUND, echo_json, outcome_of, page_width, safe, stop
from engine.errors import Unreadable
from engine.folder import default_folder
from engine.issues import Place, counted
from engine.tools.coverage.report import Coverage, conditions_of, lines_of
from engine.tools.coverage.tally import Line, SpecCount
from engine.tools.coverage.unread import Unread
from engine.tools.diff.given import given

MOST_KEYS = 8
MOST_OF_A_KIND = 10
WIDEST_NAME, WIDEST_PATH = 26, 31


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@machine_options
@click.option("--lines", "only_lines", is_flag=True, help="Only the lines of the specs.")
@click.option("--paths", "only_paths", is_flag=True, help="Only the paths of the payloads.")
@click.option("--all", "every", is_flag=True, help="Every line with its count, and every path by itself.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a spec, line, condition or path.")
def coverage(
    paths: tuple[str, ...], mappings: str, records: str, metric: str,
    only_lines: bool, only_paths: bool, every: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show which lines never had a value, and which payload paths nothing reads.

    Tries the specs on the notifications that are named, or else on the fixtures beside the mappings,
    with the records beside those. Names and counts are shown, and never a value.

    Exit 1 where an input cannot be read; nothing that is found changes it.

    \b
    Example:
      intercom-klaviyo coverage tests/fixtures \\
          --records tests/fixtures/records.yaml
    """
    tell_whose(mappings)
    plans = chosen(plans_from(mappings), metric)
    try:
        paths, answers = given(paths, records, mappings or str(default_folder()))
    except Unreadable as error:
        stop(error.reason)
    gc.enable()  # from here on there may be work for it
    found = Coverage(plans, records=answers)
    count: Counter[str] = Counter()
    for _, results in work_through(paths, found.add):
        count["unreadable" if results is None else "inputs"] += 1
        count.update(outcome_of(result) for result in results or ())
    specs = [] if only_paths and not only_lines else found.specs()
    topics = found.unanswered if specs and not metric else {}
    unread = [] if only_lines and not only_paths else found.unread()
    if as_json:
        for row in (*_rows_of(specs, topics), *map(_row_of_path, unread)):
            echo_json(row)
    elif count["inputs"] or not count["unreadable"]:
        page = _Page(every)
        page.show_lines(specs, topics)
        page.show_paths(unread, found.kinds())
        _sum_up(count, answers is not None)
    sys.exit(FOUND if count["unreadable"] else FINE)


def _rows_of(specs: list[SpecCount], topics: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    row: dict[str, Any]
    for one in specs:
        spec = one.spec
        row = {"row": "spec", "metric": spec.name, "file": spec.file, "topics": list(spec.topics)}
        row |= {"notifications": one.notifications, "made": one.made}
        yield {**row, "skipped": one.skipped, "parked": one.parked, "why": dict(one.why)}
    for line in lines_of(specs):
        row = {"row": "line", "section": line.section, "name": line.name, **_fields(line.place)}
        row |= {"had": line.had, "of": line.of, "lost": dict(line.lost)}
        row["keys"] = dict(line.keys) if line.is_spread else None
        row["metrics"] = {name: {"had": had, "of": of} for name, (had, of) in line.by_metric.items()}
        yield row
    for asked in conditions_of(specs):
        row = {"row": "condition", "condition": asked.text, **_fields(asked.place)}
        yield {**row, "held": asked.held, "failed": asked.failed, "metrics": list(asked.metrics)}
    for topic, times in topics.items():
        yield {"row": "topic", "topic": topic, "notifications": times}


def _fields(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}


def _row_of_path(one: Unread) -> dict[str, Any]:
    row = {"row": "path", "kind": one.kind, "path": one.path, "type": one.type}
    return {**row, "had": one.had, "of": one.of, "help": one.help or None}


class _Row(NamedTuple):
    """A number of something, its name, and what else there is to say."""

    number: str
    name: str
    rest: str = ""


class _Page:
    """What people see: sections under headings, each only where it has something to say."""

    def __init__(self, every: bool) -> None:
        self._every = every
        self._is_first = True
        self._width = page_width()

    def show_lines(self, specs: list[SpecCount], topics: Mapping[str, int]) -> None:
        """What came of the specs and their lines, and the topics that they do not answer."""
        lines = [line for line in lines_of(specs) if line.of]
        never = [line for line in lines if not line.had]
        asked = [one for one in conditions_of(specs) if one.held or one.failed]
        self._section("specs that made nothing", [_silent(one) for one in specs if not one.made])
        self._section("lines that never had a value", [_of_line(line, _had(line)) for line in never])
        if lines and not never:
            self._heading(f"every line had a value at least once: {counted(len(lines), 'line')}")
        lost = [_of_line(line, _losses(line)) for line in lines if line.lost]
        self._section("values that were left out", lost)
        failing = [_Row(f"0 of {one.failed}", one.text, _at(one.place)) for one in asked if not one.held]
        self._section("conditions that never held", failing)
        holding = [_Row(f"0 of {one.held}", one.text, _at(one.place)) for one in asked if not one.failed]
        self._section("conditions that never failed", holding)
        most = None if self._every else MOST_KEYS
        self._section("keys that were spread", [_of_keys(line, most) for line in lines if line.keys])
        unanswered = [_Row(str(times), topic) for topic, times in topics.items()]
        self._section("topics that no spec answers", unanswered)
        if self._every:
            self._section("every line", [_of_line(line, _had(line)) for line in lines])

    def show_paths(self, unread: list[Unread], kinds: Mapping[str, int]) -> None:
        """What nothing reads, by kind of object, the most frequent first."""
        for kind in dict.fromkeys(one.kind for one in unread):
            groups: dict[str, list[Unread]] = {}
            for one in unread:
                if one.kind == kind:
                    groups.setdefault(one.path if self._every else one.top, []).append(one)
            often = sorted(groups.items(), key=lambda group: -max(one.had for one in group[1]))
            shown = often if self._every else often[:MOST_OF_A_KIND]
            rows = [_of_path(below[0]) if self._every else _of_paths(top, below) for top, below in shown]
            title = f"paths that nothing reads: {safe(kind)}, of {counted(kinds[kind], 'notification')}"
            self._section(title, rows, widest=WIDEST_PATH, is_cut=not self._every)
            if len(shown) < len(often):
                click.echo(f"  and {len(often) - len(shown)} more; --all shows each")

    def _heading(self, title: str) -> None:
        if not self._is_first:
            click.echo()
        self._is_first = False
        click.echo(click.style(title, bold=True))

    def _section(
        self, title: str, rows: list[_Row], *, widest: int = WIDEST_NAME, is_cut: bool = False
    ) -> None:
        """A table of which a long row takes several lines, or loses its end."""
        if not rows:
            return
        self._heading(title)
        numbers = max(len(row.number) for row in rows)
        names = min(max(len(safe(row.name)) for row in rows), widest)
        room = self._width - numbers - names - 6
        for row in rows:
            name, rest = safe(row.name), safe(row.rest)
            if is_cut and len(rest) > room:
                rest = rest[: room - 3].rstrip() + "..."
            head = f"  {row.number:>{numbers}}  "
            if len(name) <= names and len(rest) <= room:
                click.echo(f"{head}{name:<{names}}  {rest}".rstrip())
                continue
            later = " " * (len(head) + 2)
            for text, first in ((name, head), (rest, later)):
                for part in wrap(text, self._width, initial_indent=first, subsequent_indent=later):
                    click.echo(part)


def _of_line(line: Line, number: str) -> _Row:
    sections = ("let", "lookups", "each", "profile")
    name = f"{line.section}.{line.name}" if line.section in sections else line.name
    return _Row(number, name, _at(line.place))


def _at(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _had(line: Line) -> str:
    return f"{line.had} of {line.of}"


_LOST = {"no-record": "without record", "over-limit": "over a limit", "not-accepted": "not accepted"}


def _losses(line: Line) -> str:
    """How many values were left out, and why."""
    return ", ".join(f"{times} of {line.of} {_LOST.get(code, code)}" for code, times in line.lost.items())


def _silent(one: SpecCount) -> _Row:
    """A spec of which nothing came, with the most frequent reason."""
    if not one.notifications:
        return _Row("0 of 0", one.spec.name, f"no notification of {' or '.join(one.spec.topics)}")
    often = sorted(one.why.items(), key=lambda why: -why[1])
    more = f"; and {len(often) - 1} more" if len(often) > 1 else ""
    return _Row(f"0 of {one.notifications}", one.spec.name, f"{often[0][0]}{more}")


def _of_keys(line: Line, most: int | None) -> _Row:
    """The keys of a line that spreads an object, the most frequent first."""
    often = sorted(line.keys.items(), key=lambda key: -key[1])
    shown = often[:most]
    more = f", and {len(often) - len(shown)} more" if len(shown) < len(often) else ""
    told = ", ".join(f"{key} {times}" for key, times in shown)
    return _Row(str(len(often)), f"{line.name}  {_at(line.place)}", f"{told}{more}")


def _of_paths(top: str, below: list[Unread]) -> _Row:
    """One path with what it is; or several below a key with their names."""
    had = str(max(one.had for one in below))
    if len(below) == 1:
        [one] = below
        return _Row(had, one.path, f"{one.type:<8}  {one.help}")
    names = ", ".join(one.path.removeprefix(top).lstrip("[].") for one in below)
    return _Row(had, top, f"{f'{len(below)} paths':<8}  {names}")


def _of_path(one: Unread) -> _Row:
    told = f": {one.help}" if one.help else ""
    return _Row(str(one.had), f"{one.type:<8}  {one.path}{told}")


def _sum_up(count: Counter[str], has_records: bool) -> None:
    parts = [counted(count["event"], "event"), counted(count["profile"], "profile")]
    parts += [f"{count['skipped']} skipped", f"{count['parked']} parked"]
    parts += [f"{count['unreadable']} not readable"] if count["unreadable"] else []
    click.echo(f"\n{counted(count['inputs'], 'input')}: {', '.join(parts)}")
    if not has_records and count["inputs"]:
        click.echo("Without --records FILE, what is looked up has no value.")
