"""What a spec means, key by key (language.md 1): a small spec, a small notification, what comes of it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import Parked, Runner, Skipped, SpecError, Translation, load
from engine.ports import Record

AT = 1788170400
"""2026-08-31T10:00:00Z, in epoch seconds."""

PARTS = {
    "metric": "metric: M",
    "topic": "topic: conversation.user.created",
    "time": "time: created_at",
    "unique_id": "unique_id: conv:{{ id }}",
    "profile": "profile:\n  email: source.author.email",
}


class Made:
    """A folder of mappings and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mappings"

    def write(self, name: str, text: str) -> None:
        place = self.folder / f"{name}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def spec(self, text: str = "", name: str = "m", **parts: str) -> None:
        """A metric: the usual parts, with some of them replaced or ("") left out, and more."""
        lines = [line for line in (PARTS | parts).values() if line]
        self.write(name, "\n".join([*lines, text]) + "\n")

    def shared(self, text: str, name: str = "s") -> None:
        self.write(f"shared/{name}", text)

    def run(self, item: Any = None, *, records: Any = None, every: bool = False, **event: Any) -> list[Any]:
        """All results of a notification with these keys in its item."""
        return Runner(load(self.folder), records=records).translate(self.payload(item, **event), every=every)

    def payload(self, item: Any = None, **event: Any) -> dict[str, Any]:
        """A notification with these keys in its item."""
        usual = {
            "type": "conversation",
            "id": "1",
            "created_at": AT,
            "source": {"author": {"email": "a@b.co"}},
        }
        payload = {
            "type": "notification_event",
            "app_id": "app",
            "topic": "conversation.user.created",
            "created_at": AT,
            "data": {"item": {**usual, **(item or {})}},
            **event,
        }
        if event.get("history"):
            del payload["topic"], payload["created_at"]
        return payload

    def event(self, item: Any = None, **more: Any) -> Translation:
        """The one event that comes of it."""
        (result,) = self.run(item, **more)
        assert isinstance(result, Translation), result
        return result

    def properties(self, item: Any = None, **more: Any) -> dict[str, Any]:
        """Its properties, without the one that the engine adds."""
        found = dict(self.event(item, **more).properties)
        found.pop("Intercom Event ID", None)
        return found


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def fields(result: Any) -> list[tuple[str, str]]:
    """The issues of a result: code and field."""
    return [(issue.code, issue.field) for issue in result.issues]


def ids(results: list[Any]) -> list[str]:
    return [result.unique_id.removeprefix("ic:app:") for result in results if isinstance(result, Translation)]


# metric, topic, name


def test_a_metric_makes_an_event_with_its_name_for_its_topic(made: Made) -> None:
    made.spec()
    event = made.event()
    assert (event.metric, event.unique_id) == ("M", "ic:app:conv:1")
    assert event.request is not None
    assert event.request.endpoint == "/api/events"


def test_a_topic_that_no_spec_answers_is_skipped_and_named(made: Made) -> None:
    made.spec()
    (result,) = made.run(topic="ticket.created")
    assert result == Skipped("no_spec", "M answers conversation.user.created, and this is ticket.created")
    made.spec(name="n", metric="metric: N")
    (result,) = made.run(topic="ticket.created")
    assert result == Skipped("no_spec", "no spec answers ticket.created")


def test_a_metric_may_answer_several_topics(made: Made) -> None:
    made.spec(topic="topic: [conversation.user.created, conversation.user.replied]")
    assert made.event(topic="conversation.user.replied").metric == "M"
    assert made.event(topic="conversation.user.created").metric == "M"


def test_every_spec_of_a_topic_answers_in_the_order_of_the_files(made: Made) -> None:
    made.spec(name="b", metric="metric: B")
    made.spec(name="a", metric="metric: A")
    assert [result.metric for result in made.run()] == ["A", "B"]


def test_a_profile_has_a_name_and_neither_time_nor_id(made: Made) -> None:
    made.write(
        "p", "name: Contact\ntopic: conversation.user.created\nprofile:\n  email: source.author.email\n"
    )
    profile = made.event()
    assert (profile.metric, profile.time, profile.unique_id, profile.properties) == ("Contact", None, "", {})
    assert profile.request is not None
    assert profile.request.endpoint == "/api/profile-import"


# use and without


def test_use_takes_in_what_a_shared_file_says(made: Made) -> None:
    made.shared("time: updated_at\nlet:\n  who: source.author\nproperties:\n  Mail: who.email\n")
    made.spec("use: s", time="")
    event = made.event({"updated_at": AT + 60})
    assert event.properties["Mail"] == "a@b.co"
    assert event.time is not None
    assert event.time.timestamp() == AT + 60


def test_use_takes_one_name_or_a_list(made: Made) -> None:
    made.shared("properties:\n  A: a\n", "one")
    made.shared("properties:\n  B: b\n", "two")
    made.spec("use: [one, two]")
    assert made.properties({"a": 1, "b": 2}) == {"A": 1, "B": 2}


def test_a_metrics_own_property_wins_over_a_shared_one(made: Made) -> None:
    made.shared("properties:\n  A: a\n  B: b\n")
    made.spec("use: s\nproperties:\n  A: b\n")
    assert made.properties({"a": 1, "b": 2}) == {"A": 2, "B": 2}


def test_a_metrics_own_let_wins_and_shared_lines_see_it(made: Made) -> None:
    made.shared("let:\n  who: a\nproperties:\n  Who: who\n")
    made.spec("use: s\nlet:\n  who: b\n")
    assert made.properties({"a": 1, "b": 2}) == {"Who": 2}


def test_a_metrics_own_lookup_wins_and_shared_lines_see_it(made: Made) -> None:
    made.shared("lookups:\n  team: a\nproperties:\n  Team: team.name\n")
    made.spec("use: s\nlookups:\n  team: b\n")
    records = {"teams": [{"id": "1", "name": "One"}, {"id": "2", "name": "Two"}]}
    assert made.properties({"a": 1, "b": 2}, records=records) == {"Team": "Two"}


