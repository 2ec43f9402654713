"""What a person should look at, and that it is told once when it begins and once when it is over."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engine.errors import NotSent, Unavailable
from engine.ledger.accounts import Standing
from engine.ledger.room import RESERVE_BYTES, Room
from engine.ledger.store import Ledger
from engine.ports import Response
from engine.relay import alerts
from engine.relay.alerts import Alarm, Message, body_of, told
from engine.relay.concerns import FEW_BYTES, Concern, concerns_of, unknown_to
from engine.relay.facts import Facts, Seen
from engine.transport import HttpTransport
from tests.support import ROOT, Call, ManualClock, Wire

NOW = ManualClock().now().timestamp()
WELL = Facts(NOW, heard_at=NOW)
HOUR = 3_600.0


def codes(**changes: Any) -> list[str]:
    return [one.code for one in concerns_of(replace(WELL, **changes))]


# What there is to be concerned about


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"klaviyo": Standing(paused="Klaviyo does not accept the key (401)")}, ["klaviyo-paused"]),
        ({"klaviyo": Standing(failures=9, not_before=NOW + 60)}, []),
        ({"intercom": Standing(paused="the token lacks Read tickets (403)")}, ["intercom-paused"]),
        ({"seen": Seen(bad_signatures=2)}, []),
        ({"seen": Seen(bad_signatures=3)}, ["bad-signatures"]),
        ({"heard_at": NOW - 24 * HOUR}, []),
        ({"heard_at": NOW - 24 * HOUR - 1}, ["nothing-comes"]),
        ({"heard_at": NOW - 30 * HOUR, "usual_silence": 20 * HOUR}, ["nothing-comes"]),
        ({"heard_at": NOW - 6 * HOUR, "usual_silence": 2 * HOUR}, []),
        ({"heard_at": NOW - 6 * HOUR - 1, "usual_silence": 2 * HOUR}, ["nothing-comes"]),
        ({"heard_at": NOW - HOUR, "usual_silence": 60.0}, []),
        ({"heard_at": NOW - HOUR - 1, "usual_silence": 60.0}, ["nothing-comes"]),
        ({"heard_at": None}, []),
        ({"accepted": 0, "refused": 9}, []),
        ({"accepted": 990, "refused": 10}, ["dead-letters"]),
        ({"accepted": 991, "refused": 10}, []),
        ({"damaged": 1}, ["damaged"]),
        ({"room": Room(69, 100)}, []),
        ({"room": Room(70, 100)}, ["disk-filling"]),
        ({"room": Room(100, 100)}, ["disk-full"]),
        ({"room": Room(1, 100, RESERVE_BYTES - 1)}, ["disk-full"]),
        ({"room": Room(1, 100, RESERVE_BYTES)}, ["disk-filling"]),
        ({"room": Room(1, 100, FEW_BYTES - 1)}, ["disk-filling"]),
        ({"room": Room(1, 100, FEW_BYTES)}, []),
        ({"seen": Seen(broken_mappings="2 faults, the first at a.yaml:1:1 (bad-path)")}, ["broken-mappings"]),
        ({"seen": Seen(clock_jumped=-61.0)}, ["clock-jumped"]),
        ({"to_translate_since": NOW - 600}, []),
        ({"to_translate_since": NOW - 601}, ["not-translated"]),
        ({"to_translate_since": NOW - 601, "intercom": Standing(paused="no")}, ["intercom-paused"]),
        ({"to_send_since": NOW - 600}, []),
        ({"to_send_since": NOW - 601}, ["not-sent"]),
        ({"to_send_since": NOW - 601, "accepted": 1}, []),
        ({"to_send_since": NOW - 601, "klaviyo": Standing(paused="no")}, ["klaviyo-paused"]),
    ],
)
def test_what_a_person_should_look_at(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_each_concern_says_what_is_and_what_to_do_on_its_page() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    seen = Seen(
        bad_signatures=5, broken_mappings="1 fault, the first at a.yaml:1:1 (bad-path)", clock_jumped=90.0
    )
    bad = Facts(
        NOW, Standing(paused="401"), "", Standing(paused="403"), NOW - 90_000, damaged=1, refused=10,
        seen=seen, room=Room(7, 10),
    )  # fmt: skip
    late = Facts(NOW, to_translate_since=0.0, to_send_since=0.0, room=Room(10, 10), tried=3, trouble="(503)")
    found = [*concerns_of(bad), *concerns_of(late)]
    assert len({one.code for one in found}) == 12
    for one in found:
        assert one.next
        assert one.text
        assert f"| `{one.code}` |" in page
    assert "nothing has come from Intercom for 25 hours" in [one.text for one in found]
    assert "(503)" in found[-1].text


def test_what_has_just_started_or_cannot_ask_its_ledger_does_not_know_everything() -> None:
    assert unknown_to(replace(WELL, seen=Seen(bad_signatures=0))) == set()
    assert unknown_to(WELL) == {"bad-signatures"}
    assert unknown_to(replace(WELL, seen=Seen(599, 0))) == {"nothing-comes", "not-translated", "not-sent"}
    assert unknown_to(replace(WELL, seen=Seen(600, 0))) == {"nothing-comes"}
    unread = unknown_to(replace(WELL, seen=Seen(bad_signatures=0), is_read=False))
    assert "klaviyo-paused" in unread
    assert not unread & {"disk-full", "disk-filling", "broken-mappings", "clock-jumped"}


# What is told

FULL = Concern("disk-full", "no room is left for <the ledger> & more", "give it a larger disk")
PAUSED = Concern("klaviyo-paused", "nothing is sent to Klaviyo", "set KLAVIYO_API_KEY")


class Phone:
    """A person's phone: what was posted to it, and an alarm that posts there."""

    def __init__(self, folder: Path, url: str = "https://alerts.example/in/canary") -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(folder / "ledger.db", clock=self.clock)
        self.status = 200
        self.wire = Wire(lambda _: Response(self.status))
        self.troubles: list[str] = []
        self.url = url
        self.alarm = self.restarted()

    def restarted(self) -> Alarm:
        self.alarm = Alarm(
            self.ledger, self.url, transport=self.wire, clock=self.clock, trouble=self.troubles.append
        )
        return self.alarm

    def look(self, *concerns: Concern, after: float = 0.0, unknown: tuple[str, ...] = ()) -> None:
        """Look, and post all that is to be posted now."""
        self.clock.sleep(after)
        self.alarm.look(concerns, unknown)
        while self.alarm.step() == 0.0:
            pass

    @property
    def posted(self) -> list[tuple[str, str]]:
        return [(body["state"], body["code"]) for body in map(Call.json, self.wire.calls)]


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def test_a_concern_is_told_once_when_it_begins_and_once_when_it_is_over(phone: Phone) -> None:
    for _ in range(5):
        phone.look(FULL, after=15)
    assert phone.posted == [("started", "disk-full")]
    for _ in range(20):
        phone.look(after=15)
    assert phone.posted == [("started", "disk-full"), ("ended", "disk-full")]
    phone.look(FULL)
    assert len(phone.posted) == 3


