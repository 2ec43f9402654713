"""Look-ups for many notifications at once: few requests, and nothing asked twice.

What an event is known by, or cannot be without, waits for an answer. Names alone need not: whoever has waited
long enough says so (`partial`), and the event goes without them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from engine.deadline import TooSlow, within
from engine.events import Notification, Parked, Result, Translation
from engine.issues import Issue
from engine.klaviyo.limits import IDENTIFIERS
from engine.language.faults import Failed
from engine.language.plan import Plan
from engine.ports import Record, Records

Pair = tuple[Plan, Notification]
ALL_TAGS = "all tags of contact"
"""What could not be asked for, where only a contact's first tags are known."""


@runtime_checkable
class WholeTags(Protocol):
    """Records that also know all tags of a contact: Intercom's payloads hold the first ten."""

    def tags_of(self, ids: Collection[str]) -> Mapping[str, list[Record]]:
        """All tags of each contact; one that is left out could not be asked for."""
        ...


class Enquiry:
    """What is known for some notifications, once everything that their plans need was asked for.

    `known` is for `Plan.translate`; `pairs` are the plans with their notifications, of which a contact
    has all its tags where a plan reads them. Raises Denied.
    """

    def __init__(
        self,
        records: Records | None,
        pairs: Iterable[Pair],
        *,
        every: bool = False,
        deadline_seconds: float | None = None,
    ) -> None:
        self.known: dict[tuple[str, str], Record | None] = {}
        self.pairs = list(pairs)
        self._every = every
        self._deadline = deadline_seconds
        self._unanswered: set[tuple[str, str]] = set()
        self._readers: dict[str, list[Plan]] = {}
        """The plans that look a contact up, by its id."""
        self._cut: dict[int, str] = {}
        """Notifications, by their place among the pairs, whose contact has more tags than are known."""
        self._cut_records: set[str] = set()
        """Contacts that were looked up and have more tags than are known."""
        if records is not None:
            self._complete_contacts(records)
            self._ask(records)

    def missing(self, place: int) -> list[tuple[str, str]]:
        """What the plan of a pair needs and nobody answered for, as tables with ids."""
        found = [(ALL_TAGS, self._cut[place])] if place in self._cut else []
        plan, notification = self.pairs[place]
        if self._cut_records and plan.reads_tags("contact"):
            first = plan.needs(notification, {}, every=self._every).get("contact", set())
            found += sorted((ALL_TAGS, key) for key in first & self._cut_records)
        if self._unanswered:
            wanted = plan.needs(notification, self.known, every=self._every)
            found += sorted((table, key) for table, keys in wanted.items() for key in keys)
        return found

    def _ask(self, records: Records) -> None:
        """Ask for all ids of a table at once, as long as a record names further ones."""
        left = [pair for pair in self.pairs if any(name.kind == "lookup" for name in pair[0].spec.names)]
        while left:
            wanted, left = self._wanted(left)
            for table, ids in sorted(wanted.items()):
                found = dict(records.fetch(table, sorted(ids)))
                if table == "contact":
                    self._complete_records(records, found)
                self.known |= {(table, key): found[key] for key in ids if key in found}
                self._unanswered |= {(table, key) for key in ids if key not in found}

    def _wanted(self, pairs: list[Pair]) -> tuple[dict[str, set[str]], list[Pair]]:
        """Ids by table that were not asked for, and the pairs that wait for them."""
        wanted: dict[str, set[str]] = {}
        waiting = []
        for plan, notification in pairs:
            try:
                with within(self._deadline):  # the records take the time that they take
                    needs = plan.needs(notification, self.known, every=self._every)
            except TooSlow:
                continue  # translating it will say so
            new = {(table, key) for table, keys in needs.items() for key in keys} - self._unanswered
            for table, key in new:
                wanted.setdefault(table, set()).add(key)
                if table == "contact":
                    self._readers.setdefault(key, []).append(plan)
            if new:
                waiting.append((plan, notification))
        return wanted, waiting

    def _complete_contacts(self, records: Records) -> None:
        """Give contacts that notifications tell of all their tags."""
        if not isinstance(records, WholeTags):
            return  # looked at first: what follows costs every notification a search
        cut: dict[int, tuple[str, Record]] = {}
        for place, (plan, notification) in enumerate(self.pairs):
            contact = _contact_of(plan, notification)
            if contact and _has_more_tags(contact) and plan.reads_tags():
                cut[place] = (str(contact.get("id", "")), contact)
        if not cut:
            return
        found = records.tags_of(sorted({key for key, _ in cut.values()}))
        for place, (key, contact) in cut.items():
            if key not in found:
                self._cut[place] = key
                continue
            plan, notification = self.pairs[place]
            event = _swapped(notification.event, contact, _with_tags(contact, found[key]))
            self.pairs[place] = (plan, replace(notification, event=event))

    def _complete_records(self, records: Records, found: dict[str, Record | None]) -> None:
        """Give contacts that were looked up all their tags, where a plan that did so reads them."""
        cut = [
            key
            for key, record in found.items()
            if record
            and _has_more_tags(record)
            and any(plan.reads_tags("contact") for plan in self._readers.get(key, ()))
        ]
        if not cut or not isinstance(records, WholeTags):
            return
        tags = records.tags_of(cut)
        self._cut_records |= {*cut} - tags.keys()
        for key in cut:
            record = found[key]
            if record and key in tags:
                found[key] = _with_tags(record, tags[key])


def settled(result: Result, plan: Plan, missing: Sequence[tuple[str, str]], *, partial: bool) -> Result:
    """A result for which something could not be looked up: parked, or without names where that will do."""
    if not missing or not isinstance(result, Translation):
        return result
    vital = plan.waits_for(IDENTIFIERS)
    table, key = next(((t, k) for t, k in missing if t in vital), missing[0])
    if table in vital or not partial:
        detail = f"Intercom could not be asked for {table} {key}"
        return Parked("unavailable", detail, plan.name, result.issues, result)
    issues = [Issue("partial", f"Intercom could not be asked for {t} {k}") for t, k in missing]
    return replace(result, issues=(*result.issues, *issues))


def _contact_of(plan: Plan, notification: Notification) -> Record | None:
    """The contact that a notification tells of, if it is one."""
    try:
        item = plan.spec.item.search(notification.event)
    except Failed:
        return None
    return item if isinstance(item, dict) and item.get("type") == "contact" else None


def _has_more_tags(contact: Record) -> bool:
    tags = contact.get("tags")
    return isinstance(tags, dict) and tags.get("has_more") is True


def _with_tags(contact: Record, tags: list[Record]) -> dict[str, Any]:
    whole = {**contact["tags"], "data": tags, "total_count": len(tags), "has_more": False}
    return {**contact, "tags": whole}


def _swapped(value: Any, old: Any, new: Any, depth: int = 4) -> Any:
    """A copy of an object with one inside it exchanged."""
    if value is old:
        return new
    if isinstance(value, dict) and depth:
        return {key: _swapped(child, old, new, depth - 1) for key, child in value.items()}
    return value
