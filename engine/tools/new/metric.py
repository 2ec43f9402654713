"""A new metric from a captured notification: its spec and its fixture written, checked and tested."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from engine import paths
from engine.errors import SpecError
from engine.folder import look_at
from engine.intercom.records import RecordsFile
from engine.issues import Issue
from engine.klaviyo.limits import LONGEST_METRIC
from engine.klaviyo.lint import NATIVE_METRICS
from engine.language.source import read
from engine.tools.cases import Outcome, records_in, run_cases
from engine.tools.new.captured import read_captured
from engine.tools.new.drafting import Shelved, text_of

_INIT = "`intercom-klaviyo init FOLDER` makes a folder to edit"
_STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class NewMetric:
    """What was written, and what `check` and `test` say of it.

    `is_new_fixture` says whether the fixture was written, too, or the same bytes were there.
    """

    file: Path
    fixture: Path
    is_new_fixture: bool
    issues: tuple[Issue, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it has no fault and its tests pass."""
        faults = any(issue.severity == "error" for issue in self.issues)
        return bool(self.outcomes) and not faults and all(outcome.passed for outcome in self.outcomes)


def folder_for(mappings: str) -> Path:
    """The folder that a new spec goes into: the one that is named, or `./mappings`.

    Raises SpecError where there is none, and for the shipped mappings.
    """
    folder = Path(mappings or "mappings")
    if not folder.is_dir():
        where = f"there is no folder {folder}" if mappings else "there is no ./mappings here"
        raise SpecError(f"{where}; {_INIT}")
    if folder.resolve().is_relative_to(Path(paths.__file__).resolve().parent):
        raise SpecError(f"{folder} belongs to the installed package; {_INIT}")
    return folder


def make(metric: str, raw: bytes, folder: Path, stem: str = "") -> NewMetric:
    """Write the spec of a metric, and its fixture, from a notification's bytes.

    *stem* is the name of its file; by default it is made from the metric's. Raises SpecError where the
    metric or the file is there already, and Unreadable where no spec can be made of the notification;
    then nothing is written.
    """
    try:
        _check_name(metric, folder)
        file = _file_for(metric, stem, folder)
        captured = read_captured(raw)
        fixtures = paths.fixtures_beside(folder.resolve()) or folder.resolve().parent / "tests" / "fixtures"
        records = records_in(fixtures)
        fixture = _fixture_for(captured.topic, raw, fixtures)
        made = NewMetric(file, fixture, is_new_fixture=not fixture.exists())
        text = text_of(metric, captured, Shelved(file), fixture.stem, records)
        _write({fixture: raw, file: text.encode()} if made.is_new_fixture else {file: text.encode()})
    except OSError as error:
        where = error.filename or folder
        raise SpecError(f"{where}: {error.strerror or 'it cannot be written'}; nothing was written") from None
    return _verified(made, records)


def _verified(made: NewMetric, records: RecordsFile | None) -> NewMetric:
    """What `check` and `test` say of the file, read again among the others of its folder."""
    reading = look_at([made.file.parent])
    issues = [one for one in reading.issues if one.place and one.place.file == str(made.file)]
    plans = [plan for plan in reading.plans if plan.spec.file == str(made.file)]
    outcomes = [one for plan in plans for one in run_cases(plan, made.fixture.parent, records)]
    return replace(made, issues=tuple(issues), outcomes=tuple(outcomes))


def _check_name(metric: str, folder: Path) -> None:
    """Refuse a name that Klaviyo would not take, or that another metric has."""
    if not metric.strip() or metric != metric.strip() or not metric.isprintable():
        raise SpecError("a metric needs a name of printable characters, without blanks around it")
    if len(metric) > LONGEST_METRIC:
        raise SpecError(f"the name has {len(metric)} characters, and Klaviyo takes {LONGEST_METRIC}")
    for file, name in _metrics(folder):
        if name == metric:
            raise SpecError(f'"{metric}" is there already: {file}')
        if name.casefold() == metric.casefold():
            raise SpecError(f'{file} makes "{name}", and Klaviyo would make two metrics of them')
    native = next((name for name in NATIVE_METRICS if name.casefold() == metric.casefold()), metric)
    if native != metric:
        raise SpecError(f'Klaviyo\'s own integration makes "{native}": write it like that, or otherwise')


def _metrics(folder: Path) -> Iterator[tuple[Path, str]]:
    """The file and the name of every metric and profile of a folder, also of faulty ones."""
    for file in sorted(file for ending in _ENDINGS for file in folder.glob(f"*{ending}")):
        root, _ = read(file.read_bytes(), str(file))
        node = root and (root.get("metric") or root.get("name"))
        if node and node.is_text:
            yield file, str(node.value)


def _file_for(metric: str, stem: str, folder: Path) -> Path:
    """The file of a new metric, which is not there yet. Raises SpecError."""
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    if stem and not _STEM.fullmatch(stem):
        raise SpecError("--name takes the name of a file alone: letters, digits, _ - and dots")
    stem = stem or _snake_case(metric)
    if not stem:
        raise SpecError("the file needs a name of letters or digits: give it one with --name")
    for ending in _ENDINGS:
        if (folder / f"{stem}{ending}").exists():
            raise SpecError(f"{folder / f'{stem}{ending}'} is there already; --name takes another name")
    return folder / f"{stem}.yaml"


def _snake_case(name: str) -> str:
    """`Replied to "VIP"` -> `replied_to_vip`; nothing where no letter or digit of ASCII is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "_".join(re.findall(r"[a-z0-9]+", plain.lower()))


def _fixture_for(topic: str, raw: bytes, fixtures: Path) -> Path:
    """The fixture with these bytes, or a name for it that is free: `TOPIC.json`, `TOPIC.2.json`."""
    for file in sorted(fixtures.glob("*.json")):
        if file.stat().st_size == len(raw) and file.read_bytes() == raw:
            return file
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", topic).lstrip(".")[:80] or "notification"
    names = (f"{stem}.{number}.json" if number > 1 else f"{stem}.json" for number in count(1))
    return next(fixtures / name for name in names if not (fixtures / name).exists())


def _write(files: dict[Path, bytes]) -> None:
    """Write files that are not there yet; what cannot be finished leaves none of them. Raises OSError."""
    made: list[Path] = []
    try:
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                made.append(file)
                stream.write(content)
    except OSError:
        for file in made:
            with suppress(OSError):
                file.unlink()
        raise
