"""What the edges promise to the rest."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

Record = Mapping[str, Any]
"""An object as Intercom's REST returns it."""

Known = Mapping[tuple[str, str], Record | None]
"""Records by (table, id); None where Intercom has no such record."""

TABLES = ("contact", "admin", "team", "tag", "company")
"""The kinds of records that a spec can look up."""


class Records(Protocol):
    """Things known by their id, however they are fetched."""

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        """The records of one table by id; None for an id that does not exist (any more)."""
        ...


class Clock(Protocol):
    """The time, passed in so that tests have their own."""

    def now(self) -> datetime:
        """This moment, in UTC and aware of it."""
        ...
