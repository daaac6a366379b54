"""What programs write: their own runs, with steps and results. The built-in research's runs are not theirs to touch."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.models import Origin, ResearchDetail, ResearchResult, ResearchRun, Status
from research_dashboard.queries.records import (
    DETAIL_COLUMNS,
    DETAIL_KEYS,
    RESULT_COLUMNS,
    RUN_COLUMNS,
    RUN_KEYS,
    Record,
    next_position,
    result_json,
)
from research_dashboard.services.audit import record

WRITTEN_BY_PROGRAMS = frozenset({Origin.API, Origin.SEED})


class NoSuchRun(LookupError):
    """There is no run of that id, or it is in the trash."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no run {run_id}.")
        self.run_id = run_id


class NotYours(Exception):
    """The built-in research owns the run: programs may read it, not write to it."""

    def __init__(self, run_id: int, origin: str) -> None:
        super().__init__(f"Run {run_id} belongs to the built-in research (origin {origin}): it is read-only here.")
        self.run_id = run_id


def log_run(
    *,
    company: str,
    researcher: str,
    duration_mins: float,
    status: Status,
    insights: int,
    date: datetime | None = None,
    created_by: str | None = None,
) -> Record:
    """Store a run that another program did, or is doing; the worker never touches it."""
    now = utcnow()
    values = {
        "company": company,
        "researcher": researcher,
        "date": date or now,
        "duration_mins": duration_mins,
        "status": status.value,
        "insights": insights,
        "origin": Origin.API.value,
        "created_by": created_by,
        "started_at": now if status == Status.RUNNING else None,
    }
    with writing() as session:
        row = session.execute(insert(ResearchRun).values(values).returning(*RUN_COLUMNS)).one()
        logged = dict(zip(RUN_KEYS, row, strict=True))
        record(session, "run.log", f"run {logged['id']}", after={"company": company, "status": status.value})
    return logged


def log_detail(run_id: int, *, message: str | None = None, **values: Any) -> Record:
    """Store a step at the end of the run's steps. Raises NoSuchRun, NotYours."""
    with writing() as session:
        _own(session, run_id)
        values |= {"research_run_id": run_id, "position": next_position(session, run_id), "message": message}
        values["progress"] = 1.0 if values["status"] == "Completed" else 0.0
        row = session.execute(insert(ResearchDetail).values(values).returning(*DETAIL_COLUMNS)).one()
    return dict(zip(DETAIL_KEYS, row, strict=True))


def log_result(run_id: int, *, result_type: str, result_data: Any) -> Record:
    """Store a result of the run; its data is any JSON. Raises NoSuchRun, NotYours."""
    result = ResearchResult
    with writing() as session:
        _own(session, run_id)
        row = session.execute(
            insert(result)
            .values(research_run_id=run_id, result_type=result_type, result_data=result_data, created_at=utcnow())
            .returning(*RESULT_COLUMNS)
        ).one()
    return result_json(row)


def _own(session: Session, run_id: int) -> None:
    """The run is there and a program's own. Raises NoSuchRun, NotYours."""
    origin = session.scalar(
        select(ResearchRun.origin).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
    )
    if origin is None:
        raise NoSuchRun(run_id)
    if origin not in WRITTEN_BY_PROGRAMS:
        raise NotYours(run_id, origin)
