"""The 25 surprises of Intercom's payloads, each read without a setting.

They are numbered as in the notes on Intercom (section 8). Where a surprise is one of searching, not of a
payload, the test shows that nothing that we send hangs on it.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine import Notification, Parked, Runner, Skipped, Translation, load
from tests.support import (
    ABSENT,
    RECORDS,
    ROOT,
    StandingClock,
    as_history,
    changed,
    events,
    places,
    put,
    read,
    runner,
    the_event,
)

TABLE_OF_TYPES = {
    "conversation": "conversation.read",
    "ticket": "ticket.created",
    "ticket_ticket_part": "ticket.contact.replied",
    "contact": "contact.user.updated",
    "contact_tag": "contact.user.tag.created",
    "contact_unsubscribe": "contact.unsubscribed",
    "ping": "ping",
}


def bodies(notification: Any) -> list[dict[str, Any]]:
    return [event.request.body for event in events(notification) if event.request]


def sent(notification: Any, metric: str = "") -> dict[str, Any]:
    return the_event(notification, metric).properties


def opened(notification: Any) -> Any:
    """The notification in the one shape that specs see."""
    made = runner().read(notification)
    assert isinstance(made, Notification)
    return made.event


# 1 Times: ISO text and epoch seconds in one object


@pytest.mark.parametrize("name", ["conversation.read.2_14", "contact.user.updated", "contact.unsubscribed"])
def test_01_times_are_epoch_seconds_however_they_are_written(name: str) -> None:
    written = [value for path, value in places(read(name)) if path and str(path[-1]).endswith("_at")]
    shaped = [value for path, value in places(opened(read(name))) if path and str(path[-1]).endswith("_at")]
    assert {type(value) for value in written} >= {str, int}
    assert {type(value) for value in shaped} <= {int, type(None)}


@pytest.mark.parametrize(
    "written", [1788249600, "1788249600", "2026-09-01T08:00:00Z", "2026-09-01T10:00:00.215+02:00"]
)
def test_01_a_time_is_sent_alike_however_it_is_written(written: Any) -> None:
    made = sent(changed(read("conversation.read"), {"snoozed_until": written, "waiting_since": written}))
    assert (made["Snoozed Until"], made["Waiting Since"]) == ("2026-09-01T08:00:00Z",) * 2


# 2 Assignees: null, 0, "0", a number, a text


@pytest.mark.parametrize("name", ["conversation.read", "ticket.state.updated.resolved"])
@pytest.mark.parametrize("nobody", [None, 0, "0", "", ABSENT])
def test_02_nobody_is_assigned_in_whatever_words(name: str, nobody: Any) -> None:
    notification = changed(read(name), {"admin_assignee_id": nobody, "team_assignee_id": nobody})
    assert opened(notification)["data"]["item"].get("admin_assignee_id") is None
    event = the_event(notification)
    assert [key for key in event.properties if key.startswith(("Assigned ", "Team ", "Admin "))] == []
    assert event.issues == ()


@pytest.mark.parametrize("name", ["conversation.read", "ticket.state.updated.resolved"])
@pytest.mark.parametrize("kind", [int, str])
def test_02_somebody_is_assigned_in_whatever_words(name: str, kind: type) -> None:
    made = sent(changed(read(name), {"admin_assignee_id": kind(9608801), "team_assignee_id": kind(9681002)}))
    found = [made[f"Assigned {key}"] for key in ("Team", "Admin Name", "Admin Email")]
    assert found == ["Returns & Refunds", "Tomás Aguirre", "tomas@acme-support.example"]


def test_03_the_count_of_parts_is_the_conversations_not_that_of_the_list_in_a_notification() -> None:
    notification = read("conversation.user.replied.everything")
    assert notification["data"]["item"]["conversation_parts"]["total_count"] == 1
    count = notification["data"]["item"]["statistics"]["count_conversation_parts"]
    assert sent(notification)["Conversation Parts Count"] == count != 1


@pytest.mark.parametrize(("kind", "name"), TABLE_OF_TYPES.items())
def test_04_every_type_of_item_is_read(kind: str, name: str) -> None:
    assert read(name)["data"]["item"]["type"] == kind
    assert bool(events(read(name))) == (kind != "ping")


@pytest.mark.parametrize(
    ("name", "outer", "seen", "documented"),
    [
        ("conversation.read", "teammates", "admins", "teammates"),
        ("ticket.created", "ticket_type.ticket_type_attributes", "data", "ticket_type_attributes"),
    ],
)
def test_05_a_list_is_found_under_the_key_seen_and_under_the_documented_one(
    name: str, outer: str, seen: str, documented: str
) -> None:
    listed = read(name)["data"]["item"]
    for step in outer.split("."):
        listed = listed[step]
    other = changed(read(name), {f"{outer}.{seen}": ABSENT, f"{outer}.{documented}": listed[seen]})
    shaped = opened(other)["data"]["item"]
    for step in outer.split("."):
        shaped = shaped[step]
    assert shaped[seen] == listed[seen]
    assert bodies(other) == bodies(read(name))


def test_06_contacts_of_a_ticket_may_lack_their_type_and_external_id() -> None:
    bare = [{"id": "68b1c2d3e4f5a6b7c8d9e0f1", "role": "user"}]
    notification = read("ticket.resolved")
    assert bodies(changed(notification, {"contacts.contacts": bare})) == bodies(notification)


@pytest.mark.parametrize(
    "name", ["ticket.created", "ticket.state.updated.resolved", "conversation.read", "contact.user.updated"]
)
def test_07_a_key_may_be_missing_where_it_was_null(name: str) -> None:
    notification = read(name)
    nulls = [path for path, value in places(notification["data"]["item"]) if value is None]
    assert nulls
    for path in nulls:
        put(notification["data"]["item"], list(path), ABSENT)
    assert bodies(notification) == bodies(read(name))


def test_07_a_key_may_be_null_where_it_was_missing() -> None:
    notification = read("ticket.contact.replied")
    assert "snoozed_until" not in notification["data"]["item"]["ticket"]
    nulls = {"ticket.snoozed_until": None, "ticket.company_id": None, "ticket_part.app_package_code": None}
    assert bodies(changed(notification, nulls)) == bodies(notification)


def test_07_a_part_may_lack_what_is_empty() -> None:
    notification = read("ticket.state.updated.resolved")
    for part in notification["data"]["item"]["ticket_parts"]["ticket_parts"]:
        del part["attachments"], part["redacted"], part["updated_at"]
    assert bodies(notification) == bodies(read("ticket.state.updated.resolved"))


@pytest.mark.parametrize("nothing", ["", " ", None, ABSENT])
def test_08_a_title_or_a_subject_may_be_blank_null_or_missing(nothing: Any) -> None:
    notification = read("conversation.user.created.everything")
    made = sent(changed(notification, {"title": nothing, "source.subject": nothing}))
    assert "Title" not in made
    assert "Title" in sent(notification)


# 9 Creation is told twice, and so are replies on tickets


@pytest.mark.parametrize("kind", ["", ".converted", ".everything"])
def test_09_creation_told_by_two_notifications_is_one_submission(kind: str) -> None:
    state = f"ticket.state.updated{kind}" if kind == ".converted" else f"ticket.state.updated.submitted{kind}"
    one, other = (the_event(read(name), "Submitted Ticket") for name in (f"ticket.created{kind}", state))
    assert (one.unique_id, one.time) == (other.unique_id, other.time)


def test_09_a_reply_on_a_ticket_told_by_the_conversations_topic_too_is_no_second_event() -> None:
    twice = changed(
        read("conversation.user.replied"), {"ticket": {"type": "ticket", "id": "215472621202701"}}
    )
    assert [type(one) for one in runner().translate(twice)] == [Skipped]


def test_10_a_ticket_is_created_when_it_was_converted_not_when_its_conversation_began() -> None:
    notification = read("ticket.created.converted")
    event = the_event(notification, "Created Ticket")
    assert event.time
    assert notification["data"]["item"]["created_at"] == 1788170400
    assert event.time.timestamp() == 1788170950


# 11 Bodies are HTML or plain text


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The shipped mappings with the lines uncommented that send what people write."""
    folder = tmp_path_factory.mktemp("mappings")
    for path in (ROOT / "mappings").rglob("*.yaml"):
        target: Path = folder / path.relative_to(ROOT / "mappings")
        target.parent.mkdir(exist_ok=True)
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^  # (First Message|Reply|Subject):", r"  \1:", text, flags=re.MULTILINE)
        target.write_text(text, encoding="utf-8")
    return Runner(load(folder), records=RECORDS, clock=StandingClock())


