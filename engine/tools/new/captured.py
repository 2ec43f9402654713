"""A captured notification: what it tells of, and what is documented of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Unreadable
from engine.events import Notification, Skipped
from engine.intercom.webhook import read_body
from engine.language.catalogue import KINDS, kind_of
from engine.language.payloads import Shape, notification_of

PLAIN_ITEM = "data.item"


@dataclass(frozen=True, slots=True)
class Captured:
    """A notification of which a spec can be made.

    `kind` is that of its object, or nothing for an object that Intercom does not document; `item` is the
    object at `path`; `shape` is what is documented of the object, and `around` of what lies around it
    where the item wraps it.
    """

    raw: bytes
    notification: Notification
    kind: str
    path: str
    item: Mapping[str, Any]
    shape: Shape
    around: Shape | None = None

    @property
    def topic(self) -> str:
        """The topic, as it came."""
        return self.notification.topic

    @property
    def outer(self) -> Mapping[str, Any]:
        """What is around the object where the item wraps it, and else nothing."""
        outer = _outer(self.notification)
        return {key: value for key, value in outer.items() if key != self.kind} if self.is_wrapped else {}

    @property
    def is_wrapped(self) -> bool:
        """Whether the object lies inside the item, beside other things."""
        return self.item is not _outer(self.notification)

    @property
    def noun(self) -> str:
        """What ids and names call the object: `conversation`, or the type that it says of itself."""
        said = self.item.get("type")
        is_plain = isinstance(said, str) and said.isascii() and said.isidentifier() and len(said) < 40
        return self.kind or (str(said) if is_plain else "object")


def read_captured(raw: bytes) -> Captured:
    """Open a captured notification. Raises Unreadable where no spec can be made of it."""
    notification = read_body(raw)
    if isinstance(notification, Skipped):
        raise Unreadable(notification.detail)
    if notification.history:
        raise Unreadable("this is an object of the past; a spec is made from a notification")
    if notification.topic == "ping":
        raise Unreadable("this is a ping, with which Intercom tests the connection; capture what you want")
    if not notification.topic.strip() or not notification.topic.isprintable():
        raise Unreadable("the notification has no topic")
    outer = _outer(notification)
    if not outer:
        raise Unreadable("the notification has no object at data.item")
    return _placed(raw, notification, outer)


def _placed(raw: bytes, notification: Notification, outer: Mapping[str, Any]) -> Captured:
    """The notification with the place of its object: the item itself, or inside of it."""
    of_topic = kind_of(notification.topic)
    documented = notification_of(notification.topic, of_topic).keys["data"].keys["item"]
    kind, is_wrapped = of_topic, of_topic in documented.keys
    if not documented.is_known:
        said = outer.get("type")
        inner = next((name for name in (of_topic, *KINDS) if _is_object(outer.get(name))), "")
        kind = said if said in KINDS else inner
        is_wrapped = kind != said and bool(inner)
    path = f"data.item.{kind} || {PLAIN_ITEM}" if is_wrapped else PLAIN_ITEM
    wrapped = outer.get(kind) if is_wrapped else None
    item = wrapped if isinstance(wrapped, dict) and wrapped else outer
    shape = documented.keys.get(kind, documented) if is_wrapped else documented
    around = documented if is_wrapped else None
    return Captured(raw, notification, kind, path, item, shape, around)


def _outer(notification: Notification) -> Mapping[str, Any]:
    data = notification.event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    return item if isinstance(item, dict) else {}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)
