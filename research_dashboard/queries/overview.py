"""What the overview shows: counts, what runs now, the newest runs, the companies at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.orm import Session

from research_dashboard.models import (
    WAITING_OR_WORKING,
    Company,
    Fact,
    Origin,
    ResearchDetail,
    ResearchRun,
    Status,
    StepStatus,
)

RECENT = 12
TIMED = 1000  # the newest runs whose times make the median


@dataclass(frozen=True, slots=True)
class Working:
    """A run that is waiting or at work."""

    id: int
    company: str
    status: str
    step: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The record's numbers on the tiles. `seconds`: the median time of research, None before the first."""

    runs: int
    today: int
    working: Sequence[Working]
    failed: int
    seconds: float | None


def counts(session: Session, now: datetime, midnight: datetime) -> Counts:
    """Count runs, and failures and times of the last seven days; trash is not counted."""
    run = ResearchRun
    week = now - timedelta(days=7)
    kept = run.deleted_at.is_(None)

    def count(*where: object) -> int:
        return session.scalar(select(func.count()).select_from(run).where(kept, *where)) or 0  # type: ignore[arg-type]

    times = session.scalars(
        select(run.duration_mins)
        .where(kept, run.status == Status.COMPLETED, run.origin == Origin.RESEARCH, run.date >= week)
        .order_by(run.date.desc(), run.id.desc())
        .limit(TIMED)
    ).all()
    return Counts(
        runs=count(),
        today=count(run.date >= midnight),
        working=working(session),
        failed=count(run.status == Status.FAILED, run.date >= week),
        seconds=median(times) * 60 if times else None,
    )


def number_at_hand(session: Session) -> int:
    """How many companies have figures loaded, filed or their own."""
    return session.scalar(select(func.count()).select_from(_at_hand().subquery())) or 0


def working(session: Session) -> Sequence[Working]:
    """The built-in research that waits or works, the longest at it first, each with the step it is at."""
    step = (
        select(func.min(ResearchDetail.position))
        .where(ResearchDetail.research_run_id == ResearchRun.id, ResearchDetail.status == StepStatus.RUNNING)
        .scalar_subquery()
    )
    rows = session.execute(
        select(ResearchRun.id, ResearchRun.company, ResearchRun.status, step)
        .where(
            ResearchRun.status.in_(WAITING_OR_WORKING),
            ResearchRun.origin != Origin.API,
            ResearchRun.deleted_at.is_(None),
        )
        .order_by(ResearchRun.date, ResearchRun.id)
        .limit(100)
    )
    return [Working(*row) for row in rows]


def recent_runs(session: Session, limit: int = RECENT) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest runs: id, date, company, ticker, researcher, duration_mins, started_at, status."""
    run = ResearchRun
    return session.execute(
        select(
            run.id,
            run.date,
            run.company,
            run.ticker,
            run.researcher,
            run.duration_mins,
            run.started_at,
            run.status,
        )
        .where(run.deleted_at.is_(None))
        .order_by(run.date.desc(), run.id.desc())
        .limit(limit)
    ).all()


def _at_hand() -> Select[int]:
    return select(Company.id).where(exists().where(Fact.company_id == Company.id))


def companies_at_hand(session: Session, limit: int = 60) -> Sequence[Company]:
    """Companies with figures loaded, filed or their own, by name."""
    return session.scalars(
        select(Company).where(Company.id.in_(_at_hand())).order_by(func.lower(Company.name), Company.id).limit(limit)
    ).all()


def runs_a_week(session: Session, monday: datetime, weeks: int = 8) -> list[tuple[date, int]]:
    """How many runs were asked for in each of the last weeks; `monday` is when this one began, in the reader's zone."""
    found = []
    for back in range(weeks - 1, -1, -1):
        start = monday - timedelta(weeks=back)  # in the zone's own time, so that a week begins at its midnight
        inside = (ResearchRun.date >= start, ResearchRun.date < start + timedelta(weeks=1))
        number = session.scalar(
            select(func.count()).select_from(ResearchRun).where(ResearchRun.deleted_at.is_(None), *inside)
        )
        found.append((start.date(), number or 0))
    return found
