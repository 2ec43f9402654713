"""`coverage`: what lines of specs and paths of payloads have to do with each other, counted both ways.

A small folder of specs on a handful of letters, with every row as it must be; and the shipped mappings on
the shipped fixtures.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import Notification, load
from engine.folder import look_at
from engine.intercom.records import RecordsFile, read_records
from engine.language import expressions, templates
from engine.language.catalogue import KINDS
from engine.language.payloads import name_of, shape_of
from engine.language.places import Places
from engine.tools.coverage.report import Coverage, conditions_of, lines_of
from tests.support import FIXTURES, RECORDS, ROOT, Ran, StandingClock, run, runner

# The places behind a value

PATHS = [
    ("a.b", "a.b", ""),
    ('a."b c"', "a.b c", ""),
    ("tags.tags[].name", "tags.tags.name", ""),
    ("tags.tags[0].name", "tags.tags.name", ""),
    ("tags.tags[1:].name | [0]", "tags.tags.name", ""),
    ("parts[?state].at", "parts.at", "parts.state"),
    ("a[?b.c == 'x' && (d || e)] | [0].f", "a.f", "a.b.c, a.d, a.e"),
    ("a || b.c", "a, b.c", ""),
    ("(a || b).c", "a.c, b.c", ""),
    ("[a, b[].c][]", "a, b.c", ""),
    ("{ x: a, y: b }.x.z", "a.z", ""),
    ("{ x: a, y: b.c }", "a, b.c", ""),
    ("custom.*.name", "custom", ""),
    ("sort_by(parts, &at)[0].id", "parts.id", "parts.at"),
    ("map(&name, tags)", "tags.name", ""),
    ("not_null(a, b).c", "a.c, b.c", ""),
    ("a == 'x'", "", "a"),
    ("!a", "", "a"),
    ("contains(['user'], author.type)", "", "author.type"),
    ("length(parts)", "", "parts"),
    ("join(', ', names)", "names", ""),
    ("to_string(source)", "source", ""),
    ("@", "(item)", ""),
    ("@.a", "a", ""),
    ("event.data.item", "event.data.item", ""),
    ("`1`", "", ""),
    ("{{ a.b }}", "a.b", ""),
    ("{{ a['b c'] }}", "a.b c", ""),
    ("{{ a[0].b }}", "a.b", ""),
    ("{{ a[:2] }}", "a", ""),
    ("{{ a[key] }}", "a", "key"),
    ("Ticket {{ a }} of {{ b.c }}", "a, b.c", ""),
    ("{{ a or b.c }}", "a, b.c", ""),
    ("{{ a if b else c }}", "a, c", "b"),
    ("{{ a / b - 1 }}", "a, b", ""),
    ("{{ a == b }}", "", "a, b"),
    ("{{ a in [b, 'x'] }}", "", "a, b"),
    ("{{ not a }}", "", "a"),
    ("{{ a is defined }}", "", "a"),
    ("{{ a ~ b }}", "a, b", ""),
    ("{{ a | lower }}", "a", ""),
    ("{{ a | default(b) }}", "a, b", ""),
    ("{{ parts | length }}", "", "parts"),
    ("{{ (parts | last).at }}", "parts.at", ""),
    ("{{ (parts | selectattr('author.id', 'eq', who) | first).mail }}", "parts.mail", "parts.author.id, who"),
    ("{{ parts | map(attribute='author.name') | join(', ') }}", "parts.author.name", ""),
    ("{{ (parts | sort(attribute='at') | first).id }}", "parts.id", "parts.at"),
    ("{{ parts | sum(attribute='minutes') }}", "parts.minutes", ""),
    ("{% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}", "b, d, e", "a, c"),
    ("{% for p in parts if p.open %}{{ p.name }}{% endfor %}", "parts.name", "parts, parts.open"),
]  # fmt: skip


def shown(places: set[tuple[str, ...]]) -> str:
    return ", ".join(sorted(".".join(steps) or "(item)" for steps in places))


@pytest.mark.parametrize(("text", "taken", "tested"), PATHS)
def test_the_places_behind_a_value_are_those_that_it_takes_and_those_that_it_tests(
    text: str, taken: str, tested: str
) -> None:
    source = templates.parse(text) if templates.is_template(text) else expressions.parse(text)
    reads = Places().behind(source)
    assert (shown(reads.taken), shown(reads.tested)) == (taken, tested)


def test_an_id_is_unstable_by_whatever_key_of_a_name_it_is(mappings: Path) -> None:
    wrote(
        mappings, ("{{ id }}:wrote", "{{ it.id }}:{{ it.updated_at }}"), ("when:", "let:\n  it: '@'\nwhen:")
    )
    issues = look_at([mappings / "wrote.yaml"]).issues
    assert [(issue.code, issue.message) for issue in issues if issue.severity == "error"] == [
        ("unstable-id", "`updated_at` changes with everything that happens later")
    ]


# A few specs on a few letters

SPECS = {
    "shared/letter.yaml": """\
