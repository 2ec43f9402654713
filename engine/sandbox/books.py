"""The books of a stand-in: what came, what was answered and what was stored. They only grow.

An entry is a JSON object with `number` (1, 2, ...), `at` (UTC), `seconds` (of the clock that never goes back)
and `kind`; the rest is the kind's. Nothing in them is a key: who asked is named by what he may use.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.clock import SystemClock
from engine.ports import Timer

Entry = dict[str, Any]


class Books:
    """Kept in memory, and in a file of JSON lines where one is given."""

    def __init__(self, clock: Timer | None = None, file: Path | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._entries: list[str] = []
        self._file = file

    def note(self, kind: str, **what: Any) -> int:
        """Write an entry down; its number."""
        with self._lock:
            number = len(self._entries) + 1
            at, seconds = self._clock.now().isoformat(), self._clock.monotonic()
            entry = {"number": number, "at": at, "seconds": seconds, "kind": kind, **what}
            line = json.dumps(entry)
            self._entries.append(line)
            if self._file is not None:
                with self._file.open("a", encoding="ascii") as out:
                    out.write(line + "\n")
            return number

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The entries so far, oldest first: copies, since the books themselves do not change."""
        with self._lock:
            lines = self._entries[after:]
        return map(json.loads, lines)


def read(file: Path) -> Iterator[Entry]:
    """The entries of books that were kept in a file. A last line that broke off is left out."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
