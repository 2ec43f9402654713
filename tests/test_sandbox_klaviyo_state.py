"""What the stand-in keeps: events once, profiles merged, jobs, deletions, and flows that would start."""

import json
from typing import Any

import pytest

from engine.sandbox.klaviyo.switches import Switches
from tests.support import NOW
from tests.test_sandbox_klaviyo_app import Stand, bulk, error, errors, event, profile

# Events


def test_an_answer_to_an_event_is_empty_and_comes_before_it_is_stored() -> None:
    stand = Stand(delay_seconds=2.0)
    answer = stand.ask("POST /api/events", event())
    assert (answer.status, answer.body) == (202, b"")
    stand.clock.seconds += 1.9
    assert stand.value("GET /api/events")["data"] == []
    stand.clock.seconds += 0.2
    [one] = stand.value("GET /api/events")["data"]
    assert one["attributes"]["datetime"] == "2026-11-20T10:15:30+00:00"
    assert set(one["attributes"]) == {"timestamp", "event_properties", "datetime", "uuid"}


def test_a_repeated_unique_id_is_recorded_once_and_never_updated() -> None:
    stand = Stand()
    stand.send(event(1), event(1, properties={"Number": "other"}))
    [one] = stand.account.events.values()
    assert one.properties == {"Number": 1}
    stand.send(event(1, metric="Other"), event(1, whom={"email": "bo@example.com"}))
    assert len(stand.account.events) == 3, "for one profile and metric"


def test_without_a_unique_id_a_second_holds_one_event() -> None:
    stand = Stand()
    times = ("2026-11-20T10:15:30.100Z", "2026-11-20T10:15:30.900Z", "2026-11-20T10:15:31Z")
    stand.send(*(event(unique_id=..., time=time) for time in times))
    assert sorted(one.time.second for one in stand.account.events.values()) == [30, 31]


def test_times_without_a_zone_are_utc_or_refused_and_no_time_is_now() -> None:
    stand = Stand()
    stand.send(
        event(1, time="2026-11-20T10:15:30"), event(2, time="2026-11-20T10:15:30+02:00"), event(3, time=...)
    )
    found = [one.time.isoformat() for one in stand.account.events.values()]
    assert found == ["2026-11-20T10:15:30+00:00", "2026-11-20T08:15:30+00:00", NOW.isoformat()]
    strict = Stand(switches=Switches(naive_time="refused"))
    assert strict.ask("POST /api/events", event(time="2026-11-20T10:15:30")).status == 400


@pytest.mark.parametrize(
    ("word", "event_flag", "group_flag", "fires"),
    [("either", ..., ..., True), ("either", True, False, False), ("either", False, True, False),
     ("event", True, False, False), ("event", False, True, True), ("event", ..., True, False),
     ("group", True, False, True), ("group", False, True, False), ("group", True, ..., False)],
)  # fmt: skip
def test_backfill_fires_no_flow_whichever_flag_counts(
    word: Any, event_flag: Any, group_flag: Any, fires: bool
) -> None:
    stand = Stand(switches=Switches(backfill_word=word))
    body = bulk(event(backfill=event_flag), group=group_flag)
    assert stand.ask("POST /api/event-bulk-create-jobs", body).status == 202
    stand.account.flush()
    assert len(stand.account.events) == 1
    assert bool(stand.account.flow_triggers) == fires


def test_a_bad_item_of_a_bulk_request_stores_nothing() -> None:
    stand = Stand()
    answer = stand.ask("POST /api/event-bulk-create-jobs", bulk(event(1), event(2, value="5")))
    at = "/data/attributes/events-bulk-create/data/0/attributes/events/data/1/attributes/value"
    assert errors(answer)[0]["source"] == {"pointer": at}
    stand.account.flush()
    assert stand.account.events == {}


@pytest.mark.parametrize(("scope", "status"), [("request", 202), ("stored", 400)])
def test_a_unique_id_that_is_stored_is_passed_over_or_refused_in_bulk(scope: Any, status: int) -> None:
    stand = Stand(switches=Switches(bulk_repeats_refused=scope))
    stand.send(event(1))
    answer = stand.ask("POST /api/event-bulk-create-jobs", bulk(event(1), event(2)))
    stand.account.flush()
    assert answer.status == status
    assert len(stand.account.events) == (2 if status == 202 else 1)


def test_a_metric_has_the_integration_of_whoever_sent_it() -> None:
    stand = Stand()
    stand.send(event(1))
    stand.ask("POST /api/events", event(2), authorization="Bearer x")
    stand.account.flush()
    metrics = stand.value("GET /api/metrics")["data"]
    assert sorted(one["attributes"]["integration"]["name"] for one in metrics) == ["API", "OAuth App"]
    only = stand.value("GET /api/metrics", query={"filter": 'equals(integration.name,"API")'})["data"]
    assert [one["attributes"]["name"] for one in only] == ["Created Ticket"]
    assert stand.value(f"GET /api/metrics/{only[0]['id']}")["data"] == only[0]


