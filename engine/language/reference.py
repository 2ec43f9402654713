"""The reference executor: one spec, one notification, value by value, with JMESPath and Jinja themselves.

It decides what a spec means; whatever runs specs faster must agree with it.
"""

from datetime import datetime
from typing import Any

import msgspec

from engine.events import Notification, Parked, Result, Skipped, Translation
from engine.issues import Issue
from engine.language.conditions import Condition
from engine.language.conversions import moment
from engine.language.expressions import ITEM
from engine.language.faults import Failed, Refused
from engine.language.made import MOST_MADE, Element, Made, Scope, issue_of, plain_text
from engine.language.names import Name
from engine.language.spec import EVENT_ID, Spec
from engine.language.values import Value
from engine.language.work import Work
from engine.ports import Known

NEAR_SECONDS = 5
"""How far an element's time may lie from the notification's, and still be what it tells of."""
LONGEST_UNIQUE_ID = 120
MOST_ELEMENTS = 500
"""Intercom sends 500 parts of a conversation or a ticket, at most."""

Wanted = dict[str, set[str]]
"""Ids to look up, by table."""


class Run:
    """One spec at work on one notification."""

    def __init__(self, spec: Spec, notification: Notification, known: Known) -> None:
        self.spec = spec
        self.notification = notification
        self.known = known
        self.missed: Wanted = {}
        """Ids that were asked for and of which nothing is known yet."""
        self._common: dict[str, tuple[Any, list[Issue], list[tuple[str, str]]]] = {}
        self._room = Work(MOST_MADE)

    def results(self, *, every: bool = False) -> list[Result]:
        """The events or the profile that come of the notification, or why there is none."""
        return [result for result, _ in self.made(every=every)]

    def made(self, *, every: bool = False) -> list[tuple[Result, Element | None]]:
        """Each result with the element that it was made from, or for which it was skipped."""
        elements = self.elements(every=every)
        if not isinstance(elements, list):
            return [(elements, None)]
        pairs: list[tuple[Result, Element | None]] = []
        refused: Condition | None = None
        issues: list[Issue] = []
        for element in elements:
            failing = self.failing(element)
            if failing is None:
                self.name_all(element)
                pairs.append((self.translation(element), element))
            else:
                refused = refused or failing
                issues += element.issues
        if pairs or refused is None:
            return _once(pairs)
        detail = f"`{refused.text}` does not hold ({refused.place.file}:{refused.place.line})"
        return [(self._skipped("condition", detail, list(dict.fromkeys(issues))), elements[0])]

    def needs(self, *, every: bool = False) -> Wanted:
        """The ids that the events of this notification need, and that nothing is known of."""
        elements = self.elements(every=every)
        for element in elements if isinstance(elements, list) else []:
            if self.failing(element, looking_up=True) is None:
                self.name_all(element)
        return self.missed

    def elements(self, *, every: bool = False) -> list[Element] | Skipped | Parked:
        """What `each` finds and the notification tells of; one element where the spec has no `each`."""
        event = self.notification.event
        try:
            item = self.spec.item.search(event)
        except Failed:
            item = None
        if not isinstance(item, dict):
            return self._skipped("no_item", f"there is no object at `{self.spec.item.text}`")
        first = Element(Scope(item, {"event": event, ITEM: item}), room=self._room)
        each = self.spec.each
        if each is None:
            return [first]
        self._name(first, self.behind(each.value))
        found = _distinct(self._named(each, first))
        if len(found) > MOST_ELEMENTS:
            detail = f"`{each.value.text}` finds over {MOST_ELEMENTS:,} elements"
            return self._parked("too_many", detail, first.issues)
        elements = [
            Element(
                first.scope.beside(each.name, value),
                {*first.named, each.name},
                list(first.issues),
                room=self._room,
                looked_up=list(first.looked_up),
            )
            for value in found
        ]
        if not elements:
            return self._skipped("no_element", f"there is nothing at `{each.value.text}`", first.issues)
        for element in elements:
            self._name(element, self.behind(self.spec.time))
            element.time = self._time_of(element)
        chosen = _oldest_first(elements)
        if not (every or self.notification.history):
            chosen = _told_of(chosen, self.notification.created_at)
        if chosen:
            return chosen
        detail = f"nothing at `{each.value.text}` is what this notification tells of"
        return self._skipped("no_element", detail, first.issues)

    def failing(self, element: Element, *, looking_up: bool = False) -> Condition | None:
        """The first line of `when` that does not hold; those that wait for records count as holding."""
        for condition in self.spec.conditions:
            if looking_up and any(name.kind == "lookup" for name in self.behind(condition.path)):
                continue
            self._name(element, self.behind(condition.path))
            try:
                found = condition.path.extract(element.scope)
            except Failed as error:
                element.issues.append(Issue("failed", f"when: {error}", condition.place))
                return condition
            if not condition.holds(found):
                return condition
        return None

    def name_all(self, element: Element) -> None:
        """Work out every name that is left: only once it is sure that the event is wanted."""
        self._name(element, list(self.spec.names))

    def behind(self, value: Value | None) -> list[Name]:
        """The names that a value needs, in the order of their use."""
        needed: set[str] = set(value.reads) if value else set()
        behind = []
        for name in reversed(self.spec.names):
            if name.name in needed:
                needed |= name.value.reads
                behind.append(name)
        return behind[::-1]

    def _name(self, element: Element, names: list[Name]) -> None:
        for name in names:
            if name.name in element.named:
                continue
            element.named.add(name.name)
            if name.name in self._common:
                found, issues, looked_up = self._common[name.name]
                element.scope.put(name.name, found)
                element.issues += issues
                element.looked_up += looked_up
                continue
            told, asked = len(element.issues), len(element.looked_up)
            found = self._named(name, element)
            element.scope.put(name.name, found)
            if name.is_common:
                self._common[name.name] = (found, element.issues[told:], element.looked_up[asked:])

    def _named(self, name: Name, element: Element) -> Any:
        """What a name stands for; None, and an issue, where that cannot be worked out."""
        try:
            raw = name.value.extract(element.scope)
            return self._records(name, raw, element) if name.kind == "lookup" else name.value.settle(raw)
        except (Failed, Refused) as error:
            element.issues.append(issue_of(error, name.name, name.value.place))
            return None

    def _records(self, name: Name, ids: Any, element: Element) -> Any:
        """The record of an id; of a list of ids, the records, or nothing while one is not known."""
        if not isinstance(ids, list):
            return self._record(name, ids, element)
        records = [self._record(name, one, element) for one in ids]
        if any((name.table, id_of(one)) not in self.known for one in ids if id_of(one)):
            return None
        return [record for record in records if record is not None]

    def _record(self, name: Name, raw: Any, element: Element) -> Any:
        key = id_of(raw)
        if not key:
            return None
        element.looked_up.append((name.table, key))
        if (name.table, key) not in self.known:
            self.missed.setdefault(name.table, set()).add(key)
            return None
        record = self.known[name.table, key]
        if record is None:
            message = f"there is no {name.table} {key}"
            element.issues.append(Issue("no-record", message, name.value.place))
        return record

    def _time_of(self, element: Element) -> datetime | None:
        """The event's time; None where it has none, whatever the cause."""
        try:
            return self.event_time(element)
        except (Failed, Refused):
            return None

    def event_time(self, element: Element) -> datetime | None:
        """The event's time. Raises Failed and Refused."""
        value = self.spec.time
        if value is None:
            return None
        raw = value.settle(value.extract(element.scope))
        return None if raw is None or raw == "" else moment(raw)

    def translation(self, element: Element) -> Result:
        """The event or the profile of one element, or why it is parked."""
        spec = self.spec
        if self._room.left < 0:
            return self._parked("too_large", "the notification makes too much at once", element.issues)
        made = Made(element, spec.properties)
        if spec.kind == "event":
            stopped = self._make_event(made)
            if stopped:
                return self._parked(*stopped, element.issues)
        for add, lines in ((made.add_profile, spec.profile), (made.add_property, spec.properties)):
            for line in lines:
                stopped = add(line)
                if stopped:
                    return self._parked(*stopped, element.issues)
        return Translation(
            metric=spec.name,
            profile=made.profile,
            properties=made.properties,
            time=made.time,
            unique_id=made.unique_id,
            value=made.value,
            history=self.notification.history,
            issues=tuple(element.issues),
            spec=spec.stem,
            spec_hash=spec.hash,
            places=made.places,
            required=spec.required,
            looked_up=tuple(dict.fromkeys(element.looked_up)),
        )

    def _make_event(self, made: Made) -> tuple[str, str] | None:
        """Time, unique_id and value; or the reason and the sentence that park the event."""
        element = made.element
        try:
            made.time = self.event_time(element)
        except (Failed, Refused) as error:
            element.issues.append(issue_of(error, "time", self.spec.time.place if self.spec.time else None))
        if made.time is None:
            return "no_time", "`time` has no value"
        tail = made.text_of(self.spec.unique_id)
        if not tail:
            return "no_unique_id", "`unique_id`, or a part of it, has no value"
        if not self.notification.app_id:
            return "no_app_id", "the notification does not say which workspace it comes from (`app_id`)"
        made.unique_id = f"ic:{self.notification.app_id}:{tail}"
        if not _is_plain(made.unique_id):
            what = f"`unique_id` is over {LONGEST_UNIQUE_ID} characters, or not plain ASCII without spaces"
            return "bad_unique_id", what
        made.properties[EVENT_ID] = made.unique_id
        return made.add_value(self.spec.value)

    def _skipped(self, reason: str, detail: str, issues: list[Issue] | None = None) -> Skipped:
        return Skipped(reason, detail, self.spec.name, tuple(issues or ()))

    def _parked(self, reason: str, detail: str, issues: list[Issue]) -> Parked:
        return Parked(reason, detail, self.spec.name, tuple(issues))


