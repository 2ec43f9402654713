"""The pages of the stand-ins: what they show, that no text of a customer runs in them, and whom they obey."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Runner, load
from engine.intercom.client import Intercom
from engine.klaviyo.client import Klaviyo
from engine.sandbox.inside import Inside
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.workspace import Workspace
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.running import Address, Sandbox, serve
from tests.browser import Browser
from tests.support import ROOT, ManualClock

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>\u202e&amp;"
HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_x",
    "revision": "2026-07-15",
    "Content-Type": "application/vnd.api+json",
}
CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)


def event(email: str, **properties: Any) -> bytes:
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Created Ticket"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email, "first_name": HOSTILE}}},
        "properties": properties, "time": "2026-11-20T10:15:30Z", "unique_id": "ic:1", "backfill": True,
    }  # fmt: skip
    return json.dumps({"data": {"type": "event", "attributes": attributes}}).encode()


class Both:
    """A sandbox whose apps are called in this process."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(Workspace.of(8, 6), Account(ManualClock()))
        self.intercom, self.klaviyo = Inside(self.sandbox.intercom()), Inside(self.sandbox.klaviyo())

    def send(self, email: str, **properties: Any) -> int:
        wire = self.klaviyo
        return wire.send("POST", "http://127.0.0.1:1/api/events", HEADERS, event(email, **properties)).status


@pytest.fixture
def both() -> Both:
    return Both()


def page(wire: Inside, **headers: str) -> str:
    answer = wire.send("GET", "http://127.0.0.1:1/", headers)
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.body.decode()


def test_klaviyos_page_shows_a_timeline_a_refusal_and_the_limits(both: Both) -> None:
    assert both.send("ana@example.com", Title="Broken lamp") == 202
    assert both.send("nobody") == 400
    both.sandbox.account.flush()
    shown = page(both.klaviyo)
    expected = ["ana@example.com", "Created Ticket", "Broken lamp", "history: no flow", "ic:1"]
    expected += [
        "1 profile, 1 event,",
        "Invalid email address",
        "/data/attributes/profile/data/attributes/email",
        "2 of 3500",
    ]
    assert [text for text in expected if text not in shown] == []


def test_intercoms_page_has_a_button_for_each_play_and_shows_what_was_told(both: Both) -> None:
    assert "Nothing has happened yet" in page(both.intercom)
    answer = both.intercom.send(
        "POST", "http://127.0.0.1:1/play/created", {"Origin": "http://127.0.0.1:1"}, b""
    )
    assert (answer.status, answer.headers["location"]) == (303, "/")
    shown = page(both.intercom)
    assert "conversation.user.created" in shown
    assert shown.count("<button") == 15


def test_what_customers_wrote_is_text_and_nothing_else(both: Both) -> None:
    both.send("ana@example.com", **{HOSTILE: HOSTILE})
    both.sandbox.account.flush()
    both.sandbox.play("created")
    both.sandbox.told[0].notification["data"]["item"]["title"] = HOSTILE
    for wire in (both.klaviyo, both.intercom):
        shown = page(wire)
        assert "<script" not in shown
        assert "<img" not in shown
        assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_pages_of_elsewhere_play_nothing(both: Both, headers: dict[str, str]) -> None:
    url = "http://evil.example/" if "Host" in headers else "http://127.0.0.1:1/"
    given = {name: text for name, text in headers.items() if name != "Host"}
    assert both.intercom.send("POST", url + "play/created", given, b"").status == 403
    assert both.sandbox.told == []


def test_the_pages_let_a_browser_say_where_a_button_was_pressed(both: Both) -> None:
    answer = both.intercom.send("GET", "http://127.0.0.1:1/", {})
    assert answer.headers["referrer-policy"] == "same-origin", "with none, a browser sends `Origin: null`"


def test_the_icon_that_a_browser_asks_for_is_missing_and_nothing_is_counted(both: Both) -> None:
    for wire in (both.intercom, both.klaviyo):
        assert wire.send("GET", "http://127.0.0.1:1/favicon.ico", {}).status == 404
    assert [one["kind"] for one in both.sandbox.account.books.entries()] == ["opened"]


def test_a_refusal_is_told_apart_from_a_probe_for_scopes(both: Both) -> None:
    url = "http://127.0.0.1:1/api/"
    both.klaviyo.send("POST", url + "events", HEADERS, b'{"data":{}}')
    both.klaviyo.send("GET", url + "profile-bulk-import-jobs/none", HEADERS)
    assert page(both.klaviyo).count("a probe for scopes") == 2
    assert both.send("nobody") == 400
    shown = page(both.klaviyo).partition("Refused")[2]
    assert (shown.count("<summary>"), shown.count("a probe for scopes")) == (3, 2)


def test_a_play_that_there_is_not_changes_nothing(both: Both) -> None:
    assert both.intercom.send("POST", "http://127.0.0.1:1/play/nothing", {}, b"").status == 404
    assert both.sandbox.told == []


@pytest.fixture
def listening(both: Both) -> Iterator[tuple[Both, Address, Address]]:
    """Both on ports of this machine, until the test is over."""
    found: list[Address] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=serve, args=(both.sandbox, (0, 0), lambda *given: found.extend(given)), kwargs={"stop": stop}
    )
    thread.start()
    end = time.monotonic() + 20
    while len(found) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    yield both, found[0], found[1]
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: pages are NOT TESTED in a browser")
def test_a_browser_runs_nothing_that_a_customer_wrote(listening: tuple[Both, Address, Address]) -> None:
    both, intercom, klaviyo = listening
    both.send("ana@example.com", **{HOSTILE: HOSTILE})
    both.sandbox.account.flush()
    both.sandbox.play("created")
    both.sandbox.told[0].notification["data"]["item"]["title"] = HOSTILE
    for address, title in ((klaviyo, "Klaviyo's stand-in"), (intercom, "Intercom's stand-in")):
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
        done = subprocess.run(
            [str(CHROMIUM), *options, f"{address.url}/"], capture_output=True, timeout=60, check=False
        )
        dom = done.stdout.decode()
        assert re.search(f"<title>{title}", dom), done.stderr[-2000:].decode()
        assert not re.search("<script|<img", dom)
        assert "taken" not in re.sub(r"&lt;.*?&gt;", "", dom.partition("</title>")[0])


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: buttons are NOT TESTED in a browser")
@pytest.mark.parametrize("width", [390, 1100])
def test_a_button_that_is_pressed_plays_and_what_comes_of_it_is_on_klaviyos_page(
    listening: tuple[Both, Address, Address], tmp_path: Path, width: int
) -> None:
    both, intercom, klaviyo = listening
    runner = Runner(
        load(ROOT / "mappings"),
        records=Intercom(TOKEN, url=intercom.url),
        sink=Klaviyo("pk_x", url=klaviyo.url),
    )
    with Browser(str(CHROMIUM), tmp_path, width) as browser:
        browser.open(intercom.url)
        browser.press("form[action='/play/ticket'] button")
        assert "ticket.created" in browser.value("document.body.innerText")
        assert [told.play for told in both.sandbox.told] == ["ticket", "ticket"]
        assert browser.value("document.documentElement.scrollWidth <= innerWidth")
        for told in both.sandbox.told:
            runner.send(told.notification)
        both.sandbox.account.flush()
        browser.open(klaviyo.url)
        assert "Created Ticket" in browser.value("document.body.innerText")
        assert browser.value("document.documentElement.scrollWidth <= innerWidth")
