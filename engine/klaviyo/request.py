"""`Translation` -> a body for Klaviyo, checked before anyone sees it.

A field that Klaviyo would refuse is left out with an issue, since Klaviyo refuses the whole event for
it; an event that cannot be sent without it is parked.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import jsonschema_rs
import msgspec

from engine.events import Parked, Request, Translation
from engine.issues import Issue
from engine.klaviyo import limits
from engine.klaviyo.limits import EVENTS, PROFILE_IMPORT
from engine.language.conversions import iso
from engine.paths import bundled

_SCHEMAS = {EVENTS: "klaviyo-event.schema.json", PROFILE_IMPORT: "klaviyo-profile.schema.json"}


class Builder:
    """Makes requests; keeps the compiled schemas, which are read when first needed."""

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked:
        """The translation with its `request`, less what Klaviyo would refuse; or Parked.

        *now* is aware, and only limits how far ahead an event may lie. *backfill* (recorded, but no
        flow starts) is true for history unless it is given.
        """
        made = _Body(translation, translation.history if backfill is None else backfill)
        made.trim()
        parked = made.unsendable(now)
        if parked:
            return parked
        body = made.body()
        if not self._is_valid(made.endpoint, body):
            wrong = made.drop(self._faults(made.endpoint, body))
            parked = made.unsendable(now)
            if parked:
                return parked
            body = made.body()
            if wrong or not self._is_valid(made.endpoint, body):
                wrong = wrong or "it is not what it takes"
                return made.parked("invalid", f"Klaviyo would refuse the body: {wrong}")
        largest = limits.LARGEST_EVENT_BYTES if made.endpoint == EVENTS else limits.LARGEST_PROFILE_BYTES
        if len(msgspec.json.encode(body)) > largest:
            return made.parked("too_large", f"the body is over Klaviyo's {largest // 1000:,} KB")
        return made.translation(Request(made.endpoint, body, translation.unique_id, translation.required))

    def _is_valid(self, endpoint: str, body: dict[str, Any]) -> bool:
        return bool(self._validators[endpoint].is_valid(body))

    @cached_property
    def _validators(self) -> dict[str, Any]:
        return {endpoint: jsonschema_rs.validator_for(schema) for endpoint, schema in self._schemas.items()}

    @cached_property
    def _schemas(self) -> dict[str, Any]:
        folder = bundled("schemas")
        return {
            endpoint: msgspec.json.decode((folder / name).read_bytes()) for endpoint, name in _SCHEMAS.items()
        }

    def _faults(self, endpoint: str, body: dict[str, Any]) -> list[tuple[list[str], str]]:
        """Where the body is wrong, and why, in words that repeat no value."""
        # Imported here: it is slow to import, and only words what the fast check has refused.
        import jsonschema

        validator = jsonschema.Draft202012Validator(self._schemas[endpoint])
        faults = []
        for error in validator.iter_errors(body):
            path = [str(part) for part in error.absolute_path]
            if "propertyNames" in error.absolute_schema_path:
                path.append(str(error.instance))
            faults.append((path, _words(str(error.validator), error.validator_value)))
        return sorted(faults)


def _words(keyword: str, wanted: Any) -> str:
    """A schema's refusal in our words: the library's repeat the value."""
    if keyword == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return f"is no {' or '.join(kinds)}"
    return {
        "maxLength": f"is over {wanted} characters long",
        "minLength": "is empty",
        "maxItems": f"has over {wanted} elements",
        "maxProperties": f"has over {wanted} entries",
        "additionalProperties": "has a field that Klaviyo does not know",
    }.get(keyword, "has a form that Klaviyo refuses")


def profile_in(endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
    """The attributes of the profile that a body is about."""
    attributes: dict[str, Any] = body["data"]["attributes"]
    if endpoint == EVENTS:
        attributes = attributes["profile"]["data"]["attributes"]
    return attributes


def field_at(endpoint: str, path: list[str]) -> str:
    """The field behind a path into a body: `profile.email`, `properties.Title`, `value`; or nothing."""
    parts = path[2:] if path[:2] == ["data", "attributes"] else []
    if endpoint == EVENTS:
        if parts[:1] == ["value"]:
            return "value"
        if parts[:3] == ["profile", "data", "attributes"]:
            parts = parts[3:]
        elif parts[:1] != ["properties"]:
            return ""
    if parts[:1] == ["properties"]:
        return f"properties.{parts[1]}" if len(parts) > 1 else ""
    if parts[:1] == ["location"]:
        return f"profile.location.{parts[1]}" if len(parts) > 1 else "profile.location"
    return f"profile.{parts[0]}" if parts else ""


class _Body:
    """A body while it is being made: fields go, each with an issue."""

    def __init__(self, translation: Translation, backfill: bool) -> None:
        self._source = translation
        self._backfill = backfill
        self.endpoint = EVENTS if translation.unique_id else PROFILE_IMPORT
        self.profile = {
            key: dict(value) if key == "location" and isinstance(value, dict) else value
            for key, value in translation.profile.items()
        }
        self.properties = dict(translation.properties)
        self.value = translation.value
        self.issues = list(translation.issues)

    def trim(self) -> None:
        """Leave out what is over a limit that a schema cannot say."""
        for label, value in list(self._fields()):
            found = limits.excess(value) or limits.excess(label)
            if found:
                self._leave_out("over-limit", label, found)
        over = list(self.properties)[limits.MOST_PROPERTIES :]
        if over:
            for name in over:
                del self.properties[name]
            message = (
                f"{len(over)} properties over Klaviyo's {limits.MOST_PROPERTIES} are left out, the last first"
            )
            self.issues.append(Issue("over-limit", message, field="properties"))

    def _fields(self) -> Iterable[tuple[str, Any]]:
        for name, value in self.profile.items():
            if name == "location" and isinstance(value, dict):
                yield from ((f"profile.location.{key}", child) for key, child in value.items())
            else:
                yield f"profile.{name}", value
        yield from ((f"properties.{name}", value) for name, value in self.properties.items())
        if self.value is not None:
            yield "value", self.value

    def unsendable(self, now: datetime) -> Parked | None:
        """Why the event or the profile cannot be sent at all, or None."""
        if not any(self.profile.get(key) for key in limits.IDENTIFIERS):
            detail = (
                "there is nobody to send it to: neither email nor phone_number nor external_id has a value"
            )
            return self.parked("no_identity", detail)
        time = self._source.time
        if self.endpoint == EVENTS and time is not None:
            latest = now + timedelta(days=limits.LATEST_DAYS_AHEAD)
            if time.year < limits.EARLIEST_YEAR or time > latest:
                detail = f"Klaviyo takes times from {limits.EARLIEST_YEAR} to a year from now"
                return self.parked("time_out_of_range", detail)
        return None

    def body(self) -> dict[str, Any]:
        profile = {key: value for key, value in self.profile.items() if value != {}}
        if self.endpoint == PROFILE_IMPORT:
            contact = {**profile, "properties": self.properties} if self.properties else profile
            return {"data": {"type": "profile", "attributes": contact}}
        source = self._source
        attributes: dict[str, Any] = {
            "metric": {"data": {"type": "metric", "attributes": {"name": source.metric}}},
            "profile": {"data": {"type": "profile", "attributes": profile}},
            "time": iso(source.time) if source.time else "",
            "unique_id": source.unique_id,
            "properties": self.properties,
        }
        if self.value is not None:
            attributes["value"] = self.value
        if self._backfill:
            attributes["backfill"] = True
        return {"data": {"type": "event", "attributes": attributes}}

    def drop(self, faults: list[tuple[list[str], str]]) -> str:
        """Leave out each field that a fault points at; return the first fault that points at none."""
        start = 2 if self.endpoint == EVENTS else 0
        for path, words in faults:
            field = field_at(self.endpoint, path)
            if field:
                code = "over-limit" if words.startswith(("is over", "has over")) else "not-accepted"
                self._leave_out(code, field, words)
            else:
                return f"{'.'.join(path[start:]) or 'it'} {words}"
        return ""

    def _leave_out(self, code: str, field: str, words: str) -> None:
        section, _, name = field.partition(".")
        if section == "value":
            self.value = None
        elif section == "properties":
            self.properties.pop(name, None)
        elif name.startswith("location."):
            self.profile["location"].pop(name.partition(".")[2], None)
        else:
            self.profile.pop(name, None)
        place = self._source.places.get(field)
        self.issues.append(Issue(code, f"{field}: this {words}", place, field=field))

    def translation(self, request: Request) -> Translation:
        if list(self.profile) and not self.profile.get("email") and not self.profile.get("external_id"):
            message = "only a phone number says who this is"
            self.issues.append(Issue("phone-only", message, self._source.places.get("profile.phone_number")))
        return replace(
            self._source,
            profile=self.profile,
            properties=self.properties,
            value=self.value,
            issues=tuple(self.issues),
            request=request,
        )

    def parked(self, reason: str, detail: str) -> Parked:
        return Parked(reason, detail, self._source.metric, tuple(self.issues), self._source)
