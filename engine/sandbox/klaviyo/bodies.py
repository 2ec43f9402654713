"""The verdict on a body: every rule of Klaviyo's that can be told before anything is processed.

Pure. `verdict` says what is wrong with the body of one request; nothing where it is taken.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.klaviyo import limits
from engine.sandbox.klaviyo import problems
from engine.sandbox.klaviyo.problems import Problem, invalid, not_modelled
from engine.sandbox.klaviyo.shapes import (
    ANNOUNCED_BACKFILL,
    differences,
    escaped,
    shape_of,
    without,
)
from engine.sandbox.klaviyo.switches import Switches

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
EMAIL = re.compile(
    r"[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)*@"
    r"([^@\s.\-\x00-\x2c\x7f]([^@\s.\x00-\x2c\x7f]*[^@\s.\-\x00-\x2c\x7f])?\.)+[^\W\d_]{2,63}"
)
LONGEST_EMAIL = 254
CURRENCY = re.compile("[A-Za-z]{3}")
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
FLOOR_MOVED = "2026-07-15"
EVENT_IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
GROUPS = "/data/attributes/events-bulk-create/data"


DEFAULTS = Switches()


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a body is judged: this moment, the revision, and the answers to open questions."""

    now: datetime
    revision: str = "2026-07-15"
    switches: Switches = DEFAULTS

    @property
    def earliest_year(self) -> int:
        """The floor of an event's time, which has moved."""
        return limits.EARLIEST_YEAR if self.revision >= FLOOR_MOVED else 2000


def verdict(endpoint: str, body: Any, rules: Rules, size: int = 0) -> list[Problem]:
    """What is wrong with a body of *size* bytes for an endpoint (`POST /api/events`)."""
    shape = shape_of(endpoint, rules.revision)
    if rules.revision < ANNOUNCED_BACKFILL and rules.switches.old_backfill_refused:
        shape = without(shape, "backfill")
    found = [replace(one, pointer=_seen_at(one.pointer)) for one in differences(shape, body)]
    if any(one.detail == problems.PAYLOAD for one in found):
        return [problems.payload()]
    data = _dict(body, "data")
    found += _too_large(endpoint, size)
    found += RULES[endpoint](data, rules)
    return sorted(set_of(found), key=lambda one: one.status != 501)


def _seen_at(pointer: str) -> str:
    """In the field, what is wrong with the `meta` of an import was told of `attributes/meta`."""
    return f"/data/attributes{pointer[5:]}" if pointer.startswith("/data/meta") else pointer


def set_of(found: list[Problem]) -> list[Problem]:
    """Each problem once, in its order."""
    return list({(one.pointer, one.detail): one for one in found}.values())


def moment_of(text: str) -> datetime | None:
    """A time to the second, in UTC; one without a zone is taken as UTC. None where it is no time."""
    match = MOMENT.fullmatch(text)
    if not match:
        return None
    zone = (match[4] or "+00:00").upper().replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found


