"""What cannot be meant is told, and what can be meant is not."""

import time
from pathlib import Path

import pytest

from engine.folder import look_at
from engine.language.catalogue import HISTORY, TOPICS, kind_of
from engine.language.payloads import Shape, notification_of, paths_of, shape_of
from engine.ports import TABLES

ROOT = Path(__file__).resolve().parents[1]

HEAD = {
    "conversation": "metric: One\ntopic: conversation.user.created\ntime: created_at\n"
    "unique_id: conv:{{ id }}\nprofile:\n  email: source.author.email\n",
    "ticket": "metric: One\ntopic: ticket.created\ntime: created_at\nunique_id: ticket:{{ id }}\n"
    "profile:\n  email: ticket_parts.ticket_parts[0].author.email\n",
    "contact": "metric: One\ntopic: contact.user.updated\ntime: updated_at\nunique_id: contact:{{ id }}\n"
    "profile:\n  email: email\n",
}


def told(folder: Path, text: str, **shared: str) -> list[str]:
    """What `check` says of a spec: `line:column  code  message`."""
    (folder / "shared").mkdir(exist_ok=True)
    for name, shared_text in shared.items():
        (folder / "shared" / f"{name}.yaml").write_text(shared_text, encoding="utf-8")
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    issues = look_at([folder / "spec.yaml"]).issues
    return [f"{issue.place.line}:{issue.place.column}  {issue.code}  {issue.message}" for issue in issues]


def codes(folder: Path, text: str, **shared: str) -> list[str]:
    return [line.split("  ")[1] for line in told(folder, text, **shared)]


# Nothing is said of what the payload has


@pytest.mark.parametrize("topic", sorted(topic for topics in TOPICS.values() for topic in topics))
def test_no_documented_path_of_a_topic_is_called_unknown(topic: str, tmp_path: Path) -> None:
    event = notification_of(topic, kind_of(topic))
    paths = [path.replace("[]", "[0]") for path, _ in paths_of(event, "event", deepest=7)]
    item = event.keys["data"].keys["item"]
    paths += [path for path, _ in paths_of(item, deepest=7)]
    lines = "".join(f"  P{number}: {path!r}\n" for number, path in enumerate(paths[:390]))
    text = f"metric: One\ntopic: {topic}\ntime: event.created_at\nunique_id: it:{{{{ event.app_id }}}}\n"
    profile = "profile:\n  external_id: event.app_id\n"
    assert set(codes(tmp_path, f"{text}{profile}properties:\n{lines}")) <= {"weak-id"}


@pytest.mark.parametrize("kind", HISTORY.values())
@pytest.mark.parametrize(
    "value",
    [
        'custom_attributes."Anything at all"',
        "custom_attributes.a.b[0].c",
        "not_null(custom_attributes.a, id)",
        "\"{{ custom_attributes['Anything at all'] | upper }}\"",
        '"{% for key in custom_attributes %}{{ key }}{% endfor %}"',
        "keys(@)",
        "length(keys(@))",
        "@.id",
        "id == 'anything' || id",
        "[id, type]",
        "'{a: id, b: type}.a'",
        "event.data.item.id",
        "to_string(created_at)",
        "\"{{ 'x' if id else created_at }}\"",
        '"{{ (updated_at - created_at) / 60 }}"',
        '"{{ id ~ type }}"',
    ],
)
def test_what_may_be_there_is_not_warned_of(kind: str, value: str, tmp_path: Path) -> None:
    quoted = value if value[0] in "\"'" else "'" + value.replace("'", "''") + "'"
    if kind == "ticket":
        quoted = quoted.replace("custom_attributes", "ticket_attributes")
    assert told(tmp_path, f"{HEAD[kind]}properties:\n  A: {quoted}\n") == []


