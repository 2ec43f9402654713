"""What templates may use: filters and tests, each within its limits, and none that grows past them."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.filters import do_default, do_int, do_round
from jinja2.runtime import Context

from engine.language.catalogue import words
from engine.language.conversions import number_text
from engine.language.faults import Failed, NoValue
from engine.language.work import CHARACTERS_A_STEP, Work, weight

LONGEST_TEXT = 100_000
"""Characters that a template may make: Klaviyo's limit for one text."""
LARGEST_NUMBER = 10**18
MOST_DIGITS = 15
LONGEST_KEY = 100
"""Characters of a key that a filter is given, and of what `trim` takes away."""
WORK = "_work"
"""The name under which a template's context holds its steps; no template can write it."""

Function = Callable[..., Any]

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
_OF_TEXT = words("capitalize lower striptags title truncate upper urlencode wordcount")
_OF_NOTHING = words("abs count d default float int join length list replace round string sum trim")
"""Filters that are ours, or that are there for what is missing."""


def filters_from(library: Mapping[str, Function]) -> dict[str, Function]:
    """The filters by name; of the library's own only those that are listed."""
    made: dict[str, Function] = {
        name: _needing(library[name], name in _OF_TEXT) for name in FILTERS - _OF_NOTHING
    }
    made |= {"default": do_default, "d": do_default, "string": _text, "list": _list}
    made |= {"replace": _replace, "join": _join, "sum": _sum, "length": _length, "count": _length}
    made |= {"abs": _abs, "round": _round, "float": _float, "int": _int, "trim": _trim}
    return {name: _counted(own) for name, own in made.items()} | {"_rounds": _rounds, "_weighed": _weighed}


def tests_from(library: Mapping[str, Function]) -> dict[str, Function]:
    """The tests by name."""
    made: dict[str, Function] = {name: library[name] for name in TESTS}
    made |= {"none": _is_none, "defined": _is_defined, "undefined": _is_none}
    return {name: _counted(own) for name, own in made.items()}


def found_at(value: Any, key: Any) -> Any:
    """A key of an object or an element of a list, no attribute of Python's; None for nothing."""
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    if isinstance(value, list | tuple | str) and isinstance(key, int | slice):
        try:
            return value[key]
        except (IndexError, ValueError):
            return None
    return None


def numbers(*operands: Any) -> None:
    """Raise Failed for what is no number."""
    for operand in operands:
        if isinstance(operand, bool) or not isinstance(operand, int | float):
            raise Failed("it calculates with what is no number")


def bounded(made: Any) -> Any:
    """What was made, if it is not too large. Raises Failed."""
    if isinstance(made, str) and len(made) > LONGEST_TEXT:
        raise Failed("the result is too large")
    if isinstance(made, complex) or (isinstance(made, int | float) and not abs(made) <= LARGEST_NUMBER):
        raise Failed("the result is too large")
    return made


def printed(value: Any) -> Any:
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


def printed_full(value: Any) -> Any:
    """The same, where a blank text is no value either."""
    shown = printed(value)
    if isinstance(shown, str) and not shown.strip():
        raise NoValue
    return shown


def _text(value: Any) -> str:
    return str(printed(value))


def _needing(own: Function, of_text: bool) -> Function:
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


def _counted(own: Function) -> Function:
    """A filter or a test each use of which takes steps, by the size of what it is given."""
    passed = getattr(getattr(own, "jinja_pass_arg", None), "name", "")

    @pass_context
    @wraps(own)
    def counted(context: Context, value: Any, *given: Any, **named: Any) -> Any:
        work: Work = context.parent[WORK]
        keys = str(named.get("attribute", given[0] if given else ""))[:LONGEST_KEY].count(".")
        value = work.through(value, 1 + keys)
        given = tuple(work.through(one) for one in given)
        named = {name: work.through(one) for name, one in named.items()}
        first = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        return own(*([first[passed]] if passed else ()), value, *given, **named)

    return counted


@pass_context
def _rounds(context: Context, values: Any, round_steps: int) -> Any:
    """What a loop goes through, with the steps of its rounds."""
    work: Work = context.parent[WORK]
    if isinstance(values, Iterator):
        return list(work.through(values, round_steps))
    work.take(weight(values) * (CHARACTERS_A_STEP if isinstance(values, str) else 1) * round_steps)
    return values


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    """A value that is compared or cut in every round of a loop."""
    return context.parent[WORK].through(value)


def _trim(value: Any, chars: str | None = None) -> str:
    """A text without white space at its ends, or without some few characters."""
    text, unwanted = _text(value), None if chars is None else _text(chars)
    if unwanted is not None and len(unwanted) > LONGEST_KEY:
        raise Failed("it trims more characters than can be meant")
    return text.strip(unwanted)


def _list(value: Any) -> list[Any]:
    if value is None or isinstance(value, Undefined):
        raise NoValue
    return list(value)


def _sum(values: Any, attribute: str | None = None, start: Any = 0) -> Any:
    """The sum of numbers, and of nothing else."""
    if values is None or isinstance(values, Undefined):
        raise NoValue
    total = start
    numbers(total)
    for value in values:
        number = value if attribute is None else found_at(value, attribute)
        needed(number)
        total = bounded(total + number)
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
            value = found_at(value, attribute)
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
    needed(value)
    return abs(value)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    needed(value)
    if isinstance(precision, bool) or not isinstance(precision, int) or abs(precision) > MOST_DIGITS:
        raise Failed("it rounds to more digits than a number has")
    return do_round(value, precision, method)  # type: ignore[arg-type]


def _float(value: Any, default: float = 0.0) -> Any:
    return _converted(float, value, default)


def _int(value: Any, default: int = 0, base: int = 10) -> Any:
    return _converted(do_int, value, default, base)


def _converted(convert: Function, value: Any, default: Any, *more: Any) -> Any:
    """A number from a text, or the default; never one that JSON does not have."""
    if value is None or isinstance(value, Undefined):
        raise NoValue
    try:
        made = convert(value, default, *more) if more else convert(value)
    except (TypeError, ValueError, OverflowError):
        made = default
    return bounded(made)


def needed(value: Any) -> None:
    """Raise NoValue for what is missing, and Failed for what is no number."""
    if value is None or isinstance(value, Undefined):
        raise NoValue
    numbers(value)


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


def _is_defined(value: Any) -> bool:
    return not _is_none(value)
