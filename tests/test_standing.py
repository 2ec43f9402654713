"""What fails for profiles alone holds up no event: Klaviyo counts, and allows, each by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import Runner
from engine.klaviyo.client import Klaviyo
from engine.ledger import accounts
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
        klaviyo = Klaviyo("pk_secret", transport=self.wire, clock=self.clock, workers=1)
        self.relay.drain.release()
        self.relay = Relay(self.ledger, Runner(PLANS, clock=self.clock), klaviyo, clock=self.clock)
        self.number = 0

    def _answer(self, call: Call) -> Response:
        place = "profiles" if "profile" in call.url else "events"
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
        calls = self.wire.calls[before:]
        return sum(json.loads(call.body or b"")["data"]["type"] == "event" for call in calls)

    def paused(self) -> str:
        with self.ledger.read() as tx:
            return accounts.worst(tx, ACCOUNT).paused


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
