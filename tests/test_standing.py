"""What fails for profiles alone holds up no event: Klaviyo counts, and allows, each by itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine import Runner
from engine.events import Accepted
from engine.klaviyo.client import Klaviyo
from engine.ledger import accounts, schema
from engine.ports import Response
from engine.relay.relay import ACCOUNT, Relay
from tests.ledgers import PLANS, Shop
from tests.support import Call, Wire, as_line, changed, json_answer, read

NO_SCOPE = json_answer(403, {"errors": [{"code": "permission_denied", "detail": "profiles:write"}]})
NO_KEY = json_answer(401, {"errors": [{"code": "authentication_failed"}]})
THROTTLED = Response(429, {"retry-after": "30"})


class Desk(Shop):
    """A relay on Klaviyo's own client, with people who write and change all the time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers: dict[str, Response] = {}
        self.wire = Wire(self._answer)
        self.number = 0
        self.again()

    def again(self, rate_share: float = 0.8) -> None:
        """Another process goes on with the same ledger."""
        klaviyo = Klaviyo(
            "pk_secret", transport=self.wire, clock=self.clock, workers=1, rate_share=rate_share
        )
        self.relay.release()
        self.relay = Relay(self.ledger, Runner(PLANS, clock=self.clock), klaviyo, clock=self.clock)

    def many(self, number: int) -> None:
        """So many people change, while nothing is delivered."""
        for _ in range(number):
            self.number += 1
            of = {"id": f"68b1c2d3e4f5a6b7c8d9e{self.number:03d}", "email": f"p{self.number}@example.com"}
            one = changed(read("contact.user.updated"), of)
            self.relay.put([as_line({**one, "id": f"many {self.number}"})])
        while self.relay.translator.step():
            pass

    def profiles(self) -> dict[str, int]:
        """How many profiles are in which state."""
        with self.ledger.read() as tx:
            rows = tx.exec_driver_sql("select state, count(*) from profiles group by state").all()
        return {state: number for state, number in rows}

    def asked(self) -> int:
        """How often Klaviyo was asked whose the key is."""
        return sum("accounts" in call.url for call in self.wire.calls)

    def _answer(self, call: Call) -> Response:
        place = "profiles" if "profile" in call.url else "whose" if "accounts" in call.url else "events"
        place = "bulk" if "bulk" in call.url and "bulk" in self.answers else place
        taken = json_answer(200, {"data": {"type": "profile", "id": "01ABC"}})
        return self.answers.get(place) or (taken if place == "profiles" else Response(202))

    def minute(self) -> int:
        """Five people write, and five change; how many events arrive within the minute."""
        for _ in range(5):
            self.number += 1
            talk: Any = changed(read("conversation.user.created"), {"id": f"7{self.number}"})
            person = changed(read("contact.user.updated"), {"id": f"68b1c2d3e4f5a6b7c8d9e{self.number:03d}"})
            self.relay.put(
                [as_line({**one, "id": f"{place} {self.number}"}) for place, one in enumerate((talk, person))]
            )
        before = len(self.wire.calls)
        for _ in range(12):
            self.after(5)
            self.relay.work_off()
        calls = [call for call in self.wire.calls[before:] if call.body]
        return sum(json.loads(call.body)["data"]["type"] == "event" for call in calls)

    def paused(self) -> str:
        with self.ledger.read() as tx:
            return accounts.worst(tx, ACCOUNT)[1].paused


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("answer", [NO_SCOPE, THROTTLED, Response(500)], ids=["scope", "429", "500"])
def test_what_fails_for_profiles_alone_holds_up_no_event(desk: Desk, answer: Response) -> None:
    desk.answers["profiles"] = answer
    assert [desk.minute() for _ in range(4)] == [5, 5, 5, 5]


def test_a_person_is_told_of_a_scope_that_is_missing_until_it_is_there(desk: Desk) -> None:
    desk.answers["profiles"] = NO_SCOPE
    desk.minute()
    assert "profiles:write" in desk.paused()
    desk.minute()
    assert "profiles:write" in desk.paused(), "events that are taken change nothing about it"
    desk.answers.clear()
    desk.relay.try_now()
    desk.minute()
    assert desk.paused() == ""
    assert desk.states() == {"accepted": desk.number}


def test_a_key_that_is_not_accepted_stops_everything(desk: Desk) -> None:
    desk.answers |= {"profiles": NO_KEY, "events": NO_KEY}
    desk.minute()
    calls = len(desk.wire.calls)
    desk.minute()
    assert len(desk.wire.calls) == calls
    assert "(401)" in desk.paused()
    desk.answers.clear()
    desk.relay.try_now()
    desk.minute()
    assert (desk.paused(), desk.states()) == ("", {"accepted": desk.number})


