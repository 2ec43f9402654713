"""What a caller must act on. What a person wrote or sent wrongly is an `Issue` instead.

    EngineError
      SpecError        the specs cannot run             .issues, all of them, each with file:line:col
      Unreadable       these bytes are no notification   .reason; nothing of the content is repeated

Each class answers one question: what must the caller do?
"""

from collections.abc import Sequence

from engine.issues import Issue


class EngineError(Exception):
    """The root: everything that the engine raises on purpose."""


class SpecError(EngineError):
    """The specs cannot run. `issues` holds every fault of every file, in order."""

    def __init__(self, message: str, issues: Sequence[Issue] = ()) -> None:
        super().__init__(message)
        self.issues = tuple(issues)


class Unreadable(EngineError):
    """The input is no JSON that we read. `reason` says why, in words that repeat nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
