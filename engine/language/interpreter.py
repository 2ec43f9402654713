"""JMESPath's interpreter with its steps counted, and with results that cannot explode."""

from collections.abc import Callable
from typing import Any, ClassVar

from jmespath import functions, visitor

from engine.language.work import MOST_STEPS, Work, size, weight

MOST_RESULT_NODES = 50_000
LONGEST_RESULT_TEXT = 100_000

Tree = Any
"""A node of the library's syntax tree: a dict with `type`, `children` and often `value`."""

_SHARED = visitor.TreeInterpreter()
_FUNCTIONS = functions.Functions()
"""What every interpreter has in common; neither keeps anything of what it works out."""


class Interpreter(Work, visitor.TreeInterpreter):
    """Works out one path once. Raises Failed after too many steps, and MemoryError for too much."""

    _METHODS: ClassVar[dict[str, Callable[..., Any]]] = {}

    def __init__(self, of: Work | None = None) -> None:
        Work.__init__(self, MOST_STEPS, of)
        vars(self).update(vars(_SHARED))

    def visit(self, node: Tree, value: Any) -> Any:
        """What a node of the tree gives for a value: one step."""
        self.left -= 1
        if self.left < 0:
            self.take(0)
        return self._METHODS[node["type"]](self, node, value)

    def visit_comparator(self, node: Tree, value: Any) -> Any:
        """Two values compared, as deep as they are."""
        left, right = (self.visit(child, value) for child in node["children"])
        if isinstance(left, list | dict) and isinstance(right, list | dict):
            self.take(min(size(left, MOST_STEPS), size(right, MOST_STEPS)))
        if node["value"] not in ("eq", "ne") and not (_has_order(left) and _has_order(right)):
            return None
        return self.COMPARATOR_FUNC[node["value"]](left, right)

    def visit_flatten(self, node: Tree, value: Any) -> Any:
        """A list of lists made one list."""
        found = super().visit_flatten(node, value)
        if found is not None and len(found) > MOST_RESULT_NODES:
            raise MemoryError
        return found

    def visit_function_expression(self, node: Tree, value: Any) -> Any:
        """A function of what its arguments give."""
        name, given = node["value"], [self.visit(child, value) for child in node["children"]]
        deep = name in ("to_string", "contains")
        self.take(sum(size(one, MOST_STEPS) if deep else weight(one) for one in given))
        if name == "join" and isinstance(given[0], str) and isinstance(given[1], list):
            texts = [text for text in given[1] if isinstance(text, str)]
            if sum(map(len, texts)) + len(given[0]) * len(texts) > LONGEST_RESULT_TEXT:
                raise MemoryError
        return _FUNCTIONS.call_function(name, given)


def _has_order(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


Interpreter._METHODS.update(
    (name.removeprefix("visit_"), getattr(Interpreter, name))
    for name in dir(Interpreter)
    if name.startswith("visit_")
)
