"""`doctor` and `records pull` against servers on this machine: what is asked, found and to be done next."""

import json
import re
import sqlite3
import stat
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from engine.events import Request
from engine.intercom.generation import generation
from engine.ledger import inbox, leases, outbox, schema
from engine.ledger.counters import Counted, count
from engine.ledger.cursors import set_cursor, set_once
from engine.ledger.store import Ledger
from engine.relay import relay
from engine.relay.envelope import received
from engine.relay.whose import sent_to
from examples.stand_in import Answer, StandIn
from tests.support import FIXTURES, RECORDS, ROOT, Ran, records_as_intercom, run

SECRETS = {
    "INTERCOM_TOKEN": "tok_canary_41",
    "KLAVIYO_API_KEY": "pk_canary_42",
    "INTERCOM_CLIENT_SECRET": "cs_canary_43",
}
ACCOUNT = {"contact_information": {"organization_name": "Shop GmbH"}, "test_account": True}


def metric(name: str, home: str = "API") -> dict[str, Any]:
    return {"type": "metric", "id": name, "attributes": {"name": name, "integration": {"name": home}}}


METRICS = [metric("Created Ticket"), metric("created conversation"), metric("Rated Conversation", "Intercom")]


def klaviyo(method: str, path: str, body: Any) -> Answer:
    """An account whose key may do everything, and which writes nothing."""
    if method == "POST":
        assert body == {"data": {}}, "nothing that could be written"
        return 400, {}, {"errors": [{"code": "invalid", "detail": "bad"}]}
    if path == "/api/accounts":
        return 200, {}, {"data": [{"type": "account", "id": "A", "attributes": ACCOUNT}]}
    return 200, {}, {"data": METRICS if path.startswith("/api/metrics") else [], "links": {"next": None}}


def intercom(method: str, path: str, body: Any) -> Answer:
    """A workspace whose token may read everything."""
    if path in ("/conversations", "/contacts", "/tickets/search"):
        return 200, {}, {"type": "list", "data": [], "total_count": 0}
    return records_as_intercom(method, path, body)


def without(answer: Any, *paths: str, scope_of: str = "") -> Any:
    """The same, but for some addresses that are not allowed."""

    def refusing(method: str, path: str, body: Any) -> Answer:
        if f"{method} {path}" in paths:
            if scope_of == "klaviyo":
                return 403, {}, {"errors": [{"code": "permission_denied", "detail": "no"}]}
            return 403, {}, {"type": "error.list", "errors": [{"code": "forbidden"}]}
        result: Answer = answer(method, path, body)
        return result

    return refusing


def look(
    monkeypatch: pytest.MonkeyPatch,
    of_intercom: Any = intercom,
    of_klaviyo: Any = klaviyo,
    *,
    arguments: tuple[str, ...] = (),
    **more: str,
) -> tuple[Ran, StandIn, StandIn]:
    """Run `doctor` with the clone's mappings; no secret is ever shown."""
    with StandIn(of_intercom) as one, StandIn(of_klaviyo) as other:
        own = {"INTERCOM_URL": one.url, "KLAVIYO_URL": other.url, "INTERCOM_REGION": "eu", **SECRETS, **more}
        for name, text in own.items():
            monkeypatch.setenv(name, text) if text else monkeypatch.delenv(name, raising=False)
        ran = run("doctor", "--mappings", ROOT / "mappings", *arguments)
    assert "canary" not in ran.out + ran.err
    return ran, one, other


def found(ran: Ran) -> dict[str, dict[str, Any]]:
    """The findings of a `--json` run by what they say."""
    return {row["what"]: row for row in ran.rows}


def the(ran: Ran, start: str) -> dict[str, Any]:
    [row] = [row for what, row in found(ran).items() if what.startswith(start)]
    return row


def test_where_all_is_well_every_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ran, one, _ = look(monkeypatch)
    assert ran.code == 0
    assert "the workspace is Shop (hx7q2m9d), hosted in EU" in ran.out
    assert "the account is Shop GmbH (A), a test account; revision 2026-07-15" in ran.out
    assert "all that is needed is there" in ran.out
    assert {method for method, path, _ in one.calls if path != "/tickets/search"} == {"GET"}


