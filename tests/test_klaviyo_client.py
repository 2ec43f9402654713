"""Klaviyo's answers, row by row: what is tried again, what costs a field or an event, and what stops all."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.errors import Denied, EngineError, FateUnknown, NotSent, Rejected, Throttled, Unavailable
from engine.events import Accepted, Request
from engine.klaviyo.bulk import FEW
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, ENDPOINTS, EVENTS, PROFILE_IMPORT
from engine.klaviyo.rest import retry_after
from engine.klaviyo.windows import RATE_SHARE, OwnWindows
from engine.ports import Response
from tests.support import NOW, Call, ManualClock, Wire, answers, json_answer
from tests.test_klaviyo_schemas import OPENAPI

PHONE = "/data/attributes/profile/data/attributes/phone_number"
EMAIL = "/data/attributes/profile/data/attributes/email"
BULK = "/data/attributes/events-bulk-create/data"
BAD_PHONE = "Invalid phone number format (Example of a valid format: +12345678901)"
CHALLENGE = Response(403, {"cf-mitigated": "challenge", "content-type": "text/html"}, b"<html>...</html>")
TAKEN = Response(202)
IMPORTED = json_answer(200, {"data": {"type": "profile", "id": "01H"}})


def error(status: int, code: str = "invalid", pointer: str = "", detail: str = "", **meta: str) -> Response:
    """A refusal as Klaviyo words it."""
    one = {
        "id": "1",
        "status": status,
        "code": code,
        "title": "Invalid input.",
        "detail": detail,
        "meta": meta,
    }
    source = {"source": {"pointer": pointer}} if pointer else {}
    return json_answer(status, {"errors": [{**one, **source}]})


def event(number: int = 0, **profile: str) -> Request:
    """An event, of a person with an e-mail address and a phone number where no other is given."""
    whom = profile or {"email": "ana@example.com", "phone_number": "+34600111222"}
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Created Ticket"}}},
        "profile": {"data": {"type": "profile", "attributes": whom}},
        "time": "2026-11-20T10:15:30Z",
        "unique_id": f"ic:w:ticket:{number}:created",
        "properties": {"Ticket ID": str(number), "Order": "10017"},
        "value": 5,
    }
    return Request(EVENTS, {"data": {"type": "event", "attributes": attributes}}, attributes["unique_id"])


def profile(number: int = 0, **more: Any) -> Request:
    """A profile to import."""
    attributes = {"email": f"person{number}@example.com", **more}
    return Request(PROFILE_IMPORT, {"data": {"type": "profile", "attributes": attributes}})


def klaviyo(wire: Wire, clock: ManualClock | None = None, **options: Any) -> Klaviyo:
    """A client on a wire, whose time is nobody's."""
    given = {"patience_seconds": 0.0, "workers": 1, **options}
    return Klaviyo("pk_secret", transport=wire, clock=clock or ManualClock(), **given)


# One answer, and what it means

ANSWERS: list[tuple[str, Response | EngineError, type[Any], str]] = [
    ("taken", TAKEN, Accepted, ""),
    ("taken, with hints", json_answer(202, {"meta": {"agent_hints": {"next_steps": []}}}), Accepted, ""),
    ("an unknown attribute", error(400, detail="'zzz' is not a valid field."), Rejected, "zzz"),
    ("a bad shape", error(400, pointer="/data", detail="The payload is invalid."), Rejected, "/data"),
    ("400 without errors", Response(400, {}, b"{}"), Rejected, "without a reason (400)"),
    ("400 with HTML", Response(400, {}, b"<html>"), Rejected, "without a reason (400)"),
    ("400 with strange errors", json_answer(400, {"errors": [None, 5, {"source": 7}]}), Rejected, "(400)"),
    ("a wrong key", error(401, "authentication_failed"), Denied, "does not accept the key"),
    ("no key", error(401, "not_authenticated"), Denied, "does not accept the key"),
    ("a scope is missing", error(403, "permission_denied"), Denied, "events:write"),
    ("the edge challenges", CHALLENGE, Unavailable, "403"),
    ("403 with HTML", Response(403, {"content-type": "text/html"}, b"<html>"), Unavailable, "403"),
    ("no such address", error(404, "not_found"), Denied, "no such address"),
    ("another method", error(405, "method_not_allowed"), Denied, "405"),
    ("a retired revision", error(410), Denied, "revision"),
    ("another media type", error(415), Denied, "415"),
    ("too large", Response(413), Rejected, "413"),
    ("a conflict", error(409, "conflict", "/data", "Conflict."), Rejected, "Conflict"),
    ("throttled", error(429, "throttled"), Throttled, "429"),
    ("too slow to ask", Response(408), Unavailable, "408"),
    ("500", error(500, "error"), Unavailable, "500"),
    ("502 with HTML", Response(502, {}, b"<html>"), Unavailable, "502"),
    ("503, empty", Response(503), Unavailable, "503"),
    ("504", Response(504), Unavailable, "504"),
    ("a redirect", Response(302, {"location": "https://elsewhere.test/"}), Unavailable, "redirect"),
    ("a moved address", Response(308, {"location": "/api/events/"}), Unavailable, "redirect"),
    ("203", Response(203), Unavailable, "203"),
    ("204", Response(204), Unavailable, "204"),
    ("200, empty", Response(200), Unavailable, "no answer of its"),
    ("200, to log in", json_answer(200, {"status": "login required"}), Unavailable, "no answer of its"),
    ("206", Response(206, {}, b"{"), Unavailable, "206"),
    ("200 with HTML", Response(200, {}, b"<html>"), Unavailable, "no answer of its"),
    ("200 with a list", Response(200, {}, b"[]"), Unavailable, "no answer of its"),
    ("200 with half a body", Response(200, {}, b'{"data": '), Unavailable, "no answer of its"),
    ("200, nested too deep", Response(200, {}, b"[" * 100_000), Unavailable, "no answer of its"),
    ("a status that is none", Response(999), Unavailable, "999"),
    ("no connection", NotSent("no connection came about"), NotSent, "no connection"),
    ("no answer", FateUnknown("no whole answer came in time"), FateUnknown, "no whole answer"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "meaning", "told"), [row[1:] for row in ANSWERS], ids=[r[0] for r in ANSWERS]
)
def test_each_answer_means_one_thing(answer: Response | EngineError, meaning: type[Any], told: str) -> None:
    wire = answers(answer)
    client = klaviyo(wire)
    if meaning is Denied:
        with pytest.raises(Denied, match=told.replace("(", ".").replace(")", ".")):
            client.send_event(event())
    else:
        found = client.send_event(event())
        assert type(found) is meaning
        assert told in str(found)
    assert len(wire.calls) == 1


