"""A folder of one's own: what is shipped, copied to where it may be edited."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.errors import SpecError
from engine.paths import bundled

FOLDERS = ("mappings", "schemas", "tests/fixtures")
"""The folders that are made, in the order in which they are told of."""

_SHIPPED = (
    ("mappings", "mappings", ("*.yaml", "shared/*.yaml")),
    (
        "schemas",
        "schemas",
        ("metric.*", "profile.*", "shared.*", "common.*", "engine.*"),
    ),  # those that editors use
    ("fixtures", "tests/fixtures", ("*.json", "*.yaml")),  # not versions/: these test the engine itself
)
CARD = "mappings/README.md"
_CARD = """\
# Mappings: how notifications of Intercom become metrics in Klaviyo

| where | what |
|---|---|
| `mappings/*.yaml` | one metric a file; `profile.yaml` makes the profiles |
| `mappings/shared/` | what several metrics carry, taken in by `use` |
| `schemas/` | for editors with a YAML language server: they complete and check while you type |
| `tests/fixtures/` | notifications for the `tests:` in the mappings; `records.yaml` answers look-ups |

Edit a line, then, in the folder above this one:

    intercom-klaviyo check
    intercom-klaviyo test
    intercom-klaviyo translate tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml

A metric of your own, from a notification that you captured:
`intercom-klaviyo new "Closed Conversation" --from captured.json`
"""


@dataclass(frozen=True, slots=True)
class Started:
    """The files that were written, by their path inside the folder, with slashes."""

    folder: Path
    files: tuple[str, ...]

    def within(self, part: str) -> int:
        """How many of them lie below one of FOLDERS."""
        return sum(PurePosixPath(file).is_relative_to(part) for file in self.files)


def start(folder: Path) -> Started:
    """Copy mappings, schemas, fixtures and records into a folder, which is made where it is not there.

    Raises SpecError, and leaves nothing behind, where anything is there already or cannot be written.
    """
    files = dict(_to_write())
    made: list[Path] = []
    try:
        _check_free(folder)
        for name, content in files.items():
            _write(folder / name, content, made)
    except OSError as error:
        left = _taken_back(made)
        where = error.filename or folder
        message = f"{where}: {error.strerror or 'it cannot be written'}; "
        message += f"still there: {', '.join(map(str, left))}" if left else "nothing is left of the copy"
        raise SpecError(message) from None
    return Started(folder, tuple(files))


def _to_write() -> Iterator[tuple[str, bytes]]:
    """Each file's path inside the new folder, and its content."""
    for kind, target, patterns in _SHIPPED:
        source = bundled(kind)
        for file in (file for pattern in patterns for file in sorted(source.glob(pattern))):
            yield f"{target}/{file.relative_to(source).as_posix()}", file.read_bytes()
    yield CARD, _CARD.encode()


def _check_free(folder: Path) -> None:
    """Refuse a folder where one of ours would meet files that are there already."""
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is a file; name a folder")
    there = [name for name in FOLDERS if _is_used(folder / name)]
    if there:
        verb = "is" if len(there) == 1 else "are"
        names = " and ".join(", ".join(str(folder / name) for name in there).rsplit(", ", 1))
        raise SpecError(f"{names} {verb} there already: nothing is written; name another folder")


def _is_used(path: Path) -> bool:
    """Whether something is there that is no empty folder."""
    if path.is_dir():
        return any(path.iterdir())
    return path.is_symlink() or path.exists()


def _write(file: Path, content: bytes, made: list[Path]) -> None:
    """Write a file that is not there yet; *made* is told of it, and of each folder on the way."""
    for folder in reversed(file.parents):
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    with file.open("xb") as stream:
        made.append(file)
        stream.write(content)


def _taken_back(made: list[Path]) -> list[Path]:
    """Remove what was made, the last first; what could not be removed is returned."""
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
    return [path for path in made if path.exists()]
