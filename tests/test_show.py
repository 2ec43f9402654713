"""`show`: a spec with all that it takes in is a spec of its own, and each line tells where it stands."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import Plan, Runner, Translation, load
from engine.events import Result
from engine.language.source import read as read_yaml
from engine.tools.fmt.order import ORDER
from engine.tools.show.merged import merge
from engine.tools.show.yaml_text import entry, value_text
from tests.support import FIXTURES, OBEYED, RECORDS, ROOT, Ran, StandingClock, run, write

SHIPPED = sorted(path.stem for path in (ROOT / "mappings").glob("*.yaml"))
PAYLOADS = [json.loads(path.read_bytes()) for path in sorted(FIXTURES.rglob("*.json"))]


def alone(text: str, folder: Path, name: str) -> tuple[Plan, ...]:
    """The plans of a page as the only file of a folder; it passes `check`."""
    file = write(folder / f"{name}.yaml", text)
    assert run("check", file).code == 0
    return load(file)


def outcome(result: Result) -> Any:
    """What comes of it, less the places: those are other ones in another file."""
    issues = [(issue.code, issue.field) for issue in result.issues]
    if isinstance(result, Translation):
        assert result.request
        return result.request.endpoint, json.dumps(result.request.body), issues
    return type(result).__name__, result.reason, result.metric, issues


def outcomes(plans: tuple[Plan, ...], payload: Any, records: Any = RECORDS) -> list[Any]:
    runner = Runner(plans, records=records, clock=StandingClock())
    return [outcome(result) for every in (False, True) for result in runner.translate(payload, every=every)]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shown_makes_the_same_of_every_fixture(name: str, tmp_path: Path) -> None:
    shown = alone(run("show", name, "--mappings", ROOT / "mappings").out, tmp_path, name)
    own = load(ROOT / "mappings" / f"{name}.yaml")
    assert shown[0].spec.idle == ()
    for payload in PAYLOADS:
        assert outcomes(shown, payload) == outcomes(own, payload)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shown_takes_nothing_in_and_shows_itself_unchanged(name: str, tmp_path: Path) -> None:
    page = run("show", name, "--mappings", ROOT / "mappings").out
    assert re.search(r"^(use|without|tests):", page, flags=re.MULTILINE) is None
    file = write(tmp_path / f"{name}.yaml", page)
    again = run("show", name, "--mappings", file).out
    assert without_comments(again) == without_comments(page)


def without_comments(page: str) -> list[str]:
    lines = [line for line in page.split("\n") if not line.strip().startswith("#")]
    return [re.sub(r" +# \S+:\d+$", "", line) for line in lines]


ORIGIN = re.compile(r"(?:^| )# (\S+\.yaml):(\d+)$")


def origins(page: str) -> Iterator[tuple[str, str, int]]:
    """Each line of YAML with its origin, which stands behind it or above it."""
    above: tuple[str, int] | None = None
    for line in page.split("\n"):
        found = ORIGIN.search(line)
        text = ORIGIN.sub("", line).strip()
        if found and not text:
            above = found.group(1), int(found.group(2))
        elif found:
            yield text, found.group(1), int(found.group(2))
        elif above and not text.startswith("#"):
            yield text, *above
            above = None


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_names_the_line_where_it_is_written(name: str, columns: int) -> None:
    page = run("show", name, "--mappings", ROOT / "mappings", columns=columns).out
    found = list(origins(page.partition("# its tests")[0]))
    for text, file, line in found:
        written = (ROOT / "mappings" / file).read_text(encoding="utf-8").split("\n")[line - 1].strip()
        assert written.startswith(text.partition(" >-")[0]), (file, line)
    sections = re.findall(r"^\w+:$|^  location:$", page, flags=re.MULTILINE)
    lines = [line for line in without_comments(page) if line and line not in sections]
    inner = [
        line
        for line in lines
        if line.startswith("    ") and line.lstrip().startswith(("[", "||", "&&", "conv"))
    ]
    assert len(found) == len(lines) - len(inner), "all but sections, and the later lines of a text"


@pytest.mark.parametrize("name", SHIPPED)
def test_origins_fit_into_80_columns_and_only_long_lines_of_the_author_do_not(name: str) -> None:
    for line in run("show", name, "--mappings", ROOT / "mappings").out.split("\n"):
        assert len(line) <= 80 or ORIGIN.search(line) is None


# Two layers over a spec, with everything that merges

OWN = """\
metric: Wrote
topic: conversation.user.created
use: [base, more]
without: [Gone, Overridden]
when:
  state: open