def message(telling: Runner, notification: Any, name: str) -> Any:
    [event] = telling.translate(notification)
    assert isinstance(event, Translation)
    return event.properties[name]


@pytest.mark.parametrize("version", ["2.9", "2.14", "2.15", "2.16"])
def test_11_a_message_is_sent_alike_whether_it_comes_as_html_or_not(telling: Runner, version: str) -> None:
    created, replied = (
        read(f"versions/{version}/conversation.user.{word}") for word in ("created", "replied")
    )
    first = "Hi, my order #7731 arrived damaged. Can I get a refund?"
    assert message(telling, created, "First Message") == first
    assert message(telling, replied, "Reply") == "Here is the photo."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<p class="no-margin">Tom &amp; Ann</p><p class="no-margin">a &lt; b</p>', "Tom & Ann\n\na < b"),
        ("Is 3 < 4 & 5 > 2?", "Is 3 < 4 & 5 > 2?"),
        ('<img src="https://downloads.intercomcdn.example/i/o/a.jpg?expires=1&signature=abc">Here', "Here"),
    ],
)
def test_11_entities_and_links_to_files_do_not_reach_the_text(telling: Runner, body: str, text: str) -> None:
    notification = changed(read("conversation.user.created"), {"source.body": body})
    assert message(telling, notification, "First Message") == text


