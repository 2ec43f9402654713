"""What no payload can bring: values that a condition asks for in vain, and types that take nothing."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from engine.issues import Issue, Place, did_you_mean
from engine.language.conditions import JSON_NUMBER, Condition, same
from engine.language.conversions import TYPES
from engine.language.expressions import Expression
from engine.language.faults import Refused
from engine.language.interpreter import Tree
from engine.language.lint.findings import Calculated, Compared
from engine.language.lint.missing import a_kind_of, shown
from engine.language.payloads import Shape
from engine.language.values import Value

_SAMPLES: dict[str, Sequence[object]] = {
    "boolean": (True, False),
    "time": (1788170400,),
    "integer": (0, 1, 7),
    "number": (0, 1, 7, 49.9),
    "object": ({"a": 1},),
    "map": ({"a": 1},),
    "list": (["a"], [1]),
}
"""Values of each shape, to see whether a type could ever take one."""

_HINTS = {
    "list": "one of its elements: path[0]; all of them: as list",
    "object": "name one of its keys: path.key",
    "map": 'name one of its keys: custom_attributes."Refund amount"',
}


def comparison(value: Value, compared: Compared) -> Iterator[Issue]:
    """A comparison inside a path or a template that never holds."""
    plain, shape = compared.plain, compared.shape
    if _can_be(plain, shape):
        return
    is_path = isinstance(value.source, Expression)
    as_boolean = f"between backticks: `{plain}`" if is_path else "without quotes"
    issue = _never(plain, shape, value.at(compared.offset), as_boolean)
    if compared.listed and shape.keys:
        key = "name" if "name" in shape.keys else next(iter(shape.keys))
        path = shown(compared.listed)
        keys = f"{path}[].{key}" if is_path else f"{path} | map(attribute='{key}')"
        issue = replace(issue, hint=f"each is an object; compare one of its keys: {keys}")
    yield issue


def calculation(value: Value, calculated: Calculated) -> Iterator[Issue]:
    """A calculation with what is no number."""
    message = f"this is {a_kind_of(calculated.shape)}, and only numbers are calculated with"
    join = "`~` joins texts: {{ title ~ id }}; " if calculated.is_sum else ""
    hint = f"{join}`| int` makes a number of digits"
    hint = hint if calculated.shape.type == "text" else _HINTS.get(calculated.shape.type, "")
    yield Issue("never-a-value", message, value.at(calculated.offset), hint)


def each_of(value: Value, shape: Shape) -> Iterator[Issue]:
    """`each` over what has no elements."""
    if shape.is_known and shape.type not in ("list", "object", "map"):
        yield Issue("never-a-value", f"this is {a_kind_of(shape)}, and `each` takes a list", value.place)


def condition_of(condition: Condition, shape: Shape, lists: Container[str]) -> Iterator[Issue]:
    """A line of `when` that asks for what is never there, or for what always is.

    *lists* are the names of the spec that make lists of their own.
    """
    if condition.is_true:
        return
    if condition.at_least is not None or condition.at_most is not None:
        if shape.is_known and not any(_can_be(number, shape) for number in (1, 1.5)):
            message = f"this is {a_kind_of(shape)}, which is neither at least nor at most anything"
            yield Issue("never-true", message, condition.path.place)
        return
    for plain, place in zip(condition.any_of or condition.none_of or (), condition.places, strict=True):
        if plain is not None and not _can_be(plain, shape):
            yield _never(plain, shape, place, "without quotes", condition.path.text)
        elif plain is None and makes_list(condition.path, lists):
            yield _there(condition, place)


def makes_list(path: Value, lists: Container[str]) -> bool:
    """Whether a path makes a list of its own, which is there though nothing is in it."""
    if not isinstance(path.source, Expression) or path.type or path.default is not None:
        return False
    tree: Tree = path.source.tree
    if tree["type"] == "field":
        return tree["value"] in lists
    while tree["type"] in ("pipe", "subexpression"):
        tree = tree["children"][-1]
    return tree["type"] in ("projection", "filter_projection", "flatten", "multi_select_list")


def _there(condition: Condition, place: Place) -> Issue:
    """What is said of a list that is compared with null."""
    path, wanted = condition.path.text, "null" if condition.any_of else "{ not: null }"
    first = f"{path}[0]" if path.isidentifier() else f"{path} | [0]"
    code = "never-true" if condition.any_of else "always-true"
    hint = f"ask for its first element: `{first}: {wanted}`"
    return Issue(code, "this is a list, and an empty one is a value too", place, hint)


def _never(plain: object, shape: Shape, place: Place, as_boolean: str, path: str = "") -> Issue:
    text = str(plain).lower() if isinstance(plain, bool) else f'"{plain}"'
    if not isinstance(plain, str):
        text = text.strip('"')
    meant = did_you_mean(str(plain), shape.values)
    if shape.values:
        hint = f"its values: {', '.join(shape.values)}"
    elif shape.type == "boolean" and str(plain).lower() in ("true", "false"):
        hint = f"{str(plain).lower()} is no text here: write it {as_boolean}"
    elif str(plain).strip()[:1] in ("<", ">") and path:
        bound = "at_most" if str(plain).strip()[0] == "<" else "at_least"
        hint = f"write {{ {bound}: {str(plain).strip(' <>=')} }}"
    elif shape.type == "list" and path:
        hint = f"a list holds several: write `when: contains({path}, '{plain}')`"
    else:
        hint = f"it is {a_kind_of(shape)}"
    return Issue("never-true", f"it is never {text}{meant}", place, hint)


def _can_be(plain: object, shape: Shape) -> bool:
    """Whether a payload's value of this shape can equal a plain one."""
    if not shape.is_known:
        return True
    if shape.values and not shape.is_open:
        return any(same(known, plain) for known in shape.values)
    if shape.values and isinstance(plain, str) and plain not in shape.values:
        return plain.casefold() not in {value.casefold() for value in shape.values}
    if shape.type in ("object", "map", "list"):
        return False
    if shape.type == "boolean" or isinstance(plain, bool):
        return shape.type == "boolean" and isinstance(plain, bool)
    if shape.type in ("integer", "number", "time") and isinstance(plain, str):
        return bool(JSON_NUMBER.fullmatch(plain.strip()))
    return True


