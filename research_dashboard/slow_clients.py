"""Hang up on who sends a body too slowly.

The server has no deadline for a body, and a thread that waits in it cannot be told to stop. So while a body is
overdue, the process looks at its own connections: one over which hardly anything came, and nothing went, for half a
minute is shut, and the thread that waits for it sees the end. An idle keep-alive connection may go with it, as it may
at any time. Linux says of each connection how many bytes moved (tcp(7), TCP_INFO); elsewhere nobody is hung up on,
and the counts of intake.py are what holds.
"""

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WITHIN = 30.0  # seconds over which a connection is judged
LEAST = 30_000  # bytes that come within them: 1 kB a second
LOOK = 5.0  # seconds between two looks
_MOVED = struct.Struct("=120xQQ")  # struct tcp_info of linux/tcp.h: tcpi_bytes_acked, tcpi_bytes_received


class Moved(NamedTuple):
    """Bytes that came over a connection and bytes that its other end has got, when it was looked at."""

    at: float
    came: int
    went: int


class SlowClients:
    """The bodies that are waited for, and a thread that hangs up on those that do not come."""

    def __init__(self, within: float = WITHIN, least: int = LEAST, look: float = LOOK) -> None:
        self.within, self.least, self.look = within, least, look
        self._since: dict[int, tuple[float, int]] = {}  # thread: since when it waits, on a connection to which port
        self._wake = threading.Event()
        self._begun = threading.Lock()

    @contextlib.contextmanager
    def waiting(self, port: int) -> Iterator[None]:
        """This thread waits for a body within, on a connection to `port`."""
        me = threading.get_ident()
        self._since[me] = (time.monotonic(), port)
        if sys.platform == "linux" and self._begun.acquire(blocking=False):  # once, never released
            threading.Thread(target=self._watch, name="slow clients", daemon=True).start()
        self._wake.set()
        try:
            yield
        finally:
            self._since.pop(me, None)

    def _watch(self) -> None:
        seen: dict[str, Moved] = {}
        while True:
            self._wake.clear()
            if not self._since:
                seen.clear()
                self._wake.wait()
            threading.Event().wait(self.look)
            late = time.monotonic() - self.look
            if ports := {port for since, port in list(self._since.values()) if since < late}:
                seen = self._judge(seen, ports)

    def _judge(self, seen: dict[str, Moved], ports: set[int]) -> dict[str, Moved]:
        """Look at every connection; shut those that stood for the whole time. Answers what is to be compared next."""
        kept: dict[str, Moved] = {}
        for name, connection in own_sockets():
            if not _accepted(connection, ports):
                continue
            now, before = _moved(connection), seen.get(name)
            if before is None or now.went > before.went or now.came < before.came:
                kept[name] = now
            elif now.at - before.at < self.within:
                kept[name] = before
            elif now.came - before.came >= self.least:
                kept[name] = now
            else:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        return kept


def own_sockets() -> Iterator[tuple[str, socket.socket]]:
    """This process's sockets, each under the kernel's name for it, lent until the next; none where it is not Linux."""
    folder = Path("/proc/self/fd")
    for entry in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):  # closed meanwhile, or no socket
            if (name := os.readlink(entry)).startswith("socket:"):
                with socket.socket(fileno=os.dup(int(entry.name))) as found:
                    yield name, found


def _accepted(found: socket.socket, ports: set[int]) -> bool:
    """True for a connection that somebody made to one of the ports."""
    try:
        return found.getsockname()[1] in ports and bool(found.getpeername())
    except (OSError, IndexError, TypeError):  # listening; of the machine itself
        return False


def _moved(connection: socket.socket) -> Moved:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _MOVED.size)
    acked, received = _MOVED.unpack(info)
    return Moved(time.monotonic(), received, acked)
