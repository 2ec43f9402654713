"""The stand-in over HTTP: the order of its checks, its words, its windows, and what can be read back."""

import gzip
import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn

from engine.errors import FateUnknown
from engine.ports import Response
from engine.sandbox.inside import Inside
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import klaviyo_app
from engine.sandbox.klaviyo.front import ENDPOINTS
from engine.sandbox.klaviyo.switches import Switches
from engine.transport import HttpTransport
from tests.support import ROOT, ManualClock

HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_x",
    "revision": "2026-07-15",
    "Content-Type": "application/vnd.api+json",
}
BASE = "http://127.0.0.1:8100"


class Stand:
    """An account and its app, asked directly."""

    def __init__(self, **account: Any) -> None:
        self.clock = ManualClock()
        self.account = Account(self.clock, **account)

        async def sleep(seconds: float) -> None:
            self.clock.sleep(seconds)

        self.wire = Inside(klaviyo_app(self.account, sleep=sleep))

    def ask(self, what: str, body: Any = None, *, query: Any = None, **headers: str | None) -> Response:
        """`POST /api/events`; a header given as None is left out, `content_type` stands for Content-Type."""
        method, _, path = what.partition(" ")
        named = {name.replace("_", "-").title(): text for name, text in headers.items()}
        given = {name.title(): text for name, text in HEADERS.items()} | named
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = BASE + path + (f"?{urlencode(query)}" if query else "")
        kept = {name: text for name, text in given.items() if text is not None}
        return self.wire.send(method, url, kept, raw)

    def value(self, what: str, body: Any = None, **more: Any) -> Any:
        answer = self.ask(what, body, **more)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            assert self.ask("POST /api/events", body).status == 202
        self.account.flush()

    def pages(self, what: str, **query: Any) -> list[list[Any]]:
        """Every page, followed by the address that the answer names."""
        value = self.value(what, query=query)
        found = [value["data"]]
        while value["links"].get("next"):
            assert value["links"]["next"].startswith(f"{BASE}/api/")
            path = value["links"]["next"].removeprefix(BASE)
            value = self.value(f"GET {path}")
            found.append(value["data"])
        return found


def event(number: int = 1, **more: Any) -> Any:
    whom = more.pop("whom", {"email": "ana@example.com"})
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": more.pop("metric", "Created Ticket")}}},
        "profile": {"data": {"type": "profile", "attributes": whom}},
        "time": "2026-11-20T10:15:30Z",
        "unique_id": f"u{number}",
        "properties": {"Number": number},
        **more,
    }
    return {"data": {"type": "event", "attributes": {k: v for k, v in attributes.items() if v is not ...}}}


def profile(**attributes: Any) -> Any:
    return {"data": {"type": "profile", "attributes": attributes}}


def errors(answer: Response) -> list[Any]:
    return json.loads(answer.body)["errors"]


def error(answer: Response) -> tuple[int, str, str]:
    [one] = errors(answer)
    assert one["status"] == answer.status
    assert set(one) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}
    return answer.status, one["code"], one["detail"]


