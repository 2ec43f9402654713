"""Replay: events are made again from their notifications, with today's mappings.

Whatever is replayed, and however often, reaches Klaviyo once: what it has, or may have, is known by its id.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from engine.errors import Unreadable
from engine.events import Notification, Skipped
from engine.ledger import again, figures, inbox, outbox, profiles
from engine.ledger.again import Lost
from engine.ledger.counters import Counted, count
from engine.ledger.cursors import cursor
from engine.ledger.schema import inbox as notifications
from engine.ledger.sealed import Damaged, opened
from engine.ledger.store import Ledger
from engine.relay.machine import Machine, Worked
from engine.relay.telling import rows_of

AT_ONCE = 500
"""Rows that one transaction takes up: webhooks wait for no longer than that takes."""
TRANSLATED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be replayed: what is dead or parked, or else every notification; since a moment.

    `metric` is that of what is dead or parked, `topics` are those of notifications; all where none is named.
    """

    dead: bool
    since: float = 0.0
    metric: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many notifications are taken up, and how many events and profiles go again as they are.

    `stuck` counts what cannot be replayed, as neither its notification nor its request is there.
    """

    notifications: int = 0
    as_they_are: int = 0
    stuck: int = 0
    is_drained: bool = False
    """Whether somebody delivers just now, who will see to it."""


@dataclass(frozen=True, slots=True)
class Would:
    """What a replay would do with an event.

    `becomes`: `queued`, `queued as it is`, `made again` (a profile), `parked`, `known` (Klaviyo has it, or it
    is on its way), `dead` (it stays so), `skipped`, `waits` (for Intercom) and `stuck`.
    """

    metric: str
    unique_id: str
    was: str
    becomes: str
    reason: str = ""


def replay(ledger: Ledger, account: str, chosen: Chosen) -> Replayed:
    """Have what is chosen made and sent again by whoever translates and delivers. Raises Unavailable."""
    done = _replay_lost(ledger, account, chosen) if chosen.dead else _replay_all(ledger, chosen)
    with ledger.read() as tx:
        return replace(done, is_drained=bool(figures.drainers(tx, ledger.now())))


def _replay_lost(ledger: Ledger, account: str, chosen: Chosen) -> Replayed:
    taken: set[int] = set()
    as_they_are = stuck = 0
    for read in (_events, _profiles):
        last: Lost | None = None
        while True:
            with ledger.write() as tx:
                some = read(tx, chosen, last)
                again.send_again(tx, account, some, ledger.now())
            if not some:
                break
            last = some[-1]
            taken |= {one.inbox_id for one in some if one.has_raw}
            as_they_are += sum(one.goes_as_it_is for one in some)
            stuck += sum(not one.goes_as_it_is and not one.has_raw for one in some)
    return Replayed(len(taken), as_they_are, stuck)


def _events(tx: Connection, chosen: Chosen, last: Lost | None) -> list[Lost]:
    return again.lost_events(tx, chosen.metric, chosen.since, last.id if last else 0, AT_ONCE)


def _profiles(tx: Connection, chosen: Chosen, last: Lost | None) -> list[Lost]:
    return again.lost_profiles(tx, chosen.metric, chosen.since, last.contact if last else "", AT_ONCE)


def _replay_all(ledger: Ledger, chosen: Chosen) -> Replayed:
    until, after, taken = ledger.now(), 0, 0
    while True:
        with ledger.write() as tx:
            some = again.kept(tx, chosen.since, until, chosen.topics, after, AT_ONCE)
            number = inbox.take_up(tx, [one.id for one in some])
            count(tx, {Counted("replayed", "", "notification"): number}, ledger.now())
        if not some:
            return Replayed(taken)
        taken, after = taken + number, some[-1].id


# What it would do


def rehearsed(ledger: Ledger, machine: Machine, account: str, chosen: Chosen) -> Iterator[Would]:
    """What `replay` would do; nothing is written, and Intercom is asked for what is looked up.

    Raises Denied, and Unavailable where the ledger cannot be read.
    """
    made = _Making(ledger, machine, account)
    if chosen.dead:
        yield from _rehearsed_lost(ledger, made, chosen)
        return
    until, after = ledger.now(), 0
    while True:
        with ledger.read() as tx:
            some = again.kept(tx, chosen.since, until, chosen.topics, after, TRANSLATED_AT_ONCE)
        if not some:
            return
        yield from made.of([one.id for one in some], set())
        after = some[-1].id


def _rehearsed_lost(ledger: Ledger, made: "_Making", chosen: Chosen) -> Iterator[Would]:
    done: set[int] = set()
    for read in (_events, _profiles):
        last: Lost | None = None
        while True:
            with ledger.read() as tx:
                some = read(tx, chosen, last)
            if not some:
                break
            last = some[-1]
            for one in some:
                if one.goes_as_it_is:
                    yield Would(one.metric, one.unique_id, one.state, "queued as it is", one.reason)
                elif not one.has_raw:
                    yield Would(one.metric, one.unique_id, one.state, "stuck", one.reason)
                elif not one.id:
                    yield Would(one.metric, one.unique_id, one.state, "made again", one.reason)
            ids = [one.inbox_id for one in some if one.is_made_anew and one.id and one.inbox_id not in done]
            done.update(ids)
            anew = {(one.metric, one.unique_id) for one in some if one.is_made_anew}
            yield from made.of(list(dict.fromkeys(ids)), anew)


class _Making:
    """What would come of notifications now."""

    def __init__(self, ledger: Ledger, machine: Machine, account: str) -> None:
        self._ledger = ledger
        self._machine = machine
        self._account = account
        self._queued: set[tuple[str, str]] = set()
        """What would be queued by now: another notification that tells of it changes nothing."""

    def of(self, ids: Sequence[int], anew: Collection[tuple[str, str]]) -> Iterator[Would]:
        """What would become of the events of notifications; of dead ones, those of *anew* are made anew."""
        for start in range(0, len(ids), TRANSLATED_AT_ONCE):
            with self._ledger.read() as tx:
                some = self._opened(tx, ids[start : start + TRANSLATED_AT_ONCE])
            worked, _ = self._machine.work_out([one for _, _, one in some], every=True, partial=True)
            with self._ledger.read() as tx:
                told = [
                    would
                    for (id_, workspace, _), found in zip(some, worked, strict=True)
                    for would in self._would(tx, id_, workspace, found, anew)
                ]
            # Only now: while somebody reads one page of it, the log behind the ledger would grow.
            yield from told

    def _opened(self, tx: Connection, ids: Sequence[int]) -> list[tuple[int, str, Notification | Skipped]]:
        columns = (
            notifications.c.id,
            notifications.c.workspace,
            notifications.c.raw,
            notifications.c.checksum,
        )
        rows = tx.execute(select(*columns).where(notifications.c.id.in_(ids)).order_by(notifications.c.id))
        found: list[tuple[int, str, Notification | Skipped]] = []
        for row in rows:
            try:
                raw = opened(row.raw or b"", row.checksum or b"")
                found.append((row.id, row.workspace, self._machine.read(raw)))
            except (Damaged, Unreadable):
                continue
        return found

    def _would(
        self,
        tx: Connection,
        id_: int,
        workspace: str,
        worked: Worked,
        anew: Collection[tuple[str, str]],
    ) -> Iterator[Would]:
        people = {
            key
            for _, result in worked.made
            for table, key in getattr(getattr(result, "translation", None) or result, "looked_up", ())
            if table == "contact"
        }
        cut_off = cursor(tx, f"cut_off {workspace}")
        gone = profiles.gone(tx, self._account, people)
        rows = rows_of(worked, id_, float(cut_off) if cut_off else None, gone)
        states = outbox.states(tx, self._account, self._ledger.digest_key, rows.events)
        for event, state in zip(rows.events, states, strict=True):
            would = Would(event.metric, event.unique_id, state or "none", event.state, event.reason)
            key = (event.metric, event.unique_id)
            if state == "dead" and key not in anew:
                yield replace(would, becomes="dead")
            elif state in ("accepted", "queued", "in_flight") or key in self._queued:
                yield replace(would, becomes="known", reason="")
            else:
                self._queued |= {key} if event.state == "queued" else set()
                yield would
        for one, number in rows.skipped.items():
            for _ in range(number):
                yield Would(one.name, "", "none", "skipped", one.reason)
        if rows.waits_for:
            yield Would("", "", "none", "waits", rows.waits_for)
