"""Runs, their steps and their results as programs read them: plain columns, ready to be encoded."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.orm import Session

from research_dashboard.extensions import to_json
from research_dashboard.models import ResearchDetail, ResearchResult, ResearchRun
from research_dashboard.queries.keyset import PINNED, SIC, TAGS, beyond, cursor_at, keys_of, order, place_of
from research_dashboard.queries.run_filter import RunFilter
from research_dashboard.queries.runs import Slice, runs_matching, runs_overall, runs_slice

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
    "title",
    "pinned",
    "sic",
    "tags",
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
TABLE: Any = ResearchRun.__table__.c  # columns of the table: the ORM has no share in reading them
ELSEWHERE: Mapping[str, Any] = {"pinned": PINNED, "sic": SIC, "tags": TAGS}
RUN_COLUMNS: Mapping[str, Any] = {
    key: ELSEWHERE[key].label(key) if key in ELSEWHERE else TABLE[key] for key in RUN_KEYS
}
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


def run_records(
    session: Session, wanted: RunFilter, *, skip: int = 0, limit: int, total: int, keys: Sequence[str] = RUN_KEYS
) -> list[Record]:
    """`limit` runs of the filter, which has `total` of them, after the first `skip`; with these keys."""
    columns = [RUN_COLUMNS[key] for key in keys]
    overall = runs_overall(session) if wanted.narrows else total
    part = Slice(limit, skip).from_the_nearer_end(total)
    statement = runs_slice(columns, wanted, part, total=total, overall=overall)
    found = [dict(zip(keys, row, strict=True)) for row in session.execute(statement)]
    return found[::-1] if part.back else found


def run_records_after(
    session: Session, wanted: RunFilter, *, cursor: str | None, limit: int, keys: Sequence[str] = RUN_KEYS
) -> list[Record]:
    """`limit` runs of the filter after the cursor, None: from the beginning. Raises BadCursor."""
    statement: Select[Any] = runs_matching(wanted).with_only_columns(*(RUN_COLUMNS[key] for key in keys))
    back = False
    if cursor is not None:
        place, back = place_of(wanted.sort, cursor)
        statement = statement.where(beyond(wanted.sort, place, back=back))
    if back:
        statement = statement.order_by(None).order_by(*order(wanted.sort, back=True))
    found = [dict(zip(keys, row, strict=True)) for row in session.execute(statement.limit(limit))]
    return found[::-1] if back else found


def cursor_after(session: Session, wanted: RunFilter, run_id: int) -> str:
    """The cursor that goes on after this run in the filter's order."""
    row = session.execute(select(*keys_of(wanted.sort)).where(ResearchRun.id == run_id)).one()
    return cursor_at(wanted.sort, row)


def fingerprint(body: str) -> str:
    """What an answer's ETag says: it changes when the answer does."""
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def etag_of(record: Record) -> str:
    """The ETag of a run that is answered whole, without parameters: what If-Match compares with."""
    return fingerprint(to_json(record))


def add_parts(session: Session, found: list[Record], include: Sequence[str]) -> None:
    """Give each run its details, its results, or both; two statements at most, whatever the number of runs."""
    ids = [run["id"] for run in found]
    if "details" in include:
        detail = ResearchDetail
        statement = select(*DETAIL_COLUMNS).where(detail.research_run_id.in_(ids)).order_by(detail.position)
        _hang(found, "details", (dict(zip(DETAIL_KEYS, row, strict=True)) for row in session.execute(statement)))
    if "results" in include:
        result = ResearchResult
        wanted = select(*RESULT_COLUMNS).where(result.research_run_id.in_(ids)).order_by(result.id)
        _hang(found, "results", (result_json(row) for row in session.execute(wanted)))


def _hang(found: list[Record], name: str, parts: Iterable[Record]) -> None:
    by_run: dict[int, list[Record]] = {run["id"]: [] for run in found}
    for part in parts:
        by_run[part["research_run_id"]].append(part)
    for run in found:
        run[name] = by_run[run["id"]]


def run_record(session: Session, run_id: int) -> Record | None:
    """The run; None when there is none or it is in the trash."""
    statement = select(*RUN_COLUMNS.values()).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
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
