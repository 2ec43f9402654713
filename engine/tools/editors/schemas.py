"""JSON Schemas for editors: what they offer, explain and mark in the files of `mappings/`.

Made from the tables that the parser itself uses. A schema refuses nothing that `check` accepts: it knows
the keys and the kinds of values, and leaves to `check` what paths, templates and names mean. There is one
for each kind of file; what they share is in `common`. They are of draft 7, with the words that
yaml-language-server adds (`defaultSnippets`, `errorMessage`) and other validators pass over.

What may be refused stands under `if` and `else`, never under `anyOf`: a fault in one alternative would be
told as a fault of all of them.
"""

from collections.abc import Callable, Iterable
from typing import Any

from engine.language.catalogue import HISTORY, KINDS, TOPICS
from engine.language.keys import HELP, KEYS, NEEDED
from engine.tools.editors.grammar import grammar, helped
from engine.tools.editors.offers import offers_of

Json = dict[str, Any]

_HEAD: Json = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$comment": "Made by docs/generate.py from the tables of the engine.",
}
_TITLES = {"metric": "Metric", "profile": "Profile mapping", "shared": "Shared lines"}
EDITOR_SCHEMAS = (*_TITLES, "common")


def editor_schemas(shared: Iterable[str]) -> dict[str, Json]:
    """The schemas by name: `metric`, `profile`, `shared` and `common`, which the others refer to.

    *shared* are the names of the shared files that `use` offers.
    """
    definitions = grammar(shared)
    for kind in (*KINDS, "all"):
        definitions |= offers_of(kind)
    common = {**_HEAD, "definitions": definitions}
    return {**{kind: _file(kind) for kind in _TITLES}, "common": common}


def _file(kind: str) -> Json:
    """One kind of file. What shared files can bring is needed only where it uses none."""
    made: Json = {**_HEAD, "title": _TITLES[kind], "type": "object"}
    if kind != "shared":
        own = [key for key in (KEYS[kind][0], *NEEDED[kind]) if key not in KEYS["shared"]]
        brought = [key for key in NEEDED[kind] if key in KEYS["shared"]]
        made |= {"required": own, "if": {"required": ["use"]}, "else": {"required": brought}}
    made["properties"] = {key: helped(_common(key), HELP[key]) for key in KEYS[kind]}
    made["additionalProperties"] = False
    made["allOf"] = _offered(_has_history if kind == "shared" else _has_topic)
    return made


def _common(name: str) -> Json:
    return {"$ref": f"common.schema.json#/definitions/{name}"}


def _offered(tells_of: Callable[[str], Json]) -> list[Json]:
    """What the objects offer that a file tells of; all of them, as long as it does not say of which."""
    laid_over: list[Json] = [{"if": tells_of(kind), "then": _common(f"of_{kind}")} for kind in KINDS]
    untold: Json = {"allOf": [_common(f"of_{kind}") for kind in KINDS]}
    for kind in KINDS:
        untold = {"if": tells_of(kind), "else": untold}
    return [*laid_over, untold, _common("of_all")]


def _has_topic(kind: str) -> Json:
    """Whether a topic of the file is of a kind, be it documented or not."""
    first_words = sorted({topic.partition(".")[0] for topic in TOPICS[kind]})
    topic = {"type": "string", "pattern": rf"^({'|'.join(first_words)})\."}
    one_or_several = {"if": {"type": "array"}, "then": {"contains": topic}, "else": topic}
    return {"required": ["topic"], "properties": {"topic": one_or_several}}


def _has_history(kind: str) -> Json:
    [history] = [name for name, known in HISTORY.items() if known == kind]
    return {"required": ["history"], "properties": {"history": {"const": history}}}
