"""Slow clients: who sends a body drop by drop holds a thread that waits, and none of those that work.

The server has many threads, made when they are needed, and few slots for work: a thread that waits for a client's bytes
gives its slot up meanwhile. One client may have so many bodies on their way and no more, so that it cannot take every
thread. (Slow headers cost no thread: the server's own header timeout ends them.)
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from werkzeug.exceptions import TooManyRequests

SLOTS = 8  # requests at work at a time: more only wait for each other, on the database and on the interpreter
THREADS = 256  # requests in all, those included that wait for their client; one that idles ends after half a minute
BODIES_PER_CLIENT = 32

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Intake:
    """WSGI middleware: a slot for each request at work, given up while its body is waited for."""

    def __init__(self, app: App, slots: int = SLOTS, bodies: int = BODIES_PER_CLIENT) -> None:
        self.app, self.bodies = app, bodies
        self.slots = threading.BoundedSemaphore(slots)
        self._reading: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Body(self, environ["wsgi.input"], environ.get("REMOTE_ADDR") or "")
        with self.slots:
            return self.app(environ, start)

    def read(self, read: Callable[..., bytes], size: int, client: str) -> bytes:
        """Wait for bytes without a slot. Raises TooManyRequests when this client keeps too many waiting."""
        with self._lock:
            if self._reading[client] >= self.bodies:
                raise TooManyRequests(
                    f"{self.bodies} requests from {client} are on their way already: send them one after the other.",
                    retry_after=5,
                )
            self._reading[client] += 1
        self.slots.release()
        try:
            return read(size)
        finally:
            with self._lock:
                self._reading[client] -= 1
                if not self._reading[client]:
                    del self._reading[client]
            self.slots.acquire()


class _Body:
    """A request's body, as WSGI wants it, read through the intake."""

    def __init__(self, intake: Intake, raw: Any, client: str) -> None:
        self._intake, self._raw, self._client = intake, raw, client

    def read(self, size: int = -1) -> bytes:
        """The next bytes, or all."""
        return self._intake.read(self._raw.read, size, self._client)

    def readline(self, size: int = -1) -> bytes:
        """The next line."""
        return self._intake.read(self._raw.readline, size, self._client)

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """Every line."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