def test_a_request_carries_the_key_the_revision_and_a_body_of_json() -> None:
    wire = answers(TAKEN)
    klaviyo(wire).send_event(event())
    [call] = wire.calls
    assert (call.method, call.url) == ("POST", "https://a.klaviyo.com/api/events")
    assert call.headers == {
        "Authorization": "Klaviyo-API-Key pk_secret",
        "revision": "2026-07-15",
        "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
        "Accept": "application/vnd.api+json",
        "Content-Type": "application/vnd.api+json",
    }
    assert call.json() == event().body


def test_an_oauth_token_is_a_bearer_and_never_beside_a_key() -> None:
    wire = answers(TAKEN)
    Klaviyo(access_token="tok", transport=wire, clock=ManualClock()).send_event(event())
    assert wire.calls[0].headers["Authorization"] == "Bearer tok"
    for wrong in ({}, {"key": "pk_x", "access_token": "tok"}):
        with pytest.raises(ValueError, match="one of them"):
            Klaviyo(**wrong)


META = {"patch_properties": {"unset": ["Old"]}}


@pytest.mark.parametrize(("revision", "beside"), [("2026-07-15", False), ("2026-10-15", True)])
def test_the_meta_of_an_events_profile_stands_where_the_revision_wants_it(
    revision: str, beside: bool
) -> None:
    whom = {"email": "ana@example.com"}
    for start in ({"attributes": {**whom, "meta": META}}, {"attributes": whom, "meta": META}):
        request = event()
        request.body["data"]["attributes"]["profile"]["data"] = {"type": "profile", **start}
        wire = answers(TAKEN)
        client = klaviyo(wire, revision=revision)
        client.send_event(request)
        client.send_events([request])
        alone, many = wire.calls
        assert alone.headers["revision"] == revision
        sent = alone.json()["data"]["attributes"]["profile"]["data"]
        assert ("meta" in sent, "meta" in sent["attributes"]) == (beside, not beside)
        [group] = many.json()["data"]["attributes"]["events-bulk-create"]["data"]
        assert group["attributes"]["profile"]["data"]["meta"] == META
        assert "meta" not in group["attributes"]["profile"]["data"]["attributes"]


# Retry-After

SAID = b'{"errors":[{"detail":"Request was throttled. Expected available in 7 seconds."}]}'
WAITS: list[tuple[str, bytes, float | None]] = [
    ("12", b"", 12), ("0", b"", 0), ("1.5", b"", 1.5), (" 3 ", b"", 3),
    ("", b"", None), ("", SAID, 7), ("", b"<html>", None), ("5", SAID, 5),
    ("999999999", b"", 900), ("1e400", b"", None), ("nan", b"", None), ("-5", b"", None),
    ("soon", b"", None), ("12 s", b"", None), ("\u0661\u0662", b"", 12), ("0x10", b"", None),
    ("Sat, 21 Nov 2026 00:00:30 GMT", b"", 30), ("Wed, 21 Oct 2015 07:28:00 GMT", b"", 0),
    ("Sat, 21 Nov 2026", b"", None), ("Fri, 99 Foo 2026 00:00:30 GMT", b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "body", "seconds"), WAITS)
