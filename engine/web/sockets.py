"""Connections: how long one may take to say what it wants, how many there may be, and how they end."""

import asyncio
import math
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FILES_BESIDE = 200
"""Files that the relay has open beside its connections, at most."""
WAITING_TO_BE_TAKEN = 2_048
MOST_HEAD_BYTES = 65_536
TICK = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may do.

    `head_seconds` is for a whole head: since the connection began, or since the last answer. `busy_seconds`
    is for a request with its answer, should the other side not read it. `stop_seconds` is for the last ones.
    """

    most: int = 1_000
    head_seconds: float = 10.0
    busy_seconds: float = 30.0
    stop_seconds: float = 10.0


class Connections:
    """Those that are open: `idle` ones are between requests, the one that is so longest first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: dict[Connection, float] = {}
        self._busy: dict[Connection, float] = {}

    def came(self, one: "Connection") -> None:
        """One more: where there are too many, the one that has been silent for longest gives way."""
        if len(self._idle) + len(self._busy) >= self._limits.most:
            silent = next(iter(self._idle), None)
            if silent is None:
                one.transport.abort()
                return
            self.went(silent)
            silent.transport.close()
        self._idle[one] = one.loop.time()

    def went(self, one: "Connection") -> None:
        """One less."""
        self._idle.pop(one, None)
        self._busy.pop(one, None)

    def turned(self, one: "Connection", *, is_busy: bool) -> None:
        """A head is whole, or an answer is."""
        before, after = (self._idle, self._busy) if is_busy else (self._busy, self._idle)
        if before.pop(one, None) is not None:
            after[one] = one.loop.time()

    def sweep(self, now: float) -> None:
        """Close those that take too long."""
        for one in _since(self._idle, now - self._limits.head_seconds):
            one.transport.close()
        for one in _since(self._busy, now - self._limits.busy_seconds):
            one.transport.abort()


def _since(some: "dict[Connection, float]", time: float) -> "list[Connection]":
    """Take out those that have been there since *time*."""
    found = []
    while some and next(iter(some.values())) <= time:
        found.append(one := next(iter(some)))
        del some[one]
    return found


class Connection(HttpToolsProtocol):
    """A connection of uvicorn's that is counted, and closed where it says nothing, or begins endlessly."""

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is open."""
        super().connection_made(transport)
        self._all.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        super().connection_lost(exc)
        self._all.went(self)

    def data_received(self, data: bytes) -> None:
        """Some of a request has come."""
        super().data_received(data)
        self._turn()
        self._head_bytes = 0 if self._is_busy else self._head_bytes + len(data)
        if self._head_bytes > MOST_HEAD_BYTES:  # llhttp itself would take whatever comes
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """A head is whole: one whose body could be read in two ways is no HTTP. Raises ValueError."""
        kinds = {value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"}
        if kinds - {b"chunked"}:
            raise ValueError("a transfer encoding that is not chunked")
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """An answer has been sent; the next request may be here already."""
        self._turn()
        super().on_response_complete()
        self._turn()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP: but not in the middle of another answer."""
        if self._is_busy:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """Close, now or after the answer that is being made."""
        if not self.transport.is_closing():
            super().shutdown()

    @property
    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _turn(self) -> None:
        self._all.turned(self, is_busy=self._is_busy)


class _Server(uvicorn.Server):
    """uvicorn's, but that signals are its caller's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    started: Callable[[str, int], object],
    stop: threading.Event,
    stopping: Callable[[], object] = lambda: None,
    limits: Limits | None = None,
) -> None:
    """Serve until *stop* is set, by a signal's handler or another thread, and until the last are answered.

    *started* gets the address and the port once requests come in; a port of 0 is any that is free.
    *stopping* is called when it is to end, such as `Web.stop`. Raises OSError where the port is taken.
    """
    limits = limits or Limits()
    bound = _bound(host, port)
    _lift_open_files(limits.most + FILES_BESIDE)
    connections = Connections(limits)
    server = _Server(_configured(app, connections, limits))

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        started(*bound.getsockname()[:2])
        while not serving.done():
            if stop.is_set() and not server.should_exit:
                stopping()
                server.should_exit = True
            connections.sweep(asyncio.get_running_loop().time())
            await asyncio.sleep(TICK)
        await serving

    with bound:
        asyncio.run(run())


def _configured(app: ASGIApp, connections: Connections, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=partial(Connection, connections),  # type: ignore[arg-type]  # it makes one, as a class does
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(limits.head_seconds),
        timeout_graceful_shutdown=math.ceil(limits.stop_seconds),
    )


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens. It says that it is TCP: else asyncio lets answers wait for acknowledgements."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(WAITING_TO_BE_TAKEN)
    except OSError:
        bound.close()
        raise
    return bound


def _lift_open_files(wanted: int) -> None:
    """Have as many files open as there may be connections, where the system lets us."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
