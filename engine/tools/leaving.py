"""What a folder of mappings sends away, by kind: for the one who must answer for it.

Worked out from the specs and from what is known of payloads, so it lists what can leave, whatever a
notification brings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.issues import Place
from engine.language.lint.findings import Scope, Steps
from engine.language.lint.inference import found_by
from engine.language.lint.scoping import Doubt, scope_of, with_name
from engine.language.payloads import ANY, Shape
from engine.language.payloads.people import AUTHOR, CUSTOMER, STAFF, WRITTEN
from engine.language.places import Places
from engine.language.plan import Plan
from engine.language.spec import Spec
from engine.language.values import Value

ATTRIBUTES, WHOLE = "attributes", "whole"
KINDS = {
    CUSTOMER: "what identifies a customer",
    STAFF: "names and addresses of staff",
    AUTHOR: "names and addresses of authors, who are customers or staff",
    WRITTEN: "texts that people wrote",
    ATTRIBUTES: "attributes of your own workspace",
    WHOLE: "whole objects, with all that is in them",
}
"""What each kind of a `Departure` holds, in the order of the list."""

_HARMLESS = ("number", "integer", "boolean", "time")
_OF_THE_WORKSPACE = {"custom_attributes", "ticket_attributes"}


@dataclass(frozen=True, slots=True)
class Departure:
    """One line of a spec that sends something of a kind; `specs` are the metrics and profiles that it is in.

    `field` is the property, `profile.FIELD` or `unique_id`; `text` the path or the template.
    """

    kind: str
    field: str
    text: str
    place: Place
    specs: tuple[str, ...]


def departures(plans: Iterable[Plan]) -> list[Departure]:
    """Everything that the plans send and that someone may have to answer for, by kind and place."""
    found: dict[tuple[str, str, str, Place], dict[str, None]] = {}
    for plan in plans:
        for kind, field, value in _of_spec(plan.spec):
            found.setdefault((kind, field, value.text, value.place), {})[plan.name] = None
    rows = [Departure(*key, tuple(specs)) for key, specs in found.items()]
    order = list(KINDS)
    return sorted(rows, key=lambda row: (order.index(row.kind), row.place))


def _of_spec(spec: Spec) -> Iterator[tuple[str, str, Value]]:
    scope = scope_of(spec, Doubt())
    for name in spec.names:
        scope, _ = with_name(scope, name, Doubt())
    places = Places(spec.names)
    lines = [("unique_id", spec.unique_id)] if spec.unique_id else []
    lines += [(f"profile.{line.name}", line.value) for line in spec.profile]
    lines += [(line.name, line.value) for line in spec.properties]
    for field, value in lines:
        if found_by(value, scope).shape.type in _HARMLESS:
            continue
        for kind in sorted({_kind(scope, steps) for steps in places.behind(value.source).taken}):
            if kind:
                yield kind, field, value


def _kind(scope: Scope, steps: Steps) -> str:
    """The kind of what stands at a place; nothing where it tells of nobody."""
    shape = scope.shape if steps else scope.item
    if not steps or not scope.shape.is_known:
        return WHOLE
    for step in steps:
        shape = _inside(shape).keys.get(step, ANY)
        if shape.about:
            return shape.about
    if _inside(shape).type in ("object", "map"):
        return WHOLE
    return ATTRIBUTES if shape is ANY and _OF_THE_WORKSPACE & set(steps[:-1]) else ""


def _inside(shape: Shape) -> Shape:
    """The elements of a list; places lead through lists as if these were not there."""
    while shape.type == "list" and shape.element:
        shape = shape.element
    return shape
