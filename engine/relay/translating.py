"""From the inbox to the outbox: whole notifications, each in one transaction with all that comes of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import perf_counter

from sqlalchemy import Connection

from engine.errors import Denied, LedgerError, Unavailable, Unreadable
from engine.events import Notification, Skipped
from engine.intercom.webhook import PING
from engine.ledger import accounts, inbox, outbox, profiles
from engine.ledger.accounts import Standing
from engine.ledger.counters import Counted, count
from engine.ledger.erasing import forget_contact
from engine.ledger.inbox import Waiting
from engine.ledger.store import Ledger
from engine.ports import Record
from engine.relay.clocks import Rebase
from engine.relay.machine import Machine, Worked
from engine.relay.making import Maker, Opened, lacks_change
from engine.relay.marks import Marks
from engine.relay.naming import contact_in, contacts_of, named_in, wrapped
from engine.relay.points import Points, nothing
from engine.relay.telling import Rows, profiles_of, reason_of, rows_of, summary, time_of

MOST, LARGEST_BYTES = 50, 2 * 1024 * 1024
"""Notifications that are translated together, and their size as they are kept: look-ups are shared."""
FEWEST_TOGETHER, MOST_TOGETHER = 3, 12
"""Those that are settled in one transaction: few, as a webhook that comes meanwhile waits for its end, but
more on a disk that takes longer for it than we do."""
LONG_WORKING = 0.01
"""Seconds that such a transaction may take beside its commit, before it grows no more."""
LONGEST_WAIT = 300.0
MOST_TRIES = 12
"""Of what fails in a way that nobody foresaw: an hour of them."""
DENIED_SECONDS = 300.0
SHORT_SECONDS = 30.0
"""So long a change is waited for that neither its notification nor Intercom tells of yet."""
INTERCOM = "intercom"
"""How its workspaces stand, among Klaviyo's accounts: each as `intercom APP_ID`."""
UNFORESEEN = "it cannot be translated"
"""How the reason begins of what waits because of a fault of ours."""

Trouble = Callable[[str, Exception], None]


