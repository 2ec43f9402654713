"""Runs the `tests:` inside specs, and says property by property what differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.deadline import OF_COMMANDS
from engine.errors import Unreadable
from engine.events import Parked, Result, Translation
from engine.intercom.records import RecordsFile, read_records
from engine.intercom.webhook import decoded
from engine.issues import Place, did_you_mean
from engine.language.catalogue import KEYS, kind_of
from engine.language.conversions import iso, moment
from engine.language.faults import Failed, Refused
from engine.language.plan import Plan
from engine.language.source import Node
from engine.language.spec import Case
from engine.runner import Runner
from engine.tools.equality import is_same

ABSENT = "(left out)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that did not come true, and its line."""

    field: str
    expected: Any
    got: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test that ran: without differences it has passed."""

    case: Case
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return not self.differences


def records_in(fixtures: Path) -> RecordsFile | None:
    """The records that belong to a folder of fixtures. Raises Unreadable where they are damaged."""
    for name in ("records.yaml", "records.json"):
        if (fixtures / name).is_file():
            return read_records(fixtures / name)
    return None


def run_cases(plan: Plan, fixtures: Path, records: RecordsFile | None) -> Iterator[Outcome]:
    """Each test of a spec, run on the fixtures of a folder."""
    runner = Runner([plan], records=records, deadline_seconds=OF_COMMANDS)
    for case in plan.spec.cases:
        yield Outcome(case, tuple(_differences(runner, plan, case, fixtures)))


def _differences(runner: Runner, plan: Plan, case: Case, fixtures: Path) -> Iterator[Difference]:
    try:
        payload = _given(plan, case, fixtures)
        results = runner.translate(payload)
    except Unreadable as error:
        yield Difference("given", case.given, error.reason, case.place)
        return
    yield from _compared(case.expect, results)


def _given(plan: Plan, case: Case, fixtures: Path) -> dict[str, Any]:
    """The fixture with the changes of the test. Raises Unreadable."""
    file = fixtures / f"{case.given}.json"
    if not _is_there(file) or not file.resolve().is_relative_to(fixtures.resolve()):
        known = [found.stem for found in fixtures.glob("*.json")]
        meant = did_you_mean(case.given, known) or "; write its name without folder and .json"
        raise Unreadable(f"there is no fixture {case.given}.json in {fixtures}{meant}")
    try:
        payload = decoded(file.read_bytes())
    except (Unreadable, OSError):
        raise Unreadable(f"the fixture {file} is no JSON") from None
    if not isinstance(payload, dict):
        raise Unreadable(f"the fixture {file} is no notification")
    try:
        item = plan.spec.item.search(payload)
    except Failed:
        item = None
    documented = {key for topic in plan.spec.topics for key in KEYS.get(kind_of(topic), ())}
    for steps, node in case.changes:
        if steps[0] == "event":
            _put(payload, steps[1:], node)
        elif isinstance(item, dict):
            if steps[0] not in documented:
                _check_there(item, steps[0], ".".join(map(str, steps)))
            _put(item, steps, node)
        else:
            raise Unreadable("the fixture has no item to change")
    if case.history:
        history = {"type": "notification_event", "history": True, "app_id": payload.get("app_id")}
        return {**history, "data": {"item": item}}
    return payload


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # no name of a file
        return False


def _put(at: Any, steps: tuple[str | int, ...], node: Node) -> None:
    """Put a value at a place, making the objects on the way."""
    where = ".".join(map(str, steps))
    for step, following in pairwise(steps):
        found = _child(at, step)
        _check_there(at, step, where)
        if not isinstance(found, dict | list):
            if not isinstance(at, dict) or not isinstance(step, str) or not isinstance(following, str):
                raise Unreadable(f"the fixture has no place `{where}`")
            at[step] = found = {}
        at = found
    match (at, steps[-1:]):
        case (dict(), (str(key),)):
            at[key] = node.data()
        case (list(), (int(index),)) if -len(at) <= index < len(at):
            at[index] = node.data()
        case _:
            raise Unreadable(f"the fixture has no place `{where}`")


def _check_there(at: Any, step: str | int, where: str) -> None:
    """Refuse to pass through a key that the fixture does not have: it is misspelt."""
    if isinstance(at, dict) and isinstance(step, str) and step not in at:
        raise Unreadable(f"the fixture has no `{step}` for `{where}`{did_you_mean(step, at)}")


def _child(at: Any, step: str | int) -> Any:
    if isinstance(at, dict) and isinstance(step, str):
        return at.get(step)
    if isinstance(at, list) and isinstance(step, int) and -len(at) <= step < len(at):
        return at[step]
    return None


def _compared(expect: Node, results: list[Result]) -> Iterator[Difference]:
    made = [result for result in results if isinstance(result, Translation)]
    if expect.kind == "scalar":
        got = _outcome(results)
        if got != expect.value:
            yield Difference("outcome", expect.value, _told(results), expect.place)
        return
    wanted = expect.value if expect.kind == "list" else [expect]
    if len(made) != len(wanted):
        number = f"{len(wanted)} result{'s' if len(wanted) > 1 else ''}"
        yield Difference("outcome", number, _told(results), expect.place)
        return
    for node, translation in zip(wanted, made, strict=True):
        yield from _parts(node, translation)


def _outcome(results: list[Result]) -> str:
    if any(isinstance(result, Translation) for result in results):
        return "event"
    return "parked" if any(isinstance(result, Parked) for result in results) else "skipped"


def _told(results: list[Result]) -> str:
    return "; ".join(
        f"an event {result.unique_id}".strip() if isinstance(result, Translation)
        else f"{'parked' if isinstance(result, Parked) else 'skipped'}: {result.detail}"
        for result in results
    )  # fmt: skip


def _parts(node: Node, made: Translation) -> Iterator[Difference]:
    for key, _, wanted in node.items():
        if key == "time":
            if not _same_moment(wanted.value, made):
                yield Difference("time", wanted.value, iso(made.time) if made.time else ABSENT, wanted.place)
        elif key == "without":
            yield from _unwanted(wanted, made)
        elif key in ("profile", "properties"):
            yield from _within(key, wanted, getattr(made, key), _reasons(made))
        else:
            yield from _one(key, wanted, getattr(made, key), _reasons(made))


def _same_moment(wanted: Any, made: Translation) -> bool:
    try:
        return made.time is not None and moment(wanted) == made.time
    except Refused:
        return False


def _unwanted(node: Node, made: Translation) -> Iterator[Difference]:
    for name in node.value if node.kind == "list" else [node]:
        for section in (made.profile, made.properties):
            if name.value in section:
                yield Difference(str(name.value), ABSENT, section[name.value], name.place)


def _reasons(made: Translation) -> dict[str, str]:
    """Why fields are left out, by the field."""
    return {issue.field: issue.message.partition(": ")[2] for issue in made.issues if issue.field}


def _within(label: str, node: Node, got: Any, reasons: dict[str, str]) -> Iterator[Difference]:
    """The lines of an expected object; what it does not name may be there."""
    for key, _, wanted in node.items():
        found = got.get(key) if isinstance(got, dict) else None
        yield from _one(f"{label}.{key}", wanted, found, reasons)


def _one(label: str, wanted: Node, found: Any, reasons: dict[str, str]) -> Iterator[Difference]:
    if wanted.kind == "map" and isinstance(found, dict):
        yield from _within(label, wanted, found, reasons)
    elif not is_same(wanted.data(), found):
        absent = f"(left out: {reasons[label]})" if label in reasons else ABSENT
        yield Difference(label, wanted.data(), absent if found is None else found, wanted.place)