def test_retry_after_in_all_its_forms(text: str, body: bytes, seconds: float | None) -> None:
    headers = {"retry-after": text} if text else {}
    assert retry_after(Response(429, headers, body), NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "least"), [({}, 0.5), ({"retry-after": "0"}, 0.5), ({"retry-after": "12"}, 12)]
)
def test_a_throttled_event_is_sent_again_when_klaviyo_says_and_not_at_once(
    headers: dict[str, str], least: float
) -> None:
    clock = ManualClock()
    wire = answers(Response(429, headers), TAKEN)
    [answer] = klaviyo(wire, clock, patience_seconds=60.0).deliver([event()])
    assert answer == Accepted()
    assert least <= sum(clock.waits) < least + 1
    assert wire.calls[0].body == wire.calls[1].body


def test_a_huge_retry_after_ends_the_waiting_and_is_handed_on() -> None:
    clock = ManualClock()
    wire = answers(Response(429, {"retry-after": "86400"}))
    [answer] = klaviyo(wire, clock, patience_seconds=600.0).deliver([event()])
    assert isinstance(answer, Unavailable)
    assert answer.retry_after == 900
    assert len(wire.calls) == 1
    assert clock.waits == []


def test_an_outage_is_waited_out_ever_more_patiently_with_the_same_bytes() -> None:
    clock = ManualClock()
    wire = answers(*[FateUnknown("gone")] * 4, *[Response(503)] * 4, TAKEN)
    [answer] = klaviyo(wire, clock, patience_seconds=3600.0).deliver([event()])
    assert answer == Accepted()
    assert len({call.body for call in wire.calls}) == 1
    assert clock.waits == pytest.approx([0.5 * 2**n for n in range(8)], abs=0.1)


def test_patience_has_an_end_and_what_is_left_says_why() -> None:
    clock = ManualClock()
    wire = answers(Response(503))
    [answer] = klaviyo(wire, clock, patience_seconds=100.0).deliver([event()])
    assert isinstance(answer, Unavailable)
    assert "503" in answer.reason
    assert 30 < clock.seconds <= 100


# What a refusal costs


A = "/data/attributes"
CONFLICT = error(409, "duplicate_profile", A)


@pytest.mark.parametrize(
    ("request_", "refusal", "gone"),
    [
        (event(), error(400, pointer=PHONE, detail=BAD_PHONE), "profile.phone_number"),
        (event(), error(400, pointer=EMAIL, detail="Invalid email address"), "profile.email"),
        (event(), error(400, pointer=f"{A}/value"), "value"),
        (event(), error(400, pointer=f"{A}/properties/Order"), "properties.Order"),
        (event(), CONFLICT, "profile.phone_number"),
        (profile(phone_number="600"), error(400, pointer=f"{A}/phone_number"), "profile.phone_number"),
        (profile(phone_number="+34600111222"), CONFLICT, "profile.phone_number"),
        (profile(location={"city": "X"}), error(400, pointer=f"{A}/location/city"), "profile.location.city"),
        (profile(properties={"a/b~c": 1}), error(400, pointer=f"{A}/properties/a~1b~0c"), "properties.a/b~c"),
    ],
)  # fmt: skip
def test_a_refusal_of_one_optional_field_costs_the_field(
    request_: Request, refusal: Response, gone: str
) -> None:
    wire = answers(refusal, TAKEN if request_.endpoint == EVENTS else IMPORTED)
    answer = klaviyo(wire).send_event(request_)
    assert isinstance(answer, Accepted)
    assert [issue.field for issue in answer.left_out] == [gone]
    first, second = wire.calls
    assert first.json() == request_.body
    assert gone.rpartition(".")[2] not in json.dumps(second.json())
    assert "ana@example.com" not in str(answer.left_out)


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (event(phone_number="600"), error(400, pointer=PHONE)),
        (event(email="no"), error(400, pointer=EMAIL)),
        (event(), error(400, pointer="/data/attributes/metric")),
        (event(), error(400, pointer="/data/attributes/unique_id")),
        (event(), error(400, pointer="/data/attributes/time")),
        (event(), error(400, pointer="/data/attributes/properties")),
        (event(), error(400, pointer="/data/attributes/properties/Absent")),
        (event(), error(400, detail=BAD_PHONE)),
        (profile(), CONFLICT),
    ],
)
def test_a_refusal_of_what_cannot_be_left_out_costs_the_event(request_: Request, refusal: Response) -> None:
    wire = answers(refusal)
    assert isinstance(klaviyo(wire).send_event(request_), Rejected)
    assert len(wire.calls) == 1


def test_a_second_refusal_is_the_last() -> None:
    wire = answers(error(400, pointer=PHONE), error(400, pointer="/data/attributes/value"))
    assert isinstance(klaviyo(wire).send_event(event()), Rejected)
    assert len(wire.calls) == 2


def test_a_refusal_repeats_no_value_in_its_message() -> None:
    detail = "Invalid address ANA@example.com of Ana, call +34 600 111 222 or 10017\x1b[2J"
    answer = klaviyo(answers(error(400, pointer="/data/attributes/metric", detail=detail))).send_event(
        event()
    )
    assert isinstance(answer, Rejected)
    assert str(answer) == "Klaviyo refuses metric: Invalid address ... of Ana, call ... or ... [2J"
    assert answer.detail == detail


# Many at once


