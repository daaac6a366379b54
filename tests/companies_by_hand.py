"""Companies made by hand, in the shape of an analysed company: figures as given, everything else not reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from research_dashboard.research.model import Company, Fact, Figure, Filing, FiscalYear

RATIOS = frozenset({"cc", "cover", "cr", "de", "nde", "capint"})
PERCENT = frozenset({"g1", "gm", "om", "nm", "rd", "fcfm", "roe", "roic"})


def unit_of(concept: str) -> str:
    """The unit a concept or ratio has."""
    if concept in PERCENT:
        return "percent"
    return "ratio" if concept in RATIOS else "shares" if concept.startswith("shares") else "USD"


@dataclass
class ByHand:
    """An analysed company whose figures are given by year, newest first: {"g1": [5, 3]} for this year and the last.

    Percentages are given in percent; None, or a year not given, is not reported.
    """

    values: Mapping[str, list[float | None]]
    company: Company = field(default_factory=lambda: Company(id=1, cik=1, name="Subject Inc.", sic=7372))
    sector: str = "general"
    newest: date = date(2025, 12, 31)
    as_of: date = date(2026, 6, 30)
    currency: str = "USD"
    raw: Mapping[str, list[float]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    figure_notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transition_periods: list[FiscalYear] = field(default_factory=list)
    count: int = 6

    @property
    def years(self) -> tuple[FiscalYear, ...]:
        """So many years up to the newest, oldest first."""
        ends = [date(self.newest.year - back, self.newest.month, self.newest.day) for back in range(self.count)]
        return tuple(FiscalYear(date(end.year - 1, 12, 31), end, f"FY{end.year}") for end in reversed(ends))

    @property
    def latest(self) -> FiscalYear:
        """The newest year."""
        return self.years[-1]

    def previous(self, end: date) -> FiscalYear | None:
        """The year before."""
        return next((year for year in self.years if year.end.year == end.year - 1), None)

    def figure(self, concept: str, end: date) -> Figure:
        """The figure given for the year, standing on one fact; else absent."""
        back = self.newest.year - end.year
        made = self.values.get(concept, [])
        value = made[back] if back < len(made) else None
        raws = self.raw.get(concept, [])
        common: dict[str, Any] = {
            "concept": concept, "label": concept, "unit": unit_of(concept), "start": None, "end": end,
            "notes": self.figure_notes.get(concept, ()),
        }  # fmt: skip
        if value is None:
            raw = raws[back] if back < len(raws) else None
            return Figure(**common, made="absent", value=None, code="not_reported", reason="No.", raw=raw)
        money = common["unit"] in {"USD", "shares"}
        exact = Decimal(str(value)) if money else value / 100 if common["unit"] == "percent" else float(value)
        return Figure(**common, made="filed", value=exact, facts=(self._fact(concept, end, value),))

    def pair(self, concept: str, end: date) -> tuple[Figure, Figure]:
        """This year and the one before."""
        before = self.previous(end)
        assert before is not None
        return self.figure(concept, end), self.figure(concept, before.end)

    def _fact(self, concept: str, end: date, value: float) -> Fact:
        filing = Filing(f"{self.company.id:010}-26-000001", self.company.cik, "10-K", date(2026, 2, 1))
        return Fact("us-gaap", concept, "USD", None, end, Decimal(str(value)), filing)
