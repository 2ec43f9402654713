"""Specs in the form of the house: the shorter of two forms that say the same, in a fixed order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.errors import SpecError
from engine.folder import SHARED
from engine.issues import Issue, Place
from engine.language.document import Document
from engine.language.keys import kind_of
from engine.language.source import Node, read
from engine.tools.files import replace_file
from engine.tools.fmt.comments import comments_of
from engine.tools.fmt.layout import lay_out
from engine.tools.fmt.meaning import check_alone, meaning_of
from engine.tools.fmt.order import in_order
from engine.tools.fmt.page import page
from engine.tools.fmt.shorter import role_within, shorter

Outcome = Literal["same", "changed", "faulty", "failed", "unsafe"]

_OTHER_BREAKS = ("\x85", "\u2028", "\u2029")
"""What YAML takes for line breaks, and no editor does."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """What became of a file: `same` as before, `changed`, or left as it is.

    `faulty`: the issues say why. `failed`: it cannot be read or written, for the reason. `unsafe`: the new
    form would not say the same, which is a fault of ours.
    """

    file: str
    outcome: Outcome
    before: str = ""
    after: str = ""
    issues: tuple[Issue, ...] = ()
    reason: str = ""


def format_files(paths: Iterable[str | Path], *, write: bool) -> Iterator[Formatted]:
    """Each mapping file with what became of it, written where *write* says so; a folder gives all of its own.

    Raises SpecError where a path is not there, before anything is written.
    """
    for file in dict.fromkeys(file for path in paths for file in _files(Path(path))):
        yield _format_file(file, write)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for folder in (path, path / SHARED) for file in _yaml(folder)]
        if not found:
            raise SpecError(f"there are no specs (*.yaml) in {path}")
        return found
    if not path.exists():
        raise SpecError(f"there is no file or folder {path}")
    return [path]


def _yaml(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")], key=lambda file: file.name)


def _format_file(file: Path, write: bool) -> Formatted:
    try:
        made = format_text(file.read_bytes(), str(file), is_shared=file.absolute().parent.name == SHARED)
        if write and made.outcome == "changed":
            replace_file(file, made.after.encode("utf-8"))
    except OSError as error:
        return Formatted(str(file), "failed", reason=(error.strerror or "it cannot be written").lower())
    return made


def format_text(raw: bytes, name: str, *, is_shared: bool | None = None) -> Formatted:
    """What becomes of a spec's text; *name* is that of its file, for places.

    Without *is_shared* it is a shared file if it has neither `metric` nor `name`.
    """
    root, issues = read(raw, name)
    issues += _faults(root, name, is_shared) if not _errors(issues) else []
    if _errors(issues):
        return Formatted(name, "faulty", issues=_errors(issues))
    before = raw.decode("utf-8")
    after = _formed(root, _document(root, before, name))
    if after == before:
        return Formatted(name, "same", before, after)
    made = Formatted(name, "changed", before, after)
    return made if _says_the_same(root, made) else replace(made, outcome="unsafe", after="")


def diff_of(made: Formatted) -> list[str]:
    """The lines of a unified diff from the file as it is to its form, each with one line around it."""
    # Imported here: few runs show it.
    from difflib import unified_diff

    texts = (made.before.split("\n"), made.after.split("\n"))
    return [*unified_diff(*texts, made.file, f"{made.file} (in form)", n=1, lineterm="")]


def _errors(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    return tuple(issue for issue in issues if issue.severity == "error")


def _faults(root: Node | None, name: str, is_shared: bool | None) -> list[Issue]:
    if is_shared is None:
        is_shared = root is None or not kind_of(root)
    if root is None and is_shared:
        return []
    if root is None or root.kind != "map":
        what = "the file is empty" if root is None else "a spec has lines of `key: value`"
        return [Issue("not-a-spec", what, root.place if root else Place(name, 1, 1))]
    found: list[Issue] = []
    check_alone(root, Path(name).stem, is_shared, found.append)
    return found


def _document(root: Node | None, text: str, name: str) -> Document:
    if root is not None:
        return root.document
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Document(name, text, tuple(text.split("\n")))


def _formed(root: Node | None, document: Document) -> str:
    """The text in its form, step by step."""
    if any(character in document.text for character in _OTHER_BREAKS):
        return document.text
    layout = lay_out(root, document)
    items = tuple(shorter(item, role_within("file", item.name)) for item in layout.items)
    header, ordered = in_order(replace(layout, items=items))
    return page(header, ordered)


def _says_the_same(root: Node | None, made: Formatted) -> bool:
    """Whether the new text, read anew, means what the old one does, and has all of its comments."""
    again, issues = read(made.after.encode("utf-8"), made.file)
    stem = Path(made.file).stem
    if _errors(issues) or meaning_of(root, stem) != meaning_of(again, stem):
        return False
    return _comments(root, made.before, made.file) == _comments(again, made.after, made.file)


def _comments(root: Node | None, text: str, name: str) -> list[str]:
    return sorted(comment.text for comment in comments_of(root, _document(root, text, name)))
