"""The saved views."""

from collections.abc import Sequence
from datetime import tzinfo
from urllib.parse import parse_qsl

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.models import SavedView
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.queries.runs import runs_total


def saved_views(session: Session, *, pinned: bool = False) -> Sequence[SavedView]:
    """All of them, or those that are pinned, by name."""
    statement = select(SavedView).order_by(SavedView.name, SavedView.id)
    return session.scalars(statement.where(SavedView.pinned) if pinned else statement).all()


def pinned_views(session: Session, zone: tzinfo) -> list[tuple[SavedView, int | None]]:
    """The pinned views, each with the number of its runs; None for a filter that is no longer understood."""

    def number(view: SavedView) -> int | None:
        try:
            return runs_total(session, RunFilter.parse(parse_qsl(view.query), zone=zone))
        except InvalidFilter:
            return None

    return [(view, number(view)) for view in saved_views(session, pinned=True)]
