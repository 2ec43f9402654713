"""Specs in the YAML blocks of Markdown pages, checked where they stand."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from engine.errors import SpecError
from engine.folder import Reading, Shelf, default_folder, in_order
from engine.issues import Issue, Place
from engine.language.keys import KEYS
from engine.language.source import Node, read

_FENCE = re.compile(
    r"(?P<before>(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*[ \t]*)"
    r"(?P<fence>`{3,}(?!.*`)|~{3,})[ \t]*(?P<language>\S*)(?P<more>.*)"
)
"""The line that opens a block; quotes and lists may stand before it."""
_QUOTES = re.compile(r"[ \t]*(?:>[ \t]*)*")
_YAML = ("yaml", "yml")
_OWN_KEYS = tuple(key for key in KEYS["piece"] if key not in ("name", "value", "item"))
_OWN_KEY = re.compile(rf"^(?:{'|'.join(_OWN_KEYS)})[ \t]*:", re.MULTILINE)
SKIP = "no-check"
"""After `yaml`, in the line that opens a block: it is not looked at."""


@dataclass(frozen=True, slots=True)
class Block:
    """A YAML block: the page with everything else blanked, so that places are those of the page.

    `opening` is the line that opens it, and `is_closed` whether another one closes it.
    """

    file: Path
    line: int
    raw: bytes
    opening: str = ""
    is_closed: bool = True


def look_at_pages(files: Iterable[str | Path]) -> tuple[Reading, int]:
    """The faults of every block that is a spec, or a piece of one; and how many blocks are.

    A block is one that has one of the language's keys at its top. `use:` takes from the shared
    files of `default_folder`. Raises SpecError for a page that cannot be read.
    """
    folder = default_folder()
    issues: list[Issue] = []
    pages = [Path(file) for file in files]
    blocks = 0
    for block in (block for page in pages for block in blocks_of(page)):
        root, faults = read(block.raw, str(block.file))
        if not _is_ours(root, block.raw):
            continue
        blocks += 1
        if not block.is_closed:
            issues.append(_never_closed(block))
            continue
        issues += faults
        if root is None:
            continue
        shelf = Shelf(folder, folder)
        shelf.spec(root, block.file.stem, issues.append, is_piece=True)
        issues += shelf.issues_of_all()
    own = {str(page) for page in pages}
    told = in_order([issue for issue in issues if issue.place and issue.place.file in own])
    return Reading((), tuple(told), tuple(pages)), blocks


def blocks_of(page: Path) -> Iterator[Block]:
    """The YAML blocks of a page. Raises SpecError."""
    try:
        text = page.read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise SpecError(f"{page}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{page}: it is not UTF-8") from None
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        at += 1
        if fence is None:
            continue
        end, is_closed = _end_of(fence, lines, at)
        if _is_yaml(fence) and SKIP not in fence["more"].split():
            inside = "".join(f"{_without_quotes(line, fence)}\n" for line in lines[at:end])
            yield Block(page, at + 1, ("\n" * at + inside).encode(), lines[at - 1], is_closed)
        at = end + is_closed


def _is_yaml(fence: re.Match[str]) -> bool:
    return fence["language"].lower() in _YAML


def _end_of(fence: re.Match[str], lines: list[str], start: int) -> tuple[int, bool]:
    """The line after a block's last, and whether that closes it; or its quote, or the page, ends before.

    Another YAML block is no part of one: where it opens, this one was not closed. Of any other language
    it may be: so pages show pages.
    """
    quotes = fence["before"].count(">")
    for at in range(start, len(lines)):
        before = _QUOTES.match(lines[at]).group()  # type: ignore[union-attr]  # it matches nothing, too
        if before.count(">") < quotes:
            return at, False
        rest = lines[at][len(before) :].rstrip() if quotes else lines[at].strip()
        if len(rest) >= len(fence["fence"]) and set(rest) == {fence["fence"][0]}:
            return at, True
        other = _FENCE.fullmatch(lines[at])
        if other and _is_yaml(fence) and _is_yaml(other):
            return at, False
    return len(lines), False


def _without_quotes(line: str, fence: re.Match[str]) -> str:
    """A line of a block with blanks for the signs of the quote that it stands in."""
    return line.replace(">", " ", fence["before"].count(">"))


def _never_closed(block: Block) -> Issue:
    fence = _FENCE.fullmatch(block.opening)
    assert fence is not None
    place = Place(str(block.file), block.line - 1, fence.start("fence") + 1, block.opening)
    return Issue("bad-yaml", "this block is never closed", place, f"end it with {fence['fence']}")


def _is_ours(root: Node | None, raw: bytes) -> bool:
    """Whether a key of the language that no other kind of file has stands at the top."""
    if root is not None and root.kind == "map":
        return any(key in _OWN_KEYS for key in root.value)
    return bool(_OWN_KEY.search(dedent(raw.decode("utf-8"))))
