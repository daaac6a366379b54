"""A run's log, by level."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.tables.run_log import Level, RunLogLine

MOST_SHOWN = 2000


def lines(session: Session, run_id: int, level: Level = Level.DEBUG, last: int = MOST_SHOWN) -> Sequence[RunLogLine]:
    """The last lines of this level and above, the oldest first."""
    wanted = [each.value for each in list(Level)[list(Level).index(level) :]]
    newest = (
        select(RunLogLine)
        .where(RunLogLine.research_run_id == run_id, RunLogLine.level.in_(wanted))
        .order_by(RunLogLine.id.desc())
        .limit(last)
    )
    return session.scalars(newest).all()[::-1]
