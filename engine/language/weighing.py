"""A template's tree as it is run: what could take long passes the steps that it takes.

Texts and lists are paid for by filters and tests (see the sandbox). Inside a loop, so are the rounds, and
what is compared or cut in each: a list in a list is small when written, and not when it is worked out.
"""

from copy import copy

from jinja2 import nodes


def as_run(node: nodes.Template) -> nodes.Template:
    """A copy of the tree, made ready to run."""
    made = _copied(node, False)
    assert isinstance(made, nodes.Template)
    return made


def _copied(node: nodes.Node, in_loop: bool) -> nodes.Node:
    made = copy(node)
    inside = in_loop or isinstance(node, nodes.For)
    for name, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            of_loop = name not in ("iter", "target")
            setattr(made, name, _copied(value, inside if of_loop else in_loop))
        elif isinstance(value, list):
            setattr(
                made, name, [_copied(one, inside) if isinstance(one, nodes.Node) else one for one in value]
            )
    if isinstance(made, nodes.Concat):
        return _sum_of_texts(made)
    if isinstance(made, nodes.For):
        round_steps = sum(1 for part in (*made.body, *([made.test] if made.test else ())) for _ in _all(part))
        made.iter = _filtered(made.iter, "_rounds", nodes.Const(round_steps, lineno=1))
    if in_loop and isinstance(made, nodes.Compare):
        made.expr = _filtered(made.expr, "_weighed")
        for operand in made.ops:
            operand.expr = _filtered(operand.expr, "_weighed")
    if in_loop and isinstance(made, nodes.Getitem) and isinstance(made.arg, nodes.Slice):
        made.node = _filtered(made.node, "_weighed")
    return made


def _all(node: nodes.Node) -> list[nodes.Node]:
    """A node with all that it holds."""
    return [node, *node.find_all(nodes.Node)]


def _sum_of_texts(node: nodes.Concat) -> nodes.Expr:
    """`a ~ b` made `a | string + b | string`, so that it prints as texts do, within their limits."""
    texts = [_filtered(part, "string") for part in node.nodes]
    made: nodes.Expr = texts[0]
    for text in texts[1:]:
        made = nodes.Add(made, text, lineno=1)
    return made


def _filtered(node: nodes.Node, name: str, *given: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(given), [], None, None, lineno=1)