def pointed(*places: str) -> Response:
    """A refusal that points at places of a bulk request."""
    return json_answer(
        400, {"errors": [{"detail": "no", "source": {"pointer": f"{BULK}/{one}"}} for one in places]}
    )


def many(number: int) -> list[Request]:
    """Events of as many people."""
    return [event(place, email=f"person{place}@example.com") for place in range(number)]


def sizes(wire: Wire) -> list[int]:
    """How many events each request carried."""
    return [len(ids_in(call)) for call in wire.calls]


def ids_in(call: Call) -> list[str]:
    if call.url.endswith(EVENTS):
        return [call.json()["data"]["attributes"]["unique_id"]]
    groups = call.json()["data"]["attributes"]["events-bulk-create"]["data"]
    return [
        one["attributes"]["unique_id"] for group in groups for one in group["attributes"]["events"]["data"]
    ]


def test_a_thousand_events_are_one_request_and_one_more_is_another() -> None:
    wire = answers(TAKEN)
    assert klaviyo(wire).send_events(many(1001)) == [Accepted()] * 1001
    assert sizes(wire) == [1000, 1]


def test_five_megabytes_are_a_limit_of_their_own() -> None:
    requests = many(200)
    for request in requests:
        request.body["data"]["attributes"]["properties"]["Text"] = "\u00f6" * 49_000
    wire = answers(TAKEN)
    klaviyo(wire).send_events(requests)
    assert sum(sizes(wire)) == 200
    assert all(len(call.body or b"") <= 5_000_000 for call in wire.calls)
    assert len(wire.calls) == 4


def test_events_of_one_profile_stand_together_and_history_is_marked_twice() -> None:
    requests = [event(0), event(1, email="bo@example.com"), event(2)]
    for request in requests:
        request.body["data"]["attributes"]["backfill"] = True
    wire = answers(TAKEN)
    klaviyo(wire).send_events(requests)
    groups = wire.calls[0].json()["data"]["attributes"]["events-bulk-create"]["data"]
    assert [len(group["attributes"]["events"]["data"]) for group in groups] == [2, 1]
    assert all(group["attributes"]["backfill"] is True for group in groups)
    sent = [one for group in groups for one in group["attributes"]["events"]["data"]]
    assert all(one["attributes"]["backfill"] is True for one in sent)


def test_one_id_stands_once_in_a_request() -> None:
    wire = answers(TAKEN)
    assert klaviyo(wire).send_events([event(1), event(2), event(1)]) == [Accepted()] * 3
    assert sizes(wire) == [2, 1]


def test_what_a_refusal_points_at_is_set_aside_and_the_rest_is_sent_again() -> None:
    wire = answers(pointed("1/attributes/events/data/0/attributes/metric", "3/attributes"), TAKEN)
    found = klaviyo(wire).send_events(many(5))
    assert [type(one) for one in found] == [Accepted, Rejected, Accepted, Rejected, Accepted]
    assert sizes(wire) == [5, 3]


def test_a_field_that_a_bulk_refusal_points_at_is_left_out_of_all_events_of_the_profile() -> None:
    wire = answers(pointed("0/attributes/profile/data/attributes/phone_number"), TAKEN)
    found = klaviyo(wire).send_events([event(0), event(1, email="bo@example.com"), event(2)])
    assert [len(one.left_out) for one in found if isinstance(one, Accepted)] == [1, 0, 1]
    assert "phone_number" not in str(wire.calls[1].json())


def test_an_id_that_is_refused_as_a_repetition_goes_alone_where_repetitions_are_passed_over() -> None:
    wire = answers(pointed("2/attributes/events/data/0/attributes/unique_id"), TAKEN)
    assert klaviyo(wire).send_events(many(4)) == [Accepted()] * 4
    assert [call.url.rpartition("/api/")[2] for call in wire.calls] == [
        "event-bulk-create-jobs", "events", "event-bulk-create-jobs",
    ]  # fmt: skip
    assert sizes(wire) == [4, 1, 3]


def poisoned(*bad: int, status: int = 400) -> Wire:
    """Refuses whatever holds one of these events, and says nothing of which."""
    wrong = {event(number).unique_id for number in bad}
    return Wire(lambda call: Response(status) if wrong & {*ids_in(call)} else TAKEN)


@pytest.mark.parametrize("bad", [0, 1, 249, 250, 499, 500, 511, 512, 876, 998, 999])
@pytest.mark.parametrize("status", [400, 413])
def test_one_bad_event_of_a_thousand_costs_eight_bulk_requests_at_most(bad: int, status: int) -> None:
    wire = poisoned(bad, status=status)
    found = klaviyo(wire).send_events(many(1000))
    assert [place for place, one in enumerate(found) if one != Accepted()] == [bad]
    assert isinstance(found[bad], Rejected)
    single = [call for call in wire.calls if call.url.endswith(EVENTS)]
    assert len(wire.calls) - len(single) <= int(10 * RATE_SHARE)  # what our share of a second's window holds
    assert len(single) <= FEW


