"""What commands on the ledger share: how it is opened, and times as a person gives and reads them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.clock import SystemClock
from engine.commands.text import note, stop
from engine.errors import LedgerError, Unavailable
from engine.issues import did_you_mean

if TYPE_CHECKING:
    from engine.ledger.store import Ledger
    from engine.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

LACKING = "the ledger needs more packages: pip install 'intercom-klaviyo[relay]'"
_AGO = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def ledger_option(command: Command) -> Command:
    """The option that goes before the setting `ledger.file`."""
    text = "The ledger. Default: the setting ledger.file, usually ./ledger.db."
    return click.option("--ledger", "ledger_file", default="", metavar="FILE", help=text)(command)


def metric_option(command: Command) -> Command:
    """The option that names a metric of the ledger's, whatever the mappings are by now."""
    return click.option("--metric", default="", metavar="NAME", help="Only this metric or profile.")(command)


def note_unknown(ledger: "Ledger", metric: str) -> None:
    """Say so where a ledger has never heard of a metric: a slip of the pen would look like nothing at all."""
    # Imported here: it needs the extra.
    from engine.ledger import figures

    if metric:
        with ledger.read() as tx:
            known = [one.name for one in figures.metrics(tx, ledger.now())]
        if metric not in known:
            note(f'the ledger knows no metric "{metric}"{did_you_mean(metric, known)}')


def since_option(command: Command) -> Command:
    """The option that names a moment."""
    text = "Only from then on: 30m, 2h, 3d, or a time such as 2026-09-01T10:00:00Z."
    return click.option("--since", default="", metavar="TIME", help=text)(command)


def since_of(text: str, now: float) -> float:
    """The moment that `--since` means; the beginning where it is not given."""
    if not text:
        return 0.0
    if found := _AGO.fullmatch(text):
        return now - int(found[1]) * _SECONDS[found[2]]
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.UsageError(
            "--since takes 30m, 2h or 3d, or a time such as 2026-09-01T10:00:00Z"
        ) from None


def moment(seconds: float | None) -> str:
    """A time as it is shown; nothing where there is none."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def path_of(ledger_file: str, settings: "Settings") -> Path:
    """Where the ledger is; ends the command where there is none."""
    path = Path(ledger_file or settings.ledger_file)
    if not path.is_file():
        stop(f"there is no ledger {path}: `serve` makes it; --ledger FILE names another one")
    return path


@contextmanager
def opened(ledger_file: str, settings: "Settings") -> "Iterator[Ledger]":
    """The ledger, closed in the end; ends the command where it is not there, or cannot be used."""
    path = path_of(ledger_file, settings)
    with told():
        # Imported here: it needs the extra, and is slow to import.
        from engine.ledger.store import Ledger

        ledger = Ledger(path, clock=SystemClock())
        try:
            yield ledger
        finally:
            ledger.close()


@contextmanager
def told() -> Iterator[None]:
    """End the command, in our words, where the ledger or what it needs cannot be used."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "engine":
            raise
        stop(LACKING)
    except LedgerError as error:
        stop(f"{error.reason}{f'; {error.next}' if error.next else ''}")
    except Unavailable as error:
        stop(f"{error.reason}; try again")
