"""YAML text -> nodes that know their line and column. Strict, and every fault of a file at once.

PyYAML's events are read one by one, since its parser neither recurses nor builds anything: the
constructor is where aliases explode and `no` becomes false. Only YAML 1.2's core is known here:
true, false, null, JSON's numbers, and text.
"""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import yaml

from engine.issues import Issue, Place
from engine.language.document import Document, raw_index
from engine.language.mending import BROKEN, UNREADABLE, fault_of, mended

NodeKind = Literal["scalar", "map", "list"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CONSTANTS = {"true": True, "false": False, "null": None, "": None}
AMBIGUOUS = re.compile(
    r"~|y|n|yes|no|on|off|true|false|null|[+-]?0[0-9]+|[+-]?[0-9]+_[0-9_]*|[0-9]+(?::[0-5]?[0-9])+"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}|[+-]?\.(?:inf|nan)|0[xo][0-9a-f]+|0b[01]+|\+[0-9.]+|-?\.[0-9]+|-?[0-9]+\.",
    re.IGNORECASE,
)
_RECOVERIES = 25
_SLOW_CHARACTERS = 200_000
"""How many characters may be read again and again, a broken line at a time."""

# libyaml's parser, where PyYAML was built with it: only its events, whose depth the builder limits; its
# composer recurses, and is never used. Where it balks at anything, and where tabs stand, of which the two
# think differently, Python's own parser has the word.
FAST_PARSER: Any = getattr(yaml, "CSafeLoader", None)


class Limits(NamedTuple):
    """How large a file may be: what a person writes stays far below."""

    file_bytes: int = 256 * 1024
    depth: int = 32
    nodes: int = 10_000
    scalar_characters: int = 16 * 1024


@dataclass(eq=False, slots=True)
class Node:
    """A value in the file: a scalar, a map from key to node, or a list of nodes.

    `start` and `end` are indexes into the document's text. A `broken` node has been told of.
    """

    kind: NodeKind
    document: Document
    start: int
    end: int
    value: Any = None
    style: str | None = None
    broken: bool = False
    keys: dict[str, "Node"] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where the value begins, and where it ends if that is in the same line."""
        return self.document.place_of(self.start, self.end if self.kind == "scalar" else 0)

    @property
    def is_plain(self) -> bool:
        """Whether it is a scalar without quotes."""
        return self.kind == "scalar" and self.style is None

    @property
    def is_text(self) -> bool:
        """Whether it is a scalar, and text."""
        return self.kind == "scalar" and isinstance(self.value, str)

    def at(self, offset: int) -> Place:
        """The place in the file of the character at *offset* of this scalar's text, in any style."""
        raw = self.document.text[self.start : self.end]
        index = raw_index(str(self.value), raw, self.style, offset)
        return self.document.place_of(self.start + index)

    def items(self) -> Iterator[tuple[str, Place, "Node"]]:
        """Each key of a map with its place and its value."""
        for key, node in (self.value if self.kind == "map" else {}).items():
            yield key, self.keys[key].place, node

    def get(self, key: str) -> "Node | None":
        """The value of a key; None where there is none, and for what is no map."""
        return self.value.get(key) if self.kind == "map" else None

    def data(self) -> Any:
        """The plain value: dicts, lists, text, numbers, booleans and None."""
        if self.kind == "map":
            return {key: node.data() for key, node in self.value.items()}
        if self.kind == "list":
            return [node.data() for node in self.value]
        return self.value


