"""Specs in the YAML blocks of Markdown pages, checked where they stand."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from engine.errors import SpecError
from engine.folder import Reading, Shelf, default_folder, in_order
from engine.issues import Issue
from engine.language.keys import KEYS
from engine.language.source import Node, read

_FENCE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>```+|~~~+)[ \t]*ya?ml(?P<more>[^\n]*)\n(?P<text>.*?)^[ \t]*(?P=fence)",
    re.DOTALL | re.MULTILINE,
)
_OWN_KEYS = tuple(key for key in KEYS["piece"] if key not in ("name", "value", "item"))
_OWN_KEY = re.compile(rf"^(?:{'|'.join(_OWN_KEYS)})[ \t]*:", re.MULTILINE)
SKIP = "no-check"
"""After `yaml`, in the line that opens a block: it is not looked at."""


@dataclass(frozen=True, slots=True)
class Block:
    """A YAML block: the page with everything else blanked, so that places are those of the page."""

    file: Path
    line: int
    raw: bytes


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
    for match in _FENCE.finditer(text):
        if SKIP not in match.group("more").split():
            before = text.count("\n", 0, match.start("text"))
            yield Block(page, before + 1, ("\n" * before + match.group("text")).encode())


def _is_ours(root: Node | None, raw: bytes) -> bool:
    """Whether a key of the language that no other kind of file has stands at the top."""
    if root is not None and root.kind == "map":
        return any(key in _OWN_KEYS for key in root.value)
    return bool(_OWN_KEY.search(dedent(raw.decode("utf-8"))))
