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
from sqlalchemy import select
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


# What the seed called by other words, or left empty; the words themselves are kept beside the run.
RUN_WORDS: Mapping[str, str] = {"in progress": Status.RUNNING, "pending": Status.QUEUED, "error": Status.FAILED}
STEP_WORDS: Mapping[str, str] = {
    "in progress": StepStatus.RUNNING,
    "queued": StepStatus.PENDING,
    "error": StepStatus.FAILED,
}
NO_COMPANY, NO_RESEARCHER = "(no company)", "(no researcher)"

Key = tuple[int, str, str, datetime]  # what a run of the seed is: its id, company, researcher and date


class CannotImport(ValueError):
    """The file is not the seed's database; the text says why."""


class Unfit(ValueError):
    """A row that cannot be kept as it is."""


@dataclass(slots=True)
class Imported:
    """What arrived, what was there already, and what stays out and why, row by row."""

    runs: int = 0
    details: int = 0
    results: int = 0
    passed_over: int = 0
    left_out: list[str] = field(default_factory=list)

    def leave(self, what: str, why: object) -> None:
        """Name a row that stays out."""
        self.left_out.append(f"{what}: {why}")


@dataclass(frozen=True, slots=True)
class _Import:
    """One import under way."""

    session: Session
    seed: sqlite3.Connection
    zone: tzinfo
    mark: str  # of the file, by its content
    there: frozenset[Key | tuple[int, str]]  # the runs on record, by what they are and by the file they came from
    done: Imported


def import_seed(path: Path, zone: tzinfo = UTC) -> Imported:
    """Read the seed's database into the record, whole or not at all. Its times have no zone: `zone` says which it is.

    A run that is on record already is passed over, so that a file may come again once its rows were corrected. A row
    that cannot be (a status that is none, a step without a run) stays out and is named. Raises CannotImport.
    """
    _is_not_our_own(path)
    mark = f"seed {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    done = Imported()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as seed:
        seed.row_factory = sqlite3.Row
        _is_the_seeds(seed, path)
        with writing() as session:
            under_way = _Import(session, seed, zone, mark, _there(session), done)
            try:
                _runs(under_way)
                _orphans(under_way)
            except sqlite3.DatabaseError as error:
                raise CannotImport(f"{path.name} cannot be read to its end: {error}. Nothing was stored.") from None
            after = {"runs": done.runs, "passed_over": done.passed_over, "left_out": len(done.left_out)}
            record(session, "record.import_seed", path.name, after=after)
    return done


def _there(session: Session) -> frozenset[Key | tuple[int, str]]:
    """The seed's runs that are on record, those in the trash too."""
    run = ResearchRun
    columns = (run.options, run.company, run.researcher, run.date, run.data_version)
    found: set[Key | tuple[int, str]] = set()
    for options, company, researcher, date, mark in session.execute(
        select(*columns).where(run.origin == Origin.SEED.value)
    ):
        if number := (options or {}).get("seed_id"):
            found |= {(number, company, researcher, date), (number, mark)}
    return frozenset(found)


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


def _runs(now: _Import) -> None:
    """Every run of the seed, sent to the database in chunks, so that memory stays flat."""
    last = -1
    while rows := now.seed.execute(
        "SELECT * FROM research_runs WHERE id > ? ORDER BY id LIMIT ?", (last, CHUNK)
    ).fetchall():
        for row in rows:
            _run(now, row)
        now.session.flush()
        now.session.expunge_all()
        last = rows[-1]["id"]


def _orphans(now: _Import) -> None:
    """Name the steps and results that belong to no run of the file."""
    for table, what in (("research_details", "step"), ("research_results", "result")):
        of_a_run = "EXISTS (SELECT 1 FROM research_runs WHERE id = research_run_id)"  # false for NULL, too
        lost = f"SELECT id, research_run_id FROM {table} WHERE NOT {of_a_run} ORDER BY id"  # noqa: S608  # our words alone
        for row in now.seed.execute(lost):
            now.done.leave(f"{what} {row['id']}", f"it belongs to run {row['research_run_id']}, which the file lacks")


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


