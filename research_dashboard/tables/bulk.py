"""What is done to many runs at once: which, what, how far it is."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

ACTIONS = ("tag", "untag", "trash", "restore", "purge", "rerun", "retry", "cancel")
STATES = ("Waiting", "Working", "Done", "Failed")
UNDONE = "state IN ('Waiting', 'Working')"


class BulkJob(Base):
    """One action on the runs that were confirmed: their ids are kept, so that it is these and no others."""

    __tablename__ = "bulk_jobs"
    __table_args__ = (
        CheckConstraint(f"action IN ({', '.join(repr(action) for action in ACTIONS)})", name="action"),
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="state"),
        CheckConstraint("place BETWEEN 0 AND total", name="place"),
        Index("ix_bulk_jobs_undone", "id", sqlite_where=text(UNDONE), postgresql_where=text(UNDONE)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    tag: Mapped[str | None]
    ids: Mapped[bytes | None]  # packed; let go of at the end
    total: Mapped[int]
    place: Mapped[int] = mapped_column(default=0)  # so many of them have been dealt with
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[dict[str, Any]]  # why others were left as they are: reason → how many
    state: Mapped[str] = mapped_column(default="Waiting")
    asked_by: Mapped[str]
    via: Mapped[str]  # page, api, command
    message: Mapped[str | None]
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
