"""What waits to be sent, in three queues: fresh events, events of unknown fate, and profiles."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from engine.errors import NotSent, Rejected, Throttled, Unavailable
from engine.events import Accepted, Answer, Request
from engine.klaviyo.lanes import Waiting
from engine.ledger import inbox, outbox, profiles
from engine.ledger.erasing import forget_contact
from engine.ledger.outbox import Due, Settled
from engine.ledger.profiles import DueProfile, SettledProfile
from engine.redaction import masked

LARGEST_BYTES = 2 * 1024 * 1024
"""Of rows that are sent together, as they are kept: a third of what goes out."""
GIVEN_UP_SECONDS = 7 * 86_400.0
LONGEST_WAIT = 300.0

Row = Any
"""A `Due` or a `DueProfile`."""
Answered = Sequence[tuple[Row, Answer | None]]
"""Rows with the answers to them; None where there was none, as nothing was sent."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When rows are tried again: *jitter* spreads them; none *waits* where the account does.

    *moved* is by how much the clock was set since the rows were read.
    """

    now: float
    jitter: float
    waits: bool = True
    moved: float = 0.0

    def is_over(self, first_try_at: float | None) -> bool:
        """Whether a row was tried for as long as any is."""
        return first_try_at is not None and self.now - first_try_at - self.moved >= GIVEN_UP_SECONDS

    def not_before(self, tries: int, failure: Unavailable) -> float:
        """The moment of a row's next try: Klaviyo's word, and longer each time."""
        if not self.waits:
            return self.now
        own = min(LONGEST_WAIT, 0.5 * 2.0 ** min(tries, 16)) * (0.5 + self.jitter / 2)
        return self.now + min(max(own, failure.retry_after or 0.0), inbox.LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Fate:
    """What an answer means for a row."""

    state: str
    reason: str = ""
    detail: str = ""
    pointer: str = ""
    not_before: float = 0.0
    is_uncertain: bool = False
    is_tried: bool = True


def fate_of(row: Row, answer: Answer | None, terms: Terms) -> Fate:
    """What an answer means for a row: what may have arrived is uncertain, and what was never sent is not."""
    was_uncertain = getattr(row, "is_uncertain", False)
    if answer is None or isinstance(answer, Waiting):
        return Fate("queued", is_uncertain=was_uncertain, is_tried=False)
    if isinstance(answer, Accepted):
        return Fate("accepted", detail="; ".join(issue.message for issue in answer.left_out))
    if isinstance(answer, Rejected):
        return Fate("dead", "refused", answer.reason, masked(answer.pointer), is_uncertain=was_uncertain)
    uncertain = was_uncertain or not isinstance(answer, NotSent | Throttled)
    if terms.is_over(row.first_try_at):
        return Fate("dead", "tried_in_vain", answer.reason, is_uncertain=uncertain)
    return Fate(
        "queued", "waiting", answer.reason, "", terms.not_before(row.tries, answer), is_uncertain=uncertain
    )


class Queue(Protocol):
    """Rows of one kind, and how they are sent."""

    name: str
    goes_in_bulk: bool

    def count(self, tx: Any, now: float, most: int) -> int:
        """How many are due, counted up to *most*."""
        ...

    def due(self, tx: Any, now: float, most: int) -> list[Row]:
        """Those that are due, the oldest first."""
        ...

    def next_due(self, tx: Any) -> float | None:
        """When the next one is due; None where none waits."""
        ...

    def request(self, row: Row, now: float, late_after: float) -> Request:
        """The request of a row. Raises Damaged."""
        ...

    def begin(self, tx: Any, rows: Sequence[Row], attempt: int) -> list[bool]:
        """Write down that rows are about to be sent; says of each whether it still is to be."""
        ...

    def recover(self, tx: Any, now: float) -> None:
        """Have sent again what was on its way when its sender died."""
        ...

    def set_aside(self, tx: Any, rows: Sequence[Row], now: float) -> None:
        """Have rows made again whose request has changed on the disk: it is not sent."""
        ...

    def overtaken(self, tx: Any, rows: Sequence[Row]) -> None:
        """Rows arrived, perhaps, after somebody else has sent them, or what is newer."""
        ...

    def settle(self, tx: Any, answered: Answered, terms: Terms) -> Counter[str]:
        """Write down what became of rows; counts them by state."""
        ...


class EventQueue:
    """Events, those of unknown fate or the others."""

    def __init__(self, account: str, *, uncertain: bool) -> None:
        self.name = "uncertain events" if uncertain else "events"
        self.goes_in_bulk = not uncertain
        self._account = account
        self._uncertain = uncertain

    def count(self, tx: Any, now: float, most: int) -> int:
        """How many are due, counted up to *most*."""
        return outbox.count_due(tx, self._account, now, most, uncertain=self._uncertain)

    def due(self, tx: Any, now: float, most: int) -> list[Due]:
        """Those that are due, the oldest first."""
        return outbox.due(
            tx, self._account, now, most, largest_bytes=LARGEST_BYTES, uncertain=self._uncertain
        )

    def next_due(self, tx: Any) -> float | None:
        """When the next one is due; None where none waits."""
        return outbox.next_due(tx, self._account, uncertain=self._uncertain)

    def request(self, row: Due, now: float, late_after: float) -> Request:
        """The request, marked as of the past where it leaves late: then it starts no flow. Raises Damaged."""
        request = row.request()
        if row.time is None or now - row.time <= late_after:
            return request
        data = request.body["data"]
        attributes = {**data["attributes"], "backfill": True}
        return replace(request, body={"data": {**data, "attributes": attributes}})

    def begin(self, tx: Any, rows: Sequence[Due], attempt: int) -> list[bool]:
        """Write down that rows are about to be sent; says of each whether it still is to be."""
        begun = outbox.begin(tx, rows, attempt)
        return [row.id in begun for row in rows]

    def recover(self, tx: Any, now: float) -> None:
        """Have sent again, as of unknown fate, what was on its way when its sender died."""
        _forget_deleted(tx, self._account, outbox.recover(tx, self._account), now)

    def set_aside(self, tx: Any, rows: Sequence[Due], now: float) -> None:
        """Have rows made again from their notifications, but for one that may have arrived.

        Made again it might have another profile: Klaviyo would record it twice.
        """
        if rows:
            lost = [row for row in rows if not row.is_uncertain]
            outbox.settle(tx, [_set_aside(row) for row in rows], now)
            inbox.take_up(tx, outbox.told_by(tx, [row.id for row in lost]))

    def overtaken(self, tx: Any, rows: Sequence[Due]) -> None:
        """An event that arrives twice is recorded once."""

    def settle(self, tx: Any, answered: Answered, terms: Terms) -> Counter[str]:
        """Write down what became of rows; counts them by state."""
        fates = [(row, fate_of(row, answer, terms)) for row, answer in answered]
        settled = [
            Settled(
                row,
                one.state,
                one.reason,
                one.detail,
                one.pointer,
                one.not_before,
                one.is_uncertain,
                one.is_tried,
            )
            for row, one in fates
        ]
        outbox.settle(tx, settled, terms.now)
        _forget_deleted(tx, self._account, {row.contact for row, _ in answered}, terms.now)
        return _counted(one for _, one in fates)


class ProfileQueue:
    """Profiles."""

    name = "profiles"
    goes_in_bulk = True

    def __init__(self, account: str) -> None:
        self._account = account

    def count(self, tx: Any, now: float, most: int) -> int:
        """How many are due, counted up to *most*."""
        return profiles.count_due(tx, self._account, now, most)

    def due(self, tx: Any, now: float, most: int) -> list[DueProfile]:
        """Those that are due, whoever waits longest first."""
        return profiles.due(tx, self._account, now, most)

    def next_due(self, tx: Any) -> float | None:
        """When the next one is due; None where none waits."""
        return profiles.next_due(tx, self._account)

    def request(self, row: DueProfile, now: float, late_after: float) -> Request:
        """The request, for the profile that Klaviyo has: its address may have changed. Raises Damaged."""
        request = row.request()
        if not row.klaviyo_id:
            return request
        return replace(request, body={"data": {**request.body["data"], "id": row.klaviyo_id}})

    def begin(self, tx: Any, rows: Sequence[DueProfile], attempt: int) -> list[bool]:
        """Write down that rows are about to be sent; says of each whether it still is to be."""
        begun = profiles.begin(tx, self._account, rows, attempt)
        return [row.contact in begun for row in rows]

    def recover(self, tx: Any, now: float) -> None:
        """Have sent again what was on its way when its sender died."""
        profiles.recover(tx, self._account)

    def set_aside(self, tx: Any, rows: Sequence[DueProfile], now: float) -> None:
        """Have rows made again: by their notifications, or by the next word on the contact."""
        if rows:
            damaged = [SettledProfile(row, "dead", "damaged", _DAMAGED) for row in rows]
            profiles.settle(tx, self._account, damaged, now, before="queued")
            inbox.take_up(tx, profiles.told_by(tx, self._account, [row.contact for row in rows]))

    def overtaken(self, tx: Any, rows: Sequence[DueProfile]) -> None:
        """What is newer is sent again: the older may have come after it."""
        newer = profiles.doubt(tx, self._account, rows)
        inbox.take_up(tx, profiles.told_by(tx, self._account, newer))

    def settle(self, tx: Any, answered: Answered, terms: Terms) -> Counter[str]:
        """Write down what became of rows; counts them by state."""
        fates = [(row, answer, fate_of(row, answer, terms)) for row, answer in answered]
        settled = [_profile(row, answer, one) for row, answer, one in fates]
        profiles.settle(tx, self._account, settled, terms.now)
        return Counter(one.state for one in settled)


_DAMAGED = "what the ledger holds of it has changed on the disk"


def _forget_deleted(tx: Any, account: str, contacts: Iterable[str], now: float) -> None:
    """Who was deleted while something of theirs was on its way is sent nothing any more."""
    for contact in profiles.gone(tx, account, contacts):
        forget_contact(tx, account, contact, now)


def _set_aside(row: Due) -> Settled:
    state = "dead" if row.is_uncertain else "parked"
    return Settled(row, state, "damaged", _DAMAGED, is_uncertain=row.is_uncertain, is_tried=False)


def _profile(row: DueProfile, answer: Answer | None, fate: Fate) -> SettledProfile:
    """What became of a profile; one that was refused by its id at Klaviyo is tried again without it."""
    if fate.state == "dead" and row.klaviyo_id and fate.reason == "refused":
        return SettledProfile(row, "queued", "waiting", fate.detail, klaviyo_id=None)
    found = answer.profile_id if isinstance(answer, Accepted) else ""
    return SettledProfile(
        row, fate.state, fate.reason, fate.detail, fate.pointer, fate.not_before, found or row.klaviyo_id,
        fate.is_tried,
    )  # fmt: skip


def _counted(fates: Iterable[Fate]) -> Counter[str]:
    return Counter(one.state for one in fates)
