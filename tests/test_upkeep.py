"""What is done every now and then: by stored times, each part on its own, and never by a clock that lies."""

import json
import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from engine import Runner, load
from engine.errors import Denied, Unavailable
from engine.events import Request
from engine.ledger import accounts, inbox, outbox, profiles, schema
from engine.ledger.accounts import Standing
from engine.ledger.counters import Counted, count
from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.erasing import forget_contact
from engine.ledger.room import QUOTA_BYTES, RESERVE_BYTES, Room, room_of
from engine.ledger.store import Ledger
from engine.ports import Response
from engine.relay import silence
from engine.relay.alerts import Alarm, told
from engine.relay.facts import Seen, facts_of
from engine.relay.relay import ACCOUNT, Relay
from engine.relay.silence import Silence
from engine.relay.status import status
from engine.relay.translating import INTERCOM
from engine.relay.upkeep import DAY, HOUR, Upkeep, sure
from tests.support import NOW, RECORDS, ROOT, ManualClock, Wire, read

T0 = NOW.timestamp()
BODY = {"data": {"type": "profile", "attributes": {"email": "mara@shop.example"}}}


class MovableClock(ManualClock):
    """A clock whose hands can be moved, which time itself does not notice."""

    moved = timedelta()

    def now(self) -> datetime:
        return super().now() + self.moved


