"""Slow clients and huge headers: they wait by themselves, and the site answers everybody else."""

import io
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from werkzeug.exceptions import TooManyRequests

from research_dashboard.intake import BODIES_PER_CLIENT, SLOTS, Intake

FORM = b"POST /theme HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "headers": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: a",
    "body": FORM + b"Content-Length: 5000\r\n\r\ncsrf_token=a",
    "chunks": FORM + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
}


@pytest.fixture
def connect(served: str) -> Iterator[Callable[[bytes], socket.socket]]:
    """Open a connection to the real program and send what is given."""
    port = int(served.rpartition(":")[2])
    with ExitStack() as stack:

        def opened(first: bytes) -> socket.socket:
            found = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            found.sendall(first)
            return found

        yield opened


@pytest.mark.parametrize("kind", SLOW)
def test_many_slow_clients_do_not_stop_the_site(
    served: str, connect: Callable[[bytes], socket.socket], kind: str
) -> None:
    many = [connect(SLOW[kind]) for _ in range(BODIES_PER_CLIENT * 2)]
    assert len(many) > SLOTS
    with urllib.request.urlopen(f"{served}/historical-records", timeout=30) as answer:
        assert answer.status == 200


def test_one_client_too_many_bodies_is_told_to_wait(connect: Callable[[bytes], socket.socket]) -> None:
    many = [connect(SLOW["body"]) for _ in range(BODIES_PER_CLIENT + 1)]
    first: list[bytes] = []
    for each in many:
        each.settimeout(0.2)
        try:
            first.append(each.recv(200))
        except TimeoutError:
            continue
    assert [answer for answer in first if not answer.startswith(b"HTTP/1.1 429 ")] == []
    assert first


@pytest.mark.parametrize("header", [b"X-Huge: " + b"a" * 200_000, b"\r\n".join(b"X-%d: a" % n for n in range(5000))])
def test_headers_beyond_reason_are_refused(connect: Callable[[bytes], socket.socket], header: bytes) -> None:
    answer = connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n").recv(200)
    assert answer.startswith(b"HTTP/1.1 431 ")


class Stuck(io.RawIOBase):
    """A body whose bytes come when they are let."""

    def __init__(self, come: threading.Event) -> None:
        self.asked, self.come = threading.Event(), come

    def read(self, _size: int = -1) -> bytes:
        self.asked.set()
        self.come.wait(30)
        return b""


def test_who_waits_for_a_body_leaves_his_slot_and_each_client_has_so_many() -> None:
    come = threading.Event()

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        return [environ["wsgi.input"].read()] if "CONTENT_LENGTH" in environ else [b"at once"]

    intake = Intake(app, slots=1, bodies=2)
    stuck = [Stuck(come), Stuck(come)]

    def post(body: Any, address: str) -> Any:
        return intake({"CONTENT_LENGTH": "9", "REMOTE_ADDR": address, "wsgi.input": body}, None)

    threads = [threading.Thread(target=post, args=(body, "192.0.2.1")) for body in stuck]
    for thread, body in zip(threads, stuck, strict=True):
        thread.start()
        assert body.asked.wait(30)
    assert intake({}, None) == [b"at once"]
    with pytest.raises(TooManyRequests):
        post(io.BytesIO(b"x"), "192.0.2.1")
    assert post(io.BytesIO(b"x"), "192.0.2.2") == [b"x"]
    come.set()
    for thread in threads:
        thread.join()
    assert post(io.BytesIO(b"x"), "192.0.2.1") == [b"x"]
