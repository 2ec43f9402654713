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
}
"""The commands by the name of their module, each with its first line of help."""


class _Lazy(click.Group):
    """A group that imports a command when it is called, and not for the list of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"engine.commands.{name}"), name)
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
            formatter.write_dl(list(_COMMANDS.items()))


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
