"""A small client of yaml-language-server, the part of VS Code's YAML extension that other editors use too.

It speaks the Language Server Protocol over the server's standard input and output, and only what tests
need of it: open a text, and ask what the server marks, offers and explains there.
"""

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

SECONDS = 30
OFFLINE = {"schemaStore": {"enable": False}, "kubernetesCRDStore": {"enable": False}}
CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown", "plaintext"]}}},
}

Message = dict[str, Any]


def command() -> list[str] | None:
    """How the server is started: YAML_LANGUAGE_SERVER names its program, or it is on the path; or None."""
    program = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")
    if program is None or shutil.which("node") is None:
        return None
    return ["node", program, "--stdio"]


class LanguageServer:
    """A running server. Its texts are files of one folder that need not exist on disk."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, settings: Message) -> None:
        assert process.stdin
        assert process.stdout
        self._to: BinaryIO = process.stdin
        self._folder = folder
        self._settings = settings
        self._numbers = count(1)
        self._inbox: queue.Queue[Message | None] = queue.Queue()
        self._marks: dict[str, list[Message]] = {}
        self._is_configured = False
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()
        told = {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": CAPABILITIES}
        self.version: str = self._ask("initialize", told)["serverInfo"]["version"]
        self._tell("initialized", {})
        while not self._is_configured:
            self._take()

    def open(self, text: str, name: str = "") -> str:
        """Open a text as a file of the folder, a new one unless it is named, and give its address."""
        uri = (self._folder / (name or f"{next(self._numbers)}.yaml")).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def marks(self, uri: str) -> list[Message]:
        """What the server finds wrong in a text."""
        while uri not in self._marks:
            self._take()
        return self._marks[uri]

    def offers(self, uri: str, line: int, character: int) -> list[Message]:
        """What may be written at a place; lines and characters count from 0."""
        return list(self._at("textDocument/completion", uri, line, character)["items"])

    def hover(self, uri: str, line: int, character: int) -> str:
        """What is told of the word at a place, in Markdown."""
        found = self._at("textDocument/hover", uri, line, character)
        return str(found["contents"]["value"]) if found else ""

    def _at(self, method: str, uri: str, line: int, character: int) -> Any:
        place = {"line": line, "character": character}
        return self._ask(method, {"textDocument": {"uri": uri}, "position": place})

    def _ask(self, method: str, params: Message) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._take()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def _tell(self, method: str, params: Message) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._to.flush()

    def _take(self) -> Message:
        """The next message of the server; what it asks is answered, what it marks is kept."""
        message = self._inbox.get(timeout=SECONDS)
        assert message is not None, "the language server has ended"
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._marks[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method and "id" in message:
            self._send({"id": message["id"], "result": self._answer(method, message["params"])})
        return message

    def _answer(self, method: str, params: Any) -> Any:
        if method != "workspace/configuration":
            return None
        self._is_configured = True
        return [self._settings if item.get("section") == "yaml" else {} for item in params["items"]]

    def _listen(self, pipe: BinaryIO) -> None:
        while header := pipe.readline():
            size = int(header.removeprefix(b"Content-Length:"))
            while pipe.readline().strip():
                pass
            self._inbox.put(json.loads(pipe.read(size)))
        self._inbox.put(None)


@contextmanager
def running(command: list[str], folder: Path, settings: Message | None = None) -> Iterator[LanguageServer]:
    """A server that is started, and stopped at the end. *settings* are those under `yaml`."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield LanguageServer(process, folder, {**OFFLINE, **(settings or {})})
        finally:
            process.kill()
