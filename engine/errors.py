"""What a caller must act on. What a person wrote or sent wrongly is an `Issue` instead.

    EngineError
      SpecError        the specs cannot run              .issues, all of them, each with file:line:col
      SettingsError    the settings are no settings      .issues, all of them, each with its name
      LedgerError      the ledger cannot be used          .next says what to do
      Unreadable       these bytes are no notification    .reason; nothing of the content is repeated
      Forged           the signature does not match       the web answers 401 and keeps nothing
      Unavailable      try again                          .retry_after in seconds, or None
        NotSent          it has never left this machine
        Throttled        nothing was done: too many requests came
        FateUnknown      it may have arrived: send the same bytes again, or none
      Rejected         never as it is                     .pointer, .detail; stops one item, not its batch
      Denied           our key or a scope that it lacks   stops delivery and tells a person

Each class answers one question: what must the caller do?
"""

from collections.abc import Sequence
from typing import Any

from engine.issues import Issue


class EngineError(Exception):
    """The root: everything that the engine raises on purpose."""


class SpecError(EngineError):
    """The specs cannot run. `issues` holds every fault of every file, in order."""

    def __init__(self, message: str, issues: Sequence[Issue] = ()) -> None:
        super().__init__(message)
        self.issues = tuple(issues)


class SettingsError(EngineError):
    """The settings cannot be used. `issues` holds every fault of them, the environment's too."""

    def __init__(self, message: str, issues: Sequence[Issue] = ()) -> None:
        super().__init__(message)
        self.issues = tuple(issues)


class LedgerError(EngineError):
    """The ledger cannot be used, and trying again changes nothing. `next` says what a person can do."""

    def __init__(self, reason: str, next_: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.next = next_


class Unreadable(EngineError):
    """The input is no JSON that we read. `reason` says why, in words that repeat nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Forged(EngineError):
    """The signature is not that of the body. Says nothing more: whoever asks may be its forger."""

    def __init__(self) -> None:
        super().__init__("the signature does not match")


class Unavailable(EngineError):
    """It did not work this time. `retry_after` is in seconds, where the other side named a time."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class NotSent(Unavailable):
    """There was no connection: not a byte of the request has left this machine."""


class Throttled(Unavailable):
    """The other side did nothing of it, since requests come too fast."""


class FateUnknown(Unavailable):
    """The request was sent and no answer came: it may have been carried out."""


class Rejected(EngineError):
    """Refused for its own fault: the same again is refused again.

    `pointer` is the JSON pointer that the other side named, or empty. `detail` is its sentence, which
    may repeat a customer's value; the message of the exception does not.
    """

    def __init__(self, reason: str, pointer: str = "", detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer
        self.detail = detail


class Denied(EngineError):
    """Our key is not accepted, or may not do this. `scope` is what it lacks, where that is known.

    Of several requests, `answers` has what became of those that were answered before, by their place; of
    several notifications, `rows` is what `Runner.send_all` would have given.
    """

    def __init__(self, reason: str, scope: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.scope = scope
        self.answers: dict[int, Any] = {}
        self.rows: list[Any] = []
