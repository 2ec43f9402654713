"""The fixtures are what they claim to be, so that other tests can trust them."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jmespath
import pytest
import yaml

from tests.make_versions import FIXTURES, SAMPLES, VERSIONS, files, shape

NAMED = sorted(path.stem for path in FIXTURES.glob("*.json"))
EVERYTHING = [name for name in NAMED if name.endswith(".everything")]
PATHS = sorted(FIXTURES.rglob("*.json"))
RECORDS = FIXTURES / "records.yaml"

ABSENT = object()


def read(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def item_of(notification: Any) -> Any:
    item = notification["data"]["item"]
    return item["ticket"] if item["type"] == "ticket_ticket_part" else item.get("contact") or item


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)]
        elif key in value:
            value = value[key]
        else:
            return ABSENT
    return value


def walk(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from walk(each)


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# The files


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_fixture_is_plain_json_in_utf_8(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), "a key stands twice"
        return dict(pairs)

    def no_number(word: str) -> None:
        pytest.fail(f"{word} is not JSON")

    body = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    indent = 2 if path.parent == FIXTURES else None
    separators = (",", ":") if indent is None else None
    assert text == json.dumps(body, ensure_ascii=False, indent=indent, separators=separators) + "\n"


@pytest.mark.parametrize("path", [*PATHS, RECORDS], ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_fixture_speaks_only_of_invented_people(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    invented = re.compile(r"(?:.+@(?:.+\.)?(?:example\.com|.+\.example)|operator\+\w+@intercom\.io)\Z")
    assert [found for found in re.findall(r"[\w.+-]+@[\w.-]+\w", text) if not invented.match(found)] == []
    hosts = {urlsplit(url).hostname or "" for url in re.findall(r"https?://[^\s\"]+", text)}
    assert [host for host in hosts if not host.endswith((".example", "example.com"))] == []


def test_every_notification_has_its_own_id() -> None:
    names = [name for name in NAMED if name not in ("ping", "conversation.read.2_14")]
    ids = [body["id"] for body in map(read, names) if not body.get("history")]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("name", NAMED)
def test_times_are_in_order(name: str) -> None:
    body = read(name)
    if not body.get("history"):
        assert body["created_at"] <= body["first_sent_at"]
    for thing in walk(body):
        if isinstance(thing, dict) and {"created_at", "updated_at"} <= thing.keys():
            assert thing["created_at"] <= thing["updated_at"]
        parts = isinstance(thing, list) and [part["created_at"] for part in thing if "part_type" in part]
        assert all(earlier <= later for earlier, later in pairwise(parts or []))


# The shapes of the versions


def test_the_files_of_the_versions_are_what_the_script_makes() -> None:
    on_disk = {path: path.read_bytes() for path in (FIXTURES / "versions").glob("*/*")}
    made = {path: text.encode() for path, text in files().items()}
    stale = {path for path in on_disk.keys() | made.keys() if on_disk.get(path) != made.get(path)}
    assert stale == set(), "run: python tests/make_versions.py"


def test_the_newest_shape_is_that_of_the_samples() -> None:
    for sample in SAMPLES:
        assert shape(read(sample), VERSIONS[-1]) == read(sample)


def test_the_shape_of_2_14_is_that_of_the_sample_of_2_14() -> None:
    assert shape(read("conversation.read"), "2.14") == read("conversation.read.2_14")


def test_shaping_leaves_what_it_was_given_alone() -> None:
    notification = read("ticket.created")
    before = deepcopy(notification)
    shape(notification, "2.9")
    assert notification == before


# A sample, a path in its item, and what is there from which version on.
MARKS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "conversation.rating.added",
        "statistics.last_close_at",
        {"2.9": "2026-08-31T10:40:00.000Z", "2.15": 1788172800},
    ),
    ("conversation.user.created", "statistics.first_close_at", {"2.9": None}),
    ("conversation.rating.added", "created_at", {"2.9": 1788170400}),
    ("conversation.rating.added", "priority", {"2.9": "priority", "2.16": "high"}),
    ("conversation.user.created", "priority", {"2.9": "not_priority", "2.16": "none"}),
    ("conversation.user.created", "admin_assignee_id", {"2.9": None, "2.16": 0}),
    ("conversation.user.created", "team_assignee_id", {"2.9": None, "2.16": 0}),
    ("conversation.read", "admin_assignee_id", {"2.9": 9608801}),
    ("conversation.read", "team_assignee_id", {"2.9": "9681002", "2.11": 9681002}),
    ("conversation.read", "ai_agent", {"2.9": ABSENT, "2.11": None}),
    ("conversation.read", "ai_agent_participated", {"2.9": ABSENT, "2.11": False}),
    ("conversation.read", "company", {"2.9": ABSENT, "2.15": None}),
    ("conversation.read", "channel.initial", {"2.9": ABSENT, "2.16": "messenger"}),
    ("conversation.read", "sales_agent_participated", {"2.9": ABSENT, "2.16": False}),
    ("conversation.read", "external_references", {"2.9": ABSENT, "2.16": []}),
    ("conversation.rating.added", "conversation_rating.updated_at", {"2.9": ABSENT, "2.14": 1788173100}),
    ("conversation.rating.added", "conversation_rating.created_at", {"2.9": 1788172801}),
    (
        "conversation.user.replied",
        "conversation_parts.conversation_parts.0.body",
        {"2.9": "<p>Here is the photo.</p>", "2.15": "Here is the photo."},
    ),
    ("conversation.rating.added", "conversation_parts.conversation_parts.0.body", {"2.9": None}),
    ("conversation.user.created", "source.subject", {"2.9": ""}),
    ("ticket.created", "ticket_state_internal_label", {"2.9": "Submitted", "2.12": ABSENT}),
    ("ticket.contact.replied", "ticket_state.category", {"2.12": "waiting_on_customer"}),
    ("ticket.contact.replied", "ticket_state_external_label", {"2.9": "Waiting on you", "2.12": ABSENT}),
    ("ticket.created", "admin_assignee_id", {"2.9": "0", "2.16": 0}),
    ("ticket.contact.replied", "team_assignee_id", {"2.9": "9681002", "2.16": 9681002}),
    ("ticket.state.updated.resolved", "previous_ticket_state_id", {"2.9": ABSENT, "2.16": "4517895"}),
    ("ticket.state.updated.resolved", "ticket_parts.ticket_parts.5.ticket_state", {"2.9": "resolved"}),
    ("contact.user.updated", "owner_id", {"2.9": 9608801, "2.16": "9608801"}),
    ("contact.user.updated", "updated_at", {"2.9": "2026-08-31T10:45:00.215+00:00"}),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("sample", "path", "since"), MARKS, ids=[f"{row[0]} {row[1]}" for row in MARKS])
def test_a_shape_shows_the_marks_of_its_version(
    version: str, sample: str, path: str, since: dict[str, Any]
) -> None:
    held = [value for first, value in since.items() if number(first) <= number(version)]
    if held:
        assert at(item_of(read(f"versions/{version}/{sample}")), path) == held[-1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_version_can_be_told_from_its_payload(version: str, sample: str) -> None:
    item = item_of(read(f"versions/{version}/{sample}"))
    if item["type"] == "conversation":
        moments = [v for k, v in item["statistics"].items() if k.endswith("_at") and v is not None]
        assert {isinstance(moment, str) for moment in moments} == {number(version) <= (2, 14)}
        newer = item["priority"] in ("none", "low", "medium", "high", "urgent")
        assert newer == (number(version) >= (2, 16))
    if item["type"] == "ticket":
        assert isinstance(item["admin_assignee_id"], int) == (number(version) >= (2, 16))
        assert isinstance(item["ticket_state"], str) == (number(version) <= (2, 11))


# The records


def test_the_records_read_the_same_in_every_yaml() -> None:
    """Core 1.2 knows true, false, null and JSON's numbers; PyYAML (1.1) must not see more in a text."""
    text = RECORDS.read_text(encoding="utf-8")
    assert not [token for token in yaml.scan(text) if isinstance(token, yaml.AnchorToken | yaml.TagToken)]
    assert not [token for token in yaml.scan(text) if isinstance(token, yaml.AliasToken)]
    other = yaml.SafeLoader("")
    for token in yaml.scan(text):
        if isinstance(token, yaml.ScalarToken) and token.plain:
            is_json = re.fullmatch(r"true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", token.value)
            seen = other.resolve(yaml.ScalarNode, token.value, (True, False))
            assert is_json or seen == "tag:yaml.org,2002:str", token.value