let:
  person: source.author      # wins over a name of `more`
time: created_at
unique_id: conv:{{ id }}:wrote
lookups:
  team: team_assignee_id
profile:
  email: person.email as email
  location: { city: person.city }
properties:
  Overridden: state
  Title: title as text
tests:
  - name: a letter
    given: letter
    expect: parked
"""
BASE = """\
item: data.item
history: conversations
when: created_at > `5`
let:
  person: contacts.contacts[0]
  idle: open
lookups:
  admin: admin_assignee_id
  team: assignee.id
profile:
  location:
    country: person.country
    city: person.town
properties:
  Title: subject
  Gone: open
  Overridden: open
  Last *: custom_attributes
"""
MORE = """\
when: contains(['user'], source.author.type)
let: { team: no.thing }
properties: { Title: "more", Number: id }
history: none
"""
LETTER = {
    "type": "notification_event",
    "app_id": "app1",
    "topic": "conversation.user.created",
    "id": "n1",
    "created_at": 1788170401,
    "data": {
        "item": {
            "type": "conversation",
            "id": "42",
            "state": "open",
            "created_at": 1788170400,
            "title": "Hello",
            "team_assignee_id": 7,
            "source": {"author": {"type": "user", "email": "ann@example.com", "city": "Uppsala"}},
            "custom_attributes": {"Wax": "red", "pages": 2, "size": [1, 2], "#": "a # b", "text": " x\ny "},
        }
    },
}


@pytest.fixture
def layered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mappings" / "wrote.yaml", OWN)
    write(tmp_path / "mappings" / "shared" / "base.yaml", BASE)
    write(tmp_path / "mappings" / "shared" / "more.yaml", MORE)
    return tmp_path


PAGE = """\
# mappings/wrote.yaml with mappings/shared/base.yaml with mappings/shared/more.yaml
metric: Wrote                                      # wrote.yaml:1
topic: conversation.user.created                   # wrote.yaml:2
item: data.item                                    # shared/base.yaml:1
# replaces shared/base.yaml:2: conversations
history: none                                      # shared/more.yaml:4
let:
  # replaces shared/base.yaml:5: contacts.contacts[0]
  person: source.author                            # wrote.yaml:8
  holds_1: created_at > `5`                        # shared/base.yaml:3
  holds_2: contains(['user'], source.author.type)  # shared/more.yaml:1
when:
  "!(!holds_1)": true                              # shared/base.yaml:3
  "!(!holds_2)": true                              # shared/more.yaml:1
  state: open                                      # wrote.yaml:6
time: created_at                                   # wrote.yaml:9
unique_id: conv:{{ id }}:wrote                     # wrote.yaml:10
profile:
  email: person.email as email                     # wrote.yaml:14
  location:
    country: person.country                        # shared/base.yaml:12
    # replaces shared/base.yaml:13: person.town
    city: person.city                              # wrote.yaml:15
properties:
  # replaces shared/base.yaml:15: subject
  # replaces shared/more.yaml:3: "more"
  Title: title as text                             # wrote.yaml:18
  # replaces shared/base.yaml:17: open
  Overridden: state                                # wrote.yaml:17
  Last *: custom_attributes                        # shared/base.yaml:18
  Number: id                                       # shared/more.yaml:3