def test_every_place_of_a_bad_event_is_found_whatever_the_number() -> None:
    for number in range(1, 34):
        for bad in range(number):
            wire = poisoned(bad)
            found = klaviyo(wire).send_events(many(number))
            assert [place for place, one in enumerate(found) if one != Accepted()] == [bad]


def test_where_many_are_bad_each_goes_alone_after_a_few_searches() -> None:
    bad = range(0, 1000, 3)
    wire = poisoned(*bad)
    found = klaviyo(wire).send_events(many(1000))
    assert [place for place, one in enumerate(found) if one != Accepted()] == [*bad]
    assert len(wire.calls) < 1000 + 5 * (8 + FEW)


def test_a_request_that_is_refused_whatever_is_in_it_loses_no_event() -> None:
    wire = Wire(lambda call: TAKEN if call.url.endswith(EVENTS) else Response(400))
    assert klaviyo(wire).send_events(many(300)) == [Accepted()] * 300


def test_a_lost_answer_of_a_bulk_request_is_followed_by_the_same_bytes() -> None:
    clock = ManualClock()
    wire = answers(FateUnknown("gone"), TAKEN)
    assert klaviyo(wire, clock, patience_seconds=60.0).deliver(many(50), bulk=True) == [Accepted()] * 50
    assert wire.calls[0].body == wire.calls[1].body


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "/data",
        "nonsense",
        "/data/attributes/x/data/-1",
        f"{BULK}/99/attributes",
        f"{BULK}/0x1",
        BULK + "/" + "9" * 5000,
    ],
)
def test_a_pointer_that_leads_nowhere_is_none(pointer: str) -> None:
    bad = event(2).unique_id
    refusal = json_answer(400, {"errors": [{"detail": "no", "source": {"pointer": pointer}}]})
    wire = Wire(lambda call: refusal if bad in ids_in(call) else TAKEN)
    found = klaviyo(wire).send_events(many(4))
    assert [place for place, one in enumerate(found) if one != Accepted()] == [2]


# One that always fails, an interruption, a key that is not accepted


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("workers", [1, 8])
def test_an_event_for_which_klaviyo_always_fails_costs_nobody_else(bulk: bool, workers: int) -> None:
    bad = {event(17).unique_id, event(18).unique_id, event(19).unique_id, event(20).unique_id}
    wire = Wire(lambda call: Response(500) if bad & {*ids_in(call)} else TAKEN)
    client = klaviyo(wire, patience_seconds=600.0, workers=workers)
    found = client.deliver(many(100), bulk=bulk)
    assert [place for place, one in enumerate(found) if one != Accepted()] == [17, 18, 19, 20]
    assert all(isinstance(found[place], Unavailable) for place in (17, 18, 19, 20))


def test_after_nothing_could_be_sent_for_so_long_one_try_has_to_do() -> None:
    clock = ManualClock()
    wire = answers(NotSent("no connection came about"))
    client = klaviyo(wire, clock, patience_seconds=600.0)
    client.deliver(many(5))
    spent = clock.seconds
    assert 300 < spent <= 600
    client.deliver(many(5))
    assert clock.seconds == spent
    clock.sleep(301)
    client.deliver(many(5))
    assert clock.seconds > spent + 600


def test_patience_bounds_what_klaviyo_asks_to_wait_also_for_the_next() -> None:
    clock = ManualClock()
    wire = answers(Response(429, {"retry-after": "3600"}), TAKEN)
    client = klaviyo(wire, clock, patience_seconds=600.0)
    for _ in range(2):
        [answer] = client.deliver([event()])
        assert isinstance(answer, Unavailable)
    assert clock.seconds < 600
    assert len(wire.calls) == 1


def test_an_interruption_leaves_what_waits_where_it_is() -> None:
    sent = []

    def interrupt(call: Call) -> Response:
        sent.append(call)
        if len(sent) == 10:
            raise KeyboardInterrupt
        return TAKEN

    with pytest.raises(KeyboardInterrupt):
        klaviyo(Wire(interrupt), workers=4).deliver(many(400))
    assert len(sent) < 30


@pytest.mark.parametrize("workers", [1, 4])
def test_a_key_that_is_refused_on_the_way_hides_nothing_that_was_accepted(workers: int) -> None:
    left = iter(range(100))
    wire = Wire(lambda _: TAKEN if next(left) < 20 else error(401))
    with pytest.raises(Denied) as denied:
        klaviyo(wire, workers=workers).deliver(many(100))
    assert list(denied.value.answers.values()).count(Accepted()) == 20
    assert len(wire.calls) <= 20 + workers


def test_a_scope_for_profiles_that_lacks_hides_no_event_of_the_same_bulk() -> None:
    wire = Wire(lambda call: TAKEN if call.url.endswith(BULK_EVENTS) else error(403, "permission_denied"))
    with pytest.raises(Denied) as denied:
        klaviyo(wire).deliver([profile(), *many(3)], bulk=True)
    assert denied.value.answers == {1: Accepted(), 2: Accepted(), 3: Accepted()}


