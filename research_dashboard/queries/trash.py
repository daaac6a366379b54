"""What lies in the trash."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.models import ResearchRun


def in_trash(session: Session, limit: int) -> Sequence[Any]:
    """The runs deleted last: id, company, researcher, date, status, deleted_at."""
    run = ResearchRun
    columns = (run.id, run.company, run.researcher, run.date, run.status, run.deleted_at)
    statement = select(*columns).where(run.deleted_at.is_not(None)).order_by(run.deleted_at.desc(), run.id.desc())
    return session.execute(statement.limit(limit)).all()


def trash_total(session: Session, days: int | None = None) -> int:
    """How many runs lie in the trash; for that many days or longer, which a clock set back may say of none."""
    deleted = ResearchRun.deleted_at
    where = deleted.is_not(None) if days is None else deleted <= utcnow() - timedelta(days=days)
    return session.scalar(select(func.count()).select_from(ResearchRun).where(where)) or 0