def _run(now: _Import, row: sqlite3.Row) -> None:
    """One run with its steps and results; one that is on record already is passed over with them."""
    steps = now.seed.execute(
        "SELECT * FROM research_details WHERE research_run_id = ? ORDER BY start_time, id", (row["id"],)
    ).fetchall()
    results = now.seed.execute(
        "SELECT * FROM research_results WHERE research_run_id = ? ORDER BY id", (row["id"],)
    ).fetchall()
    try:
        run = _as_run(row, now)
    except Unfit as error:
        now.done.leave(f"run {row['id']}", error)
        for what, rows in (("step", steps), ("result", results)):
            for each in rows:
                now.done.leave(f"{what} {each['id']}", f"its run {row['id']} stays out")
        return
    if {(row["id"], run.company, run.researcher, run.date), (row["id"], now.mark)} & now.there:
        now.done.passed_over += 1
        return
    for position, step in enumerate(steps, 1):
        try:
            run.details.append(_detail(step, position, now.zone))
            now.done.details += 1
        except Unfit as error:
            now.done.leave(f"step {step['id']} of run {row['id']}", error)
    for result in results:
        try:
            run.results.append(_result(result))
            now.done.results += 1
        except Unfit as error:
            now.done.leave(f"result {result['id']} of run {row['id']}", error)
    now.session.add(run)
    now.done.runs += 1


def _as_run(row: sqlite3.Row, now: _Import) -> ResearchRun:
    """The run as it is kept, and in its options the words that were mapped. Raises Unfit."""
    kept = {
        "company": _text(row["company"], "company", COMPANY_LENGTH, NO_COMPANY),
        "researcher": _text(row["researcher"], "researcher", RESEARCHER_LENGTH, NO_RESEARCHER),
        "duration_mins": _number(row["duration_mins"], "duration_mins", MAX_DURATION_MINS),
        "status": _status(row["status"], Status, RUN_WORDS),
        "insights": int(_number(row["insights"], "insights", MAX_INSIGHTS)),
    }
    words = {name: row[name] for name, value in kept.items() if row[name] != value}
    return ResearchRun(
        **kept,
        date=_moment(row["date"], now.zone),
        origin=Origin.SEED.value,
        created_by="flask db import-seed",
        data_version=now.mark,
        options={"seed_id": row["id"]} | ({"seed_words": words} if words else {}),
    )


def _detail(step: sqlite3.Row, position: int, zone: tzinfo) -> ResearchDetail:
    start = _moment(step["start_time"], zone) if step["start_time"] else None
    end = _moment(step["end_time"], zone) if step["end_time"] else None
    if start is not None and end is not None and end < start:
        raise Unfit(f"it ends ({step['end_time']}) before it starts ({step['start_time']})")
    status = _status(step["status"], StepStatus, STEP_WORDS)
    return ResearchDetail(
        step_name=_text(step["step_name"], "step_name", NAME_LENGTH),
        start_time=start,
        end_time=end,
        status=status,
        position=position,
        message=None if step["status"] == status else f"“{step['status']}” in the seed.",
        progress=1.0 if status == StepStatus.COMPLETED else 0.0,
    )


def _result(row: sqlite3.Row) -> ResearchResult:
    kind = _text(row["result_type"], "result_type", NAME_LENGTH)
    return ResearchResult(result_type=kind, result_data=_data(row["result_data"]))


def _text(value: Any, name: str, most: int, instead: str = "") -> str:
    """The text, or what stands for an empty one."""
    text = str(value or "").strip() or instead
    if not text or len(text) > most:
        raise Unfit(f"{name} has {len(text):,} characters; 1 to {most} are kept")
    return text


def _number(value: Any, name: str, most: float) -> float:
    """The number; 0 where the seed has none."""
    if value is None:
        return 0
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= most:
        raise Unfit(f"{name} is {value!r}; a number from 0 to {most:,.0f} is kept")
    return value


def _status(value: Any, known: type[Status] | type[StepStatus], words: Mapping[str, str]) -> str:
    word = str(value).strip().lower().replace("_", " ")
    for status in known:
        if status.value.lower() == word:
            return status.value
    if word in words:
        return str(words[word])
    raise Unfit(f"status is {value!r}; {', '.join((*known, *words))} are kept")


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
