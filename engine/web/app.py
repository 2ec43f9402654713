"""`Web`: the whole of what the relay serves, as one ASGI app."""

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.web.metrics import Metrics
from engine.web.webhooks import Webhooks

PATH = "/intercom"
"""Where webhooks are posted to."""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], str]
"""What is wrong, in words without a customer's value; nothing where all is well."""


class Web:
    """Webhooks at `/intercom`; `/healthz`, `/readyz` and `/metrics` for those who watch.

    *checks* say by their name whether the relay can work.
    """

    def __init__(
        self, webhooks: Webhooks, metrics: Metrics, checks: Mapping[str, Check] | None = None
    ) -> None:
        self.webhooks = webhooks
        self._metrics = metrics
        self._checks = dict(checks or {})
        self._pages = Starlette(
            routes=[
                Route("/healthz", _is_alive, methods=["GET"]),
                Route("/readyz", self._is_ready, methods=["GET"]),
                Route("/metrics", self._measured, methods=["GET"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; webhooks first, since they are most of them."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self.webhooks(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def stop(self) -> None:
        """Answer webhooks with 503 from now on: in the event loop's thread."""
        self.webhooks.stop()

    def _is_ready(self, _: Request) -> Response:
        found = {name: _tried(check) for name, check in self._checks.items()}
        if self.webhooks.is_stopping:
            found["running"] = "the relay is stopping"
        is_ready = not any(found.values())
        told = {name: wrong or "ok" for name, wrong in found.items()}
        return JSONResponse({"ready": is_ready, "checks": told}, 200 if is_ready else 503)

    def _measured(self, _: Request) -> Response:
        return Response(self._metrics.text(), headers={"content-type": METRICS_TYPE})


async def _is_alive(_: Request) -> Response:
    return PlainTextResponse("ok")


def _tried(check: Check) -> str:
    try:
        return check()
    except Exception as error:
        return f"it could not be checked ({type(error).__name__})"
