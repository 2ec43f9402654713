"""Which places of the payload are behind a value of a spec, also behind the spec's own names.

Steps lead through lists as if these were not there: `tags.tags[].name` and `tags.tags[0].name` are both
("tags", "tags", "name"). They start at the item, or with `event` at the notification, or with the name of
a look-up at its record.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from jinja2 import nodes

from engine.language.catalogue import words
from engine.language.expressions import ITEM, Expression
from engine.language.interpreter import Tree
from engine.language.lint.findings import Steps
from engine.language.names import Name
from engine.language.spec import Spec
from engine.language.templates import Template
from engine.language.values import Constant

Source = Expression | Template | Constant
_DEEPEST_KEYS = 6
"""How deep the keys that a spec gives are told apart; names that hold names may go on for ever."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value may come from: its places, and the origins of the keys that the spec gives it itself."""

    places: frozenset[Steps] = frozenset()
    keys: Mapping[str, "Origin"] = field(default_factory=dict)

    _whole: frozenset[Steps] = frozenset()
    """Kept, and not worked out again: names that hold names share what they hold."""

    def __post_init__(self) -> None:
        held = (origin._whole for origin in self.keys.values())
        object.__setattr__(self, "_whole", self.places.union(*held))

    def __or__(self, other: "Origin") -> "Origin":
        return self._joined(other, _DEEPEST_KEYS)

    def _joined(self, other: "Origin", deepest: int) -> "Origin":
        if self is other or not other._whole:
            return self
        if not self._whole:
            return other
        if not deepest:
            return Origin(self._whole | other._whole)
        keys = {**other.keys, **self.keys}
        for key in self.keys.keys() & other.keys.keys():
            keys[key] = self.keys[key]._joined(other.keys[key], deepest - 1)
        return Origin(self.places | other.places, keys)

    def whole(self) -> frozenset[Steps]:
        """Every place that some part of the value comes from."""
        return self._whole


_NONE = Origin()
_ROOT: Steps = ()
"""All that a value sees: the item's keys and the spec's names."""


@dataclass(slots=True)
class Reads:
    """Places that are read: those `taken` with all that is below, those `tested` by themselves alone.

    A place without steps is the item.
    """

    taken: set[Steps] = field(default_factory=set)
    tested: set[Steps] = field(default_factory=set)

    def add(self, other: "Reads") -> None:
        """Take in what is read elsewhere."""
        self.taken |= other.taken
        self.tested |= other.tested


class Places:
    """The places behind the values of one spec. Its names are followed when a value first needs them."""

    def __init__(self, names: Iterable[Name] = ()) -> None:
        self._names = {name.name: name for name in names}
        self._known: dict[str, tuple[Origin, Reads]] = {}

    def behind(self, source: Source, *, compared: bool = False) -> Reads:
        """What a path or a template reads, and the names that it needs for it.

        Its result is taken, or tested alone where it is only *compared*.
        """
        origin, reads = self._look(source)
        (reads.tested if compared else reads.taken).update(map(_plain, origin.whole()))
        return reads

    def _look(self, source: Source) -> tuple[Origin, Reads]:
        """Where a value comes from, and what is read on the way."""
        reads = Reads()
        if isinstance(source, Expression):
            return _PathLook(self, reads).walk(source.tree, Origin(frozenset([_ROOT]))), reads
        if isinstance(source, Template):
            return _TemplateLook(self, reads).made(source), reads
        return _NONE, reads

    def named(self, key: str, reads: Reads) -> Origin | None:
        """Where a name's value comes from; None for what is no name. What it reads itself goes to *reads*."""
        name = self._names.get(key)
        if name is None:
            return None
        if key not in self._known:
            self._known[key] = (_NONE, Reads())  # of names that need each other, which is told elsewhere
            self._known[key] = self._followed(name)
        origin, behind = self._known[key]
        reads.add(behind)
        return origin

    def _followed(self, name: Name) -> tuple[Origin, Reads]:
        if name.kind == "lookup":
            return Origin(frozenset([(name.name,)])), self.behind(name.value.source, compared=True)
        return self._look(name.value.source)


