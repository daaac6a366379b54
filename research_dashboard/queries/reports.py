"""What a report is built from: a run and its results by type; and the newest report of a company."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchResult, ResearchRun, Status


def run_kept(session: Session, run_id: int) -> ResearchRun | None:
    """The run, unless there is none or it lies in the trash."""
    return session.scalar(select(ResearchRun).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None)))


def results_by_type(session: Session, run_id: int, kinds: Collection[str] = ()) -> dict[str, Any]:
    """The run's results (these kinds, or all), by type; of several of one type the newest."""
    statement = (
        select(ResearchResult.result_type, ResearchResult.result_data)
        .where(ResearchResult.research_run_id == run_id)
        .order_by(ResearchResult.id)
    )
    rows = session.execute(statement.where(ResearchResult.result_type.in_(kinds)) if kinds else statement)
    return {row.result_type: row.result_data for row in rows}


def newest_completed(session: Session, company_id: int) -> ResearchRun | None:
    """The company's completed research as known on the newest day; of several, the one that ran last."""
    return session.scalar(
        select(ResearchRun)
        .where(
            ResearchRun.company_id == company_id,
            ResearchRun.status == Status.COMPLETED,
            ResearchRun.origin != "api",
            ResearchRun.deleted_at.is_(None),
        )
        .order_by(func.coalesce(ResearchRun.as_of, func.date(ResearchRun.date)).desc(), ResearchRun.id.desc())
        .limit(1)
    )


def result_of(session: Session, run_id: int, kind: str) -> Mapping[str, Any] | None:
    """One result of a run, if it is a JSON object."""
    data = session.scalar(
        select(ResearchResult.result_data)
        .where(ResearchResult.research_run_id == run_id, ResearchResult.result_type == kind)
        .order_by(ResearchResult.id.desc())
        .limit(1)
    )
    return data if isinstance(data, Mapping) else None
