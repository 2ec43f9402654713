"""What Klaviyo's own integration sends, ours sends too, byte for byte; and what leaves Intercom never."""

from typing import Any

import pytest

from tests.support import NAMED, as_history, changed, events, places, put, read, the_event

CONVERSATION = (
    "email", "phone_number", "Title", "Snoozed Until", "Waiting Since", "Priority", "Assigned Team",
    "Assigned Admin Name", "Assigned Admin Email", "Tags", "Conversation Rating", "Conversation Source",
    "Conversation Delivered As", "Conversation Parts Count", "SLA Status", "Reopen Count", "Assignment Count",
    "Custom Attributes",
)  # fmt: skip
TICKET = (
    "email", "phone_number", "Category", "Assigned Team", "Assigned Admin Name", "Assigned Admin Email",
    "Snoozed Until", "Ticket Parts Count", "Ticket ID", "Ticket Type", "Ticket Name", "Ticket Description",
    "Shared",
)  # fmt: skip
RESOLVED = (
    "Contact Email", "Contact Phone", "Category", "Team Name", "Admin Name", "Admin Email", "Ticket ID",
    "Ticket Name", "Ticket Description", "Is Shared",
)  # fmt: skip

NATIVE: dict[str, tuple[str, tuple[str, ...]]] = {
    "Created Conversation": ("conversation.user.created.everything", CONVERSATION),
    "Rated Conversation": ("conversation.rating.added.everything", CONVERSATION),
    "Read Conversation": ("conversation.read.everything", CONVERSATION),
    "Replied to Conversation": ("conversation.user.replied.everything", CONVERSATION),
    "Created Ticket": ("ticket.created.everything", TICKET),
    "Submitted Ticket": ("ticket.state.updated.submitted.everything", TICKET),
    "Replied to Ticket": ("ticket.contact.replied.everything", TICKET),
    "Marked Ticket On Hold": ("ticket.state.updated.waiting_on_customer.everything", TICKET),
    "Resolved Ticket": ("ticket.state.updated.resolved.everything", RESOLVED),
}
"""Metric -> the fixture in which nothing is empty, and the names of native-integration.md 1."""

PROFILE = (
    "email", "phone_number", "first_name", "last_name", "image", "location.city", "location.country",
    "location.region", "properties.Intercom Contact ID", "properties.Contact Role",
    "properties.Intercom_has_hard_bounced", "properties.Intercom_marked_email_as_spam",
    "properties.Intercom_unsubscribed_from_emails", "properties.Intercom_opted_out_subscription_types_count",
    "properties.Intercom_custom_attributes", "properties.Intercom_tags",
)  # fmt: skip
"""Where native-integration.md 2 has them in a body for /api/profile-import."""

ADDED = [
    ("conversation.user.created.everything", "Started By", "user"),
    ("conversation.user.replied.everything", "Replied By", "user"),
    ("ticket.contact.replied.everything", "Replied By", "user"),
    ("conversation.rating.added.everything", "Rating Remark", "Quick and friendly"),
    ("conversation.rating.added.everything", "AI Agent Rating", 3),
    ("conversation.read.everything", "Minutes to First Answer", 7.0),
    ("conversation.read.everything", "Minutes to Close", 40.0),
    ("ticket.state.updated.resolved.everything", "Resolution Hours", 2.0),
    ("conversation.read.everything", "Attribute Refund amount", 49.9),
    ("ticket.created.everything", "Attribute Refund amount", 49.9),
]
"""What native-integration.md 4 says that only ours sends."""

NOISE = (
    "Has attachments",
    "Imported via standalone",
    "Auto-translated",
    "Copilot used",
    "Fin AI Agent: ",
    "CX Score ",
)
CANARY = "CANARY 5f3a: my secret <b>words</b>"
WRITTEN = {
    "body": CANARY,
    "attachments": [{"type": "upload", "name": CANARY, "url": CANARY}],
    "email_message_metadata": {"message_id": CANARY, "history": CANARY},
}
"""What people write to each other and send along, by the key under which messages have it."""


def is_real(value: Any) -> bool:
    return value not in (None, "", [], {}) and (not isinstance(value, str) or bool(value.strip()))


def properties_of(metric: str) -> dict[str, Any]:
    event = the_event(read(NATIVE[metric][0]), metric)
    assert event.request
    return event.request.body["data"]["attributes"]["properties"]


