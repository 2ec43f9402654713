"""A headless Chromium that is told what to do through a pipe: pages are opened, and buttons pressed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run")
PATIENCE_SECONDS = 60.0
START = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for pipe, wanted in zip(pipes, (3, 4)):
    os.dup2(pipe, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads orders from 3 and answers on 4."""


class Browser:
    """One page of a browser; `with` ends it."""

    def __init__(self, chromium: str, folder: Path, width: int) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        options = [*OPTIONS, f"--user-data-dir={folder}", f"--window-size={width},900", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(to_read), str(to_write), chromium, *options],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._watch = Timer(PATIENCE_SECONDS, self._process.kill)
        self._watch.start()
        self._unread = b""
        self._number = 0
        self._session: dict[str, str] = {}
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        self._ask("Page.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._process.kill()
        self._process.wait(10)
        os.close(self._to)
        os.close(self._from)

    def open(self, url: str) -> None:
        """Go to a page, until it is there."""
        self._ask("Page.navigate", url=url)
        self._until(lambda told: told.get("method") == "Page.loadEventFired")

    def press(self, selector: str) -> None:
        """Press a button with the mouse, until the page that comes of it is there."""
        place = self.value(
            f"(b => (b.scrollIntoView(), b.getBoundingClientRect().toJSON()))"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
        self._until(lambda told: told.get("method") == "Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        return self._ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def _ask(self, method: str, **parameters: Any) -> Any:
        number = self._send(method, **parameters)
        return self._until(lambda told: told.get("id") == number)["result"]

    def _send(self, method: str, **parameters: Any) -> int:
        self._number += 1
        told = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._to, json.dumps(told).encode() + b"\0")
        return self._number

    def _until(self, is_it: Callable[[Any], bool]) -> Any:
        """Read on to a message; one that never comes ends with the browser, which `_watch` ends."""
        while True:
            raw, end, rest = self._unread.partition(b"\0")
            if end:
                self._unread = rest
                if is_it(told := json.loads(raw)):
                    return told
            else:
                came = os.read(self._from, 65536)
                assert came, "the browser has ended"
                self._unread += came
