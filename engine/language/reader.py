"""Nodes -> `Spec`: every fault of a file is told, and none stops the reading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.issues import Issue, Place, did_you_mean
from engine.language import catalogue, templates
from engine.language.conditions import Condition, read_condition
from engine.language.expressions import Expression, parse
from engine.language.inline import MOST_HINTS, check_names, read_cases, texts_of
from engine.language.keys import (
    LOCATION_FIELDS,
    NEEDED,
    OTHER_FIELDS,
    PROFILE_FIELDS,
    WHY,
    check_keys,
    check_maps,
    kind_of,
)
from engine.language.layers import Layers
from engine.language.mending import has_lost_lines
from engine.language.names import SECTIONS, Name, in_order, read_names
from engine.language.source import Node
from engine.language.spec import EVENT_ID, Draft, Field, Spec
from engine.language.values import Say, Value, read_value

Cache = dict[int, tuple[Node, Value | None]]
"""Values by the identity of their node, so that what a shared file says is read once."""


def check_shared(root: Node, say: Say, cache: Cache) -> None:
    """Look at a shared file by itself: its keys, and each value that it gives, which *cache* keeps."""
    check_keys(root, "shared", say)
    check_maps(root, say)
    _Reader(Layers(root, (root,)), "shared", say, cache).read_parts()


def read_spec(
    root: Node, stem: str, shared: Mapping[str, Node], say: Say, cache: Cache, *, is_piece: bool = False
) -> Draft | None:
    """A spec from its file's root node and the shared files by name.

    Returns None where there is no telling what it is; `say` has been told every fault. `cache` keeps the
    values of shared files from being read again for every metric. A piece of a spec needs no name, and
    may leave out whatever it likes.
    """
    kind = kind_of(root) or ("piece" if is_piece else "")
    if root.kind != "map" or not kind:
        hint = "a mapping starts with `metric: NAME`, a profile with `name: NAME`"
        if root.kind == "map" and {"metric", "name"} & {key.lower() for key in root.value}:
            hint = "keys are written in lower case: metric, name"
        say(Issue("not-a-spec", "there is neither `metric` nor `name` in this file", root.place, hint))
        return None
    faults: list[Issue] = []

    def note(issue: Issue) -> None:
        if issue.severity == "error":
            faults.append(issue)
        say(issue)

    check_keys(root, kind, note)
    check_maps(root, note)
    merged = Layers(root, (*_shared(root, shared, note), root))
    for key in NEEDED[kind]:
        if merged.node(key) is None:
            note(Issue("missing-key", f"`{key}` is missing", root.place, WHY[key]))
    reader = _Reader(merged, kind, note, cache)
    spec = reader.read(stem)
    if spec is None:
        return None
    if not faults and not is_piece and not has_lost_lines(root.document):
        check_names(spec.cases, reader.made, note)
    written = [name for section in SECTIONS for name in merged.entries(section)]
    read = {name.name for name in (*spec.names, *spec.idle)}
    doubtful = frozenset(name for name in written if name not in read or written.count(name) > 1)
    profile = frozenset(merged.entries("profile"))
    is_whole = (
        not is_piece and len(merged.layers) == len(used(root)) + 1 and not any(map(_is_torn, merged.layers))
    )
    return Draft(spec, bool(faults), doubtful, profile, is_whole)


def _is_torn(root: Node) -> bool:
    """Whether something of a file could not be read as YAML, so that names may be lost."""
    sections = [node for name in SECTIONS if (node := root.get(name))]
    odd = any(node.broken or node.kind != "map" for node in sections)
    return odd or root.broken or has_lost_lines(root.document)


def used(root: Node) -> list[str]:
    """The names of the shared files that a spec takes in."""
    return [node.value for node in texts_of(root, "use", lambda _: None)]


def _shared(root: Node, shared: Mapping[str, Node], say: Say) -> Iterator[Node]:
    for node in texts_of(root, "use", say):
        if node.value in shared:
            yield shared[node.value]
        else:
            stem = node.value.rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml")
            meant = f'; did you mean "{stem}"?' if stem in shared else did_you_mean(node.value, shared)
            message = f"there is no shared/{node.value.removesuffix('.yaml')}.yaml{meant}"
            say(Issue("unknown-shared", message, node.place))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What every kind of file may hold."""

    item: Expression | None
    names: dict[str, Name]
    each: Name | None
    conditions: tuple[Condition, ...]
    profile: tuple[Field, ...]
    properties: tuple[Field, ...]
    outputs: dict[str, Value | None]
    history: str


