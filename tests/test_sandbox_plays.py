"""What can be played: each play tells what it promises, and the product makes events of it."""

from typing import Any

import pytest

from engine import Parked, Runner, Translation, load
from engine.intercom.client import Intercom
from engine.sandbox.inside import Inside
from engine.sandbox.intercom.app import intercom_app
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.versions import VERSIONS
from engine.sandbox.intercom.workspace import NOW, Workspace
from engine.sandbox.plays import PLAYS, play
from tests.support import ROOT, ManualClock

NINE = {
    "created": "Created Conversation", "reply": "Replied to Conversation", "rate": "Rated Conversation",
    "read": "Read Conversation", "ticket": "Created Ticket", "convert": "Submitted Ticket",
    "ticket-reply": "Replied to Ticket", "hold": "Marked Ticket On Hold", "resolve": "Resolved Ticket",
}  # fmt: skip
PROFILES = ("update", "tag", "unsubscribe", "merge", "email")


def made_of(name: str, workspace: Workspace, version: str = "2.16") -> list[Any]:
    """What the shipped mappings make of a play, with look-ups in the same workspace."""
    clock = ManualClock(NOW)
    told = play(Scenarios(workspace, clock, version), name)
    app = Inside(intercom_app(workspace, clock=clock))
    intercom = Intercom(TOKEN, url="http://127.0.0.1:8401", transport=app, clock=clock)
    runner = Runner(load(ROOT / "mappings"), records=intercom, clock=clock)
    return [result for one in told for result in runner.translate(one)]


@pytest.mark.parametrize("version", ["2.9", "2.12", "2.16"])
@pytest.mark.parametrize(("name", "metric"), NINE.items())
@pytest.mark.parametrize("size", [(12, 8), (0, 0)], ids=["among others", "in an empty workspace"])
def test_each_of_the_nine_metrics_has_its_play(
    name: str, metric: str, version: str, size: tuple[int, int]
) -> None:
    workspace = Workspace.of(*size)
    if size == (0, 0):
        Scenarios(workspace, ManualClock(NOW)).arrive("user", email="ada@example.com", name="Ada Fern")
    made = made_of(name, workspace, version)
    assert metric in {one.metric for one in made if isinstance(one, Translation)}
    assert not [one for one in made if isinstance(one, Parked) and one.metric in NINE.values()]


@pytest.mark.parametrize("name", PROFILES)
def test_a_change_of_a_contact_reaches_the_profile(name: str) -> None:
    made = made_of(name, Workspace.of(12, 8))
    [profile] = [one for one in made if isinstance(one, Translation)]
    assert profile.metric == "Intercom contact"
    assert profile.profile["email"]


@pytest.mark.parametrize("name", PLAYS)
def test_a_play_says_what_it_plays_and_tells_something(name: str) -> None:
    workspace = Workspace.of(12, 8)
    before = workspace.revision
    assert PLAYS[name].help.endswith(tuple("abcdefghijklmnopqrstuvwxyz"))
    assert play(Scenarios(workspace, ManualClock(NOW)), name)
    assert workspace.revision > before


def test_a_play_takes_what_is_there_before_it_brings_something_new() -> None:
    workspace = Workspace.of(12, 8)
    known = len(workspace.conversations)
    for name in ("reply", "ticket-reply", "hold", "resolve", "reopen", "convert"):
        play(Scenarios(workspace, ManualClock(NOW)), name)
    assert len(workspace.conversations) == known


@pytest.mark.parametrize("version", VERSIONS)
def test_all_plays_one_after_another_leave_a_workspace_that_can_be_read(version: str) -> None:
    workspace, clock = Workspace.of(12, 8), ManualClock(NOW)
    scenarios = Scenarios(workspace, clock, version)
    for name in PLAYS:
        clock.sleep(60)
        assert play(scenarios, name)
    app = Inside(intercom_app(workspace, clock=clock))
    intercom = Intercom(TOKEN, url="http://127.0.0.1:8401", transport=app, clock=clock)
    pages = [
        *intercom.conversations(NOW.replace(year=2024), clock.now()),
        *intercom.tickets(NOW.replace(year=2024), clock.now()),
    ]
    assert sum(len(page.notifications) for page in pages) >= 20
