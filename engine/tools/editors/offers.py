"""What editors offer in specs: paths and values of the payloads, with what the tables say of them.

An offer is a snippet (`defaultSnippets`) and none of a schema's `examples`: those have no sentence beside
them, and all of them are shown wherever the mouse rests. Snippets stand in an alternative for texts and
numbers, since inside of a map or a list they would be offered again. Nothing in here refuses anything.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.language.catalogue import KINDS, TOPICS
from engine.language.keys import HELP, LOCATION_FIELDS, PROFILE_FIELDS
from engine.language.payloads import Shape, paths_of, shape_of
from engine.ports import TABLES

Json = dict[str, Any]
Known = tuple[str, Shape, str]
"""A path, what is there, and what is said of it."""

_MOST_STEPS = 5
"""Longer paths are in no menu: they lead into what is embedded, such as the author of a company's note."""
_MOST_STEPS_IN_RECORDS = 2

_FITS: dict[str, Callable[[str, Shape], bool]] = {
    "paths": lambda path, shape: True,
    "texts": lambda path, shape: shape.type == "text" and "[]" not in path,
    "numbers": lambda path, shape: shape.type in ("integer", "number") and not path.endswith(("id", "[]")),
    "times": lambda path, shape: shape.type == "time" and "[]" not in path,
    "ids": lambda path, shape: path.endswith(("id", "ids")),
    "lists": lambda path, shape: shape.type == "list",
}
"""What is offered where."""

_ITEMS = {
    "ticket": {"data.item.ticket || data.item": "replies wrap the ticket, other topics do not"},
    "contact": {"data.item.contact || data.item": "tag and subscription topics wrap the contact"},
    "all": {"data.item": "the object that the topic tells of"},
}


def offer(text: str, told: str, label: str = "") -> Json:
    """One line of an editor's menu: what it writes, and what it says of it. The text is its own label."""
    return {**({"label": label} if label else {}), "bodyText": text, "description": told}


def offering(offers: Json, inside: Json | None = None) -> Json:
    """A schema that takes all, and offers what *offers* does; in a map or a list, what *inside* does."""
    holders: Json = {"type": ["object", "array"]}
    return {"anyOf": [{"not": holders, **offers}, {**holders, **(inside or {})}]}


def snippets(offers: Iterable[Json]) -> Json:
    """A schema that offers some lines."""
    return {"defaultSnippets": list(offers)}


def topics() -> list[Json]:
    """Every topic that Intercom documents."""
    return [offer(topic, f"tells of a {kind}") for kind in KINDS for topic in sorted(TOPICS[kind])]


def offers_of(kind: str) -> Json:
    """The definitions that offer what a kind of object holds; of "all", what specs see of every kind.

    `of_KIND` is laid over a whole spec, and uses the others.
    """
    known = tuple(_everywhere() if kind == "all" else _below(kind, kind))
    made: Json = {
        f"{kind}_{what}": snippets(offer(path, told) for path, shape, told in known if fits(path, shape))
        for what, fits in _FITS.items()
    }
    places = [(path, shape, told) for path, shape, told in known if "[]" not in path]
    made[f"{kind}_values"] = {
        "definitions": {path: snippets(_values(shape)) for path, shape, _ in places if _values(shape)}
    }
    made[f"{kind}_places"] = {
        "properties": {path: _place(kind, path, shape, told) for path, shape, told in places}
    }
    made[f"of_{kind}"] = {"properties": {key: _unsaid(section) for key, section in _sections(kind)}}
    return made


def _everywhere() -> Iterator[Known]:
    """What is around the item, and the records that look-ups find."""
    for path, shape, told in _below("notification", "notification"):
        if path.partition(".")[0] != "data":
            yield f"event.{path}", shape, told
    for table in TABLES:
        for path, shape, told in _below(table, f"look-up `{table}`", _MOST_STEPS_IN_RECORDS):
            yield f"{table}.{path}", shape, told


def _below(table: str, where: str, most_steps: int = _MOST_STEPS) -> Iterator[Known]:
    """The paths of a table that are worth a line in a menu: neither always the same, nor an element."""
    for path, shape in paths_of(shape_of(table)):
        is_constant = len(shape.values) == 1 and not shape.is_open
        if not is_constant and not path.endswith("[]") and path.count(".") < most_steps:
            yield path, shape, _told(shape, where)


def _told(shape: Shape, where: str) -> str:
    values = f" ({', '.join(shape.values)}{', ...' if shape.is_open else ''})" if shape.values else ""
    return f"{where}, {shape.type}: {shape.help or 'not documented'}{values}"


def _values(shape: Shape) -> list[Json]:
    if shape.type == "boolean":
        return [offer(value, shape.help) for value in ("true", "false")]
    return [offer(value, shape.help) for value in shape.values]


def _place(kind: str, path: str, shape: Shape, told: str) -> Json:
    """A line of `when`, or of a test's `with`."""
    if not _values(shape):
        return {"description": told}
    values = {"$ref": f"#/definitions/{kind}_values/definitions/{path}"}
    one, several = {"allOf": [values]}, {"items": values}
    inside = {**several, "properties": {"not": offering(one, several)}}
    return {"description": told, **offering(one, inside)}


def _sections(kind: str) -> Iterator[tuple[str, Json]]:
    """What is offered in each section of a spec."""

    def offered(what: str, inside: Json | None = None) -> Json:
        known = {"$ref": f"#/definitions/{kind}_{what}"}
        inside = inside or {"properties": {"path": known}}
        return offering({"allOf": [known]}, inside)

    places, texts = {"$ref": f"#/definitions/{kind}_places"}, offered("texts")
    ids = {"additionalProperties": {"$ref": f"#/definitions/{kind}_ids"}}
    if kind in _ITEMS:
        yield "item", offering(snippets(offer(*one) for one in _ITEMS[kind].items()))
    yield "when", {"allOf": [places], **({"additionalProperties": _condition()} if kind == "all" else {})}
    yield "let", {"additionalProperties": offered("paths")}
    yield "lookups", {"additionalProperties": offered("ids", ids)}
    yield "each", {"additionalProperties": offered("lists")}
    yield "time", offered("times")
    yield "value", offered("numbers")
    location = _unsaid({"properties": dict.fromkeys(LOCATION_FIELDS, texts)})
    yield "profile", {"properties": {**dict.fromkeys(PROFILE_FIELDS, texts), "location": location}}
    yield "properties", {"additionalProperties": offered("paths")}
    yield "tests", {"items": {"properties": {"with": places}}}


def _condition() -> Json:
    """What any line of `when` may ask for."""
    forms = [
        offer("null", "no value"),
        offer("{ not: null }", "any value"),
        offer("{ not: ${1:value} }", HELP["condition.not"], "{ not: ... }"),
        offer("{ at_least: ${1:1} }", HELP["condition.at_least"], "{ at_least: ... }"),
        offer("{ at_most: ${1:1} }", HELP["condition.at_most"], "{ at_most: ... }"),
    ]
    return {"description": HELP["condition"], **offering(snippets(forms))}


def _unsaid(schema: Json) -> Json:
    """The schema of a key that the grammar offers already."""
    return {"doNotSuggest": True, **schema}
