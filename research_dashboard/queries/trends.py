"""How a company's revenue went, as a run's report found it: for the small drawing in the list of runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard.models import ResearchResult


@dataclass(frozen=True, slots=True)
class Trend:
    """Revenue by fiscal year, oldest first, and the figures of the first and the last year that have one."""

    values: tuple[float | None, ...]
    first: Mapping[str, Any]
    last: Mapping[str, Any]


def revenue_trends(session: Session, run_ids: Iterable[int]) -> dict[int, Trend]:
    """The revenue that these runs' reports have, by the run's id; runs without two years of it are left out.

    The database takes the one series out of the result, so that the half megabyte around it is not read into Python.
    """
    result = ResearchResult
    series = result.result_data[("concepts", "revenue")]
    statement = select(result.research_run_id, series).where(
        result.research_run_id.in_(list(run_ids)), result.result_type == "financial_health"
    )
    found = ((run_id, _trend(figures)) for run_id, figures in session.execute(statement))
    return {run_id: trend for run_id, trend in found if trend}


def _trend(figures: Any) -> Trend | None:
    """The series as a trend; None for one of another form, as programs may log it."""
    if not isinstance(figures, Sequence) or not all(isinstance(figure, Mapping) for figure in figures):
        return None
    values = tuple(_number(figure.get("value")) for figure in figures)
    there = [figure for figure, value in zip(figures, values, strict=True) if value is not None]
    labelled = all(isinstance(figure.get("unit"), str) and _label(figure) for figure in there)
    return Trend(values, there[0], there[-1]) if len(there) > 1 and labelled else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _label(figure: Mapping[str, Any]) -> Any:
    period = figure.get("period")
    return period.get("label") if isinstance(period, Mapping) else None
