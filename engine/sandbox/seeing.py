"""What the pages of the stand-ins show: plain values for templates, which escape every text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.issues import counted
from engine.sandbox.intercom.sender import Sender
from engine.sandbox.intercom.versions import Object
from engine.sandbox.intercom.workspace import Workspace
from engine.sandbox.klaviyo.account import Account, Event
from engine.sandbox.klaviyo.people import Profile
from engine.sandbox.klaviyo.windows import LIMITS
from engine.sandbox.plays import PLAYS

MOST_PROFILES = 100
MOST_EVENTS = 200
MOST_ROWS = 100
SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
"""Headers of every page: nothing runs in it, and nothing frames it. The form of a play names its own page."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


_PAGES.filters["counted"] = counted


@dataclass(frozen=True, slots=True)
class Told:
    """A notification that was sent of a play."""

    play: str
    notification: Object


def page_of_klaviyo(account: Account) -> str:
    """Profiles with their timelines, what was refused and why, and the limits that are used."""
    with account.lock:
        waiting = account.settle()
        events = sorted(account.events.values(), key=lambda one: one.time, reverse=True)
        people = sorted(
            account.people.by_id.values(),
            key=lambda one: (one.last_event or _NEVER, one.updated),
            reverse=True,
        )
        used = [
            {"endpoint": endpoint, "used": count, "most": account.windows.limits(endpoint)[1]}
            for endpoint in LIMITS
            if (count := account.windows.used(endpoint))
        ]
        shown = {
            "organization": account.organization,
            "people": len(people),
            "number": len(events),
            "flows": len(account.flow_triggers),
            "waiting": waiting,
            "profiles": [_profile(one, events) for one in people[:MOST_PROFILES]],
            "more": max(0, len(people) - MOST_PROFILES),
            "refusals": _refusals(account)[:MOST_ROWS],
            "limits": used,
        }
    return _PAGES.get_template("klaviyo.html").render(shown)


def _profile(one: Profile, events: Iterable[Event]) -> dict[str, Any]:
    own = [event for event in events if event.profile_id == one.id][:MOST_EVENTS]
    rows = {**one.fields, **one.location, **one.properties}
    return {
        "known": one.known,
        "fields": [(name, _shown(value)) for name, value in rows.items()],
        "events": [
            {
                "time": f"{event.time:%Y-%m-%d %H:%M:%S}",
                "metric": event.metric.name,
                "backfill": event.backfill,
                "unique_id": event.unique_id,
                "value": event.value,
                "properties": [(name, _shown(value)) for name, value in event.properties.items()],
            }
            for event in own
        ],
    }


def _refusals(account: Account) -> list[dict[str, Any]]:
    """Answers that were no good, the newest first."""
    arrived: dict[int, Any] = {}
    found = []
    for entry in account.books.entries():
        if entry["kind"] == "arrived":
            arrived[entry["number"]] = entry
        elif entry["kind"] == "answered" and entry["status"] >= 400:
            came = arrived.get(entry["arrival"], {})
            found.append(
                {
                    "status": entry["status"],
                    "request": came.get("request", ""),
                    "is_probe": _is_probe(came),
                    "at": entry["at"][:19].replace("T", " "),
                    "reasons": entry["reasons"]
                    or [["", "no reason is told: it comes from the network's edge"]],
                }
            )
    return found[::-1]


def _is_probe(arrived: Mapping[str, Any]) -> bool:
    """Whether a request asks for nothing but its scope, as `doctor` does: of no resource, or of no job."""
    return arrived.get("body") == '{"data":{}}' or arrived.get("request", "").endswith("-jobs/none")


def page_of_intercom(workspace: Workspace, told: Iterable[Told], sender: Sender | None) -> str:
    """The workspace in numbers, buttons for what can happen, what was told of it, and where it went."""
    tickets = sum(1 for _ in workspace.tickets())
    rows = [
        {
            "play": one.play,
            "topic": one.notification.get("topic"),
            "at": f"{datetime.fromtimestamp(one.notification['created_at'], UTC):%Y-%m-%d %H:%M:%S}",
            "json": json.dumps(one.notification, ensure_ascii=False, indent=1),
        }
        for one in told
    ]
    shown = {
        "name": workspace.name,
        "app_id": workspace.app_id,
        "contacts": len(workspace.contacts),
        "conversations": len(workspace.conversations) - tickets,
        "tickets": tickets,
        "plays": list(PLAYS.values()),
        "told": rows[::-1][:MOST_ROWS],
        "tries": None if sender is None else sender.books.tries[::-1][:MOST_ROWS],
    }
    return _PAGES.get_template("intercom.html").render(shown)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
