"""What the rules and the peers ask of an analysed company, and how they read its figures."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from research_dashboard.research.model import Company, Figure, FiscalYear


class Analysed(Protocol):
    """A company whose facts have been read: research.analysis.Analysis, or one made by hand in a test."""

    @property
    def company(self) -> Company: ...
    @property
    def as_of(self) -> date: ...
    @property
    def currency(self) -> str: ...
    @property
    def sector(self) -> str: ...
    @property
    def years(self) -> Sequence[FiscalYear]: ...
    @property
    def latest(self) -> FiscalYear: ...
    @property
    def notes(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def transition_periods(self) -> Sequence[FiscalYear]: ...

    def figure(self, concept: str, end: date) -> Figure: ...
    def previous(self, end: date) -> FiscalYear | None: ...
    def pair(self, concept: str, end: date) -> tuple[Figure, Figure]: ...


def reading(figure: Figure) -> float | None:
    """The value as results state it and rules test it: 28.1 for 28.1 %, whole units of money; None if absent."""
    if figure.value is None:
        return None
    value = float(figure.value)
    return round(value * 100, 6) if figure.unit == "percent" else value
