"""What can be read back: pages, filters, sparse fields and counts."""

from datetime import timedelta
from typing import Any

import pytest

from engine.sandbox.klaviyo.switches import Switches
from tests.support import NOW
from tests.test_sandbox_klaviyo_app import BASE, Stand, error, errors, event

# Reading back


def filled(count: int = 25) -> Stand:
    stand = Stand()
    start = NOW - timedelta(days=10)
    for number in range(count):
        time = (start + timedelta(hours=number // 2)).isoformat()
        whom = {"email": f"p{number % 3}+x@example.com", "external_id": f'"{number % 3}"'}
        assert stand.ask("POST /api/events", event(number, time=time, whom=whom)).status == 202
        stand.clock.seconds += 0.01
    stand.account.flush()
    return stand


@pytest.mark.parametrize("sort", ["datetime", "-datetime", "timestamp", "-timestamp", None])
@pytest.mark.parametrize("size", [1, 7, 25, 26])
def test_pages_hold_each_event_once_in_order(sort: str | None, size: int) -> None:
    stand = filled()
    pages = stand.pages("GET /api/events", **{"page[size]": size}, **({"sort": sort} if sort else {}))
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    times = [one["attributes"]["timestamp"] for page in pages for one in page]
    assert len({one["id"] for page in pages for one in page}) == 25
    assert times == sorted(times, reverse=sort is None or sort.startswith("-"))


def test_an_event_that_comes_between_two_pages_neither_hides_nor_repeats_one() -> None:
    stand = filled()
    query = {"page[size]": 10, "sort": "datetime"}
    first = stand.value("GET /api/events", query=query)
    stand.send(event(99, time="2000-01-01T00:00:00Z"))
    second = stand.value("GET " + first["links"]["next"].removeprefix(BASE))
    ids = [one["id"] for page in (first, second) for one in page["data"]]
    assert len(set(ids)) == 20
    before = stand.value("GET " + second["links"]["prev"].removeprefix(BASE))
    assert [one["id"] for one in before["data"]] == [one["id"] for one in first["data"]]


@pytest.mark.parametrize("last", ["null", "absent"])
def test_the_last_page_says_so(last: Any) -> None:
    links = Stand(switches=Switches(last_page=last)).value("GET /api/events")["links"]
    assert links == (
        {"self": f"{BASE}/api/events"} | ({"next": None, "prev": None} if last == "null" else {})
    )


def test_filters_hold_together() -> None:
    stand = filled()
    [metric] = stand.value("GET /api/metrics")["data"]
    edge = (NOW - timedelta(days=10) + timedelta(hours=6)).isoformat().replace("+00:00", "Z")
    cases = {
        f'equals(metric_id,"{metric["id"]}")': 25,
        f"equals(metric_id,['{metric['id']}'])": 25,
        'equals(metric_id,"none")': 0,
        f"greater-or-equal(datetime,{edge})": 13,
        f"greater-than(datetime,{edge})": 11,
        f"less-than(datetime,{edge})": 12,
        f"less-or-equal(datetime,{edge})": 14,
        f'and(less-or-equal(datetime,{edge}),equals(metric_id,"{metric["id"]}"))': 14,
        f"less-or-equal(datetime,{edge}),greater-or-equal(datetime,{edge}),has(profile)": 2,
        "greater-than(timestamp,0)": 25,
    }
    for text, count in cases.items():
        assert len(stand.value("GET /api/events", query={"filter": text})["data"]) == count, text
    people = {
        'equals(email,"P1+X@example.com")': 1,
        'any(external_id,["\\"1\\"","\\"2\\"","none"])': 2,
        "any(email,[])": 0,
        "greater-than(created,2000-01-01T00:00:00Z)": 3,
        "less-than(updated,2000-01-01)": 0,
    }
    for text, count in people.items():
        if text == "any(email,[])":
            assert stand.ask("GET /api/profiles", query={"filter": text}).status == 400
            continue
        assert len(stand.value("GET /api/profiles", query={"filter": text})["data"]) == count, text


@pytest.mark.parametrize(
    ("text", "detail"),
    [("equals(metric_id,\"X\"", "Invalid filter provided. Verify your parentheses match."),
     ("equals", "Invalid filter provided. Verify your parentheses match."),
     ("", ""), ("and()", "Invalid filter provided. Verify your parentheses match."),
     ("equals(metric_id,\"X\"))", "Invalid filter provided. Verify your parentheses match."),
     ("any(metric_id,[\"X\"])", "'any' is not an allowed filter operator for metric_id"),
     ("equals(unique_id,\"X\")", "'unique_id' is not an allowed filter field."),
     ("equals(metric_id,X)", "Invalid value for the field metric_id."),
     ("greater-than(datetime,\"2026-11-01T00:00:00Z\")", "Invalid value for the field datetime."),
     ("greater-than(datetime,soon)", "Invalid value for the field datetime."),
     ("has(profile,1)", "Invalid value for the field profile."),
     ("and(" * 30 + "has(profile)" + ")" * 30, "Invalid filter provided."),
     ("equals(metric_id)", "Invalid value for the field metric_id.")],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(text: str, detail: str) -> None:
    answer = Stand().ask("GET /api/events", query={"filter": text})
    if not detail:
        assert answer.status == 200
        return
    assert error(answer) == (400, "invalid", detail)
    assert errors(answer)[0]["source"] == {"parameter": "filter"}


@pytest.mark.parametrize(
    ("what", "query", "detail", "parameter"),
    [("events", {"page[size]": "0"}, "Page size must be an integer between 1 and 1000.", "page[size]"),
     ("events", {"page[size]": "1001"}, "Page size must be an integer between 1 and 1000.", "page[size]"),
     ("profiles", {"page[size]": "101"}, "Page size must be an integer between 1 and 100.", "page[size]"),
     ("metrics", {"page[size]": "10"}, "'page_size' is not a valid field for the resource 'metric'.",
      "page[size]"),
     ("events", {"sort": "name"}, "'name' is not an allowed sort field.", "sort"),
     ("events", {"include": "profiless"},
      "'profiless' is not an allowed include parameter for this resource.", "include"),
     ("events", {"page[cursor]": "abc"}, "Invalid cursor.", "page[cursor]"),
     ("events", {"fields[event]": "uid"}, "'uid' is not an allowed value for fields[event].",
      "fields[event]"),
     ("events", {"colour": "red"}, "'colour' is not a valid field for the resource 'event'.", "colour")],
)  # fmt: skip
def test_a_query_is_judged(what: str, query: dict[str, str], detail: str, parameter: str) -> None:
    answer = Stand().ask(f"GET /api/{what}", query=query)
    assert error(answer) == (400, "invalid", detail)
    assert errors(answer)[0]["source"] == {"parameter": parameter}


def test_a_cursor_of_another_query_is_refused() -> None:
    stand = filled()
    links = stand.value("GET /api/events", query={"page[size]": 5, "sort": "datetime"})["links"]
    moved = links["next"].removeprefix(BASE).replace("sort=datetime", "sort=-datetime")
    assert error(stand.ask(f"GET {moved}")) == (400, "invalid", "Invalid cursor.")


def test_what_belongs_to_events_can_be_included_and_fields_be_chosen() -> None:
    stand = filled(3)
    query = {
        "include": "metric,profile",
        "fields[event]": "datetime",
        "fields[profile]": "email,location.city",
    }
    value = stand.value("GET /api/events", query=query)
    assert {one["type"] for one in value["included"]} == {"metric", "profile"}
    assert all(set(one["attributes"]) == {"datetime"} for one in value["data"])
    people = [one["attributes"] for one in value["included"] if one["type"] == "profile"]
    assert people[0] == {"email": people[0]["email"], "location": {"city": None}}
    extra = {"additional-fields[profile]": "subscriptions"}
    [one, *_] = stand.value("GET /api/profiles", query=extra)["data"]
    assert one["attributes"]["subscriptions"]["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"
    assert stand.ask("GET /api/profiles", query={"include": "conversations"}).status == 501


def aggregate(metric: str, *filters: str, **more: Any) -> Any:
    attributes = {
        "metric_id": metric,
        "measurements": ["count", "unique", "sum_value"],
        "filter": filters,
        **more,
    }
    return {"data": {"type": "metric-aggregate", "attributes": attributes}}


def test_counts_by_each_interval_and_zone() -> None:
    stand = Stand()
    times = ("2026-10-31T23:30:00Z", "2026-11-01T00:30:00Z", "2026-11-01T00:40:00Z", "2026-11-30T23:59:59Z")
    stand.send(*(event(number, time=time, value=1.5) for number, time in enumerate(times)))
    [metric] = stand.account.metrics

    def counted(since: str, until: str, **more: Any) -> Any:
        filters = (f"greater-or-equal(datetime,{since})", f"less-than(datetime,{until})")
        found = stand.value("POST /api/metric-aggregates", aggregate(metric, *filters, **more))["data"][
            "attributes"
        ]
        [row] = found["data"]
        stand.clock.seconds += 1
        return dict(zip(found["dates"], zip(*row["measurements"].values(), strict=True), strict=True))

    assert counted("2026-10-31T00:00:00", "2026-11-02T00:00:00") == {
        "2026-10-31T00:00:00+00:00": (1, 1, 1.5), "2026-11-01T00:00:00+00:00": (2, 1, 3.0),
    }  # fmt: skip
    months = counted("2026-10-01T00:00:00", "2026-12-01T00:00:00", interval="month")
    assert [one[0] for one in months.values()] == [1, 3]
    zone = counted("2026-10-31T00:00:00", "2026-11-02T00:00:00", timezone="Europe/Berlin")
    assert zone == {"2026-10-31T00:00:00+01:00": (0, 0, 0), "2026-11-01T00:00:00+01:00": (3, 1, 4.5)}
    weeks = counted("2026-10-26T00:00:00", "2026-11-02T00:00:00", interval="week")
    assert [one[0] for one in weeks.values()] == [3]
    hours = counted("2026-11-01T00:00:00", "2026-11-01T03:00:00", interval="hour")
    assert [one[0] for one in hours.values()] == [2, 0, 0]
    for filters, pointer in (
        (("greater-or-equal(datetime,2026-11-01T00:00:00)",), "filter"),
        (
            ("greater-or-equal(datetime,2026-11-02T00:00:00)", "less-than(datetime,2026-11-01T00:00:00)"),
            "filter",
        ),
        (
            ("greater-or-equal(datetime,2020-11-02T00:00:00)", "less-than(datetime,2026-11-01T00:00:00)"),
            "filter",
        ),
    ):
        stand.clock.seconds += 1
        answer = stand.ask("POST /api/metric-aggregates", aggregate(metric, *filters))
        assert errors(answer)[0]["source"] == {"pointer": f"/data/attributes/{pointer}"}


def test_values_of_any_size_are_summed_without_breaking() -> None:
    stand = Stand()
    stand.send(event(1, value=1e308), event(2, value=1e308), event(3, value=10**307))
    assert stand.ask("POST /api/events", event(4, value=10**400)).status == 400
    [metric] = stand.account.metrics
    filters = ("greater-or-equal(datetime,2026-11-20T00:00:00)", "less-than(datetime,2026-11-21T00:00:00)")
    value = stand.value("POST /api/metric-aggregates", aggregate(metric, *filters))
    [row] = value["data"]["attributes"]["data"]
    assert row["measurements"]["count"] == [3]
    assert row["measurements"]["sum_value"][0] > 1e308
