"""What a refusal costs: one field where it points at one that is optional, else the item.

Klaviyo refuses a whole event for a bad phone number or address; the event is worth more than either.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Rejected
from engine.events import Request
from engine.issues import Issue
from engine.klaviyo.limits import IDENTIFIERS
from engine.klaviyo.request import field_at, profile_in
from engine.klaviyo.rest import Fault
from engine.redaction import masked

DUPLICATE = "duplicate_profile"


@dataclass(frozen=True, slots=True)
class Item:
    """A request on its way, with its place among those that were given.

    `left_out` says what it has lost to a refusal; it loses something once.
    """

    place: int
    request: Request
    left_out: tuple[Issue, ...] = ()


def lightened(item: Item, faults: list[Fault]) -> Item | None:
    """The item without the optional fields that the faults point at; None where it must stay as it is.

    An identifier is optional where another one stays, and what its spec requires never is. Two profiles
    that share identifiers (`duplicate_profile`) are told apart by the e-mail address: the phone number goes.
    """
    if item.left_out or not faults:
        return None
    body = deepcopy(item.request.body)
    issues = []
    told = {_field(item.request.endpoint, fault): fault for fault in faults}
    for field, fault in told.items():
        if not field or field in item.request.required or not _taken_out(body, item.request.endpoint, field):
            return None
        why = masked(fault.detail, _personal(item.request)) or "without a reason"
        named = masked(field)
        issues.append(Issue("refused-field", f"Klaviyo refuses {named}: {why}", field=named))
    return replace(item, request=replace(item.request, body=body), left_out=tuple(issues))


def rejected(item: Item, faults: list[Fault], status: int = 400) -> Rejected:
    """The item's refusal, in words that repeat no value of it."""
    fault = faults[0] if faults else Fault()
    plain = (
        "".join(fault.path[2:3]) if fault.path[2:] in (["time"], ["unique_id"], ["metric"]) else fault.pointer
    )
    what = masked(_field(item.request.endpoint, fault) or plain)
    why = masked(fault.detail, _personal(item.request)) or f"without a reason ({status})"
    return Rejected(f"Klaviyo refuses {what or 'it'}: {why}", fault.pointer, fault.detail)


def _personal(request: Request) -> list[Any]:
    """What of a body may be a customer's: all but its frame and the name of the metric."""
    profile = profile_in(request.endpoint, request.body)
    attributes = request.body["data"]["attributes"]
    return [
        profile,
        attributes.get("properties"),
        attributes.get("value"),
        attributes.get("unique_id"),
    ]


def _field(endpoint: str, fault: Fault) -> str:
    if fault.code == DUPLICATE:
        return "profile.phone_number"
    return field_at(endpoint, fault.path)


def _taken_out(body: dict[str, Any], endpoint: str, field: str) -> bool:
    """Take a field out of a body; whether that leaves something that can be sent."""
    attributes = body["data"]["attributes"]
    profile = profile_in(endpoint, body)
    section, _, name = field.partition(".")
    if section == "value":
        return attributes.pop("value", None) is not None
    if section == "properties":
        return bool(attributes.get("properties", {}).pop(name, None) is not None)
    holder: Any = profile
    if name.startswith("location."):
        holder, name = profile.get("location", {}), name.partition(".")[2]
    return holder.pop(name, None) is not None and any(profile.get(key) for key in IDENTIFIERS)