def bulk(*events: Any, group: Any = ...) -> Any:
    [whom] = {json.dumps(one["data"]["attributes"]["profile"]) for one in events}
    own = [{k: v for k, v in one["data"]["attributes"].items() if k != "profile"} for one in events]
    attributes = {
        "profile": json.loads(whom),
        "events": {"data": [{"type": "event", "attributes": a} for a in own]},
    }
    more = {} if group is ... else {"backfill": group}
    data = {"data": [{"type": "event-bulk-create", "attributes": {**attributes, **more}}]}
    return {"data": {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": data}}}


# The order of the checks


def test_each_check_comes_before_the_next() -> None:
    """A request wrong in every way is mended one way at a time."""
    stand = Stand(
        keys={"pk_x": frozenset({"profiles:write"}), "pk_y": frozenset({"events:write"})}, divisor=3500
    )
    stand.account.faults.order({"next": [{"kind": "challenge"}]})
    given: dict[str, Any] = {"authorization": None, "revision": None, "content_type": "text/plain"}
    steps: list[tuple[int, str, dict[str, Any], Any]] = [
        (403, "POST /api/events", {}, b"{"),
        (401, "POST /api/nothing", {}, b"{"),
        (401, "POST /api/nothing", {"authorization": "Klaviyo-API-Key nothing"}, b"{"),
        (400, "POST /api/nothing", {"authorization": "Klaviyo-API-Key pk_x"}, b"{"),
        (404, "POST /api/nothing", {"revision": "2026-07-15"}, b"{"),
        (405, "DELETE /api/events", {}, b"{"),
        (403, "POST /api/events", {}, b"{"),
        (415, "POST /api/events", {"authorization": "Klaviyo-API-Key pk_y"}, b"{"),
        (429, "POST /api/events", {}, b"{"),
    ]
    for status, what, change, body in steps:
        given |= change
        assert stand.ask(what, body, **given).status == status
    stand.clock.seconds += 60
    assert stand.ask("POST /api/events", b"{", **given | {"content_type": "application/json"}).status == 400
    stand.clock.seconds += 60
    assert (
        stand.ask("POST /api/events", event(), **given | {"content_type": "application/json"}).status == 202
    )


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [(None, 401, "not_authenticated"), ("", 401, "not_authenticated"),
     ("Klaviyo-API-Key abc", 401, "authentication_failed"), ("pk_x", 401, "authentication_failed"),
     ("Basic pk_x", 401, "authentication_failed"), ("Klaviyo-API-Key pk_", 401, "authentication_failed"),
     ("Klaviyo-API-Key pk_x y", 401, "authentication_failed"), ("Bearer abc", 200, "")],
)  # fmt: skip
def test_a_key_has_its_form(text: str | None, status: int, code: str) -> None:
    answer = Stand().ask("GET /api/accounts", authorization=text)
    assert answer.status == status
    assert not code or errors(answer)[0]["code"] == code


def test_a_missing_key_may_be_told_with_400() -> None:
    stand = Stand(switches=Switches(missing_key_status=400))
    assert stand.ask("GET /api/accounts", authorization=None).status == 400


@pytest.mark.parametrize(
    ("revision", "opt_out", "status"),
    [("2026-07-15", "1", 200), ("2026-10-15", "1", 200), ("2026-01-15", "1", 200), (None, None, 400),
     ("", None, 400), ("latest", None, 400), ("2026-02-30", None, 400), ("2027-01-15", None, 400),
     ("2023-02-22", "1", 410), ("2023-02-22", None, 200), ("2026-07-16", "1", 410), ("2026-07-16", None, 200),
     ("2026-07-15.pre", None, 501), ("2025-07-15", "1", 501)],
)  # fmt: skip
def test_a_revision_is_known_falls_forward_or_is_refused(
    revision: str | None, opt_out: str | None, status: int
) -> None:
    stand = Stand()
    more = {"x_klaviyo_revision_fall_forward_opt_out": opt_out}
    assert stand.ask("GET /api/accounts", revision=revision, **more).status == status
    again = Stand(switches=Switches(fall_forward="next"))
    if revision == "2023-02-22" and opt_out is None:
        assert again.ask("GET /api/accounts", revision=revision).status == 501


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_slash_at_the_end_changes_nothing(endpoint: str) -> None:
    what = endpoint.replace("{id}", "X").replace("{job_id}", "X")
    for path in (what, what + "/"):
        answer = Stand().ask(path, {"data": {}} if not what.startswith("GET") else None)
        assert answer.status in (200, 400) or (
            answer.status == 404 and "does not exist" in answer.body.decode()
        )


def test_what_is_not_modelled_says_so() -> None:
    stand = Stand()
    for what in ("GET /api/segments", "POST /api/flows", "POST /api/profile-merge", "GET /api/events/X"):
        status, code, detail = error(stand.ask(what, b"{}"))
        assert (status, code) == (501, "not_implemented")
        assert "does not stand in for" in detail
    assert error(stand.ask("GET /api/nothing")) == (404, "not_found", "No valid revisions found for method")
    assert stand.ask("PUT /api/events").headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("given", "status"),
    [("application/vnd.api+json", 202), ("application/json; charset=utf-8", 202), ("text/plain", 415),
     ("application/x-www-form-urlencoded", 415), (None, 415)],
)  # fmt: skip
def test_media_types(given: str | None, status: int) -> None:
    assert Stand().ask("POST /api/events", event(), content_type=given).status == status


