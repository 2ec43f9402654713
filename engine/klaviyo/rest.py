"""One request to Klaviyo, and what its answer means.

Which answers are tried again, which are final, and which say that our key is at fault: Klaviyo's page on
errors, and what others saw (an HTML 403 comes from the edge of its network, and passes).
"""

import json
import threading
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from re import fullmatch, search
from typing import Any
from urllib.parse import urlencode

import msgspec

from engine.address import checked_address
from engine.clock import SystemClock
from engine.errors import Denied, NotSent, Rejected, Throttled, Unavailable
from engine.klaviyo.limits import ENDPOINTS
from engine.klaviyo.windows import LONGEST_PAUSE, RATE_SHARE, OwnWindows, Windows
from engine.ports import Response, Timer, Transport

URL = "https://a.klaviyo.com"
REVISION = "2026-07-15"
MEDIA_TYPE = "application/vnd.api+json"
NOT_OURS = {
    404: "it knows no such address",
    405: "it does not take this there",
    410: "it no longer knows this revision of its API",
    415: "it does not take this kind of body",
}
"""Refusals that every event would meet: to go on would only lose them all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of Klaviyo's `errors`."""

    code: str = ""
    pointer: str = ""
    detail: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> list[str]:
        """The steps of the pointer."""
        steps = self.pointer.strip("/").split("/") if self.pointer else []
        return [step.replace("~1", "/").replace("~0", "~") for step in steps]


class Refused(Rejected):
    """A request that Klaviyo refuses for its body, with all that it says of it."""

    def __init__(self, status: int, faults: Sequence[Fault]) -> None:
        self.status = status
        self.faults = tuple(faults)
        first = self.faults[0] if self.faults else Fault()
        super().__init__(f"Klaviyo refuses it ({status})", first.pointer, first.detail)


class Rest:
    """Klaviyo's API: one try a request, within the windows.

    *key* is a private API key, or *access_token* an OAuth token. *url* is for a stand-in. Raises
    ValueError where neither or both are given, or an argument cannot be used.
    """

    def __init__(
        self,
        key: str = "",
        *,
        access_token: str = "",
        revision: str = REVISION,
        url: str = "",
        rate_share: float = RATE_SHARE,
        transport: Transport | None = None,
        clock: Timer | None = None,
        windows: Windows | None = None,
    ) -> None:
        self.revision = revision
        self.clock = clock or SystemClock()
        self._url = checked_address(url or URL)
        self._headers = {
            "Authorization": _authorization(key, access_token),
            "revision": revision,
            "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
            "Accept": MEDIA_TYPE,
        }
        self.stopped = threading.Event()
        """While it is set, nothing leaves that has to wait first."""
        self.rate_share = rate_share
        self._windows = windows or OwnWindows(self.clock, rate_share)
        self._transport = transport

    def sharing(self, windows: Windows) -> "Rest":
        """The same account and connections, within other windows."""
        made = copy(self)
        made.stopped = threading.Event()
        made._transport = self._wire()
        made._windows = windows
        return made

    def use(self, key: str = "", *, access_token: str = "") -> None:
        """Send this key, or this token, from the next request on. Raises ValueError as for a new Rest."""
        self._headers = {**self._headers, "Authorization": _authorization(key, access_token)}

    def send(
        self,
        endpoint: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        ids: Mapping[str, str] | None = None,
        until: float | None = None,
    ) -> Any:
        """The value of the answer, or None where it has no body. *endpoint* is a key of `limits.ENDPOINTS`.

        *ids* stand in its path. *until* bounds a wait that Klaviyo has asked for, on the clock's
        `monotonic`. Raises Unavailable (NotSent, FateUnknown), Denied, and Refused with Klaviyo's reasons.
        """
        method, _, path = endpoint.partition(" ")
        url = self._url + path.format(**(ids or {})) + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | ({"Content-Type": MEDIA_TYPE} if body is not None else {})
        raw = None if body is None else msgspec.json.encode(body)
        self._windows.wait(endpoint, until, self.stopped.is_set)
        try:
            response = self._wire().send(method, url, headers, raw)
        except NotSent as error:
            raise NotSent(f"{error.reason} (Klaviyo at {self._url})") from None
        if response.status == 429:
            seconds = retry_after(response, self.clock.now())
            self._windows.pause(endpoint, seconds or 1.0)
            told = (
                f"Klaviyo asks to wait {seconds:.0f} seconds (429)"
                if seconds
                else "Klaviyo asks to wait (429)"
            )
            raise Throttled(told, seconds)
        self._windows.told(endpoint, response.headers)
        names_one = isinstance(body, dict) and bool((body.get("data") or {}).get("id"))
        if response.status == 404 and names_one and (faults := faults_of(response)):
            raise Refused(404, faults)  # the profile is gone, and not the address
        return _value(response, endpoint, self.clock.now())

    def _wire(self) -> Transport:
        if self._transport is None:
            # Imported here: what only translates needs no network.
            from engine.transport import HttpTransport

            self._transport = HttpTransport()
        return self._transport