@pytest.mark.parametrize(
    "lines",
    [
        "lookups:\n  team: team_assignee_id\nproperties:\n  A: team.name\n",
        "lookups:\n  closer: { admin: statistics.last_closed_by_id }\nproperties:\n  A: closer.email\n",
        "lookups:\n  contact: contacts.contacts[].id\n"
        "properties:\n  A: contact[].name\n  B: contact[0].phone\n",
        "lookups:\n  contact: contacts.contacts[0].id\n  firm: { company: 'contact.companies.data[0].id' }\n"
        "properties:\n  A: firm.name\n",
        "each:\n  part: conversation_parts.conversation_parts\nproperties:\n  A: part.body as plain_text\n",
        "each:\n  part: conversation_parts.conversation_parts[?author.type == 'user'] | [0]\n"
        "properties:\n  A: part.author.name\n",
        "let:\n  bodies: conversation_parts.conversation_parts[*].body\nproperties:\n  A: bodies[0]\n",
        "let:\n  person: source.author || contacts.contacts[0]\nproperties:\n  A: person.name\n",
        "let:\n  last: conversation_parts.conversation_parts[-1]\n"
        "properties:\n  A: \"{{ last.author.name }}\"\n",
        "let:\n  one: { path: custom_attributes.a, default: { b: 1 } }\nproperties:\n  A: one.b\n",
        "let:\n  newest: \"max_by(conversation_parts.conversation_parts, &created_at)\"\n"
        "properties:\n  A: newest.part_type\n",
        "let:\n  names: 'tags.tags[].{name: name, by: applied_by.id}'\nproperties:\n  A: names[0].by\n",
        "properties:\n  A: \"{% for tag in tags.tags %}{{ tag.name }}{{ loop.index }} {% endfor %}\"\n",
        "properties:\n  A: \"{{ tags.tags | map(attribute='name') | join(', ') }}\"\n",
        "properties:\n  A: \"{{ (tags.tags | first).name }}\"\n",
        "when:\n  state: [open, closed]\n  open: true\n  title: null\n  priority: { not: none }\n"
        "  source.type: carrier pigeon\n  conversation_rating.rating: { at_least: 4 }\n  id: 12\n"
        "  statistics.count_reopens: '0'\n  custom_attributes.a: anything\n",
        "properties:\n  A: created_at as datetime\n  B: open as boolean\n  C: open as text\n"
        "  D: state as text\n  E: tags.tags[].name as list\n  F: statistics.count_reopens as number\n",
    ],
)  # fmt: skip
def test_names_records_and_elements_are_known_by_their_own_keys(lines: str, tmp_path: Path) -> None:
    head = HEAD["conversation"]
    if "each:" in lines:
        head = head.replace("conv:{{ id }}", "conv:{{ id }}:{{ part.id }}")
    assert told(tmp_path, head + lines) == []


def test_a_topic_of_which_nothing_is_known_is_not_judged(tmp_path: Path) -> None:
    text = HEAD["conversation"].replace("user.created", "closed")
    assert codes(tmp_path, f"{text}properties:\n  A: whatever.comes\n") == ["unknown-topic"]


def test_what_one_of_several_topics_brings_is_known(tmp_path: Path) -> None:
    text = HEAD["ticket"].replace("ticket.created", "[ticket.created, ticket.contact.replied]")
    text += "item: data.item.ticket || data.item\nproperties:\n  A: event.data.item.ticket_part.body\n"
    assert told(tmp_path, text) == []


# What is said


@pytest.mark.parametrize("table", TABLES)
def test_a_misspelt_key_of_a_record_is_told(table: str, tmp_path: Path) -> None:
    text = (
        f"{HEAD['conversation']}lookups:\n  it: {{ {table}: team_assignee_id }}\nproperties:\n  A: it.nmae\n"
    )
    [line] = told(tmp_path, text)
    near = '; did you mean "name"?' if "name" in shape_of(table).keys else ""
    assert line == f'10:9  unknown-path  `it` has no "nmae"{near}'


@pytest.mark.parametrize(
    ("style", "place"),
    [
        ("tags.tgs", "8:11"),
        ("'tags.tgs'", "8:12"),
        ('"tags.tgs"', "8:12"),
        ('"t\\u0061gs.tgs"', "8:17"),
        ('"tags\\\n    .tgs"', "9:6"),
        ("|\n    tags.tgs", "9:10"),
        (">-\n    tags\n    .tgs", "10:6"),
        (">-\n\n    tags.tgs", "10:10"),
        ("'title || '''' || tags.tgs'", "8:29"),
        ('"{{ tags.tgs }}"', "8:15"),
        ("'{{ \"名前\" ~ tags.tgs }}'", "8:22"),
        ("\"{{ '\\t\\U0001F600' ~ tags.tgs }}\"", "8:32"),
        (">\n    {{ title }} of\n    {{ tags.tgs }}", "10:13"),
        ("{ path: tags.tgs, as: text }", "8:19"),
        ("tags.tgs as text", "8:11"),
    ],
)
def test_the_caret_stands_at_the_key_in_every_style_of_text(style: str, place: str, tmp_path: Path) -> None:
    [line] = told(tmp_path, f"{HEAD['conversation']}properties:\n  A: {style}\n")
    assert line == f'{place}  unknown-path  `tags` has no "tgs"; did you mean "tags"?'


