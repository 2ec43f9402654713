"""What happens between two steps of the relay: other threads and processes use the same ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import Runner
from engine.errors import FateUnknown
from engine.events import Accepted
from engine.intercom.records import RecordsFile
from engine.klaviyo.client import Klaviyo
from engine.ledger import inbox, outbox, profiles
from engine.ledger.erasing import forget_contact
from engine.ports import Response
from engine.relay.relay import ACCOUNT, Relay
from engine.relay.replaying import Chosen, replay
from tests.ledgers import DAY, PLANS, Shop
from tests.support import NOW, Call, Wire, as_line, changed, json_answer, read

CONTACT = "68b1c2d3e4f5a6b7c8d9e0f1"
UPDATED = "contact.user.updated"
LATER = "2026-10-01T00:00:00.000Z"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def rows(shop: Shop, statement: str) -> list[Any]:
    with shop.ledger.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql(statement)]


def keep(shop: Shop, *payloads: Any) -> None:
    """Keep notifications and translate them, and deliver nothing."""
    shop.relay.put([as_line(one) for one in payloads])
    while shop.relay.translator.step():
        pass


def between(shop: Shop, monkeypatch: pytest.MonkeyPatch, do: Any) -> None:
    """Do something once, after the drain has read what is due and before it writes down that it leaves."""
    for queue in (queue for lane in shop.relay.drain._lanes for queue in lane.queues):
        made = queue.request
        told: list[bool] = []

        def request(row: Any, now: float, late: float, made: Any = made, told: Any = told) -> Any:
            if not told:
                told.append(True)
                do()
            return made(row, now, late)

        monkeypatch.setattr(queue, "request", request)


def test_a_profile_that_changes_while_the_older_one_is_about_to_leave_is_delivered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = read(UPDATED)
    newer = changed(older, {"name": "Mara Ek", "updated_at": LATER})
    newer = {**newer, "id": "notif_newer", "created_at": older["created_at"] + 60}
    keep(shop, older)
    between(shop, monkeypatch, lambda: keep(shop, newer))
    shop.relay.work_off()
    names = [one.body["data"]["attributes"]["last_name"] for one in shop.sink.delivered]
    assert names[-1] == "Ek"
    assert rows(shop, "select state from profiles") == [("accepted",)]


def test_what_a_deleted_contact_was_to_be_sent_is_not_sent_at_the_last_moment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(shop, read("ticket.contact.replied"))

    def forget() -> None:
        with shop.ledger.write() as tx:
            profiles.deleted(tx, ACCOUNT, CONTACT, shop.ledger.now())
            forget_contact(tx, ACCOUNT, CONTACT, shop.ledger.now())

    between(shop, monkeypatch, forget)
    shop.relay.work_off()
    assert shop.sent() == []
    assert rows(shop, "select state, reason from outbox") == [("skipped", "contact_deleted")]


def test_two_who_translate_the_same_count_it_once(shop: Shop) -> None:
    other = shop.relay_of(shop.plans)
    points = []

    def at(name: str) -> None:
        if name == "after_translate" and not points:
            points.append(name)
            other.translator.step()

    shop.relay.translator._at = at
    keep(shop, read("ticket.state.updated.resolved"))
    assert points == ["after_translate"]
    counts = dict(
        rows(shop, "select name || ' ' || kind, sum(count) from counters where kind <> 'topic' group by 1")
    )
    assert counts["Resolved Ticket queued"] == 1
    assert set(counts.values()) == {1}


def test_a_ping_is_remembered_with_its_time(shop: Shop) -> None:
    shop.take("ping")
    assert rows(shop, "select value from cursors where name like 'ping %'") == [(str(NOW.timestamp()),)]


def test_what_was_parked_for_weeks_can_be_made_again(shop: Shop) -> None:
    """A notification is somebody's capture where it is older than others by a week, at its first look."""
    old = {**read("ticket.contact.replied"), "id": "notif_old"}
    keep(shop, old)
    newer = {**read("conversation.read"), "id": "notif_new", "created_at": old["created_at"] + 9 * 86_400}
    keep(shop, newer)
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("delete from outbox")
        inbox.take_up(tx, [1])
    while shop.relay.translator.step():
        pass
    assert rows(shop, "select state, reason from inbox where id = 1") == [("translated", "")]
    captured = {**old, "id": "notif_captured"}
    keep(shop, captured)
    assert rows(shop, "select state, reason from inbox where id = 3") == [("skipped", "too_old")]


def test_a_profile_that_was_tried_in_vain_is_made_again_by_the_next_word_on_it(tmp_path: Path) -> None:
    answers = [FateUnknown("no answer")]
    shop = Shop(tmp_path, lambda request: answers[0])
    shop.take(UPDATED)
    shop.after(8 * DAY)
    shop.relay.work_off()
    assert rows(shop, "select state, reason from profiles") == [("dead", "tried_in_vain")]
    answers[0] = Accepted()
    shop.after(600)
    again = changed(read(UPDATED), {"updated_at": LATER})
    shop.take({**again, "id": "notif_again", "created_at": again["created_at"] + 1})
    assert rows(shop, "select state from profiles") == [("accepted",)]


