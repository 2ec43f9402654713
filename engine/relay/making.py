"""Notifications opened, and what the machine makes of them with all that Intercom can tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import Unavailable, Unreadable
from engine.events import Notification, Skipped
from engine.ledger.inbox import Waiting
from engine.ledger.sealed import Damaged
from engine.ports import Record
from engine.relay.machine import Machine, Worked
from engine.relay.naming import contact_in, is_short

NAMES_SECONDS = 600.0
"""So long names are waited for; then the event goes without them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A notification on its way, with the row that it came from."""

    waiting: Waiting
    notification: Notification | Skipped


class Maker:
    """Opens and translates rows of the inbox; nothing of it is written down yet."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def open(self, waiting: Iterable[Waiting]) -> tuple[list[Opened], list[tuple[Waiting, str]]]:
        """The notifications, and those rows that cannot be opened, with the reason."""
        opened: list[Opened] = []
        broken: list[tuple[Waiting, str]] = []
        for one in waiting:
            try:
                notification = self._machine.read(one.raw())
            except Damaged:
                broken.append((one, "damaged"))
                continue
            except Unreadable:
                broken.append((one, "not_readable"))
                continue
            opened.append(Opened(one, notification))
            if isinstance(notification, Notification) and notification.topic.startswith("contact."):
                contact = contact_in(notification)
                if contact:
                    self._machine.learn(contact)
        return opened, broken

    def make(
        self, opened: Sequence[Opened], now: float
    ) -> tuple[list[tuple[Opened, Worked]], dict[tuple[str, str], Record | None]]:
        """What comes of each, and the records that were looked up. Raises Denied."""
        patient = [one for one in opened if not _has_waited(one.waiting, now)]
        others = [one for one in opened if _has_waited(one.waiting, now)]
        found: list[tuple[Opened, Worked]] = []
        known: dict[tuple[str, str], Record | None] = {}
        for some, partial in ((patient, False), (others, True)):
            if some:
                notifications = [one.notification for one in some]
                worked, records = self._machine.work_out(notifications, every=True, partial=partial)
                known |= records
                found += [
                    (one, self._whole(one, made, partial)) for one, made in zip(some, worked, strict=True)
                ]
        return sorted(found, key=lambda pair: pair[0].waiting.id), known

    def _whole(self, one: Opened, worked: Worked, partial: bool) -> Worked:
        """The same, with the ticket as it is now where the payload lacks what it tells of."""
        notification = worked.notification
        if not lacks_change(worked) or not isinstance(notification, Notification):
            return worked
        item = notification.event.get("data", {}).get("item", {})
        try:
            ticket = self._machine.ticket(notification.app_id, str(item.get("id", "")))
        except Unavailable:
            ticket = None
        if ticket is None:
            return worked
        event = {**notification.event, "data": {**notification.event["data"], "item": ticket}}
        try:
            again = self._machine.read(event)
        except Unreadable:  # it is too large
            return worked
        if not isinstance(again, Notification):
            return worked
        [found], _ = self._machine.work_out([again], every=True, partial=partial)
        return found


def lacks_change(worked: Worked) -> bool:
    """Whether a change is missing that some plan would make an event of."""
    is_answered = any(plan is not None for plan, _ in worked.made)
    return is_answered and isinstance(worked.notification, Notification) and is_short(worked.notification)


def _has_waited(waiting: Waiting, now: float) -> bool:
    return waiting.first_try_at is not None and now - waiting.first_try_at >= NAMES_SECONDS
