"""Lines of a run's log, written in the session of what they tell of."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.tables.run_log import Level, RunLogLine

LONGEST = 4000
_lines: Any = RunLogLine.__table__
ADD = insert(_lines)  # made once: every checkpoint writes one


def say(  # noqa: PLR0917  # the order in which one says it
    session: Session,
    run_id: int,
    message: str,
    level: Level = Level.INFO,
    position: int | None = None,
    at: datetime | None = None,
) -> None:
    """Add a line to the run's log; `position` is the step it is about."""
    session.execute(
        ADD,
        {
            "research_run_id": run_id,
            "at": at or utcnow(),
            "level": level.value,
            "position": position,
            "message": " ".join(message.split())[:LONGEST],
        },
    )
