"""Jinja's environment for templates: sandboxed, keys before attributes, operands and texts limited."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, ClassVar, NoReturn

from jinja2 import Undefined, nodes
from jinja2.filters import do_default, do_int, do_round
from jinja2.lexer import TokenStream
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from engine.language.catalogue import words
from engine.language.conversions import number_text
from engine.language.faults import Failed, NoValue

LONGEST_TEXT = 100_000
"""Characters that a template may make: Klaviyo's limit for one text."""
LARGEST_NUMBER = 10**18
MOST_DIGITS = 15

FILTERS = words(
    """
    abs capitalize count d default first float int join last length list lower map max min reject
    rejectattr replace reverse round select selectattr sort string striptags sum title trim truncate
    unique upper urlencode wordcount
    """
)
TESTS = words(
    """
    boolean defined divisibleby eq equalto even false float ge gt greaterthan in integer le lower lt
    lessthan mapping ne none number odd sequence string true undefined upper
    """
)


_OF_TEXT = words("capitalize lower striptags title trim truncate upper urlencode wordcount")
_OF_NOTHING = words("abs count d default float int join length list replace round string sum")
"""Filters that are ours, or that are there for what is missing."""


_OF_LOOP = words("first index index0 last length revindex revindex0")


class Joined(NodeTransformer):
    """`a ~ b` made `a | string + b | string`, so that it prints as texts do, within their limits."""

    def visit_Concat(self, node: nodes.Concat, *_: Any, **__: Any) -> nodes.Node:
        """The name by which Jinja's visitor finds it."""
        self.generic_visit(node)
        texts = [nodes.Filter(part, "string", [], [], None, None, lineno=1) for part in node.nodes]
        made: nodes.Expr = texts[0]
        for text in texts[1:]:
            made = nodes.Add(made, text, lineno=1)
        return made


class _Missing(Undefined):
    """What is missing or null: false, and no value wherever it is printed or calculated with."""

    __slots__ = ()

    def _none(self, *_: Any, **__: Any) -> NoReturn:
        raise NoValue

    def __getattr__(self, name: str) -> "_Missing":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, name: Any) -> "_Missing":  # type: ignore[override]  # it chains, not fails
        return self

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _none
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _none
    __pow__ = __rpow__ = __neg__ = __pos__ = __lt__ = __le__ = __gt__ = __ge__ = _none
    __int__ = __float__ = __complex__ = __str__ = __len__ = __contains__ = __call__ = _none


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with keys before attributes, and every operand looked at."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset(["+", "-", "*", "/", "//", "%", "**"])  # type: ignore[misc]
    intercepted_unops: ClassVar[frozenset[str]] = frozenset(["+", "-"])  # type: ignore[misc]

    def __init__(self, finalize: Callable[[Any], Any]) -> None:
        super().__init__(undefined=_Missing, finalize=finalize, keep_trailing_newline=True)
        self.globals.clear()
        self.filters = {
            name: _needing(self.filters[name], name in _OF_TEXT) for name in FILTERS - _OF_NOTHING
        }
        self.filters |= {"default": do_default, "d": do_default, "string": _text, "list": _list}
        self.filters |= {"replace": _replace, "join": _join, "sum": _sum, "length": _length, "count": _length}
        self.filters |= {"abs": _abs, "round": _round, "float": _float, "int": _int}
        self.tests = {name: self.tests[name] for name in TESTS}
        self.tests |= {"none": _is_none, "defined": _is_defined, "undefined": _is_none}

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        """The tokens with the index of their first character for a line, and so every node and error."""
        tokens = self.lexer.tokeniter(self.preprocess(source, name, filename), name, filename, state)
        return TokenStream(self.lexer.wrap(_indexed(tokens, source), name, filename), name, filename)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A key of an object or an element of a list: never an attribute of Python's."""
        if isinstance(obj, dict):
            found = obj.get(argument) if isinstance(argument, str) else None
        elif isinstance(obj, LoopContext):
            found = getattr(obj, argument) if argument in _OF_LOOP else None
        elif isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                found = obj[argument]
            except (IndexError, ValueError):
                found = None
        else:
            found = None
        return self.undefined() if found is None else found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (operator == "+" and isinstance(left, str) and isinstance(right, str)):
            for operand in (left, right):
                if operand is None or isinstance(operand, Undefined):
                    raise NoValue
            _numbers(left, right)
        if operator == "**" and (abs(right) > 64 or abs(left) > 10**6):
            raise Failed("the result is too large")
        made = super().call_binop(context, operator, left, right)
        return _bounded(made)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        _needed(arg)
        return super().call_unop(context, operator, arg)


