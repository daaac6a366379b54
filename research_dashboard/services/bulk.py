"""Many runs at once, with their steps and results: one transaction, a few statements whatever their number."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.models import Origin, ResearchDetail, ResearchResult, ResearchRun, Status
from research_dashboard.services.audit import record

MAX_RUNS = 10_000


def log_runs(runs: Sequence[dict[str, Any]], created_by: str | None = None) -> list[int]:
    """Store runs that other programs did; each may hold `details` and `results`. Their ids, in the same order."""
    if not runs:
        return []
    now = utcnow()
    with writing() as session:
        rows = [
            {
                **{name: value for name, value in run.items() if name not in ("details", "results", "date")},
                "date": run.get("date") or now,
                "origin": Origin.API.value,
                "created_by": created_by,
                "started_at": now if run["status"] == Status.RUNNING else None,
            }
            for run in runs
        ]
        statement = insert(ResearchRun).returning(ResearchRun.id, sort_by_parameter_order=True)
        ids = list(session.scalars(statement, rows))
        details = [
            {
                **detail,
                "research_run_id": run_id,
                "position": position,
                "progress": 1.0 if detail["status"] == "Completed" else 0.0,
            }
            for run_id, run in zip(ids, runs, strict=True)
            for position, detail in enumerate(run.get("details") or (), 1)
        ]
        results = [
            {**result, "research_run_id": run_id, "created_at": now}
            for run_id, run in zip(ids, runs, strict=True)
            for result in run.get("results") or ()
        ]
        if details:
            session.execute(insert(ResearchDetail), details)
        if results:
            session.execute(insert(ResearchResult), results)
        record(session, "run.log", f"runs {ids[0]} to {ids[-1]}", after={"count": len(ids)})
    return ids
