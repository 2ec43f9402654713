"""What follows from a conversation's parts: assignees, states, counters and times."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from engine.sandbox.intercom.truth import Conversation, Part

ASSIGNING = "assignment"
CLOSING, OPENING = ("close",), ("open", "assign_and_reopen")


@dataclass(slots=True)
class Standing:
    """How a conversation stands after its last part."""

    updated_at: int
    admin_id: int = 0
    team_id: int = 0
    team_since: int = 0
    state: str = "open"
    waiting_since: int | None = None
    is_read: bool = True
    ticket_state: str = ""
    previous_ticket_state: str = ""
    first_contact_reply_at: int | None = None
    first_assignment_at: int | None = None
    last_assignment_at: int | None = None
    first_admin_reply_at: int | None = None
    last_admin_reply_at: int | None = None
    last_assignment_admin_reply_at: int | None = None
    last_contact_reply_at: int | None = None
    first_close_at: int | None = None
    last_close_at: int | None = None
    last_closed_by_id: str | None = None
    reopens: int = 0
    assignments: int = 0
    team_response: tuple[int, int] | None = None

    def durations(self, waits: list[int]) -> dict[str, int | None]:
        """Seconds since the customer's first word; *waits* are those for each answer."""

        def since(at: int | None) -> int | None:
            start = self.first_contact_reply_at
            return None if at is None or start is None else max(0, at - start)

        return {
            "time_to_assignment": since(self.first_assignment_at),
            "time_to_admin_reply": since(self.first_admin_reply_at),
            "time_to_first_close": since(self.first_close_at),
            "time_to_last_close": since(self.last_close_at),
            "median_time_to_reply": round(median(waits)) if waits else None,
        }


def standing(conversation: Conversation) -> tuple[Standing, list[int]]:
    """How it stands, and how long the customer waited for each answer."""
    now = Standing(max(conversation.created_at, conversation.read_at, conversation.touched_at))
    waits: list[int] = []
    if conversation.author.is_customer:
        now.first_contact_reply_at = now.last_contact_reply_at = conversation.created_at
        now.waiting_since = conversation.created_at
    else:
        now.is_read = conversation.read_at >= conversation.created_at
    for part in conversation.parts:
        now.updated_at = max(now.updated_at, part.at)
        _take(now, part, waits, conversation.read_at)
    for rating in conversation.ratings:
        now.updated_at = max(now.updated_at, rating.changed_at)
    if now.state == "closed":
        now.waiting_since = None
    return now, waits


def _take(now: Standing, part: Part, waits: list[int], read_at: int) -> None:
    if part.state:
        now.previous_ticket_state, now.ticket_state = now.ticket_state, part.state
    if part.is_reply:
        _reply(now, part, waits, read_at)
    elif part.kind == ASSIGNING:
        _assign(now, part)
    elif part.kind in CLOSING:
        now.state = "closed"
        if now.first_contact_reply_at is not None:
            now.first_close_at = now.first_close_at or part.at
        now.last_close_at, now.last_closed_by_id = part.at, part.author.id
    elif part.kind in OPENING:
        now.reopens += now.state == "closed" and now.first_contact_reply_at is not None
        now.state = "open"
    elif part.kind in ("snoozed", "unsnoozed"):
        now.state = "snoozed" if part.kind == "snoozed" else "open"


def _reply(now: Standing, part: Part, waits: list[int], read_at: int) -> None:
    if part.author.is_customer:
        now.first_contact_reply_at = now.first_contact_reply_at or part.at
        now.last_contact_reply_at = part.at
        now.waiting_since = now.waiting_since or part.at
        now.is_read = True
        return
    now.is_read = read_at >= part.at
    if part.author.type != "admin":
        return
    if now.waiting_since is not None:
        waits.append(part.at - now.waiting_since)
    now.waiting_since = None
    now.last_admin_reply_at = part.at
    if now.first_contact_reply_at is not None:
        now.first_admin_reply_at = now.first_admin_reply_at or part.at
    if now.last_assignment_at is not None:
        now.last_assignment_admin_reply_at = now.last_assignment_admin_reply_at or part.at
    if now.team_id and now.team_response is None:
        now.team_response = (now.team_id, part.at - now.team_since)


def _assign(now: Standing, part: Part) -> None:
    kind, key = part.to or ("nobody_admin", "")
    if kind == "team":
        now.team_id, now.team_since = int(key), part.at
    else:
        now.admin_id = int(key) if kind == "admin" else 0
    if now.first_contact_reply_at is None:
        return
    now.assignments += 1
    now.first_assignment_at = now.first_assignment_at or part.at
    now.last_assignment_at, now.last_assignment_admin_reply_at = part.at, None


def statistics(
    now: Standing, waits: list[int], parts: int, team_name: Callable[[int], str]
) -> dict[str, Any] | None:
    """The counters and times of a conversation, of 2.16; None where no customer has said anything.

    *parts* is how many it has, *team_name* gives a team's name by its id.
    """
    if now.first_contact_reply_at is None:
        return None
    responses = []
    if now.team_response:
        team, seconds = now.team_response
        responses = [{"team_id": team, "team_name": team_name(team), "response_time": seconds}]
    handling = sum(waits) // 2 if now.last_close_at is not None else None
    return {
        "type": "conversation_statistics",
        **now.durations(waits),
        "first_contact_reply_at": now.first_contact_reply_at,
        "first_assignment_at": now.first_assignment_at,
        "first_admin_reply_at": now.first_admin_reply_at,
        "first_close_at": now.first_close_at,
        "last_assignment_at": now.last_assignment_at,
        "last_assignment_admin_reply_at": now.last_assignment_admin_reply_at,
        "last_contact_reply_at": now.last_contact_reply_at,
        "last_admin_reply_at": now.last_admin_reply_at,
        "last_close_at": now.last_close_at,
        "last_closed_by_id": now.last_closed_by_id,
        "count_reopens": now.reopens,
        "count_assignments": now.assignments,
        "count_conversation_parts": 1 + parts,
        "assigned_team_first_response_time": responses,
        "assigned_team_first_response_time_in_office_hours": [dict(one) for one in responses],
        "handling_time": handling,
        "adjusted_handling_time": None if handling is None else handling * 9 // 10,
    }
