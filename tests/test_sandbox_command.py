"""`sandbox` as a process of its own: what it prints, what is played, sent and found in its books."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.faults import KINDS, TROUBLE
from engine.sandbox.plays import day
from engine.transport import HttpTransport
from examples.stand_in import StandIn
from tests.support import ROOT, Ran, run

NINE = {
    "Created Conversation", "Replied to Conversation", "Rated Conversation", "Read Conversation",
    "Created Ticket", "Submitted Ticket", "Replied to Ticket", "Marked Ticket On Hold", "Resolved Ticket",
}  # fmt: skip


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """A running sandbox, and what it says to set."""
    env = folder / "env"
    command = [sys.executable, str(ROOT / "cli.py"), "sandbox", "--ports", "0,0", "--env", str(env), *options]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    end = time.monotonic() + 60
    while not (env.exists() and env.read_text().count("\n") == 6):
        assert process.poll() is None, (folder / "out").read_text()
        assert time.monotonic() < end, "it does not start"
        time.sleep(0.05)
    return process, dict(re.findall(r"export (\w+)=(\S+)", env.read_text()))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    process, given = started(tmp_path_factory.mktemp("sandbox"))
    yield given
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


@pytest.fixture
def on(sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch, here: Path) -> Any:
    """Runs a command that talks to the sandbox, in an empty folder."""
    for name, text in sandbox.items():
        monkeypatch.setenv(name, text)

    def ran(*arguments: object) -> Ran:
        return run(*arguments)

    return ran


def test_what_is_played_is_captured_sent_and_found_without_a_fault(on: Any) -> None:
    played = on("sandbox", "play", "all", "--into", "captured.ndjson")
    assert played.code == 0
    assert len(Path("captured.ndjson").read_text().splitlines()) == len(played.out.splitlines())
    sent = on("send", "captured.ndjson", "--mappings", ROOT / "mappings", "--json")
    assert sent.code in (0, 1), "a lead without an address is parked"
    rows = sent.rows
    assert {row["outcome"] for row in rows} <= {"accepted", "skipped", "parked"}
    ids = {row["unique_id"] for row in rows if row["outcome"] == "accepted" and row["unique_id"]}
    state = json.loads(on("sandbox", "state", "--json").out)
    assert {*state["klaviyo"]["metrics"]} == NINE
    assert state["klaviyo"]["events"] == len(ids)
    assert state["intercom"]["conversations"] == 60
    check = on("sandbox", "check")
    assert (check.code, check.err) == (0, "")
    assert "none recorded twice" in check.out


def test_the_events_are_listed_by_their_time_and_as_json_with_all_they_have(on: Any) -> None:
    on("sandbox", "play", "created", "ticket", "--into", "more.ndjson")
    on("send", "more.ndjson", "--mappings", ROOT / "mappings")
    told = [json.loads(line) for line in on("sandbox", "state", "--events", "--json").out.splitlines()]
    assert len(told) == json.loads(on("sandbox", "state", "--json").out)["klaviyo"]["events"] >= 3
    assert [one["time"] for one in told] == sorted(one["time"] for one in told)
    assert {"Created Conversation", "Created Ticket"} <= {one["metric"] for one in told}
    assert {one["properties"]["Intercom Event ID"] == one["unique_id"] for one in told} == {True}
    lines = on("sandbox", "state", "--events").out.splitlines()
    assert [re.split(r"  +", line) for line in lines] == [
        [one["time"][:19].replace("T", " "), one["metric"], one["profile"], one["unique_id"]] for one in told
    ]
    assert all("@example." in one["profile"] for one in told)


def test_doctor_finds_all_that_is_needed_and_its_probes_are_told_apart(
    on: Any, sandbox: dict[str, str]
) -> None:
    ran = on("doctor", "--mappings", ROOT / "mappings")
    assert ran.code == 0
    assert "the workspace is Acme Lamps" in ran.out
    wire = HttpTransport(total_seconds=5)
    page = wire.send("GET", sandbox["KLAVIYO_URL"] + "/", {}).body.decode().partition("Refused")[2]
    wire.close()
    assert page.count("a probe for scopes") == page.count("<summary>") == 4


def test_the_plays_are_listed_and_a_misspelt_one_is_told(on: Any) -> None:
    assert "resolve       a ticket is resolved" in on("sandbox", "play").out
    wrong = on("sandbox", "play", "resolv")
    assert wrong.code == 2
    assert 'there is no play "resolv"; did you mean "resolve"?' in wrong.err


def test_orders_from_elsewhere_are_refused(sandbox: dict[str, str]) -> None:
    wire = HttpTransport(total_seconds=5)
    for url in (sandbox["INTERCOM_URL"] + "/control/state", sandbox["KLAVIYO_URL"] + "/control/check"):
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            assert wire.send("GET", url, headers).status == 403
    wire.close()


def test_without_a_sandbox_it_says_what_to_set(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERCOM_URL", raising=False)
    ran = run("sandbox", "play", "created")
    assert ran.code == 2
    assert "INTERCOM_URL is not set" in ran.err
    monkeypatch.setenv("INTERCOM_URL", "http://127.0.0.1:9")
    assert "does not answer at http://127.0.0.1:9" in run("sandbox", "play", "created").err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--version", "1.4"], "--version takes one of"),
        (["--ports", "x"], "--ports takes two numbers"),
        (["--ports", "8501,8501"], "two numbers that differ"),
        (["--env", "absent/env"], "there is no folder absent"),
        (
            ["--fault", "eror-after=0.1"],
            'there is no fault "eror-after"; did you mean "error-after"?; faults',
        ),
        (["--fault", "slow=often"], "slow takes a chance from 0 to 1"),
        (["--fault", "webhooks-lost=2"], "webhooks-lost takes a chance"),
        (["--webhooks", "https://example.com/hook"], "an address on this machine"),
    ],
)
def test_what_cannot_be_started_is_told(options: list[str], told: str) -> None:
    ran = run("sandbox", *options)
    assert ran.code == 2
    assert told in ran.err


@pytest.mark.parametrize(("ports", "service"), [("{},0", "Intercom"), ("0,{}", "Klaviyo")])
def test_a_port_that_is_taken_is_told(ports: str, service: str) -> None:
    with StandIn() as other:
        port = other.url.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), "sandbox", "--ports", ports.format(port)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"{service}'s port, {port}, is taken: --ports 0,0 takes free ones" in done.stderr


def test_the_help_names_each_fault() -> None:
    told = " ".join(run("sandbox", "--help").out.split())
    assert [kind for kind in (*KINDS, *TROUBLE) if kind not in told] == []


def test_webhooks_are_signed_and_tell_what_rest_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.intercom import webhook

    came: list[Any] = []
    with StandIn(lambda method, path, body: (200, {}, {})) as receiver:
        process, given = started(tmp_path, "--webhooks", receiver.url + "/hook", "--version", "2.14")
        try:
            env = {**os.environ, **given}
            command = [sys.executable, str(ROOT / "cli.py"), "sandbox", "play", "created", "rate"]
            subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60)
            end = time.monotonic() + 20
            while len(came) < 4 and time.monotonic() < end:
                came = [body for method, _, body in receiver.calls if method == "POST"]
                time.sleep(0.05)
            for name, text in given.items():
                monkeypatch.setenv(name, text)
            state = json.loads(run("sandbox", "state", "--json").out)["intercom"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
    assert [one["topic"] for one in came] == [
        "ping", "conversation.user.created", "conversation.admin.closed", "conversation.rating.added",
    ]  # fmt: skip
    assert webhook.read_body(came[1])
    assert state["webhooks"] == {"delivered": 3, "pings": 1}


def test_a_storm_under_faults_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    faults = [f"--fault={kind}=0.05" for kind in ("throttled-zero", "error-before", "error-after", "dropped")]
    process, given = started(tmp_path, *faults, "--fault", "intercom-errors=0.05", "--seed", "4")
    try:
        for name, text in given.items():
            monkeypatch.setenv(name, text)
        storm = run("sandbox", "storm", "--rate", "1000", "--minutes", "0.04", "--into", "day.ndjson")
        assert storm.code == 0
        assert sum(int(row.split()[1]) for row in storm.out.splitlines()) == 40
        sent = run("send", "day.ndjson", "--mappings", ROOT / "mappings", "--json")
        outcomes = {row["outcome"] for row in sent.rows}
        assert outcomes <= {"accepted", "skipped", "parked"}
        ids = {row["unique_id"] for row in sent.rows if row["outcome"] == "accepted" and row["unique_id"]}
        state = json.loads(run("sandbox", "state", "--json").out)
        assert state["klaviyo"]["events"] == len(ids)
        assert sum(state["klaviyo"]["faults"].values()) > 0
        assert run("sandbox", "check").code == 0
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def test_the_same_seed_is_the_same_day() -> None:
    days = [list(islice(day(seed), 50)) for seed in (1, 1, 2)]
    assert days[0] == days[1] != days[2]
