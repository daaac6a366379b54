"""What changed since the last run of the same company, as it was told at the end of the run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchRun, RunChanges, Status
from research_dashboard.tables.changes import NEWS
from research_dashboard.tables.runs import OURS

COMPARED = (
    "manifest", "company_profile", "financial_health", "market_position", "peer_comparison", "swot_analysis",
)  # fmt: skip  # the results that changes are read from


def last_before(session: Session, run_id: int, company_id: int) -> Any:
    """The company's run that was completed last, this one left aside: id, date, as_of; None for the first."""
    run = ResearchRun
    return session.execute(
        select(run.id, run.date, run.as_of)
        .where(
            run.company_id == company_id,
            run.id != run_id,
            run.status == Status.COMPLETED,
            run.origin.in_(OURS),
            run.deleted_at.is_(None),
        )
        .order_by(run.finished_at.desc(), run.id.desc())
        .limit(1)
    ).first()


def changes_of(session: Session, run_id: int) -> RunChanges | None:
    """What the run found changed; None when it was its company's first, or has not ended."""
    return session.get(RunChanges, run_id)


def changes_record(session: Session, run_id: int) -> dict[str, Any]:
    """The same as programs read it; without changes where the run tells none."""
    told = changes_of(session, run_id)
    data: dict[str, Any] = {
        "nothing": True,
        "same_rules": True,
        "filings": [],
        "changes": [],
        "small": [],
        "refiled": 0,
    }
    if told:
        data = {key: told.data[key] for key in data}
    against, against_id = (told.against, told.against_id) if told else (None, None)
    return {"run_id": run_id, "against": against, "against_id": against_id, **data}


def newest_changes(session: Session, limit: int) -> Sequence[Any]:
    """The newest runs outside the trash that found news: run_id, company, ticker, date, data, against_id."""
    run, changes = ResearchRun, RunChanges
    return session.execute(
        select(changes.run_id, run.company, run.ticker, run.date, changes.data, changes.against_id)
        .join(run, run.id == changes.run_id)
        .where(text(NEWS), run.deleted_at.is_(None))
        .order_by(changes.run_id.desc())
        .limit(limit)
    ).all()


def changes_told(session: Session, run_ids: Iterable[int]) -> Mapping[int, Mapping[str, Any]]:
    """What each of these runs found changed, by the run's id; runs without are left out."""
    rows = session.execute(select(RunChanges.run_id, RunChanges.data).where(RunChanges.run_id.in_(list(run_ids))))
    return {row.run_id: row.data for row in rows}
