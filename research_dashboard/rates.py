"""How often somebody may ask: counted by the package limits, for the API, for pages and for signing in.

The counts stand in this process's memory, or in a store that several processes and machines share (RATE_STORAGE). One
that does not answer closes nobody's door: each process then counts by itself, says so in the log, and looks again soon.
Flask-Limiter wraps the same package, but looks every request's limits up, exempt or not, which was a quarter of what a
small answer cost; and it puts Retry-After on answers that have one of their own (docs/decisions/0013, 0014).
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, current_app

from research_dashboard.logs import logger

if TYPE_CHECKING:  # loaded with the first count: it brings asyncio along, and who works alone is never counted
    from limits import RateLimitItem
    from limits.strategies import FixedWindowRateLimiter

ANSWER_WITHIN = 0.5  # seconds that a shared store has, on each request
LOOK_AGAIN = 10.0  # seconds before one that did not answer is asked anew
Answer = TypeVar("Answer")
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of the rate that is nearest to its end, and the seconds until it begins anew."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool


class Counter:
    """Counts in the store at the address; in this process's memory where that is the store, or while it is away."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.away_until = 0.0

    @cached_property
    def own(self) -> "FixedWindowRateLimiter":
        """The counts of this process."""
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        return FixedWindowRateLimiter(MemoryStorage())

    @cached_property
    def shared(self) -> "FixedWindowRateLimiter | None":
        """The counts of all of them, where the settings name a store for them."""
        if self.uri.startswith("memory:"):
            return None
        from limits.storage import storage_from_string
        from limits.strategies import FixedWindowRateLimiter

        waits = {"socket_connect_timeout": ANSWER_WITHIN, "socket_timeout": ANSWER_WITHIN}
        return FixedWindowRateLimiter(storage_from_string(self.uri, wrap_exceptions=True, **waits))

    def answers(self) -> bool:
        """True when the shared store can be reached; also when there is none to reach."""
        return self.shared is None or bool(self.shared.storage.check())

    def ask(self, question: Callable[["FixedWindowRateLimiter"], Answer]) -> Answer:
        """The question's answer, from the shared store where there is one and it answers."""
        with _loading:  # its parts import each other: two threads that begin at once would find it half made
            from limits.errors import StorageError

        if self.shared is not None and time.monotonic() >= self.away_until:
            try:
                return question(self.shared)
            except StorageError as error:
                self.away_until = time.monotonic() + LOOK_AGAIN
                logger.warning("rate_store_away", error=str(error), cure="each process counts by itself meanwhile")
        return question(self.own)


def count(rates: str, *key: str) -> Window:
    """Count one more request of this key against the rates ("10 per minute; 60 per hour")."""

    def counted(by: "FixedWindowRateLimiter") -> Window:
        windows = [_window(by, rate, key, within=by.hit(rate, *key)) for rate in _parsed(rates)]
        return min(windows, key=lambda window: (not window.exceeded, window.remaining))

    return counter().ask(counted)


def give_back(rates: str, *key: str) -> None:
    """Take one request of this key off its counts again: it was none of those that the rates are for."""

    def taken_off(by: "FixedWindowRateLimiter") -> None:
        for rate in _parsed(rates):
            by.storage.incr(rate.key_for(*key), rate.get_expiry(), amount=-1)

    counter().ask(taken_off)


def exceeded(rates: str, *key: str) -> Window | None:
    """The rate that this key has used up, if any; nothing is counted."""

    def used_up(by: "FixedWindowRateLimiter") -> Window | None:
        for rate in _parsed(rates):
            if not by.test(rate, *key):
                return _window(by, rate, key, within=False)
        return None

    return counter().ask(used_up)


def counter() -> Counter:
    """The present application's."""
    found: Counter = current_app.extensions["rates"]
    return found


def _window(by: "FixedWindowRateLimiter", rate: "RateLimitItem", key: tuple[str, ...], *, within: bool) -> Window:
    stats = by.get_window_stats(rate, *key)
    reset = max(1, math.ceil(stats.reset_time - time.time()))
    return Window(rate.amount, stats.remaining, reset, not within)


@cache
def _parsed(rates: str) -> list["RateLimitItem"]:
    from limits import parse_many

    return parse_many(rates)


def init_app(app: Flask) -> None:
    """Give the application a count of its own: from zero, or as a shared store has it."""
    app.extensions["rates"] = Counter(app.config["SETTINGS"].rate_storage)
