"""What came of a notification -> rows for the ledger: events, profiles, and what was left out and why."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.events import Notification, Parked, Result, Skipped, Translation
from engine.language.conversions import moment
from engine.language.faults import Failed, Refused
from engine.language.plan import Plan
from engine.ledger.counters import Counted
from engine.ledger.outbox import Event
from engine.ledger.profiles import Told
from engine.relay.machine import Worked, ids_of

NOBODY = "no_identity"
CUT_OFF = "before_cut_off"
DELETED = "contact_deleted"


@dataclass(slots=True)
class Rows:
    """What one notification comes to. `skipped` counts what is no event, by metric and reason."""

    events: list[Event] = field(default_factory=list)
    profiles: list[Told] = field(default_factory=list)
    skipped: Counter[Counted] = field(default_factory=Counter)
    waits_for: str = ""
    """Why it must be translated later; empty where it need not."""


def rows_of(worked: Worked, inbox_id: int, cut_off: float | None, deleted: set[str]) -> Rows:
    """The rows of a notification. What began before *cut_off* is left to the backfill."""
    rows = Rows()
    for plan, result in worked.made:
        if isinstance(result, Parked) and result.reason == "unavailable":
            rows.waits_for = result.detail
        elif isinstance(result, Skipped):
            rows.skipped[Counted("skipped", result.metric, result.reason)] += 1
        elif (
            plan is not None and plan.spec.kind == "profile" and isinstance(worked.notification, Notification)
        ):
            rows.profiles += profiles_of(plan, worked.notification, result, inbox_id)
        else:
            _add_event(rows, result, inbox_id, cut_off, deleted)
    return rows


def _add_event(
    rows: Rows, result: Translation | Parked, inbox_id: int, cut_off: float | None, deleted: set[str]
) -> None:
    made = result.translation if isinstance(result, Parked) else result
    contact = next(iter(ids_of(made.looked_up, "contact")), "") if made else ""
    time = _seconds(made.time) if made else None
    if contact in deleted:
        rows.skipped[Counted("skipped", result.metric, DELETED)] += 1
    elif cut_off is not None and time is not None and time < cut_off:
        rows.skipped[Counted("skipped", result.metric, CUT_OFF)] += 1
    else:
        parked = isinstance(result, Parked)
        rows.events.append(
            Event(
                metric=result.metric,
                inbox_id=inbox_id,
                state="parked" if parked else "queued",
                unique_id=made.unique_id if made else "",
                contact=contact,
                spec=made.spec if made else "",
                spec_hash=made.spec_hash if made else "",
                time=time,
                reason=result.reason if isinstance(result, Parked) else "",
                detail=result.detail if isinstance(result, Parked) else "",
                request=result.request if isinstance(result, Translation) else None,
            )
        )


def profiles_of(plan: Plan, notification: Notification, result: Result, inbox_id: int) -> Iterator[Told]:
    """What a notification says of its contact; nothing where it is no contact with an id and a time."""
    contact = item_of(plan, notification)
    key, updated_at = contact.get("id"), time_of(contact.get("updated_at"))
    if not isinstance(key, str) or not key or updated_at is None or isinstance(result, Skipped):
        return
    parked = result if isinstance(result, Parked) else None
    yield Told(
        contact=key,
        updated_at=updated_at,
        told_at=notification.created_at or 0.0,
        name=result.metric,
        spec_hash=plan.hash,
        inbox_id=inbox_id,
        request=result.request if isinstance(result, Translation) else None,
        reason=parked.reason if parked else "",
        detail=parked.detail if parked else "",
    )


def item_of(plan: Plan, notification: Notification) -> dict[str, Any]:
    """The object that a plan is about; empty where there is none."""
    try:
        item = plan.spec.item.search(notification.event)
    except Failed:
        return {}
    return item if isinstance(item, dict) else {}


def time_of(value: Any) -> float | None:
    """A time of Intercom's as seconds; None where it is none."""
    try:
        return _seconds(moment(value)) if value else None
    except Refused:
        return None


def _seconds(time: datetime | None) -> float | None:
    return time.timestamp() if time else None


def summary(outcomes: Iterable[str], skipped: Counter[Counted]) -> Counter[str]:
    """How often each thing came of a notification, for people who look at it later."""
    found: Counter[str] = Counter(outcomes)
    for one, number in skipped.items():
        found[one.reason] += number
    return found


def reason_of(rows: Rows) -> str:
    """Why nothing came of a notification: what most of its plans say."""
    [(one, _)] = rows.skipped.most_common(1) or [(Counted("", "", "nothing"), 0)]
    return one.reason
