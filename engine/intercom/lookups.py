"""Look-ups: records of Intercom by their id, with as few requests as that takes."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.errors import Rejected, Unavailable
from engine.intercom.answers import ID, nonsense
from engine.intercom.known import Known
from engine.intercom.rest import Rest, id_of
from engine.intercom.shapes import NotJson, shaped
from engine.language.conversions import moment
from engine.language.faults import Refused
from engine.ports import TABLES, Record, Timer

MINUTE, HOUR = 60.0, 3600.0
AGES = {"contact": 5 * MINUTE, "admin": HOUR, "team": HOUR, "tag": HOUR, "company": HOUR}
"""For how long a record is taken as it was: names change rarely, addresses while one is talking."""
MISSED_SECONDS = 5 * MINUTE
BATCH = 50
"""Contacts that one search asks for. Intercom names a limit of 15 for filters, and none for the values of
one; a search that it refuses is asked for one by one."""
FOLDERS = {"contact": "/contacts", "admin": "/admins", "team": "/teams", "company": "/companies"}
LISTS = {"admin": ("/admins", "admins"), "team": ("/teams", "teams"), "tag": ("/tags", "data")}
"""What Intercom lists as a whole, without pages, and where the list is in its answer."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A whole list by id, and when it came."""

    at: float
    records: Mapping[str, Record]