def reads_of(spec: Spec) -> Reads:
    """All that a spec reads."""
    places = Places(spec.names)
    read = Reads()
    for condition in spec.conditions:
        read.add(places.behind(condition.path.source, compared=True))
    lookups = [name.value for name in spec.names if name.kind == "lookup"]
    own = [value for value in (spec.time, spec.unique_id, spec.value) if value is not None]
    for value in (*lookups, *own, *(line.value for line in (*spec.profile, *spec.properties))):
        read.add(places.behind(value.source))
    if spec.each:
        read.add(places.behind(spec.each.value.source, compared=True))
    return read


def _plain(steps: Steps) -> Steps:
    return () if steps == (ITEM,) else steps


def _below(steps: Steps, key: str) -> Steps:
    return (key,) if steps == (ITEM,) else (*steps, key)


def _all(found: list[Origin]) -> Origin:
    """Of a value that is one of several, or holds them all."""
    whole = _NONE
    for origin in found:
        whole |= origin
    return whole


def _each(read: Callable[[Origin], Origin], found: list[Origin]) -> Origin:
    for origin in found:
        read(origin)
    return _NONE


class _Look:
    """What looks at paths and at templates share."""

    def __init__(self, places: Places, reads: Reads) -> None:
        self._places = places
        self._reads = reads

    def step(self, origin: Origin, key: str) -> Origin:
        """One key further."""
        found = origin.keys.get(key, _NONE)
        for steps in origin.places:
            found |= self._from_root(key) if steps == _ROOT else Origin(frozenset([_below(steps, key)]))
        return found

    def _from_root(self, key: str) -> Origin:
        named = self._places.named(key, self._reads)
        return Origin(frozenset([(key,)])) if named is None else named

    def take(self, origin: Origin) -> Origin:
        """All of it goes into what is made."""
        self._reads.taken.update(map(_plain, origin.whole()))
        return _NONE

    def test(self, origin: Origin) -> Origin:
        """It is compared, counted, or asked whether it is there."""
        self._reads.tested.update(map(_plain, origin.whole()))
        return _NONE


_CHAINS = ("subexpression", "pipe", "index_expression")
_PROJECTIONS = ("projection", "filter_projection")
_PASSING = ("not_null", "max_by", "min_by", "reverse", "sort", "sort_by", "to_array", "values", "merge")
"""Functions that give what they are given, or some of it."""
_TESTING = ("contains", "keys", "length", "type")


class _PathLook(_Look):
    """Looks at the syntax tree of a JMESPath text."""

    def walk(self, node: Tree, here: Origin) -> Origin:
        """Where the value of a node comes from, worked out on a value that comes from *here*."""
        kind, children = node["type"], node["children"]
        if kind == "field":
            return self.step(here, node["value"])
        if kind in ("identity", "current", "index", "slice"):
            return here
        if kind == "flatten":
            return self.walk(children[0], here)
        if kind == "value_projection":
            return self.take(self.walk(children[0], here))  # which of its keys are meant stands nowhere
        if kind in _CHAINS:
            for child in children:
                here = self.walk(child, here)
            return here
        if kind in _PROJECTIONS:
            here = self.walk(children[0], here)
            for condition in children[2:]:
                self.test(self.walk(condition, here))
            return self.walk(children[1], here)
        if kind == "multi_select_dict":
            return Origin(keys={pair["value"]: self.walk(pair["children"][0], here) for pair in children})
        if kind == "function_expression":
            return self._called(node["value"], children, here)
        found = [self.walk(child, here) for child in children]
        if kind in ("comparator", "not_expression"):
            return _each(self.test, found)
        return _all(found)  # of `||`, `&&` and `[a, b]`

    def _called(self, name: str, given: list[Tree], here: Origin) -> Origin:
        plain = [self.walk(child, here) for child in given if child["type"] != "expref"]
        inner = [child["children"][0] for child in given if child["type"] == "expref"]
        if name == "map":
            return self.walk(inner[0], plain[0])
        for node in inner:
            self.test(self.walk(node, plain[0]))
        if name in _PASSING:
            return _all(plain)
        return _each(self.test if name in _TESTING else self.take, plain)


