"""What is under `HttpTransport`: connections of `requests` and urllib3 that know of a deadline.

Slow to import, and imported by the first request. The libraries are held where they would go on alone:
no Session, which follows redirects, reads netrc, keeps cookies, and unpacks the body of a redirect even
where it follows none.
"""

import io
import logging
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from re import fullmatch
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError

from engine.errors import FateUnknown, NotSent, Unavailable

FAILURES = (requests.RequestException, HTTPError, HTTPException, zlib.error, OSError, ValueError)
"""What a request may end with, besides an answer."""

HOSTS = 4
CONNECTIONS = 20
"""Kept of each host; more are opened where more threads ask, and closed again."""
_HEAD_BYTES = 4 * 1024 * 1024
"""Headers, and the frames around pieces of a body, on top of the body itself."""
_TALKATIVE = ("urllib3.connectionpool", "urllib3.connection", "urllib3.response", "urllib3.util.retry")


class Attempt(threading.local):
    """The request of this thread: when it must have ended, and how far it has come."""

    def __init__(self, total_seconds: float, read_seconds: float, largest_bytes: int) -> None:
        self._total_seconds = total_seconds
        self._read_seconds = read_seconds
        self._largest_bytes = largest_bytes
        self._received_bytes = 0
        self._ends = 0.0
        self.is_sent = False
        self._quiet = _Quiet.of_all()

    def begin(self) -> None:
        """Count from now on."""
        self._ends = time.monotonic() + self._total_seconds
        self._received_bytes = 0
        self.is_sent = False

    def left(self, at_most: float | None = None) -> float:
        """The seconds that are left for a step. Raises TimeoutError where none are."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline has passed")
        return seconds if at_most is None else min(seconds, at_most)

    def for_piece(self) -> float:
        """The seconds to wait for the next bytes."""
        return self.left(self._read_seconds)

    def received(self, count: int) -> None:
        """Count bytes. Raises FateUnknown where they are too many, be they body or headers."""
        self._received_bytes += count
        if self._received_bytes > self._largest_bytes + _HEAD_BYTES:
            raise self.too_large()

    def too_large(self) -> FateUnknown:
        """What is said of an answer that is over the limit."""
        return FateUnknown(f"the answer is over {self._largest_bytes // 1024 // 1024} MB")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Keep urllib3 from logging: it names addresses with their queries, and what it cannot read."""
        self._quiet.is_on = True
        try:
            yield
        finally:
            self._quiet.is_on = False


class _Quiet(logging.Filter, threading.local):
    """Drops what is logged in a thread while a request of ours runs there; leaves others alone."""

    is_on = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may be logged."""
        return not self.is_on

    @classmethod
    def of_all(cls) -> "_Quiet":
        """The filter on urllib3's loggers: one, however many transports there are."""
        loggers = [logging.getLogger(name) for name in _TALKATIVE]
        known = next((one for one in loggers[-1].filters if isinstance(one, cls)), None) or cls()
        for logger in loggers:
            logger.addFilter(known)
        return known


class Connections:
    """The kept connections of a transport, and what its environment adds to a request."""

    def __init__(
        self,
        trust_env: bool,
        total_seconds: float,
        connect_seconds: float,
        read_seconds: float,
        largest_bytes: int,
    ) -> None:
        self._timeouts = (min(connect_seconds, total_seconds), min(read_seconds, total_seconds))
        self._attempt = Attempt(total_seconds, read_seconds, largest_bytes)
        self._adapter = _adapter(self._attempt)
        # It sends nothing: it only knows what the environment says of proxies and certificates.
        self._environment = requests.Session()
        self._environment.trust_env = trust_env

    def begin(self) -> Attempt:
        """The attempt of this thread, from now on."""
        self._attempt.begin()
        return self._attempt

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        """Send, and wait for the headers of the answer. Raises FAILURES."""
        request = requests.Request(method, url, dict(headers), data=body, auth=_as_it_is).prepare()
        around: Any = self._environment.merge_environment_settings(url, {}, True, None, None)
        return self._adapter.send(request, timeout=self._timeouts, **around)

    def close(self) -> None:
        """Close those that wait for a next request."""
        self._adapter.close()


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authentication but that of the given headers: none of the address, none of netrc."""
    return request


class _Limited(io.RawIOBase):
    """A socket's bytes, of which each piece comes before the deadline or not at all."""

    def __init__(self, raw: Any, socket: Any, attempt: Attempt) -> None:
        self._raw = raw
        self._socket = socket
        self._attempt = attempt
        self.has_ended = False

    def readable(self) -> bool:
        """It is only read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, as long as is left."""
        self._socket.settimeout(self._attempt.for_piece())
        count: int = self._raw.readinto(buffer)
        self._attempt.received(count)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        """Close the socket's file too."""
        if not self.closed:
            self._raw.close()
        super().close()


