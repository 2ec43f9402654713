"""Jinja's environment for templates: sandboxed, keys before attributes, operands and steps limited."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, NoReturn

from jinja2 import Undefined
from jinja2.lexer import TokenStream
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.language.catalogue import words
from engine.language.faults import Failed, NoValue
from engine.language.filters import (
    WORK,
    bounded,
    filters_from,
    found_at,
    needed,
    numbers,
    printed,
    printed_full,
    tests_from,
)
from engine.language.work import weight

_OF_LOOP = words("first index index0 last length revindex revindex0")


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
        self.filters = filters_from(self.filters)
        self.tests = tests_from(self.tests)  # type: ignore[assignment,arg-type]  # theirs: dict[str, function]

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
        if isinstance(obj, LoopContext):
            found = getattr(obj, argument) if argument in _OF_LOOP else None
        else:
            found = found_at(obj, argument)
        return self.undefined() if found is None else found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            context.parent[WORK].take(weight(left) + weight(right))
        else:
            for operand in (left, right):
                if operand is None or isinstance(operand, Undefined):
                    raise NoValue
            numbers(left, right)
        if operator == "**" and (abs(right) > 64 or abs(left) > 10**6):
            raise Failed("the result is too large")
        made = super().call_binop(context, operator, left, right)
        return bounded(made)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        needed(arg)
        return super().call_unop(context, operator, arg)


def _indexed(tokens: Iterable[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
    at = 0
    for _, kind, value in tokens:
        at = max(source.find(value, at), at)
        yield at, kind, value
        at += len(value)


PLAIN = _Environment(printed)
"""A part without a value takes the whole value with it."""
FULL = _Environment(printed_full)
"""So does a blank part: for ids, which need every part."""