def read(raw: bytes, file: str, limits: Limits | None = None) -> tuple[Node | None, list[Issue]]:
    """The root node of a YAML file (None for an empty one) and every fault found in it.

    A line that is no YAML costs that line: it is named, and the rest of the file is read on.
    """
    limits = limits or Limits()
    if len(raw) > limits.file_bytes:
        message = f"the file is over {limits.file_bytes // 1024} KB"
        return None, [Issue("too-large", message, Place(file, 1, 1))]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n")
        column = len(raw[: error.start].rpartition(b"\n")[2].decode("utf-8", "replace"))
        message = "this character is not UTF-8"
        hint = "save the file with the encoding UTF-8"
        return None, [Issue("bad-encoding", message, Place(file, line + 1, column + 1), hint)]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    document = Document(file, text, tuple(text.split("\n")))
    if FAST_PARSER and "\t" not in text:
        with suppress(*UNREADABLE, _TooLarge):
            builder = _Builder(document, limits)
            return builder.build(FAST_PARSER), _merged([], builder.issues)
    return _read_slowly(document, limits)


def _read_slowly(document: Document, limits: Limits) -> tuple[Node | None, list[Issue]]:
    """Read with the parser that words its complaints, going on after each line that is no YAML."""
    faults: list[Issue] = []
    for _ in range(min(max(_SLOW_CHARACTERS // (len(document.text) + 1), 1), _RECOVERIES)):
        builder = _Builder(document, limits)
        try:
            root = builder.build(yaml.SafeLoader)
        except _TooLarge as error:
            return None, [Issue("too-large", str(error), error.place)]
        except UNREADABLE as error:
            fault = fault_of(error, document, builder.last)
            faults.append(fault.issue)
            text = mended(document.text, fault)
            if text == document.text:
                return None, _merged(faults, builder.issues)
            document = Document(document.file, text, document.shown)
            continue
        return root, _merged(faults, builder.issues)
    return None, _merged(faults, [])


class _TooLarge(Exception):
    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(slots=True)
class _Frame:
    """A container being filled: a map waits for a key, or for the value of `key`."""

    node: Node
    is_key: bool = False
    key: str | None = None
    key_known: bool = False


class _Builder:
    """Builds nodes from events on a stack of its own, so that depth never recurses."""

    def __init__(self, document: Document, limits: Limits) -> None:
        self.document = document
        self.limits = limits
        self.issues: list[Issue] = []
        self._stack: list[_Frame] = []
        self._root: Node | None = None
        self._nodes = 0
        self.last: yaml.ScalarEvent | None = None

    def build(self, parser: Any) -> Node | None:
        documents = 0
        for event in yaml.parse(self.document.text, Loader=parser):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._refuse(event, "a second document starts here", "keep one spec a file")
                    break
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open(event, "map")
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open(event, "list")
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._close(event)
            elif isinstance(event, yaml.AliasEvent):
                self._refuse(event, "`*name` is a YAML alias, which specs do not use", _QUOTE_IT)
                self._add(self._node("scalar", event, broken=True))
        return self._root

    def _node(self, kind: NodeKind, event: Any, **more: Any) -> Node:
        self._nodes += 1
        mark = event.start_mark
        if self._nodes > self.limits.nodes:
            self._stop(f"the file has over {self.limits.nodes:,} values", mark)
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            self._refuse(event, "`&name` is a YAML anchor, which specs do not use", _QUOTE_IT)
            more["broken"] = True
        tag = getattr(event, "tag", None)
        if tag:
            self._refuse(event, "`!` starts a YAML tag, which specs do not use", _QUOTE_IT)
            more["broken"] = True
        return Node(kind, self.document, mark.index, event.end_mark.index, **more)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if len(event.value) > self.limits.scalar_characters:
            self._stop(f"a value is over {self.limits.scalar_characters // 1024} KB long", event.start_mark)
        self.last = event
        node = self._node("scalar", event, style=event.style or None)
        if BROKEN in event.value:
            node.broken, node.value = True, None
        elif any("\ud800" <= c <= "\udfff" for c in event.value):
            place = node.place
            hint = "write the character itself, or its full number: \\U0001F600"
            self.issues.append(Issue("bad-encoding", "half of a surrogate pair is no character", place, hint))
            node.broken = True
        else:
            node.value = self._resolved(event, node)
        self._add(node, event.value)

    def _resolved(self, event: yaml.ScalarEvent, node: Node) -> Any:
        text: str = event.value
        if not node.is_plain:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _NUMBER.fullmatch(text):
            if re.fullmatch(r"-?[0-9]{1,300}", text):
                return int(text)
            number = float(text) if len(text) <= 300 else math.inf
            if math.isfinite(number):
                return number
            message = "the number is too large"
            self.issues.append(
                Issue("wrong-kind", message, node.place, "write it in quotes to send it as text")
            )
            node.broken = True
        elif AMBIGUOUS.fullmatch(text) and not self._expects_key():
            message = f"unquoted, `{text}` is text here, and something else to other YAML readers"
            hint = f'write "{text}" for the text, or one of true, false, null and a plain number'
            self.issues.append(Issue("ambiguous-value", message, node.place, hint))
        return text

    def _expects_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return bool(top and top.node.kind == "map" and not top.key_known)

    def _open(self, event: Any, kind: NodeKind) -> None:
        node = self._node(kind, event, value={} if kind == "map" else [])
        if len(self._stack) >= self.limits.depth:
            self._stop(f"values are nested over {self.limits.depth} deep", event.start_mark)
        self._stack.append(_Frame(node, is_key=self._expects_key()))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        frame.node.end = event.end_mark.index
        if not frame.is_key:
            self._add(frame.node)
            return
        parent = self._stack[-1]
        parent.key, parent.key_known, parent.node.broken = None, True, True
        outer = parent.node
        if self.document.text.startswith("{{", outer.start):
            message = "the template stands without quotes"
            line, column = self.document.position(outer.start)
            rest = self.document.shown[line][column:].split(" #")[0].rstrip()
            hint = (
                f'put the whole value in quotes: "{rest}"'
                if '"' not in rest
                else f"put it in quotes: '{rest}'"
            )
            self.issues.append(Issue("quote-the-template", message, outer.place, hint))
        else:
            self.issues.append(Issue("key-not-text", "a key is text, not a list or a map", frame.node.place))

    def _add(self, node: Node, raw: str = "") -> None:
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if top.node.kind == "list":
            top.node.value.append(node)
        elif not top.key_known:
            top.key, top.key_known = self._key(top, node, raw), True
        else:
            if top.key is not None:
                top.node.value[top.key] = node
            top.key, top.key_known = None, False

    def _key(self, top: _Frame, node: Node, raw: str) -> str | None:
        if node.broken:
            top.node.broken = True
            return None
        if node.is_plain and raw == "<<":
            self.issues.append(
                Issue(
                    "not-supported",
                    "`<<` merges maps, which specs do not use",
                    node.place,
                    "share lines through mappings/shared/ and `use:`",
                )
            )
            return None
        if not isinstance(node.value, str):
            message = f"the key `{raw}` is not text" if raw else "the key is empty"
            self.issues.append(Issue("key-not-text", message, node.place, f'write it in quotes: "{raw}"'))
            return None
        if node.value in top.node.value:
            first = top.node.keys[node.value].place
            message = f'"{node.value}" stands twice; first in line {first.line}'
            is_plain = top.node.value[node.value].kind == "scalar"
            hint = "keep one of them" if is_plain else f"put its lines under the one in line {first.line}"
            self.issues.append(Issue("duplicate-key", message, node.place, hint))
            return None
        top.node.keys[node.value] = node
        return node.value

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        place = self.document.place_of(event.start_mark.index)
        self.issues.append(Issue("not-supported", message, place, hint))

    def _stop(self, message: str, mark: Any) -> None:
        raise _TooLarge(message, self.document.place_of(mark.index))


_QUOTE_IT = "meant as part of a path? put the whole value in quotes"


def _merged(faults: list[Issue], issues: list[Issue]) -> list[Issue]:
    """Every fault once, in the order of the file; a line that broke tells of nothing else."""
    told = {fault.place.line: fault for fault in reversed(faults) if fault.place}
    kept = [issue for issue in issues if not (issue.place and issue.place.line in told)]
    return sorted([*told.values(), *kept], key=lambda issue: issue.place or Place("", 0, 0))