@pytest.mark.parametrize("fields", [{"properties.Order"}, {"value"}, {"profile.phone_number"}])
def test_what_its_spec_requires_is_never_left_out(fields: set[str]) -> None:
    [field] = fields
    pointer = {"properties.Order": f"{A}/properties/Order", "value": f"{A}/value"}.get(field, PHONE)
    required = replace(event(), required=frozenset(fields))
    assert isinstance(klaviyo(answers(error(400, pointer=pointer), TAKEN)).send_event(required), Rejected)


def test_what_is_of_one_person_keeps_its_order_whatever_it_is_known_by() -> None:
    requests = [
        profile(0, external_id="7"),
        profile(0),
        event(1, external_id="7"),
        event(2, email="PERSON0@example.com"),
    ]
    others = many(40)
    order = []

    def note(call: Call) -> Response:
        order.append(call.body)
        return TAKEN if call.url.endswith(EVENTS) else IMPORTED

    klaviyo(Wire(note), workers=8).deliver([requests[0], *others, *requests[1:]])
    mine = [raw for raw in order if b"person0@example" in (raw or b"").lower() or b'"7"' in (raw or b"")]
    sent = [json.loads(raw or b"") for raw in mine if b"ticket:0:" not in (raw or b"")]
    assert [one for one in sent if one in [request.body for request in requests]] == [
        one.body for one in requests
    ]


