"""A server on this machine that answers as it is told: with bytes, with nothing, or not at all."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

HANG = b""  # read the request, and say nothing


def said(status: str, body: str = "", *headers: str, kind: str = "application/json") -> bytes:
    """An answer, byte for byte."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", body]).encode()


@dataclass
class Broken:
    """The server: its address, and the requests that came."""

    url: str
    requests: list[bytes] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """The Idempotency-Key of each request."""
        lines = (line.partition(": ") for text in self.requests for line in text.decode().splitlines())
        return [value for name, _, value in lines if name.lower() == "idempotency-key"]


@contextmanager
def broken(*answers: bytes) -> Iterator[Broken]:
    """A server that gives these answers one after the other, the last again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Broken(f"http://127.0.0.1:{listener.getsockname()[1]}")
        ended, open_ones = threading.Event(), list[socket.socket]()
        thread = threading.Thread(target=_serve, args=(listener, made, answers, ended, open_ones))
        thread.start()
        try:
            yield made
        finally:
            ended.set()
            with socket.create_connection(listener.getsockname()):
                thread.join()
            for each in open_ones:
                each.close()


def _serve(
    listener: socket.socket,
    made: Broken,
    answers: Sequence[bytes],
    ended: threading.Event,
    open_ones: list[socket.socket],
) -> None:
    while True:
        connection, _ = listener.accept()
        open_ones.append(connection)
        if ended.is_set():
            return
        made.requests.append(_request(connection))
        answer = answers[min(len(made.requests), len(answers)) - 1]
        if answer != HANG:
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket) -> bytes:
    """One request, with its body."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = text.partition(b"\r\n\r\n")
    wanted = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), 0)
    while len(body) < wanted:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
