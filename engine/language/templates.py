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
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError

from engine.issues import did_you_mean
from engine.language.faults import Failed, NoValue, TextFault
from engine.language.sandbox import FILTERS, FULL, LONGEST_TEXT, PLAIN, TESTS

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
_SINGLE = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)


def is_template(text: str) -> bool:
    """Whether a text is a template and not a path."""
    return "{{" in text or "{%" in text


@dataclass(frozen=True)
class Template:
    """A template made ready. `reads` are the names that it uses, of the item or of the spec."""

    text: str
    reads: frozenset[str]
    single: str = field(default="", repr=False)
    """The expression, where the template is one expression alone."""
    full: bool = False
    """Whether each part that is printed must have a value that is not blank (an id's parts must)."""

    @cached_property
    def _compiled(self) -> Callable[[Mapping[str, Any]], Any]:
        environment = FULL if self.full else PLAIN
        if self.single and not self.full:
            expression = environment.compile_expression(self.single, undefined_to_none=False)
            return _evaluator(expression)
        return environment.from_string(self.text).render

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value or the text; None where a part that it needs has no value.

        Raises Failed where it cannot be worked out.
        """
        values = {name: scope[name] for name in self.reads if scope.get(name) is not None}
        try:
            made = self._compiled(values)
            return _settled(made)
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


def parse(text: str, *, full: bool = False) -> Template:
    """Read a template. Raises TextFault with the character where it goes wrong."""
    if len(text) > MOST_CHARACTERS:
        raise TextFault("bad-template", f"the template is over {MOST_CHARACTERS:,} characters long")
    _scan(text)
    try:
        tree = PLAIN.parse(text)
    except TemplateSyntaxError as error:
        raise _syntax_fault(text, error) from None
    except (RecursionError, ValueError, OverflowError, MemoryError):
        raise TextFault("bad-template", "the template is nested too deep") from None
    return Template(text, _checked(tree, text), _single(tree, text), full)


def _single(tree: nodes.Template, text: str) -> str:
    body = tree.body[0] if len(tree.body) == 1 else None
    if (
        not isinstance(body, nodes.Output)
        or len(body.nodes) != 1
        or isinstance(body.nodes[0], nodes.TemplateData)
    ):
        return ""
    match = _SINGLE.fullmatch(re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL).strip())
    return match.group(1).strip() if match else ""


def _evaluator(expression: TemplateExpression) -> Callable[[Mapping[str, Any]], Any]:
    return lambda values: expression(values)


def _settled(made: Any) -> Any:
    """What a template made, as a JSON value."""
    if isinstance(made, Undefined) or made is None:
        return None
    if isinstance(made, str):
        if len(made) > LONGEST_TEXT:
            raise Failed("the result is too large")
        return str(made)
    if isinstance(made, bool | int | float | dict | list):
        if isinstance(made, list):
            return [_settled(element) for element in made]
        return made
    if isinstance(made, Iterable):
        return [_settled(element) for element in made]
    raise Failed("it makes no value that can be sent")


def _scan(text: str) -> None:
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > DEEPEST:
            raise TextFault("bad-template", f"brackets are nested over {DEEPEST} deep", at)
    long_number = re.search(r"[0-9_]{19,}", text)
    if long_number:
        raise TextFault("bad-template", "the number is too large", long_number.start())


def _syntax_fault(text: str, error: TemplateSyntaxError) -> TextFault:
    message = error.message or ""
    for start in re.finditer(r"\{\{|\{%", text):
        closing = "}}" if start.group() == "{{" else "%}"
        rest = text[start.end() :]
        if closing not in rest or -1 < rest.find(start.group()) < rest.find(closing):
            hint = f"end it with {closing}"
            return TextFault("bad-template", f"`{start.group()}` is never closed", start.start(), hint)
    character = re.search(r"unexpected char (.+) at (\d+)", message)
    if character:
        at = int(character.group(2))
        quote = text[at : at + 1] in ("'", '"')
        what = "this quote is never closed" if quote else f"`{text[at : at + 1]}` means nothing in a template"
        return TextFault("bad-template", what, at)
    block = re.search(r"needs to be closed is '(\w+)'", message)
    if block:
        name = block.group(1)
        at = max(text.rfind("{% " + name), text.rfind("{%" + name), 0)
        return TextFault(
            "bad-template", f"this `{name}` is never closed", at, f"end it with {{% end{name} %}}"
        )
    unknown = re.search(r"(?:No|Unknown) (filter|test) named '([^']*)'", message)
    if unknown:
        return _unknown(text, unknown.group(1), unknown.group(2))
    tag = re.search(r"unknown tag '([^']*)'", message)
    if tag:
        at = max(text.find(tag.group(1)), 0)
        hint = "{% if %} and {% for %} are"
        return TextFault("bad-template", f"there is no `{tag.group(1)}` in templates", at, hint)
    if "expected name or number" in message:
        dot = re.search(r"\.\s*(?=[^\w\s.]|$)", text)
        return TextFault("bad-template", "a name is expected after the dot", dot.start() if dot else 0)
    got = re.search(r"got '([^']*)'|unexpected '([^']*)'", message)
    token = next((group for group in got.groups() if group is not None), "") if got else ""
    inside = re.search(r"\{[{%]", text)
    start_at = inside.end() if inside else 0
    if token in ("}", "", "end of print statement", "end of statement block"):
        end = re.search(r"[-+]?[}%]\}", text[start_at:])
        at = start_at + end.start() if end else start_at
        return TextFault("bad-template", "the expression ends where something is expected", at)
    return TextFault("bad-template", f"`{token}` is not expected here", max(text.find(token, start_at), 0))


def _unknown(text: str, what: str, name: str) -> TextFault:
    known = FILTERS if what == "filter" else TESTS
    found = re.search(rf"\b{re.escape(name)}\b", text[text.find("|" if what == "filter" else " is ") :])
    at = text.find("|" if what == "filter" else " is ") + found.start() if found else 0
    return TextFault(
        "bad-template", f"templates have no {what} `{name}`{did_you_mean(name, known)}", max(at, 0)
    )


def _checked(tree: nodes.Template, text: str) -> frozenset[str]:
    """Refuse every kind of syntax, filter and test that is not on the lists; say which names are read."""
    waiting: list[tuple[nodes.Node, int, bool]] = [(tree, 0, False)]
    seen = 0
    read: set[str] = set()
    own: set[str] = set()
    while waiting:
        node, depth, in_loop = waiting.pop()
        seen += 1
        at = _offset(node, text)
        if seen > MOST_NODES or depth > DEEPEST:
            raise TextFault("bad-template", "the template has too many parts", at)
        if not isinstance(node, _NODES):
            message = _NOT_ALLOWED.get(type(node), "templates may not use this")
            raise TextFault("bad-template", message, at)
        if isinstance(node, nodes.Filter):
            _check_filter(node, text)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise _unknown(text, "test", node.name)
        if isinstance(node, nodes.For):
            _check_loop(node, text, at, in_loop)
            in_loop = True
            own.add("loop")
        if isinstance(node, nodes.Name):
            if node.name.startswith("_") or node.name in ("self", "super", "caller", "varargs", "kwargs"):
                message = f"`{node.name}` is no name in templates"
                raise TextFault("bad-template", message, max(text.find(node.name), 0))
            (read if node.ctx == "load" else own).add(node.name)
        waiting += [(child, depth + 1, in_loop) for child in node.iter_child_nodes()]
    return frozenset(read - own)


def _check_loop(node: nodes.For, text: str, at: int, in_loop: bool) -> None:
    if in_loop:
        raise TextFault("bad-template", "a loop inside a loop is not possible", text.rfind("{% for"))
    if node.recursive or not _is_payload(node.iter):
        raise TextFault("bad-template", "`for` goes through a list of the payload, nothing else", at)


def _check_filter(node: nodes.Filter, text: str) -> None:
    if node.name not in FILTERS:
        raise _unknown(text, "filter", node.name)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise TextFault("bad-template", "templates may not use `*` before a value", 0)
    named = {"map": FILTERS, "select": TESTS, "reject": TESTS, "selectattr": TESTS, "rejectattr": TESTS}
    if node.name in named:
        position = 1 if node.name.endswith("attr") else 0
        for argument in node.args[position : position + 1]:
            if not isinstance(argument, nodes.Const) or argument.value not in named[node.name]:
                message = f"`{node.name}` takes the name of a filter or a test here"
                raise TextFault("bad-template", message, max(text.find(node.name), 0))


def _is_payload(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter):
        inner = node.node
        if inner is None:
            return False
        node = inner
    return isinstance(node, nodes.Name)


def _offset(node: nodes.Node, text: str) -> int:
    """Jinja keeps a node's line only; the first thing on that line that looks like the node will do."""
    start = sum(len(line) + 1 for line in text.split("\n")[: max((node.lineno or 1) - 1, 0)])
    word = ""
    if isinstance(node, nodes.Call):
        target = node.node
        word = getattr(target, "attr", "") or getattr(target, "name", "")
        word = f"{word}("
    elif isinstance(node, nodes.Stmt):
        word = "{%"
    return (
        max(text.find(word, start), start)
        if word
        else text.find("{", start)
        if "{" in text[start:]
        else start
    )
