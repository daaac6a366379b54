"""What programs write: their own runs, with steps and results. The built-in research's runs are not theirs to touch."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, insert, select, update
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import to_json, write, writing
from research_dashboard.models import (
    ENDED,
    MOVES,
    Origin,
    ResearchDetail,
    ResearchResult,
    ResearchRun,
    Status,
    StepStatus,
)
from research_dashboard.prepared import Insert
from research_dashboard.queries.records import (
    DETAIL_COLUMNS,
    DETAIL_KEYS,
    RESULT_COLUMNS,
    RUN_KEYS,
    Record,
    etag_of,
    next_position,
    result_json,
    run_record,
)
from research_dashboard.services.audit import record
from research_dashboard.tables.runs import FOR_PEOPLE, MAX_DURATION_MINS

_runs: Any = ResearchRun.__table__
ADD_RUN = Insert(_runs)
DEFAULTS: Record = {"gaps": 0, "attempts": 0, "cancel_requested": False, "priority": FOR_PEOPLE}
NEW_RUN: Record = dict.fromkeys(RUN_KEYS) | {"gaps": 0, "pinned": False, "tags": []}
WRITTEN_BY_PROGRAMS = frozenset({Origin.API, Origin.SEED})
# Of a run, which is shown, sent and exported whole.
MOST_STEPS, MOST_RESULTS, MOST_RESULT_CHARACTERS = 5_000, 1_000, 16_000_000


class NoSuchRun(LookupError):
    """There is no run of that id, or it is in the trash."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no run {run_id}.")
        self.run_id = run_id


class NoSuchStep(NoSuchRun):
    """The run has no step of that position."""

    def __init__(self, run_id: int, position: int) -> None:
        LookupError.__init__(self, f"Run {run_id} has no step {position}.")
        self.run_id = run_id


class RunFull(Exception):
    """The run has as many steps or results as one can have; the text says how many."""


class EndBeforeStart(ValueError):
    """A step cannot end before it began."""


class NotYours(Exception):
    """The built-in research owns the run: programs may read it, not write to it."""

    def __init__(self, run_id: int, origin: str, cure: str = "It is read-only here.") -> None:
        super().__init__(f"Run {run_id} belongs to the built-in research (origin {origin}). {cure}")
        self.run_id = run_id


class IllegalMove(Exception):
    """The run's status cannot become that one; the text says which it can."""

    def __init__(self, now: Status, to: Status) -> None:
        legal = ", ".join(sorted(legal_moves(now))) or "none: it has ended for good"
        super().__init__(f"A run that is {now} cannot become {to}. Legal moves: {legal}.")


class Changed(Exception):
    """The run is no longer as the caller saw it."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} was changed since you read it: read it again, then decide.")


Matches = Callable[[str], bool]  # is this the ETag that the caller saw?


def legal_moves(now: Status) -> frozenset[Status]:
    """What a program's own run can become. It has no worker that must stop first: Running may become Cancelled."""
    return MOVES[now] | ({Status.CANCELLED} if now == Status.RUNNING else frozenset())


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
        "duration_mins": float(duration_mins),
        "status": status.value,
        "insights": insights,
        "origin": Origin.API.value,
        "created_by": created_by,
        "started_at": now if status == Status.RUNNING else None,
    }

    def add(connection: Connection) -> int:
        run_id = ADD_RUN.run(connection, DEFAULTS | values)
        record(connection, "run.log", f"run {run_id}", after={"company": company, "status": status.value})
        return run_id

    return {**NEW_RUN, **values, "id": write(add)}


def log_detail(run_id: int, *, message: str | None = None, **values: Any) -> Record:
    """Store a step at the end of the run's steps. Raises NoSuchRun, NotYours, RunFull."""
    with writing() as session:
        _own(session, run_id)
        position = next_position(session, run_id)
        if position > MOST_STEPS:
            raise RunFull(f"Run {run_id} has {MOST_STEPS:,} steps, and takes no more: log another run.")
        values |= {"research_run_id": run_id, "position": position, "message": message}
        values["progress"] = 1.0 if values["status"] == "Completed" else 0.0
        row = session.execute(insert(ResearchDetail).values(values).returning(*DETAIL_COLUMNS)).one()
        made = {"position": values["position"], "step_name": values["step_name"], "status": values["status"]}
        record(session, "run.step_log", f"run {run_id}", after=made)
    return dict(zip(DETAIL_KEYS, row, strict=True))


def log_result(run_id: int, *, result_type: str, result_data: Any) -> Record:
    """Store a result of the run; its data is any JSON. Raises NoSuchRun, NotYours, RunFull."""
    result = ResearchResult
    with writing() as session:
        _own(session, run_id)
        _room_for(session, run_id, len(to_json(result_data)))
        row = session.execute(
            insert(result)
            .values(research_run_id=run_id, result_type=result_type, result_data=result_data, created_at=utcnow())
            .returning(*RESULT_COLUMNS)
        ).one()
        record(session, "run.result_log", f"run {run_id}", after={"result_type": result_type})
    return result_json(row)


