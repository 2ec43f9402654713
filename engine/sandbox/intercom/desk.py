"""`Desk`: a request of Intercom's REST -> its answer, after a look at who asks, and in which version."""

import json
import random
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from engine.ports import Clock, Response
from engine.sandbox.intercom import reading
from engine.sandbox.intercom.memory import Memory
from engine.sandbox.intercom.reading import Asked, Desired
from engine.sandbox.intercom.refusals import Refusal, invalid, missing
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.versions import NEWEST, VERSIONS, Object
from engine.sandbox.intercom.view import View
from engine.sandbox.intercom.windows import CALLS_PER_MINUTE, Windows
from engine.sandbox.intercom.workspace import Workspace

Fault = Callable[[str, str], Response | None]
"""From a method and a path to what is answered instead; None where all is well."""

TOKEN = "sandbox"
_ONE, _MANY = "Read one user and one company", "Read and list users and companies"
_CONVERSATIONS, _TICKETS = "Read conversations", "Read tickets"
_TAGS, _ADMINS = "Read tags", "Read admins"
SCOPES = frozenset((_ONE, _MANY, _CONVERSATIONS, _TICKETS, _TAGS, _ADMINS))
"""What the token of an app may read, as the checkboxes in Intercom's Developer Hub are called."""

_ID = "([^/]{1,200})"
_ROUTES: tuple[tuple[str, str, str, Callable[..., Object]], ...] = (
    ("GET", "/me", "", reading.me),
    ("GET", "/admins", _ADMINS, reading.admins),
    ("GET", f"/admins/{_ID}", _ADMINS, reading.admin),
    ("GET", "/teams", _ADMINS, reading.teams),
    ("GET", f"/teams/{_ID}", _ADMINS, reading.team),
    ("GET", "/tags", _TAGS, reading.tags),
    ("GET", f"/companies/{_ID}", _ONE, reading.company),
    ("GET", "/segments", _MANY, reading.segments),
    ("GET", "/ticket_types", _TICKETS, reading.ticket_types),
    ("GET", "/ticket_states", _TICKETS, reading.ticket_states),
    ("GET", f"/contacts/find_by_external_id/{_ID}", _ONE, reading.contact_by_external_id),
    ("GET", f"/contacts/{_ID}/tags", _TAGS, reading.contact_tags),
    ("GET", f"/contacts/{_ID}/subscriptions", _ONE, reading.contact_subscriptions),
    ("GET", f"/contacts/{_ID}", _ONE, reading.contact),
    ("GET", "/contacts", _MANY, reading.contacts),
    ("POST", "/contacts/search", _MANY, reading.search_contacts),
    ("GET", "/conversations", _CONVERSATIONS, reading.conversations),
    ("GET", f"/conversations/{_ID}", _CONVERSATIONS, reading.conversation),
    ("POST", "/conversations/search", _CONVERSATIONS, reading.search_conversations),
    ("GET", f"/tickets/{_ID}", _TICKETS, reading.ticket),
    ("POST", "/tickets/search", _TICKETS, reading.search_tickets),
)
"""Method, path, the scope that it takes, and who answers; a scope of "" is for any token."""


@dataclass
class Desk:
    """Everything that REST answers, over one workspace.

    *tokens* are those that are accepted, each with its scopes. *version* is what the app is set to: that
    of requests which name none. *is_paid* is whether the workspace has a subscription at all. *fault* is
    asked before anything else. *repeats_cursor* makes the second page of every list name itself as the next.
    """

    workspace: Workspace
    clock: Clock
    tokens: Mapping[str, Collection[str]] = field(default_factory=lambda: {TOKEN: SCOPES})
    version: str = NEWEST
    switches: Switches = field(default_factory=Switches)
    calls_per_minute: int = CALLS_PER_MINUTE
    is_paid: bool = True
    fault: Fault | None = None
    repeats_cursor: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self._windows = Windows(self.clock, self.calls_per_minute)
        self._memory = Memory(self.workspace)
        self._rng = random.Random(self.seed)

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The answer to a request; the names of *headers* are in lower case."""
        if self.fault and (instead := self.fault(method, path)):
            return instead
        told: dict[str, str] = {}
        try:
            scopes = self._scopes(headers)
            has_room = self._windows.take()
            told = self._windows.headers()
            if not has_room:
                limit = f"Exceeded rate limit of {self._windows.limit} in 10_seconds"
                raise Refusal(429, "rate_limit_exceeded", limit)
            view = View(self.workspace, self._version(headers), self.switches)
            return self._written(200, self._made(view, scopes, method, path, query, body), told)
        except Refusal as refusal:
            link = {"link": refusal.link} if refusal.link else {}
            request_id = str(UUID(int=self._rng.getrandbits(128), version=4))
            return self._written(refusal.status, refusal.body(request_id), told | link)

    def _made(
        self, view: View, scopes: Collection[str], method: str, path: str, query: str, body: bytes
    ) -> Object:
        scope, make, given = _route(method, path)
        if not self.is_paid:
            raise Refusal(403, "api_plan_restricted", "Active subscription needed.")
        if scope and scope not in scopes:
            raise Refusal(403, "token_unauthorized", "Not authorized to access this resource")
        asked = Asked(
            view,
            dict(parse_qsl(query, keep_blank_values=True)),
            _decoded(body) if method == "POST" else {},
            self.clock.now().timestamp(),
            Desired(_TICKETS in scopes, self.repeats_cursor),
            self._memory,
        )
        return make(asked, *given)

    def _scopes(self, headers: Mapping[str, str]) -> Collection[str]:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or token.strip() not in self.tokens:
            raise Refusal(401, "unauthorized", "Access Token Invalid")
        return self.tokens[token.strip()]

    def _version(self, headers: Mapping[str, str]) -> str:
        version = headers.get("intercom-version", "").strip() or self.version
        if version not in VERSIONS:
            sentence = "The requested version could not be found"
            raise Refusal(400, "intercom_version_invalid", sentence)
        return version

    def _written(self, status: int, value: Object, headers: Mapping[str, str]) -> Response:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(status, {"content-type": "application/json; charset=utf-8", **headers}, body)


def _route(method: str, path: str) -> tuple[str, Callable[..., Object], tuple[str, ...]]:
    """The scope that an address takes, who answers, and what stands in the address. Raises Refusal."""
    for verb, pattern, scope, make in _ROUTES:
        if verb == method and (match := re.fullmatch(pattern, path)):
            return scope, make, match.groups()
    raise missing()


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid("the body is not a JSON object", "bad_request")
    return value
