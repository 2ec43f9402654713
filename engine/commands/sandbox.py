"""`sandbox`: an Intercom and a Klaviyo on this machine."""

import json
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.clock import SystemClock
from engine.commands.options import settings_from, settings_option
from engine.commands.text import FINE, FOUND, for_reading, safe, stop
from engine.errors import EngineError
from engine.issues import counted, did_you_mean
from engine.ports import Transport
from engine.sandbox.faults import KINDS, TROUBLE

ALL = "all"
_FAULTS = "\n".join(f"  {kind:<17}{what}" for kind, what in {**KINDS, **TROUBLE}.items())


@click.group(invoke_without_command=True, epilog=f"\b\nKinds of faults:\n{_FAULTS}")
@click.option(
    "--conversations", type=click.IntRange(0, 1_000_000), default=60, metavar="N", help="Default: 60."
)
@click.option("--tickets", type=click.IntRange(0, 1_000_000), default=40, metavar="N", help="Default: 40.")
@click.option(
    "--seed", type=int, default=0, metavar="S", help="Another seed invents other people. Default: 0."
)
@click.option(
    "--version", default="2.16", metavar="V", help="What the app is set to, from 2.9 on. Default: 2.16."
)
@click.option(
    "--webhooks", default="", metavar="URL", help="Where to send what is played, signed; loopback only."
)
@click.option(
    "--retry-after",
    type=click.FloatRange(0.1, 60),
    default=60.0,
    metavar="SECONDS",
    help="When a webhook that failed is sent again. Default: 60, as Intercom does.",
)
@click.option(
    "--ports",
    default="8401,8402",
    metavar="A,B",
    help="Intercom's and Klaviyo's. 0 is any. Default: 8401,8402.",
)
@click.option(
    "--env", "env_file", default="", metavar="FILE", help="Write what to set to a file, for `. FILE`."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND=CHANCE",
    help="What goes wrong, and how often (0 to 1). May be repeated; the kinds are below.",
)
@click.pass_context
def sandbox(
    context: click.Context,
    conversations: int,
    tickets: int,
    seed: int,
    version: str,
    webhooks: str,
    retry_after: float,
    ports: str,
    env_file: str,
    faults: tuple[str, ...],
) -> None:
    """Start an Intercom and a Klaviyo of invented people on this machine.

    Both refuse what the real ones refuse, word it as they do, and keep their limits. Prints what to set, and
    runs until Ctrl-C; in another terminal, `sandbox play`, `state` and `check` talk to it. Needs the extra
    `sandbox`: pip install 'intercom-klaviyo[sandbox]'.

    \b
    Example:
      intercom-klaviyo sandbox --help
    """
    if context.invoked_subcommand is not None:
        return
    try:
        # Imported here: it needs the extra, and only starting does.
        from engine.sandbox.faults import Faults
        from engine.sandbox.intercom.sender import RETRY_SECONDS
        from engine.sandbox.intercom.versions import VERSIONS
        from engine.sandbox.intercom.workspace import Workspace
        from engine.sandbox.klaviyo.account import Account
        from engine.sandbox.running import Address, PortTaken, Sandbox, environment, serve
    except ModuleNotFoundError as error:
        stop(f"{error.name} is missing: pip install 'intercom-klaviyo[sandbox]'")
    env_file = _writable(env_file, "--env")
    taken = _ports(ports)
    chances = _chances(faults, [*KINDS, *TROUBLE])
    of_klaviyo = Faults(seed, {kind: chance for kind, chance in chances.items() if kind in KINDS})
    of_intercom = {kind: chance for kind, chance in chances.items() if kind in TROUBLE}
    if version not in VERSIONS:
        raise click.UsageError(f"--version takes one of {', '.join(VERSIONS)}")
    today = SystemClock().now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    workspace = Workspace.of(conversations, tickets, seed, today)
    running = Sandbox(
        workspace,
        Account(faults=of_klaviyo),
        version=version,
        webhooks=_near(webhooks),
        transport=_wire(),
        scale=retry_after / RETRY_SECONDS,
        trouble=of_intercom,
        seed=seed,
    )

    def started(intercom: Address, klaviyo: Address) -> None:
        given = environment(intercom.url, klaviyo.url, workspace.region)
        lines = "".join(f"export {name}={text}\n" for name, text in given.items())
        click.echo(f"Intercom: {workspace.name} ({workspace.app_id}), {len(workspace.contacts):,} contacts, "
                   f"{counted(conversations, 'conversation')}, {counted(tickets, 'ticket')}")  # fmt: skip
        click.echo(f"\n{lines}\nPages: {intercom.url}/ and {klaviyo.url}/\nRunning; Ctrl-C ends it.")
        if env_file:
            Path(env_file).write_text(lines, encoding="utf-8")

    try:
        serve(running, taken, started)
    except PortTaken as port:
        stop(f"{port}: --ports 0,0 takes free ones")
    except OSError as error:  # the file of --env
        stop(str(error))