def test_profile_and_let_and_lookups_merge_by_key(made: Made) -> None:
    made.shared("let:\n  a: x\nlookups:\n  team: t\nprofile:\n  email: mail\n  first_name: a\n")
    made.spec(
        'use: s\nlet:\n  b: y\nlookups:\n  admin: d\nproperties:\n  All: "[a, b, team.name, admin.name]"',
        profile="profile:\n  first_name: b",
    )
    records = {"teams": [{"id": 1, "name": "T"}], "admins": [{"id": 2, "name": "D"}]}
    event = made.event({"x": "X", "y": "Y", "t": 1, "d": 2, "mail": "m@b.co"}, records=records)
    assert event.properties["All"] == ["X", "Y", "T", "D"]
    assert event.profile == {"email": "m@b.co", "first_name": "Y"}


def test_a_metrics_own_time_and_unique_id_win(made: Made) -> None:
    made.shared("time: updated_at\nunique_id: other:{{ id }}\n")
    made.spec("use: s")
    event = made.event({"updated_at": AT + 60})
    assert event.unique_id == "ic:app:conv:1"
    assert event.time is not None
    assert event.time.timestamp() == AT


def test_conditions_of_a_shared_file_must_hold_as_well(made: Made) -> None:
    made.shared("when:\n  a: 1\n")
    made.spec("use: s\nwhen:\n  b: 2\n")
    assert isinstance(made.run({"a": 1, "b": 2})[0], Translation)
    assert isinstance(made.run({"a": 2, "b": 2})[0], Skipped)
    assert isinstance(made.run({"a": 1, "b": 1})[0], Skipped)


def test_without_leaves_out_shared_properties(made: Made) -> None:
    made.shared("properties:\n  A: a\n  B: b\n  C: c\n")
    made.spec("use: s\nwithout: [A, C]")
    assert made.properties({"a": 1, "b": 2, "c": 3}) == {"B": 2}


def test_without_may_be_one_name_and_may_leave_out_a_spread(made: Made) -> None:
    made.shared("properties:\n  A: a\n  X *: attributes\n")
    made.spec("use: s\nwithout: X *")
    assert made.properties({"a": 1, "attributes": {"b": 2}}) == {"A": 1}


def test_without_leaves_a_metrics_own_line_and_the_profile_alone(made: Made) -> None:
    made.shared("profile:\n  title: a\nproperties:\n  title: a\n  B: a\n")
    made.spec("use: s\nwithout: [title, B]\nproperties:\n  B: b\n")
    event = made.event({"a": "x", "b": 2})
    assert event.properties == {"B": 2, "Intercom Event ID": "ic:app:conv:1"}
    assert event.profile["title"] == "x"


# item


def test_the_item_is_data_item_unless_the_spec_says_otherwise(made: Made) -> None:
    made.spec("properties:\n  A: a\n")
    assert made.properties({"a": 1}) == {"A": 1}
    made.spec("item: data.item.inner\nproperties:\n  A: a\n", profile="profile:\n  email: mail")
    inner = {"a": 2, "id": "9", "created_at": AT, "mail": "m@b.co"}
    assert made.properties({"a": 1, "inner": inner}) == {"A": 2}


def test_the_item_may_stand_in_one_of_two_places(made: Made) -> None:
    made.spec("item: data.item.inner || data.item\nproperties:\n  A: id\n")
    assert made.properties() == {"A": "1"}


@pytest.mark.parametrize("inner", [None, [], "text", 5])
def test_a_notification_without_its_item_is_skipped(made: Made, inner: Any) -> None:
    made.spec("item: data.item.inner")
    (result,) = made.run({"inner": inner})
    assert (result.reason, result.detail) == ("no_item", "there is no object at `data.item.inner`")


# Names


def test_paths_and_templates_see_the_item_the_event_and_the_specs_names(made: Made) -> None:
    made.spec(
        'let:\n  twice: "{{ n * 2 }}"\n'
        'properties:\n  A: twice\n  B: "{{ twice }}"\n  C: event.topic\n  D: "{{ event.app_id }}"\n  E: n\n'
    )
    topic = "conversation.user.created"
    assert made.properties({"n": 4}) == {"A": 8, "B": 8, "C": topic, "D": "app", "E": 4}


def test_the_at_sign_is_the_item_alone(made: Made) -> None:
    made.spec("let:\n  name_of_mine: id\nproperties:\n  Keys: keys(@)\n")
    assert made.properties()["Keys"] == ["type", "id", "created_at", "source"]


def test_a_name_wins_over_a_key_that_a_payload_brings_one_day(made: Made) -> None:
    made.spec("let:\n  brand_new: id\nproperties:\n  A: brand_new\n")
    assert made.properties({"brand_new": "from the payload"}) == {"A": "1"}


def test_names_are_worked_out_in_the_order_of_their_use(made: Made) -> None:
    made.spec('let:\n  c: "{{ b + 1 }}"\n  b: "{{ a + 1 }}"\n  a: n\nproperties:\n  C: c\n')
    assert made.properties({"n": 1}) == {"C": 3}


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("let:\n  a: b\n  b: a\n", "a -> b -> a"),
        ("let:\n  a: a.x\n", "a -> a"),
        ("let:\n  a: team.id\nlookups:\n  team: a\n", "a -> team -> a"),
        ("each:\n  part: other || parts\nlet:\n  other: part.id\n", "part -> other -> part"),
    ],
)
def test_names_that_need_each_other_are_refused(made: Made, text: str, circle: str) -> None:
    made.spec(text)
    with pytest.raises(SpecError) as error:
        made.run()
    (issue,) = error.value.issues
    assert issue.code == "circle"
    assert circle in issue.message


def test_a_name_that_hides_a_documented_key_is_refused(made: Made) -> None:
    made.spec("let:\n  company: company.id\n")
    with pytest.raises(SpecError) as error:
        made.run()
    assert [issue.code for issue in error.value.issues] == ["name-taken"]
    made.spec("lookups:\n  firm: { company: company.id }\nproperties:\n  Firm: firm.name\n")
    records = {"companies": [{"id": "c1", "name": "Acme"}]}
    assert made.properties({"company": {"id": "c1"}}, records=records) == {"Firm": "Acme"}


def test_a_let_may_have_a_type_and_a_default(made: Made) -> None:
    made.spec("let:\n  n:\n    path: count\n    as: integer\n    default: 7\nproperties:\n  N: n\n")
    assert made.properties({"count": "12"}) == {"N": 12}
    assert made.properties() == {"N": 7}


