"""What people and programs do with a run of the built-in research: start, cancel, resume, run again."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from research_dashboard import queue
from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.logs import logger
from research_dashboard.queries.companies import company_by_id
from research_dashboard.queries.work import standing_run
from research_dashboard.research.model import Company
from research_dashboard.research.steps import STEPS
from research_dashboard.services.audit import record, who_acts
from research_dashboard.services.companies import resolve, source_for
from research_dashboard.services.moves import ended_at, move
from research_dashboard.services.research import pinned
from research_dashboard.services.run_log import say
from research_dashboard.tables.run_log import Level
from research_dashboard.tables.runs import (
    FOR_PEOPLE,
    FOR_SCHEDULES,
    Origin,
    ResearchDetail,
    ResearchRun,
    Source,
    Status,
    StepStatus,
)

KEY_LENGTH = 32
CANCELLED = "cancelled"  # the kind of this ending, for the record


class RunError(Exception):
    """A run cannot be what was asked of it; the text says why, in plain words. `field`: of the request, at fault."""

    def __init__(self, message: str, field: str = "company") -> None:
        super().__init__(message)
        self.field = field


class NoSuchRunError(RunError):
    """There is no such run."""


@dataclass(frozen=True, slots=True)
class Started:
    """The run that answers a request; `new` is False when the same request was waiting or running already."""

    run_id: int
    new: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A request for research with everything settled: what start_research and rerun insert."""

    company: Company
    researcher: str
    source: str
    as_of: date
    peers: tuple[int, ...]  # ids of companies; empty: by industry
    options: Mapping[str, Any]
    loads: tuple[Mapping[str, Any], ...]
    data_version: str
    origin: Origin = Origin.RESEARCH
    created_by: str | None = None
    parent_run_id: int | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """What was asked for, as the audit keeps it."""
        asked: dict[str, Any] = {"company": self.company.name, "source": self.source, "as_of": self.as_of}
        if self.parent_run_id is not None:
            asked["parent"] = self.parent_run_id
        return asked

    @property
    def key(self) -> str:
        """What makes two requests the same: company, options, data version."""
        what = [
            self.company.id,
            self.source,
            self.as_of.isoformat(),
            sorted(self.peers),
            {name: self.options[name] for name in sorted(self.options)},
            self.data_version,
        ]
        return hashlib.sha256(msgspec.json.encode(what)).hexdigest()[:KEY_LENGTH]


def start_research(
    company: str | int,
    researcher: str,
    *,
    as_of: date | None = None,
    source: str = "auto",
    live: bool = False,
    peers: Iterable[str | int] = (),
    options: Mapping[str, Any] | None = None,
    origin: Origin = Origin.RESEARCH,
    created_by: str | None = None,
    parent_run_id: int | None = None,
) -> Started:
    """Ask for research of a company, given by name, ticker or CIK: the run is on record when this returns.

    The same request that waits or works already gives the same run. `as_of`: nothing filed after that day is used
    (default today, UTC). `live`: whether live SEC data is on, which auto then takes. Raises what
    services.companies.resolve raises for an unknown or ambiguous company or peer, and RunError for a request that
    cannot be.
    """
    today = utcnow().date()
    if as_of is not None and as_of > today:
        raise RunError(f"{as_of} lies in the future: figures can be known as of today or earlier.", "as_of")
    need_figures = not (source == Source.LIVE or (source == "auto" and live))
    subject = resolve(str(company), need_figures=need_figures)
    others = [resolve(str(peer), need_figures=need_figures) for peer in peers]
    source = _source(subject, source, live and all(other.cik for other in others))
    chosen = tuple(dict.fromkeys(other.id for other in others))
    if source == Source.LIVE and (private := next((other for other in others if other.cik is None), None)):
        raise RunError(f"{private.name} files nothing that could be fetched: compare it on another source.", "peers")
    if subject.id in chosen:
        raise RunError(f"{subject.name} cannot be a peer of itself: choose other companies.", "peers")
    with reading() as session:
        loads, data_version = pinned(session, source, (subject.id, *chosen))
    order = Order(
        company=subject,
        researcher=researcher,
        source=source,
        as_of=as_of or today,
        peers=chosen,
        options=options or {},
        loads=loads,
        data_version=data_version,
        origin=origin,
        created_by=created_by,
        parent_run_id=parent_run_id,
    )
    return place(order)


def _source(subject: Company, asked: str, live: bool) -> str:
    """Where the figures come from. Raises RunError for a source that cannot have them."""
    private = subject.cik is None
    if asked == "auto":
        return source_for(subject, live)
    if private != (asked == Source.UPLOADED):
        whose = "were uploaded, not filed" if private else "are filed, not uploaded"
        raise RunError(f"The figures of {subject.name} {whose}: choose the source auto.", "source")
    return asked


def place(order: Order) -> Started:
    """Write the run and its five waiting steps, commit, wake a worker; or find the run that stands for it already."""
    while True:
        try:
            with writing() as session:
                run_id = standing_run(session, order.key)
                if run_id is not None:
                    return Started(run_id, new=False)
                run_id = _insert(session, order)
                action = "run.start" if order.parent_run_id is None else "run.again"
                record(session, action, f"run {run_id}", after=order.summary)
                say(
                    session,
                    run_id,
                    f"Asked for by {order.researcher}. Source: {order.source}, data: {order.data_version}.",
                )
            break
        except IntegrityError as error:
            if "request_key" not in str(error.orig):
                raise
            # On PostgreSQL another one was quicker. The next look finds its run, or room where that has ended since.
    wake()
    return Started(run_id, new=True)


