"""A run's moves from state to state, by the legal table, each ending in the audit; and what is written of its steps."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, case, func, select, update
from sqlalchemy.orm import Session

from research_dashboard.research.steps import STEPS
from research_dashboard.services.audit import Who, on_behalf_of, record
from research_dashboard.services.run_log import say
from research_dashboard.tables.run_log import Level
from research_dashboard.tables.runs import MAX_DURATION_MINS, MOVES, ResearchDetail, ResearchRun, Status, StepStatus

SWEEP = "sweep"  # who ends what dead workers left, in the audit


def move(session: Session, run_id: int, to: Status, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Change a run's status if MOVES allows it from where the run stands; says whether it did."""
    allowed = [status.value for status, targets in MOVES.items() if to in targets]
    statement = (
        update(ResearchRun)
        .where(ResearchRun.id == run_id, ResearchRun.status.in_(allowed), *conditions)
        .values(status=to.value, **values)
        .execution_options(synchronize_session=False)
    )
    return changed(session, statement) == 1


def ended_at(now: datetime) -> Any:
    """The end of a run, never before its start, though the clock was set back meanwhile."""
    return case((ResearchRun.started_at > now, ResearchRun.started_at), else_=now)


def audit_ending(session: Session, run_id: int, by: str, was: Status, became: Status, **why: Any) -> None:
    """Write an ending into the audit, in its own transaction. `by`: the worker's lease, or SWEEP."""
    with on_behalf_of(Who(by.rpartition(":")[0] or by, "worker")):
        after = {"status": became.value} | why
        record(session, f"run.{became.lower()}", f"run {run_id}", before={"status": was.value}, after=after)


def fail_run(
    session: Session,
    run_id: int,
    position: int | None,
    condition: ColumnElement[bool],
    *,
    by: str,
    kind: str,
    message: str,
    now: datetime,
) -> bool:
    """End a run as Failed, with the step at `position` or the one that runs; False when `condition` no longer holds."""
    values = {"error_kind": kind, "error_message": message, "finished_at": ended_at(now), "lease_until": None}
    if position is None:
        position = session.scalar(running_step(run_id))
    values["duration_mins"] = worked(session, run_id, position, now)
    if not move(session, run_id, Status.FAILED, condition, worker=None, **values):
        return False
    if position is not None:
        end_step(session, run_id, position, StepStatus.FAILED, now=now, message=message)
    say(session, run_id, f"Failed ({kind}): {message}", Level.ERROR, position, now)
    audit_ending(session, run_id, by, Status.RUNNING, Status.FAILED, error_kind=kind, error_message=message)
    return True


def cancel_run(session: Session, run_id: int, now: datetime, condition: ColumnElement[bool], *, by: str) -> bool:
    """End a run that was Cancelling as Cancelled; False when `condition` no longer holds."""
    position = session.scalar(running_step(run_id))
    values = {"worker": None, "lease_until": None, "finished_at": ended_at(now)}
    values["duration_mins"] = worked(session, run_id, position, now)
    if not move(session, run_id, Status.CANCELLED, condition, **values):
        return False
    if position is not None:
        end_step(session, run_id, position, StepStatus.CANCELLED, now=now)
    say(session, run_id, "Cancelled: the worker has stopped.", Level.WARNING, position, now)
    audit_ending(session, run_id, by, Status.CANCELLING, Status.CANCELLED)
    return True


def worked(session: Session, run_id: int, position: int | None, now: datetime) -> Any:
    """The run's duration in minutes with the step that ends now: from the start of each step to its end, so that an
    unbroken run's is the time between its start and its end, and hours without a worker are not counted."""
    started = session.scalar(
        select(ResearchDetail.start_time).where(
            ResearchDetail.research_run_id == run_id, ResearchDetail.position == position
        )
    )
    minutes = max((now - started).total_seconds() / 60, 0.0) if started else 0.0
    return ResearchRun.duration_mins + min(minutes, MAX_DURATION_MINS / (2 * len(STEPS)))


def running_step(run_id: int) -> Any:
    """The statement that finds the position of a run's running step."""
    return select(func.min(ResearchDetail.position)).where(
        ResearchDetail.research_run_id == run_id, ResearchDetail.status == StepStatus.RUNNING.value
    )


def begin_step(session: Session, run_id: int, position: int, now: datetime) -> None:
    """A step runs from now on, for the first time or once more."""
    again = case((ResearchDetail.start_time.is_(None), ResearchDetail.attempt), else_=ResearchDetail.attempt + 1)
    values = {"status": StepStatus.RUNNING.value, "start_time": now, "end_time": None, "message": None}
    write_step(session, run_id, position, attempt=again, progress=0.0, **values)
    say(session, run_id, f"{STEPS[position - 1]} begins.", Level.DEBUG, position, now)


def end_step(session: Session, run_id: int, position: int, status: StepStatus, *, now: datetime, **values: Any) -> None:
    """A step ends now, never before its start though the clock was set back; `values`: other columns to write."""
    end = case((ResearchDetail.start_time > now, ResearchDetail.start_time), else_=now)
    write_step(session, run_id, position, status=status.value, end_time=end, **values)


def write_step(session: Session, run_id: int, position: int, **values: Any) -> None:
    """Write columns of one step."""
    statement = (
        update(ResearchDetail)
        .where(ResearchDetail.research_run_id == run_id, ResearchDetail.position == position)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    session.execute(statement)


def changed(session: Session, statement: Any) -> int:
    """Execute and say how many rows changed."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
