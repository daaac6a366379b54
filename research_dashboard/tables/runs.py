"""Research runs, their steps (details) and their results; and the one table of legal moves."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from research_dashboard.base import Base, utcnow

COMPANY_LENGTH = 200
RESEARCHER_LENGTH = 100
NAME_LENGTH = 200
MAX_DURATION_MINS = 525_600.0  # a year
MAX_INSIGHTS = 1_000_000


class Status(StrEnum):
    """States of a run."""

    QUEUED = "Queued"
    RUNNING = "Running"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"


class StepStatus(StrEnum):
    """States of a step."""

    PENDING = "Pending"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Origin(StrEnum):
    """Who made the run: the built-in research, a program over the API, a schedule, the seed's database."""

    RESEARCH = "research"
    API = "api"
    SCHEDULE = "schedule"
    SEED = "seed"


# The origins that the worker may touch: what a program or the seed logged is not its to work on.
OURS = (Origin.RESEARCH.value, Origin.SCHEDULE.value)


class Source(StrEnum):
    """Where filed facts come from."""

    BUNDLED = "bundled"
    IMPORTED = "imported"
    LIVE = "live"
    UPLOADED = "uploaded"  # a private company's own figures: not filed


# The legal moves of a run; every change of status of the built-in research goes through services.moves.move().
MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLING, Status.INTERRUPTED}),
    Status.CANCELLING: frozenset({Status.CANCELLED}),
    Status.INTERRUPTED: frozenset({Status.QUEUED, Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
    Status.COMPLETED: frozenset(),
}
ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
WAITING_OR_WORKING = frozenset({Status.QUEUED, Status.RUNNING, Status.CANCELLING, Status.INTERRUPTED})

# The partial indexes' conditions, in words that SQLite recognises again: a query must use the very same text.
# NOT IN, because SQLite would rather look IN up in the long index of states.
UNFINISHED = "status NOT IN ('Completed', 'Failed', 'Cancelled')"
# Asking again for such a run gives the same run.
STANDS = "status IN ('Queued', 'Running', 'Interrupted') AND deleted_at IS NULL"
FOR_PEOPLE, FOR_SCHEDULES = 0, 10  # priority: the smaller goes first


def one_of(column: str, values: type[StrEnum]) -> str:
    """The CHECK that keeps a column to an enum's values."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


KEPT = text("deleted_at IS NULL")
TITLED = text("title IS NOT NULL")
# Each order of the record is an index over the runs outside the trash; the status at its end lets it count by status.
ORDERS: dict[str, tuple[Any, ...]] = {
    "date": ("date", "id", "status"),
    "status": ("status", "date", "id"),
    "company": (text("lower(company)"), "date", "id", "status"),
    "researcher": (text("lower(researcher)"), "date", "id", "status"),
    "duration": ("duration_mins", "id", "status"),
    "insights": ("insights", "id", "status"),
    "ticker": (text("coalesce(ticker, '')"), "date", "id", "status"),
    "source": (text("coalesce(source, '')"), "date", "id", "status"),
    "error": (text("coalesce(error_kind, '')"), "date", "id", "status"),
    "gaps": ("gaps", "id", "status"),
}


class ResearchRun(Base):
    """One research of one company: who, what, when, how long, from which data, by which rules (P1)."""

    __tablename__ = "research_runs"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status"),
        CheckConstraint(one_of("origin", Origin), name="origin"),
        CheckConstraint(f"source IS NULL OR {one_of('source', Source)}", name="source"),
        CheckConstraint(f"length(company) BETWEEN 1 AND {COMPANY_LENGTH}", name="company_length"),
        CheckConstraint("trim(company) <> ''", name="company_not_blank"),
        CheckConstraint(f"length(researcher) BETWEEN 1 AND {RESEARCHER_LENGTH}", name="researcher_length"),
        CheckConstraint(f"duration_mins BETWEEN 0 AND {MAX_DURATION_MINS}", name="duration_mins"),
        CheckConstraint(f"insights BETWEEN 0 AND {MAX_INSIGHTS}", name="insights"),
        CheckConstraint("gaps >= 0", name="gaps"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint(
            "finished_at IS NULL OR started_at IS NULL OR finished_at >= started_at", name="end_after_start"
        ),
        CheckConstraint(
            "status <> 'Failed' OR origin <> 'research' OR error_kind IS NOT NULL", name="failure_says_why"
        ),
        *(
            Index(f"ix_research_runs_kept_{name}", *columns, sqlite_where=KEPT, postgresql_where=KEPT)
            for name, columns in ORDERS.items()
        ),
        Index("ix_research_runs_titled", "title", sqlite_where=TITLED, postgresql_where=TITLED),
        Index("ix_research_runs_company_id", "company_id"),
        Index("ix_research_runs_parent_run_id", "parent_run_id"),
        Index(  # what the workers look for: short, however long the history is
            "ix_research_runs_unfinished",
            *("priority", "id"),
            sqlite_where=text(UNFINISHED),
            postgresql_where=text(UNFINISHED),
        ),
        Index(  # a double click makes one run
            "uq_research_runs_request_key",
            "request_key",
            unique=True,
            sqlite_where=text(STANDS),
            postgresql_where=text(STANDS),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[str]
    researcher: Mapped[str]
    date: Mapped[datetime] = mapped_column(default=utcnow)
    duration_mins: Mapped[float] = mapped_column(default=0.0)
    status: Mapped[str] = mapped_column(default=Status.QUEUED.value)
    insights: Mapped[int] = mapped_column(default=0)

    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    origin: Mapped[str] = mapped_column(default=Origin.API.value)
    created_by: Mapped[str | None]
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)  # claims since the last new checkpoint
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="SET NULL"))
    ticker: Mapped[str | None]
    source: Mapped[str | None]
    as_of: Mapped[dt.date | None]
    options: Mapped[dict[str, Any] | None]
    error_kind: Mapped[str | None]
    error_message: Mapped[str | None]
    gaps: Mapped[int] = mapped_column(default=0)
    rules_version: Mapped[str | None]
    data_version: Mapped[str | None]
    loads: Mapped[list[Any] | None]  # the data it is pinned to: [{"id", "source", "name", "version", "sha256"}]
    request_key: Mapped[str | None]  # what makes two requests the same: company, options, data version
    priority: Mapped[int] = mapped_column(default=FOR_PEOPLE, server_default="0")
    parent_run_id: Mapped[int | None] = mapped_column(ForeignKey("research_runs.id", ondelete="SET NULL"))
    deleted_at: Mapped[datetime | None]
    title: Mapped[str | None]
    pinned_at: Mapped[datetime | None]

    @property
    def back_dated(self) -> bool:
        """True when it was asked what was known on a day before the one on which it was asked."""
        return self.as_of is not None and self.as_of < self.date.date()

    details: Mapped[list["ResearchDetail"]] = relationship(
        back_populates="run", cascade="all, delete-orphan", passive_deletes=True, order_by="ResearchDetail.position"
    )
    results: Mapped[list["ResearchResult"]] = relationship(
        back_populates="run", cascade="all, delete-orphan", passive_deletes=True, order_by="ResearchResult.id"
    )


class ResearchDetail(Base):
    """One step of a run (P2): what it did, when, how it ended. The built-in research keeps its checkpoints here."""

    __tablename__ = "research_details"
    __table_args__ = (
        UniqueConstraint("research_run_id", "position"),
        CheckConstraint(one_of("status", StepStatus), name="status"),
        CheckConstraint(f"length(step_name) BETWEEN 1 AND {NAME_LENGTH}", name="step_name_length"),
        CheckConstraint("end_time >= start_time", name="end_after_start"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    research_run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"))
    step_name: Mapped[str]
    start_time: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(default=StepStatus.PENDING.value)
    position: Mapped[int]
    attempt: Mapped[int] = mapped_column(default=1)
    message: Mapped[str | None]  # what the step says of itself: "6 companies, 334 filings, 137,288 facts."
    progress: Mapped[float] = mapped_column(default=0.0)  # 0 to 1 within the step

    run: Mapped[ResearchRun] = relationship(back_populates="details")


class ResearchResult(Base):
    """One result of a run (P3): a type and its JSON. `position` orders the built-in research's results and makes
    them unique within the run; what a program logs over the API has none."""

    __tablename__ = "research_results"
    __table_args__ = (
        UniqueConstraint("research_run_id", "position"),
        CheckConstraint(f"length(result_type) BETWEEN 1 AND {NAME_LENGTH}", name="result_type_length"),
        Index("ix_research_results_research_run_id", "research_run_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    research_run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"))
    result_type: Mapped[str]
    result_data: Mapped[Any] = mapped_column(JSON)
    position: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    run: Mapped[ResearchRun] = relationship(back_populates="results")
