"""The audit: every change, who made it, from where, before and after.

Rows are added; triggers of the database (see the migration that made the table) refuse to change or delete them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

VIAS = ("page", "api", "command", "worker")  # the ways by which a change is made
OF_MANY = "substr(subject, 1, 5) = 'runs '"  # the partial index's condition, in words that SQLite recognises again


class AuditEvent(Base):
    """One change: what was done to what, by whom, from where, and what it was before and after."""

    __tablename__ = "audit_events"
    __table_args__ = (
        CheckConstraint("length(action) BETWEEN 1 AND 100", name="action_length"),
        Index("ix_audit_events_at_id", "at", "id"),
        Index("ix_audit_events_subject", "subject"),
        Index("ix_audit_events_actor", "actor"),
        Index(  # a run's history of edits looks through those of many runs
            "ix_audit_events_of_many",
            *("action", "subject", "id"),
            sqlite_where=text(OF_MANY),
            postgresql_where=text(OF_MANY),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    actor: Mapped[str]  # a user, "ann (nightly job)" for a token of hers, the operating system's user of a command
    via: Mapped[str]  # one of VIAS
    address: Mapped[str | None]
    request: Mapped[str | None]  # the request's number, as it stands in the log
    action: Mapped[str]  # run.start, user.disable
    subject: Mapped[str]  # run 12, user ann
    before: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