let:
  who: source.author || contacts.contacts[0]
lookups:
  team: team_assignee_id
profile:
  email: who.email as email
  phone_number: who.phone as phone
properties:
  Title: title as text
  Team: team.name
  Attribute *:
    path: custom_attributes
    except: [diary]
""",
    "wrote.yaml": """\
metric: Wrote
topic: conversation.user.created
use: letter
when:
  open: true
  state: open
time: created_at
unique_id: conv:{{ id }}:wrote
value: custom_attributes.pages
properties:
  Pages: custom_attributes.pages as number
""",
    "answered.yaml": """\
metric: Answered
topic: conversation.user.replied
use: letter
without: Attribute *
each:
  part: conversation_parts.conversation_parts[?body]
time: part.created_at
unique_id: conv:{{ id }}:part:{{ part.id }}
properties:
  Part *: part.more
""",
    "closed.yaml": """\
metric: Closed
topic: conversation.admin.closed
use: letter
without: [Team, Title, Attribute *]
time: statistics.last_close_at
unique_id: conv:{{ id }}:closed
properties:
  Rating: conversation_rating.rating
""",
}
TEAMS = {"teams": [{"id": "7", "name": "SECRET team"}]}
AT = 1788170400


def letter(topic: str = "conversation.user.created", **changes: Any) -> dict[str, Any]:
    """A notification of a conversation; nothing in it that is secret may be shown."""
    conversation = {
        "type": "conversation",
        "id": "11",
        "created_at": AT,
        "open": True,
        "state": "open",
        "title": None,
        "priority": "SECRET priority",
        "source": {
            "type": "email",
            "body": "SECRET body",
            "author": {"type": "user", "id": "u1", "email": "secret@example.com", "phone": "SECRET phone"},
        },
        "tags": {"tags": []},
        "custom_attributes": {"pages": 3, "diary": "SECRET diary", "plan": "SECRET plan"},
        "team_assignee_id": 7,
        "conversation_parts": {
            "conversation_parts": [
                {"id": "1", "body": "SECRET reply", "created_at": AT, "more": {"mood": "SECRET mood"}},
                {"id": "2", "body": None, "created_at": AT, "author": {"id": "u1"}},
            ]
        },
        **changes,
    }
    return {
        "type": "notification_event",
        "topic": topic,
        "id": "n1",
        "app_id": "app1",
        "created_at": AT,
        "data": {"type": "notification_event_data", "item": conversation},
    }


LETTERS = [
    letter(),
    letter(custom_attributes={"pages": "SECRET many"}, team_assignee_id=8),
    letter(open=False, state="closed"),
    letter(open=False),
    letter(created_at=None),
    letter("conversation.user.replied"),
    letter("conversation.user.replied", conversation_parts={"conversation_parts": []}),
    letter("conversation.read"),
    letter("conversation.read"),
]


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    folder = tmp_path / "mappings"
    (folder / "shared").mkdir(parents=True)
    for name, text in SPECS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def covered(mappings: Path, letters: list[Any], records: Any = TEAMS) -> Coverage:
    found = Coverage(load(mappings), records=RecordsFile(records), clock=StandingClock())
    for payload in letters:
        found.add(payload)
    return found


def test_every_line_is_counted_with_its_place_and_with_what_it_lost(mappings: Path) -> None:
    rows = [
        (
            f"{Path(line.place.file).name}:{line.place.line}",
            line.section,
            line.name,
            line.had,
            line.of,
            dict(line.lost),
        )
        for line in lines_of(covered(mappings, LETTERS).specs())
    ]
    assert rows == [
        ("answered.yaml:6", "each", "part", 1, 2, {}),  # of notifications
        ("answered.yaml:7", "time", "time", 1, 1, {}),
        ("answered.yaml:8", "unique_id", "unique_id", 1, 1, {}),
        ("answered.yaml:10", "properties", "Part *", 1, 1, {}),
        ("closed.yaml:5", "time", "time", 0, 0, {}),
        ("closed.yaml:6", "unique_id", "unique_id", 0, 0, {}),
        ("closed.yaml:8", "properties", "Rating", 0, 0, {}),
        ("letter.yaml:2", "let", "who", 4, 4, {}),
        ("letter.yaml:4", "lookups", "team", 3, 4, {"no-record": 1}),
        ("letter.yaml:6", "profile", "email", 4, 4, {}),
        ("letter.yaml:7", "profile", "phone_number", 0, 4, {"refused": 4}),
        ("letter.yaml:9", "properties", "Title", 0, 4, {}),
        ("letter.yaml:10", "properties", "Team", 3, 4, {}),
        ("letter.yaml:12", "properties", "Attribute *", 3, 3, {}),  # Answered leaves it out
        ("wrote.yaml:7", "time", "time", 2, 3, {}),  # one event is parked for it
        ("wrote.yaml:8", "unique_id", "unique_id", 3, 3, {}),
        ("wrote.yaml:9", "value", "value", 2, 3, {"refused": 1}),
        ("wrote.yaml:11", "properties", "Pages", 2, 3, {"refused": 1}),
    ]


def test_a_shared_line_is_counted_for_each_metric_that_takes_it_in(mappings: Path) -> None:
    [team] = [line for line in lines_of(covered(mappings, LETTERS).specs()) if line.name == "Team"]
    assert team.by_metric == {"Wrote": (2, 3), "Answered": (1, 1)}


def test_the_keys_of_a_spread_object_are_counted_without_those_that_the_line_excepts(mappings: Path) -> None:
    lines = lines_of(covered(mappings, LETTERS).specs())
    assert {line.name: dict(line.keys) for line in lines if line.is_spread} == {
        "Part *": {"mood": 1},
        "Attribute *": {"pages": 2, "plan": 1},
    }


def test_each_condition_is_counted_by_itself_also_behind_one_that_fails(mappings: Path) -> None:
    asked = conditions_of(covered(mappings, LETTERS).specs())
    assert [(one.text, one.held, one.failed, one.metrics) for one in asked] == [
        ("open: true", 3, 2, ("Wrote",)),
        ("state: open", 4, 1, ("Wrote",)),
    ]


@pytest.mark.parametrize("team", [7, 8], ids=["there", "not there"])
def test_a_condition_on_a_record_is_not_judged_where_no_record_was_fetched(mappings: Path, team: int) -> None:
    wrote(mappings, ("  state: open\n", "  team.name: SECRET team\n"))
    letters = [letter(open=False, team_assignee_id=team), letter(team_assignee_id=team)]
    [of_item, of_record] = conditions_of(covered(mappings, letters).specs())
    assert (of_item.held, of_item.failed) == (1, 1)
    assert (of_record.held, of_record.failed) == ((1, 0) if team == 7 else (0, 1))


def test_a_condition_on_a_name_is_judged_also_behind_one_that_fails(mappings: Path) -> None:
    wrote(mappings, ("when:", "let:\n  mood: state\nwhen:"), ("  state: open", "  mood: open"))
    [of_item, of_name] = conditions_of(covered(mappings, [letter(open=False)]).specs())
    assert (of_item.held, of_item.failed) == (0, 1)
    assert (of_name.held, of_name.failed) == (1, 0)


def test_each_spec_tells_what_came_of_it_and_why_nothing_did(mappings: Path) -> None:
    specs = {one.spec.name: one for one in covered(mappings, LETTERS).specs()}
    written, answered, closed = (specs[name] for name in ("Wrote", "Answered", "Closed"))
    assert (written.notifications, written.made, written.skipped, written.parked) == (5, 2, 2, 1)
    place = f"{mappings}/wrote.yaml:5"
    reasons = {f"skipped: `open: true` does not hold ({place})": 2, "parked: `time` has no value": 1}
    assert written.why == reasons
    assert (answered.notifications, answered.made, answered.skipped) == (2, 1, 1)
    assert (closed.notifications, closed.made, closed.why) == (0, 0, {})


def wrote(mappings: Path, *changes: tuple[str, str]) -> None:
    """Change the spec of Wrote."""
    text = SPECS["wrote.yaml"]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (mappings / "wrote.yaml").write_text(text, encoding="utf-8")


def had(found: Coverage) -> dict[str, int]:
    return {line.name: line.had for line in lines_of(found.specs())}


def test_a_line_for_which_an_event_is_parked_had_no_value_and_the_others_did(mappings: Path) -> None:
    pages = "{ path: title, required: true }\n  State: state"
    wrote(mappings, ("custom_attributes.pages as number", pages))
    lines = had(covered(mappings, [letter()]))
    assert (lines["Pages"], lines["State"], lines["unique_id"]) == (0, 1, 1)


def test_a_time_that_is_none_is_no_value_and_the_other_lines_are_still_asked(mappings: Path) -> None:
    wrote(mappings, ("time: created_at", "time: state"), ("value: custom_attributes.pages", "value: state"))
    found = covered(mappings, [letter()])
    [wrote_it] = [one for one in found.specs() if one.spec.name == "Wrote"]
    assert wrote_it.parked == 1
    lines = had(found)
    assert (lines["time"], lines["value"], lines["unique_id"], lines["Pages"]) == (0, 0, 1, 1)
    lost = {line.name: dict(line.lost) for line in wrote_it.lines if line.lost}
    assert lost == {"time": {"refused": 1}, "value": {"refused": 1}, "phone_number": {"refused": 1}}


def test_a_look_up_of_several_ids_of_which_none_is_known_stands_for_nothing(mappings: Path) -> None:
    lookups = "lookups:\n  tag: tags.tags[].id\nproperties:\n  Tags: tag[].name\n"
    wrote(mappings, ("properties:\n", lookups))
    found = covered(mappings, [letter(tags={"tags": [{"id": "9"}]})])
    assert had(found)["tag"] == 0


def test_a_ping_is_no_topic_that_waits_for_a_spec(mappings: Path) -> None:
    assert dict(covered(mappings, [letter("ping")]).unanswered) == {}


def test_what_klaviyo_would_refuse_is_no_value(mappings: Path) -> None:
    found = covered(mappings, [letter(title="x" * 150_000)])
    [title] = [line for line in lines_of(found.specs()) if line.name == "Title"]
    assert (title.had, title.of, dict(title.lost)) == (0, 1, {"over-limit": 1})


def test_topics_that_nothing_answers_are_counted_and_their_payloads_are_not_looked_at(mappings: Path) -> None:
    found = covered(
        mappings, [letter("conversation.read", surprise=1), letter("conversation.read"), letter()]
    )
    assert dict(found.unanswered) == {"conversation.read": 2}
    assert found.kinds() == {"conversation": 1, "notification": 1}
    assert "surprise" not in [one.path for one in found.unread()]


# Paths that nothing reads


def test_paths_that_nothing_reads_are_told_with_type_and_frequency(mappings: Path) -> None:
    rows = [(one.kind, one.path, one.top, one.had, one.of) for one in covered(mappings, LETTERS).unread()]
    assert rows == [
        ("conversation", "priority", "priority", 7, 7),
        ("conversation", "source.type", "source", 7, 7),
        ("conversation", "source.body", "source", 7, 7),
        ("conversation", "source.author.type", "source", 7, 7),
        ("conversation", "source.author.id", "source", 7, 7),
        # That of the second part: each part without a body is passed over, and its author never read.
        ("conversation", "conversation_parts.conversation_parts[].author.id", "conversation_parts", 6, 7),
        ("notification", "event.id", "event.id", 7, 7),
    ]


def unread(mappings: Path, spec: str, payload: dict[str, Any]) -> list[str]:
    """The paths of a payload that a spec, alone in its folder, does not read."""
    for file in mappings.glob("*.yaml"):
        file.unlink()
    topic = f'topic: {payload["topic"]}\ntime: event.created_at\nunique_id: "{{{{ id }}}}:x"\n'
    (mappings / "one.yaml").write_text(f"metric: One\n{topic}{spec}", encoding="utf-8")
    return [one.path for one in covered(mappings, [payload]).unread() if not one.path.startswith("event.id")]


def thing(**keys: Any) -> dict[str, Any]:
    """A notification whose item has these keys, and what every spec of the table reads."""
    item = {"type": "conversation", "id": "1", "mail": "a@example.com", **keys}
    return {**letter(), "data": {"item": item}}


ONE = "profile: { email: mail }\n"


@pytest.mark.parametrize(
    ("spec", "keys", "expected"),
    [
        ("", {"a": 0, "b": None, "c": [], "d": {}, "e": " ", "f": False}, ["a", "f"]),
        ("properties: { A: a }\n", {"a": {"b": [{"c": 1}]}, "d": 1}, ["d"]),
        ("properties: { A: a.b }\n", {"a": {"b": {"c": 1}, "d": 1}}, ["a.d"]),
        ("properties: { A *: a }\n", {"a": {"b": 1}}, []),
        ("properties: { A: 'a[0].b' }\n", {"a": [{"b": 1, "c": 1}, {"b": 2}]}, ["a[].c"]),
        ("properties: { A: 'a[?b].c' }\n", {"a": [{"b": {"x": 1}, "c": 1}]}, ["a[].b.x"]),
        ("when: { a: null }\n", {"a": {"b": 1}}, ["a.b"]),
        ("when: { a.b: 1 }\n", {"a": {"b": 1, "c": 1}}, ["a.c"]),
        ("properties: { A: '@' }\n", {"a": {"b": 1}}, []),
        ("properties: { A: event }\n", {"a": {"b": 1}}, []),
        ("properties: { A: event.data.item.a }\n", {"a": 1, "b": 1}, ["b"]),
        ("let: { x: a }\nproperties: { B: x.b, C: x.c }\n", {"a": {"b": 1, "c": 1, "d": 1}}, ["a.d"]),
        ("let: { x: a, y: x.b }\nproperties: { C: y.c }\n", {"a": {"b": {"c": 1, "d": 1}}}, ["a.b.d"]),
        ("let: { x: a }\n", {"a": {"b": 1}}, ["a.b"]),
        ("lookups: { team: a.id }\nproperties: { T: team.name }\n", {"a": {"id": 7, "name": 1}}, ["a.name"]),
        ("lookups: { team: a }\nproperties: { T: team.x }\n", {"a": 7, "team": {"x": 1}}, ["team.x"]),
        ("each: { x: 'a[?b]' }\nproperties: { C: x.c }\n", {"a": [{"b": 1, "c": 1, "d": 1}]}, ["a[].d"]),
        ("properties: { A: 'a.\"b c\"' }\n", {"a": {"b c": 1, "d e": [1]}}, ['a."d e"[]']),
        ("item: data.item.a\n", {"a": {"mail": "b@c.de", "id": 1, "x": 1}}, ["id", "mail", "a.x"]),
    ],
)  # fmt: skip
def test_what_nothing_reads_follows_from_how_it_is_read(
    mappings: Path, spec: str, keys: dict[str, Any], expected: list[str]
) -> None:
    assert unread(mappings, ONE + spec, thing(**keys)) == expected


def test_what_lies_around_a_wrapped_object_is_of_the_notification(mappings: Path) -> None:
    payload = {
        **letter("ticket.contact.replied"),
        "data": {"item": {"type": "ticket_ticket_part", "extra": 1}},
    }
    payload["data"]["item"] |= {
        "ticket": {"type": "ticket", "id": "1", "mail": "a@example.com", "open": True}
    }
    payload["data"]["item"] |= {"ticket_part": {"body": "SECRET", "id": "2"}}
    spec = "item: data.item.ticket\nproperties: { Part: event.data.item.ticket_part.id }\n"
    found = unread(mappings, ONE + spec, payload)
    around = "event.data.item."
    assert found == ["open", f"{around}type", f"{around}extra", f"{around}ticket_part.body"]


def test_an_object_of_the_past_is_of_the_same_kind(mappings: Path) -> None:
    past = {"type": "notification_event", "history": True, "app_id": "app1"}
    past["data"] = {"item": letter(surprise=1)["data"]["item"]}
    wrote(mappings, ("use: letter", "use: letter\nhistory: conversations"))
    found = covered(mappings, [letter(), past])
    assert found.kinds() == {"conversation": 2, "notification": 2}
    assert [(one.had, one.of) for one in found.unread() if one.path == "surprise"] == [(1, 2)]


def test_a_place_that_a_payload_has_several_times_is_there_once(mappings: Path) -> None:
    found = covered(mappings, [letter(mine=[{"a": 1}, {"a": 2}]), letter()])
    assert [(one.had, one.of) for one in found.unread() if one.path == "mine[].a"] == [(1, 2)]


def test_types_and_meanings_are_those_of_the_catalogue_and_else_what_was_seen(mappings: Path) -> None:
    letters = [letter(mine={"a": 1}, other=True), letter(mine={"a": "x"}, waiting_since=AT)]
    told = {one.path: (one.type, one.help) for one in covered(mappings, letters).unread()}
    known = shape_of("conversation").keys["waiting_since"]
    assert told["waiting_since"] == (known.type, known.help)
    assert known.help
    assert told["mine.a"] == ("number or text", "")
    assert told["other"] == ("boolean", "")


def test_a_place_that_always_holds_the_same_word_is_not_told_of(mappings: Path) -> None:
    shape = shape_of("conversation").keys["type"]
    assert (shape.values, shape.is_open) == (("conversation",), False)
    assert "type" not in [one.path for one in covered(mappings, LETTERS).unread()]


# The shipped mappings on the shipped fixtures

PAYLOADS = sorted(FIXTURES.rglob("*.json"))


def named(file: Path) -> str:
    return file.relative_to(FIXTURES).as_posix()


ALWAYS_HOLD = {
    # The fixtures tell of each metric as it is; that these lines turn others away is what the specs' own
    # tests show, on the same fixtures with a place changed.
    "created_conversation.yaml  ticket: null",
    "created_conversation.yaml  by_customer: true",
    "rated_conversation.yaml  conversation_rating.rating: { not: null }",
    "replied_to_conversation.yaml  ticket: null",
    "replied_to_ticket.yaml  is_to_the_ticket: true",
}


@pytest.fixture(scope="module")
def shipped() -> Coverage:
    found = Coverage(load(ROOT / "mappings"), records=read_records(RECORDS), clock=StandingClock())
    for file in PAYLOADS:
        found.add(file.read_bytes())
    return found


def test_every_shipped_line_has_a_value_in_some_fixture(shipped: Coverage) -> None:
    assert [f"{line.place}  {line.name}" for line in lines_of(shipped.specs()) if not line.had] == []


def test_every_shipped_condition_holds_and_but_for_a_few_also_fails(shipped: Coverage) -> None:
    asked = conditions_of(shipped.specs())
    assert [one.text for one in asked if not one.held] == []
    assert {f"{Path(one.place.file).name}  {one.text}" for one in asked if not one.failed} == ALWAYS_HOLD


def test_every_shipped_spec_makes_something(shipped: Coverage) -> None:
    assert [one.spec.name for one in shipped.specs() if not one.made] == []


def test_the_spread_attributes_are_those_of_the_fixtures(shipped: Coverage) -> None:
    spread = {
        (Path(line.place.file).stem, line.name): set(line.keys)
        for line in lines_of(shipped.specs())
        if line.keys
    }
    assert spread["profile", "Intercom Attribute *"] >= {"plan", "orders_count"}
    assert spread["conversation", "Attribute *"] >= {"Refund amount", "order_number"}
    assert not any(
        key.startswith(("Fin AI Agent", "CX Score")) for key in spread["conversation", "Attribute *"]
    )


def opened(file: Path) -> Notification:
    notification = runner().read(file.read_bytes())
    assert isinstance(notification, Notification)
    return notification


@pytest.mark.parametrize("file", PAYLOADS, ids=named)
def test_counting_changes_nothing_of_what_comes_out(file: Path) -> None:
    found = Coverage(load(ROOT / "mappings"), records=read_records(RECORDS), clock=StandingClock())
    assert found.add(file.read_bytes()) == runner().translate(file.read_bytes())


def without(value: Any, path: str, gone: set[str], inner: Any = None, of_inner: Any = ()) -> Any:
    """A copy of a payload without the plain values at some paths, those of the object inside it apart."""
    if value is inner and inner is not None:
        return without(value, "", of_inner)
    if isinstance(value, list):
        return [without(child, f"{path}[]", gone, inner, of_inner) for child in value]
    if not isinstance(value, dict):
        return value
    paths = {key: f"{path}.{name_of(key)}" if path else name_of(key) for key in value}
    kept = {key: child for key, child in value.items() if paths[key] not in gone}
    return {key: without(child, paths[key], gone, inner, of_inner) for key, child in kept.items()}


@pytest.mark.parametrize("file", PAYLOADS, ids=named)
def test_without_all_that_nothing_reads_the_same_comes_out(file: Path, shipped: Coverage) -> None:
    gone: dict[str, set[str]] = {kind: set() for kind in (*KINDS, "notification")}
    for one in shipped.unread():
        gone[one.kind].add(one.path)
    whole = opened(file)
    item = whole.event["data"]["item"]
    kind = whole.topic.split(".")[0] or item["type"]
    inner = item if item.get("type") == kind else item.get(kind, item)
    poor = without(whole.event, "event", gone["notification"], inner, gone.get(kind, set()))
    assert runner().translate(replace(whole, event=poor)) == runner().translate(whole)
    assert whole.topic in ("ping", "contact.deleted") or len(str(poor)) < len(str(whole.event)) - 100


# The command


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """The letters in a file."""
    file = tmp_path / "letters.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in LETTERS), encoding="utf-8")
    return file


@pytest.fixture
def records(tmp_path: Path) -> Path:
    file = tmp_path / "teams.json"
    file.write_text(json.dumps(TEAMS), encoding="utf-8")
    return file


PAGE = """\
specs that made nothing
  0 of 0  Closed  no notification of conversation.admin.closed

