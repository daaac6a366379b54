"""What can be compared: completed research outside the trash."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchRun, Status
from research_dashboard.tables.runs import OURS

_run = ResearchRun
CHOICE = (_run.id, _run.company, _run.company_id, _run.date, _run.as_of, _run.ticker)
COMPLETED = (_run.status == Status.COMPLETED, _run.origin.in_(OURS), _run.deleted_at.is_(None))


def runs_by_id(session: Session, ids: Collection[int]) -> dict[int, ResearchRun]:
    """The runs with these ids, those in the trash among them."""
    return {run.id: run for run in session.scalars(select(_run).where(_run.id.in_(ids)))}


def runs_of(session: Session, company_id: int, limit: int) -> Sequence[Any]:
    """The company's newest completed research: id, company, company_id, date, as_of, ticker."""
    statement = select(*CHOICE).where(_run.company_id == company_id, *COMPLETED)
    return session.execute(statement.order_by(_run.date.desc(), _run.id.desc()).limit(limit)).all()


def newest_of_each(session: Session, limit: int) -> Sequence[Any]:
    """The newest completed research of each company, in order of their names."""
    newest = (
        select(func.max(_run.id)).where(_run.company_id.is_not(None), *COMPLETED).group_by(_run.company_id).limit(limit)
    )
    statement = select(*CHOICE).where(_run.id.in_(newest))
    return session.execute(statement.order_by(func.lower(_run.company), _run.id)).all()
