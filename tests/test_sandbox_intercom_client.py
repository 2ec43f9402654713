"""The product's own client against the stand-in: look-ups, merges, tags, the past, limits and faults."""

from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Denied, Unavailable
from engine.sandbox.intercom.desk import SCOPES
from engine.sandbox.intercom.faults import Faults
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.workspace import YEARS_SECONDS, Workspace
from tests.sandbox_intercom import Desktop, shared_workspace
from tests.support import NOW

START = NOW - timedelta(seconds=YEARS_SECONDS + 40 * 86400)
PAST = ("conversations", "tickets", "contacts")


def past(desktop: Desktop, kind: str) -> list[Any]:
    """Every object that the client finds of two years."""
    pages = getattr(desktop.intercom, kind)(START, NOW)
    return [told["data"]["item"] for page in pages for told in page.notifications]


def wanted(workspace: Workspace, kind: str) -> set[str]:
    """The objects that are to be found: native tickets are no conversations, if it is known."""
    if kind == "contacts":
        return {one.id for one in workspace.contacts.values() if one.is_there}
    tickets = {one.id: one for one in workspace.tickets()}
    if kind == "tickets":
        return {*tickets}
    internal = {key for key, one in tickets.items() if not one.is_listed}
    native = internal | {key for key, one in tickets.items() if one.parts[0].state and len(one.parts) <= 500}
    return {*workspace.conversations} - native


@pytest.mark.parametrize("kind", PAST)
def test_the_past_has_every_object_once(kind: str) -> None:
    desktop = Desktop()
    ids = [item["id"] for item in past(desktop, kind)]
    assert len(ids) == len(set(ids))
    assert set(ids) == wanted(desktop.workspace, kind)


@pytest.mark.parametrize("kind", PAST)
@pytest.mark.parametrize(
    "switches",
    [Switches(greater_means_or_equal=True), Switches(unsorted_by="updated_at"), Switches(most_values=5)],
    ids=["or equal", "by change", "few values"],
)
def test_the_past_is_whole_whichever_way_intercom_is_meant(kind: str, switches: Switches) -> None:
    desktop = Desktop(options={"switches": switches})
    assert {item["id"] for item in past(desktop, kind)} == wanted(desktop.workspace, kind)


@pytest.mark.parametrize("kind", PAST)
def test_the_past_is_whole_over_many_pages(kind: str) -> None:
    workspace = Workspace.of(400, 300, seed=2, now=NOW)
    desktop = Desktop(workspace)
    from engine.intercom import history

    read = getattr(history, kind)
    pages = [*read(desktop.intercom._rest, "hx7q2m9d", START, NOW, per_page=3)]
    ids = [told["data"]["item"]["id"] for page in pages for told in page.notifications]
    assert len(ids) == len(set(ids))
    assert set(ids) == wanted(workspace, kind)
    assert sum(1 for page in pages if page.cursor) > 20


