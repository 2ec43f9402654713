"""The command line: parse options, call one function, print.

Each command lives in a module of its own that is imported when it is called, so that none waits for
the libraries of another.
"""

import errno
import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

_COMMANDS = {
    "translate": "Show what Klaviyo would get for each notification; nothing is sent.",
    "explain": "Show where each value of a notification's events came from.",
    "check": "Show every fault of every spec, with its line and what to do.",
    "test": "Run the tests inside the specs, on the fixtures beside them.",
    "send": "Deliver to Klaviyo what comes of notifications, with look-ups at Intercom.",
    "serve": "Receive Intercom's webhooks, and deliver what comes of them to Klaviyo.",
    "status": "Show what waits, what went through, and what needs a person.",
    "events": "Show what went through lately, an event a line, and what became of it.",
    "dead": "Show what Klaviyo refused, what was given up, and what waits for a person.",
    "replay": "Have events made again from their notifications, with today's mappings.",
    "ledger": "Look after the ledger: check it, back it up, take away what need not be kept.",
    "doctor": "Look whether Intercom and Klaviyo are connected, and what to do next.",
    "records": "Put what Intercom knows by id into a file, for look-ups without a network.",
    "sandbox": "Start an Intercom and a Klaviyo of invented people on this machine.",
    "init": "Make a folder of mappings to edit: a copy of what is shipped.",
    "new": "Make a spec with its test from a captured notification.",
    "record": "Make fixtures of captured payloads, with invented people in place of yours.",
    "fmt": "Rewrite specs into the shorter form that says the same.",
    "list": "Show the metrics and profiles that there are, or the topics that they answer.",
    "show": "Show a spec with all that it takes in, and the origin of every line.",
    "coverage": "Show which lines never had a value, and which payload paths nothing reads.",
    "diff": "Show which events a change of the mappings makes appear, vanish or change.",
    "explain-issue": "Show why an issue comes, what to do about it, and an example put right.",
}
"""The commands by the name of their module (with `_` for `-`), each with its first line of help.

Once the module `list` is imported, it hides Python's own `list` from this one.
"""


class _Lazy(click.Group):
    """A group that imports a command when it is called, and not for the list of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        own = name.replace("-", "_")
        module = import_module(f"engine.commands.{own}")
        command: click.Command = getattr(module, own, None) or getattr(module, f"{own}_")
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; starting makes no garbage, so nothing looks for any until it has started."""
        gc.disable()
        try:
            return super().main(*args, **extra)
        finally:
            gc.enable()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a full disk ends in one clear line, and a closed pipe is click's to handle."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            click.echo(f"error: the output cannot be written: {error.strerror or 'unknown'}", err=True)
            os._exit(2)  # what is still in the buffer cannot be written either
        return done

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items()])


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    # Imported here: it reads the metadata of packages, which is slow.
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("intercom-klaviyo")
    except PackageNotFoundError:
        number = "from a clone that is not installed"
    click.echo(f"intercom-klaviyo {number}")
    ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def main() -> None:
    """YAML specs turn every Intercom event into its Klaviyo metric.

    Mappings are looked for in --mappings, in ./mappings, and then among those shipped.

    Exit codes: 0 fine, 1 something was found, 2 could not run.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a terminal that knows few characters shows the others as escapes
            stream.reconfigure(errors="backslashreplace")
