"""A visitor who writes first and says later who they are: their events wait, and go to whom they become."""

from pathlib import Path
from typing import Any

import pytest

from engine import Runner
from engine.intercom.lookups import Lookups
from engine.ledger import outbox
from engine.relay.relay import ACCOUNT, Relay
from tests.ledgers import PLANS, Shop
from tests.support import changed, read

CONTACT = "68b1c2d3e4f5a6b7c8d9e0f1"
USER = "68b1c2d3e4f5a6b7c8d9effe"
NOBODY = {"email": None, "phone": None, "external_id": None}
METRIC = "Created Conversation"


class Rest:
    """Intercom's contacts, one by one."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.people: dict[str, Any] = {CONTACT: contact(CONTACT, NOBODY)}

    def record(self, _: str, key: str) -> Any:
        return self.people.get(key)

    def post(self, _: str, __: Any) -> Any:
        return {"data": []}

    def get(self, _: str) -> Any:
        return {"admins": [], "teams": [], "data": []}


class Crowd(Shop):
    """A relay that looks contacts up as `serve` does, after a conversation of somebody without an address."""

    def __init__(self, folder: Path, plans: Any = PLANS) -> None:
        super().__init__(folder, plans=plans)
        self.rest = Rest(self.clock)
        self.lookups = Lookups(self.rest, self.clock)  # type: ignore[arg-type]
        self.relay.drain.release()
        runner = Runner(plans, records=self.lookups, sink=self.sink, clock=self.clock)
        self.relay = Relay(self.ledger, runner, self.sink, clock=self.clock)
        self.take(changed(read("conversation.user.created"), {"source.author.email": None}))
        assert self.events() == [("parked", CONTACT)]

    def events(self) -> list[tuple[str, str]]:
        with self.ledger.read() as tx:
            asked = "select state, contact from outbox where metric = ?"
            return [tuple(row) for row in tx.exec_driver_sql(asked, (METRIC,))]

    def tell(self, topic: str, item: dict[str, Any]) -> None:
        self.after(60)
        self.take({**told(topic, item), "id": f"notif {self.clock.seconds}"})

    def merge(self, user: dict[str, Any]) -> None:
        self.rest.people |= {CONTACT: user, user["id"]: user}
        self.tell("contact.merged", {**user, "merged_from": {"type": "contact", "id": CONTACT}})


def contact(id_: str, values: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = read("contact.user.updated")["data"]["item"]
    return {**item, "id": id_, **values}


def told(topic: str, item: dict[str, Any]) -> dict[str, Any]:
    one = read("contact.user.updated")
    return {**one, "topic": topic, "data": {**one["data"], "item": item}}


@pytest.fixture
def crowd(tmp_path: Path) -> Crowd:
    return Crowd(tmp_path)


def test_what_waits_goes_as_soon_as_the_visitor_becomes_a_known_user(crowd: Crowd) -> None:
    """Although the visitor was looked up a minute ago, and is known without an address."""
    crowd.merge(contact(USER, {}))
    assert crowd.events() == [("accepted", USER)]


def test_what_waits_goes_when_the_one_that_remains_gets_an_address(crowd: Crowd) -> None:
    crowd.merge(contact(USER, NOBODY))
    assert crowd.events() == [("parked", USER)]
    crowd.rest.people = dict.fromkeys((CONTACT, USER), contact(USER, {}))
    crowd.after(600)  # what was looked up is no longer taken as it was
    crowd.tell("contact.user.updated", contact(USER, {"updated_at": "2026-12-01T00:00:00.000Z"}))
    assert crowd.events() == [("accepted", USER)]


def test_what_waits_is_found_by_the_hourly_look_after_a_merge(crowd: Crowd) -> None:
    """Another process may have looked the visitor up before, and have parked the event only then."""
    crowd.merge(contact(USER, NOBODY))
    crowd.tell("contact.user.updated", contact(USER, {"updated_at": "2026-12-01T00:00:00.000Z"}))
    with crowd.ledger.write() as tx:
        tx.exec_driver_sql("update outbox set state = 'parked', reason = 'no_identity'")
        assert outbox.reachable(tx, ACCOUNT, 500, 600.0) == [1]


def test_of_a_user_that_was_deleted_nothing_is_sent_of_the_time_as_a_visitor(crowd: Crowd) -> None:
    crowd.merge(contact(USER, NOBODY))
    crowd.tell("contact.deleted", {"type": "contact", "id": USER, "external_id": None, "deleted": True})
    assert crowd.events() == [("skipped", USER)]
    crowd.rest.people[CONTACT] = contact(USER, {})
    late = changed(read("conversation.user.created"), {"source.author.email": None, "id": "77"})
    crowd.take({**late, "id": "notif_late"})
    assert crowd.events() == [("skipped", USER)]
    assert crowd.sent(METRIC) == []


def test_what_waits_goes_with_an_address_although_no_mapping_makes_profiles(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path, [plan for plan in PLANS if plan.spec.kind != "profile"])
    crowd.rest.people[CONTACT] = contact(CONTACT, {})
    crowd.after(600)
    crowd.tell("contact.user.updated", contact(CONTACT, {}))
    assert crowd.events() == [("accepted", CONTACT)]
