"""The record's orders, and places in them: a cursor says where a list goes on, after a run or before it."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, String, TypeDecorator, func, literal, literal_column, select, tuple_, type_coerce

from research_dashboard.base import UTCDateTime
from research_dashboard.extensions import from_json, to_json
from research_dashboard.models import Company, ResearchRun, RunTag, Tag
from research_dashboard.queries.run_fields import ERROR, NOTHING, SOURCE, TICKER

BACK = "<"  # before the sort in a cursor that leads back


class Names(TypeDecorator[list[str]]):
    """Names that the database joins by line breaks, which no name holds; here a list."""

    impl, cache_ok = String, True

    def process_result_value(self, value: str | None, dialect: Any) -> list[str]:
        """The list; empty where there is none."""
        return names_of(value)


def names_of(joined: str | None) -> list[str]:
    """What the database joined."""
    return joined.split("\n") if joined else []


SIC = select(Company.sic).where(Company.id == ResearchRun.company_id).correlate(ResearchRun).scalar_subquery()
TAGGED = select(Tag.name).join(RunTag, RunTag.tag_id == Tag.id).where(RunTag.run_id == ResearchRun.id)
_IN_ORDER: Any = TAGGED.order_by(Tag.name).correlate(ResearchRun).subquery("in_order")  # else as it comes
_JOINED = func.aggregate_strings(_IN_ORDER.c.name, literal_column("'\n'"))  # type: ignore[arg-type]  # any SQL will do
TAGS = type_coerce(select(_JOINED).scalar_subquery(), Names())
FIRST_TAG = TAGGED.with_only_columns(func.min(Tag.name)).correlate(ResearchRun).scalar_subquery()
PINNED = ResearchRun.pinned_at.is_not(None)

# Each order is one index (tables/runs.py), but for the industry and the tags, which are other tables'; ties go by date.
SORTED_BY: Mapping[str, tuple[Any, ...]] = {
    "id": (ResearchRun.id,),
    "date": (ResearchRun.date, ResearchRun.id),
    "company": (func.lower(ResearchRun.company), ResearchRun.date, ResearchRun.id),
    "researcher": (func.lower(ResearchRun.researcher), ResearchRun.date, ResearchRun.id),
    "duration": (ResearchRun.duration_mins, ResearchRun.id),
    "status": (ResearchRun.status, ResearchRun.date, ResearchRun.id),
    "insights": (ResearchRun.insights, ResearchRun.id),
    "gaps": (ResearchRun.gaps, ResearchRun.id),
    "ticker": (TICKER, ResearchRun.date, ResearchRun.id),
    "source": (SOURCE, ResearchRun.date, ResearchRun.id),
    "error": (ERROR, ResearchRun.date, ResearchRun.id),
    "sic": (func.coalesce(SIC, 0), ResearchRun.date, ResearchRun.id),
    "tag": (func.coalesce(FIRST_TAG, NOTHING), ResearchRun.date, ResearchRun.id),
}
WITHOUT_INDEX = frozenset({"id", "sic", "tag"})


class BadCursor(ValueError):
    """A cursor that this server did not give out for this sort."""


def keys_of(sort: str) -> tuple[Any, ...]:
    """The columns that a sort goes by; the last is the id."""
    return SORTED_BY[sort.removeprefix("-")]


def order(sort: str, *, back: bool = False) -> tuple[Any, ...]:
    """The sort's columns, ending in the primary key, all in one direction; `back` turns it round."""
    columns = keys_of(sort)
    return tuple(column.desc() for column in columns) if sort.startswith("-") != back else columns


def cursor_at(sort: str, place: Sequence[Any], *, back: bool = False) -> str:
    """The cursor that goes on after the place (the values of the sort's columns), or back before it."""
    return base64.urlsafe_b64encode(to_json([(BACK if back else "") + sort, *place]).encode()).decode().rstrip("=")


def place_of(sort: str, cursor: str) -> tuple[list[ColumnElement[Any]], bool]:
    """The place that the cursor names, and whether it leads back. Raises BadCursor."""
    try:
        of_sort, *place = from_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(of_sort, str) or of_sort.removeprefix(BACK) != sort:
            raise ValueError
        values = [_of_column(column, value) for column, value in zip(keys_of(sort), place, strict=True)]
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        raise BadCursor(f"This is no cursor of a list sorted by {sort}: begin with *, then follow rel=next.") from None
    return values, of_sort.startswith(BACK)


def beyond(sort: str, place: Sequence[ColumnElement[Any]], *, back: bool = False) -> ColumnElement[bool]:
    """True for the runs that stand after the place in the order of the sort; before it, with `back`."""
    here, there = tuple_(*keys_of(sort)), tuple_(*place)
    return here < there if sort.startswith("-") != back else here > there


def _of_column(column: Any, value: Any) -> ColumnElement[Any]:
    """The value as one of the column. Raises ValueError, TypeError."""
    kind: type = datetime if isinstance(column.type, UTCDateTime) else column.type.python_type
    if kind is datetime:
        value = datetime.fromisoformat(value)
    elif kind is float:
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError
    if isinstance(value, int) and not 0 <= value < 2**63:
        raise ValueError
    return literal(value, column.type)