def _room_for(session: Session, run_id: int, more: int) -> None:
    """The run takes one more result, of so many characters. Raises RunFull."""
    lengths = func.sum(func.length(cast(ResearchResult.result_data, Text)))
    query = select(func.count(), func.coalesce(lengths, 0)).where(ResearchResult.research_run_id == run_id)
    results, characters = session.execute(query).one()
    if results >= MOST_RESULTS:
        raise RunFull(f"Run {run_id} has {MOST_RESULTS:,} results, and takes no more: log another run.")
    if characters + more > MOST_RESULT_CHARACTERS:
        raise RunFull(
            f"The results of run {run_id} have {characters:,} characters and take {MOST_RESULT_CHARACTERS:,} at most: "
            "keep large files elsewhere, and log where."
        )


def change_run(run_id: int, changes: dict[str, Any], matches: Matches | None = None) -> Record:
    """Change a program's own run. A legal move to an end sets finished_at and, if not given, the duration.

    Raises NoSuchRun, NotYours, Changed, IllegalMove.
    """
    with writing() as session:
        run = _run(session, run_id, matches)
        if run["origin"] not in WRITTEN_BY_PROGRAMS:
            raise NotYours(run_id, run["origin"])
        values = {**changes, **_moved(run, changes)}
        session.execute(update(ResearchRun).where(ResearchRun.id == run_id).values(values))
        before = {name: run.get(name) for name in changes}
        record(session, "run.change", f"run {run_id}", before=before, after=changes)
        return _run(session, run_id, None)


def _moved(run: Record, changes: dict[str, Any]) -> dict[str, Any]:
    """What a change of status brings with it. Raises IllegalMove."""
    now = Status(run["status"])
    to = Status(changes.get("status") or now)
    if to == now:
        return {}
    if to not in legal_moves(now):
        raise IllegalMove(now, to)
    moment = utcnow()
    values: dict[str, Any] = {"status": to.value, "finished_at": moment if to in ENDED else None}
    if to == Status.RUNNING:
        values["started_at"] = run["started_at"] or moment
    if to in ENDED and run["started_at"] and "duration_mins" not in changes:
        # A clock that was set back must not make a run end before it began.
        values["finished_at"] = max(moment, run["started_at"])
        minutes = (values["finished_at"] - run["started_at"]).total_seconds() / 60
        values["duration_mins"] = min(minutes, MAX_DURATION_MINS)
    return values


def change_detail(run_id: int, position: int, changes: dict[str, Any]) -> Record:
    """Change a step of a program's own run. Raises NoSuchRun, NotYours, and EndBeforeStart."""
    detail = ResearchDetail
    with writing() as session:
        _own(session, run_id)
        where = (detail.research_run_id == run_id, detail.position == position)
        found = session.execute(select(*DETAIL_COLUMNS).where(*where)).first()
        if found is None:
            raise NoSuchStep(run_id, position)
        end = changes.get("end_time")
        if end is not None and found.start_time is not None and end < found.start_time:
            raise EndBeforeStart
        if changes.get("status") == StepStatus.COMPLETED:
            changes = {"progress": 1.0, **changes}
        statement = update(detail).where(*where).values(changes).returning(*DETAIL_COLUMNS)
        row = session.execute(statement).one()
        was = dict(zip(DETAIL_KEYS, found, strict=True))
        before, after = ({"position": position, **values} for values in ({n: was[n] for n in changes}, changes))
        record(session, "run.step_change", f"run {run_id}", before=before, after=after)
    return dict(zip(DETAIL_KEYS, row, strict=True))


def delete_run(run_id: int, matches: Matches | None = None) -> None:
    """Put a run in the trash, with its steps and results. Raises NoSuchRun, Changed, and NotYours while it works."""
    with writing() as session:
        run = _run(session, run_id, matches)
        if run["origin"] not in WRITTEN_BY_PROGRAMS and run["status"] not in ENDED:
            raise NotYours(run_id, run["origin"], "Cancel it first.")
        session.execute(update(ResearchRun).where(ResearchRun.id == run_id).values(deleted_at=utcnow()))
        record(session, "run.delete", f"run {run_id}", before={name: run[name] for name in ("company", "status")})


def restore_run(run_id: int) -> Record:
    """Take a run out of the trash; one that is not in it stays as it is. Raises NoSuchRun."""
    with writing() as session:
        deleted_at = session.scalar(select(ResearchRun.deleted_at).where(ResearchRun.id == run_id))
        session.execute(update(ResearchRun).where(ResearchRun.id == run_id).values(deleted_at=None))
        restored = _run(session, run_id, None)
        if deleted_at is not None:
            record(session, "run.restore", f"run {run_id}", before={"deleted_at": deleted_at})
    return restored


def _run(session: Session, run_id: int, matches: Matches | None) -> Record:
    """The run as the caller saw it. Raises NoSuchRun, Changed."""
    run = run_record(session, run_id)
    if run is None:
        raise NoSuchRun(run_id)
    if matches is not None and not matches(etag_of(run)):
        raise Changed(run_id)
    return run


def _own(session: Session, run_id: int) -> None:
    """The run is there and a program's own. Raises NoSuchRun, NotYours."""
    origin = session.scalar(
        select(ResearchRun.origin).where(ResearchRun.id == run_id, ResearchRun.deleted_at.is_(None))
    )
    if origin is None:
        raise NoSuchRun(run_id)
    if origin not in WRITTEN_BY_PROGRAMS:
        raise NotYours(run_id, origin)
