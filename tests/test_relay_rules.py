"""The rules between a webhook and its events: what is whose, what waits, what leaves late or not at all."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from engine import Runner
from engine.errors import Rejected, Unavailable
from engine.events import Accepted, Answer, Request
from engine.intercom.records import read_records
from engine.relay.relay import Relay
from tests.ledgers import Shop, metric_of
from tests.support import ABSENT, NOW, RECORDS, changed, read

HOUR, DAY = 3_600.0, 86_400.0
RESOLVED = "ticket.state.updated.resolved"
CONTACT = "68b1c2d3e4f5a6b7c8d9e0f1"


class Office:
    """Records as Intercom has them, of which some cannot be asked for, and tickets as they are now."""

    def __init__(self) -> None:
        self._records = read_records(RECORDS)
        self.away: set[str] = set()
        self.tickets: dict[str, Any] = {}
        self.without: dict[str, Any] = {}
        """Contacts as they are for now, by id."""
        self.asked = 0

    def fetch(self, table: str, ids: Collection[str]) -> dict[str, Any]:
        if table in self.away:
            return {}
        found = dict(self._records.fetch(table, ids))
        return found | {key: self.without[key] for key in ids if key in self.without}

    def ticket(self, ticket_id: str) -> Any:
        self.asked += 1
        if "ticket" in self.away:
            raise Unavailable("Intercom is away")
        return self.tickets.get(ticket_id)


class Desk(Shop):
    """A relay with an office to ask."""

    def __init__(self, folder: Path, answer: Any = None) -> None:
        self.office = Office()
        super().__init__(folder, answer)

    def relay_of(self, plans: Any) -> Relay:
        machine = Runner(plans, records=self.office, sink=self.sink, clock=self.clock)
        return Relay(self.ledger, machine, self.sink, clock=self.clock)

    def rows(self, statement: str) -> list[Any]:
        with self.ledger.read() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(statement)]

    def work(self) -> None:
        self.relay.work_off()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def at(notification: Any, seconds: float, name: str = "") -> Any:
    """The same notification, told at another time."""
    named = {"id": name} if name else {}
    return {**notification, "created_at": int(seconds), **named}


def attributes(request: Request) -> Any:
    return request.body["data"]["attributes"]


# The cut-off


def test_what_happened_before_the_first_notification_is_left_to_the_history(desk: Desk) -> None:
    resolved = read(RESOLVED)
    desk.take(resolved)
    assert {metric_of(one) for one in desk.sent()} == {"Resolved Ticket"}
    [[made]] = desk.rows("select made from inbox")
    assert '"before_cut_off"' in made


def test_once_it_is_set_the_cut_off_stays(desk: Desk) -> None:
    created = read("ticket.created")
    desk.take(created, read(RESOLVED))
    made = {metric_of(one) for one in desk.sent()}
    assert made == {"Created Ticket", "Submitted Ticket", "Marked Ticket On Hold", "Resolved Ticket"}


def test_a_lost_notification_is_made_up_for_by_the_next_of_the_same_ticket(desk: Desk) -> None:
    """Resolved tells of the hold before it, whose own notification never came."""
    desk.take(read("ticket.created"))
    desk.sink.delivered.clear()
    desk.take(read("ticket.state.updated.reopened"))
    assert {metric_of(one) for one in desk.sent()} >= {"Resolved Ticket"}
    ids = [attributes(one)["unique_id"] for one in desk.sent()]
    assert len(ids) == len(set(ids))


# Late


def test_an_event_that_leaves_more_than_a_day_late_starts_no_flow_and_a_fresh_one_does(desk: Desk) -> None:
    fresh = changed(read("ticket.contact.replied"), {"ticket_part.created_at": int(NOW.timestamp()) - 60})
    desk.take(at(fresh, NOW.timestamp() - 60))
    [request] = desk.sent("Replied to Ticket")
    assert "backfill" not in attributes(request)
    again = changed(
        fresh, {"ticket_part.id": "1", "ticket_part.created_at": int(NOW.timestamp() - DAY - HOUR)}
    )
    with desk.ledger.write() as tx:
        tx.exec_driver_sql("update cursors set value = '0' where name like 'cut_off %'")
    desk.take(at(again, NOW.timestamp() - 30, "notif_late"))
    assert attributes(desk.sent("Replied to Ticket")[-1])["backfill"] is True


# Look-ups that cannot be asked for


def test_a_name_is_waited_for_ten_minutes_and_then_the_event_goes_without_it(desk: Desk) -> None:
    desk.office.away = {"team"}
    desk.take(read("ticket.created"))
    assert desk.sent() == []
    for _ in range(20):
        desk.after(61)
        desk.work()
    [request] = desk.sent("Created Ticket")
    assert "Assigned Team" not in attributes(request)["properties"]


def test_a_name_that_comes_in_time_is_there(desk: Desk) -> None:
    desk.office.away = {"team"}
    desk.take(read("ticket.created"))
    desk.office.away = set()
    desk.after(120)
    desk.work()
    [request] = desk.sent("Created Ticket")
    assert attributes(request)["properties"]["Assigned Team"] == "Returns & Refunds"


def test_an_address_is_waited_for_as_long_as_it_takes(desk: Desk) -> None:
    desk.office.away = {"contact"}
    desk.take(read("ticket.created"))
    for _ in range(30):
        desk.after(HOUR)
        desk.work()
    assert desk.sent() == []
    desk.office.away = set()
    desk.after(HOUR)
    desk.work()
    assert len(desk.sent("Created Ticket")) == 1


def test_what_waits_for_a_look_up_keeps_nobody_else(desk: Desk) -> None:
    desk.office.away = {"team"}
    alone = changed(read("conversation.user.created"), {"team_assignee_id": None})
    desk.take(alone, read("ticket.created"))
    assert len(desk.sent("Created Conversation")) == 1


# A change that is not in the payload


def short() -> Any:
    """A notification of a resolved ticket that lacks the part of its resolution."""
    told = read(RESOLVED)
    parts = told["data"]["item"]["ticket_parts"]["ticket_parts"]
    return changed(told, {"ticket_parts.ticket_parts": [one for one in parts if not _is_new(one, told)]})


def _is_new(part: Any, told: Any) -> bool:
    return abs(part["created_at"] - told["created_at"]) <= 5


def test_a_change_that_the_payload_lacks_is_looked_for_at_intercom(desk: Desk) -> None:
    desk.office.tickets = {str(read(RESOLVED)["data"]["item"]["id"]): read(RESOLVED)["data"]["item"]}
    desk.take(short())
    assert {metric_of(one) for one in desk.sent()} == {"Resolved Ticket"}
    assert desk.office.asked == 1


def test_a_change_that_intercom_does_not_have_yet_is_looked_for_once_more(desk: Desk) -> None:
    desk.take(short())
    assert desk.sent() == []
    desk.office.tickets = {str(read(RESOLVED)["data"]["item"]["id"]): read(RESOLVED)["data"]["item"]}
    desk.after(31)
    desk.work()
    assert {metric_of(one) for one in desk.sent()} == {"Resolved Ticket"}


def test_a_change_that_nobody_knows_of_is_parked_and_no_id_is_made_up_for_it(desk: Desk) -> None:
    desk.take(short())
    desk.after(31)
    desk.work()
    assert desk.sent() == []
    assert desk.rows("select state, reason, unique_id from outbox") == [("parked", "no_element", "")]


# Nobody to tell of


def nobody() -> Any:
    return {"type": "contact", "id": CONTACT, "role": "lead", "updated_at": 1_788_000_000, "email": None}


def test_an_event_of_nobody_is_released_with_its_own_time_once_an_address_comes(desk: Desk) -> None:
    desk.office.without = {CONTACT: nobody()}
    desk.take(read("ticket.created"))
    assert desk.sent() == []
    desk.office.without = {}
    desk.after(3 * HOUR)
    desk.take(read("contact.user.updated"))
    [request] = desk.sent("Created Ticket")
    assert attributes(request)["time"] == "2026-09-01T10:00:01Z"


def test_an_event_of_nobody_is_released_by_a_later_look_up_too(desk: Desk) -> None:
    desk.office.without = {CONTACT: nobody()}
    desk.take(read("ticket.created"))
    desk.office.without = {}
    desk.after(3 * HOUR)
    desk.take(read("ticket.contact.replied"))
    assert len(desk.sent("Created Ticket")) == 1
    assert len(desk.sent("Replied to Ticket")) == 1


def test_what_a_contact_s_merge_leaves_behind_is_sent_to_whom_remains(desk: Desk) -> None:
    desk.office.without = {CONTACT: nobody()}
    desk.take(read("ticket.created"))
    remaining = read("contact.user.updated")
    item = {**remaining["data"]["item"], "id": "68b1c2d3e4f5a6b7c8d9ffff"}
    desk.office.without = {CONTACT: item, item["id"]: item}
    merged = {**remaining, "topic": "contact.merged", "id": "notif_merged"}
    merged["data"] = {"item": {**item, "merged_from": {"type": "contact", "id": CONTACT}}}
    desk.take(merged)
    [request] = desk.sent("Created Ticket")
    assert attributes(request)["profile"]["data"]["attributes"]["email"] == item["email"]
    assert ("skipped", "merged") in desk.rows("select state, reason from profiles")


# Profiles


def test_a_contact_that_was_looked_up_updates_its_profile(desk: Desk) -> None:
    desk.take(read("ticket.created"))
    [profile] = [one for one in desk.sink.delivered if not metric_of(one)]
    assert attributes(profile)["email"] == "mara.lindqvist@example.com"


def test_a_profile_that_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    updated = read("contact.user.updated")
    desk.take(updated)
    count = len(desk.sink.delivered)
    desk.take(at(updated, updated["created_at"] + 60, "notif_again"))
    assert len(desk.sink.delivered) == count


def test_a_new_address_changes_the_profile_that_klaviyo_has(tmp_path: Path) -> None:
    """By its id there: by its address it would become another profile."""
    desk = Desk(tmp_path, lambda request: Accepted(profile_id="01HZX"))
    updated = read("contact.user.updated")
    desk.take(updated)
    moved = changed(updated, {"email": "mara.ek@example.com", "updated_at": "2026-10-01T00:00:00.000Z"})
    desk.take(at(moved, updated["created_at"] + 60, "notif_moved"))
    first, second = desk.sink.delivered
    assert "id" not in first.body["data"]
    assert (second.body["data"]["id"], attributes(second)["email"]) == ("01HZX", "mara.ek@example.com")


def test_a_profile_whose_id_klaviyo_does_not_know_any_more_goes_without_it(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        if request.body["data"].get("id"):
            return Rejected("Klaviyo refuses it: there is no such profile", "/data/id")
        return Accepted(profile_id="01HZX")

    desk = Desk(tmp_path, answer)
    updated = read("contact.user.updated")
    desk.take(updated)
    moved = changed(updated, {"name": "Mara Ek", "updated_at": "2026-10-01T00:00:00.000Z"})
    desk.take(at(moved, updated["created_at"] + 60, "notif_moved"))
    desk.after(HOUR)
    desk.work()
    assert desk.rows("select state from profiles") == [("accepted",)]
    assert attributes(desk.sink.delivered[-1])["last_name"] == "Ek"


# What is no event


@pytest.mark.parametrize(
    ("payload", "state", "reason"),
    [
        ("ping", "skipped", "ping"),
        ({"type": "notification_event", "topic": "a.new.one", "app_id": "hx7q2m9d"}, "skipped", "no_spec"),
        ({"type": "conversation"}, "skipped", "not_a_notification"),
    ],
)  # fmt: skip
def test_a_notification_that_is_no_event_is_skipped_with_its_reason(
    desk: Desk, payload: Any, state: str, reason: str
) -> None:
    desk.take(payload)
    assert desk.rows("select state, reason from inbox") == [(state, reason)]


def test_a_capture_that_is_over_a_week_older_than_the_newest_is_not_taken_for_news(desk: Desk) -> None:
    old = read("ticket.created")
    new = at(read("ping"), old["created_at"] + 8 * DAY)
    desk.take(new, old)
    assert desk.sent() == []
    assert ("skipped", "too_old") in desk.rows("select state, reason from inbox")


def test_an_event_without_what_its_spec_requires_is_parked_and_others_go(desk: Desk) -> None:
    desk.take(changed(read("ticket.created"), {"id": ABSENT}))
    assert {row[0] for row in desk.rows("select state from outbox")} <= {"parked"}
    desk.take(read("ticket.contact.replied"))
    assert len(desk.sent("Replied to Ticket")) == 1
