"""What a value of a spec will find, worked out without a payload from what is known of payloads."""

from collections.abc import Iterator

from engine.language.expressions import Expression
from engine.language.lint.findings import Found, Scope, Steps, shape_of_plain
from engine.language.lint.paths import PathWalk
from engine.language.lint.templates import TemplateWalk
from engine.language.payloads import Shape
from engine.language.values import Constant, Value


def found_by(value: Value, scope: Scope) -> Found:
    """What a value of a spec finds in a scope."""
    found = Found()
    source = value.source
    if isinstance(source, Constant):
        found.shape = shape_of_plain(source.value)
    elif isinstance(source, Expression):
        found = found_in(source, scope)
    else:
        found.shape = TemplateWalk(source, scope, found).shape()
    found.reads = list(_longest(found.reads))
    return found


def found_in(expression: Expression, scope: Scope) -> Found:
    """What a path finds in a scope."""
    found = Found()
    found.shape = PathWalk(expression.text, scope, found).visit(expression.tree, scope.shape, ())
    return found


def _longest(reads: list[tuple[Steps, Shape]]) -> Iterator[tuple[Steps, Shape]]:
    """The reads that no other goes on from."""
    told = {steps for steps, _ in reads}
    inner = {steps[:end] for steps in told for end in range(1, len(steps))}
    seen: set[Steps] = set()
    for steps, shape in reads:
        if steps not in inner and steps not in seen:
            seen.add(steps)
            yield steps, shape
