"""Look-ups: how few requests they take, how long they are kept, and what they make of odd answers."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine import Runner, Translation, load
from engine.errors import Denied, NotSent, Rejected, Unavailable
from engine.intercom.client import Intercom
from engine.intercom.lookups import Lookups
from engine.intercom.rest import Rest
from engine.ports import Response
from tests.support import ROOT, Call, ManualClock, StandingClock, Wire, json_answer, read

BASE = "https://api.intercom.io"


def person(key: Any, **more: Any) -> dict[str, Any]:
    return {"type": "contact", "id": key, "email": f"{key}@example.com", **more}


@dataclass
class Workspace:
    """An Intercom with some records; `odd` answers by path come first."""

    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsearchable: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    admins: dict[str, dict[str, Any]] = field(default_factory=dict)
    teams: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    odd: dict[str, Response | Exception] = field(default_factory=dict)

    def __call__(self, call: Call) -> Response:
        path = call.url.removeprefix(BASE)
        if path in self.odd:
            found = self.odd[path]
            if isinstance(found, Exception):
                raise found
            return found
        if path == "/contacts/search":
            return self._search(call.json())
        if path in ("/admins", "/teams"):
            rows = list(getattr(self, path[1:]).values())
            return json_answer(200, {"type": "list", path[1:]: rows})
        if path == "/tags":
            return json_answer(200, {"type": "list", "data": list(self.tags.values())})
        _, folder, key, *rest = path.split("/")
        if key in self.merged and folder == "contacts":
            return json_answer(410, {}, Link=f'</contacts/{self.merged[key]}>; rel="canonical"')
        record = getattr(self, folder).get(key)
        if record is None:
            return json_answer(404, {"type": "error.list", "errors": [{"code": "not_found"}]})
        if rest == ["tags"]:
            return json_answer(200, {"type": "list", "data": list(self.tags.values())})
        return json_answer(200, record)

    def _search(self, body: Any) -> Response:
        query = body["query"]
        assert (query["field"], query["operator"]) == ("id", "IN")
        assert body["pagination"] == {"per_page": len(query["value"])}
        hidden = self.unsearchable | set(self.merged)
        rows = [self.contacts[key] for key in query["value"] if key in self.contacts and key not in hidden]
        return json_answer(200, {"type": "list", "data": rows, "total_count": len(rows)})


@dataclass
class Desk:
    """Look-ups in a workspace, with what they sent."""

    workspace: Workspace
    patience: float = 0.0
    clock: ManualClock = field(default_factory=ManualClock)
    wire: Wire = field(init=False)
    lookups: Lookups = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(self.workspace)
        rest = Rest("token", transport=self.wire, clock=self.clock, patience_seconds=self.patience)
        self.lookups = Lookups(rest, self.clock)

    def sent(self) -> list[str]:
        """What was asked since the last time, as `GET /admins`."""
        calls = [f"{call.method} {call.url.removeprefix(BASE)}" for call in self.wire.calls]
        self.wire.calls.clear()
        return calls


def people(count: int) -> dict[str, dict[str, Any]]:
    return {f"c{number}": person(f"c{number}") for number in range(count)}


def named(*keys: str) -> dict[str, dict[str, Any]]:
    return {key: {"type": "x", "id": key, "name": f"Name {key}"} for key in keys}


# How few requests


@pytest.mark.parametrize(
    ("count", "sent"),
    [
        (0, []),
        (1, ["GET /contacts/c0"]),
        (2, ["POST /contacts/search"]),
        (50, ["POST /contacts/search"]),
        (51, ["POST /contacts/search", "GET /contacts/c50"]),
        (150, ["POST /contacts/search"] * 3),
    ],
)
def test_contacts_come_in_batches(count: int, sent: list[str]) -> None:
    desk = Desk(Workspace(people(count)))
    found = desk.lookups.fetch("contact", list(people(count)))
    assert found == people(count)
    assert desk.sent() == sent


def test_what_a_search_does_not_know_is_asked_for_by_itself() -> None:
    contacts = {**people(4), "survivor": person("survivor")}
    desk = Desk(Workspace(contacts, unsearchable={"c1"}, merged={"c2": "survivor"}))
    found = desk.lookups.fetch("contact", ["c0", "c1", "c2", "c3", "deleted"])
    assert found == {
        "c0": person("c0"),
        "c1": person("c1"),
        "c2": person("survivor"),
        "c3": person("c3"),
        "deleted": None,
    }
    assert desk.sent() == [
        "POST /contacts/search",
        "GET /contacts/c1",
        "GET /contacts/c2",
        "GET /contacts/survivor",
        "GET /contacts/deleted",
    ]


def test_the_same_id_twice_is_asked_for_once() -> None:
    desk = Desk(Workspace(people(1)))
    assert desk.lookups.fetch("contact", ["c0", "c0", "c0"]) == people(1)
    assert desk.sent() == ["GET /contacts/c0"]


@pytest.mark.parametrize(("table", "folder"), [("admin", "admins"), ("team", "teams"), ("tag", "tags")])
def test_what_intercom_lists_comes_as_one_list(table: str, folder: str) -> None:
    desk = Desk(Workspace(**{folder: named("1", "2", "3")}))
    assert desk.lookups.fetch(table, ["2"]) == named("2")
    assert desk.lookups.fetch(table, ["1", "2", "3"]) == named("1", "2", "3")
    assert desk.sent() == [f"GET /{folder}"]


@pytest.mark.parametrize(("table", "folder"), [("admin", "admins"), ("team", "teams")])
def test_an_id_that_is_not_listed_is_asked_for_by_itself(table: str, folder: str) -> None:
    desk = Desk(Workspace(**{folder: named("1")}))
    desk.workspace.odd[f"/{folder}"] = json_answer(200, {folder: []})
    assert desk.lookups.fetch(table, ["1", "9"]) == {**named("1"), "9": None}
    assert desk.lookups.fetch(table, ["1", "9"]) == {**named("1"), "9": None}
    assert desk.sent() == [f"GET /{folder}", f"GET /{folder}/1", f"GET /{folder}/9"]


def test_a_tag_that_is_not_listed_is_none_until_the_list_may_have_changed() -> None:
    desk = Desk(Workspace(tags=named("1")))
    assert desk.lookups.fetch("tag", ["1", "2"]) == {**named("1"), "2": None}
    desk.workspace.tags = named("1", "2")
    desk.clock.sleep(299)
    assert desk.lookups.fetch("tag", ["2"]) == {"2": None}
    assert desk.sent() == ["GET /tags"]
    desk.clock.sleep(1)
    assert desk.lookups.fetch("tag", ["2"]) == named("2")
    assert desk.sent() == ["GET /tags"]


def test_companies_come_one_by_one() -> None:
    desk = Desk(Workspace(companies=named("a", "b")))
    assert desk.lookups.fetch("company", ["a", "b", "c"]) == {**named("a", "b"), "c": None}
    assert desk.sent() == ["GET /companies/a", "GET /companies/b", "GET /companies/c"]


NO_IDS: list[Any] = [
    "",
    " ",
    "a b",
    "../me",
    "a/b",
    "a?b",
    "a\n",
    "é",
    "a" * 65,
    "%2e%2e",
    None,
    7,
    "a.b",
    "\ud800",
]


@pytest.mark.parametrize("table", ["contact", "admin", "team", "tag", "company"])
@pytest.mark.parametrize("key", NO_IDS, ids=lambda key: repr(key)[:12])
def test_what_is_no_id_is_a_miss_without_a_request(table: str, key: Any) -> None:
    desk = Desk(Workspace())
    assert desk.lookups.fetch(table, [key]) == {key: None}
    assert desk.lookups.tags_of([key]) == {key: []}
    assert desk.sent() == []


def test_there_are_five_tables_and_no_other() -> None:
    with pytest.raises(ValueError, match="tables: contact, admin, team, tag, company"):
        Desk(Workspace()).lookups.fetch("contacts", ["1"])


# How long it is kept


@pytest.mark.parametrize(
    ("table", "folder", "seconds"),
    [
        ("contact", "contacts", 300),
        ("admin", "admins", 3600),
        ("team", "teams", 3600),
        ("tag", "tags", 3600),
        ("company", "companies", 3600),
    ],
)
def test_records_are_kept_for_a_while(table: str, folder: str, seconds: int) -> None:
    desk = Desk(Workspace(**{folder: named("a")}))
    desk.lookups.fetch(table, ["a"])
    desk.sent()
    getattr(desk.workspace, folder)["a"] = {"type": "x", "id": "a", "name": "New"}
    desk.clock.sleep(seconds - 1)
    assert desk.lookups.fetch(table, ["a"]) == named("a")
    assert desk.sent() == []
    desk.clock.sleep(1)
    assert desk.lookups.fetch(table, ["a"]) == {"a": {"type": "x", "id": "a", "name": "New"}}
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("table", ["contact", "admin", "company"])
def test_misses_are_kept_for_five_minutes(table: str) -> None:
    desk = Desk(Workspace())
    folder = {"contact": "contacts", "admin": "admins", "company": "companies"}[table]
    desk.lookups.fetch(table, ["a"])
    getattr(desk.workspace, folder)["a"] = {"id": "a"}
    desk.clock.sleep(299)
    assert desk.lookups.fetch(table, ["a"]) == {"a": None}
    desk.clock.sleep(1)
    assert desk.lookups.fetch(table, ["a"]) == {"a": {"id": "a"}}


def test_no_more_is_kept_than_there_is_room_for() -> None:
    desk = Desk(Workspace(people(2_001)))
    desk.lookups.fetch("contact", list(people(2_001)))
    desk.sent()
    desk.lookups.fetch("contact", ["c1", "c2000"])
    assert desk.sent() == []
    desk.lookups.fetch("contact", ["c0"])
    assert desk.sent() == ["GET /contacts/c0"]


def test_a_whole_list_is_always_new() -> None:
    desk = Desk(Workspace(admins=named("1")))
    assert desk.lookups.whole("admin") == list(named("1").values())
    desk.workspace.admins = named("1", "2")
    assert desk.lookups.whole("admin") == list(named("1", "2").values())
    assert desk.lookups.fetch("admin", ["2"]) == named("2")
    assert desk.sent() == ["GET /admins", "GET /admins"]


# When Intercom does not answer


def test_what_could_not_be_asked_for_is_left_out_and_asked_for_again() -> None:
    desk = Desk(Workspace(people(3)))
    desk.workspace.odd["/contacts/c1"] = NotSent("no connection came about")
    assert desk.lookups.fetch("contact", ["c1"]) == {}
    del desk.workspace.odd["/contacts/c1"]
    assert desk.lookups.fetch("contact", ["c1"]) == {"c1": person("c1")}


def test_what_is_kept_is_given_even_when_intercom_is_away() -> None:
    desk = Desk(Workspace(people(3)))
    desk.lookups.fetch("contact", ["c0", "c1"])
    desk.workspace.odd |= {"/contacts/search": Response(503), "/contacts/c2": Response(503)}
    assert desk.lookups.fetch("contact", ["c0", "c1", "c2", "../me"]) == {
        **people(2),
        "../me": None,
    }


@pytest.mark.parametrize("table", ["admin", "team", "tag", "company", "contact"])
def test_an_outage_is_waited_for_once_and_not_for_each_id(table: str) -> None:
    desk = Desk(Workspace(), patience=100)
    desk.wire.answer = lambda _: Response(503)
    assert desk.lookups.fetch(table, [f"x{number}" for number in range(500)]) == {}
    assert desk.clock.monotonic() < 100
    assert desk.lookups.tags_of(["x1", "x2"]) == {}
    assert desk.clock.monotonic() < 150


def test_an_old_list_stands_in_for_what_it_has() -> None:
    desk = Desk(Workspace(tags=named("1")))
    desk.lookups.fetch("tag", ["1"])
    desk.clock.sleep(600)
    desk.workspace.odd["/tags"] = Response(503)
    assert desk.lookups.fetch("tag", ["1", "2"]) == named("1")


@pytest.mark.parametrize("table", ["contact", "admin", "team", "tag", "company"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_is_told_of(table: str, status: int) -> None:
    desk = Desk(Workspace())
    desk.wire.answer = lambda _: json_answer(status, {"errors": [{"code": "forbidden"}]})
    for keys in (["a"], ["a", "b"]):
        with pytest.raises(Denied):
            desk.lookups.fetch(table, keys)
    with pytest.raises(Denied):
        desk.lookups.tags_of(["a"])


@pytest.mark.parametrize("table", ["admin", "team", "tag", "company", "contact"])
def test_what_intercom_refuses_is_not_known(table: str) -> None:
    desk = Desk(Workspace())
    desk.wire.answer = lambda _: json_answer(400, {"errors": [{"code": "intercom_version_invalid"}]})
    assert desk.lookups.fetch(table, ["a", "b"]) == {}
    assert desk.lookups.tags_of(["a"]) == {}


def test_a_search_that_is_refused_is_asked_for_one_by_one() -> None:
    desk = Desk(Workspace(people(3)))
    desk.workspace.odd["/contacts/search"] = json_answer(400, {"errors": [{"code": "parameter_invalid"}]})
    assert desk.lookups.fetch("contact", list(people(3))) == people(3)
    assert len(desk.sent()) == 4


def test_one_refused_id_does_not_cost_the_others_theirs() -> None:
    desk = Desk(Workspace(people(60), unsearchable={"c1", "c2"}))
    desk.workspace.odd["/contacts/c1"] = json_answer(422, {"errors": [{"code": "data_invalid"}]})
    desk.workspace.odd["/contacts/c2"] = json_answer(200, person("somebody-else"))
    found = desk.lookups.fetch("contact", list(people(60)))
    assert set(people(60)) - set(found) == {"c1", "c2"}


# Odd answers

ODD_ANSWERS: list[Any] = [
    {}, {"data": None}, {"data": "x"}, {"data": 1}, {"data": {}}, {"data": [None, 1, "x", [], {}]},
    {"data": [{"id": None}]}, {"data": [{"id": []}]}, {"data": [{"id": True}]}, {"data": [{"id": {"a": 1}}]},
    {"data": [{"id": "other"}]}, {"type": "error.list", "errors": []}, {"admins": 7, "teams": 7, "tags": 7},
    {"admins": [{"id": 1.5}], "teams": [{"id": ""}]}, {"id": "other"}, {"id": 7}, {"id": None}, {"id": [1]},
]  # fmt: skip


@pytest.mark.parametrize("answer", ODD_ANSWERS, ids=str)
@pytest.mark.parametrize("table", ["contact", "admin", "team", "tag", "company"])
def test_an_odd_answer_is_no_record(answer: Any, table: str) -> None:
    desk = Desk(Workspace())
    desk.wire.answer = lambda _: json_answer(200, answer)
    for keys in (["a"], ["b", "c"]):
        assert set(desk.lookups.fetch(table, keys).values()) <= {None}
    assert all(not tags or table for tags in desk.lookups.tags_of(["a", "b"]).values())


def test_only_what_was_asked_for_is_taken_from_a_search() -> None:
    desk = Desk(Workspace(people(2)))
    rows = [person("c0"), person("stranger"), person("c0", email="second@example.com")]
    desk.workspace.odd["/contacts/search"] = json_answer(200, {"data": rows})
    found = desk.lookups.fetch("contact", ["c0", "c1"])
    assert set(found) == {"c0", "c1"}
    assert found["c1"] == person("c1")


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_record_that_is_too_deep_is_left_out() -> None:
    desk = Desk(Workspace({"c0": person("c0", custom_attributes=deep(100))}))
    assert desk.lookups.fetch("contact", ["c0"]) == {}


def test_records_have_the_one_shape() -> None:
    desk = Desk(Workspace({"c0": person("c0", owner_id=7, created_at="2026-01-01T00:00:00Z")}))
    assert desk.lookups.fetch("contact", ["c0"]) == {"c0": person("c0", owner_id="7", created_at=1767225600)}


def test_ids_that_are_numbers_are_the_same_ids() -> None:
    desk = Desk(Workspace(admins={"7": {"id": 7, "name": "Seven"}}))
    assert desk.lookups.fetch("admin", ["7"]) == {"7": {"id": 7, "name": "Seven"}}


# Tags of contacts


def test_all_tags_of_a_contact() -> None:
    desk = Desk(Workspace({**people(1), "survivor": person("survivor")}, merged={"old": "survivor"}))
    desk.workspace.tags = named(*map(str, range(30)))
    found = desk.lookups.tags_of(["c0", "old", "deleted"])
    every = list(desk.workspace.tags.values())
    assert found == {"c0": every, "old": every, "deleted": []}
    assert desk.sent() == [
        "GET /contacts/c0/tags",
        "GET /contacts/old/tags",
        "GET /contacts/survivor/tags",
        "GET /contacts/deleted/tags",
    ]
    desk.clock.sleep(299)
    assert desk.lookups.tags_of(["c0", "old", "deleted"]) == found
    assert desk.sent() == []
    desk.clock.sleep(1)
    desk.lookups.tags_of(["c0"])
    assert desk.sent() == ["GET /contacts/c0/tags"]


# Several threads


@dataclass
class Crowd:
    """Threads that all ask while the first answer is held back."""

    desk: Desk
    ask: Callable[[], Any]
    answers: list[Any] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Let the first request wait until as many threads wait for it."""
        arrived, go = threading.Event(), threading.Event()
        answer = self.desk.wire.answer

        def slow(call: Call) -> Response:
            arrived.set()
            assert go.wait(10)
            return answer(call)

        self.desk.wire.answer = slow
        waiting = _Counted(count - 1)
        self.desk.lookups._known._claimed = waiting.around(  # type: ignore[method-assign]
            self.desk.lookups._known._claimed
        )
        threads = [threading.Thread(target=self._one, daemon=True) for _ in range(count)]
        threads[0].start()
        assert arrived.wait(10)
        for thread in threads[1:]:
            thread.start()
        assert waiting.full.wait(10)
        go.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()

    def _one(self) -> None:
        try:
            self.answers.append(self.ask())
        except BaseException as error:
            self.faults.append(error)