class _Reader:
    """Reads the parts of one spec; every fault is told, none stops it."""

    def __init__(self, merged: Layers, kind: str, say: Say, cache: Cache) -> None:
        self.merged = merged
        self.kind = kind
        self.say = say
        self.cache = cache
        self.made: set[str] = set()
        """The names of all properties and profile fields."""

    def read(self, stem: str) -> Spec | None:
        root = self.merged.own
        name = self._name("metric" if self.kind == "metric" else "name")
        topics = self._topics()
        parts = self.read_parts(topics)
        left_out = self._left_out(parts.properties)
        kept = tuple(field for field in parts.properties if field.name not in left_out)
        roots = [value for value in parts.outputs.values() if value]
        roots += [condition.path for condition in parts.conditions]
        roots += [field.value for field in (*parts.profile, *kept)]
        ordered, idle = in_order(parts.names, roots, self.say)
        cases = tuple(read_cases(root, self.say))
        made = {EVENT_ID, *(field.name for field in parts.properties)}
        self.made = made | {field.name.partition(".")[0] for field in parts.profile}
        if parts.item is None:
            return None
        return Spec(
            file=root.document.file,
            stem=stem,
            kind="event" if self.kind == "metric" else "profile",
            name=name,
            topics=topics,
            item=parts.item,
            item_value=self._value(item) if (item := self.merged.node("item")) else None,
            conditions=parts.conditions,
            names=ordered,
            each=parts.each,
            time=parts.outputs.get("time"),
            unique_id=parts.outputs.get("unique_id"),
            value=parts.outputs.get("value"),
            profile=parts.profile,
            properties=kept,
            history=parts.history,
            cases=cases,
            idle=idle,
            name_place=_place(root.get("metric") or root.get("name")),
            profile_place=_place(self.merged.node("profile")),
        )

    def read_parts(self, topics: tuple[str, ...] = ()) -> _Parts:
        """What shared files may hold, too."""
        kinds = {catalogue.kind_of(topic) for topic in topics}
        hidden = {key: kind for kind in sorted(kinds) if kind for key in catalogue.KEYS[kind]}
        names = read_names(self.merged, hidden, self._value, self.say)
        each = next((name for name in names.values() if name.kind == "each"), None)
        outputs = {
            key: self._value(node, full=key == "unique_id")
            for key in ("time", "unique_id", "value")
            if (node := self.merged.node(key))
        }
        conditions = tuple(self._conditions())
        fields = self._profile(), self._properties()
        return _Parts(self._item(), names, each, conditions, *fields, outputs, self._history())

    def _value(self, node: Node, *, full: bool = False, spread: bool = False) -> Value | None:
        if id(node) not in self.cache:
            self.cache[id(node)] = (node, read_value(node, self.say, full=full, spread=spread))
        return self.cache[id(node)][1]

    def _name(self, key: str) -> str:
        node = self.merged.own.get(key)
        if node is None or not node.is_text or not node.value.strip():
            if node is not None and not node.broken:
                self.say(Issue("wrong-kind", f"`{key}` takes the name, as text", node.place))
            return ""
        return str(node.value)

    def _topics(self) -> tuple[str, ...]:
        nodes = texts_of(self.merged.own, "topic", self.say)
        known = [topic for topics in catalogue.TOPICS.values() for topic in topics]
        for node in nodes:
            if node.value not in known:
                near = catalogue.nearest_topic(node.value)
                meant = f'; did you mean "{near}"?' if near else ""
                message = f'Intercom documents no topic "{node.value}"{meant}'
                self.say(Issue("unknown-topic", message, node.place))
        return tuple(node.value for node in nodes)

    def _item(self) -> Expression | None:
        node = self.merged.node("item")
        if node is None:
            return parse("data.item")
        value = self._value(node)
        if value is None:
            return None
        if not isinstance(value.source, Expression) or value.type:
            self.say(
                Issue("wrong-kind", "`item` takes the path of the object", node.place, "such as data.item")
            )
            return None
        return value.source

    def _history(self) -> str:
        node = self.merged.node("history")
        if node is None:
            return "none"
        known = (*catalogue.HISTORY, "none")
        if node.value not in known:
            if not node.broken:
                message = f"`history` is one of {', '.join(known)}{did_you_mean(str(node.value), known)}"
                self.say(Issue("wrong-kind", message, node.place))
            return "none"
        return str(node.value)

    def _conditions(self) -> Iterator[Condition]:
        for layer in self.merged.layers:
            node = layer.get("when")
            if node and node.is_text:
                path = self._without_type(self._value(node))
                if path:
                    yield Condition(path, str(node.value), node.place, is_true=True)
        for key, (place, node, layer) in self.merged.entries("when").items():
            path = self._path(layer.value["when"].keys[key])
            condition = read_condition(path, key, place, node, self.say) if path else None
            if condition:
                yield condition

    def _path(self, key: Node) -> Value | None:
        """A key of `when` as a path."""
        if templates.is_template(key.value):
            hint = "give the template a name under `let:`, and compare that"
            self.say(
                Issue("bad-condition", "a condition starts with a path, not a template", key.place, hint)
            )
            return None
        return self._without_type(read_value(key, self.say))

    def _without_type(self, path: Value | None) -> Value | None:
        """A path of a condition, which compares what is there as it is."""
        if path is None or path.type is None:
            return path
        hint = f"leave out `as {path.type.name}`; or give the value a name under `let:`, with its type"
        self.say(Issue("bad-condition", "a condition has no type", path.place, hint))
        return None

    def _profile(self) -> tuple[Field, ...]:
        entries = self.merged.entries("profile")
        location = entries.pop("location", None)
        if location and location[1].kind != "map" and not location[1].broken:
            hint = f"its fields: {', '.join(LOCATION_FIELDS)}"
            self.say(Issue("wrong-kind", "`location` takes lines of `field: value`", location[1].place, hint))
        within: dict[str, tuple[Place, Node]] = {}
        for layer in self.merged.layers:
            profile = layer.get("profile")
            node = profile.get("location") if profile else None
            within |= {key: (place, child) for key, place, child in (node.items() if node else ())}
        own = {key: (place, node) for key, (place, node, _) in entries.items()}
        return (
            *self._known_fields(own, PROFILE_FIELDS, "a profile", ""),
            *self._known_fields(within, LOCATION_FIELDS, "a location", "location."),
        )

    def _known_fields(
        self, entries: dict[str, tuple[Place, Node]], known: tuple[str, ...], what: str, prefix: str
    ) -> Iterator[Field]:
        """The lines of a section whose names are Klaviyo's own."""
        for key, (place, node) in entries.items():
            if key not in known:
                other = OTHER_FIELDS.get(key.lower().replace("-", "_").replace(" ", "_"), key)
                meant = f'; did you mean "{other}"?' if other in known else did_you_mean(key.lower(), known)
                message = f'{what} in Klaviyo has no field "{key}"{meant}'
                also = (
                    (*known, "location; your own go under `properties:`")
                    if known is PROFILE_FIELDS
                    else known
                )
                self.say(Issue("unknown-key", message, place, f"Klaviyo's fields: {', '.join(also)}"))
            elif value := self._value(node):
                yield Field(prefix + key, value, place)

    def _properties(self) -> tuple[Field, ...]:
        fields = []
        for key, (place, node, _) in self.merged.entries("properties").items():
            if not key.strip() or key.count("*") > 1:
                what = (
                    "a property needs a name"
                    if not key.strip()
                    else "a name takes one `*`: there each key stands"
                )
                self.say(Issue("bad-name", what, place))
                continue
            if key == EVENT_ID:
                hint = "take the line out: it always holds the event's `unique_id`"
                self.say(Issue("name-taken", f'the engine makes "{EVENT_ID}" itself', place, hint))
                continue
            value = self._value(node, spread="*" in key)
            if value:
                fields.append(Field(key, value, place))
        return tuple(sorted(fields, key=lambda field: field.is_spread))

    def _left_out(self, properties: tuple[Field, ...]) -> set[str]:
        own = _keys(self.merged.own.get("properties"))
        brought = {name for layer in self.merged.layers[:-1] for name in _keys(layer.get("properties"))}
        known = {field.name for field in properties} | brought
        unwanted = texts_of(self.merged.own, "without", self.say)
        for told, node in enumerate(unwanted):
            if node.value in brought:
                continue
            if node.value in own:
                hint = "`without` leaves out what shared files bring; this line can go itself"
                self.say(
                    Issue("unknown-property", f'"{node.value}" is a line of this file', node.place, hint)
                )
            else:
                near = did_you_mean(node.value, known) if told < MOST_HINTS else ""
                message = f'no shared file brings a property "{node.value}"{near}'
                self.say(Issue("unknown-property", message, node.place))
        return {node.value for node in unwanted} - set(own)


def _place(node: Node | None) -> Place | None:
    return node.place if node else None


def _keys(node: Node | None) -> list[str]:
    return [key for key, _, _ in node.items()] if node else []
