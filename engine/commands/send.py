"""`send`: translate, look up, and deliver to Klaviyo."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from engine.clock import SystemClock
from engine.commands.options import chosen, machine_options, plans_from, settings_from, settings_option
from engine.commands.sent import Page, Sent
from engine.commands.text import FINE, FOUND, complain, note, stdin, stop
from engine.deadline import OF_COMMANDS
from engine.errors import Denied, Unreadable
from engine.events import Notification, Skipped
from engine.language.conversions import TYPES
from engine.language.faults import Refused
from engine.ports import Sink
from engine.runner import Runner
from engine.tools.accounts import dry_klaviyo_of, intercom_of, klaviyo_of
from engine.tools.inputs import STDIN, Input, read_inputs
from engine.tools.rehearsal import Backfill, Rehearsal

AT_ONCE, AT_ONCE_IN_BULK = 50, 1_000
"""Notifications that are translated together, so that their look-ups and requests are."""
LONG_SECONDS = 3.0
MOST_BYTES = 10 * 1024 * 1024
"""Of these together: opened, they take many times the room."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE or FOLDER or -]...")
@machine_options
@settings_option
@click.option("--dry-run", is_flag=True, help="Send nothing to Klaviyo: show the requests that would leave.")
@click.option("--history", is_flag=True, help="In bulk, recorded as history: no flow starts.")
@click.option("--to", default=None, metavar="EMAIL", help="Send every event to this one profile instead.")
@click.option("--fire-flows", is_flag=True, help="With --to: let the events start flows.")
@click.option("--show-values", is_flag=True, help="Show Klaviyo's reasons whole, with the values in them.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a result.")
def send(
    paths: tuple[str, ...],
    mappings: str,
    records: str,
    metric: str,
    settings_file: str,
    dry_run: bool,
    history: bool,
    to: str | None,
    fire_flows: bool,
    show_values: bool,
    as_json: bool,
) -> None:
    """Deliver to Klaviyo what comes of notifications, with look-ups at Intercom.

    Reads what `translate` reads. Look-ups are answered by Intercom (INTERCOM_TOKEN), or by --records. To send
    the same again is safe: Klaviyo records an id once. Nothing is kept here: what could not be sent is told.

    Begin with --dry-run, and then with --to your own address: every event lands on that one profile, with an
    id of its own, and no customer is touched.

    Exit 1 where anything was refused, parked or not sent, or an input cannot be read.

    \b
    Example:
      intercom-klaviyo send tests/fixtures/ticket.created.json \\
          --records tests/fixtures/records.yaml --dry-run
    """
    if not paths:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError("name a file, a folder, or - for standard input")
        paths = (STDIN,)
    if fire_flows and (history or to is None):
        raise click.UsageError("--fire-flows goes with --to, and not with --history, which starts no flow")
    plans = chosen(plans_from(mappings), metric)
    needed = [*(() if records else ("INTERCOM_TOKEN",)), *(() if dry_run else ("KLAVIYO_API_KEY",))]
    if not records and not {"INTERCOM_TOKEN", "INTERCOM_TOKEN_FILE"} & os.environ.keys():
        note("look-ups are asked of Intercom, unless a file answers them: --records FILE")
    settings = settings_from(settings_file, *needed)
    for service, url in (("Intercom", settings.intercom_url), ("Klaviyo", settings.klaviyo_url)):
        if url and not as_json:
            note(f"{service} is {url} here")
    page = Page(as_json=as_json, show_values=show_values, dry_run=dry_run)
    if dry_run:
        klaviyo = dry_klaviyo_of(settings, page.show_request)
    else:
        klaviyo = klaviyo_of(settings, clock=TellingClock("Klaviyo"))
    sink = _around(klaviyo, history, to, fire_flows)
    try:
        answers = records or intercom_of(settings, TellingClock("Intercom"))
        runner = Runner(plans, records=answers, sink=sink, deadline_seconds=OF_COMMANDS)
    except Unreadable as error:
        stop(error.reason)
    size = AT_ONCE_IN_BULK if history else AT_ONCE
    try:
        with _progress(paths) as advance:
            for some in by(size, read_inputs(paths, stdin())):
                _send_some(runner, some, page, bulk=history)
                advance(sum(len(one.raw) for one in some))
    except Denied as denied:
        page.sum_up()
        kept = (
            "; what is accepted stays so, and to send it all again is safe" if page.count["accepted"] else ""
        )
        stop(f"{denied.reason}{kept}: `intercom-klaviyo doctor` says what to do")
    except KeyboardInterrupt:
        page.sum_up()
        stop("stopped: what is not told above may have been sent, and to send it all again is safe")
    page.sum_up()
    sys.exit(FOUND if page.is_bad else FINE)


