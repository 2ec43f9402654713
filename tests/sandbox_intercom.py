"""The stand-in of Intercom without a socket: its app behind the port that the product sends through."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette

from engine.intercom.client import Intercom
from engine.ports import Response
from engine.sandbox.intercom.app import intercom_app
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.workspace import Workspace
from tests.support import NOW, ManualClock

URL = "http://127.0.0.1:9"


@dataclass
class InProcess:
    """A transport to an ASGI app in this process; `calls` are (method, path with query)."""

    app: Starlette
    calls: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        parts = urlsplit(url)
        self.calls.append((method, parts.path + (f"?{parts.query}" if parts.query else "")))
        answer = asyncio.run(self._asked(method, parts.path, parts.query, headers, body or b""))
        self.answers.append(answer)
        return answer

    async def _asked(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 9),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Response(start["status"], names, b"".join(one.get("body", b"") for one in sent[1:]))


@cache
def shared_workspace() -> Workspace:
    """A workspace that no test may change."""
    return Workspace.of(now=NOW)


@dataclass
class Desktop:
    """A stand-in, the product's client of it, and the clock of both."""

    workspace: Workspace = field(default_factory=shared_workspace)
    options: dict[str, Any] = field(default_factory=dict)
    patience_seconds: float = 600.0

    def __post_init__(self) -> None:
        self.clock = ManualClock(jitter=0.5)
        self.wire = InProcess(intercom_app(self.workspace, clock=self.clock, **self.options))
        self.intercom = Intercom(
            TOKEN, url=URL, transport=self.wire, clock=self.clock, patience_seconds=self.patience_seconds
        )

    def ask(
        self, method: str, path: str, body: Any = None, version: str = "2.16", token: str = TOKEN
    ) -> tuple[int, Any, dict[str, str]]:
        """A request as anybody sends it: the status, the value and the headers of the answer."""
        headers = {"Authorization": f"Bearer {token}", "Intercom-Version": version}
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        answer = self.wire.send(method, URL + path, headers, raw)
        return answer.status, json.loads(answer.body) if answer.body else None, dict(answer.headers)

    def get(self, path: str, version: str = "2.16") -> Any:
        """The value of a good answer."""
        status, value, _ = self.ask("GET", path, version=version)
        assert status == 200, value
        return value

    def search(
        self, kind: str, query: Any, *, per_page: int = 150, version: str = "2.16", **more: Any
    ) -> Any:
        """What a search finds."""
        body = {"query": query, "pagination": {"per_page": per_page}, **more}
        status, value, _ = self.ask("POST", f"/{kind}/search", body, version)
        assert status == 200, value
        return value

    def refusal(self, method: str, path: str, body: Any = None, version: str = "2.16") -> tuple[int, str]:
        """The status and the code of a refusal."""
        status, value, _ = self.ask(method, path, body, version)
        assert value["type"] == "error.list"
        return status, value["errors"][0]["code"]
