"""Whose key it is: the ledger knows events by the account that they went to, and sends to no other."""

import threading
from collections.abc import Sequence
from datetime import datetime
from math import inf

from engine.errors import Denied, EngineError
from engine.events import Answer, Parked, Request, Translation
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.lanes import Waiting
from engine.klaviyo.windows import Windows
from engine.ledger.cursors import cursor, set_once
from engine.ledger.store import Ledger
from engine.ports import Sink, Timer

ASK_AGAIN_SECONDS = 60.0
"""Where it could not be told: Klaviyo answers this question once a second and 15 times a minute."""
PATIENCE_SECONDS = 2.0
"""Klaviyo asks to wait for longer: then it is asked later, and meanwhile the key is trusted."""


def sent_to(account: str) -> str:
    """Under which name the ledger keeps the id of the account that it has sent to."""
    return f"account {account}"


class OneAccount:
    """The account that a ledger has first delivered to: nothing is delivered to another one.

    A key of another one is refused as if Klaviyo had: events that the first has would be passed over there.
    A key that may not say whose it is (`accounts:read`) is trusted. *windows* are those of all who send.
    """

    def __init__(
        self, klaviyo: Klaviyo, windows: Windows, ledger: Ledger, account: str, clock: Timer
    ) -> None:
        self._windows = windows
        self._klaviyo = klaviyo.sharing(windows)
        self._lanes: list[_Checked] = []
        self.is_stopped = False
        self._ledger = ledger
        self._name = sent_to(account)
        self._clock = clock
        self._asking = threading.Lock()
        self._ask_at = 0.0

    def lane(self) -> Sink:
        """One more way to the account, for a thread of its own: what keeps it waiting keeps no other."""
        made = _Checked(self, self._klaviyo.sharing(self._windows))
        self._lanes.append(made)
        return made

    def use(self, key: str = "", *, access_token: str = "") -> None:
        """As `Klaviyo.use`; whose the new key is, is asked before anything is sent with it."""
        with self._asking:
            self._klaviyo.use(key, access_token=access_token)
            self._ask_at = 0.0
            for lane in self._lanes:  # what is being sent goes on with the key that was asked about
                lane.klaviyo = self._klaviyo.sharing(self._windows)

    def stop(self) -> None:
        """Let nothing leave any more that has not yet."""
        self.is_stopped = True
        for one in (self._klaviyo, *(lane.klaviyo for lane in self._lanes)):
            one.stop()

    def checked(self, lane: "_Checked") -> Klaviyo:
        """What a lane sends with, once it is known whose its key is. Raises Denied."""
        with self._asking:  # who comes meanwhile does not send before it is known
            if self._clock.monotonic() >= self._ask_at:
                self._ask()
            return lane.klaviyo

    def _ask(self) -> None:
        now = self._clock.monotonic()
        self._ask_at = now + ASK_AGAIN_SECONDS
        try:
            found = self._klaviyo.account(until=now + PATIENCE_SECONDS).get("id")
            known = self._first(found) if isinstance(found, str) and found else found
        except Denied as denied:
            self._ask_at = inf if denied.scope else 0.0
            if not denied.scope:
                raise
            return
        except EngineError:
            return
        if known != found:
            self._ask_at = 0.0
            raise Denied(
                f"the key is of the account {found}, and this ledger has sent to {known}: set the key of that"
                " one, or give the other account a ledger of its own"
            )
        self._ask_at = inf

    def _first(self, found: str) -> str | None:
        """The account that the ledger sent to first; this one, if there was none. Raises Unavailable."""
        with self._ledger.write() as tx:
            set_once(tx, self._name, found)
            return cursor(tx, self._name)


class _Checked:
    """A way to the account; as `Sink` has it."""

    def __init__(self, account: OneAccount, klaviyo: Klaviyo) -> None:
        self._account = account
        self.klaviyo = klaviyo

    def build(
        self, translation: Translation, now: datetime, *, backfill: bool | None = None
    ) -> Translation | Parked:
        """As `Klaviyo.build`."""
        return self.klaviyo.build(translation, now, backfill=backfill)

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """As `Klaviyo.deliver`. Raises Denied also for a key of another account."""
        klaviyo = self._account.checked(self)
        if self._account.is_stopped:
            return [Waiting() for _ in requests]
        return klaviyo.deliver(requests, bulk=bulk)
