"""Intercom's REST API: requests that only read, tried again until they are answered.

Nothing of an answer leads anywhere: addresses are ours, of a next page only the cursor is taken, and of a
merged contact only the id of the one that remains.
"""

import json
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

from engine.address import checked_address
from engine.clock import SystemClock
from engine.errors import NotSent, Rejected, Unavailable
from engine.intercom.answers import ID, Gone, meaning, nonsense
from engine.intercom.windows import Windows
from engine.ports import Timer, Transport

REGIONS = {
    "us": "https://api.intercom.io",
    "eu": "https://api.eu.intercom.io",
    "au": "https://api.au.intercom.io",
}
VERSION = "2.16"
PATIENCE_SECONDS = 600.0
IMPATIENT_SECONDS = 300.0
LONGEST_BACKOFF_SECONDS = 60.0
SHORTEST_BACKOFF_SECONDS = 0.1
EMPTY_PAGES = 10
"""Pages without objects that are taken in a row: after that the list leads nowhere."""

_PATH = re.compile(r"(/[A-Za-z0-9_-]{1,64}){1,4}")
_CURSOR = re.compile(r"[A-Za-z0-9+/=_-]{1,2000}")


class Slice(NamedTuple):
    """A page of a list: its objects, how many the whole list has, and where the next page starts.

    `total_count` is None where Intercom does not say; `next_cursor` is None for the last page.
    """

    objects: list[dict[str, Any]]
    total_count: int | None
    next_cursor: str | None


