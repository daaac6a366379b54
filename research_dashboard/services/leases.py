"""What a worker does with a run: claim it, beat, checkpoint, give it up. The run's row is the lease, its steps are the
checkpoints. Every write is fenced: it says whose lease it stands on, and is refused when that lease is gone."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.queries.work import alive
from research_dashboard.research.steps import RESULT_TYPES, STEPS, Outcome
from research_dashboard.services.changes import SinceLast, keep_changes
from research_dashboard.services.moves import (
    SWEEP,
    audit_ending,
    begin_step,
    cancel_run,
    changed,
    end_step,
    ended_at,
    fail_run,
    move,
    running_step,
    worked,
    write_step,
)
from research_dashboard.services.run_log import say
from research_dashboard.tables.run_log import Level
from research_dashboard.tables.runs import (
    OURS,
    UNFINISHED,
    ResearchDetail,
    ResearchResult,
    ResearchRun,
    Status,
    StepStatus,
)
from research_dashboard.tables.workers import Worker

LEASE = timedelta(seconds=5)
MAX_CLAIMS = 5  # without a new checkpoint: then the run itself is what kills its workers
FORGET_WORKERS = timedelta(days=1)

WORKER_DIED = "worker_died"
NO_WORKER = "no_worker"


class LeaseLostError(Exception):
    """The run is no longer this worker's: it was cancelled, ended, or taken over after the lease ran out."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed run: the token fences every write, position is the step to go on with."""

    run_id: int
    token: str
    position: int


def expired(now: datetime) -> ColumnElement[bool]:
    """The lease ran out; or it lies further ahead than any lease can, because the clock was set back."""
    return or_(
        ResearchRun.lease_until.is_(None), ResearchRun.lease_until < now, ResearchRun.lease_until > now + 2 * LEASE
    )


def eligible(now: datetime) -> ColumnElement[bool]:
    """Runs that a worker may claim."""
    return and_(
        text(UNFINISHED),
        ResearchRun.origin.in_(OURS),
        ResearchRun.deleted_at.is_(None),
        ResearchRun.attempts < MAX_CLAIMS,
        ~_leaving(),
        # Said with <>, so that SQLite walks the short index of the unfinished in order, not the long one of states.
        ResearchRun.status != Status.CANCELLING.value,
        or_(ResearchRun.status != Status.RUNNING.value, expired(now)),
    )


def _leaving() -> ColumnElement[bool]:
    """The same research is being cancelled, but its worker has not stopped yet: one at a time, so the new one waits."""
    other = aliased(ResearchRun, name="other")
    return exists().where(
        text(f"other.{UNFINISHED}"),
        other.status == Status.CANCELLING.value,
        other.request_key == ResearchRun.request_key,
        other.id != ResearchRun.id,
    )


def claim(worker_id: str, now: datetime | None = None) -> Lease | None:
    """Take the next run, in one statement, and begin its first unfinished step; None when nothing waits."""
    token = f"{worker_id}:{uuid.uuid4().hex[:8]}"
    with writing() as session:
        now = now or utcnow()  # read under the write lock: a run asked for while we waited has its date before this
        claimed = session.execute(_claiming(token, now)).first()
        if claimed is None:
            return None
        run_id, attempts = claimed
        following = (
            select(ResearchDetail.position, ResearchDetail.status, ResearchDetail.attempt)
            .where(ResearchDetail.research_run_id == run_id, ResearchDetail.status != StepStatus.COMPLETED.value)
            .order_by(ResearchDetail.position)
            .limit(1)
        )
        position, step, attempt = session.execute(following).one_or_none() or (len(STEPS), None, attempts)
        lease = Lease(run_id, token, position)
        if step == StepStatus.RUNNING.value:  # who hands a run back, and who asks for it again, sets its step back
            gone = f"The worker before stopped without a word. Taken over by {worker_id}, attempt {attempt + 1}."
            say(session, run_id, gone, Level.WARNING, lease.position, now)
        else:
            say(session, run_id, f"Taken by {worker_id}.", at=now)
        begin_step(session, lease.run_id, lease.position, now)
    return lease


