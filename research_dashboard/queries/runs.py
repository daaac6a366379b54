"""Runs by a filter: the rows of a page, their number, their number by status; and one run whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, selectinload

from research_dashboard.models import ResearchRun
from research_dashboard.queries.run_fields import STATUSES, compare, containing
from research_dashboard.queries.run_filter import FieldError, InvalidFilter, RunFilter, column_filter

__all__ = [
    "FieldError",
    "InvalidFilter",
    "RunFilter",
    "RunPage",
    "RunRow",
    "run_whole",
    "runs_matching",
    "runs_page",
    "runs_rows",
    "runs_stream",
    "runs_total",
    "status_counts",
]


class RunRow(NamedTuple):
    """A run as lists and exports show it."""

    id: int
    company: str
    researcher: str
    date: Any  # datetime, aware, UTC
    duration_mins: float
    status: str
    insights: int
    ticker: str | None
    origin: str
    error_message: str | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of a filter. `overall` counts all runs that are kept, whatever the filter."""

    rows: Sequence[RunRow]
    number: int
    pages: int
    per_page: int
    total: int
    overall: int

    @property
    def first(self) -> int:
        """Number of the first row shown, counted from 1; 0 when there is none."""
        return (self.number - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return (self.number - 1) * self.per_page + len(self.rows) if self.rows else 0


def _conditions(wanted: RunFilter, *, without: str = "") -> list[ColumnElement[bool]]:
    """What a run must be; `without` leaves one parameter out (a facet's own)."""
    run, zone = ResearchRun, wanted.zone
    found: list[ColumnElement[bool]] = [run.deleted_at.is_(None)]
    if wanted.company:
        found.append(compare("company", ":", wanted.company, zone))
    if wanted.researcher:
        found.append(compare("researcher", ":", wanted.researcher, zone))
    if wanted.status and without != "status":
        found.append(run.status.in_(wanted.status))
    if wanted.start:
        found.append(compare("date", ">=", wanted.start.isoformat(), zone))
    if wanted.end:
        found.append(compare("date", "<=", wanted.end.isoformat(), zone))
    for word in wanted.q.split():
        found.append(or_(*(containing(column, word) for column in (run.company, run.ticker, run.researcher))))
    for name, text in wanted.columns:
        found.append(compare(name, *column_filter(text), zone))
    return found


SORTED_BY: Mapping[str, Any] = {
    "id": ResearchRun.id,
    "date": ResearchRun.date,
    "company": func.lower(ResearchRun.company),
    "researcher": func.lower(ResearchRun.researcher),
    "duration": ResearchRun.duration_mins,
    "status": ResearchRun.status,
    "insights": ResearchRun.insights,
}


def _order(sort: str) -> tuple[Any, ...]:
    """The sort's columns, ending in the primary key, all in one direction."""
    name = sort.removeprefix("-")
    columns = (SORTED_BY[name],) if name == "id" else (SORTED_BY[name], ResearchRun.id)
    return tuple(column.desc() for column in columns) if sort.startswith("-") else columns


def runs_matching(wanted: RunFilter) -> Select[tuple[Any, ...]]:
    """Every run of the filter, in its order, as RunRow's columns."""
    columns = [getattr(ResearchRun, name) for name in RunRow._fields]
    return select(*columns).where(*_conditions(wanted)).order_by(*_order(wanted.sort))


def runs_rows(session: Session, wanted: RunFilter, *, skip: int, limit: int) -> Sequence[RunRow]:
    """`limit` runs of the filter after the first `skip`."""
    return [RunRow(*row) for row in session.execute(runs_matching(wanted).offset(skip).limit(limit))]


def runs_total(session: Session, wanted: RunFilter) -> int:
    """How many runs the filter lets through."""
    return session.scalar(select(func.count()).select_from(ResearchRun).where(*_conditions(wanted))) or 0


def runs_page(session: Session, wanted: RunFilter) -> RunPage:
    """The filter's page; a page beyond the last is the last."""
    total = runs_total(session, wanted)
    overall = runs_total(session, RunFilter()) if wanted.narrows else total
    pages = max(1, -(-total // wanted.per_page))
    number = min(wanted.page, pages)
    rows = runs_rows(session, wanted, skip=(number - 1) * wanted.per_page, limit=wanted.per_page) if total else []
    return RunPage(rows, number, pages, wanted.per_page, total, overall)


def runs_stream(session: Session, wanted: RunFilter, *, chunk: int = 1000) -> Iterator[RunRow]:
    """Every run of the filter, read in chunks, so that memory stays flat whatever their number."""
    for row in session.execute(runs_matching(wanted).execution_options(yield_per=chunk)):
        yield RunRow(*row)


def status_counts(session: Session, wanted: RunFilter) -> dict[str, int]:
    """How many runs each state would show, the filter's other parameters kept; every state has a number."""
    rows = session.execute(
        select(ResearchRun.status, func.count())
        .where(*_conditions(wanted, without="status"))
        .group_by(ResearchRun.status)
    )
    counted = {status: count for status, count in rows}  # noqa: C416  # dict() of rows is no dict of str to mypy
    return {status: counted.get(status, 0) for status in STATUSES}


def run_whole(session: Session, run_id: int) -> ResearchRun | None:
    """The run with its steps in order and its results; None when there is none or it is in the trash."""
    return session.scalar(
        select(ResearchRun)
        .where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
        .options(selectinload(ResearchRun.details), selectinload(ResearchRun.results))
    )