def test_all_134_native_properties_have_a_real_value() -> None:
    sent = {metric: properties_of(metric) for metric in NATIVE}
    missing = [
        f"{metric}: {name}"
        for metric, (_, names) in NATIVE.items()
        for name in names
        if not is_real(sent[metric].get(name))
    ]
    assert missing == []
    assert [len(names) for _, names in NATIVE.values()] == [18] * 4 + [13] * 4 + [10]
    assert sum(len(set(names)) for _, names in NATIVE.values()) == 134


def test_a_resolved_ticket_has_the_names_of_its_siblings_too() -> None:
    assert [name for name in TICKET if not is_real(properties_of("Resolved Ticket").get(name))] == []


def test_all_16_native_properties_of_a_profile_have_a_real_value() -> None:
    contact = the_event(read("contact.user.updated.everything")).request
    assert contact
    assert contact.endpoint == "/api/profile-import"
    attributes = contact.body["data"]["attributes"]
    missing = []
    for path in PROFILE:
        outer, _, inner = path.partition(".")
        if not is_real(attributes.get(outer, {}).get(inner) if inner else attributes.get(outer)):
            missing.append(path)
    assert missing == []
    assert len(set(PROFILE)) == 16


@pytest.mark.parametrize("metric", NATIVE)
def test_the_person_of_an_event_is_called_by_address_number_and_name(metric: str) -> None:
    event = the_event(read(NATIVE[metric][0]), metric)
    assert event.profile == {
        "email": "mara.lindqvist@example.com",
        "phone_number": "+46701234567",
        "first_name": "Mara",
        "last_name": "Lindqvist",
    }


@pytest.mark.parametrize("metric", NATIVE)
def test_the_number_that_people_see_and_the_one_of_the_api_are_both_sent(metric: str) -> None:
    sent = properties_of(metric)
    if "Ticket" in metric:
        assert (sent["Ticket ID"], sent["Intercom Ticket ID"]) == ("4821", "215472629311301")
    else:
        assert sent["Conversation ID"] == "215472621202701"


@pytest.mark.parametrize(("fixture", "name", "value"), ADDED)
def test_what_the_native_integration_lacks_is_there(fixture: str, name: str, value: Any) -> None:
    sent = [event.properties.get(name) for event in events(read(fixture))]
    assert sent == [value] * len(sent) != []


def test_a_conversation_that_a_workflow_opened_for_a_customer_is_told_of_under_the_customers_name() -> None:
    fin = {"type": "bot", "id": "9608808", "name": "Fin", "email": "operator+hx7q2m9d@intercom.io"}
    event = the_event(changed(read("conversation.user.created"), {"source.author": fin}))
    assert (event.properties["Started By"], event.profile["first_name"]) == ("bot", "Mara")
    assert "operator+" not in repr(event)


@pytest.mark.parametrize("name", NAMED)
def test_intercoms_own_attributes_are_not_flattened(name: str) -> None:
    for telling in (read(name), as_history(read(name))):
        for event in events(telling):
            noise = tuple(f"Attribute {key}" for key in NOISE)
            assert [one for one in event.properties if one.startswith(noise)] == []


def test_attributes_of_a_workspace_are_flattened_whatever_their_names() -> None:
    made = changed(
        read("conversation.read"), {"custom_attributes": {"Copilot users": 3, "CX Scores": 4, "a.b: [c]": 1}}
    )
    sent = the_event(made).properties
    assert {name: sent[name] for name in sent if name.startswith("Attribute ")} == {
        "Attribute Copilot users": 3,
        "Attribute CX Scores": 4,
        "Attribute a.b: [c]": 1,
    }


@pytest.mark.parametrize("name", NAMED)
def test_what_people_write_to_each_other_stays_in_intercom(name: str) -> None:
    notification = read(name)
    for path, value in list(places(notification)):
        if path and path[-1] in WRITTEN and value:
            put(notification, list(path), WRITTEN[str(path[-1])])
    made = events(notification, every=True)
    assert [one.unique_id for one in made] == [one.unique_id for one in events(read(name), every=True)]
    assert [one.metric for one in made if CANARY[:11] in repr(one)] == []


@pytest.mark.parametrize("name", NAMED)
def test_the_intercom_event_id_repeats_the_unique_id(name: str) -> None:
    for event in events(read(name), every=True):
        assert event.request
        if event.request.endpoint == "/api/profile-import":
            assert event.unique_id == ""
            assert "Intercom Event ID" not in event.properties
        else:
            attributes = event.request.body["data"]["attributes"]
            assert event.unique_id == event.request.unique_id == attributes["unique_id"]
            assert event.properties["Intercom Event ID"] == event.unique_id
