"""Lists of companies that are researched again and again; what a re-run asked for; what there is to tell of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow
from research_dashboard.tables.runs import one_of


class Every(StrEnum):
    """How often a list is run by itself."""

    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"


class NoticeKind(StrEnum):
    """What a notice tells of."""

    NEW_FILING = "new_filing"
    RUN_FAILED = "run_failed"
    NOT_STARTED = "not_started"
    LIST_DONE = "list_done"


class Watchlist(Base):
    """A list of companies, and when it is run by itself: at an hour of a zone, each day or on one day of the week."""

    __tablename__ = "watchlists"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        CheckConstraint(one_of("every", Every), name="every"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint("(every = 'never') = (due_at IS NULL)", name="due_when_scheduled"),
        Index("ix_watchlists_due_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    author: Mapped[str]
    every: Mapped[str] = mapped_column(default=Every.NEVER.value)
    weekday: Mapped[int] = mapped_column(default=0)  # 0 is Monday
    hour: Mapped[int] = mapped_column(default=7)
    time_zone: Mapped[str] = mapped_column(default="UTC")
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class WatchlistCompany(Base):
    """This company is on this list."""

    __tablename__ = "watchlist_companies"
    __table_args__ = (Index("ix_watchlist_companies_company_id", "company_id"),)

    watchlist_id: Mapped[int] = mapped_column(ForeignKey("watchlists.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True)
    added_at: Mapped[datetime] = mapped_column(default=utcnow)


class WatchlistPass(Base):
    """One run of a whole list. `due_at` is the moment of the schedule it answers: there is one pass for each."""

    __tablename__ = "watchlist_passes"
    __table_args__ = (UniqueConstraint("watchlist_id", "due_at"), Index("ix_watchlist_passes_done_at", "done_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    watchlist_id: Mapped[int] = mapped_column(ForeignKey("watchlists.id", ondelete="CASCADE"))
    due_at: Mapped[datetime | None]  # None: asked for by hand
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    done_at: Mapped[datetime | None]


class WatchlistRun(Base):
    """What a pass asked for one company: its run, or why there is none. Neither yet: it is still to be started."""

    __tablename__ = "watchlist_runs"
    __table_args__ = (
        Index("ix_watchlist_runs_run_id", "run_id"),
        Index("ix_watchlist_runs_company_id", "company_id"),
        Index("ix_watchlist_runs_told_at", "told_at"),
    )

    pass_id: Mapped[int] = mapped_column(ForeignKey("watchlist_passes.id", ondelete="CASCADE"), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True)
    asked_at: Mapped[datetime | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("research_runs.id", ondelete="SET NULL"))
    refusal: Mapped[str | None]
    told_at: Mapped[datetime | None]  # when its end was made a notice, or found to need none


class Notice(Base):
    """A line of the inbox. Its key names what it tells of, so that nothing is told twice."""

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(one_of("kind", NoticeKind), name="kind"),
        Index("ix_notices_run_id", "run_id"),
        Index("ix_notices_company_id", "company_id"),
        Index("ix_notices_watchlist_id", "watchlist_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    kind: Mapped[str]
    text: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("research_runs.id", ondelete="SET NULL"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="SET NULL"))
    watchlist_id: Mapped[int | None] = mapped_column(ForeignKey("watchlists.id", ondelete="SET NULL"))


class InboxMark(Base):
    """Up to which notice someone has read. Without accounts there is one reader, called ""."""

    __tablename__ = "inbox_marks"

    reader: Mapped[str] = mapped_column(primary_key=True)
    read_up_to: Mapped[int]
