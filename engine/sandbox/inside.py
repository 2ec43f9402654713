"""A transport that calls an ASGI app in this process: no socket, no thread, no waiting."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.errors import FateUnknown
from engine.ports import Response

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Inside:
    """A `Transport` to an app whose handlers wait for nothing but what they are given."""

    def __init__(self, app: App) -> None:
        self._app = app

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """The answer. Raises FateUnknown where it ends before it is whole."""
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [
                (b"host", parts.netloc.encode()),
                *((name.lower().encode(), text.encode()) for name, text in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": (parts.hostname or "", parts.port or 80),
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        _run(self._app(scope, receive, send))
        return _answer(sent)


def _run(work: Awaitable[None]) -> None:
    """Run to the end what never really waits. Raises RuntimeError where it does."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise RuntimeError("the app waits for something outside; give it a sleep of its own")


def _answer(sent: list[Message]) -> Response:
    start, *rest = sent
    headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in start["headers"]}
    if not rest or rest[-1].get("more_body"):
        raise FateUnknown("the connection broke before the answer was whole")
    return Response(start["status"], headers, b"".join(part.get("body", b"") for part in rest))
