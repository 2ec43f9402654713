"""One app in several workspaces: each notification is looked up with the token of its own."""

from typing import Any

import pytest

from engine import Runner, Skipped, Translation, load
from engine.intercom.client import Intercom
from engine.intercom.records import read_records
from engine.intercom.workspaces import Workspaces
from engine.ports import Records, Response
from engine.secrets import read_workspace_tokens
from tests.support import RECORDS, ROOT, StandingClock, changed, read

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