def test_a_let_that_fails_costs_what_needs_it_and_is_told_once(made: Made) -> None:
    made.spec('let:\n  ratio: "{{ a / b }}"\nproperties:\n  One: ratio\n  Two: ratio\n  Three: a\n')
    event = made.event({"a": 1, "b": 0})
    assert {"One", "Two"}.isdisjoint(event.properties)
    assert event.properties["Three"] == 1
    assert fields(event) == [("failed", "ratio")]


# when


def passes(made: Made, when: str, item: dict[str, Any]) -> bool:
    made.spec(f"when:\n  {when}\n")
    (result,) = made.run(item)
    assert isinstance(result, Translation) or (isinstance(result, Skipped) and result.reason == "condition")
    return isinstance(result, Translation)


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [
        ("a: x", "x", True),
        ("a: x", "y", False),
        ("a: 5", "5", True),
        ("a: '5'", 5, True),
        ("a: true", True, True),
        ("a: true", "true", False),
        ("a: true", 1, False),
        ("a: null", None, True),
        ("a: null", False, False),
        ("a:", None, True),
        ("a: [x, y]", "y", True),
        ("a: [x, y]", "z", False),
        ("a: { not: x }", "y", True),
        ("a: { not: x }", "x", False),
        ("a: { not: x }", None, True),
        ("a: { not: [x, y] }", "y", False),
        ("a: { not: null }", None, False),
        ("a: { not: null }", 0, True),
        ("a: { at_least: 4 }", 4, True),
        ("a: { at_least: 4 }", "3", False),
        ("a: { at_least: 0 }", None, False),
        ("a: { at_most: 4 }", "4", True),
        ("a: { at_most: 4 }", None, False),
        ("a: { at_least: 2, at_most: 4 }", 3, True),
        ("a: { at_least: 2, at_most: 4 }", 5, False),
        ("a.b: 1", {"b": 1}, True),
        ('a."b c": 1', {"b c": 1}, True),
        ('"a[0]": 1', [1, 2], True),
        ("length(a): 2", [1, 2], True),
        ("a || id: '1'", None, True),
    ],
)
def test_a_line_of_when_holds_or_the_event_is_skipped(
    made: Made, when: str, value: Any, expected: bool
) -> None:
    assert passes(made, when, {"a": value}) is expected


def test_every_line_of_when_must_hold(made: Made) -> None:
    made.spec("when:\n  a: 1\n  b: 2\n")
    assert isinstance(made.run({"a": 1, "b": 2})[0], Translation)
    assert isinstance(made.run({"a": 1, "b": 3})[0], Skipped)


@pytest.mark.parametrize(("value", "expected"), [("x", True), ("y", False)])
def test_when_may_be_one_jmespath_text(made: Made, value: str, expected: bool) -> None:
    made.spec("when: a == 'x' && id")
    assert isinstance(made.run({"a": value})[0], Translation) is expected


def test_when_sees_the_event_and_the_specs_names(made: Made) -> None:
    made.spec('let:\n  total: "{{ a + b }}"\nwhen:\n  total: { at_least: 5 }\n  event.app_id: app\n')
    assert isinstance(made.run({"a": 2, "b": 3})[0], Translation)
    assert isinstance(made.run({"a": 2, "b": 2})[0], Skipped)


def test_a_skipped_event_says_which_line_did_not_hold(made: Made) -> None:
    made.spec("when:\n  id: '1'\n  a: { not:   x }\n")
    (result,) = made.run({"a": "x"})
    assert (result.metric, result.reason) == ("M", "condition")
    assert result.detail.startswith("`a: { not: x }` does not hold (")
    assert result.detail.endswith("m.yaml:9)")


def test_a_condition_that_cannot_be_worked_out_does_not_hold_and_is_told(made: Made) -> None:
    made.spec("when:\n  length(a): 2\n")
    (result,) = made.run({"a": 5})
    assert result.reason == "condition"
    assert [issue.code for issue in result.issues] == ["failed"]


# each

EACH = {
    "time": "time: part.at",
    "unique_id": "unique_id: part:{{ part.id }}",
    "each": "each:\n  part: parts",
}


def parts(*seconds: int | None) -> dict[str, Any]:
    """Parts that lie so many seconds from the notification, numbered from 1."""
    return {
        "parts": [
            {"id": number} if second is None else {"id": number, "at": AT + second}
            for number, second in enumerate(seconds, 1)
        ]
    }


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((0,), [1]),
        ((-5,), [1]),
        ((5,), [1]),
        ((-100, -3, 4), [2, 3]),
        ((4, -3), [2, 1]),
        ((-100, -6), [2]),
        ((-6, -100), [1]),
        ((-6, -6, -100), [1, 2]),
        ((-100, 6), [1]),
        ((-100, 0, 50), [2]),
        ((-100, None), [1]),
        ((-2, None), [1]),
    ],
)
def test_live_the_elements_near_the_notification_are_told_or_else_the_newest_before_it(
    made: Made, seconds: tuple[int, ...], expected: list[int]
) -> None:
    made.spec(**EACH)
    assert ids(made.run(parts(*seconds))) == [f"part:{number}" for number in expected]


def test_a_late_notification_tells_what_it_was_sent_for(made: Made) -> None:
    made.spec("when:\n  part.state: resolved\n", **EACH)
    found = [{"id": 1, "at": AT - 60, "state": "resolved"}, {"id": 2, "at": AT + 3600, "state": "submitted"}]
    assert ids(made.run({"parts": found})) == ["part:1"]


def test_live_an_element_after_the_notification_is_not_told_yet(made: Made) -> None:
    made.spec(**EACH)
    (result,) = made.run(parts(6, 100))
    assert (result.reason, result.metric) == ("no_element", "M")


def test_every_asks_for_each_element_oldest_first(made: Made) -> None:
    made.spec(**EACH)
    assert ids(made.run(parts(100, -100, 0), every=True)) == ["part:2", "part:3", "part:1"]


def test_history_tells_each_element_oldest_first(made: Made) -> None:
    made.spec("history: conversations", **EACH)
    assert ids(made.run(parts(100, -100, 0), history=True)) == ["part:2", "part:3", "part:1"]


def test_an_object_is_a_list_of_one(made: Made) -> None:
    made.spec(**EACH)
    assert ids(made.run({"parts": {"id": 7, "at": AT}})) == ["part:7"]


def test_the_same_element_twice_counts_once(made: Made) -> None:
    made.spec(**EACH)
    part = {"id": 1, "at": AT}
    assert ids(made.run({"parts": [part, dict(part), part]})) == ["part:1"]


