"""`serve` at work: between a sandbox on this machine, as a process of its own or in a thread."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import select

from engine import Runner, Translation, load
from engine.clock import SystemClock
from engine.intercom.client import Intercom
from engine.ledger import schema
from engine.ledger.store import Ledger
from engine.ports import Response
from engine.relay.points import nothing
from engine.sandbox.faults import Faults
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.workspace import Workspace
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.checker import findings
from engine.sandbox.running import Sandbox
from engine.settings import read_settings
from engine.tools.logs import Form, logger
from engine.tools.serving import Service
from engine.transport import HttpTransport
from tests.support import ROOT

SECRETS = {
    "key": "pk_canary_0123456789abcdef",
    "token": "canary-token-0123456789",
    "secret": "canary-secret-0123456789",
}
KEY, WORD, SECRET = SECRETS["key"], SECRETS["token"], SECRETS["secret"]
ALL: Any = None
"""Every scope."""
PATIENCE_SECONDS = 30.0


def until(what: Callable[[], Any], wanted: str = "", seconds: float = PATIENCE_SECONDS) -> Any:
    """What becomes true, as soon as it is; fails where it takes too long."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"it does not come about: {wanted}"
        time.sleep(0.02)
    return found


class Site:
    """An ASGI app on a port of this machine that stays its own while it is down.

    *answers* is asked before the app: a status and a body, or nothing. `words` are what it takes for the
    token that the stand-in knows.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.port = 0
        self.answers: Callable[[str, bytes], tuple[int, bytes] | None] | None = None
        self.words: set[str] = set()
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(
            self._answer, interface="asgi3", log_level="critical", lifespan="off", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([bound],), daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "a stand-in listens")

    def down(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        word = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if word in self.words:
            others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
            scope = {**scope, "headers": [*others, (b"authorization", f"Bearer {TOKEN}".encode())]}
        if self.answers is None or not scope["path"].startswith("/api"):
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if (instead := self.answers(scope["path"], body)) is None:
            given = iter([{"type": "http.request", "body": body, "more_body": False}])

            async def again() -> Any:
                return next(given, {"type": "http.disconnect"})

            await self._app(scope, again, send)
            return
        status, text = instead
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


class House:
    """A folder with a ledger, an Intercom that sends to `serve`, and a Klaviyo that it delivers to."""

    def __init__(self, folder: Path, **faults: float) -> None:
        self.folder = folder
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.workspace = Workspace.of(12, 8, 1, today)
        chances = {name.replace("_", "-"): chance for name, chance in faults.items()}
        self.account = Account(faults=Faults(1, chances), keys={KEY: ALL})
        self.wire = HttpTransport(total_seconds=10, trust_env=False)
        self.sandbox = Sandbox(
            self.workspace,
            self.account,
            webhooks="http://127.0.0.1:9/intercom",
            transport=self.wire,
            scale=0.005,
        )
        self.sender.secret = SECRET
        self.intercom = Site(self.sandbox.intercom())
        self.klaviyo = Site(self.sandbox.klaviyo())
        self.intercom.words = {WORD}
        for name, text in SECRETS.items():
            self.write(name, text)
        self.environment = {
            **{
                name: text
                for name, text in os.environ.items()
                if not name.startswith(("INTERCOM_", "KLAVIYO_"))
            },
            "INTERCOM_URL": self.intercom.url,
            "INTERCOM_TOKEN_FILE": str(folder / "token"),
            "INTERCOM_CLIENT_SECRET_FILE": str(folder / "secret"),
            "KLAVIYO_URL": self.klaviyo.url,
            "KLAVIYO_API_KEY_FILE": str(folder / "key"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "80",
        }
        self.port = 0
        self.running: list[Serve] = []

    def close(self) -> None:
        for one in self.running:
            one.kill()
        self.intercom.down()
        self.klaviyo.down()
        self.wire.close()

    @property
    def sender(self) -> Any:
        return self.sandbox.sender

    @property
    def file(self) -> Path:
        return self.folder / "ledger.db"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text + "\n", encoding="utf-8")

    def goes_to(self, url: str) -> None:
        """Have webhooks sent there."""
        self.sender.url = url
        self.port = int(url.rpartition(":")[2].partition("/")[0])

    def start(self, *options: str, **extra: str) -> "Serve":
        """A `serve` of its own process, once it listens: always on the same port."""
        made = Serve(self, *options, **extra)
        self.running.append(made)
        made.listens()
        return made

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command beside it."""
        return subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), *words], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def play(self, *names: str) -> None:
        """Play, and send what Intercom would, once to each."""
        for name in names:
            self.sandbox.play(name)
        self.sandbox.send_due()

    def taken(self) -> set[str]:
        """The ids of the notifications that were answered with 200."""
        told = {one.notification["id"] for one in self.sandbox.told}
        return {str(one) for one in self.sender.books.delivered()} & told

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.file, clock=SystemClock())

    def kept(self) -> set[str]:
        """The ids of the notifications that are in the ledger."""
        with self.ledger.read() as tx:
            return set(tx.scalars(select(schema.inbox.c.notification)))

    def waits(self) -> int:
        """How much has still to be translated or sent."""
        found = 0
        with self.ledger.read() as tx:
            for table in (schema.inbox, schema.outbox, schema.profiles):
                rows = tx.scalars(select(table.c.state)).all()
                found += sum(state in ("received", "queued", "in_flight") for state in rows)
        return found

    def ends(self) -> None:
        """Wait until all that was taken is kept, and all that is kept has gone."""
        until(lambda: self.taken() <= self.kept() and not self.waits(), "all has gone out")

    def stored(self) -> list[str]:
        """The unique ids of the events that Klaviyo has, as often as it has them."""
        self.account.flush()
        return [event.unique_id for event in self.account.events.values()]

    def due(self, ids: set[str]) -> set[str]:
        """The unique ids of what has to come of notifications, worked out without any ledger."""
        payloads = [one.notification for one in self.sandbox.told if one.notification["id"] in ids]
        intercom = Intercom(TOKEN, url=self.intercom.url)
        results = Runner(load(ROOT / "mappings"), records=intercom).translate_all(payloads)
        return {
            one.unique_id for row in results for one in row if isinstance(one, Translation) and one.unique_id
        }

    def complaints(self) -> list[str]:
        """What is wrong, once all has ended: something is missing, came twice, or should not have come."""
        stored = self.stored()
        wrong = [str(one) for one in findings(self.account.books.entries())]
        if lost := self.due(self.taken()) - {*stored}:
            wrong += [f"{one} never came: {self.fate(one)}" for one in sorted(lost)[:3]]
        if len(stored) != len({*stored}):
            wrong.append("something came twice")
        return wrong

    def fate(self, unique_id: str) -> list[Any]:
        """What the ledger has of an event, and of the notifications that tell of it."""
        event, told = schema.outbox.c, schema.inbox.c
        ids = [one for one in self.taken() if unique_id in self.due({one})]
        of_event = select(event.state, event.reason, event.detail).where(event.unique_id == unique_id)
        of_inbox = select(told.topic, told.state, told.reason, told.made).where(told.notification.in_(ids))
        with self.ledger.read() as tx:
            return [tuple(row) for asked in (of_event, of_inbox) for row in tx.execute(asked)]

    def personal(self) -> set[str]:
        """What no output may hold: who the people are, what they wrote, and the secrets."""
        people = [
            text
            for one in self.workspace.contacts.values()
            for text in (one.email, one.name, one.phone)
            if text and len(text) > 3
        ]
        return {*people, *SECRETS.values(), "Where is my parcel", "Quick and kind"}