def wake() -> None:
    """Wake a worker. What is committed is not lost when this fails: the workers' sweep finds it a second later."""
    try:
        queue.wake()
    except Exception as error:  # whatever the queue's storage raises
        logger.warning("queue_not_reached", error=str(error))


def cancel(run_id: int) -> Status:
    """Ask a run to stop. A waiting one is Cancelled at once, a running one Cancelling until its worker has stopped.

    Asking twice is asking once. Raises NoSuchRunError, and RunError when the run has ended already.
    """
    now = utcnow()
    with writing() as session:
        run = _get(session, run_id)
        idle = ResearchRun.status.in_([Status.QUEUED.value, Status.INTERRUPTED.value])
        asked = {"cancel_requested": True, "error_kind": CANCELLED, "error_message": _cancelled_by(who_acts())}
        if move(session, run_id, Status.CANCELLED, idle, finished_at=ended_at(now), worker=None, **asked):
            record(session, "run.cancel", f"run {run_id}", before=run.status, after=Status.CANCELLED.value)
            say(session, run_id, "Cancelled before a worker took it.", Level.WARNING)
            return Status.CANCELLED
        if move(session, run_id, Status.CANCELLING, **asked):
            record(session, "run.cancel", f"run {run_id}", before=run.status, after=Status.CANCELLING.value)
            say(session, run_id, "Cancel was asked for; the worker is told to stop.", Level.WARNING)
            return Status.CANCELLING
        if run.status in (Status.CANCELLING, Status.CANCELLED):
            return Status(run.status)
        raise RunError(f"Run {run_id} is {run.status}: there is nothing left to cancel.")


def resume(run_id: int) -> None:
    """Put a run that was Interrupted, Failed or Cancelled in the queue again: it goes on after its last finished step.

    The failed step is tried again. Raises NoSuchRunError, RunError.
    """
    with writing() as session:
        run = _get(session, run_id)
        _reset_steps(session, run_id)
        try:
            moved = move(
                session,
                run_id,
                Status.QUEUED,
                attempts=0,
                cancel_requested=False,
                error_kind=None,
                error_message=None,
                finished_at=None,
                worker=None,
                lease_until=None,
            )
            record(session, "run.resume", f"run {run_id}", before=run.status, after=Status.QUEUED.value)
            say(session, run_id, "In the queue again: it goes on after its last finished step.")
            session.flush()
        except IntegrityError:
            raise RunError(
                f"The same research is waiting or running already; run {run_id} was left as it is."
            ) from None
        if not moved:
            raise RunError(f"Run {run_id} is {run.status}: only an ended or interrupted run can go on.")
    wake()


def rerun(run_id: int, researcher: str, *, created_by: str | None = None) -> Started:
    """Ask for the same research again, on the data as it is now; the new run is linked to its parent.

    An as-of date in the past is kept; a run as of its own day becomes one as of today. Raises NoSuchRunError, RunError.
    """
    with reading() as session:
        run = _get(session, run_id)
        company = None if run.company_id is None else company_by_id(run.company_id)
        if company is None:
            raise RunError(f"The company of run {run_id} is no longer loaded: start a new run instead.")
        options = dict(run.options or {})
        peers = tuple(options.pop("peers", ()))
        source = run.source or Source.BUNDLED.value
        loads, data_version = pinned(session, source, (company.id, *peers))
        order = Order(
            company=company,
            researcher=researcher,
            source=source,
            as_of=run.as_of if run.as_of and run.back_dated else utcnow().date(),
            peers=peers,
            options=options,
            loads=loads,
            data_version=data_version,
            created_by=created_by,
            parent_run_id=run_id,
        )
    return place(order)


def _cancelled_by(name: str) -> str:
    return f"Cancelled by {name}. What was finished is kept: Resume goes on after the last finished step."


def _insert(session: Session, order: Order) -> int:
    scheduled = order.origin == Origin.SCHEDULE
    run = ResearchRun(
        company=order.company.name,
        researcher=order.researcher,
        status=Status.QUEUED.value,
        origin=order.origin.value,
        created_by=order.created_by or order.researcher,
        company_id=order.company.id,
        ticker=order.company.ticker,
        source=order.source,
        as_of=order.as_of,
        options={**order.options, **({"peers": sorted(order.peers)} if order.peers else {})} or None,
        data_version=order.data_version,
        loads=[dict(load) for load in order.loads],
        request_key=order.key,
        priority=FOR_SCHEDULES if scheduled else FOR_PEOPLE,
        parent_run_id=order.parent_run_id,
        details=[
            ResearchDetail(step_name=name, position=position, status=StepStatus.PENDING.value)
            for position, name in enumerate(STEPS, 1)
        ],
    )
    session.add(run)
    session.flush()
    return run.id


def _get(session: Session, run_id: int) -> ResearchRun:
    run = session.scalar(select(ResearchRun).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None)))
    if run is None:
        raise NoSuchRunError(f"There is no run {run_id}.")
    if run.origin not in (Origin.RESEARCH, Origin.SCHEDULE):
        raise RunError(f"Run {run_id} was logged by a program: only that program can change it.")
    return run


def _reset_steps(session: Session, run_id: int) -> None:
    session.execute(
        update(ResearchDetail)
        .where(ResearchDetail.research_run_id == run_id, ResearchDetail.status != StepStatus.COMPLETED.value)
        .values(status=StepStatus.PENDING.value, end_time=None, message=None, progress=0.0)
        .execution_options(synchronize_session=False)
    )