def test_the_same_element_twice_is_parked_once(made: Made) -> None:
    made.spec(**EACH)
    results = made.run({"parts": [{"id": 1}, {"id": 1}]})
    assert [result.reason for result in results] == ["no_time"]


def test_elements_of_one_id_are_one_event(made: Made) -> None:
    made.spec(**EACH)
    assert ids(made.run({"parts": [{"id": 1, "at": AT, "n": 1}, {"id": 1, "at": AT, "n": 2}]})) == ["part:1"]


def test_elements_may_come_from_several_places(made: Made) -> None:
    made.spec(**EACH | {"each": 'each:\n  part: "[parts, more][]"'})
    item = parts(0) | {"more": [{"id": 2, "at": AT + 1}]}
    assert ids(made.run(item)) == ["part:1", "part:2"]


@pytest.mark.parametrize("found", [None, [], [None]])
def test_without_an_element_there_is_no_event(made: Made, found: Any) -> None:
    made.spec(**EACH)
    (result,) = made.run({"parts": found})
    assert (result.reason, result.detail) == ("no_element", "there is nothing at `parts`")


def test_when_is_asked_of_each_element(made: Made) -> None:
    made.spec("when:\n  part.by: user\n", **EACH)
    found = [
        {"id": 1, "at": AT, "by": "user"},
        {"id": 2, "at": AT, "by": "bot"},
        {"id": 3, "at": AT, "by": "user"},
    ]
    assert ids(made.run({"parts": found})) == ["part:1", "part:3"]


def test_where_no_element_passes_the_first_line_that_failed_is_told(made: Made) -> None:
    made.spec("when:\n  part.by: user\n", **EACH)
    results = made.run({"parts": [{"id": 1, "at": AT, "by": "bot"}, {"id": 2, "at": AT, "by": "team"}]})
    assert [result.reason for result in results] == ["condition"]


def test_names_properties_and_conditions_are_worked_out_for_the_element_at_hand(made: Made) -> None:
    label = 'let:\n  label: "{{ part.id }} of {{ id }}"\n'
    made.spec(label + "when:\n  label: { not: 2 of 1 }\nproperties:\n  L: label\n", **EACH)
    assert [result.properties["L"] for result in made.run(parts(0, 1, 2))] == ["1 of 1", "3 of 1"]


def test_a_lookup_may_depend_on_the_element(made: Made) -> None:
    made.spec("lookups:\n  admin: part.by\nproperties:\n  By: admin.name\n", **EACH)
    found = [{"id": 1, "at": AT, "by": 1}, {"id": 2, "at": AT + 1, "by": 2}]
    records = {"admins": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}]}
    assert [result.properties["By"] for result in made.run({"parts": found}, records=records)] == [
        "Ada",
        "Bo",
    ]


def test_elements_without_any_time_are_parked_and_seen(made: Made) -> None:
    made.spec(**EACH)
    results = made.run(parts(None, None))
    assert [(type(result), result.reason) for result in results] == [(Parked, "no_time")] * 2


def test_in_history_an_element_without_a_time_is_parked_after_the_others(made: Made) -> None:
    made.spec("history: conversations", **EACH)
    results = made.run(parts(None, 5), history=True)
    assert [type(result) for result in results] == [Translation, Parked]


def test_an_element_may_be_a_plain_value(made: Made) -> None:
    made.spec(time="time: created_at", unique_id="unique_id: tag:{{ tag }}", each="each:\n  tag: tags[].name")
    assert ids(made.run({"tags": [{"name": "a"}, {"name": "b"}]})) == ["tag:a", "tag:b"]


# lookups


class Asked:
    """Records that remember what they were asked for."""

    def __init__(self, **tables: dict[str, Record]) -> None:
        self.tables = tables
        self.calls: list[tuple[str, list[str]]] = []

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        self.calls.append((table, sorted(ids)))
        return {key: self.tables.get(table, {}).get(key) for key in ids}


TEAM = "lookups:\n  team: team_id\nproperties:\n  Team: team.name\n"


@pytest.mark.parametrize("team_id", [7, "7", " 7 "])
def test_a_lookup_turns_an_id_into_its_record(made: Made, team_id: Any) -> None:
    made.spec(TEAM)
    asked = Asked(team={"7": {"id": "7", "name": "Returns"}})
    assert made.properties({"team_id": team_id}, records=asked) == {"Team": "Returns"}
    assert asked.calls == [("team", ["7"])]


@pytest.mark.parametrize("team_id", [0, "0", "", " ", None, False, True, {}, 1.5])
def test_what_is_no_id_is_not_looked_up(made: Made, team_id: Any) -> None:
    made.spec(TEAM)
    asked = Asked()
    event = made.event({"team_id": team_id}, records=asked)
    assert "Team" not in event.properties
    assert (asked.calls, fields(event)) == ([], [])


def test_a_list_of_ids_gives_a_list_of_records(made: Made) -> None:
    made.spec("lookups:\n  tag: tag_ids\nproperties:\n  Tags: tag[].name\n")
    asked = Asked(tag={"1": {"id": "1", "name": "vip"}, "2": {"id": "2", "name": "new"}})
    assert made.properties({"tag_ids": ["2", 1, 0, None]}, records=asked) == {"Tags": ["new", "vip"]}
    assert asked.calls == [("tag", ["1", "2"])]


def test_an_empty_list_of_ids_is_an_empty_list_of_records(made: Made) -> None:
    made.spec("lookups:\n  tag: tag_ids\nproperties:\n  Tags: tag[].name\n")
    assert made.properties({"tag_ids": []}, records=Asked()) == {"Tags": []}


def test_a_record_that_is_gone_is_no_value_and_is_told(made: Made) -> None:
    made.spec(TEAM)
    event = made.event({"team_id": 9}, records=Asked())
    assert "Team" not in event.properties
    assert [(issue.code, issue.message) for issue in event.issues] == [("no-record", "there is no team 9")]


def test_a_record_of_a_list_that_is_gone_is_told_and_the_others_stay(made: Made) -> None:
    made.spec("lookups:\n  tag: tag_ids\nproperties:\n  Tags: tag[].name\n")
    event = made.event({"tag_ids": [1, 2]}, records=Asked(tag={"2": {"id": "2", "name": "new"}}))
    assert event.properties["Tags"] == ["new"]
    assert [issue.message for issue in event.issues] == ["there is no tag 1"]