def _ports(text: str) -> tuple[int, int]:
    first, _, second = text.partition(",")
    if not (first.isdigit() and second.isdigit() and max(int(first), int(second)) < 65536):
        raise click.UsageError("--ports takes two numbers, such as 8401,8402")
    if first == second != "0":
        raise click.UsageError("--ports takes two numbers that differ")
    return int(first), int(second)


def _writable(file: str, option: str) -> str:
    """A file whose folder is there."""
    if file and not Path(file).absolute().parent.is_dir():
        raise click.UsageError(f"{option}: there is no folder {Path(file).parent}")
    return file


def _chances(given: tuple[str, ...], kinds: list[str]) -> dict[str, float]:
    """How often what goes wrong, as `KIND=CHANCE` says it."""
    found = {}
    for one in given:
        kind, _, text = one.partition("=")
        if kind not in kinds:
            meant = did_you_mean(kind, kinds)
            raise click.UsageError(f'there is no fault "{kind}"{meant}; faults: {", ".join(kinds)}')
        try:
            chance = float(text)
        except ValueError:
            chance = -1.0
        if not 0 <= chance <= 1:
            raise click.UsageError(f"{kind} takes a chance from 0 to 1, as in {kind}=0.02")
        found[kind] = chance
    return found


def _near(url: str) -> str:
    """The address of a receiver, which has to be on this machine."""
    if url and not url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise click.UsageError("--webhooks takes an address on this machine: http://127.0.0.1:PORT/PATH")
    return url


def _wire() -> Transport:
    # Imported here: what only lists the plays sends nothing.
    from engine.settings import Settings
    from engine.tools.accounts import wire_of

    return wire_of(Settings())


@sandbox.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--into", default="", metavar="FILE", help="Add the notifications to this NDJSON file.")
@settings_option
def play(names: tuple[str, ...], into: str, settings_file: str) -> None:
    """Play scenarios in the running sandbox: people write, reply, rate, and change.

    Its REST tells the same story afterwards, and its webhooks go where `sandbox --webhooks` says. `all` plays
    each once. Without a name the plays are listed. Finds the sandbox by INTERCOM_URL.

    \b
    Example:
      intercom-klaviyo sandbox play
    """
    from engine.sandbox.plays import PLAYS

    if not names:
        for one in PLAYS.values():
            click.echo(f"{one.name:<14}{one.help}")
        click.echo(f"{ALL:<14}each of them once")
        return
    wrong = [name for name in names if name not in (*PLAYS, ALL)]
    if wrong:
        meant = did_you_mean(wrong[0], [*PLAYS, ALL])
        raise click.UsageError(f'there is no play "{wrong[0]}"{meant}; plays: {", ".join(PLAYS)}, {ALL}')
    _writable(into, "--into")
    url = settings_from(settings_file).intercom_url
    for name in PLAYS if ALL in names else names:
        told = _asked("POST", url, f"/control/play/{name}", "INTERCOM_URL")
        for notification in told:
            click.echo(f"{name:<14}{safe(str(notification.get('topic')))}")
        _keep(told, into)


