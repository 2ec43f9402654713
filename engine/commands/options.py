"""Options that several commands take, and the machine that they make."""

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from engine.commands.text import complain, stdin, stop
from engine.errors import SpecError, Unreadable
from engine.folder import load
from engine.issues import did_you_mean
from engine.runner import Runner
from engine.tools.inputs import read_inputs

Made = TypeVar("Made")
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    ("mappings", "DIR", "The folder of specs. Default: ./mappings, or the shipped ones."),
    ("records", "FILE", "Records for look-ups, YAML or JSON; without it look-ups give no value."),
    ("metric", "NAME", "Only this metric or profile, by its name or its file's."),
)


def machine_options(command: Command) -> Command:
    """The options from which `runner_from` makes the machine."""
    for name, metavar, text in reversed(_OPTIONS):
        command = click.option(f"--{name}", default="", metavar=metavar, help=text)(command)
    return command


def work_through(paths: Iterable[str], work: Callable[[bytes], Made]) -> Iterator[tuple[str, Made | None]]:
    """Each input's name with what *work* makes of it; None, and a complaint, where it cannot be read."""
    for one in read_inputs(paths, stdin()):
        try:
            if one.fault:
                raise Unreadable(one.fault)
            yield one.name, work(one.raw)
        except Unreadable as error:
            complain(f"{one.name}: {error.reason}")
            yield one.name, None


def runner_from(mappings: str, records: str, metric: str) -> Runner:
    """The machine of these options; ends the command where it cannot be made."""
    try:
        plans = load(mappings or None)
        if metric:
            chosen = [plan for plan in plans if metric in (plan.name, plan.spec.stem)]
            if not chosen:
                names = [plan.name for plan in plans]
                meant = did_you_mean(metric, names) or "."
                stop(f'no spec makes "{metric}"{meant} There are: {", ".join(names)}')
            plans = tuple(chosen)
        return Runner(plans, records=records or None)
    except SpecError as error:
        stop(str(error), error.issues)
    except Unreadable as error:
        stop(error.reason)
    finally:
        gc.enable()  # from here on there may be work for it
