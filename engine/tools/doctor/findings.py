"""What a look at an account finds, and by how much its clock differs from ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from engine.ports import Clock, Response, Transport

MOST_SKEW_SECONDS = 60.0
State = Literal["ok", "note", "look", "fault"]
"""As it should be; for a person to do, and not to be seen from here; worth a look; in the way of sending."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it stands, and what to do next where it does not stand well."""

    side: str
    state: State
    what: str
    next: str = ""


class Dated:
    """A transport that notes by how much the other side's clock differs from ours."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self.skew_seconds: float | None = None
        self._transport = transport
        self._clock = clock

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """As the transport itself."""
        before = self._clock.now()
        response = self._transport.send(method, url, headers, body)
        self.skew_seconds = _skew(response.headers.get("date", ""), before, self._clock.now())
        return response


def _skew(text: str, before: datetime, after: datetime) -> float | None:
    """Seconds that we are ahead, as far as no time on the way explains them; None without a date."""
    try:
        theirs = parsedate_to_datetime(text)
        early, late = (before - theirs).total_seconds(), (after - theirs).total_seconds()
    except (ValueError, TypeError):
        return None
    return early if early > 0 else min(late, 0.0)


def clock_of(side: str, dated: Dated) -> Iterator[Finding]:
    """Whether both clocks agree, where the other side has told the time."""
    if dated.skew_seconds is None:
        return
    if abs(dated.skew_seconds) <= MOST_SKEW_SECONDS:
        yield Finding(side, "ok", "the clocks agree")
        return
    way = "ahead of" if dated.skew_seconds > 0 else "behind"
    what = f"this machine's clock is {abs(dated.skew_seconds):.0f} seconds {way} {side}'s"
    yield Finding(
        side, "fault", what, "let it be set by NTP: times decide what is history and what is too old"
    )
