"""`serve` as a process of its own, between an Intercom and a Klaviyo: what is promised of it as a whole."""

import hashlib
import hmac
import json
import resource
import signal
import sqlite3
import stat
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import Runner, load
from engine.intercom.client import Intercom
from engine.ledger import sqlite
from engine.ledger.store import Ledger
from engine.relay.points import VARIABLE
from engine.sandbox.intercom.desk import TOKEN
from tests.serving import ALL, PATIENCE_SECONDS, SECRET, SECRETS, House, began, stops, storm, until
from tests.support import ROOT, run, write

pytestmark = pytest.mark.long

NINE = {
    "Created Conversation", "Replied to Conversation", "Rated Conversation", "Read Conversation",
    "Created Ticket", "Submitted Ticket", "Replied to Ticket", "Marked Ticket On Hold", "Resolved Ticket",
}  # fmt: skip

SECRETS_FILES = ("INTERCOM_TOKEN_FILE", "INTERCOM_CLIENT_SECRET_FILE", "KLAVIYO_API_KEY_FILE")


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


def test_what_was_answered_with_200_arrives_once_however_often_it_is_killed(house: House) -> None:
    died = Counter[str]()
    points = ("before_keep:3", "after_keep:9", "after_translate:2", "mid_translate:5", "after_queue:3",
              "after_intent:2", "after_post:3", "mid_settle:2", "after_settle:4")  # fmt: skip
    began(house).kill()
    with storm(house):
        for point in points:
            serve = house.start(**{VARIABLE: point})
            died[point] += -serve.process.wait(PATIENCE_SECONDS) == signal.SIGKILL
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
    longest, wrong = stops(house, 3)
    assert wrong == []
    assert longest < 10


def test_a_second_one_says_at_once_that_there_is_a_first(house: House) -> None:
    first = house.start()
    lock = house.folder / "ledger.db.lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    second = house.command("serve", "--port", "0")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 2, "it does not wait"
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


def test_a_stop_waits_for_no_answer_that_does_not_come(house: House) -> None:
    serve = began(house)
    house.account.faults.order({"next": [{"kind": "slow", "times": 9, "seconds": 60}]})
    house.play("created", "ticket", "email")
    until(lambda: house.account.faults.counts["slow"], "Klaviyo is silent")
    code, seconds = serve.end()
    assert code == 0
    assert seconds < 10
    house.account.faults.order({"next": []})
    house.start()
    house.ends()
    assert house.complaints() == []


# What cannot start


def cannot_start(house: House, *options: str, without: str = "", **extra: str) -> str:
    """What it says when it cannot start: to a person, without a traceback, in time."""
    house.environment = {name: text for name, text in (house.environment | extra).items() if name != without}
    done = house.command("serve", "--port", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert [secret for secret in SECRETS.values() if secret in done.stderr] == []
    return done.stderr


def test_what_is_missing_is_told_all_at_once(house: House) -> None:
    for name in SECRETS_FILES:
        del house.environment[name]
    told = cannot_start(house)
    assert told.count("missing-setting") == 3
    assert all(name.removesuffix("_FILE") in told for name in SECRETS_FILES)


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ([], {"INTERCOM_CLIENT_SECRET": "short"}, "INTERCOM_CLIENT_SECRET has fewer than 16 characters"),
        ([], {"FAULT_POINT": "nowhere"}, "FAULT_POINT takes NAME or NAME:NUMBER"),
        (["--mappings", "absent"], {}, "absent"),
        (["--mappings", "faulty"], {}, "faulty/a.yaml:2:"),
        (["--host", "203.0.113.1"], {}, "it cannot listen at 203.0.113.1:0"),
        (["--host", "no such host"], {}, "it cannot listen at no such host:0"),
        (["--port", "{taken}"], {}, "it cannot listen at 127.0.0.1:{taken}: Address already in use"),
        (["--ledger", "open.db"], {}, "can be read by others: it holds customers' data; chmod 600 open.db"),
        (["--ledger", "newer.db"], {}, "newer"),
        (["--ledger", "text.db"], {}, "text.db"),
        (["--ledger", "a-folder"], {}, "a-folder"),
        (["--ledger", "env/ledger.db"], {}, "env/ledger.db cannot be opened"),
        (["--port", "70000"], {}, "70000"),
    ],
)
def test_what_cannot_start_says_why(
    options: list[str], environment: dict[str, str], expected: str, house: House
) -> None:
    write(house.folder / "faulty" / "a.yaml", "metric: A\ntopics: x\n")
    write(house.folder / "env", "")
    write(house.folder / "text.db", "this is no database " * 100).chmod(0o600)
    write(house.folder / "open.db", "").chmod(0o644)
    (house.folder / "a-folder").mkdir()
    Ledger(house.folder / "newer.db").close()
    with closing(sqlite3.connect(house.folder / "newer.db")) as newer, newer:
        newer.execute("update meta set value = '99' where name = 'schema_version'")
    if "INTERCOM_CLIENT_SECRET" in environment:
        del house.environment["INTERCOM_CLIENT_SECRET_FILE"]
    taken = str(house.klaviyo.port)
    told = cannot_start(house, *(one.format(taken=taken) for one in options), **environment)
    assert expected.format(taken=taken) in told


