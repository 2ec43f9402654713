"""Whatever Klaviyo is like where nobody outside knows: each event arrives once, and as it was sent."""

from dataclasses import fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from engine import Translation
from engine.events import Accepted, Request
from engine.klaviyo.limits import EVENTS
from engine.sandbox.klaviyo.switches import Switches
from tests.support import NAMED, as_history, read
from tests.test_klaviyo_bodies import made
from tests.test_sandbox_intercom_scenarios import SCENES, Play, item_of
from tests.test_sandbox_klaviyo_client import Stand, event, profile

pytestmark = pytest.mark.long

ORDER = Switches().identifier_order
OTHERS: dict[str, tuple[Any, ...]] = {
    "bulk_repeats_refused": ("stored",),
    "backfill_word": ("event", "group"),
    "event_nulls_clear": (True,),
    "identifier_order": (ORDER[::-1], ("phone_number", "external_id", "email", "id", "anonymous_id", "_kx")),
    "import_conflict": ("first",),
    "import_faults": ("job",),
    "phone_only": ("dropped",),
    "naive_time": ("refused",),
    "fall_forward": ("next",),
    "old_backfill_refused": (False,),
    "gzip": (False,),
    "emails_by_case": (True,),
    "missing_key_status": (400,),
    "other_id_status": (400,),
    "faults_at_once": (False,),
    "refused_counts": (True,),
    "last_page": ("absent",),
}
"""Each switch at what it may be besides its default."""
CASES = [(name, value) for name, values in OTHERS.items() for value in values]
Key = tuple[str, str]
"""The metric of an event, and its `unique_id`."""


def test_each_switch_is_tried_at_each_value_that_it_has() -> None:
    hints, defaults = get_type_hints(Switches), Switches()
    assert [*OTHERS] == [one.name for one in fields(Switches)]
    for name, values in OTHERS.items():
        if hints[name] is bool or get_origin(hints[name]) is Literal:
            words = {True, False} if hints[name] is bool else {*get_args(hints[name])}
            assert {*values} == words - {getattr(defaults, name)}, name
        assert values, name
        assert getattr(defaults, name) not in values, name


def key_of(request: Request) -> Key:
    """Nothing for a profile."""
    attributes = request.body["data"]["attributes"]
    return (
        attributes["metric"]["data"]["attributes"]["name"] if "metric" in attributes else "",
        request.unique_id,
    )


@cache
def shipped() -> tuple[Request, ...]:
    """What the shipped mappings make of every fixture, of its past, and of a play for each metric."""
    requests: list[Request] = []
    for name in NAMED:
        notification = read(name)
        requests += made(notification, every=True)
        if isinstance(notification.get("data", {}).get("item"), dict) and not notification.get("history"):
            requests += made(as_history(notification), every=True)
    play = Play()
    for scene in SCENES.values():
        requests += [one.request for told in scene(play) for one in play.events(told) if one.request]
    return tuple(requests)


@cache
def by_phone_alone() -> tuple[Translation, ...]:
    """What comes of somebody who has left a phone number and nothing else."""
    play = Play()
    who = item_of(play.scenarios.arrive("lead", phone="+46701234567")[0])["id"]
    return tuple(play.events(play.scenarios.write(who, "Hello?")[0]))


def awkward() -> list[Request]:
    """What is refused in part, what is of the past, and one address written in two ways."""
    bad = {"data": {"type": "profile", "attributes": {"email": "bo@example.com", "phone_number": "600111"}}}
    return [
        profile(1, phone_number="+34600111222"),
        profile(2),
        profile(3, phone_number="600111", location={"latitude": "north"}),
        event(1, profile=bad),
        event(2, email="Ana@Example.com"),
        event(3, email="ana@example.com", backfill=True),
    ]


def tellings() -> tuple[list[Request], list[Request]]:
    """Each event as it is told first, with all profiles; and all tellings, the last one first."""
    everything = [*shipped(), *awkward(), *(one.request for one in by_phone_alone() if one.request)]
    first: dict[Any, Request] = {}
    for request in everything:
        first.setdefault(key_of(request) if request.endpoint == EVENTS else id(request), request)
    return [*first.values()], everything[::-1]


def stored_in(stand: Stand) -> list[tuple[Key, Any]]:
    return [((one.metric.name, one.unique_id), one.properties) for one in stand.account.events.values()]