def test_topics_are_listed_with_where_to_tick_them(monkeypatch: pytest.MonkeyPatch) -> None:
    row = the(look(monkeypatch, arguments=("--json",))[0], "the mappings answer")
    assert "conversation.rating.added" in row["what"]
    assert "contact.user.updated" in row["what"]
    assert "Webhooks" in row["next"]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("GET /conversations", "Read conversations"), ("POST /tickets/search", "Read tickets"),
        ("GET /contacts", "Read and list users and companies"),
        ("GET /contacts/0", "Read one user and one company"),
        ("GET /tags", "Read tags"), ("GET /admins", "Read admins"),
    ],
)  # fmt: skip
def test_a_scope_that_the_token_lacks_is_named_as_intercom_names_it(
    monkeypatch: pytest.MonkeyPatch, path: str, scope: str
) -> None:
    ran = look(monkeypatch, without(intercom, path), arguments=("--json",))[0]
    assert ran.code == 1
    row = the(ran, f"the token lacks {scope}")
    assert (row["side"], row["state"]) == ("Intercom", "fault")
    assert "Authentication" in row["next"]
    assert sum(row["state"] == "fault" for row in ran.rows) == 1


@pytest.mark.parametrize(
    ("path", "scope", "state"),
    [
        ("POST /api/events", "events:write", "fault"),
        ("POST /api/profile-import", "profiles:write", "fault"),
        ("POST /api/profile-bulk-import-jobs", "lists:write and profiles:write", "look"),
        ("GET /api/metrics", "metrics:read", "look"), ("GET /api/events", "events:read", "look"),
        ("GET /api/profiles", "profiles:read", "look"),
        ("GET /api/accounts", "accounts:read", "look"),
    ],
)  # fmt: skip
def test_a_scope_that_the_key_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, path: str, scope: str, state: str
) -> None:
    ran = look(monkeypatch, of_klaviyo=without(klaviyo, path, scope_of="klaviyo"), arguments=("--json",))[0]
    assert ran.code == (state == "fault")
    row = the(ran, f"the key lacks {scope}:")
    assert (row["side"], row["state"]) == ("Klaviyo", state)
    assert "new key" in row["next"]


def test_a_workspace_in_another_region_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = look(monkeypatch, arguments=("--json",), INTERCOM_REGION="us")[0]
    row = the(ran, "it is hosted in EU")
    assert row["state"] == "fault"
    assert "INTERCOM_REGION=eu" in row["next"]


@pytest.mark.parametrize(
    ("of_intercom", "of_klaviyo", "told"),
    [
        (lambda *_: (401, {}, {"errors": [{"code": "unauthorized"}]}), klaviyo, "region"),
        (intercom, lambda *_: (401, {}, {"errors": [{"code": "authentication_failed"}]}), "KLAVIYO_API_KEY"),
    ],
)
def test_a_wrong_token_says_where_a_right_one_comes_from(
    monkeypatch: pytest.MonkeyPatch, of_intercom: Any, of_klaviyo: Any, told: str
) -> None:
    ran = look(monkeypatch, of_intercom, of_klaviyo, arguments=("--json",))[0]
    assert ran.code == 1
    assert any(row["state"] == "fault" and told in row["next"] for row in ran.rows)
    assert {row["side"] for row in ran.rows} == {"Intercom", "Klaviyo"}, (
        "one side's fault does not hide the other"
    )


def test_metrics_that_clash_with_ours_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = look(monkeypatch, arguments=("--json",))[0]
    assert (
        the(ran, "Klaviyo's own Intercom integration has these as well: Rated Conversation")["state"]
        == "look"
    )
    assert the(ran, 'there is a metric "created conversation", and the mappings write "Created Conversation"')
    assert "Created Ticket" not in the(ran, "no event of these has come yet")["what"]


@pytest.mark.parametrize(("ahead", "told"), [(0, "the clocks agree"), (-300, "ahead of"), (300, "behind")])
def test_a_clock_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch, ahead: float, told: str) -> None:
    def dated(method: str, path: str, body: Any) -> Answer:
        status, _, value = klaviyo(method, path, body)
        return (
            status,
            {"Date": format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)},
            value,
        )

    ran = look(monkeypatch, of_klaviyo=dated, arguments=("--json",))[0]
    rows = [row for row in ran.rows if row["side"] == "Klaviyo" and told in row["what"]]
    assert [row["state"] for row in rows] == ["fault" if ahead else "ok"]


# The ledger


