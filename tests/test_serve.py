"""`serve` as a process of its own, between an Intercom and a Klaviyo: what is promised of it as a whole."""

import json
import os
import signal
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Runner, load
from engine.intercom.client import Intercom
from engine.relay.points import VARIABLE
from engine.sandbox.intercom.desk import TOKEN
from tests.serving import House, storm, until
from tests.support import ROOT

NINE = {
    "Created Conversation", "Replied to Conversation", "Rated Conversation", "Read Conversation",
    "Created Ticket", "Submitted Ticket", "Replied to Ticket", "Marked Ticket On Hold", "Resolved Ticket",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


# What goes through


def test_what_is_played_arrives_and_all_who_tell_of_it_agree(house: House) -> None:
    from engine.sandbox.plays import PLAYS

    serve = house.start()
    house.play(*PLAYS)
    house.ends()
    assert house.complaints() == []
    stored = house.stored()
    assert {event.metric.name for event in house.account.events.values()} == NINE
    assert house.account.people
    told = json.loads(house.command("status", "--json").stdout)
    assert sum(one["in_all"]["accepted"] for one in told["metrics"] if one["name"] in NINE) == len(stored)
    lines = house.command("events", "--json").stdout.splitlines()
    accepted = [json.loads(line) for line in lines]
    assert {one["unique_id"] for one in accepted if one["outcome"] == "accepted" and one["unique_id"]} == {
        *stored
    }
    assert house.command("sandbox", "check").returncode == 0
    assert serve.end()[0] == 0


# What ends, and how


@pytest.mark.long
def test_what_was_answered_with_200_arrives_once_however_often_it_is_killed(house: House) -> None:
    died = Counter[str]()
    points = ("before_keep:3", "after_keep:9", "after_translate:2", "mid_translate:5", "after_queue:3",
              "after_intent:2", "after_post:3", "mid_settle:2", "after_settle:4")  # fmt: skip
    with storm(house):
        for point in points:
            serve = house.start(**{VARIABLE: point})
            died[point] += (
                until(lambda: serve.process.poll() is not None, point)
                and -serve.process.wait() == signal.SIGKILL
            )
        for seconds in (0.05, 0.3, 0.8):
            serve = house.start()
            time.sleep(seconds)
            serve.kill()
        house.start()
    house.ends()
    assert died == Counter(points)
    assert len(house.taken()) > 50
    assert house.complaints() == []


def test_a_stop_under_load_loses_nothing_and_takes_no_ten_seconds(house: House) -> None:
    with storm(house):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            serve = house.start()
            before = len(house.taken())
            until(lambda: len(house.taken()) > before + 10, "more has come")
            code, seconds = serve.end(number)
            assert (code, serve.err.read_text().count("Traceback")) == (0, 0)
            assert seconds < 10
        house.start()
    house.ends()
    assert house.complaints() == []


def test_a_second_one_says_at_once_that_there_is_a_first(house: House) -> None:
    first = house.start()
    lock = house.folder / "ledger.db.lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    began = time.monotonic()
    second = house.command("serve", "--port", "0")
    assert time.monotonic() - began < 2
    assert (second.returncode, second.stdout) == (2, "")
    assert f"another `serve` uses the ledger ledger.db (process {first.process.pid})" in second.stderr
    house.play("created", "ticket")
    house.ends()
    assert house.command("status").returncode == 0
    assert house.command("replay", "--since", "1h").returncode == 0
    first.kill()
    house.start()
    house.play("reply")
    until(lambda: not house.waits(), "the next goes on at once", seconds=8)


def test_a_script_works_beside_it(house: House) -> None:
    house.start()
    house.play("created")
    house.ends()
    runner = Runner(
        load(ROOT / "mappings"), records=Intercom(TOKEN, url=house.intercom.url), ledger=house.file
    )
    before = len(house.stored())
    assert runner.put(*(json.dumps(one).encode() for one in house.sandbox.play("ticket"))) > 0
    until(lambda: len(house.stored()) > before, "what a script keeps is sent by it")
