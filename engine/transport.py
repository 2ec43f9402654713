"""`HttpTransport`: one request over the network, and its answer.

Whatever the other side does, a request ends within its deadline, holds no more than 20 MB, opens no
connection but to the address that it was given, and says nothing of our keys. Measured of `requests`
left to itself: an answer that drips takes as long as it likes, a gzip bomb of 1 MB becomes 2 GB of memory
(in the body of a redirect even where none is followed), and a key with a line break is printed.
"""

import re
import threading
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import FateUnknown, NotSent, Unavailable
from engine.ports import Response

if TYPE_CHECKING:
    from engine.connections import Attempt, Connections

CONNECT_SECONDS = 3.05
"""Also for the handshake of TLS. Each address of a name gets as long; the resolver has limits of its own."""
READ_SECONDS = 10.0
"""Between two pieces of an answer."""
TOTAL_SECONDS = 60.0
LARGEST_BYTES = 20 * 1024 * 1024
USER_AGENT = "intercom-klaviyo (+https://pypi.org/project/intercom-klaviyo)"
_PIECE_BYTES = 64 * 1024
_HEADER = re.compile("(?:[!-~](?:[ -~]*[!-~])?)?")


class HttpTransport:
    """Requests over kept connections, from any number of threads.

    *trust_env* takes proxies and their certificates from the environment, which it leaves alone otherwise;
    netrc is never read. *total_seconds* limits a request from its start to the last byte of its answer.
    """

    def __init__(
        self,
        *,
        trust_env: bool = False,
        total_seconds: float = TOTAL_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._trust_env = trust_env
        self._seconds = (total_seconds, connect_seconds, read_seconds)
        self._lock = threading.Lock()
        self._opened: Connections | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """The answer, whatever its status: no redirect is followed, and nothing is tried again.

        Raises NotSent where not a byte of the request has left, and FateUnknown where no whole answer came.
        """
        sent = {"Accept-Encoding": "gzip", "User-Agent": USER_AGENT, **headers}
        answer = self._answer(method, url, sent, body)
        if isinstance(answer, Unavailable):
            # Raised here, where nothing else is: the libraries' errors hold the address and our keys.
            raise answer
        return answer

    def close(self) -> None:
        """Close the kept connections. The next request opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.close()

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response | Unavailable:
        # Imported here: it is slow to import, and what only translates needs none of it.
        from engine.connections import FAILURES, told

        if not all(map(_HEADER.fullmatch, (*headers, *headers.values()))):
            return NotSent("a header holds what cannot be sent")
        connections = self._connections()
        attempt = connections.begin()
        try:
            with attempt.quietly(), connections.ask(method, url, headers, body) as answer:
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, names, _body(answer.raw, names, attempt))
        except Unavailable as failure:
            return failure.with_traceback(None)
        except FAILURES as error:
            return told(error, attempt.is_sent)

    def _connections(self) -> "Connections":
        from engine.connections import Connections

        with self._lock:
            self._opened = self._opened or Connections(self._trust_env, *self._seconds, LARGEST_BYTES)
            return self._opened


def _body(raw: Any, headers: Mapping[str, str], attempt: "Attempt") -> bytes:
    """The answer's body, decoded. Raises FateUnknown where it is too large, broken or in another encoding."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise FateUnknown("the answer is in an encoding that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    is_begun, made = False, bytearray()
    while piece := raw.read(_PIECE_BYTES, decode_content=False):
        is_begun = True
        made += unpack.decompress(piece, LARGEST_BYTES - len(made) + 1) if unpack else piece
        if len(made) > LARGEST_BYTES:
            raise attempt.too_large()
        if unpack and unpack.unused_data:
            raise FateUnknown("the answer goes on after its end")
    if unpack and is_begun and not unpack.eof:
        raise FateUnknown("the answer ends too early")
    return bytes(made)
