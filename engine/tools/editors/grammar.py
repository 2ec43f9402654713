"""The keys of the language as JSON Schema: what may stand under each, and what is said of it.

What editors write after a key that is chosen from a menu follows from the first `type` of its schema: a
line for a text, an indented line for a map, a dash for a list of `items`.
"""

import json
from collections.abc import Iterable
from typing import Any

from engine.language.catalogue import HISTORY
from engine.language.conditions import FORMS
from engine.language.conversions import TYPES, Type
from engine.language.inline import EXPECT_KEYS, OUTCOMES, TEST_KEYS
from engine.language.keys import HELP, LOCATION_FIELDS, PROFILE_FIELDS
from engine.language.values import BLOCK_KEYS
from engine.ports import TABLES
from engine.tools.editors.offers import offer, offering, snippets, topics

Json = dict[str, Any]

_LINES = "Lines of `name: value` are expected here."
_NAMES = "The name of a property is expected here, or a list of them."
_LINE_OR_BLOCK = (
    "A path, a template, a plain value or a block is expected here. What starts with [ stands in quotes."
)
_ONE_SOURCE = "One of path, template and value is needed. A line that starts with {{ stands in quotes."

_ANY: Json = {"type": ["string", "number", "boolean", "array", "object", "null"]}
_LIST: Json = {"type": "array"}
_MAP: Json = {"type": "object"}
_TEXT: Json = {"type": "string"}
_WORDS: Json = {**_TEXT, "pattern": r"\S"}
_PLAIN: Json = {
    "type": ["string", "number", "boolean", "null"],
    "errorMessage": "A plain value is expected here.",
}
_NO_TEMPLATE: Json = {
    "pattern": r"^(?![\s\S]*\{[{%])",
    "patternErrorMessage": "A template stands under `template`.",
}


def grammar(shared: Iterable[str]) -> dict[str, Json]:
    """The definitions of every key at the top of a file, and of what these use.

    *shared* are the names of the shared files that `use` offers.
    """
    return {**_keys(shared), **_values(), **_parts()}


def helped(schema: Json, told: str) -> Json:
    """The schema with a sentence for hovers and menus, which stands before one that it refers to."""
    return {**schema, "description": told, "markdownDescription": told}


def _keys(shared: Iterable[str]) -> Json:
    value, name = _ref("a_value"), _ref("a_name")
    uses = snippets(offer(one, f"what shared/{one}.yaml says") for one in shared)
    spread = {r"\*": _ref("a_spread_value")}
    item = {"type": ["string", "object"], "if": _MAP, "then": _ref("a_block"), "else": _NO_TEMPLATE}
    return {
        "metric": _told(_WORDS, "The metric's name in Klaviyo is expected here, as text."),
        "name": _told(_WORDS, "The name of the profile mapping is expected here, as text."),
        "topic": _one_or_several("A topic is expected here, or a list of topics.", snippets(topics())),
        "use": _one_or_several("The name of a shared file is expected here, or a list of them.", uses),
        "without": _one_or_several(_NAMES),
        "item": _told(item, "A path is expected here."),
        "when": {**_lines(_ref("a_condition")), "type": ["object", "string"]},
        "let": _lines(value, propertyNames=name),
        "lookups": _lines(_ref("a_named_lookup"), properties=_tables("a_lookup"), propertyNames=name),
        "profile": _fields("profile", PROFILE_FIELDS, {"location": _fields("location", LOCATION_FIELDS)}),
        "properties": _lines(value, patternProperties=spread, propertyNames=_ref("a_property_name")),
        "history": _one_of({word: HELP[f"history.{word}"] for word in (*HISTORY, "none")}),
        "each": _lines(value, propertyNames=name, maxProperties=1),
        "time": value,
        "unique_id": value,
        "value": value,
        "tests": _told({**_LIST, "items": _ref("a_test")}, "A list of tests is expected here."),
    }


def _values() -> Json:
    return {
        "a_value": _value("a_block"),
        "a_spread_value": _value("a_spread_block"),
        "a_line": _told({"type": ["string", "number", "boolean"]}, _LINE_OR_BLOCK),
        "a_block": _block(tuple(key for key in BLOCK_KEYS if key != "except")),
        "a_spread_block": _block(BLOCK_KEYS),
        "a_type": _one_of({kind.name: _of_type(kind) for kind in TYPES.values()}),
    }


def _parts() -> Json:
    plain_name = "A name has letters, digits and underscores, and a letter first."
    known = f"Look-ups know {', '.join(TABLES)}. A name of your own says which it is: {{ admin: path }}."
    own_lookup = {"if": _MAP, "then": _ref("a_record"), "else": _told(_MAP, known)}
    record = _known_lines(_tables("a_value"))
    return {
        "a_name": _name(r"^[A-Za-z][A-Za-z0-9_]*$", plain_name),
        "a_property_name": _name(
            r"^(?=[\s\S]*\S)[^*]*\*?[^*]*$", "A name is expected, with one `*` at most."
        ),
        "a_condition": _condition(),
        "a_lookup": {"if": _MAP, "then": _ref("a_record"), "else": _ref("a_line")},
        "a_named_lookup": helped(own_lookup, HELP["lookup"]),
        # The numbers stand apart: the server offers no more keys where their most are reached.
        "a_record": {**record, "allOf": [*record["allOf"], {"minProperties": 1, "maxProperties": 1}]},
        "a_test": _test(),
        "an_expectation": _expectation(),
    }


