"""One spec with what it takes in by `use`, as one: every entry with the place it comes from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from engine.errors import SpecError
from engine.folder import SHARED
from engine.issues import Issue, Place
from engine.language.inline import texts_of
from engine.language.layers import Layers
from engine.language.names import SECTIONS, read_names
from engine.language.plan import Plan
from engine.language.reader import used
from engine.language.source import Node, read
from engine.language.values import read_value
from engine.tools.fmt.order import ORDER
from engine.tools.show.yaml_text import value_text

LEFT_OUT, UNUSED = "left out", "unused"

_Pair = tuple[Node, Node]
"""The node of a key and that of its value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a section, or a key of the top, which has no `name`.

    `replaces` are the lines over which it wins, each with its value in one line. `fate` is `left out`
    for a property that `without` names, `unused` for a look-up or a name that nothing uses, or empty.
    """

    section: str
    name: str
    place: Place
    key: Node
    node: Node
    replaces: tuple[tuple[Place, str], ...] = ()
    fate: str = ""

    @property
    def text(self) -> str:
        """The value as its author wrote it, without comments."""
        return value_text(self.node)


@dataclass(frozen=True, slots=True)
class Merged:
    """A spec and its shared files as one. `entries` stand in the order that `fmt` gives them."""

    files: tuple[str, ...]
    entries: tuple[Entry, ...]
    tests: Place | None
    """Where the spec's own file tells its tests, which stay there."""


def merge(plan: Plan, folder: Path) -> Merged:
    """What a plan's file and its shared files say together. *folder* is where they lie on disk."""
    layers = _layers(plan, folder)
    tests = layers.own.keys.get("tests")
    files = tuple(layer.document.file for layer in (layers.own, *layers.layers[:-1]))
    return Merged(
        files, tuple(sorted(_Merging(layers, plan).entries(), key=_by_order)), tests.place if tests else None
    )


def _by_order(entry: Entry) -> int:
    return ORDER.index(entry.section)


def _layers(plan: Plan, folder: Path) -> Layers:
    file = Path(plan.spec.file)
    own = _read(folder / file.name, str(file))
    shelf = folder / SHARED
    found = sorted([*shelf.glob("*.yaml"), *shelf.glob("*.yml")], key=lambda path: path.name)
    shared = {path.stem: path for path in found}
    taken = [shared[name] for name in used(own)]
    return Layers(own, (*(_read(path, str(file.parent / SHARED / path.name)) for path in taken), own))


def _read(file: Path, named: str) -> Node:
    """The root of a file that a plan was made of. Raises SpecError where it has been changed since."""
    root, _ = read(file.read_bytes(), named)
    if root is None:
        raise SpecError(f"{named} has been emptied")
    return root


class _Merging:
    """Puts layers together as the reader does: section by section, the last layer's line wins."""

    def __init__(self, layers: Layers, plan: Plan) -> None:
        self._layers = layers
        self._used = {name.name for name in plan.spec.names}
        self._texts = self._conditions_in_text()

    def entries(self) -> Iterator[Entry]:
        """Every entry, those without a say among them."""
        for key in ("metric", "name", "topic", "item", "history", "time", "unique_id", "value"):
            yield from self._single(key)
        yield from self._when()
        yield from self._named()
        yield from self._profile()
        yield from self._properties()

    def _having(self, key: str) -> list[Node]:
        return [layer for layer in self._layers.layers if layer.get(key)]

    def _maps(self, section: str) -> list[Node]:
        return [layer.value[section] for layer in self._having(section)]

    def _single(self, key: str) -> Iterator[Entry]:
        found = [(layer.keys[key], layer.value[key]) for layer in self._having(key)]
        if found:
            yield _winner(key, "", found)

    def _when(self) -> Iterator[Entry]:
        """Lines of `path: value`, of which the last wins; texts, which hold beside them."""
        for name, place, _ in self._texts:
            path, node = _line(f'"!(!{name})": true')
            yield Entry("when", str(path.value), place, path, node)
        maps = [node for node in self._maps("when") if node.kind == "map"]
        for key, found in _by_key(maps).items():
            yield _winner("when", key, found)
        if not self._texts and not maps:
            yield from self._single("when")

    def _conditions_in_text(self) -> list[tuple[str, Place, Node]]:
        """The texts under `when`, each with a name to be, where there is more than one text alone."""
        found = [(layer.keys["when"].place, layer.value["when"]) for layer in self._having("when")]
        if len(found) < 2:
            return []
        texts = [(place, node) for place, node in found if node.is_text]
        taken = _by_key(node for section in SECTIONS for node in self._maps(section))
        fresh = (name for number in count(1) if (name := f"holds_{number}") not in taken)
        return [(name, *text) for text, name in zip(texts, fresh, strict=False)]

    def _named(self) -> Iterator[Entry]:
        """What `each`, `let` and `lookups` name. A name of another section may win, and another `each`."""
        names = read_names(self._layers, {}, lambda node: read_value(node, _nobody), _nobody)
        written = {section: _by_key(self._maps(section)) for section in SECTIONS}
        for section in ("each", "let", "lookups"):
            for name, found in written[section].items():
                if name not in names or names[name].kind != SECTIONS[section]:
                    continue
                won = _winner(section, name, [*_beaten(written, section, name), *found])
                yield won if name in self._used else replace(won, fate=UNUSED)
            if section == "let":
                for name, place, node in self._texts:
                    yield Entry(section, name, place, _line(f"{name}: x")[0], node)

    def _profile(self) -> Iterator[Entry]:
        profiles = self._maps("profile")
        for name, found in _by_key(profiles).items():
            if name != "location":
                yield _winner("profile", name, found)
        for name, found in _by_key(profile.get("location") for profile in profiles).items():
            yield _winner("profile", f"location.{name}", found)

    def _properties(self) -> Iterator[Entry]:
        own = self._layers.own.get("properties")
        unwanted = {node.value for node in texts_of(self._layers.own, "without", _nobody)}
        unwanted -= set(own.value if own else ())
        for name, found in _by_key(self._maps("properties")).items():
            won = _winner("properties", name, found)
            yield replace(won, fate=LEFT_OUT) if name in unwanted else won


def _beaten(written: dict[str, dict[str, list[_Pair]]], section: str, name: str) -> Iterator[_Pair]:
    """What a name wins over: itself in another section, and every other name under `each`."""
    for other, entries in written.items():
        for key, pairs in entries.items():
            if (other != section and key == name) or (other == section == "each" and key != name):
                yield from pairs


def _by_key(maps: Iterable[Node | None]) -> dict[str, list[_Pair]]:
    """The entries of several maps by their key."""
    found: dict[str, list[_Pair]] = {}
    for node in filter(None, maps):
        for name, _, child in node.items():
            found.setdefault(name, []).append((node.keys[name], child))
    return found


def _winner(section: str, name: str, found: list[_Pair]) -> Entry:
    """The entry of the last layer, which replaces the others."""
    *lost, (key, node) = found
    replaced = tuple((other.place, " ".join(value_text(old).split())) for other, old in lost)
    return Entry(section, name, key.place, key, node, replaced)


def _line(text: str) -> _Pair:
    """A line that stands in no file."""
    root, _ = read(text.encode(), "")
    [[pair]] = _by_key([root]).values()
    return pair


def _nobody(_: Issue) -> None:
    """Nobody is told: a plan has been made of these files, so they have no fault."""
