"""Which properties a new metric may send: every plain value of a notification, by its place and its type.

What is about the person, what only Intercom needs, and what lies in lists is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.language.conversions import moment
from engine.language.faults import Refused
from engine.language.payloads import ANY, SCALARS, Shape
from engine.language.spec import EVENT_ID
from engine.tools.new.captured import Captured
from engine.tools.new.labels import label_of, words_of
from engine.tools.new.occurrence import PART
from engine.tools.new.spelling import path_of

Steps = tuple[str, ...]

DEEPEST = 3
MOST = 100
LONGEST_WORD = 40

WRITTEN = "written"
"""Why a property is no more than proposed: people write it."""

_TEXTS = (
    "body", "comment", "description", "message", "note", "rating_remark", "remark", "subject", "summary",
    "text", "title",
)  # fmt: skip
_PERSONAL = (
    "email", "email_domain", "first_name", "formatted_phone", "full_name", "last_name", "phone",
    "phone_number",
)  # fmt: skip
_PEOPLE = ("admin", "applied_by", "assigned_to", "author", "contact", "owner", "teammate", "user", "visitor")
_NOISE = (
    "app_id", "app_package_code", "email_message_metadata", "has_more", "redacted", "self",
    "ticket_state_external_label", "ticket_state_internal_label", "uuid", "workspace_id",
)  # fmt: skip
_TOLD_BY_TIME = ("created_at", "notified_at", "updated_at")
_DEFINITIONS = {
    "ticket_type": ("name", "category"),
    "ticket_state": ("category", "internal_label", "external_label"),
}
"""Objects that describe what many tickets share, and the keys in them that tell of this one."""
_COUNTED = ("conversation_parts", "ticket_parts")
"""Lists of which a notification's own count is not that of all."""
_MAPS = ("custom_attributes", "ticket_attributes")
_OWN_TEXTS = ("_default_title_", "_default_description_")
_TIMES = ("_at", "_since", "_until")
_EARLIEST_SECONDS = 10**8


@dataclass(frozen=True, slots=True)
class Proposed:
    """A property that may be sent. `name` holds a `*` where each key of an object becomes one.

    `why_not` says why its line is written as a comment, or nothing. `is_plain` says whether its value may
    stand in a test: a number, a boolean, a time or a word of Intercom's own.
    """

    name: str
    path: str
    type: str = ""
    excepted: tuple[str, ...] = ()
    is_plain: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A value with the steps to it from the names that a path sees."""

    steps: Steps
    value: Any
    shape: Shape
    depth: int

    @property
    def key(self) -> str:
        return self.steps[-1]

    @property
    def owner(self) -> str:
        return self.steps[-2] if len(self.steps) > 1 else ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a new metric has already: names of properties, places that they read, and names of values."""

    properties: frozenset[str] = frozenset()
    places: frozenset[Steps] = frozenset()
    names: frozenset[str] = frozenset()


def proposed_of(captured: Captured, part: Mapping[str, Any] | None, known: Known) -> list[Proposed]:
    """What may be sent besides what is *known*, at most MOST; *part* is what `each` finds."""
    taken = {name.casefold() for name in (*known.properties, EVENT_ID)}
    found: list[Proposed] = []
    for place in _places(captured, part, known.names):
        if place.steps in known.places or not path_of(place.steps):
            continue
        one = _proposed(place, captured, taken)
        if one is not None and len(found) < MOST:
            taken.add(one.name.casefold())
            found.append(one)
    return found


def _places(captured: Captured, part: Mapping[str, Any] | None, names: frozenset[str]) -> Iterator[_Place]:
    """Every place that may be worth a property: of the part, of what is around the object, of the object.

    A key of the object that one of the spec's own *names* hides is none.
    """
    if part is not None:
        yield from _inside(part, _shape_of_part(captured), (PART,), 1)
    outer = {key: value for key, value in captured.outer.items() if key not in (*_PEOPLE, "ticket_part")}
    yield from _inside(outer, captured.around or ANY, ("event", "data", "item"), 1)
    item = {key: value for key, value in captured.item.items() if key not in (*names, "event")}
    yield from _inside(item, captured.shape, (), 0)


def _shape_of_part(captured: Captured) -> Shape:
    shape = captured.shape
    for key in (f"{captured.kind}_parts",) * 2:
        shape = shape.keys.get(key, ANY)
    return shape.element or ANY


