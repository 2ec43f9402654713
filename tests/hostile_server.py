"""A server on loopback that says exactly the bytes that it is told to, as wrong as they may be."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Made for these tests, and trusted by nobody."""

Turn = Callable[["Talk"], None]
"""What the server does once it has read a request."""


@dataclass
class Server:
    """What came in: how many connections, and every request as it was sent."""

    port: int = 0
    scheme: str = "http"
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    opened: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@dataclass
class Talk:
    """One connection, after a request."""

    server: Server
    socket: socket.socket
    request: bytes

    def say(self, text: bytes) -> None:
        self.socket.sendall(text)

    def hang_up(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def pause(self) -> bool:
        """Wait a moment; whether the server still runs."""
        return not self.server.ended.wait(0.01)


def says(*texts: bytes) -> Turn:
    """An answer after which the connection is kept."""
    return lambda talk: [talk.say(text) for text in texts] and None


def ends(*texts: bytes) -> Turn:
    """An answer after which the server hangs up."""

    def turn(talk: Talk) -> None:
        for text in texts:
            talk.say(text)
        talk.hang_up()

    return turn


def resets(*texts: bytes) -> Turn:
    """An answer in the middle of which the connection is reset."""

    def turn(talk: Talk) -> None:
        for text in texts:
            talk.say(text)
        talk.reset()

    return turn


def repeats(first: bytes, again: bytes) -> Turn:
    """An answer that never ends."""

    def turn(talk: Talk) -> None:
        talk.say(first)
        while not talk.server.ended.is_set():
            talk.say(again)

    return turn


def drips(first: bytes, drop: bytes) -> Turn:
    """An answer that goes on for longer than any test waits, and comes a little at a time."""

    def turn(talk: Talk) -> None:
        talk.say(first)
        for _ in range(1000):
            if not talk.pause():
                return
            talk.say(drop)
        talk.hang_up()

    return turn


def answer(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer, as it should be."""
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


@contextmanager
def serving(*turns: Turn, tls: bool = False) -> Iterator[Server]:
    """A server that does the turns one after the other, and the last of them from then on."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = Server(listener.getsockname()[1], "https" if tls else "http")
        accepting = threading.Thread(target=_accept, args=(listener, server, turns))
        accepting.start()
        try:
            yield server
        finally:
            server.ended.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for one in server.opened:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in server.threads:
                thread.join()
            for one in server.opened:
                one.close()


def _accept(listener: socket.socket, server: Server, turns: tuple[Turn, ...]) -> None:
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        server.connections += 1
        if server.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            accepted = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        server.opened.append(accepted)
        server.threads.append(threading.Thread(target=_talk, args=(accepted, server, turns)))
        server.threads[-1].start()


def _talk(accepted: socket.socket, server: Server, turns: tuple[Turn, ...]) -> None:
    with suppress(OSError), accepted:
        while request := _read(accepted):
            server.requests.append(request)
            turn = turns[min(len(server.requests), len(turns)) - 1]
            turn(Talk(server, accepted, request))


def _read(accepted: socket.socket) -> bytes:
    """One request with its body, or what begins encryption; nothing where the other side has gone."""
    text = b""
    while b"\r\n\r\n" not in text and not text.startswith(b"\x16"):
        piece = accepted.recv(65536)
        if not piece:
            return b""
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += accepted.recv(65536)
    return head + b"\r\n\r\n" + body
