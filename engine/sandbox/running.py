"""`Sandbox`: both stand-ins over one workspace and one account, on two ports of this machine."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from engine.clock import SystemClock
from engine.ports import Transport
from engine.sandbox.faults import TROUBLE
from engine.sandbox.intercom.app import intercom_app
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.faults import Faults
from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.sender import Chances, Sender
from engine.sandbox.intercom.versions import NEWEST, Object
from engine.sandbox.intercom.workspace import Workspace
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import LOOPBACK, klaviyo_app
from engine.sandbox.klaviyo.checker import findings
from engine.sandbox.plays import PLAYS, play
from engine.sandbox.seeing import SECURITY, Told, page_of_intercom, page_of_klaviyo

HOST = "127.0.0.1"
KEY = "pk_of_the_sandbox"
SECRET = "client-secret-of-the-sandbox"
BETWEEN = timedelta(seconds=3)
"""From one play to the next, at least: a ticket's first state comes a second after its birth."""


class _Story(SystemClock):
    """The machine's time, but that no two plays fall into the same seconds: what is told has an order."""

    def __init__(self) -> None:
        self._at = super().now()

    def turn(self) -> None:
        """The next play begins: now, or a little after the last one."""
        self._at = max(super().now(), self._at + BETWEEN)

    def now(self) -> datetime:
        """When the play happens."""
        return self._at


class Sandbox:
    """An Intercom and a Klaviyo of invented people.

    *version* is what the app is set to in Intercom's Developer Hub. *webhooks* is an address that gets what
    is played, signed, as Intercom would send it; it has to be on this machine. *transport* is what it is sent
    over. *scale* shortens what Intercom waits between tries. *trouble* is how often what goes wrong, by the
    names of TROUBLE; Klaviyo's own is the account's.
    """

    def __init__(
        self,
        workspace: Workspace,
        account: Account,
        *,
        version: str = NEWEST,
        webhooks: str = "",
        transport: Transport | None = None,
        scale: float = 1.0,
        trouble: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.workspace = workspace
        self.account = account
        self._clock = _Story()
        self.scenarios = Scenarios(workspace, self._clock, version)
        self.sender: Sender | None = None
        self.told: list[Told] = []
        """What was told of the plays so far."""
        self._to_send: list[Object] = []
        self._lock = threading.Lock()
        often = {**dict.fromkeys(TROUBLE, 0.0), **(trouble or {})}
        if webhooks and transport:
            self.sender = Sender(
                workspace, webhooks, SECRET, transport, SystemClock(), scale=scale, seed=seed,
                chances=Chances(often["webhooks-twice"], often["webhooks-late"], often["webhooks-lost"]),
            )  # fmt: skip
        self._rest_fault = Faults(seed, empty=often["intercom-empty"], errors=often["intercom-errors"])

    def play(self, name: str) -> list[Object]:
        """Play a scenario, send what Intercom would, and give it. Raises KeyError and ValueError."""
        with self._lock:
            self._clock.turn()
            told = play(self.scenarios, name)
            self.told += [Told(name, one) for one in told]
            self._to_send += told
            return told

    def send_due(self) -> None:
        """Send the webhooks whose time has come: from one thread, which may wait for the receiver."""
        with self._lock:
            told, self._to_send = self._to_send, []
        if self.sender is not None:
            self.sender.offer(told)
            self.sender.run(0.0)

    def intercom(self) -> Starlette:
        """Intercom's REST, and below `/control` what is played."""

        async def seen(request: Request) -> Response:
            if not _is_near(request):
                return _far()
            with self._lock:
                page = page_of_intercom(self.workspace, self.told, self.sender)
            return HTMLResponse(page, headers=SECURITY)

        async def nothing(request: Request) -> Response:
            return Response(status_code=404)

        async def pressed(request: Request) -> Response:
            if not _is_near(request, itself=True):
                return _far()
            try:
                self.play(str(request.path_params["name"]))
            except (KeyError, ValueError):
                return JSONResponse({"error": "that cannot be played"}, 404)
            return RedirectResponse("/", 303)

        async def played(request: Request) -> Response:
            if not _is_near(request):
                return _far()
            name = str(request.path_params["name"])
            if name not in PLAYS:
                return JSONResponse({"error": f"there is no play {name}", "plays": [*PLAYS]}, 404)
            try:
                return JSONResponse(self.play(name))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 409)

        async def state(request: Request) -> Response:
            if not _is_near(request):
                return _far()
            return JSONResponse(self._state())

        return Starlette(
            routes=[
                Route("/", seen, methods=["GET"]),
                Route("/play/{name}", pressed, methods=["POST"]),
                Route("/control/play/{name}", played, methods=["POST"]),
                Route("/control/state", state, methods=["GET"]),
                Route("/favicon.ico", nothing, methods=["GET"]),
                Mount("/", app=intercom_app(self.workspace, fault=self._rest_fault)),
            ]
        )

    def klaviyo(self) -> Starlette:
        """Klaviyo's API, and below `/control` orders and the verdict of its books."""

        async def seen(request: Request) -> Response:
            if not _is_near(request):
                return _far()
            return HTMLResponse(page_of_klaviyo(self.account), headers=SECURITY)

        async def check(request: Request) -> Response:
            if not _is_near(request):
                return _far()
            self.account.flush()
            found = findings(self.account.books.entries())
            return JSONResponse([asdict(one) for one in found])

        return Starlette(
            routes=[
                Route("/", seen, methods=["GET"]),
                Route("/control/check", check, methods=["GET"]),
                Mount("/", app=klaviyo_app(self.account)),
            ]
        )

    def _state(self) -> dict[str, Any]:
        workspace = self.workspace
        tickets = sum(1 for _ in workspace.tickets())
        made: dict[str, Any] = {
            "app_id": workspace.app_id,
            "name": workspace.name,
            "contacts": len(workspace.contacts),
            "conversations": len(workspace.conversations) - tickets,
            "tickets": tickets,
        }
        if self.sender is not None:
            made["webhooks"] = self.sender.books.counts()
        return made


