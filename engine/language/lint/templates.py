"""What a template will find, worked out from what is known of the payload."""

from jinja2 import nodes

from engine.language.lint.findings import (
    BOOLEAN,
    BRACKETS,
    NUMBER,
    TEXT,
    Calculated,
    Compared,
    Found,
    Missing,
    Scope,
    Steps,
    Walk,
    shape_of_plain,
)
from engine.language.payloads import ANY, CONTAINERS, NOTHING, Shape, either
from engine.language.templates import Template

_FILTERED = {
    **dict.fromkeys(("abs", "count", "float", "int", "length", "round", "sum", "wordcount"), NUMBER),
    **dict.fromkeys(("capitalize", "join", "lower", "replace", "string", "striptags", "title", "trim"), TEXT),
    **dict.fromkeys(("truncate", "upper", "urlencode"), TEXT),
}
_SAME = ("list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique")
_ONE_OF = ("first", "last", "max", "min")
_KEY_AT = {"rejectattr": 0, "selectattr": 0, "sum": 0, "join": 1}
"""Which argument of a filter is a key of each element, where it is not named `attribute`."""
_EQUAL = ("eq", "ne", "equalto")
_IN = ("in", "notin")
_SIGNS = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow)


class TemplateWalk(Walk):
    """Walks the syntax tree of a template."""

    def __init__(self, template: Template, scope: Scope, found: Found) -> None:
        super().__init__(scope, found)
        self.template = template
        self.bound: dict[str, Shape] = {}

    def shape(self) -> Shape:
        """The shape of what the template makes."""
        shapes = [self._statement(node) for node in self.template.tree.body]
        return shapes[0] if self.template.single and len(shapes) == 1 else TEXT

    def _statement(self, node: nodes.Node) -> Shape:
        if isinstance(node, nodes.Output):
            shapes = [self._value(child) for child in node.nodes]
            return shapes[0] if len(shapes) == 1 else TEXT
        if isinstance(node, nodes.For):
            whole = self._value(node.iter)
            names = [name.name for name in node.target.find_all(nodes.Name)]
            if isinstance(node.target, nodes.Name):
                names = [node.target.name]
            outside = self.bound
            self.bound = {**outside, "loop": ANY, **dict.fromkeys(names, whole.element or ANY)}
            for child in (*([node.test] if node.test else ()), *node.body):
                self._statement(child) if isinstance(child, nodes.Stmt) else self._value(child)
            self.bound = outside
            for child in node.else_:
                self._statement(child)
            return TEXT
        for child in node.iter_child_nodes():
            self._statement(child) if isinstance(child, nodes.Stmt) else self._value(child)
        return TEXT

    def _value(self, node: nodes.Node) -> Shape:
        return self._walk(node)[0]

    def _walk(self, node: nodes.Node) -> tuple[Shape, Steps | None]:
        if isinstance(node, nodes.Name):
            if node.name in self.bound:
                return self.bound[node.name], None
            return self.step(node.name, self.scope.shape, (), node.lineno or 0)
        key = _key_of(node)
        if key is not None:
            assert isinstance(node, nodes.Getattr | nodes.Getitem)
            shape, steps = self._walk(node.node)
            if isinstance(key, int):
                return self._element(shape, steps, node), steps
            return self.step(key, shape, steps, self._offset_of(key, node))
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            self._value(node.arg)
            return self._walk(node.node)
        return self._made(node), None

    def _offset_of(self, key: str, node: nodes.Node) -> int:
        at = node.lineno or 0
        return max(self.template.text.find(key, at), at)

    def _element(self, shape: Shape, before: Steps | None, node: nodes.Node) -> Shape:
        """What a number in brackets finds; in an object, nothing."""
        if shape.type != "object":
            return shape.element or ANY
        is_root = not before and shape is self.scope.shape
        self.found.missing.append(Missing(self._offset_of("[", node), BRACKETS, shape, before, is_root))
        return NOTHING

    def _made(self, node: nodes.Node) -> Shape:
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.Compare):
            return self._compared(node)
        if isinstance(node, nodes.Const):
            return shape_of_plain(node.value)
        if isinstance(node, nodes.CondExpr):
            self._value(node.test)
            other = self._value(node.expr2) if node.expr2 else ANY
            return either(self._value(node.expr1), other) if node.expr2 else self._value(node.expr1)
        shapes = [self._value(child) for child in node.iter_child_nodes()]
        if isinstance(node, nodes.Test):
            self._test(node.name, node.args[:1], shapes[0])
        if isinstance(node, _SIGNS):
            return self._calculated(node, *shapes)
        if isinstance(node, nodes.Or):
            return either(shapes[0], shapes[1])
        if isinstance(node, nodes.Not | nodes.Test):
            return BOOLEAN
        if isinstance(node, nodes.Concat):
            return TEXT
        return NUMBER if isinstance(node, nodes.Neg | nodes.Pos) else ANY

    def _calculated(self, node: nodes.BinExpr, left: Shape, right: Shape) -> Shape:
        """A calculation; one with text is none, but for the sum of two."""
        is_sum = isinstance(node, nodes.Add)
        if is_sum and not (left.is_known and right.is_known):
            return ANY
        if is_sum and left.type == right.type == "text":
            return TEXT
        for shape, operand in ((left, node.left), (right, node.right)):
            if shape.type in ("text", "boolean", *CONTAINERS):
                self.found.calculated.append(Calculated(_begin(operand), shape, is_sum))
                return ANY
        return NUMBER

    def _compared(self, node: nodes.Compare) -> Shape:
        first = self._value(node.expr)
        for operand in node.ops:
            other, steps = self._walk(operand.expr)
            self._test(operand.op, [operand.expr], first)
            if operand.op in _EQUAL:
                self._note(node.expr, other)
            elif operand.op in _IN and other.type == "list":
                self._note(node.expr, other.element or ANY, steps)
        return BOOLEAN

    def _test(self, name: str, wanted: list[nodes.Expr], shape: Shape) -> None:
        """What a value of a shape is compared with, by a sign or by a test."""
        for node in wanted:
            if name in _EQUAL:
                self._note(node, shape)
            elif name in _IN and isinstance(node, nodes.List | nodes.Tuple):
                for element in node.items:
                    self._note(element, shape)

    def _note(self, node: nodes.Node, other: Shape, listed: Steps | None = None) -> None:
        """A plain value that is compared with one of the *other* shape, an element of what is *listed*."""
        plain = node.value if isinstance(node, nodes.Const) else None
        is_one = isinstance(plain, int | float) and other.type in ("boolean", "integer", "number")
        if isinstance(plain, str | int | float) and not is_one:  # Python takes true for 1
            self.found.compared.append(Compared(node.lineno or 0, other, plain, listed))

    def _keyed(self, node: nodes.Filter, given: Shape, steps: Steps | None) -> Shape | None:
        """What a filter finds at a key of each element of a known list; None where it takes no key."""
        at = _KEY_AT.get(node.name, len(node.args))
        keys = [pair.value for pair in node.kwargs if pair.key == "attribute"] or node.args[at : at + 1]
        if not keys or given.type != "list" or not isinstance(keys[0], nodes.Const):
            return None
        inside = given.element or ANY
        for key in str(keys[0].value).split("."):
            if key.isdecimal():
                return ANY
            inside, steps = self.step(key, inside, steps, self._offset_of(key, keys[0]))
        if node.name in ("selectattr", "rejectattr") and len(node.args) > 2:
            [test, wanted] = node.args[1:3]
            self._test(getattr(test, "value", ""), [wanted], inside)
        return inside

    def _filtered(self, node: nodes.Filter) -> Shape:
        given, steps = self._walk(node.node) if node.node else (ANY, None)
        inside = self._keyed(node, given, steps)
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            self._value(argument)
        if node.name == "map" and inside:
            return Shape("list", element=inside)
        if node.name in ("default", "d"):
            return either(given, self._value(node.args[0])) if node.args else given
        if node.name in _SAME:
            return given
        if node.name in _ONE_OF:
            return given.element or ANY
        return _FILTERED.get(node.name, ANY)


def _key_of(node: nodes.Node) -> str | int | None:
    """The key or the index of `a.b`, `a['b']`, `a[0]` and `a[-1]`; None for anything else."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Neg):
        return -1 if isinstance(node.arg.node, nodes.Const) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = node.arg.value
        return key if isinstance(key, str | int) and not isinstance(key, bool) else None
    return None


def _begin(node: nodes.Node) -> int:
    """The character at which an operand begins."""
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Test | nodes.BinExpr):
        inner = node.left if isinstance(node, nodes.BinExpr) else node.node
        if inner is None:
            break
        node = inner
    return node.lineno or 0
