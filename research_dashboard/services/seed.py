"""Import of the seed's own research.db: its runs arrive as they were, marked as figures without a source (legacy)."""

import hashlib
import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from research_dashboard.extensions import from_json, reading, writing
from research_dashboard.models import Origin, ResearchDetail, ResearchResult, ResearchRun, Status, StepStatus
from research_dashboard.services.audit import record
from research_dashboard.tables.runs import (
    COMPANY_LENGTH,
    MAX_DURATION_MINS,
    MAX_INSIGHTS,
    NAME_LENGTH,
    RESEARCHER_LENGTH,
)

CHUNK = 500
TABLES: Mapping[str, frozenset[str]] = {
    "research_runs": frozenset({"id", "company", "researcher", "date", "duration_mins", "status", "insights"}),
    "research_details": frozenset({"research_run_id", "step_name", "start_time", "end_time", "status"}),
    "research_results": frozenset({"research_run_id", "result_type", "result_data"}),
}


class CannotImport(ValueError):
    """The file is not the seed's database, or was imported before; the text says which."""


class Unfit(ValueError):
    """A row that cannot be kept as it is."""


@dataclass(slots=True)
class Imported:
    """What arrived, and what did not and why (the first hundred)."""

    runs: int = 0
    details: int = 0
    results: int = 0
    left_out: int = 0
    reasons: list[str] = field(default_factory=list)

    def leave(self, what: str, why: object) -> None:
        """Count a row that stays out."""
        self.left_out += 1
        if len(self.reasons) < 100:
            self.reasons.append(f"{what}: {why}")


def import_seed(path: Path, zone: tzinfo = UTC) -> Imported:
    """Read the seed's database into the record, whole or not at all. Its times have no zone: `zone` says which it is.

    A row that cannot be (a company without a name, a status that is none) stays out and is named. Raises CannotImport.
    """
    _is_not_our_own(path)
    mark = f"seed {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    done = Imported()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as seed:
        seed.row_factory = sqlite3.Row
        _is_the_seeds(seed, path)
        with writing() as session:
            before = session.scalar(select(func.count()).where(ResearchRun.data_version == mark)) or 0
            if before:
                raise CannotImport(f"{path.name} was imported before: {before:,} runs of it are on record.")
            try:
                _runs(session, seed, mark=mark, zone=zone, done=done)
            except sqlite3.DatabaseError as error:
                raise CannotImport(f"{path.name} cannot be read to its end: {error}. Nothing was stored.") from None
            record(session, "record.import_seed", path.name, after={"runs": done.runs, "left_out": done.left_out})
    return done


def _is_not_our_own(path: Path) -> None:
    """Refuse the database that the runs would be stored in: they would come twice. Raises CannotImport."""
    with reading() as session:
        url = session.connection().engine.url
    if (
        url.get_backend_name() == "sqlite"
        and url.database
        and Path(url.database).exists()
        and path.samefile(url.database)
    ):
        raise CannotImport(f"{path.name} is this program's own database: name the seed's research.db.")


def _runs(session: Session, seed: sqlite3.Connection, *, mark: str, zone: tzinfo, done: Imported) -> None:
    """Every run of the seed, sent to the database in chunks, so that memory stays flat."""
    last = -1
    while rows := seed.execute(
        "SELECT * FROM research_runs WHERE id > ? ORDER BY id LIMIT ?", (last, CHUNK)
    ).fetchall():
        for row in rows:
            _run(session, seed, row, mark=mark, zone=zone, done=done)
        session.flush()
        session.expunge_all()
        last = rows[-1]["id"]


def _is_the_seeds(seed: sqlite3.Connection, path: Path) -> None:
    try:
        for table, needed in TABLES.items():
            found = {row["name"] for row in seed.execute("SELECT name FROM pragma_table_info(?)", (table,))}
            if missing := needed - found:
                raise CannotImport(
                    f"{path.name} is not the seed's database: {table} has no {', '.join(sorted(missing))}."
                )
    except sqlite3.DatabaseError as error:
        raise CannotImport(f"{path.name} is not an SQLite database: {error}.") from None


def _run(
    session: Session, seed: sqlite3.Connection, row: sqlite3.Row, *, mark: str, zone: tzinfo, done: Imported
) -> None:
    """One run with its steps and results."""
    try:
        run = ResearchRun(
            company=_text(row["company"], "company", COMPANY_LENGTH),
            researcher=_text(row["researcher"], "researcher", RESEARCHER_LENGTH),
            date=_moment(row["date"], zone),
            duration_mins=_number(row["duration_mins"], "duration_mins", MAX_DURATION_MINS),
            status=_status(row["status"], Status),
            insights=int(_number(row["insights"], "insights", MAX_INSIGHTS)),
            origin=Origin.SEED.value,
            created_by="flask db import-seed",
            data_version=mark,
            options={"seed_id": row["id"]},
        )
    except Unfit as error:
        done.leave(f"run {row['id']}", error)
        return
    for position, step in enumerate(
        seed.execute("SELECT * FROM research_details WHERE research_run_id = ? ORDER BY start_time, id", (row["id"],)),
        1,
    ):
        try:
            run.details.append(_detail(step, position, zone))
            done.details += 1
        except Unfit as error:
            done.leave(f"step {position} of run {row['id']}", error)
    for result in seed.execute("SELECT * FROM research_results WHERE research_run_id = ? ORDER BY id", (row["id"],)):
        try:
            run.results.append(
                ResearchResult(
                    result_type=_text(result["result_type"], "result_type", NAME_LENGTH),
                    result_data=_data(result["result_data"]),
                )
            )
            done.results += 1
        except Unfit as error:
            done.leave(f"a result of run {row['id']}", error)
    session.add(run)
    done.runs += 1


def _detail(step: sqlite3.Row, position: int, zone: tzinfo) -> ResearchDetail:
    start = _moment(step["start_time"], zone)
    end = _moment(step["end_time"], zone) if step["end_time"] else None
    if end is not None and end < start:
        raise Unfit(f"it ends ({step['end_time']}) before it starts ({step['start_time']})")
    status = _status(step["status"], StepStatus)
    return ResearchDetail(
        step_name=_text(step["step_name"], "step_name", NAME_LENGTH),
        start_time=start,
        end_time=end,
        status=status,
        position=position,
        progress=1.0 if status == StepStatus.COMPLETED else 0.0,
    )


def _text(value: Any, name: str, most: int) -> str:
    text = str(value or "").strip()
    if not text or len(text) > most:
        raise Unfit(f"{name} has {len(text):,} characters; 1 to {most} are kept")
    return text


def _number(value: Any, name: str, most: float) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= most:
        raise Unfit(f"{name} is {value!r}; a number from 0 to {most:,.0f} is kept")
    return value


def _status(value: Any, known: type[Status] | type[StepStatus]) -> str:
    for status in known:
        if status.value.lower() == str(value).strip().lower():
            return status.value
    raise Unfit(f"status is {value!r}; {', '.join(known)} are kept")


def _moment(value: Any, zone: tzinfo) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise Unfit(f"{value!r} is not a time") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _data(value: Any) -> Any:
    """The JSON of a result; a text that is none is kept as a text."""
    try:
        return from_json(str(value))
    except (msgspec.DecodeError, ValueError):
        return str(value)