def test_many_profiles_go_one_by_one_where_the_key_may_not_send_them_in_bulk(desk: Desk) -> None:
    desk.answers["bulk"] = NO_SCOPE
    desk.many(100)
    for _ in range(40):
        desk.after(5)
        desk.relay.work_off()
    assert desk.paused() == ""
    assert desk.profiles() == {"accepted": 100}
    assert sum("bulk" in call.url for call in desk.wire.calls) == 1, "it is not asked again"
    desk.relay.use("pk_another")
    del desk.answers["bulk"]
    desk.many(100)
    desk.relay.work_off()
    assert sum("bulk" in call.url for call in desk.wire.calls) > 1


def test_many_events_wait_for_a_person_where_the_key_may_send_none(desk: Desk) -> None:
    desk.answers |= {"events": NO_SCOPE, "bulk": NO_SCOPE}
    for _ in range(13):  # more of them wait than go one by one
        desk.minute()
    assert "events:write" in desk.paused()
    desk.answers.clear()
    desk.relay.try_now()
    desk.minute()
    desk.minute()
    assert (desk.paused(), desk.states()) == ("", {"accepted": desk.number})


# Whose key it is


def of(account: str) -> Response:
    return json_answer(200, {"data": [{"type": "account", "id": account, "attributes": {}}]})


def test_a_key_of_another_account_sends_nothing_until_it_is_put_right(desk: Desk) -> None:
    desk.answers["whose"] = of("Abc123")
    assert desk.minute() == 5
    desk.answers["whose"] = of("Xyz789")
    assert desk.minute() == 5, "the key is the same: it is not asked again"
    desk.relay.use("pk_of_another")
    assert [desk.minute(), desk.minute()] == [0, 0]
    assert "the account Xyz789, and this ledger has sent to Abc123" in desk.paused()
    desk.answers["whose"] = of("Abc123")
    desk.relay.use("pk_of_the_first")
    desk.relay.try_now()
    desk.minute()
    assert (desk.paused(), desk.states()) == ("", {"accepted": desk.number})


def test_another_process_with_the_key_of_another_account_sends_nothing_either(desk: Desk) -> None:
    desk.answers["whose"] = of("Abc123")
    desk.minute()
    desk.answers["whose"] = of("Xyz789")
    desk.again()
    assert desk.minute() == 0
    assert "Abc123" in desk.paused()


@pytest.mark.parametrize(
    "answer", [NO_SCOPE, json_answer(200, {"data": []}), json_answer(200, {"data": [{"id": 7}]})]
)
def test_a_key_that_may_not_say_whose_it_is_is_trusted_and_asked_once(desk: Desk, answer: Response) -> None:
    desk.answers["whose"] = answer
    assert [desk.minute(), desk.minute()] == [5, 5]
    assert desk.asked() == 1
    assert desk.paused() == ""


def test_where_it_cannot_be_told_now_it_is_asked_again_in_a_while(desk: Desk) -> None:
    desk.answers["whose"] = Response(500)
    assert [desk.minute(), desk.minute()] == [5, 5]
    assert 1 < desk.asked() <= 3
    desk.answers["whose"] = of("Abc123")
    desk.minute()
    desk.minute()
    before = desk.asked()
    desk.minute()
    assert desk.asked() == before


# A sink that fails in a way that nobody foresaw


def test_what_a_fault_of_the_sink_keeps_back_waits_longer_each_time_and_is_given_up_in_the_end(
    shop: Shop,
) -> None:
    def broken(_: Any) -> Any:
        raise KeyError("canary of a customer")

    shop.sink.answer = broken
    shop.take("conversation.user.created")
    for _ in range(60):
        shop.after(1)
        shop.relay.work_off()
    assert 3 < len(shop.sink.delivered) < 20
    for _ in range(8 * 8):
        shop.after(3 * 3600)
        shop.relay.work_off()
    assert shop.states() == {"dead": 1}
    with shop.ledger.read() as tx:
        [found] = tx.execute(select(schema.outbox.c.reason, schema.outbox.c.detail)).all()
    assert tuple(found) == ("tried_in_vain", "sending failed in an unforeseen way (KeyError)")
    shop.sink.answer = lambda _: Accepted()
    shop.take("conversation.rating.added")
    assert shop.states() == {"accepted": 1, "dead": 1}


def test_few_events_go_in_bulk_where_the_window_of_single_ones_is_used_up(desk: Desk) -> None:
    desk.again(rate_share=0.1)
    desk.minute()
    assert [call.url for call in desk.wire.calls if "bulk" in call.url] == []
    before = desk.clock.seconds
    for number in range(400):
        talk: Any = changed(read("conversation.user.created"), {"id": f"8{number}"})
        desk.relay.put([as_line({**talk, "id": f"many {number}"})])
        if number % 50 == 49:
            desk.relay.work_off()
            desk.clock.sleep(0.2)
    desk.relay.work_off()
    assert desk.clock.seconds - before < 30, "nobody waits for the minute's window"
    assert [call.url for call in desk.wire.calls if "bulk" in call.url]
    assert desk.states() == {"accepted": 405}
