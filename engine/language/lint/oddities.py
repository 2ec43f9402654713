"""What a spec says that cannot be meant, held against what Intercom documents of its payloads.

It warns, and refuses only what is certain to be cut: payloads bring more than is documented.
"""

from collections.abc import Collection, Iterator

from engine.issues import Issue
from engine.language.lint import impossible
from engine.language.lint.findings import Found, Scope
from engine.language.lint.inference import found_by
from engine.language.lint.missing import Context, issue_of_item, issue_of_missing
from engine.language.lint.scoping import Doubt, item_in, kinds_of, scope_of, with_name
from engine.language.payloads import NOTHING, shape_of
from engine.language.spec import Spec
from engine.language.values import Value

MOST_TOLD = 100
"""Keys that are called unknown in one spec: each looks for what may have been meant."""


def lint(spec: Spec, doubt: Doubt) -> Iterator[Issue]:
    """Everything odd about a spec."""
    scope = scope_of(spec, doubt)
    about = _About(spec, scope)
    yield from _about_item(spec)
    lists: set[str] = set()
    for name in spec.names:
        scope, found = with_name(scope, name, doubt)
        yield from about(name.value, found)
        if name.kind == "each":
            yield from impossible.each_of(name.value, found.shape)
        elif name.kind == "let" and impossible.makes_list(name.value, lists):
            lists.add(name.name)
    for condition in spec.conditions:
        found = found_by(condition.path, scope)
        yield from about(condition.path, found)
        yield from impossible.condition_of(condition, found.shape, lists)
    yield from _about_event(spec, about, scope)
    for line in (*spec.profile, *spec.properties):
        found = found_by(line.value, scope)
        yield from about(line.value, found)
        look = impossible.spread_of if line.is_spread else impossible.type_of
        yield from look(line.value, found.shape)
    if doubt.is_whole and not doubt.faults:
        yield from _about_idle(spec, about.missed)


def _about_item(spec: Spec) -> Iterator[Issue]:
    """An object that no notification of these topics has."""
    _, item, found = item_in(spec)
    if item is NOTHING and spec.item_value and found.missing:
        yield issue_of_item(spec.item_value, found.missing[0])


def _about_event(spec: Spec, about: "_About", scope: Scope) -> Iterator[Issue]:
    for value, needed in ((spec.time, "datetime"), (spec.unique_id, "")):
        if value is not None:
            found = found_by(value, scope)
            yield from about(value, found)
            yield from impossible.type_of(value, found.shape, needed)
    if spec.value is not None:
        found = found_by(spec.value, scope)
        yield from about(spec.value, found)
        yield from impossible.number_of(spec.value, found.shape)


def _about_idle(spec: Spec, missed: Collection[str]) -> Iterator[Issue]:
    """Names of the spec's own file that nothing uses; those of shared files are there for others too."""
    for name in spec.idle:
        if name.place.file == spec.file and name.name not in missed:
            looked_up = ", so nothing is looked up" if name.kind == "lookup" else ""
            yield Issue(
                "unused-name",
                f'nothing reads "{name.name}"{looked_up}',
                name.place,
                "read it, or take it out",
            )


class _About:
    """Tells of keys that the payload does not have, and of what cannot be compared or calculated."""

    def __init__(self, spec: Spec, scope: Scope) -> None:
        names = [name.name for name in (*spec.names, *spec.idle)]
        kinds = kinds_of(spec)
        whole = [kind for kind in kinds if set(shape_of(kind).keys) <= set(scope.item.keys)]
        self.context = Context(tuple(kinds), names, "" if whole or not kinds else spec.item.text)
        self.told = 0
        self.missed: set[str] = set()
        """Names of the spec that may have been meant by keys that were not found."""

    def __call__(self, value: Value, found: Found) -> Iterator[Issue]:
        for missing in found.missing:
            self.told += 1
            if self.told > MOST_TOLD:
                return
            self.missed |= {missing.key, self.context.near(missing.key)}
            yield issue_of_missing(value, missing, self.context)
        for compared in found.compared:
            yield from impossible.comparison(value, compared)
        for calculated in found.calculated:
            yield from impossible.calculation(value, calculated)