def _dict(value: Any, *names: str) -> dict[str, Any]:
    """The object inside objects; an empty one where it is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any, *names: str) -> list[Any]:
    found = _dict(value, *names[:-1]).get(names[-1])
    return found if isinstance(found, list) else []


def _too_large(endpoint: str, size: int) -> Iterator[Problem]:
    most, words = limits.LARGEST_REQUEST_BYTES, "5 MB"
    if endpoint in ("POST /api/profile-import", "POST /api/profiles", "PATCH /api/profiles/{id}"):
        most, words = limits.LARGEST_PROFILE_BYTES, "100 KB"
    if size > most:
        yield invalid(f"The payload may not be larger than {words}.", "/data")


def _of_event(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    attributes = _dict(data, "attributes")
    at = "/data/attributes"
    yield from _of_occurrence(attributes, at, rules)
    yield from _of_person(_dict(attributes, "profile", "data"), f"{at}/profile/data", rules)


def _of_occurrence(attributes: dict[str, Any], at: str, rules: Rules) -> Iterator[Problem]:
    """The part of an event that is not its profile."""
    name = _dict(attributes, "metric", "data", "attributes").get("name")
    if isinstance(name, str) and not 0 < len(name) <= limits.LONGEST_METRIC:
        detail = "The name of a metric must have at least 1 and less than 128 characters."
        yield invalid(detail, f"{at}/metric/data/attributes/name")
    properties = _dict(attributes, "properties")
    if len(properties) > limits.MOST_PROPERTIES:
        yield invalid("An event may not have more than 400 properties.", f"{at}/properties")
    yield from _of_values(properties, f"{at}/properties")
    yield from _of_time(attributes.get("time"), f"{at}/time", rules)
    currency = attributes.get("value_currency")
    if isinstance(currency, str) and not CURRENCY.fullmatch(currency):
        yield invalid("Not a valid ISO 4217 currency code.", f"{at}/value_currency")


def _of_time(text: Any, at: str, rules: Rules) -> Iterator[Problem]:
    if not isinstance(text, str):
        return
    moment = moment_of(text)
    is_naive = text[-1:].upper() != "Z" and not re.search(r"[+-][0-9]{2}:?[0-9]{2}$", text[19:])
    if moment is None or (is_naive and rules.switches.naive_time == "refused"):
        yield invalid("Invalid datetime. Use the format YYYY-MM-DDTHH:MM:SS+00:00.", at)
    elif moment.year < rules.earliest_year:
        yield invalid(f"The time must be after the year {rules.earliest_year}.", at)
    elif moment > rules.now + timedelta(days=limits.LATEST_DAYS_AHEAD):
        yield invalid("The time can only be up to 1 year in the future.", at)


def _of_values(properties: dict[str, Any], at: str) -> Iterator[Problem]:
    """Texts, lists and depth of custom properties, each told once at its property."""
    for key, value in properties.items():
        place = f"{at}/{escaped(key)}"
        if _is_long(key):
            yield invalid("A string may not be larger than 100 KB.", at)
        yield from (invalid(detail, place) for detail in sorted(set(_excesses(value))))


def _excesses(value: Any) -> Iterator[str]:
    waiting = [(value, 1)]
    while waiting:
        top, depth = waiting.pop()
        if isinstance(top, str) and _is_long(top):
            yield "A string may not be larger than 100 KB."
        if not isinstance(top, (list, dict)):
            continue
        if depth > limits.DEEPEST:
            yield "Properties may not be nested more than 10 levels deep."
            return
        if isinstance(top, list) and len(top) > limits.MOST_LIST_ITEMS:
            yield "An array may not have more than 4,000 items."
        if isinstance(top, dict) and any(map(_is_long, top)):
            yield "A string may not be larger than 100 KB."
        waiting += [(one, depth + 1) for one in (top.values() if isinstance(top, dict) else top)]


def _is_long(text: str) -> bool:
    most = limits.LONGEST_TEXT_BYTES
    return len(text) > most // 4 and len(text.encode("utf-8", "surrogatepass")) > most


def _of_person(
    data: dict[str, Any],
    at: str,
    rules: Rules,
    identifiers: tuple[str, ...] = EVENT_IDENTIFIERS,
    needs_one: bool = True,
) -> Iterator[Problem]:
    """A profile inside of a body: *data* is its resource."""
    attributes = _dict(data, "attributes")
    place = f"{at}/attributes"
    if needs_one and not data.get("id") and not any(attributes.get(name) for name in identifiers):
        named = ", ".join(name for name in ("id", *identifiers) if name != "_kx")
        yield invalid(f"At least one profile identifier is required: {named}.", place)
    yield from _of_addresses(attributes, place)
    yield from _of_values(_dict(attributes, "properties"), f"{place}/properties")
    for holder, where in ((data, at), (attributes, place)):
        yield from _of_meta(_dict(holder, "meta"), _seen_at(f"{where}/meta"), rules)


def _of_addresses(attributes: dict[str, Any], at: str) -> Iterator[Problem]:
    email, phone = attributes.get("email"), attributes.get("phone_number")
    if isinstance(email, str) and not (len(email) <= LONGEST_EMAIL and EMAIL.fullmatch(email)):
        yield invalid(problems.EMAIL, f"{at}/email")
    if isinstance(phone, str) and not E164.fullmatch(phone):
        yield invalid(problems.PHONE, f"{at}/phone_number")


def _of_meta(meta: dict[str, Any], at: str, rules: Rules) -> Iterator[Problem]:
    if meta.get("patch_identifiers"):
        if rules.revision < ANNOUNCED_BACKFILL:
            yield problems.unknown_field("patch_identifiers", "meta", f"{at}/patch_identifiers")
        else:
            yield not_modelled("patch_identifiers (secondary e-mail addresses)")
    patch = _dict(meta, "patch_properties")
    for action in ("append", "unappend"):
        for key, value in _dict(patch, action).items():
            values = value if isinstance(value, list) else [value]
            if any(isinstance(one, (dict, list)) or one is None for one in values):
                detail = "Only a simple value or a list of them can be appended or unappended."
                yield invalid(detail, f"{at}/patch_properties/{action}/{escaped(key)}")
        yield from _of_values(_dict(patch, action), f"{at}/patch_properties/{action}")


def _of_bulk(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    groups = _list(data, "attributes", "events-bulk-create", "data")
    count = sum(len(_list(group, "attributes", "events", "data")) for group in groups)
    if count > limits.MOST_BULK_EVENTS:
        yield invalid("A request may not have more than 1,000 events.", GROUPS)
    seen: set[tuple[Any, ...]] = set()
    for place, group in enumerate(groups):
        at = f"{GROUPS}/{place}/attributes"
        person = _dict(group, "attributes", "profile", "data")
        yield from _of_person(person, f"{at}/profile/data", rules)
        for order, event in enumerate(_list(group, "attributes", "events", "data")):
            attributes = _dict(event, "attributes")
            inner = f"{at}/events/data/{order}/attributes"
            yield from _of_occurrence(attributes, inner, rules)
            key = _repeated_by(person, attributes)
            if key and key in seen:
                yield repeated(f"{inner}/unique_id")
            seen |= {key} if key else set()


def repeated(pointer: str) -> Problem:
    """A `unique_id` twice for one profile and metric."""
    return invalid("The unique_id is repeated for the same profile and metric.", pointer)


def _repeated_by(person: dict[str, Any], attributes: dict[str, Any]) -> tuple[Any, ...] | None:
    whom = _dict(person, "attributes")
    unique_id = attributes.get("unique_id")
    name = _dict(attributes, "metric", "data", "attributes").get("name")
    if not isinstance(unique_id, str) or not unique_id or not isinstance(name, str):
        return None
    named = (person.get("id"), *(whom.get(one) for one in EVENT_IDENTIFIERS))
    known = tuple(one.lower() if isinstance(one, str) else None for one in named)
    return (*known, name, unique_id)


def _of_import(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    yield from _of_person(data, "/data", rules, ("email", "phone_number", "external_id", "_kx"))


def _of_creation(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    yield from _of_person(data, "/data", rules, limits.IDENTIFIERS)


def _of_change(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    yield from _of_person(data, "/data", rules, needs_one=False)


def _of_profiles(data: dict[str, Any], rules: Rules) -> Iterator[Problem]:
    profiles = _list(data, "attributes", "profiles", "data")
    at = "/data/attributes/profiles/data"
    if len(profiles) > limits.MOST_BULK_PROFILES:
        yield invalid("A request may not have more than 10,000 profiles.", at)
    if rules.switches.import_faults == "answer":
        for place, profile in enumerate(profiles):
            yield from profile_in_job(profile, f"{at}/{place}", rules)


def profile_in_job(profile: Any, at: str, rules: Rules) -> Iterator[Problem]:
    """One profile of a bulk import."""
    names = ("email", "phone_number", "external_id", "_kx")
    if _size(profile) > limits.LARGEST_PROFILE_BYTES:
        yield invalid("A profile may not be larger than 100 KB.", at)
    yield from _of_person(profile if isinstance(profile, dict) else {}, at, rules, names)


def _size(value: Any) -> int:
    """The bytes of a value as JSON, without what escapes add."""
    total, waiting = 0, [value]
    while waiting:
        top = waiting.pop()
        if isinstance(top, (dict, list)):
            total += 2 + len(top) * (2 if isinstance(top, dict) else 1)
            waiting += [*top.keys(), *top.values()] if isinstance(top, dict) else top
        else:
            total += len(top.encode()) + 2 if isinstance(top, str) else len(str(top))
    return total


def _of_aggregate(data: dict[str, Any], _: Rules) -> Iterator[Problem]:
    attributes = _dict(data, "attributes")
    at = "/data/attributes"
    if not attributes.get("measurements"):
        yield invalid("At least one measurement is required.", f"{at}/measurements")
    if attributes.get("by"):
        yield not_modelled("metric aggregates grouped by a dimension (`by`)")
    if attributes.get("return_fields"):
        yield not_modelled("metric aggregates with `return_fields`")
    if attributes.get("sort") not in (
        None,
        "count",
        "-count",
        "unique",
        "-unique",
        "sum_value",
        "-sum_value",
    ):
        yield not_modelled("metric aggregates sorted by a dimension")
    if attributes.get("page_cursor") is not None:
        yield invalid("Invalid cursor.", f"{at}/page_cursor")


def _of_deletion(data: dict[str, Any], _: Rules) -> Iterator[Problem]:
    profile = _dict(data, "attributes", "profile", "data")
    attributes = _dict(profile, "attributes")
    at = "/data/attributes/profile/data"
    named = [
        one for one in (profile.get("id"), attributes.get("email"), attributes.get("phone_number")) if one
    ]
    if len(named) != 1:
        yield invalid("Exactly one of id, email or phone_number is required.", at)
    yield from _of_addresses(attributes, f"{at}/attributes")


RULES = {
    "POST /api/events": _of_event,
    "POST /api/event-bulk-create-jobs": _of_bulk,
    "POST /api/profile-import": _of_import,
    "POST /api/profiles": _of_creation,
    "PATCH /api/profiles/{id}": _of_change,
    "POST /api/profile-bulk-import-jobs": _of_profiles,
    "POST /api/metric-aggregates": _of_aggregate,
    "POST /api/data-privacy-deletion-jobs": _of_deletion,
}
