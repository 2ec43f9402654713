"""Whatever API version an app is set to, the same is sent; and Intercom's samples tell what they should.

The samples of the notes beside the repository are read where they are there (`../shared/samples`).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.make_versions import SAMPLES, VERSIONS, shape
from tests.support import FIXTURES, NAMED, ROOT, as_history, events, read, runner

METRICS: dict[str, list[str]] = {
    "contact.deleted": [],
    "contact.user.updated": ["Intercom contact"],
    "conversation.rating.added": ["Rated Conversation"],
    "conversation.read": ["Read Conversation"],
    "conversation.user.created": ["Created Conversation"],
    "conversation.user.replied": ["Replied to Conversation"],
    "ping": [],
    "ticket.contact.replied": ["Replied to Ticket"],
    "ticket.created": ["Created Ticket", "Submitted Ticket"],
    "ticket.state.updated.resolved": ["Resolved Ticket"],
    "ticket.state.updated.submitted": ["Submitted Ticket"],
    "ticket.state.updated.waiting_on_customer": ["Marked Ticket On Hold"],
}
"""What each notification is told as: by its topic, and by the state that a ticket comes to."""

SAID_OTHERWISE: dict[str, tuple[set[str], dict[Any, Any]]] = {
    # Up to 2.15 Intercom knows two priorities and 2.16 has five: nobody can tell high from urgent then.
    "Priority": (
        {"2.9", "2.11", "2.12", "2.14", "2.15"},
        {"none": "not_priority"} | dict.fromkeys(("low", "medium", "high", "urgent"), "priority"),
    ),
}
"""Property -> the versions that say something else, and what they say for the words of 2.16."""

UNSAID: dict[str, set[str]] = {
    "AI Agent Rating": {"2.9"},  # Fin came with 2.11
}
"""Property -> the versions whose payloads lack it."""

SHARED = ROOT.parent / "shared" / "samples" / "intercom"
HERE = pytest.mark.skipif(not SHARED.is_dir(), reason=f"Intercom's samples are not at {SHARED}")
TOLD = [name for name in NAMED if not name.startswith("history.") and not name.endswith("2_14")]
HAVE_PAST = [name for name in SAMPLES if name.startswith(("conversation.", "ticket."))]
WEBHOOKS = sorted((SHARED / "webhooks").glob("*.json"))

Bodies = list[dict[str, Any]]


def bodies(notification: Any) -> Bodies:
    return [event.request.body for event in events(notification) if event.request]


def as_said_by(version: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body of 2.16 as far as an older version says the same."""
    properties = body["data"]["attributes"]["properties"]
    for name, (versions, words) in SAID_OTHERWISE.items():
        if version in versions and name in properties:
            properties[name] = words[properties[name]]
    for name, versions in UNSAID.items():
        if version in versions:
            properties.pop(name, None)
    return body


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_gives_its_metrics_in_every_version(version: str, sample: str) -> None:
    found = events(read(f"versions/{version}/{sample}"))
    assert [event.metric for event in found] == METRICS[sample]
    assert [event.issues for event in found] == [()] * len(found)


def test_a_ping_and_a_deleted_contact_are_skipped_with_a_reason() -> None:
    for version in VERSIONS:
        [ping] = runner().translate(read(f"versions/{version}/ping"))
        [deleted] = runner().translate(read(f"versions/{version}/contact.deleted"))
        assert (ping.reason, deleted.reason) == ("ping", "no_spec")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_sent_alike_in_every_version(version: str, sample: str) -> None:
    newest = bodies(read(f"versions/2.16/{sample}"))
    assert bodies(read(f"versions/{version}/{sample}")) == [as_said_by(version, body) for body in newest]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", TOLD)
