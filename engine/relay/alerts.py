"""`Alarm`: tells a person once that a concern has begun, and once that it is over.

What was told is kept in the ledger, so that a restart repeats nothing; so is what could not be posted yet.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from engine.errors import Unavailable
from engine.ledger.cursors import cursor, set_cursor
from engine.ledger.store import Ledger
from engine.ports import Timer, Transport
from engine.relay.concerns import Concern

NAME = "alerts"
MOST_WAITING = 100
"""Messages that could not be posted yet; of more the oldest are given up."""
QUIET_SECONDS = 120.0
"""So long a concern must be gone before it is over: some come and go."""
IDLE_SECONDS = 15.0
LONGEST_WAIT = 300.0
REFUSED = (400, 413, 422)
"""Answers that speak of this message, which would get them again."""
SLACK = "hooks.slack.com"


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: that a concern has `started`, or has `ended`. Times are in seconds since 1970."""

    state: str
    concern: Concern
    at: float
    since: float


@dataclass(frozen=True, slots=True)
class Told:
    """What people know of: concerns that have begun, each with when, and what they are still to be told."""

    concerns: Mapping[str, tuple[Concern, float]] = field(default_factory=dict)
    waiting: tuple[Message, ...] = ()


def told(tx: Connection) -> Told:
    """What people know of, as the ledger has it."""
    held = json.loads(cursor(tx, NAME) or '{"concerns": [], "waiting": []}')
    concerns = [(Concern(**one["concern"]), one["since"]) for one in held["concerns"]]
    waiting = tuple(Message(**{**one, "concern": Concern(**one["concern"])}) for one in held["waiting"])
    return Told({concern.code: (concern, since) for concern, since in concerns}, waiting)


def _keep(tx: Connection, known: Told) -> None:
    concerns = [{"concern": asdict(one), "since": since} for one, since in known.concerns.values()]
    set_cursor(
        tx, NAME, json.dumps({"concerns": concerns, "waiting": [asdict(one) for one in known.waiting]})
    )


def news(known: Told, concerns: Iterable[Concern], over: Collection[str], now: float) -> Told:
    """What people are to know of next: concerns that are new, and those that are *over*."""
    begun = [one for one in concerns if one.code not in known.concerns]
    gone = [(one, since) for code, (one, since) in known.concerns.items() if code in over]
    messages = [Message("ended", one, now, since) for one, since in gone]
    messages += [Message("started", one, now, now) for one in begun]
    still = {code: held for code, held in known.concerns.items() if code not in over}
    return Told(still | {one.code: (one, now) for one in begun}, (*known.waiting, *messages))


def body_of(message: Message, *, slack: bool) -> dict[str, str]:
    """The JSON that is posted: ours, or that of Slack's incoming webhooks."""
    concern = message.concern
    if not slack:
        times = {"at": _written(message.at), "since": _written(message.since)}
        return {"source": "intercom-klaviyo", "state": message.state, **asdict(concern), **times}
    if message.state == "ended":
        text = f"over, since it began at {_written(message.since)}: {concern.text}"
    else:
        text = f"{concern.text}\nNext: {concern.next}"
    return {"text": f"*intercom-klaviyo* {concern.code}: {_plain(text)}"}


def _plain(text: str) -> str:
    """As Slack wants what is no markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Alarm:
    """Alerts to one address; without one it only keeps what there is to tell.

    *form* is `slack`, `json`, or `auto` for Slack's where the address is. *trouble* hears, in a sentence
    without the address, what could not be posted.
    """

    def __init__(
        self,
        ledger: Ledger,
        url: str,
        *,
        transport: Transport,
        clock: Timer,
        form: str = "auto",
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._url = url
        self._transport = transport
        self._clock = clock
        self._form = form
        self._trouble = trouble
        self._turn = threading.Lock()
        self._held: Told | None = None
        self._written: Told | None = None
        self._gone_at: dict[str, float] = {}
        self._failures = 0
        self._not_before = 0.0

    def use(self, url: str) -> None:
        """Post to this address from now on."""
        self._url, self._failures, self._not_before = url, 0, 0.0

    def look(self, concerns: Iterable[Concern], unknown: Collection[str] = ()) -> None:
        """Take in what a person should look at now; of the *unknown* codes nothing is said either way.

        It is written down, and nothing is posted. Raises Unavailable where the ledger cannot be read.
        """
        there = [one for one in concerns if one.code not in unknown]
        with self._turn:
            known = self._known()
            over = self._over(known, {one.code for one in there}, unknown)
            after = news(known, there, over, self._ledger.now())
            waiting = after.waiting[-MOST_WAITING:] if self._url else ()
            if len(waiting) < len(after.waiting) and self._url:
                self._trouble("the oldest alerts were given up: too many could not be posted")
            self._keep(replace(after, waiting=waiting))

    def _known(self) -> Told:
        """What people know of; once read, it is kept here as well, for a disk that takes nothing more."""
        if self._held is None:
            with self._ledger.read() as tx:
                self._held = self._written = told(tx)
        return self._held

    def _keep(self, known: Told) -> None:
        """Write down what people know of; the next look does it where the ledger cannot be written now."""
        self._held = known
        if known == self._written:
            return
        try:
            with self._ledger.write() as tx:
                _keep(tx, known)
            self._written = known
        except Unavailable as error:
            self._trouble(f"what was alerted could not be written down: {error.reason}")

    def _over(self, known: Told, there: Collection[str], unknown: Collection[str]) -> set[str]:
        """The codes that have been gone for long enough."""
        moment = self._clock.monotonic()
        gone = {code for code in known.concerns if code not in there and code not in unknown}
        self._gone_at = {code: self._gone_at.get(code, moment) for code in gone}
        return {code for code, since in self._gone_at.items() if moment - since >= QUIET_SECONDS}

    def step(self) -> float:
        """Post the next message, if any waits; gives in how many seconds to look again.

        It may take as long as the transport lets it: it is for a thread that has nothing else to do.
        """
        left = self._not_before - self._clock.monotonic()
        if left > 0:
            return min(left, IDLE_SECONDS)
        with self._turn:
            waiting = self._known().waiting
        if not waiting or not self._url:
            return IDLE_SECONDS
        failure, is_final = self._posted(waiting[0])
        if failure:
            self._trouble(f"an alert could not be posted: {failure}")
        if not failure or is_final:
            self._drop(waiting[0])
            self._failures = 0
            return 0.0
        self._failures += 1
        wait = min(LONGEST_WAIT, IDLE_SECONDS * 2.0 ** min(self._failures - 1, 8))
        self._not_before = self._clock.monotonic() + wait
        return IDLE_SECONDS

    def _posted(self, message: Message) -> tuple[str, bool]:
        """Why a message could not be posted, or nothing, and whether it never can be."""
        body = json.dumps(body_of(message, slack=self._is_slack())).encode()
        headers = {"Content-Type": "application/json"}
        try:
            status = self._transport.send("POST", self._url, headers, body).status
        except Unavailable as error:
            return error.reason, False
        if 200 <= status < 300:
            return "", True
        what = "a redirect, which is not followed" if 300 <= status < 400 else "no success"
        return f"its address answers with {what} ({status})", status in REFUSED

    def _is_slack(self) -> bool:
        return self._form == "slack" or (self._form == "auto" and urlsplit(self._url).hostname == SLACK)

    def _drop(self, message: Message) -> None:
        with self._turn:
            known = self._known()
            left = tuple(one for one in known.waiting if one != message)
            self._keep(replace(known, waiting=left))
