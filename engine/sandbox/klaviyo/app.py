"""The stand-in over HTTP: `klaviyo_app` makes a Starlette app of an account.

    uvicorn.run(klaviyo_app(Account()), port=8100)

Below `/api` it answers as Klaviyo; below `/control`, for this machine alone, it takes orders.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from engine.sandbox.faults import BadFaults, Fault
from engine.sandbox.klaviyo import front, problems
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.json_text import LARGEST_BODY_BYTES, unpacked, value_of
from engine.sandbox.klaviyo.problems import Problem, Refusal, not_found
from engine.sandbox.klaviyo.queries import asked_of
from engine.sandbox.klaviyo.windows import LIMITS
from engine.sandbox.klaviyo.work import Task, Work

MEDIA_TYPE = "application/vnd.api+json"
CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
LOOPBACK = ("localhost", "127.0.0.1", "::1", "testserver")
Sleep = Callable[[float], Awaitable[None]]


def klaviyo_app(account: Account, *, sleep: Sleep = asyncio.sleep) -> Starlette:
    """The app of an account. *sleep* is what makes an answer slow."""
    control = Control(account)
    routes = [
        Mount("/api", app=Api(account, sleep)),
        Route("/control/faults", control.faults, methods=["POST"]),
        Route("/control/flush", control.flush, methods=["POST"]),
        Route("/control/state", control.state, methods=["GET"]),
        Route("/control/events", control.events, methods=["POST"]),
    ]
    return Starlette(routes=routes)


class Broken(Response):
    """An answer that begins and never ends: the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"64")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


class Api:
    """Everything below `/api`."""

    def __init__(self, account: Account, sleep: Sleep) -> None:
        self._account = account
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw = await _read(request)
        if raw is None:
            return
        fault = self._fault(request)
        if fault and fault.kind == "slow":
            await self._sleep(fault.seconds)
        response = self._answer(request, raw, fault)
        await response(scope, receive, send)

    def _fault(self, request: Request) -> Fault | None:
        try:
            endpoint = front.route_of(request.method, request.url.path).endpoint
        except Refusal:
            return None
        return self._account.faults.next_for(endpoint)

    def _answer(self, request: Request, raw: bytes, fault: Fault | None) -> Response:
        """Answer one request, and write both down."""
        account = self._account
        with account.lock:
            account.settle()
            arrival = self._note_arrival(request, raw)
            turn = _Turn(account, request, raw, fault, arrival)
            status, value, headers = turn.answered()
            happened = fault.kind if fault and turn.reached else ""
            lost = happened in ("dropped", "reset")
            errors = value.get("errors", []) if isinstance(value, dict) else []
            account.books.note(
                "answered", arrival=arrival, status=status, endpoint=turn.endpoint, quota=turn.quota,
                fault=happened, lost=lost, codes=[one["code"] for one in errors],
                reasons=[[one.get("source", {}).get("pointer", ""), one["detail"]] for one in errors],
            )  # fmt: skip
        if lost:
            return Broken(status_code=status)
        if isinstance(value, bytes):
            return Response(value, status, headers, media_type="text/html")
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode("utf-8")
        return Response(body, status, headers, media_type=MEDIA_TYPE)

    def _note_arrival(self, request: Request, raw: bytes) -> int:
        return self._account.books.note(
            "arrived",
            request=f"{request.method} {request.url.path}",
            query=request.scope.get("query_string", b"").decode("latin-1"),
            encoding=request.headers.get("content-encoding", ""),
            body=raw.decode("utf-8", "surrogateescape"),
        )