@pytest.mark.parametrize(("kept", "count"), [("stored", 1), ("dropped", 0)])
def test_an_event_known_by_a_phone_alone_is_stored_or_dropped(kept: Any, count: int) -> None:
    stand = Stand(switches=Switches(phone_only=kept))
    stand.send(event(whom={"phone_number": "+34600111222"}))
    assert len(stand.account.events) == count


# Profiles


def test_an_import_creates_updates_clears_and_leaves_alone() -> None:
    stand = Stand()
    ana = profile(
        email="Ana@example.com",
        title="CTO",
        location={"city": "Madrid", "zip": "1"},
        properties={"a": 1, "b": 2},
    )
    first = stand.ask("POST /api/profile-import", ana)
    assert first.status == 201
    change = profile(
        email="ana@example.com", title=None, location={"zip": None}, properties={"a": None, "c": [3]}
    )
    second = stand.ask("POST /api/profile-import", change)
    assert second.status == 200
    found = json.loads(second.body)["data"]
    assert found["id"] == json.loads(first.body)["data"]["id"]
    assert found["attributes"]["title"] is None
    assert found["attributes"]["location"]["city"] == "Madrid"
    assert found["attributes"]["location"]["zip"] is None
    assert found["attributes"]["properties"] == {"b": 2, "c": [3]}
    assert Stand(switches=Switches(emails_by_case=True)).ask("POST /api/profile-import", ana).status == 201


def test_a_new_phone_number_replaces_the_old_one() -> None:
    stand = Stand()
    stand.value("POST /api/profile-import", profile(email="a@example.com", phone_number="+34600111222"))
    stand.value("POST /api/profile-import", profile(email="a@example.com", phone_number="+34600111333"))
    assert stand.value("POST /api/profiles", profile(phone_number="+34600111222"))["data"]["id"]
    assert stand.ask("POST /api/profiles", profile(phone_number="+34600111333")).status == 409


def test_append_unappend_and_unset() -> None:
    stand = Stand()
    stand.value(
        "POST /api/profile-import",
        profile(email="a@example.com", properties={"t": "a", "u": ["x", "y"], "v": 1}),
    )
    body = profile(email="a@example.com")
    patch = {"append": {"t": "b", "new": [1, 2]}, "unappend": {"u": "x"}, "unset": "v"}
    body["data"]["meta"] = {"patch_properties": patch}
    found = stand.value("POST /api/profile-import", body)["data"]["attributes"]["properties"]
    assert found == {"t": ["a", "b"], "u": ["y"], "new": [1, 2]}


def test_identifiers_of_two_profiles_conflict() -> None:
    stand = Stand()
    one = stand.value("POST /api/profiles", profile(email="a@example.com"))["data"]["id"]
    two = stand.value("POST /api/profiles", profile(phone_number="+34600111222"))["data"]["id"]
    both = profile(email="a@example.com", phone_number="+34600111222")
    for what in ("POST /api/profiles", "POST /api/profile-import"):
        answer = stand.ask(what, both)
        assert error(answer) == (
            409, "duplicate_profile", "A profile already exists with one of these identifiers.",
        )  # fmt: skip
        assert errors(answer)[0]["meta"]["duplicate_profile_id"] in (one, two)
        assert errors(answer)[0]["source"] == {"pointer": "/data/attributes"}
    body = profile(phone_number="+34600111222")
    body["data"]["id"] = one
    assert stand.ask(f"PATCH /api/profiles/{one}", body).status == 409
    first = Stand(switches=Switches(import_conflict="first"))
    first.value("POST /api/profiles", profile(email="a@example.com"))
    first.value("POST /api/profiles", profile(phone_number="+34600111222"))
    assert first.ask("POST /api/profile-import", both).status == 200


def test_a_patch_changes_one_profile_by_its_id() -> None:
    stand = Stand()
    one = stand.value("POST /api/profiles", profile(email="a@example.com", title="CTO"))["data"]["id"]
    body = profile(title=None, first_name="Ana")
    body["data"]["id"] = one
    stand.value(f"PATCH /api/profiles/{one}", body)
    found = stand.value(f"GET /api/profiles/{one}")["data"]["attributes"]
    assert (found["title"], found["first_name"]) == (None, "Ana")
    assert stand.ask("PATCH /api/profiles/other", body).status == 409
    assert Stand(switches=Switches(other_id_status=400)).ask("PATCH /api/profiles/other", body).status == 400
    body["data"]["id"] = "other"
    assert stand.ask("PATCH /api/profiles/other", body).status == 404
    assert stand.ask("GET /api/profiles/other").status == 404


@pytest.mark.parametrize(
    ("order", "winner"),
    [(("external_id", "email"), "b@example.com"), (("email", "external_id"), "a@example.com")],
)
def test_an_event_that_names_two_profiles_goes_to_the_first_and_takes_nothing(
    order: Any, winner: str
) -> None:
    stand = Stand(switches=Switches(identifier_order=order))
    stand.value("POST /api/profiles", profile(email="a@example.com"))
    stand.value("POST /api/profiles", profile(email="b@example.com", external_id="B"))
    stand.send(event(whom={"email": "a@example.com", "external_id": "B", "first_name": "Ana"}))
    [one] = stand.account.events.values()
    assert stand.account.people.by_id[one.profile_id].fields["email"] == winner
    assert len(stand.account.people.by_id) == 2