def written(file: Path, *names: str, ago: float = 60.0, version: str = "2.16") -> Ledger:
    """A ledger to which these webhooks have come, the last of them so many seconds ago."""
    ledger = Ledger(file)
    at = ledger.now() - ago
    payloads = [(FIXTURES / "versions" / version / f"{name}.json").read_bytes() for name in names]
    with ledger.write() as tx:
        if payloads:
            inbox.put(tx, [received(raw, at) for raw in payloads])
    return ledger


def look_into(monkeypatch: pytest.MonkeyPatch, file: Path) -> list[dict[str, Any]]:
    """What `doctor` finds in a ledger."""
    ran = look(monkeypatch, arguments=("--json",), LEDGER_FILE=str(file))[0]
    return [row for row in ran.rows if row["side"] == "Ledger"]


def test_without_a_ledger_none_is_made_nor_spoken_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert look_into(monkeypatch, tmp_path / "none.db") == []
    assert [*tmp_path.iterdir()] == []


def test_topics_that_have_come_are_told_and_those_that_have_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("conversation.read", "ticket.created", "ping", "conversation.read")
    ledger = written(tmp_path / "l.db", *names)
    with ledger.write() as tx:
        set_cursor(tx, "ping hx7q2m9d", str(ledger.now() - 7_200))
        count(tx, {Counted("topic", "conversation.rating.added"): 3}, ledger.now() - 40 * 86_400)
    ledger.close()
    rows = {row["what"]: row for row in look_into(monkeypatch, tmp_path / "l.db")}
    [came] = [what for what in rows if what.startswith("webhooks of")]
    assert came.startswith(
        "webhooks of 2 topics have come within 30 days: conversation.read (2), ticket.created"
    )
    [lacking] = [what for what in rows if what.startswith("none has come")]
    assert "conversation.rating.added" in lacking
    assert "conversation.read" not in lacking
    assert rows[lacking]["state"] == "look"
    assert "Webhooks" in rows[lacking]["next"]
    assert any(
        re.fullmatch(r"the last webhook came \d+ seconds ago, the last ping 2 hours ago", what)
        for what in rows
    )


def test_a_long_silence_is_worth_a_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written(tmp_path / "l.db", "conversation.read", ago=3 * 86_400).close()
    [row] = [row for row in look_into(monkeypatch, tmp_path / "l.db") if "last webhook" in row["what"]]
    assert (row["what"], row["state"]) == ("the last webhook came 3 days ago", "look")
    assert "Set live" in row["next"]


def test_a_ledger_to_which_nothing_has_come_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written(tmp_path / "l.db").close()
    rows = look_into(monkeypatch, tmp_path / "l.db")
    assert [row["what"] for row in rows] == ["no webhook has come yet", "no `serve` delivers from it now"]


@pytest.mark.parametrize(
    ("version", "names", "told", "state"),
    [
        ("2.16", ("conversation.read",), "2.16 or newer", "ok"),
        ("2.14", ("conversation.read",), "2.14 or older", "note"),
        ("2.14", ("conversation.read", "ping"), "2.14 or older", "note"),
        ("2.16", ("ping",), "", ""),
    ],
)
def test_the_shape_of_webhooks_tells_the_version_of_intercoms_api(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    version: str,
    names: tuple[str, ...],
    told: str,
    state: str,
) -> None:
    written(tmp_path / "l.db", *names, version=version).close()
    rows = [row for row in look_into(monkeypatch, tmp_path / "l.db") if "shape" in row["what"]]
    expected = [(f"webhooks come in the shape of Intercom's API {told}", state)] if told else []
    assert [(row["what"], row["state"]) for row in rows] == expected


def test_whether_a_serve_delivers_is_told_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ledger = written(tmp_path / "l.db", "conversation.read")
    lease = leases.take(ledger, "drain klaviyo", "me")
    assert lease
    whats = [row["what"] for row in look_into(monkeypatch, tmp_path / "l.db")]
    assert "a `serve` delivers from it now" in whats
    with ledger.write() as tx:
        tx.execute(schema.leases.update().values(until=ledger.now() - 1))
        request = Request("", {"data": {}}, "", frozenset())
        outbox.add(tx, "klaviyo", b"k" * 16, [outbox.Event("A", 1, "queued", "u", request=request)], 0.0)
    ledger.close()
    [row] = [row for row in look_into(monkeypatch, tmp_path / "l.db") if "serve" in row["what"]]
    assert (row["what"], row["state"]) == ("no `serve` delivers from it now; 1 event to be sent", "look")


