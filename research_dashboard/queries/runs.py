"""Runs by a filter: the rows of a page, their number, their number by status; and one run whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, selectinload

from research_dashboard.models import CompanyName, ResearchRun, RunCount
from research_dashboard.queries.filter_text import Comparison, condition
from research_dashboard.queries.run_fields import STATUSES, a_text, choice
from research_dashboard.queries.run_filter import FieldError, InvalidFilter, RunFilter

__all__ = [
    "FieldError",
    "InvalidFilter",
    "RunFilter",
    "RunPage",
    "RunRow",
    "run_conditions",
    "run_whole",
    "runs_matching",
    "runs_overall",
    "runs_page",
    "runs_rows",
    "runs_slice",
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
    counts: Mapping[str, int]  # by status, the other parameters kept

    @property
    def first(self) -> int:
        """Number of the first row shown, counted from 1; 0 when there is none."""
        return (self.number - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return (self.number - 1) * self.per_page + len(self.rows) if self.rows else 0


def run_conditions(wanted: RunFilter, *, without: str = "") -> list[ColumnElement[bool]]:
    """What a run must be; `without="status"` leaves that parameter out."""
    found: list[ColumnElement[bool]] = [ResearchRun.deleted_at.is_(None)]
    if wanted.status and without != "status":
        found.append(ResearchRun.status.in_(wanted.status))
    found.extend(condition(part, wanted.zone) for part in wanted.parts())
    return found


# Each order is one index (tables/runs.py); the status's ties go by date.
SORTED_BY: Mapping[str, tuple[Any, ...]] = {
    "id": (ResearchRun.id,),
    "date": (ResearchRun.date, ResearchRun.id),
    "company": (func.lower(ResearchRun.company), ResearchRun.date, ResearchRun.id),
    "researcher": (func.lower(ResearchRun.researcher), ResearchRun.date, ResearchRun.id),
    "duration": (ResearchRun.duration_mins, ResearchRun.id),
    "status": (ResearchRun.status, ResearchRun.date, ResearchRun.id),
    "insights": (ResearchRun.insights, ResearchRun.id),
}


def _order(sort: str) -> tuple[Any, ...]:
    """The sort's columns, ending in the primary key, all in one direction."""
    columns = SORTED_BY[sort.removeprefix("-")]
    return tuple(column.desc() for column in columns) if sort.startswith("-") else columns


def runs_matching(wanted: RunFilter) -> Select[tuple[Any, ...]]:
    """Every run of the filter, in its order, as RunRow's columns."""
    columns = [getattr(ResearchRun, name) for name in RunRow._fields]
    return select(*columns).where(*run_conditions(wanted)).order_by(*_order(wanted.sort))


