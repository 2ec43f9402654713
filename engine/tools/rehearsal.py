"""Sinks around a sink: history that starts no flow, and a first real send that touches no customer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from engine.events import Answer, Parked, Request, Skipped, Translation
from engine.language.reference import LONGEST_UNIQUE_ID
from engine.ports import Sink


@dataclass(frozen=True, slots=True)
class Backfill:
    """Everything as history: recorded, and no flow starts (`backfill: true`)."""

    sink: Sink

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked | Skipped:
        """The translation with its request, marked as history."""
        return self.sink.build(translation, now, backfill=True if backfill is None else backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """As the sink itself."""
        return self.sink.deliver(requests, bulk=bulk)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every event on the timeline of one profile, with an id of its own: no customer's profile is touched.

    *to* is the e-mail address of that profile. The ids begin with `test:` and *run*, so that neither the
    real event nor another rehearsal is taken for a repetition. No flow starts unless *fire_flows*. What
    would change a profile is left out, and so are the customer's names: the profile is somebody else's.
    """

    sink: Sink
    to: str
    run: str
    fire_flows: bool = False

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked | Skipped:
        """The event with its request for the other profile; Skipped for what changes a profile."""
        if not translation.unique_id:
            detail = "a rehearsal changes no profile"
            return Skipped("rehearsal", detail, translation.metric, translation.issues)
        if not any(translation.profile.get(key) for key in ("email", "phone_number", "external_id")):
            return self.sink.build(translation, now)  # parked, as it would be
        moved = replace(
            translation, profile={"email": self.to}, unique_id=self._own_id(translation.unique_id)
        )
        return self.sink.build(moved, now, backfill=not self.fire_flows)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """As the sink itself."""
        return self.sink.deliver(requests, bulk=bulk)

    def _own_id(self, unique_id: str) -> str:
        """The rehearsal's id for an event; where that is too long, with the digest of the event's own."""
        own = f"test:{self.run}:{unique_id}"
        if len(own) > LONGEST_UNIQUE_ID:
            own = f"test:{self.run}:{sha256(unique_id.encode()).hexdigest()[:32]}"
        return own