def test_an_event_that_is_begun_already_is_not_begun_again(shop: Shop) -> None:
    keep(shop, read("ticket.contact.replied"))
    now = shop.ledger.now()
    with shop.ledger.write() as tx:
        due = outbox.due(tx, ACCOUNT, now, 9, largest_bytes=10**9, uncertain=False)
        assert outbox.begin(tx, due, 1) == {1}
        assert outbox.begin(tx, due, 2) == set()


class Tickets(RecordsFile):
    """Records that have one ticket, whichever is asked for."""

    def __init__(self, ticket: Any) -> None:
        super().__init__({})
        self._ticket = ticket

    def ticket(self, _: str) -> Any:
        return self._ticket


def with_records(shop: Shop, records: Any) -> None:
    shop.relay.drain.release()
    runner = Runner(PLANS, records=records, sink=shop.sink, clock=shop.clock)
    shop.relay = Relay(shop.ledger, runner, shop.sink, clock=shop.clock)


def test_a_ticket_that_is_too_large_keeps_no_other_notification_waiting(shop: Shop) -> None:
    parts = [{"type": "ticket_part", "id": str(number), "x": [0] * 200} for number in range(500)]
    with_records(shop, Tickets({"type": "ticket", "id": "1", "ticket_parts": {"ticket_parts": parts}}))
    no_parts = {"ticket_parts.ticket_parts": []}
    keep(shop, changed(read("ticket.state.updated.resolved"), no_parts), read("conversation.user.created"))
    assert [state for (state,) in rows(shop, "select state from inbox")] == ["received", "skipped"]
    shop.after(31)
    keep(shop, read("ping"))
    assert rows(shop, "select state, reason from outbox where metric like 'ticket.%'") == [
        ("parked", "no_element")
    ]


def test_what_fails_again_and_again_is_left_to_a_person_and_can_be_replayed(shop: Shop) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError("nobody foresaw this")

    with_records(shop, {})
    machine = shop.relay.translator._machine
    works, machine.work_out = machine.work_out, fails  # type: ignore[method-assign]
    keep(shop, read("ticket.created"))
    for _ in range(13):
        shop.after(301)
        shop.relay.translator.step()
    lost = "select state, reason, detail from outbox"
    assert rows(shop, lost) == [("parked", "fault", "it cannot be translated (KeyError)")]
    machine.work_out = works  # type: ignore[method-assign]
    replay(shop.ledger, ACCOUNT, Chosen(dead=True))
    shop.relay.work_off()
    assert rows(shop, lost + " where reason = 'fault'") == []
    assert rows(shop, "select count(*) from outbox")[0][0] > 0


def test_a_profile_that_klaviyo_has_deleted_is_made_anew_and_stops_nothing(shop: Shop) -> None:
    """Its id is remembered. A 404 for it says nothing of the address, which would stop the account."""

    def answer(call: Call) -> Response:
        if "profile-import" not in call.url:
            return Response(202)
        if "id" in json.loads(call.body or b"")["data"]:
            return json_answer(404, {"errors": [{"code": "not_found", "detail": "It does not exist."}]})
        return json_answer(200, {"data": {"type": "profile", "id": "01ABC"}})

    wire = Wire(answer)
    klaviyo = Klaviyo("pk_secret", transport=wire, clock=shop.clock)
    shop.relay.drain.release()
    shop.relay = Relay(shop.ledger, Runner(PLANS, clock=shop.clock), klaviyo, clock=shop.clock)
    shop.take(UPDATED)
    newer = changed(read(UPDATED), {"name": "Mara Ek", "updated_at": LATER})
    shop.take({**newer, "id": "notif_newer"})
    assert rows(shop, "select state, klaviyo_id from profiles") == [("accepted", "01ABC")]
    assert len([call for call in wire.calls if call.body]) == 3
    assert rows(shop, "select paused from accounts where paused <> ''") == []


def test_one_notification_from_the_far_future_makes_no_others_old(shop: Shop) -> None:
    first, odd = read("conversation.user.created"), read(UPDATED)
    later = changed(first, {"id": "999"})
    keep(shop, first, {**odd, "created_at": 4_102_444_800})
    keep(shop, {**later, "id": "notif_later", "created_at": first["created_at"] + 5})
    assert [reason for (reason,) in rows(shop, "select reason from inbox")] == ["", "", ""]


def test_a_first_notification_from_the_far_future_makes_nothing_the_backfills(shop: Shop) -> None:
    now = int(NOW.timestamp())
    keep(shop, {**read("ping"), "created_at": 4_102_444_800})
    keep(shop, changed({**read("conversation.user.created"), "created_at": now}, {"created_at": now}))
    assert rows(shop, "select state from outbox") == [("queued",)]