def _inside(owner: Mapping[str, Any], shape: Shape, before: Steps, depth: int) -> Iterator[_Place]:
    for key, value in owner.items():
        place = _Place((*before, key), value, shape.keys.get(key, ANY), depth)
        if _is_left_out(place, shape):
            continue
        if isinstance(value, dict) and not _is_map(place):
            if depth < DEEPEST and (place.shape.is_known or not shape.is_known):
                yield from _inside(value, place.shape, place.steps, depth + 1)
        else:
            yield place


def _is_left_out(place: _Place, around: Shape) -> bool:
    """Whether a place is about a person, for Intercom alone, or the address of a page."""
    if _is_of_person(place, around) or _is_for_intercom(place):
        return True
    if place.key in _TEXTS or not isinstance(place.value, str):
        return False
    return place.value.startswith(("http://", "https://")) or "@" in place.value


def _is_of_person(place: _Place, around: Shape) -> bool:
    key = place.key
    if key == "name":  # of a contact, or of something of which nothing is documented
        return "role" in around.keys or not around.is_known or place.owner in _PEOPLE
    return key in _PERSONAL or (place.owner in _PEOPLE and (place.owner, key) != ("author", "type"))


def _is_for_intercom(place: _Place) -> bool:
    """Ids of other things, what things are called in the API, and what is said elsewhere already."""
    key, owner = place.key, place.owner
    if key in _NOISE or key == "url" or key.endswith("_url"):
        return True
    if key == "type":
        return len(place.shape.values) < 2
    if key == "total_count":
        return owner in _COUNTED
    if owner in _DEFINITIONS:
        return key not in _DEFINITIONS[owner]
    if owner == PART and key in _TOLD_BY_TIME:
        return True
    return _is_id(key) if place.depth else key == "updated_at"


def _proposed(place: _Place, captured: Captured, taken: set[str]) -> Proposed | None:
    if _is_map(place):
        return _spread(place, taken) if isinstance(place.value, dict | None) else None
    name = label_of(place.steps, captured.noun, taken) if _is_scalar(place) else ""
    if not name:
        return None
    path = path_of(place.steps)
    if _is_written(place):
        return Proposed(name, path, "plain_text", why_not=WRITTEN)
    made = _type_of(place)
    is_plain = made != "text" and (
        made == "datetime" or not isinstance(place.value, str) or place.value in place.shape.values
    )
    return Proposed(name, path, made, is_plain=is_plain)


def _is_scalar(place: _Place) -> bool:
    """Whether it is a plain value, or documented as one where it is null."""
    if isinstance(place.value, dict | list):
        return False
    return place.shape.type in SCALARS or (not place.shape.is_known and place.value is not None)


def _is_map(place: _Place) -> bool:
    return place.shape.type == "map" or place.key in _MAPS


def _spread(place: _Place, taken: set[str]) -> Proposed | None:
    """One property a key: `Attribute *` where that is free."""
    own = " ".join(words_of(place.key)).removesuffix("s")
    name = next((name for name in ("Attribute *", f"{own} *") if name.casefold() not in taken), "")
    excepted = _OWN_TEXTS if place.key == "ticket_attributes" else ()
    return Proposed(name, path_of(place.steps), excepted=excepted) if name else None


def _is_written(place: _Place) -> bool:
    """Whether people write the value: by its key, or by its look where nothing is documented."""
    if place.key in _TEXTS:
        return place.shape.type in ("text", "any") and isinstance(place.value, str | None)
    if place.shape.is_known or not isinstance(place.value, str):
        return False
    return not _is_time(place) and (len(place.value) > LONGEST_WORD or len(place.value.split()) > 1)


def _type_of(place: _Place) -> str:
    if place.shape.type == "time" or _is_time(place):
        return "datetime"
    return "text" if _is_id(place.key) else ""


def _is_id(key: str) -> bool:
    return key == "id" or key.endswith("_id")


def _is_time(place: _Place) -> bool:
    """Whether a key of which nothing is documented is called like a time and holds one."""
    value = place.value
    if place.shape.is_known or not place.key.endswith(_TIMES) or isinstance(value, bool):
        return False
    if isinstance(value, int | float) and value < _EARLIEST_SECONDS:
        return False
    try:
        moment(value)
    except Refused:
        return False
    return isinstance(value, int | float) or "-" in value
