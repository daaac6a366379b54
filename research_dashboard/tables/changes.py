"""What a run found changed since the last completed run of its company, told once, when the run ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

NEWS = "news > 0"  # the partial index's condition, in words that SQLite recognises again


class RunChanges(Base):
    """The changes as they were told at the end of the run, against a run that may since be gone."""

    __tablename__ = "run_changes"
    __table_args__ = (Index("ix_run_changes_news", "run_id", sqlite_where=text(NEWS), postgresql_where=text(NEWS)),)

    run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"), primary_key=True)
    against_id: Mapped[int | None] = mapped_column(ForeignKey("research_runs.id", ondelete="SET NULL"), index=True)
    against: Mapped[dict[str, Any]]  # id, date and as_of of that run, for when it is gone
    news: Mapped[int]  # changes above the thresholds and new filings; 0 when a later day is all that changed
    filings: Mapped[int]  # new filings among them
    data: Mapped[dict[str, Any]]  # as research.changes.what_changed tells it
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