class _Turn:
    """One request on its way through the checks, in Klaviyo's order."""

    def __init__(
        self, account: Account, request: Request, raw: bytes, fault: Fault | None, arrival: int
    ) -> None:
        self._account = account
        self._request = request
        self._raw = raw
        self._kind = fault.kind if fault else ""
        self._fault = fault or Fault("")
        self._arrival = arrival
        self._window: dict[str, str] = {}
        self.endpoint = ""
        self.quota = ""
        self.reached = False
        """Whether it came as far as the place where its fault happens."""

    def answered(self) -> tuple[int, Any, Mapping[str, str]]:
        """The status, the value and the headers of the answer."""
        if self._kind == "challenge":
            self.reached = True
            return 403, CHALLENGE, {"cf-mitigated": "challenge", "server": "cloudflare"}
        try:
            status, value = self._passed()
        except Refusal as refusal:
            errors = [one.rendered(self._account.new_uuid()) for one in refusal.problems]
            status = refusal.problems[0].status
            window = {} if status == 429 else self._window
            return status, {"errors": errors}, {**window, **refusal.headers}
        return status, value, self._window

    def _passed(self) -> tuple[int, Any]:
        account, request = self._account, self._request
        headers = request.headers
        caller = front.caller_of(headers, account.keys, account.switches)
        revision = front.revision_of(headers, account.switches)
        route = front.route_of(request.method, request.url.path)
        self.endpoint, self.quota = route.endpoint, caller.quota
        self._happens("scope", problems.no_scope())
        front.check_scopes(route.endpoint, caller)
        self._take_window(route.endpoint, caller.quota)
        if self._kind == "reset":
            self.reached = True
            return 503, None
        self._happens("error-before", _server_error(self._fault.status))
        writes = not route.endpoint.startswith("GET")
        if writes:
            front.check_media_type(headers)
        body, size = self._body() if writes else (None, 0)
        asked = asked_of(route.endpoint, request.query_params.multi_items())
        base = str(request.base_url).rstrip("/")
        root = base if base.endswith("/api") else f"{base}/api"
        address = f"{root.removesuffix('/api')}{request.url.path.rstrip('/')}"
        task = Task(route.endpoint, route.ids, caller, revision, asked, address, self._arrival, body, size)
        answer = Work(account, root).done(task)
        self._happens("error-after", _server_error(self._fault.status))
        self.reached = self._kind in ("dropped", "slow")
        return answer

    def _body(self) -> tuple[Any, int]:
        headers, switches = self._request.headers, self._account.switches
        encoding = headers.get("content-encoding", "").strip().lower()
        raw = unpacked(self._raw, encoding, switches.gzip)
        return value_of(raw), len(raw)

    def _take_window(self, endpoint: str, quota: str) -> None:
        extra = self._request.query_params.get("additional-fields[profile]", "")
        stricter = f"{endpoint} with predictive_analytics"
        row = stricter if "predictive_analytics" in extra and stricter in LIMITS else endpoint
        self.endpoint = row
        if self._kind.startswith("throttled"):
            self.reached = True
            seconds = 0 if self._kind == "throttled-zero" else self._fault.seconds
            raise _throttled(seconds, self._kind != "throttled-bare")
        taken = self._account.windows.take(row, quota)
        if not taken.fits:
            raise _throttled(taken.retry_after, True)
        self._window = taken.headers

    def _happens(self, kind: str, problem: Problem) -> None:
        if self._kind == kind:
            self.reached = True
            raise Refusal(problem)


def _throttled(seconds: int, with_header: bool) -> Refusal:
    headers = {"Retry-After": str(seconds)} if with_header else {}
    return Refusal(problems.throttled(seconds), headers=headers)


def _server_error(status: int) -> Problem:
    return Problem(status, "error", "A server error occurred.", "A server error occurred.")


async def _read(request: Request) -> bytes | None:
    """The body, and no more of it than any limit allows; None where whoever sends it goes away."""
    raw = bytearray()
    try:
        async for part in request.stream():
            raw += part
            if len(raw) > LARGEST_BODY_BYTES:
                break
    except ClientDisconnect:
        return None
    return bytes(raw)


class Control:
    """Orders to the stand-in, from this machine alone."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def faults(self, request: Request) -> Response:
        """Take an order of faults; `others` says how many requests a minute other integrations send."""
        if not _is_near(request):
            return _far()
        raw = await _read(request)
        try:
            wanted = value_of(raw or b"")
            if not isinstance(wanted, dict):
                raise BadFaults("an object is expected")
            others = wanted.pop("others", None)
            if others is not None:
                self._check_others(others)
            self._account.faults.order(wanted)
        except (Refusal, BadFaults) as error:
            return _json({"error": str(error)}, 400)
        with self._account.lock:
            self._account.windows.others = others if others is not None else self._account.windows.others
            self._account.books.note("ordered", faults=wanted, others=others)
        return _json({"counts": dict(self._account.faults.counts)})

    def _check_others(self, others: Any) -> None:
        if not isinstance(others, dict) or not set(others) <= set(LIMITS):
            raise BadFaults("`others` is an object by endpoint, as 'POST /api/events'")
        if not all(type(count) is int and 0 <= count < 10**6 for count in others.values()):
            raise BadFaults("`others` are whole numbers of requests a minute")

    async def flush(self, request: Request) -> Response:
        """Process all that waits."""
        if not _is_near(request):
            return _far()
        self._account.flush()
        return await self.state(request)

    async def events(self, request: Request) -> Response:
        """Every event, after all that waits is processed."""
        if not _is_near(request):
            return _far()
        self._account.flush()
        return _json(self._account.told_events())

    async def state(self, request: Request) -> Response:
        """What is stored and what waits, as numbers; the flows that would have been started."""
        if not _is_near(request):
            return _far()
        account = self._account
        with account.lock:
            told = {
                "waiting": account.settle(),
                "profiles": len(account.people.by_id),
                "events": len(account.events),
                "metrics": sorted(one.name for one in account.metrics.values()),
                "jobs": {one.id: one.status for one in account.jobs.values()},
                "flow_triggers": account.flow_triggers,
                "faults": dict(account.faults.counts),
                "books": sum(1 for _ in account.books.entries()),
            }
        return _json(told)


def _is_near(request: Request) -> bool:
    """Whether it comes from this machine, and by a name of this machine: no page of elsewhere may order."""
    client = request.client.host if request.client else "127.0.0.1"
    near = client in LOOPBACK or client.startswith("127.") or client == "testclient"
    origin = request.headers.get("origin")
    return near and request.url.hostname in LOOPBACK and origin is None


def _far() -> Response:
    return _json({"errors": [not_found("Not found.").rendered("0")]}, 404)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), status, media_type="application/json")
