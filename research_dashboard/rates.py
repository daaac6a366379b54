"""How often somebody may ask: counted in this process's memory (package limits), for the API and for signing in.

Flask-Limiter wraps the same package, but looks every request's limits up, exempt or not, which was a quarter of what a
small answer cost; and it puts Retry-After on answers that have one of their own (docs/decisions/0013).
"""

import math
import time
from dataclasses import dataclass
from functools import cache

from flask import Flask, current_app
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of the rate that is nearest to its end, and the seconds until it begins anew."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool


def count(rates: str, *key: str) -> Window:
    """Count one more request of this key against the rates ("10 per minute; 60 per hour")."""
    counter: FixedWindowRateLimiter = current_app.extensions["rates"]
    windows = [_count(counter, rate, key) for rate in _parsed(rates)]
    return min(windows, key=lambda window: (not window.exceeded, window.remaining))


def exceeded(rates: str, *key: str) -> Window | None:
    """The rate that this key has used up, if any; nothing is counted."""
    counter: FixedWindowRateLimiter = current_app.extensions["rates"]
    for rate in _parsed(rates):
        if not counter.test(rate, *key):
            return _window(counter, rate, key, within=False)
    return None


def _count(counter: FixedWindowRateLimiter, rate: RateLimitItem, key: tuple[str, ...]) -> Window:
    return _window(counter, rate, key, within=counter.hit(rate, *key))


def _window(counter: FixedWindowRateLimiter, rate: RateLimitItem, key: tuple[str, ...], *, within: bool) -> Window:
    stats = counter.get_window_stats(rate, *key)
    reset = max(1, math.ceil(stats.reset_time - time.time()))
    return Window(rate.amount, stats.remaining, reset, not within)


@cache
def _parsed(rates: str) -> list[RateLimitItem]:
    return parse_many(rates)


def init_app(app: Flask) -> None:
    """Give the application a count of its own, from zero."""
    app.extensions["rates"] = FixedWindowRateLimiter(MemoryStorage())
