"""The past: every object of it once, in windows that can be gone on with, and conversations as they were."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine import Skipped, Translation
from engine.errors import Unavailable
from engine.intercom import history
from engine.intercom.client import Intercom
from engine.intercom.history import Page
from engine.intercom.rest import Rest
from engine.ports import Response
from tests.support import Call, ManualClock, Wire, json_answer, read, runner

APP = "hx7q2m9d"
START = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = int(START.timestamp())
DAY = 24 * 3600
KEYS = {"/conversations/search": "conversations", "/tickets/search": "tickets", "/contacts/search": "data"}
READERS = {"conversations": history.conversations, "tickets": history.tickets, "contacts": history.contacts}

Compare = Callable[[int, int], bool]
STRICT: dict[str, Compare] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
OR_EQUAL = STRICT | {">": STRICT[">="], "<": STRICT["<="]}
"""As Intercom's page on conversations words it."""


def by_day(zone: str) -> dict[str, Compare]:
    """As contacts are searched: by whole days of the workspace, and only strictly."""

    def day(seconds: int) -> Any:
        return datetime.fromtimestamp(seconds, ZoneInfo(zone)).date()

    return {">": lambda a, b: day(a) > day(b), "<": lambda a, b: day(a) < day(b)}


@dataclass
class Archive:
    """An Intercom that can be searched by created_at, page by page."""

    conversations: list[Any] = field(default_factory=list)
    tickets: list[Any] = field(default_factory=list)
    data: list[Any] = field(default_factory=list)
    compare: dict[str, Compare] = field(default_factory=lambda: STRICT)
    twice: bool = False
    """Each page starts with the last object of the one before."""

    def __call__(self, call: Call) -> Response:
        path = call.url.removeprefix("https://api.intercom.io")
        if call.method == "GET":
            [found] = [one for one in self.tickets if f"/tickets/{one['id']}" == path] or [None]
            return json_answer(200, found) if found else json_answer(404, {})
        body, key = call.json(), KEYS[path]
        assert body["query"]["operator"] == "AND"
        sort = None if key == "tickets" else {"field": "created_at", "order": "ascending"}
        assert body.get("sort") == sort
        rows = [row for row in getattr(self, key) if self._matches(row, body["query"]["value"])]
        rows.sort(key=lambda row: row["created_at"])
        size = body["pagination"]["per_page"]
        after = body["pagination"].get("starting_after")
        first = json.loads(base64.b64decode(after)) if after else 0
        shown = rows[first - (1 if self.twice and first else 0) : first + size]
        onward = base64.b64encode(json.dumps(first + size).encode()).decode()
        pages = {"type": "pages", "next": {"starting_after": onward}} if first + size < len(rows) else None
        return json_answer(200, {key: shown, "total_count": len(rows), "pages": pages})

    def _matches(self, row: Any, filters: list[Any]) -> bool:
        assert [one["field"] for one in filters] == ["created_at", "created_at"]
        return all(self.compare[one["operator"]](row["created_at"], one["value"]) for one in filters)