_SAME = words("default d first last list max min reject rejectattr reverse select selectattr sort unique")
_COUNTING = words("count length")


class _TemplateLook(_Look):
    """Looks at the syntax tree of a template."""

    def __init__(self, places: Places, reads: Reads) -> None:
        super().__init__(places, reads)
        self._bound: dict[str, Origin] = {}

    def made(self, template: Template) -> Origin:
        """Where what a template makes comes from: text is made of all that is printed."""
        if template.single:
            [output] = template.tree.body
            assert isinstance(output, nodes.Output)
            return self.walk(output.nodes[0])
        for node in template.tree.body:
            self._statement(node)
        return _NONE

    def _statement(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.For):
            elements = self.walk(node.iter)
            self.test(elements)
            targets = (
                [node.target] if isinstance(node.target, nodes.Name) else node.target.find_all(nodes.Name)
            )
            outside = self._bound
            self._bound = {**outside, "loop": _NONE, **{target.name: elements for target in targets}}
            self._parts(node)
            self._bound = outside
            return
        self._parts(node)

    def _parts(self, node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.Stmt):
                self._statement(child)
            elif isinstance(node, nodes.Output):
                self.take(self.walk(child))
            elif not isinstance(node, nodes.For) or child is node.test:
                self.test(self.walk(child))

    def walk(self, node: nodes.Node) -> Origin:
        """Where the value of an expression comes from."""
        if isinstance(node, nodes.Name):
            bound = self._bound.get(node.name)
            return self._from_root(node.name) if bound is None else bound
        if isinstance(node, nodes.Getattr):
            return self.step(self.walk(node.node), node.attr)
        if isinstance(node, nodes.Getitem):
            return self._item(node)
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.CondExpr):
            self.test(self.walk(node.test))
            return self.walk(node.expr1) | (self.walk(node.expr2) if node.expr2 else _NONE)
        found = [self.walk(child) for child in node.iter_child_nodes()]
        if isinstance(node, nodes.Or | nodes.And | nodes.List | nodes.Tuple):
            return _all(found)
        compares = isinstance(node, nodes.Compare | nodes.Operand | nodes.Test | nodes.Not)
        return _each(self.test if compares else self.take, found)

    def _item(self, node: nodes.Getitem) -> Origin:
        """`a['b']`, and elements and parts of a list; of a key that is worked out any may be meant."""
        owner = self.walk(node.node)
        if isinstance(node.arg, nodes.Const):
            return self.step(owner, node.arg.value) if isinstance(node.arg.value, str) else owner
        self.test(self.walk(node.arg))
        return owner if isinstance(node.arg, nodes.Slice) else self.take(owner)

    def _filtered(self, node: nodes.Filter) -> Origin:
        given = self.walk(node.node) if node.node else _NONE
        arguments = [self.walk(argument) for argument in (*node.args, *(pair.value for pair in node.kwargs))]
        attribute = given
        for key in _attribute(node):
            attribute = self.step(attribute, key)
        if node.name in ("default", "d"):
            return _all([given, *arguments])
        for argument in arguments:
            self.test(argument)
        if node.name == "map" and attribute is not given:
            return attribute
        if node.name in _SAME or node.name in _COUNTING:
            if attribute is not given or node.name in _COUNTING:
                self.test(attribute)
            return given if node.name in _SAME else _NONE
        return self.take(attribute)


def _attribute(node: nodes.Filter) -> list[str]:
    """The keys of the attribute that a filter goes by, as in `sort(attribute='author.name')`."""
    named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    if node.name in ("selectattr", "rejectattr", "sum"):
        named += node.args[:1]
    [text] = [one.value for one in named[:1] if isinstance(one, nodes.Const)] or [None]
    return [key for key in text.split(".") if not key.isdigit()] if isinstance(text, str) else []
