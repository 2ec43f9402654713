"""A second net under work whose own limits should have ended it: the clock, where there is one to set.

It rings in the main thread of a POSIX process only, as signals do; elsewhere the limits stand alone.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

OF_COMMANDS = 10.0
"""Seconds that a command gives a spec file, or a spec for a notification; mostly they take a hundredth."""


class TooSlow(BaseException):
    """The time is up. No `except Exception` on the way may swallow it."""


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let the work inside take so many seconds of real time, and no more. None sets no deadline.

    Raises TooSlow; work inside one single call of C ends when that call does.
    """
    if seconds is None or not hasattr(signal, "setitimer"):
        yield
        return
    working = True

    def ring(_: int, __: FrameType | None) -> None:
        nonlocal working
        if working:
            working = False
            raise TooSlow

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            working = False  # first of all: from here on the bell must not ring into the clearing up
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