def test_a_compressed_body_is_taken_or_refused_as_the_switch_says() -> None:
    raw = gzip.compress(json.dumps(event()).encode())
    assert Stand().ask("POST /api/events", raw, content_encoding="gzip").status == 202
    assert Stand().ask("POST /api/events", b"no", content_encoding="gzip").status == 400
    bomb = gzip.compress(b" " * 30_000_000)
    assert Stand().ask("POST /api/events", bomb, content_encoding="gzip").status == 400
    assert (
        Stand(switches=Switches(gzip=False)).ask("POST /api/events", raw, content_encoding="gzip").status
        == 415
    )


# Windows


def test_headers_count_the_minute_and_a_full_window_is_refused_until_it_is_over() -> None:
    stand = Stand(divisor=50)  # 7 a second, 70 a minute
    for number in range(7):
        answer = stand.ask("POST /api/events", event(number))
        assert answer.headers["ratelimit-limit"] == "70"
        assert answer.headers["ratelimit-remaining"] == str(69 - number)
        assert answer.headers["ratelimit-reset"] == "60"
    full = stand.ask("POST /api/events", event(9))
    assert error(full) == (429, "throttled", "Request was throttled. Expected available in 1 seconds.")
    assert full.headers["retry-after"] == "1"
    assert not [name for name in full.headers if name.startswith("ratelimit")]
    stand.clock.seconds += 1
    assert stand.ask("POST /api/events", event(9)).status == 202
    for second in range(2, 11):
        stand.clock.seconds = second
        assert [stand.ask("POST /api/events", event(9)).status for _ in range(7)] == (
            [202] * 7 if second < 10 else [202] * 6 + [429]
        )
    assert stand.ask("POST /api/events", event(9)).headers["retry-after"] == "50"
    assert stand.ask("GET /api/events").status == 200, "each endpoint has its own windows"
    assert stand.ask("POST /api/events", event(9), authorization="Bearer x").status == 202, "so has each app"
    assert stand.ask("POST /api/events", event(9), authorization="Klaviyo-API-Key pk_z").status == 429
    stand.clock.seconds = 60
    assert stand.ask("POST /api/events", event(9)).status == 202


def test_a_bad_body_counts_in_the_window_too() -> None:
    stand = Stand()
    assert stand.ask("POST /api/events", b"{").headers["ratelimit-remaining"] == "3499"


def test_a_query_that_asks_for_predictions_has_a_stricter_window() -> None:
    stand = Stand()
    query = {"additional-fields[profile]": "predictive_analytics"}
    answers = [stand.ask("GET /api/profiles", query=query) for _ in range(11)]
    assert [one.status for one in answers] == [200] * 10 + [429]
    assert answers[0].headers["ratelimit-limit"] == "150"


# Faults and orders


@pytest.mark.parametrize(
    ("kind", "status", "header", "stored"),
    [("throttled", 429, "7", 0), ("throttled-bare", 429, None, 0), ("throttled-zero", 429, "0", 0),
     ("error-before", 502, None, 0), ("error-after", 502, None, 1), ("challenge", 403, None, 0),
     ("scope", 403, None, 0), ("slow", 202, None, 1), ("dropped", 0, None, 1), ("reset", 0, None, 0)],
)  # fmt: skip
def test_a_fault_on_order_happens_where_it_should(
    kind: str, status: int, header: str | None, stored: int
) -> None:
    stand = Stand()
    order = {"next": [{"kind": kind, "endpoint": "POST /api/events", "seconds": 7, "status": 502}]}
    answer = stand.ask("POST /control/faults", order)
    assert answer.status == 200, answer.body
    assert stand.ask("GET /api/accounts").status == 200, "it is for another endpoint"
    try:
        found = stand.ask("POST /api/events", event())
        assert (found.status, found.headers.get("retry-after")) == (status, header)
        assert (found.headers.get("cf-mitigated") == "challenge") == (kind == "challenge")
    except FateUnknown:
        assert status == 0
    if kind == "slow":
        assert stand.clock.waits == [7]
    stand.account.flush()
    assert len(stand.account.events) == stored
    state = json.loads(stand.ask("GET /control/state").body)
    assert state["faults"] == {kind: 1}
    assert stand.ask("POST /api/events", event(2)).status == 202


