"""What must never be in a log line, a message or a traceback, watched for while the whole suite runs.

The customer of the fixtures, and secrets that tests plant, each with the word `canary` in it.
"""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from engine.errors import EngineError
from engine.issues import Issue

CUSTOMER = ("mara.lindqvist@example.com", "Lindqvist")
SECRET = "canary"


def found_in(text: str) -> list[str]:
    """The canaries in a text."""
    return [one for one in (*CUSTOMER, SECRET) if one in text]


class Watch(logging.Handler):
    """Keeps what was caught: from log records of every logger, from issues, and from errors of the engine."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.caught: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A log record, with its traceback."""
        text = record.getMessage()
        if record.exc_info:
            text += "".join(traceback.format_exception(*record.exc_info))
        self._look(f"log of {record.name}", text)

    def start(self) -> None:
        """Watch from now on."""
        logging.getLogger().addHandler(self)
        logging.getLogger().setLevel(logging.DEBUG)
        made = Issue.__post_init__
        Issue.__post_init__ = self._after(made, lambda one: f"{one.message} {one.hint}")  # type: ignore[method-assign]
        EngineError.__init__ = self._after(EngineError.__init__, str)  # type: ignore[method-assign]

    def _after(self, function: Callable[..., None], told: Callable[[Any], str]) -> Callable[..., None]:
        @wraps(function)
        def watched(one: Any, *args: Any, **extra: Any) -> None:
            function(one, *args, **extra)
            self._look(type(one).__name__, told(one))

        return watched

    def _look(self, where: str, text: str) -> None:
        if found := found_in(text):
            self.caught.append(f"{where} shows {found}: {text[:200]}")
