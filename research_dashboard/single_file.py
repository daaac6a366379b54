"""Quick requests in single file: side by side they only take the interpreter from each other, at every system call, and
each takes three times its time (docs/decisions/0013). Who turns out slow is overtaken by those behind.
"""

import threading
import time

QUICK = 0.01  # seconds: whoever is at work for longer is overtaken


class SingleFile:
    """One at a time, as long as each is quick."""

    def __init__(self, quick: float = QUICK) -> None:
        self._quick = quick
        self._first = Place()

    def enter(self) -> "Place":
        """Wait until nobody is at work, or the one who is has been for long. The place is to be left again."""
        while True:
            place = self._first
            if place.lock.acquire(timeout=self._quick):
                if place is self._first:
                    place.since = time.monotonic()
                    return place
                place.lock.release()  # its file was overtaken while this one waited in it
            elif time.monotonic() - place.since > self._quick:
                with place.passing:
                    if place is self._first:
                        self._first = Place()


class Place:
    """The first place of a file, and since when somebody has it."""

    __slots__ = ("lock", "passing", "since")

    def __init__(self) -> None:
        self.lock, self.passing = threading.Lock(), threading.Lock()
        self.since = time.monotonic()

    def leave(self) -> None:
        """Let the next one have it."""
        self.lock.release()
