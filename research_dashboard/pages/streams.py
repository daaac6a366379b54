"""Files that are written while they are read: a reader who is slow, or stands still, takes nothing from others.

Each holds a thread and a connection to the database for as long as it is read, and on SQLite keeps what was written
meanwhile from being tidied away. So one reader may have so many at a time, and all together so many; and on Linux one
to whom nothing went for half a minute is hung up on (slow_clients.py).
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import Any

from flask import Response, request, stream_with_context
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from research_dashboard.access import actor
from research_dashboard.extensions import STREAMS, db
from research_dashboard.intake import SLOW, network, port_of

OF_A_READER = STREAMS // 2
AGAIN = 5  # seconds after which it may be tried again

_reading: Counter[str | None] = Counter()
_lock = threading.Lock()


def streamed(pieces: Iterator[bytes], content_type: str) -> Response:
    """An answer of pieces that are made as they are read. Raises TooManyRequests, ServiceUnavailable."""
    leave = _enter()
    db.session.remove()  # what the page asked before; it would be kept as long as the file is read
    response = Response(stream_with_context(_until_read(pieces, leave)), content_type=content_type)
    response.call_on_close(leave)  # also where not one piece was asked for
    return response


def _until_read(pieces: Iterator[bytes], leave: Callable[[], None]) -> Iterator[bytes]:
    environ = request.environ
    watched = environ[SLOW].waiting(port_of(environ)) if SLOW in environ else nullcontext()
    try:
        with watched, closing(pieces) as written:  # type: ignore[type-var]
            yield from written
    finally:
        leave()


def _enter() -> Callable[[], None]:
    """Count one more reader; the answer counts him off again, once."""
    who: Any = actor()
    reader = f"user {who.user_id}" if who and who.user_id else f"address {network(request.remote_addr)}"
    with _lock:
        if _reading[reader] >= OF_A_READER:
            raise TooManyRequests(
                f"{OF_A_READER} files are being read already: wait until one has come.", retry_after=AGAIN
            )
        if _reading[None] >= STREAMS:
            raise ServiceUnavailable(f"{STREAMS} files are being read: try again in a moment.", retry_after=AGAIN)
        _reading.update((reader, None))
    entered = threading.Lock()

    def leave() -> None:
        if entered.acquire(blocking=False):
            with _lock:
                _reading.subtract((reader, None))
                if not _reading[reader]:
                    del _reading[reader]

    return leave
