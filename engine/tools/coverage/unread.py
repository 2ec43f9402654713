"""Which places of payloads no spec reads, how often they are there, and what they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.events import Notification
from engine.language.catalogue import HISTORY, KINDS, kind_of
from engine.language.lint.findings import Steps
from engine.language.payloads import ANY, SCALARS, TABLES, Shape, name_of, notification_of, shape_of
from engine.language.places import Places, reads_of
from engine.language.spec import Spec

AROUND = "notification"
"""The kind of what lies around the object that a notification tells of."""

_ITEM: Steps = ("data", "item")
_TRUNK = ("", "event", "event.data", "event.data.item")
"""Paths whose keys are tops."""
_OF_THE_ENGINE = ("type", "topic", "app_id", "created_at", "history")
"""Keys of every notification that the engine itself reads."""
_TYPES = {bool: "boolean", int: "number", float: "number", str: "text"}


@dataclass(frozen=True, slots=True)
class Unread:
    """A path that nothing reads, of an object of some kind: `had` of `of` notifications had a value there.

    `path` is as a spec writes it, and `top` its beginning: a key of the object. `type` and `help` are the
    catalogue's; of what it does not know, the type is what was seen.
    """

    kind: str
    path: str
    top: str
    type: str
    had: int
    of: int
    help: str = ""


class Payloads:
    """The payloads that were seen, held against what some specs read. Values are looked at, and not kept."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        self._read: dict[str, _Mark] = {AROUND: _Mark()}
        self._seen: dict[str, _Seen] = {}
        self.times: dict[str, int] = {}
        """How many notifications told of each kind of object."""
        self._told: dict[tuple[str, str], None] = {}  # topics, each with its kind, in the order of coming
        for key in _OF_THE_ENGINE:
            self._read[AROUND].at((key,)).is_tested = True
        for spec in specs:
            self._mark(spec)

    def _mark(self, spec: Spec) -> None:
        """Mark what a spec reads, in the notification and in the object that this tells of."""
        kinds = {*map(_kind_of_topic, spec.topics), HISTORY.get(spec.history, "")} - {""}
        read = reads_of(spec)
        items = Places().behind(spec.item).taken  # several: `data.item.ticket || data.item`
        names = {name.name for name in spec.names if name.kind == "lookup"}
        for steps, is_whole in (*((s, True) for s in read.taken), *((s, False) for s in read.tested)):
            if steps[:1] == ("event",):
                self._mark_place(steps[1:], kinds, is_whole)
            elif not (steps and steps[0] in names):
                for item in items:
                    self._mark_place((*item, *steps), kinds, is_whole)

    def _mark_place(self, steps: Steps, kinds: Iterable[str], is_whole: bool) -> None:
        self._read[AROUND].at(steps).note(is_whole)
        for kind in kinds:
            for home in (_ITEM, (*_ITEM, kind)):
                if steps[: len(home)] == home:
                    self._read.setdefault(kind, _Mark()).at(steps[len(home) :]).note(is_whole)
                elif is_whole and home[: len(steps)] == steps:
                    self._read.setdefault(kind, _Mark()).note(is_whole)

    def see(self, notification: Notification) -> None:
        """Look at a payload."""
        item = _item_of(notification)
        kind = _kind_of_topic(notification.topic) or _text(item, "type") or "object"
        wrapped = item.get(kind) if _text(item, "type") != kind else None
        inner = wrapped if isinstance(wrapped, dict) else item
        self._told[notification.topic, kind] = None
        for name, value, other in ((kind, inner, None), (AROUND, notification.event, inner)):
            self.times[name] = self.times.get(name, 0) + 1
            self._seen.setdefault(name, _Seen()).see(value, self.times[name], other)

    def unread(self) -> Iterator[Unread]:
        """Every path that had a value and that nothing reads; not one that always holds the same word."""
        known = [kind for kind in KINDS if kind in self._seen]
        others = sorted(self._seen.keys() - {*KINDS, AROUND})
        for kind in (*known, *others, *([AROUND] if AROUND in self._seen else ())):
            start = "event" if kind == AROUND else ""
            mark = self._read.get(kind, _Mark())
            for path, top, seen, shapes in _unread(self._seen[kind], mark, self._shapes(kind), start):
                shape = shapes[0] if shapes else ANY
                if len(shape.values) != 1 or shape.is_open:
                    type_, times = seen.type_by(shape), seen.times
                    yield Unread(kind, path, top, type_, times, self.times[kind], shape.help)

    def _shapes(self, kind: str) -> list[Shape]:
        """What is known of a kind of object, the best first."""
        if kind == AROUND:
            return [notification_of(*told) for told in self._told]
        shapes = [shape_of(kind)] if kind in TABLES else []
        for topic, other in self._told:
            if other == kind:
                item = notification_of(topic, kind).keys["data"].keys["item"]
                shapes += [item.keys[kind]] if kind in item.keys else [item]
        return shapes


