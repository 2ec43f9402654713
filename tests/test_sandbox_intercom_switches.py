"""Whatever Intercom is like where nobody outside knows: webhooks and REST tell the same events."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from engine import Runner, Translation
from engine.errors import Rejected
from engine.events import Notification
from engine.intercom import history, webhook
from engine.ports import Response
from engine.sandbox.intercom.sender import Sender
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.versions import VERSIONS, is_before
from engine.sandbox.intercom.workspace import Workspace
from tests.sandbox_intercom import Desktop
from tests.support import NOW, some
from tests.test_sandbox_intercom_scenarios import (
    HAVE_PAST,
    PLANS,
    SCENES,
    Play,
    assert_rest_tells_the_same,
    ids_and_times,
    item_of,
    path_of,
    rated_conversation,
)

pytestmark = pytest.mark.long

OTHERS: dict[str, tuple[Any, ...]] = {
    "rating_lists_its_part": (False,),
    "fin_rating_is_told": (True,),
    "remark_is_told": (True,),
    "state_updated_with_resolved": (False,),
    "both_on_creation": (False,),
    "ticket_reply_is_told_twice": (True,),
    "ticket_in_conversation": ("short",),
    "plain_text_from_2_15": (False,),
    "contact_times": ("epoch",),
    "merged_from": (False,),
    "merged_keeps_references": (False,),
    "retry_keeps_id": (False,),
    "greater_means_or_equal": (True,),
    "unsorted_by": ("updated_at",),
    "state_words": ("label",),
    "most_values": (3,),
    "deepest_object": (10_000,),
    "cursor_seconds": (60.0,),
    "index_delay_seconds": (0.0, 3600.0),
}
"""Each switch at what it may be besides its default."""
CASES = [
    (name, value, version) for name, values in OTHERS.items() for value in values for version in VERSIONS
]
SECRET = "a client secret"


def test_each_switch_is_tried_at_each_value_that_it_has() -> None:
    hints, defaults = get_type_hints(Switches), Switches()
    assert [*OTHERS] == [one.name for one in fields(Switches)]
    for name, values in OTHERS.items():
        words = {True, False} if hints[name] is bool else {*get_args(hints[name])}
        if hints[name] is bool or get_origin(hints[name]) is Literal:
            assert {*values} == words - {getattr(defaults, name)}, name
        assert values, name
        assert getattr(defaults, name) not in values, name


class Stubborn:
    """A receiver that takes nothing at the first try, and keeps what came."""

    def __init__(self) -> None:
        self.came: list[Any] = []

    def send(self, method: str, url: str, headers: Any, body: bytes | None = None) -> Response:
        told = webhook.read(headers, body or b"", [SECRET])
        assert isinstance(told, Notification)
        self.came.append(json.loads(body or b""))
        return Response(200 if self.came[-1]["delivery_attempts"] == 2 else 503)


def received(play: Play, notifications: list[Any]) -> list[Any]:
    """What is taken of notifications by HTTP, signed: each at its second try."""
    receiver = Stubborn()
    sender = Sender(
        play.desktop.workspace, "https://shop.example.com", SECRET, receiver, play.clock,
        switches=play.switches,
    )  # fmt: skip
    sender.offer(notifications)
    sender.run()
    half = len(notifications)
    first, second = receiver.came[:half], receiver.came[half:]
    assert len(second) == half
    for before, again in zip(first, second, strict=True):
        assert (before["id"] == again["id"]) is play.switches.retry_keeps_id
        assert before["data"] == again["data"]
    return second


def told_of(play: Play, came: list[Any], metric: str) -> list[Translation]:
    """The events of a metric, of which no notification makes two."""
    made = [play.events(one, metric) for one in came]
    assert max(map(len, made)) == 1
    return [event for events in made for event in events]


@pytest.mark.parametrize(("name", "value", "version"), some(CASES, 3))
def test_each_metric_is_the_same_live_again_and_in_the_past(name: str, value: Any, version: str) -> None:
    play = Play(version, Switches(**{name: value}))
    once: dict[str, set[Any]] = {}
    told: dict[str, tuple[str, set[Any]]] = {}
    for metric, scene in SCENES.items():
        notifications = scene(play)
        live = told_of(play, received(play, notifications), metric)
        assert len(ids_and_times(live)) == 1, metric
        assert {event.issues for event in live} == {()}
        if metric != "Read Conversation":  # REST does not say when somebody read
            assert_rest_tells_the_same(play, metric, live, path_of(notifications[0]))
            told[metric] = (path_of(notifications[0]), ids_and_times(live))
        if metric not in ("Read Conversation", "Replied to Conversation"):  # lists come without parts
            once[metric] = ids_and_times(live)
    if version == VERSIONS[-1]:  # in which our client asks, whatever the app is set to
        past = [event for one in listed(play, "conversations", "tickets") for event in play.events(one)]
        for metric, wanted in once.items():
            assert wanted <= ids_and_times([event for event in past if event.metric == metric])
    for path, _ in told.values():
        go_on(play, path.rpartition("/")[2])
    for metric, (path, wanted) in told.items():
        assert wanted <= ids_and_times(play.events(play.past(path), metric)), "whatever has moved since"


def go_on(play: Play, key: str) -> None:
    """A conversation or a ticket is taken up again, answered and closed."""
    play.later(3600)
    play.scenarios.assign(key, admin_id="9608806")
    play.scenarios.reply(key, "One more thing")
    play.scenarios.answer(key)
    play.scenarios.close(key, survey=False)


def listed(play: Play, *kinds: str) -> list[Any]:
    """What the walk through the past finds since the workspace was made."""
    end = play.clock.now() + timedelta(seconds=1)
    pages = [page for kind in kinds for page in getattr(play.desktop.intercom, kind)(NOW, end)]
    return [told for page in pages for told in page.notifications]


@pytest.mark.parametrize(("name", "value", "version"), some(CASES, 3))
def test_a_contact_is_the_same_profile_live_again_and_in_the_past(
    name: str, value: Any, version: str
) -> None:
    play = Play(version, Switches(**{name: value}))
    who, scenarios = play.customer, play.scenarios
    lead = item_of(scenarios.arrive("lead", phone="+46701234567")[0])["id"]
    for act in (
        lambda: scenarios.update(who, name="Ada Bianchi", owner_id="9608802"),
        lambda: scenarios.tag(who, "12934051"),
        lambda: scenarios.unsubscribe(who),
        lambda: scenarios.merge(lead, who),
    ):
        notifications = act()
        live = [event for told in received(play, notifications) for event in play.events(told)]
        for asked in {version, "2.16"}:
            [past] = play.events(play.past(f"/contacts/{who}", asked))
            assert len(live) == len(notifications)
            for event in live:
                assert (event.profile, event.properties) == (past.profile, past.properties)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value, at in CASES if at == "2.16"])
def test_a_contact_is_looked_up_at_once_and_listed_when_the_index_has_it(name: str, value: Any) -> None:
    play = Play(switches=Switches(**{name: value}))
    key = item_of(play.scenarios.arrive("user", email="new@example.com")[0])["id"]
    assert (play.desktop.intercom.fetch("contact", [key])[key] or {})["email"] == "new@example.com"
    for seconds in (1, 200, 3600):
        play.later(seconds)
        found = {item_of(told)["id"] for told in listed(play, "contacts")}
        age = play.clock.now() - datetime.fromtimestamp(play.desktop.workspace.contacts[key].created_at, UTC)
        assert (key in found) is (age.total_seconds() >= play.switches.index_delay_seconds)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("keeps", [True, False])
def test_what_a_merged_contact_did_keeps_its_ids_and_times_and_is_the_remaining_one_s(
    keeps: bool, version: str
) -> None:
    play = Play(version, Switches(merged_keeps_references=keeps))
    lead = item_of(play.scenarios.arrive("lead", email="lead@example.com")[0])["id"]
    remains, play.customer = play.customer, lead
    stories = {
        metric: SCENES[metric](play)
        for metric in HAVE_PAST
        if metric != "Rated Conversation" or not is_before(version, "2.14")
    }
    live = {metric: told_of(play, told, metric) for metric, told in stories.items()}
    play.scenarios.merge(lead, remains)
    anew = Desktop(play.desktop.workspace, {"switches": play.switches})  # which has looked nobody up yet
    play.runner = Runner(PLANS, records=anew.intercom, clock=play.clock)
    email = play.desktop.workspace.contacts[remains].email
    for metric, events in live.items():
        past = play.events(play.past(path_of(stories[metric][0]), version), metric)
        assert ids_and_times(past) == ids_and_times(events)
        assert {event.profile["email"] for event in events} == {"lead@example.com"}
        assert {event.profile["email"] for event in past} == {email}


@pytest.mark.parametrize("version", [one for one in VERSIONS if not is_before(one, "2.14")])
def test_a_remark_that_is_told_is_the_same_rating_at_the_time_that_rest_says(version: str) -> None:
    play = Play(version, Switches(remark_is_told=True))
    [first] = rated_conversation(play)
    play.later(600)
    again = play.scenarios.remark(item_of(first)["id"], "More words")
    [live] = play.events(first, "Rated Conversation")
    told = told_of(play, received(play, again), "Rated Conversation")
    assert {event.unique_id for event in told} == {live.unique_id}
    assert {event.properties["Rating Remark"] for event in told} == {"More words"}
    assert_rest_tells_the_same(play, "Rated Conversation", told, path_of(first))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rating_of_fin_that_is_told_is_none_of_a_teammate(version: str) -> None:
    play = Play(version, Switches(fin_rating_is_told=True))
    [told] = play.scenarios.rate_fin(play.conversation(), 2)
    assert play.events(told) == []
    [rated] = rated_conversation(play)
    [told] = play.scenarios.rate_fin(item_of(rated)["id"], 2)
    assert ids_and_times(play.events(told)) == ids_and_times(play.events(rated))


def walked(desktop: Desktop, **how: int) -> Iterator[history.Page]:
    """The conversations of two years."""
    start = NOW - timedelta(days=800)
    return history.conversations(desktop.intercom._rest, "app", start, NOW, **how)


def ids_of(pages: Iterable[history.Page]) -> set[str]:
    return {item_of(told)["id"] for page in pages for told in page.notifications}


def test_a_list_that_ends_too_early_is_refused_aloud_and_whole_in_narrower_windows() -> None:
    desktop = Desktop(Workspace.of(40, 0, now=NOW), {"switches": Switches(deepest_object=3)})
    with pytest.raises(Rejected, match="400, parameter_invalid"):
        ids_of(walked(desktop, window_days=30, per_page=2))
    assert ids_of(walked(desktop, window_days=1, per_page=2)) == {*desktop.workspace.conversations}


def test_a_cursor_that_has_run_out_is_refused_aloud_and_the_window_can_be_read_again() -> None:
    desktop = Desktop(Workspace.of(60, 0, now=NOW), {"switches": Switches(cursor_seconds=60)})
    pages = walked(desktop, per_page=1)
    onward = next(page for page in pages if page.cursor)
    desktop.clock.sleep(61)
    with pytest.raises(Rejected, match="400, parameter_invalid"):
        next(pages)
    again = history.conversations(desktop.intercom._rest, "app", onward.window_start, NOW, per_page=1)
    assert ids_of(again) == {*desktop.workspace.conversations}
