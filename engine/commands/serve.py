"""`serve`: receive, translate and deliver, until it is stopped."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from engine.commands.options import option, settings_from, settings_option
from engine.commands.text import FINE, echo_json, safe, stop
from engine.errors import LedgerError, SettingsError, SpecError, Unavailable
from engine.relay.points import from_environment


@click.command()
@option("mappings")
@settings_option
@click.option(
    "--ledger", "ledger_file", default="", metavar="FILE", help="Default: ledger.db, or the settings'."
)
@click.option("--host", default="", metavar="ADDRESS", help="Where to listen. Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), default=None, metavar="PORT", help="Default: 8400.")
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The form of the log. Default: text.",
)
def serve(
    mappings: str, settings_file: str, ledger_file: str, host: str, port: int | None, form: str
) -> None:
    """Receive Intercom's webhooks, and deliver what comes of them to Klaviyo.

    Each is on the disk before it is answered. What cannot be delivered now is delivered later, once. A
    changed mapping is taken up where the folder has no fault; `kill -HUP` rereads keys that come from files.
    Logs go to standard error, and hold no customer's values. Needs the extra `relay`:
    pip install 'intercom-klaviyo[relay]'.

    Exit 2 where it cannot start; else 0, however often it was in trouble: `status` says how it stands.

    \b
    Example:
      intercom-klaviyo serve --help
    """
    try:
        # Imported here: it needs the extra.
        from engine.settings import settings_file as file_of_settings
        from engine.tools.logs import logger
        from engine.tools.serving import NEEDED, Service
    except ModuleNotFoundError as error:
        stop(f"{error.name} is missing: pip install 'intercom-klaviyo[relay]'")
    as_read = settings_from(settings_file, *NEEDED)
    settings = replace(
        as_read,
        ledger_file=ledger_file or as_read.ledger_file,
        serve_host=host or as_read.serve_host,
        serve_port=as_read.serve_port if port is None else port,
    )
    known = Path(settings.ledger_file).exists()
    try:
        points = from_environment(os.environ)
    except ValueError as error:
        stop(str(error))
    hidden = (
        settings.intercom_token, *settings.intercom_secrets, settings.klaviyo_key, settings.klaviyo_token,
        settings.alert_url, *settings.workspace_tokens.values(),
    )  # fmt: skip
    log = logger("json" if form == "json" else "text", hidden)

    def started(url: str, ledger: Path) -> None:
        if form == "json":
            echo_json({"listening": url, "ledger": str(ledger.absolute()), "is_new": not known})
        else:
            new = "" if known else " (a new one)"
            click.echo(f"Listening at {url}\nLedger: {safe(str(ledger.absolute()))}{new}")
            click.echo("Running; Ctrl-C ends it.")

    try:
        service = Service(
            settings, mappings=mappings, settings_file=file_of_settings(settings_file or None),
            as_read=as_read, environment=os.environ, points=points, log=log,
        )  # fmt: skip
        is_whole = service.run(started)
    except SettingsError as error:
        stop(str(error), error.issues)
    except SpecError as error:
        stop(str(error), error.issues)
    except LedgerError as error:
        stop(f"{error.reason}; {error.next}" if error.next else error.reason)
    except Unavailable as error:
        stop(error.reason)
    except OSError as error:
        stop(f"it cannot listen at {settings.serve_host}:{settings.serve_port}: {error.strerror or error}")
    if not is_whole:
        log.warning("stopped", reason="something was still on its way; the next start goes on with it")
        sys.stdout.flush()
        os._exit(FINE)  # threads that wait for an answer would be waited for
    sys.exit(FINE)
