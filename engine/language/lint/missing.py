"""A key that no payload has: what is said of it, and what may have been meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.issues import Issue, did_you_mean, nearest
from engine.language.catalogue import KINDS
from engine.language.filters import FILTERS
from engine.language.lint.findings import BRACKETS, Missing
from engine.language.payloads import Shape, name_of, paths_of, shape_of
from engine.language.traps import cut_by_hash
from engine.language.values import Value
from engine.ports import TABLES

IDS = {
    ("conversation", "contact"): "contacts.contacts[0].id",
    ("conversation", "team"): "team_assignee_id",
    ("conversation", "admin"): "admin_assignee_id",
    ("conversation", "company"): "company.id",
    ("ticket", "contact"): "contacts.contacts[0].id",
    ("ticket", "team"): "team_assignee_id",
    ("ticket", "admin"): "admin_assignee_id",
    ("ticket", "company"): "company_id",
    ("contact", "admin"): "owner_id",
    ("contact", "company"): "companies.data[].id",
    ("contact", "tag"): "tags.data[].id",
}
"""Where the id of a record stands in each kind of object."""

_ELSEWHERE = {
    "data": "paths start inside `data.item`: leave it out",
    "item": "paths start at the item: leave it out",
    "notification": "the whole notification is called `event`",
    "conversation": "paths start inside the conversation: leave it out",
    "ticket": "paths start inside the ticket: leave it out",
    "today": "a spec has no clock: the time of the notification is event.created_at",
    "now": "a spec has no clock: the time of the notification is event.created_at",
    "null": "in a template, no value is called none",
}
_REFERRED = {"teammate": "admin", "applied_by": "admin", "assigned_to": "admin"}
_DEEPEST = 4
_OF_EACH = re.compile(r"\[(?:\*|\?.*)?\]")
"""Brackets after which a path goes on in every element of a list."""
_MOST_OF_A_REFERENCE = 4
"""Keys of an object that only refers to another one, such as `{type, id, external_id}`."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a path starts: at an object of these `kinds`, or at what `item` says; the `names` of the spec."""

    kinds: Sequence[str] = ()
    names: Sequence[str] = ()
    item: str = ""

    def what(self) -> str:
        """The object, as a person calls it."""
        if self.item:
            return f"`{self.item}`"
        return " or ".join(f"a {kind}" for kind in self.kinds) or "this object"

    def near(self, key: str) -> str:
        """The name of the spec that a key is most like; or nothing."""
        return nearest(key, self.names)


def issue_of_missing(value: Value, missing: Missing, context: Context) -> Issue:
    """What is said of a step that leads nowhere."""
    cut = cut_by_hash(value.node, certain=False) if value.node and missing.is_root else None
    if cut is not None and "{" in cut.place.text[cut.place.column :]:  # type: ignore[union-attr]
        return cut
    place = value.at(missing.offset)
    if not missing.is_root:
        hint = _of_all(value, missing) or _hint(missing, context)
        return Issue("unknown-path", _message(missing), place, hint)
    if missing.key == BRACKETS:
        return Issue("unknown-path", f"{context.what()} is no list", place)
    near = context.near(missing.key)
    hint = "" if near else _root_hint(value, missing, context)
    if context.item and not hint:
        hint = "paths start at what `item` says"
    if not hint:
        near = near or nearest(missing.key, missing.owner.keys)
        if not near and _is_alone(value, missing):
            hint = _as_text(value)
    meant = f'; did you mean "{near}"?' if near else ""
    return Issue("unknown-path", f'{context.what()} has no "{missing.key}"{meant}', place, hint)


def issue_of_item(value: Value, missing: Missing) -> Issue:
    """What is said of an `item` that is in no notification of the spec's topics."""
    where = f"`{shown(missing.before)}`" if missing.before else "a notification"
    meant = did_you_mean(missing.key, missing.owner.keys)
    hint = "so nothing comes of any notification; the object lies in data.item"
    return Issue("unknown-path", f'{where} has no "{missing.key}"{meant}', value.at(missing.offset), hint)


def _message(missing: Missing) -> str:
    """What is said of a step further in."""
    owner, key = missing.owner, missing.key
    path = f"`{shown(missing.before)}`" if missing.before else "what stands before it"
    if key == BRACKETS:
        return f"{path} is {a_kind_of(owner)}, no list"
    if owner.type == "list":
        return f"{path} is a list, which has no keys of its own"
    if not owner.keys:
        return f"{path} is {a_kind_of(owner)}, with nothing inside"
    return f'{path} has no "{key}"{did_you_mean(key, owner.keys)}'


