"""Lines of `events` and `dead`: what went through or did not, and one of them whole."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.commands.ledgers import moment
from engine.commands.text import echo_json, for_reading, safe
from engine.issues import counted
from engine.redaction import masked

if TYPE_CHECKING:
    from engine.ledger.reading import Entry, Whole
    from engine.ledger.store import Ledger

_COLOURS = {"accepted": "green", "dead": "red", "parked": "yellow"}
_PLAIN = ("type", "name", "unique_id", "time", "id")
"""Keys of a request whose values are ours, or ids: they are shown as they are."""


class Page:
    """What is shown: a line an entry, and how many of each outcome there were."""

    def __init__(
        self, ledger: "Ledger", *, as_json: bool, show_values: bool = False, with_ids: bool = False
    ) -> None:
        self.count: Counter[str] = Counter()
        self._ledger = ledger
        self._as_json = as_json
        self._show_values = show_values
        self._with_ids = with_ids

    def show(self, entry: "Entry") -> None:
        """An entry, and with `--show-values` its request."""
        self.count[entry.outcome] += 1
        body = body_of(self._ledger, entry.id) if self._show_values else None
        if self._as_json:
            echo_json(row_of(entry) | ({"body": body} if self._show_values else {}))
            return
        outcome = click.style(f"{entry.outcome:<9}", fg=_COLOURS.get(entry.outcome))
        lines = for_reading(_text(entry, with_id=self._with_ids), hang=0)
        click.echo(f"{moment(entry.at)} {outcome} {lines[0].lstrip()}")
        for line in lines[1:]:
            click.echo(f"{'':<31}{line.lstrip()}")
        for line in pretty(body) if self._show_values else ():
            click.echo(line)

    def sum_up(self, limit: int) -> None:
        """How many there were."""
        if self._as_json:
            return
        told = ", ".join(f"{number} {outcome}" for outcome, number in self.count.items())
        total = sum(self.count.values())
        more = "; --limit shows more" if total >= limit else ""
        click.echo(f"\n{counted(total, 'event')}{f': {told}' if told else ''}{more}")


def _text(entry: "Entry", *, with_id: bool) -> str:
    """What stands behind time and outcome, indented as they are wide."""
    parts = [f"{safe(entry.id)} " if with_id else "", f"{safe(entry.metric) or '-':<24}"]
    parts += [f" {safe(entry.unique_id)}" if entry.unique_id else ""]
    parts += [f" contact {safe(entry.contact)}" if entry.contact else ""]
    why = f"{entry.reason}: {entry.detail}" if entry.detail else entry.reason
    return f"{'':<31}{''.join(parts)}{f'  {safe(masked(why))}' if why else ''}"


def row_of(entry: "Entry") -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "outcome": entry.outcome,
        "metric": entry.metric or None,
        "unique_id": entry.unique_id or None,
        "contact": entry.contact or None,
        "reason": entry.reason or None,
        "detail": masked(entry.detail) or None,
    }


def body_of(ledger: "Ledger", id_: str) -> dict[str, Any] | None:
    """The request of an entry; None where it is not kept, or has changed on the disk."""
    # Imported here: it needs the extra.
    from engine.ledger import reading
    from engine.ledger.sealed import Damaged

    with ledger.read() as tx:
        found = reading.whole(tx, id_)
    if found is None or found.body is None:
        return None
    try:
        return found.request().body
    except Damaged:
        return None


def pretty(body: dict[str, Any] | None) -> Iterator[str]:
    """A request in lines."""
    if body is None:
        yield "    (its request is not kept)"
        return
    for line in json.dumps(body, indent=2, ensure_ascii=False).splitlines():
        yield f"    {safe(line)}"


def hidden(value: Any, key: str = "") -> Any:
    """A request without customers' values: of each, what it is and how long."""
    if isinstance(value, dict):
        return {name: hidden(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [hidden(inner, key) for inner in value]
    if value is None or isinstance(value, bool) or (key in _PLAIN and isinstance(value, str)):
        return value
    return f"[text of {len(value)}]" if isinstance(value, str) else "[number]"


def tell_whole(found: "Whole", body: dict[str, Any] | None, *, shows_values: bool) -> None:
    """One entry with its history, and the command to run now."""
    for label, text in _history(found):
        for line in for_reading(f"{label:<14}{safe(text)}", hang=14):
            click.echo(line)
    if found.body is None:
        click.echo("\nno request was made of it")
        return
    click.echo("\nrequest" if shows_values else "\nrequest, without its values (--show-values)")
    for line in pretty(body if shows_values or body is None else hidden(body)):
        click.echo(line)


def _history(found: "Whole") -> Iterator[tuple[str, str]]:
    entry = found.entry
    yield "what", f"{entry.metric}{f' {entry.unique_id}' if entry.unique_id else ''}"
    yield "outcome", entry.outcome
    yield "why", masked(f"{entry.reason}: {entry.detail}" if entry.detail else entry.reason)
    if found.pointer:
        yield "points at", masked(found.pointer)
    if entry.contact:
        yield "contact", entry.contact
    if found.time is not None:
        yield "happened", moment(found.time)
    kept = "which is kept" if found.is_kept else "which is no longer kept"
    yield "told by", f"{found.topic or 'a notification'} of {moment(found.received_at) or '?'}, {kept}"
    made = f" by {found.spec} ({found.spec_hash[:12]})" if found.spec else ""
    yield "made", f"{moment(found.made_at)}{made}"
    if found.tries:
        last = f"; the last {moment(found.last_attempt_at)}" if found.last_attempt_at else ""
        yield "tried", f"{counted(found.tries, 'time')}, first {moment(found.first_try_at)}{last}"
    if found.is_uncertain:
        yield "", "it may have reached Klaviyo: it is sent again with the same bytes, or not at all"
    yield "next", next_of(found)


def next_of(found: "Whole") -> str:
    """The command to run now, and what for."""
    entry = found.entry
    name = f'"{entry.metric}"'
    if entry.outcome not in ("dead", "parked"):
        return "nothing: it is neither dead nor parked"
    if entry.outcome == "parked" and entry.reason == "no_identity":
        return "nothing: it goes by itself once the contact has an e-mail address or a phone number"
    if entry.outcome == "dead" and entry.reason == "tried_in_vain":
        return f"`intercom-klaviyo doctor`, then `intercom-klaviyo replay --dead --metric {name}`"
    if not found.is_kept:
        if found.body is None:
            return "nothing can be done any more: neither its notification nor a request of it is kept"
        return f"`intercom-klaviyo replay --dead --metric {name}` sends it again as it is"
    return f"mend the mapping, try it with `replay --dead --metric {name} --dry-run`, then without"
