"""A folder of mappings on disk -> plans, or every fault in it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import SpecError
from engine.issues import Issue, Place, counted
from engine.language.document import Document
from engine.language.plan import Plan
from engine.language.reader import Cache, check_shared, read_spec, used
from engine.language.source import Node, read
from engine.language.values import Say
from engine.paths import bundled

SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look at some mapping files gave: plans of those without an error, and all issues."""

    plans: tuple[Plan, ...]
    issues: tuple[Issue, ...]
    files: tuple[Path, ...]

    @property
    def errors(self) -> int:
        """How many issues stop the specs from running."""
        return sum(issue.severity == "error" for issue in self.issues)


def load(folder: str | Path | None = None) -> tuple[Plan, ...]:
    """The plans of a folder of mappings (or of one file), by file name.

    Without a folder: `./mappings`, or else the mappings that are shipped. Raises SpecError with every
    fault of every file.
    """
    reading = look_at(None if folder is None else [folder])
    path = "mappings" if folder is None else folder
    if reading.errors:
        what = f"{counted(reading.errors, 'fault')} in {path}"
        raise SpecError(what, [issue for issue in reading.issues if issue.severity == "error"])
    if not reading.plans:
        raise SpecError(f"there are no specs in {path}: what lies in shared/ is taken in by them")
    return reading.plans


def default_folder() -> Path:
    """`./mappings` where it is, or else the shipped ones."""
    here = Path("mappings")
    return here if here.is_dir() else bundled("mappings")


def look_at(paths: Iterable[str | Path] | None = None) -> Reading:
    """Read mapping files and folders of them; without any, those of `default_folder`.

    Raises SpecError where there is nothing to read.
    """
    shipped = default_folder() if paths is None else None
    files = [file for path in ([shipped] if shipped else paths or ()) for file in _files(Path(path))]
    files = list(dict.fromkeys(files))
    shelves: dict[Path, _Shelf] = {}
    issues: list[Issue] = []
    plans: list[Plan] = []
    for file in files:
        folder = file.parent.parent if file.parent.name == SHARED else file.parent
        if folder not in shelves:
            shelves[folder] = _Shelf(folder, Path("mappings") if shipped else folder)
        shelf = shelves[folder]
        if file.parent.name == SHARED:
            shelf.check_shared(file, issues.append)
        else:
            plan = shelf.plan(file, issues.append)
            plans += [plan] if plan else []
    issues = sorted(dict.fromkeys(issues), key=lambda issue: (issue.place or Place("", 0, 0), issue.code))
    return Reading(tuple(plans), tuple(issues), tuple(files))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found, shared = _yaml(path), _yaml(path / SHARED)
        if not found and not (shared and path.name == SHARED):
            raise SpecError(f"there are no specs (*.yaml) in {path}")
        return found + shared
    if not path.exists():
        raise SpecError(f"there is no file or folder {path}")
    return [path]


class _Shelf:
    """One folder of mappings with its shared files, each read once.

    *named* stands for the folder in places: the shipped mappings are called the same wherever they lie.
    """

    def __init__(self, folder: Path, named: Path) -> None:
        self._folder = folder
        self._named = named
        self._shared: dict[str, Path] = {file.stem: file for file in _yaml(folder / SHARED)}
        self._roots: dict[str, Node] = {}
        self._issues: dict[Path, list[Issue]] = {}
        self._values: Cache = {}
        self._digest = b""
        for name, file in self._shared.items():
            raw, root = self._look_at_shared(file)
            self._digest += raw + b"\0"
            self._roots[name] = root if root is not None else _nothing(file)

    def _look_at_shared(self, file: Path) -> tuple[bytes, Node | None]:
        raw, root, issues = self._read(file)
        self._issues[file] = issues
        if root is not None:
            check_shared(root, issues.append, self._values)
        return raw, root

    def check_shared(self, file: Path, say: Say) -> bool:
        """Tell the faults of a shared file; whether it has none."""
        if file not in self._issues:  # named by hand, and no .yaml that a spec could take in
            self._look_at_shared(file)
        for issue in self._issues[file]:
            say(issue)
        return not any(issue.severity == "error" for issue in self._issues[file])

    def plan(self, file: Path, say: Say) -> Plan | None:
        """The plan of a file, or None where it, or what it uses, is faulty."""
        raw, root, issues = self._read(file)
        for issue in issues:
            say(issue)
        if root is None:
            if not issues:
                say(Issue("not-a-spec", "the file is empty", Place(self._name(file), 1, 1)))
            return None
        shared = [self._shared[name] for name in used(root) if name in self._shared]
        sound = all([self.check_shared(file, say) for file in shared])
        spec = read_spec(root, file.stem, self._roots, say, self._values)
        if spec is None or not sound or any(issue.severity == "error" for issue in issues):
            return None
        digest = hashlib.blake2b(raw + b"\0" + self._digest, digest_size=8).hexdigest()
        return Plan(replace(spec, hash=digest))

    def _name(self, file: Path) -> str:
        return str(self._named / file.relative_to(self._folder))

    def _read(self, file: Path) -> tuple[bytes, Node | None, list[Issue]]:
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise SpecError(f"{file}: {error.strerror or 'cannot be read'}") from None
        root, issues = read(raw, self._name(file))
        if root is not None and root.kind != "map" and not root.broken:
            issues.append(Issue("not-a-spec", "a spec has lines of `key: value`", root.place))
            root = None
        return raw, root, issues


def _yaml(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")], key=lambda file: file.name)


def _nothing(file: Path) -> Node:
    """The root of a file in which nothing could be read."""
    return Node("map", Document(str(file), "", ()), 0, 0, {})
