"""Our own client against the stand-in, in this process: what it sends is taken, stored once, read back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import Denied, Rejected, Unavailable
from engine.events import Accepted, Request
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import EVENTS, PROFILE_IMPORT
from engine.sandbox.faults import Faults
from engine.sandbox.inside import Inside
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import klaviyo_app
from engine.sandbox.klaviyo.checker import findings
from engine.sandbox.klaviyo.switches import Switches
from tests.support import NAMED, ManualClock, as_history, read
from tests.test_klaviyo_bodies import made

DAY = datetime(2026, 11, 20, tzinfo=UTC)


class Stand:
    """An account, its app in this process, and our client, all by one clock."""

    def __init__(self, *, patience: float = 600.0, rate_share: float = 0.8, workers: int = 1, **account: Any):
        self.clock = ManualClock()
        self.account = Account(self.clock, **account)

        async def sleep(seconds: float) -> None:
            self.clock.sleep(seconds)

        self.wire = Inside(klaviyo_app(self.account, sleep=sleep))
        self.client = Klaviyo(
            "pk_x",
            url="http://127.0.0.1:8100",
            transport=self.wire,
            clock=self.clock,
            workers=workers,
            patience_seconds=patience,
            rate_share=rate_share,
        )

    def findings(self) -> list[str]:
        self.account.flush()
        return [one.code for one in findings(self.account.books.entries())]


def event(number: int, *, email: str = "ana@example.com", backfill: bool = False, **more: Any) -> Request:
    unique_id = f"ic:w:{number}"
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Created Ticket"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
        "time": "2026-11-20T10:15:30Z",
        "unique_id": unique_id,
        "properties": {"Number": number},
        "backfill": backfill,
        **more,
    }
    return Request(EVENTS, {"data": {"type": "event", "attributes": attributes}}, unique_id)


def profile(number: int, **more: Any) -> Request:
    attributes = {"email": f"p{number}@example.com", "properties": {"Plan": "Pro"}, **more}
    return Request(PROFILE_IMPORT, {"data": {"type": "profile", "attributes": attributes}})


@pytest.mark.parametrize("bulk", [False, True])
def test_events_are_stored_once_and_read_back(bulk: bool) -> None:
    stand = Stand()
    requests = [event(number) for number in range(30)]

    answers = stand.client.deliver(requests + requests[:5], bulk=bulk)
    stand.account.flush()

    assert set(answers) == {Accepted()}
    [metric] = stand.client.metrics()
    found = list(stand.client.events(metric_id=metric["id"]))
    assert sorted(one["attributes"]["event_properties"]["Number"] for one in found) == list(range(30))
    assert metric["attributes"]["integration"]["name"] == "API"
    assert stand.findings() == []


def test_nothing_can_be_read_before_it_is_processed() -> None:
    stand = Stand(delay_seconds=3.0)
    stand.client.deliver([event(1)])
    assert list(stand.client.events()) == []
    stand.clock.seconds += 3
    assert len(list(stand.client.events())) == 1


@pytest.mark.parametrize("name", NAMED)
def test_whatever_comes_of_a_fixture_is_taken_one_by_one_and_in_bulk(name: str) -> None:
    notification = read(name)
    payloads = [notification]
    if isinstance(notification.get("data", {}).get("item"), dict) and not notification.get("history"):
        payloads.append(as_history(notification))
    requests = [request for payload in payloads for request in made(payload, every=True)]
    for bulk in (False, True):
        stand = Stand()
        assert set(stand.client.deliver(requests, bulk=bulk)) <= {Accepted()}
        assert stand.findings() == []
        unique = {one.unique_id for one in requests if one.endpoint == EVENTS}
        metrics = {
            (one.unique_id, one.body["data"]["attributes"]["metric"]["data"]["attributes"]["name"])
            for one in requests
            if one.endpoint == EVENTS
        }
        assert len(stand.account.events) == len(metrics)
        assert bool(unique) == bool(stand.account.events)


def test_backfill_fires_no_flow() -> None:
    for bulk in (False, True):
        stand = Stand()
        stand.client.deliver([event(1, backfill=True), event(2)], bulk=bulk)
        stand.account.flush()
        fired = [stand.account.events[one["event"]].unique_id for one in stand.account.flow_triggers]
        assert fired == ["ic:w:2"]


def test_a_bad_phone_number_costs_the_phone_not_the_event() -> None:
    for bulk in (False, True):
        stand = Stand()
        whom = {
            "data": {"type": "profile", "attributes": {"email": "a@example.com", "phone_number": "600111"}}
        }
        answers = stand.client.deliver([event(1), event(2, profile=whom)], bulk=bulk)
        assert answers[0] == Accepted()
        assert isinstance(answers[1], Accepted)
        assert [issue.field for issue in answers[1].left_out] == ["profile.phone_number"]
        stand.account.flush()
        assert len(stand.account.events) == 2


def test_an_event_that_cannot_be_is_refused_and_the_others_arrive() -> None:
    stand = Stand()
    bad = event(2, time="1989-01-01T00:00:00Z")
    answers = stand.client.deliver([event(1), bad, event(3)], bulk=True)
    stand.account.flush()
    assert [type(one) for one in answers] == [Accepted, Rejected, Accepted]
    assert len(stand.account.events) == 2


def test_a_repetition_that_the_bulk_endpoint_refuses_goes_to_the_single_one() -> None:
    stand = Stand(switches=Switches(bulk_repeats_refused="stored"))
    stand.client.deliver([event(1), event(2)], bulk=True)
    stand.account.flush()
    answers = stand.client.deliver([event(1), event(2), event(3)], bulk=True)
    stand.account.flush()
    assert answers == [Accepted()] * 3
    assert len(stand.account.events) == 3


@pytest.mark.parametrize("faults", ["answer", "job"])
def test_profiles_are_imported_in_bulk_and_a_bad_phone_costs_the_phone(faults: Any) -> None:
    stand = Stand(switches=Switches(import_faults=faults))
    requests = [profile(number) for number in range(20)] + [profile(20, phone_number="600111")]
    answers = stand.client.deliver(requests, bulk=True)
    assert answers[:20] == [Accepted()] * 20
    assert isinstance(answers[20], Accepted)
    assert answers[20].left_out
    assert len(stand.account.people.by_id) == 21
    [one] = stand.client.profiles(email="p20@example.com")
    assert one["attributes"]["properties"] == {"Plan": "Pro"}


def test_profiles_are_imported_one_by_one_and_found_by_each_identifier() -> None:
    stand = Stand()
    ana = {"external_id": 'a "quoted" one', "phone_number": "+34600111222"}
    assert stand.client.deliver([profile(1, **ana), profile(2)]) == [Accepted(), Accepted()]
    for query in (
        {"email": "p1@example.com"},
        {"external_id": ana["external_id"]},
        {"phone_number": "+34600111222"},
    ):
        [one] = stand.client.profiles(**query)  # type: ignore[arg-type]
        assert one["attributes"]["external_id"] == ana["external_id"]
    ids = [one["id"] for one in stand.client.profiles()]
    assert len(list(stand.client.profiles(ids=ids))) == 2


def test_a_conflict_of_identifiers_costs_the_phone_number() -> None:
    stand = Stand()
    stand.client.deliver([profile(1, phone_number="+34600111222"), profile(2)])
    [answer] = stand.client.deliver([profile(2, phone_number="+34600111222")])
    assert isinstance(answer, Accepted)
    assert [issue.field for issue in answer.left_out] == ["profile.phone_number"]


def test_all_pages_are_walked_and_counts_are_right() -> None:
    stand = Stand()
    requests = [event(number, email=f"p{number % 7}@example.com", value=2) for number in range(2500)]
    stand.client.deliver(requests, bulk=True)
    stand.account.flush()
    [metric] = stand.client.metrics()
    assert len(list(stand.client.events())) == 2500
    assert len(list(stand.client.events(since=DAY, until=DAY.replace(day=21)))) == 2500
    assert list(stand.client.events(since=DAY.replace(day=21))) == []
    counts = stand.client.metric_aggregates(metric["id"], DAY.replace(day=19), DAY.replace(day=22))
    assert counts == {
        "2026-11-19T00:00:00+00:00": 0,
        "2026-11-20T00:00:00+00:00": 2500,
        "2026-11-21T00:00:00+00:00": 0,
    }
    [property_] = stand.client.metric_properties(metric["id"])
    assert property_["attributes"] == {"label": "Number", "property": "Number", "inferred_type": "Number"}


def test_the_account_and_its_scopes_are_told() -> None:
    stand = Stand(keys={"pk_x": frozenset({"events:write", "accounts:read"})})
    account = stand.client.account()
    assert account["attributes"]["contact_information"]["organization_name"] == "Example Shop"
    assert stand.client.may("POST /api/events")
    assert not stand.client.may("POST /api/profile-import")
    assert not stand.client.may("GET /api/metrics")
    with pytest.raises(Denied) as caught:
        stand.client.deliver([profile(1)])
    assert caught.value.scope == "profiles:write"


def test_a_key_that_is_none_of_the_accounts_is_denied() -> None:
    stand = Stand(keys={"pk_other": frozenset()})
    with pytest.raises(Denied, match="does not accept the key"):
        stand.client.deliver([event(1)])


def test_our_client_never_fills_a_window_of_its_own() -> None:
    stand = Stand(patience=86_400.0)
    answers = stand.client.deliver([event(number) for number in range(4000)])
    assert set(answers) == {Accepted()}
    assert stand.findings() == []
    assert stand.clock.seconds > 60


def test_a_quota_that_others_eat_is_waited_for() -> None:
    stand = Stand(patience=86_400.0)
    stand.account.windows.others = {"POST /api/events": 3_450}
    answers = stand.client.deliver([event(number) for number in range(300)])
    assert set(answers) == {Accepted()}
    assert len({one.unique_id for one in stand.account.events.values()}) in (299, 300)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("bulk", [False, True])
def test_whatever_goes_wrong_on_the_way_each_event_arrives_once(seed: int, bulk: bool) -> None:
    chances = {
        "throttled": 0.04, "throttled-bare": 0.04, "throttled-zero": 0.04, "error-before": 0.05,
        "error-after": 0.05, "dropped": 0.05, "reset": 0.05, "slow": 0.05, "challenge": 0.05,
    }  # fmt: skip
    repeats: Any = "stored" if seed % 2 else "request"
    stand = Stand(
        patience=7 * 86_400.0,
        faults=Faults(seed, chances),
        switches=Switches(bulk_repeats_refused=repeats),
        seed=seed,
    )
    requests = [event(number) for number in range(40)] + [profile(number) for number in range(8)]
    parts = [requests[at : at + 4] for at in range(0, len(requests), 4)]
    answers = [one for part in parts for one in stand.client.deliver(part, bulk=bulk)]
    stand.account.flush()
    assert set(answers) == {Accepted()}
    assert sorted(one.unique_id for one in stand.account.events.values()) == sorted(
        one.unique_id for one in requests if one.unique_id
    )
    assert sum(stand.account.faults.counts.values()) > 0
    assert set(stand.findings()) <= {"throttled"}


def test_a_key_that_loses_a_scope_stops_the_delivery() -> None:
    stand = Stand()
    stand.account.faults.order({"next": [{"kind": "scope", "times": 1}]})
    with pytest.raises(Denied, match="lacks a scope"):
        stand.client.deliver([event(1)])
    assert stand.client.deliver([event(1)]) == [Accepted()]


def test_what_stays_unavailable_ends_so() -> None:
    stand = Stand(patience=5.0)
    stand.account.faults.order({"chances": {"error-before": 1}})
    [answer] = stand.client.deliver([event(1)])
    assert isinstance(answer, Unavailable)
    assert stand.account.events == {}