def test_a_network_file_system_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in house.environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(house.folder)
    monkeypatch.setattr(sqlite, "file_system_of", lambda path: "nfs4")
    done = run("serve", "--port", "0")
    assert (done.code, done.out) == (2, "")
    assert "lies on a network file system (nfs4), where its locks do not hold; put it on a disk" in done.err


def test_without_its_extra_it_says_what_to_install(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("engine.tools.serving", "engine.tools.logs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "structlog", None)
    done = run("serve")
    assert (done.code, done.err) == (
        2,
        "error: structlog is missing: pip install 'intercom-klaviyo[relay]'\n",
    )


# What a person has to see to


def test_new_secrets_are_taken_up_while_it_runs(house: House) -> None:
    write(house.folder / "previous", "")
    house.environment["INTERCOM_CLIENT_SECRET_PREVIOUS_FILE"] = str(house.folder / "previous")
    serve = house.start()
    new = {
        "key": "pk_canary_of_tomorrow_0123",
        "token": "canary-token-of-tomorrow",
        "secret": "canary-secret-of-tomorrow",
    }
    house.account.keys = {new["key"]: ALL}
    house.play("created")
    until(lambda: house.command("status").returncode == 1, "a person is needed")
    assert "KLAVIYO_API_KEY" in house.command("status").stdout
    house.write("key", new["key"])
    serve.hup()
    house.ends()
    assert house.command("status").returncode == 0

    house.intercom.words = {new["token"]}
    house.play("email", "update")
    until(lambda: "INTERCOM_TOKEN" in house.command("status").stdout, "a person is needed")
    house.write("token", "two words")
    serve.hup()
    assert "INTERCOM_TOKEN" in serve.says("secrets not taken")["issues"][0]
    house.write("token", new["token"])
    serve.hup()
    house.ends()

    house.write("secret", new["secret"])
    house.write("previous", SECRET)
    serve.hup()
    serve.says("settings read again", changed=["intercom_secrets"])
    for secret in (SECRET, new["secret"]):
        house.sender.secret = secret
        house.play("reply")
    write(house.folder / "previous", "")
    serve.hup()
    until(lambda: [one["event"] for one in serve.log].count("settings read again") == 4, "it is taken")
    house.sender.secret = SECRET
    before = house.taken()
    house.play("reply")
    assert house.taken() == before, "the old one is taken no more"
    house.sender.secret = new["secret"]
    until(lambda: house.sandbox.send_due() or not house.sender.waiting, "it is sent once more")
    house.ends()
    assert house.complaints() == []
    shown = serve.err.read_text() + serve.out.read_text()
    assert [one for one in {*new.values(), *house.personal()} if one in shown] == []


def test_what_klaviyo_cannot_be_told_waits_until_it_is_back(house: House) -> None:
    serve = house.start()
    house.klaviyo.down()
    house.play("created", "ticket", "reply")
    serve.says("sent", accepted=0)
    house.klaviyo.up()
    house.ends()
    assert house.complaints() == []
    assert house.command("status").returncode == 0
    assert serve.get("/readyz").status == 200


def test_a_token_of_another_workspace_is_told_with_what_to_set(house: House) -> None:
    serve = house.start()
    house.ends()
    for one in house.sandbox.play("created"):
        post(house, {**one, "app_id": "zz99zz99"})
    house.ends()
    told = house.command("status")
    assert told.returncode == 1
    assert "INTERCOM_TOKEN_ZZ99ZZ99" in told.stdout
    assert house.stored() == []
    assert serve.end()[0] == 0


def post(house: House, notification: Any) -> None:
    """Send a notification as Intercom would."""
    body = json.dumps(notification).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    headers = {"X-Hub-Signature": f"sha1={signature}", "Content-Type": "application/json"}
    assert house.wire.send("POST", house.sender.url, headers, body).status == 200