def test_there_is_a_record_for_every_id_that_a_fixture_lets_look_up() -> None:
    records = yaml.safe_load(RECORDS.read_text(encoding="utf-8"))
    known = {table: {row["id"] for row in rows} for table, rows in records.items()}
    asked = {
        "contacts": "contacts.contacts[].id",
        "admins": "[to_string(admin_assignee_id), conversation_rating.teammate.id]",
        "teams": "[to_string(team_assignee_id)]",
        "tags": "tags.[tags, data][][].id",
        "companies": "[company.id, company_id, companies.data[].id][]",
    }
    for name in NAMED:
        item = item_of(read(name))
        for table, path in asked.items():
            ids = {id for id in jmespath.search(path, item) or [] if id not in (None, "null", "0")}
            assert ids <= known[table], name


# The everything fixtures: what each property of Klaviyo's own integration is made of

MADE_OF = {
    "conversation": """
        contacts.contacts[0].id
        title
        snoozed_until
        waiting_since
        priority
        team_assignee_id
        admin_assignee_id
        tags.tags[].name
        conversation_rating.rating
        conversation_rating.remark
        source.type
        source.delivered_as
        statistics.count_conversation_parts
        sla_applied.sla_status
        statistics.count_reopens
        statistics.count_assignments
        custom_attributes."CX Score rating"
        custom_attributes."Fin AI Agent: Image used in reply"
        custom_attributes."Lamp height [cm]"
    """,
    "ticket": """
        contacts.contacts[0].id
        category
        team_assignee_id
        admin_assignee_id
        snoozed_until
        ticket_parts.total_count
        ticket_id
        ticket_type.name
        ticket_attributes._default_title_
        ticket_attributes._default_description_
        is_shared
        ticket_attributes."Refund amount"
        ticket_attributes."Replacement wanted"
        ticket_attributes."Damaged parts"
    """,
    "contact": """
        email
        phone
        name
        avatar.image_url
        location.city
        location.country
        location.region
        id
        role
        has_hard_bounced
        marked_email_as_spam
        unsubscribed_from_emails
        opted_out_subscription_types.total_count
        custom_attributes
        tags.data[].id
    """,
}


def test_there_is_an_everything_fixture_for_each_metric_and_for_profiles() -> None:
    metrics = [sample for sample in SAMPLES if sample not in ("ping", "contact.deleted")]
    assert [f"{sample}.everything" for sample in metrics] == EVERYTHING


@pytest.mark.parametrize("name", EVERYTHING)
def test_an_everything_fixture_lacks_nothing_that_klaviyos_own_integration_sends(name: str) -> None:
    item = item_of(read(name))
    paths = MADE_OF[item["type"]].strip().splitlines()
    found = {path.strip(): jmespath.search(path, item) for path in paths}
    assert [path for path, value in found.items() if not value] == []
