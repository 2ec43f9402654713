"""`replay`: events are made again from their notifications."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from engine.commands.ledgers import ledger_option, note_unknown, opened, since_of, since_option
from engine.commands.options import chosen, machine_options, plans_from, settings_from, settings_option
from engine.commands.text import FINE, FOUND, complain, echo_json, for_reading, note, safe, stop
from engine.deadline import OF_COMMANDS
from engine.errors import Denied, Unreadable
from engine.issues import counted

if TYPE_CHECKING:
    from engine.relay.machine import Machine
    from engine.relay.replaying import Replayed, Would
    from engine.settings import Settings

NEVER_CHANGES = (
    "Klaviyo never changes an event that it has: a changed mapping makes other events from now on, and not "
    "those already accepted"
)
_MEANS = {
    "queued": "made anew, and sent",
    "queued as it is": "sent as it is: it may have reached Klaviyo, or its notification is gone",
    "made again": "profiles, made anew",
    "parked": "still parked",
    "known": "known already: Klaviyo has it, or it is on its way",
    "dead": "dead, and stays so without --dead",
    "skipped": "no event",
    "waits": "waits for Intercom",
    "stuck": "cannot be made again: neither its notification nor its request is kept",
}

_UNTOLD = ("skipped", "known")
"""What is counted, and has no line of its own: nothing changes of it."""


@click.command()
@ledger_option
@settings_option
@machine_options
@click.option("--dead", is_flag=True, help="What is dead or parked; else every notification of the time.")
@since_option
@click.option("--dry-run", is_flag=True, help="Change nothing: show what would become of each event.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON; in a dry run, one an event.")
def replay(
    ledger_file: str,
    settings_file: str,
    mappings: str,
    records: str,
    metric: str,
    dead: bool,
    since: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have events made again from their notifications, with today's mappings.

    To replay the same again is safe: what Klaviyo has, or may have, is known by its id and goes once. The
    work itself is done by `serve`. What Klaviyo has already never changes, whatever the mappings say now.

    --mappings and --records count for --dry-run alone, which asks Intercom unless there are --records.
    Exit 1 where something cannot be replayed, or nobody runs who would see to it.

    \b
    Example:
      intercom-klaviyo replay --dead --since 3d
    """
    if not dead and not since:
        raise click.UsageError("name what to replay: --dead, or the notifications of a time: --since 2h")
    settings = settings_from(settings_file, *(("INTERCOM_TOKEN",) if dry_run and not records else ()))
    topics: tuple[str, ...] = ()
    if metric and not dead:
        plans = chosen(plans_from(mappings), metric)
        topics = tuple(sorted({topic for plan in plans for topic in plan.spec.topics}))
    with opened(ledger_file, settings) as ledger:
        # Imported here: it needs the extra.
        from engine.relay import replaying
        from engine.relay.relay import ACCOUNT

        if dead:
            note_unknown(ledger, metric)
        wanted = replaying.Chosen(dead, since_of(since, ledger.now()), metric if dead else "", topics)
        if dry_run:
            machine = _machine(mappings, records, settings)
            sys.exit(_rehearse(replaying.rehearsed(ledger, machine, ACCOUNT, wanted), as_json=as_json))
        done = replaying.replay(ledger, ACCOUNT, wanted)
    if as_json:
        echo_json(asdict(done))
    else:
        _tell(done)
    sys.exit(FOUND if done.stuck or (not done.is_drained and _is_any(done)) else FINE)


def _machine(mappings: str, records: str, settings: "Settings") -> "Machine":
    # Imported here: what only marks rows needs no machine.
    from engine.runner import Runner
    from engine.tools.accounts import intercom_of

    try:
        answers = records or intercom_of(settings)
        return Runner(plans_from(mappings), records=answers, deadline_seconds=OF_COMMANDS)
    except Unreadable as error:
        stop(error.reason)


def _is_any(done: "Replayed") -> bool:
    return bool(done.notifications or done.as_they_are)


def _tell(done: "Replayed") -> None:
    if not _is_any(done):
        click.echo("nothing to replay")
    if done.notifications:
        is_one = done.notifications == 1
        does = "is" if is_one else "are"
        click.echo(f"{counted(done.notifications, 'notification')} {does} taken up, to be translated again")
    if done.as_they_are:
        click.echo(f"{counted(done.as_they_are, 'event or profile')} queued as it is" if done.as_they_are == 1
                   else f"{done.as_they_are:,} events or profiles queued as they are")  # fmt: skip
    if done.stuck:
        complain(f"{done.stuck:,} cannot be replayed: neither notification nor request is kept")
    if _is_any(done) and done.is_drained:
        click.echo("`serve` runs, and sees to it: `intercom-klaviyo status`")
    elif _is_any(done):
        note("nobody delivers just now: start `serve`, which translates and sends it")


def _rehearse(found: "Iterable[Would]", *, as_json: bool) -> int:
    """Show what a replay would do; the exit code."""
    count: Counter[str] = Counter()
    try:
        for one in found:
            count[one.becomes] += 1
            if as_json:
                echo_json(asdict(one))
            elif one.becomes not in _UNTOLD:
                for line in for_reading(_line(one), hang=16):
                    click.echo(line)
    except Denied as denied:
        stop(f"{denied.reason}: `intercom-klaviyo doctor` says what to do")
    if not as_json:
        for line in _summed_up(count):
            click.echo(line)
    return FOUND if count["stuck"] else FINE


def _line(one: "Would") -> str:
    why = f"  {safe(one.reason)}" if one.reason else ""
    return f"{one.becomes:<16}{safe(one.metric):<24} {safe(one.unique_id)}{why}"


def _summed_up(count: Counter[str]) -> Iterator[str]:
    yield ""
    if not count:
        yield "nothing to replay"
        return
    for becomes, means in _MEANS.items():
        if count[becomes]:
            yield f"{count[becomes]:>7,}  {means}"
    yield ""
    yield from for_reading(f"Nothing was changed. {NEVER_CHANGES}.", hang=0)
