"""Whatever the order in which Intercom tells of people, Klaviyo has them as they are now.

`python -m tests.soak order` tries 10,000 orders, and `words` 100,000.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from engine.events import Parked, Translation
from engine.ledger import inbox, outbox
from engine.ledger.cursors import cursor
from engine.ledger.schema import inbox as inbox_rows
from engine.ledger.schema import outbox as outbox_rows
from engine.relay.translating import Translator
from tests.proofs.journeys import FIRST, PEOPLE, Begun, changed, contact, contact_id, machine
from tests.proofs.order import PERSON, Scene, Word, run
from tests.proofs.stage import Stage, Told
from tests.proofs.words import run as many
from tests.support import read

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("order"))


words = st.lists(st.builds(Word, st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words, st.data())
def test_a_profile_is_what_was_newest_in_any_order(
    scene: Scene, words: list[Word], data: st.DataObject
) -> None:
    pauses = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    assert scene.played(words, pauses) == []


def test_it_is_in_fifty_orders_of_a_seed(tmp_path: Path) -> None:
    assert run(tmp_path, 50, seed=1) == []


def test_it_is_in_two_thousand_orders_although_deliveries_fail(tmp_path: Path) -> None:
    assert many(tmp_path, 2_000, seed=1) == []


def nobody() -> dict[str, Any]:
    """A lead without an address."""
    return contact(PERSON, email=None, phone=None, external_id=None)


def known_by_nothing(tmp_path: Path) -> Stage:
    """A stage on which one conversation of that lead has begun."""
    others = [contact(person) for person in range(PEOPLE) if person != PERSON]
    stage = Stage(tmp_path, machine=machine(contacts=[*others, nobody()]))
    begun = Begun(PERSON, is_nobodys=True)
    begun.noted(stage.history)
    stage.relay.put([begun.body()])
    stage.history.note("acknowledged", notification=begun.name)
    stage.relay.work_off()
    return stage


def event_states(stage: Stage) -> list[tuple[str, str]]:
    with stage.ledger.read() as tx:
        return [(*row,) for row in tx.execute(select(outbox_rows.c.state, outbox_rows.c.reason))]


def test_an_event_of_nobody_waits_for_an_address_and_keeps_its_own_time(tmp_path: Path) -> None:
    stage = known_by_nothing(tmp_path)
    assert event_states(stage) == [("parked", "no_identity")]
    stage.clock.sleep(3 * 86_400.0)
    _address_comes(stage, FIRST + 3 * 86_400)
    stage.drained()
    assert event_states(stage) == [("accepted", "")]
    stage.account.flush()
    [stored] = [entry for entry in stage.account.books.entries() if entry["kind"] == "stored"]
    assert stored["time"].startswith("2026-08-31T10:00:01")


def _address_comes(stage: Stage, at: int) -> None:
    told = changed(PERSON, at, "Robin", f"address {at}")
    records = stage.machine._records  # type: ignore[attr-defined]
    records._tables["contact"][contact_id(PERSON)] = contact(PERSON)
    stage.relay.put([json.dumps(told).encode()])


def test_an_address_that_comes_after_more_than_a_week_releases_as_well(tmp_path: Path) -> None:
    """By then its notification is older than any that is taken for new: it was taken long ago."""
    stage = known_by_nothing(tmp_path)
    stage.clock.sleep(8 * 86_400.0)
    _address_comes(stage, FIRST + 8 * 86_400)
    stage.drained()
    assert event_states(stage) == [("accepted", "")]


def test_an_event_of_nobody_is_skipped_after_its_time(tmp_path: Path) -> None:
    stage = known_by_nothing(tmp_path)
    stage.clock.sleep(7 * 86_400.0 + 1)
    with stage.ledger.write() as tx:
        assert outbox.give_up(tx, stage.ledger.now() - 7 * 86_400.0, stage.ledger.now()) == 1
    assert event_states(stage) == [("skipped", "no_identity")]
    _address_comes(stage, FIRST + 8 * 86_400)
    stage.drained()
    assert event_states(stage) == [("skipped", "no_identity")]


class Picky:
    """A machine with one more spec: it takes contacts, and knows people by what these do not have."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def work_out(self, notifications: Any, *, every: bool, partial: bool) -> Any:
        worked, known = self._inner.work_out(notifications, every=every, partial=partial)
        return [replace(one, made=(*one.made, (None, _parked(one.notification)))) for one in worked], known


def _parked(notification: Any) -> Parked:
    made = Translation("M", {}, {}, unique_id=notification.id, looked_up=(("contact", contact_id(PERSON)),))
    return Parked("no_identity", "", "M", translation=made)


