"""`intercom_app`: Intercom's REST on this machine, over a workspace of invented people."""

from collections.abc import Collection, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from engine.clock import SystemClock
from engine.ports import Clock
from engine.sandbox.intercom.desk import SCOPES, TOKEN, Desk, Fault
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.versions import NEWEST
from engine.sandbox.intercom.windows import CALLS_PER_MINUTE
from engine.sandbox.intercom.workspace import Workspace


def intercom_app(
    workspace: Workspace,
    *,
    clock: Clock | None = None,
    tokens: Mapping[str, Collection[str]] | None = None,
    version: str = NEWEST,
    switches: Switches | None = None,
    calls_per_minute: int = CALLS_PER_MINUTE,
    is_paid: bool = True,
    fault: Fault | None = None,
    repeats_cursor: bool = False,
    seed: int = 0,
) -> Starlette:
    """REST over *workspace*: look-ups, lists and searches; nothing that writes.

    *tokens* are those that are accepted, with their scopes (without it `sandbox`, with all of them);
    *version* is what requests get that name none, from 2.9 to 2.16. *clock* is what windows of ten seconds
    and the delay of the contacts' index go by. *fault* may answer instead: see `Faults`.
    """
    desk = Desk(
        workspace,
        clock or SystemClock(),
        {TOKEN: SCOPES} if tokens is None else tokens,
        version,
        switches or Switches(),
        calls_per_minute,
        is_paid,
        fault,
        repeats_cursor,
        seed,
    )

    async def answer(request: Request) -> HttpResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.body()
        made = desk.answer(request.method, request.url.path, request.url.query, headers, body)
        return HttpResponse(made.body, made.status, dict(made.headers))

    return Starlette(
        routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]
    )