class _Counted:
    """Says when so many claims found that others are asking already."""

    def __init__(self, count: int) -> None:
        self.full = threading.Event()
        self._left = count
        self._lock = threading.Lock()

    def around(self, claim: Callable[..., Any]) -> Callable[..., Any]:
        def claimed(*given: Any) -> Any:
            found = claim(*given)
            with self._lock:
                self._left -= bool(found[2])
                if self._left <= 0:
                    self.full.set()
            return found

        return claimed


CASES = {
    "one contact": ("contact", ["c0"], ["GET /contacts/c0"]),
    "several contacts": ("contact", ["c0", "c1"], ["POST /contacts/search"]),
    "a list": ("tag", ["1"], ["GET /tags"]),
    "a company": ("company", ["a"], ["GET /companies/a"]),
}


@pytest.mark.parametrize(("table", "keys", "sent"), CASES.values(), ids=CASES)
def test_threads_that_ask_at_once_ask_once(table: str, keys: list[str], sent: list[str]) -> None:
    desk = Desk(Workspace(people(2), tags=named("1"), companies=named("a")))
    crowd = Crowd(desk, lambda: desk.lookups.fetch(table, keys))
    crowd.run(8)
    assert crowd.faults == []
    assert len(crowd.answers) == 8
    assert all(found == crowd.answers[0] and set(found) == set(keys) for found in crowd.answers)
    assert desk.sent() == sent


