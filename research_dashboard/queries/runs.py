"""Runs by a filter: the rows of a page, their number, their number by status; and one run whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, null, select
from sqlalchemy.orm import Session, selectinload

from research_dashboard.models import Company, CompanyName, ResearchRun, RunCount
from research_dashboard.queries.filter_text import Comparison, condition
from research_dashboard.queries.keyset import (
    PINNED,
    SIC,
    TAGS,
    WITHOUT_INDEX,
    beyond,
    cursor_at,
    keys_of,
    order,
    place_of,
)
from research_dashboard.queries.run_fields import OF_FILERS, SOURCES, STATUSES, a_text, choice, filers_with
from research_dashboard.queries.run_filter import FieldError, InvalidFilter, RunFilter

__all__ = [
    "FieldError",
    "InvalidFilter",
    "RunFilter",
    "RunPage",
    "RunRow",
    "Slice",
    "run_conditions",
    "run_whole",
    "runs_beside",
    "runs_matching",
    "runs_overall",
    "runs_page",
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
    source: str | None
    gaps: int
    error_kind: str | None
    title: str | None
    pinned: bool
    sic: int | None  # the filer's industry and the tags' names; read only where they are asked for
    tags: list[str] | None


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
    before: str = ""  # cursors of the pages before and after this one
    after: str = ""

    @property
    def first(self) -> int:
        """Number of the first row shown, counted from 1; 0 when there is none."""
        return (self.number - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return (self.number - 1) * self.per_page + len(self.rows) if self.rows else 0


def run_conditions(wanted: RunFilter, *, without: str = "", trashed: bool = False) -> list[ColumnElement[bool]]:
    """What a run must be; `without="status"` leaves that parameter out. `trashed`: in the trash, not outside of it."""
    gone = ResearchRun.deleted_at
    found: list[ColumnElement[bool]] = [gone.is_not(None) if trashed else gone.is_(None)]
    if wanted.status and without != "status":
        found.append(ResearchRun.status.in_(wanted.status))
    found.extend(condition(part, wanted.zone) for part in wanted.parts())
    return found


def _columns(wanted: RunFilter, *, whole: bool = False) -> list[Any]:
    """RunRow's columns; those of other tables where the filter shows them, or `whole` asks for all."""
    run = ResearchRun
    elsewhere = {
        "pinned": PINNED,
        "sic": SIC if whole or "sic" in wanted.cols else null(),
        "tags": TAGS if whole or "tag" in wanted.cols else null(),
    }
    return [elsewhere[name].label(name) if name in elsewhere else getattr(run, name) for name in RunRow._fields]


def runs_matching(wanted: RunFilter, *, whole: bool = False) -> Select[tuple[Any, ...]]:
    """Every run of the filter, in its order, as RunRow's columns; `whole`: with its industry and tags."""
    return select(*_columns(wanted, whole=whole)).where(*run_conditions(wanted)).order_by(*order(wanted.sort))


@dataclass(frozen=True, slots=True)
class Slice:
    """`limit` runs in a filter's order after the first `skip`; from a place in it on, if there is one; or backwards."""

    limit: int
    skip: int = 0
    place: Sequence[Any] = ()
    back: bool = False

    def from_the_nearer_end(self, total: int) -> "Slice":
        """The same runs of `total`, with fewer to pass over."""
        if self.place or self.skip <= total // 2:
            return self
        limit = max(0, min(self.limit, total - self.skip))
        return Slice(limit, total - self.skip - limit if limit else 0, back=True)


def own_index(wanted: RunFilter) -> str:
    """The index to collect a company's or researcher's runs by; else the choice is SQLite's.

    It holds date, id and status too: SQLite would take the status's and look into the table for each row.
    """
    names = [part.field for part in wanted.parts() if isinstance(part, Comparison) and part.op in (":", "=")]
    return next((f"INDEXED BY ix_research_runs_kept_{name}" for name in ("company", "researcher") if name in names), "")