@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_file_that_is_no_ledger_is_told_and_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_theirs: bool
) -> None:
    file = tmp_path / "l.db"
    if is_theirs:
        theirs = sqlite3.connect(file)
        theirs.execute("CREATE TABLE x (y)")
        theirs.close()
    else:
        file.write_bytes(b"no database at all" * 100)
    before = file.read_bytes()
    [row] = look_into(monkeypatch, file)
    assert row["state"] == "fault"
    assert file.read_bytes() == before
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(("known", "told"), [("A", []), ("B", ["fault"])])
def test_a_key_of_another_account_than_the_ledger_has_sent_to_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: str, told: list[str]
) -> None:
    ledger = written(tmp_path / "l.db")
    with ledger.write() as tx:
        set_once(tx, sent_to(relay.ACCOUNT), known)
    ledger.close()
    ran = look(monkeypatch, arguments=("--json",), LEDGER_FILE=str(tmp_path / "l.db"))[0]
    rows = [row for row in ran.rows if "the ledger has sent to the account B" in row["what"]]
    assert [row["state"] for row in rows] == told


@pytest.mark.parametrize(("version", "state"), [("2", "fault"), ("0", "note")])
def test_a_ledger_of_another_version_is_not_looked_into(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, state: str
) -> None:
    ledger = written(tmp_path / "l.db", "conversation.read")
    with ledger.write() as tx:
        tx.execute(schema.meta.update().where(schema.meta.c.name == "schema_version").values(value=version))
    ledger.close()
    assert [row["state"] for row in look_into(monkeypatch, tmp_path / "l.db")] == [state]


def test_nothing_to_open_a_ledger_with_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written(tmp_path / "l.db").close()
    monkeypatch.setitem(sys.modules, "engine.tools.doctor.at_ledger", None)
    [row] = look_into(monkeypatch, tmp_path / "l.db")
    assert row["state"] == "note"
    assert "intercom-klaviyo[relay]" in row["next"]


def test_what_a_shape_tells_is_true_of_every_version_that_we_know() -> None:
    order = ["2.9", "2.11", "2.12", "2.14", "2.15", "2.16"]
    told = {
        (folder, generation(json.loads(file.read_bytes())))
        for folder in order
        for file in sorted((FIXTURES / "versions" / folder).glob("*.json"))
    }
    for folder, said in told:
        named, _, way = said.partition(" or ")
        at, bound = order.index(folder), order.index(named) if named else 0
        assert not named or (at <= bound if way == "older" else at >= bound), (folder, said)
    assert {said for _, said in told} == {
        "",
        "2.11 or older",
        "2.14 or older",
        "2.15 or newer",
        "2.16 or newer",
    }


@pytest.mark.parametrize(
    "event", [{}, {"data": 1}, {"data": {"item": []}}, {"data": {"item": {"type": "ticket_ticket_part"}}},
              {"data": {"item": {"type": "conversation", "priority": ["none"], "statistics": []}}}],
)  # fmt: skip
def test_an_odd_shape_tells_nothing(event: dict[str, Any]) -> None:
    assert generation(event) == ""


def test_without_secrets_each_is_asked_for_and_nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    ran, one, other = look(monkeypatch, INTERCOM_TOKEN="", KLAVIYO_API_KEY="")
    assert ran.code == 1
    assert "INTERCOM_TOKEN is not set" in ran.out
    assert "neither KLAVIYO_API_KEY nor KLAVIYO_ACCESS_TOKEN is set" in ran.out
    assert one.calls == other.calls == []


def test_answers_that_are_none_end_in_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.tools.doctor.looking.PATIENCE_SECONDS", 0.0)
    ran = look(
        monkeypatch, lambda *_: (200, {}, b"<html>"), lambda *_: (200, {}, b"<html>"), arguments=("--json",)
    )[0]
    assert ran.code == 1
    assert [row["state"] for row in ran.rows] == ["fault", "fault"]


