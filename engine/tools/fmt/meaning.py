"""What a spec's file says, whatever its form: read alone, without the shared files that it takes in."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from engine.issues import Issue, Place
from engine.language.conditions import Condition
from engine.language.conversions import Type
from engine.language.expressions import Expression
from engine.language.reader import check_shared, read_spec, used
from engine.language.source import Node
from engine.language.spec import Draft
from engine.language.templates import Template
from engine.language.values import Say

_OF_ONE_VALUE = ("item", "time", "unique_id", "value")


def check_alone(root: Node, stem: str, is_shared: bool, say: Say) -> None:
    """Tell the faults of a file's own text, whatever the shared files hold that it takes in."""
    if is_shared:
        check_shared(root, say, {})
    else:
        _read(root, stem, lambda issue: None if _may_be_elsewhere(issue, root) else say(issue), False)


def _may_be_elsewhere(issue: Issue, root: Node) -> bool:
    """Whether a shared file may hold what is not in this one."""
    is_of_file = issue.code == "missing-key" and issue.place == root.place
    return is_of_file or issue.code == "unknown-property"


def meaning_of(root: Node | None, stem: str) -> str:
    """Two files whose meanings are equal make the same of every notification, with the same tests.

    The order inside the sections counts; that of the sections, comments and the form of values do not.
    """
    if root is None or not root.value:
        return "nothing"
    draft = _read(root, stem, lambda _: None, is_piece=True)
    told = {
        "spec": _plain(draft.spec) if draft else root.data(),
        "plain": {key: _written(key, node) for key, node in sorted(root.value.items())},
        "help": [node.data() for value in _values(root) if (node := value.get("help"))],
    }
    return json.dumps(told, ensure_ascii=False, default=lambda other: type(other).__name__)


def _read(root: Node, stem: str, say: Say, is_piece: bool) -> Draft | None:
    nothing = Node("map", root.document, 0, 0, {})
    return read_spec(root, stem, dict.fromkeys(used(root), nothing), say, {}, is_piece=is_piece)


def _written(key: str, node: Node) -> Any:
    """What a section says besides its values, which a spec holds: plain texts and tests."""
    if key in _OF_ONE_VALUE or node.kind == "map":
        return None
    is_one = key in ("topic", "use", "without") and node.kind == "scalar"
    return [node.data()] if is_one else node.data()


def _values(root: Node) -> Iterator[Node]:
    """Every value that a file gives, in any form."""
    for key in (*_OF_ONE_VALUE, "let", "each", "lookups", "profile", "properties"):
        node = root.get(key)
        if node is None:
            continue
        yield node
        for _, _, child in node.items():
            yield child
            yield from (inner for _, _, inner in child.items())


def _plain(found: Any) -> Any:
    """Nouns of the language as plain lists and dicts, without places and without their form."""
    if isinstance(found, Expression):
        return {"path": found.text.strip()}
    if isinstance(found, Template):
        return {"template": found.text, "full": found.full}
    if isinstance(found, Type):
        return found.name
    if isinstance(found, Node):
        return found.data()
    if isinstance(found, list | tuple):
        return [_plain(element) for element in found if not isinstance(element, Place)]
    if isinstance(found, frozenset):
        return sorted(found)
    if not is_dataclass(found):
        return found
    form = {"text"} if isinstance(found, Condition) else {"node"}
    named = ((field.name, getattr(found, field.name)) for field in fields(found))
    return {name: _plain(value) for name, value in named if name not in form and not isinstance(value, Place)}