def test_every_fixture_is_sent_alike_in_the_shape_of_every_version(version: str, name: str) -> None:
    newest = read(name)
    older = shape(newest, version)
    assert bodies(older) == [as_said_by(version, body) for body in bodies(newest)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sample", HAVE_PAST)
def test_the_past_is_sent_alike_in_every_version(version: str, sample: str) -> None:
    newest = bodies(as_history(read(sample)))
    if sample == "conversation.rating.added" and version in ("2.9", "2.11", "2.12"):
        newest = [body for body in newest if "value" not in body["data"]["attributes"]]  # the next test
    older = bodies(as_history(read(f"versions/{version}/{sample}")))
    assert older == [as_said_by(version, body) for body in newest]


@pytest.mark.parametrize("version", ["2.9", "2.11", "2.12"])
def test_the_past_of_a_rating_before_2_14_waits_for_its_time_and_gets_no_invented_one(version: str) -> None:
    results = runner().translate(as_history(read(f"versions/{version}/conversation.rating.added")))
    assert [one.reason for one in results if one.metric == "Rated Conversation"] == ["no_time"]


def test_each_exception_is_needed() -> None:
    values: dict[str, dict[str, set[str]]] = {}
    for version in VERSIONS:
        for name in TOLD:
            for body in bodies(shape(read(name), version)):
                properties = body["data"]["attributes"]["properties"]
                for one in SAID_OTHERWISE.keys() | UNSAID.keys():
                    values.setdefault(one, {}).setdefault(version, set()).add(str(properties.get(one)))
    for one, versions in {**{name: row[0] for name, row in SAID_OTHERWISE.items()}, **UNSAID}.items():
        assert {version for version in VERSIONS if values[one][version] != values[one]["2.16"]} == versions


# Intercom's own samples, where the notes are there


def sample_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@HERE
@pytest.mark.parametrize("path", WEBHOOKS, ids=lambda path: path.stem)
def test_a_webhook_sample_gives_its_metrics(path: Path) -> None:
    found = events(sample_of(path))
    assert [event.metric for event in found] == METRICS[path.stem.removesuffix(".2_14")]


@HERE
def test_there_is_a_webhook_sample_for_each_row() -> None:
    assert {path.stem.removesuffix(".2_14") for path in WEBHOOKS} == METRICS.keys()


def ids_by_webhook(item_id: str) -> set[tuple[str, Any]]:
    """Ids and times of what the samples of webhooks tell of one conversation or ticket."""
    found = [event for path in WEBHOOKS for event in events(sample_of(path))]
    return {
        (event.unique_id, event.time)
        for event in found
        if f":{item_id}:" in event.unique_id and event.metric != "Read Conversation"
    }


def ids_by_rest(item: Any) -> set[tuple[str, Any]]:
    wrapped = {"type": "notification_event", "history": True, "app_id": "hx7q2m9d", "data": {"item": item}}
    return {(event.unique_id, event.time) for event in events(wrapped)}


@HERE
@pytest.mark.parametrize("name", ["get_conversation", "get_ticket"])
def test_a_rest_sample_gives_the_ids_that_its_webhooks_gave(name: str) -> None:
    item = sample_of(SHARED / "rest" / f"{name}.json")
    found = ids_by_rest(item)
    assert found == ids_by_webhook(item["id"])
    assert len(found) == {"get_conversation": 3, "get_ticket": 5}[name]


@HERE
def test_a_search_gives_the_same_ids_but_for_the_replies_that_it_lacks() -> None:
    for item in sample_of(SHARED / "rest" / "search_conversations.json")["conversations"]:
        told = ids_by_webhook(item["id"])
        assert ids_by_rest(item) == {one for one in told if ":reply:" not in one[0]} != told


@HERE
def test_the_fixtures_are_intercoms_samples() -> None:
    for path in WEBHOOKS:
        assert sample_of(path) == json.loads((FIXTURES / path.name).read_text(encoding="utf-8"))


@HERE
def test_a_contact_of_rest_gives_the_profile_that_its_webhook_gave() -> None:
    item = sample_of(SHARED / "rest" / "get_contact.json")
    wrapped = {"type": "notification_event", "history": True, "app_id": "hx7q2m9d", "data": {"item": item}}
    assert bodies(wrapped) == bodies(sample_of(SHARED / "webhooks" / "contact.user.updated.json"))
