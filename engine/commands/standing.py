"""What `status` shows: the figures in some lines, a table of metrics, and what needs a person."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from engine.commands.text import safe
from engine.issues import counted, lasting

if TYPE_CHECKING:
    from engine.ledger.figures import Metric
    from engine.relay.concerns import Concern
    from engine.relay.status import Status

_LABEL = 11
_HEAD = f"{'':<25}{'---- today ----':>18}{'---- in all ----':>18}{'--- now ---':>18}"
_COLUMNS = f"{'':<25}{'accepted':>9}{'skipped':>9}{'accepted':>9}{'skipped':>9}{'parked':>9}{'dead':>9}"


def lines_of(found: "Status", width: int, *, needs_first: bool = False) -> list[str]:
    """The whole page. What needs a person comes last, or first where the end of a page may be cut."""
    needs = _needs(found, width)
    if needs_first:
        return [*needs, "", *_page(found, width)]
    return [*_page(found, width), "", *needs]


def _page(found: "Status", width: int) -> list[str]:
    lines = [line for label, text in _figures(found) for line in _labelled(label, text, width)]
    if found.metrics:
        lines += ["", _HEAD, _COLUMNS, *(_row(one) for one in found.metrics)]
        lines += _reasons(found.metrics, width)
    return lines


def _needs(found: "Status", width: int) -> list[str]:
    if not found.needs:
        return ["nothing needs a person"]
    head = click.style(f"{counted(len(found.needs), 'thing')} to see to", bold=True)
    return [head, *(line for need in found.needs for line in _need(need, width))]


def _figures(found: "Status") -> Iterator[tuple[str, str]]:
    waits = found.waiting
    parts = [
        counted(waits.notifications, "notification") + _since(waits.notifications_for),
        counted(waits.events, "event") + _since(waits.events_for),
        counted(waits.profiles, "profile") + _since(waits.profiles_for),
    ]
    yield "waiting", "; ".join(parts)
    sending = waits.events_in_flight + waits.profiles_in_flight
    if sending or waits.uncertain_events:
        yield "", f"{sending:,} on their way; {waits.uncertain_events:,} may have arrived, and go one by one"
    minute, hour = found.accepted_in_a_minute, found.accepted_in_an_hour
    yield "accepted", f"{counted(minute, 'event')} in the last minute, {hour:,} in the last hour"
    yield (
        "Intercom",
        f"last webhook {_ago(found.last_webhook, found.now)}, last ping {_ago(found.last_ping, found.now)}",
    )
    drains = [f"{one.account} by process {one.owner.partition(' ')[0]}" for one in found.drainers]
    yield "delivers", ", ".join(drains) or "nobody: `serve` does, once it runs"
    for account in found.accounts:
        if account.paused:
            since = "" if account.paused_at is None else f" for {lasting(found.now - account.paused_at)}"
            yield "paused", f"{account.name}{since}: {account.paused}"
        elif account.waits:
            tries = counted(account.failures, "failure")
            why = f": {found.trouble}" if found.trouble else ""
            yield "waits", f"{account.name}, for {lasting(account.waits)} more, after {tries}{why}"
    for limit in found.limits:
        if limit.used or limit.closed_seconds:
            closed = f"; closed for {lasting(limit.closed_seconds)}" if limit.closed_seconds else ""
            window = "a second" if limit.seconds < 2 else "a minute"
            yield "limit", f"{limit.endpoint}: {limit.used:,} of {limit.of:,} {window}{closed}"
    disk = found.disk
    yield (
        "ledger",
        f"{found.ledger}: {_size(disk.file)}, and {_size(disk.log)} of log; {_size(disk.free)} free",
    )


def _since(seconds: float | None) -> str:
    return "" if seconds is None else f" (the oldest for {lasting(seconds)})"


def _ago(moment: float | None, now: float) -> str:
    return "never" if moment is None else f"{lasting(now - moment)} ago"


def _size(number: int) -> str:
    """`12 KB`, `3.4 MB`."""
    for unit, length in (("GB", 1e9), ("MB", 1e6)):
        if number >= length:
            return f"{number / length:,.1f} {unit}"
    return f"{number / 1e3:,.0f} KB"


def _row(one: "Metric") -> str:
    today, in_all, now = one.today, one.in_all, one.now
    figures = (
        today.accepted, _sum(today.skipped), in_all.accepted, _sum(in_all.skipped),
        _sum(now.parked), _sum(now.dead),
    )  # fmt: skip
    name = safe(one.name)
    shown = name if len(name) <= 25 else f"{name[:22]}..."
    return f"{shown:<25}" + "".join(f"{figure:>9,}" for figure in figures)


def _sum(reasons: Mapping[str, int]) -> int:
    return sum(reasons.values())


def _reasons(metrics: "tuple[Metric, ...]", width: int) -> Iterator[str]:
    """Why, by metric: what was skipped today, and what is parked and dead now."""
    kinds = {
        "skipped": [one.today.skipped for one in metrics],
        "parked": [one.now.parked for one in metrics],
        "dead": [one.now.dead for one in metrics],
    }
    for label, reasons in kinds.items():
        told = [
            f"{safe(one.name)}: {', '.join(f'{safe(reason)} {number:,}' for reason, number in found.items())}"
            for one, found in zip(metrics, reasons, strict=True)
            if found
        ]
        if told:
            yield ""
            for text in told:
                yield from _labelled(label, text, width)
                label = ""


def _labelled(label: str, text: str, width: int) -> list[str]:
    """A label with its text, whose later lines hang under the first."""
    lines = wrap(safe(text), width - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{label:<{_LABEL}}{lines[0]}", *(f"{'':<{_LABEL}}{line}" for line in lines[1:])]


def _need(need: "Concern", width: int) -> Iterator[str]:
    for line in wrap(safe(need.text), width - 2):
        yield click.style(f"  {line}", fg="yellow")
    told = wrap(f"next: {safe(need.next)}", width - 4, subsequent_indent="      ", break_on_hyphens=False)
    yield from (f"    {line}" for line in told)
