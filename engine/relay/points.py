"""Named points of the journey, so that what happens when the process dies at each can be tried out."""

import os
import signal
from collections.abc import Callable, Mapping

VARIABLE = "FAULT_POINT"
POINTS = {
    "before_keep": "notifications have come, and none is written down",
    "after_keep": "they are written down, and no answer has left",
    "after_translate": "what comes of notifications is worked out, and not written down",
    "mid_translate": "it is partly written, and the transaction is open",
    "after_queue": "it is written down",
    "after_intent": "what is about to be sent is written down",
    "after_post": "it was sent and answered, and that is not written down",
    "mid_settle": "it is partly written, and the transaction is open",
    "after_settle": "what became of it is written down",
    "mid_purge": "what is no longer kept is partly taken away",
}
"""The points by their name, each with what is true there."""

Points = Callable[[str], None]


def nothing(name: str) -> None:
    """What happens at a point: nothing."""


def from_environment(environment: Mapping[str, str]) -> Points:
    """Die at the point, and the time, that `FAULT_POINT=after_post:3` names: as by `kill -9`.

    For tests of one's own set-up. Raises ValueError for another form, and for a point that there is not.
    """
    wanted, _, number = environment.get(VARIABLE, "").partition(":")
    if not wanted:
        return nothing
    if wanted not in POINTS or not (number or "1").isdigit():
        raise ValueError(f"{VARIABLE} takes NAME or NAME:NUMBER, and the names are {', '.join(POINTS)}")
    left = int(number or "1")

    def at(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return at