def test_the_caret_of_a_condition_stands_at_its_path_or_its_value(tmp_path: Path) -> None:
    text = f"{HEAD['conversation']}when:\n  'statistics.count_reopenz': 1\n  state: [open, clsed]\n"
    assert told(tmp_path, text) == [
        '8:15  unknown-path  `statistics` has no "count_reopenz"; did you mean "count_reopens"?',
        '9:17  never-true  it is never "clsed"; did you mean "closed"?',
    ]


def test_a_shared_line_is_odd_only_where_it_is_for_all_that_use_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "s.yaml").write_text("properties:\n  A: ticket_id\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text(HEAD["conversation"] + "use: s\n", encoding="utf-8")
    assert [issue.code for issue in look_at([tmp_path]).issues] == ["unknown-path"]
    (tmp_path / "b.yaml").write_text(HEAD["ticket"] + "use: s\n", encoding="utf-8")
    assert look_at([tmp_path]).issues == ()


def test_a_shared_file_that_brings_nothing_to_these_topics_is_told_where_it_is_taken_in(
    tmp_path: Path,
) -> None:
    shared = "properties:\n  A: ticket_id\n  B: ticket_state.category\n"
    text = HEAD["conversation"] + "use: s\n"
    nothing = "nothing that shared/s.yaml brings is there in the payloads of these topics"
    assert told(tmp_path, text, s=shared) == [f"7:6  other-topic  {nothing}"]
    assert told(tmp_path, text, s=shared + "  C: id\n") == []
    assert told(tmp_path, HEAD["ticket"] + "use: s\n", s=shared) == []


def test_what_a_lost_line_may_have_named_is_not_called_unknown(tmp_path: Path) -> None:
    text = (
        HEAD["conversation"] + "lookups:\n  team: {{ id }}\nproperties:\n  A: team.name\n  B: closer.name\n"
    )
    assert codes(tmp_path, text) == ["quote-the-template", "unknown-path"]
    text = HEAD["conversation"] + "lookups:\n  team team_assignee_id\nproperties:\n  A: team.name\n"
    assert codes(tmp_path, text) == ["wrong-kind"]


def test_a_name_that_is_faulty_is_not_called_unknown(tmp_path: Path) -> None:
    text = HEAD["conversation"] + "let:\n  b: title..name\nproperties:\n  A: b.name\n"
    assert codes(tmp_path, text) == ["bad-path"]


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        ("{{ event.id }}", "`event.id` is not what another notification of the same event says"),
        ("{{ event.first_sent_at }}", "`event.first_sent_at` is not what"),
        ("{{ updated_at }}", "`updated_at` changes with everything that happens later"),
        ("{{ stamp }}", "`event.delivery_attempts` is not what"),
        ("{{ whole.id }}", "`event.id` is not what"),
        ("{{ event.created_at }}", "`event.created_at` is not there in history"),
        ("{{ conversation_rating.updated_at }}", ""),
        ("{{ event.app_id }}", ""),
        ("{{ event.data.item.id }}", ""),
    ],
)
def test_an_id_that_another_delivery_would_not_make_is_refused(tail: str, fault: str, tmp_path: Path) -> None:
    text = HEAD["conversation"].replace("conv:{{ id }}", "conv:{{ id }}:" + tail) + "history: conversations\n"
    text += "let:\n  stamp: event.delivery_attempts\n  whole: event\n"
    found = [line for line in told(tmp_path, text) if "unstable-id" in line]
    assert [fault in line for line in found] == ([True] if fault else [])
    assert bool(look_at([tmp_path / "spec.yaml"]).plans) is not bool(fault)


def test_names_that_hold_names_take_no_longer_with_each(tmp_path: Path) -> None:
    names = "".join(f'  n{n}: "{{a: n{n - 1}, b: n{n - 1}}}"\n' for n in range(1, 30))
    text = HEAD["conversation"].replace("{{ id }}", "{{ id }}:{{ n29 }}")
    start = time.process_time()
    told(tmp_path, f'{text}let:\n  n0: "{{a: title, b: state}}"\n{names}properties:\n  P: n29 || n28\n')
    assert time.process_time() - start < 1


def test_a_comment_behind_a_path_that_is_not_documented_stops_nothing(tmp_path: Path) -> None:
    text = f"{HEAD['conversation']}properties:\n  Plan: plan_name #from billing\n"
    assert codes(tmp_path, text) == ["unknown-path"]


