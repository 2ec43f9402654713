"""The address that Intercom posts to: the signature, the envelope, on the disk, and only then 200."""

import time
from collections.abc import Awaitable, Callable, Collection

from starlette.types import Receive, Scope, Send

from engine.errors import Forged, Unavailable, Unreadable
from engine.intercom import webhook
from engine.ledger.inbox import Received
from engine.relay.envelope import received
from engine.web.bodies import Bodies
from engine.web.metrics import Metrics
from engine.web.outcomes import (
    FORGED,
    KEPT,
    STOPPING,
    UNAVAILABLE,
    UNREADABLE,
    VALIDATED,
    WRONG_METHOD,
    Outcome,
    Refused,
)

METHODS = "HEAD, POST"


class Webhooks:
    """An ASGI app. *secrets* gives the client secrets of the moment, *now* the seconds since 1970.

    *keep* returns once a notification is on the disk, such as `Intake.keep`; raises Unavailable.
    """

    def __init__(
        self,
        secrets: Callable[[], Collection[str]],
        keep: Callable[[Received], Awaitable[object]],
        now: Callable[[], float],
        metrics: Metrics,
        bodies: Bodies | None = None,
    ) -> None:
        self._secrets = secrets
        self._keep = keep
        self._now = now
        self._metrics = metrics
        self._bodies = bodies or Bodies()
        self.is_stopping = False
        self.forged_in_a_row = 0
        """Signatures that did not match since the last one that did: our secret may be an old one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        began = time.perf_counter()
        topic = ""
        try:
            self._admit(scope["method"])
            body = await self._bodies.read(scope["headers"], receive)
            one = self._opened(scope, body)
            topic = one.topic
            await self._keep(one)
            outcome = KEPT
        except Refused as refused:
            outcome = refused.outcome
        except Unavailable:
            outcome = UNAVAILABLE
        self._metrics.count(outcome.name, topic, time.perf_counter() - began)
        await answer(send, outcome)

    def stop(self) -> None:
        """Take nothing more, and let those that are being read come to an end: in the event loop's thread."""
        self.is_stopping = True
        self._bodies.stop()

    def _admit(self, method: str) -> None:
        if method == "HEAD":
            raise Refused(VALIDATED)
        if method != "POST":
            raise Refused(WRONG_METHOD)
        if self.is_stopping:
            raise Refused(STOPPING)

    def _opened(self, scope: Scope, body: bytes) -> Received:
        """The notification, once it is Intercom's. Raises Refused."""
        try:
            webhook.check(scope["headers"], body, self._secrets())
        except Forged:
            self.forged_in_a_row += 1
            raise Refused(FORGED) from None
        self.forged_in_a_row = 0
        try:
            return received(body, self._now())
        except Unreadable:
            raise Refused(UNREADABLE) from None


async def answer(send: Send, outcome: Outcome) -> None:
    """Send the answer of an outcome, if it has one."""
    if not outcome.status:
        return
    text = outcome.text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    if outcome is WRONG_METHOD:
        headers.append((b"allow", METHODS.encode()))
    if outcome.closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": outcome.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
