"""The bodies that Klaviyo's specification describes, and what about a value differs from one of them.

Written from the specification of revision 2026-07-15, key by key; keys that it does not know are refused.
What other revisions change is made from that one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from engine.klaviyo.limits import LONGEST_TEXT_BYTES
from engine.sandbox.klaviyo.problems import (
    ONE_OF_THREE,
    UNSET,
    Problem,
    invalid,
    payload,
    required_field,
    unknown_field,
)

ANNOUNCED_BACKFILL = "2026-04-15"
MOVED_META = "2026-10-15"

Kind = Literal[
    "object", "map", "list", "text", "number", "integer", "boolean", "choice", "coordinate", "unset"
]
CONTAINERS = ("object", "map", "list")


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands at one place: `fields` of an object, `element` of a list, `choices` of a text."""

    kind: Kind
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    resource: str = ""
    element: "Shape | None" = None
    choices: tuple[str, ...] = ()
    null: bool = False
    is_data: bool = False
    """Whether it is the `data` of a resource, of which `type` is missed by another name."""


TEXT = Shape("text", null=True)
MUST_TEXT = Shape("text")
NUMBER = Shape("number", null=True)
FLAG = Shape("boolean", null=True)
MAP = Shape("map")
MAP_OR_NULL = Shape("map", null=True)


def differences(shape: Shape, value: Any, at: str = "") -> Iterator[Problem]:
    """What about a value is not of a shape. A container of the wrong kind is told of the whole payload."""
    if value is None and shape.null:
        return
    if shape.kind == "object":
        yield from _of_object(shape, value, at) if isinstance(value, dict) else [payload()]
    elif shape.kind == "list":
        if not isinstance(value, list):
            yield payload()
        elif shape.element:
            for place, one in enumerate(value):
                yield from differences(shape.element, one, f"{at}/{place}")
    elif wrong := _of_value(shape, value):
        yield payload() if shape.kind == "map" else invalid(wrong, at)


def _of_object(shape: Shape, value: dict[str, Any], at: str) -> Iterator[Problem]:
    for name in shape.required:
        if name not in value:
            missed = "request-data" if shape.is_data and name == "type" else shape.resource
            yield required_field(name, missed, f"{at}/{name}")
    if shape.is_data and not value.keys() & {"attributes", "relationships", "id"}:
        yield invalid(ONE_OF_THREE, at)
    for name, one in value.items():
        place = f"{at}/{escaped(name)}"
        if name in shape.fields:
            yield from differences(shape.fields[name], one, place)
        else:
            yield unknown_field(name, shape.resource, place)


def _of_value(shape: Shape, value: Any) -> str:
    """What is wrong with a value that is no container."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if shape.kind == "map":
        return "" if isinstance(value, dict) else "An object is expected."
    if shape.kind == "choice":
        return "" if value in shape.choices and isinstance(value, str) else _choices(shape)
    if shape.kind == "number":
        return "" if is_number else "A valid number is required."
    if shape.kind == "integer":
        whole = is_number and value == int(value)
        return "" if whole else "A valid integer is required."
    if shape.kind == "boolean":
        return "" if isinstance(value, bool) else "Must be a valid boolean."
    if shape.kind == "coordinate":
        return "" if is_number or isinstance(value, str) else "A number or a string is required."
    if shape.kind == "unset":
        keys = value if isinstance(value, list) else [value]
        return "" if all(isinstance(key, str) for key in keys) else UNSET
    if not isinstance(value, str):
        return "Not a valid string."
    too_long = len(value) > LONGEST_TEXT_BYTES // 4 and len(value.encode()) > LONGEST_TEXT_BYTES
    return "A string may not be larger than 100 KB." if too_long else ""


def _choices(shape: Shape) -> str:
    return "Must be one of: " + ", ".join(f"'{one}'" for one in shape.choices) + "."


def escaped(name: str) -> str:
    """A key as a step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _object(resource: str, required: tuple[str, ...] = (), **fields: Shape) -> Shape:
    return Shape("object", fields, required, resource)


def _data(kind: str, attributes: Shape, required: tuple[str, ...] = (), **more: Shape) -> Shape:
    fields = {"type": Shape("choice", choices=(kind,)), "attributes": attributes, **more}
    return Shape("object", fields, ("type", *required, "attributes"), kind, is_data=True)


def _inside(data: Shape) -> Shape:
    return Shape("object", {"data": data}, ("data",), data.resource or "request")


