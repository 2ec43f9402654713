"""How fast webhooks are accepted: signed, on the disk and answered, while others hold connections open.

    python -m benchmarks.accept [RATE] [SECONDS]

A child process serves over a ledger of its own in a temporary folder. RATE webhooks a second (200) of 6 KB
are sent for so many SECONDS (10) over a few connections that stay open, each at its time whether or not
others are answered; then as many as it takes. All the while 400 connections have sent half a head. Beside it
stands what the disk can do: `fdatasync` after each 4 KB. Every 200 is looked up in the ledger.
"""

import hashlib
import hmac
import json
import multiprocessing
import os
import selectors
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

SECRET = "a-secret-of-the-benchmark"
SIZE = 6 * 1024
HALF_OPEN = 400
FEW, MANY = 8, 64
FOR_THE_MOST = 6.0
"""Seconds of the second part."""


def main(rate: int, seconds: float) -> float:
    """Measure, print, and give the most webhooks a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"disk       {flushes_a_second(folder):>8,.0f} flushes/s of 4 KB")
        with served(folder) as port, half_open(port):
            paced = [webhook(f"paced-{i}") for i in range(int(rate * seconds))]
            taken = at_rate(port, paced, rate)
            print(f"at {rate}/s   " + "  ".join(f"{n} {ms(taken, q)}" for n, q in QUANTILES))
            rush = [webhook(f"rush-{i}") for i in range(60_000)]
            count, took = as_fast_as_possible(port, rush)
            print(f"at most    {count / took:>8,.0f} webhooks/s over {MANY} connections")
        with closing(sqlite3.connect(folder / "relay.db")) as ledger:
            [kept] = ledger.execute("select count(*) from inbox").fetchone()
        assert kept >= len(taken) + count, "a 200 is not in the ledger"
        print(f"kept       {kept:>8,} of {len(taken) + count:,} that were answered with 200")
    return count / took


QUANTILES = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))


def ms(taken: list[float], quantile: float) -> str:
    return f"{sorted(taken)[min(len(taken) - 1, int(len(taken) * quantile))] * 1000:.1f} ms"


def flushes_a_second(folder: Path) -> float:
    file = os.open(folder / "flushed", os.O_RDWR | os.O_CREAT)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1.0:
        os.write(file, bytes(4096))
        os.fdatasync(file)
        count += 1
    os.close(file)
    return count / (time.perf_counter() - began)


def webhook(name: str) -> bytes:
    """A whole request, as Intercom sends it; half of its text cannot be compressed."""
    told = {
        "type": "notification_event", "app_id": "hx7q2m9d", "id": f"notif_{name}",
        "topic": "conversation.user.created",
        "data": {"item": {"type": "conversation", "noise": os.urandom(SIZE // 4).hex()}},
    }  # fmt: skip
    told["data"]["item"]["text"] = "word " * ((SIZE - len(json.dumps(told))) // 5)
    body = json.dumps(told).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    head = (
        "POST /intercom HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Accept: application/json\r\nUser-Agent: intercom-parrot-service-client/1.0\r\n"
        f"X-Hub-Signature: sha1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """A child process that serves; its port."""
    ours, its = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, its))
    child.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        child.join(20)


def serve(folder: Path, pipe: Connection) -> None:
    from engine.ledger import inbox
    from engine.ledger.store import Ledger
    from engine.relay.intake import Intake
    from engine.web.app import Web
    from engine.web.metrics import Metrics
    from engine.web.sockets import serve as serve_web
    from engine.web.webhooks import Webhooks

    ledger = Ledger(folder / "relay.db")

    def keep(some):
        with ledger.write() as tx:
            inbox.put(tx, some)

    intake = Intake(keep)
    intake.start()
    metrics = Metrics()
    web = Web(Webhooks(lambda: [SECRET], intake.keep, ledger.now, metrics), metrics)
    stop = threading.Event()
    threading.Thread(target=lambda: (pipe.recv(), stop.set()), daemon=True).start()
    serve_web(web, "127.0.0.1", 0, started=lambda _, port: pipe.send(port), stop=stop, stopping=web.stop)
    intake.stop()
    ledger.close()


@contextmanager
def half_open(port: int) -> Iterator[None]:
    """Connections that have sent half a head; one that is closed is opened again."""
    ended = threading.Event()

    def keep_open() -> None:
        opened: list[socket.socket] = []
        while not ended.wait(0.2):
            opened = [one for one in opened if not is_closed(one)]
            for _ in range(HALF_OPEN - len(opened)):
                one = socket.create_connection(("127.0.0.1", port))
                one.sendall(b"POST /intercom HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
                one.setblocking(False)
                opened.append(one)
        for one in opened:
            one.close()

    thread = threading.Thread(target=keep_open)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def at_rate(port: int, requests: list[bytes], rate: int) -> list[float]:
    """Seconds that each took, from the moment when it was to be sent."""
    left = deque(enumerate(requests))
    taken: list[float] = []
    lock = threading.Lock()
    begin = time.perf_counter() + 0.2

    def send() -> None:
        with socket.create_connection(("127.0.0.1", port)) as one:
            while True:
                with lock:
                    if not left:
                        return
                    place, request = left.popleft()
                due = begin + place / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                one.sendall(request)
                assert is_accepted(one), "not accepted"
                taken.append(time.perf_counter() - due)

    threads = [threading.Thread(target=send) for _ in range(FEW)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def is_accepted(one: socket.socket) -> bool:
    """Read an answer to its end; whether it is 200."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        more = one.recv(4096)
        if not more:
            return False
        answer += more
    return answer.startswith(b"HTTP/1.1 200")


def as_fast_as_possible(port: int, requests: list[bytes]) -> tuple[int, float]:
    """How many were answered with 200, and in how many seconds."""
    left = deque(requests)
    waiting = selectors.DefaultSelector()
    began, count, open_ = time.perf_counter(), 0, 0
    for _ in range(MANY):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(left.popleft())
        waiting.register(one, selectors.EVENT_READ)
        open_ += 1
    while open_:
        for key, _ in waiting.select():
            one = key.fileobj
            count += is_accepted(one)
            if left and time.perf_counter() - began < FOR_THE_MOST:
                one.sendall(left.popleft())
            else:
                waiting.unregister(one)
                one.close()
                open_ -= 1
    return count, time.perf_counter() - began


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 200, float(given[1]) if len(given) > 1 else 10.0)