@sandbox.command()
@click.option(
    "--rate", type=click.FloatRange(0.1, 1000), default=60.0, metavar="R", help="Plays a minute. Default: 60."
)
@click.option("--minutes", type=click.FloatRange(0, 1440), default=1.0, metavar="M", help="Default: 1.")
@click.option("--seed", type=int, default=0, metavar="S", help="Another seed is another day. Default: 0.")
@click.option("--into", default="", metavar="FILE", help="Add the notifications to this NDJSON file.")
@settings_option
def storm(rate: float, minutes: float, seed: int, into: str, settings_file: str) -> None:
    """Play a shop's day in the running sandbox: what customers do, as often as they do it.

    \b
    Example:
      intercom-klaviyo sandbox storm --help
    """
    from engine.sandbox.plays import day

    _writable(into, "--into")
    url, clock = settings_from(settings_file).intercom_url, SystemClock()
    count: Counter[str] = Counter()
    began = clock.monotonic()
    with suppress(KeyboardInterrupt):  # what was played is told all the same
        for number, name in enumerate(islice(day(seed), round(rate * minutes))):
            clock.sleep(max(0.0, began + number * 60 / rate - clock.monotonic()))
            _keep(_asked("POST", url, f"/control/play/{name}", "INTERCOM_URL"), into)
            count[name] += 1
    for name, times in count.most_common():
        click.echo(f"{name:<14}{times}")


def _keep(told: list[Any], into: str) -> None:
    """Add notifications to a file, if one is named."""
    if into:
        with Path(into).open("ab") as file:
            file.writelines(msgspec.json.encode(one) + b"\n" for one in told)


@sandbox.command()
@settings_option
@click.option("--events", "with_events", is_flag=True, help="Each event that Klaviyo has, the newest last.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --events one of each event.")
def state(settings_file: str, with_events: bool, as_json: bool) -> None:
    """Show what both stand-ins of the running sandbox have, as numbers.

    With --events each event that Klaviyo has stored: its time (UTC), metric, profile and unique_id; as JSON
    with its properties.

    \b
    Example:
      intercom-klaviyo sandbox state --help
    """
    settings = settings_from(settings_file)
    if with_events:
        _show_events(_asked("POST", settings.klaviyo_url, "/control/events", "KLAVIYO_URL"), as_json)
        return
    made = {
        "intercom": _asked("GET", settings.intercom_url, "/control/state", "INTERCOM_URL"),
        "klaviyo": _asked("POST", settings.klaviyo_url, "/control/flush", "KLAVIYO_URL"),
    }
    if as_json:
        click.echo(json.dumps(made))
        return
    for service, known in made.items():
        click.echo(click.style(service.capitalize(), bold=True))
        for name, value in known.items():
            for line in for_reading(f"  {name:<14} {safe(_told(value))}", hang=15):
                click.echo(line)


def _show_events(events: list[Any], as_json: bool) -> None:
    """A line an event, in columns where it is not JSON."""
    columns = ("metric", "profile")
    widths = {name: max((len(safe(one[name])) for one in events), default=0) for name in columns}
    for one in events:
        if as_json:
            click.echo(json.dumps(one))
        else:
            cells = [safe(one[name]).ljust(widths[name]) for name in columns]
            click.echo("  ".join([one["time"][:19].replace("T", " "), *cells, safe(one["unique_id"])]))
    if not events and not as_json:
        click.echo("Klaviyo has no event")


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) if all(isinstance(one, str) for one in value) else str(len(value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
    return str(value)


@sandbox.command()
@settings_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a finding.")
def check(settings_file: str, as_json: bool) -> None:
    """Let Klaviyo's own books say whether a limit was exceeded, or an event lost or recorded twice.

    Exit 1 where they find something.

    \b
    Example:
      intercom-klaviyo sandbox check --help
    """
    found = _asked("GET", settings_from(settings_file).klaviyo_url, "/control/check", "KLAVIYO_URL")
    for one in found:
        click.echo(json.dumps(one) if as_json else safe("  ".join(map(str, one.values()))))
    if not as_json and not found:
        click.echo("Klaviyo's books: no limit exceeded, no event lost, none recorded twice")
    sys.exit(FOUND if found else FINE)


def _asked(method: str, url: str, path: str, variable: str) -> Any:
    """The answer of the running sandbox; ends the command where there is none."""
    if not url:
        stop(f"{variable} is not set: it is among what `intercom-klaviyo sandbox` prints")
    try:
        answer = _wire().send(method, url + path, {}, b"" if method == "POST" else None)
        value = json.loads(answer.body)
    except EngineError as error:
        stop(f"the sandbox does not answer at {url}: {error}")
    except ValueError:
        stop(f"what answers at {url} is no sandbox")
    if answer.status != 200:
        stop(str(value.get("error", "it refuses")) if isinstance(value, dict) else "it refuses")
    return value