_PLACE_NAMES = ("address1", "address2", "city", "country", "region", "zip", "timezone", "ip")
_COORDINATE = Shape("coordinate", null=True)
_LOCATION = replace(
    _object("location", (), **dict.fromkeys(_PLACE_NAMES, TEXT), latitude=_COORDINATE, longitude=_COORDINATE),
    null=True,
)
_NAMES = (
    "email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title",
    "image",
)  # fmt: skip
_PROFILE = {**dict.fromkeys(_NAMES, TEXT), "location": _LOCATION, "properties": MAP_OR_NULL}
_PATCH = _object(
    "patch_properties", append=MAP_OR_NULL, unappend=MAP_OR_NULL, unset=Shape("unset", null=True)
)
_META = replace(
    _object(
        "meta",
        patch_properties=replace(_PATCH, null=True),
        patch_identifiers=replace(_object("patch_identifiers", append=MAP, unappend=MAP), null=True),
    ),
    null=True,
)
_METRIC = _inside(_data("metric", _object("metric", ("name",), name=MUST_TEXT, service=TEXT)))


def _profile(*more: str, **extra: Shape) -> Shape:
    return Shape("object", {**_PROFILE, **dict.fromkeys(more, TEXT), **extra}, (), "profile")


def _event(**more: Shape) -> Shape:
    fields = {
        "properties": MAP, "time": TEXT, "value": NUMBER, "value_currency": TEXT, "unique_id": TEXT,
        "backfill": FLAG, "metric": _METRIC, **more,
    }  # fmt: skip
    return Shape("object", fields, ("properties", "metric", *more), "event")


_UPSERT = _data("profile", _profile("_kx"), id=TEXT, meta=_META)
_LISTS = _object(
    "relationships",
    lists=_object(
        "lists",
        data=Shape(
            "list",
            element=_object("list", ("type", "id"), type=Shape("choice", choices=("list",)), id=MUST_TEXT),
        ),
    ),
)
_INTERVALS = ("hour", "day", "week", "month")


def _event_profile(is_meta_beside: bool) -> Shape:
    names = ("anonymous_id", "_kx")
    if is_meta_beside:
        return _inside(_data("profile", _profile(*names), id=TEXT, meta=_META))
    return _inside(_data("profile", _profile(*names, meta=_META), id=TEXT))


def _bulk_events() -> Shape:
    group = _object(
        "event-bulk-create",
        ("profile", "events"),
        backfill=FLAG,
        profile=_event_profile(is_meta_beside=True),
        events=Shape(
            "object", {"data": Shape("list", element=_data("event", _event()))}, ("data",), "events"
        ),
    )
    groups = Shape(
        "object",
        {"data": Shape("list", element=_data("event-bulk-create", group))},
        ("data",),
        "events-bulk-create",
    )
    fields = {"events-bulk-create": groups}
    attributes = Shape("object", fields, ("events-bulk-create",), "event-bulk-create-job")
    return _data("event-bulk-create-job", attributes)


def _import_job() -> Shape:
    profiles = Shape("object", {"data": Shape("list", element=_UPSERT)}, ("data",), "profiles")
    attributes = _object("profile-bulk-import-job", ("profiles",), profiles=profiles)
    return _data("profile-bulk-import-job", attributes, relationships=_LISTS)


def _aggregate() -> Shape:
    texts = Shape("list", element=MUST_TEXT)
    attributes = _object(
        "metric-aggregate",
        ("metric_id", "measurements", "filter"),
        metric_id=MUST_TEXT,
        page_cursor=MUST_TEXT,
        measurements=Shape("list", element=Shape("choice", choices=("count", "sum_value", "unique"))),
        interval=Shape("choice", choices=_INTERVALS, null=True),
        page_size=Shape("integer", null=True),
        by=replace(texts, null=True),
        return_fields=replace(texts, null=True),
        filter=texts,
        timezone=TEXT,
        sort=MUST_TEXT,
    )
    return _data("metric-aggregate", attributes)


def _deletion() -> Shape:
    profile = _data("profile", _object("profile", email=TEXT, phone_number=TEXT), id=TEXT)
    attributes = _object("data-privacy-deletion-job", ("profile",), profile=_inside(profile))
    return _data("data-privacy-deletion-job", attributes)


@cache
def shape_of(endpoint: str, revision: str) -> Shape:
    """The body of an endpoint (`POST /api/events`) in a revision."""
    data = {
        "POST /api/events": _data("event", _event(profile=_event_profile(revision >= MOVED_META))),
        "POST /api/event-bulk-create-jobs": _bulk_events(),
        "POST /api/profile-import": _UPSERT,
        "POST /api/profiles": _data("profile", _profile()),
        "PATCH /api/profiles/{id}": _data("profile", _profile(), ("id",), id=MUST_TEXT, meta=_META),
        "POST /api/profile-bulk-import-jobs": _import_job(),
        "POST /api/metric-aggregates": _aggregate(),
        "POST /api/data-privacy-deletion-jobs": _deletion(),
    }[endpoint]
    return Shape("object", {"data": data}, ("data",), "request")


def without(shape: Shape, name: str) -> Shape:
    """The shape as it was before a field was added to it, at every depth."""
    fields = {key: without(one, name) for key, one in shape.fields.items() if key != name}
    element = without(shape.element, name) if shape.element else None
    return replace(shape, fields=fields, element=element)
