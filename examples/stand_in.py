"""Klaviyo in a few lines, on this machine: to try `send` without an account. It takes everything.

    python examples/stand_in.py intercom-klaviyo send tests/fixtures/ticket.created.json \\
        --records tests/fixtures/records.yaml --to me@shop.example

Runs the command with its own address in KLAVIYO_URL, and then says what has come.
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLL_SECONDS = 0.01
"""How soon it ends once it is told to."""

Answer = tuple[int, dict[str, str], Any]


def taken(method: str, path: str, body: Any) -> Answer:
    """Every write is taken, and every job has ended."""
    if method == "GET":
        return 200, {}, {"data": {"attributes": {"status": "complete", "failed_count": 0}}}
    return 200 if path == "/api/profile-import" else 202, {}, {"data": {"id": "job"}}


class StandIn:
    """A server on a free port of this machine. `calls` holds the method, path and body of each request."""

    def __init__(self, answer: Callable[[str, str, Any], Answer] = taken) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a body is not held back until its head is acknowledged

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.loads(raw) if raw else None
                calls.append((self.command, self.path, body))
                status, headers, value = answer(self.command, self.path, body)
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response_only(status)
                for name, one in headers.items():
                    self.send_header(name, one)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def do_HEAD(self) -> None:
                self.send_response_only(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self) -> Counter[tuple[str, str]]:
        """How many events have come, by the person and the metric; one that is repeated counts once."""
        found = {}
        for _, path, body in self.calls:
            for profile, event in _events_in(path, body):
                person = profile["data"]["attributes"].get("email", "somebody")
                metric = event["metric"]["data"]["attributes"]["name"]
                found[person, metric, event["unique_id"]] = (person, metric)
        return Counter(found.values())


def _events_in(path: str, body: Any) -> list[tuple[Any, Any]]:
    """Each event of a request, with its profile."""
    if path == "/api/events":
        event = body["data"]["attributes"]
        return [(event["profile"], event)]
    if path != "/api/event-bulk-create-jobs":
        return []
    groups = [group["attributes"] for group in body["data"]["attributes"]["events-bulk-create"]["data"]]
    return [(group["profile"], one["attributes"]) for group in groups for one in group["events"]["data"]]


def main(command: list[str]) -> int:
    with StandIn() as klaviyo:
        own = {"KLAVIYO_URL": klaviyo.url, "KLAVIYO_API_KEY": "pk_of_the_stand_in"}
        code = subprocess.run(command, env={**os.environ, **own}).returncode
        for (person, metric), count in sorted(klaviyo.events().items()):
            print(f"{person}  {metric:<24} {count} {'event' if count == 1 else 'events'}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__)