def _hint(missing: Missing, context: Context) -> str:
    owner, path, key = missing.owner, shown(missing.before or ()), missing.key
    if key in context.names and owner.keys:
        return "in brackets only the keys of the element are known, not the names of the spec"
    if missing.is_compared or missing.is_quoted:
        return f"text stands in single quotes: '{key}'"
    if not path or (owner.keys and nearest(key, owner.keys)):
        return ""
    if key == BRACKETS:
        inner = next((inside for inside, shape in paths_of(owner) if shape.type == "list"), "")
        return f"its list is {path}.{inner}" if inner else ""
    if key in FILTERS and not owner.keys:
        return f'filters are for templates: "{{{{ {path} | {key} }}}}"'
    if owner.type == "list":
        known = owner.element.keys if owner.element else {}
        meant = key if key in known or not known else next(iter(known))
        return f"of each element: {path}[].{meant}; of the first: {path}[0].{meant}"
    its_id = f"{path}.{key}_id" if f"{key}_id" in owner.keys else path if path.endswith("_id") else ""
    if its_id:
        return (
            f"an id only; look it up: under `lookups:` write who: {{ admin: {its_id} }}, then read who.name"
        )
    found = _deeper(owner, key)
    return f"it is at {path}.{found}" if found else _by_id(missing)


def _of_all(value: Value, missing: Missing) -> str:
    """How to take one of all elements, where brackets stand after what is looked for in each."""
    before, after = value.text[: missing.offset], value.text[missing.offset :]
    index = re.match(r"\[-?\d+\]", after)
    if missing.key != BRACKETS or not index or not _OF_EACH.search(before):
        return ""
    return f"they follow each element; of all that are found: {before} | {index.group()}"


def _by_id(missing: Missing) -> str:
    """Where the payload has only the id of what is asked for."""
    if "id" not in missing.owner.keys or len(missing.owner.keys) > _MOST_OF_A_REFERENCE:
        return ""
    before = missing.before or ()
    steps = ".".join(before).lower()
    last = steps.rpartition(".")[2]
    named = _REFERRED.get(last) or next(
        (table for table in TABLES if table[:-1] in last or table in steps), ""
    )
    if "external_id" in missing.owner.keys:
        named = "contact"
    if not named or missing.key not in shape_of(named).keys:
        return ""
    return f"only its id is here; with `{named}: ...id` under `lookups:` write {named}.{name_of(missing.key)}"


def _root_hint(value: Value, missing: Missing, context: Context) -> str:
    key = missing.key
    if missing.is_compared or (missing.is_quoted and not _is_alone(value, missing)):
        return f"text stands in single quotes: '{key}'"
    look_up = _look_up(missing, context.kinds)
    if look_up or key in _ELSEWHERE:
        return look_up or _ELSEWHERE[key]
    if _is_alone(value, missing) and ((value.node and value.node.style) or key[:1].isupper()):
        return _as_text(value)
    found = _deeper(missing.owner, key)
    if found:
        return f"it is at {found}"
    others = [kind for kind in KINDS if kind not in context.kinds and key in shape_of(kind).keys]
    return f"a {others[0]} has one" if others else ""


def _look_up(missing: Missing, kinds: Sequence[str]) -> str:
    """How to look up what is called like a record, or like a key that holds an id."""
    key = missing.key
    path = next((path for kind in kinds if (path := IDS.get((kind, key)))), "")
    if key not in TABLES and f"{key}_id" in missing.owner.keys:
        key = next((table for table in TABLES if table in key), "")
        path = f"{missing.key}_id"
    if key not in TABLES:
        return ""
    return f"look it up: under `lookups:` write {key}: {path or 'the path of its id'}"


def _is_alone(value: Value, missing: Missing) -> bool:
    """Whether the key is all that is written."""
    return value.text.strip('"') == missing.key


def _as_text(value: Value) -> str:
    text = value.text.strip('"')
    if value.node and cut_by_hash(value.node, certain=False):  # with what YAML took for a comment
        text = value.node.document.shown[value.place.line - 1][value.place.column - 1 :].strip()
    return (
        f'meant as text? write {{ value: "{text}" }}'
        if "#" in text
        else f"meant as text? write {{ value: {text} }}"
    )


def _deeper(owner: Shape, key: str) -> str:
    """The path below an object that ends with a key: the least deep, and rather not through a list."""
    ends = [
        path
        for path, _ in paths_of(owner, deepest=_DEEPEST)
        if path.endswith(f".{name_of(key)}") and not path.startswith("event.")
    ]
    return min(ends, key=lambda path: (path.count("[]"), path.count(".")), default="")


def shown(steps: Sequence[str]) -> str:
    """Steps as the path that a person writes."""
    return ".".join(name_of(step) for step in steps)


def a_kind_of(shape: Shape) -> str:
    """What a value of a shape is called: `a number`, `text`, `a list`."""
    return {
        "boolean": "true or false", "integer": "a number", "number": "a number", "list": "a list",
        "text": "text", "time": "a time in seconds",
    }.get(shape.type, "an object")  # fmt: skip
