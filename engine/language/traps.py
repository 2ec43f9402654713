"""What YAML and JMESPath silently make of a text that was meant otherwise."""

import json
import re

from engine.issues import Issue
from engine.language.expressions import Expression
from engine.language.faults import TextFault
from engine.language.source import AMBIGUOUS, Node

_LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_YES, _NO = ("yes", "on", "true"), ("no", "off", "false")
_COMMENT = re.compile(r"\s+(?P<hash>#)(?:\S|.*\{[{%])")
_CUT_TEMPLATE = re.compile(r"\s+(?P<hash>#)\{[{%]")


def cut_by_hash(node: Node, *, certain: bool = True) -> Issue | None:
    """The fault of an unquoted text whose rest is a comment for YAML, though a template stands in it.

    *certain*: what YAML left over is a value, so that only `#{{` can be no comment.
    """
    if not node.is_plain:
        return None
    text = node.document.text
    end = text.find("\n", node.end)
    pattern = _CUT_TEMPLATE if certain else _COMMENT
    comment = pattern.match(text, node.end, end if end >= 0 else len(text))
    if comment is None:
        return None
    place = node.document.place_of(comment.start("hash"))
    whole = text[node.start : end if end >= 0 else len(text)].strip()
    is_template = "{{" in whole or "{%" in whole
    hint = (
        f'put the whole value in quotes: "{whole}"' if '"' not in whole else "put the whole value in quotes"
    )
    hint = (
        hint if is_template else f"meant as text? write {{ value: {json.dumps(whole, ensure_ascii=False)} }}"
    )
    return Issue("text-cut-by-hash", "from ` #` on, YAML reads a comment", place, hint)


def yaml_habit(node: Node) -> Issue | None:
    """The fault of what other YAML readers take for a boolean, a number or a time, instead of a path."""
    text = str(node.value)
    word = text.lower()
    if not node.is_plain or not AMBIGUOUS.fullmatch(text) or word in ("y", "n"):
        return None
    meant = "true" if word in _YES else "false" if word in _NO else ""
    if re.fullmatch(r"[+-]?[0-9_]{1,18}", text):
        meant = str(int(text.replace("_", "")))
    told = f"write {meant}, or for the text " if meant else "for the text write "
    return Issue(
        "yaml-habit",
        f"unquoted, `{text}` is neither a value nor a path here",
        node.place,
        f'{told}{{ value: "{text}" }}',
    )


def check_path(path: Expression) -> None:
    """Refuse what JMESPath reads as the name of a key, and nobody means as one. Raises TextFault."""
    waiting = [path.tree]
    while waiting:
        node = waiting.pop()
        children = [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "field" and node["value"].lower() in _LITERALS and "quoted" not in node:
            name = node["value"]
            plain = _LITERALS[name.lower()]
            alone = path.text.strip() == name
            hint = (
                f"write {plain} without quotes" if alone else f"the value stands between backticks: `{plain}`"
            )
            raise TextFault("bare-literal", f"in a path, {name} is the name of a key", node["at"], hint)
        if node["type"] == "comparator" and "quoted" in children[1] and " " not in children[1]["value"]:
            hint = f"text stands in single quotes: '{children[1]['value']}'"
            message = "double quotes make this a name"
            raise TextFault("text-in-double-quotes", message, children[1]["at"], hint)
        if node["type"] == "subexpression":  # further steps are keys, whatever they are called
            children = [children[0], *(child for child in children[1:] if child["type"] != "field")]
        waiting += reversed(children)
