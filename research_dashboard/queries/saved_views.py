"""The saved views."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.models import SavedView


def saved_views(session: Session, *, pinned: bool = False) -> Sequence[SavedView]:
    """All of them, or those that are pinned, by name."""
    statement = select(SavedView).order_by(SavedView.name, SavedView.id)
    return session.scalars(statement.where(SavedView.pinned) if pinned else statement).all()