def test_without_records_a_lookup_is_silently_no_value(made: Made) -> None:
    made.spec(TEAM)
    event = made.event({"team_id": 9})
    assert "Team" not in event.properties
    assert event.issues == ()


def test_without_records_a_list_of_ids_is_silently_no_value(made: Made) -> None:
    made.spec("lookups:\n  tag: tag_ids\nproperties:\n  Tags: tag[].name\n")
    event = made.event({"tag_ids": [1, 2]})
    assert "Tags" not in event.properties
    assert event.issues == ()


def test_a_record_may_name_another_record(made: Made) -> None:
    made.spec(
        "lookups:\n  contact: contact_id\n  admin: contact.owner_id\nproperties:\n  Owner: admin.name\n"
    )
    asked = Asked(contact={"c": {"id": "c", "owner_id": 5}}, admin={"5": {"id": "5", "name": "Ada"}})
    assert made.properties({"contact_id": "c"}, records=asked) == {"Owner": "Ada"}
    assert asked.calls == [("contact", ["c"]), ("admin", ["5"])]


def test_a_lookup_may_have_a_name_of_its_own(made: Made) -> None:
    made.spec("lookups:\n  closed_by: { admin: by }\nproperties:\n  By: closed_by.name\n")
    assert made.properties({"by": 5}, records={"admins": [{"id": 5, "name": "Ada"}]}) == {"By": "Ada"}


def test_two_lookups_of_one_table_are_asked_for_together(made: Made) -> None:
    made.spec('lookups:\n  admin: a\n  boss: { admin: b }\nproperties:\n  Who: "[admin.name, boss.name]"\n')
    asked = Asked(admin={"1": {"id": "1", "name": "Ada"}, "2": {"id": "2", "name": "Bo"}})
    assert made.properties({"a": 1, "b": 2}, records=asked) == {"Who": ["Ada", "Bo"]}
    assert asked.calls == [("admin", ["1", "2"])]


def test_a_lookup_that_nothing_uses_asks_for_nothing(made: Made) -> None:
    made.spec("lookups:\n  team: team_id\n")
    asked = Asked()
    made.event({"team_id": 7}, records=asked)
    assert asked.calls == []


def test_a_condition_may_wait_for_a_record(made: Made) -> None:
    made.spec(TEAM + "when:\n  team.name: Returns\n")
    records = Asked(team={"7": {"id": "7", "name": "Returns"}, "8": {"id": "8", "name": "Sales"}})
    assert made.properties({"team_id": 7}, records=records) == {"Team": "Returns"}
    assert made.run({"team_id": 8}, records=records)[0].reason == "condition"


def test_an_event_that_is_skipped_anyway_asks_for_no_record(made: Made) -> None:
    made.spec(TEAM + "when:\n  state: open\n")
    asked = Asked(team={"7": {"id": "7", "name": "Returns"}})
    assert made.run({"team_id": 7, "state": "closed"}, records=asked)[0].reason == "condition"
    assert asked.calls == []


# time


@pytest.mark.parametrize(
    ("time", "value"),
    [
        ("at", AT),
        ("at", AT + 0.9),
        ("at", str(AT)),
        ("at", "2026-08-31T10:00:00Z"),
        ("at", "2026-08-31T12:00:00+02:00"),
        ('"{{ at }}"', AT),
        ('"{{ absent or at }}"', AT),
        ("at as datetime", AT),
        ("absent || at", AT),
        ("{ path: absent, default: 2026-08-31T10:00:00Z }", None),
    ],
)
def test_the_time_is_a_moment_to_the_second_in_utc(made: Made, time: str, value: Any) -> None:
    made.spec(time=f"time: {time}")
    event = made.event({"at": value})
    assert event.time is not None
    assert event.time.isoformat() == "2026-08-31T10:00:00+00:00"
    assert event.request is not None
    assert event.request.body["data"]["attributes"]["time"] == "2026-08-31T10:00:00Z"


@pytest.mark.parametrize("value", [None, "", "soon", AT * 1000, "2026-08-31T10:00:00", True, [], {}])
def test_without_a_time_the_event_is_parked(made: Made, value: Any) -> None:
    made.spec(time="time: custom_attributes.when")
    (result,) = made.run({"custom_attributes": {"when": value}})
    assert isinstance(result, Parked)
    assert (result.metric, result.reason) == ("M", "no_time")
    assert fields(result) == ([] if value in (None, "") else [("refused", "time")])


# unique_id


def test_the_workspace_stands_before_every_id_and_the_id_is_a_property_too(made: Made) -> None:
    made.spec(unique_id="unique_id: conv:{{ id }}:created")
    event = made.event()
    assert event.unique_id == "ic:app:conv:1:created"
    assert event.properties["Intercom Event ID"] == "ic:app:conv:1:created"
    assert event.request is not None
    assert event.request.body["data"]["attributes"]["unique_id"] == "ic:app:conv:1:created"


def test_no_property_of_a_spec_takes_the_place_of_the_event_id(made: Made) -> None:
    made.spec("properties:\n  Intercom *: attributes\n")
    event = made.event({"attributes": {"Event ID": "mine"}})
    assert event.properties["Intercom Event ID"] == "ic:app:conv:1"


def test_a_line_for_the_event_id_is_a_fault_since_the_engine_makes_it(made: Made) -> None:
    made.spec("properties:\n  Intercom Event ID: id\n")
    with pytest.raises(SpecError) as error:
        made.event()
    assert [issue.code for issue in error.value.issues] == ["name-taken"]


def test_a_value_that_is_refused_does_not_come_in_by_a_spread(made: Made) -> None:
    made.spec("properties:\n  B x: n as number\n  '* x': q\n")
    event = made.event({"n": "bad", "q": {"B": "raw", "C": 1}})
    assert "B x" not in event.properties
    assert event.properties["C x"] == 1


def test_a_key_whose_place_a_named_line_has_is_explained_as_left_out(made: Made) -> None:
    made.spec("properties:\n  B x: n\n  '* x': q\n")
    [told] = Runner(load(made.folder)).explain(made.payload({"n": 1, "q": {"B": 2}}))
    rows = [(row.value, row.why) for row in told.rows if row.name == "B x"]
    assert rows == [(1, ""), (None, "another line has its place")]