def runs_slice(
    columns: Sequence[Any], wanted: RunFilter, *, skip: int, limit: int, total: int, overall: int
) -> Select[tuple[Any, ...]]:
    """The `limit` runs of the filter after the first `skip`, by the cheaper of two ways.

    Along the order: walk its index and leave out what does not match, which costs the rows walked. Or collect what
    matches, by the filter's own indexes, and sort that, which costs the matches. `total` and `overall` tell which.
    """
    order = _order(wanted.sort)
    walked = overall if total <= skip else min(overall, (skip + limit) * overall // total)
    if not wanted.narrows or walked <= 2 * total:
        order_index = wanted.sort.removeprefix("-")
        statement = select(*columns).where(*run_conditions(wanted)).order_by(*order).offset(skip).limit(limit)
        if not wanted.narrows:
            return statement
        hint = "NOT INDEXED" if order_index == "id" else f"INDEXED BY ix_research_runs_kept_{order_index}"
        return statement.with_hint(ResearchRun, hint, "sqlite")
    keys = [column.label(f"k{n}") for n, column in enumerate(SORTED_BY[wanted.sort.removeprefix("-")])]
    matches = select(ResearchRun.id.label("run_id"), *keys).where(*run_conditions(wanted))
    names = [part.field for part in wanted.parts() if isinstance(part, Comparison) and part.op in (":", "=")]
    if index := next((name for name in ("company", "researcher") if name in names), None):
        # Its index holds date, id and status too: SQLite would take the status's and look into the table for each row.
        matches = matches.with_hint(ResearchRun, f"INDEXED BY ix_research_runs_kept_{index}", "sqlite")
    found = matches.cte("found").prefix_with("MATERIALIZED")
    turned = [found.c[key.name].desc() if wanted.sort.startswith("-") else found.c[key.name] for key in keys]
    page = select(found.c.run_id).order_by(*turned).offset(skip).limit(limit).subquery("page")
    return select(*columns).join(page, page.c.run_id == ResearchRun.id).order_by(*order)


def runs_rows(session: Session, wanted: RunFilter, *, skip: int, limit: int) -> Sequence[RunRow]:
    """`limit` runs of the filter after the first `skip`."""
    total, overall = runs_total(session, wanted), runs_overall(session)
    return _rows(session, wanted, skip=skip, limit=limit, total=total, overall=overall)


def _rows(session: Session, wanted: RunFilter, **bounds: int) -> Sequence[RunRow]:
    columns = [getattr(ResearchRun, name) for name in RunRow._fields]
    return [RunRow(*row) for row in session.execute(runs_slice(columns, wanted, **bounds))]


def runs_overall(session: Session) -> int:
    """How many runs are kept, whatever the filter."""
    return session.scalar(select(func.sum(RunCount.runs)).where(RunCount.kind == "month")) or 0


def status_counts(session: Session, wanted: RunFilter) -> dict[str, int]:
    """How many runs each state would show, the filter's other parameters kept; every state has a number.

    From the counts that triggers keep, where the filter is about one kind of them; else counted along the indexes.
    """
    kept = _kept_counts(wanted)
    if kept is None:
        statement = select(ResearchRun.status, func.count()).where(*run_conditions(wanted, without="status"))
        rows = session.execute(statement.group_by(ResearchRun.status)).all()
    else:
        rows = session.execute(
            select(RunCount.status, func.sum(RunCount.runs)).where(*kept).group_by(RunCount.status)
        ).all()
    counted = {status: count for status, count in rows}  # noqa: C416  # dict() of rows is no dict of str to mypy
    return {status: counted.get(status, 0) for status in STATUSES}


def _kept_counts(wanted: RunFilter) -> list[ColumnElement[bool]] | None:
    """Which of the kept counts add up to the filter without its status; None when they cannot."""
    kinds: set[str] = set()
    found: list[ColumnElement[bool]] = []
    for part in wanted.parts():
        if not isinstance(part, Comparison):
            return None
        if part.field == "status":
            found.append(choice(RunCount.status, STATUSES)(part.op, part.text, wanted.zone))
        elif part.field == "company":
            kinds.add("company")
            names = select(CompanyName.name).where(a_text(CompanyName.name)(part.op, part.text, wanted.zone))
            found.append(RunCount.key.in_(names))
        elif part.field == "researcher":
            kinds.add("researcher")
            found.append(a_text(RunCount.key)(part.op, part.text, wanted.zone))
        else:
            return None
    if len(kinds) > 1:
        return None
    return [RunCount.kind == (kinds.pop() if kinds else "month"), *found]


def runs_total(session: Session, wanted: RunFilter) -> int:
    """How many runs the filter lets through."""
    counts = status_counts(session, wanted)
    return sum(count for status, count in counts.items() if not wanted.status or status in wanted.status)


def runs_page(session: Session, wanted: RunFilter) -> RunPage:
    """The filter's page, with its counts; a page beyond the last is the last."""
    counts = status_counts(session, wanted)
    total = sum(count for status, count in counts.items() if not wanted.status or status in wanted.status)
    overall = runs_overall(session) if wanted.narrows else total
    pages = max(1, -(-total // wanted.per_page))
    number = min(wanted.page, pages)
    bounds = {"skip": (number - 1) * wanted.per_page, "limit": wanted.per_page, "total": total, "overall": overall}
    rows = _rows(session, wanted, **bounds) if total else []
    return RunPage(rows, number, pages, wanted.per_page, total, overall, counts)


def runs_stream(session: Session, wanted: RunFilter, *, chunk: int = 1000) -> Iterator[RunRow]:
    """Every run of the filter, read in chunks, so that memory stays flat whatever their number."""
    for row in session.execute(runs_matching(wanted).execution_options(yield_per=chunk)):
        yield RunRow(*row)


def run_whole(session: Session, run_id: int) -> ResearchRun | None:
    """The run with its steps in order and its results; None when there is none or it is in the trash."""
    return session.scalar(
        select(ResearchRun)
        .where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
        .options(selectinload(ResearchRun.details), selectinload(ResearchRun.results))
    )
