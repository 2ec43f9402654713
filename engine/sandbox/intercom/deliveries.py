"""The books of a sender: every notification, each try, and what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from engine.sandbox.intercom.versions import Object


class Fate(StrEnum):
    """What became of a try, or of a notification that was never tried."""

    DELIVERED = "delivered"
    RETRIED = "retried"  # this try failed, and there is another
    FAILED = "failed"  # the second try failed: it is lost
    THROTTLED = "throttled"  # 429: it waits
    DROPPED = "dropped"  # it waited for too long, or the subscription was paused
    DISABLED = "disabled"  # 410: this one and all that follow are not sent
    LOST = "lost"  # by chance, without a try


@dataclass(frozen=True, slots=True)
class Try:
    """A try. *status* is None where no answer came in time, or none was asked for."""

    at: float
    topic: str
    id: str | None
    attempt: int
    fate: Fate
    status: int | None = None
    seconds: float = 0.0


@dataclass
class Books:
    """What was sent and what was answered, in order; and what chance did to it."""

    tries: list[Try] = field(default_factory=list)
    chances: Counter[str] = field(default_factory=Counter)
    """How many were `duplicated`, `delayed` or `lost`."""
    slow: int = 0
    """Answers over half a second: they count, and what follows has less priority."""

    def counts(self) -> Counter[str]:
        """How many tries had which fate, and what chance did to them; pings are counted apart."""
        made = Counter(str(one.fate) for one in self.tries if one.topic != "ping")
        made["pings"] = sum(one.topic == "ping" for one in self.tries)
        return made + Counter({name: count for name, count in self.chances.items() if name != "lost"})

    def delivered(self) -> set[str | None]:
        """The ids of notifications that the receiver has taken."""
        return {one.id for one in self.tries if one.fate is Fate.DELIVERED}


@dataclass(order=True)
class Due:
    """A notification that is to be sent at a time."""

    at: float
    order: int
    notification: Object = field(compare=False)
    first_due: float = field(compare=False)
