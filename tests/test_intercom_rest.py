"""Intercom's REST: what is tried again and for how long, what is final, and that nothing leads elsewhere."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.errors import Denied, FateUnknown, NotSent, Rejected, Unavailable
from engine.intercom.rest import Rest
from engine.ports import Response
from tests.support import NOW, Call, ManualClock, Wire, answers, json_answer

TOKEN = "dG9rOmNhbmFyeQ=="
EPOCH = int(NOW.timestamp())
FINE = json_answer(200, {"type": "admin", "id": "1"})
SECRET_TEXT = "mara.lindqvist@example.com"


def errors(code: str, message: str = SECRET_TEXT) -> dict[str, Any]:
    return {"type": "error.list", "request_id": None, "errors": [{"code": code, "message": message}]}


def a_rest(wire: Wire, clock: ManualClock | None = None, patience: float = 600.0, **more: Any) -> Rest:
    return Rest(TOKEN, transport=wire, clock=clock or ManualClock(), patience_seconds=patience, **more)


def reset(in_seconds: float) -> dict[str, str]:
    return {"X_RateLimit_Reset": str(int(EPOCH + in_seconds))}


# What is tried again

AGAIN: dict[str, Response | Exception] = {
    "408": json_answer(408, errors("timeout")),
    "429": json_answer(429, errors("rate_limit_exceeded")),
    "500": json_answer(500, errors("server_error")),
    "502 with a page": Response(502, {}, b"<html>Bad Gateway</html>"),
    "503 without a body": Response(503),
    "504": Response(504, {}, b"upstream timed out"),
    "599": Response(599),
    "not sent": NotSent("no connection came about"),
    "no answer": FateUnknown("no whole answer came in time"),
    "200 without a body": Response(200),
    "200 with blanks": Response(200, {}, b" \r\n"),
    "204": Response(204),
    "200 with a page": Response(200, {"content-type": "text/html"}, b"<!doctype html><title>Hello</title>"),
    "200 with half a body": Response(200, {}, b'{"type": "adm'),
    "200 with a list": json_answer(200, [1]),
    "200 with null": Response(200, {}, b"null"),
    "200 with a text": json_answer(200, "hello"),
    "200 with NaN": Response(200, {}, b'{"a": NaN}'),
    "200, not UTF-8": Response(200, {}, b'{"a": "\xff"}'),
    "200, very deep": Response(200, {}, b'{"a":' * 100_000),
    "301": Response(301, {"location": "https://elsewhere.example/"}),
    "302": Response(302, {"location": "/me"}),
    "307": Response(307, {"location": "http://169.254.169.254/"}),
    "401 with a page": Response(401, {}, b"<html>a proxy wants a password</html>"),
    "403 with a page": Response(403, {}, b"<html>blocked at the edge</html>"),
    "404 with a page": Response(404, {}, b" <html>nobody here</html>"),
    "410 with a page": Response(410, {}, b"<html></html>"),
    "101": Response(101),
}


@pytest.mark.parametrize("answer", AGAIN.values(), ids=AGAIN)
def test_what_may_pass_is_tried_again(answer: Response | Exception) -> None:
    wire, clock = answers(answer, answer, FINE), ManualClock()
    assert a_rest(wire, clock).get("/me") == {"type": "admin", "id": "1"}
    assert len(wire.calls) == 3
    assert len(clock.waits) == 2
    assert {call.url for call in wire.calls} == {"https://api.intercom.io/me"}


@pytest.mark.parametrize("answer", AGAIN.values(), ids=AGAIN)
def test_without_patience_it_is_tried_once(answer: Response | Exception) -> None:
    wire, clock = answers(answer), ManualClock()
    with pytest.raises(Unavailable) as caught:
        a_rest(wire, clock, patience=0).get("/me")
    assert len(wire.calls) == 1
    assert clock.waits == []
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 0
    assert SECRET_TEXT not in str(caught.value)
    assert type(caught.value) is (type(answer) if isinstance(answer, Exception) else Unavailable)


TOLD = {
    "301": "Intercom's address answers with a redirect (301), which is not followed: is it right?",
    "200 without a body": "Intercom answered nothing (200)",
    "200 with a page": "Intercom answered something that is no answer of its (200)",
    "502 with a page": "Intercom cannot answer now (502)",
    "not sent": "no connection came about (Intercom at https://api.intercom.io)",
}


@pytest.mark.parametrize(("kind", "message"), TOLD.items(), ids=TOLD)
def test_it_says_why_it_gave_up(kind: str, message: str) -> None:
    with pytest.raises(Unavailable) as caught:
        a_rest(answers(AGAIN[kind]), patience=0).get("/me")
    assert str(caught.value) == message


def test_a_search_reads_too_and_is_tried_again() -> None:
    wire = answers(FateUnknown("no whole answer came in time"), json_answer(200, {"data": []}))
    assert a_rest(wire).post("/contacts/search", {"query": 1}) == {"data": []}
    assert [call.json() for call in wire.calls] == [{"query": 1}] * 2


@pytest.mark.parametrize(
    ("jitter", "waits"),
    [(1.0, [0.5, 1, 2, 4, 8, 16, 32, 60, 60]), (0.5, [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]), (0.0, [0.1] * 9)],
)
def test_waits_double_up_to_a_minute_and_are_spread(jitter: float, waits: list[float]) -> None:
    clock = ManualClock(jitter=jitter)
    a_rest(answers(*[Response(500)] * 9, FINE), clock).get("/me")
    assert clock.waits == waits


@pytest.mark.parametrize("patience", [7.6, 10, 15.5])
def test_patience_ends_before_a_wait_that_is_as_long(patience: float) -> None:
    wire, clock = answers(Response(500)), ManualClock()
    with pytest.raises(Unavailable, match=r"Intercom cannot answer now \(500\)") as caught:
        a_rest(wire, clock, patience=patience).get("/me")
    assert clock.waits == [0.5, 1, 2, 4]
    assert caught.value.retry_after == 8


def test_patience_ends_even_where_chance_gives_no_wait() -> None:
    clock = ManualClock(jitter=0.0)
    with pytest.raises(Unavailable):
        a_rest(answers(Response(500)), clock, patience=10).get("/me")
    assert clock.monotonic() <= 10


# The limit of requests

RESETS: dict[str, tuple[dict[str, str], float]] = {
    "in four seconds": (reset(4), 4 + 1),
    "in a minute": (reset(60), 60 + 1),
    "in an hour": (reset(3600), 60 + 1),
    "absent": ({}, 0.5),
    "now": (reset(0), 0.5),
    "past": (reset(-30), 0.5),
    "zero": ({"X_RateLimit_Reset": "0"}, 0.5),
    "negative": ({"X_RateLimit_Reset": "-5"}, 0.5),
    "a word": ({"X_RateLimit_Reset": "soon"}, 0.5),
    "empty": ({"X_RateLimit_Reset": ""}, 0.5),
    "milliseconds": ({"X_RateLimit_Reset": str(EPOCH * 1000 + 4000)}, 0.5),
    "infinite": ({"X_RateLimit_Reset": "inf"}, 0.5),
    "a date": ({"X_RateLimit_Reset": "Sat, 21 Nov 2026 00:00:04 GMT"}, 0.5),
    "huge": ({"X_RateLimit_Reset": "9" * 5000}, 0.5),
    "digits of another script": ({"X_RateLimit_Reset": "\u0661\u0662"}, 0.5),
    "with a fraction": ({"X_RateLimit_Reset": f"{EPOCH + 4}.5"}, 0.5),
}


@pytest.mark.parametrize(("headers", "wait"), RESETS.values(), ids=RESETS)
def test_429_waits_for_the_next_window_where_one_is_named(headers: dict[str, str], wait: float) -> None:
    clock = ManualClock()
    answer = json_answer(429, errors("rate_limit_exceeded"), **headers)
    assert a_rest(answers(answer, FINE), clock).get("/me")
    assert clock.waits == [wait]


def test_429_without_patience_says_when() -> None:
    answer = json_answer(429, errors("rate_limit_exceeded"), **reset(7))
    with pytest.raises(Unavailable, match=r"Intercom asks to wait \(429\)") as caught:
        a_rest(answers(answer), patience=0).get("/me")
    assert caught.value.retry_after == 8


REMAINING: dict[str, tuple[dict[str, str], list[float]]] = {
    "plenty": ({"X_RateLimit_Remaining": "900", **reset(4)}, []),
    "just enough": ({"X_RateLimit_Remaining": "11", **reset(4)}, []),
    "our reserve": ({"X_RateLimit_Remaining": "10", **reset(4)}, [5]),
    "none": ({"X_RateLimit_Remaining": "0", **reset(4)}, [5]),
    "none, for an hour": ({"X_RateLimit_Remaining": "0", **reset(3600)}, [11]),
    "none, and no word of when": ({"X_RateLimit_Remaining": "0"}, []),
    "none, until long ago": ({"X_RateLimit_Remaining": "0", **reset(-900)}, []),
    "fewer than none": ({"X_RateLimit_Remaining": "-1", **reset(4)}, []),
    "a word": ({"X_RateLimit_Remaining": "few", **reset(4)}, []),
    "absent": (reset(4), []),
    "huge": ({"X_RateLimit_Remaining": "1" * 5000, **reset(4)}, []),
}


@pytest.mark.parametrize(("headers", "waits"), REMAINING.values(), ids=REMAINING)
def test_a_window_that_is_used_up_is_waited_out(headers: dict[str, str], waits: list[float]) -> None:
    clock = ManualClock()
    rest = a_rest(answers(json_answer(200, {"id": "1"}, **headers), FINE), clock)
    rest.get("/me")
    assert clock.waits == []
    rest.get("/me")
    rest.get("/me")
    assert clock.waits == waits


def test_threads_share_the_window() -> None:
    clock = ManualClock()
    wire = Wire(lambda _: json_answer(200, {"id": "1"}, X_RateLimit_Remaining="3", **reset(4)))
    rest = a_rest(wire, clock)
    rest.get("/me")
    thread = threading.Thread(target=rest.get, args=("/me",), daemon=True)
    thread.start()
    thread.join(10)
    assert clock.waits == [5]


# What is final


def test_after_an_outage_the_next_question_is_asked_once_and_a_good_answer_ends_that() -> None:
    clock = ManualClock()
    given: list[Response | Exception] = [NotSent("no connection came about")]
    wire = Wire(lambda _: _given(given[0]))
    rest = a_rest(wire, clock, patience=600.0)
    for _ in range(3):
        with pytest.raises(Unavailable):
            rest.get("/admins")
    assert clock.seconds < 600
    given[0] = FINE
    rest.get("/admins")
    given[0] = Response(500)
    with pytest.raises(Unavailable):
        rest.get("/admins")
    assert clock.seconds > 900


def _given(answer: Response | Exception) -> Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_404_is_nothing() -> None:
    wire, clock = answers(json_answer(404, errors("not_found"))), ManualClock()
    assert a_rest(wire, clock).get("/contacts/abc") is None
    assert a_rest(answers(Response(404))).get("/contacts/abc") is None
    assert len(wire.calls) == 1
    assert clock.waits == []


def test_a_search_that_is_not_there_is_no_empty_search() -> None:
    with pytest.raises(Rejected, match="is its address right"):
        a_rest(answers(json_answer(404, errors("not_found")))).post("/contacts/search", {})


def test_401_is_denied() -> None:
    wire = answers(json_answer(401, errors("unauthorized")))
    with pytest.raises(Denied, match="does not accept the token") as caught:
        a_rest(wire).get("/me")
    assert len(wire.calls) == 1
    assert SECRET_TEXT not in str(caught.value)
    assert TOKEN not in str(caught.value)


SCOPES = {
    "/contacts/abc": "Read one user and one company",
    "/companies/abc": "Read one user and one company",
    "/contacts/search": "Read and list users and companies",
    "/contacts": "Read and list users and companies",
    "/contacts/abc/tags": "Read tags",
    "/tags": "Read tags",
    "/conversations/search": "Read conversations",
    "/conversations/1": "Read conversations",
    "/tickets/search": "Read tickets",
    "/tickets/1": "Read tickets",
    "/admins": "Read admins",
    "/admins/1": "Read admins",
    "/teams": "Read admins",
    "/teams/1": "Read admins",
    "/me": "",
}


@pytest.mark.parametrize(("path", "scope"), SCOPES.items(), ids=SCOPES)
def test_403_names_the_scope_that_is_missing(path: str, scope: str) -> None:
    with pytest.raises(Denied) as caught:
        a_rest(answers(json_answer(403, errors("forbidden")))).get(path)
    assert caught.value.scope == scope
    assert f'"{scope}"' in str(caught.value) or not scope
    assert SECRET_TEXT not in str(caught.value)


def test_403_without_a_subscription_is_no_matter_of_scopes() -> None:
    with pytest.raises(Denied, match="no active subscription") as caught:
        a_rest(answers(json_answer(403, errors("api_plan_restricted")))).get("/tags")
    assert caught.value.scope == ""


REFUSED = {
    (400, "intercom_version_invalid"): "(400, intercom_version_invalid): it does not know this version",
    (400, "invalid_sort_order"): "(400, invalid_sort_order): it does not sort like this",
    (400, "parameter_invalid"): "(400, parameter_invalid)",
    (400, "something_new"): "(400, something_new)",
    (409, "conflict"): "(409, conflict)",
    (415, ""): "(415)",
    (422, "data_invalid"): "(422, data_invalid)",
    (423, "scroll_exists"): "(423, scroll_exists)",
    (400, "Mara Lindqvist!"): "(400)",
    (400, "x" * 100): "(400)",
}


@pytest.mark.parametrize(("told", "message"), REFUSED.items(), ids=str)
def test_other_refusals_are_final_and_repeat_no_value(told: tuple[int, str], message: str) -> None:
    wire = answers(json_answer(told[0], errors(told[1])))
    with pytest.raises(Rejected) as caught:
        a_rest(wire).get("/me")
    assert message in str(caught.value)
    assert str(caught.value).startswith("Intercom refuses the request (")
    assert SECRET_TEXT not in str(caught.value)
    assert "Mara" not in str(caught.value)
    assert caught.value.detail == SECRET_TEXT
    assert len(wire.calls) == 1


ODD_ERRORS: list[Any] = [
    None, 1, "x", [], {}, {"errors": None}, {"errors": {}}, {"errors": []}, {"errors": [1]}, {"errors": "x"},
    {"errors": [{"code": 1, "message": 2}]}, {"errors": [{"code": None}]}, {"errors": [[]]},
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_ERRORS, ids=str)
@pytest.mark.parametrize(("status", "fault"), [(400, Rejected), (403, Denied), (422, Rejected)])
def test_a_refusal_of_any_shape_is_a_refusal(body: Any, status: int, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        a_rest(answers(json_answer(status, body))).get("/tags")


# Merged contacts

OLD, NEW = "68b1c2d3e4f5a6b7c8d9e0f1", "68b1c2d3e4f5a6b7c8d9e0aa"


def merged(link: str = f'</contacts/{NEW}>; rel="canonical"') -> Response:
    return json_answer(410, errors("contact_merged"), Link=link)


def test_a_merged_contact_is_the_one_that_remains() -> None:
    wire = answers(merged(), json_answer(200, {"type": "contact", "id": NEW}))
    assert a_rest(wire).get(f"/contacts/{OLD}") == {"type": "contact", "id": NEW}
    assert [call.url for call in wire.calls] == [
        f"https://api.intercom.io/contacts/{OLD}",
        f"https://api.intercom.io/contacts/{NEW}",
    ]


def test_what_belongs_to_a_merged_contact_is_that_of_the_one_that_remains() -> None:
    wire = answers(merged(), json_answer(200, {"data": []}))
    assert a_rest(wire).get(f"/contacts/{OLD}/tags") == {"data": []}
    assert wire.calls[1].url.endswith(f"/contacts/{NEW}/tags")


def test_only_one_hop_is_made() -> None:
    wire = answers(merged(), merged(f'</contacts/{OLD}>; rel="canonical"'))
    assert a_rest(wire).get(f"/contacts/{OLD}") is None
    assert len(wire.calls) == 2


LINKS = [
    "", "nonsense", NEW, f"</contacts/{NEW}>", f'<https://evil.example/contacts/{NEW}>; rel="canonical"',
    f'<//evil.example/contacts/{NEW}>; rel="canonical"', f'</contacts/{NEW}/../../admins>; rel="canonical"',
    '</contacts/..>; rel="canonical"', '</contacts/>; rel="canonical"', '</contacts/a%2Fb>; rel="canonical"',
    '</contacts/a b>; rel="canonical"', '</contacts/a\r\nX: y>; rel="canonical"',
    f'</contacts/{"a" * 65}>; rel="canonical"', f'</contacts/{NEW}?x=1>; rel="canonical"',
    f'</contacts/{NEW}>; rel="next"', f'</contacts/{NEW}>; rel="canonical", </x>; rel="y"',
    '</contacts/\u0430bc>; rel="canonical"', "file:///etc/passwd", f'</companies/{NEW}>; rel="canonical"',
    f'</contacts/{NEW}@evil.example>; rel="canonical"',
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_anything_else_leads_nowhere(link: str) -> None:
    wire = answers(merged(link), FINE)
    assert a_rest(wire).get(f"/contacts/{OLD}") is None
    assert len(wire.calls) == 1


def test_no_link_leads_nowhere_and_only_contacts_are_merged() -> None:
    assert a_rest(answers(json_answer(410, errors("contact_merged")))).get(f"/contacts/{OLD}") is None
    wire = answers(merged(), FINE)
    assert a_rest(wire).get("/tickets/1") is None
    assert len(wire.calls) == 1


def test_a_record_is_the_one_that_was_asked_for() -> None:
    other = json_answer(200, {"type": "contact", "id": NEW})
    assert a_rest(answers(merged(), other)).record("/contacts", OLD) == {"type": "contact", "id": NEW}
    with pytest.raises(Unavailable, match="another object than was asked for"):
        a_rest(answers(other)).record("/contacts", OLD)
    with pytest.raises(Unavailable, match="another object than was asked for"):
        a_rest(answers(json_answer(200, {"type": "contact"}))).record("/contacts", OLD)
    assert a_rest(answers(json_answer(200, {"id": 12}))).record("/admins", "12") == {"id": 12}
    wire = answers(FINE)
    assert a_rest(wire).record("/contacts", "../me") is None
    assert wire.calls == []


# Pages


def listed(next_page: Any = None, rows: Any = None, total: Any = 4, pages: Any = ...) -> Response:
    found = {"type": "pages", "page": 1, "next": next_page} if pages is ... else pages
    rows = [{"id": "1"}] if rows is None else rows
    return json_answer(200, {"type": "list", "data": rows, "total_count": total, "pages": found})


def after(cursor: Any) -> dict[str, Any]:
    return {"page": 2, "starting_after": cursor}


CURSOR = "WzE3ODgxNzMxMDAwMDAsMjE1NDcyNjIxMjAyNzAxLDJd"


def test_a_search_goes_on_by_its_cursor() -> None:
    wire = answers(listed(after(CURSOR)), listed(after("b+/=")), listed(None))
    pages = list(a_rest(wire).pages("/contacts/search", key="data", body={"pagination": {"per_page": 2}}))
    assert [page.next_cursor for page in pages] == [CURSOR, "b+/=", None]
    assert [page.total_count for page in pages] == [4, 4, 4]
    assert [call.json()["pagination"] for call in wire.calls] == [
        {"per_page": 2},
        {"per_page": 2, "starting_after": CURSOR},
        {"per_page": 2, "starting_after": "b+/="},
    ]


def test_a_list_goes_on_by_its_cursor_even_where_it_names_an_address() -> None:
    elsewhere = "https://evil.example:99/admins?per_page=9&starting_after=b+%2F%3D&token=x#y"
    wire = answers(listed(elsewhere), listed(None))
    pages = list(a_rest(wire).pages("/contacts", key="data", params={"per_page": 50}))
    assert [page.next_cursor for page in pages] == ["b+/=", None]
    assert [call.url for call in wire.calls] == [
        "https://api.intercom.io/contacts?per_page=50",
        "https://api.intercom.io/contacts?per_page=50&starting_after=b%2B%2F%3D",
    ]


def test_a_list_can_start_at_a_cursor() -> None:
    wire = answers(listed(None))
    list(a_rest(wire).pages("/contacts/search", key="data", body={}, cursor=CURSOR))
    assert wire.calls[0].json() == {"pagination": {"starting_after": CURSOR}}


HOSTILE_NEXT: list[Any] = [
    "https://evil.example/?page=2",
    "https://evil.example/contacts?starting_after=",
    "https://evil.example/contacts?starting_after=a&starting_after=b",
    "http://169.254.169.254/latest/meta-data?x=1",
    "file:///etc/passwd",
    "//evil.example/contacts",
    "gopher://evil.example:70/_x",
    "javascript:alert(1)",
    "/admins",
    "",
    "https://api.intercom.io@evil.example/?a=b",
    "https://api.intercom.io/contacts?page=2",
    "x?starting_after=..%2F..%2Fme",
    "x?starting_after=a%0d%0aHost:%20evil",
    "x?starting_after=%F0%9F%98%80",
    "x?starting_after=https://evil.example",
    "x?starting_after=" + "a" * 2001,
    after("../../me"),
    after("https://evil.example/"),
    after("http://127.0.0.1:22"),
    after("file:///etc/passwd"),
    after("a b"),
    after("a\r\nX-Evil: 1"),
    after("a\0"),
    after("a&token=x"),
    after("a#b"),
    after("\u0430\u0431"),
    after("\ud83d"),
    after("a" * 2001),
    after("a" * 5_000_000),
    after(""),
    after(7),
    after(1.5),
    after(True),
    after([CURSOR]),
    after({"starting_after": CURSOR}),
    7,
    True,
    False,
    [],
    [after(CURSOR)],
]


@pytest.mark.parametrize("next_page", HOSTILE_NEXT, ids=lambda value: repr(value)[:60])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hostile_next_page_ends_the_list_and_leads_nowhere(next_page: Any, method: str) -> None:
    wire = answers(listed(next_page))
    body = {"query": {}} if method == "POST" else None
    pages = a_rest(wire).pages("/contacts", key="data", body=body)
    with pytest.raises(Unavailable, match="no answer of its"):
        list(pages)
    assert [urlsplit(call.url).netloc for call in wire.calls] == ["api.intercom.io"]


def test_there_are_at_least_thirty_hostile_next_pages() -> None:
    assert len(HOSTILE_NEXT) >= 30


@pytest.mark.parametrize("pages", [None, {}, {"next": None}, {"next": {}}, {"next": after(None)}], ids=str)
def test_a_list_without_a_next_page_ends(pages: Any) -> None:
    wire = answers(listed(pages=pages))
    assert [page.next_cursor for page in a_rest(wire).pages("/contacts", key="data")] == [None]


@pytest.mark.parametrize("pages", ["x", 1, [], True, [{"next": after(CURSOR)}]], ids=str)
def test_pages_of_another_shape_are_no_end(pages: Any) -> None:
    with pytest.raises(Unavailable, match="where the next page is"):
        list(a_rest(answers(listed(pages=pages))).pages("/contacts", key="data"))


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]], ids=str)
def test_a_cursor_that_comes_again_ends_the_list_with_an_error(cursors: list[str]) -> None:
    wire = answers(*[listed(after(cursor)) for cursor in cursors])
    pages = a_rest(wire).pages("/contacts/search", key="data", body={})
    with pytest.raises(Unavailable, match="lead nowhere"):
        list(pages)
    assert len(wire.calls) == len(cursors)


def test_the_cursor_to_start_at_counts_as_seen() -> None:
    wire = answers(listed(after("a")))
    with pytest.raises(Unavailable, match="lead nowhere"):
        list(a_rest(wire).pages("/contacts", key="data", cursor="a"))
    assert len(wire.calls) == 1


def endless(rows: Callable[[int], list[Any]]) -> Wire:
    wire = Wire(lambda _: listed(after(f"c{len(wire.calls)}"), rows(len(wire.calls))))
    return wire


def test_empty_pages_are_passed_over_but_not_for_ever() -> None:
    wire = endless(lambda _: [])
    with pytest.raises(Unavailable, match="lead nowhere"):
        list(a_rest(wire).pages("/contacts", key="data"))
    assert len(wire.calls) == 10


def test_empty_pages_between_others_are_no_harm() -> None:
    wire = endless(lambda number: [{"id": "1"}] if number % 9 == 0 else [])
    pages = a_rest(wire).pages("/contacts", key="data")
    assert sum(len(next(pages).objects) for _ in range(90)) == 10


NO_LISTS: list[Any] = [{}, {"data": None}, {"data": {}}, {"data": "x"}, {"data": 1}, {"tickets": []}]


@pytest.mark.parametrize("answer", NO_LISTS, ids=str)
def test_an_answer_without_its_list_is_none(answer: Any) -> None:
    with pytest.raises(Unavailable, match="no answer of its"):
        list(a_rest(answers(json_answer(200, answer))).pages("/contacts", key="data"))


def test_a_list_that_is_not_there_is_not_empty() -> None:
    with pytest.raises(Unavailable, match="no answer of its"):
        list(a_rest(answers(json_answer(404, errors("not_found")))).pages("/contacts", key="data"))


@pytest.mark.parametrize(
    ("total", "known"), [(0, 0), (7, 7), (-1, None), (True, None), ("7", None), (None, None), ([], None)]
)
def test_what_is_no_count_is_not_known(total: Any, known: int | None) -> None:
    [page] = a_rest(answers(listed(rows=[1, None, "x", [], {"id": "1"}], total=total))).pages(
        "/contacts", key="data"
    )
    assert page.total_count == known
    assert page.objects == [{"id": "1"}]


# What is sent


def test_a_request_says_who_asks_and_for_which_version() -> None:
    wire = answers(FINE)
    rest = a_rest(wire)
    rest.get("/contacts", {"per_page": 5, "starting_after": "a b"})
    rest.post("/contacts/search", {"query": "é"})
    [first, second] = wire.calls
    shared = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json",
        "Intercom-Version": "2.16",
    }
    query = "?per_page=5&starting_after=a+b"
    assert first == Call("GET", f"https://api.intercom.io/contacts{query}", shared, None)
    assert second.method == "POST"
    assert second.headers == shared | {"Content-Type": "application/json"}
    assert json.loads(second.body or b"") == {"query": "é"}


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, "https://api.intercom.io"),
        ({"region": "us"}, "https://api.intercom.io"),
        ({"region": "eu"}, "https://api.eu.intercom.io"),
        ({"region": "au"}, "https://api.au.intercom.io"),
        ({"url": "http://127.0.0.1:8099"}, "http://127.0.0.1:8099"),
        ({"url": "http://localhost:8099/"}, "http://localhost:8099"),
        ({"url": "http://[::1]:8099"}, "http://[::1]:8099"),
        ({"url": "https://stand-in.example"}, "https://stand-in.example"),
    ],
)
def test_each_region_has_its_address_and_a_stand_in_its_own(given: dict[str, str], base: str) -> None:
    wire = answers(FINE)
    a_rest(wire, **given).get("/me")
    assert wire.calls[0].url == f"{base}/me"


@pytest.mark.parametrize(
    "given",
    [
        {"region": "de"},
        {"region": ""},
        {"url": "http://stand-in.example"},
        {"url": "http://127.0.0.1.evil.example"},
        {"url": "ftp://127.0.0.1"},
        {"url": "127.0.0.1:80"},
        {"url": "https://"},
        {"url": "https://key@stand-in.example"},
        {"url": "https://stand-in.example?x=1"},
        {"patience_seconds": -1},
        {"patience_seconds": float("inf")},
        {"patience_seconds": float("nan")},
        {"token": ""},
        {"token": "canary token"},
        {"token": "canary\n"},
        {"token": "canar\u00ff"},
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said_at_once_and_never_with_the_token(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        Rest(**{"token": TOKEN, **given})
    assert "canar" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["me", "", "/", "//evil.example", "/contacts/../me", "/me?x=1", "/a b", "/a\r\nb", "https://x/y"]
)
def test_a_path_is_one_of_intercoms(path: str) -> None:
    wire = answers(FINE)
    with pytest.raises(ValueError, match="no path"):
        a_rest(wire).get(path)
    assert wire.calls == []


def test_time_that_goes_back_does_not_make_it_wait_for_long() -> None:
    clock = ManualClock(NOW - timedelta(days=365))
    answer = json_answer(429, errors("rate_limit_exceeded"), X_RateLimit_Remaining="0", **reset(4))
    a_rest(answers(answer, FINE), clock).get("/me")
    assert clock.waits == [61]
