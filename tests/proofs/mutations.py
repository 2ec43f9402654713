"""Bugs that are planted on purpose: a proof that does not see one proves nothing.

    python -m tests.soak mutations

Each is a small change of the engine at work, and names the proof that has to turn red.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, update

import engine.ledger.outbox as outbox
import engine.relay.envelope as envelope
from engine.events import Request
from engine.ledger import leases, profiles, sqlite
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.store import Ledger

PLANTED: set[str] = set()
"""What a program of the proofs itself does wrongly now: `answers early`."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Do a bug's harm for a while; none where no name is given."""
    if not name:
        yield
        return
    with MUTATIONS[name].plant():
        yield


@dataclass(frozen=True)
class Mutation:
    """A bug, and the proof that sees it: that gives complaints, and must give some."""

    plant: Callable[[], Any]
    proof: Callable[[Path, str], Sequence[object]]


@contextmanager
def _answers_early() -> Iterator[None]:
    PLANTED.add("answers early")
    try:
        yield
    finally:
        PLANTED.discard("answers early")


def _lax_commits() -> Any:
    """`synchronous = NORMAL`: what was answered for is lost with the power."""
    real = sqlite._prepared
    return patch.object(sqlite, "_prepared", lambda connection, _: real(connection, "NORMAL"))


def _without_intent() -> Any:
    """Nothing is written down before it is sent: after a death it goes in bulk again."""

    def begin(tx: Connection, sent: Sequence[Any], attempt: int) -> set[int]:
        ids = [one.id for one in sent]
        tx.execute(update(outbox_rows).where(outbox_rows.c.id.in_(ids)).values(attempt=attempt))
        return {*ids}

    return patch.object(outbox, "begin", begin)


def _without_lease() -> Any:
    """Everybody delivers."""

    def take(ledger: Ledger, name: str, owner: str) -> leases.Lease:
        return leases.Lease(name, owner, 1, ledger.now() + leases.SECONDS)

    return _both(patch.object(leases, "take", take), patch.object(leases, "holds", lambda tx, lease: True))


def _without_fence() -> Any:
    """Whoever settles last is right."""
    return patch.object(leases, "holds", lambda tx, lease: True)


def _without_key() -> Any:
    """Each event is a new one, whatever told of it."""
    numbers = iter(range(10**9))

    def own(account: str, key: bytes, event: outbox.Event, order: int) -> bytes:
        return outbox.key_of(key, str(next(numbers)), event.unique_id)

    return patch.object(outbox, "_key", own)


def _id_of_notification() -> Any:
    """`unique_id` is that of the notification: the same fact told twice is two events."""
    real = outbox.add

    def add(
        tx: Connection, account: str, key: bytes, events: Sequence[outbox.Event], now: float
    ) -> list[str]:
        return real(tx, account, key, [_renamed(one) for one in events], now)

    return patch.object(outbox, "add", add)


def _renamed(one: outbox.Event) -> outbox.Event:
    name = f"{one.unique_id}.{one.inbox_id}"
    if one.request is None:
        return replace(one, unique_id=name)
    data = one.request.body["data"]
    body = {"data": {**data, "attributes": {**data["attributes"], "unique_id": name}}}
    return replace(one, unique_id=name, request=replace(one.request, body=body, unique_id=name))


def _made_anew() -> Any:
    """A retry takes what is known of the person now: Klaviyo knows an event again by its person."""
    real = outbox.Due.request

    def request(self: outbox.Due) -> Request:
        made = real(self)
        if not self.is_uncertain:
            return made
        data = made.body["data"]
        other = {"data": {"type": "profile", "attributes": {"email": "moved@example.com"}}}
        body = {"data": {**data, "attributes": {**data["attributes"], "profile": other}}}
        return replace(made, body=body)

    return patch.object(outbox.Due, "request", request)


def _doubt_in_bulk() -> Any:
    """What may have arrived goes in bulk again."""
    return patch.object(outbox, "recover", _recovered_as_fresh)


def _recovered_as_fresh(tx: Connection, account: str) -> set[str]:
    mine = (outbox_rows.c.account == account, outbox_rows.c.state == "in_flight")
    tx.execute(update(outbox_rows).where(*mine).values(state="queued"))
    return set()


def _without_versions() -> Any:
    """The last word on a contact counts, not the newest."""
    real = profiles._compared

    def compared(one: profiles.Told, before: Any, key: bytes, now: float) -> Any:
        later = max(one.updated_at, before.updated_at if before else 0.0)
        return real(replace(one, updated_at=later, told_at=10**10), before, key, now)

    return patch.object(profiles, "_compared", compared)


def _without_checksums() -> Any:
    """Bits turn over, and nobody looks."""
    from engine.ledger import sealed

    return patch.object(sealed, "compare_digest", lambda one, other: True)


def _without_clocks() -> Any:
    """Times of the ledger stay where a clock that is set leaves them."""
    from engine.relay.clocks import Rebase

    return patch.object(Rebase, "check", lambda self: 0.0)


def _stays_on_its_way() -> Any:
    """Whoever keeps the lease looks for nothing that was broken off."""
    from engine.relay.choosing import Lane

    return patch.object(Lane, "is_clean", lambda self, fence: True)


def _delivery_in_the_id() -> Any:
    """A notification that is sent again is a new one."""
    real = envelope.received

    def received(raw: bytes, now: float) -> Any:
        return replace(real(raw, now), notification=f"{len(raw)} {hash(raw)}")

    from engine.relay import relay

    return patch.object(relay, "received", received)


@contextmanager
def _both(*some: Any) -> Iterator[None]:
    first, *others = some
    with first:
        if others:
            with _both(*others):
                yield
        else:
            yield


def _proof(name: str) -> Callable[[Path, str], Sequence[object]]:
    """One of `provings`, which needs all the rest: imported once it is wanted."""

    def run(folder: Path, mutation: str) -> Sequence[object]:
        from tests.proofs import provings

        found: Sequence[object] = getattr(provings, name)(folder, mutation)
        return found

    return run


MUTATIONS = {
    "lax commits": Mutation(_lax_commits, _proof("commits")),
    "answers early": Mutation(_answers_early, _proof("kills_before_keeping")),
    "no intent": Mutation(_without_intent, _proof("bulk_again")),
    "no lease": Mutation(_without_lease, _proof("two_senders")),
    "no fence": Mutation(_without_fence, _proof("a_sleeper")),
    "no key": Mutation(_without_key, _proof("rows_of_one_fact")),
    "the notification's id": Mutation(_id_of_notification, _proof("told_twice")),
    "made anew": Mutation(_made_anew, _proof("a_retry")),
    "doubt in bulk": Mutation(_doubt_in_bulk, _proof("bulk_again")),
    "no versions": Mutation(_without_versions, _proof("orders")),
    "no checksums": Mutation(_without_checksums, _proof("bits")),
    "no rebase": Mutation(_without_clocks, _proof("a_year_later")),
    "never cleaned": Mutation(_stays_on_its_way, _proof("broken_off")),
    "delivery in the id": Mutation(_delivery_in_the_id, _proof("acknowledged_twice")),
}
"""The bugs, by what is wrong."""
