"""Many requests in one: bodies for Klaviyo's bulk endpoints, packed by bytes and by count."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.klaviyo import limits
from engine.klaviyo.people import identifiers_of
from engine.klaviyo.refusals import Item
from engine.klaviyo.rest import Fault

NEW_META = "2026-10-15"
"""From this revision on, the `meta` of an event's profile stands beside its attributes."""
_FRAME_BYTES = 200
"""More than what stands around all items of a body, or around the events of one profile."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A body, with the items in it: of each its place, and for an event the place within its profile."""

    body: dict[str, Any]
    items: tuple[Item, ...]
    at: tuple[tuple[int, int], ...]

    def named(self, faults: Iterable[Fault]) -> dict[int, list[Fault]]:
        """The items that faults point at, by their order here; each fault as if its item were sent alone.

        A fault of a profile is one of all its events. What points at several events in another way, or at
        none, names nothing.
        """
        found: dict[int, list[Fault]] = {}
        for fault in faults:
            path = fault.path
            if path[:2] != ["data", "attributes"] or path[3:4] != ["data"] or not _is_place(path[4:5]):
                continue
            inner = path[5:]
            meant = [order for order, (place, _) in enumerate(self.at) if place == int(path[4])]
            if inner[:3] == ["attributes", "events", "data"] and _is_place(inner[3:4]):
                meant = [order for order in meant if self.at[order][1] == int(inner[3])]
                inner = inner[4:]
            elif len(meant) > 1 and inner[:2] != ["attributes", "profile"]:
                continue
            own = Fault(fault.code, "/".join(["/data", *map(_escaped, inner)]), fault.detail, fault.meta)
            for order in meant:
                found.setdefault(order, []).append(own)
        return found


def _is_place(steps: list[str]) -> bool:
    return bool(steps) and steps[0].isascii() and steps[0].isdigit() and len(steps[0]) < 6


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def with_meta_placed(body: dict[str, Any], revision: str) -> dict[str, Any]:
    """An event's body with the `meta` of its profile where a revision wants it."""
    profile = body["data"]["attributes"]["profile"]["data"]
    meta = profile.get("meta") or profile["attributes"].get("meta")
    if not meta:
        return body
    own = {key: value for key, value in profile["attributes"].items() if key != "meta"}
    placed = (
        {"attributes": own, "meta": meta} if revision >= NEW_META else {"attributes": {**own, "meta": meta}}
    )
    rest = {key: value for key, value in profile.items() if key not in ("attributes", "meta")}
    attributes = {**body["data"]["attributes"], "profile": {"data": {**rest, **placed}}}
    return {"data": {**body["data"], "attributes": attributes}}


@dataclass(slots=True)
class _Events:
    """A bulk request of events while it grows."""

    size: int = _FRAME_BYTES
    unique_ids: set[str] = field(default_factory=set)
    groups: dict[bytes, tuple[dict[str, Any], list[tuple[Item, dict[str, Any]]]]] = field(
        default_factory=dict
    )
    count: int = 0

    def takes(self, item: Item) -> bool:
        """Add an item, if it still fits."""
        sent = with_meta_placed(item.request.body, NEW_META)["data"]["attributes"]
        attributes = {key: value for key, value in sent.items() if key != "profile"}
        event = {"type": "event", "attributes": attributes}
        profile, backfill = sent["profile"], sent.get("backfill", False)
        key = msgspec.json.encode([profile, backfill])
        size = len(msgspec.json.encode(event)) + 1
        if key not in self.groups:
            size += len(key) + _FRAME_BYTES
        if self.count and (
            self.count == limits.MOST_BULK_EVENTS or self.size + size > limits.LARGEST_REQUEST_BYTES
        ):
            return False
        head = {"profile": profile} | ({"backfill": True} if backfill else {})
        self.groups.setdefault(key, (head, []))[1].append((item, event))
        self.size += size
        self.count += 1
        self.unique_ids.add(item.request.unique_id)
        return True

    def batch(self) -> Batch:
        data, items, at = [], [], []
        for place, (head, events) in enumerate(self.groups.values()):
            group = {**head, "events": {"data": [event for _, event in events]}}
            data.append({"type": "event-bulk-create", "attributes": group})
            items += [item for item, _ in events]
            at += [(place, order) for order in range(len(events))]
        attributes = {"events-bulk-create": {"data": data}}
        body = {"data": {"type": "event-bulk-create-job", "attributes": attributes}}
        return Batch(body, tuple(items), tuple(at))


def batches_of_events(items: Iterable[Item]) -> Iterator[Batch]:
    """Bulk requests of events: 1,000 and 5 MB at most, no `unique_id` twice, and grouped by profile."""
    waiting = list(items)
    while waiting:
        batch, later = _Events(), []
        for order, item in enumerate(waiting):
            if item.request.unique_id in batch.unique_ids:
                later.append(item)
            elif not batch.takes(item):
                later += waiting[order:]
                break
        yield batch.batch()
        waiting = later


def batches_of_profiles(items: Iterable[Item]) -> Iterator[Batch]:
    """Bulk requests of profiles: 5 MB and 10,000 at most, and no profile twice."""
    waiting = list(items)
    while waiting:
        taken: list[Item] = []
        later: list[Item] = []
        known: set[tuple[str, str]] = set()
        size = _FRAME_BYTES
        for order, item in enumerate(waiting):
            names = identifiers_of(item.request)
            more = len(msgspec.json.encode(item.request.body["data"])) + 1
            if names & known:
                later.append(item)
                known |= names
                continue
            if taken and (
                len(taken) == limits.MOST_BULK_PROFILES or size + more > limits.LARGEST_REQUEST_BYTES
            ):
                later += waiting[order:]
                break
            taken.append(item)
            known |= names
            size += more
        data = [item.request.body["data"] for item in taken]
        body = {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": data}}}}
        yield Batch(body, tuple(taken), tuple((place, 0) for place in range(len(taken))))
        waiting = later
