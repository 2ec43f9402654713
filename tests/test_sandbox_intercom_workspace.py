"""The workspace: everyone in it is invented, all kinds of things are there, and chance is a seed's alone."""

import json
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from engine.sandbox.intercom.generation import KINDS, LONG_PARTS
from engine.sandbox.intercom.standing import standing
from engine.sandbox.intercom.truth import STATES, Contact
from engine.sandbox.intercom.workspace import YEARS_SECONDS, Workspace
from tests.sandbox_intercom import shared_workspace
from tests.support import NOW

END = int(NOW.timestamp())


def test_the_same_seed_gives_the_same_workspace_byte_for_byte_and_another_another() -> None:
    assert Workspace.of(now=NOW).as_json() == shared_workspace().as_json()
    assert Workspace.of(seed=1, now=NOW).as_json() != shared_workspace().as_json()
    assert json.loads(shared_workspace().as_json())["app_id"] == "hx7q2m9d"


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (0, 1), (60, 40), (7, 200)])
def test_there_are_as_many_as_were_asked_for(counts: tuple[int, int]) -> None:
    made = Workspace.of(*counts, now=NOW)
    tickets = len([*made.tickets()])
    assert (len(made.conversations) - tickets, tickets) == counts


def test_a_workspace_needs_counts_and_a_time_that_knows_its_zone() -> None:
    for arguments in ({"conversations": -1}, {"now": datetime(2026, 1, 1)}):
        with pytest.raises(ValueError, match="aware of its zone"):
            Workspace.of(**arguments)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_happens_after_now_or_before_its_beginning_and_parts_are_in_order(seed: int) -> None:
    made = Workspace.of(600, 400, seed, now=NOW)
    for one in made.conversations.values():
        assert END - YEARS_SECONDS <= one.created_at < END
        times = [part.at for part in one.parts]
        assert times == sorted(times)
        assert all(one.created_at <= at <= END for at in times)
        assert standing(one)[0].updated_at <= END
        assert all(made.contacts[key].created_at <= one.created_at for key in one.contact_ids)
    for person in made.contacts.values():
        assert person.created_at <= person.updated_at <= END


def test_conversations_lie_over_two_years() -> None:
    months = {datetime.fromtimestamp(one.created_at, UTC).strftime("%Y-%m")
              for one in Workspace.of(400, 0, now=NOW).conversations.values()}  # fmt: skip
    assert len(months) >= 24


def test_ids_are_those_of_one_thing_each() -> None:
    made = shared_workspace()
    ids = [*made.conversations, *(part.id for one in made.conversations.values() for part in one.parts)]
    assert len(ids) == len(set(ids))
    assert all(len(key) == 15 for key in made.conversations)


def test_tickets_come_in_every_state_native_and_converted_and_one_is_longer_than_intercom_sends() -> None:
    made = shared_workspace()
    tickets = [*made.tickets()]
    states = {made.office.category(standing(one)[0].ticket_state) for one in tickets}
    assert states == set(STATES)
    births = [next(part.at for part in one.parts if part.state) - one.created_at for one in tickets]
    assert min(births) == 1
    assert max(births) > 60
    assert max(len(one.parts) for one in tickets) > LONG_PARTS > 500
    assert {one.ticket.category for one in tickets if one.ticket} == {"Customer", "Back-office", "Tracker"}
    own = {part.state for one in tickets for part in one.parts} - {
        made.office.state_of(one) for one in STATES
    }
    assert own == {"", "4517901", "4517902"}


def test_each_change_of_state_goes_on_from_the_one_before() -> None:
    for one in shared_workspace().tickets():
        changes = [part for part in one.parts if part.state]
        assert changes[0].before == changes[0].state
        assert [part.before for part in changes[1:]] == [part.state for part in changes[:-1]]


def test_conversations_are_of_every_kind() -> None:
    plain = [one for one in shared_workspace().conversations.values() if one.ticket is None]
    assert len(plain) >= len(KINDS)
    stars = [[rating.stars for rating in one.ratings] for one in plain if one.ratings]
    assert [None] in stars
    assert any(len(one) == 2 and one[0] and one[1] is None for one in stars)
    assert any(rating.remark for one in plain for rating in one.ratings)
    assert {one.delivered_as for one in plain} == {
        "customer_initiated",
        "admin_initiated",
        "operator_initiated",
    }
    assert {one.channel for one in plain} == {"conversation", "email"}
    assert any(len(one.contact_ids) == 2 for one in plain)
    assert any(part.attachments and not part.body for one in plain for part in one.parts)
    assert any(one.fin for one in plain)
    assert any(standing(one)[0].state == "snoozed" and one.snoozed_until for one in plain)
    assert any(one.read_at for one in plain)
    assert any(one.company_id for one in plain)


def test_contacts_are_of_every_kind() -> None:
    people = [*shared_workspace().contacts.values()]
    kinds = {
        "a user with a phone": lambda one: one.role == "user" and one.email and one.phone,
        "a user without an address": lambda one: one.role == "user" and not one.email and one.external_id,
        "a lead with nothing": lambda one: one.role == "lead" and not one.email and not one.phone,
        "a lead with a phone": lambda one: one.role == "lead" and one.phone and not one.email,
        "over ten tags": lambda one: len(one.tags) > 10,
        "merged": lambda one: one.merged_into,
        "deleted": lambda one: one.is_deleted,
        "unsubscribed": lambda one: one.is_unsubscribed,
        "a phone that is none": lambda one: one.phone and len(one.phone) < 11,
        "two companies": lambda one: len(one.company_ids) > 1,
    }
    assert [name for name, test in kinds.items() if not any(map(test, people))] == []


def test_a_merged_contact_leads_over_several_merges_to_one_that_is_there() -> None:
    made = shared_workspace()
    ids = [*made.contacts]
    assert made.contacts[ids[7]].merged_into == ids[6]
    assert made.survivor(ids[7]) == made.survivor(ids[6]) == ids[0]
    assert made.survivor(ids[0]) == made.survivor(ids[8]) == made.survivor("nobody") == ""


def test_more_than_three_merges_lead_nowhere() -> None:
    made = Workspace.of(0, 0, now=NOW)
    chain = [Contact(f"c{n}", END, END, merged_into=f"c{n + 1}" if n < 4 else "") for n in range(5)]
    made.put(*chain)
    assert made.survivor("c1") == "c4"
    assert made.survivor("c0") == ""


def test_nobody_in_it_could_be_real() -> None:
    made = shared_workspace()
    mails = [one.email for one in made.contacts.values() if one.email]
    mails += [row["email"] for row in made.office.admins.values()]
    assert {mail.partition("@")[2] for mail in mails} <= {"example.com", "acme-support.example"}


@pytest.mark.long
def test_a_hundred_thousand_objects_are_made_in_ten_seconds() -> None:
    began = time.process_time()
    made = Workspace.of(60_000, 40_000, now=NOW)
    assert time.process_time() - began < 10
    assert len(made.conversations) == 100_000
    assert Counter(one.ticket is None for one in made.conversations.values()) == {True: 60_000, False: 40_000}