def _authorization(key: str, access_token: str) -> str:
    if bool(key) == bool(access_token):
        raise ValueError("Klaviyo takes a private key or an access token: give one of them")
    if not fullmatch(r"[\x21-\x7e]+", key or access_token):
        raise ValueError("a key of Klaviyo's is ASCII text without spaces")
    return f"Klaviyo-API-Key {key}" if key else f"Bearer {access_token}"


def _value(response: Response, endpoint: str, now: datetime) -> Any:
    """The value of a good answer. Raises what the others mean."""
    status = response.status
    if status in ENDPOINTS[endpoint].good:
        return _good(response)
    if 200 <= status < 300:
        raise _strange(status)
    if 300 <= status < 400:
        raise Unavailable(f"Klaviyo's address answers with a redirect ({status}), which is not followed")
    if status == 401:
        raise Denied("Klaviyo does not accept the key (401)")
    if status == 403 and not _is_from_edge(response):
        scopes = ENDPOINTS[endpoint].scopes
        raise Denied(f"the key lacks a scope for this (403): {' and '.join(scopes)}", " ".join(scopes))
    if status in NOT_OURS and not (status == 404 and endpoint.startswith("GET")):
        raise Denied(f"Klaviyo refuses every such request ({status}): {NOT_OURS[status]}")
    if status in (403, 408) or not 400 <= status < 500:
        raise Unavailable(f"Klaviyo cannot answer now ({status})", retry_after(response, now))
    raise Refused(status, faults_of(response))


def _good(response: Response) -> Any:
    if not response.body.strip() and response.status == 202:
        return None
    try:
        value = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict) or (response.status != 202 and "data" not in value):
        raise _strange(response.status)
    return value


def _strange(status: int) -> Unavailable:
    return Unavailable(f"Klaviyo's address answers {status} with something that is no answer of its")


def _is_from_edge(response: Response) -> bool:
    """Whether a 403 is that of the network before Klaviyo: HTML, or a challenge."""
    return "cf-mitigated" in response.headers or not faults_of(response)


def faults_of(response: Response) -> list[Fault]:
    """Klaviyo's reasons; none where the body holds none."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return []
    listed = value.get("errors") if isinstance(value, dict) else None
    return [fault_of(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def fault_of(error: Mapping[str, Any]) -> Fault:
    """One entry of `errors`; what has another type than it should is left out."""
    source = error.get("source")
    pointer = source.get("pointer") or source.get("parameter") if isinstance(source, dict) else ""
    meta = error.get("meta")
    return Fault(
        _text(error.get("code")),
        _text(pointer),
        _text(error.get("detail")),
        meta if isinstance(meta, dict) else {},
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def retry_after(response: Response, now: datetime) -> float | None:
    """How many seconds the answer asks to wait, an hour at most; None where it does not say.

    Klaviyo documents whole seconds; seen were answers without the header, whose text names them.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text and response.status == 429:
        said = next((fault.detail for fault in faults_of(response) if fault.detail), "")
        found = search(r"available in (\d{1,9}) second", said)
        text = found[1] if found else ""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds() if text else -1
        except (ValueError, TypeError, OverflowError):
            return None
        seconds = max(seconds, 0) if text else -1
    if not isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_PAUSE)