def test_what_comes_and_goes_is_one_concern(phone: Phone) -> None:
    for _ in range(30):
        phone.look(FULL, after=15)
        phone.look(after=60)
    assert phone.posted == [("started", "disk-full")]


def test_a_restart_repeats_nothing(phone: Phone) -> None:
    phone.look(FULL)
    phone.restarted()
    phone.look(FULL, PAUSED)
    phone.restarted()
    phone.look(PAUSED)
    phone.look(PAUSED, after=120)
    assert phone.posted == [("started", "disk-full"), ("started", "klaviyo-paused"), ("ended", "disk-full")]


def test_of_what_is_not_known_nothing_is_said_either_way(phone: Phone) -> None:
    phone.look(FULL)
    phone.look(PAUSED, unknown=("disk-full", "klaviyo-paused"))
    phone.look(PAUSED, unknown=("disk-full", "klaviyo-paused"), after=900)
    assert phone.posted == [("started", "disk-full")]


def test_what_cannot_be_posted_waits_and_goes_later_in_its_order(phone: Phone) -> None:
    phone.status = 503
    phone.look(FULL)
    assert len(phone.wire.calls) == 1
    phone.look(FULL, PAUSED, after=1)
    assert len(phone.wire.calls) == 1, "it is not tried again at once"
    phone.restarted()
    phone.status = 200
    phone.look(FULL, PAUSED, after=300)
    assert phone.posted[1:] == [("started", "disk-full"), ("started", "klaviyo-paused")]
    assert phone.troubles == ["an alert could not be posted: its address answers with no success (503)"]


def test_tries_come_ever_less_often_and_five_minutes_apart_at_most(phone: Phone) -> None:
    phone.status = 500
    moments = []
    for _ in range(400):
        before = len(phone.wire.calls)
        phone.look(FULL, after=5)
        if len(phone.wire.calls) > before:
            moments.append(phone.clock.seconds)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps[:6] == [15, 30, 60, 120, 240, 300]
    assert max(gaps) == 300


def test_a_message_that_is_refused_for_itself_does_not_hold_up_the_others(phone: Phone) -> None:
    phone.status = 400
    phone.look(FULL)
    phone.status = 200
    phone.look(FULL, PAUSED)
    assert phone.posted == [("started", "disk-full"), ("started", "klaviyo-paused")]


def test_what_waits_is_bounded_and_that_is_told(phone: Phone) -> None:
    phone.status = 500
    many = [Concern(f"c-{number}", "x", "y") for number in range(alerts.MOST_WAITING + 5)]
    phone.look(*many)
    with phone.ledger.read() as tx:
        waiting = told(tx).waiting
    assert [one.concern.code for one in waiting][:1] == ["c-5"]
    assert len(waiting) == alerts.MOST_WAITING
    assert "the oldest alerts were given up: too many could not be posted" in phone.troubles