def _indexed(tokens: Iterable[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
    at = 0
    for _, kind, value in tokens:
        at = max(source.find(value, at), at)
        yield at, kind, value
        at += len(value)


def _numbers(*operands: Any) -> None:
    for operand in operands:
        if isinstance(operand, bool) or not isinstance(operand, int | float):
            raise Failed("it calculates with what is no number")


def _bounded(made: Any) -> Any:
    if isinstance(made, str) and len(made) > LONGEST_TEXT:
        raise Failed("the result is too large")
    if isinstance(made, complex) or (isinstance(made, int | float) and not abs(made) <= LARGEST_NUMBER):
        raise Failed("the result is too large")
    return made


def _printed(value: Any) -> Any:
    """What stands in the text for a value."""
    if value is None or isinstance(value, Undefined):
        raise NoValue
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str | int):
        return value
    raise Failed("a list or an object cannot stand in a text")


def _printed_full(value: Any) -> Any:
    shown = _printed(value)
    if isinstance(shown, str) and not shown.strip():
        raise NoValue
    return shown


def _text(value: Any) -> str:
    return str(_printed(value))


def _needing(own: Callable[..., Any], of_text: bool) -> Callable[..., Any]:
    """A filter of Jinja's for which what is missing is no value; one of texts prints what it is given."""
    position = 1 if hasattr(own, "jinja_pass_arg") else 0

    @wraps(own)
    def filtered(*given: Any, **named: Any) -> Any:
        value = given[position]
        if value is None or isinstance(value, Undefined):
            raise NoValue
        if of_text:
            given = (*given[:position], _text(value), *given[position + 1 :])
        return own(*given, **named)

    return filtered


def _list(value: Any) -> list[Any]:
    if value is None or isinstance(value, Undefined):
        raise NoValue
    return list(value)


def _sum(values: Any, attribute: str | None = None, start: Any = 0) -> Any:
    """The sum of numbers, and of nothing else."""
    if values is None or isinstance(values, Undefined):
        raise NoValue
    total = start
    _numbers(total)
    for value in values:
        number = value if attribute is None else PLAIN.getitem(value, attribute)
        _needed(number)
        total = _bounded(total + number)
    return total


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, before, after = _text(value), _text(old), _text(new)
    if len(text) + text.count(before) * max(len(after) - len(before), 0) > LONGEST_TEXT:
        raise Failed("the result is too large")
    return text.replace(before, after, -1 if count is None else count)


def _join(values: Any, glue: Any = "", attribute: str | None = None) -> str:
    if values is None or isinstance(values, Undefined):
        raise NoValue
    glue = _text(glue)
    texts: list[str] = []
    size = 0
    for value in values:
        if attribute is not None:
            value = PLAIN.getitem(value, attribute)
        if value is None or isinstance(value, Undefined):
            continue
        texts.append(_text(value))
        size += len(texts[-1]) + len(glue)
        if size > LONGEST_TEXT:
            raise Failed("the result is too large")
    return str(glue).join(texts)


def _length(value: Any) -> int:
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    if value is None or isinstance(value, Undefined):
        raise NoValue
    return sum(1 for _ in value)


def _abs(value: Any) -> Any:
    _needed(value)
    return abs(value)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    _needed(value)
    if isinstance(precision, bool) or not isinstance(precision, int) or abs(precision) > MOST_DIGITS:
        raise Failed("it rounds to more digits than a number has")
    return do_round(value, precision, method)  # type: ignore[arg-type]


def _float(value: Any, default: float = 0.0) -> Any:
    return _converted(float, value, default)


def _int(value: Any, default: int = 0, base: int = 10) -> Any:
    return _converted(do_int, value, default, base)


def _converted(convert: Callable[..., Any], value: Any, default: Any, *more: Any) -> Any:
    """A number from a text, or the default; never one that JSON does not have."""
    if value is None or isinstance(value, Undefined):
        raise NoValue
    try:
        made = convert(value, default, *more) if more else convert(value)
    except (TypeError, ValueError, OverflowError):
        made = default
    return _bounded(made)


def _needed(value: Any) -> None:
    """What is missing gives no value; what is no number fails."""
    if value is None or isinstance(value, Undefined):
        raise NoValue
    _numbers(value)


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


def _is_defined(value: Any) -> bool:
    return not _is_none(value)


PLAIN = _Environment(_printed)
"""A part without a value takes the whole value with it."""
FULL = _Environment(_printed_full)
"""So does a blank part: for ids, which need every part."""