@pytest.mark.parametrize(("clears", "title"), [(False, "CTO"), (True, None)])
def test_a_null_in_the_profile_of_an_event_clears_or_not(clears: bool, title: str | None) -> None:
    stand = Stand(switches=Switches(event_nulls_clear=clears))
    stand.value("POST /api/profiles", profile(email="ana@example.com", title="CTO"))
    stand.send(event(whom={"email": "ana@example.com", "title": None}))
    [one] = stand.account.people.by_id.values()
    assert one.fields.get("title") == title
    assert one.last_event


def test_a_bulk_import_is_queued_works_and_ends_with_its_errors() -> None:
    stand = Stand(delay_seconds=10.0)
    stand.value("POST /api/profiles", profile(email="a@example.com"))
    stand.value("POST /api/profiles", profile(phone_number="+34600111222"))
    rows = [profile(email=f"p{n}@example.com")["data"] for n in range(30)]
    rows += [profile(email="a@example.com", phone_number="+34600111222")["data"]] * 25
    body = {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": rows}}}}
    started = stand.ask("POST /api/profile-bulk-import-jobs", body)
    job = json.loads(started.body)["data"]
    assert (started.status, job["attributes"]["status"]) == (202, "queued")
    what = f"GET /api/profile-bulk-import-jobs/{job['id']}"
    stand.clock.seconds += 6
    assert stand.value(what)["data"]["attributes"]["status"] == "processing"
    stand.clock.seconds += 6
    told = stand.value(what)["data"]["attributes"]
    counts = (told["total_count"], told["completed_count"], told["failed_count"])
    assert (told["status"], *counts) == ("complete", 55, 30, 25)
    pages = stand.pages(f"{what}/import-errors")
    assert [len(page) for page in pages] == [20, 5]
    first = pages[0][0]["attributes"]
    assert first["code"] == "duplicate_profile"
    assert first["source"] == {"pointer": "/data/attributes/profiles/data/30/attributes"}
    assert first["original_payload"] == rows[30]["attributes"]
    assert len(stand.value("GET /api/profile-bulk-import-jobs")["data"]) == 1
    assert (
        stand.value("GET /api/profile-bulk-import-jobs", query={"filter": 'equals(status,"queued")'})["data"]
        == []
    )
    assert stand.ask("GET /api/profile-bulk-import-jobs/none").status == 404


def test_a_deletion_takes_the_profile_and_what_its_events_told_and_a_later_event_begins_anew() -> None:
    stand = Stand()
    stand.send(event(1))
    body = {
        "data": {
            "type": "data-privacy-deletion-job",
            "attributes": {"profile": profile(email="ANA@example.com")},
        }
    }
    answer = stand.ask("POST /api/data-privacy-deletion-jobs", body)
    assert (answer.status, answer.body) == (202, b"")
    stand.account.flush()
    assert stand.account.people.by_id == {}
    [one] = stand.value("GET /api/events")["data"]
    assert one["attributes"]["event_properties"] == {}
    assert stand.value("GET /api/events", query={"filter": "has(profile)"})["data"] == []
    stand.send(event(1))
    assert len(stand.account.people.by_id) == 1
    assert len(stand.account.events) == 2


# The other answers to open questions


@pytest.mark.parametrize(("at_once", "count"), [(True, 2), (False, 1)])
def test_all_faults_are_told_or_the_first(at_once: bool, count: int) -> None:
    stand = Stand(switches=Switches(faults_at_once=at_once))
    assert len(errors(stand.ask("POST /api/events", event(value="5", time="soon")))) == count


@pytest.mark.parametrize(("counts", "status"), [(False, 202), (True, 429)])
def test_a_refused_request_counts_in_the_minute_or_not(counts: bool, status: int) -> None:
    stand = Stand(divisor=350, switches=Switches(refused_counts=counts))  # 1 a second, 10 a minute
    for number in range(10):
        stand.ask("POST /api/events", event(number))
    stand.clock.seconds += 1
    assert stand.ask("POST /api/events", event(99)).status == status


def test_an_old_revision_may_know_backfill_after_all() -> None:
    old = {"revision": "2026-01-15"}
    assert Stand().ask("POST /api/events", event(backfill=True), **old).status == 400
    lenient = Stand(switches=Switches(old_backfill_refused=False))
    assert lenient.ask("POST /api/events", event(backfill=True), **old).status == 202


def test_addresses_may_differ_by_case() -> None:
    stand = Stand(switches=Switches(emails_by_case=True))
    stand.value("POST /api/profile-import", profile(email="Ana@example.com"))
    assert stand.ask("POST /api/profile-import", profile(email="ana@example.com")).status == 201
    query = {"filter": 'equals(email,"ANA@example.com")'}
    assert stand.value("GET /api/profiles", query=query)["data"] == []