class Translator:
    """Translates what is in the inbox. Several may run: what one has settled, another leaves alone."""

    def __init__(
        self,
        ledger: Ledger,
        machine: Machine,
        account: str,
        *,
        points: Points = nothing,
        clocks: Rebase | None = None,
        trouble: Trouble = lambda _, __: None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._machine = machine
        self._maker = Maker(machine)
        self._account = account
        self._at = points
        self._clocks = clocks
        self._trouble = trouble
        self._give_way = give_way
        self._met: set[type] = set()
        self._together = FEWEST_TOGETHER
        self._standings: dict[str, Standing] = {}

    def step(self) -> int:
        """Translate some of what waits; how many notifications that were."""
        self._give_way()
        now = self._now()
        with self._ledger.read() as tx:
            self._standings = accounts.parts(tx, INTERCOM)
            closed = [name.partition(" ")[2] for name, one in self._standings.items() if one.closed(now)]
            waiting = inbox.due(tx, now, MOST, LARGEST_BYTES, without=closed)
        by_workspace: dict[str, list[Waiting]] = {}
        for one in waiting:
            by_workspace.setdefault(one.workspace, []).append(one)
        return sum(self._translated(some) for some in by_workspace.values())

    def _now(self) -> float:
        if self._clocks is not None:
            self._clocks.check()
        return self._ledger.now()

    def _translated(self, waiting: Sequence[Waiting]) -> int:
        """Translate these of one workspace; how many they were. What nobody foresaw costs no other one."""
        try:
            return self._translate(waiting)
        except (Unavailable, LedgerError):
            raise
        except Exception as error:
            if len(waiting) > 1:
                half = len(waiting) // 2
                return self._translated(waiting[:half]) + self._translated(waiting[half:])
            if type(error) not in self._met:
                self._met.add(type(error))
                self._trouble("translating", error)
            self._set_aside(waiting[0], f"{UNFORESEEN} ({type(error).__name__})")
            return 1

    def _set_aside(self, one: Waiting, reason: str) -> None:
        """Look again in a while, and after some times leave it to a person, who has it made by `replay`."""
        now = self._ledger.now()
        with self._ledger.write() as tx:
            if one.tries < MOST_TRIES or one.id not in inbox.untouched(tx, [one]):
                inbox.postpone(tx, [one.id], now, LONGEST_WAIT, reason)
                return
            parked = outbox.Event(one.topic, one.id, "parked", reason="fault", detail=reason)
            outbox.forget_parked(tx, [one.id])
            made = summary(outbox.add(tx, self._account, self._ledger.digest_key, [parked], now), Counter())
            inbox.settle(tx, one, "translated", now, reason="fault", made=made)

    def _translate(self, waiting: Sequence[Waiting]) -> int:
        now = self._now()
        opened, broken = self._maker.open(waiting)
        try:
            worked, known = self._maker.make(opened, now)
            told = self._profiles_of(worked, known)
        except Denied as denied:
            self._pause(waiting[0].workspace, denied, now)
            return 0
        self._at("after_translate")
        now = self._now()
        self._settle_broken(broken, now)
        self._open_again(waiting[0].workspace)
        left = worked
        while left:
            some, left = left[: self._together], left[self._together :]
            self._give_way()
            with self._ledger.write() as tx:
                began = perf_counter()
                ours = inbox.untouched(tx, [one.waiting for one, _ in some])
                marks = Marks(tx)
                for one, found in some:
                    if one.waiting.id in ours:
                        self._settle(tx, marks, one, found, told, now)
                        self._at("mid_translate")
                marks.put()
                written = perf_counter()
            self._together = together_next(self._together, written - began, perf_counter() - written)
        self._at("after_queue")
        return len(waiting)

    def _profiles_of(
        self, worked: Sequence[tuple[Opened, Worked]], known: Mapping[tuple[str, str], Record | None]
    ) -> dict[int, list[profiles.Told]]:
        """What look-ups tell of contacts that is new, by the row of the inbox that they were made for."""
        rows: dict[str, Waiting] = {}
        for one, found in worked:
            for _, result in found.made:
                rows |= {key: one.waiting for key in contacts_of(result) if key not in rows}
        contacts = {key: record for key in rows if (record := known.get(("contact", key)))}
        times = {key: (time_of(one.get("updated_at")) or 0.0, 0.0) for key, one in contacts.items()}
        with self._ledger.read() as tx:
            new = profiles.news(tx, self._account, times)
        past: dict[str, Notification | Skipped] = {}
        for key in contacts:
            with suppress(Unreadable):  # it is too large: its next notification may tell of it
                if key in new:
                    past[key] = self._machine.read(wrapped(contacts[key], rows[key].workspace))
        told: dict[int, list[profiles.Told]] = {}
        made, _ = self._machine.work_out([*past.values()], every=True, partial=True) if past else ([], {})
        for key, found in zip(past, made, strict=True):
            id_ = rows[key].id
            for plan, result in found.made:
                if plan is not None and isinstance(found.notification, Notification):
                    told.setdefault(id_, []).extend(profiles_of(plan, found.notification, result, id_))
        return told

    def _settle(
        self,
        tx: Connection,
        marks: Marks,
        one: Opened,
        worked: Worked,
        told: Mapping[int, list[profiles.Told]],
        now: float,
    ) -> None:
        """Write down all that comes of a notification, or when to look at it again."""
        notification, waiting = one.notification, one.waiting
        if isinstance(notification, Skipped):
            self._settle_skipped(tx, waiting, notification, now)
            return
        if notification.topic == "ping":
            marks.pinged(waiting)
        cut_off = marks.cut_off(waiting, notification)
        if marks.is_captured(waiting, notification):
            self._settle_skipped(tx, waiting, Skipped("too_old"), now, notification)
            return
        if notification.topic == "ping":
            self._settle_skipped(tx, waiting, PING, now, notification)
            return
        contacts = {key for _, result in worked.made for key in contacts_of(result)}
        gone, heirs = profiles.gone_and_heirs(tx, self._account, contacts)
        rows = rows_of(worked, waiting.id, cut_off, gone)
        rows.events = [replace(one, contact=heirs.get(one.contact, one.contact)) for one in rows.events]
        if rows.waits_for:
            wait = min(LONGEST_WAIT, 2.0 ** min(waiting.tries, 16))
            inbox.postpone(tx, [waiting.id], now, wait, rows.waits_for)
            return
        is_short = lacks_change(worked)
        if is_short and waiting.tries == 0:
            inbox.postpone(tx, [waiting.id], now, SHORT_SECONDS, "a change is not told of yet")
            return
        if is_short:
            detail = "neither the notification nor Intercom has the change that it tells of"
            rows.events.append(
                outbox.Event(notification.topic, waiting.id, "parked", reason="no_element", detail=detail)
            )
        if waiting.settled_at is not None:  # of what is new nothing is parked
            outbox.forget_parked(tx, [waiting.id])
        digest_key = self._ledger.digest_key
        outcomes = outbox.add(tx, self._account, digest_key, rows.events, now)
        rows.profiles += told.get(waiting.id, [])
        outcomes += self._tell(tx, rows, now)
        self._follow(tx, waiting, notification, now)
        count(tx, rows.skipped, now)
        inbox.settle(
            tx, waiting, "translated" if outcomes else "skipped", now,
            reason="" if outcomes else reason_of(rows), made=summary(outcomes, rows.skipped),
            created_at=notification.created_at, contacts=named_in(notification) | contacts,
        )  # fmt: skip

    def _tell(self, tx: Connection, rows: Rows, now: float) -> list[str]:
        """Take in the profiles, and release what has waited for them."""
        times = {one.contact: (one.updated_at, one.told_at) for one in rows.profiles}
        news = profiles.news(tx, self._account, times)
        outcomes = profiles.tell(tx, self._account, self._ledger.digest_key, rows.profiles, now)
        told = zip(rows.profiles, outcomes, strict=True)
        # What is told again releases nothing: two notifications could take each other up for ever.
        known = [
            one.contact
            for one, outcome in told
            if one.request is not None and (one.contact in news or outcome == "queued")
        ]
        inbox.take_up(tx, outbox.waiting_for(tx, known))
        return [f"profile {outcome}" for outcome in outcomes]

    def _follow(self, tx: Connection, waiting: Waiting, notification: Notification, now: float) -> None:
        """What a contact's merge, its deletion and its address mean for all that is kept."""
        contact = contact_in(notification)
        key = str(contact.get("id", "")) if contact else ""
        if notification.topic == "contact.merged" and contact:
            before = contact.get("merged_from")
            old = str(before.get("id", "")) if isinstance(before, dict) else ""
            if old and old != key:
                profiles.merged(tx, self._account, old, key, now)
                outbox.hand_over(tx, self._account, old, key)
                inbox.take_up(tx, outbox.waiting_for(tx, [key]))
        elif notification.topic == "contact.deleted" and key:
            profiles.deleted(tx, self._account, key, now)
            forget_contact(tx, self._account, key, now)
        elif waiting.settled_at is None and notification.topic.startswith("contact.") and contact:
            # Also where no mapping makes profiles; and once, as in `_tell`.
            has_address = any(contact.get(name) for name in ("email", "phone", "external_id"))
            inbox.take_up(tx, outbox.waiting_for(tx, [key]) if has_address else [])

    def _settle_skipped(
        self,
        tx: Connection,
        waiting: Waiting,
        skipped: Skipped,
        now: float,
        notification: Notification | None = None,
    ) -> None:
        count(tx, {Counted("skipped", "", skipped.reason): 1}, now)
        created_at = notification.created_at if notification else None
        named = named_in(notification) if notification else ()
        inbox.settle(
            tx, waiting, "skipped", now, reason=skipped.reason, made={skipped.reason: 1},
            created_at=created_at, contacts=named,
        )  # fmt: skip

    def _settle_broken(self, broken: Sequence[tuple[Waiting, str]], now: float) -> None:
        if broken:
            with self._ledger.write() as tx:
                ours = inbox.untouched(tx, [one for one, _ in broken])
                for waiting, reason in broken:
                    if waiting.id in ours:
                        self._settle_skipped(tx, waiting, Skipped(reason), now)

    def _open_again(self, workspace: str) -> None:
        """Intercom has told what it was asked: nothing keeps its workspace from going on."""
        whose = f"{INTERCOM} {workspace}"
        if whose in self._standings and self._standings.pop(whose).paused:
            with self._ledger.write() as tx:
                accounts.put(tx, whose, Standing())

    def _pause(self, workspace: str, denied: Denied, now: float) -> None:
        """Look at a workspace again in a while: a person has to see to our token for it."""
        whose = f"{INTERCOM} {workspace}"
        with self._ledger.write() as tx:
            before = accounts.standing(tx, whose)
            paused_at = before.paused_at if before.paused else now
            why = f"{denied.reason} (workspace {workspace})"
            accounts.put(tx, whose, Standing(why, paused_at, now + DENIED_SECONDS))


def together_next(before: int, working: float, committing: float) -> int:
    """How many to settle in the next transaction, after one that took so long to write and to commit."""
    if committing * 2 > working and working < LONG_WORKING:
        return min(MOST_TOGETHER, before * 2)
    is_long = committing * 8 < working or working > LONG_WORKING * 2
    return max(FEWEST_TOGETHER, before // 2) if is_long else before
