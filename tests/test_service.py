"""`Service`, with faults that only somebody inside can plant; what it says to whom, and what never."""

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.relay import alerts, courtesy, working
from engine.tools import serving
from examples.stand_in import StandIn
from tests.serving import SECRETS, House, Inside, until
from tests.support import ROOT, write


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers])  # the logs of `serve` take its place
    monkeypatch.setattr(working, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(alerts, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(alerts, "QUIET_SECONDS", 0.2)
    made = House(tmp_path)
    yield made
    made.close()
    root.setLevel(logging.DEBUG)


# Alerts


def test_an_alert_is_posted_once_when_it_begins_and_once_when_it_is_over(house: House) -> None:
    with StandIn() as phone, Inside(house, ALERT_URL=phone.url + "/canary-of-the-address") as inside:
        house.account.keys = {}
        house.play("created")
        until(lambda: phone.calls, "it is told")
        house.account.keys = {SECRETS["key"]: None}
        inside.service.read_again()
        house.ends()
        until(lambda: len(phone.calls) > 1, "its end is told")
        house.play("reply")
        house.ends()
    told = [(body["state"], body["code"]) for _, _, body in phone.calls]
    assert told == [("started", "klaviyo-paused"), ("ended", "klaviyo-paused")]


# Mappings that change


def test_a_changed_mapping_makes_the_next_event_and_a_broken_one_changes_nothing(house: House) -> None:
    folder = house.folder / "own"
    shutil.copytree(ROOT / "mappings", folder)
    [file] = [one for one in folder.glob("*.yaml") if "metric: Created Conversation" in one.read_text()]
    text = file.read_text()
    with Inside(house, mappings=str(folder)) as inside:
        write(file, text.replace("Created Conversation", "Began a Conversation"))
        inside.says("mappings taken")
        house.play("created")
        house.ends()
        write(file, text.replace("Created Conversation", "Third Name") + "\nnonsense: [1\n")
        broken = inside.says("mappings not taken")
        assert any(line.startswith(f"{file}:") or file.name in line for line in broken["issues"])
        until(lambda: "broken-mappings" in concerns(house), "it is a concern")
        house.play("created")
        house.ends()
        write(file, text.replace("Created Conversation", "Fourth Name"))
        until(lambda: sum(one["event"] == "mappings taken" for one in inside.log) == 2, "it is mended")
        until(lambda: "broken-mappings" not in concerns(house), "it is over")
        house.play("created")
        house.ends()
    assert house.stored()
    names = [event.metric.name for event in house.account.events.values()]
    assert names.count("Began a Conversation") == 2
    assert (names.count("Third Name"), names.count("Fourth Name")) == (0, 1)


def concerns(house: House) -> set[str]:
    """What people know of."""
    with house.ledger.read() as tx:
        return {*alerts.told(tx).concerns}


# Workers


def failing(kind: type[BaseException]) -> Any:
    def fails(*_: Any, **__: Any) -> Any:
        raise kind(f"a library tells of {SECRETS['key']} and of Mara Lindqvist")

    return fails


def test_what_nobody_foresaw_is_told_by_its_kind_and_ends_no_worker(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inside(house) as inside:
        with monkeypatch.context() as patch:
            patch.setattr(inside.service._relay.translator, "step", failing(KeyError))
            patch.setattr(inside.service._upkeep, "_look_again", failing(ZeroDivisionError))
            house.play("created")
            line = inside.says("trouble", at="translate", kind="KeyError")
        assert line["reason"] == ""
        house.ends()
        assert inside.get("/readyz").status == 200
    assert inside.is_whole
    assert leaks(house, inside.told.getvalue()) == []


@pytest.mark.parametrize("worker", ["translate", "deliver", "deliver profiles"])
def test_a_worker_that_has_died_makes_it_unready(
    worker: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Inside(house) as inside:
        assert inside.get("/readyz").status == 200
        part = "translator" if worker == "translate" else "drain"
        monkeypatch.setattr(getattr(inside.service._relay, part), "step", failing(SystemExit))
        found = until(lambda: (one := inside.get("/readyz")).status == 503 and one, "it is not ready")
        assert json.loads(found.body)["checks"]["workers"] == "they have not started, or have ended"
        assert inside.says("trouble", at=worker, kind="SystemExit")["reason"] == ""


def test_mappings_are_watched_on_after_what_nobody_foresaw(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "FAILED_SECONDS", 0.05)
    monkeypatch.setattr("engine.relay.reload.load", failing(RecursionError))
    with Inside(house) as inside:
        inside.says("trouble", at="mappings", kind="RecursionError")
        assert inside.service._reload.check_now() is False


def test_a_log_that_cannot_be_written_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inside(house) as inside:
        monkeypatch.setattr(inside.told, "write", failing(BrokenPipeError))
        house.account.faults.order({"next": [{"kind": "error-before", "times": 2}]})
        house.play("created", "ticket")
        house.ends()
        assert inside.get("/readyz").status == 200
    assert house.complaints() == []


def test_a_ledger_that_cannot_be_written_makes_it_unready_and_what_comes_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import Unavailable

    def full(*_: Any) -> Any:
        raise Unavailable("there is no room left on the disk of the ledger")

    with Inside(house) as inside:
        with monkeypatch.context() as patch:
            patch.setattr(inside.service._intake, "_keep", full)
            house.sandbox.play("created")
            house.sandbox.send_due()
            found = inside.get("/readyz")
            assert found.status == 503
            assert "no room left" in json.loads(found.body)["checks"]["ledger"]
        until(lambda: house.sandbox.send_due() or not house.sender.waiting, "it is sent once more")
        house.ends()
        assert inside.get("/readyz").status == 200
    assert house.taken()
    assert house.complaints() == []


# What nobody is told


def leaks(house: House, *texts: str) -> list[str]:
    """What is in an output and must not be."""
    return [one for one in house.personal() for text in texts if one in text]


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_output_holds_a_customer_or_a_secret_whatever_fails(form: Any, house: House) -> None:
    def refuses(path: str, body: bytes) -> tuple[int, bytes] | None:
        detail = f"Invalid value: {body.decode()}"
        error = {"id": "1", "status": 400, "code": "invalid", "title": "Invalid", "detail": detail,
                 "source": {"pointer": "/data/attributes/profile/data/attributes/email"}}  # fmt: skip
        return 400, json.dumps({"errors": [error]}).encode()

    with Inside(house, form=form) as inside:
        house.klaviyo.answers = refuses
        house.play("created", "ticket")
        house.ends()
        house.klaviyo.answers = lambda path, body: (500, body)
        house.play("reply", "rate")
        for headers, body in (
            ({"X-Hub-Signature": "sha1=" + "0" * 40}, b'{"email": "mara.lindqvist@example.com"}'),
            ({"X-Hub-Signature": f"sha1={SECRETS['secret']}"}, b"\xff{{{ Lindqvist"),
            ({}, b""),
        ):
            status = house.wire.send(
                "POST", house.sender.url, {**headers, "Content-Type": "application/json"}, body
            )
            assert status.status == 401
        logging.getLogger("somebody").warning("it met %s with %s", "lena@shop.example", SECRETS["token"])
        until(lambda: "503" in inside.told.getvalue() or "500" in inside.told.getvalue(), "it failed")
        shown = [inside.get(path).body.decode() for path in ("/metrics", "/readyz", "/healthz", "/else")]
        for words in (["status"], ["status", "--json"], ["events", "--json"], ["dead", "--json"], ["dead"]):
            done = house.command(*words)
            assert "Traceback" not in done.stderr
            shown += [done.stdout, done.stderr]
    log = inside.told.getvalue()
    assert "somebody" in log
    assert leaks(house, log, *shown) == []
    assert "lena@shop.example" not in log
    assert "Klaviyo" in shown[-2], shown[-2]
    if form == "json":
        assert all({"event", "level", "timestamp"} <= {*line} for line in inside.log)


def test_who_works_gives_way_to_the_webhooks_of_this_very_service(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courtesy, "LONGEST", 10.0)
    went_on = threading.Event()
    with Inside(house) as inside:
        relay = inside.service._relay
        assert relay.drain
        for give_way in (relay.translator._give_way, relay.drain._give_way):
            with inside.service._intake._courtesy:
                thread = threading.Thread(target=lambda give_way=give_way: (give_way(), went_on.set()))
                thread.start()
                assert not went_on.wait(0.005)
            assert went_on.wait(5)
            thread.join()
            went_on.clear()
