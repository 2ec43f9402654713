"""Where each value of a translation came from, and why the others were left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from engine.events import Notification, Result, Skipped, Translation
from engine.issues import Place, did_you_mean
from engine.language.expressions import ITEM, Expression, steps
from engine.language.faults import Failed, Refused, TextFault
from engine.language.made import MOST_KEYS, Element, fewer
from engine.language.reference import Run, id_of
from engine.language.spec import EVENT_ID, Field, Spec
from engine.language.values import Constant, Value
from engine.ports import Known

EXCEPTED = "named under `except`"
SHADOWED = "another line has its place"
_SEARCHED_KEYS, _LONGEST_KEY = 500, 100
"""The keys of the payload among which a misspelt one is looked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value: where it is written, what the expression gave, and what became of it.

    `section` is `event`, `profile` or `properties`. `value` is None where the field is left out, and
    `why` says the reason then. `origin` names the record that the value was read from, or the default.
    """

    section: str
    name: str
    value: Any
    place: Place | None
    expression: str
    raw: Any = None
    type: str = ""
    origin: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `when`: what its path found, and whether that holds."""

    text: str
    place: Place
    found: Any
    holds: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A result of a spec, line by line. A skipped one has checks and no rows."""

    result: Result
    rows: tuple[Row, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    """What else there is to know: look-ups that nothing uses."""


def explain(
    spec: Spec, notification: Notification, known: Known, *, every: bool = False
) -> list[Explanation]:
    """One explanation for each result that `Plan.translate` gives, in the same order."""
    run = Run(spec, notification, known)
    idle = (name.name for name in spec.idle if name.kind == "lookup")
    notes = tuple(f"{name}: not looked up, nothing uses it" for name in idle)
    explained = []
    for result, element in run.made(every=every):
        rows = tuple(_rows(run, element, result)) if element and not isinstance(result, Skipped) else ()
        checks = _checks(run, element) if element else ()
        explained.append(Explanation(result, rows, checks, notes))
    return explained


def settled(explanation: Explanation, result: Result) -> Explanation:
    """The explanation after the destination has had its say: what *result* lost is left out here, too."""
    lost = {issue.field: issue.message.partition(": ")[2] for issue in result.issues if issue.field}
    rows = []
    for row in explanation.rows:
        why = lost.get(row.name if row.section == "event" else f"{row.section}.{row.name}")
        rows.append(replace(row, value=None, why=why) if why and row.value is not None else row)
    return replace(explanation, result=fewer(result), rows=tuple(rows))


def _checks(run: Run, element: Element) -> tuple[Check, ...]:
    checks = []
    run.name_all(element)  # where one line failed, nobody has asked for the names of those after it
    for condition in run.spec.conditions:
        try:
            found = condition.path.extract(element.scope)
        except Failed:
            found = None
        checks.append(Check(condition.text, condition.place, found, condition.holds(found)))
    return tuple(checks)


def _rows(run: Run, element: Element, result: Result) -> Iterator[Row]:
    """A row for each line; of a parked event nothing was made, and its rows tell what would have been."""
    spec = run.spec
    made = result if isinstance(result, Translation) else None
    for name, value in (("time", spec.time), ("unique_id", spec.unique_id), ("value", spec.value)):
        if value is not None:
            yield _row(run, element, ("event", name), value, made, getattr(made, name, None))
    for line in spec.profile:
        found = _within(made.profile, line.name) if made else None
        yield _row(run, element, ("profile", line.name), line.value, made, found)
    if spec.kind == "event" and made:
        unique_id = made.unique_id
        yield Row("properties", EVENT_ID, unique_id, None, "unique_id", unique_id, origin="the engine")
    for line in spec.properties:
        if line.is_spread:
            yield from _spread(run, element, line, made)
        else:
            found = made.properties.get(line.name) if made else None
            yield _row(run, element, ("properties", line.name), line.value, made, found)


def _within(profile: Any, name: str) -> Any:
    for part in name.split("."):
        profile = profile.get(part) if isinstance(profile, dict) else None
    return profile


def _row(
    run: Run, element: Element, label: tuple[str, str], value: Value, made: Translation | None, found: Any
) -> Row:
    raw, settled, why = None, None, ""
    origin = _origin(run, element, value)
    try:
        raw = value.extract(element.scope)
        settled = run.event_time(element) if label[1] == "time" else value.settle(raw)
        if settled is None:
            why = _why_nothing(run, element, value)
        elif settled is value.default and settled is not raw:
            origin = "default"
    except Failed as error:
        why = str(error)
    except Refused as error:
        why = f"this is {error}"
    shown = found if made else settled
    if shown is None:
        why = why or ("this is no number" if label == ("event", "value") else SHADOWED)
    kind = value.type.name if value.type else ""
    return Row(*label, shown, value.place, value.text, raw, kind, origin, why if shown is None else "")


def _spread(run: Run, element: Element, line: Field, made: Translation | None) -> Iterator[Row]:
    value = line.value
    try:
        spread = value.extract(element.scope)
    except Failed as error:
        yield Row("properties", line.name, None, value.place, value.text, why=str(error))
        return
    if spread is None:
        spread = value.default
    if not isinstance(spread, dict) or not spread:
        why = "no value" if not spread else "this is no object"
        yield Row("properties", line.name, None, value.place, value.text, spread, why=why)
        return
    origin = _origin(run, element, value)
    kind = value.type.name if value.type else ""
    named = {other.name for other in run.spec.properties if not other.is_spread}
    for key, raw in islice(spread.items(), MOST_KEYS):
        name = line.name.replace("*", key)
        shown, why = _spread_value(line, key, raw, name, made)
        if name in named:
            shown, why = None, why or SHADOWED
        yield Row("properties", name, shown, value.place, value.text, raw, kind, origin, why)
    if len(spread) > MOST_KEYS:
        why = f"its keys over the first {MOST_KEYS:,} are left out"
        yield Row("properties", line.name, None, value.place, value.text, why=why)


def _spread_value(line: Field, key: str, raw: Any, name: str, made: Translation | None) -> tuple[Any, str]:
    """What became of one key of a spread object, or why nothing did."""
    if not line.keeps(key):
        return None, EXCEPTED
    if raw is None:
        return None, "no value"
    try:
        settled = line.value.type.convert(raw) if line.value.type else raw
    except Refused as error:
        return None, f"this is {error}"
    shown = made.properties.get(name) if made else settled
    return (shown, "") if shown is not None else (None, "no value")


def _origin(run: Run, element: Element, value: Value) -> str:
    """The records that a value was read from, directly or through a name under `let`."""
    if isinstance(value.source, Constant):
        return "written in the spec"
    records: list[str] = []
    waiting = sorted(value.reads)
    names = {name.name: name for name in run.spec.names}
    while waiting:
        name = names.pop(waiting.pop(0), None)
        if name is None:
            continue
        found = element.scope.get(name.name)
        if name.kind != "lookup":
            waiting += sorted(name.value.reads)
        elif found is not None:
            shown = [found] if isinstance(found, dict) else found
            records += [f"{name.table} {record['id']}" for record in shown if record.get("id") is not None]
    records = list(dict.fromkeys(records))
    return ", ".join(records[:3]) + (" ..." if len(records) > 3 else "")


def _why_nothing(run: Run, element: Element, value: Value) -> str:
    """Why a value has nothing to start from, where a look-up is behind it."""
    for name in run.behind(value):
        if name.kind != "lookup" or element.scope.get(name.name) is not None:
            continue
        try:
            key = id_of(name.value.extract(element.scope))
        except Failed:
            continue
        if not key:
            return f"there is no {name.table} id to look up"
        known = (name.table, key) in run.known
        return (
            f"there is no {name.table} {key}"
            if known
            else f"{name.table} {key} is not looked up: no records given"
        )
    return _missing_step(element, value) or "no value"


def _missing_step(element: Element, value: Value) -> str:
    """Which key of a plain path the payload does not have; nothing where it has all, and one is null."""
    if not isinstance(value.source, Expression):
        return ""
    try:
        path = steps(value.source.text)
    except TextFault:
        return ""
    at: Any = element.scope
    walked = ""
    for step in path:
        if isinstance(at, Mapping) and isinstance(step, str) and step not in at:
            known = [key for key in islice(at, _SEARCHED_KEYS) if key != ITEM and len(key) <= _LONGEST_KEY]
            return f"there is no `{step}` {f'in `{walked}`' if walked else 'here'}{did_you_mean(step, known)}"
        at = at.get(step) if isinstance(at, Mapping) and isinstance(step, str) else None
        walked = f"{walked}.{step}" if walked else str(step)
    return ""