def id_of(raw: Any) -> str:
    """The text of an id to look up; nothing for no id, which Intercom also writes as 0 and "0"."""
    text = plain_text(raw)
    return "" if text == "0" else text


def _distinct(found: Any) -> list[Any]:
    """The elements that `each` found, the same one once; an object is a list of one."""
    if found is None:
        return []
    elements = found if isinstance(found, list) else [found]
    seen: dict[bytes | int, Any] = {}
    for element in elements:
        if element is not None:
            seen.setdefault(_identity(element), element)
    return list(seen.values())


def _identity(element: Any) -> bytes | int:
    """The same for the same JSON; what cannot be written as JSON is itself only."""
    try:
        return msgspec.json.encode(element)
    except (ValueError, OverflowError, RecursionError):
        return id(element)


def _oldest_first(elements: list[Element]) -> list[Element]:
    """By time; those without one last, in their own order."""
    timed = sorted((element for element in elements if element.time), key=_moment)
    return [*timed, *(element for element in elements if not element.time)]


def _moment(element: Element) -> float:
    return element.time.timestamp() if element.time else 0.0


def _told_of(elements: list[Element], created_at: float | None) -> list[Element]:
    """Those that a notification tells of: near its time, or else the newest before it.

    Elements of which none has a time are all kept: they are parked, and seen.
    """
    timed = [element for element in elements if element.time]
    if not timed or created_at is None:
        return elements
    near = [element for element in timed if abs(_moment(element) - created_at) <= NEAR_SECONDS]
    if near:
        return near
    before = [_moment(element) for element in timed if _moment(element) < created_at]
    return [element for element in timed if before and _moment(element) == max(before)]


def _once(pairs: list[tuple[Result, Element | None]]) -> list[tuple[Result, Element | None]]:
    """Each event once, by its id."""
    seen: set[str] = set()
    kept = []
    for result, element in pairs:
        if isinstance(result, Translation) and result.unique_id:
            if result.unique_id in seen:
                continue
            seen.add(result.unique_id)
        kept.append((result, element))
    return kept


def _is_plain(unique_id: str) -> bool:
    return len(unique_id) <= LONGEST_UNIQUE_ID and all("!" <= character <= "~" for character in unique_id)