@pytest.mark.parametrize(
    "words", ["Write to <mara@example.com>, please", "Re: <urgent> lamp", "if x<y && y>z"]
)
def test_11_angle_brackets_in_plain_text_cost_no_words(telling: Runner, words: str) -> None:
    notification = changed(read("conversation.user.created"), {"source.body": words, "source.subject": words})
    assert message(telling, notification, "First Message") == words
    assert message(telling, notification, "Subject") == words


# 12 Names of attributes


def test_12_attributes_may_have_spaces_colons_and_brackets_in_their_names() -> None:
    made = sent(read("conversation.read.everything"))
    assert made["Attribute Delivery: carrier"] == "Norrpost"
    assert made["Attribute Lamp height [cm]"] == 45
    ticket = sent(read("ticket.contact.replied.everything"))
    assert ticket["Attribute Reason: customer [menu]"] == "Damaged in transit"


def test_12_of_two_attributes_of_one_name_the_last_counts() -> None:
    text = json.dumps(read("conversation.read"))
    twice = text.replace('"Has attachments": false', '"size": 1, "Has attachments": false, "size": 2')
    assert twice != text
    [event] = runner().translate(twice.encode())
    assert isinstance(event, Translation)
    assert event.properties["Attribute size"] == 2


# 13, 14 Searching


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("conversation.rating.added", {"conversation_rating.admin_d": 1}),
        ("conversation.read", {"source.las_request_at": "yesterday", "something_new": {"a": [1]}}),
        ("contact.user.updated", {"las_request_at": 5, "lastRequest": None}),
    ],
)
def test_13_misspelt_and_unknown_keys_change_nothing(name: str, extra: dict[str, Any]) -> None:
    assert bodies(changed(read(name), extra)) == bodies(read(name))


@pytest.mark.parametrize("updated_at", [1788134400, "2026-08-31", "2026-08-31T00:00:00Z", None, ABSENT])
def test_14_a_contact_that_is_known_to_the_day_only_gives_the_same_profile(updated_at: Any) -> None:
    notification = changed(read("contact.user.updated"), {"updated_at": updated_at})
    assert bodies(notification) == bodies(read("contact.user.updated"))


@pytest.mark.parametrize("name", ["history.conversation", "history.conversation.from_search"])
def test_15_a_ticket_among_the_conversations_found_is_no_conversation(name: str) -> None:
    ticket = changed(
        read(name), {"ticket": {"type": "ticket", "id": "215472621202701"}, "conversation_rating": None}
    )
    assert events(ticket) == []


def test_16_what_bots_wrote_by_themselves_is_read_and_no_reply() -> None:
    notification = read("conversation.read")
    parts = notification["data"]["item"]["conversation_parts"]["conversation_parts"]
    bot = {"type": "bot", "id": "9608808", "name": "Fin", "email": "operator+hx7q2m9d@intercom.io"}
    parts[:] = [{**parts[0], "id": str(number), "author": bot} for number in range(4)]
    event = the_event(notification)
    assert (event.metric, event.profile["email"]) == ("Read Conversation", "mara.lindqvist@example.com")
    assert events(as_history(notification), "Replied to Conversation") == []


def test_17_who_wants_no_mails_at_all_may_have_opted_out_of_no_type_of_them() -> None:
    made = sent(read("contact.unsubscribed"))
    assert made["Intercom_unsubscribed_from_emails"] is True
    assert made["Intercom_opted_out_subscription_types_count"] == 0