@pytest.mark.parametrize(("theirs", "told"), [("Europe", "INTERCOM_REGION=eu"), ("AU", "INTERCOM_REGION=au")])
def test_the_region_to_set_is_one_that_settings_take(
    monkeypatch: pytest.MonkeyPatch, theirs: str, told: str
) -> None:
    def answer(method: str, path: str, body: Any) -> Answer:
        if path == "/me":
            return 200, {}, {"type": "admin", "app": {"id_code": "x", "name": "S", "region": theirs}}
        return intercom(method, path, body)

    row = the(
        look(monkeypatch, answer, arguments=("--json",), INTERCOM_REGION="us")[0], f"it is hosted in {theirs}"
    )
    assert told in row["next"]


# records pull


def pull(monkeypatch: pytest.MonkeyPatch, *arguments: object, answer: Any = intercom) -> tuple[Ran, StandIn]:
    with StandIn(answer) as server:
        for name, text in {"INTERCOM_URL": server.url, "INTERCOM_TOKEN": "tok_canary_41"}.items():
            monkeypatch.setenv(name, text)
        ran = run("records", "pull", "--mappings", ROOT / "mappings", *arguments)
    assert "canary" not in ran.out + ran.err
    return ran, server


def test_what_notifications_need_is_put_into_a_file_that_answers_look_ups(
    monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    names = [FIXTURES / "ticket.created.json", FIXTURES / "conversation.rating.added.json"]
    ran, server = pull(monkeypatch, *names)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "records.json: 1 contact, 2 admins, 2 teams, 2 tags\n" or ran.out.startswith(
        "records.json: 1 contact"
    )
    offline = [
        run("translate", "--json", "--mappings", ROOT / "mappings", *names, "--records", file).rows
        for file in ("records.json", RECORDS)
    ]
    assert offline[0] == offline[1]
    assert stat.S_IMODE(Path("records.json").stat().st_mode) == 0o600
    assert sum(path.startswith("/contacts") for _, path, _ in server.calls) == 1


def test_a_second_pull_adds_to_the_file(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    known = {"contacts": [{"id": "old", "name": "kept"}], "teams": [{"id": "9681002", "name": "stale"}]}
    Path("r.json").write_text(json.dumps(known))
    ran, _ = pull(monkeypatch, FIXTURES / "ticket.created.json", "--into", "r.json")
    assert ran.code == 0
    tables = json.loads(Path("r.json").read_text())
    assert [row["id"] for row in tables["contacts"]] == ["old", "68b1c2d3e4f5a6b7c8d9e0f1"]
    assert "Returns & Refunds" in [row["name"] for row in tables["teams"]]
    assert "stale" not in [row["name"] for row in tables["teams"]]


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("[]", ("--into", "r.json"), "records are lists under"),
        ("", ("--into", "r.yaml"), "ends in .json"),
        ("", ("--into", "absent/r.json"), "absent"),
    ],
)
def test_a_file_that_cannot_take_records_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, here: Path, text: str, arguments: tuple[str, ...], told: str
) -> None:
    if text:
        Path("r.json").write_text(text)
    ran, _ = pull(monkeypatch, FIXTURES / "ticket.created.json", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert not text or Path("r.json").read_text() == text


def test_a_token_that_may_not_read_contacts_ends_it_with_the_scope(
    monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    path = "GET /contacts/68b1c2d3e4f5a6b7c8d9e0f1"
    ran, _ = pull(monkeypatch, FIXTURES / "ticket.created.json", answer=without(intercom, path))
    assert ran.code == 2
    assert "Read one user and one company" in ran.err
    assert not Path("records.json").exists()


def test_half_a_character_in_a_name_is_kept(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    def answer(method: str, path: str, body: Any) -> Answer:
        status, headers, value = intercom(method, path, body)
        return status, headers, {**value, "name": "\ud83d"} if path.startswith("/contacts/") else value

    ran, _ = pull(monkeypatch, FIXTURES / "ticket.created.json", answer=answer)
    assert ran.code == 0
    assert json.loads(Path("records.json").read_text())["contacts"][0]["name"] == "\ud83d"


def test_a_full_disk_leaves_the_file_that_is_there(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    pull(monkeypatch, FIXTURES / "ticket.created.json")
    before = Path("records.json").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran, _ = pull(monkeypatch, FIXTURES / "conversation.rating.added.json")
    assert ran.code == 2
    assert "No space left" in ran.err
    assert Path("records.json").read_bytes() == before
    assert [file.name for file in here.iterdir()] == ["records.json"]