def test_what_is_done_to_a_result_reaches_no_other(made: Made) -> None:
    made.spec("properties:\n  C: { value: [1, 2] }\n  D: { path: nope, default: { a: 1 } }\n  O: owner\n")
    first = made.event({"owner": {"x": [1]}})
    first.properties["C"].append(9)
    first.properties["D"]["b"] = 2
    first.properties["O"]["x"].append(2)
    again = made.event({"owner": {"x": [1]}})
    assert (again.properties["C"], again.properties["D"]) == ([1, 2], {"a": 1})
    assert again.properties["O"] == {"x": [1]}


@pytest.mark.parametrize(
    ("unique_id", "value", "expected"),
    [
        ("conv:{{ x }}", "a", "conv:a"),
        ("conv:{{ x }}", 0, "conv:0"),
        ("conv:{{ x }}", 5, "conv:5"),
        ('"{{ x }}"', 5, "5"),
        ("x", "a", "a"),
        ("x", 5, "5"),
        ("x as text", 5, "5"),
        ("conv:{{ x or id }}", None, "conv:1"),
    ],
)
def test_an_id_is_text_of_paths_and_templates(made: Made, unique_id: str, value: Any, expected: str) -> None:
    made.spec(unique_id=f"unique_id: {unique_id}")
    assert ids([made.event({"x": value})]) == [expected]


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize("unique_id", ["conv:{{ id }}:{{ x }}", "x", '"{{ x }}"', "conv:{{ x.y.z }}"])
def test_a_part_of_an_id_without_a_value_parks_the_event(made: Made, unique_id: str, value: Any) -> None:
    made.spec(unique_id=f"unique_id: {unique_id}")
    (result,) = made.run({"x": value})
    assert isinstance(result, Parked)
    assert (result.metric, result.reason) == ("M", "no_unique_id")


@pytest.mark.parametrize("value", [True, 1.5, [], {}, ["a"]])
def test_what_is_neither_text_nor_a_whole_number_is_no_id(made: Made, value: Any) -> None:
    made.spec(unique_id="unique_id: x")
    assert made.run({"x": value})[0].reason == "no_unique_id"


@pytest.mark.parametrize("value", ["a b", "ä", "a\nb", "x" * 120, "a\u200bb"])
def test_an_id_that_is_long_or_not_plain_parks_the_event(made: Made, value: str) -> None:
    made.spec(unique_id="unique_id: conv:{{ x }}")
    assert made.run({"x": value})[0].reason == "bad_unique_id"


@pytest.mark.parametrize("app_id", [None, "", 5])
def test_a_notification_of_no_workspace_parks_the_event(made: Made, app_id: Any) -> None:
    made.spec()
    assert made.run(app_id=app_id)[0].reason == "no_app_id"


# value


@pytest.mark.parametrize(
    ("value", "found", "expected"),
    [
        ("x", 49.9, 49.9),
        ("x", 0, 0),
        ("x as number", "49.90", 49.9),
        ('"{{ x * 2 }}"', 2, 4),
        ("x", None, None),
        ("5", None, 5),
        ("{ path: x, default: 1 }", None, 1),
    ],
)
def test_the_value_of_an_event_is_a_number_or_nothing(
    made: Made, value: str, found: Any, expected: Any
) -> None:
    made.spec(value=f"value: {value}")
    event = made.event({"x": found})
    assert (event.value, event.issues) == (expected, ())


@pytest.mark.parametrize("found", ["49.90", True, False, [], {}])
def test_a_value_that_is_no_number_is_left_out_and_told(made: Made, found: Any) -> None:
    made.spec(value="value: x")
    event = made.event({"x": found})
    assert (event.value, fields(event)) == (None, [("refused", "value")])
    assert event.request is not None
    assert "value" not in event.request.body["data"]["attributes"]


# Values: one line or a block


@pytest.mark.parametrize(
    ("line", "block"),
    [
        ("x", "{ path: x }"),
        ("x as integer", "{ path: x, as: integer }"),
        ('"{{ x }}!"', '{ template: "{{ x }}!" }'),
        ("true", "{ value: true }"),
        ("5", "{ value: 5 }"),
    ],
)
def test_a_line_and_a_block_have_one_meaning(made: Made, line: str, block: str) -> None:
    made.spec(f"properties:\n  One: {line}\n  Other: {block}\n")
    found = made.properties({"x": "12"})
    assert found["One"] == found["Other"]


def test_a_template_in_a_block_may_have_a_type(made: Made) -> None:
    made.spec('properties:\n  A: { template: "{{ x }}{{ x }}", as: integer }\n')
    assert made.properties({"x": 1}) == {"A": 11}


def test_a_word_as_inside_a_quoted_name_is_no_type(made: Made) -> None:
    made.spec('properties:\n  A: x."sold as text"\n  B: x."sold as text" as integer\n')
    assert made.properties({"x": {"sold as text": "5"}}) == {"A": "5", "B": 5}


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("true", True),
        ("false", False),
        ("5", 5),
        ("0", 0),
        ("1.5", 1.5),
        ("{ value: text }", "text"),
        ("{ value: [a, 1, true] }", ["a", 1, True]),
        ("{ value: [] }", []),
        ("{ value: { a: 1 } }", {"a": 1}),
        ("{ value: 5, as: text }", "5"),
    ],
)
def test_a_plain_yaml_value_is_sent_as_it_is(made: Made, yaml: str, expected: Any) -> None:
    made.spec(f"properties:\n  A: {yaml}\n")
    found = made.properties()["A"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("found", [0, False, [], 0.0, {}])
def test_zero_false_and_empty_lists_are_values(made: Made, found: Any) -> None:
    made.spec("properties:\n  A: x\n  B: { path: x, default: other }\n")
    assert made.properties({"x": found}) == {"A": found, "B": found}


def test_null_and_absent_are_no_value(made: Made) -> None:
    made.spec("properties:\n  A: x\n  B: y\n  C: x.y.z\n")
    assert made.properties({"x": None}) == {}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("text", ""),
        ("text", " "),
        ("email", ""),
        ("integer", " "),
        ("datetime", ""),
        ("boolean", ""),
        ("text", None),
    ],
)
def test_a_default_stands_in_for_what_its_type_calls_empty(made: Made, kind: str, found: Any) -> None:
    made.spec(f"properties:\n  A: {{ path: x, as: {kind}, default: none }}\n  B: x as {kind}\n")
    assert made.properties({"x": found}) == {"A": "none"}