# What schemas are made of


def _ref(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _told(schema: Json, message: str) -> Json:
    """The schema with what is said where it refuses something."""
    return {**schema, "errorMessage": message}


def _if_list(schema: Json) -> Json:
    """What a list must be. Were it said outright, editors would begin a list where a text may stand, too."""
    return {"if": _LIST, "then": schema}


def _name(pattern: str, message: str) -> Json:
    """What names of one's own look like. There is none to offer."""
    return {"pattern": pattern, "patternErrorMessage": message, "doNotSuggest": True}


def _one_or_several(message: str, offers: Json | None = None) -> Json:
    """A name, or a list of them."""
    one = _told(_WORDS, message)
    several = _if_list({"minItems": 1, "items": {**one, **(offers or {})}})
    return {**one, "type": ["string", "array"], **several, **(offering(offers) if offers else {})}


def _lines(each: Json, **more: Any) -> Json:
    """A map whose keys are the author's own."""
    return {**_told(_MAP, _LINES), "additionalProperties": each, **more}


def _known_lines(known: Json, **more: Any) -> Json:
    """A map whose keys are known; others are marked."""
    # What is said of a wrong kind must not be said of a wrong key: the keys stand in a schema of their own.
    keys = {"properties": known, "additionalProperties": False, **more}
    return {**_told(_MAP, _LINES), "allOf": [keys]}


def _fields(section: str, names: Iterable[str], also: Json | None = None) -> Json:
    fields = {**{name: _ref("a_value") for name in names}, **(also or {})}
    return _known_lines({name: helped(field, HELP[f"{section}.{name}"]) for name, field in fields.items()})


def _tables(made: str) -> Json:
    return {table: helped(_ref(made), HELP[f"lookups.{table}"]) for table in TABLES}


def _one_of(words: dict[str, str]) -> Json:
    return {"enum": list(words), "markdownEnumDescriptions": list(words.values())}


# What stands under the keys


def _of_type(kind: Type) -> str:
    taken, made = (json.dumps(value, ensure_ascii=False) for value in kind.example)
    return f"{kind.help}; in Klaviyo: {kind.klaviyo}. `{taken}` becomes `{made}`."


def _value(block: str) -> Json:
    # The offering is empty: without it, and without a `type`, editors would put no colon after the key.
    made = {**offering({}), "if": _MAP, "then": _ref(block), "else": _ref("a_line")}
    return helped(made, HELP["block"])


def _block(keys: tuple[str, ...]) -> Json:
    known: Json = {
        "path": {**_TEXT, **_NO_TEMPLATE},
        "template": _TEXT,
        "value": {**_ANY, **_NO_TEMPLATE},
        "as": _ref("a_type"),
        "default": {**_ANY, **_NO_TEMPLATE},
        "required": {"type": "boolean"},
        "help": _TEXT,
        "except": {"type": ["string", "array"], **_if_list({"items": _TEXT})},
    }
    value_alone = {"required": ["value"], "errorMessage": _ONE_SOURCE}
    template_alone = {"if": {"required": ["template"]}, "then": _none_of("value"), "else": value_alone}
    path_alone = {"if": {"required": ["path"]}, "then": _none_of("template", "value"), "else": template_alone}
    return _known_lines({key: helped(known[key], HELP[f"block.{key}"]) for key in keys}, **path_alone)


def _none_of(*keys: str) -> Json:
    return _told(
        {"properties": dict.fromkeys(keys, False)}, "`path`, `template` and `value` exclude each other."
    )


def _condition() -> Json:
    several = {"minItems": 1, "items": _PLAIN}
    known: Json = {
        "not": {**_PLAIN, "type": [*_PLAIN["type"], "array"], **_if_list(several)},
        "at_least": {"type": "number"},
        "at_most": {"type": "number"},
    }
    forms = {key: helped(known[key], HELP[f"condition.{key}"]) for key in FORMS}
    return {"if": _LIST, "then": several, "else": {"if": _MAP, "then": _known_lines(forms, minProperties=1)}}


def _test() -> Json:
    outcomes = offering(snippets(offer(outcome, HELP[f"expect.{outcome}"]) for outcome in OUTCOMES))
    one = _ref("an_expectation")
    known: Json = {
        "name": _TEXT,
        "given": _TEXT,
        "with": _told(_MAP, "Lines of `path: value` are expected here."),
        "history": {"type": "boolean"},
        "expect": {"if": _LIST, "then": {"items": one}, "else": one, **outcomes},
    }
    return {
        "title": "test",
        **_MAP,
        "required": ["name", "given", "expect"],
        "properties": {key: helped(known[key], HELP[f"test.{key}"]) for key in TEST_KEYS},
        "additionalProperties": False,
    }


def _expectation() -> Json:
    lines, without = _told(_MAP, _LINES), _one_or_several(_NAMES)
    known: Json = {"profile": lines, "properties": lines, "without": without}
    parts = {key: helped(known.get(key, _ANY), HELP[f"expect.{key}"]) for key in EXPECT_KEYS}
    message = f"{', '.join(OUTCOMES)} or parts of the result are expected here."
    return {"if": _MAP, "then": _known_lines(parts), "else": _told({"enum": list(OUTCOMES)}, message)}
