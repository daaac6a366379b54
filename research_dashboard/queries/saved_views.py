"""The saved views, and what a reader uses them for."""

from datetime import tzinfo
from typing import NamedTuple
from urllib.parse import parse_qsl

from sqlalchemy import and_, false, func, select
from sqlalchemy.orm import Session

from research_dashboard import peek
from research_dashboard.models import ReaderView, SavedView
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.queries.runs import runs_total


class View(NamedTuple):
    """A saved view as one reader sees it: is_default and pinned are that reader's own."""

    id: int
    name: str
    query: str
    author: str
    is_default: bool
    pinned: bool


def saved_views(session: Session, reader: str, *, pinned: bool = False) -> list[View]:
    """All of them, or those that the reader pinned, by name."""
    view, use = SavedView, ReaderView
    used = [func.coalesce(column, false()).label(column.key) for column in (use.is_default, use.pinned)]
    statement = select(view.id, view.name, view.query, view.author, *used).order_by(view.name, view.id)
    statement = statement.outerjoin(use, and_(use.view_id == view.id, use.reader == reader))
    rows = session.execute(statement.where(use.pinned) if pinned else statement)
    return [View._make(row) for row in rows]


def default_view(reader: str) -> int | None:
    """The view that the record opens with for the reader (a number, or nothing: never what someone typed)."""
    found = peek.rows(f"SELECT view_id FROM reader_views WHERE is_default AND reader = '{reader}'")  # noqa: S608
    return int(found[0][0]) if found else None


def pinned_views(session: Session, reader: str, zone: tzinfo) -> list[tuple[View, int | None]]:
    """The views that the reader pinned, each with the number of its runs; None for a filter no longer understood."""

    def number(view: View) -> int | None:
        try:
            return runs_total(session, RunFilter.parse(parse_qsl(view.query), zone=zone))
        except InvalidFilter:
            return None

    return [(view, number(view)) for view in saved_views(session, reader, pinned=True)]
