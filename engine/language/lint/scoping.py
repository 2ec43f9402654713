"""What the values of a spec see, by what is known of the payloads of its topics and of its past."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from engine.language import catalogue
from engine.language.expressions import Expression
from engine.language.lint.findings import Found, Scope
from engine.language.lint.inference import found_by, found_in
from engine.language.names import Name
from engine.language.payloads import ANY, NOTHING, Shape, either, notification_of, shape_of
from engine.language.spec import Spec


@dataclass(frozen=True, slots=True)
class Doubt:
    """What could not be read of a spec, so that nothing is built on it.

    `names` are written, but faulty. Without `is_whole` lines are missing altogether. `faults` says whether
    anything is faulty at all.
    """

    names: Collection[str] = ()
    is_whole: bool = True
    faults: bool = False


def kinds_of(spec: Spec) -> list[str]:
    """The kinds of objects that a spec tells of, by its topics or by its history."""
    kinds = [kind for topic in spec.topics if (kind := catalogue.kind_of(topic))]
    if not spec.topics and spec.history in catalogue.HISTORY:
        kinds = [catalogue.HISTORY[spec.history]]
    return sorted(set(kinds))


def item_in(spec: Spec) -> tuple[Shape, Shape, Found]:
    """What is known of the notifications of a spec, and of the object in them; and how that is found."""
    told = [notification_of(topic, catalogue.kind_of(topic)) for topic in spec.topics]
    if spec.history in catalogue.HISTORY:
        told.append(notification_of("", catalogue.HISTORY[spec.history]))
    event, item, found = NOTHING, NOTHING, Found()
    for one in told:
        found = _object_in(spec.item, one)
        event, item = either(event, one), either(item, found.shape)
    return event, item, found


def _object_in(path: Expression, notification: Shape) -> Found:
    """What `item` finds in a notification: of `a || b` the first that is there."""
    ways = path.tree["children"] if path.tree["type"] == "or_expression" else [path.tree]
    found = Found()
    for tree in ways:
        found = found_in(replace(path, tree=tree), Scope(notification, notification))
        if found.shape is not NOTHING:
            break
    return found


def scope_of(spec: Spec, doubt: Doubt) -> Scope:
    """What the values see before the spec's own names."""
    event, item, _ = item_in(spec)
    if not item.is_known:
        return Scope(ANY)
    names = dict.fromkeys((*doubt.names, *(name.name for name in spec.names)), ANY)
    return Scope(Shape("object", keys={**item.keys, "event": event, **names}), item, doubt.is_whole)


def with_name(scope: Scope, name: Name, doubt: Doubt) -> tuple[Scope, Found]:
    """The scope with one of the spec's names, and what the name's value finds."""
    found = found_by(name.value, scope)
    if name.name in doubt.names:
        return scope, found
    return scope.with_name(name.name, _shape_of_name(name, found.shape)), found


def _shape_of_name(name: Name, found: Shape) -> Shape:
    if name.kind == "each":
        return (found.element or ANY) if found.type == "list" else found
    if name.kind == "lookup":
        record = shape_of(name.table)
        return Shape("list", element=record) if found.type == "list" else record
    if name.value.default is not None or name.value.type is not None:
        return ANY
    return found
