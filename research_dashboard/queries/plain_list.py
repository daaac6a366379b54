"""A page of all runs, as programs ask for it most: SQLAlchemy's own statement, compiled once, rows as they are.

Making and running the statement anew, and datetimes that are only written out again, took six times as long as SQLite.
SQLite only; a list that is filtered, and every other database, goes through `records.run_records`.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Dialect, bindparam, func, select

from research_dashboard import peek
from research_dashboard.extensions import db
from research_dashboard.models import ResearchRun, RunCount
from research_dashboard.queries.keyset import WITHOUT_INDEX, names_of, order
from research_dashboard.queries.records import RUN_COLUMNS
from research_dashboard.queries.runs import Slice

TABLE: Any = ResearchRun.__table__.c


def plain_list(sort: str, keys: Sequence[str], *, skip: int, limit: int) -> tuple[int, list[Any]] | None:
    """How many runs there are, and `limit` of them in this order after the first `skip`, each with these keys, ready to
    be encoded. None where there is no such short way. Needs an application context."""
    dialect = db.engine.dialect
    if dialect.name != "sqlite" or sort.removeprefix("-") in WITHOUT_INDEX:
        return None
    try:
        with peek.snapshot() as rows:
            total: int = rows(_total(dialect))[0][0] or 0
            part = Slice(limit, skip).from_the_nearer_end(total)
            found = rows(_page(dialect, sort, tuple(keys), part.back), part.limit, part.skip)
    except sqlite3.Error:  # the long way says the same in SQLAlchemy's terms
        return None
    make = _maker(tuple(keys))
    made = [make(row) for row in found]
    return total, made[::-1] if part.back else made


def moment(stored: str | None) -> str | None:
    """What SQLAlchemy stores of a moment on SQLite, as the API writes it."""
    if stored is None:
        return None
    time = stored[11:-7] if stored.endswith(".000000") else stored[11:]
    return f"{stored[:10]}T{time}Z"


# What SQLite gives is not yet what is answered.
MADE: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("date", "started_at", "finished_at"), moment),
    "pinned": bool,
    "tags": names_of,
}


@lru_cache(maxsize=256)
def _maker(keys: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """What makes a row a thing that is encoded as an object of these keys."""
    kind = msgspec.defstruct("Row", [(key, Any) for key in keys], gc=False)
    made = [(at, MADE[key]) for at, key in enumerate(keys) if key in MADE]

    def make(row: Sequence[Any]) -> Any:
        values = list(row)
        for at, as_answered in made:
            values[at] = as_answered(values[at])
        return kind(*values)

    return make


@lru_cache(maxsize=4)
def _total(dialect: Dialect) -> str:
    statement = select(func.sum(RunCount.runs)).where(RunCount.kind == "month")
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


@lru_cache(maxsize=256)
def _page(dialect: Dialect, sort: str, keys: tuple[str, ...], back: bool) -> str:
    """The statement's text; it takes a limit, then how many to pass over."""
    statement = select(*(RUN_COLUMNS[key] for key in keys)).where(TABLE.deleted_at.is_(None))
    slice_of = statement.order_by(*order(sort, back=back)).limit(bindparam("limit")).offset(bindparam("skip"))
    compiled: Any = slice_of.compile(dialect=dialect)
    assert compiled.positiontup == ["limit", "skip"]  # noqa: S101  # SQLite: LIMIT ? OFFSET ?
    return str(compiled)