def environment(intercom_url: str, klaviyo_url: str, region: str) -> dict[str, str]:
    """What to set, so that the product talks to the stand-ins."""
    return {
        "INTERCOM_URL": intercom_url,
        "INTERCOM_REGION": region.lower(),
        "INTERCOM_TOKEN": TOKEN,
        "INTERCOM_CLIENT_SECRET": SECRET,
        "KLAVIYO_URL": klaviyo_url,
        "KLAVIYO_API_KEY": KEY,
    }


class PortTaken(Exception):
    """Somebody else listens where a stand-in was to."""

    def __init__(self, service: str, port: int) -> None:
        super().__init__(f"{service}'s port, {port}, is taken")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stand-in listens."""

    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"


def serve(
    sandbox: Sandbox,
    ports: tuple[int, int],
    started: Callable[[Address, Address], None],
    stop: threading.Event | None = None,
) -> None:
    """Serve both until interrupted; *started* gets the addresses of Intercom and Klaviyo once they listen.

    A port of 0 is any that is free; *stop* ends it from another thread. Raises PortTaken.
    """
    sockets = _bound(ports)
    apps = (sandbox.intercom(), sandbox.klaviyo())
    servers = [
        uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False))
        for app in apps
    ]
    addresses = [Address(bound.getsockname()[1]) for bound in sockets]

    async def run() -> None:
        tasks = [
            asyncio.create_task(server.serve(sockets=[bound]))
            for server, bound in zip(servers, sockets, strict=True)
        ]
        while not all(server.started for server in servers) and not any(task.done() for task in tasks):
            await asyncio.sleep(0.01)
        started(*addresses)
        post = asyncio.create_task(_post(sandbox))
        while not any(task.done() for task in tasks) and not (stop and stop.is_set()):
            await asyncio.sleep(0.05)
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        post.cancel()
        with suppress(asyncio.CancelledError):
            await post

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


def _bound(ports: tuple[int, int]) -> list[socket.socket]:
    """A socket for each stand-in. Raises PortTaken, and then holds none."""
    made: list[socket.socket] = []
    for service, port in zip(("Intercom", "Klaviyo"), ports, strict=True):
        config = uvicorn.Config(_nothing, host=HOST, port=port, log_level="critical")
        try:
            made.append(config.bind_socket())
        except (OSError, SystemExit):
            for one in made:
                one.close()
            raise PortTaken(service, port) from None
    return made


async def _post(sandbox: Sandbox) -> None:
    """Send webhooks as they come due."""
    sender, is_taken = sandbox.sender, False
    while True:
        if sender is not None and not is_taken:  # the receiver may be started later than this
            is_taken = await asyncio.to_thread(sender.register)
        await asyncio.to_thread(sandbox.send_due)
        await asyncio.sleep(0.05)


async def _nothing(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Stands for an app where only a socket is made."""


def _is_near(request: Request, *, itself: bool = False) -> bool:
    """Whether it comes from this machine, by a name of it, and from no page (but our own, with *itself*)."""
    client = request.client.host if request.client else HOST
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    is_ours = origin is None or (itself and origin == own)
    return client in LOOPBACK and request.url.hostname in LOOPBACK and is_ours


def _far() -> Response:
    return JSONResponse({"error": "orders come from this machine alone"}, 403)
