"""From a captured notification to the text of a spec that passes `check`, with a test that passes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import SpecError
from engine.events import Parked, Result, Translation
from engine.folder import SHARED, Shelf
from engine.intercom.records import RecordsFile
from engine.intercom.webhook import decoded
from engine.issues import Issue
from engine.language.catalogue import KEYS, kind_of
from engine.language.expressions import parse, steps
from engine.language.faults import Failed
from engine.language.lint.findings import Scope
from engine.language.lint.inference import found_by
from engine.language.payloads import ANY, shape_of
from engine.language.plan import Plan
from engine.language.reference import NEAR_SECONDS
from engine.language.source import read
from engine.language.spec import Spec
from engine.runner import Runner
from engine.tools.new.addressee import Addressee, addressee_of, in_shared
from engine.tools.new.captured import PLAIN_ITEM, Captured
from engine.tools.new.expectation import SOMEONE, test_of
from engine.tools.new.occurrence import occurrences
from engine.tools.new.page import Draft, Page, page_of
from engine.tools.new.proposal import Known, Proposed, proposed_of

_ROUNDS = 3
_FEW = 3
"""With fewer values to show, a test shows numbers of what a shared file brings, too."""


class Shelved:
    """Where a new spec is to lie: the file, among the others of its folder."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.folder = file.parent
        self.shelf = Shelf(file.parent, file.parent)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a draft comes to: its text, the spec that is read from it, and what `check` says."""

    page: Page
    spec: Spec
    issues: tuple[Issue, ...]


def text_of(metric: str, captured: Captured, at: Shelved, fixture: str, records: RecordsFile | None) -> str:
    """The whole text of a new spec. Raises SpecError and Unreadable where none can be made."""
    draft = _with_occurrence(_first_draft(metric, captured, at), at)
    draft = _with_properties(draft, at)
    tried = _tried(draft, at)
    results, address = _results(draft, tried.spec, records)
    tests = test_of(fixture, results, _plain(draft.properties, results), address)
    return page_of(draft, [*tests]).text


def _tried(draft: Draft, at: Shelved) -> Tried:
    """Read a draft as if it lay in its folder. Raises SpecError where it is faulty, as its shared file is."""
    page = page_of(draft)
    root, issues = read(page.text.encode(), str(at.file))
    spec = at.shelf.spec(root, at.file.stem, issues.append) if root else None
    if spec is None:
        where = at.folder / SHARED if draft.use else at.file
        raise SpecError(f"no spec can be made of it, for what is wrong in {where}", issues)
    return Tried(page, spec, tuple(issues))


def _first_draft(metric: str, captured: Captured, at: Shelved) -> Draft:
    """What is known before it is tried when it happened: which shared file, and where the object lies."""
    *_, plainest = occurrences(captured)
    has_schema = (at.folder.parent / "schemas" / "metric.schema.json").is_file()
    use = captured.kind if _is_whole(captured) and _has_shared(captured.kind, at.folder) else ""
    if not use:
        item = captured.path if captured.path != PLAIN_ITEM else ""
        return Draft(metric, captured, plainest, addressee_of(captured), item, has_schema=has_schema)
    draft = Draft(metric, captured, plainest, Addressee(()), use=use, has_schema=has_schema)
    found = _tried(draft, at).spec.item.search(captured.notification.event)
    return draft if found == captured.item else replace(draft, item=captured.path)


def _is_whole(captured: Captured) -> bool:
    """Whether it is all of an object that is documented, and not just the id of a deleted one."""
    shape = captured.shape
    return bool(captured.kind) and (
        not shape.is_known or shape.keys.keys() >= shape_of(captured.kind).keys.keys()
    )


def _has_shared(kind: str, folder: Path) -> bool:
    return any((folder / SHARED / f"{kind}.{ending}").is_file() for ending in ("yaml", "yml"))


def _with_occurrence(draft: Draft, at: Shelved) -> Draft:
    """The draft with what happened: the first that makes an event of the notification."""
    names = _names(_tried(draft, at).spec) if draft.use else frozenset()
    for occurrence in occurrences(draft.captured):
        if draft.use:
            addressee = in_shared(draft.captured, occurrence.person, names)
        else:
            addressee = addressee_of(draft.captured, occurrence.person)
        draft = replace(draft, occurrence=occurrence, addressee=addressee)
        if _makes_an_event(draft, at):
            break
    return draft


def _names(spec: Spec) -> frozenset[str]:
    return frozenset(name.name for name in (*spec.names, *spec.idle))


def _makes_an_event(draft: Draft, at: Shelved) -> bool:
    notification = draft.captured.notification
    results = Plan(_tried(draft, at).spec).translate(notification, {})
    times = [result.time.timestamp() for result in results if isinstance(result, Translation) and result.time]
    if not draft.occurrence.is_near:
        return bool(times)
    created_at = notification.created_at
    return created_at is not None and any(abs(time - created_at) <= NEAR_SECONDS for time in times)


def _with_properties(draft: Draft, at: Shelved) -> Draft:
    """The draft with its properties; those of which `check` would warn are comments."""
    spec = _tried(draft, at).spec
    properties = proposed_of(draft.captured, _part(draft), _known(spec))
    draft = replace(draft, properties=tuple(properties))
    for _ in range(_ROUNDS):
        tried = _tried(draft, at)
        own = [issue.place for issue in tried.issues if issue.place and issue.place.file == tried.spec.file]
        warned = [one for place in own if (one := tried.page.properties.get(place.line))]
        if not warned:
            break
        draft = draft.without(warned)
    return draft


def _part(draft: Draft) -> Mapping[str, Any] | None:
    """An element of `each`: one that the notification tells of, if it can be told."""
    if not draft.occurrence.each:
        return None
    notification = draft.captured.notification
    scope = {**draft.captured.item, "event": notification.event}
    try:
        found = parse(draft.occurrence.each).search(scope)
    except Failed:
        return None
    elements = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]
    told = [one for one in elements if one.get("created_at") == notification.created_at]
    return next(iter((*told, *elements[::-1])), None)


def _known(spec: Spec) -> Known:
    lines = (*spec.profile, *spec.properties)
    values = [*(line.value for line in lines), *(name.value for name in (*spec.names, *spec.idle))]
    places = frozenset(place for value in values for place, _ in found_by(value, Scope(ANY)).reads)
    return Known(frozenset(line.name for line in spec.properties), places, _names(spec))


def _results(draft: Draft, spec: Spec, records: RecordsFile | None) -> tuple[list[Result], str]:
    """What comes of the notification, and where an address had to be put so that an event does."""
    runner = Runner([Plan(spec)], records=records)
    results = runner.translate(draft.captured.raw)
    if not any(isinstance(one, Parked) and one.reason == "no_identity" for one in results):
        return results, ""
    for address in draft.addressee.addresses:
        payload = _addressed(draft.captured, spec, address)
        told = runner.translate(payload) if payload else []
        if any(isinstance(one, Translation) for one in told):
            return told, address
    return results, ""


def _addressed(captured: Captured, spec: Spec, address: str) -> Any:
    """The notification with an e-mail address at a place; None where a test could not put it there."""
    payload = decoded(captured.raw)
    is_whole = address.startswith("event.")
    at = payload if is_whole else spec.item.search(payload)
    *before, last = steps(address.removeprefix("event."))
    known = KEYS.get(kind_of(captured.topic), frozenset())
    if not isinstance(at, dict) or (not before and last not in known | at.keys()):
        return None
    for step in before:
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            return None
    if not isinstance(at, dict):
        return None
    at[last] = SOMEONE
    return payload


def _plain(properties: Sequence[Proposed], results: Sequence[Result]) -> list[str]:
    """The properties whose values may be shown in a test, the most telling first."""
    own = {one.name for one in properties}
    shown = [one for one in properties if one.is_plain and not one.why_not and "*" not in one.name]
    plain = [one.name for one in sorted(shown, key=lambda one: one.type == "datetime")]
    made = next((one for one in results if isinstance(one, Translation)), None)
    if made is None:
        return plain
    there = [name for name in plain if name in made.properties]
    return there if len(there) >= _FEW else [*there, *_numbers(made, own)]


def _numbers(made: Translation, own: set[str]) -> Iterator[str]:
    """Numbers and booleans of what the shared file brings."""
    for name, value in made.properties.items():
        place = made.places.get(f"properties.{name}")
        if name not in own and isinstance(value, int | float) and place is not None:
            yield name
