"""Fill the record with runs for measuring: reproducible, marked as such, in chunks that let a running server work."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select

from research_dashboard.extensions import to_json, writing
from research_dashboard.models import ResearchRun
from research_dashboard.research.steps import STEPS

CHUNK = 10_000
PAUSE = 0.01  # seconds between chunks, in which others may write
COMPANIES = 5000
RESEARCHERS = 24
OLDEST = datetime(2024, 11, 1)  # noqa: DTZ001  # in UTC, as SQLite keeps it
EVERY = timedelta(minutes=1)  # between two runs: a million of them are 23 months
CACHE = "PRAGMA cache_size = -200000"  # 200 MB: a chunk touches many pages of the indexes, each is written once
STATUSES = (("Completed", 0.90), ("Failed", 0.95), ("Cancelled", 0.98), ("Interrupted", 1.0))  # cumulated shares
FIRST = ("North", "Blue", "Grand", "Delta", "Silver", "Harbor", "Summit", "Pioneer", "Cedar", "Atlas")
SECOND = ("ridge", "water", "field", "stone", "point", "gate", "brook", "land", "crest", "view")
TRADE = ("Energy", "Foods", "Systems", "Pharma", "Steel", "Retail", "Motors", "Bancorp", "Media", "Freight")
REASONS = (
    ("no_annual_report", "No annual report was found on or before the as-of date. Choose a later one."),
    ("worker_died", "The worker died five times at the same step. Look into the log, then run again."),
    ("source_unreachable", "The SEC did not answer within a minute. Try again later, or use the bundled data."),
)
FINDINGS = (
    "Gross margin narrowed while inventory grew faster than revenue.",
    "Operating cash flow covers capital expenditure several times.",
    "Goodwill is more than half of total assets.",
    "Interest coverage fell below the median of the peer set.",
)

RUN = (
    "INSERT INTO research_runs (id, company, researcher, date, started_at, finished_at, duration_mins, status, "
    "insights, gaps, error_kind, error_message, origin, created_by, attempts, cancel_requested, priority) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'api', 'flask db fill', 0, 0, 0)"
)
STEP = (
    "INSERT INTO research_details "
    "(research_run_id, step_name, position, start_time, end_time, status, progress, attempt) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 1)"
)
RESULT = (
    "INSERT INTO research_results (research_run_id, result_type, result_data, created_at) VALUES (?, 'insights', ?, ?)"
)

Row = tuple[Any, ...]


def company(number: int) -> str:
    """One of 5,000 names; nearly all hold “Inc”."""
    a, b, c = number % 10, number // 10 % 10, number // 100 % 10
    series = f" {number // 1000 + 1}" if number >= 1000 else ""
    return f"{FIRST[a]}{SECOND[b]} {TRADE[c]}{series} {'Ltd.' if number % 50 == 7 else 'Inc.'}"


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "microseconds")


def _steps(run_id: int, began: datetime, seconds: float, status: str) -> Iterator[Row]:
    """The five steps: all of them for a run that completed, else some and the last as it ended."""
    ended = 5 if status == "Completed" else 1 + run_id % 4
    length = timedelta(seconds=seconds / ended)
    for position, name in enumerate(STEPS, 1):
        if position > ended:
            yield run_id, name, position, None, None, "Pending", 0.0
            continue
        last = "Failed" if status == "Interrupted" else status
        start = began + length * (position - 1)
        yield (
            run_id,
            name,
            position,
            _moment(start),
            _moment(start + length),
            last if position == ended else "Completed",
            1.0,
        )


def runs(first: int, number: int) -> tuple[list[Row], list[Row], list[Row]]:
    """`number` runs from the id `first` on, their steps, and findings for one in forty. The id decides all."""
    made: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for run_id in range(first, first + number):
        chance = Random(run_id)  # noqa: S311  # reproducible, not secret
        draw, who, which, when = chance.random(), chance.random(), chance.random(), chance.random()
        began = OLDEST + EVERY * (run_id + when)
        seconds = round(1 + 40 * draw * 10 % 60, 3)
        status = next((name for name, below in STATUSES if draw < below), STATUSES[-1][0])
        kind, message = REASONS[run_id % 3] if status == "Failed" else (None, None)
        done = status == "Completed"
        finished = _moment(began + timedelta(seconds=seconds))
        made[0].append(
            (
                run_id,
                company(int(COMPANIES * which * which)),
                f"researcher-{int(RESEARCHERS * who * who):02}",
                _moment(began),
                _moment(began),
                finished,
                round(seconds / 60, 4),
                status,
                int(which * 30) if done else 0,
                int(who * 6) if done else 0,
                kind,
                message,
            )
        )
        made[1].extend(_steps(run_id, began, seconds, status))
        if done and run_id % 40 == 0:
            found = [{"sentence": FINDINGS[run_id // 40 % 4]}, {"sentence": FINDINGS[(run_id // 40 + 1) % 4]}]
            made[2].append((run_id, to_json({"count": 2, "findings": found}), finished))
    return made


def fill(number: int, told: Callable[[int], None] = lambda _done: None) -> int:
    """Add `number` runs with five steps each; `told` hears how many there are. Returns the first id."""
    with writing() as session:
        first = (session.scalar(select(func.max(ResearchRun.id))) or 0) + 1
    for begin in range(0, number, CHUNK):
        made = runs(first + begin, min(CHUNK, number - begin))
        with writing() as session:
            connection = session.connection()
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(CACHE)
            for statement, rows in zip((RUN, STEP, RESULT), made, strict=True):
                if rows:
                    connection.exec_driver_sql(statement, rows)
        told(begin + len(made[0]))
        time.sleep(PAUSE)
    return first