lines that never had a value
  0 of 4  profile.phone_number  mappings/shared/letter.yaml:7
  0 of 4  Title                 mappings/shared/letter.yaml:9

values that were left out
  1 of 4 without record  lookups.team          mappings/shared/letter.yaml:4
         4 of 4 refused  profile.phone_number  mappings/shared/letter.yaml:7
         1 of 3 refused  value                 mappings/wrote.yaml:9
         1 of 3 refused  Pages                 mappings/wrote.yaml:11

keys that were spread
  1  Part *  mappings/answered.yaml:10
       mood 1
  2  Attribute *  mappings/shared/letter.yaml:12
       pages 2, plan 1

topics that no spec answers
  2  conversation.read

paths that nothing reads: conversation, of 7 notifications
  7  priority                         text      up to 2.15 priority or not_pr...
  7  source                           4 paths   type, body, author.type, auth...
  6  conversation_parts.conversation_parts[].author.id
       text      the id among contacts, or amo...

paths that nothing reads: notification, of 7 notifications
  7  event.id  text      the notification's id, the same when it is sent agai...

9 inputs: 3 events, 0 profiles, 5 skipped, 1 parked
"""


def test_people_see_what_never_was_before_what_was(
    here: Path, mappings: Path, letters: Path, records: Path
) -> None:
    ran = run("coverage", letters.name, "--records", records.name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == PAGE


def test_all_shows_every_line_and_every_path_by_itself(here: Path, mappings: Path, letters: Path) -> None:
    brief, whole = (run("coverage", letters.name, *words).out for words in ((), ("--all",)))
    assert "wrote.yaml:8" not in brief
    assert "  3 of 3  unique_id             mappings/wrote.yaml:8\n" in whole
    assert "source.author.id" not in brief
    assert "source.author.id" in whole


@pytest.mark.parametrize("words", [(), ("--all",), ("--json",), ("--lines",), ("--paths", "--all")])
def test_no_value_of_a_customer_is_ever_shown(
    mappings: Path, letters: Path, records: Path, words: tuple[str]
) -> None:
    ran = run("coverage", letters, "--mappings", mappings, "--records", records, *words)
    assert ran.out
    assert [word for word in ("secret", "SECRET", str(AT), "u1") if word in ran.out + ran.err] == []


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", [(), ("--all",)])
def test_no_line_is_wider_than_the_terminal(
    words: tuple[str], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    out = run("coverage", *words, columns=columns).out
    assert max(map(len, out.split("\n"))) <= columns


def test_without_files_the_fixtures_beside_the_mappings_are_taken_and_fit_on_two_screens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    ran = run("coverage")
    assert ran.code == 0
    assert f"{len(PAYLOADS)} inputs: " in ran.out
    assert "every line had a value at least once" in ran.out
    assert len(ran.out.split("\n")) < 100


ROWS = {
    "spec": {"row", "metric", "file", "topics", "notifications", "made", "skipped", "parked", "why"},
    "line": {"row", "section", "name", "file", "line", "column", "had", "of", "lost", "keys", "metrics"},
    "condition": {"row", "condition", "file", "line", "column", "held", "failed", "metrics"},
    "topic": {"row", "topic", "notifications"},
    "path": {"row", "kind", "path", "type", "had", "of", "help"},
}


def test_json_has_one_row_a_spec_line_condition_topic_and_path(
    mappings: Path, letters: Path, records: Path
) -> None:
    ran = run("coverage", letters, "--mappings", mappings, "--records", records, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert Counter(row["row"] for row in ran.rows) == {
        "spec": 3,
        "line": 18,
        "condition": 2,
        "topic": 1,
        "path": 7,
    }
    assert all(set(row) == ROWS[row["row"]] for row in ran.rows)
    [pages] = [row for row in ran.rows if row.get("name") == "Pages"]
    assert pages == {
        "row": "line", "section": "properties", "name": "Pages", "line": 11,
        "file": str(mappings / "wrote.yaml"), "column": 10, "had": 2, "of": 3, "lost": {"refused": 1},
        "keys": None, "metrics": {"Wrote": {"had": 2, "of": 3}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["--lines"], {"spec", "line", "condition", "topic"}),
        (["--paths"], {"path"}),
        (["--lines", "--paths"], set(ROWS)),
        (["--metric", "Wrote"], set(ROWS) - {"topic"}),
    ],
)
def test_options_narrow_what_is_shown(
    mappings: Path, letters: Path, words: list[str], kinds: set[str]
) -> None:
    rows = run("coverage", letters, "--mappings", mappings, "--json", *words).rows
    assert {row["row"] for row in rows} == kinds


def test_with_a_metric_what_others_read_is_unread(mappings: Path, letters: Path) -> None:
    words = ("coverage", letters, "--mappings", mappings, "--json", "--paths")
    of_all, of_one = (
        {row["path"] for row in run(*words, *more).rows} for more in ((), ("--metric", "wrote"))
    )
    assert of_one - of_all >= {"conversation_parts.conversation_parts[].more.mood"}
    assert of_all <= of_one


def test_an_input_that_cannot_be_read_costs_only_itself(
    mappings: Path, letters: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.json").write_bytes(b"{")
    ran = run("coverage", tmp_path / "broken.json", letters, "--mappings", mappings)
    assert ran.code == 1
    assert f"error: {tmp_path}/broken.json: it is not JSON" in ran.err or "ends too early" in ran.err
    assert "9 inputs: " in ran.out
    assert "1 not readable" in ran.out


def test_where_nothing_can_be_read_the_error_stands_alone(mappings: Path, here: Path) -> None:
    words = "error: gone.json: there is no such file or folder\n"
    assert run("coverage", "gone.json", "--mappings", mappings) == Ran(1, "", words)


def test_records_beside_the_notifications_answer_look_ups(
    mappings: Path, letters: Path, records: Path, tmp_path: Path
) -> None:
    words = ("coverage", letters, "--mappings", mappings)
    without, told = run(*words).out, run(*words, "--records", records).out
    assert without.endswith("\nWithout --records FILE, what is looked up has no value.\n")
    assert "--records" not in told
    records.rename(tmp_path / "records.json")
    assert run(*words).out == told


def test_the_shipped_fixtures_by_name_are_looked_up_as_without_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert run("coverage", "tests/fixtures", "--lines") == run("coverage", "--lines")


def test_what_is_no_notification_counts_as_an_input_and_nothing_else(mappings: Path) -> None:
    ran = run("coverage", "-", "--mappings", mappings, "--json", "--paths", stdin=b"[1]\n")
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "there is no tests/fixtures beside"),
        (("-", "--metric", "Wrotte"), 'no spec makes "Wrotte"; did you mean "Wrote"?'),
        (("-", "--records", "nowhere.yaml"), "nowhere.yaml: No such file or directory"),
        (("-", "--mappings", "nowhere"), "there is no file or folder nowhere"),
    ],
)
def test_what_cannot_run_says_so_and_exits_2(
    here: Path, mappings: Path, words: tuple[str], told: str
) -> None:
    ran = run("coverage", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "\n" not in ran.err.partition("\n    there are: ")[0].strip()


def test_a_key_that_a_terminal_would_obey_is_shown_escaped(mappings: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(
        json.dumps(letter(custom_attributes={"\x1b[2J": 1}, **{"\u202ered": {"\x07": 1}})), encoding="utf-8"
    )
    for words in ((), ("--all",)):
        out = run("coverage", file, "--mappings", mappings, *words).out
        assert "\\x1b[2J 1" in out
        assert "\\u202ered" in out
        assert all(line.isprintable() for line in out.split("\n"))
