"""What the edges promise to the rest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from engine.events import Answer, Parked, Request, Skipped, Translation

Record = Mapping[str, Any]
"""An object as Intercom's REST returns it."""

Known = Mapping[tuple[str, str], Record | None]
"""Records by (table, id); None where Intercom has no such record."""

TABLES = ("contact", "admin", "team", "tag", "company")
"""The kinds of records that a spec can look up."""


class Records(Protocol):
    """Things known by their id, however they are fetched."""

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        """The records of one table by id; None for an id that does not exist (any more).

        An id that is left out is one that could not be asked for: it may exist. Raises Denied where our
        token may not read the table.
        """
        ...


class Sink(Protocol):
    """Where events and profiles go; under `serve` it delivers both at the same time, from two threads."""

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked | Skipped:
        """The translation with its `request`, or the reason why it cannot be sent, or is not to be."""
        ...

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Send, and say of each request in its order what became of it. Raises Denied alone."""
        ...


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: the names of its headers in lower case, its body decoded and whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Transport(Protocol):
    """One request over the network, and its answer; nothing is followed and nothing tried again."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """The answer, whatever its status. Raises NotSent and FateUnknown, never with a header's value."""
        ...


class Clock(Protocol):
    """The time, passed in so that tests have their own."""

    def now(self) -> datetime:
        """This moment, in UTC and aware of it."""
        ...


class Timer(Clock, Protocol):
    """A clock that one can wait by, with the chance that spreads retries."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...

    def jitter(self) -> float:
        """A random number from 0 up to 1."""
        ...
