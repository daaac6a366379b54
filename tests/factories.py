"""Rows for tests, by make_company(**values) functions; each commits and gives back an id."""

from datetime import datetime, timedelta
from typing import Any

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.models import ResearchDetail, ResearchResult, ResearchRun, Worker
from research_dashboard.research.steps import STEPS


def make_run(*, results: dict[str, Any] | None = None, **values: Any) -> int:
    """A run; without further words one that a program logged as Completed."""
    with writing() as session:
        run = ResearchRun(**{"company": "Acme Inc.", "researcher": "ann", "status": "Completed", **values})
        run.results = [ResearchResult(result_type=name, result_data=data) for name, data in (results or {}).items()]
        session.add(run)
        session.flush()
        return run.id


def make_research(status: str, *, done: int = 0, at: str | None = None, ago: float = 2.0, **values: Any) -> int:
    """A run of the built-in research: `done` steps of a second are done, the next one is `at` (a step's status)."""
    now = utcnow()
    start = now - timedelta(seconds=ago + done)
    details = []
    for position, name in enumerate(STEPS, 1):
        detail = ResearchDetail(step_name=name, position=position)
        if position <= done:
            begun = start + timedelta(seconds=position - 1)
            detail.status, detail.start_time, detail.end_time = "Completed", begun, begun + timedelta(seconds=1)
            detail.message = f"Done with {position}."
        elif position == done + 1 and at:
            detail.status, detail.start_time = at, start + timedelta(seconds=done)
            detail.end_time = None if at == "Running" else now
        details.append(detail)
    ended = status in ("Completed", "Failed", "Cancelled")
    return make_run(
        **{
            "origin": "research",
            "status": status,
            "date": start,
            "started_at": start if done or at else None,
            "finished_at": now if ended else None,
            "duration_mins": (ago + done) / 60 if ended else 0.0,
            "source": "bundled",
            "as_of": now.date(),
            "ticker": "ACME",
            "error_kind": "no_facts" if status == "Failed" else None,
            "details": details,
            **values,
        }
    )


def make_worker(beat_at: datetime | None = None) -> None:
    """A worker that beats just now."""
    with writing() as session:
        session.add(Worker(id="here:1:a", beat_at=beat_at or utcnow(), threads=2))
