"""What the relay needs of the machine that translates: `Runner` is one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from engine.events import Notification, Result, Skipped
from engine.language.plan import Plan
from engine.ports import Known, Record, Records


@dataclass(frozen=True, slots=True)
class Worked:
    """What each plan makes of a notification."""

    notification: Notification | Skipped
    made: tuple[tuple[Plan | None, Result], ...]


class Machine(Protocol):
    """Opens and translates notifications."""

    def read(self, payload: bytes | Mapping[str, Any]) -> Notification | Skipped:
        """Open a notification. Raises Unreadable."""
        ...

    def work_out(
        self, notifications: Sequence[Notification | Skipped], *, every: bool, partial: bool
    ) -> tuple[list[Worked], Known]:
        """What comes of notifications, in their order, and the records that were looked up. Raises Denied."""
        ...

    def learn(self, contact: Record) -> None:
        """A contact as a notification has it: look-ups that follow should not give an older one."""
        ...

    def ticket(self, app_id: str, ticket_id: str) -> Mapping[str, Any] | None:
        """A ticket of a workspace as it is now, with its parts; None where it cannot be had.

        Raises Unavailable and Denied.
        """
        ...


@runtime_checkable
class ByWorkspace(Protocol):
    """Records of several workspaces."""

    def of(self, app_id: str) -> Records | None:
        """Those of one workspace; None where nobody can be asked."""
        ...

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        """Those of the usual workspace, as `Records` has it."""
        ...


@runtime_checkable
class Learning(Protocol):
    """Records that take in what notifications tell."""

    def learn(self, table: str, record: Record) -> None:
        """Give this record from now on, unless a newer one is known."""
        ...


@runtime_checkable
class Tickets(Protocol):
    """Records that can give a ticket as well."""

    def ticket(self, ticket_id: str) -> Mapping[str, Any] | None:
        """A ticket as it is now, with its parts; None where there is none. Raises Unavailable and Denied."""
        ...


def ids_of(looked_up: Collection[tuple[str, str]], table: str) -> list[str]:
    """The ids of one table among all that were looked up."""
    return [key for name, key in looked_up if name == table]
