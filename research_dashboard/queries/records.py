"""Runs, their steps and their results as programs read them: plain columns, ready to be encoded."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchDetail, ResearchResult, ResearchRun
from research_dashboard.queries.run_filter import RunFilter
from research_dashboard.queries.runs import runs_overall, runs_slice, runs_total

RUN_KEYS = (
    "id",
    "company",
    "researcher",
    "date",
    "duration_mins",
    "status",
    "insights",
    "origin",
    "created_by",
    "started_at",
    "finished_at",
    "ticker",
    "source",
    "as_of",
    "gaps",
    "error_kind",
    "error_message",
    "parent_run_id",
)
DETAIL_KEYS = (
    "id",
    "research_run_id",
    "step_name",
    "start_time",
    "end_time",
    "status",
    "position",
    "attempt",
    "message",
    "progress",
)
RUN_COLUMNS = tuple(getattr(ResearchRun, key) for key in RUN_KEYS)
DETAIL_COLUMNS = tuple(getattr(ResearchDetail, key) for key in DETAIL_KEYS)
RESULT_COLUMNS: tuple[Any, ...] = (
    ResearchResult.id,
    ResearchResult.research_run_id,
    ResearchResult.result_type,
    cast(ResearchResult.result_data, Text),
    ResearchResult.created_at,
)
RESULT_KEYS = ("id", "research_run_id", "result_type", "result_data", "created_at")

Record = dict[str, Any]


def run_records(session: Session, wanted: RunFilter, *, skip: int, limit: int) -> list[Record]:
    """`limit` runs of the filter after the first `skip`."""
    statement = runs_slice(
        RUN_COLUMNS,
        wanted,
        skip=skip,
        limit=limit,
        total=runs_total(session, wanted),
        overall=runs_overall(session),
    )
    return [dict(zip(RUN_KEYS, row, strict=True)) for row in session.execute(statement)]


def run_record(session: Session, run_id: int) -> Record | None:
    """The run; None when there is none or it is in the trash."""
    statement = select(*RUN_COLUMNS).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
    row = session.execute(statement).first()
    return None if row is None else dict(zip(RUN_KEYS, row, strict=True))


def run_exists(session: Session, run_id: int) -> bool:
    """True when there is such a run, and it is not in the trash."""
    statement = select(ResearchRun.id).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
    return session.scalar(statement) is not None


def detail_records(session: Session, run_id: int) -> list[Record]:
    """The run's steps in their order."""
    rows = session.execute(
        select(*DETAIL_COLUMNS).where(ResearchDetail.research_run_id == run_id).order_by(ResearchDetail.position)
    )
    return [dict(zip(DETAIL_KEYS, row, strict=True)) for row in rows]


def result_json(row: Sequence[Any]) -> Record:
    """A row of RESULT_COLUMNS; result_data is the JSON as stored, never decoded."""
    record = dict(zip(RESULT_KEYS, row, strict=True))
    record["result_data"] = msgspec.Raw(record["result_data"].encode())
    return record


def result_records(session: Session, run_id: int) -> list[Record]:
    """The run's results in the order they were stored."""
    result = ResearchResult
    statement = select(*RESULT_COLUMNS).where(result.research_run_id == run_id).order_by(result.id)
    return [result_json(row) for row in session.execute(statement)]


def next_position(session: Session, run_id: int) -> int:
    """The position of a step that is added at the end."""
    last = session.scalar(select(func.max(ResearchDetail.position)).where(ResearchDetail.research_run_id == run_id))
    return (last or 0) + 1
