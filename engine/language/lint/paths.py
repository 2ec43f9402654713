"""What a JMESPath text will find, worked out from what is known of the payload."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.language.interpreter import Tree
from engine.language.lint.findings import (
    BOOLEAN,
    BRACKETS,
    NUMBER,
    TEXT,
    Compared,
    Found,
    Missing,
    Scope,
    Steps,
    Walk,
    shape_of_plain,
)
from engine.language.payloads import ANY, NOTHING, Shape, either

_MADE_BY = {
    **dict.fromkeys(("length", "abs", "avg", "ceil", "floor", "sum", "to_number"), NUMBER),
    **dict.fromkeys(("starts_with", "ends_with"), BOOLEAN),
    **dict.fromkeys(("join", "to_string", "type"), TEXT),
    "keys": Shape("list", element=TEXT),
    "values": Shape("list", element=ANY),
}
_SAME = ("reverse", "sort", "sort_by")
_ONE_OF = ("max", "min", "max_by", "min_by")


class PathWalk(Walk):
    """Walks the syntax tree of a JMESPath text."""

    def __init__(self, text: str, scope: Scope, found: Found) -> None:
        super().__init__(scope, found)
        self.text = text
        self._last = 0

    def visit(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        """The shape of a node, worked out on a shape to which the steps *before* lead."""
        return self.walk(node, shape, before)[0]

    def walk(self, node: Tree, shape: Shape, before: Steps | None) -> tuple[Shape, Steps | None]:
        """The shape of a node, and the steps that lead to it where it is a place of the payload."""
        kind = node["type"]
        if kind == "field":
            self._last = node.get("at", 0)
            return self.step(node["value"], shape, before, self._last, "quoted" in node)
        if kind in ("identity", "current"):
            return shape, before
        if kind in ("subexpression", "pipe", "index_expression"):
            for child in node["children"]:
                shape, before = self.walk(child, shape, before)
            return shape, before
        if kind in ("index", "slice"):
            element = self._element(shape, before)
            return (element if kind == "index" else Shape("list", element=element)), before
        if kind in ("projection", "filter_projection", "value_projection"):
            return self._projection(node, shape, before)
        if kind == "flatten":
            return self._flat(*self.walk(node["children"][0], shape, before))
        return _MAKERS.get(kind, _unknown)(self, node, shape, before), None

    def _element(self, shape: Shape, before: Steps | None) -> Shape:
        """What is in a list; brackets after what is known to be none lead nowhere."""
        if shape.type == "list" or not shape.is_known:
            return shape.element or (NOTHING if shape is NOTHING else ANY)
        at = max(self.text.find("[", self._last), 0)
        self.found.missing.append(
            Missing(at, BRACKETS, shape, before, not before and shape is self.scope.shape)
        )
        return NOTHING

    def _projection(self, node: Tree, shape: Shape, before: Steps | None) -> tuple[Shape, Steps | None]:
        left, right, *condition = node["children"]
        inner, steps = self.walk(left, shape, before)
        element = ANY if node["type"] == "value_projection" else self._element(inner, steps)
        for child in condition:
            self.visit(child, element, steps)
        element, steps = self.walk(right, element, steps)
        return Shape("list", element=element), steps

    def _flat(self, shape: Shape, before: Steps | None) -> tuple[Shape, Steps | None]:
        if shape.type == "list" and shape.element and shape.element.type == "list":
            return shape.element, before
        return Shape("list", element=self._element(shape, before)), before

    def _or_expression(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        one, other = (self.visit(child, shape, before) for child in node["children"])
        return either(one, other)

    def _and_expression(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        for child in node["children"]:
            self.visit(child, shape, before)
        return ANY

    def _not_expression(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        self.visit(node["children"][0], shape, before)
        return BOOLEAN

    def _comparator(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        left, right = node["children"]
        shapes = [self._compared(child, shape, before) for child in (left, right)]
        if node["value"] in ("eq", "ne"):
            self._note(left, shapes[1])
            self._note(right, shapes[0])
        return BOOLEAN

    def _note(self, node: Tree, other: Shape, listed: Steps | None = None) -> None:
        """A plain value that is compared with one of the *other* shape, an element of what is *listed*."""
        if node["type"] == "literal" and isinstance(node["value"], str | int | float):
            self.found.compared.append(Compared(node["at"], other, node["value"], listed))

    def _compared(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        """One side of a comparison: a bare word there that leads nowhere may be meant as text."""
        known = len(self.found.missing)
        found = self.visit(node, shape, before)
        if node["type"] == "field":
            marked = [replace(missing, is_compared=True) for missing in self.found.missing[known:]]
            self.found.missing[known:] = marked
        return found

    def _literal(self, node: Tree, *_: Any) -> Shape:
        return shape_of_plain(node["value"])

    def _multi_select_list(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        shapes = [self.visit(child, shape, before) for child in node["children"]]
        element = shapes[0]
        for other in shapes[1:]:
            element = _alike(element, other)
        return Shape("list", element=element)

    def _multi_select_dict(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        pairs = {pair["value"]: pair["children"][0] for pair in node["children"]}
        return Shape("object", keys={key: self.visit(child, shape, before) for key, child in pairs.items()})

    def _contains(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        """Whether a list has an element; of a text nothing is known."""
        whole, part = node["children"]
        (holder, steps), (sought, _) = (self.walk(child, shape, before) for child in (whole, part))
        if holder.type == "list":
            self._note(part, holder.element or ANY, steps)
        elif holder.type != "text":
            self._note(part, holder)
        for element in whole["children"] if whole["type"] == "multi_select_list" else ():
            self._note(element, sought)
        return BOOLEAN

    def _function_expression(self, node: Tree, shape: Shape, before: Steps | None) -> Shape:
        name, given = node["value"], node["children"]
        if name == "contains":
            return self._contains(node, shape, before)
        plain = [self.visit(child, shape, before) for child in given if child["type"] != "expref"]
        first = plain[0] if plain else ANY
        inner = [
            self.visit(child["children"][0], first.element or ANY, None)
            for child in given
            if child["type"] == "expref"
        ]
        if name == "not_null":
            for other in plain[1:]:
                first = either(first, other)
            return first
        if name == "map":
            return Shape("list", element=inner[0] if inner else ANY)
        if name in _SAME:
            return first
        if name in _ONE_OF:
            return first.element or ANY
        return _MADE_BY.get(name, ANY)


def _alike(one: Shape, other: Shape) -> Shape:
    """The element of a list made of both; a list among others is there to be flattened."""
    if one.type == "list" and other.type != "list":
        return Shape("list", element=either(one.element or ANY, other))
    if other.type == "list" and one.type != "list":
        return Shape("list", element=either(one, other.element or ANY))
    return either(one, other)


def _unknown(_: PathWalk, __: Tree, ___: Shape, ____: Steps | None) -> Shape:
    return ANY


_MAKERS: dict[str, Callable[[PathWalk, Tree, Shape, Steps | None], Shape]] = {
    "or_expression": PathWalk._or_expression,
    "and_expression": PathWalk._and_expression,
    "not_expression": PathWalk._not_expression,
    "comparator": PathWalk._comparator,
    "literal": PathWalk._literal,
    "multi_select_list": PathWalk._multi_select_list,
    "multi_select_dict": PathWalk._multi_select_dict,
    "function_expression": PathWalk._function_expression,
}