def test_18_a_part_has_one_id_whether_it_is_a_number_or_text_and_another_in_another_workspace() -> None:
    path = "conversation_parts.conversation_parts.0.id"
    notification = read("conversation.user.replied")
    as_text, as_number, elsewhere = (
        the_event(changed(notification, change)).unique_id
        for change in ({path: "37358120412"}, {path: 37358120412}, {"event.app_id": "zz9plural"})
    )
    assert as_text == as_number != elsewhere


def test_19_a_message_that_is_obscured_costs_the_message_only() -> None:
    notification = read("conversation.user.created")
    obscured = changed(notification, {"source.type": "twitter", "source.body": None, "source.subject": None})
    assert sent(obscured) == sent(notification) | {"Conversation Source": "twitter"}


# 20 Only the newest 500 parts


@pytest.fixture
def long_ticket() -> Any:
    """The ticket that was resolved, after so many notes that its first parts are lost."""
    notification = read("ticket.state.updated.resolved")
    listed = notification["data"]["item"]["ticket_parts"]
    note = {"type": "ticket_part", "part_type": "note", "author": listed["ticket_parts"][1]["author"]}
    notes = [{**note, "id": str(number), "created_at": 1788250000 + number} for number in range(498)]
    listed["ticket_parts"] = [*notes, *listed["ticket_parts"][-2:]]
    listed["total_count"] = 612
    return notification


def test_20_of_a_list_cut_to_500_parts_the_change_at_hand_is_told(long_ticket: Any) -> None:
    event = the_event(long_ticket)
    assert event.unique_id == the_event(read("ticket.state.updated.resolved")).unique_id
    assert event.properties["Ticket Parts Count"] == 612


def test_20_of_a_list_cut_to_500_parts_no_birth_is_invented(long_ticket: Any) -> None:
    assert "Resolution Hours" not in sent(long_ticket)
    past = runner().translate(as_history(long_ticket))
    assert [one.metric for one in past if isinstance(one, Translation)] == ["Resolved Ticket"]
    assert [one.metric for one in past if isinstance(one, Parked)] == ["Created Ticket"]


@pytest.mark.parametrize(
    "parts", [ABSENT, None, {}, {"type": "conversation_part.list", "conversation_parts": []}]
)
def test_21_the_parts_that_a_converted_conversation_lacks_are_told_of_by_its_ticket(parts: Any) -> None:
    conversation = changed(read("history.conversation"), {"conversation_parts": parts})
    assert [event.metric for event in events(conversation)] == ["Created Conversation", "Rated Conversation"]
    ticket = as_history(read("ticket.created.converted"))
    assert [event.metric for event in events(ticket)] == ["Created Ticket", "Submitted Ticket"]


@pytest.mark.parametrize(
    "nothing", [None, {"type": "conversation_sla_summary", "sla_name": "1h", "sla_status": None}]
)
def test_22_no_sla_and_one_that_was_removed_are_both_no_status(nothing: Any) -> None:
    assert "SLA Status" not in sent(changed(read("conversation.read"), {"sla_applied": nothing}))


def test_22_a_cancelled_sla_is_spelt_as_intercom_spells_it() -> None:
    made = changed(read("conversation.read"), {"sla_applied.sla_status": "cancelled"})
    assert sent(made)["SLA Status"] == "cancelled"


def test_23_fins_own_survey_and_that_of_a_teammate_are_told_apart() -> None:
    made = sent(read("conversation.rating.added.everything"))
    assert (made["Conversation Rating"], made["AI Agent Rating"]) == (4, 3)
    only_fin = changed(read("conversation.rating.added.everything"), {"conversation_rating": None})
    assert [type(one) for one in runner().translate(only_fin)] == [Skipped]


def test_24_an_event_of_a_contact_that_was_merged_away_goes_to_the_address_in_the_payload() -> None:
    gone = "68b1c2d3e4f5a6b7c8d9ffff"
    path = "conversation_parts.conversation_parts.0.author"
    event = the_event(changed(read("conversation.user.replied"), {f"{path}.id": gone}))
    assert [issue.code for issue in event.issues] == ["no-record"]
    expected = {"email": "mara.lindqvist@example.com", "first_name": "Mara", "last_name": "Lindqvist"}
    assert event.profile == expected


def test_25_a_conversation_that_nobody_answered_has_no_statistics() -> None:
    names = {
        "Conversation Parts Count",
        "Reopen Count",
        "Assignment Count",
        "Minutes to First Answer",
        "Minutes to Close",
    }
    notification = read("conversation.read.everything")
    event = the_event(changed(notification, {"statistics": None, "first_contact_reply": None}))
    assert sent(notification).keys() - event.properties.keys() == names
    assert event.issues == ()
