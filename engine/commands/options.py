"""Options that several commands take, and the machine that they make."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.commands.text import complain, note, stdin, stop
from engine.deadline import OF_COMMANDS
from engine.errors import SettingsError, SpecError, Unreadable
from engine.folder import HERE, default_folder, load
from engine.issues import did_you_mean
from engine.language.plan import Plan
from engine.tools.inputs import read_inputs

if TYPE_CHECKING:
    from engine.runner import Runner
    from engine.settings import Settings

Made = TypeVar("Made")
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = {
    "mappings": ("DIR", "The folder of specs. Default: ./mappings, or the shipped ones."),
    "records": ("FILE", "Records that answer look-ups, YAML or JSON."),
    "metric": ("NAME", "Only this metric or profile, by its name or its file's."),
}


def option(name: str) -> Callable[[Command], Command]:
    """One of the options that several commands take."""
    metavar, text = _OPTIONS[name]
    return click.option(f"--{name}", default="", metavar=metavar, help=text)


def machine_options(command: Command) -> Command:
    """The options from which `runner_from` makes the machine."""
    for name in reversed(_OPTIONS):
        command = option(name)(command)
    return command


def settings_option(command: Command) -> Command:
    """The option from which `settings_from` reads the settings."""
    text = "Settings that are no secrets, YAML. Default: ./engine.yaml, if it is there."
    return click.option("--settings", "settings_file", default="", metavar="FILE", help=text)(command)


def settings_from(file: str, *needed: str, with_secrets: bool = True) -> "Settings":
    """The settings, with these secrets among them; ends the command, with every fault, where it cannot be.

    Without *with_secrets* nobody looks at secrets, which the files may keep from whoever asks.
    """
    # Imported here: what talks to nobody needs no settings.
    from engine.settings import read_settings, settings_file
    from engine.settings_table import SETTINGS

    plain = {row.variable for row in SETTINGS.values()}
    environment = {name: text for name, text in os.environ.items() if with_secrets or name in plain}
    try:
        return read_settings(settings_file(file or None), environment, needed)
    except SettingsError as error:
        stop(str(error), error.issues)


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


def runner_from(mappings: str, records: str, metric: str) -> "Runner":
    """The machine of these options; ends the command where it cannot be made."""
    # Imported here: what only reads specs needs no machine.
    from engine.runner import Runner

    try:
        plans = chosen(plans_from(mappings), metric)
        return Runner(plans, records=records or None, deadline_seconds=OF_COMMANDS)
    except Unreadable as error:
        stop(error.reason)
    finally:
        gc.enable()  # from here on there may be work for it


def is_shipped(*named: str) -> bool:
    """Whether the shipped mappings are meant, as none are named and there are none here."""
    return not any(named) and default_folder() != HERE


def tell_whose(*named: str) -> None:
    """Say so where the shipped mappings are used: in a wrong folder they would be taken for one's own."""
    if is_shipped(*named):
        note("these are the shipped mappings, as there is no ./mappings here")


def plans_from(*mappings: str) -> tuple[Plan, ...]:
    """The plans of folders or files, each once; ends the command, with every fault, where there are none."""
    try:
        plans = [plan for path in mappings or ("",) for plan in load(path or None)]
    except SpecError as error:
        stop(str(error), error.issues)
    return tuple({Path(plan.spec.file).resolve(): plan for plan in plans}.values())


def chosen(plans: tuple[Plan, ...], metric: str) -> tuple[Plan, ...]:
    """The plans that a name means, all where none is given; ends the command where it means none."""
    meant = tuple(plan for plan in plans if is_meant(plan, metric))
    if not meant:
        names = list(dict.fromkeys(plan.name for plan in plans))
        near = did_you_mean(metric, names) or did_you_mean(metric, [plan.spec.stem for plan in plans])
        stop(f'no spec makes "{metric}"{near}', names=names)
    return meant


def is_meant(plan: Plan, metric: str) -> bool:
    """Whether a name means this plan: its own name, its file's, or none for all."""
    return metric in ("", plan.name, plan.spec.stem)