@pytest.mark.parametrize(
    "options",
    [{"key": "pk_x\n"}, {"key": "pk x"}, {"key": "pk_\u00e9"}, {"patience_seconds": float("nan")},
     {"patience_seconds": -1}, {"workers": 0}, {"url": "http://example.com"}],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Klaviyo(**{"key": "pk_x", **options})


# Profiles in bulk


class Jobs:
    """A stand-in for import jobs, which end after some questions."""

    def __init__(
        self, *, polls: int = 2, status: str = "complete", failed: dict[int, str] | None = None
    ) -> None:
        self.wire = Wire(self.answer)
        self.started: list[Any] = []
        self._polls, self._status, self._failed = polls, status, failed or {}
        self._asked = 0

    def answer(self, call: Call) -> Response:
        if call.method == "POST":
            if not call.url.endswith(BULK_PROFILES):
                return IMPORTED
            self.started.append(call.json())
            self._asked = 0
            return json_answer(202, {"data": {"type": "profile-bulk-import-job", "id": "Z2FsVGlja2V0"}})
        if "import-errors" in call.url:
            start = "/data/attributes/profiles/data"
            rows = [
                {"type": "import-error", "id": str(n), "attributes": {
                    "code": "invalid", "detail": "no", "original_payload": {"email": "secret@example.com"},
                    "source": {"pointer": f"{start}/{place}/attributes/{name}"}}}
                for n, (place, name) in enumerate(self._failed.items())
            ]  # fmt: skip
            return json_answer(200, {"data": rows, "links": {"next": None}})
        self._asked += 1
        status = self._status if self._asked > self._polls else "processing"
        return json_answer(
            200, {"data": {"attributes": {"status": status, "failed_count": len(self._failed)}}}
        )


def test_a_job_is_followed_to_its_end_with_its_errors_by_profile() -> None:
    jobs, clock = Jobs(failed={1: "phone_number", 2: "email"}), ManualClock()
    requests = [profile(0), profile(1, phone_number="600"), profile(2), profile(3)]
    found = klaviyo(jobs.wire, clock).import_profiles(requests)
    assert [type(one) for one in found] == [Accepted, Accepted, Rejected, Accepted]
    assert [issue.field for issue in found[1].left_out] == ["profile.phone_number"]  # type: ignore[union-attr]
    assert clock.waits[:2] == [1, 2]
    assert "secret" not in str(found)


def test_profiles_are_packed_by_bytes_and_none_stands_twice_in_a_job() -> None:
    jobs = Jobs(polls=0)
    large = [profile(n, properties={"Text": "x" * 90_000}) for n in range(100)]
    klaviyo(jobs.wire).import_profiles([*large, profile(0), profile(0, external_id="7"), profile(1)])
    listed = [job["data"]["attributes"]["profiles"]["data"] for job in jobs.started]
    sent = [[one["attributes"]["email"] for one in profiles] for profiles in listed]
    assert all(len(set(job)) == len(job) for job in sent)
    assert sum(map(len, sent)) == 103
    assert [job.index("person0@example.com") >= 0 for job in sent if "person0@example.com" in job] == [
        True
    ] * 3


@pytest.mark.parametrize(
    "pointer", ["/data/attributes/email", "", "/data/attributes/profiles/data/99/x", None]
)
def test_profiles_that_failed_without_being_named_are_sent_alone(pointer: str | None) -> None:
    imported = []

    def answer(call: Call) -> Response:
        if call.url.endswith(PROFILE_IMPORT):
            imported.append(call.json()["data"]["attributes"]["email"])
            return error(400, pointer=f"{A}/email") if "person1@" in imported[-1] else IMPORTED
        if call.method == "POST":
            return json_answer(202, {"data": {"id": "job"}})
        if "import-errors" in call.url:
            row = {"type": "import-error", "attributes": {"detail": "no", "source": {"pointer": pointer}}}
            return json_answer(200, {"data": [] if pointer is None else [row, {"attributes": ["odd"]}]})
        return json_answer(200, {"data": {"attributes": {"status": "complete", "failed_count": 1}}})

    found = klaviyo(Wire(answer)).import_profiles([profile(n) for n in range(3)])
    assert [type(one) for one in found] == [Accepted, Rejected, Accepted]
    assert len(imported) == 3


def test_a_newer_profile_never_comes_before_an_older_one_that_waits() -> None:
    states: list[str] = []
    jobs = iter([503, 202, 202, 202])

    def answer(call: Call) -> Response:
        if call.method == "GET":
            return json_answer(200, {"data": {"attributes": {"status": "complete", "failed_count": 0}}})
        status = next(jobs)
        if status == 202:
            sent = call.json()["data"]["attributes"]["profiles"]["data"]
            states.extend(
                one["attributes"]["first_name"] for one in sent if "first_name" in one["attributes"]
            )
        return json_answer(status, {"data": {"id": "job"}})

    old, new = profile(0, first_name="Old"), profile(0, first_name="New")
    found = klaviyo(Wire(answer), patience_seconds=60.0).deliver([old, profile(1), new], bulk=True)
    assert found == [Accepted()] * 3
    assert states == ["Old", "New"]


def test_a_job_that_klaviyo_does_not_know_is_not_searched_for_bad_profiles() -> None:
    wire = Wire(
        lambda call: json_answer(202, {"data": {"id": "job"}}) if call.method == "POST" else error(404)
    )
    assert [type(one) for one in klaviyo(wire).import_profiles([profile(n) for n in range(50)])] == [
        FateUnknown
    ] * 50
    assert len(wire.calls) == 2


@pytest.mark.parametrize(
    ("status", "meaning"), [("cancelled", Unavailable), ("processing", FateUnknown), (None, FateUnknown)]
)
def test_a_job_without_an_end_is_told_as_such(status: Any, meaning: type[Any]) -> None:
    clock = ManualClock()
    found = klaviyo(Jobs(status=status).wire, clock).import_profiles([profile()])
    assert [type(one) for one in found] == [meaning]
    assert clock.seconds <= 1800


@pytest.mark.parametrize(
    "answer", [{}, {"data": []}, {"data": {"id": "../accounts"}}, {"data": {"id": 5}}, {"data": {"id": ""}}]
)
def test_a_job_without_a_fit_id_is_not_followed(answer: Any) -> None:
    wire = answers(json_answer(202, answer))
    assert [type(one) for one in klaviyo(wire).import_profiles([profile()])] == [FateUnknown]
    assert len(wire.calls) == 1


# Windows


def test_no_second_and_no_minute_holds_more_than_our_share() -> None:
    clock = ManualClock()
    windows = OwnWindows(clock, 0.8)
    sent = []
    for _ in range(400):
        windows.wait(f"POST {BULK_EVENTS}")
        sent.append(clock.monotonic())
    for length, most in ((1.0, 8), (60.0, 120)):
        assert max(sum(start <= one < start + length for one in sent) for start in sent) == most
    assert sent[-1] == pytest.approx(3 * 61 + 4 * 1.1, abs=0.1), "no slower than that"


def test_endpoints_do_not_wait_for_each_other() -> None:
    clock = ManualClock()
    windows = OwnWindows(clock)
    for _ in range(12):
        windows.wait("GET /api/accounts")
    before = clock.seconds
    windows.wait(f"POST {EVENTS}")
    assert clock.seconds == before


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"limit": "3500", "remaining": "700", "reset": "40"}, 40),
        ({"limit": "3500", "remaining": "701", "reset": "40"}, 0),
        ({"remaining": "0", "reset": "5"}, 5),
        ({"limit": "3500", "remaining": "0", "reset": "86400"}, 61),
        ({"limit": "3500", "remaining": "0"}, 0),
        ({"limit": "x", "remaining": "-3", "reset": "nan"}, 0),
        ({"limit": "3500", "remaining": "9" * 400, "reset": "1"}, 0),
    ],
)
def test_what_others_use_is_left_to_them(headers: dict[str, str], waits: float) -> None:
    clock = ManualClock()
    wire = answers(Response(202, {f"ratelimit-{name}": text for name, text in headers.items()}))
    client = klaviyo(wire, clock)
    client.send_event(event(1))
    client.send_event(event(2))
    assert clock.seconds == pytest.approx(waits, abs=0.1)


def test_after_a_429_nothing_else_leaves_for_that_endpoint_until_its_time() -> None:
    clock = ManualClock()
    wire = answers(Response(429, {"retry-after": "30"}), TAKEN)
    client = klaviyo(wire, clock)
    client.send_event(event(1))
    client.import_profile(profile())
    assert clock.seconds == 0
    client.send_event(event(2))
    assert clock.seconds == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_is_a_part_of_the_limits(share: float) -> None:
    with pytest.raises(ValueError, match="rate_share"):
        klaviyo(answers(TAKEN), rate_share=share)


# Reading back