class Rest:
    """Intercom's API in one region, with one token; usable from several threads.

    *region* is `us`, `eu` or `au`: where the workspace is hosted. *url* is for a stand-in instead.
    *patience_seconds* is how long a request is tried again before it raises Unavailable; 0 is one try. A
    window of Intercom's that is used up is waited out besides: 11 seconds at most. Raises ValueError where
    an argument cannot be used.
    """

    def __init__(
        self,
        token: str,
        region: str = "us",
        *,
        url: str = "",
        transport: Transport | None = None,
        clock: Timer | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        if not isfinite(patience_seconds) or patience_seconds < 0:
            raise ValueError("patience_seconds is a number from 0 on")
        self.clock = clock or SystemClock()
        self._base = _base(url, region)
        self._headers = {
            "Authorization": _authorization(token),
            "Accept": "application/json",
            "Intercom-Version": VERSION,
        }
        self._patience = patience_seconds
        self._impatient_until = 0.0
        """Until when one try has to do: patience was spent in vain, and the next would wait as long."""
        self._windows = Windows(self.clock)
        self._transport = transport

    def use(self, token: str) -> None:
        """Send this token from the next request on. Raises ValueError where it cannot be one."""
        self._headers = {**self._headers, "Authorization": _authorization(token)}

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any] | None:
        """The object at a path; None where there is none (any more).

        Of a contact that was merged it is that of the one that remains. Raises Unavailable, Denied and
        Rejected.
        """
        return self._got(path, params)[0]

    def record(self, folder: str, key: str) -> dict[str, Any] | None:
        """The object with an id, such as `record("/contacts", id)`: checked to have it. Raises as `get`.

        The record of a merged contact has the id of the one that remains.
        """
        if not ID.fullmatch(key):
            return None
        value, path = self._got(f"{folder}/{key}", None)
        if value is not None and id_of(value) != path.rpartition("/")[2]:
            raise nonsense("another object than was asked for")
        return value

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a search. Raises Unavailable, Denied and Rejected."""
        value = self._asked("POST", path, "", json.dumps(body).encode())
        if isinstance(value, Gone):
            raise Rejected(f"Intercom has no {path}: is its address right?")
        return value

    def pages(
        self,
        path: str,
        *,
        key: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        cursor: str | None = None,
    ) -> Iterator[Slice]:
        """A list page by page, from *cursor* on: a search where there is a *body*, else by GET.

        *key* is where the answers have their objects. Raises as `get`, and Unavailable where the pages lead
        nowhere: a cursor that comes twice or is none, too many empty pages.
        """
        seen = {cursor} if cursor else set()
        empty = 0
        while True:
            page = _slice(self._page(path, params, body, cursor), key)
            yield page
            cursor = page.next_cursor
            empty = 0 if page.objects else empty + 1
            if cursor is None:
                return
            if cursor in seen or empty >= EMPTY_PAGES:
                raise Unavailable(f"the pages of Intercom's {path} lead nowhere")
            seen.add(cursor)

    def _page(
        self,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        cursor: str | None,
    ) -> dict[str, Any] | None:
        after = {"starting_after": cursor} if cursor else {}
        if body is None:
            return self.get(path, {**(params or {}), **after})
        return self.post(path, {**body, "pagination": {**body.get("pagination", {}), **after}})

    def _got(self, path: str, params: Mapping[str, str | int] | None) -> tuple[dict[str, Any] | None, str]:
        """The object, and the path that it was found at."""
        query = f"?{urlencode(params)}" if params else ""
        value = self._asked("GET", path, query)
        if isinstance(value, Gone) and value.survivor and path.startswith("/contacts/"):
            _, folder, _, *rest = path.split("/")
            path = "/".join(("", folder, value.survivor, *rest))
            value = self._asked("GET", path, query)
        return (None if isinstance(value, Gone) else value), path

    def _asked(self, method: str, path: str, query: str, body: bytes | None = None) -> dict[str, Any] | Gone:
        """The answer, waited for as long as patience lasts."""
        if not _PATH.fullmatch(path):
            raise ValueError("this is no path of Intercom's API")
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        began = self.clock.monotonic()
        patience = 0.0 if began < self._impatient_until else self._patience
        attempt = 0
        while True:
            self._windows.wait()
            try:
                response = self._wire().send(method, self._base + path + query, headers, body)
                self._windows.told(response.headers)
                found = meaning(response, path, self.clock.now())
                self._impatient_until = 0.0
                return found
            except Unavailable as error:
                wait = self._pause(error, attempt)
                if self.clock.monotonic() - began + wait >= patience:
                    if patience:
                        self._impatient_until = self.clock.monotonic() + IMPATIENT_SECONDS
                    where = f" (Intercom at {self._base})" if isinstance(error, NotSent) else ""
                    raise type(error)(f"{error.reason}{where}", wait) from None
            self.clock.sleep(wait)
            attempt += 1

    def _pause(self, error: Unavailable, attempt: int) -> float:
        """The seconds until the next try: what Intercom says, or longer each time; spread by chance."""
        if error.retry_after is not None:
            return error.retry_after + self.clock.jitter()
        longest = min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** min(attempt, 10))
        return max(SHORTEST_BACKOFF_SECONDS, longest * self.clock.jitter())

    def _wire(self) -> Transport:
        if self._transport is None:
            # Imported here: what only translates needs no network.
            from engine.transport import HttpTransport

            self._transport = HttpTransport()
        return self._transport


def _authorization(token: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("an Intercom token is ASCII text without spaces")
    return f"Bearer {token}"


def id_of(record: Any) -> str:
    """The id of an object as text; empty where it has none."""
    found = record.get("id") if isinstance(record, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _base(url: str, region: str) -> str:
    """Where requests go: the token leaves this machine encrypted or not at all."""
    if not url:
        if region not in REGIONS:
            raise ValueError(f"Intercom's regions are {', '.join(REGIONS)}")
        return REGIONS[region]
    return checked_address(url)


def _slice(answer: dict[str, Any] | None, key: str) -> Slice:
    objects = answer.get(key) if answer else None
    if answer is None or not isinstance(objects, list):
        raise nonsense(f"a list of {key}")
    total = answer.get("total_count")
    known = isinstance(total, int) and not isinstance(total, bool) and total >= 0
    rows = [row for row in objects if isinstance(row, dict)]
    return Slice(rows, total if known else None, _next(answer.get("pages")))


def _next(pages: Any) -> str | None:
    """The cursor of the next page, or None. Raises Unavailable where there is a next page, and no cursor."""
    if pages is None:
        return None
    if not isinstance(pages, dict):
        raise nonsense("where the next page is")
    following = pages.get("next")
    cursor = following.get("starting_after") if isinstance(following, dict) else following
    if isinstance(following, str):
        cursor = _from_query(following)
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise nonsense("where the next page is")
    return cursor


def _from_query(url: str) -> str:
    """The cursor in an address, of which nothing else is used: `+` is a `+` there, as in base64."""
    found = [pair.partition("=") for pair in url.partition("?")[2].partition("#")[0].split("&")]
    cursors = [unquote(value) for name, _, value in found if name == "starting_after"]
    return cursors[0] if len(cursors) == 1 else ""
