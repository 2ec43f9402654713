"""How long from a webhook until Klaviyo has its event, and how fast webhooks are answered while events leave.

    python -m benchmarks.relay [SECONDS] [RATE]

`serve` runs as it does in production, between stand-ins that answer at once. First one conversation after the
other is told of, of 300 contacts in turn, each once the last event has arrived: `idle` is from the first byte
of the webhook until its request is at Klaviyo. Then RATE (200) webhooks of 6 KB come each second, for so many
SECONDS (10), each of an event of its own, while 400 connections have sent half a head: `answered` is until
the 200, by the time at which each was to be sent. In the end every event has arrived once.
"""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.accept import QUANTILES, at_rate, half_open, is_accepted, ms
from examples.stand_in import StandIn
from tests.support import records_as_intercom, records_file

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a-secret-of-the-benchmark"
SIZE = 6 * 1024
IDLE, CONTACTS = 60, 300
FIXTURE = json.loads((ROOT / "tests/fixtures/conversation.user.created.json").read_bytes())
CONTACT = records_file()["contacts"][0]


def intercom(method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
    """A workspace with as many contacts as are asked for."""
    if path != "/contacts/search":
        return records_as_intercom(method, path, body)
    wanted = body["query"]["value"]
    rows = [CONTACT | {"id": id_, "email": f"{id_}@example.com", "phone": None} for id_ in wanted]
    return 200, {}, {"type": "list", "data": rows, "total_count": len(rows), "pages": {"type": "pages"}}


class Arrivals:
    """A stand-in for Klaviyo that knows when each event came."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.times = 0
        self._came = threading.Condition()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        """Take everything."""
        for unique_id in _ids(path, body):
            with self._came:
                self.at.setdefault(unique_id, time.perf_counter())
                self.times += 1
                self._came.notify_all()
        if path == "/api/accounts":
            return 200, {}, {"data": [{"id": "AbC123"}]}
        done = {"status": "complete", "failed_count": 0}
        status = 200 if method == "GET" or path == "/api/profile-import" else 202
        return status, {}, {"data": {"id": "job", "attributes": done}}

    def wait_for(self, number: int, seconds: float) -> bool:
        """Whether so many events have come in that time."""
        with self._came:
            return self._came.wait_for(lambda: len(self.at) >= number, seconds)


def _ids(path: str, body: Any) -> Iterator[str]:
    if path == "/api/events":
        yield body["data"]["attributes"]["unique_id"]
    elif path == "/api/event-bulk-create-jobs":
        for group in body["data"]["attributes"]["events-bulk-create"]["data"]:
            for event in group["attributes"]["events"]["data"]:
                yield event["attributes"]["unique_id"]


def webhook(number: int) -> bytes:
    """A whole request that tells of a conversation of its own, now."""
    told = json.loads(json.dumps(FIXTURE))
    now = int(time.time())
    told |= {"id": f"notif_{number}", "created_at": now}
    item, contact = told["data"]["item"], f"{number % CONTACTS:024x}"
    item |= {"id": str(10**15 + number), "created_at": now, "updated_at": now}
    item["contacts"]["contacts"][0]["id"] = item["source"]["author"]["id"] = contact
    item["custom_attributes"]["Filler"] = os.urandom(SIZE // 4).hex()
    body = json.dumps(told).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    head = f"POST /intercom HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Hub-Signature: sha1={signature}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def served(folder: Path, intercom_url: str, klaviyo: str) -> Iterator[int]:
    """`serve` in a process of its own; its port."""
    given = {
        "INTERCOM_URL": intercom_url, "INTERCOM_TOKEN": "token", "INTERCOM_CLIENT_SECRET": SECRET,
        "KLAVIYO_URL": klaviyo, "KLAVIYO_API_KEY": "pk_of_the_benchmark", "SERVE_PORT": "0",
        "LEDGER_FILE": str(folder / "ledger.db"), "KLAVIYO_RATE_SHARE": "1",
    }  # fmt: skip
    command = [sys.executable, str(ROOT / "cli.py"), "serve", "--log", "json"]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command, env=os.environ | given, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
        )
        try:
            assert child.stdout
            told = json.loads(child.stdout.readline())
            yield int(told["listening"].rpartition(":")[2].partition("/")[0])
        finally:
            child.terminate()
            child.wait(20)
            assert child.stdout
            child.stdout.close()


def idle(port: int, arrivals: Arrivals, number: int) -> list[float]:
    """Seconds from each webhook until its event arrived, one after the other."""
    taken = []
    for place in range(number):
        request = webhook(place)
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(request)
            assert is_accepted(one), "not accepted"
        assert arrivals.wait_for(place + 1, 20), "the event did not arrive"
        taken.append(max(arrivals.at.values()) - began)
    return taken


def main(seconds: float, rate: int, number: int = IDLE) -> dict[str, list[float]]:
    """Measure, print, and give the seconds of each."""
    sys.setswitchinterval(0.0005)  # it is also both services: none of them should wait for the others
    arrivals = Arrivals()
    with (
        tempfile.TemporaryDirectory() as name,
        StandIn(intercom) as asked,
        StandIn(arrivals.answer) as klaviyo,
        served(Path(name), asked.url, klaviyo.url) as port,
    ):
        waited = idle(port, arrivals, number)
        with half_open(port):
            requests = [webhook(number + place) for place in range(int(rate * seconds))]
            answered = at_rate(port, requests, rate)
        began = time.perf_counter()
        everything = number + len(requests)
        assert arrivals.wait_for(everything, 120), f"only {len(arrivals.at)} of {everything} arrived"
        lag = time.perf_counter() - began
    assert arrivals.times == everything, "an event left twice"
    for label, taken in (("idle", waited), (f"answered at {rate}/s", answered)):
        print(f"{label:<18}" + "  ".join(f"{name} {ms(taken, quantile)}" for name, quantile in QUANTILES))
    print(f"{everything:,} events arrived, each once; the last {lag:.1f} seconds after the last webhook")
    return {"idle": waited, "answered": answered}


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 10.0, int(given[1]) if len(given) > 1 else 200)
