"""A payload with invented values in place of those that tell of people, in the same shape."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Unreadable
from engine.intercom.records import PLURALS
from engine.intercom.shapes import UNTOUCHED
from engine.intercom.webhook import decoded
from engine.language.catalogue import KINDS, kind_of, words
from engine.language.payloads import ANY, TABLES, Shape, notification_of, shape_of
from engine.language.payloads.people import AUTHOR, CUSTOMER, STAFF
from engine.tools.record.forms import DATE, NUMBER, form_of, is_telling
from engine.tools.record.harmless import is_harmless, is_topic
from engine.tools.record.inventions import Inventions

DEEPEST = 64
ID, NAME = "id", "name"
Steps = tuple[str, ...]

_FIRST_NAMES = words(
    "first_name firstname given_name forename full_name fullname display_name nickname username"
)
_LAST_NAMES = words("last_name lastname surname family_name")
_HOSTS = words("email_domain domain")
_IDS = re.compile(r"(?:.*_)?(?:id|ids|uuid|guid)")
_PEOPLE = (CUSTOMER, STAFF, AUTHOR)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A payload that carries no customer, what to call its file, and how many values are new, by kind."""

    value: Any
    stem: str
    invented: Counter[str]
    kept: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands. `is_own` says that it lies in attributes of the workspace."""

    shape: Shape = ANY
    steps: Steps = ()
    key: str = ""
    is_own: bool = False
    is_person: bool = False
    is_label: bool = False
    """Whether a name here is that of an attribute, which stays where it is also a key that does."""
    depth: int = 0


class Recorder:
    """Makes recordings in which the same value has the same stand-in. *keep* are places that stay."""

    def __init__(self, seed: str, keep: Iterable[Steps] = ()) -> None:
        self._inventions = Inventions(seed)
        self._keep = frozenset(keep)
        self._invented: Counter[str] = Counter()
        self._kept: Counter[Steps] = Counter()
        self._labels: frozenset[str] = frozenset()

    @property
    def unmet(self) -> frozenset[Steps]:
        """The places to keep that no payload had."""
        return self._keep - set(self._kept)

    def record_bytes(self, raw: bytes) -> Recorded:
        """The recording of a payload as it came. Raises Unreadable."""
        return self.record(decoded(raw))

    def record(self, payload: Any) -> Recorded:
        """The recording of a notification, or of any other JSON. Raises Unreadable where it is too deep."""
        return self._made(payload, _Place(_shape_of(payload)), stem_of(payload))

    def record_tables(self, tables: dict[str, Any]) -> Recorded:
        """The recording of the records for look-ups: `contacts`, `teams` and so on."""
        rows = {plural: shape_of(table) for table, plural in PLURALS.items()}
        shapes = {plural: Shape("list", element=shape) for plural, shape in rows.items()}
        return self._made(tables, _Place(Shape("object", keys=shapes)), "records")

    def _made(self, payload: Any, place: _Place, stem: str) -> Recorded:
        self._invented, before = Counter(), self._kept.total()
        self._labels = frozenset(_own_keys(payload))
        value = self._walk(payload, place)
        return Recorded(value, stem, self._invented, self._kept.total() - before)

    def _walk(self, value: Any, place: _Place) -> Any:
        if place.depth > DEEPEST:
            raise Unreadable(f"it is nested over {DEEPEST} deep")
        if self._is_kept(place.steps):
            return value
        if isinstance(value, dict):
            return self._object(value, place)
        if isinstance(value, list):
            shape = place.shape.element or ANY
            inner = replace(place, shape=shape, depth=place.depth + 1)
            return [self._walk(element, inner) for element in value]
        if value is None or isinstance(value, bool):
            return value
        return self._scalar(value, place)

    def _object(self, value: dict[str, Any], place: _Place) -> dict[str, Any]:
        shape = place.shape
        said = value.get("type")
        if not shape.is_known and not place.is_own and isinstance(said, str) and said in TABLES:
            shape = shape_of(said)
        is_own = place.is_own or shape.type == "map"
        is_label = not is_own and (said == "ticket_type_attribute" or place.key == "attribute")
        is_person = any(key in value for key in ("email", "email_address"))
        made: dict[str, Any] = {}
        for key, child in value.items():
            inner = shape.keys.get(key, ANY)
            where = _Place(inner, (*place.steps, key), key, is_own, is_person, is_label, place.depth + 1)
            made[self._key(key, made)] = self._walk(child, where)
        return made

    def _key(self, key: str, taken: dict[str, Any]) -> str:
        """A key stays, unless it tells of a person."""
        if not is_telling(key):
            return key
        self._invented[form_of(key)] += 1
        made = self._inventions.text(key)
        while made in taken:
            made += "'"
        return made

    def _scalar(self, value: str | int | float, place: _Place) -> Any:
        key = "_".join(re.findall(r"[a-z]+|[A-Z][a-z]*|[0-9]+|[A-Z]+", place.key)).lower()
        is_id = bool(_IDS.fullmatch(key))
        if isinstance(value, str):
            if place.steps == ("topic",) and place.shape.is_known and is_topic(value):
                return value
            if not value.strip() or (not is_id and is_harmless(place.key, value, place.shape, place.is_own)):
                return value
            return self._text(value, key, is_id, place)
        if not is_id and is_harmless(place.key, value, place.shape, place.is_own):
            return value
        made = self._inventions.number(value)
        if made != value:
            self._invented[ID if is_id else NUMBER] += 1
        return made

    def _text(self, value: str, key: str, is_id: bool, place: _Place) -> str:
        """Another text of the form that it has, or that its place gives it."""
        form = form_of(value)
        invent = self._inventions
        if is_id and form in (NUMBER, DATE, "text"):
            kind, made = ID, invent.id(value)
        elif place.is_label and key in ("name", "label") and value in self._labels:
            return self._key(value, {})
        elif key in _FIRST_NAMES or (key == "name" and (place.shape.about in _PEOPLE or place.is_person)):
            kind, made = NAME, invent.name(value)
        elif key in _LAST_NAMES:
            kind, made = NAME, invent.last_name(value)
        elif key in _HOSTS and form == "text" and "." in value:
            kind, made = "URL", invent.host(value.strip())
        else:
            kind, made = form, invent.text(value)
        if made != value:
            self._invented[kind] += 1
        return made

    def _is_kept(self, steps: Steps) -> bool:
        for named in _names_of(steps) if self._keep else ():
            if named in self._keep:
                self._kept[named] += 1
                return True
        return False


def stem_of(payload: Any) -> str:
    """What to call the file of a payload: by its topic, or by what it is."""
    if not isinstance(payload, dict):
        return "payload"
    said, topic = payload.get("type"), payload.get("topic")
    if said != "notification_event":
        return str(said) if said in KINDS else "payload"
    if payload.get("history") is True:
        kind = _item(payload).get("type")
        return f"history.{kind}" if kind in KINDS else "history"
    return topic if isinstance(topic, str) and topic.isascii() and is_topic(topic) else "notification"


def _shape_of(payload: Any) -> Shape:
    if not isinstance(payload, dict) or payload.get("type") != "notification_event":
        return ANY
    topic = payload.get("topic")
    topic = topic if isinstance(topic, str) else ""
    kind = kind_of(topic)
    if payload.get("history") is True or not kind:
        kind = str(_item(payload).get("type"))
    return notification_of(topic, kind if kind in TABLES else "unknown")


def _item(payload: dict[str, Any]) -> dict[str, Any]:
    carried = payload.get("data")
    item = carried.get("item") if isinstance(carried, dict) else None
    return item if isinstance(item, dict) else {}


def _own_keys(payload: Any) -> Iterator[str]:
    """The names of the workspace's own attributes that have a value in a payload."""
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key in UNTOUCHED & value.keys():
                yield from value[key] if isinstance(value[key], dict) else ()
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _names_of(steps: Steps) -> Iterator[Steps]:
    """The ways in which specs name a place: from the item, from the object in it, or after `event`."""
    yield ("event", *steps)
    if steps[:2] == ("data", "item"):
        inner = steps[2:]
        yield inner
        if inner[:1] and inner[0] in KINDS:
            yield inner[1:]
        return
    tables = {plural: table for table, plural in PLURALS.items()}
    if steps[:1] and steps[0] in tables:
        yield (tables[steps[0]], *steps[1:])
        yield steps[1:]
    else:
        yield steps