def test_without_an_address_nothing_is_posted_or_kept_for_later(tmp_path: Path) -> None:
    phone = Phone(tmp_path, url="")
    phone.look(FULL)
    with phone.ledger.read() as tx:
        assert [*told(tx).concerns] == ["disk-full"]
        assert told(tx).waiting == ()
    phone.alarm.use("https://alerts.example/in")
    phone.look(FULL, PAUSED)
    assert phone.posted == [("started", "klaviyo-paused")]


def test_a_full_disk_is_told_of_although_nothing_can_be_written(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> Any:
        raise Unavailable("there is no room left on the disk of the ledger")

    with monkeypatch.context() as patched:
        patched.setattr(phone.ledger, "write", full)
        phone.look(FULL)
        phone.look(FULL, after=15)
    assert phone.posted == [("started", "disk-full")]
    phone.look(FULL, after=15)
    phone.restarted()
    phone.look(FULL, after=15)
    assert phone.posted == [("started", "disk-full")], "it was written down once there was room again"


def test_an_address_that_cannot_be_reached_is_not_named(phone: Phone) -> None:
    def down(_: Call) -> Response:
        raise NotSent("no connection could be made")

    phone.wire.answer = down
    phone.look(FULL)
    assert phone.troubles == ["an alert could not be posted: no connection could be made"]


# The bodies, over real HTTP


class Listener:
    """A server of this machine that keeps what is posted to it, and answers as it is told."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.bodies: list[Any] = []
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.bodies.append(json.loads(self.rfile.read(length)))
                outer.paths.append(self.path)
                answer(self)

            def do_GET(self) -> None:
                outer.paths.append(f"GET {self.path}")
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Listener":
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(status)
        for name, text in headers.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def posted(listener: Listener, folder: Path, form: str = "auto") -> list[str]:
    """Tell of a concern over real HTTP; what trouble there was."""
    clock = ManualClock()
    troubles: list[str] = []
    transport = HttpTransport(total_seconds=5)
    ledger = Ledger(folder / "ledger.db", clock=clock)
    alarm = Alarm(
        ledger, f"{listener.url}/in/canary?key=1", transport=transport, clock=clock, form=form,
        trouble=troubles.append,
    )  # fmt: skip
    alarm.look([FULL])
    alarm.step()
    transport.close()
    ledger.close()
    return troubles


def test_the_body_is_ours_with_all_that_a_program_needs(tmp_path: Path) -> None:
    with Listener(answering(204)) as listener:
        assert posted(listener, tmp_path) == []
    assert listener.paths == ["/in/canary?key=1"]
    at = "2026-11-21T00:00:00Z"
    assert listener.bodies == [
        {
            "source": "intercom-klaviyo", "state": "started", "code": "disk-full", "text": FULL.text,
            "next": FULL.next, "at": at, "since": at,
        }
    ]  # fmt: skip


def test_slack_gets_its_own_body_where_its_form_is_asked_for(tmp_path: Path) -> None:
    with Listener(answering(200)) as listener:
        assert posted(listener, tmp_path, form="slack") == []
    text = (
        "*intercom-klaviyo* disk-full: no room is left for &lt;the ledger&gt; &amp; more\n"
        "Next: give it a larger disk"
    )
    assert listener.bodies == [{"text": text}]


@pytest.mark.parametrize(
    ("url", "form", "is_slack"),
    [
        ("https://hooks.slack.com/services/T/B/x", "auto", True),
        ("https://hooks.slack.com/services/T/B/x", "json", False),
        ("https://hooks.slack.com.evil.example/x", "auto", False),
        ("https://alerts.example/hooks.slack.com", "auto", False),
    ],
)
def test_slacks_address_is_known_by_its_host(tmp_path: Path, url: str, form: str, is_slack: bool) -> None:
    phone = Phone(tmp_path)
    phone.alarm = Alarm(phone.ledger, url, transport=phone.wire, clock=phone.clock, form=form)
    phone.look(FULL)
    [call] = phone.wire.calls
    assert ([*call.json()] == ["text"]) is is_slack


def test_the_end_says_since_when_it_was_so() -> None:
    message = Message("ended", FULL, NOW + 60, NOW)
    assert body_of(message, slack=False)["since"] == "2026-11-21T00:00:00Z"
    assert body_of(message, slack=True)["text"].startswith(
        "*intercom-klaviyo* disk-full: over, since it began at 2026-11-21T00:00:00Z: no room"
    )


def test_a_redirect_is_not_followed_and_the_alert_goes_later(tmp_path: Path) -> None:
    with Listener(answering(302, Location="/elsewhere")) as listener:
        [trouble] = posted(listener, tmp_path)
    assert listener.paths == ["/in/canary?key=1"]
    assert trouble == (
        "an alert could not be posted: its address answers with a redirect, which is not followed (302)"
    )
    with Ledger(tmp_path / "ledger.db").read() as tx:
        assert len(told(tx).waiting) == 1
