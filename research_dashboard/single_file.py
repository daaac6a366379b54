"""Quick requests in single file: side by side they only take the interpreter from each other, at every system call, and
each takes three times its time (docs/decisions/0013). Who turns out slow is overtaken by those behind.
"""

import threading
import time

QUICK = (
    0.01  # seconds: whoever is at work for longer is overtaken; as often as long where as many share the interpreter
)


class SingleFile:
    """One at a time, as long as each is quick.

    The more are at work already, the longer each takes: by the clock alone all would be slow, overtaken and side by
    side, and a server that was once behind would stay so. So who would overtake waits as often as long.

    Only the next in line looks at the clock. If all did, hundreds in line would take the interpreter from who is at
    work a hundred times a second each, and he would be the slower the longer the line.
    """

    def __init__(self, quick: float = QUICK) -> None:
        self._quick = quick
        self._next = threading.Lock()  # held by the next in line
        self._first = Place(self)
        self._at_work, self._counting = 0, threading.Lock()

    def enter(self) -> "Place":
        """Wait until nobody is at work, or the one who is has been for long. The place is to be left again."""
        with self._next:
            place = self._first
            slow = place.since + self._quick * max(1, self._at_work)
            if not place.lock.acquire(timeout=max(0.0, slow - time.monotonic())):
                place = self._first = Place(self)
                place.lock.acquire()
            place.since = time.monotonic()
            self.count(1)
            return place

    def count(self, more: int) -> None:
        """Keep the number of those at work."""
        with self._counting:
            self._at_work += more


class Place:
    """The first place of a file, and since when somebody has it."""

    __slots__ = ("_of", "lock", "since")

    def __init__(self, of: SingleFile) -> None:
        self.lock = threading.Lock()
        self.since = time.monotonic()
        self._of = of

    def leave(self) -> None:
        """Let the next one have it."""
        self.lock.release()
        self._of.count(-1)