@pytest.mark.parametrize("table", ["contact", "tag"])
def test_those_who_wait_meet_the_same_fault(table: str) -> None:
    desk = Desk(Workspace())
    desk.wire.answer = lambda _: json_answer(403, {})
    crowd = Crowd(desk, lambda: desk.lookups.fetch(table, ["a"]))
    crowd.run(4)
    assert [type(fault) for fault in crowd.faults] == [Denied] * 4
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("table", ["contact", "tag"])
def test_those_who_wait_are_not_left_waiting_by_one_that_is_stopped(table: str) -> None:
    desk = Desk(Workspace())

    def stopped(_: Call) -> Response:
        raise KeyboardInterrupt

    desk.wire.answer = stopped
    crowd = Crowd(desk, lambda: desk.lookups.fetch(table, ["a"]))
    crowd.run(4)
    assert [type(fault) for fault in crowd.faults] == [KeyboardInterrupt]
    assert crowd.answers == [{}] * 3
    desk.wire.answer = desk.workspace
    assert desk.lookups.fetch(table, ["a"]) == {"a": None}


# The facade


def samples() -> dict[str, Any]:
    contact = read("history.contact")["data"]["item"]
    admin = {"type": "admin", "id": "9608801", "name": "Tomas Aguirre", "email": "tomas@acme-support.example"}
    team = {"type": "team", "id": "9681002", "name": "Returns & Refunds"}
    return {"contact": contact, "admin": admin, "team": team}