@pytest.mark.parametrize("default", ["0", "false", "[]", "text", "[a, b]", "{ a: 1 }"])
def test_a_default_is_sent_as_it_is_written(made: Made, default: str) -> None:
    made.spec(f"properties:\n  A: {{ path: x, default: {default} }}\n  B: {{ value: {default} }}\n")
    found = made.properties()
    assert found["A"] == found["B"]


@pytest.mark.parametrize(
    ("kind", "found"), [("number", "many"), ("datetime", "soon"), ("email", "mara"), ("text", [])]
)
def test_a_value_that_its_type_refuses_is_left_out_default_or_not(made: Made, kind: str, found: Any) -> None:
    made.spec(f"properties:\n  A: {{ path: x, as: {kind}, default: none }}\n  B: id\n")
    event = made.event({"x": found})
    assert "A" not in event.properties
    assert event.properties["B"] == "1"
    assert fields(event) == [("refused", "properties.A")]


def test_a_refusal_names_the_field_and_its_line_and_repeats_no_value(made: Made) -> None:
    made.spec("properties:\n  A: x as number\n")
    (issue,) = made.event({"x": "secret-4711"}).issues
    assert issue.message == "properties.A: this is no number"
    assert str(issue.place).endswith("m.yaml:8:6")
    assert "4711" not in str(issue.as_json())


@pytest.mark.parametrize("found", [None, "many"])
def test_a_required_property_without_a_value_parks_the_event(made: Made, found: Any) -> None:
    made.spec("properties:\n  A: { path: x, as: number, required: true }\n")
    (result,) = made.run({"x": found})
    assert isinstance(result, Parked)
    assert (result.metric, result.reason) == ("M", "required")
    assert result.detail == "properties.A is required and has no value"


@pytest.mark.parametrize("section", ["profile", "value"])
def test_what_is_required_elsewhere_parks_the_event_too(made: Made, section: str) -> None:
    lines = {
        "profile": "profile:\n  email: source.author.email\n  title: { path: x, required: true }",
        "value": "value: { path: x, required: true }",
    }
    made.spec(**{section: lines[section]})
    assert made.run()[0].reason == "required"


@pytest.mark.parametrize("found", [0, False, []])
def test_a_required_property_with_a_value_does_not_wait(made: Made, found: Any) -> None:
    made.spec("properties:\n  A: { path: x, required: true }\n  B: { path: y, required: true, default: z }\n")
    assert made.properties({"x": found}) == {"A": found, "B": "z"}


# Spread


def test_a_star_spreads_an_object_into_one_property_a_key(made: Made) -> None:
    made.spec("properties:\n  Attribute *: attributes\n")
    item = {"attributes": {"Plan": "pro", "Seats": 0, "Vip": False, "Gone": None, "Blank": ""}}
    expected = {"Attribute Plan": "pro", "Attribute Seats": 0, "Attribute Vip": False, "Attribute Blank": ""}
    assert made.properties(item) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [('"*"', "Plan"), ('"* (Intercom)"', "Plan (Intercom)"), ("A * B", "A Plan B")]
)
def test_the_star_stands_where_the_key_goes(made: Made, name: str, expected: str) -> None:
    made.spec(f"properties:\n  {name}: attributes\n")
    assert made.properties({"attributes": {"Plan": 1}}) == {expected: 1}


@pytest.mark.parametrize(
    ("excepted", "expected"),
    [
        ("[Plan]", ["Seats", "Fin: a", "Fin: b", "Fin"]),
        ("Plan", ["Seats", "Fin: a", "Fin: b", "Fin"]),
        ('["Fin: *"]', ["Plan", "Seats", "Fin"]),
        ("[Fin*]", ["Plan", "Seats"]),
        ("[Plan, Fin]", ["Seats", "Fin: a", "Fin: b"]),
        ('["*"]', []),
        ("[plan, Pla]", ["Plan", "Seats", "Fin: a", "Fin: b", "Fin"]),
        ("[]", ["Plan", "Seats", "Fin: a", "Fin: b", "Fin"]),
    ],
)
def test_except_leaves_out_keys_and_a_star_may_end_one(
    made: Made, excepted: str, expected: list[str]
) -> None:
    made.spec(f"properties:\n  X *:\n    path: attributes\n    except: {excepted}\n")
    keys = ["Plan", "Seats", "Fin: a", "Fin: b", "Fin"]
    assert list(made.properties({"attributes": dict.fromkeys(keys, 1)})) == [f"X {key}" for key in expected]


def test_a_property_of_its_own_wins_over_a_spread_one(made: Made) -> None:
    made.spec("properties:\n  X *: attributes\n  X Plan: plan\n")
    assert made.properties({"plan": 1, "attributes": {"Plan": 2, "Seats": 3}}) == {"X Plan": 1, "X Seats": 3}


def test_each_value_of_a_spread_takes_the_type_and_a_bad_one_costs_itself(made: Made) -> None:
    made.spec("properties:\n  X *: attributes as integer\n")
    event = made.event({"attributes": {"a": "1", "b": "two", "c": 3}})
    assert {key: event.properties.get(f"X {key}") for key in "abc"} == {"a": 1, "b": None, "c": 3}
    assert fields(event) == [("refused", "properties.X b")]


@pytest.mark.parametrize(
    ("found", "expected"),
    [(None, []), ({}, []), ([1], [("refused", "properties.X *")]), ("x", [("refused", "properties.X *")])],
)
def test_what_is_no_object_is_not_spread(made: Made, found: Any, expected: list[Any]) -> None:
    made.spec("properties:\n  X *: attributes\n  A: id\n")
    event = made.event({"attributes": found})
    assert {key for key in event.properties if key.startswith("X")} == set()
    assert (event.properties["A"], fields(event)) == ("1", expected)


# A bad field costs the field


def test_a_bad_phone_number_costs_the_phone_not_the_event(made: Made) -> None:
    made.spec(profile="profile:\n  email: source.author.email\n  phone_number: phone as phone")
    event = made.event({"phone": "call me"})
    assert event.profile == {"email": "a@b.co"}
    assert fields(event) == [("refused", "profile.phone_number")]