@pytest.mark.parametrize("bulk", [False, True], ids=["single", "bulk"])
@pytest.mark.parametrize(("name", "value"), CASES)
def test_each_event_arrives_once_and_as_it_was_sent(name: str, value: Any, bulk: bool) -> None:
    # Our client does not know that limits are a thirtieth of Klaviyo's: some requests are refused.
    stand = Stand(patience=7 * 86_400.0, divisor=30, switches=Switches(**{name: value}))
    first, every = tellings()
    answers = stand.client.deliver(first, bulk=bulk)
    stand.account.flush()
    answers += stand.client.deliver(every, bulk=bulk)
    stand.account.flush()

    wanted = {
        key_of(one): one.body["data"]["attributes"]["properties"] for one in first if one.endpoint == EVENTS
    }
    if value == "dropped":
        for one in by_phone_alone():
            del wanted[one.metric, one.unique_id or ""]
    stored = stored_in(stand)
    assert {type(one) for one in answers} == {Accepted}
    assert len(stored) == len(wanted)
    assert dict(stored) == wanted
    stand.clock.sleep(60)
    assert len(list(stand.client.events())) == len(stored)
    assert {*stand.findings()} == {"throttled", *(["not-stored"] if value == "dropped" else [])}
    assert any(one["kind"] == "answered" and one["status"] == 429 for one in stand.account.books.entries())
    for number in (1, 2, 3):
        stand.clock.sleep(60)
        [one] = stand.client.profiles(email=f"p{number}@example.com")
        assert one["attributes"]["properties"] == {"Plan": "Pro"}


def test_what_an_account_without_sms_drops_is_warned_of_before_it_is_sent() -> None:
    assert [one.metric for one in by_phone_alone()] == ["Created Conversation"]
    assert [[issue.code for issue in one.issues] for one in by_phone_alone()] == [["phone-only"]]
    stand = Stand(switches=Switches(phone_only="dropped"))
    assert stand.client.deliver([one.request for one in by_phone_alone() if one.request]) == [Accepted()]
    stand.account.flush()
    assert stored_in(stand) == []
    assert [one["kind"] for one in stand.account.books.entries()].count("dropped") == 1


@pytest.mark.parametrize("bulk", [False, True], ids=["single", "bulk"])
@pytest.mark.parametrize("conflict", ["409", "first"])
def test_a_number_that_is_another_s_costs_the_number_or_nothing_and_never_the_profile(
    conflict: Any, bulk: bool
) -> None:
    stand = Stand(switches=Switches(import_conflict=conflict))
    stand.client.deliver([profile(1, phone_number="+34600111222"), profile(2)], bulk=bulk)
    [answer] = stand.client.deliver([profile(2, phone_number="+34600111222", first_name="Bo")], bulk=bulk)
    assert isinstance(answer, Accepted)
    assert [issue.field for issue in answer.left_out] == ["profile.phone_number"] * (conflict == "409")
    [first], [second] = ([*stand.client.profiles(email=f"p{number}@example.com")] for number in (1, 2))
    assert first["attributes"]["phone_number"] == "+34600111222"
    assert (second["attributes"]["first_name"], second["attributes"]["phone_number"]) == ("Bo", None)


@pytest.mark.parametrize(("order", "owner"), [(ORDER, "p2"), (OTHERS["identifier_order"][1], "p1")])
def test_an_event_that_names_two_people_is_one_event_of_the_one_who_counts_first(
    order: Any, owner: str
) -> None:
    stand = Stand(switches=Switches(identifier_order=order))
    stand.client.deliver([profile(1, phone_number="+34600111222"), profile(2)])
    both = {"email": "p2@example.com", "phone_number": "+34600111222"}
    told = event(1, profile={"data": {"type": "profile", "attributes": both}})
    for bulk in (False, True):
        assert stand.client.deliver([told], bulk=bulk) == [Accepted()]
        stand.account.flush()
    [stored] = stand.account.events.values()
    assert stand.account.people.by_id[stored.profile_id].fields["email"] == f"{owner}@example.com"


@pytest.mark.parametrize(("by_case", "people"), [(False, 1), (True, 2)])
def test_an_address_in_capitals_is_somebody_else_where_klaviyo_looks_at_case(
    by_case: bool, people: int
) -> None:
    stand = Stand(switches=Switches(emails_by_case=by_case))
    stand.client.deliver([event(1, email="Ana@Example.com"), event(2, email="ana@example.com")])
    stand.account.flush()
    assert len(stand.account.people.by_id) == people
    assert len(stand.account.events) == 2
