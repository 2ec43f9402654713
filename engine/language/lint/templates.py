"""What a template will find, worked out from what is known of the payload."""

from jinja2 import nodes

from engine.language.lint.findings import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Compared,
    Found,
    Scope,
    Steps,
    Walk,
    shape_of_plain,
)
from engine.language.payloads import ANY, Shape, either
from engine.language.templates import Template

_FILTERED = {
    **dict.fromkeys(("abs", "count", "float", "int", "length", "round", "sum", "wordcount"), NUMBER),
    **dict.fromkeys(("capitalize", "join", "lower", "replace", "string", "striptags", "title", "trim"), TEXT),
    **dict.fromkeys(("truncate", "upper", "urlencode"), TEXT),
}
_SAME = ("list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique")
_ONE_OF = ("first", "last", "max", "min")


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
                return shape.element or ANY, steps
            return self.step(key, shape, steps, self._offset_of(key, node))
        return self._made(node), None

    def _offset_of(self, key: str, node: nodes.Node) -> int:
        at = node.lineno or 0
        return max(self.template.text.find(key, at), at)

    def _made(self, node: nodes.Node) -> Shape:
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.Const):
            return shape_of_plain(node.value)
        if isinstance(node, nodes.CondExpr):
            self._value(node.test)
            other = self._value(node.expr2) if node.expr2 else ANY
            return either(self._value(node.expr1), other) if node.expr2 else self._value(node.expr1)
        shapes = [self._value(child) for child in node.iter_child_nodes()]
        if isinstance(node, nodes.Compare):
            self._compare(node, shapes[0])
        if isinstance(node, nodes.Or):
            return either(shapes[0], shapes[1])
        if isinstance(node, nodes.Not | nodes.Compare | nodes.Test):
            return BOOLEAN
        if isinstance(node, nodes.Concat):
            return TEXT
        if isinstance(node, nodes.Sub | nodes.Div | nodes.FloorDiv | nodes.Neg | nodes.Pos | nodes.Pow):
            return NUMBER
        return ANY

    def _compare(self, node: nodes.Compare, shape: Shape) -> None:
        for operand in node.ops:
            plain = operand.expr.value if isinstance(operand.expr, nodes.Const) else None
            if operand.op in ("eq", "ne") and isinstance(plain, str):
                self.found.compared.append(Compared(operand.expr.lineno or 0, shape, plain))

    def _filtered(self, node: nodes.Filter) -> Shape:
        given = self._value(node.node) if node.node else ANY
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            self._value(argument)
        if node.name in ("default", "d"):
            return either(given, self._value(node.args[0])) if node.args else given
        if node.name in _SAME:
            return given
        if node.name in _ONE_OF:
            return given.element or ANY
        return _FILTERED.get(node.name, ANY)


def _key_of(node: nodes.Node) -> str | int | None:
    """The key or the index of `a.b`, `a['b']` and `a[0]`; None for anything else."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = node.arg.value
        return key if isinstance(key, str | int) and not isinstance(key, bool) else None
    return None