@pytest.mark.parametrize(
    ("value", "found", "code"),
    [
        ('"{{ x / 0 }}"', 1, "failed"),
        ('"{{ x - 1 }}"', "text", "failed"),
        ("no {{ x }}", ["a"], "failed"),
        ("length(x)", 5, "failed"),
        ("x", "y" * 100_001, "over-limit"),
        ("x", list(range(4_001)), "over-limit"),
        ("x", 2**63, "over-limit"),
        ("x", "half \ud800", "over-limit"),
        ("x as datetime", AT * 1000, "refused"),
        ("to_number('nan')", None, "failed"),
    ],
)
def test_a_bad_property_costs_itself_and_is_told_with_its_line(
    made: Made, value: str, found: Any, code: str
) -> None:
    made.spec(f"properties:\n  A: id\n  B: {value}\n  C: id\n")
    event = made.event({"x": found})
    assert (event.properties["A"], event.properties.get("B"), event.properties["C"]) == ("1", None, "1")
    (issue,) = event.issues
    assert (issue.code, issue.field) == (code, "properties.B")
    assert issue.place is not None
    assert issue.place.line == 9


@pytest.mark.parametrize("path", ["&id", "[&id]", "{ a: &id }"])
def test_a_property_is_json_whatever_a_path_finds(made: Made, path: str) -> None:
    made.spec(f'properties:\n  A: "{path}"\n')
    try:
        event = made.event()
    except SpecError:
        return
    assert "A" not in event.properties


def test_an_event_without_a_person_is_parked(made: Made) -> None:
    made.spec(profile="profile:\n  email: mail as email\n  first_name: id")
    (result,) = made.run({"mail": "not one"})
    assert (type(result), result.reason) == (Parked, "no_identity")
    assert fields(result) == [("refused", "profile.email")]


@pytest.mark.parametrize("at", [0, AT + 5 * 366 * 86_400 * 100])
def test_a_time_that_klaviyo_takes_not_parks_the_event(made: Made, at: int) -> None:
    made.spec(time="time: at")
    assert made.run({"at": at})[0].reason == "time_out_of_range"


def test_a_location_is_part_of_the_profile_and_merges_by_key(made: Made) -> None:
    made.shared("profile:\n  location:\n    city: a\n    zip: a\n")
    made.spec(
        "use: s", profile="profile:\n  email: source.author.email\n  location:\n    city: b\n    country: c"
    )
    event = made.event({"a": "A", "b": "B", "c": None})
    assert event.profile["location"] == {"city": "B", "zip": "A"}


# history


def test_a_spec_without_history_takes_no_past(made: Made) -> None:
    made.spec()
    assert made.run(history=True)[0].reason == "no_spec"


def test_history_goes_by_the_kind_of_object_and_is_recorded_without_flows(made: Made) -> None:
    made.spec("history: conversations")
    event = made.event(history=True)
    assert event.history
    assert event.request is not None
    assert event.request.body["data"]["attributes"]["backfill"] is True
    assert made.run({"type": "ticket"}, history=True)[0].reason == "no_spec"


def test_a_live_event_is_no_history(made: Made) -> None:
    made.spec("history: conversations")
    event = made.event()
    assert event.request is not None
    assert "backfill" not in event.request.body["data"]["attributes"]


def test_a_spec_can_ask_whether_it_is_history(made: Made) -> None:
    made.spec("history: conversations\nproperties:\n  Past: event.history || `false`\n")
    assert made.properties(history=True) == {"Past": True}
    assert made.properties() == {"Past": False}


# One shape


@pytest.mark.parametrize(
    ("item", "path", "expected"),
    [
        ({"admin_assignee_id": 0}, "admin_assignee_id", None),
        ({"admin_assignee_id": "0"}, "admin_assignee_id", None),
        ({"team_assignee_id": ""}, "team_assignee_id", None),
        ({"team_assignee_id": "9681002"}, "team_assignee_id", 9681002),
        ({"team_assignee_id": 9681002}, "team_assignee_id", 9681002),
        ({"ticket_state": "resolved"}, "ticket_state", {"category": "resolved"}),
        ({"ticket_state": {"category": "resolved"}}, "ticket_state.category", "resolved"),
        ({"updated_at": "2026-08-31T10:00:00Z"}, "updated_at", AT),
        ({"waiting_since": "2026-08-31T10:00:00+00:00"}, "waiting_since", AT),
        ({"snoozed_until": str(AT)}, "snoozed_until", AT),
        ({"updated_at": AT}, "updated_at", AT),
        ({"custom_attributes": {"paid_at": "2026-08-31"}}, "custom_attributes.paid_at", "2026-08-31"),
        ({"ticket_attributes": {"admin_assignee_id": 0}}, "ticket_attributes.admin_assignee_id", 0),
        ({"parts": [{"ticket_state": "resolved"}]}, "parts[0].ticket_state.category", "resolved"),
    ],
)  # fmt: skip
def test_specs_see_one_shape_whatever_the_version(made: Made, item: Any, path: str, expected: Any) -> None:
    made.spec(f'properties:\n  A: "{path}"\n')
    assert made.properties(item).get("A") == expected


# The same every time


def test_the_same_notification_gives_the_same_event(made: Made) -> None:
    made.spec('let:\n  b: a\n  a: id\nproperties:\n  X *: attributes\n  B: b\n  T: "{{ attributes }}"\n')
    item = {"attributes": {"z": 1, "a": [1, 2], "m": {"x": 1}}}
    first, second = made.event(item), made.event(item)
    assert first.request == second.request
    assert list(first.properties) == list(second.properties)


def test_a_spec_changes_nothing_of_the_notification(made: Made) -> None:
    made.spec(
        'each:\n  part: parts\nproperties:\n  A: sort(part.tags)\n  B: "{{ part.tags | sort }}"\n  C: part\n'
    )
    item = {"parts": [{"tags": ["b", "a"]}]}
    made.run(item)
    assert item == {"parts": [{"tags": ["b", "a"]}]}


def test_every_line_of_when_is_explained_as_it_is_also_after_one_that_failed(made: Made) -> None:
    made.spec("let:\n  mine: id\nwhen:\n  a: 1\n  mine: 1\n")
    [told] = Runner(load(made.folder)).explain(made.payload({"a": 2, "id": 1}))
    assert [(check.text, check.found, check.holds) for check in told.checks] == [
        ("a: 1", 2, False),
        ("mine: 1", 1, True),
    ]
