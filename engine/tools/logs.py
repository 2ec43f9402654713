"""Structured logs without customers' values and without secrets: one line an event, for people or as JSON."""

import logging
import sys
from collections.abc import Collection, MutableMapping
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import structlog

from engine.redaction import masked
from engine.secrets import without_secrets

Form = Literal["text", "json"]
QUIET = ("urllib3", "uvicorn", "asyncio", "watchfiles")
"""Libraries whose own lines could hold more than ours."""


def logger(form: Form, secrets: Collection[str] = (), file: TextIO | None = None) -> Any:
    """A logger that writes to *file*, or else to standard error; *secrets* are shown as `***`.

    What a library tells goes the same way, from warnings on.
    """
    hide = _Hiding(secrets)
    stream = file or sys.stderr
    end: Any = structlog.processors.JSONRenderer(sort_keys=False)
    if form == "text":
        end = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), pad_event_to=24, exception_formatter=_none
        )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide,
            end,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Careful(stream))),
        cache_logger_on_first_use=False,
    )
    log = structlog.get_logger()
    root = logging.getLogger()
    root.handlers = [_Handler(log)]
    root.setLevel(logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    return log


class _Hiding:
    """Takes out what no log may hold, whoever wrote it."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = sorted((str(one) for one in secrets if one), key=len, reverse=True)

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: self._hidden(key, value) for key, value in line.items()}

    def _hidden(self, key: str, value: Any) -> Any:
        if not isinstance(value, str) or key in ("level", "timestamp"):
            return value
        for secret in self._secrets:
            value = value.replace(secret, "***")
        return masked(without_secrets(value)) if key in ("reason", "error") else value


class _Careful:
    """A stream that may be gone, or whose disk may be full: a line is lost then, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write if that can be."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush if that can be."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Handler(logging.Handler):
    """What libraries tell by Python's own logging."""

    def __init__(self, log: Any) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on: its message alone, since a traceback shows values."""
        try:
            message = record.getMessage()
        except Exception:  # its words and its values do not fit: the library's own fault
            message = "it cannot be read"
        self._log.warning("library", name=record.name, error=message)


def _none(*_: Any) -> None:
    """Tracebacks are not shown: they hold values."""