def type_of(value: Value, shape: Shape, needed: str = "") -> Iterator[Issue]:
    """A type that takes nothing of what can stand there; *needed* is the one that the key itself asks for."""
    kind = value.type or TYPES.get(needed)
    samples = shape.values if shape.values and not shape.is_open else _SAMPLES.get(shape.type, ())
    if kind is None or not samples or value.default is not None:
        return
    for sample in samples:
        try:
            if kind.convert(sample) is not None:
                return
        except Refused:
            continue
    message = f"this is {a_kind_of(shape)}, which `{kind.name}` never takes"
    yield Issue("never-a-value", message, value.place, _HINTS.get(shape.type, ""))


def number_of(value: Value, shape: Shape) -> Iterator[Issue]:
    """Klaviyo's `value` from what is no number, and made none."""
    if value.type is None and shape.type in ("text", "boolean", "object", "map", "list"):
        hint = "`as number` reads a number from text" if shape.type == "text" and not shape.values else ""
        yield Issue(
            "never-a-value", f"this is {a_kind_of(shape)}, and `value` takes a number", value.place, hint
        )
    elif value.type is not None and value.type.klaviyo != "number":
        message = f"`{value.type.name}` makes no number, and `value` takes one"
        yield Issue("never-a-value", message, value.place)
    else:
        yield from type_of(value, shape)


def spread_of(value: Value, shape: Shape) -> Iterator[Issue]:
    """A `*` that takes the keys of what has none."""
    if shape.is_known and shape.type not in ("object", "map") and value.default is None:
        message = f"this is {a_kind_of(shape)}, and `*` stands for the keys of an object"
        yield Issue("never-a-value", message, value.place, "without the `*` it is one property")
