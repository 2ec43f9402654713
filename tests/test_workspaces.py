"""One app in several workspaces: each notification is looked up with the token of its own."""

from pathlib import Path
from typing import Any

import pytest

from engine import Runner, Skipped, Translation, load
from engine.errors import Denied
from engine.intercom.client import Intercom
from engine.intercom.records import read_records
from engine.intercom.workspaces import Workspaces
from engine.ledger import accounts, inbox
from engine.ports import Records, Response
from engine.relay.relay import Relay
from engine.relay.translating import DENIED_SECONDS, INTERCOM
from engine.secrets import read_workspace_tokens
from tests.ledgers import PLANS, Shop, metric_of
from tests.support import RECORDS, ROOT, StandingClock, as_line, changed, read

OURS = "hx7q2m9d"
OTHER = "ab12cd34"


class Me:
    """A transport to a workspace that only says who it is."""

    def __init__(self, app_id: str) -> None:
        self._body = f'{{"type": "admin", "app": {{"id_code": "{app_id}"}}}}'.encode()

    def send(self, method: str, url: str, headers: Any, body: bytes | None = None) -> Response:
        assert url.endswith("/me")
        return Response(200, {"content-type": "application/json"}, self._body)


def outcomes(others: dict[str, Records], *payloads: Any) -> list[Any]:
    usual = Intercom("tok", url="http://127.0.0.1:1", transport=Me(OURS))
    runner = Runner(
        load(ROOT / "mappings" / "created_ticket.yaml"),
        records=Workspaces(usual, others),
        clock=StandingClock(),
    )
    worked, _ = runner.work_out([runner.read(one) for one in payloads], every=True, partial=True)
    return [result for one in worked for _, result in one.made]


def test_a_workspace_is_asked_with_its_own_token() -> None:
    there = changed(read("ticket.created"), {"event.app_id": OTHER})
    [made] = outcomes({OTHER: read_records(RECORDS)}, there)
    assert isinstance(made, Translation)
    assert made.unique_id.startswith(f"ic:{OTHER}:ticket:")
    assert made.profile["email"] == "mara.lindqvist@example.com"


def test_a_workspace_without_a_token_is_told_and_its_events_are_nobody_s() -> None:
    there = changed(read("ticket.created"), {"event.app_id": OTHER})
    [made] = outcomes({}, there)
    assert made == Skipped("other_workspace", f"no token is set for {OTHER}")


def test_what_is_no_notification_stays_what_it_is() -> None:
    [made] = outcomes({}, {"type": "conversation"})
    assert made.reason == "not_a_notification"


def test_notifications_of_two_workspaces_keep_their_order() -> None:
    there = changed(read("ticket.created"), {"event.app_id": OTHER})
    none = {"type": "list"}
    made = outcomes({OTHER: read_records(RECORDS)}, there, none, there)
    assert [getattr(one, "unique_id", "") != "" for one in made] == [True, False, True]


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"INTERCOM_TOKEN_AB12CD34": "tok_of_another"}, {OTHER: "tok_of_another"}),
        ({"INTERCOM_TOKEN": "tok_of_ours", "INTERCOM_TOKEN_FILE": "/nowhere"}, {}),
        ({"INTERCOM_TOKEN_": "x", "INTERCOM_TOKENS_AB": "y"}, {}),
    ],
)
def test_tokens_of_workspaces_are_variables_with_their_app_id(
    environment: dict[str, str], found: dict[str, str]
) -> None:
    told: list[Any] = []
    assert read_workspace_tokens(environment, told.append) == found
    assert told == []


def test_a_faulty_token_of_a_workspace_is_told_by_its_name() -> None:
    told: list[Any] = []
    assert read_workspace_tokens({"INTERCOM_TOKEN_AB12CD34": "two words"}, told.append) == {}
    assert [issue.field for issue in told] == ["INTERCOM_TOKEN_AB12CD34"]


class Gate:
    """Records that may not be read while it is shut."""

    is_shut = True

    def fetch(self, table: str, ids: Any) -> Any:
        if self.is_shut:
            raise Denied("the token may not read this (403)", "read_contacts")
        return read_records(RECORDS).fetch(table, ids)


def test_a_token_that_may_not_read_its_workspace_holds_up_no_other_workspace(tmp_path: Path) -> None:
    gate = Gate()
    usual = Intercom("tok", url="http://127.0.0.1:1", transport=Me("another"))
    records = Workspaces(usual, {OURS: read_records(RECORDS), OTHER: gate})
    shop = Shop(tmp_path)
    relay = Relay(shop.ledger, Runner(PLANS, records=records, clock=shop.clock), shop.sink, clock=shop.clock)

    def came(number: int) -> list[str]:
        """The workspaces whose events arrive after each has told of one more ticket."""
        shop.sink.delivered.clear()
        for app_id in (OTHER, OURS):
            of = {"event.id": f"n{number}{app_id}", "event.app_id": app_id, "id": f"{number}"}
            shop.relay.put([as_line(changed(read("ticket.created"), of))])
        relay.work_off()
        made = [one.unique_id.split(":")[1] for one in shop.sink.delivered if metric_of(one)]
        return sorted(set(made))

    def paused() -> dict[str, str]:
        with shop.ledger.read() as tx:
            return {name: one.paused for name, one in accounts.parts(tx, INTERCOM).items() if one.paused}

    told = {f"intercom {OTHER}": f"the token may not read this (403) (workspace {OTHER})"}
    assert came(1) == [OURS]
    assert paused() == told
    assert came(2) == [OURS]
    shop.after(DENIED_SECONDS + 1)
    assert came(3) == [OURS]
    assert paused() == told
    gate.is_shut = False
    relay.try_now()
    assert came(4) == sorted([OTHER, OURS])
    assert paused() == {}
    assert relay.work_off() == 0
    with shop.ledger.read() as tx:
        assert inbox.due(tx, shop.ledger.now() + 1e6, 9, 1_000_000) == []