def _adapter(attempt: Attempt) -> HTTPAdapter:
    """An adapter whose connections, also those to a proxy, tell the attempt how far it has come."""

    class Answer(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
            super().__init__(sock, *args, **more)
            self._limited = _Limited(self.fp.detach(), sock, attempt)
            self.fp = io.BufferedReader(self._limited)

        def begin(self) -> None:
            super().begin()
            # http.client takes an end for the end of the headers, and a line that is none for their end.
            length = self.getheader("content-length") or "0"
            if self._limited.has_ended or self.msg.get_payload() or not fullmatch("[0-9]{1,18}", length):
                raise HTTPException("the headers are broken")

        def _read_status(self) -> tuple[str, int, str]:
            # http.client passes over 100 alone, and would take 103 for the answer.
            version, status, reason = super()._read_status()  # type: ignore[misc]
            return version, 100 if 100 <= status < 200 else status, reason

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            # urllib3 gives each of a name's addresses the whole time to connect.
            named, seconds = self._dns_host, self.timeout
            try:
                found = socket.getaddrinfo(named, self.port, type=socket.SOCK_STREAM)
            except OSError as error:
                raise NameResolutionError(self.host, self, error) from None  # type: ignore[arg-type]
            try:
                for *_, address in found[:-1]:
                    self._dns_host, self.timeout = str(address[0]), attempt.left(seconds)
                    with suppress(HTTPError):
                        return super()._new_conn()
                self._dns_host, self.timeout = str(found[-1][-1][0]), attempt.left(seconds)
                return super()._new_conn()
            finally:
                self._dns_host = named

        def connect(self) -> None:
            try:
                super().connect()
            finally:
                attempt.is_sent = False  # what opens a tunnel through a proxy is not the request

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            self.sock.settimeout(attempt.left())
            attempt.is_sent = True
            super().send(data)

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pools = {"http": PlainPool, "https": SecurePool}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            super().init_poolmanager(*args, **more)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
            manager = super().proxy_manager_for(*args, **more)
            manager.pool_classes_by_scheme = pools
            return manager

    return Adapter(pool_connections=HOSTS, pool_maxsize=CONNECTIONS, max_retries=0)


def told(error: Exception, is_sent: bool) -> Unavailable:
    """What went wrong, in our words: theirs hold the address with its query, and our keys."""
    causes = _causes(error)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if is_sent:
        if has(TimeoutError, requests.Timeout):
            return FateUnknown("no whole answer came in time")
        if has(zlib.error):
            return FateUnknown("the answer cannot be unpacked")
        return FateUnknown("the connection broke before the answer was whole")
    if has(requests.exceptions.ProxyError):
        return NotSent("the proxy cannot be reached")
    if has(NameResolutionError):
        return NotSent("the name of the service is not known here")
    if has(SSLError):
        return NotSent("no trusted connection came about: its certificate or the encryption is refused")
    if has(TimeoutError, requests.ConnectTimeout):
        return NotSent("no connection came about in time")
    if has(NewConnectionError, OSError) and not isinstance(error, ValueError):
        return NotSent("no connection came about")
    return NotSent("the address or a header cannot be sent")


def _causes(error: BaseException) -> list[BaseException]:
    """An error with all that is behind it: the libraries wrap one in another."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found