def _claiming(token: str, now: datetime) -> Any:
    """The one statement that takes the next run: the row names its holder from here on."""
    following = (
        select(ResearchRun.id)
        .where(eligible(now))
        .order_by(ResearchRun.priority, ResearchRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    start = case((ResearchRun.date > now, ResearchRun.date), else_=now)  # never before it was asked for
    return (
        update(ResearchRun)
        .where(ResearchRun.id == following.scalar_subquery())
        .values(
            status=Status.RUNNING.value,
            worker=token,
            lease_until=now + LEASE,
            attempts=ResearchRun.attempts + 1,
            started_at=func.coalesce(ResearchRun.started_at, start),
            error_kind=None,
            error_message=None,
        )
        .returning(ResearchRun.id, ResearchRun.attempts)
        .execution_options(synchronize_session=False)
    )


def beat(
    worker_id: str, tokens: Collection[str], threads: int = 1, now: datetime | None = None
) -> Mapping[str, Status]:
    """Say that this worker lives and hold its leases. Answers each lease's status; one not answered is lost."""
    now = now or utcnow()
    with writing() as session:
        if not changed(session, update(Worker).where(Worker.id == worker_id).values(beat_at=now)):
            session.execute(insert(Worker).values(id=worker_id, started_at=now, beat_at=now, threads=threads))
            session.execute(delete(Worker).where(Worker.beat_at < now - FORGET_WORKERS))
        if not tokens:
            return {}
        statement = (
            update(ResearchRun)
            .where(ResearchRun.worker.in_(tokens), ResearchRun.status.in_(["Running", "Cancelling"]))
            .values(lease_until=now + LEASE)
            .returning(ResearchRun.worker, ResearchRun.status)
            .execution_options(synchronize_session=False)
        )
        return {token: Status(status) for token, status in session.execute(statement) if token}


def leave(worker_id: str) -> None:
    """Say that this worker ends in an orderly way."""
    with writing() as session:
        session.execute(delete(Worker).where(Worker.id == worker_id))


def pin(lease: Lease, loads: list[Mapping[str, Any]], data_version: str) -> None:
    """Write which loads the run stands on. Raises LeaseLostError."""
    with writing() as session:
        _fence(session, lease, loads=loads, data_version=data_version)
        for load in loads:
            say(
                session,
                lease.run_id,
                f"Read {load['name']} {load['version']}, sha256 {load['sha256'][:12]}…",
                position=2,
            )


def report(lease: Lease, position: int, progress: float, message: str) -> None:
    """Write what the running step is doing. Raises LeaseLostError."""
    with writing() as session:
        _fence(session, lease)
        write_step(session, lease.run_id, position, progress=min(max(progress, 0.0), 1.0), message=message)
        say(session, lease.run_id, message, Level.DEBUG, position)


def checkpoint(
    lease: Lease,
    position: int,
    outcome: Outcome,
    now: datetime | None = None,
    *,
    notes: Sequence[str] = (),
    changes: SinceLast | None = None,
) -> None:
    """Store a finished step with its results, and begin the next one or complete the run: all or nothing.

    The run's duration grows by the step's, from its start to this moment. `notes`: what could not be had; `changes`:
    since the company's last run. Raises LeaseLostError, and stores nothing, when the run is no longer ours.
    """
    now = now or utcnow()
    values: dict[str, Any] = {"attempts": 0}
    if outcome.insights is not None:
        values["insights"] = outcome.insights
    if outcome.gaps is not None:
        values["gaps"] = outcome.gaps
    if "manifest" in outcome.results:
        values["rules_version"] = outcome.results["manifest"].get("rules_version")
    order = list(RESULT_TYPES)
    rows = [
        {
            "research_run_id": lease.run_id,
            "result_type": kind,
            "result_data": data,
            "position": order.index(kind) + 1,
            "created_at": now,
        }
        for kind, data in outcome.results.items()
    ]
    with writing() as session:
        values["duration_mins"] = worked(session, lease.run_id, position, now)
        _fence(session, lease, lease_until=now + LEASE, **values)
        for note in notes:
            say(session, lease.run_id, note, Level.WARNING, position, now)
        said = " ".join([outcome.message, *notes])
        say(session, lease.run_id, f"Done. {outcome.message}", position=position, at=now)
        end_step(session, lease.run_id, position, StepStatus.COMPLETED, now=now, message=said, progress=1.0)
        if rows:
            session.execute(insert(ResearchResult), rows)
        if changes is not None:
            keep_changes(session, lease.run_id, changes)
        if position < len(STEPS):
            begin_step(session, lease.run_id, position + 1, now)
        else:  # its results are there already: the database refuses to complete a run without
            held, ending = ResearchRun.worker == lease.token, ended_at(now)
            move(session, lease.run_id, Status.COMPLETED, held, finished_at=ending, worker=None, lease_until=None)
            say(session, lease.run_id, "Completed.", at=now)
            audit_ending(session, lease.run_id, lease.token, Status.RUNNING, Status.COMPLETED)


def fail(lease: Lease, position: int, kind: str, message: str, now: datetime | None = None) -> bool:
    """End the run as Failed: kind for the record, the cause and what to do in plain words. False when it was lost."""
    now = now or utcnow()
    with writing() as session:
        held = ResearchRun.worker == lease.token
        return fail_run(session, lease.run_id, position, held, by=lease.token, kind=kind, message=message, now=now)


def confirm_cancel(lease: Lease, now: datetime | None = None) -> bool:
    """The worker says that it has stopped: Cancelling becomes Cancelled. False when there is nothing to confirm."""
    now = now or utcnow()
    with writing() as session:
        return cancel_run(session, lease.run_id, now, ResearchRun.worker == lease.token, by=lease.token)


def release(lease: Lease, why: str = "the worker was told to end") -> None:
    """Hand the run back unharmed, when this worker cannot go on: the next one goes on at once."""
    with writing() as session:
        fewer = case((ResearchRun.attempts > 0, ResearchRun.attempts - 1), else_=0)
        if changed(session, _leased(lease).values(worker=None, lease_until=None, attempts=fewer)):
            position = session.scalar(running_step(lease.run_id))
            if position is not None:
                write_step(session, lease.run_id, position, status=StepStatus.PENDING.value)
            say(session, lease.run_id, f"Handed back: {why}.", Level.WARNING, position)


def sweep(now: datetime | None = None) -> int:
    """Mend what dead workers left: end what cannot go on, mark what nobody works on. Answers how many runs wait."""
    now = now or utcnow()
    left = (
        select(ResearchRun.id, ResearchRun.status, ResearchRun.attempts)
        .where(text(UNFINISHED), ResearchRun.origin.in_(OURS), ResearchRun.status.in_(_HELD), expired(now))
        .order_by(ResearchRun.id)
    )
    with reading() as session:  # mostly there is nothing to write
        dead = session.execute(left).all()
    if dead:
        with writing() as session:
            nobody = not alive(session, now)
            for run_id, status, attempts in session.execute(left).all():
                _mend(session, run_id, Status(status), attempts, now, nobody=nobody)
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(ResearchRun).where(eligible(now))) or 0)


