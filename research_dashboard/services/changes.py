"""What changed since the last run of the same company: found at the end of each run, and kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from research_dashboard.extensions import from_json, reading, to_json
from research_dashboard.logs import logger
from research_dashboard.models import ResearchRun, RunChanges
from research_dashboard.queries.changes import COMPARED, last_before
from research_dashboard.queries.reports import results_by_type
from research_dashboard.research.changes import what_changed

Results = Mapping[str, Any]
# What results of another version, which lack or shape a key otherwise, may raise while they are compared.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class SinceLast:
    """The changes from an earlier run of the company to this one."""

    against: Mapping[str, Any]
    data: Mapping[str, Any]


def since_last(run_id: int, last_results: Results) -> SinceLast | None:
    """Compare a run that is about to end with its company's last completed one; None where there is none.

    `last_results` are those of the run's last step, which are not stored yet. A comparison that cannot be made, as
    with the results of another version of the program, is logged: it does not cost the run.
    """
    with reading() as session:
        run = session.get_one(ResearchRun, run_id)
        before = last_before(session, run_id, run.company_id) if run.company_id is not None else None
        if before is None:
            return None
        old = results_by_type(session, before.id, COMPARED)
        new = results_by_type(session, run_id, COMPARED)
    new |= from_json(to_json({kind: data for kind, data in last_results.items() if kind in COMPARED}))
    try:
        found = what_changed(old, new)
    except UNREADABLE:
        logger.exception("changes_not_told", run=run_id, against=before.id)
        return None
    return SinceLast({"id": before.id, "date": before.date, "as_of": before.as_of}, _compact(found))


def _compact(found: Mapping[str, Any]) -> dict[str, Any]:
    """What lies below the thresholds is kept as sentences only: it is counted and folded away."""
    return {**found, "small": [{"kind": entry["kind"], "text": entry["text"]} for entry in found["small"]]}


def keep_changes(session: Session, run_id: int, found: SinceLast) -> None:
    """Store the changes with the run, in the transaction that completes it."""
    news = 0 if found.data["nothing"] else len(found.data["changes"]) + len(found.data["filings"])
    values = {
        "run_id": run_id,
        "against_id": found.against["id"],
        "against": from_json(to_json(found.against)),
        "news": news,
        "filings": len(found.data["filings"]),
        "data": found.data,
    }
    session.execute(insert(RunChanges).values(values))
