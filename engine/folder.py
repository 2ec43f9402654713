"""A folder of mappings on disk -> plans, or every fault in it."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.deadline import TooSlow, within
from engine.errors import SpecError
from engine.issues import Issue, Place, counted, did_you_mean
from engine.klaviyo import lint as klaviyo
from engine.language.document import Document
from engine.language.lint.stability import issues_of_id
from engine.language.plan import Plan
from engine.language.reader import Cache, check_shared, read_spec, used
from engine.language.source import Node, read
from engine.language.spec import Draft, Spec
from engine.language.values import Say
from engine.paths import bundled, fixtures_beside

SHARED = "shared"
HERE = Path("mappings")


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
    reading = look_at(None if folder is None else [folder], thorough=False)
    path = "mappings" if folder is None else folder
    if reading.errors:
        what = f"{counted(reading.errors, 'fault')} in {path}"
        raise SpecError(what, [issue for issue in reading.issues if issue.severity == "error"])
    if not reading.plans:
        raise SpecError(f"there are no specs in {path}: what lies in shared/ is taken in by them")
    return reading.plans


def default_folder() -> Path:
    """`./mappings` where it is, or else the shipped ones."""
    return HERE if HERE.is_dir() else bundled("mappings")


def look_at(
    paths: Iterable[str | Path] | None = None,
    *,
    thorough: bool = True,
    deadline_seconds: float | None = None,
) -> Reading:
    """Read mapping files and folders of them; without any, those of `default_folder`.

    *thorough* also warns of what cannot be meant, which running needs not. *deadline_seconds* gives up a file
    that takes longer: for specs of strangers, in the main thread. Raises SpecError where there is nothing
    to read.
    """
    shipped = default_folder() if paths is None else None
    files = [file for path in ([shipped] if shipped else paths or ()) for file in _files(Path(path))]
    files = list({file.resolve(): file for file in reversed(files)}.values())[::-1]
    shelves: dict[Path, Shelf] = {}
    issues: list[Issue] = []
    plans: list[Plan] = []
    for file in files:
        folder = file.parent.parent if file.parent.name == SHARED else file.parent
        try:
            with within(deadline_seconds):
                if folder not in shelves:
                    shelves[folder] = Shelf(folder, Path("mappings") if shipped else folder, thorough)
                shelf = shelves[folder]
                if file.parent.name == SHARED:
                    shelf.ask_for(file, issues.append)
                elif plan := shelf.plan(file, issues.append):
                    plans.append(plan)
        except TooSlow:
            message = f"reading this file takes over {deadline_seconds:g} seconds"
            issues.append(Issue("too-slow", message, Place(str(file), 1, 1)))
    for shelf in shelves.values():
        issues += shelf.issues_of_all()
    return Reading(tuple(plans), tuple(in_order(issues)), tuple(files))


def in_order(issues: Iterable[Issue]) -> list[Issue]:
    """Each issue once, by place; where one place has several, a fault hides the warnings that follow it."""
    worst: dict[Place | None, int] = {}
    for issue in issues:
        worst[issue.place] = min(worst.get(issue.place, _WEIGHTLESS), _weight(issue))
    kept = [issue for issue in dict.fromkeys(issues) if _weight(issue) == worst[issue.place]]
    return sorted(kept, key=lambda issue: (issue.place or Place("", 0, 0), issue.code))


_WEIGHTLESS = 3


def _weight(issue: Issue) -> int:
    """Faults before warnings, and before other warnings that YAML may not have read what was meant."""
    return 0 if issue.severity == "error" else 1 if issue.code == "ambiguous-value" else 2


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found, shared = _yaml(path), _yaml(path / SHARED)
        if not found and not (shared and path.name == SHARED):
            raise SpecError(f"there are no specs (*.yaml) in {path}")
        return found + shared
    if not path.exists():
        raise SpecError(f"there is no file or folder {path}")
    return [path]


class Shelf:
    """One folder of mappings with its shared files, each read once.

    *named* stands for the folder in places: the shipped mappings are called the same wherever they lie.
    *thorough* as in `look_at`.
    """

    def __init__(self, folder: Path, named: Path, thorough: bool = True) -> None:
        self._folder = folder
        self._named = named
        self._thorough = thorough
        self._specs: list[Spec] = []
        self._sound: list[Spec] = []
        self._users: Counter[str] = Counter()
        self._odd: Counter[Issue] = Counter()
        self._asked: set[str] = set()
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

    def ask_for(self, file: Path, say: Say) -> None:
        """Tell of a shared file that is itself to be looked at, and not only taken in."""
        self._asked.add(self._name(file))
        self.check_shared(file, say)

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
        if root is None and not issues:
            say(Issue("not-a-spec", "the file is empty", Place(self._name(file), 1, 1)))
        sound = not any(issue.severity == "error" for issue in issues)
        spec = self.spec(root, file.stem, say, sound=sound) if root is not None else None
        if spec is None:
            return None
        digest = hashlib.blake2b(raw + b"\0" + self._digest, digest_size=8).hexdigest()
        return Plan(replace(spec, hash=digest))

    def spec(
        self, root: Node, stem: str, say: Say, *, sound: bool = True, is_piece: bool = False
    ) -> Spec | None:
        """The spec that a root node makes with this folder's shared files; None where anything is faulty."""
        shared = [self._shared[name] for name in used(root) if name in self._shared]
        sound = all([self.check_shared(file, say) for file in shared]) and sound
        draft = read_spec(root, stem, self._roots, say, self._values, is_piece=is_piece)
        if draft is None:
            return None
        self._users.update(self._name(file) for file in shared)
        sound = sound and not draft.faults
        for issue in self._looks_at(draft, root, sound):
            say(issue)
            sound = sound and issue.severity == "warning"
        if not sound:
            return None
        self._sound.append(draft.spec)
        return draft.spec

    def _looks_at(self, draft: Draft, root: Node, sound: bool) -> Iterator[Issue]:
        """What is odd in a spec's own file; of shared files it is kept until all their users are known."""
        spec = draft.spec
        self._specs.append(spec)
        found = list(klaviyo.lint(spec, draft.profile))
        found += [issue for issue in issues_of_id(spec) if sound or issue.severity == "error"]
        if self._thorough:
            # Imported here: only who looks for oddities needs it.
            from engine.language.lint.kinds import issues_of_kinds, issues_of_use
            from engine.language.lint.oddities import lint
            from engine.language.lint.scoping import Doubt

            found += lint(spec, Doubt(draft.doubtful, draft.is_whole, not sound))
            found += [*issues_of_kinds(spec, root, self._roots)] or [
                *issues_of_use(spec, root, self._roots, found)
            ]
        for issue in dict.fromkeys(found):
            if issue.place and issue.place.file != spec.file and issue.severity == "warning":
                self._odd[issue] += 1
            else:
                yield issue

    def issues_of_all(self) -> Iterator[Issue]:
        """What only a look at the whole folder tells, such as what is odd for all users of a shared file."""
        if not self._thorough:
            return
        for issue, times in self._odd.items():
            file = issue.place.file if issue.place else ""
            if file in self._asked and times == self._users[file]:
                yield issue
        yield from klaviyo.lint_metrics(self._specs)
        yield from klaviyo.lint_events(self._sound)
        yield from _odd_fixtures(self._folder, self._specs)

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


