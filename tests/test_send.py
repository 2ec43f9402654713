"""`send` against a server on this machine: what is shown, what leaves, and what a refusal looks like."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.commands import main
from engine.commands.send import TellingClock, by
from engine.tools.inputs import Input
from examples.stand_in import Answer, StandIn, taken
from tests.support import FIXTURES, RECORDS, read, records_as_intercom

TICKET = str(FIXTURES / "ticket.created.json")
CONTACT = str(FIXTURES / "contact.user.updated.json")
WITH_RECORDS = ("--records", str(RECORDS))
SECRET = "pk_canary_5f1e"
CUSTOMER = "mara.lindqvist@example.com"


@pytest.fixture
def klaviyo() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


def send(server: StandIn | None, *arguments: str, stdin: bytes | None = None, **environment: str) -> Any:
    """Run `send`; its output, and nothing of a customer or a key in it."""
    own = {"KLAVIYO_API_KEY": SECRET, "KLAVIYO_URL": server.url if server else "", "COLUMNS": "80"}
    given = {name: text for name, text in {**own, **environment}.items() if text}
    result = CliRunner().invoke(main, ["send", *arguments], env=given, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert SECRET not in result.output
    if "--show-values" not in arguments and "--dry-run" not in arguments:
        assert CUSTOMER not in result.output
    return result


def refusing(pointer: str, detail: str) -> Any:
    """Refuses every event with a reason."""

    def answer(method: str, path: str, body: Any) -> Answer:
        if path != "/api/events":
            return taken(method, path, body)
        return 400, {}, {"errors": [{"code": "invalid", "detail": detail, "source": {"pointer": pointer}}]}

    return answer


def test_what_comes_of_a_notification_is_delivered_a_line_each(klaviyo: StandIn) -> None:
    result = send(klaviyo, TICKET, *WITH_RECORDS)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "accepted    Created Ticket           2026-09-01T10:00:01Z "
        "ic:hx7q2m9d:ticket:215472629311301:created",
        "accepted    Submitted Ticket         2026-09-01T10:00:01Z "
        "ic:hx7q2m9d:ticket:215472629311301:state:37403374401",
        "",
        "1 input: 2 accepted",
    ]
    assert sorted(metric for _, metric in klaviyo.events()) == ["Created Ticket", "Submitted Ticket"]


def test_names_and_addresses_are_looked_up_at_intercom(klaviyo: StandIn) -> None:
    with StandIn(records_as_intercom) as intercom:
        result = send(klaviyo, TICKET, INTERCOM_URL=intercom.url, INTERCOM_TOKEN="tok_canary_77")
    assert result.exit_code == 0
    sent = [body["data"]["attributes"] for _, path, body in klaviyo.calls if path == "/api/events"]
    assert [one["properties"]["Assigned Team"] for one in sent] == ["Returns & Refunds"] * 2
    assert {method for method, _, _ in intercom.calls} == {"GET"}
    assert len(intercom.calls) == 2, "a contact and a team, once for both metrics"
    assert "tok_canary" not in result.output


def test_a_dry_run_shows_every_request_and_sends_none(klaviyo: StandIn) -> None:
    result = send(klaviyo, TICKET, CONTACT, *WITH_RECORDS, "--dry-run", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    requests = [row for row in rows if "method" in row]
    assert [row["url"].removeprefix(klaviyo.url) for row in requests] == ["/api/events"] * 2 + [
        "/api/profile-import"
    ]
    assert requests[0]["body"]["data"]["attributes"]["profile"]["data"]["attributes"]["email"] == CUSTOMER
    assert [row["outcome"] for row in rows if "outcome" in row and row["outcome"] != "skipped"] == [
        "ready"
    ] * 3
    assert klaviyo.calls == []


def test_a_dry_run_needs_no_key_and_says_that_nothing_was_sent() -> None:
    result = send(None, TICKET, *WITH_RECORDS, "--dry-run", KLAVIYO_API_KEY="")
    assert result.exit_code == 0
    assert "ready       Created Ticket" in result.output
    assert result.output.splitlines()[-1] == "1 input: 2 ready, and not sent"


def test_history_goes_in_bulk_and_starts_no_flow(klaviyo: StandIn) -> None:
    result = send(klaviyo, TICKET, str(FIXTURES / "history.ticket.json"), CONTACT, *WITH_RECORDS, "--history")
    assert result.exit_code == 0
    bulk = [body for _, path, body in klaviyo.calls if path == "/api/event-bulk-create-jobs"]
    groups = [
        group["attributes"]
        for body in bulk
        for group in body["data"]["attributes"]["events-bulk-create"]["data"]
    ]
    events = [event["attributes"] for group in groups for event in group["events"]["data"]]
    assert len(events) >= 4
    assert {one["backfill"] for one in (*groups, *events)} == {True}
    assert [path for method, path, _ in klaviyo.calls if method == "POST"].count(
        "/api/profile-bulk-import-jobs"
    ) == 1


def test_to_sends_every_event_to_one_profile_and_touches_no_other(klaviyo: StandIn) -> None:
    result = send(klaviyo, str(FIXTURES), *WITH_RECORDS, "--to", "Me@Shop.example")
    assert {person for person, _ in klaviyo.events()} == {"me@shop.example"}
    assert sum(klaviyo.events().values()) > 15
    for method, path, body in klaviyo.calls:
        assert (method, path) == ("POST", "/api/events")
        event = body["data"]["attributes"]
        assert event["unique_id"].startswith("test:")
        assert event["backfill"] is True
        assert event["profile"]["data"]["attributes"] == {"email": "me@shop.example"}
    assert "a rehearsal changes no profile" in result.output


def test_with_fire_flows_a_rehearsal_starts_them(klaviyo: StandIn) -> None:
    send(klaviyo, TICKET, *WITH_RECORDS, "--to", "me@shop.example", "--fire-flows")
    assert all("backfill" not in body["data"]["attributes"] for _, _, body in klaviyo.calls)


def test_a_refused_phone_number_is_left_out_and_told() -> None:
    refuse = refusing("/data/attributes/profile/data/attributes/phone_number", "Invalid phone number format")

    def answer(method: str, path: str, body: Any) -> Answer:
        return (refuse if "phone_number" in str(body["data"]["attributes"]["profile"]) else taken)(
            method, path, body
        )

    with StandIn(answer) as server:
        result = send(server, TICKET, *WITH_RECORDS, "--metric", "Created Ticket")
    assert result.exit_code == 0
    assert "refused-field  Klaviyo refuses profile.phone_number: Invalid phone number format" in result.output


@pytest.mark.parametrize(("shows", "told"), [(False, "... is no metric"), (True, f"{CUSTOMER} is no metric")])
def test_a_refused_event_is_told_with_its_reason_and_without_the_customer(shows: bool, told: str) -> None:
    with StandIn(refusing("/data/attributes/metric", f"{CUSTOMER} is no metric")) as server:
        result = send(server, TICKET, *WITH_RECORDS, *(["--show-values"] if shows else []))
    assert result.exit_code == 1
    assert told in result.output
    assert "refused     Created Ticket" in result.output
    assert result.output.splitlines()[-1] == "1 input: 0 accepted, 2 refused"


def test_a_key_that_is_not_accepted_stops_everything() -> None:
    with StandIn(lambda *_: (401, {}, {"errors": [{"code": "authentication_failed"}]})) as server:
        result = send(server, str(FIXTURES), *WITH_RECORDS)
    assert result.exit_code == 2
    assert "error: Klaviyo does not accept the key (401)" in result.output
    assert len(server.calls) <= 8


def test_bad_inputs_cost_themselves_alone(klaviyo: StandIn, tmp_path: Path) -> None:
    lines = [json.dumps(read("ticket.created")).encode(), b"{", json.dumps(read("ping")).encode()]
    result = send(klaviyo, "-", *WITH_RECORDS, stdin=b"\n".join(lines))
    assert result.exit_code == 1
    assert "error: -:2:" in result.output
    assert result.output.splitlines()[-1] == "2 inputs: 2 accepted, 1 skipped, 1 not readable"


def test_every_fault_of_the_settings_is_told_at_once(klaviyo: StandIn, tmp_path: Path) -> None:
    (tmp_path / "engine.yaml").write_text("klaviyo: { rate_share: 80 }\nintercom: { reigon: eu }\n")
    result = send(
        klaviyo, TICKET, *WITH_RECORDS, "--settings", str(tmp_path / "engine.yaml"), KLAVIYO_API_KEY=""
    )
    assert result.exit_code == 2
    assert "klaviyo.rate_share takes a number" in result.output
    assert 'did you mean "intercom.region"' in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fire-flows"], "--fire-flows goes with --to"),
        (["--fire-flows", "--to", "me@shop.example", "--history"], "not with --history"),
        (["--to", "nobody"], "--to takes an e-mail address"),
        (["--to", ""], "--to takes an e-mail address"),
        (["--metric", "Created Tickt"], 'did you mean "Created Ticket"'),
        (["--records", "absent.yaml"], "absent.yaml"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_leaves(
    klaviyo: StandIn, arguments: list[str], told: str
) -> None:
    records = () if "--records" in arguments else WITH_RECORDS
    result = send(klaviyo, TICKET, *records, *arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert klaviyo.calls == []


def test_without_records_and_token_nothing_is_sent_and_both_keys_are_asked_for(klaviyo: StandIn) -> None:
    result = send(klaviyo, TICKET, KLAVIYO_API_KEY="")
    assert result.exit_code == 2
    assert "INTERCOM_TOKEN is not set" in result.output
    assert "KLAVIYO_API_KEY" in result.output
    assert klaviyo.calls == []


def test_a_key_that_may_not_import_profiles_hides_no_event_that_was_accepted() -> None:
    def answer(method: str, path: str, body: Any) -> Answer:
        if "profile" in path:
            return 403, {}, {"errors": [{"code": "permission_denied"}]}
        return taken(method, path, body)

    with StandIn(answer) as server:
        result = send(server, TICKET, CONTACT, *WITH_RECORDS, "--history")
    assert result.exit_code == 2
    assert "accepted    Created Ticket" in result.output
    assert "2 inputs: 2 accepted, 1 not sent" in result.output
    assert "lacks a scope for this (403): lists:write and profiles:write" in result.output


def test_an_address_in_the_name_of_a_property_is_not_shown() -> None:
    name = "attributes of ana@example.com"
    payload = read("ticket.created")
    payload["data"]["item"]["ticket_attributes"] = {name: "x"}
    with StandIn(refusing(f"/data/attributes/properties/Attribute {name}", "no")) as server:
        for more in ((), ("--json",)):
            result = send(server, "-", *WITH_RECORDS, *more, stdin=json.dumps(payload).encode())
            assert "ana@example.com" not in result.output
            assert result.exit_code == 1


def test_large_inputs_are_taken_fewer_at_a_time() -> None:
    raw = b"x" * (4 * 1024 * 1024)
    sizes = [len(some) for some in by(1000, (Input(str(n), raw) for n in range(10)))]
    assert sizes == [3, 3, 3, 1]
    assert [len(some) for some in by(4, (Input(str(n), b"x") for n in range(10)))] == [4, 4, 2]


def test_the_same_event_twice_in_one_run_leaves_once_and_is_told_twice(klaviyo: StandIn) -> None:
    for more in ((), ("--history",)):
        klaviyo.calls.clear()
        result = send(klaviyo, TICKET, TICKET, TICKET, *WITH_RECORDS, *more)
        assert result.stdout.splitlines()[-1] == "3 inputs: 6 accepted"
        assert len(klaviyo.calls) == (1 if more else 2)


def test_another_address_than_the_services_own_is_told(klaviyo: StandIn) -> None:
    result = send(klaviyo, TICKET, *WITH_RECORDS)
    assert f"note: Klaviyo is {klaviyo.url} here" in result.stderr


def test_a_wait_of_some_seconds_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    clock = TellingClock("Klaviyo")
    clock.sleep(12)
    clock.sleep(0.5)
    assert slept == [12, 0.5]
    assert capsys.readouterr().err == "note: waiting 12 seconds for Klaviyo\n"