def runs_slice(
    columns: Sequence[Any], wanted: RunFilter, part: Slice, *, total: int, overall: int
) -> Select[tuple[Any, ...]]:
    """A part of the filter's runs, by the cheaper of two ways; backwards where the part is.

    Along the order: walk its index and leave out what does not match, which costs the rows walked. Or collect what
    matches, by the filter's own indexes, and sort that, which costs the matches. `total` and `overall` tell which.
    """
    where = run_conditions(wanted)
    if part.place:
        where.append(beyond(wanted.sort, part.place, back=part.back))
    turned = order(wanted.sort, back=part.back)
    walked = overall if total <= part.skip else min(overall, (part.skip + part.limit) * overall // total)
    if not wanted.narrows or walked <= 2 * total:
        name = wanted.sort.removeprefix("-")
        statement = select(*columns).where(*where).order_by(*turned).offset(part.skip).limit(part.limit)
        if not wanted.narrows:
            return statement
        hint = "NOT INDEXED" if name in WITHOUT_INDEX else f"INDEXED BY ix_research_runs_kept_{name}"
        return statement.with_hint(ResearchRun, hint, "sqlite")
    keys = [column.label(f"k{n}") for n, column in enumerate(keys_of(wanted.sort))]
    matches = select(ResearchRun.id.label("run_id"), *keys).where(*where)
    if index := own_index(wanted):
        matches = matches.with_hint(ResearchRun, index, "sqlite")
    found = matches.cte("found").prefix_with("MATERIALIZED")
    down = wanted.sort.startswith("-") != part.back
    of_keys = [found.c[key.name].desc() if down else found.c[key.name] for key in keys]
    page = select(found.c.run_id).order_by(*of_keys).offset(part.skip).limit(part.limit).subquery("page")
    return select(*columns).join(page, page.c.run_id == ResearchRun.id).order_by(*turned)


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
        elif part.field == "source":
            kinds.add("source")
            found.append(choice(RunCount.key, SOURCES, {"none": ""})(part.op, part.text, wanted.zone))
        elif part.field in OF_FILERS:
            kinds.add("filer")
            filers = filers_with(part.field, part.op, part.text, wanted.zone)
            ids = filers.with_only_columns(cast(Company.id, String))
            found.append(RunCount.key.not_in(ids) if part.op == "!=" else RunCount.key.in_(ids))
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
    """The filter's page, with its counts; a page beyond the last is the last.

    With a cursor its rows begin there, whatever has come in before them since; `page` then only numbers them.
    """
    counts = status_counts(session, wanted)
    total = sum(count for status, count in counts.items() if not wanted.status or status in wanted.status)
    overall = runs_overall(session) if wanted.narrows else total
    pages = max(1, -(-total // wanted.per_page))
    number = min(wanted.page, pages)
    part = Slice(wanted.per_page, (number - 1) * wanted.per_page).from_the_nearer_end(total)
    if wanted.cursor:
        place, back = place_of(wanted.sort, wanted.cursor)
        part = Slice(wanted.per_page, place=place, back=back)
    rows = _rows(session, wanted, part, total, overall) if total else []
    if wanted.cursor and not rows:  # what stood there is gone
        return runs_page(session, replace(wanted, cursor=""))
    before = cursor_at(wanted.sort, rows[0][len(RunRow._fields) :], back=True) if rows else ""
    after = cursor_at(wanted.sort, rows[-1][len(RunRow._fields) :]) if rows else ""
    shown = [RunRow(*row[: len(RunRow._fields)]) for row in rows]
    return RunPage(shown, number, pages, wanted.per_page, total, overall, counts, before, after)


def _rows(session: Session, wanted: RunFilter, part: Slice, total: int, overall: int) -> Sequence[Any]:
    """RunRow's columns and the order's, in the filter's order."""
    keys = [key.label(f"key{n}") for n, key in enumerate(keys_of(wanted.sort))]
    columns = [*_columns(wanted), *keys]
    rows = session.execute(runs_slice(columns, wanted, part, total=total, overall=overall)).all()
    return rows[::-1] if part.back else rows


def runs_beside(session: Session, wanted: RunFilter, run_id: int) -> tuple[int | None, int | None]:
    """The runs before and after this one in the filter's order, whether it is in the filter or not."""
    place = session.execute(select(*keys_of(wanted.sort)).where(ResearchRun.id == run_id)).first()
    if place is None:
        return None, None
    total, overall = runs_total(session, wanted), runs_overall(session)
    values = [literal(value, key.type) for value, key in zip(place, keys_of(wanted.sort), strict=True)]
    before, after = (
        session.scalar(
            runs_slice([ResearchRun.id], wanted, Slice(1, place=values, back=back), total=total, overall=overall)
        )
        for back in (True, False)
    )
    return before, after


def runs_stream(session: Session, wanted: RunFilter, *, whole: bool = False, chunk: int = 1000) -> Iterator[RunRow]:
    """Every run of the filter, read in chunks, so that memory stays flat whatever their number; `whole`: with its
    industry and tags."""
    statement = runs_matching(wanted, whole=whole).execution_options(yield_per=chunk)
    with session.connection().execute(statement) as rows:  # no objects; who stops reading leaves no cursor open
        for part in rows.partitions():
            yield from map(RunRow._make, part)


def run_whole(session: Session, run_id: int) -> ResearchRun | None:
    """The run with its steps in order and its results; None when there is none or it is in the trash."""
    return session.scalar(
        select(ResearchRun)
        .where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
        .options(selectinload(ResearchRun.details), selectinload(ResearchRun.results))
    )