def an_intercom(wire: Wire) -> Intercom:
    return Intercom("token", transport=wire, clock=ManualClock(), patience_seconds=0)


def test_a_runner_looks_up_in_a_workspace() -> None:
    found = samples()
    workspace = Workspace(
        contacts={found["contact"]["id"]: found["contact"]},
        admins={"9608801": found["admin"]},
        teams={"9681002": found["team"]},
    )
    wire = Wire(workspace)
    runner = Runner(load(ROOT / "mappings"), records=an_intercom(wire), clock=StandingClock())
    [event] = runner.translate(read("conversation.user.replied"))
    assert isinstance(event, Translation)
    assert event.properties["Assigned Team"] == "Returns & Refunds"
    assert event.properties["Assigned Admin Email"] == "tomas@acme-support.example"
    assert event.profile["phone_number"] == "+46701234567"
    runner.translate(read("conversation.user.replied"))
    assert len(wire.calls) == 3


def test_the_people_of_a_workspace() -> None:
    wire = Wire(Workspace(people(1), admins=named("1"), teams=named("2"), tags=named("3")))
    intercom = an_intercom(wire)
    assert intercom.admins() == list(named("1").values())
    assert intercom.teams() == list(named("2").values())
    assert intercom.tags() == list(named("3").values())
    assert intercom.contact("c0") == person("c0")
    assert intercom.contact("c1") is None
    assert intercom.fetch("contact", ["c0"]) == people(1)
    assert intercom.tags_of(["c0"]) == {"c0": list(named("3").values())}


