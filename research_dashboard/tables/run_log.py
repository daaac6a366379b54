"""What a run says of itself, line by line: the log of its page, kept with the run."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow
from research_dashboard.tables.runs import one_of


class Level(StrEnum):
    """How much a line matters, the least first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RunLogLine(Base):
    """One line, written in the transaction of what it tells of, so that neither is there alone."""

    __tablename__ = "run_log_lines"
    __table_args__ = (
        CheckConstraint(one_of("level", Level), name="level"),
        CheckConstraint("length(message) BETWEEN 1 AND 4000", name="message_length"),
        Index("ix_run_log_lines_research_run_id_id", "research_run_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    research_run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    level: Mapped[str]
    position: Mapped[int | None]  # the step it is about
    message: Mapped[str]
