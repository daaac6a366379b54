"""The months in which runs were asked for, in the reader's zone.

The kept counts go by months of UTC. What a zone counts otherwise lies in the hours between its midnight and that of UTC
where a month begins: these runs alone are looked at.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchRun, RunCount
from research_dashboard.queries.run_fields import midnight

MOST_PARTS = 400  # SELECTs that SQLite unites at once, with room
Moved = tuple[str, str, datetime, datetime]  # from a month of UTC to the zone's, what lies between these moments


def _after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def moves(months: Iterable[str], zone: tzinfo) -> list[Moved]:
    """What the zone counts to another month than UTC, for these months and those beside them."""
    known = set(months)
    found: list[Moved] = []
    for month in sorted(known | {_after(month) for month in known}):
        first = date.fromisoformat(f"{month}-01")
        ours, theirs = midnight(first, zone), datetime(first.year, first.month, 1, tzinfo=UTC)
        before = _before(month)
        if ours > theirs:
            found.append((month, before, theirs, ours))
        elif ours < theirs:
            found.append((before, month, ours, theirs))
    return found


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - (number == 1):04}-{(number - 2) % 12 + 1:02}"


def in_the_zone(
    session: Session, counts: Counter[str], zone: tzinfo, where: Sequence[ColumnElement[bool]]
) -> Counter[str]:
    """The counts by months of UTC of the runs that are so, as the zone counts them."""
    found, run = Counter(counts), ResearchRun
    all_moves = moves((month for month, count in counts.items() if count), zone)
    for begin in range(0, len(all_moves), MOST_PARTS):
        part = all_moves[begin : begin + MOST_PARTS]
        each = [
            select(literal(n), func.count()).where(*where, run.date >= low, run.date < high)
            for n, (_, _, low, high) in enumerate(part)
        ]
        for n, count in session.execute(union_all(*each)):
            found[part[n][0]] -= count
            found[part[n][1]] += count
    return found


def month_of(session: Session, column: Any, zone: tzinfo) -> Any:
    """SQL that the moments are grouped by; `as_months` makes months of the zone out of it.

    SQLite knows no zones: on a day that is of two months in the zone, the minute.
    """
    if session.get_bind().dialect.name != "sqlite":
        return func.to_char(func.timezone(zone.key if isinstance(zone, ZoneInfo) else "UTC", column), "YYYY-MM")
    month = func.substr(column, 1, 7)
    if zone is UTC:
        return month
    months = session.scalars(select(RunCount.key).where(RunCount.kind == "month").distinct())
    divided = [low.date().isoformat() for _, _, low, _ in moves(months, zone)]
    return case((func.substr(column, 1, 10).in_(divided), func.substr(column, 1, 16)), else_=month)


def as_months(counts: Counter[str], zone: tzinfo) -> Counter[str]:
    """What was counted by `month_of`, by months."""
    found: Counter[str] = Counter()
    for key, count in counts.items():
        whole = len(key) == len("2026-03")
        month = key if whole else f"{datetime.fromisoformat(key).replace(tzinfo=UTC).astimezone(zone):%Y-%m}"
        found[month] += count
    return found
