"""Slow clients and huge headers: they wait by themselves, and the site answers everybody else."""

import io
import json
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from select import select
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests
from werkzeug.test import run_wsgi_app

from research_dashboard.intake import BODIES, BODIES_PER_CLIENT, SLOTS, THREADS, Intake, aside
from research_dashboard.single_file import SingleFile
from research_dashboard.slow_clients import SlowClients

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
    answered, _, _ = select(many, [], [], 30)  # whichever came last: it need not be the one that was sent last
    first = [each.recv(200) for each in answered]
    assert [answer for answer in first if not answer.startswith(b"HTTP/1.1 429 ")] == []
    assert first


@pytest.mark.parametrize(
    "header",
    [b"X-Huge: " + b"a" * 70_000, b"X-Huge: " + b"a" * 200_000, b"\r\n".join(b"X-%d: a" % n for n in range(5000))],
)
def test_headers_beyond_reason_are_refused(connect: Callable[[bytes], socket.socket], header: bytes) -> None:
    answer = connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n\r\n").recv(200)
    assert answer.startswith(b"HTTP/1.1 431 ")


class Stuck(io.RawIOBase):
    """A body whose nine bytes come when they are let."""

    def __init__(self, come: threading.Event) -> None:
        self.asked, self.come = threading.Event(), come

    def read(self, _size: int = -1) -> bytes:
        self.asked.set()
        self.come.wait(30)
        return b"all of it"


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
        post(io.BytesIO(b"all of it"), "192.0.2.1")
    assert post(io.BytesIO(b"all of it"), "192.0.2.2") == [b"all of it"]
    signed_in = {"CONTENT_LENGTH": "9", "REMOTE_ADDR": "192.0.2.1", "HTTP_COOKIE": "session=x"}
    assert intake(signed_in | {"wsgi.input": io.BytesIO(b"all of it")}, None) == [b"all of it"], (
        "strangers use up no user's share"
    )
    come.set()
    for thread in threads:
        thread.join()
    assert post(io.BytesIO(b"all of it"), "192.0.2.1") == [b"all of it"]


def test_headers_have_a_limit_of_their_own_below_the_servers() -> None:
    intake, seen = Intake(lambda _environ, _start: [b"read"]), list[str]()
    assert intake({"HTTP_X": "a" * 65_000}, None) == [b"read"]
    b"".join(intake({"HTTP_X": "a" * 70_000, "REQUEST_METHOD": "GET"}, lambda status, _headers: seen.append(status)))
    assert seen == ["431 REQUEST HEADER FIELDS TOO LARGE"]


def test_a_program_reads_of_its_huge_headers_as_of_any_problem() -> None:
    sent = {"HTTP_X": "a" * 70_000, "REQUEST_METHOD": "GET", "PATH_INFO": "/api/research_runs/"}
    answer = run_wsgi_app(Intake(lambda _environ, _start: []), sent)  # type: ignore[arg-type]
    problem = json.loads(b"".join(answer[0]))
    assert (answer[1][:3], answer[2]["Content-Type"]) == ("431", "application/problem+json")
    assert problem.items() >= {"type": "about:blank", "status": 431}.items()
    assert "70,006 bytes" in problem["detail"]


