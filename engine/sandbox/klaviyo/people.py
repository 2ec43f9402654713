"""The profiles of an account: found by their identifiers, merged field by field."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.sandbox.klaviyo.problems import Refusal, duplicate, not_found
from engine.sandbox.klaviyo.switches import Switches

IDENTIFIERS = ("external_id", "email", "phone_number", "anonymous_id", "_kx")
PLAIN = (
    "email", "phone_number", "external_id", "anonymous_id", "_kx", "first_name", "last_name", "organization",
    "locale", "title", "image",
)  # fmt: skip


@dataclass(slots=True)
class Profile:
    """One profile. `fields` are those of its attributes that hold a single value."""

    id: str
    created: datetime
    updated: datetime
    fields: dict[str, str] = field(default_factory=dict)
    location: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    last_event: datetime | None = None

    @property
    def known(self) -> str:
        """What a reader knows it by: an address, a number, an id of ours, or Klaviyo's own."""
        named = (self.fields.get(key) for key in ("email", "phone_number", "external_id"))
        return next((name for name in named if name), self.id)


class People:
    """All profiles; each identifier names one of them."""

    def __init__(self, switches: Switches) -> None:
        self.by_id: dict[str, Profile] = {}
        self._switches = switches
        self._named: dict[tuple[str, str], str] = {}

    def named(self, attributes: Mapping[str, Any], id_: Any = None) -> list[Profile]:
        """The profiles that identifiers name, each once, in the order in which they count."""
        found: dict[str, Profile] = {}
        for name in self._switches.identifier_order:
            value = id_ if name == "id" else attributes.get(name)
            if not isinstance(value, str) or not value:
                continue
            one = self.by_id.get(value if name == "id" else self._named.get(self._key(name, value), ""))
            if one:
                found.setdefault(one.id, one)
        return list(found.values())

    def create(self, id_: str, attributes: Mapping[str, Any], now: datetime) -> Profile:
        """A new profile. Raises Refusal where an identifier is taken."""
        for other in self.named(attributes):
            raise Refusal(duplicate(other.id))
        profile = self.by_id[id_] = Profile(id_, now, now)
        self.change(profile, attributes, now)
        return profile

    def upsert(self, new_id: str, data: Mapping[str, Any], now: datetime) -> tuple[Profile, bool]:
        """Create or update by `id` and identifiers; whether it is new. Raises Refusal (404, 409)."""
        attributes, id_ = data.get("attributes") or {}, data.get("id")
        if id_ and id_ not in self.by_id:
            raise Refusal(not_found(f"A profile with id {id_} does not exist."))
        found = self.named(attributes, id_)
        if not found:
            return self.create(new_id, attributes, now), True
        if len(found) > 1 and self._switches.import_conflict == "409":
            raise Refusal(duplicate(found[1].id))
        self.change(found[0], attributes, now, meta=data.get("meta"), takes_others=False)
        return found[0], False

    def update(self, id_: str, data: Mapping[str, Any], now: datetime) -> Profile:
        """Change a profile by its id. Raises Refusal (404, 409)."""
        profile = self.by_id.get(id_)
        if profile is None:
            raise Refusal(not_found(f"A profile with id {id_} does not exist."))
        attributes = data.get("attributes") or {}
        for other in self.named(attributes):
            if other.id != id_:
                raise Refusal(duplicate(other.id))
        self.change(profile, attributes, now, meta=data.get("meta"))
        return profile

    def of_event(self, new_id: str, data: Mapping[str, Any], now: datetime) -> Profile:
        """The profile of an event, made or updated. Where identifiers name several, the first is it."""
        attributes = dict(data.get("attributes") or {})
        meta = data.get("meta") or attributes.pop("meta", None)
        found = self.named(attributes, data.get("id"))
        if not found:
            profile = self.by_id[new_id] = Profile(new_id, now, now)
        else:
            profile = found[0]
        nulls = self._switches.event_nulls_clear
        kept = attributes if nulls else {key: value for key, value in attributes.items() if value is not None}
        self.change(profile, kept, now, meta=meta, takes_others=False)
        return profile

    def change(
        self,
        profile: Profile,
        attributes: Mapping[str, Any],
        now: datetime,
        *,
        meta: Mapping[str, Any] | None = None,
        takes_others: bool = True,
    ) -> None:
        """Merge into a profile: null clears, what is absent stays, an identifier of another one stays his."""
        profile.updated = now
        for name in PLAIN:
            if name in attributes:
                self._set(profile, name, attributes[name])
        if "location" in attributes and attributes["location"] is None:
            profile.location.clear()
        for key, value in (attributes.get("location") or {}).items():
            _put(profile.location, key, value)
        if "properties" in attributes and attributes["properties"] is None:
            profile.properties.clear()
        for key, value in (attributes.get("properties") or {}).items():
            _put(profile.properties, key, deepcopy(value))
        _patch(profile.properties, (meta or {}).get("patch_properties") or {})

    def remove(self, profile: Profile) -> None:
        """Forget a profile and all that names it."""
        del self.by_id[profile.id]
        self._named = {key: id_ for key, id_ in self._named.items() if id_ != profile.id}

    def _set(self, profile: Profile, name: str, value: str | None) -> None:
        if name in IDENTIFIERS:
            owner = self._named.get(self._key(name, value)) if value else None
            if owner not in (None, profile.id):
                return
            if name in profile.fields:
                self._named.pop(self._key(name, profile.fields[name]), None)
            if value:
                self._named[self._key(name, value)] = profile.id
        _put(profile.fields, name, value)

    def _key(self, name: str, value: str) -> tuple[str, str]:
        folds = name == "email" and not self._switches.emails_by_case
        return name, value.lower() if folds else value


def _put(holder: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        holder.pop(key, None)
    else:
        holder[key] = value


def _patch(properties: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """`append` makes a list of what was none, `unappend` takes out of one, `unset` takes away."""
    for key, value in (patch.get("append") or {}).items():
        before = properties.get(key)
        listed = before if isinstance(before, list) else [] if before is None else [before]
        new = value if isinstance(value, list) else [value]
        properties[key] = listed + [one for one in new if one not in listed]
    for key, value in (patch.get("unappend") or {}).items():
        gone = value if isinstance(value, list) else [value]
        if isinstance(properties.get(key), list):
            properties[key] = [one for one in properties[key] if one not in gone]
    unset = patch.get("unset") or []
    for key in [unset] if isinstance(unset, str) else unset:
        properties.pop(key, None)
