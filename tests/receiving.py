"""A receiver to test: its parts over a ledger in a folder, called in this process or over loopback."""

import asyncio
import hashlib
import hmac
import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.ledger import inbox
from engine.ledger.inbox import Received
from engine.ledger.store import Ledger
from engine.relay.intake import Intake
from engine.web.app import Web
from engine.web.bodies import Bodies
from engine.web.metrics import Metrics
from engine.web.sockets import Limits, serve
from engine.web.webhooks import Webhooks

SECRET = "test_client_secret"
Pairs = Sequence[tuple[bytes, bytes]]


def notification(name: str | None, **more: Any) -> bytes:
    """A body as Intercom sends it."""
    told = {"type": "notification_event", "app_id": "hx7q2m9d", "id": name, "topic": "conversation.read"}
    return json.dumps({**told, **more}).encode()


def signature(body: bytes, secret: str = SECRET) -> bytes:
    return b"sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest().encode()


def signed(body: bytes, secret: str = SECRET) -> list[tuple[bytes, bytes]]:
    return [(b"x-hub-signature", signature(body, secret))]


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Desk:
    """A receiver. What it keeps goes to the ledger, or to *keep*."""

    def __init__(
        self,
        folder: Path,
        *,
        keep: Callable[[Sequence[Received]], object] | None = None,
        bodies: Bodies | None = None,
        checks: Any = None,
        numbers: Any = tuple,
        **of_intake: Any,
    ) -> None:
        self.ledger = Ledger(folder / "relay.db")
        self.secrets = [SECRET]
        self.intake = Intake(keep or self.to_ledger, **of_intake)
        self.metrics = Metrics(numbers)
        self.webhooks = Webhooks(
            lambda: self.secrets, self.intake.keep, self.ledger.now, self.metrics, bodies
        )
        self.web = Web(self.webhooks, self.metrics, checks)

    def to_ledger(self, some: Sequence[Received]) -> None:
        with self.ledger.write() as tx:
            inbox.put(tx, some)

    def kept(self) -> list[str]:
        """The notifications that somebody else sees in the file."""
        with closing(sqlite3.connect(self.ledger.path)) as other, other:
            found = [name for (name,) in other.execute("select notification from inbox order by id")]
        other.close()
        return found

    def ask(
        self, method: str = "POST", path: str = "/intercom", headers: Pairs = (), *parts: bytes
    ) -> Answer:
        """Ask in this process; *parts* are the body as it comes in."""
        return asyncio.run(self.asked(method, path, headers, *parts))

    def post(self, body: bytes, headers: Pairs | None = None) -> Answer:
        """A webhook, with the right signature where no headers are given."""
        return self.ask("POST", "/intercom", signed(body) if headers is None else headers, body)

    async def asked(self, method: str, path: str, headers: Pairs, *parts: bytes) -> Answer:
        left = [*parts] or [b""]
        sent: list[Any] = []

        async def receive() -> Any:
            if not left:
                return {"type": "http.disconnect"}
            body = left.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.web(scope_of(method, path, headers), receive, send)
        if not sent:
            return Answer(0)
        names = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], names, b"".join(one.get("body", b"") for one in sent[1:]))


def scope_of(method: str, path: str, headers: Pairs = ()) -> dict[str, Any]:
    """A request's head, as servers give it to an app."""
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [*headers], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 9),
    }  # fmt: skip


@contextmanager
def desk(folder: Path, **given: Any) -> Iterator[Desk]:
    """A receiver at work."""
    made = Desk(folder, **given)
    made.intake.start()
    try:
        yield made
    finally:
        made.intake.stop(2)
        made.ledger.close()


@dataclass
class Served:
    """A receiver that listens."""

    port: int
    stop: threading.Event
    thread: threading.Thread

    def connect(self) -> "Talk":
        return Talk(socket.create_connection(("127.0.0.1", self.port), timeout=10))

    def says(self, text: bytes) -> Answer:
        """What is answered to some bytes on a connection of their own."""
        with self.connect() as talk:
            return talk.says(text)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def served(web: Any, **limits: Any) -> Iterator[Served]:
    """Serve on loopback, in a thread."""
    ports: list[int] = []
    listening, stop = threading.Event(), threading.Event()

    def started(_: str, port: int) -> None:
        ports.append(port)
        listening.set()

    def run() -> None:
        serve(web, "127.0.0.1", 0, started=started, stop=stop, stopping=web.stop, limits=Limits(**limits))

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(10)
    one = Served(ports[0], stop, thread)
    try:
        yield one
    finally:
        one.end()


class Talk:
    """One connection to a receiver."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self._read = b""

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: bytes) -> None:
        self.socket.sendall(text)

    def says(self, text: bytes) -> Answer:
        with suppress(ConnectionError):  # who is refused may hear of it before all is said
            self.send(text)
        return self.answer()

    def begin(self, body: bytes) -> None:
        """Send all of a webhook but its last byte, once the receiver waits for it."""
        whole = request(body, b"Expect: 100-continue")
        self.send(whole[: -len(body)])
        assert self.answer().status == 100
        self.send(body[:-1])

    def answer(self) -> Answer:
        """The next answer; a status of 0 where the connection ends before."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return Answer(0)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
        length = int(headers.get("content-length", "0"))
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(first.split(" ")[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether the other side closes, waiting for it."""
        return self._until(b"\0") is None

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._read:
            if not self._more():
                return None
        found, _, self._read = self._read.partition(end)
        return found

    def _more(self) -> bool:
        more = b""
        with suppress(ConnectionError):
            more = self.socket.recv(65_536)
        self._read += more
        return bool(more)


def request(body: bytes, *more: bytes, secret: str = SECRET, length: bool = True) -> bytes:
    """A webhook as it comes over the wire, with *more* lines in its head."""
    lines = [b"POST /intercom HTTP/1.1", b"Host: here", b"X-Hub-Signature: " + signature(body, secret), *more]
    if length:
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join([*lines, b"", body])
