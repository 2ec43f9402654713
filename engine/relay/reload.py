"""Mappings that change while the relay runs: the whole new folder, or the old one as before."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from engine.errors import SpecError
from engine.folder import SHARED, default_folder, load
from engine.issues import counted
from engine.language.plan import Plan
from engine.router import Router

AGAIN_SECONDS = 5.0
"""After a folder could not be watched, or was taken away: it is looked for again."""


class Routed(Protocol):
    """What answers notifications with plans: a `Runner` is one."""

    router: Router


class Reload:
    """The mappings of a running machine, taken anew where their files change.

    *refused* gets the error of a folder that cannot be used, with the issues of all its files; *taken* how
    many plans a new one has. The plans that run are those of *machine* until a whole folder is sound.
    """

    def __init__(
        self,
        folder: str | Path | None,
        machine: Routed,
        *,
        taken: Callable[[int], None] = lambda _: None,
        refused: Callable[[SpecError], None] = lambda _: None,
    ) -> None:
        self._folder = Path(folder) if folder else default_folder()
        self._machine = machine
        self._taken = taken
        self._refused = refused
        self._turn = threading.Lock()
        self._digest = b""
        self.broken = ""
        """Why the folder as it is now cannot be used: how many faults, and where the first one is."""

    def check_now(self) -> bool:
        """Take the folder where its files have changed since the last look; whether the plans changed."""
        with self._turn:
            digest = self._digest_of_files()
            if digest == self._digest:
                return False
            self._digest = digest
            try:
                plans = load(self._folder)
            except SpecError as error:
                self.broken = _told(error)
                self._refused(error)
                return False
            self.broken = ""
            if _versions(plans) == _versions(self._machine.router.plans):
                return False
            self._machine.router = Router.of(plans)
            self._taken(len(plans))
            return True

    def run(self, stop: threading.Event) -> None:
        """Look whenever a file changes, until *stop* is set: for a thread of its own."""
        # Imported here: only who runs for long watches its files.
        from watchfiles import watch

        folder = self._folder.parent if self._folder.is_file() else self._folder
        while not stop.is_set():
            self.check_now()
            with suppress(OSError, RuntimeError):  # it is not there, or the system watches no more files
                # Every five seconds nothing is told as well: of a folder in another's place nobody tells.
                for _ in watch(folder, stop_event=stop, yield_on_timeout=True, raise_interrupt=False):
                    self.check_now()
            stop.wait(AGAIN_SECONDS)

    def _digest_of_files(self) -> bytes:
        """What tells whether any file is another one than before."""
        found = hashlib.blake2b()
        for file in self._files():
            try:
                raw = file.read_bytes()
            except OSError:
                raw = b""
            found.update(f"{file}\0{len(raw)}\0".encode(errors="surrogateescape") + raw)
        return found.digest()

    def _files(self) -> Iterator[Path]:
        home = self._folder if self._folder.is_dir() else self._folder.parent
        for folder in (home, home / SHARED):
            yield from sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))


def _versions(plans: Iterable[Plan]) -> list[tuple[str, str]]:
    return [(Path(plan.spec.file).name, plan.hash) for plan in plans]


def _told(error: SpecError) -> str:
    """The error in a few words that repeat nothing of the files."""
    placed = [issue for issue in error.issues if issue.place]
    if not placed:
        return counted(len(error.issues), "fault") if error.issues else "there are no specs to read"
    first = placed[0]
    return f"{counted(len(error.issues), 'fault')}, the first at {first.place} ({first.code})"