def _kind_of_topic(topic: str) -> str:
    """The kind of object that a topic tells of; of one that is not known, its first word."""
    return kind_of(topic) or topic.partition(".")[0]


def _item_of(notification: Notification) -> dict[str, Any]:
    inner = notification.event.get("data")
    item = inner.get("item") if isinstance(inner, dict) else None
    return item if isinstance(item, dict) else {}


def _text(item: dict[str, Any], key: str) -> str:
    found = item.get(key)
    return found if isinstance(found, str) else ""


@dataclass(slots=True)
class _Mark:
    """A place that is read, in a tree of them; elements of a list share the place of the list."""

    keys: dict[str, "_Mark"] = field(default_factory=dict)
    is_whole: bool = False
    is_tested: bool = False

    def at(self, steps: Steps) -> "_Mark":
        mark = self
        for step in steps:
            mark = mark.keys.setdefault(step, _Mark())
        return mark

    def note(self, is_whole: bool) -> None:
        self.is_whole |= is_whole
        self.is_tested = True


_UNREAD = _Mark()


@dataclass(slots=True)
class _Seen:
    """A place that payloads have, in a tree of them: in how many it had a value, and of which types."""

    keys: dict[str, "_Seen"] = field(default_factory=dict)
    element: "_Seen | None" = None
    times: int = 0
    types: set[str] = field(default_factory=set)
    _last: int = 0

    def see(self, value: Any, number: int, other: Any) -> None:
        """Look at the value of this place in the payload of a *number*, without the object *other*."""
        if value is None or value is other:
            return
        if isinstance(value, dict):
            for key, child in value.items():
                seen = self.keys.get(key)
                if seen is None:
                    seen = self.keys[key] = _Seen()
                seen.see(child, number, other)
        elif isinstance(value, list):
            self.element = self.element or _Seen()
            for child in value:
                self.element.see(child, number, other)
        elif not isinstance(value, str) or value.strip():  # blank text is no value, as for the type `text`
            self.types.add(_TYPES.get(type(value), "any"))
            self.times += self._last != number
            self._last = number

    def type_by(self, shape: Shape) -> str:
        """The type that is documented, or else what was seen."""
        return shape.type if shape.type in SCALARS else " or ".join(sorted(self.types))


_Place = tuple[str, str, _Seen, list[Shape]]


def _unread(seen: _Seen, mark: _Mark, shapes: list[Shape], path: str, top: str = "") -> Iterator[_Place]:
    """The places below one that had a value and are not read: path, top, and what is known of them."""
    if mark.is_whole:
        return
    if seen.times and not mark.is_tested:
        yield path, top, seen, shapes
    for key, inner in seen.keys.items():
        below = f"{path}.{name_of(key)}" if path else name_of(key)
        known = [shape.keys[key] for shape in shapes if key in shape.keys]
        unread = _unread(inner, mark.keys.get(key, _UNREAD), known, below, below if path in _TRUNK else top)
        yield from unread
    if seen.element:
        known = [shape.element for shape in shapes if shape.element]
        yield from _unread(seen.element, mark, known, f"{path}[]", top)