def test_others_eat_the_quota() -> None:
    stand = Stand()
    stand.ask("POST /control/faults", {"others": {"POST /api/events": 3_499}})
    answers = [stand.ask("POST /api/events", event(number)) for number in range(2)]
    assert [one.status for one in answers] == [202, 429]
    assert answers[0].headers["ratelimit-remaining"] == "0"


@pytest.mark.parametrize(
    "order",
    [[], {"colour": 1}, {"chances": {"rain": 1}}, {"chances": {"slow": 2}},
     {"chances": {"slow": 0.6, "reset": 0.6}}, {"next": [{"kind": "rain"}]}, {"next": [{}]}, {"next": {}},
     {"next": [{"kind": "slow", "times": -1}]},
     {"seed": "x"}, {"others": {"GET /api/nothing": 1}}, {"others": {"POST /api/events": -1}},
     {"next": [{"kind": "error-after", "status": 200}]}],
)  # fmt: skip
def test_an_order_that_cannot_be_read_changes_nothing(order: Any) -> None:
    stand = Stand()
    assert stand.ask("POST /control/faults", order).status == 400
    assert stand.ask("POST /api/events", event()).status == 202


def test_the_order_of_faults_in_the_docs_is_taken() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    order = json.loads(page.partition("```json\n")[2].partition("```")[0])
    stand = Stand()
    assert stand.ask("POST /control/faults", order).status == 200
    assert stand.account.windows.others == order["others"]
    answers = [stand.ask("POST /api/events", event()) for _ in range(order["next"][0]["times"])]
    assert {(one.status, one.headers["retry-after"]) for one in answers} == {(429, "20")}
    told = stand.value("POST /control/faults", {"next": [], "chances": {}})
    assert told == {"counts": {"throttled": 3}}
    assert f"`{json.dumps(told)}`" in page


def test_a_misspelt_fault_is_met_with_the_one_that_is_meant() -> None:
    answer = Stand().ask("POST /control/faults", {"chances": {"eror-after": 1}})
    told = json.loads(answer.body)["error"]
    assert told.startswith(
        "there is no fault 'eror-after'; did you mean \"error-after\"?; there are throttled,"
    )


def test_chances_come_from_the_seed() -> None:
    rows = []
    for _ in range(2):
        stand = Stand(delay_seconds=0)
        stand.ask("POST /control/faults", {"seed": 7, "chances": {"error-before": 0.3, "throttled": 0.2}})
        rows.append([stand.ask("POST /api/events", event(number)).status for number in range(60)])
    assert rows[0] == rows[1]
    assert {202, 429} < set(rows[0])


def test_flush_and_state_tell_what_is_there() -> None:
    stand = Stand()
    stand.ask("POST /api/events", event())
    assert json.loads(stand.ask("GET /control/state").body)["waiting"] == 1
    state = json.loads(stand.ask("POST /control/flush").body)
    assert (state["waiting"], state["events"], state["metrics"]) == (0, 1, ["Created Ticket"])
    assert len(state["flow_triggers"]) == 1


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_orders_are_taken_from_this_machine_alone(headers: dict[str, str]) -> None:
    stand = Stand()
    for what in (
        "GET /control/state",
        "POST /control/events",
        "POST /control/flush",
        "POST /control/faults",
    ):
        method, _, path = what.partition(" ")
        host = headers.get("host", "127.0.0.1")
        answer = stand.wire.send(
            method, f"http://{host}{path}", {k: v for k, v in headers.items() if k != "host"}, b"{}"
        )
        assert answer.status == 404


# On a socket


def test_it_runs_under_uvicorn_and_a_broken_answer_is_one() -> None:
    account = Account(delay_seconds=0)
    account.faults.order({"next": [{"kind": "dropped", "times": 1}]})
    config = uvicorn.Config(
        klaviyo_app(account), port=0, http="h11", ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        wire, raw = HttpTransport(), json.dumps(event()).encode()
        with pytest.raises(FateUnknown):
            wire.send("POST", f"{url}/api/events", HEADERS, raw)
        assert wire.send("POST", f"{url}/api/events/", HEADERS, raw).status == 202
        found = json.loads(wire.send("GET", f"{url}/api/events", HEADERS).body)
        assert len(found["data"]) == 1
        assert found["links"]["self"] == f"{url}/api/events"
        assert wire.send("GET", f"{url}/control/state", {}).status == 200
    finally:
        server.should_exit = True
        thread.join()
