"""Whether a `unique_id` would be made again by another notification of the same event, and by its past."""

import re
from collections.abc import Iterator

from engine.issues import Issue
from engine.language.catalogue import words
from engine.language.lint.findings import Steps
from engine.language.lint.missing import shown
from engine.language.places import Places
from engine.language.spec import Spec
from engine.language.values import Value

DELIVERY = ("id", "delivery_attempts", "delivery_status", "delivered_at", "first_sent_at", "links", "self")
"""What differs between two notifications of one event, and is not there in its past."""

CHANGING = words(
    """
    title open read state priority statistics tags admin_assignee_id team_assignee_id waiting_since
    snoozed_until ticket_state previous_ticket_state_id sla_applied custom_attributes ticket_attributes
    """
)
"""Keys of an object whose values change in its life."""

_ID = re.compile(r"(?i:(?:^|[ _-])id$)|[a-z]I[dD]$")
_OWN = frozenset(("custom_attributes", "ticket_attributes"))
"""What may hold an id under any name."""

_STABLE = "take ids, and times of what happened: conv:{{ id }}:created, ticket:{{ id }}:state:{{ change.id }}"
_PAST = "take a time that the object itself keeps, or say `history: none`"


def issues_of_id(spec: Spec) -> Iterator[Issue]:
    """`unstable-id` where one event would get two ids, `weak-id` where two events could get one."""
    unique_id = spec.unique_id
    if unique_id is None:
        return
    reads = Places(spec.names).behind(unique_id.source)
    places = sorted(steps for steps in reads.taken | reads.tested if steps)
    for steps in places:
        fault = _fault(steps, spec)
        if fault:
            hint = _PAST if steps == ("event", "created_at") else _STABLE
            written = str(unique_id.node.value).find(shown(steps)) if unique_id.node else -1
            place = unique_id.at(written) if written >= 0 else unique_id.place
            yield Issue("unstable-id", f"`{shown(steps)}` {fault}", place, hint)
            return
    if not any(_ID.search(steps[-1]) or _OWN & set(steps) for steps in places):
        message = "no id is part of it, so two events may get the same"
        yield Issue("weak-id", message, unique_id.place, _STABLE)
        return
    each = spec.each
    if each and each.name not in _names_behind(spec, unique_id):
        message = f"`{each.name}` is not part of it, so all its elements become one event"
        yield Issue("weak-id", message, unique_id.place, f"add {{{{ {each.name}.id }}}}")
    changing = next((steps for steps in places if steps[0] in CHANGING), None)
    if changing and spec.history != "none" and not each:
        message = f"`{shown(changing)}` is what it is now, and history would make another id of it"
        yield Issue("weak-id", message, unique_id.place, _STABLE)


def _names_behind(spec: Spec, value: Value) -> set[str]:
    """The spec's own names that a value needs, directly or behind others."""
    needed = set(value.reads)
    for name in reversed(spec.names):
        if name.name in needed:
            needed |= name.value.reads
    return needed


def _fault(steps: Steps, spec: Spec) -> str:
    is_inner = spec.item.text.count(".") > 1 and "||" not in spec.item.text
    if steps[0] == "event" and steps[1:2] and steps[1] in DELIVERY:
        return "is not what another notification of the same event says"
    if steps in (("updated_at",), ("event", "data", "item", "updated_at")) and not is_inner:
        return "changes with everything that happens later"
    if steps == ("event", "created_at") and spec.history != "none":
        return "is not there in history"
    return ""
