"""What waits, what works, who works on it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Executable, bindparam, case, exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from research_dashboard.base import utcnow
from research_dashboard.tables.run_log import RunLogLine
from research_dashboard.tables.runs import (
    OURS,
    STANDS,
    UNFINISHED,
    WAITING_OR_WORKING,
    ResearchDetail,
    ResearchRun,
    Status,
)
from research_dashboard.tables.workers import Worker

DEAD_AFTER = timedelta(seconds=7)  # a worker that has not beaten for so long is dead
RECENT_RUNS = 200  # how many past runs the usual times are the medians of


def alive(session: Session, now: datetime | None = None) -> bool:
    """True when a worker has beaten lately: without one, a run waits for ever and its page says so."""
    return bool(session.scalar(select(_BEATS), _around(now or utcnow())))


# A beat from the future is one of before the clock was set back; it proves nothing for longer than a live worker takes
# to beat again, so it is held to the same bound.
_BEATS = exists().where(Worker.beat_at.between(bindparam("since"), bindparam("until")))


def _around(now: datetime) -> dict[str, datetime]:
    return {"since": now - DEAD_AFTER, "until": now + DEAD_AFTER}


def workers(session: Session, now: datetime | None = None) -> Sequence[Worker]:
    """The workers that have beaten lately, the oldest first."""
    lately = (now or utcnow()) - DEAD_AFTER
    return session.scalars(select(Worker).where(Worker.beat_at >= lately).order_by(Worker.started_at, Worker.id)).all()


def standing_run(session: Session, request_key: str) -> int | None:
    """The run that waits or works for this very request, if there is one."""
    statement = select(ResearchRun.id).where(ResearchRun.request_key == request_key, text(STANDS))
    return session.scalar(statement)


def queue_position(session: Session, run_id: int) -> int | None:
    """How many runs a waiting run stands behind, plus one: 1 is next. None when it does not wait."""
    run = session.get(ResearchRun, run_id)
    if run is None or run.status != Status.QUEUED or run.origin not in OURS:
        return None
    ahead = select(func.count()).where(
        text(UNFINISHED),
        ResearchRun.status == Status.QUEUED,
        ResearchRun.origin.in_(OURS),
        ResearchRun.deleted_at.is_(None),
        or_(ResearchRun.priority < run.priority, (ResearchRun.priority == run.priority) & (ResearchRun.id < run.id)),
    )
    return int(session.scalar(ahead) or 0) + 1


def waiting_and_working(session: Session) -> Mapping[str, int]:
    """How many runs of the built-in research wait, run, or are interrupted; what programs log is not the worker's."""
    statement = (
        select(ResearchRun.status, func.count())
        .where(text(UNFINISHED), ResearchRun.origin.in_(OURS), ResearchRun.deleted_at.is_(None))
        .group_by(ResearchRun.status)
    )
    found = {row[0]: row[1] for row in session.execute(statement)}
    return {status.value: found.get(status.value, 0) for status in WAITING_OR_WORKING}


_usual: WeakKeyDictionary[Engine, dict[str | None, tuple[Any, frozenset[int], Mapping[str, float]]]] = (
    WeakKeyDictionary()
)
_past = aliased(ResearchRun, name="past")
_newest = (
    select(_past.id)
    .where(_past.status == Status.COMPLETED, _past.origin != "api")
    .order_by(_past.date.desc(), _past.id.desc())
)


def usual_seconds(session: Session, run_id: int | None = None, source: str | None = None) -> Mapping[str, float]:
    """The usual time of each step in seconds: the median over the last completed ones. Nothing where `run_id` is the
    only one of them: a run is not measured by itself.

    `source`: only of runs whose figures came from there; fetching them takes a hundred times as long as reading them.
    It is worked out when another run has completed: a thousand rows, and those who watch ask every second.
    """
    engine = session.get_bind().engine
    past = _newest if source is None else _newest.where(_past.source == source)
    newest = session.execute(_newest.add_columns(_past.finished_at).limit(1)).one_or_none()
    key = None if newest is None else tuple(newest)
    by_source = _usual.setdefault(engine, {})
    kept = by_source.get(source)
    if kept is None or kept[0] != key:
        recent = frozenset(session.scalars(past.limit(RECENT_RUNS)))
        kept = by_source[source] = (key, recent, _medians(session, recent))
    _, recent, usual = kept
    return {} if recent == {run_id} else usual


def _medians(session: Session, run_ids: Iterable[int]) -> Mapping[str, float]:
    usual: dict[str, float] = {}
    statement = select(ResearchDetail.step_name, ResearchDetail.start_time, ResearchDetail.end_time).where(
        ResearchDetail.research_run_id.in_(run_ids)
    )
    times: dict[str, list[float]] = {}
    for name, start, end in session.execute(statement):
        if start and end:
            times.setdefault(name, []).append((end - start).total_seconds())
    for name, values in times.items():
        values.sort()
        middle = len(values) // 2
        usual[name] = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    return usual


def watched(session: Session, run_id: int, now: datetime) -> Sequence[Any]:
    """All that changes in a run's progress, in one small statement: who has seen these rows has seen it all.

    A row for each step: the run, the step, how many wait before it, its newest line of log, the run that completed
    last (the usual times come from it), and whether a worker lives. Nothing for a run that is not there.
    """
    return session.execute(_watched(), {"run": run_id, **_around(now)}).all()


@cache
def _watched() -> Executable:
    # Made once: putting it together takes three times as long as asking it, and everybody who watches asks it.
    run, other = ResearchRun, aliased(ResearchRun, name="other")
    ahead = select(func.count(other.id)).where(
        text(f"other.{UNFINISHED}"),
        other.status == Status.QUEUED,
        other.origin.in_(OURS),
        other.deleted_at.is_(None),
        or_(other.priority < run.priority, (other.priority == run.priority) & (other.id < run.id)),
    )
    line = select(func.max(RunLogLine.id)).where(RunLogLine.research_run_id == run.id)
    step = ResearchDetail
    return (
        select(
            *(
                run.status,
                run.company,
                run.researcher,
                run.attempts,
                run.started_at,
                run.finished_at,
                run.error_kind,
                run.date,
            ),
            *(step.position, step.status, step.progress, step.message, step.start_time, step.end_time, step.attempt),
            case((run.status == Status.QUEUED, ahead.correlate(run).scalar_subquery())),
            line.correlate(run).scalar_subquery(),
            _newest.limit(1).scalar_subquery(),
            _BEATS,
        )
        .outerjoin(step, step.research_run_id == run.id)
        .where(run.id == bindparam("run"), run.deleted_at.is_(None))
        .order_by(step.position)
    )