ME = {"type": "admin", "id": "1", "app": {"type": "app", "id_code": "hx7q2m9d", "region": "US"}}


def test_whose_token_it_is() -> None:
    wire = Wire(lambda _: json_answer(200, ME))
    intercom = an_intercom(wire)
    assert intercom.me() == ME
    assert [intercom.app_id(), intercom.app_id()] == ["hx7q2m9d"] * 2
    assert len(wire.calls) == 2


@pytest.mark.parametrize(
    "app", [None, {}, [], "x", {"id_code": None}, {"id_code": ""}, {"id_code": 7}], ids=str
)
def test_a_workspace_without_an_id_is_no_answer(app: Any) -> None:
    intercom = an_intercom(Wire(lambda _: json_answer(200, {"app": app})))
    with pytest.raises(Unavailable, match="the id of the workspace"):
        intercom.app_id()


@pytest.mark.parametrize("ask", [Intercom.me, Intercom.admins, Intercom.teams, Intercom.tags])
def test_what_is_not_there_is_no_answer_where_there_must_be_one(ask: Callable[[Intercom], Any]) -> None:
    with pytest.raises(Unavailable):
        ask(an_intercom(Wire(lambda _: json_answer(404, {}))))
    with pytest.raises(Rejected):
        ask(an_intercom(Wire(lambda _: json_answer(400, {}))))


def test_no_fault_of_a_look_up_repeats_what_was_looked_up() -> None:
    told: list[str] = []
    for status in (400, 401, 403, 404, 410, 418, 429, 500):
        body = json.dumps({"errors": [{"code": "mara", "message": "mara@example.com"}]}).encode()
        intercom = an_intercom(Wire(lambda _, status=status, body=body: Response(status, {}, body)))
        for ask in (intercom.me, intercom.admins, lambda one=intercom: one.contact("mara-lindqvist")):
            try:
                ask()
            except (Unavailable, Denied, Rejected) as error:
                told.append(str(error))
    assert len(told) > 15
    assert [message for message in told if "lindqvist" in message or "example.com" in message] == []
