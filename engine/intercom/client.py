"""`Intercom`: a workspace, for scripts and for the machine: its people, its look-ups and its past."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from engine.intercom import history
from engine.intercom.answers import nonsense
from engine.intercom.history import Page
from engine.intercom.lookups import Lookups
from engine.intercom.rest import PATIENCE_SECONDS, Rest
from engine.ports import Record, Timer, Transport


class Intercom:
    """A workspace of Intercom, read through its REST API 2.16 (developers.intercom.com).

    *token* is the access token of an app (Developer Hub > Authentication). *region* is `us`, `eu` or `au`:
    where the workspace is hosted; *url* is for a stand-in instead. *patience_seconds* is how long a request
    is tried again before it raises Unavailable; 0 is one try. It answers look-ups of a `Runner`, and may be
    used from several threads. Raises ValueError where an argument cannot be used.

        intercom = Intercom(token, region="eu")
        runner = Runner(load("mappings"), records=intercom)
        for page in intercom.conversations(start, end):
            for notification in page.notifications:
                results = runner.translate(notification)

    Methods raise Unavailable where Intercom cannot be reached in time, Denied where the token may not do
    this, with the `scope` that it lacks, and Rejected where Intercom refuses the request itself.
    """

    def __init__(
        self,
        token: str,
        *,
        region: str = "us",
        url: str = "",
        transport: Transport | None = None,
        clock: Timer | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._rest = Rest(
            token, region, url=url, transport=transport, clock=clock, patience_seconds=patience_seconds
        )
        self._lookups = Lookups(self._rest)
        self._app_id = ""

    def use(self, token: str) -> None:
        """Send this token from the next request on. Raises ValueError where it cannot be one."""
        self._rest.use(token)
        self._app_id = ""

    def fetch(self, table: str, ids: Collection[str]) -> dict[str, Record | None]:
        """Records by id: *table* is `contact`, `admin`, `team`, `tag` or `company`.

        None is for an id that does not exist (any more). An id is left out where Intercom could not be asked
        for it: it may exist. Contacts are up to 5 minutes old, the others up to an hour. Raises Denied alone.
        """
        return self._lookups.fetch(table, ids)

    def tags_of(self, contact_ids: Collection[str]) -> dict[str, list[Record]]:
        """All tags of contacts, as `{"type": "tag", "id": ..., "name": ...}`, by contact id.

        Of a contact itself Intercom sends the first ten, without names. An id is left out where Intercom
        could not be asked for it. Up to 5 minutes old. Raises Denied alone.
        """
        return self._lookups.tags_of(contact_ids)

    def me(self) -> dict[str, Any]:
        """Whose token this is: an admin, with the workspace as `app` (`id_code`, `region`, `timezone`)."""
        found = self._rest.get("/me")
        if found is None:
            raise nonsense("whose token this is")
        return found

    def app_id(self) -> str:
        """The id of the workspace, which every notification of it carries; asked for once."""
        if not self._app_id:
            app = self.me().get("app")
            found = app.get("id_code") if isinstance(app, dict) else None
            if not isinstance(found, str) or not found:
                raise nonsense("the id of the workspace")
            self._app_id = found
        return self._app_id

    def admins(self) -> list[Record]:
        """All teammates, with `id`, `name`, `email` and `team_ids`."""
        return self._lookups.whole("admin")

    def teams(self) -> list[Record]:
        """All teams, with `id`, `name` and `admin_ids`."""
        return self._lookups.whole("team")

    def tags(self) -> list[Record]:
        """All tags of the workspace, with `id` and `name`."""
        return self._lookups.whole("tag")

    def contact(self, contact_id: str) -> dict[str, Any] | None:
        """A contact as it is now; the one that remains where it was merged; None where there is none."""
        return self._rest.record("/contacts", contact_id)

    def learn(self, table: str, record: Record) -> None:
        """Give this record to look-ups of the next minutes, unless a newer one is known."""
        self._lookups.learn(table, record)

    def ticket(self, ticket_id: str) -> dict[str, Any] | None:
        """A ticket as it is now, with its newest 500 parts; None where there is none."""
        return self._rest.record("/tickets", ticket_id)

    def conversations(self, start: datetime, end: datetime, *, cursor: str | None = None) -> Iterator[Page]:
        """Pages of conversations that began from *start* up to *end*, without their parts.

        Tickets are left out, and those that became one later come as they were before. To go on after a
        page: `start, cursor = page.onward`, with the same *end*.
        """
        return history.conversations(self._rest, self.app_id(), start, end, cursor=cursor)

    def tickets(self, start: datetime, end: datetime, *, cursor: str | None = None) -> Iterator[Page]:
        """Pages of tickets by their `created_at`, with their newest 500 parts; as `conversations`."""
        return history.tickets(self._rest, self.app_id(), start, end, cursor=cursor)

    def contacts(self, start: datetime, end: datetime, *, cursor: str | None = None) -> Iterator[Page]:
        """Pages of contacts that were created from *start* up to *end*; as `conversations`."""
        return history.contacts(self._rest, self.app_id(), start, end, cursor=cursor)
