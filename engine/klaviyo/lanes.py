"""Requests one by one, in several lanes: an order for each person, and no person behind a stranger."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from engine.errors import Denied, NotSent, Unavailable
from engine.events import Answer, Request
from engine.klaviyo.people import by_person, in_lanes

MOST_IN_A_ROW = 3
"""Tries in a lane that fail one after another, before the rest of it waits for the next round."""

Send = Callable[[Request], Answer]


class Waiting(NotSent):
    """It was not tried: it stands behind one that could not be sent."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("it waits behind one that could not be sent", retry_after)


class Lanes:
    """One round of sending; `answers` says by place what became of each, also where the round is broken off.

    *stopped* is looked at before each request, and set where a key is not accepted or the round is
    interrupted.
    """

    def __init__(self, send: Send, stopped: Event) -> None:
        self.answers: dict[int, Answer] = {}
        self._send = send
        self._stopped = stopped
        self._denied: Denied | None = None

    def run(self, requests: Sequence[Request], tried: Sequence[int], number: int) -> None:
        """Send them in up to *number* lanes, whoever was *tried* least first. Raises Denied."""
        people = sorted(by_person(requests), key=lambda places: tried[places[0]])
        lanes = in_lanes(people, number)
        if len(lanes) == 1:
            self._run_lane(lanes[0], requests)
        elif lanes:
            with ThreadPoolExecutor(len(lanes)) as pool:
                try:
                    for done in [pool.submit(self._run_lane, lane, requests) for lane in lanes]:
                        done.result()
                except BaseException:  # an interruption too: what has not left stays
                    self._stopped.set()
                    raise
        if self._denied is not None:
            raise self._denied

    def _run_lane(self, lane: list[list[int]], requests: Sequence[Request]) -> None:
        """One person after another; after a few in a row that are Unavailable the rest waits."""
        in_a_row = 0
        for places in lane:
            behind: Unavailable | None = None
            for place in places:
                if self._stopped.is_set() or behind or in_a_row == MOST_IN_A_ROW:
                    self.answers[place] = Waiting(behind.retry_after if behind else None)
                    continue
                try:
                    answer = self.answers[place] = self._send(requests[place])
                except Denied as denied:
                    self._denied = denied
                    self._stopped.set()
                    return
                except BaseException:
                    self._stopped.set()
                    raise
                behind = answer if isinstance(answer, Unavailable) else None
                in_a_row = in_a_row + 1 if behind else 0
