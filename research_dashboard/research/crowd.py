"""Of a crowded industry, the companies nearest in size: a thousand in a table compare with nobody.

Where more than MOST companies belong to a level, those are taken whose revenue is nearest to the subject's as a ratio:
half as large is as near as twice as large. The size is what their filings say of their newest year by the as-of date,
read roughly and for this choice alone: no figure of a report is made of it. Who has no size, reports in another
currency, or filed no annual report for 18 months comes last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import inf, log

from research_dashboard.research.analysed import Analysed
from research_dashboard.research.concepts import BANK_INCOME, REVENUE_TAGS
from research_dashboard.research.model import Company

SIZE_TAGS = REVENUE_TAGS | {*BANK_INCOME}
MOST = 60  # companies of one level that are read and compared
STALE_DAYS = 548  # 18 months


@dataclass(frozen=True, slots=True)
class Size:
    """The revenue of a company's newest year, as its filings have it."""

    revenue: Decimal
    end: date


def size_of(filed: Mapping[str, Decimal]) -> Decimal:
    """The largest of the revenue tags; net interest and other income together where none is filed."""
    revenue = [value for tag, value in filed.items() if tag in REVENUE_TAGS]
    return max(revenue) if revenue else sum((filed.get(tag, Decimal(0)) for tag in BANK_INCOME), Decimal(0))


def nearest(
    subject: Analysed,
    others: Sequence[Company],
    sizes: Callable[[Sequence[Company], str], Mapping[int, Size]],
    most: int = MOST,
) -> Sequence[Company]:
    """All of them, or the nearest in size where there are more than `most`; always the same for the same data."""
    if len(others) <= most:
        return others
    known, own = sizes(others, subject.currency), _own(subject)
    fresh = subject.as_of - timedelta(days=STALE_DAYS)

    def distance(other: Company) -> tuple[float, int, str]:
        size = known.get(other.id)
        if size is None or size.revenue <= 0 or size.end < fresh:
            return inf, other.cik or 0, other.name
        return abs(log(float(size.revenue) / own)), other.cik or 0, other.name

    return sorted(others, key=distance)[:most]


def _own(subject: Analysed) -> float:
    """The subject's newest revenue; one where it has none, so that the smallest are nearest."""
    for year in reversed(subject.years):
        value = subject.figure("revenue", year.end).value
        if value is not None:
            return max(float(value), 1.0)
    return 1.0