def test_two_notifications_of_one_contact_do_not_take_each_other_up_for_ever(tmp_path: Path) -> None:
    stage = Stage(tmp_path, machine=Picky(machine()))  # type: ignore[arg-type]
    steps = 0
    for at in (1, 2):
        stage.relay.put([json.dumps(changed(PERSON, FIRST + at, "Robin", f"told {at}")).encode()])
        while stage.relay.translator.step():
            steps += 1
            assert steps < 20
    assert event_states(stage) == [("parked", "no_identity")] * 2


def test_what_one_translator_has_written_another_does_not_write_over(tmp_path: Path) -> None:
    """The slow one has found no address; meanwhile one came, and the notification was taken up again."""
    stage = known_by_nothing(tmp_path)
    with stage.ledger.write() as tx:
        tx.execute(text("UPDATE inbox SET state = 'received', settled_at = NULL"))  # as it was at first
    is_slow = iter([True])

    def at(name: str) -> None:
        if name == "after_translate" and next(is_slow, False):
            Translator(stage.ledger, stage.machine, "klaviyo").step()
            with stage.ledger.write() as tx:
                inbox.take_up(tx, [1])

    Translator(stage.ledger, stage.machine, "klaviyo", points=at).step()
    with stage.ledger.read() as tx:
        assert tx.scalar(select(inbox_rows.c.state)) == "received"


def test_two_events_with_one_id_of_which_the_first_is_parked_become_one(tmp_path: Path) -> None:
    stage, told = Stage(tmp_path), Told(0)
    parked = outbox.Event("Fact", 1, "parked", told.unique_id, reason="missing")
    queued = outbox.Event("Fact", 1, "queued", told.unique_id, time=told.at, request=told.request())
    with stage.ledger.write() as tx:
        outcomes = outbox.add(tx, "klaviyo", stage.ledger.digest_key, [parked, queued], 0.0)
    assert outcomes == ["parked", "queued"]
    assert event_states(stage) == [("queued", "")]


class Broken:
    """A machine that has a fault of its own with one notification."""

    def __init__(self, inner: Any, bad: str) -> None:
        self._inner = inner
        self._bad = bad

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def work_out(self, notifications: Any, *, every: bool, partial: bool) -> Any:
        if any(one.id == self._bad for one in notifications):
            raise KeyError("a fault of ours")
        return self._inner.work_out(notifications, every=every, partial=partial)


def test_a_notification_that_nobody_foresaw_keeps_none_of_the_others(tmp_path: Path) -> None:
    stage = Stage(tmp_path, machine=Broken(machine(), "notif_7.0"))  # type: ignore[arg-type]
    stage.relay.put([Begun(number).body() for number in range(20)])
    stage.relay.work_off()
    with stage.ledger.read() as tx:
        rows = dict(tx.execute(select(inbox_rows.c.notification, inbox_rows.c.state)).all())
        reasons = tx.scalars(select(inbox_rows.c.reason).where(inbox_rows.c.state == "received")).all()
    assert [name for name, state in rows.items() if state == "received"] == ["notif_7.0"]
    assert reasons == ["it cannot be translated (KeyError)"]


def test_a_ping_is_noted_and_begins_the_history_of_its_workspace(tmp_path: Path) -> None:
    stage = Stage(tmp_path, machine=machine())
    ping = read("ping")
    stage.relay.put([json.dumps(ping).encode()])
    stage.relay.work_off()
    with stage.ledger.read() as tx:
        assert cursor(tx, f"ping {ping['app_id']}") == str(stage.ledger.now())
        assert cursor(tx, f"cut_off {ping['app_id']}") == str(float(ping["created_at"] - 5))


def test_what_needs_no_answer_of_intercom_stands_behind_nobody_who_does(tmp_path: Path) -> None:
    """Hundreds wait for Intercom, and all of them are due again when somebody new comes."""
    stage = Stage(tmp_path)
    stage.put([Told(number) for number in range(300)])
    with stage.ledger.write() as tx:
        waiting = inbox.due(tx, stage.ledger.now(), 1_000, 10**9)
        inbox.postpone(tx, [one.id for one in waiting], stage.ledger.now(), 60.0, "Intercom is away")
    stage.clock.sleep(60.0)
    stage.put([Told(999)])
    stage.relay.translator.step()
    with stage.ledger.read() as tx:
        state = tx.scalar(select(inbox_rows.c.state).where(inbox_rows.c.notification == "n999.0"))
    assert state == "translated"
