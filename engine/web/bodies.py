"""The bodies of requests, from whoever sends them: so large, so slow and so many, and no more."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive

from engine.web.outcomes import BAD_LENGTH, BUSY, GONE, STOPPING, TOO_LARGE, TOO_SLOW, Refused

LARGEST = 5 * 1024 * 1024
SECONDS = 15.0
"""For a whole body."""
SMALL = 64 * 1024
"""So much a connection holds anyway: a body within it takes none of the places, however slowly it comes."""
PLACES = 64
"""Larger bodies that are read at a time."""
MOST_DIGITS = 20
GRACE = 1.0
"""A large body that has been read for longer gives way where there is no place for another."""
SECONDS_AT_THE_END = 3.0
"""For bodies that are being read when the relay is to stop."""

Headers = Iterable[tuple[bytes, bytes]]


class Bodies:
    """Reads bodies, and knows how many are being read."""

    def __init__(self, *, largest: int = LARGEST, seconds: float = SECONDS, places: int = PLACES) -> None:
        self._largest = largest
        self._seconds = seconds
        self._places = places
        self._reading: set[asyncio.Timeout] = set()
        self._large: dict[asyncio.Timeout, float] = {}
        self._is_stopping = False

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body. Raises Refused."""
        if (announced_length(headers) or 0) > self._largest:
            raise Refused(TOO_LARGE)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                self._reading.add(limit)
                try:
                    return await self._whole(receive, limit)
                finally:
                    self._reading.discard(limit)
                    self._large.pop(limit, None)
        except TimeoutError:
            raise Refused(STOPPING if self._is_stopping else TOO_SLOW) from None

    def stop(self) -> None:
        """Give those that are being read a last few seconds."""
        self._is_stopping = True
        end = asyncio.get_running_loop().time() + SECONDS_AT_THE_END
        for limit in self._reading:
            _end(limit, min(end, limit.when() or end))

    async def _whole(self, receive: Receive, limit: asyncio.Timeout) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(GONE)
            body += message.get("body", b"")
            if len(body) > self._largest:
                raise Refused(TOO_LARGE)
            if not message.get("more_body"):
                return bytes(body)
            if len(body) > SMALL and limit not in self._large:
                self._take_place(limit)

    def _take_place(self, limit: asyncio.Timeout) -> None:
        """One of the places, or that of the slowest: who holds all of them must not keep others out."""
        now = asyncio.get_running_loop().time()
        if len(self._large) >= self._places:
            slowest, since = next(iter(self._large.items()))
            if now - since < GRACE:
                raise Refused(BUSY)
            del self._large[slowest]
            _end(slowest, now)
        self._large[limit] = now


def _end(limit: asyncio.Timeout, when: float) -> None:
    """End earlier what is being read: unless its time is over, and its reader has only had no turn yet."""
    if not limit.expired():
        limit.reschedule(when)


def announced_length(headers: Headers) -> int | None:
    """What the head says of the body's length. Raises Refused where two readers could take it differently."""
    lengths = {value for name, value in headers if name == b"content-length"}
    is_chunked = any(name == b"transfer-encoding" for name, _ in headers)
    if not lengths:
        return None
    [length, *others] = lengths
    if others or is_chunked or not length.isdigit() or len(length) > MOST_DIGITS:
        raise Refused(BAD_LENGTH)
    return int(length)
