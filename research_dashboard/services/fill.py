"""Fill the record with runs for measuring: reproducible, marked as such, in chunks that let a running server work."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from research_dashboard.extensions import reading, to_json, writing
from research_dashboard.models import Company, ResearchRun, Tag, Ticker
from research_dashboard.research.steps import STEPS
from research_dashboard.services.audit import note

CHUNK = 10_000
PAUSE = 0.01  # seconds between chunks, beside the time in which the next is made: others may write in both
COMPANIES = 5000
RESEARCHERS = 24
OLDEST = datetime(2024, 11, 1)  # noqa: DTZ001  # in UTC, as SQLite keeps it
EVERY = timedelta(minutes=1)  # between two runs: a million of them are 23 months
CACHE = "PRAGMA cache_size = -200000"  # 200 MB: a chunk touches many pages of the indexes, each is written once
STATUSES = (("Completed", 0.90), ("Failed", 0.95), ("Cancelled", 0.98), ("Interrupted", 1.0))  # cumulated shares
FIRST = ("North", "Blue", "Grand", "Delta", "Silver", "Harbor", "Summit", "Pioneer", "Cedar", "Atlas")
SECOND = ("ridge", "water", "field", "stone", "point", "gate", "brook", "land", "crest", "view")
TRADE = ("Energy", "Foods", "Systems", "Pharma", "Steel", "Retail", "Motors", "Bancorp", "Media", "Freight")
SOURCES = ("bundled", "imported", "live")
TAGS = ("board", "sector", "to check", "draft")
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
    "insights, gaps, error_kind, error_message, company_id, ticker, source, "
    "origin, created_by, attempts, cancel_requested, priority) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'api', 'flask db fill', 0, false, 0)"
)
STEP = (
    "INSERT INTO research_details "
    "(research_run_id, step_name, position, start_time, end_time, status, progress, attempt) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 1)"
)
RESULT = (
    "INSERT INTO research_results (research_run_id, result_type, result_data, created_at) VALUES (?, 'insights', ?, ?)"
)
RUN_TAG = "INSERT INTO run_tags (run_id, tag_id) VALUES (?, ?)"
# What the triggers of a run and of a result do for each row, for a chunk at once (migrations/versions/0005).
BY_HAND = ("run_counts_insert", "run_search_insert", "run_search_logged")
NAME = "INSERT INTO company_names (name) VALUES (?) ON CONFLICT DO NOTHING"
COUNT = (
    "INSERT INTO run_counts (kind, key, status, runs) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (kind, key, status) DO UPDATE SET runs = run_counts.runs + excluded.runs"
)
SEARCH = "INSERT INTO run_search (rowid, findings, error) VALUES (?, ?, ?)"

Row = tuple[Any, ...]
Filers = Sequence[tuple[int, str | None]]  # companies.id and ticker


@dataclass(slots=True)
class Chunk:
    """The rows of some runs, by table."""

    runs: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)
    tagged: list[tuple[int, int]] = field(default_factory=list)  # run, place in TAGS
    searched: list[Row] = field(default_factory=list)

    def counts(self) -> list[Row]:
        """What run_counts gains by the runs."""
        found: Counter[tuple[str, str, str]] = Counter()
        for row in self.runs:
            status = row[7]
            found["company", row[1], status] += 1
            found["researcher", row[2], status] += 1
            found["month", row[3][:7], status] += 1
            found["source", row[14] or "", status] += 1
            found["filer", str(row[12] or 0), status] += 1
        return [(*key, number) for key, number in found.items()]


def company_names() -> list[str]:
    """5,000 names; nearly all hold “Inc”."""
    names = []
    for number in range(COMPANIES):
        a, b, c = number % 10, number // 10 % 10, number // 100 % 10
        series = f" {number // 1000 + 1}" if number >= 1000 else ""
        names.append(f"{FIRST[a]}{SECOND[b]} {TRADE[c]}{series} {'Ltd.' if number % 50 == 7 else 'Inc.'}")
    return names


NAMES = company_names()


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "microseconds")


def chances(number: int) -> tuple[float, float, float, float]:
    """Four numbers from 0 to 1 that look like chance and are always the same (splitmix64)."""
    mixed = (number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    mixed ^= mixed >> 31
    return (
        (mixed & 0xFFFF) / 65536,
        (mixed >> 16 & 0xFFFF) / 65536,
        (mixed >> 32 & 0xFFFF) / 65536,
        (mixed >> 48) / 65536,
    )


def _steps(run_id: int, began: datetime, seconds: float, status: str) -> Iterator[Row]:
    """The five steps: all of them for a run that completed, else some and the last as it ended."""
    ended = 5 if status == "Completed" else 1 + run_id % 4
    length = timedelta(seconds=seconds / ended)
    start = _moment(began)
    for position in range(1, ended + 1):
        last = "Failed" if status == "Interrupted" else status
        end = _moment(began + length * position)
        yield run_id, STEPS[position - 1], position, start, end, last if position == ended else "Completed", 1.0
        start = end
    for position in range(ended + 1, 6):
        yield run_id, STEPS[position - 1], position, None, None, "Pending", 0.0


def made(first: int, number: int, filers: Filers = ()) -> Chunk:
    """`number` runs from the id `first` on, with steps, findings for one in forty, a tag for one in fifty.

    The id decides all. Every second name is a filer's, where there are any.
    """
    chunk = Chunk()
    for run_id in range(first, first + number):
        draw, who, which, when = chances(run_id)
        began = OLDEST + EVERY * (run_id + when)
        seconds = round(1 + 40 * draw * 10 % 60, 3)
        status = next(name for name, below in STATUSES if draw < below)
        kind, message = REASONS[run_id % 3] if status == "Failed" else (None, None)
        done = status == "Completed"
        start, finished = _moment(began), _moment(began + timedelta(seconds=seconds))
        company = int(COMPANIES * which * which)
        filer, ticker = filers[company // 2 % len(filers)] if filers and company % 2 else (None, None)
        source = SOURCES[company % 3] if filer else None
        found = f"researcher-{int(RESEARCHERS * who * who):02}"
        insights, gaps = (int(which * 30), int(who * 6)) if done else (0, 0)
        chunk.runs.append(
            (run_id, NAMES[company], found, start, start, finished, round(seconds / 60, 4), status,
             insights, gaps, kind, message, filer, ticker, source)
        )  # fmt: skip
        chunk.steps.extend(_steps(run_id, began, seconds, status))
        sentences = []
        if done and run_id % 40 == 0:
            sentences = [FINDINGS[run_id // 40 % 4], FINDINGS[(run_id // 40 + 1) % 4]]
            findings = [{"sentence": sentence} for sentence in sentences]
            chunk.results.append((run_id, to_json({"count": 2, "findings": findings}), finished))
        if message or sentences:
            chunk.searched.append((run_id, "\n".join(sentences) or None, message))
        if run_id % 50 == 0:
            chunk.tagged.append((run_id, run_id // 50 % len(TAGS)))
    return chunk


def fill(number: int, told: Callable[[int], None] = lambda _done: None) -> int:
    """Add `number` runs with five steps each; `told` hears how many there are. Returns the first id."""
    with reading() as session:
        first = (session.scalar(select(func.max(ResearchRun.id))) or 0) + 1
        main = (Ticker.company_id == Company.id) & (Ticker.position == 1)
        statement = select(Company.id, func.min(Ticker.symbol)).outerjoin(Ticker, main).where(Company.sic.is_not(None))
        filers = [(row[0], row[1]) for row in session.execute(statement.group_by(Company.id).order_by(Company.id))]
    tags = _tags()
    for begin in range(0, number, CHUNK):
        chunk = made(first + begin, min(CHUNK, number - begin), filers)
        with writing() as session:
            _store(session.connection(), chunk, tags)
        told(begin + len(chunk.runs))
        time.sleep(PAUSE)
    note("record.fill", f"runs {first} to {first + number - 1}")
    return first


def _tags() -> list[int]:
    """The ids of TAGS, made where they are missing."""
    with writing() as session:
        there = {tag.name: tag for tag in session.scalars(select(Tag).where(Tag.name.in_(TAGS)))}
        tags = [there.get(name) or Tag(name=name) for name in TAGS]
        session.add_all(tags)
        session.flush()
        return [tag.id for tag in tags]


def _store(connection: Connection, chunk: Chunk, tags: list[int]) -> None:
    """Write the chunk's rows."""
    many = _writer(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(CACHE)
        with _without_triggers(connection):
            many(RUN, chunk.runs)
            many(RESULT, chunk.results)
        many(NAME, [(name,) for name in {row[1] for row in chunk.runs}])
        many(COUNT, chunk.counts())
        many(SEARCH, chunk.searched)
    else:
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        many(RUN, chunk.runs)
        many(RESULT, chunk.results)
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence('research_runs', 'id'), max(id)) FROM research_runs")
        )
    many(STEP, chunk.steps)
    many(RUN_TAG, [(run_id, tags[place]) for run_id, place in chunk.tagged])


def _writer(connection: Connection) -> Callable[[str, list[Row]], None]:
    """Writes rows by a statement in SQLite's words, with the driver's own signs for the values."""
    sign = "?" if connection.dialect.name == "sqlite" else "%s"

    def many(statement: str, rows: list[Row]) -> None:
        if rows:
            connection.exec_driver_sql(statement.replace("?", sign), rows)

    return many


@contextmanager
def _without_triggers(connection: Connection) -> Iterator[None]:
    """Take BY_HAND's triggers away for this transaction: nobody else ever sees the tables without them."""
    wanted = ", ".join(f"'{name}'" for name in BY_HAND)
    query = f"SELECT name, sql FROM sqlite_master WHERE name IN ({wanted})"  # noqa: S608  # names of BY_HAND
    found = connection.exec_driver_sql(query).all()
    for name, _ in found:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in found:
        connection.exec_driver_sql(sql)
