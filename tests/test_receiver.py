"""The address that Intercom posts to: who gets in, what is kept, and when 200 is said."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from engine.errors import Unavailable
from engine.ledger import inbox
from engine.ledger.inbox import Received
from engine.web import outcomes, webhooks
from engine.web.bodies import Bodies
from engine.web.metrics import Number
from engine.web.outcomes import Refused
from tests.receiving import (
    SECRET,
    Answer,
    Desk,
    Pairs,
    Talk,
    desk,
    notification,
    request,
    scope_of,
    served,
    signature,
    signed,
)
from tests.test_intercom_signatures import ACCEPTED, BODY, FORGED


def in_bytes(headers: Any) -> Pairs:
    """Headers as servers hand them over."""

    def raw(text: str | bytes) -> bytes:
        return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")

    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(raw(name).lower(), raw(value)) for name, value in pairs]


def counted(made: Desk) -> dict[str, float]:
    """Requests by outcome and topic."""
    lines = made.metrics.text().decode().splitlines()
    found = [line.rsplit(" ", 1) for line in lines if line.startswith("intercom_klaviyo_webhooks_total{")]
    return {name[name.index("{") :]: float(value) for name, value in found}


# Who gets in


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_wrong_signature_is_answered_with_401_and_nothing_is_kept(headers: Any, tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        answer = made.post(BODY, in_bytes(headers))
        assert (answer.status, answer.body) == (401, b"the signature does not match")
        assert made.kept() == []


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED)
def test_a_right_signature_is_answered_with_200_and_the_bytes_are_kept(headers: Any, tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.post(BODY, in_bytes(headers)).status == 200
        assert len(made.kept()) == 1


def test_every_changed_bit_of_a_body_is_noticed(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        for place in range(len(BODY)):
            bent = bytearray(BODY)
            bent[place] ^= 1 << place % 8
            assert made.post(bytes(bent), signed(BODY)).status == 401
        assert made.kept() == []


def test_over_the_wire_it_is_the_same(tmp_path: Path) -> None:
    body = notification("a")
    bent = request(body).replace(b"notif", b"notig")
    twice = request(body, b"X-Hub-Signature: " + signature(body))
    with desk(tmp_path) as made, served(made.web) as server:
        assert server.says(request(body, secret="another")).status == 401
        assert server.says(bent).status == 401
        assert server.says(twice).status == 401
        assert server.says(request(body).replace(b"sha1=", b"SHA1=")).status == 401
        assert server.says(request(body).replace(b"X-Hub-", b"X-Pub-")).status == 401
        assert server.says(request(body, b"X-Null: \0")).status == 400
        assert made.kept() == []
        assert server.says(request(body)).status == 200
        assert made.kept() == ["a"]


def test_while_a_secret_changes_both_let_in_and_then_only_the_new_one(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.secrets = ["new", SECRET]
        assert made.post(notification("a"), signed(notification("a"))).status == 200
        assert made.post(notification("b"), signed(notification("b"), "new")).status == 200
        made.secrets = ["new"]
        assert made.post(notification("c"), signed(notification("c"))).status == 401
        assert made.kept() == ["a", "b"]


def test_wrong_signatures_in_a_row_are_counted_until_a_right_one_comes(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        seen = []
        for headers in ([], [], signed(BODY), []):
            made.post(BODY, headers)
            seen.append(made.webhooks.forged_in_a_row)
        assert seen == [1, 2, 0, 1]


def test_nothing_is_opened_before_its_signature_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    monkeypatch.setattr(webhooks, "received", lambda raw, now: opened.append(raw))
    with desk(tmp_path) as made:
        assert made.post(b"[" * 100_000, signed(b"another")).status == 401
        assert made.post(b"no JSON", []).status == 401
    assert opened == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": 7}', b"\xff"], ids=repr)
def test_signed_bytes_that_are_no_notification_are_answered_with_400(body: bytes, tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.post(body).status == 400
        assert made.kept() == []


# What is kept


def test_what_is_sent_again_is_answered_with_200_and_kept_once(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.post(notification("a", delivery_attempts=1)).status == 200
        assert made.post(notification("a", delivery_attempts=2)).status == 200
        assert made.post(notification("a", app_id="another1")).status == 200
        assert made.kept() == ["a", "a"], "one of each workspace"


def test_a_ping_without_an_id_is_kept_once_though_it_is_sent_twice(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        first = notification(None, topic="ping", created_at=1, delivery_attempts=1)
        again = notification(None, topic="ping", created_at=1, delivery_attempts=2)
        later = notification(None, topic="ping", created_at=2, delivery_attempts=1)
        assert [made.post(body).status for body in (first, again, later)] == [200] * 3
        assert len(made.kept()) == 2


def test_for_every_200_the_commit_had_returned_before_and_was_flushed(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        flushes: list[Any] = []

        @event.listens_for(made.ledger.engine, "commit")
        def _(connection: Any) -> None:
            flushes.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())

        seen: list[tuple[int, bool]] = []

        async def post(name: str) -> None:
            body = notification(name)

            async def receive() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    seen.append((message["status"], name in made.kept()))

            await made.web(scope_of("POST", "/intercom", signed(body)), receive, send)

        async def play() -> None:
            await asyncio.gather(*(post(f"n{i}") for i in range(100)))

        asyncio.run(play())
        assert seen == [(200, True)] * 100
        assert set(flushes) == {2}, "PRAGMA synchronous = FULL"


# Methods, lengths and sizes


def test_intercom_may_look_whether_the_address_is_there(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        head = talk.says(b"HEAD /intercom HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (head.status, head.body) == (200, b"")
        assert talk.says(request(notification("a"))).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_told_which_there_are(method: str, tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        answer = made.ask(method)
        assert (answer.status, answer.headers["allow"]) == (405, "HEAD, POST")


WRONG_LENGTHS = {
    "negative": b"Content-Length: -1",
    "with a plus": b"Content-Length: +2",
    "with an underline": b"Content-Length: 1_0",
    "a word": b"Content-Length: ten",
    "hexadecimal": b"Content-Length: 0x10",
    "very many digits": b"Content-Length: " + b"9" * 400,
    "two that differ": b"Content-Length: 10\r\nContent-Length: 11",
    "two in one": b"Content-Length: 10, 11",
    "beside chunks": b"Content-Length: 10\r\nTransfer-Encoding: chunked",
    "of another kind": b"Transfer-Encoding: gzip",
    "of two kinds": b"Transfer-Encoding: gzip, chunked",
}


@pytest.mark.parametrize("line", WRONG_LENGTHS.values(), ids=WRONG_LENGTHS)
def test_a_length_that_can_be_read_in_two_ways_is_refused(line: bytes, tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        answer = talk.says(request(notification("a"), line, length=False))
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert talk.is_closed()
        assert made.kept() == []


@pytest.mark.parametrize("lengths", [[b"-1"], [b"+2"], [b"1", b"2"], [b"9" * 21], ["\u0663".encode()], [b""]])
def test_another_server_may_let_such_lengths_through(lengths: list[bytes], tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        headers = [*signed(BODY), *((b"content-length", length) for length in lengths)]
        assert made.post(BODY, headers).status == 400


def test_a_body_may_come_in_chunks(tmp_path: Path) -> None:
    body = notification("a")
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with desk(tmp_path) as made, served(made.web) as server:
        head = request(body, b"Transfer-Encoding: chunked", length=False)[: -len(body)]
        assert server.says(head + chunks).status == 200
        assert made.kept() == ["a"]


def test_a_body_that_says_it_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        assert talk.says(request(b"", b"Content-Length: 5242881", length=False)).status == 413
    assert counted(made) == {'{outcome="too_large",topic=""}': 1.0}


def test_a_body_that_grows_too_large_is_refused_while_it_comes(tmp_path: Path) -> None:
    parts = [bytes(1000)] * 11
    with desk(tmp_path, bodies=Bodies(largest=10_000)) as made:
        whole = b"".join(parts)
        assert made.ask("POST", "/intercom", signed(whole), *parts).status == 413
        assert made.ask("POST", "/intercom", signed(whole[:10_000]), *parts[:10]).status == 400


def test_a_body_in_chunks_is_refused_once_it_is_too_large_though_it_has_not_ended(tmp_path: Path) -> None:
    with (
        desk(tmp_path, bodies=Bodies(largest=10_000)) as made,
        served(made.web) as server,
        server.connect() as talk,
    ):
        head = request(b"", b"Transfer-Encoding: chunked", length=False)
        assert talk.says(head + b"2800\r\n" + bytes(0x2800) + b"\r\n").status == 413


def test_the_largest_body_is_kept_whole(tmp_path: Path) -> None:
    body = notification("a", more="x" * (5 * 1024 * 1024 - 200))
    with desk(tmp_path) as made, served(made.web) as server:
        assert server.says(request(body)).status == 200
        with made.ledger.read() as tx:
            [row] = inbox.due(tx, made.ledger.now() + 1, 10, 1)
        assert row.raw() == body


def test_a_body_that_does_not_end_is_answered_with_408(tmp_path: Path) -> None:
    with (
        desk(tmp_path, bodies=Bodies(seconds=0.1)) as made,
        served(made.web) as server,
        server.connect() as talk,
    ):
        answer = talk.says(request(notification("a"))[:-1])
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert talk.is_closed()
        assert made.kept() == []


def test_who_hangs_up_in_the_middle_is_counted_and_not_answered(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert asyncio.run(hung_up(made)) == []
        assert counted(made) == {'{outcome="gone",topic=""}': 1.0}


async def hung_up(made: Desk) -> list[Any]:
    """What is answered to half a body."""
    sent: list[Any] = []
    told = [{"type": "http.request", "body": BODY[:5], "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return told.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await made.web(scope_of("POST", "/intercom", signed(BODY)), receive, send)
    return sent


# Large bodies


def test_small_bodies_take_no_place_however_many_dawdle(tmp_path: Path) -> None:
    with desk(tmp_path, bodies=Bodies(places=1)) as made, served(made.web) as server:
        slow = [server.connect() for _ in range(20)]
        for talk in slow:
            talk.send(request(notification("slow"))[:-1])
        assert server.says(request(notification("a"))).status == 200
        for talk in slow:
            talk.socket.close()


def large(made: Desk, ended: asyncio.Event) -> Any:
    """A large body that ends when it is told to; gives the status."""
    body = notification(f"large{id(ended)}", more="x" * 70_000)

    async def post() -> int:
        parts = [body[:-1], body[-1:]]
        sent: list[int] = []

        async def receive() -> Any:
            if len(parts) == 1:
                await ended.wait()
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                sent.append(message["status"])

        await made.web(scope_of("POST", "/intercom", signed(body)), receive, send)
        return sent[0]

    return asyncio.create_task(post())


def test_more_large_bodies_than_places_are_told_to_come_again(tmp_path: Path) -> None:
    async def play(made: Desk) -> None:
        ended = [asyncio.Event() for _ in range(3)]
        first, second, third = [large(made, one) for one in ended]
        assert await third == 503
        for one in ended:
            one.set()
        assert [await first, await second] == [200, 200]
        again = large(made, ended[2])
        assert await again == 200

    with desk(tmp_path, bodies=Bodies(places=2)) as made:
        asyncio.run(play(made))


def test_a_large_body_that_dawdles_gives_its_place_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.web.bodies.GRACE", 0.0)

    async def play(made: Desk) -> None:
        never, ended = asyncio.Event(), asyncio.Event()
        ended.set()
        dawdling = large(made, never)
        await asyncio.sleep(0)
        assert await large(made, ended) == 200
        assert await dawdling == 408

    with desk(tmp_path, bodies=Bodies(places=1)) as made:
        asyncio.run(play(made))


# When it cannot be kept


def test_what_cannot_be_kept_is_answered_with_503_until_it_can_be_again(tmp_path: Path) -> None:
    failing = [True]

    def keep(some: Sequence[Received]) -> None:
        if failing[0]:
            raise Unavailable("there is no room left")
        made.to_ledger(some)

    with desk(tmp_path, keep=keep) as made, served(made.web) as server:
        with server.connect() as talk:
            answer = talk.says(request(notification("a")))
            assert (answer.status, answer.headers["connection"]) == (503, "close")
            assert talk.is_closed()
        assert b"room" not in answer.body
        failing[0] = False
        assert server.says(request(notification("a"))).status == 200
        assert made.kept() == ["a"]


def test_what_takes_too_long_is_answered_with_503_and_comes_to_no_harm_later(tmp_path: Path) -> None:
    gate = threading.Event()

    def keep(some: Sequence[Received]) -> None:
        assert gate.wait(10)
        made.to_ledger(some)

    with desk(tmp_path, keep=keep, seconds=0.1) as made:
        assert made.post(notification("a")).status == 503
        assert made.kept() == []
        gate.set()
        made.intake._seconds = 10.0
        assert made.post(notification("a", delivery_attempts=2)).status == 200
        assert made.kept() == ["a"]


def test_without_the_disks_reserve_it_is_503(tmp_path: Path) -> None:
    with desk(tmp_path, has_room=lambda: False) as made:
        assert made.post(notification("a")).status == 503
        assert made.kept() == []


def test_no_outcome_pauses_or_ends_the_subscription() -> None:
    found = {one.status for one in vars(outcomes).values() if isinstance(one, outcomes.Outcome)}
    assert found == {0, 200, 400, 401, 405, 408, 413, 503}, "410 ends it and 429 slows it down"


# Connections


def test_half_a_head_is_not_waited_for(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web, head_seconds=0.2) as server:
        with server.connect() as silent, server.connect() as half:
            half.send(b"POST /intercom HTTP/1.1\r\nHost: h")
            assert silent.is_closed()
            assert half.is_closed()
        with server.connect() as talk:
            assert talk.says(request(notification("a"))).status == 200
            talk.send(b"POST /inter")
            assert talk.is_closed(), "nor is half a head after an answer"


def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(tmp_path: Path) -> None:
    with (
        desk(tmp_path) as made,
        served(made.web, head_seconds=0.2) as server,
        server.connect() as talk,
        pytest.raises(OSError, match=r"reset|[Bb]roken"),
    ):
        dribble(talk)


@pytest.mark.parametrize(
    "more", [b"X-More: " + b"x" * 1_000 + b"\r\n", b"x" * 1_000], ids=["lines", "a line"]
)
def test_a_head_that_is_too_long_is_refused_before_it_ends(more: bytes, tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        answer = talk.says(b"POST /intercom HTTP/1.1\r\nHost: x\r\nX: " + more * 400)
        assert answer.status in (400, 0), "who goes on to send may not hear the answer"
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            talk.send(more * 4_000)
        with server.connect() as other:
            assert other.says(request(notification("a"))).status == 200


def dribble(talk: Talk) -> None:
    """Send a head that never ends, a byte at a time."""
    began = time.monotonic()
    while time.monotonic() - began < 5:
        talk.send(b"x")
        time.sleep(0.01)


def test_four_hundred_half_open_connections_hold_nobody_up(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server:
        heads = [server.connect() for _ in range(300)]
        bodies = [server.connect() for _ in range(100)]
        for talk in heads:
            talk.send(b"POST /intercom HTTP/1.1\r\nX-Slow: ")
        for talk in bodies:
            talk.send(request(notification("slow"))[:-1])
        taken = []
        with server.connect() as talk:
            for i in range(100):
                began = time.monotonic()
                assert talk.says(request(notification(f"{i}"))).status == 200
                taken.append(time.monotonic() - began)
        for talk in (*heads, *bodies):
            talk.socket.close()
        assert max(taken) < 2.0
        assert len(made.kept()) == 100


def test_over_the_cap_the_longest_silent_connection_gives_way(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web, most=5) as server:
        body = notification("a")
        with server.connect() as busy:
            busy.begin(body)
            silent = [server.connect() for _ in range(4)]
            for i in range(20):
                assert server.says(request(notification(f"{i}"))).status == 200
            assert silent[0].is_closed()
            busy.send(body[-1:])
            assert busy.answer().status == 200, "who is in the middle of a request is left alone"
        for talk in silent:
            talk.socket.close()


def test_over_the_cap_a_newcomer_is_refused_where_all_are_busy(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web, most=2) as server:
        body = notification("a")
        with server.connect() as first, server.connect() as second:
            for talk in (first, second):
                talk.begin(body)
            assert server.says(request(body)).status == 0
            for talk in (first, second):
                talk.send(body[-1:])
                assert talk.answer().status == 200


def test_who_does_not_take_the_answer_is_cut_off(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web, busy_seconds=0.3) as server, server.connect() as talk:
        talk.send(request(notification("a"))[:-1])
        assert talk.is_closed()


def test_an_answer_tells_nothing_of_what_answers(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server:
        answers = [server.says(request(notification("a"))), server.says(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")]
        answers.append(server.says(b"nonsense\r\n\r\n"))
        assert [answer.status for answer in answers] == [200, 404, 400]
        for answer in answers:
            assert set(answer.headers) <= {"content-type", "content-length", "connection"}
            assert b"uvicorn" not in answer.body.lower()


def test_several_requests_in_one_packet_are_answered_in_their_order(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        talk.send(b"".join(request(notification(f"{i}")) for i in range(5)))
        assert [talk.answer().status for _ in range(5)] == [200] * 5
        assert made.kept() == [f"{i}" for i in range(5)]


def test_an_answer_leaves_at_once(tmp_path: Path) -> None:
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        began = time.monotonic()
        for _ in range(50):
            assert talk.says(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").body == b"ok"
        assert time.monotonic() - began < 1.5, "waiting for an acknowledgement takes 40 ms each time"


# The end


def test_who_comes_while_it_stops_is_sent_away(tmp_path: Path) -> None:
    with desk(tmp_path, checks={"ledger": lambda: ""}) as made:

        async def play() -> tuple[Answer, Answer]:
            made.web.stop()
            late = await made.asked("POST", "/intercom", signed(BODY), BODY)
            return late, await made.asked("GET", "/readyz", [])

        late, ready = asyncio.run(play())
        assert (late.status, late.headers["connection"]) == (503, "close")
        assert ready.status == 503
        assert made.kept() == []


def test_under_load_every_200_that_somebody_saw_is_in_the_ledger_after_the_end(tmp_path: Path) -> None:
    seen: list[str] = []
    others: list[int] = []
    with desk(tmp_path) as made, served(made.web) as server:

        def post(who: int) -> None:
            with server.connect() as talk:
                for i in range(100_000):
                    try:
                        status = talk.says(request(notification(f"{who}.{i}"))).status
                    except OSError:
                        return
                    if status != 200:
                        others.append(status)
                        return
                    seen.append(f"{who}.{i}")

        threads = [threading.Thread(target=post, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        while len(seen) < 200:
            time.sleep(0.01)
        began = time.monotonic()
        server.end()
        assert time.monotonic() - began < 10
        for thread in threads:
            thread.join(10)
        assert made.intake.stop(5)
        assert set(others) <= {0, 503}
        assert set(seen) <= set(made.kept())


def test_a_body_that_does_not_end_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.web.bodies.SECONDS_AT_THE_END", 0.1)
    with desk(tmp_path) as made, served(made.web) as server, server.connect() as talk:
        talk.begin(notification("a"))
        server.end()
        assert talk.answer().status == 503
        assert talk.is_closed()


def test_a_body_whose_time_is_over_in_the_same_moment_does_not_disturb_the_end() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    async def play() -> None:
        bodies = Bodies(seconds=0.001)
        reading = asyncio.create_task(bodies.read((), never))
        await asyncio.sleep(0)
        faults: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: faults.append(told))
        loop.call_later(0.002, bodies.stop)
        time.sleep(0.01)  # both are due now, and the reader has had no turn yet
        with pytest.raises(Refused, match="stopping"):
            await reading
        assert faults == []

    asyncio.run(play())


# How it is doing


def test_it_says_that_it_lives_and_whether_it_can_work(tmp_path: Path) -> None:
    wrong = {"ledger": "", "disk": ""}

    def broken() -> str:
        if wrong["disk"] == "raises":
            raise OSError("mara.lindqvist@example.com")
        return wrong["disk"]

    with (
        desk(tmp_path, checks={"ledger": lambda: wrong["ledger"], "disk": broken}) as made,
        served(made.web) as server,
    ):

        def get(path: str) -> Answer:
            return server.says(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())

        assert (get("/healthz").status, get("/healthz").body) == (200, b"ok")
        ready = get("/readyz")
        assert ready.status == 200
        assert json.loads(ready.body) == {"ready": True, "checks": {"ledger": "ok", "disk": "ok"}}
        wrong["disk"] = "raises"
        ready = get("/readyz")
        assert ready.status == 503
        assert json.loads(ready.body)["checks"]["disk"] == "it could not be checked (OSError)"
        assert get("/healthz").status == 200


def test_what_came_is_counted_by_outcome_and_by_topics_that_there_are(tmp_path: Path) -> None:
    numbers = [
        Number("intercom_klaviyo_rows", "Rows", 3, (("state", "queued"),)),
        Number("intercom_klaviyo_rows", "Rows", 1, (("state", "dead"),)),
        Number("intercom_klaviyo_lag_seconds", "Lag", 0.5),
    ]
    with desk(tmp_path, numbers=lambda: numbers) as made:
        made.post(notification("a"))
        made.post(notification("b", topic="ping"))
        made.post(notification("c", topic="made.up.by.mara.lindqvist@example.com"))
        made.post(BODY, [])
        assert counted(made) == {
            '{outcome="kept",topic="conversation.read"}': 1.0,
            '{outcome="kept",topic="ping"}': 1.0,
            '{outcome="kept",topic="other"}': 1.0,
            '{outcome="forged",topic=""}': 1.0,
        }
        answer = made.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    shown = answer.body.decode()
    assert 'intercom_klaviyo_rows{state="queued"} 3.0' in shown
    assert 'intercom_klaviyo_rows{state="dead"} 1.0' in shown
    assert "intercom_klaviyo_lag_seconds 0.5" in shown
    assert "intercom_klaviyo_webhook_seconds_count 3.0" in shown
    assert "mara" not in shown


def test_a_commit_is_seen_by_others_only_when_it_has_returned(tmp_path: Path) -> None:
    """What the test of the order stands on."""
    with desk(tmp_path) as made:
        with made.ledger.write() as tx:
            inbox.put(tx, [Received("w", "a", "t", b"{}", 1.0)])
            assert made.kept() == []
        assert made.kept() == ["a"]