@pytest.mark.parametrize(
    "line",
    [
        'A: custom_attributes.orders[?paid == "Total due"]',
        "A: custom_attributes.none",
        'A: "{% for source in source.attachments %}{{ source.name }}{% endfor %}{{ source.body }}"',
    ],
)
def test_what_only_looks_like_a_trap_is_none(line: str, tmp_path: Path) -> None:
    assert told(tmp_path, f"{HEAD['conversation']}properties:\n  {line}\n") == []


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("when:\n  tags.tags[].name: { not: null }", "`tags.tags[].name | [0]: { not: null }`"),
        ("when: contains(tags.tags, 'vip')", "tags.tags[].name"),
        ("properties:\n  A: \"{{ 'vip' in tags.tags }}\"", "tags.tags | map(attribute='name')"),
        ("properties:\n  A: '{{ title + 1 }}'", "`~` joins texts"),
        ("properties:\n  A: tags.tags[].name[0]", "tags.tags[].name | [0]"),
        ("properties:\n  A: tags.tags.0.name", "tags.tags[0]"),
        ("properties:\n  A: count(tags.tags)", "length(tags.tags)"),
        ("properties:\n  A: First(tags.tags)", "tags.tags[0]"),
        ("properties:\n  A: IF(open, a, b)", "'yes' if open else 'no'"),
        ("properties:\n  A: \"{{ IF(open, 'a', 'b') }}\"", "'yes' if open else 'no'"),
        ("properties:\n  A: \"open ? 'a' : 'b'\"", "'yes' if open else 'no'"),
        ("properties:\n  A: open ? title : state", "'yes' if open else 'no'"),
        ("properties:\n  A: for {{ open ? title : state }}", "'yes' if open else 'no'"),
        ("properties:\n  A: \"{{ open ? 'a' : 'b' }}\"", "'yes' if open else 'no'"),
        ("properties:\n  A: title ?? state", "a || b"),
        ("properties:\n  A: '{{ title ?? state }}'", "a or b"),
        ("properties:\n  A: source?.body", "a dot is enough"),
        ("properties:\n  A: \"{{ tags.tags | map: 'name' }}\"", "map(attribute='name')"),
        ("properties:\n  A: '{{ title | truncate: 20 }}'", "truncate(20)"),
        ("properties:\n  A: \"{{ title | append: '!' }}\"", "`~` joins texts"),
        ("properties:\n  A: {{ id }} as text", 'template: "{{ id }}" and as: text'),
        ("properties:\n  A: {{ id }} of us", '"{{ id }} of us"'),
        ("properties:\n  A: null", "take the line out"),
        ("let:\n  a: id\nlet:\n  b: id", "under the one in line 7"),
    ],
)
def test_what_is_written_as_elsewhere_is_told_as_it_is_written_here(
    lines: str, hint: str, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(f"{HEAD['conversation']}{lines}\n", encoding="utf-8")
    hints = [issue.hint for issue in look_at([tmp_path]).issues]
    assert [hint in told for told in hints] == [True]


@pytest.mark.parametrize(
    "lines",
    [
        "when:\n  tags.tags[0]: { not: null }\n  tags.tags: { not: null }\n  source.recipients: null",
        "when: tags.tags[?name == 'vip']",
        "when: contains(tags.tags[].name, 'vip') && contains(title, 'x')",
        "when: contains(['email', 'x'], source.type)",
        'properties:\n  A: "{{ open == 1 or statistics.count_reopens == true }}"',
        "properties:\n  A: \"{{ title + 'x' ~ id + title }}\"\n  B: '{{ (id | int) + created_at - 1.5 }}'",
        "properties:\n  A: '{{ custom_attributes.a + title }}'\n  B: '{{ (title or 1) + 2 }}'",
        "properties:\n  A: \"{{ tags.tags | sort(attribute='applied_at') | map('length') | list }}\"",
        "properties:\n  A: \"{{ custom_attributes.a | map(attribute='b.0.c') | join(', ', 'd') }}\"",
        "properties:\n  A: \"{{ 'open' == state or state is in(['closed']) or 'x' in title }}\"",
        "history: conversations",
    ],
)
def test_what_only_looks_impossible_is_not_warned_of(lines: str, tmp_path: Path) -> None:
    assert told(tmp_path, f"{HEAD['conversation']}{lines}\n") == []


def test_ids_of_the_shipped_mappings_are_never_called_unstable_and_none_is_odd() -> None:
    assert look_at([ROOT / "mappings"]).issues == ()


def test_the_shape_of_one_or_the_other_has_the_keys_of_both() -> None:
    wrapped = notification_of("ticket.closed", "ticket").keys["data"].keys["item"]
    assert {"ticket", "ticket_state"} <= set(wrapped.keys)
    assert isinstance(wrapped, Shape)
