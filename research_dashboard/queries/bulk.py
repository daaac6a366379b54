"""What is being done to many runs, read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, defer

from research_dashboard.tables.bulk import UNDONE, BulkJob


def bulk_job(session: Session, job_id: int) -> BulkJob | None:
    """The job, without the ids of its runs."""
    return session.scalar(select(BulkJob).where(BulkJob.id == job_id).options(defer(BulkJob.ids)))


def undone(session: Session, now: datetime) -> Sequence[int]:
    """Jobs that nobody is at, the oldest first."""
    free: Any = or_(BulkJob.lease_until.is_(None), BulkJob.lease_until < now)
    return session.scalars(select(BulkJob.id).where(text(UNDONE), free).order_by(BulkJob.id).limit(10)).all()