def a_rest(archive: Archive) -> tuple[Rest, Wire]:
    wire = Wire(archive)
    return Rest("token", transport=wire, clock=ManualClock(), patience_seconds=0), wire


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def row(key: Any, created: Any, kind: str = "conversation", **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": str(key), "created_at": created, **more}


def items(pages: Iterator[Page] | list[Page]) -> list[Any]:
    return [one["data"]["item"] for page in pages for one in page.notifications]


def ids(pages: Iterator[Page] | list[Page]) -> list[str]:
    return [item["id"] for item in items(pages)]


def rows_of(kind: str, archive: Archive) -> list[Any]:
    return {"conversations": archive.conversations, "tickets": archive.tickets, "contacts": archive.data}[
        kind
    ]


# Shape


@pytest.mark.parametrize("kind", READERS)
def test_an_object_comes_wrapped_as_the_past(kind: str) -> None:
    archive = Archive()
    rows_of(kind, archive).append(row(1, EPOCH))
    [page] = READERS[kind](a_rest(archive)[0], APP, START, day(1))
    assert page == Page(
        kind,
        START,
        day(1),
        None,
        1,
        (
            {
                "type": "notification_event",
                "history": True,
                "app_id": APP,
                "data": {"item": row(1, EPOCH)},
            },
        ),
    )


FIXTURES = {
    "conversations": "history.conversation.from_search",
    "tickets": "history.ticket",
    "contacts": "history.contact",
}


@pytest.mark.parametrize(("kind", "name"), FIXTURES.items(), ids=FIXTURES)
def test_the_past_is_what_specs_are_tested_with(kind: str, name: str) -> None:
    wanted = read(name)
    item = wanted["data"]["item"]
    archive = Archive()
    rows_of(kind, archive).append(item)
    start = datetime.fromtimestamp(item["created_at"], UTC)
    [page] = READERS[kind](a_rest(archive)[0], APP, start, start + timedelta(hours=1))
    assert list(page.notifications) == [wanted]
    made = [one for one in runner().translate(page.notifications[0]) if isinstance(one, Translation)]
    assert made
    assert all(one.history for one in made)


# Windows


@pytest.mark.parametrize("compare", [STRICT, OR_EQUAL], ids=["strictly", "or equal"])
@pytest.mark.parametrize("kind", ["conversations", "tickets"])
def test_each_second_falls_into_one_window_however_intercom_compares(
    kind: str, compare: dict[str, Compare]
) -> None:
    archive = Archive(compare=compare)
    edges = [-1, 0, 1, 30 * DAY - 1, 30 * DAY, 30 * DAY + 1, 60 * DAY, 75 * DAY - 1, 75 * DAY, 75 * DAY + 1]
    rows_of(kind, archive).extend(row(edge, EPOCH + edge) for edge in edges)
    pages = list(READERS[kind](a_rest(archive)[0], APP, START, day(75)))
    assert ids(pages) == [str(edge) for edge in edges[1:-2]]
    assert [(page.window_start, page.window_end) for page in pages] == [
        (START, day(30)),
        (day(30), day(60)),
        (day(60), day(75)),
    ]


ZONES = [
    "UTC",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "Europe/Berlin",
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [1, 3, 10, 11])
def test_contacts_come_to_the_second_though_intercom_searches_by_day(zone: str, month: int) -> None:
    start = datetime(2026, month, 1, 7, 30, tzinfo=UTC)
    first = int(start.timestamp())
    last = first + 35 * DAY
    seconds = sorted({*range(first - 3 * DAY, last + 3 * DAY, 3600), first - 1, first, last - 1, last})
    archive = Archive(data=[row(at, at, "contact") for at in seconds], compare=by_day(zone))
    found = ids(history.contacts(a_rest(archive)[0], APP, start, start + timedelta(days=35)))
    assert found == [str(at) for at in seconds if first <= at < last]


# In Berlin 25 October 2026 has 25 hours: from the 24th, 22:00 UTC, to the 25th, 23:00 UTC.
LONG_DAY = {
    "it starts on the long day": (
        datetime(2026, 10, 25, 22, 30, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    ),
    "it ends on the long day": (
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 10, 24, 22, 30, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize(("start", "end"), LONG_DAY.values(), ids=LONG_DAY)
def test_a_day_of_25_hours_loses_no_contact(start: datetime, end: datetime) -> None:
    seconds = [int(start.timestamp()), int(end.timestamp()) - 1]
    archive = Archive(data=[row(at, at, "contact") for at in seconds], compare=by_day("Europe/Berlin"))
    assert ids(history.contacts(a_rest(archive)[0], APP, start, end)) == [str(at) for at in seconds]


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [
        (START, START, []),
        (day(1), START, []),
        (START, START + timedelta(seconds=1), [(0, 1)]),
        (START + timedelta(seconds=0.5), START + timedelta(seconds=1.5), [(0, 2)]),
        (START, day(30), [(0, 30 * DAY)]),
        (START, day(31), [(0, 30 * DAY), (30 * DAY, 31 * DAY)]),
        (START.astimezone(ZoneInfo("Asia/Tokyo")), day(1), [(0, DAY)]),
    ],
    ids=str,
)
def test_windows_have_up_to_thirty_days(start: datetime, end: datetime, windows: list[Any]) -> None:
    pages = list(history.tickets(a_rest(Archive())[0], APP, start, end))
    assert [
        (int(page.window_start.timestamp()) - EPOCH, int(page.window_end.timestamp()) - EPOCH)
        for page in pages
    ] == windows


@pytest.mark.parametrize(
    "given",
    [
        {"start": datetime(2026, 1, 1)},
        {"end": datetime(2026, 1, 2)},
        {"window_days": 0},
        {"window_days": 31},
        {"per_page": 0},
        {"per_page": 151},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", READERS)
def test_what_cannot_be_used_is_said_before_the_first_page(kind: str, given: dict[str, Any]) -> None:
    rest, wire = a_rest(Archive())
    with pytest.raises(ValueError, match=r"start and end|windows have"):
        READERS[kind](rest, APP, **{"start": START, "end": day(1), **given})
    assert wire.calls == []


# Pages, and going on


def hundreds(kind: str) -> Archive:
    archive = Archive()
    rows_of(kind, archive).extend(row(number, EPOCH + number * DAY // 10) for number in range(500))
    return archive


@pytest.mark.parametrize("kind", READERS)
def test_pages_have_up_to_150(kind: str) -> None:
    archive = hundreds(kind)
    if kind == "contacts":
        archive.compare = by_day("UTC")
    rest, wire = a_rest(archive)
    pages = list(READERS[kind](rest, APP, START, day(50)))
    assert ids(pages) == [str(number) for number in range(500)]
    assert {call.json()["pagination"]["per_page"] for call in wire.calls} == {150}
    assert max(len(page.notifications) for page in pages) == 150


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("done", range(1, 7))
def test_it_goes_on_after_any_page(kind: str, done: int) -> None:
    archive = hundreds(kind)
    if kind == "contacts":
        archive.compare = by_day("America/Los_Angeles")
    every = list(READERS[kind](a_rest(archive)[0], APP, START, day(50), per_page=75))
    assert len(every) >= 7
    start, cursor = every[done - 1].onward
    rest = list(READERS[kind](a_rest(archive)[0], APP, start, day(50), cursor=cursor, per_page=75))
    assert rest == every[done:]


def test_after_the_last_page_there_is_nothing() -> None:
    archive = hundreds("tickets")
    *_, last = history.tickets(a_rest(archive)[0], APP, START, day(50))
    start, cursor = last.onward
    assert (start, cursor) == (day(50), None)
    assert list(history.tickets(a_rest(archive)[0], APP, start, day(50), cursor=cursor)) == []


def test_how_many_there_are_is_told_with_each_page() -> None:
    pages = history.tickets(a_rest(hundreds("tickets"))[0], APP, START, day(50), per_page=100)
    assert [page.total_count for page in pages] == [300, 300, 300, 200, 200]


@pytest.mark.parametrize("kind", READERS)
def test_what_comes_on_two_pages_comes_once(kind: str) -> None:
    archive = hundreds(kind)
    archive.twice = True
    if kind == "contacts":
        archive.compare = by_day("UTC")
    rest, _ = a_rest(archive)
    assert ids(READERS[kind](rest, APP, START, day(50))) == [str(number) for number in range(500)]


def test_a_page_is_asked_for_when_it_is_wanted() -> None:
    rest, wire = a_rest(hundreds("tickets"))
    pages = history.tickets(rest, APP, START, day(50))
    assert wire.calls == []
    next(pages)
    assert len(wire.calls) == 1


def test_an_outage_ends_it_and_it_goes_on_where_it_was() -> None:
    archive = hundreds("tickets")
    rest, wire = a_rest(archive)
    pages = history.tickets(rest, APP, START, day(50))
    got = [next(pages), next(pages)]
    wire.answer = lambda _: Response(503)
    with pytest.raises(Unavailable):
        next(pages)
    wire.answer = archive
    start, cursor = got[-1].onward
    got += history.tickets(rest, APP, start, day(50), cursor=cursor)
    assert ids(got) == [str(number) for number in range(500)]


ODD_ROWS: list[Any] = [
    {}, {"id": None}, {"id": []}, {"type": 7, "id": 7}, {"created_at": "yesterday"}, {"created_at": None},
    {"created_at": True}, {"id": "1", "created_at": 1e300}, {"ticket": 7, "id": "1"}, {"ticket": [1]},
    {"ticket": {"id": "x"}, "id": "../me"}, {"ticket": {"id": "x"}, "id": "9", "created_at": "x"},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ROWS, ids=str)
@pytest.mark.parametrize("kind", READERS)
def test_an_odd_object_is_left_to_the_specs(odd: Any, kind: str) -> None:
    def answer(call: Call) -> Response:
        if call.method == "GET":
            return json_answer(404, {})
        key = KEYS[call.url.removeprefix("https://api.intercom.io")]
        return json_answer(200, {key: [odd, None, 7, "x", [odd]]})

    rest = Rest("token", transport=Wire(answer), clock=ManualClock(), patience_seconds=0)
    [page] = READERS[kind](rest, APP, START, day(1))
    assert items([page]) == [odd]
    runner().translate(page.notifications[0])


def test_what_has_no_id_is_not_taken_for_the_same() -> None:
    answer = json_answer(200, {"tickets": [{"type": "ticket"}, {"type": "ticket"}]})
    rest = Rest("token", transport=Wire(lambda _: answer), clock=ManualClock(), patience_seconds=0)
    assert len(items(history.tickets(rest, APP, START, day(1)))) == 2


# Conversations that are tickets


def state(at: Any, to: str = "submitted", **more: Any) -> dict[str, Any]:
    return {
        "type": "ticket_part",
        "part_type": "ticket_state_updated_by_admin",
        "ticket_state": to,
        "created_at": at,
        **more,
    }


def parts(*listed: Any, total: Any = None) -> dict[str, Any]:
    return {"type": "ticket_part.list", "ticket_parts": list(listed), "total_count": total or len(listed)}


BEGAN = EPOCH + 100
LATER = BEGAN + 400
COMMENT = {"type": "ticket_part", "part_type": "comment", "created_at": BEGAN}
TICKET = {"type": "ticket", "id": "1"}

TOLD: dict[str, tuple[Any, str]] = {
    "a ticket from the start": (parts(state(BEGAN + 1)), "dropped"),
    "five seconds later": (parts(state(BEGAN + 5)), "dropped"),
    "six seconds later": (parts(state(BEGAN + 6)), "as it was"),
    "converted": (parts(COMMENT, state(LATER), state(LATER + 9, "resolved")), "as it was"),
    "converted, in another order": (parts(state(LATER + 9, "resolved"), state(LATER)), "as it was"),
    "from the start, in another order": (parts(state(LATER, "resolved"), state(BEGAN)), "dropped"),
    "cut": (parts(state(LATER), total=501), "as it is"),
    "without a state": (parts(COMMENT), "as it is"),
    "without parts": (parts(), "as it is"),
    "without a list": (None, "as it is"),
    "a list of another shape": ({"ticket_parts": 7}, "as it is"),
    "a list that is bare": ([state(LATER)], "as it is"),
    "parts of another shape": (parts(None, 7, "x", [], {}, state("x"), state(None), state(True)), "as it is"),
    "a part among others of another shape": (parts(None, 7, state("x"), state(LATER)), "as it was"),
    "a count of another shape": ({"ticket_parts": [state(LATER)], "total_count": "many"}, "as it was"),
}


@pytest.mark.parametrize(("listed", "outcome"), TOLD.values(), ids=TOLD)
def test_a_conversation_comes_as_it_was_before_it_became_a_ticket(listed: Any, outcome: str) -> None:
    conversation = row(1, BEGAN, ticket=TICKET, title="Lamp")
    archive = Archive([conversation], [row(1, BEGAN, "ticket", ticket_parts=listed)])
    found = items(history.conversations(a_rest(archive)[0], APP, START, day(1)))
    expected = {
        "dropped": [],
        "as it was": [{**conversation, "ticket": None}],
        "as it is": [conversation],
    }
    assert found == expected[outcome]


def test_tickets_are_read_once_a_window_and_only_where_there_are_some() -> None:
    plain = [row(number, EPOCH + number) for number in range(300)]
    rest, wire = a_rest(Archive(plain))
    list(history.conversations(rest, APP, START, day(90)))
    assert [call.url.rpartition("/")[0].rpartition("/")[2] for call in wire.calls] == ["conversations"] * 4
    both = [{**one, "ticket": TICKET} for one in plain]
    born = [{**one, "type": "ticket", "ticket_parts": parts(state(one["created_at"]))} for one in plain]
    rest, wire = a_rest(Archive(both, born))
    assert items(history.conversations(rest, APP, START, day(90))) == []
    asked = [call.url.removeprefix("https://api.intercom.io/").removesuffix("/search") for call in wire.calls]
    assert asked == ["conversations", "tickets", "tickets", "conversations", "conversations", "conversations"]
    assert wire.calls[1].json()["query"]["value"] == [
        {"field": "created_at", "operator": ">=", "value": EPOCH},
        {"field": "created_at", "operator": "<", "value": EPOCH + 30 * DAY},
    ]


def test_a_ticket_that_its_window_does_not_have_is_asked_for_by_itself() -> None:
    conversations = [row(1, BEGAN, ticket=TICKET), row(2, BEGAN, ticket=TICKET), row(3, BEGAN, ticket=TICKET)]
    tickets = [
        row(1, EPOCH - DAY, "ticket", ticket_parts=parts(state(LATER))),
        row(2, EPOCH + 40 * DAY, "ticket", ticket_parts=parts(state(BEGAN))),
    ]
    rest, wire = a_rest(Archive(conversations, tickets))
    found = items(history.conversations(rest, APP, START, day(1)))
    assert found == [{**conversations[0], "ticket": None}, conversations[2]]
    assert [call.url.rpartition("intercom.io")[2] for call in wire.calls] == [
        "/conversations/search",
        "/tickets/search",
        "/tickets/1",
        "/tickets/2",
        "/tickets/3",
    ]


def test_a_converted_conversation_was_created_once_and_as_live() -> None:
    live = read("conversation.user.created")["data"]["item"]
    ticket = read("ticket.created.converted")["data"]["item"]
    assert ticket["id"] == live["id"]
    past = {**live, "ticket": {"type": "ticket", "id": live["id"]}}
    start = datetime.fromtimestamp(live["created_at"], UTC)
    rest, _ = a_rest(Archive([past], [ticket]))
    [page] = history.conversations(rest, APP, start, start + timedelta(hours=1))
    made = [one for one in runner().translate(page.notifications[0]) if isinstance(one, Translation)]
    assert [one.metric for one in made] == ["Created Conversation"]
    assert made[0].unique_id == f"ic:{APP}:conv:{live['id']}:created"


def test_a_conversation_of_which_nobody_knows_is_skipped_and_counted() -> None:
    live = read("conversation.user.created")["data"]["item"]
    past = {**live, "ticket": {"type": "ticket", "id": live["id"]}}
    start = datetime.fromtimestamp(live["created_at"], UTC)
    [page] = history.conversations(a_rest(Archive([past]))[0], APP, start, start + timedelta(hours=1))
    results = runner().translate(page.notifications[0])
    assert {type(result) for result in results} == {Skipped}


def test_tickets_come_as_they_are() -> None:
    ticket = row(1, BEGAN, "ticket", ticket_parts=parts(state(LATER)))
    rest, wire = a_rest(Archive([row(1, BEGAN, ticket=TICKET)], [ticket]))
    assert items(history.tickets(rest, APP, START, day(1))) == [ticket]
    assert len(wire.calls) == 1


# From scripts


@pytest.mark.parametrize("kind", READERS)
def test_scripts_read_the_past_of_their_own_workspace(kind: str) -> None:
    archive = Archive()
    rows_of(kind, archive).append(row(1, EPOCH))
    me = {"type": "admin", "id": "1", "app": {"id_code": APP}}
    wire = Wire(lambda call: json_answer(200, me) if call.url.endswith("/me") else archive(call))
    intercom = Intercom("token", transport=wire, clock=ManualClock(), patience_seconds=0)
    pages = list(getattr(intercom, kind)(START, day(1)))
    assert pages == list(READERS[kind](a_rest(archive)[0], APP, START, day(1)))
    start, cursor = pages[0].onward
    assert list(getattr(intercom, kind)(start, day(1), cursor=cursor)) == []
    assert sum(call.url.endswith("/me") for call in wire.calls) == 1