class Lookups:
    """Records by id, as `ports.Records` has it; kept for a while, and usable from several threads.

    Contacts come in batches, admins, teams and tags as whole lists, companies one by one.
    """

    def __init__(self, rest: Rest, clock: Timer | None = None) -> None:
        self._rest = rest
        self._clock = clock or rest.clock
        lists = {f"all of {table}": HOUR for table in LISTS}
        ages = {**AGES, **lists, "tags of contact": 5 * MINUTE}
        self._known = Known(self._clock, ages, MISSED_SECONDS)

    def fetch(self, table: str, ids: Collection[str]) -> dict[str, Record | None]:
        """The records of one table by id; None for an id that does not exist (any more).

        *table* is one of `ports.TABLES`. An id that is left out could not be asked for: it may exist. The
        record of a merged contact has the id of the one that remains. Raises Denied where our token may not
        read the table.
        """
        if table not in TABLES:
            raise ValueError(f"there is no such table; tables: {', '.join(TABLES)}")
        real = [key for key in ids if _is_id(key)]
        found: dict[str, Record | None] = {key: None for key in ids if not _is_id(key)}
        if not real:
            return found
        if table in LISTS:
            return found | self._from_list(table, real)
        fetch = self._contacts if table == "contact" else partial(self._one_by_one, table)
        return found | self._known.ask(table, real, fetch)

    def tags_of(self, contact_ids: Collection[str]) -> dict[str, list[Record]]:
        """All tags of contacts, with their names: the contact itself has the first ten, by id.

        A contact that does not exist has none; one that could not be asked for is left out. Raises Denied.
        """
        real = [key for key in contact_ids if _is_id(key)]
        none: dict[str, list[Record]] = {key: [] for key in contact_ids if not _is_id(key)}
        return none | self._known.ask("tags of contact", real, self._tags)

    def learn(self, table: str, record: Record) -> None:
        """Keep a record that a notification brought, unless a newer one is kept.

        One that another contact has become part of is from now on what a look-up of that one gives.
        """
        key = id_of(record)
        if not _is_id(key):
            return
        before = self._known.peek(table, key)
        newest = record if before is None or _updated_at(before) <= _updated_at(record) else before
        if newest is record:
            self._known.keep(table, key, record)
        merged = id_of(record.get("merged_from"))
        if _is_id(merged):
            self._known.keep(table, merged, newest)

    def whole(self, table: str) -> list[Record]:
        """All admins, teams or tags, asked for now. Raises Unavailable, Denied and Rejected."""
        self._known.forget(f"all of {table}", "")
        return list(self._listed(table).records.values())

    def _from_list(self, table: str, ids: list[str]) -> dict[str, Record | None]:
        """By the whole list; an id that is not in it may be new, or that of somebody who has left."""
        found: dict[str, Record | None] = {}
        with suppress(Unavailable, Rejected):
            listed = self._listed(table)
            found = {key: listed.records[key] for key in ids if key in listed.records}
            missing = [key for key in ids if key not in found]
            if missing and table in FOLDERS:
                return found | self._known.ask(table, missing, partial(self._one_by_one, table))
            if missing and self._clock.monotonic() - listed.at >= MISSED_SECONDS:
                self._known.forget(f"all of {table}", "")
                listed = self._listed(table)
            found |= {key: listed.records.get(key) for key in missing}
        return found

    def _listed(self, table: str) -> _Listed:
        path, place = LISTS[table]

        def fetch(_: list[str]) -> dict[str, _Listed]:
            answer = self._rest.get(path)
            rows = answer.get(place) if answer else None
            if not isinstance(rows, list):
                raise nonsense(f"the list of {path}")
            return {"": _Listed(self._clock.monotonic(), _by_id(rows))}

        listed: _Listed | None = self._known.ask(f"all of {table}", [""], fetch).get("")
        if listed is None:
            raise Unavailable("whoever asked for the list was interrupted")
        return listed

    def _contacts(self, ids: list[str]) -> dict[str, Record | None]:
        """By search where there are several; what it does not know is asked for by itself.

        A search does not know a contact of the last minutes, and none that was merged into another.
        """
        found: dict[str, Record | None] = {}
        with suppress(Unavailable):
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                if len(batch) > 1:
                    found |= self._searched(batch)
                self._singly("contact", [key for key in batch if key not in found], found)
        return found

    def _searched(self, ids: list[str]) -> dict[str, Record]:
        query = {"field": "id", "operator": "IN", "value": ids}
        try:
            answer = self._rest.post(
                "/contacts/search", {"query": query, "pagination": {"per_page": len(ids)}}
            )
        except Rejected:
            return {}
        records = _by_id(answer.get("data"))
        return {key: records[key] for key in ids if key in records}

    def _one_by_one(self, table: str, ids: list[str]) -> dict[str, Record | None]:
        found: dict[str, Record | None] = {}
        with suppress(Unavailable):
            self._singly(table, ids, found)
        return found

    def _singly(self, table: str, ids: list[str], found: dict[str, Record | None]) -> None:
        """Add what is found. Raises Unavailable where it was waited for: the next would wait as long."""
        for key in ids:
            try:
                value = self._rest.record(FOLDERS[table], key)
            except Rejected:
                continue
            except Unavailable as error:
                if error.retry_after is not None:
                    raise
                continue
            record = _record(value)
            if value is None or record is not None:
                found[key] = record

    def _tags(self, ids: list[str]) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for key in ids:
            try:
                answer = self._rest.get(f"/contacts/{key}/tags")
            except Rejected:
                continue
            except Unavailable:
                return found
            rows = answer.get("data") if answer is not None else []
            if isinstance(rows, list):
                found[key] = list(_by_id(rows).values())
        return found


def _updated_at(record: Record) -> float:
    try:
        return moment(record.get("updated_at") or 0).timestamp()
    except Refused:
        return 0.0


def _is_id(key: Any) -> bool:
    return isinstance(key, str) and ID.fullmatch(key) is not None


def _by_id(rows: Any) -> dict[str, Record]:
    """The usable objects of a list, by id; of anything else none."""
    listed = rows if isinstance(rows, list) else []
    return {id_of(row): record for row in listed if (record := _record(row)) is not None}


def _record(value: Any) -> Record | None:
    """An object with an id, in the shape that specs see; None for anything else."""
    if not id_of(value):
        return None
    try:
        made: Record = shaped(value)
    except NotJson:
        return None
    return made
