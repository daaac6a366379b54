"""Slow clients: who sends a body drop by drop holds a thread that waits, and none of those that work.

The server has many threads, made when they are needed, and few slots for work: a thread that waits for a client's bytes
gives its slot up meanwhile. One client may have so many bodies on their way, one address so many more under different
sign-ins, and all together so many that threads are left for everybody else; who sends too slowly is hung up on
(slow_clients.py). Slow headers cost no thread: the server's own header timeout ends them.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache, partial
from io import BytesIO
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from werkzeug.exceptions import HTTPException, RequestHeaderFieldsTooLarge, ServiceUnavailable, TooManyRequests
from werkzeug.wrappers import Response

from research_dashboard.single_file import Place, SingleFile
from research_dashboard.slow_clients import SlowClients

SLOTS = 8  # requests at work at a time: more only wait for each other, on the database and on the interpreter
THREADS = 256  # requests in all, those included that wait for their client; one that idles ends after half a minute
BODIES_PER_CLIENT = 32  # a client: an address and what it signs in with, so that strangers cannot use up a user's
CLIENTS_PER_ADDRESS = 3
SMALL = 64 * 1024  # bytes of a body that is read before the request has its place
MOST_HEADERS = 64 * 1024  # bytes of them; the server itself takes somewhat more before it refuses
BODIES = 192  # of all clients: the other threads serve who sends none

SLOW = "research_dashboard.slow_clients"  # in the environ: who watches over slow clients
App = Callable[[dict[str, Any], Any], Iterable[bytes]]


@lru_cache(maxsize=1024)
def network(address: str | None) -> str:
    """By what a client is counted: its address; of IPv6 its /64, for whoever has one such address has all of them."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def port_of(environ: dict[str, Any]) -> int:
    """The port that this server listens on; not the one that a proxy does."""
    listening: Any = environ.get("werkzeug.proxy_fix.orig", environ)
    return int(listening.get("SERVER_PORT") or 0)


class Intake:
    """WSGI middleware: a slot for each request at work, given up while its body is waited for."""

    def __init__(self, app: App, slots: int = SLOTS, bodies: int = BODIES_PER_CLIENT, most: int = BODIES) -> None:
        self.app, self.bodies, self.most = app, bodies, most
        self.slots, self.file = threading.BoundedSemaphore(slots), SingleFile()
        self.slow = SlowClients()
        self._reading: Counter[Any] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        size = sum(len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_"))
        if size > MOST_HEADERS:
            return _too_long(environ, size)(environ, start)
        work = _Work(self)
        environ[SLOW] = self.slow
        if environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = body = _Body(self, environ, work)
            body.read_ahead()
        work.begin()
        try:
            return self.app(environ, start)
        finally:
            work.pause()

    def read(self, read: Callable[..., bytes], size: int, client: tuple[str, int], port: int, work: "_Work") -> bytes:
        """Wait for bytes without a slot. Raises TooManyRequests when this client keeps too many waiting, and
        ServiceUnavailable when all do."""
        self._enter(client)
        with work.paused():
            try:
                with self.slow.waiting(port):
                    return read(size)
            finally:
                with self._lock:
                    self._count(client, -1)

    def _enter(self, client: tuple[str, int]) -> None:
        address = client[0]
        with self._lock:
            if self._reading[client] >= self.bodies or self._reading[address] >= CLIENTS_PER_ADDRESS * self.bodies:
                raise TooManyRequests(
                    f"{self._reading[address]} requests from {address} are on their way already: "
                    "send them one after the other.",
                    retry_after=5,
                )
            if self._reading[None] >= self.most:
                raise ServiceUnavailable(
                    f"{self.most} requests are on their way already: try again in a moment.", retry_after=5
                )
            self._count(client, 1)

    def _count(self, client: tuple[str, int], more: int) -> None:
        """A body counts for its client, its address, and all; who has none on the way is forgotten."""
        for key in (client, client[0], None):
            self._reading[key] += more
            if not self._reading[key]:
                del self._reading[key]


def _too_long(environ: dict[str, Any], size: int) -> HTTPException:
    """The refusal of headers of so many bytes; a program reads it as a problem (RFC 9457), as all others."""
    refusal = RequestHeaderFieldsTooLarge(f"The headers have {size:,} bytes; at most {MOST_HEADERS:,} are read.")
    if environ.get("PATH_INFO", "").startswith("/api/"):
        said = {"type": "about:blank", "title": refusal.name, "status": refusal.code, "detail": refusal.description}
        refusal.response = Response(json.dumps(said), refusal.code, content_type="application/problem+json")
    return refusal


class _Work:
    """One request's slot and place. It never waits for a place while it has a slot."""

    __slots__ = ("_at_work", "_intake", "_place")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._place: Place | None = None
        self._at_work = False

    def begin(self) -> None:
        """Wait for both."""
        self._place = self._intake.file.enter()
        self._intake.slots.acquire()
        self._at_work = True
        _here.work = self

    def pause(self) -> None:
        """Give both up."""
        self._at_work = False
        self._intake.slots.release()
        if self._place is not None:
            self._place.leave()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Without both, for as long as this lasts; also before it has begun."""
        at_work = self._at_work
        if at_work:
            self.pause()
        try:
            yield
        finally:
            if at_work:
                self.begin()


class _Here(threading.local):
    """What this thread is at."""

    work: _Work | None = None


_here = _Here()


def aside() -> AbstractContextManager[None]:
    """Let others work for as long as this lasts: for who waits, in whatever depth of a request."""
    work = _here.work
    return work.paused() if work is not None else nullcontext()


class _Body:
    """A request's body, as WSGI wants it, read through the intake."""

    def __init__(self, intake: Intake, environ: dict[str, Any], work: _Work) -> None:
        signed_in = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_COOKIE") or ""
        client = (network(environ.get("REMOTE_ADDR")), hash(signed_in))
        self._read = partial(intake.read, client=client, port=port_of(environ), work=work)
        self._raw = environ["wsgi.input"]
        self._ahead: BytesIO | None = None
        length = environ.get("CONTENT_LENGTH", "")
        self._left = int(length) if length.isdecimal() and len(length) < 20 else 0  # of one in chunks nobody knows
        self._small = self._left if self._left <= SMALL else 0

    def read_ahead(self) -> None:
        """Read a small body before the request has its place, which it then need not give up; as for slow bodies."""
        if self._small:
            with suppress(TooManyRequests, ServiceUnavailable, OSError):  # the application meets it when it reads
                ahead = b""
                while len(ahead) < self._small:
                    ahead += self._came(self._raw.read, self._small - len(ahead))
                self._ahead = BytesIO(ahead)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, or all. Raises ConnectionResetError when the body ends before its Content-Length."""
        if self._ahead is not None:
            return self._ahead.read(size)
        return self._came(self._raw.read, size)

    def readline(self, size: int = -1) -> bytes:
        """The next line. Raises ConnectionResetError as read() does."""
        if self._ahead is not None:
            return self._ahead.readline(size)
        return self._came(self._raw.readline, size)

    def _came(self, read: Callable[..., bytes], size: int) -> bytes:
        """What comes; the server calls a connection that broke an end, and the half that came would pass for all."""
        data = self._read(read, size=size)
        self._left -= len(data)
        if self._left > 0 and (size < 0 or (size and not data)):
            raise ConnectionResetError(f"The body was cut off: {self._left:,} of its bytes did not come.")
        return data

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """Every line."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
