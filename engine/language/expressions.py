"""Paths: JMESPath read within limits, which names a path starts from, and what it finds.

The limits are those that keep the library fast and its recursion shallow whatever is written
(a lexer that is quadratic in a token's length, a parser and an interpreter that recurse).
"""

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jmespath import exceptions, functions, parser

from engine.issues import did_you_mean
from engine.language.faults import Failed, TextFault
from engine.language.interpreter import LONGEST_RESULT_TEXT, MOST_RESULT_NODES, Interpreter, Tree
from engine.language.path_faults import INSTEAD, STRINGS, lexer_fault, parser_fault
from engine.language.work import size

MOST_CHARACTERS = 4096
DEEPEST = 64
MOST_NODES = 500
MOST_GROWTH = 200
"""How many times larger than its input a path may make its result."""

ITEM = "\x00item"
"""The key under which a scope holds the item itself, for `@`."""

_SIGNATURES: dict[str, Any] = functions.Functions.FUNCTION_TABLE
_MULTI = ("multi_select_list", "multi_select_dict")


@dataclass(frozen=True, slots=True)
class Expression:
    """A path made ready. `reads` are the names that it starts from, of the item or of the spec."""

    text: str
    tree: Tree
    reads: frozenset[str]
    makes: bool
    """Whether it makes values of its own, and does not only find them."""
    way: tuple[str | int, ...] | None = None
    """The keys and indexes of a path that has nothing else, which needs no interpreter."""

    def search(self, scope: Mapping[str, Any]) -> Any:
        """What the path finds; None where there is nothing.

        Raises Failed where a function or a comparison cannot take what it is given.
        """
        if self.way is not None:
            return _followed(self.way, scope)
        interpreter = Interpreter(getattr(scope, "work", None))
        try:
            found = interpreter.visit(self.tree, scope)
        except Failed:
            raise
        except exceptions.JMESPathTypeError as error:
            raise Failed(
                f"{error.function_name}() cannot take {_KIND_OF.get(error.actual_type, 'this')}"
            ) from None
        except (RecursionError, MemoryError, ArithmeticError) as error:
            raise Failed("the result is too large") from error
        except Exception as error:  # the library lets bare TypeError and ValueError through
            raise Failed("it compares or computes what does not go together") from error
        finally:
            interpreter.close()
        if self.makes:
            _check_result(found)
        return found


def _followed(way: tuple[str | int, ...], value: Any) -> Any:
    """What lies at the end of a way; None where it leads nowhere."""
    try:
        for step in way:
            if isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list):
                value = value[step] if -len(value) <= step < len(value) else None
            else:
                return None
    except AttributeError:  # of what has no keys
        return None
    return value