def _around(sink: Sink, history: bool, to: str | None, fire_flows: bool) -> Sink:
    """What is asked for instead of plain sending."""
    if to is not None:
        try:
            address = TYPES["email"].convert(to)
        except Refused:
            address = None
        if not address:  # also where it is empty, as of a variable that is not set
            raise click.UsageError("--to takes an e-mail address")
        return Rehearsal(sink, str(address), f"{SystemClock().now():%Y%m%dT%H%M%S}", fire_flows)
    return Backfill(sink) if history else sink


def _send_some(runner: Runner, some: list[Input], page: Page, *, bulk: bool) -> None:
    """Send what comes of some inputs, and show what became of it."""
    read: list[tuple[str, Notification | Skipped | None]] = []
    for one in some:
        try:
            if one.fault:
                raise Unreadable(one.fault)
            read.append((one.name, runner.read(one.raw)))
        except Unreadable as error:
            page.count["not readable"] += 1
            complain(f"{one.name}: {error.reason}")
            read.append((one.name, None))
    opened = [one for _, one in read if isinstance(one, Notification)]
    rows: list[list[Sent]] = []
    try:
        rows = runner.send_all(opened, partial=True, bulk=bulk)
    except Denied as denied:
        rows = denied.rows
        raise
    finally:
        told = iter(rows)
        for name, notification in read if rows or not opened else ():
            if notification is not None:
                page.count["inputs"] += 1
                page.show(name, next(told) if isinstance(notification, Notification) else [notification])


def by(size: int, inputs: Iterable[Input]) -> Iterator[list[Input]]:
    """The inputs, some at a time, and fewer where they are large."""
    some: list[Input] = []
    held = 0
    for one in inputs:
        some.append(one)
        held += len(one.raw)
        if len(some) == size or held > MOST_BYTES:
            yield some
            some, held = [], 0
    if some:
        yield some


@contextmanager
def _progress(paths: Iterable[str]) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where a terminal is there to see it; gives what moves it on, by bytes."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Imported here: it is slow to import, and for terminals.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("sending"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    shares_terminal = sys.stdout is not None and sys.stdout.isatty()
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=shares_terminal)
    task = bar.add_task("", total=_size_of(paths) or None)
    try:
        yield lambda size: _moved(bar, task, size)
    finally:
        bar.stop()


def _moved(bar: Any, task: Any, size: int) -> None:
    """Move the bar, which appears after the first of several parts."""
    bar.advance(task, size)
    if not bar.finished and not bar.live.is_started:
        bar.start()


def _size_of(paths: Iterable[str]) -> int:
    """How many bytes the files hold; nothing where that is not known, as of standard input."""
    size = 0
    for path in map(Path, paths):
        files = [path, *(path.rglob("*") if path.is_dir() else ())]
        try:
            size += sum(file.stat().st_size for file in files if file.is_file())
        except OSError:
            return 0
    return 0 if STDIN in paths else size


class TellingClock(SystemClock):
    """The machine's clock, which says whom a longer wait is for."""

    def __init__(self, whom: str) -> None:
        self._whom = whom

    def sleep(self, seconds: float) -> None:
        """Wait, and say so where that takes a while."""
        if seconds >= LONG_SECONDS:
            note(f"waiting {seconds:.0f} seconds for {self._whom}")
        super().sleep(seconds)
