"""What `send` shows: a line for everything that came of an input, and what became of it."""

import json
import sys
from collections import Counter
from typing import Any

import click

from engine.commands.text import echo_json, for_reading, page_width, safe, telling
from engine.errors import Rejected
from engine.events import Accepted, Delivery, Parked, Skipped
from engine.issues import counted
from engine.language.conversions import iso
from engine.redaction import masked

Sent = Delivery | Skipped | Parked

_COLOURS = {"accepted": "green", "refused": "red", "unavailable": "red", "parked": "red", "skipped": None}


class Page:
    """What is shown: a line a result, and a summary."""

    def __init__(self, *, as_json: bool, show_values: bool, dry_run: bool) -> None:
        self.count: Counter[str] = Counter()
        self._as_json = as_json
        self._show_values = show_values
        self._dry_run = dry_run

    @property
    def is_bad(self) -> bool:
        """Whether anything needs a person."""
        return any(self.count[word] for word in ("refused", "unavailable", "parked", "not readable"))

    def show(self, name: str, results: list[Sent]) -> None:
        """The results of one input; skipped ones only where nothing else came of it."""
        self.count.update(_outcome(result) for result in results)
        for result in results if self._as_json else telling(results):
            if self._as_json:
                echo_json(self._row(name, result))
            else:
                self._show_line(name, result)

    def show_request(self, method: str, url: str, body: Any) -> None:
        """A request that would leave."""
        if self._as_json:
            echo_json({"method": method, "url": url, "body": body})
            return
        click.echo(click.style(f"{method} {safe(url)}", bold=True))
        for line in json.dumps(body, indent=2, ensure_ascii=False).splitlines():
            click.echo(safe(line))

    def _shown(self, outcome: str) -> str:
        return "ready" if self._dry_run and outcome == "accepted" else outcome

    def _show_line(self, name: str, result: Sent) -> None:
        outcome = _outcome(result)
        head = click.style(f"{self._shown(outcome):<11}", fg=_COLOURS[outcome])
        if not isinstance(result, Delivery):
            label = f"{safe(result.metric)}: " if result.metric else ""
            told = for_reading(f"{' ' * 12}{label}{safe(result.detail)}  ({safe(name)})", hang=0)
            for line in (f"{head} {told[0].lstrip()}", *told[1:]):
                click.echo(line)
        else:
            made = result.translation
            known = made.unique_id or f"({name})"
            start = f"{head} {safe(made.metric):<24} {iso(made.time) if made.time else '':<20}"
            for line in _fitting(start, safe(known)):
                click.echo(line)
            if not isinstance(result.answer, Accepted):
                self._show_below(f"{safe(self._why(result.answer))}  ({safe(name)})")
        for issue in _issues(result):
            self._show_below(safe(str(issue)))

    def _show_below(self, text: str) -> None:
        for line in for_reading(f"{' ' * 12}{text}", hang=0):
            click.echo(line)

    def _why(self, answer: Any) -> str:
        detail = answer.detail if isinstance(answer, Rejected) else ""
        if self._show_values and detail and detail not in answer.reason:
            return f"{answer.reason}; in its own words: {detail}"
        return str(answer.reason)

    def _pointer(self, answer: Rejected) -> str:
        return answer.pointer if self._show_values else masked(answer.pointer)

    def _row(self, name: str, result: Sent) -> dict[str, Any]:
        made = result.translation if isinstance(result, Delivery) else result
        answer = result.answer if isinstance(result, Delivery) else None
        reason = f"{made.reason}: {made.detail}" if isinstance(made, Skipped | Parked) else None
        if answer is not None and not isinstance(answer, Accepted):
            reason = self._why(answer)
        return {
            "input": name,
            "outcome": self._shown(_outcome(result)),
            "metric": made.metric or None,
            "unique_id": getattr(made, "unique_id", "") or None,
            "reason": reason,
            "pointer": self._pointer(answer) if isinstance(answer, Rejected) else None,
            "issues": [issue.as_json() for issue in _issues(result)],
        }

    def sum_up(self) -> None:
        """What became of everything."""
        if self._as_json:
            return
        accepted = "ready, and not sent" if self._dry_run else "accepted"
        words = ("refused", "unavailable", "parked", "skipped", "not readable")
        parts = [f"{self.count['accepted']} {accepted}"]
        parts += [f"{self.count[word]} {_SUMMARY.get(word, word)}" for word in words if self.count[word]]
        click.echo(f"\n{counted(self.count['inputs'], 'input')}: {', '.join(parts)}")
        if self.count["unavailable"]:
            click.echo("What was not sent can be sent again: Klaviyo records the same id once.")


def _fitting(start: str, rest: str) -> list[str]:
    """One line, or two where a person sits at a terminal that is too narrow for it."""
    is_narrow = sys.stdout is not None and sys.stdout.isatty()
    if is_narrow and len(click.unstyle(start)) + 1 + len(rest) > page_width():
        return [start.rstrip(), f"            {rest}"]
    return [f"{start} {rest}"]


_SUMMARY = {"unavailable": "not sent"}


def _outcome(result: Sent) -> str:
    if isinstance(result, Delivery):
        if isinstance(result.answer, Accepted):
            return "accepted"
        return "refused" if isinstance(result.answer, Rejected) else "unavailable"
    return "parked" if isinstance(result, Parked) else "skipped"


def _issues(result: Sent) -> tuple[Any, ...]:
    if not isinstance(result, Delivery):
        return result.issues
    left_out = result.answer.left_out if isinstance(result.answer, Accepted) else ()
    return (*result.translation.issues, *left_out)