# left out by `without`:
#   Gone  shared/base.yaml:16
# not looked up: nothing uses it
#   admin  shared/base.yaml:8
#   team  wrote.yaml:12
# not worked out: nothing uses it
#   idle  shared/base.yaml:6
# its tests: wrote.yaml:19
"""


def test_a_page_shows_what_wins_and_what_does_not(layered: Path) -> None:
    assert run("show", "Wrote") == Ran(0, PAGE, "")


def altered(change: dict[str, Any]) -> Any:
    item = LETTER["data"]["item"] | change
    return {**LETTER, "data": {"item": item}}


ALTERED = [
    {},
    {"state": "closed"},
    {"created_at": 3},
    {"source": {"author": {"type": "bot", "email": "a@b.se"}}},
]
RECORDS_HERE = {"teams": [{"id": "7", "name": "Post"}], "admins": [{"id": "8", "name": "Bo"}]}


@pytest.mark.parametrize("change", ALTERED, ids=str)
def test_texts_and_lines_of_when_all_hold_in_the_page_too(change: dict[str, Any], layered: Path) -> None:
    shown = alone(PAGE, layered / "elsewhere", "wrote")
    payload = altered(change)
    expected = outcomes(load("mappings"), payload, RECORDS_HERE)
    assert outcomes(shown, payload, RECORDS_HERE) == expected
    assert (expected[0][0] == "Skipped") == bool(change)


def test_a_row_of_json_is_one_line_with_its_place_and_its_fate(layered: Path) -> None:
    rows = run("show", "wrote", "--json").rows
    keys = ("section", "name", "text", "file", "line", "column", "replaces", "fate")
    assert {tuple(row) for row in rows} == {keys}
    for row in rows:
        written = Path(row["file"]).read_text().split("\n")[row["line"] - 1][row["column"] - 1 :]
        key = (row["name"] or row["section"]).removeprefix("location.")
        assert written.startswith((key, "when:")), row
    by_name = {(row["section"], row["name"]): row for row in rows}
    assert by_name["metric", None] == dict(
        zip(keys, ("metric", None, "Wrote", "mappings/wrote.yaml", 1, 1, [], None), strict=True)
    )
    assert by_name["properties", "Title"]["replaces"] == [
        {"file": "mappings/shared/base.yaml", "line": 15, "column": 3, "text": "subject"},
        {"file": "mappings/shared/more.yaml", "line": 3, "column": 15, "text": '"more"'},
    ]
    fates = {name: row["fate"] for (_, name), row in by_name.items() if row["fate"]}
    assert fates == {"Gone": "left out", "idle": "unused", "admin": "unused", "team": "unused"}
    assert by_name["profile", "location.city"]["text"] == "person.city"


# What may be merged: own lines and those of two shared files, before what the page must say

MERGES = {
    "a text of when alone stays a text": ("", "when: created_at > `5`", "", "when: created_at > `5`"),
    "its own text alone": ("when: created_at > `5`", "", "", "when: created_at > `5`"),
    "a text over lines": ("when: created_at > `5`", "when: { state: open }", "", '"!(!holds_1)": true'),
    "a template as a text": (
        "when: { state: open }",
        'when: "{{ created_at > 5 }}"',
        "",
        '"!(!holds_1)": true',
    ),
    "a name that is taken": (
        "when: { state: open }\nlet: { holds_1: title }\nvalue: holds_1 as number",
        "when: created_at > `5`",
        "",
        "holds_2: created_at > `5`",
    ),
    "lines of when, of which the last wins": (
        "when: { state: open }",
        "when: { state: closed, id: '42' }",
        "",
        "id: '42'",
    ),
    "each of its own over a shared one": (
        "each: { part: '[@]' }\nvalue: part.custom_attributes.pages",
        "each: { piece: '[]' }",
        "",
        "# replaces shared/base.yaml:1: '[]'",
    ),
    "each of a shared file": (
        "value: piece.custom_attributes.pages",
        "each: { piece: '[@]' }",
        "",
        "  piece: '[@]'",
    ),
    "a look-up over a name": (
        "lookups: { one: { team: team_assignee_id } }\nproperties: { Team: one.name }",
        "let: { one: title }",
        "",
        "# replaces shared/base.yaml:1: title",
    ),
    "a name over a look-up": (
        "let: { one: title }\nproperties: { Team: one }",
        "lookups: { one: { team: team_assignee_id } }",
        "",
        "# replaces shared/base.yaml:1: { team: team_assignee_id }",
    ),
    "a look-up of the first file over a name of the second": (
        "properties: { Team: one.name }",
        "lookups: { one: { team: team_assignee_id } }",
        "let: { one: title }",
        "one: { team: team_assignee_id }",
    ),
    "a look-up that a name needs": (
        "properties: { Team: named }",
        "lookups: { team: team_assignee_id }\nlet: { named: team.name }",
        "",
        "  team: team_assignee_id",
    ),
    "a property left out of both": (
        "without: [One]\nproperties: { Two: id }",
        "properties: { One: id }",
        "properties: { One: title }",
        "#   One  shared/more.yaml:1",
    ),
    "a spread line left out": (
        "without: ['X *']\nproperties: { Two: id }",
        "properties: { 'X *': custom_attributes }",
        "",
        "#   X *  shared/base.yaml:1",
    ),
    "a value over that of a shared file": (
        "value: custom_attributes.pages",
        "value: id",
        "",
        "# replaces shared/base.yaml:1: id",
    ),
    "the item": ("", "item: event.data.item", "", "item: event.data.item"),
}
FRAME = """\
metric: Wrote
topic: conversation.user.created
use: [base, more]
time: created_at
unique_id: conv:{{ id }}:wrote
profile: { email: source.author.email as email }
"""


@pytest.mark.parametrize("what", MERGES)
def test_the_page_makes_the_same_as_the_layers(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, base, more, words = MERGES[what]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mappings" / "wrote.yaml", FRAME + own + "\n")
    write(tmp_path / "mappings" / "shared" / "base.yaml", base + "\n" if base else "history: none\n")
    write(tmp_path / "mappings" / "shared" / "more.yaml", more + "\n" if more else "history: none\n")
    page = run("show", "wrote").out
    assert words in page
    shown = load(write(tmp_path / "elsewhere" / "wrote.yaml", page))
    for change in (*ALTERED, {"custom_attributes": {"pages": "no"}}, {"custom_attributes": {}}):
        payload = altered(change)
        assert outcomes(shown, payload, RECORDS_HERE) == outcomes(load("mappings"), payload, RECORDS_HERE)


# Values as their authors wrote them

WRITTEN = """\
properties:
  A: title
  "B: quoted": 'it''s'    # a comment
  'C': "tab\\t\\u00e9"
  D: >-
    [@][].
    title

      || id
  E: |
    {% if id %}a
      b{% endif %}

    c # no comment
  F: |+
    kept {{ id }}


  # a comment after it
  G: >2-
     indented {{ id }}
  H: title
    ||
    id
  I: "one {{ id }} \\
      two

      three"
  J: 'one {{ id }}

    two'
  K: { path: id,
       as: text,   # a comment
       default: "x" }
  L:
    value:
      - 1
      -   two   # a comment
      - [3, { four: 4.50, "5": ~ }]
      - six: 6
        "seven": [
          7, "a, b"
        ]
      - |
        eight
    help: a list
  M: { value: {} }
  N: { value: [] }
  O: { value: [ 1,
    2 ] }
  P: { value: { a: null, b: } }
  ? Q
  : id
  R *:
     path:   custom_attributes
     except:
     - pages
     - "size"
  S: true
  T: -1.5e3
  "U\\u202eV\\n": "\\u202e {{ id }}"
  W: "想要 {{ id }}"
  X:
    template: |-
      {{ id }}
    default:
  Y: id
"""


def data_of(text: str) -> Any:
    root, issues = read_yaml(text.encode(), "x.yaml")
    assert root is not None
    assert [issue for issue in issues if issue.severity == "error"] == []
    return root.data()


def test_every_form_of_value_keeps_its_meaning() -> None:
    root, _ = read_yaml(WRITTEN.encode(), "x.yaml")
    assert root is not None
    node = root.value["properties"]
    lines = [line for key, _, child in node.items() for line in entry(node.keys[key], child, 6)]
    commented = [f"{line.text}{'   # a: comment {{ # }}' if line.place else ''}" for line in lines]
    for text in ("\n".join(line.text for line in lines), "\n".join(commented)):
        assert data_of(f"x:\n{text}\n  ") == {"x": node.data()}
    assert all(line.text.isprintable() for line in lines)
    for name, child in node.value.items():
        text = value_text(child)
        below = child.kind != "scalar" and text[0] not in "{["
        assert data_of(f"x:\n{indent(text, '  ')}" if below else f"x: {text}\n") == {"x": child.data()}, name


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=40) | st.text(
    "a #:-|>'\"{[,\n \\%@`?!&*", max_size=20
)
PLAIN = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS
STYLES = st.sampled_from([None, '"', "'", "|", ">"])


@given(
    st.dictionaries(
        TEXTS,
        st.recursive(
            PLAIN,
            lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3),
            max_leaves=6,
        ),
        max_size=3,
    ),
    st.sampled_from([True, False, None]),
    st.integers(8, 80),
)
def test_whatever_yaml_can_write_keeps_its_meaning(data: Any, flow: bool | None, width: int) -> None:
    written = yaml.dump(
        data, Dumper=_Dumper, default_flow_style=flow, width=width, allow_unicode=True, sort_keys=False
    )
    assert_kept(written)


@given(st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=3), max_size=3), STYLES, st.integers(8, 80))
def test_a_text_in_any_style_keeps_its_meaning(data: Any, style: str | None, width: int) -> None:
    assert_kept(
        yaml.dump(data, Dumper=_Dumper, default_style=style, width=width, allow_unicode=True, sort_keys=False)
    )


def assert_kept(written: str) -> None:
    """The lines made of a map say what the map says, with comments and without."""
    root, issues = read_yaml(written.encode(), "x.yaml")
    assume(root is not None and not any(issue.severity == "error" for issue in issues))
    lines = [line for key, _, child in root.items() for line in entry(root.keys[key], child, 2)]
    assert all(line.text.isprintable() for line in lines)
    for comment in ("", "  # a {{ comment }}: #"):
        text = "\n".join(f"{line.text}{comment if line.place else ''}" for line in lines)
        assert data_of(f"x:\n{text}\ny:") == {"x": root.data() or None, "y": None}


RAW = {
    "A": ["A: title"],
    "B: quoted": ["\"B: quoted\": 'it''s'"],
    "D": ["D: >-", "  [@][].", "  title", "", "    || id"],
    "E": ["E: |", "  {% if id %}a", "    b{% endif %}", "", "  c # no comment"],
    "F": ['F: "kept {{ id }}\\n\\n\\n"'],
    "G": ['G: " indented {{ id }}"'],
    "H": ["H: title", "  ||", "  id"],
    "K": ["K:", "  path: id", "  as: text", '  default: "x"'],
    "O": ["O:", "  value:", "    - 1", "    - 2"],
    "P": ["P: { value: { a: null, b: } }"],
    "Q": ["Q: id"],
    "R *": ["R *:", "  path: custom_attributes", "  except:", "    - pages", '    - "size"'],
    "T": ["T: -1.5e3"],
    "X": ["X:", "  template: |-", "    {{ id }}", "  default:"],
}


@pytest.mark.parametrize("name", RAW)
def test_a_value_is_shown_as_it_is_written(name: str) -> None:
    root, _ = read_yaml(WRITTEN.encode(), "x.yaml")
    assert root is not None
    node = root.value["properties"]
    assert [line.text for line in entry(node.keys[name], node.value[name])] == RAW[name]


def test_a_spec_cannot_write_to_the_terminal(layered: Path) -> None:
    text = OWN.replace(
        "  Title: title", '  "A\\e[31m\u202e": "\u2066 {{ id }}"\n  \u202eB: id\n  Title: title'
    )
    write(layered / "mappings" / "wrote.yaml", text.replace("[Gone,", '["Gone\\x07",'))
    write(layered / "mappings" / "shared" / "base.yaml", BASE.replace("  Gone", '  "Gone\\x07"'))
    page = run("show", "wrote").out
    assert r"\u202e" in page
    assert {found.group() for found in OBEYED.finditer(page)} == set()
    shown = load(write(layered / "elsewhere" / "wrote.yaml", page))
    names = [[field.name for field in plan.spec.properties] for plan in (*shown, *load("mappings"))]
    assert names[0] == names[1]


# Which spec


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("Created Tiket", '; did you mean "Created Ticket"?'),
        ("profil", '; did you mean "profile"?'),
        ("zzz", ""),
    ],
)
def test_a_metric_that_is_not_there_is_told_with_those_that_are(word: str, near: str) -> None:
    ran = run("show", word, "--mappings", ROOT / "mappings")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f'error: no spec makes "{word}"{near}\n    there are: Created Conversation, ')


def test_a_name_and_its_file_mean_the_same() -> None:
    by_name = run("show", "Created Ticket", "--mappings", ROOT / "mappings")
    assert by_name == run("show", "created_ticket", "--mappings", ROOT / "mappings")
    assert run("show", "created_ticket", "--mappings", ROOT / "mappings" / "created_ticket.yaml") == by_name


def test_the_path_of_a_spec_means_it_too(layered: Path) -> None:
    assert run("show", "mappings/wrote.yaml") == run("show", "wrote") == Ran(0, PAGE, "")
    gone = run("show", "mappings/wrotte.yaml")
    assert (gone.code, gone.out) == (2, "")
    assert gone.err.startswith('error: no spec makes "mappings/wrotte.yaml"')
    write(layered / "README.md", "no spec")
    assert run("show", "README.md").err.startswith('error: no spec makes "README.md"')


def test_a_name_that_several_files_have_asks_for_one_of_them(layered: Path) -> None:
    write(layered / "mappings" / "second.yaml", OWN)
    words = 'error: several files make "Wrote": mappings/second.yaml, mappings/wrote.yaml; name one of them\n'
    assert run("show", "Wrote") == Ran(2, "", words)
    assert run("show", "wrote").code == 0


def test_faulty_specs_are_shown_with_their_faults(layered: Path) -> None:
    write(layered / "mappings" / "shared" / "base.yaml", BASE.replace("created_at >", "created_at >> "))
    ran = run("show", "wrote")
    assert ran.err.startswith("mappings/shared/base.yaml:3:19  bad-path")
    assert (ran.code, ran.out) == (2, "")


def test_the_shipped_mappings_are_shown_where_there_are_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("show", "created_ticket").out.split("\n")[0]
    assert first == "# mappings/created_ticket.yaml with mappings/shared/ticket.yaml"


def test_shared_files_of_either_ending_are_merged_as_they_are_loaded(layered: Path) -> None:
    shutil.move(layered / "mappings" / "shared" / "more.yaml", layered / "mappings" / "shared" / "more.yml")
    shown = run("show", "wrote").out
    assert re.sub(" +", " ", shown) == re.sub(" +", " ", PAGE).replace("more.yaml", "more.yml")


def test_the_entries_stand_in_the_order_that_fmt_gives_them(layered: Path) -> None:
    [plan] = load("mappings")
    sections = list(dict.fromkeys(one.section for one in merge(plan, Path("mappings")).entries))
    assert sections == [key for key in ORDER if key in sections]