_HELD = [Status.RUNNING.value, Status.CANCELLING.value]  # the states in which a worker holds a run


def _mend(session: Session, run_id: int, status: Status, attempts: int, now: datetime, *, nobody: bool) -> None:
    """End or mark one run whose worker is gone; one that another worker may still take is left alone."""
    if status == Status.CANCELLING:
        cancel_run(session, run_id, now, expired(now), by=SWEEP)
    elif attempts >= MAX_CLAIMS:
        message = (
            f"The worker died {attempts} times in this step, so the run was given up. "
            "Look into the worker's log, then run it again."
        )
        fail_run(session, run_id, None, expired(now), by=SWEEP, kind=WORKER_DIED, message=message, now=now)
    elif nobody:
        message = (
            "The worker stopped and no other is running. The run goes on from its last finished step "
            "as soon as a worker is started (flask worker)."
        )
        if move(session, run_id, Status.INTERRUPTED, worker=None, error_kind=NO_WORKER, error_message=message):
            say(session, run_id, "Interrupted: the worker stopped and no other is running.", Level.WARNING, at=now)
            audit_ending(session, run_id, SWEEP, status, Status.INTERRUPTED, error_kind=NO_WORKER)


def _leased(lease: Lease) -> Any:
    return (
        update(ResearchRun)
        .where(
            ResearchRun.id == lease.run_id,
            ResearchRun.worker == lease.token,
            ResearchRun.status == Status.RUNNING.value,
        )
        .execution_options(synchronize_session=False)
    )


def _fence(session: Session, lease: Lease, **values: Any) -> None:
    """Raise LeaseLostError unless the run is still this lease's and nobody asked to cancel it; write the values."""
    if changed(session, _leased(lease).values(**(values or {"lease_until": utcnow() + LEASE}))) != 1:
        raise LeaseLostError
