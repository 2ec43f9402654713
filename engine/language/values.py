"""A value as a spec writes it: one line or a block, with one meaning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.issues import Issue, Place, did_you_mean
from engine.language import expressions, templates
from engine.language.conversions import TYPES, Type
from engine.language.expressions import Expression
from engine.language.faults import TextFault
from engine.language.source import Node
from engine.language.templates import Template
from engine.language.traps import check_path, cut_by_hash, yaml_habit

_AS = re.compile(r"\s+as(?:\s+(?P<type>[A-Za-z_]\w*))?$")
_LONGEST_AS = 200
"""Characters from the end of a value in which its `as` is looked for."""
_ONLY_AS = re.compile(r"as\s+[A-Za-z_]\w*")
_TEMPLATE_AS = re.compile(r"\}\}(?P<as>\s+as\s+[A-Za-z_]\w*)\s*$")
BLOCK_KEYS = ("path", "template", "value", "as", "default", "required", "help", "except")

_OTHER_TYPES = {
    "string": "text", "str": "text", "html": "plain_text", "int": "integer", "float": "number",
    "decimal": "number", "currency": "number", "money": "number", "bool": "boolean", "timestamp": "datetime",
    "time": "datetime", "phone_number": "phone", "mail": "email", "link": "url", "array": "list",
}  # fmt: skip
"""What the types are called elsewhere."""

Say = Callable[[Issue], None]


@dataclass(frozen=True, slots=True)
class Constant:
    """A plain YAML value: sent as it is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from, what to make of it, and what stands in for it.

    `text` is the path or template as it is written.
    """

    source: Expression | Template | Constant
    text: str
    place: Place
    type: Type | None = None
    default: Any = None
    required: bool = False
    excepted: tuple[str, ...] = ()
    node: Node | None = field(default=None, compare=False, repr=False)
    """The scalar in the file that holds the path or the template."""

    def at(self, offset: int) -> Place:
        """The place in the file of a character of the path or the template."""
        return self.node.at(offset) if self.node else self.place

    @property
    def reads(self) -> frozenset[str]:
        """The names that the value starts from: of the item or of the spec."""
        return frozenset() if isinstance(self.source, Constant) else self.source.reads

    def extract(self, scope: Mapping[str, Any]) -> Any:
        """The raw value, None where there is none. Raises Failed."""
        if isinstance(self.source, Expression):
            return self.source.search(scope)
        if isinstance(self.source, Template):
            return self.source.render(scope)
        return self.source.value

    def settle(self, raw: Any) -> Any:
        """The raw value in its type, or the default where it is empty. Raises Refused."""
        settled = raw
        if raw is not None and self.type is not None:
            settled = self.type.convert(raw)
        return self.default if settled is None else settled


def read_value(node: Node, say: Say, *, full: bool = False, spread: bool = False) -> Value | None:
    """A value in either form; None where it is faulty, which `say` has been told.

    `full` asks every part of a template for a value that is not blank, as an id needs.
    """
    if node.broken:
        return None
    if node.kind == "map":
        return _read_block(node, say, full, spread)
    if node.kind == "list":
        _refuse_list(node, say)
        return None
    if node.value is None:
        is_null = node.end > node.start
        what = "write a path, a template or a plain value"
        what = "to send nothing, take the line out" if is_null else what
        hint = f"{what}; `without:` leaves out a shared line"
        say(Issue("empty-value", "a value is expected here", node.place, hint))
        return None
    if not isinstance(node.value, str):
        return Value(Constant(node.value), _shown(node.value), node.place, node=node)
    return _read_line(node, say, full)


def _read_line(node: Node, say: Say, full: bool) -> Value | None:
    text: str = node.value
    if templates.is_template(text):
        tail = _TEMPLATE_AS.search(text)
        if tail and tail.group("as").split()[1] in TYPES:
            place = node.at(tail.start("as") + len(tail.group("as")) - len(tail.group("as").lstrip()))
            hint = f"write a block with two lines: template: ... and as: {tail.group('as').split()[1]}"
            say(Issue("as-after-template", "after a template, `as` is text", place, hint))
            return None
        return _read_template(node, say, full)
    habit = yaml_habit(node)
    if habit is not None:
        say(habit)
        return None
    stripped = text.rstrip()
    match = _AS.search(stripped, max(len(stripped) - _LONGEST_AS, 0))
    if _ONLY_AS.fullmatch(text.strip()):
        say(Issue("bad-path", "a path is expected before `as`", node.place))
        return None
    if not match:
        return _read_path(node, text, say)
    kind = _read_type(
        match.group("type") or "",
        node.at(match.start("type") if match.group("type") else len(stripped) - 1),
        say,
    )
    value = _read_path(node, text[: match.start()], say, kind)
    return value if kind else None


def _read_type(name: str, place: Place, say: Say) -> Type | None:
    if name in TYPES:
        return TYPES[name]
    meant = f'; did you mean "{_OTHER_TYPES[name]}"?' if name in _OTHER_TYPES else did_you_mean(name, TYPES)
    message = f'there is no type "{name}"{meant}' if name else "a type is expected after `as`"
    say(Issue("unknown-type", message, place, f"types: {', '.join(TYPES)}"))
    return None


def _read_path(node: Node, text: str, say: Say, kind: Type | None = None) -> Value | None:
    try:
        made = expressions.parse(text)
        check_path(made)
        cut = cut_by_hash(node)
        if cut is not None:
            say(cut)
            return None
        return Value(made, text.strip(), node.place, kind, node=node)
    except TextFault as fault:
        _tell(fault, node, say)
        return None


def _tell(fault: TextFault, node: Node, say: Say) -> None:
    """The fault at its character; or that the rest of the text is a comment, which explains it."""
    say(
        cut_by_hash(node, certain=False)
        or Issue(fault.code, fault.message, node.at(fault.offset), fault.hint)
    )


def _read_template(node: Node, say: Say, full: bool, kind: Type | None = None) -> Value | None:
    try:
        made = templates.parse(node.value, full=full)
        return Value(made, node.value.strip(), node.place, kind, node=node)
    except TextFault as fault:
        _tell(fault, node, say)
        return None


def _refuse_list(node: Node, say: Say) -> None:
    first = node.document.text[node.start : node.start + 2]
    message = "YAML reads the brackets as a list" if first.startswith("[") else "a list cannot stand here"
    hint = 'a path in quotes: "[...]"; a list to send as it is: a block with `value: [...]`'
    say(Issue("path-in-quotes", message, node.place, hint))


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _read_block(node: Node, say: Say, full: bool, spread: bool) -> Value | None:
    keys = BLOCK_KEYS if spread else tuple(key for key in BLOCK_KEYS if key != "except")
    faultless = True
    for key, place, child in node.items():
        if key not in keys:
            hint = "a block has: " + ", ".join(keys)
            say(Issue("unknown-key", f'a value has no key "{key}"{did_you_mean(key, keys)}', place, hint))
            faultless = False
        faultless = faultless and not child.broken
    sources = [key for key in ("path", "template", "value") if node.get(key)]
    if len(sources) != 1:
        if faultless and sources:
            say(Issue("unknown-key", "path, template and value exclude each other", node.place))
        elif faultless:
            hint = "a line takes the place of a shared one as a whole, so it says `path:` again"
            say(Issue("missing-key", "one of path, template and value is needed", node.place, hint))
        return None
    kind_node = node.get("as")
    kind = None
    if kind_node is not None:
        kind = _read_type(str(kind_node.value or ""), kind_node.place, say)
        faultless = faultless and kind is not None
    value = _read_source(sources[0], node.value[sources[0]], say, full, kind)
    required = _read_flag(node, "required", say)
    help_node = node.get("help")
    if help_node is not None and not help_node.is_text:
        say(Issue("wrong-kind", "`help` takes text", help_node.place))
    default = node.get("default")
    if default is not None:
        _check_plain(default, say)
    excepted = _read_excepted(node.get("except"), say)
    if value is None or required is None or excepted is None or not faultless:
        return None
    plain = default.data() if default else None
    return replace(value, type=kind, default=plain, required=required, excepted=excepted)


def _read_source(key: str, node: Node, say: Say, full: bool, kind: Type | None) -> Value | None:
    if key == "value":
        _check_plain(node, say)
        return Value(Constant(node.data()), _shown(node.data()), node.place, node=node)
    if not node.is_text:
        say(Issue("wrong-kind", f"`{key}` takes text", node.place))
        return None
    if key == "template":
        return _read_template(node, say, full, kind)
    if templates.is_template(node.value):
        say(Issue("wrong-kind", "this is a template, not a path", node.place, "write `template:` before it"))
        return None
    return _read_path(node, node.value, say, kind)


def _check_plain(node: Node, say: Say) -> None:
    """A plain value is sent as it is: one that looks like a template is meant as one."""
    if node.is_text and templates.is_template(node.value):
        say(
            Issue(
                "wrong-kind", "this would be sent as it is, braces and all", node.place, "write `template:`"
            )
        )


def _read_flag(node: Node, key: str, say: Say) -> bool | None:
    flag = node.get(key)
    if flag is None:
        return False
    if isinstance(flag.value, bool):
        return flag.value
    say(Issue("wrong-kind", f"`{key}` is true or false", flag.place))
    return None


def _read_excepted(node: Node | None, say: Say) -> tuple[str, ...] | None:
    if node is None:
        return ()
    nodes = node.value if node.kind == "list" else [node]
    for element in nodes:
        if not element.is_text:
            say(
                Issue(
                    "wrong-kind",
                    "`except` takes keys",
                    element.place,
                    "a key that is a number stands in quotes",
                )
            )
            return None
    return tuple(element.value for element in nodes)