def _odd_fixtures(folder: Path, specs: Iterable[Spec]) -> Iterator[Issue]:
    """Tests that are given what is not there, or is of another topic; nothing without fixtures."""
    # Imported here: only who looks for oddities needs it.
    from engine.language.lint.kinds import issues_of_given

    fixtures = fixtures_beside(folder.resolve())
    known = {file.stem: file for file in fixtures.glob("*.json")} if fixtures else {}
    given = {case.given for spec in specs for case in spec.cases}
    payloads = {name: _json(known[name]) for name in given & known.keys()}
    for spec in specs if known else ():
        yield from _unknown_fixtures(spec, known)
        yield from issues_of_given(spec, payloads)


def _json(file: Path) -> Any:
    """What a file holds, or None: whether it can be read is told by the tests that it is for."""
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(file.read_bytes())
    return None


def _unknown_fixtures(spec: Spec, known: Collection[str]) -> Iterator[Issue]:
    for case in spec.cases:
        if case.given in known:
            continue
        message = f"there is no fixture {case.given}.json{did_you_mean(case.given, known)}"
        if case.given.removesuffix(".json") in known:
            message = "a fixture is named without its .json"
        hint = "fixtures lie in tests/fixtures beside the mappings"
        yield Issue("unknown-fixture", message, case.given_place, hint)


def _yaml(folder: Path) -> list[Path]:
    found = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
    return sorted((file for file in found if file.is_file()), key=lambda file: file.name)


def _nothing(file: Path) -> Node:
    """The root of a file in which nothing could be read."""
    return Node("map", Document(str(file), "", ()), 0, 0, {})
