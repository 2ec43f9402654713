"""`Workspaces`: several workspaces in which one app is installed, each with a token of its own."""

from collections.abc import Collection, Mapping

from engine.errors import Denied, Unavailable
from engine.intercom.client import Intercom
from engine.ports import Record, Records


class Workspaces:
    """Records of several workspaces, by the `app_id` of the notifications.

    *usual* answers for the workspace of its token, *others* for theirs, by app id in lower case. An app's
    webhooks come from all workspaces where it is installed (developers.intercom.com, webhook notifications).
    """

    def __init__(self, usual: Intercom, others: Mapping[str, Records]) -> None:
        self._usual = usual
        self._others = others

    def use(self, token: str) -> None:
        """Send this token for the usual workspace from the next request on. Raises ValueError."""
        self._usual.use(token)

    def of(self, app_id: str) -> Records | None:
        """The records of a workspace; None where no token is set for it."""
        if app_id.lower() in self._others:
            return self._others[app_id.lower()]
        try:
            is_usual = self._usual.app_id() == app_id
        except (Unavailable, Denied):
            return self._usual  # whoever asks it for a record will be told the same
        return self._usual if is_usual else None

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        """The records of the usual workspace."""
        return self._usual.fetch(table, ids)
