"""`Memory`: what the last searches found, so that the next page of a large workspace need not look again."""

import json
from collections.abc import Callable
from typing import Any

from engine.sandbox.intercom.workspace import Workspace

MOST = 8


class Memory:
    """Results of searches, forgotten as soon as anything in the workspace changes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._revision = workspace.revision
        self._known: dict[str, list[Any]] = {}

    def found(self, key: Any, look: Callable[[], list[Any]]) -> list[Any]:
        """What *look* finds, or found when it was asked the same."""
        if self._revision != self._workspace.revision or len(self._known) >= MOST:
            self._revision, self._known = self._workspace.revision, {}
        text = json.dumps(key, sort_keys=True)
        if text not in self._known:
            self._known[text] = look()
        return self._known[text]
