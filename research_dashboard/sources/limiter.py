"""One queue for requests to the SEC, shared by every thread and process of this installation."""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

PER_SECOND = 8.0  # the SEC allows ten per user, however many machines
LONGEST_PAUSE = 660.0  # the SEC refuses for ten minutes; a later time in the file is a clock that was wrong


class TooLongError(Exception):
    """The SEC asked for a pause that is too long to wait for; `seconds` of it are left."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} seconds")
        self.seconds = seconds


class Limiter(Protocol):
    """What the client asks before each request, and tells when the SEC wants a pause."""

    def wait(self) -> None:
        """Return when the next request may go out. Raises TooLongError."""

    def pause(self, seconds: float) -> None:
        """Let nobody send anything for so long."""

    def hurry(self, seconds: float) -> None:
        """Wait for no slot that is further off than this from now on."""


class FileLimiter:
    """Slots handed out one by one; a locked file holds the moment of the next one."""

    def __init__(
        self,
        path: Path,
        per_second: float = PER_SECOND,
        patience: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path, self.gap, self.patience, self.sleep = path, 1 / per_second, patience, sleep

    def wait(self) -> None:
        """Take the next slot and sleep until it comes. Raises TooLongError when that is beyond the patience."""
        now = time.time()
        at = self._move(lambda kept: max(now, kept), self.gap, limit=now + self.patience)
        self.sleep(max(0.0, at - time.time()))

    def pause(self, seconds: float) -> None:
        """Nobody gets a slot for so many seconds."""
        until = time.time() + min(seconds, LONGEST_PAUSE)
        self._move(lambda kept: max(until, kept), 0.0)

    def hurry(self, seconds: float) -> None:
        """Be no more patient than so many seconds."""
        self.patience = min(seconds, self.patience)

    def _move(self, to: Callable[[float], float], gap: float, limit: float | None = None) -> float:
        """Set the kept moment to `to` of it plus the gap, alone; returns it without the gap."""
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            try:
                kept = float(text or 0)
            except ValueError:
                kept = 0.0
            if kept > time.time() + LONGEST_PAUSE:
                kept = 0.0
            at = to(kept)
            if limit is not None and at > limit:
                raise TooLongError(at - time.time())
            file.seek(0)
            file.truncate()
            file.write(repr(at + gap))
        return at
