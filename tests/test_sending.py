"""From a notification to its delivery: what is looked up and waited for, what is sent and what is not."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Parked, Runner, Skipped, Translation, load
from engine.errors import Denied, NotSent, Unavailable
from engine.events import Accepted, Answer, Delivery, Request
from engine.intercom.records import read_records
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.request import Builder
from engine.ports import Record, Response
from engine.settings import Settings
from engine.tools.accounts import dry_klaviyo_of
from engine.tools.rehearsal import Backfill, Rehearsal
from tests.support import NOW, RECORDS, ROOT, ManualClock, answers, changed, read

CONTACT = "68b1c2d3e4f5a6b7c8d9e0f1"


class Asked:
    """The records of the fixtures, of which some cannot be asked for; counts what it is asked."""

    def __init__(self, *, silent: Collection[str] = (), tags: Mapping[str, int] | None = None) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.asked_for_tags: list[list[str]] = []
        self._file = read_records(RECORDS)
        self._silent = silent
        self._tags = tags

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        self.calls.append((table, sorted(ids)))
        return {} if table in self._silent else self._file.fetch(table, ids)


class AskedForTags(Asked):
    """The same, which also knows all tags of contacts."""

    def tags_of(self, ids: Collection[str]) -> Mapping[str, list[Record]]:
        self.asked_for_tags.append(sorted(ids))
        made = self._tags or {}
        return {
            one: [{"id": f"t{n}", "name": f"tag {n}"} for n in range(made[one])] for one in ids if one in made
        }

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        if table == "tag":
            self.calls.append((table, sorted(ids)))
            return {one: {"id": one, "name": f"name of {one}"} for one in ids}
        return super().fetch(table, ids)


class Sink:
    """Builds as Klaviyo's and keeps what is delivered; answers as it is told."""

    def __init__(self, *given: Answer) -> None:
        self.given = given
        self.delivered: list[tuple[Request, bool]] = []
        self._builder = Builder()

    def build(self, translation: Translation, now: datetime, *, backfill: bool | None = None) -> Any:
        return self._builder.build(translation, now, backfill=backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        self.delivered += [(request, bulk) for request in requests]
        return [*(self.given or [Accepted()] * len(requests))][: len(requests)]


def machine(records: Any = None, sink: Any = None) -> Runner:
    """The shipped mappings at work."""
    return Runner(load(ROOT / "mappings"), records=records, sink=sink, clock=ManualClock())


# What is looked up


def test_many_notifications_ask_for_their_records_together() -> None:
    records = Asked()
    names = [
        "ticket.created",
        "conversation.rating.added",
        "conversation.user.replied",
        "ticket.state.updated.resolved",
    ]
    found = machine(records).translate_all([read(name) for name in names])
    assert [len(row) > 0 for row in found] == [True] * 4
    assert sorted(table for table, _ in records.calls) == ["admin", "contact", "team"]


def test_what_no_property_uses_is_not_asked_for(tmp_path: Any) -> None:
    (tmp_path / "spec.yaml").write_text(
        "metric: A\ntopic: ticket.created\ntime: created_at\nunique_id: a:{{ id }}\n"
        "lookups:\n  contact: contacts.contacts[0].id\n  team: team_assignee_id\n"
        "profile: { email: contact.email as email }\nproperties: { Ticket: id as text }\n"
    )
    records = Asked()
    Runner(load(tmp_path), records=records, clock=ManualClock()).translate(read("ticket.created"))
    assert [table for table, _ in records.calls] == ["contact"]


def test_an_event_without_its_person_waits_for_intercom() -> None:
    for partial in (False, True):
        runner = machine(Asked(silent=["contact"]))
        found = runner.translate(read("ticket.created"), partial=partial)
        [made] = [one for one in found if one.metric == "Created Ticket"]
        assert isinstance(made, Parked)
        assert (made.reason, made.detail) == (
            "unavailable",
            f"Intercom could not be asked for contact {CONTACT}",
        )


def test_names_alone_hold_an_event_back_only_until_one_has_waited_enough() -> None:
    runner = machine(Asked(silent=["team", "admin"]))
    held = {type(one) for one in runner.translate(read("ticket.created"))}
    assert held == {Parked}
    made = next(
        one for one in runner.translate(read("ticket.created"), partial=True) if isinstance(one, Translation)
    )
    assert "Assigned Team" not in made.properties
    assert made.profile["email"] == "mara.lindqvist@example.com"
    assert [(issue.code, issue.message) for issue in made.issues if issue.code == "partial"] == [
        ("partial", "Intercom could not be asked for team 9681002")
    ]


def test_what_intercom_does_not_have_is_no_reason_to_wait() -> None:
    payload = changed(read("ticket.created"), {"team_assignee_id": 4711})
    made = next(one for one in machine(Asked()).translate(payload) if isinstance(one, Translation))
    assert [issue.code for issue in made.issues] == ["no-record"]


def test_where_the_token_may_not_read_everything_stops() -> None:
    class Refusing(Asked):
        def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
            raise Denied("the token may not read contacts")

    with pytest.raises(Denied):
        machine(Refusing()).translate(read("ticket.created"))


def cut(payload: Any) -> Any:
    """A contact of which the payload has the first tags alone."""
    item = payload["data"]["item"]
    contact = item.get("contact", item)
    contact["tags"] = {**contact["tags"], "has_more": True, "total_count": 12}
    return payload


@pytest.mark.parametrize("name", ["contact.user.updated", "contact.user.tag.created"])
def test_a_contact_with_more_tags_than_its_payload_has_gets_all_of_them(name: str) -> None:
    records = AskedForTags(tags={CONTACT: 12})
    payload = cut(read(name))
    before = str(payload)
    [made] = machine(records).translate(payload)
    assert isinstance(made, Translation)
    assert made.properties["Intercom_tags"] == [f"name of t{n}" for n in range(12)]
    assert records.asked_for_tags == [[CONTACT]]
    assert str(payload) == before, "the payload is the caller's"


def test_tags_that_cannot_be_asked_for_are_waited_for_and_then_told() -> None:
    runner = machine(AskedForTags(tags={}))
    payload = cut(read("contact.user.updated"))
    assert isinstance(runner.translate(payload)[0], Parked)
    [made] = runner.translate(payload, partial=True)
    assert isinstance(made, Translation)
    assert [issue.message for issue in made.issues if issue.code == "partial"] == [
        f"Intercom could not be asked for all tags of contact {CONTACT}"
    ]


def test_tags_that_nothing_reads_are_not_asked_for(tmp_path: Any) -> None:
    (tmp_path / "profile.yaml").write_text(
        "name: Contact\ntopic: contact.user.updated\nprofile: { email: email as email }\n"
    )
    records = AskedForTags(tags={CONTACT: 12})
    Runner(load(tmp_path), records=records, clock=ManualClock()).translate(cut(read("contact.user.updated")))
    assert records.asked_for_tags == []


def test_a_contact_that_is_looked_up_gets_all_its_tags_where_a_line_reads_them(tmp_path: Any) -> None:
    (tmp_path / "spec.yaml").write_text(
        "metric: A\ntopic: ticket.created\ntime: created_at\nunique_id: a:{{ id }}\n"
        'lookups: { contact: "contacts.contacts[0].id", tag: "contact.tags.data[].id" }\n'
        'profile: { email: contact.email as email }\nproperties: { Tags: "tag[].name" }\n'
    )

    class Cut(AskedForTags):
        def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
            found = dict(super().fetch(table, ids))
            if table == "contact":
                contact = found[CONTACT]
                assert contact
                found[CONTACT] = {**contact, "tags": {**contact["tags"], "has_more": True}}
            return found

    whole = Runner(load(tmp_path), records=Cut(tags={CONTACT: 11}), clock=ManualClock())
    [made] = whole.translate(read("ticket.created"))
    assert isinstance(made, Translation)
    assert len(made.properties["Tags"]) == 11
    silent = Runner(load(tmp_path), records=Cut(tags={}), clock=ManualClock())
    assert [one.detail for one in silent.translate(read("ticket.created")) if isinstance(one, Parked)] == [
        f"Intercom could not be asked for all tags of contact {CONTACT}"
    ]
    [made] = silent.translate(read("ticket.created"), partial=True)
    assert isinstance(made, Translation), "tags are names, and hold no event back for ever"
    assert "partial" in [issue.code for issue in made.issues]


def test_tags_are_asked_for_only_where_the_plan_that_looks_the_contact_up_reads_them(tmp_path: Any) -> None:
    common = "time: created_at\nprofile: { email: contact.email as email }\n"
    (tmp_path / "a.yaml").write_text(
        "metric: A\ntopic: ticket.created\nunique_id: a:{{ id }}\n"
        'lookups: { contact: "contacts.contacts[0].id" }\nproperties: { ID: id as text }\n' + common
    )
    (tmp_path / "b.yaml").write_text(
        "metric: B\ntopic: conversation.rating.added\nunique_id: b:{{ id }}\n"
        'lookups: { contact: "contacts.contacts[0].id" }\nproperties: { Tags: "contact.tags.data[].id" }\n'
        + common
    )

    class Cut(AskedForTags):
        def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
            tags = {"data": [], "has_more": True}
            return {one: {"id": one, "email": "a@example.com", "tags": tags} for one in ids}

    records = Cut(tags={CONTACT: 11, "other": 11})
    other = changed(read("conversation.rating.added"), {"contacts.contacts.0.id": "other"})
    Runner(load(tmp_path), records=records, clock=ManualClock()).translate_all(
        [read("ticket.created"), other]
    )
    assert records.asked_for_tags == [["other"]]


# What is sent


def test_each_result_comes_with_what_became_of_it() -> None:
    sink = Sink()
    found = machine(Asked(), sink).send(read("ticket.state.updated.resolved"))
    assert {type(one) for one in found} == {Delivery, Skipped}
    [delivery] = [one for one in found if isinstance(one, Delivery)]
    assert delivery.answer == Accepted()
    assert [request for request, _ in sink.delivered] == [delivery.translation.request]


def test_answers_stay_with_their_notifications() -> None:
    refused = Unavailable("later")
    sink = Sink(Accepted(), refused)
    rows = machine(Asked(), sink).send_all(
        [read("ping"), read("conversation.rating.added"), read("contact.user.updated")]
    )
    kinds = [[one.answer if isinstance(one, Delivery) else one.reason for one in row] for row in rows]
    assert kinds[0] == ["ping"]
    assert kinds[1][-1:] == [Accepted()] or Accepted() in kinds[1]
    assert kinds[2] == [refused]


def test_a_runner_without_a_sink_sends_nothing() -> None:
    with pytest.raises(ValueError, match="no sink"):
        machine(Asked()).send(read("ticket.created"))


def test_the_real_client_behind_the_runner_delivers() -> None:
    wire = answers(Response(202))
    sink = Klaviyo("pk_x", transport=wire, clock=ManualClock(), workers=1)
    found = machine(Asked(), sink).send(read("ticket.contact.replied"))
    assert [type(one) for one in found] == [Delivery]
    assert (
        wire.calls[0].json()["data"]["attributes"]["metric"]["data"]["attributes"]["name"]
        == "Replied to Ticket"
    )


# Around the sink


def test_as_history_nothing_starts_a_flow() -> None:
    sink = Sink()
    machine(Asked(), Backfill(sink)).send_all(
        [read("ticket.created"), read("contact.user.updated")], bulk=True
    )
    events = [request for request, bulk in sink.delivered if request.endpoint == "/api/events" and bulk]
    assert events
    assert all(one.body["data"]["attributes"]["backfill"] is True for one in events)


@pytest.mark.parametrize("fire_flows", [False, True])
def test_a_rehearsal_lands_on_one_profile_with_ids_of_its_own(fire_flows: bool) -> None:
    sink = Sink()
    rehearsal = Rehearsal(sink, "me@shop.example", "20261121T150000", fire_flows)
    names = ["ticket.created", "conversation.rating.added", "contact.user.updated", "ticket.contact.replied"]
    rows = machine(Asked(), rehearsal).send_all([read(name) for name in names])
    assert [one.reason for one in rows[2] if isinstance(one, Skipped)] == ["rehearsal"]
    assert len(sink.delivered) >= 3
    for request, _ in sink.delivered:
        attributes = request.body["data"]["attributes"]
        assert attributes["profile"]["data"]["attributes"] == {"email": "me@shop.example"}
        assert attributes["unique_id"].startswith("test:20261121T150000:ic:")
        assert attributes["properties"]["Intercom Event ID"].startswith("ic:"), (
            "the property is the real event's"
        )
        assert attributes.get("backfill", False) is not fire_flows


def test_a_rehearsals_id_is_never_too_long() -> None:
    sink = Sink()
    long = Translation(
        "M", {"email": "a@example.com"}, {}, datetime(2026, 11, 1, tzinfo=UTC), "ic:" + "x" * 117
    )
    made = Rehearsal(sink, "me@shop.example", "20261121T150000").build(long, NOW)
    assert isinstance(made, Translation)
    assert len(made.unique_id) == 53


def test_who_could_not_be_sent_to_is_parked_in_a_rehearsal_too() -> None:
    nobody = Translation("M", {}, {}, datetime(2026, 11, 1, tzinfo=UTC), "ic:1")
    made = Rehearsal(Sink(), "me@shop.example", "r").build(nobody, NOW)
    assert isinstance(made, Parked)
    assert made.reason == "no_identity"


def test_a_key_that_is_refused_hides_nothing_that_was_accepted_before() -> None:
    class Refusing(Sink):
        def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
            denied = Denied("the key is not accepted")
            denied.answers = {0: Accepted()}
            raise denied

    with pytest.raises(Denied) as denied:
        machine(Asked(), Refusing()).send_all([read("ticket.created"), read("ping")])
    made, ping = denied.value.rows
    assert [type(one.answer) for one in made if isinstance(one, Delivery)] == [Accepted, NotSent]
    assert [one.reason for one in ping] == ["ping"]


def test_a_translation_that_was_not_built_is_refused() -> None:
    made = Translation("M", {"email": "a@example.com"}, {}, datetime(2026, 11, 1, tzinfo=UTC), "ic:1")
    with pytest.raises(ValueError, match="without a request"):
        machine(Asked(), Sink()).deliver([[made]])


def test_a_property_that_is_required_is_known_to_its_request(tmp_path: Any) -> None:
    (tmp_path / "spec.yaml").write_text(
        "metric: A\ntopic: ticket.created\ntime: created_at\nunique_id: a:{{ id }}\n"
        'lookups: { contact: "contacts.contacts[0].id" }\nprofile: { email: contact.email as email }\n'
        "value: { path: id, as: integer, required: true }\n"
        "properties:\n  ID: { path: id, as: text, required: true }\n  Title: category\n"
    )
    [made] = Runner(load(tmp_path), records=RECORDS, clock=ManualClock()).translate(read("ticket.created"))
    assert isinstance(made, Translation)
    assert made.request
    assert made.request.required == {"properties.ID", "value"}


def test_a_dry_run_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    shown: list[str] = []
    made = machine(Asked()).translate(read("ticket.created"))
    [first, *_] = [one.request for one in made if isinstance(one, Translation) and one.request]
    requests = [Request(first.endpoint, {**first.body, "number": number}) for number in range(600)]
    klaviyo = dry_klaviyo_of(Settings(), lambda method, url, body: shown.append(url))
    assert klaviyo.deliver(requests) == [Accepted()] * len(requests)
    assert len(shown) == len(requests)