class Serve:
    """A `serve` that runs as a process of its own."""

    def __init__(self, house: House, *options: str, **extra: str) -> None:
        self._house = house
        number = len(house.running)
        self.out, self.err = (house.folder / f"{name}{number}" for name in ("out", "err"))
        command = [sys.executable, str(ROOT / "cli.py"), "serve", "--port", str(house.port), "--log", "json"]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=house.folder,
                env={**house.environment, **extra},
                stdout=out,
                stderr=err,
            )

    def listens(self) -> None:
        """Wait until it does, and have the webhooks go there."""

        def told() -> str:
            assert self.process.poll() in (None, -signal.SIGKILL), self.err.read_text()
            return self.out.read_text() if b"\n" in self.out.read_bytes() else ""

        line = until(lambda: told() or self.process.poll() is not None, "serve listens")
        if isinstance(line, str):
            self._house.goes_to(json.loads(line.splitlines()[0])["listening"])

    @property
    def log(self) -> list[Any]:
        """The lines of its log."""
        return [json.loads(line) for line in self.err.read_text().splitlines()]

    def says(self, event: str, **fields: Any) -> Any:
        """Wait for a line of its log."""

        def found() -> Any:
            lines = [
                json.loads(line)
                for line in self.err.read_text().splitlines(keepends=True)
                if line.endswith("\n")
            ]
            return next((one for one in lines if one["event"] == event and {**one, **fields} == one), None)

        return until(found, f"{event} {fields}")

    def get(self, path: str) -> Response:
        """What it answers at an address."""
        return self._house.wire.send("GET", f"http://127.0.0.1:{self._house.port}{path}", {})

    def hup(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """End it; its exit code, and how long that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - began


@contextmanager
def storm(house: House) -> Iterator[None]:
    """Play one thing after another, and send it, for as long as the block lasts."""
    stop = threading.Event()
    names = ("created", "reply", "ticket", "rate", "read", "resolve", "ticket-reply", "tag")

    def run() -> None:
        number = 0
        while not stop.is_set():
            house.sandbox.play(names[number % len(names)])
            house.sandbox.send_due()
            number += 1
            stop.wait(0.03)  # a play is three seconds of the story: it should not end in another day

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        until(lambda: house.sandbox.send_due() or not house.sender.waiting, "what failed is sent once more")


class Inside:
    """A `serve` in a thread of this process, for faults that only somebody inside can plant."""

    def __init__(self, house: House, *, form: Form = "json", mappings: str = "", **extra: str) -> None:
        self.house = house
        self.told = io.StringIO()
        environment = {**house.environment, **extra}
        settings = replace(
            read_settings(None, environment), ledger_file=str(house.file), serve_port=house.port
        )
        hidden = (*SECRETS.values(), settings.alert_url)
        self.service = Service(
            settings, mappings=mappings, environment=environment, points=nothing,
            log=logger(form, hidden, self.told),
        )  # fmt: skip
        self.is_whole: bool | None = None
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Inside":
        self._thread.start()
        assert self._listens.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.service.stop()
        self._thread.join(30)

    def _run(self) -> None:
        def started(url: str, _: Path) -> None:
            self.house.goes_to(url)
            self._listens.set()

        self.is_whole = self.service.run(started)

    @property
    def log(self) -> list[Any]:
        """The lines of its log."""
        return [json.loads(line) for line in self.told.getvalue().splitlines()]

    def says(self, event: str, **fields: Any) -> Any:
        """Wait for a line of its log."""
        return until(
            lambda: next(
                (one for one in self.log if one["event"] == event and {**one, **fields} == one), None
            ),
            f"{event} {fields}",
        )

    def get(self, path: str) -> Response:
        """What it answers at an address."""
        return self.house.wire.send("GET", f"http://127.0.0.1:{self.house.port}{path}", {})


def began(house: House) -> Serve:
    """A `serve` that has had a notification: what is older than the first is left to the backfill."""
    serve = house.start()
    house.play("created")
    house.ends()
    return serve


def stops(house: House, number: int) -> tuple[float, list[str]]:
    """Stop it under load, so often, and go on: how long the longest took, and what went wrong."""
    wrong: list[str] = []
    longest = began(house).end()[1]
    with storm(house):
        for one in range(number):
            serve = house.start()
            before = len(house.taken())
            until(lambda before=before: len(house.taken()) > before + 10, "more has come")
            code, seconds = serve.end(signal.SIGINT if one % 2 else signal.SIGTERM)
            longest = max(longest, seconds)
            if code or "Traceback" in serve.err.read_text():
                wrong.append(f"stop {one} ended with {code}")
            if lost := house.taken() - house.kept():
                wrong.append(f"stop {one}: {len(lost)} were answered with 200 and are not kept")
        house.start()
    house.ends()
    return longest, wrong + house.complaints()
