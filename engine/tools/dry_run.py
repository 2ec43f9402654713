"""A transport that sends nothing: each request is shown, and taken to be accepted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.klaviyo.limits import PROFILE_IMPORT
from engine.klaviyo.windows import Stopped, never
from engine.ports import Response

TAKEN = b'{"data":{"id":"dry-run"}}'
ENDED = b'{"data":{"attributes":{"status":"complete","failed_count":0}}}'


@dataclass(frozen=True, slots=True)
class DryTransport:
    """Stops before the wire. *show* gets the method, the address and the body of each request that writes.

    Headers are not shown: the key is one of them.
    """

    show: Callable[[str, str, Any], None]

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Show it, and answer as Klaviyo does where all is well."""
        if method == "GET":
            return Response(200, {}, ENDED)
        self.show(method, url, msgspec.json.decode(body or b"null"))
        return Response(200 if url.endswith(PROFILE_IMPORT) else 202, {}, TAKEN)


class OpenWindows:
    """Limits of nobody: what is not sent need not wait."""

    def wait(self, endpoint: str, until: float | None = None, stopped: Stopped = never) -> None:
        """There is always room."""

    def told(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Nothing is told."""

    def pause(self, endpoint: str, seconds: float) -> None:
        """Nobody asks to wait."""