def test_a_walk_can_be_gone_on_with_from_any_page() -> None:
    desktop = Desktop(Workspace.of(700, 0, seed=3, now=NOW))
    pages = [*desktop.intercom.conversations(NOW - timedelta(days=90), NOW)]
    middle = pages[len(pages) // 2]
    start, cursor = middle.onward
    rest = [*desktop.intercom.conversations(start, NOW, cursor=cursor)]
    assert [page.notifications for page in rest] == [
        page.notifications for page in pages[len(pages) // 2 + 1 :]
    ]


def test_a_converted_ticket_comes_as_the_conversation_that_it_was() -> None:
    desktop = Desktop()
    converted = [one for one in desktop.workspace.tickets() if one.is_listed and not one.parts[0].state]
    found = {item["id"]: item for item in past(desktop, "conversations")}
    assert converted
    assert all(found[one.id]["ticket"] is None for one in converted)


def test_a_conversation_s_ticket_may_be_short() -> None:
    desktop = Desktop(options={"switches": Switches(ticket_in_conversation="short")})
    assert {item["id"] for item in past(desktop, "conversations")} == wanted(
        desktop.workspace, "conversations"
    )


def test_contacts_are_fetched_together_and_the_gone_ones_are_told_apart() -> None:
    desktop = Desktop()
    people = desktop.workspace.contacts
    found = desktop.intercom.fetch("contact", [*people, "68b1c2d3e4f5a6b7c8d9ffff"])
    remains = next(iter(people))
    for key, one in people.items():
        record = found[key]
        if one.is_deleted:
            assert record is None
        else:
            assert record is not None
            assert record["id"] == (remains if one.merged_into else key)
    assert found["68b1c2d3e4f5a6b7c8d9ffff"] is None
    assert desktop.wire.calls[0] == ("POST", "/contacts/search")
    assert len(desktop.wire.calls) <= 1 + 2 * 4  # one search, and each that it does not know by itself


def test_a_search_that_takes_few_values_only_costs_requests() -> None:
    desktop = Desktop(options={"switches": Switches(most_values=3)})
    keys = [one.id for one in desktop.workspace.contacts.values() if one.is_there]
    found = desktop.intercom.fetch("contact", keys)
    assert all(found[key] for key in keys)


def test_the_office_is_looked_up_by_id() -> None:
    desktop = Desktop()
    office = desktop.workspace.office
    tables = {"admin": office.admins, "team": office.teams, "tag": office.tags, "company": office.companies}
    for table, records in tables.items():
        found = desktop.intercom.fetch(table, [*records, "404404"])
        assert found["404404"] is None
        assert {key: found[key]["name"] for key in records} == {  # type: ignore[index]
            key: record["name"] for key, record in records.items()
        }


def test_all_tags_of_a_contact_are_found() -> None:
    desktop = Desktop()
    tagged = next(one for one in desktop.workspace.contacts.values() if len(one.tags) > 10)
    assert len(desktop.intercom.tags_of([tagged.id])[tagged.id]) == len(tagged.tags)


def test_the_app_s_id_is_that_of_its_notifications() -> None:
    desktop = Desktop()
    assert desktop.intercom.app_id() == desktop.workspace.app_id
    assert len(desktop.intercom.admins()) == len(desktop.workspace.office.admins)


def test_a_full_window_is_waited_out_and_nothing_is_refused() -> None:
    desktop = Desktop(options={"calls_per_minute": 120})
    assert {item["id"] for item in past(desktop, "tickets")} == wanted(desktop.workspace, "tickets")
    assert desktop.clock.waits
    assert max(desktop.clock.waits) <= 11
    assert {answer.status for answer in desktop.wire.answers} == {200}


def test_a_window_that_others_have_used_up_is_waited_out_after_a_429() -> None:
    desktop = Desktop(options={"calls_per_minute": 120})
    for _ in range(20):
        desktop.ask("GET", "/me")
    assert desktop.intercom.app_id() == "hx7q2m9d"
    assert 429 in {answer.status for answer in desktop.wire.answers}


@pytest.mark.parametrize("kind", PAST)
def test_the_past_is_whole_although_answers_are_empty_broken_or_pages_of_the_edge(kind: str) -> None:
    faults = Faults(seed=4, empty=0.1, errors=0.1, pages=0.1)
    desktop = Desktop(options={"fault": faults})
    assert {item["id"] for item in past(desktop, kind)} == wanted(desktop.workspace, kind)
    assert {*faults.counts} == {"empty", "errors", "pages"}


def test_the_same_seed_breaks_the_same_requests() -> None:
    runs = []
    for _ in range(2):
        desktop = Desktop(options={"fault": Faults(seed=9, errors=0.3)})
        past(desktop, "tickets")
        runs.append([answer.status for answer in desktop.wire.answers])
    assert runs[0] == runs[1]
    assert 500 in runs[0]


def test_a_cursor_that_repeats_ends_the_walk_with_an_error_and_not_never() -> None:
    desktop = Desktop(Workspace.of(700, 0, seed=3, now=NOW), {"repeats_cursor": True}, patience_seconds=0)
    from engine.intercom import history

    with pytest.raises(Unavailable, match="lead nowhere"):
        [
            *history.conversations(
                desktop.intercom._rest, "hx7q2m9d", NOW - timedelta(days=30), NOW, per_page=3
            )
        ]


@pytest.mark.parametrize(
    ("scope", "ask"),
    [
        ("Read tickets", lambda one: [*one.tickets(START, NOW)]),
        ("Read conversations", lambda one: [*one.conversations(START, NOW)]),
        ("Read and list users and companies", lambda one: [*one.contacts(START, NOW)]),
        ("Read one user and one company", lambda one: one.contact("68b1c2d3e400000000000000")),
        ("Read tags", lambda one: one.tags()),
        ("Read admins", lambda one: one.teams()),
    ],
)
def test_a_scope_that_is_missing_is_named_to_the_user(scope: str, ask: Any) -> None:
    desktop = Desktop(options={"tokens": {"sandbox": SCOPES - {scope}}})
    with pytest.raises(Denied) as error:
        ask(desktop.intercom)
    assert error.value.scope == scope


def test_a_wrong_token_and_a_closed_workspace_are_denied() -> None:
    for options in ({"tokens": {}}, {"is_paid": False}):
        with pytest.raises(Denied):
            Desktop(options=options).intercom.me()


def test_no_request_of_the_client_is_refused_for_its_shape() -> None:
    desktop = Desktop()
    for kind in PAST:
        past(desktop, kind)
    assert {answer.status for answer in desktop.wire.answers} == {200}
    assert shared_workspace() is desktop.workspace
