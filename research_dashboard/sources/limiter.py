"""One queue for requests to the SEC, shared by every thread, process and machine of an installation."""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, text

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

    def calls(self) -> int:
        """How many slots were ever handed out: requests sent to the SEC."""


def limiter_of(instance: Path, engine: Engine) -> Limiter:
    """The one queue of an installation: a file beside SQLite's; on PostgreSQL a row, for there may be many machines."""
    if engine.dialect.name == "postgresql":
        return DatabaseLimiter(engine)
    return FileLimiter(instance / "sec.limit")


class FileLimiter:
    """Slots handed out one by one; a locked file holds the moment of the next one, and how many there were."""

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
        at = self._move(lambda kept: max(now, kept), self.gap, limit=now + self.patience, calls=1)
        self.sleep(max(0.0, at - time.time()))

    def pause(self, seconds: float) -> None:
        """Nobody gets a slot for so many seconds."""
        until = time.time() + min(seconds, LONGEST_PAUSE)
        self._move(lambda kept: max(until, kept), 0.0)

    def hurry(self, seconds: float) -> None:
        """Be no more patient than so many seconds."""
        self.patience = min(seconds, self.patience)

    def calls(self) -> int:
        """How many slots were ever handed out."""
        try:
            return _parsed(self.path.read_text())[1]
        except FileNotFoundError:
            return 0

    def _move(self, to: Callable[[float], float], gap: float, limit: float | None = None, calls: int = 0) -> float:
        """Set the kept moment to `to` of it plus the gap, alone; returns it without the gap."""
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            kept, called = _parsed(file.read())
            if kept > time.time() + LONGEST_PAUSE:
                kept = 0.0
            at = to(kept)
            if limit is not None and at > limit:
                raise TooLongError(at - time.time())
            file.seek(0)
            file.truncate()
            file.write(f"{at + gap!r} {called + calls}")
        return at


def _parsed(kept: str) -> tuple[float, int]:
    """The moment and the number that a file holds; a file that says nothing readable holds zeros."""
    moment, _, calls = kept.partition(" ")
    try:
        return float(moment or 0), int(calls or 0)
    except ValueError:
        return 0.0, 0


class DatabaseLimiter:
    """Slots handed out by PostgreSQL: the one row of sec_pace, by the database's own clock.

    Each step is one statement in a transaction of its own; who comes at the same moment waits for the row.
    """

    TAKE = """UPDATE sec_pace SET next_at = greatest(next_at, {now}) + :gap, calls = calls + 1
        WHERE next_at - {now} <= :patience RETURNING next_at - :gap - {now}"""
    PAUSE = "UPDATE sec_pace SET next_at = greatest(next_at, {now} + :seconds)"
    LEFT = "SELECT next_at - {now} FROM sec_pace"

    def __init__(
        self,
        engine: Engine,
        per_second: float = PER_SECOND,
        patience: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.engine, self.gap, self.patience, self.sleep = engine, 1 / per_second, patience, sleep

    def wait(self) -> None:
        """Take the next slot and sleep until it comes. Raises TooLongError when that is beyond the patience."""
        wait = self._ask(self.TAKE, gap=self.gap, patience=self.patience)
        if wait is None:
            raise TooLongError(self._ask(self.LEFT))
        self.sleep(max(0.0, wait))

    def pause(self, seconds: float) -> None:
        """Nobody on any machine gets a slot for so many seconds."""
        self._ask(self.PAUSE, seconds=min(seconds, LONGEST_PAUSE))

    def hurry(self, seconds: float) -> None:
        """Be no more patient than so many seconds."""
        self.patience = min(seconds, self.patience)

    def calls(self) -> int:
        """How many slots were ever handed out."""
        return int(self._ask("SELECT calls FROM sec_pace"))

    def _ask(self, sql: str, **values: float) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(text(sql.format(now="extract(epoch FROM clock_timestamp())::float8")), values)
            return result.scalar() if result.returns_rows else None