_KIND_OF = {
    "null": "no value",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


class _Parser(parser.Parser):
    """The library's parser; its fields and literals also know the character where they stand (`at`)."""

    _CACHE: ClassVar[dict[str, Any]] = {}

    def _token_nud_unquoted_identifier(self, token: Tree) -> Tree:
        made = super()._token_nud_unquoted_identifier(token)  # type: ignore[misc]  # private, so not in the stubs
        return {**made, "at": token["start"]}

    def _token_nud_quoted_identifier(self, token: Tree) -> Tree:
        made = super()._token_nud_quoted_identifier(token)  # type: ignore[misc]
        return {**made, "at": token["start"], "quoted": True}

    def _token_nud_literal(self, token: Tree) -> Tree:
        return {**super()._token_nud_literal(token), "at": token["start"]}  # type: ignore[misc]


def parse(text: str) -> Expression:
    """Read a path. Raises TextFault with the character where it goes wrong."""
    _scan(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of words between backticks, which it reads as text
            tree = _Parser().parse(text).parsed
    except exceptions.LexerError as error:
        raise lexer_fault(text, error) from None
    except exceptions.JMESPathError as error:
        raise parser_fault(text, error) from None
    except (RecursionError, ValueError, OverflowError):
        raise TextFault("bad-path", "the path is nested too deep") from None
    makes = _checked(tree, text)  # before what recurses: it limits the depth
    rooted = _rooted(tree)
    return Expression(text, rooted, frozenset(_reads(tree)), makes, _way(rooted))


def steps(text: str) -> tuple[str | int, ...]:
    """The keys and indexes of a plain path, such as `tags.tags[0].name`. Raises TextFault for any other."""
    found = parse(text).way
    if found is None or ITEM in found:
        raise TextFault("bad-path", "only a plain path says where to put a value", 0, "such as a.b[0].c")
    return found


def _way(tree: Tree) -> tuple[str | int, ...] | None:
    """The keys and indexes of a tree that has nothing else."""
    waiting = [tree]
    found: list[str | int] = []
    while waiting:
        node = waiting.pop()
        if node["type"] in ("field", "index"):
            found.append(node["value"])
        elif node["type"] in ("subexpression", "index_expression"):
            waiting += reversed(node["children"])
        else:
            return None
    return tuple(found)


def _scan(text: str) -> None:
    """Refuse what would make the library slow or deep, before it sees it."""
    if not text.strip():
        raise TextFault("bad-path", "a path is expected here")
    if len(text) > MOST_CHARACTERS:
        raise TextFault("bad-path", f"the path is over {MOST_CHARACTERS:,} characters long")
    bare = STRINGS.sub(lambda match: "s" * len(match.group()), text)
    depth = 0
    for at, character in enumerate(bare):
        depth += (character in "([{") - (character in ")]}")
        if depth > DEEPEST:
            raise TextFault("bad-path", f"brackets are nested over {DEEPEST} deep", at)
    for sign in ("!", "|", "&", "[", "<", ">", "="):
        if bare.count(sign) > 2 * DEEPEST:
            raise TextFault("bad-path", f"the path holds over {2 * DEEPEST} times {sign}")


def _here(node: Tree) -> Iterator[Tree]:
    """The children that are worked out on the same value as their parent, not on its result."""
    children = node["children"]
    if node["type"] in ("subexpression", "index_expression", "pipe", "projection", "value_projection",
                        "filter_projection"):  # fmt: skip
        yield children[0]
    elif node["type"] not in ("expref", "slice"):
        yield from children


def _reads(node: Tree) -> Iterator[str]:
    """The names at which the path starts."""
    if node["type"] == "field":
        yield node["value"]
    for child in _here(node):
        yield from _reads(child)


def _rooted(node: Tree) -> Tree:
    """The tree with `@` at its root made the item alone, without the spec's names."""
    if node["type"] in ("current", "identity"):
        return {"type": "field", "value": ITEM, "children": []}
    here = [id(child) for child in _here(node)]
    children = [_rooted(child) if id(child) in here else child for child in node["children"]]
    return {**node, "children": children}


def _checked(tree: Tree, text: str) -> bool:
    """Check functions and size; say whether the path makes values of its own."""
    nodes = 0
    makes = False
    calls = _calls(text)
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if depth > 2 * DEEPEST:
            raise TextFault("bad-path", f"the path is over {2 * DEEPEST} steps deep")
        makes = makes or node["type"] in (*_MULTI, "flatten", "function_expression")
        children = [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "function_expression":
            _check_function(node, next(calls[node["value"]], 0))
            children = [child["children"][0] if child["type"] == "expref" else child for child in children]
        elif node["type"] == "literal" and _depth(node["value"]) > DEEPEST:
            raise TextFault("bad-path", f"brackets are nested over {DEEPEST} deep", max(text.find("`"), 0))
        elif node["type"] == "literal" and _is_no_json(node["value"]):
            at = next((quoted.start() for quoted in STRINGS.finditer(text) if _ODD.search(quoted.group())), 0)
            raise TextFault("bad-path", "between backticks stands JSON, and this is none", at)
        elif node["type"] == "expref":
            message = "`&` stands only before what a function like sort_by() takes"
            raise TextFault("bad-path", message, max(text.find("&"), 0))
        elif (
            node["type"] in ("subexpression", "index_expression") and children[0]["type"] == "not_expression"
        ):
            hint = "put brackets around the path: !(a.b)"
            raise TextFault("bad-path", "`!` takes the first name alone here", max(text.find("!"), 0), hint)
        elif node["type"] == "slice" and node["children"][2] == 0:
            step = re.search(r"\[[^\[\]:]*:[^\[\]:]*:\s*-?0+\s*\]", text)
            raise TextFault("bad-path", "a slice cannot step by 0", step.start() if step else 0)
        waiting += [(child, depth + 1) for child in reversed(children)]
    if nodes > MOST_NODES:
        raise TextFault("bad-path", f"the path has over {MOST_NODES} parts")
    if _growth(tree) > MOST_GROWTH:
        raise TextFault("bad-path", "the path repeats what it reads too many times")
    return makes


def _calls(text: str) -> dict[str, Iterator[int]]:
    """Where each function is called, in the order of the text, which is that of the tree."""
    bare = STRINGS.sub(lambda match: "s" * len(match.group()), text)
    places: dict[str, list[int]] = defaultdict(list)
    for match in re.finditer(r"\b(\w+)\s*\(", bare):
        places[match.group(1)].append(match.start())
    return defaultdict(lambda: iter(()), {name: iter(found) for name, found in places.items()})


def _check_function(node: Tree, at: int) -> None:
    name = node["value"]
    if name not in _SIGNATURES:
        hint = INSTEAD.get(name.lower(), "")
        meant = "" if hint else did_you_mean(name, _SIGNATURES)
        raise TextFault("bad-path", f"there is no function {name}(){meant}", at, hint)
    signature = _SIGNATURES[name]["signature"]
    given, wanted = len(node["children"]), len(signature)
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given != wanted and not (variadic and given > wanted):
        least = "at least " if variadic else ""
        raise TextFault(
            "bad-path", f"{name}() takes {least}{wanted} of what stands in its brackets, not {given}", at
        )
    for place, child in enumerate(node["children"]):
        if child["type"] == "expref" and "expref" not in signature[min(place, wanted - 1)]["types"]:
            raise TextFault("bad-path", f"{name}() takes no `&` here", at)


def _growth(node: Tree) -> int:
    """How many copies of its input a result can hold, and how often a part is worked out, at most."""
    of = [min(_growth(child), MOST_GROWTH + 1) for child in node["children"] if isinstance(child, dict)]
    kind = node["type"]
    if kind in _MULTI:
        return sum(of)
    if kind in ("subexpression", "pipe", "projection", "value_projection", "index_expression"):
        return of[0] * of[-1]
    if kind == "filter_projection":
        return of[0] * max(of[1:])
    if kind == "literal":
        return max(size(node["value"], MOST_GROWTH + 1) - 1, 1)
    if kind == "function_expression" and node["value"].endswith(("_by", "map")):
        return of[0] * of[-1]
    if kind == "function_expression" and node["value"] == "to_string":
        return 4 * max(of)  # text in text doubles its quotes and backslashes
    return max(of, default=1)


_ODD = re.compile("`.*(?:NaN|Infinity|[0-9]).*`", re.DOTALL)
"""A literal that may hold what Python's reader takes for a number, and JSON does not have."""


def _is_no_json(value: Any) -> bool:
    """Whether there is a number in it that is none, or infinite."""
    waiting = [value]
    while waiting:
        top = waiting.pop()
        if isinstance(top, float) and not math.isfinite(top):
            return True
        waiting += top.values() if isinstance(top, dict) else top if isinstance(top, list) else ()
    return False


def _check_result(found: Any) -> None:
    """Raise Failed where a result is no JSON, or larger than any that is meant."""
    nodes = 0
    waiting = [found]
    while waiting:
        top = waiting.pop()
        nodes += 1
        if nodes > MOST_RESULT_NODES or (isinstance(top, str) and len(top) > 10 * LONGEST_RESULT_TEXT):
            raise Failed("the result is too large")
        if isinstance(top, float) and not math.isfinite(top):
            raise Failed("the result is no number")
        if isinstance(top, dict):
            waiting += top.values()
        elif isinstance(top, list):
            waiting += top


def _depth(value: Any) -> int:
    """How deep a value is nested."""
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        top, depth = waiting.pop()
        deepest = max(deepest, depth)
        inner = top.values() if isinstance(top, dict) else top if isinstance(top, list) else ()
        waiting += [(child, depth + 1) for child in inner]
    return deepest
