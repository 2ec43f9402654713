"""What may become of a request to the webhooks' address."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ends: its name in the metrics, and what is answered. A status of 0 answers nothing."""

    name: str
    status: int
    text: str = ""
    closes: bool = False
    """Whether the connection ends with the answer."""


KEPT = Outcome("kept", 200)
"""With no body: head and body would leave in two packets."""
VALIDATED = Outcome("validated", 200)
WRONG_METHOD = Outcome("wrong_method", 405, "webhooks are posted")
BAD_LENGTH = Outcome("bad_length", 400, "the length of the body is not clear", closes=True)
UNREADABLE = Outcome("unreadable", 400, "this is no notification")
FORGED = Outcome("forged", 401, "the signature does not match")
TOO_SLOW = Outcome("too_slow", 408, "the body takes too long", closes=True)
TOO_LARGE = Outcome("too_large", 413, "the body is too large")
BUSY = Outcome("busy", 503, "too many large bodies at once", closes=True)
UNAVAILABLE = Outcome("unavailable", 503, "this cannot be kept now", closes=True)
STOPPING = Outcome("stopping", 503, "the relay is stopping", closes=True)
GONE = Outcome("gone", 0)
"""Who sent it has hung up before the end of the body."""


class Refused(Exception):
    """A request ends here."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome
