"""What editors know of specs: the schemas are made from the tables, and agree with `check`."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from engine.commands import main
from engine.folder import look_at
from engine.language.catalogue import KINDS, TOPICS
from engine.language.conditions import FORMS
from engine.language.conversions import TYPES
from engine.language.expressions import parse
from engine.language.inline import EXPECT_KEYS, OUTCOMES, TEST_KEYS
from engine.language.keys import HELP, KEYS, LOCATION_FIELDS, PROFILE_FIELDS
from engine.language.source import read
from engine.language.values import BLOCK_KEYS
from engine.ports import TABLES
from engine.tools.editors.schemas import EDITOR_SCHEMAS
from tests.support import ROOT, put

SCHEMAS = {
    name: json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in EDITOR_SCHEMAS
}
KINDS_OF_FILES = ("metric", "profile", "shared")
SHIPPED = sorted((ROOT / "mappings").rglob("*.yaml"))
BAD = sorted((ROOT / "tests" / "bad_specs").rglob("*.yaml"))

RICH = """\
metric: Created Ticket of a Customer
topic: [ticket.created, ticket.state.updated]
use: ticket
without: [Category]
item: data.item.ticket || data.item
when:
  ticket_state.category: [submitted, resolved]
  open: { not: null }
  company_id: { not: ["1", "2"] }
  priced: { at_least: 4, at_most: 500 }
let:
  priced: ticket_attributes.price as number
each:
  part: ticket_parts.ticket_parts
lookups:
  team: team_assignee_id
  closed_by: { admin: admin_assignee_id }
time: part.created_at
unique_id: ticket:{{ id }}:{{ part.id }}
value: priced
history: tickets
profile:
  email: contact.email as email
  location:
    city: contact.location.city
properties:
  Title: ticket_attributes._default_title_ as text
  Team: team.name
  Closed By: closed_by.name
  Is Ticket: true
  Refund Amount:
    path: ticket_attributes.refund
    as: number
    default: 0
    required: false
    help: what the customer got back
  Part *:
    path: ticket_attributes
    except: [a, b]
  Label: { template: "{{ ticket_id }} of {{ contact.name }}" }
  Source: { value: Support desk }
tests:
  - name: a ticket
    given: ticket.created
    history: true
    with: { open: true, event.created_at: 5 }
    expect:
      time: 2026-08-31T10:45:00Z
      unique_id: ic:a
      value: 5
      profile: { email: mara@example.com }
      properties: { Title: Broken }
      without: [Refund Amount]
  - name: several
    given: ticket.created
    expect: [{ value: 1 }, { value: 2 }]
  - name: none
    given: ticket.created
    expect: skipped
"""

SHARED = """\
lookups:
  contact: contacts.contacts[0].id
properties:
  Category: category
"""


@cache
def validator(kind: str) -> Draft7Validator:
    common = Resource(SCHEMAS["common"], DRAFT7)
    registry = Registry().with_resource("common.schema.json", common)
    return Draft7Validator(SCHEMAS[kind], registry=registry)


def data_of(text: str) -> Any:
    """A spec as plain values, read as the engine reads it."""
    root, _ = read(text.encode(), "spec.yaml")
    return root.data() if root else None


def yaml_in_docs() -> Iterator[Any]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for number, found in enumerate(
            re.finditer(r"^( *)```yaml\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
        ):
            block = re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)
            yield pytest.param(block, id=f"{page.stem}-{number}")


def kind_of(data: Any, file: Path | None = None) -> str:
    if file and file.parent.name == "shared":
        return "shared"
    return "profile" if isinstance(data, dict) and "name" in data else "metric"


def refused(data: Any, kind: str) -> list[tuple[str | int, ...]]:
    """Where a schema refuses something; a key that is not known is a place of its own."""
    return sorted({place for error in validator(kind).iter_errors(data) for place in places(error)}, key=str)


def places(error: ValidationError) -> Iterator[tuple[str | int, ...]]:
    at = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from ((*at, key) for key in error.instance if key not in known)
    else:
        yield at


# The schemas


@pytest.mark.parametrize("name", EDITOR_SCHEMAS)
def test_a_schema_is_one_of_draft_7_and_its_references_lead_somewhere(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name])
    for schema in inside(SCHEMAS[name]):
        if "$ref" in schema:
            file, _, pointer = schema["$ref"].partition("#/")
            found = SCHEMAS["common" if file else name]
            for step in pointer.split("/"):
                found = found[step]


def inside(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from inside(child)


def test_the_schemas_stay_small() -> None:
    sizes = [(ROOT / "schemas" / f"{name}.schema.json").stat().st_size for name in EDITOR_SCHEMAS]
    assert sum(sizes) < 400_000


def test_each_kind_of_file_has_exactly_its_keys_each_with_its_sentence() -> None:
    for kind in KINDS_OF_FILES:
        known = SCHEMAS[kind]["properties"]
        assert tuple(known) == KEYS[kind]
        assert {key: known[key]["description"] for key in known} == {key: HELP[key] for key in known}


def test_there_is_one_sentence_for_every_key_and_none_for_another() -> None:
    keys = {key for known in KEYS.values() for key in known}
    keys |= {f"history.{word}" for word in ("conversations", "tickets", "contacts", "none")}
    keys |= {"block", "condition", "lookup", "profile.location"}
    below = {
        "block": BLOCK_KEYS, "condition": FORMS, "lookups": TABLES, "profile": PROFILE_FIELDS,
        "location": LOCATION_FIELDS, "test": TEST_KEYS, "expect": (*EXPECT_KEYS, *OUTCOMES),
    }  # fmt: skip
    keys |= {f"{above}.{key}" for above, known in below.items() for key in known}
    assert set(HELP) == keys
    for sentence in HELP.values():
        assert re.fullmatch(r"[A-Z\x60].*[.]", sentence)


def test_every_type_is_offered_with_what_the_table_says_of_it() -> None:
    types = SCHEMAS["common"]["definitions"]["a_type"]
    assert types["enum"] == list(TYPES)
    for kind, told in zip(TYPES.values(), types["markdownEnumDescriptions"], strict=True):
        assert told.startswith(kind.help)


def offers(name: str) -> list[dict[str, str]]:
    return [
        offer
        for schema in inside(SCHEMAS["common"]["definitions"][name])
        for offer in schema.get("defaultSnippets", [])
    ]


def test_every_topic_is_offered() -> None:
    assert {offer["bodyText"] for offer in offers("topic")} == {t for known in TOPICS.values() for t in known}


def test_the_shipped_shared_files_are_offered() -> None:
    names = {file.stem for file in SHIPPED if file.parent.name == "shared"}
    assert {offer["bodyText"] for offer in offers("use")} == names


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_every_path_that_is_offered_can_be_written_as_it_is(kind: str) -> None:
    found = offers(f"{kind}_paths")
    assert len(found) > 90
    for offer in found:
        path = offer["bodyText"]
        parse(path)
        root, issues = read(f"a: {path}".encode(), "a.yaml")
        assert root
        assert (root.data(), issues) == ({"a": path}, [])
        assert offer["description"].count(": ") >= 1
        assert "$" not in path


@pytest.mark.parametrize("kind", KINDS)
def test_every_path_and_value_that_is_offered_for_a_condition_passes_check(kind: str, tmp_path: Path) -> None:
    definitions = SCHEMAS["common"]["definitions"]
    values = definitions[f"{kind}_values"]["definitions"]
    lines = [
        f"  {path}: [{', '.join(offer['bodyText'] for offer in values[path]['defaultSnippets'])}]"
        if path in values
        else f"  {path}: {{ not: null }}"
        for path in definitions[f"{kind}_places"]["properties"]
    ]
    topic = {"contact": "contact.user.updated", "ticket": "ticket.created"}.get(kind, "conversation.read")
    head = f"metric: A\ntopic: {topic}\ntime: created_at\nunique_id: a:{{{{ id }}}}\n"
    spec = tmp_path / "a.yaml"
    spec.write_text(f"{head}profile:\n  external_id: id\nwhen:\n" + "\n".join(lines), encoding="utf-8")
    assert [str(issue) for issue in look_at([spec]).issues] == []


# Good specs and bad ones


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_specs_have_no_fault_and_name_their_schema_in_the_first_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    kind = kind_of(data_of(text), file)
    assert refused(data_of(text), kind) == []
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named
    assert (file.parent / named[1]).resolve() == ROOT / "schemas" / f"{kind}.schema.json"


@pytest.mark.parametrize("block", list(yaml_in_docs()))
def test_the_specs_in_the_docs_have_no_fault(block: str) -> None:
    data = data_of(block)
    kind = kind_of(data)
    is_whole = {"metric", "name"} & set(data) and "topic" in data
    found = validator(kind).iter_errors(data)
    assert [error.message for error in found if is_whole or error.validator != "required"] == []


def test_the_spec_with_everything_has_no_fault_and_passes_check(rich: Path) -> None:
    assert [str(issue) for issue in look_at([rich]).issues] == []
    assert refused(data_of(RICH), "metric") == []


def test_what_the_schema_has_not_heard_of_is_not_marked() -> None:
    spec = {"metric": "A", "topic": ["ticket.unheard_of"], "use": ["own_lines"], "without": "Own Property"}
    spec |= {"when": {"unheard.of": "unheard of"}, "tests": [{"name": "a", "given": "own", "expect": {}}]}
    assert refused(spec, "metric") == []
    assert refused(spec | {"topic": "unheard_of", "use": "own_lines"}, "metric") == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_spec_that_the_schema_refuses_is_refused_by_check(file: Path) -> None:
    root, _ = read(file.read_bytes(), file.name)
    if root and refused(root.data(), kind_of(root.data(), file)):
        assert look_at([file]).issues


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A folder of mappings with a shared file and one spec, which has everything in it."""
    return written(tmp_path, "mappings/shared/ticket.yaml", SHARED, "mappings/rich.yaml", RICH)


def written(folder: Path, *files: str) -> Path:
    """Files by their names, each followed by its text; the last one is given back."""
    for name, text in zip(files[::2], files[1::2], strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file


WRONG: list[Any] = [None, True, 2.5, "", "id", "{{ id }}", [], ["id"], [["id"]], {}, {"path": "id"}]
WRONG += [{"a": {"b": 1}}, {"path": "id", "value": 1}, {"admin": "id"}, {"not": [{"a": 1}]}]
FOLLOWS = {"unused-name", "unknown-property"}
"""Issues that only follow from another place of the spec being changed."""


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_what_the_schema_refuses_check_refuses_whatever_is_put_wherever(kind: str, rich: Path) -> None:
    folder, whole = rich.parent, data_of(RICH)
    whole = {key: value for key, value in {"name": "A customer", **whole}.items() if key in KEYS[kind]}
    file = folder / "shared" / "lines.yaml" if kind == "shared" else folder / "rich.yaml"
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert [str(issue) for issue in look_at([file]).issues] == []
    is_fine = quick(kind).is_valid
    judged = {True: 0, False: 0}
    for changed in mutants(whole):
        judged[is_fine(changed)] += 1
        if not is_fine(changed):
            file.write_text(json.dumps(changed), encoding="utf-8")
            codes = {issue.code for issue in look_at([file]).issues}
            assert codes - FOLLOWS, f"{refused(changed, kind)} in {json.dumps(changed)}"
    assert min(judged.values()) > 300


def quick(kind: str) -> Any:
    """The schema in one piece, for a validator that is quick and another one besides."""
    text = json.dumps(SCHEMAS[kind]).replace("common.schema.json#", "#")
    return jsonschema_rs.Draft7Validator(json.loads(text) | {"definitions": SCHEMAS["common"]["definitions"]})


def mutants(whole: Any) -> Iterator[Any]:
    """The spec with something else in one place, without a key, or with a typo in one."""
    for *before, last in list(all_places(whole)):
        for wrong in WRONG:
            changed = deepcopy(whole)
            put(changed, [*before, last], wrong)
            yield changed
        if isinstance(last, int):
            continue
        for key in (None, last[:-1], f"{last}s", f"{last} *", last.upper()):
            changed = deepcopy(whole)
            holder = reduce(getitem, before, changed)
            value = holder.pop(last)
            if key is not None:
                holder[key] = value
            yield changed


def all_places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*at, key)
        yield from all_places(child, (*at, key))


def test_the_task_in_the_docs_reads_what_check_says() -> None:
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```json\n(\{\n  \"version.*?)```", page, re.DOTALL)
    pattern = json.loads(block)["tasks"][0]["problemMatcher"]["pattern"]
    file = ROOT / "examples" / "broken_spec.yaml"
    said = CliRunner().invoke(main, ["check", str(file)]).output.splitlines()
    found = [match for line in said if (match := re.match(pattern["regexp"], line))]
    issues = look_at([file]).issues
    assert [int(match[pattern["line"]]) for match in found] == [issue.place.line for issue in issues]
    for match, issue in zip(found, issues, strict=True):
        assert match[pattern["file"]] == str(file)
        assert int(match[pattern["column"]]) == issue.place.column
        assert match[pattern["code"]] == issue.code
        assert (match[pattern["severity"]] or "error") == issue.severity
        assert match[pattern["message"]] == issue.message


# Typos: (a line of the spec with everything, the line with a typo, what is marked)

TYPOS = [
    ("when:", "wehn:", "wehn"),
    ("  open: { not: null }", "  open: { nto: null }", "nto"),
    ("  priced: { at_least: 4, at_most: 500 }", "  priced: { at_least: 4, at_mots: 500 }", "at_mots"),
    ("  closed_by: { admin: admin_assignee_id }", "  closed_by: { admni: admin_assignee_id }", "admni"),
    ("  email: contact.email as email", "  mail: contact.email as email", "mail"),
    ("    city: contact.location.city", "    town: contact.location.city", "town"),
    ("    help: what the customer got back", "    hlep: what the customer got back", "hlep"),
    ("    as: number", "    as: nmber", "nmber"),
    ("history: tickets", "history: ticket", "ticket"),
    ("    except: [a, b]", "    excpet: [a, b]", "excpet"),
    ("    given: ticket.created", "    givne: ticket.created", "givne"),
    ("      value: 5", "      valeu: 5", "valeu"),
    ("    expect: skipped", "    expect: skiped", "skiped"),
    ("  Source: { value: Support desk }", "  Source: { valeu: Support desk }", "valeu"),
    ("  part: ticket_parts.ticket_parts", "  the part: ticket_parts.ticket_parts", "the part"),
]


def mistyped(line: str, typo: str) -> str:
    assert f"\n{line}\n" in RICH
    return RICH.replace(f"\n{line}\n", f"\n{typo}\n", 1)


@pytest.mark.parametrize(("line", "typo", "marked"), TYPOS, ids=[typo[2] for typo in TYPOS])
def test_a_typo_is_refused_where_it_stands(line: str, typo: str, marked: str) -> None:
    words: set[Any] = set()
    for error in validator("metric").iter_errors(data_of(mistyped(line, typo))):
        words |= {place[-1] for place in places(error) if place}
        words |= {error.instance} if isinstance(error.instance, str) else set()
    assert marked in words
