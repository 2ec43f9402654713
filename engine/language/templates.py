"""Templates: Jinja for one line, hardened, and without a guess about types.

One expression alone (`{{ a / b }}`) keeps its own value and type; anything else makes text. What is
missing or null is false for `or`, `if` and `default`; printing it, or calculating with it, gives no
value. The allow-list below is what a value needs: no calls, no assignments, no imports, no loops
inside loops. Operands are limited before Jinja folds constants.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jinja2 import Undefined, nodes
from jinja2.environment import Template as JinjaTemplate
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError

from engine.language.faults import Failed, NoValue, TextFault
from engine.language.filters import FILTERS, LARGEST_NUMBER, LONGEST_KEY, LONGEST_TEXT, TESTS, WORK
from engine.language.sandbox import FULL, PLAIN
from engine.language.template_faults import INSTEAD, OF_PATHS, syntax_fault, unknown_fault
from engine.language.weighing import as_run
from engine.language.work import Work

MOST_CHARACTERS = 4096
DEEPEST = 40
MOST_NODES = 500
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add,
    nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg, nodes.Pos, nodes.Concat,
    nodes.CondExpr, nodes.If, nodes.For, nodes.List, nodes.Tuple, nodes.Keyword, nodes.Slice,
)  # fmt: skip
_NOT_ALLOWED = {
    nodes.Call: "a template calls no functions and no methods",
    nodes.Macro: "a template has no macros",
    nodes.Assign: "a template sets no names; give the value a name under `let:`",
    nodes.AssignBlock: "a template sets no names; give the value a name under `let:`",
    nodes.Dict: "a template makes no objects",
    nodes.Include: "a template reads no files",
    nodes.Import: "a template reads no files",
    nodes.FromImport: "a template reads no files",
    nodes.Extends: "a template reads no files",
}


def is_template(text: str) -> bool:
    """Whether a text is a template and not a path."""
    return "{{" in text or "{%" in text


@dataclass(frozen=True)
class Template:
    """A template made ready. `reads` are the names that it uses, of the item or of the spec."""

    text: str
    reads: frozenset[str]
    tree: nodes.Template = field(repr=False, compare=False)
    single: bool = False
    """Whether it is one expression alone, which keeps its value and type."""
    full: bool = False
    """Whether each part that is printed must have a value that is not blank (an id's parts must)."""

    @cached_property
    def _compiled(self) -> Callable[[Mapping[str, Any]], Any]:
        environment = FULL if self.full else PLAIN
        tree = as_run(self.tree)
        if self.single and not self.full:
            [output] = tree.body
            assert isinstance(output, nodes.Output)
            result = nodes.Assign(nodes.Name("result", "store"), output.nodes[0], lineno=1)
            template = environment.from_string(nodes.Template([result], lineno=1))
            return TemplateExpression(template, undefined_to_none=False)
        return _printer(environment.from_string(tree))

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value or the text; None where a part that it needs has no value.

        Raises Failed where it cannot be worked out.
        """
        values = {name: found for name in self.reads if (found := scope.get(name)) is not None}
        work = Work(of=getattr(scope, "work", None))
        try:
            return _settled(self._compiled({**values, WORK: work}), work)
        except NoValue:
            return None
        except Failed:
            raise
        except (SecurityError, UndefinedError) as error:
            raise Failed("the template does what templates may not") from error
        except ZeroDivisionError as error:
            raise Failed("it divides by zero") from error
        except (RecursionError, MemoryError, OverflowError) as error:
            raise Failed("the result is too large") from error
        except TypeError as error:
            raise Failed("it calculates or compares what does not go together") from error
        except Exception as error:  # filters raise whatever Python raises below them
            raise Failed("it cannot be worked out") from error
        finally:
            work.close()


def parse(text: str, *, full: bool = False) -> Template:
    """Read a template. Raises TextFault with the character where it goes wrong."""
    if len(text) > MOST_CHARACTERS:
        raise TextFault("bad-template", f"the template is over {MOST_CHARACTERS:,} characters long")
    text = text.rstrip("\n")  # of a block of text under a `|`
    _scan(text)
    try:
        tree = PLAIN.parse(text)
    except TemplateSyntaxError as error:
        raise syntax_fault(text, error) from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        raise TextFault("bad-template", "the template is nested too deep") from None
    return Template(text, _checked(tree, text), tree, _is_single(tree), full)


def _is_single(tree: nodes.Template) -> bool:
    body = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(body, nodes.Output) or len(body.nodes) != 1:
        return False
    return not isinstance(body.nodes[0], nodes.TemplateData)


def _printer(template: JinjaTemplate) -> Callable[[Mapping[str, Any]], str]:
    """Prints a piece at a time, and stops where the text becomes too long."""

    def printed(values: Mapping[str, Any]) -> str:
        pieces = []
        size = 0
        for piece in template.generate(values):
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST_TEXT:
                raise Failed("the result is too large")
        return "".join(pieces)

    return printed


def _settled(made: Any, work: Work) -> Any:
    """What a template made, as a JSON value."""
    work.take(1)
    if isinstance(made, Undefined) or made is None:
        return None
    if isinstance(made, str):
        if len(made) > LONGEST_TEXT:
            raise Failed("the result is too large")
        return str(made)
    if isinstance(made, bool | int | float | dict):
        return made
    if isinstance(made, Iterable):
        return [_settled(element, work) for element in made]
    raise Failed("it makes no value that can be sent")


def _scan(text: str) -> None:
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > DEEPEST:
            raise TextFault("bad-template", f"brackets are nested over {DEEPEST} deep", at)


def _checked(tree: nodes.Template, text: str) -> frozenset[str]:
    """Refuse every kind of syntax, filter and test that is not on the lists; say which names are read."""
    waiting: list[tuple[nodes.Node, int, frozenset[str]]] = [(tree, 0, frozenset())]
    seen = 0
    read: set[str] = set()
    while waiting:
        node, depth, bound = waiting.pop()
        seen += 1
        at = node.lineno or 0  # the environment counts characters, not lines
        if seen > MOST_NODES or depth > DEEPEST:
            raise TextFault("bad-template", "the template has too many parts", at)
        if not isinstance(node, _NODES):
            message = _NOT_ALLOWED.get(type(node), "templates may not use this")
            begin = _begin(node, text)
            word = re.match(r"\w+", text[begin:])
            hint = INSTEAD.get(word.group().lower() if word else "", "")
            raise TextFault("bad-template", message, begin, hint)
        if isinstance(node, nodes.Filter):
            _check_filter(node, text)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise unknown_fault(node, text)
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Tuple):
            raise TextFault(
                "path-in-template", "only paths know these brackets", max(text.find("[", at), 0), OF_PATHS
            )
        if isinstance(node, nodes.Const) and isinstance(node.value, int) and abs(node.value) > LARGEST_NUMBER:
            raise TextFault("bad-template", "the number is too large", at)
        if isinstance(node, nodes.Name):
            _check_name(node)
            if node.ctx == "load" and node.name not in bound:
                read.add(node.name)
        inner = bound
        if isinstance(node, nodes.For):
            _check_loop(node, "loop" in bound)
            inner = bound | {"loop"} | _targets(node)
        for child in node.iter_child_nodes():
            outside = isinstance(node, nodes.For) and (child is node.iter or child in node.else_)
            waiting.append((child, depth + 1, bound if outside else inner))
    return frozenset(read)


def _begin(node: nodes.Node, text: str) -> int:
    """Where what a node stands for begins: its tag, or the name of what it calls."""
    at = node.lineno or 0
    if isinstance(node, nodes.Call):
        name = getattr(node.node, "attr", "") or getattr(node.node, "name", "")
        return max(text.rfind(name, 0, at), 0) if name else at
    return max(text.rfind("{%", 0, at), 0) if isinstance(node, nodes.Stmt) else at


def _targets(loop: nodes.For) -> set[str]:
    names = loop.target.find_all(nodes.Name)
    return {name.name for name in names} | (
        {loop.target.name} if isinstance(loop.target, nodes.Name) else set()
    )


def _check_name(node: nodes.Name) -> None:
    if node.name.startswith("_") or node.name in ("self", "super", "caller", "varargs", "kwargs"):
        raise TextFault("bad-template", f"`{node.name}` is no name in templates", node.lineno)


def _check_loop(node: nodes.For, is_inside: bool) -> None:
    if is_inside:
        raise TextFault("bad-template", "a loop inside a loop is not possible", node.lineno)
    if node.recursive or not _is_payload(node.iter):
        raise TextFault("bad-template", "`for` goes through a list of the payload, nothing else", node.lineno)


def _check_filter(node: nodes.Filter, text: str) -> None:
    if node.name not in FILTERS:
        raise unknown_fault(node, text)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise TextFault("bad-template", "templates may not use `*` before a value", node.lineno)
    keys = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    keys += node.args[:1] if node.name.endswith("attr") else []
    if any(not isinstance(key, nodes.Const) or len(str(key.value)) > LONGEST_KEY for key in keys):
        message = f"`{node.name}` takes a key here, written out"
        raise TextFault("bad-template", message, node.lineno)
    named = {"map": FILTERS, "select": TESTS, "reject": TESTS, "selectattr": TESTS, "rejectattr": TESTS}
    if node.name in named:
        position = 1 if node.name.endswith("attr") else 0
        for argument in node.args[position : position + 1]:
            if not isinstance(argument, nodes.Const) or argument.value not in named[node.name]:
                message = f"`{node.name}` takes the name of a filter or a test here"
                raise TextFault("bad-template", message, node.lineno)


def _is_payload(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter):
        inner = node.node
        if inner is None:
            return False
        node = inner
    return isinstance(node, nodes.Name)