class House:
    """A ledger, its upkeep, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = MovableClock()
        self.ledger = Ledger(folder / "ledger.db", clock=self.clock)
        self.purged: list[float] = []
        self.troubles: list[tuple[str, str]] = []
        self.signatures: int | None = 0
        self.broken = ""
        self.upkeep = self.restarted()

    def restarted(self) -> Upkeep:
        wire = Wire(lambda _: Response(200))
        self.alarm = Alarm(self.ledger, "", transport=wire, clock=self.clock)
        self.upkeep = Upkeep(
            self.ledger,
            ACCOUNT,
            self.alarm,
            clock=self.clock,
            purge=self.purged.append,
            bad_signatures=lambda: self.signatures,
            broken_mappings=lambda: self.broken,
            trouble=lambda name, error: self.troubles.append((name, str(error))),
        )
        return self.upkeep

    def tick(self, after: float = 0.0) -> None:
        self.clock.sleep(after)
        self.upkeep.tick()

    @property
    def now(self) -> float:
        return self.ledger.now()

    @property
    def concerns(self) -> set[str]:
        """The codes of what people know of."""
        with self.ledger.read() as tx:
            return {*told(tx).concerns}

    def received(self, at: float, number: int = 0) -> inbox.Received:
        return inbox.Received("app", f"n-{number}-{at}", "conversation.read", b"{}", at)

    def park(self, contact: str = "c1", number: int = 1) -> None:
        """An event that waits for its contact to have an address, with its notification."""
        with self.ledger.write() as tx:
            inbox.put(tx, [self.received(self.now, number)])
            [id_] = tx.scalars(select(schema.inbox.c.id).order_by(schema.inbox.c.id.desc()).limit(1))
            tx.execute(schema.inbox.update().where(schema.inbox.c.id == id_).values(state="translated"))
            event = outbox.Event(
                "Created Ticket", id_, "parked", f"u-{number}", contact, reason="no_identity"
            )
            outbox.add(tx, ACCOUNT, self.ledger.digest_key, [event], self.now)

    def tell(self, contact: str = "c1", *, sendable: bool = True) -> None:
        """A word on a contact, which has an address or has none."""
        request = Request("/api/profile-import", BODY, "", frozenset()) if sendable else None
        with self.ledger.write() as tx:
            word = profiles.Told(contact, self.now, self.now, "Profile", "h", 1, request, "no_identity")
            profiles.tell(tx, ACCOUNT, self.ledger.digest_key, [word], self.now)

    def states(self, table: Any = schema.inbox) -> list[str]:
        with self.ledger.read() as tx:
            return list(tx.scalars(select(table.c.state)))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# By stored times


def test_what_is_no_longer_kept_is_taken_away_once_a_day_whatever_restarts(house: House) -> None:
    house.tick()
    assert house.purged == [T0]
    for _ in range(20):
        house.restarted()
        house.tick(after=HOUR)
    assert len(house.purged) == 1
    house.tick(after=5 * HOUR)
    assert len(house.purged) == 2


def test_a_part_that_fails_stops_no_other_and_is_tried_again(house: House) -> None:
    house.park()

    def fails(_: float) -> None:
        raise Unavailable("there is no room left")

    house.upkeep._purge = fails
    house.broken = "1 fault"
    house.tick()
    assert house.troubles == [("taking away what is no longer kept", "there is no room left")]
    assert house.concerns == {"broken-mappings"}
    house.upkeep._purge = house.purged.append
    house.tick(after=15)
    assert len(house.purged) == 1


def test_a_clock_that_was_set_back_does_not_put_things_off_for_ever(house: House) -> None:
    house.tick()
    house.clock.moved = -timedelta(days=365)
    house.tick(after=15)
    assert len(house.purged) == 2


# What waits for an address


def test_what_waits_for_an_address_is_given_up_after_a_week(house: House) -> None:
    house.park()
    house.tick(after=7 * DAY - 60)
    assert house.states(schema.outbox) == ["parked"]
    house.tick(after=HOUR)
    assert house.states(schema.outbox) == ["skipped"]


def test_a_clock_that_runs_ahead_by_a_year_gives_nothing_up_and_takes_nothing_away(house: House) -> None:
    house.park()
    with house.ledger.write() as tx:
        set_cursor(tx, "newest app", str(T0))
        set_cursor(tx, "newest other", str(T0 - 90 * DAY))
    house.clock.moved = timedelta(days=365)
    house.tick()
    assert house.states(schema.outbox) == ["parked"]
    assert house.purged == [T0 + DAY]
    with house.ledger.read() as tx:
        assert sure(tx, T0 + 60) == T0 + 60


def test_whose_contact_has_an_address_by_now_is_translated_again(house: House) -> None:
    house.tick()
    house.park("c1", 1)
    house.park("c2", 2)
    house.clock.sleep(60)
    house.tell("c1")
    house.tell("c2", sendable=False)
    house.tick(after=60)
    assert house.states() == ["translated", "translated"], "it looks once an hour"
    house.tick(after=HOUR)
    assert house.states() == ["received", "translated"]


@pytest.mark.parametrize(("before", "again"), [(300, True), (2 * HOUR, False)])
def test_a_word_that_came_shortly_before_the_event_counts_too(
    house: House, before: float, again: bool
) -> None:
    house.tell()
    house.clock.sleep(before)
    house.park()
    house.tick()
    assert (house.states() == ["received"]) is again


def test_each_word_on_a_contact_counts_once(house: House) -> None:
    house.tell()
    house.park()
    house.tick()
    assert house.states() == ["received"]
    with house.ledger.write() as tx:  # it comes to the same once more
        outbox.forget_parked(tx, [1])
    house.clock.sleep(HOUR)
    house.park()
    house.tick()
    assert house.states()[1:] == ["translated"]


# The disk


def test_a_disk_without_room_is_known_to_whoever_takes_webhooks_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tick()
    assert not house.upkeep.disk_is_full
    with monkeypatch.context() as patched:
        usage = type("Usage", (), {"total": 10**12, "used": 0, "free": RESERVE_BYTES - 1})
        patched.setattr("shutil.disk_usage", lambda _: usage)
        house.tick(after=15)
        assert house.upkeep.disk_is_full
        assert house.concerns == {"disk-full"}
    house.tick(after=15)
    assert not house.upkeep.disk_is_full


def test_the_room_is_that_of_all_its_files_within_its_quota(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_bytes(b"x" * 700)
    (tmp_path / "ledger.db-wal").write_bytes(b"x" * 200)
    room = room_of(file, quota_bytes=1_000)
    assert (room.used_bytes, room.share, room.is_full) == (900, 0.9, False)
    assert room_of(file, quota_bytes=900).is_full
    assert room_of(file).quota_bytes <= QUOTA_BYTES
    assert not Room().is_full


# The clock


@pytest.mark.parametrize(
    ("moved", "is_told"), [(0, False), (59, False), (61, True), (-61, True), (-DAY, True)]
)
def test_hands_that_are_moved_are_noticed_for_ten_minutes(house: House, moved: float, is_told: bool) -> None:
    house.tick()
    house.clock.moved = timedelta(seconds=moved)
    house.tick(after=15)
    assert ("clock-jumped" in house.concerns) is is_told
    for _ in range(60):
        house.tick(after=15)
    assert "clock-jumped" not in house.concerns


def test_hands_that_went_back_while_nothing_ran_are_noticed_and_time_that_passed_is_not(house: House) -> None:
    house.tick()
    house.clock.moved = timedelta(days=3)
    house.restarted()
    house.tick()
    assert "clock-jumped" not in house.concerns
    house.clock.moved = timedelta(days=2)
    house.restarted()
    house.tick()
    assert "clock-jumped" in house.concerns


def test_random_jumps_of_the_clock_are_all_survived(house: House) -> None:
    chance = random.Random(16)
    house.park()
    for number in range(60):
        house.clock.moved = timedelta(seconds=chance.uniform(-365 * DAY, 365 * DAY))
        with house.ledger.write() as tx:
            inbox.put(tx, [house.received(house.now, number + 10)])
        house.tick(after=chance.choice((15, HOUR, DAY)))
    assert house.troubles == []


# Silence


def test_the_usual_silence_is_the_longest_of_a_week_once_a_week_is_known() -> None:
    found = Silence(0.0)
    for day in range(7):
        assert found.usual is None
        found = found.ended(day * DAY + 9_000, day * DAY + DAY - 1)
    assert found.usual == 9_001
    assert len(found.longest) == 7
    for day in range(7, 20):
        found = found.ended(day * DAY, day * DAY + DAY - 1)
    assert found.usual == 1
    assert len(found.longest) == 8


def test_webhooks_are_listened_to_across_restarts(house: House) -> None:
    for day in range(8):
        for hour in (0, 1, 9):
            at = T0 + day * DAY + hour * HOUR
            house.clock.seconds = at - T0
            with house.ledger.write() as tx:
                inbox.put(tx, [house.received(at)])
            house.restarted()
            house.tick()
    with house.ledger.read() as tx:
        found = silence.listen(tx, house.now)
    assert found.heard_at == house.now
    assert found.usual == 15 * HOUR


def test_an_inbox_that_was_never_written_to_is_silent_from_the_first_look_on(house: House) -> None:
    house.tick()
    house.tick(after=23 * HOUR)
    assert house.concerns == set()
    house.tick(after=2 * HOUR)
    assert house.concerns == {"nothing-comes"}


def test_after_a_long_standstill_of_our_own_the_first_hour_says_nothing_of_silence(house: House) -> None:
    house.tick()
    house.clock.sleep(3 * DAY)
    house.restarted()
    house.tick(after=60)
    assert house.concerns == set()
    house.tick(after=HOUR)
    assert house.concerns == {"nothing-comes"}


def test_a_webhook_of_a_clock_that_was_ahead_does_not_hide_the_silence_after_it(house: House) -> None:
    house.tick()
    house.clock.moved = timedelta(days=365)
    with house.ledger.write() as tx:
        inbox.put(tx, [house.received(house.now)])
    house.tick(after=HOUR)
    house.clock.moved = timedelta()
    house.tick(after=HOUR)
    assert "nothing-comes" not in house.concerns
    for _ in range(26):
        house.tick(after=HOUR)
    assert "nothing-comes" in house.concerns


# The facts


def facts(house: House) -> Any:
    with house.ledger.read() as tx:
        return facts_of(tx, ACCOUNT, house.now, heard_at=None, usual_silence=None, room=Room(), seen=Seen())


def test_a_ledger_with_nothing_in_it_has_nothing_to_tell(house: House) -> None:
    found = facts(house)
    assert (found.klaviyo, found.intercom, found.damaged) == (Standing(), Standing(), 0)
    assert (found.to_translate_since, found.to_send_since, found.accepted) == (None, None, 0)


def test_the_facts_are_those_of_the_ledger(house: House) -> None:
    with house.ledger.write() as tx:
        accounts.put(tx, ACCOUNT, Standing("no key", T0))
        accounts.put(tx, INTERCOM, Standing("no scope", T0))
        for began, accepted, refused, reason in (
            (-700, 50, 50, ""),
            (-300, 90, 10, ""),
            (-5, 0, 0, "it is down"),
        ):
            one = accounts.begin_attempt(tx, ACCOUNT, "events", 1, 100, T0 + began)
            accounts.end_attempt(tx, one, T0, accepted=accepted, waiting=0, refused=refused, reason=reason)
        count(
            tx,
            {Counted("parked", "Created Ticket", "damaged"): 2, Counted("dead", "x", "refused"): 5},
            T0 - DAY,
        )
        count(tx, {Counted("skipped", "", "damaged"): 1}, T0 - 2 * DAY)
        inbox.put(tx, [house.received(T0 - 900, 1), house.received(T0 - 100, 2)])
        events = [
            outbox.Event(
                "Created Ticket", 1, "queued", f"u{number}", request=Request("", BODY, "", frozenset())
            )
            for number in range(3)
        ]
        outbox.add(tx, ACCOUNT, house.ledger.digest_key, events, T0 - 50)
    house.tell()
    found = facts(house)
    assert (found.klaviyo.paused, found.intercom.paused) == ("no key", "no scope")
    assert (found.accepted, found.refused, found.tried, found.trouble) == (90, 10, 2, "it is down")
    assert found.damaged == 2
    assert (found.to_translate_since, found.to_send_since) == (T0 - 900, T0 - 50)
    with house.ledger.write() as tx:
        tx.execute(schema.outbox.update().values(not_before=T0 - 20))
        tx.execute(schema.inbox.update().values(not_before=T0 + 20))
        tx.execute(schema.profiles.update().values(made_at=T0 - 10))
    found = facts(house)
    assert (found.to_translate_since, found.to_send_since) == (T0 + 20, T0 - 20)


def test_what_the_process_knows_is_told_with_the_rest(house: House) -> None:
    house.signatures, house.broken = 3, "1 fault"
    house.tick()
    assert house.concerns == {"bad-signatures", "broken-mappings"}


def test_a_disk_that_is_full_is_told_of_where_the_ledger_cannot_be_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tick()

    def fails(*_: Any, **__: Any) -> Any:
        raise Unavailable("the disk fails")

    monkeypatch.setattr(house.ledger, "read", fails)
    monkeypatch.setattr(house.ledger, "write", fails)
    house.upkeep._quota = 1
    house.tick(after=15)
    assert [*house.alarm._known().concerns] == ["disk-full"]
    assert house.troubles


def test_no_question_reads_through_all_that_is_kept(house: House) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(house.ledger.engine, "before_cursor_execute", note)
    facts(house)
    with house.ledger.read() as tx:
        silence.remember(tx, Silence(T0))
        silence.listen(tx, T0)
        inbox.due(tx, T0, 50, 1_000)
        inbox.due(tx, T0, 50, 1_000, without=["paused"])
        outbox.due(tx, ACCOUNT, T0, 50, largest_bytes=1_000, uncertain=False)
    event.remove(house.ledger.engine, "before_cursor_execute", note)
    selects = [one for one in asked if one[0].startswith("SELECT") and "FROM profiles" not in one[0]]
    assert len(selects) > 10
    with house.ledger.read() as tx:
        for statement, parameters in selects:
            plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            slow = [row.detail for row in plan if re.match("SCAN (in|out)box(?! USING)|USE TEMP", row.detail)]
            assert slow == [], statement


# With the rest of the relay


def relay(house: House, records: Any = RECORDS) -> Relay:
    runner = Runner(load(ROOT / "mappings"), records=records, clock=house.clock)
    return Relay(house.ledger, runner, None, clock=house.clock)


def test_a_ping_is_known_for_one_and_its_time_is_kept(house: House) -> None:
    ping = read("conversation.read") | {"topic": "ping", "id": None, "data": {"item": {"type": "ping"}}}
    whole = relay(house)
    whole.put([json.dumps(ping).encode()])
    whole.work_off()
    with house.ledger.read() as tx:
        assert cursor(tx, f"ping {ping['app_id']}") == str(T0)
        assert cursor(tx, f"newest {ping['app_id']}") == str(ping["created_at"])
        row = tx.execute(select(schema.inbox.c.state, schema.inbox.c.reason)).one()
        assert tuple(row) == ("skipped", "ping")
        counted = select(func.sum(schema.counters.c.count)).where(schema.counters.c.reason == "ping")
        assert tx.scalar(counted) == 1


def test_translating_goes_on_after_a_refusal_although_the_clock_was_set_back(house: House) -> None:
    class Refusing:
        is_on = True

        def fetch(self, table: str, ids: Any) -> Any:
            if self.is_on:
                raise Denied("the token lacks Read admins")
            return {}

    records = Refusing()
    whole = relay(house, records)
    whole.put([json.dumps(read("ticket.created")).encode()])
    whole.work_off()
    house.tick()
    assert "intercom-paused" in house.concerns
    records.is_on = False
    house.clock.moved = -timedelta(days=365)
    house.clock.sleep(301)  # its pause has moved with the clock, and ends as it would have
    whole.work_off()
    house.clock.seconds += 301
    whole.work_off()
    with house.ledger.read() as tx:
        assert accounts.worst(tx, INTERCOM)[1] == Standing()


def test_a_new_key_is_tried_at_once(house: House) -> None:
    with house.ledger.write() as tx:
        accounts.put(tx, ACCOUNT, Standing("Klaviyo does not accept the key (401)", T0, T0 + 300))
        accounts.try_now(tx, ACCOUNT)
        accounts.try_now(tx, "another")
        after = accounts.standing(tx, ACCOUNT)
    assert (after.not_before, after.paused_at) == (0.0, T0)
    assert after.paused, "it is paused until Klaviyo has taken something"


def test_what_is_forgotten_does_not_live_on_in_the_files_until_the_next_purge(house: House) -> None:
    body = json.dumps({"text": "of the deleted" * 50}).encode()
    with house.ledger.write() as tx:
        inbox.put(tx, [inbox.Received("app", "n", "conversation.read", body, house.now)])
        tx.execute(schema.inbox.update().values(contacts=" c1 ", raw=body))
    house.tick()
    assert held(house)
    with house.ledger.write() as tx:
        forget_contact(tx, ACCOUNT, "c1", house.now)
    assert held(house), "the write-ahead log has it still"
    with house.ledger.read() as tx:
        tx.exec_driver_sql("select * from inbox").all()
        house.tick(after=15)
        assert house.purged == [T0], "no purge is due"
    house.tick(after=15)
    assert not held(house)
    assert house.troubles == []


def held(house: House) -> bool:
    """Whether any file of the ledger has what the deleted contact wrote."""
    return any(b"of the deleted" in file.read_bytes() for file in house.folder.iterdir())


def test_a_notification_that_no_code_foresaw_is_told_by_its_kind_once_and_to_a_person_after_ten_minutes(
    house: House,
) -> None:
    told: list[tuple[str, str]] = []

    class Broken(Runner):
        def work_out(self, *_: Any, **__: Any) -> Any:
            raise LookupError("it repeats a customer's value")

    runner = Broken(load(ROOT / "mappings"), records=RECORDS, clock=house.clock)
    made = Relay(
        house.ledger, runner, None, clock=house.clock,
        trouble=lambda where, error: told.append((where, type(error).__name__)),
    )  # fmt: skip
    made.put([json.dumps(read(name)).encode() for name in ("ticket.created", "conversation.read")])
    for _ in range(2):
        made.work_off()
        assert house.concerns == set()
        house.tick(after=301)
    assert told == [("translating", "LookupError")]
    assert house.concerns == {"cannot-translate"}
    assert [need.text for need in status(house.ledger, DAY).needs] == [
        "2 notifications waited for over 10 minutes: it cannot be translated (LookupError)"
    ]
