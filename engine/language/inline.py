"""The `tests:` inside a spec: read here, run by the command `test`."""

from collections.abc import Collection, Iterable, Iterator

from engine.issues import Issue, did_you_mean
from engine.language.expressions import steps
from engine.language.faults import TextFault
from engine.language.source import Node
from engine.language.spec import Case
from engine.language.values import Say

TEST_KEYS = ("name", "given", "with", "history", "expect")
EXPECT_KEYS = ("time", "unique_id", "value", "profile", "properties", "without")
MOST_HINTS = 50
"""Names for which one is looked for that may have been meant."""
OUTCOMES = ("skipped", "parked")


def read_cases(root: Node, say: Say) -> Iterator[Case]:
    """The tests of a spec; what is faulty in one is told, and the others are read."""
    tests = root.get("tests")
    if tests is None or tests.broken:
        return
    if tests.kind != "list":
        say(Issue("wrong-kind", "`tests` takes a list, each entry with a dash", tests.place))
        return
    for node in tests.value:
        case = _case(node, say)
        if case:
            yield case


def _case(node: Node, say: Say) -> Case | None:
    if node.kind != "map":
        say(Issue("wrong-kind", "a test has name, given and expect", node.place))
        return None
    _check_known(node, TEST_KEYS, "a test", say)
    missing = [key for key in ("name", "given", "expect") if not node.get(key)]
    for key in missing:
        say(Issue("missing-key", f"the test has no `{key}`", node.place))
    for key in ("name", "given"):
        child = node.get(key)
        if child and not child.is_text:
            say(Issue("wrong-kind", f"`{key}` takes text", child.place))
            missing.append(key)
    history = node.get("history")
    if history and not isinstance(history.value, bool):
        say(Issue("wrong-kind", "`history` is true or false here", history.place))
    if node.get("expect"):
        _check_expect(node.value["expect"], say)
    if missing:
        return None
    changes = node.get("with")
    if changes and changes.kind != "map":
        say(Issue("wrong-kind", "`with` takes lines of `path: value`", changes.place))
    entries = tuple(_changes(changes, say)) if changes else ()
    given, name = node.value["given"], node.value["name"].value
    is_past = bool(history and history.value)
    return Case(name, given.value, node.place, node.value["expect"], entries, is_past, given.place)


def _changes(node: Node, say: Say) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    for key, place, child in node.items():
        try:
            yield steps(key), child
        except TextFault as fault:
            say(Issue(fault.code, fault.message, place, fault.hint))


def _check_expect(node: Node, say: Say) -> None:
    for expected in node.value if node.kind == "list" else [node]:
        if expected.kind == "map":
            _check_known(expected, EXPECT_KEYS, "an expectation", say, "; your own go under `properties:`")
            for key in ("profile", "properties"):
                child = expected.get(key)
                if child and child.kind != "map":
                    say(Issue("wrong-kind", f"`{key}` takes lines of `name: value`", child.place))
            texts_of(expected, "without", say)
        elif expected.value not in OUTCOMES and not expected.broken:
            hint = "skipped, parked, or parts of the result: " + ", ".join(EXPECT_KEYS)
            say(Issue("wrong-kind", "this cannot be expected", expected.place, hint))


def check_names(cases: Iterable[Case], made: Collection[str], say: Say) -> None:
    """Tell of properties that a test expects, or expects not, and that the spec cannot make: typos.

    *made* are the names of properties (with `*` where each key of an object stands) and of profile fields.
    """
    told = 0
    for case in cases:
        for expected in case.expect.value if case.expect.kind == "list" else [case.expect]:
            properties, without = expected.get("properties"), expected.get("without")
            names = [(key, place) for key, place, _ in properties.items()] if properties else []
            if without:
                names += [(node.value, node.place) for node in texts_of(expected, "without", lambda _: None)]
            for name, place in names:
                if not any(_fits(name, known) for known in made):
                    told += 1
                    near = did_you_mean(name, made) if told <= MOST_HINTS else ""
                    message = f'this spec makes no property "{name}"{near}'
                    say(Issue("unknown-property", message, place))


def _fits(name: str, known: str) -> bool:
    before, star, after = known.partition("*")
    return name == known or bool(star and name.startswith(before) and name.endswith(after))


def texts_of(root: Node, key: str, say: Say) -> list[Node]:
    """The texts under a key that takes one or a list."""
    node = root.get(key)
    if node is None or node.broken:
        return []
    nodes = node.value if node.kind == "list" else [node]
    wrong = next((element for element in nodes if not element.is_text or not element.value.strip()), None)
    if wrong is not None or not nodes:
        say(Issue("wrong-kind", f"`{key}` takes a name or a list of names", (wrong or node).place))
        return []
    return nodes


def _check_known(node: Node, known: tuple[str, ...], what: str, say: Say, more: str = "") -> None:
    for key, place, _ in node.items():
        if key not in known:
            say(
                Issue(
                    "unknown-key",
                    f'{what} has no "{key}"{did_you_mean(key, known)}',
                    place,
                    f"keys: {', '.join(known)}{more}",
                )
            )