AT = datetime(2026, 11, 1, tzinfo=UTC)
CURSORS = [
    "https://evil.test/api/metrics?page%5Bcursor%5D=abc", "//evil.test/?page[cursor]=abc",
    "http://127.0.0.1:1/?page[cursor]=abc", "file:///etc/passwd?page[cursor]=abc",
    "https://a.klaviyo.com@evil.test/?page[cursor]=abc", "?page[cursor]=abc",
]  # fmt: skip
NO_CURSORS: list[Any] = [
    "https://a.klaviyo.com/api/metrics", "?page[cursor]=", "?page[cursor]=a&page[cursor]=b",
    "?page[cursor]=a%0d%0ab", "?page[cursor]=" + "a" * 3000, "?page[cursor]=%00", "?page[cursor]=%F0%9F",
    5, ["x"], {"href": "x"}, True, "https://[::1", "?page[cursor]=a b", "javascript:alert(1)", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("address", CURSORS)
def test_of_an_address_in_an_answer_only_the_cursor_is_taken(address: str) -> None:
    wire = answers(
        json_answer(200, {"data": [{"id": "A"}], "links": {"next": address}}), json_answer(200, {"data": []})
    )
    assert [one["id"] for one in klaviyo(wire).metrics()] == ["A"]
    assert wire.calls[1].url == "https://a.klaviyo.com/api/metrics?page%5Bcursor%5D=abc"


@pytest.mark.parametrize("address", NO_CURSORS)
def test_an_address_without_a_fit_cursor_ends_in_an_error(address: Any) -> None:
    wire = answers(json_answer(200, {"data": [], "links": {"next": address}}))
    with pytest.raises(Unavailable, match="no answer of its"):
        list(klaviyo(wire).metrics())
    assert len(wire.calls) == 1


def test_a_cursor_that_comes_again_ends_in_an_error() -> None:
    wire = answers(json_answer(200, {"data": [], "links": {"next": "?page[cursor]=abc"}}))
    with pytest.raises(Unavailable, match="same page again"):
        list(klaviyo(wire).metrics())
    assert len(wire.calls) == 2


WRONG: list[Any] = [
    None,
    [],
    "x",
    5,
    {},
    {"data": None},
    {"data": {}},
    {"data": [1]},
    {"data": [[]]},
    {"data": "x"},
]


@pytest.mark.parametrize("value", WRONG)
def test_an_answer_of_another_shape_is_none(value: Any) -> None:
    client = klaviyo(answers(json_answer(200, value)))
    asks: list[Callable[[], Any]] = [
        client.account,
        lambda: list(client.metrics()),
        lambda: client.metric_properties("A"),
        lambda: client.metric_aggregates("A", AT, NOW),
        lambda: list(client.profiles(email="a@example.com")),
    ]
    for ask in asks:
        with pytest.raises(Unavailable):
            ask()


def test_filters_are_written_as_klaviyo_reads_them() -> None:
    wire = answers(json_answer(200, {"data": [], "links": {"next": None}}))
    client = klaviyo(wire)
    list(client.events(metric_id="UMTLbD", since=AT, until=NOW))
    list(client.profiles(email='a+b"\\@example.com', ids=["01H", "02H"]))
    filters = [parse_qs(urlsplit(call.url).query)["filter"] for call in wire.calls]
    assert filters == [
        [
            'equals(metric_id,"UMTLbD"),greater-or-equal(datetime,2026-11-01T00:00:00Z),'
            "less-than(datetime,2026-11-21T00:00:00Z)"
        ],
        ['equals(email,"a+b\\"\\\\@example.com"),any(id,["01H","02H"])'],
    ]  # fmt: skip


def test_counts_are_told_by_the_start_of_their_interval() -> None:
    answer = {"data": {"attributes": {
        "dates": ["2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"],
        "data": [{"measurements": {"count": [3, 0]}}, {"measurements": {"count": [1, 2.0]}}]}}}  # fmt: skip
    found = klaviyo(answers(json_answer(200, answer))).metric_aggregates("UMTLbD", AT, NOW)
    assert found == {"2026-11-01T00:00:00+00:00": 4, "2026-11-02T00:00:00+00:00": 2}


@pytest.mark.parametrize("one", ["", "../x", "a/b", 'a")', "a b", "x" * 101])
def test_an_id_that_is_none_goes_nowhere(one: str) -> None:
    wire = answers(json_answer(200, {"data": []}))
    with pytest.raises(ValueError, match="no id"):
        klaviyo(wire).metric_properties(one)
    assert wire.calls == []


def test_our_table_of_endpoints_is_klaviyos() -> None:
    if not OPENAPI.exists():
        pytest.skip("Klaviyo's specification is not at hand: our table of limits is held against nothing")
    paths = json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"]
    for endpoint, ours in ENDPOINTS.items():
        method, _, path = endpoint.partition(" ")
        theirs = paths[path][method.lower()]
        limit = theirs["x-klaviyo-ratelimit"]
        assert (f"{ours.a_second}/s", f"{ours.a_minute}/m") == (limit["burst"], limit["steady"]), endpoint
        assert [*ours.scopes] == theirs["x-klaviyo-scopes"], endpoint
