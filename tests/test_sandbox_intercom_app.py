"""What REST answers, and how it refuses: each line of the checklist has its test."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.ports import Response
from engine.sandbox.intercom.desk import SCOPES
from engine.sandbox.intercom.fields import FIELDS
from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.truth import Conversation
from engine.sandbox.intercom.versions import VERSIONS
from engine.sandbox.intercom.workspace import Workspace
from tests.sandbox_intercom import Desktop, shared_workspace
from tests.support import NOW

END = int(NOW.timestamp())
KEYS = {"conversations": "conversations", "tickets": "tickets", "contacts": "data"}
EVERYTHING = {"field": "created_at", "operator": ">", "value": 0}


@pytest.fixture
def desktop() -> Desktop:
    return Desktop()


def people() -> list[Any]:
    return [*shared_workspace().contacts.values()]


def conversation_where(test: Any) -> Conversation:
    return next(one for one in shared_workspace().conversations.values() if test(one))


def found(desktop: Desktop, kind: str, *filters: Any, **more: Any) -> list[str]:
    rows = desktop.search(kind, {"operator": "AND", "value": list(filters)}, **more)[KEYS[kind]]
    return [row["id"] for row in rows]


def only(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


# Addresses


def test_the_office_is_listed_and_looked_up(desktop: Desktop) -> None:
    office = shared_workspace().office
    assert desktop.get("/me")["app"] | {"created_at": 0} == {
        "type": "app", "id_code": "hx7q2m9d", "name": "Acme Lamps", "created_at": 0, "secure": False,
        "identity_verification": False, "timezone": "Europe/Berlin", "region": "EU",
    }  # fmt: skip
    assert desktop.get("/admins") == {"type": "admin.list", "admins": [*office.admins.values()]}
    assert desktop.get("/teams") == {"type": "team.list", "teams": [*office.teams.values()]}
    assert desktop.get("/tags") == {"type": "list", "data": [*office.tags.values()]}
    assert desktop.get("/ticket_types") == {"type": "list", "data": [*office.ticket_types.values()]}
    assert [row["category"] for row in desktop.get("/ticket_states")["data"]][:4] == [
        "submitted", "in_progress", "waiting_on_customer", "resolved",
    ]  # fmt: skip
    assert "count" not in desktop.get("/segments")["segments"][0]
    assert "count" in desktop.get("/segments?include_count=true")["segments"][0]
    for folder, records in (
        ("admins", office.admins),
        ("teams", office.teams),
        ("companies", office.companies),
    ):
        key, record = next(iter(records.items()))
        assert desktop.get(f"/{folder}/{key}") == record


def test_a_contact_names_ten_tags_by_id_and_its_list_has_all_with_names(desktop: Desktop) -> None:
    tagged = next(one for one in people() if len(one.tags) > 10)
    listed = desktop.get(f"/contacts/{tagged.id}")["tags"]
    assert (len(listed["data"]), listed["total_count"], listed["has_more"]) == (10, 12, True)
    assert {*listed["data"][0]} == {"id", "type", "url"}
    rows = desktop.get(f"/contacts/{tagged.id}/tags")["data"]
    assert len(rows) == 12
    assert all(row["name"] and row["applied_at"] and row["applied_by"] for row in rows)


def test_a_contact_s_subscriptions_are_those_chosen_by_hand(desktop: Desktop) -> None:
    out = next(one for one in people() if one.opted_out == ("91", "92"))
    rows = desktop.get(f"/contacts/{out.id}/subscriptions")["data"]
    assert [(row["id"], row["consent_type"]) for row in rows] == [("91", "opt_out"), ("92", "opt_out")]
    assert desktop.get(f"/contacts/{people()[0].id}/subscriptions")["data"] == []


def test_users_are_found_by_the_shop_s_id_and_leads_are_not(desktop: Desktop) -> None:
    user, lead = people()[0], people()[1]
    assert desktop.get(f"/contacts/find_by_external_id/{user.external_id}")["id"] == user.id
    path = f"/contacts/find_by_external_id/{lead.external_id}"
    assert desktop.refusal("GET", path) == (404, "not_found")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_merged_contact_is_gone_with_a_link_since_2_16_and_not_found_before(
    desktop: Desktop, version: str
) -> None:
    for merged in (one for one in people() if one.merged_into):
        status, value, headers = desktop.ask("GET", f"/contacts/{merged.id}", version=version)
        if version == "2.16":
            assert headers["link"] == f'</contacts/{people()[0].id}>; rel="canonical"'
            assert (status, value["errors"][0]["code"]) == (410, "contact_merged")
            assert "request_id" not in value
        else:
            assert "link" not in headers
            assert (status, value["errors"][0]["message"]) == (404, "User Not Found")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/contacts/68b1c2d3e4f5a6b7c8d9ffff", "not_found"),
        ("/contacts/x/tags", "not_found"),
        ("/admins/1", "admin_not_found"),
        ("/teams/1", "team_not_found"),
        ("/companies/1", "company_not_found"),
        ("/conversations/1", "not_found"),
        ("/tickets/1", "ticket_not_found"),
        ("/nowhere", "not_found"),
        ("/contacts/a/b/c", "not_found"),
    ],
)
def test_what_is_not_there_is_404_with_its_code(desktop: Desktop, path: str, code: str) -> None:
    assert desktop.refusal("GET", path) == (404, code)


def test_a_deleted_contact_is_404_and_in_no_list(desktop: Desktop) -> None:
    gone = next(one for one in people() if one.is_deleted)
    assert desktop.refusal("GET", f"/contacts/{gone.id}") == (404, "not_found")
    assert gone.id not in found(desktop, "contacts", only("id", "IN", [gone.id]))


def test_a_plain_conversation_is_no_ticket(desktop: Desktop) -> None:
    plain = conversation_where(lambda one: one.ticket is None)
    assert desktop.refusal("GET", f"/tickets/{plain.id}") == (404, "ticket_not_found")


def test_a_conversation_has_parts_alone_and_none_in_lists_and_can_be_plain_text(desktop: Desktop) -> None:
    one = conversation_where(lambda one: one.ticket is None and "<b>" in one.body)
    whole = desktop.get(f"/conversations/{one.id}")
    assert len(whole["conversation_parts"]["conversation_parts"]) == len(one.parts)
    assert whole["source"]["body"].startswith("<p>")
    assert desktop.get(f"/conversations/{one.id}?display_as=plaintext")["source"]["body"] == one.body
    [listed] = desktop.search("conversations", only("id", "=", one.id))["conversations"]
    assert "conversation_parts" not in listed
    assert {**whole, "conversation_parts": 0} == {**listed, "conversation_parts": 0}
    assert all("conversation_parts" not in row for row in desktop.get("/conversations")["conversations"])


def test_of_a_long_ticket_the_newest_500_parts_are_sent_and_the_count_is_real(desktop: Desktop) -> None:
    long = conversation_where(lambda one: len(one.parts) > 500)
    for told in (
        desktop.get(f"/tickets/{long.id}"),
        *desktop.search("tickets", only("id", "=", long.id))["tickets"],
    ):
        parts = told["ticket_parts"]["ticket_parts"]
        assert [part["id"] for part in parts] == [part.id for part in long.parts[-500:]]
        assert told["ticket_parts"]["total_count"] == len(long.parts)
    talk = desktop.get(f"/conversations/{long.id}")["conversation_parts"]
    assert (len(talk["conversation_parts"]), talk["total_count"]) == (500, len(long.parts))


def test_a_ticket_s_states_are_in_its_parts_and_not_in_those_of_its_conversation(desktop: Desktop) -> None:
    one = conversation_where(lambda one: one.ticket and one.is_listed and len(one.parts) < 500)
    states = [part for part in desktop.get(f"/tickets/{one.id}")["ticket_parts"]["ticket_parts"]
              if part["part_type"].startswith("ticket_state_updated")]  # fmt: skip
    assert states
    assert all({"ticket_state", "previous_ticket_state"} <= {*part} for part in states)
    for part in desktop.get(f"/conversations/{one.id}")["conversation_parts"]["conversation_parts"]:
        assert "ticket_state" not in part


def test_tickets_of_customers_are_conversations_too_and_vanish_without_the_scope() -> None:
    all_scopes = Desktop()
    without = Desktop(options={"tokens": {"sandbox": SCOPES - {"Read tickets"}}})
    tickets = {one.id for one in shared_workspace().tickets() if one.is_listed}
    internal = {one.id for one in shared_workspace().tickets()} - tickets
    shown = set(found(all_scopes, "conversations", EVERYTHING))
    assert tickets < shown
    assert not internal & shown
    assert set(found(without, "conversations", EVERYTHING)) == shown - tickets
    assert without.get("/conversations")["total_count"] == len(shown - tickets)
    one = min(tickets)
    assert all_scopes.get(f"/conversations/{one}")["ticket"]["id"] == one
    assert without.refusal("GET", f"/conversations/{one}") == (404, "not_found")


def test_a_conversation_s_ticket_is_whole_but_for_its_parts_or_short() -> None:
    one = conversation_where(lambda one: one.ticket and one.is_listed)
    whole = Desktop().get(f"/conversations/{one.id}")["ticket"]
    assert whole["ticket_id"] == one.ticket.number  # type: ignore[union-attr]
    assert "ticket_parts" not in whole
    short = Desktop(options={"switches": Switches(ticket_in_conversation="short")})
    assert short.get(f"/conversations/{one.id}")["ticket"] == {"type": "ticket", "id": one.id}


def test_conversations_of_a_merged_contact_name_the_old_id_or_the_new() -> None:
    merged = next(one.id for one in people() if one.merged_into)
    one = conversation_where(lambda one: merged in one.contact_ids)
    named = Desktop().get(f"/conversations/{one.id}")["contacts"]["contacts"][0]["id"]
    moved = Desktop(options={"switches": Switches(merged_keeps_references=False)})
    renamed = moved.get(f"/conversations/{one.id}")["contacts"]["contacts"][0]["id"]
    assert (named, renamed) == (merged, people()[0].id)


# Versions


def test_assignees_states_priorities_and_owners_have_the_shape_of_their_version(desktop: Desktop) -> None:
    urgent = conversation_where(lambda one: one.priority == "high" and one.ticket is None).id
    assert desktop.get(f"/conversations/{urgent}")["priority"] == "high"
    assert desktop.get(f"/conversations/{urgent}", "2.15")["priority"] == "priority"
    alone = conversation_where(lambda one: not one.parts and one.ticket is None).id
    assert desktop.get(f"/conversations/{alone}")["admin_assignee_id"] == 0
    assert desktop.get(f"/conversations/{alone}", "2.15")["admin_assignee_id"] is None
    ticket = conversation_where(lambda one: one.ticket).id
    shapes = {version: desktop.get(f"/tickets/{ticket}", version) for version in VERSIONS}
    assert {version for version, told in shapes.items() if isinstance(told["ticket_state"], str)} == {
        "2.9", "2.10", "2.11",
    }  # fmt: skip
    assert {type(told["admin_assignee_id"]) for told in shapes.values()} == {str, int}
    owned = next(one for one in people() if one.owner_id and one.is_there)
    assert desktop.get(f"/contacts/{owned.id}")["owner_id"] == owned.owner_id
    assert desktop.get(f"/contacts/{owned.id}", "2.15")["owner_id"] == int(owned.owner_id)


def test_times_of_rest_are_seconds_in_every_version(desktop: Desktop) -> None:
    one = conversation_where(lambda one: len(one.parts) > 4 and one.ticket is None)
    for version in VERSIONS:
        statistics = desktop.get(f"/conversations/{one.id}", version)["statistics"]
        assert all(isinstance(value, int | None) for key, value in statistics.items() if key.endswith("_at"))
        assert isinstance(desktop.get(f"/contacts/{people()[0].id}", version)["created_at"], int)


def test_a_conversation_that_nobody_answered_has_no_statistics(desktop: Desktop) -> None:
    outbound = conversation_where(lambda one: one.delivered_as == "admin_initiated" and one.ticket is None)
    told = desktop.get(f"/conversations/{outbound.id}")
    assert (told["statistics"], told["first_contact_reply"]) == (None, None)


@pytest.mark.parametrize("version", ["2.8", "2.17", "3", "latest", "2.16 "])
def test_an_unknown_version_is_refused(desktop: Desktop, version: str) -> None:
    if version.strip() == "2.16":
        assert desktop.ask("GET", "/me", version=version)[0] == 200
    else:
        assert desktop.refusal("GET", "/me", version=version) == (400, "intercom_version_invalid")


def test_without_a_version_the_app_s_own_counts() -> None:
    ticket = conversation_where(lambda one: one.ticket).id
    older = Desktop(options={"version": "2.11"})
    _, told, _ = older.ask("GET", f"/tickets/{ticket}", version="")
    assert isinstance(told["ticket_state"], str)


# Tokens, scopes and windows


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic sandbox", "sandbox"])
def test_without_a_good_token_it_is_401_without_a_word_on_limits(desktop: Desktop, header: str) -> None:
    answer = desktop.wire.send("GET", "http://127.0.0.1:9/me", {"Authorization": header})
    assert answer.status == 401
    assert json.loads(answer.body)["errors"] == [{"code": "unauthorized", "message": "Access Token Invalid"}]
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/admins", "Read admins"),
        ("GET", "/teams/9681002", "Read admins"),
        ("GET", "/tags", "Read tags"),
        ("GET", "/companies/1", "Read one user and one company"),
        ("GET", "/segments", "Read and list users and companies"),
        ("GET", "/ticket_types", "Read tickets"),
        ("GET", "/ticket_states", "Read tickets"),
        ("GET", "/contacts/1", "Read one user and one company"),
        ("GET", "/contacts/1/tags", "Read tags"),
        ("GET", "/contacts", "Read and list users and companies"),
        ("POST", "/contacts/search", "Read and list users and companies"),
        ("GET", "/conversations", "Read conversations"),
        ("POST", "/conversations/search", "Read conversations"),
        ("GET", "/tickets/1", "Read tickets"),
        ("POST", "/tickets/search", "Read tickets"),
    ],
)
def test_each_address_takes_its_scope(method: str, path: str, scope: str) -> None:
    without = Desktop(options={"tokens": {"sandbox": SCOPES - {scope}}})
    assert without.refusal(method, path, {}) == (403, "token_unauthorized")
    assert without.ask("GET", "/me")[0] == 200


def test_a_workspace_without_a_subscription_is_403() -> None:
    closed = Desktop(options={"is_paid": False})
    assert closed.refusal("GET", "/me") == (403, "api_plan_restricted")


def test_a_window_of_ten_seconds_has_its_share_of_a_minute_and_then_refuses_until_it_is_over() -> None:
    desktop = Desktop(options={"calls_per_minute": 30})
    desktop.clock.seconds = 3
    lefts = [desktop.ask("GET", "/me")[2] for _ in range(5)]
    assert [headers["x-ratelimit-remaining"] for headers in lefts] == ["4", "3", "2", "1", "0"]
    assert {headers["x-ratelimit-limit"] for headers in lefts} == {"5"}
    status, value, headers = desktop.ask("GET", "/me")
    assert status == 429
    assert value == {
        "type": "error.list",
        "request_id": None,
        "errors": [{"code": "rate_limit_exceeded", "message": "Exceeded rate limit of 5 in 10_seconds"}],
    }
    assert int(headers["x-ratelimit-reset"]) == END + 10
    assert "retry-after" not in headers
    desktop.clock.seconds = 10
    assert desktop.ask("GET", "/me")[0] == 200


def test_the_usual_limit_is_that_of_intercom(desktop: Desktop) -> None:
    assert desktop.ask("GET", "/me")[2]["x-ratelimit-limit"] == "1667"


# Pages


def pages(desktop: Desktop, kind: str, per_page: int, **more: Any) -> Iterator[Any]:
    cursor = None
    while True:
        pagination = {"per_page": per_page} | ({"starting_after": cursor} if cursor else {})
        body = {"query": EVERYTHING, "pagination": pagination, **more}
        _, value, _ = desktop.ask("POST", f"/{kind}/search", body)
        yield value
        following = value["pages"].get("next")
        if following is None:
            return
        cursor = following["starting_after"]


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("per_page", [1, 7, 150])
def test_pages_have_every_object_once(desktop: Desktop, kind: str, per_page: int) -> None:
    found = [*pages(desktop, kind, per_page)]
    ids = [row["id"] for value in found for row in value[KEYS[kind]]]
    assert len(ids) == len(set(ids)) == found[0]["total_count"] > 10
    assert [value["pages"]["page"] for value in found] == [*range(1, len(found) + 1)]
    assert {value["pages"]["total_pages"] for value in found} == {len(found)}


def test_a_cursor_is_opaque_base64_as_intercom_s_are(desktop: Desktop) -> None:
    first = next(pages(desktop, "conversations", 5))
    cursor = first["pages"]["next"]["starting_after"]
    at, key, number = json.loads(base64.b64decode(cursor))
    assert (at, key, number) == (
        first["conversations"][-1]["created_at"] * 1000,
        first["conversations"][-1]["id"],
        2,
    )


@pytest.mark.parametrize(("kind", "size"), [("conversations", 20), ("contacts", 50)])
def test_lists_by_get_have_their_usual_size_and_lead_on(kind: str, size: int) -> None:
    desktop = Desktop(Workspace.of(240, 0, now=NOW))
    first = desktop.get(f"/{kind}")
    assert len(first[KEYS[kind]]) == size
    cursor = first["pages"]["next"]["starting_after"]
    second = desktop.get(f"/{kind}?per_page=10&starting_after={cursor}")
    assert not {row["id"] for row in first[KEYS[kind]]} & {row["id"] for row in second[KEYS[kind]]}


@pytest.mark.parametrize("size", [0, -1, 151, "many", True, 1.5])
def test_a_page_has_from_1_to_150_objects(desktop: Desktop, size: Any) -> None:
    body = {"query": EVERYTHING, "pagination": {"per_page": size}}
    assert desktop.refusal("POST", "/contacts/search", body) == (400, "parameter_invalid")


@pytest.mark.parametrize("cursor", ["x", "!!", 7, "e30=", base64.b64encode(b'["a","b","c"]').decode()])
def test_a_cursor_that_is_none_is_refused(desktop: Desktop, cursor: Any) -> None:
    body = {"query": EVERYTHING, "pagination": {"starting_after": cursor}}
    assert desktop.refusal("POST", "/tickets/search", body) == (400, "parameter_invalid")


def test_a_cursor_may_expire_and_a_list_may_end_early() -> None:
    desktop = Desktop(options={"switches": Switches(cursor_seconds=60, deepest_object=30)})
    cursor = next(pages(desktop, "conversations", 20))["pages"]["next"]["starting_after"]
    body = {"query": EVERYTHING, "pagination": {"per_page": 10, "starting_after": cursor}}
    assert desktop.ask("POST", "/conversations/search", body)[0] == 200
    deep = {"query": EVERYTHING, "pagination": {"per_page": 20, "starting_after": cursor}}
    assert desktop.refusal("POST", "/conversations/search", deep) == (400, "parameter_invalid")
    desktop.clock.seconds = 61
    assert desktop.refusal("POST", "/conversations/search", body) == (400, "parameter_invalid")


# Sorting


@pytest.mark.parametrize("kind", ["conversations", "contacts"])
def test_searches_are_sorted_as_asked_downwards_without_a_word(desktop: Desktop, kind: str) -> None:
    for field in ("created_at", "updated_at"):
        for order, is_down in (("ascending", False), ("descending", True), (None, True)):
            sort = {"field": field} | ({"order": order} if order else {})
            times = [row[field] for row in desktop.search(kind, EVERYTHING, sort=sort)[KEYS[kind]]]
            assert times == sorted(times, reverse=is_down)


def test_tickets_ignore_how_they_are_to_be_sorted(desktop: Desktop) -> None:
    plain = desktop.search("tickets", EVERYTHING)
    for sort in ({"field": "updated_at", "order": "ascending"}, {"order": "sideways"}):
        assert desktop.search("tickets", EVERYTHING, sort=sort) == plain


def test_a_bad_order_is_refused_in_intercom_s_words(desktop: Desktop) -> None:
    status, value, _ = desktop.ask(
        "POST", "/contacts/search", {"query": EVERYTHING, "sort": {"order": "desc"}}
    )
    assert (status, value["errors"]) == (400, [{
        "code": "invalid_sort_order",
        "message": "Invalid sort order 'desc'. Must be one of: ascending, descending",
    }])  # fmt: skip


def test_what_is_not_sorted_goes_by_its_beginning_or_by_its_last_change() -> None:
    changed = Desktop(options={"switches": Switches(unsorted_by="updated_at")})
    times = [row["updated_at"] for row in changed.search("tickets", EVERYTHING)["tickets"]]
    assert times == sorted(times, reverse=True)


# The search language


def nested(depth: int) -> Any:
    query: Any = EVERYTHING
    for _ in range(depth):
        query = {"operator": "OR", "value": [query, EVERYTHING]}
    return query


@pytest.mark.parametrize("kind", KEYS)
def test_groups_are_nested_twice_and_have_fifteen_filters_at_most(desktop: Desktop, kind: str) -> None:
    for query in (nested(0), nested(1), nested(2), {"operator": "AND", "value": [EVERYTHING] * 15}):
        assert desktop.search(kind, query)["total_count"] > 0
    for query in (nested(3), {"operator": "AND", "value": [EVERYTHING] * 16}):
        assert desktop.refusal("POST", f"/{kind}/search", {"query": query}) == (400, "parameter_invalid")


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("field", ["ticket_state", "created", "source.text", "custom_attributes", None, 7])
def test_an_unknown_field_is_refused(desktop: Desktop, kind: str, field: Any) -> None:
    body = {"query": only(field, "=", "submitted")}
    assert desktop.refusal("POST", f"/{kind}/search", body) == (400, "invalid_field")


@pytest.mark.parametrize("kind", KEYS)
def test_every_field_of_the_pages_can_be_searched_for(desktop: Desktop, kind: str) -> None:
    values = {"Date": END, "Integer": 1, "Boolean": True}
    for name, field in FIELDS[kind].items():
        value = values.get(field.kind, "x")
        assert desktop.search(kind, only(name, "=", value))["total_count"] >= 0
    asked = {"conversations": 46, "tickets": 14, "contacts": 32}
    assert len(FIELDS[kind]) >= asked[kind]


@pytest.mark.parametrize(
    ("kind", "filter_"),
    [
        ("conversations", only("source.type", ">", "email")),
        ("conversations", only("created_at", "~", END)),
        ("conversations", only("created_at", "=", "foobar")),
        ("conversations", only("created_at", "=", True)),
        ("conversations", only("open", "=", "perhaps")),
        ("conversations", only("open", ">", True)),
        ("conversations", only("id", "IN", "1")),
        ("conversations", only("id", "is", "1")),
        ("conversations", only("id", "=", {"a": 1})),
        ("contacts", only("tag_id", "IN", ["1"])),
        ("contacts", only("email", "<", "a")),
        *(("contacts", only("created_at", operator, END)) for operator in (">=", "<=", "!=")),
        *(("contacts", only("updated_at", operator, [END])) for operator in ("IN", "NIN")),
    ],
)
def test_an_operator_or_a_value_that_does_not_suit_the_field_is_refused(
    desktop: Desktop, kind: str, filter_: Any
) -> None:
    assert desktop.refusal("POST", f"/{kind}/search", {"query": filter_}) == (400, "parameter_invalid")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_request"),
        (b"[]", "bad_request"),
        ({}, "parameter_not_found"),
        ({"query": []}, "parameter_not_found"),
        ({"query": {"operator": "XOR", "value": [EVERYTHING]}}, "parameter_invalid"),
        ({"query": {"operator": "AND", "value": []}}, "parameter_invalid"),
        ({"query": {"operator": "AND", "value": [7]}}, "parameter_invalid"),
        ({"query": EVERYTHING, "pagination": []}, "parameter_invalid"),
        ({"query": EVERYTHING, "sort": "down"}, "parameter_invalid"),
    ],
)
def test_a_body_that_is_no_search_is_refused(desktop: Desktop, body: Any, code: str) -> None:
    assert desktop.refusal("POST", "/conversations/search", body) == (400, code)


def test_conversations_are_compared_to_the_second_with_numbers_as_texts_too(desktop: Desktop) -> None:
    one = conversation_where(lambda one: one.ticket is None)
    at, key = one.created_at, one.id
    for value in (at, str(at)):
        assert found(desktop, "conversations", only("created_at", "=", value)) == [key]
    sides = {">": at - 1, "<": at + 1, ">=": at, "<=": at}
    for operator, value in sides.items():
        assert key in found(desktop, "conversations", only("created_at", operator, value))
    for operator in "<>":
        assert key not in found(desktop, "conversations", only("created_at", operator, at))
    loose = Desktop(options={"switches": Switches(greater_means_or_equal=True)})
    for operator in "<>":
        assert key in found(loose, "conversations", only("created_at", operator, at))


def test_texts_lists_and_words_are_compared_each_in_their_way(desktop: Desktop) -> None:
    def ids(*filters: Any) -> set[str]:
        return set(found(desktop, "conversations", *filters))

    everything = ids(EVERYTHING)
    mails = ids(only("source.type", "=", "EMAIL"))
    assert mails == ids(only("source.type", "^", "em")) == ids(only("source.type", "$", "ail"))
    assert mails == ids(only("source.type", "~", "mai")) == everything - ids(only("source.type", "!~", "mai"))
    assert mails == everything - ids(only("source.type", "!=", "email"))
    assert mails == ids(only("source.type", "IN", ["email", "x"]))
    assert mails == everything - ids(only("source.type", "NIN", ["email"]))
    assert mails
    tagged = conversation_where(lambda one: one.tags and one.is_listed)
    tag = tagged.tags[0].tag_id
    assert tagged.id in ids(only("tag_ids", "=", tag))
    assert ids(only("tag_ids", "!=", tag)) == everything - ids(only("tag_ids", "IN", [tag, "1"]))
    assert ids(only("source.body", "=", "flickers"))
    assert not ids(only("source.body", "=", "order flickers"))


def test_a_rating_is_found_by_when_it_was_given(desktop: Desktop) -> None:
    rated = conversation_where(lambda one: len(one.ratings) == 1 and one.ratings[0].stars)
    at = rated.ratings[0].answered_at
    window = (
        only("conversation_rating.replied_at", ">", at - 1),
        only("conversation_rating.replied_at", "<", at + 1),
    )
    assert found(desktop, "conversations", *window) == [rated.id]
    assert rated.id in found(
        desktop, "conversations", only("conversation_rating.score", "IN", [1, 2, 3, 4, 5])
    )


def test_tickets_are_found_by_category_in_the_search_s_words_and_by_attributes(desktop: Desktop) -> None:
    counts = {word: desktop.search("tickets", only("category", "=", word))["total_count"]
              for word in ("request", "task", "tracker", "Customer")}  # fmt: skip
    assert counts["Customer"] == 0
    assert min(counts["request"], counts["task"], counts["tracker"]) > 0
    one = conversation_where(lambda one: one.ticket and one.ticket.attributes.get("Order number"))
    number = one.ticket.attributes["Order number"]  # type: ignore[union-attr]
    assert one.id in found(desktop, "tickets", only("ticket_attribute.8514185", "=", number)) + found(
        desktop, "tickets", only("ticket_attribute.8514195", "=", number)
    )
    body = {"query": only("ticket_attribute.1", "=", "x")}
    assert desktop.refusal("POST", "/tickets/search", body) == (400, "invalid_field")


def test_the_words_for_a_ticket_s_state_are_categories_or_labels() -> None:
    by_category = Desktop().search("tickets", only("state", "=", "waiting_on_customer"))
    assert by_category["total_count"] > 0
    labels = Desktop(options={"switches": Switches(state_words="label")})
    assert labels.search("tickets", only("state", "=", "waiting_on_customer"))["total_count"] == 0
    assert labels.search("tickets", only("state", "=", "Waiting on customer"))["total_count"] > 0


def test_contacts_are_searched_by_whole_days_of_the_workspace(desktop: Desktop) -> None:
    zone = ZoneInfo("Europe/Berlin")
    one = people()[-1]
    day = datetime.fromtimestamp(one.created_at, zone).replace(hour=0, minute=0, second=0)
    inside = (day, day + timedelta(hours=12), day + timedelta(hours=23, minutes=59))
    for moment in inside:
        at = int(moment.timestamp())
        assert one.id in found(desktop, "contacts", only("created_at", "=", at))
        assert one.id not in found(desktop, "contacts", only("created_at", ">", at))
        assert one.id not in found(desktop, "contacts", only("created_at", "<", at))
    before, after = int(day.timestamp()) - 1, int((day + timedelta(days=1)).timestamp())
    assert one.id in found(desktop, "contacts", only("created_at", ">", before))
    assert one.id in found(desktop, "contacts", only("created_at", "<", after))


def test_the_day_begins_where_the_workspace_is() -> None:
    workspace = Workspace.of(0, 0, now=NOW)
    Scenarios(workspace, desk := Desktop(workspace).clock).arrive(email="now@example.com")
    utc, berlin = Desktop(workspace), Desktop(workspace)
    assert desk.now().hour == 0  # midnight in UTC is one o'clock in Berlin
    for desktop in (utc, berlin):
        desktop.clock.seconds = 3600
    before = only("created_at", ">", END - 1800)
    assert found(berlin, "contacts", before) == []
    workspace.timezone = "UTC"
    assert len(found(utc, "contacts", before)) == 1


def test_contacts_are_found_in_any_case_by_tag_and_by_attributes_of_the_shop_s_own(desktop: Desktop) -> None:
    one = people()[0]
    assert found(desktop, "contacts", only("email", "=", one.email.upper())) == [one.id]
    tagged = next(one for one in people() if one.tags and one.is_there)
    tag = tagged.tags[0].tag_id
    assert tagged.id in found(desktop, "contacts", only("tag_id", "=", tag))
    assert tagged.id not in found(desktop, "contacts", only("tag_id", "!=", tag))
    plan = next(one for one in people() if one.custom.get("plan") == "gold" and one.is_there)
    assert plan.id in found(desktop, "contacts", only("custom_attributes.plan", "=", "gold"))
    merged = [one.id for one in people() if one.merged_into]
    assert found(desktop, "contacts", only("id", "IN", merged)) == []


def test_a_new_contact_is_known_by_its_id_at_once_and_to_searches_some_minutes_later() -> None:
    workspace = Workspace.of(0, 0, now=NOW)
    desktop = Desktop(workspace)
    [told] = Scenarios(workspace, desktop.clock).arrive(email="new@example.com")
    key = told["data"]["item"]["id"]
    for seconds, is_found in ((0, False), (179, False), (180, True)):
        desktop.clock.seconds = seconds
        assert desktop.get(f"/contacts/{key}")["id"] == key
        assert (key in found(desktop, "contacts", only("id", "IN", [key]))) == is_found


def test_in_may_take_only_so_many_values() -> None:
    desktop = Desktop(options={"switches": Switches(most_values=15)})
    assert desktop.search("contacts", only("id", "IN", ["x"] * 15))["total_count"] == 0
    body = {"query": only("id", "IN", ["x"] * 16)}
    assert desktop.refusal("POST", "/contacts/search", body) == (400, "parameter_invalid")


def test_a_search_sees_what_has_happened_since_it_was_asked_the_same() -> None:
    workspace = Workspace.of(0, 0, now=NOW)
    desktop = Desktop(workspace)
    scenarios = Scenarios(workspace, desktop.clock)
    counts = []
    for act in (partial(scenarios.write, text="Hi"), scenarios.send_form):
        act(next(iter(workspace.contacts)))
        counts.append(
            [desktop.search(kind, EVERYTHING)["total_count"] for kind in ("conversations", "tickets")]
        )
    assert counts == [[1, 0], [2, 1]]


# Faults


def test_a_fault_is_answered_instead_and_knows_the_address() -> None:
    asked = []

    def fault(method: str, path: str) -> Response | None:
        asked.append((method, path))
        return Response(503, {}, b"<html>") if path == "/tags" else None

    desktop = Desktop(options={"fault": fault})
    assert desktop.wire.send("GET", "http://127.0.0.1:9/tags", {}).status == 503
    assert desktop.ask("GET", "/me")[0] == 200
    assert asked == [("GET", "/tags"), ("GET", "/me")]


def test_every_refusal_is_an_error_list_with_a_request_id_that_is_a_uuid(desktop: Desktop) -> None:
    ids = []
    for _ in range(3):
        _, value, _ = desktop.ask("GET", "/nowhere")
        assert value["type"] == "error.list"
        ids.append(value["request_id"])
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)
    assert len(set(ids)) == 3