def test_all_clients_together_leave_threads_to_who_sends_no_body() -> None:
    assert BODIES <= THREADS - 4 * SLOTS
    come = threading.Event()
    intake = Intake(lambda environ, _start: [environ["wsgi.input"].read()], slots=1, bodies=2, most=3)
    stuck = [Stuck(come) for _ in range(3)]

    def post(body: Any, address: str) -> Any:
        return intake({"CONTENT_LENGTH": "9", "REMOTE_ADDR": address, "wsgi.input": body}, None)

    threads = [threading.Thread(target=post, args=(body, f"192.0.2.{n}")) for n, body in enumerate(stuck)]
    for thread, body in zip(threads, stuck, strict=True):
        thread.start()
        assert body.asked.wait(30)
    with pytest.raises(ServiceUnavailable):
        post(io.BytesIO(b"all of it"), "192.0.2.9")
    come.set()
    for thread in threads:
        thread.join()
    assert post(io.BytesIO(b"all of it"), "192.0.2.9") == [b"all of it"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much a connection moved")
def test_who_sends_drop_by_drop_is_hung_up_on_and_who_sends_steadily_is_not() -> None:
    slow = SlowClients(within=0.6, least=2_000, look=0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        port = server.getsockname()[1]

        def pair() -> tuple[socket.socket, socket.socket]:
            theirs = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            return theirs, stack.enter_context(server.accept()[0])

        ended: dict[str, bool] = {"drops": False, "steady": False}

        def wait_for(name: str, ours: socket.socket) -> None:
            with slow.waiting(port):
                while ours.recv(65536):
                    continue
            ended[name] = True

        clients = {name: pair() for name in ended}
        threads = [threading.Thread(target=wait_for, args=(name, ours)) for name, (_, ours) in clients.items()]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 30
        # A drop each tenth of a second, until it is hung up on: this is a slow client's pace, not a wait for anything.
        while threads[0].is_alive() and time.monotonic() < until:
            for name, piece in (("drops", b"."), ("steady", b"." * 1_000)):
                with suppress(OSError):
                    clients[name][0].sendall(piece)
            threads[0].join(0.1)
        assert ended == {"drops": True, "steady": False}
        clients["steady"][0].close()
        for thread in threads:
            thread.join(30)
        assert ended["steady"]


@pytest.mark.soak
def test_two_hundred_and_fifty_slow_bodies_from_eight_addresses_leave_the_site_open_and_are_hung_up_on(
    served: str,
) -> None:
    port = int(served.rpartition(":")[2])
    with ExitStack() as stack:
        many = []
        for number in range(256):
            opened = socket.create_connection(("127.0.0.1", port), 30, source_address=(f"127.0.0.{2 + number % 8}", 0))
            many.append(stack.enter_context(opened))
            opened.sendall(SLOW["body"])
        for _ in range(20):
            with urllib.request.urlopen(f"{served}/historical-records", timeout=10) as answer:
                assert answer.status == 200
        for each in many:
            each.settimeout(60)
            while each.recv(4096):
                continue


def test_quick_requests_go_one_after_the_other() -> None:
    file, at_work, most = SingleFile(quick=60), [0], [0]

    def work() -> None:
        for _ in range(200):
            place = file.enter()
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            at_work[0] -= 1
            place.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1


def test_who_is_at_work_for_long_is_overtaken_and_does_no_harm_when_he_is_done() -> None:
    file = SingleFile(quick=0.001)
    slow = file.enter()
    quick = file.enter()  # does not wait for the slow one's end
    slow.leave()
    seen: list[str] = []
    third = threading.Thread(target=lambda: (file.enter(), seen.append("third")))
    file_of_second = file._first
    third.start()
    third.join(30)  # the second is slow by now, and is overtaken in its turn
    assert seen == ["third"]
    assert file._first is not file_of_second
    quick.leave()


def test_the_more_are_at_work_the_longer_it_takes_to_be_called_slow() -> None:
    file = SingleFile(quick=0.05)
    places = [file.enter() for _ in range(3)]  # the third waited twice as long for the second as that one for the first
    began = time.monotonic()
    places.append(file.enter())
    assert time.monotonic() - began >= 3 * 0.05
    for place in places:
        place.leave()
    assert file._at_work == 0


def test_of_those_in_line_only_the_next_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    file = SingleFile(quick=60)
    slow, looked = file.enter(), [0]

    def monotonic() -> float:
        looked[0] += 1
        return time.perf_counter()

    monkeypatch.setattr("research_dashboard.single_file.time", SimpleNamespace(monotonic=monotonic))
    threads = [threading.Thread(target=lambda: file.enter().leave()) for _ in range(20)]
    for thread in threads:
        thread.start()
    while not looked[0]:
        threading.Event().wait(0.001)
    assert looked[0] == 1
    slow.leave()
    for thread in threads:
        thread.join(30)
    assert file._at_work == 0


def test_a_small_body_is_read_before_the_request_takes_its_place() -> None:
    come, took = threading.Event(), []

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        took.append(come.is_set())
        return [environ["wsgi.input"].read()]

    intake = Intake(app)
    body = Stuck(come)
    sent = {"CONTENT_LENGTH": "9", "REMOTE_ADDR": "192.0.2.1", "wsgi.input": body}
    thread = threading.Thread(target=intake, args=(sent, None))
    thread.start()
    assert body.asked.wait(30)
    assert took == []
    come.set()
    thread.join(30)
    assert took == [True]


@pytest.mark.parametrize("length", [20, 100_000])
@pytest.mark.parametrize("read", [lambda body: body.read(), lambda body: body.read(500), list])
def test_a_body_that_was_cut_off_is_not_taken_for_a_whole_one(length: int, read: Callable[[Any], Any]) -> None:
    came: list[Any] = []

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        with pytest.raises(ConnectionResetError, match="cut off"):
            came.extend([read(environ["wsgi.input"]), read(environ["wsgi.input"])])
        return []

    sent = {"CONTENT_LENGTH": str(length), "REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO(b"one\ntwo\n")}
    Intake(app)(sent, None)
    assert came == []


def test_who_waits_for_something_else_lets_others_work_meanwhile() -> None:
    seen: list[str] = []

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/first":
            with aside():
                other = threading.Thread(target=intake, args=({"PATH_INFO": "/second"}, None))
                other.start()
                other.join(30)
            seen.append("first again")
        return []

    intake = Intake(app, slots=1)
    intake.file = SingleFile(quick=60)
    intake({"PATH_INFO": "/first"}, None)
    assert seen == ["/first", "/second", "first again"]
    with aside():  # outside of a request there is nothing to give up
        pass
