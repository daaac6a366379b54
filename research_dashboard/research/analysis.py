"""One company analysed: its fiscal years, and every concept and ratio of every year, computed when asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import Any

from research_dashboard.research.concepts import CONCEPTS, Sector
from research_dashboard.research.evaluate import LABELS, Evaluator
from research_dashboard.research.figures import Figures, exact, mark_restated
from research_dashboard.research.model import Company, Fact, Figure, Filing, FiscalYear
from research_dashboard.research.periods import Calendar, View, currency_of, file_facts, usable
from research_dashboard.research.sectors import told
from research_dashboard.research.series import (
    Split,
    last_between,
    notes_of,
    recast_start,
    split_mark,
    splits_of,
    unadjusted,
)
from research_dashboard.research.twofold import kind_of

YEARS_AT_HAND = 10  # the most that results keep and restatements are looked for in


class Analysis:
    """Read with `figure(id, end)`; ids are those of sections 1 and 3 of FINANCE.md, ends are of `years`."""

    def __init__(self, company: Company, facts: Sequence[Fact], as_of: date, view: View = "latest") -> None:
        self.company, self.as_of, self.view = company, as_of, view
        known = usable(facts, as_of)
        self.currency = currency_of(known)
        filed = file_facts(known, self.currency)
        self.calendar = Calendar(filed)
        self.told = told(company.sic, filed)
        self.sector: Sector = self.told.sector
        self.facts_read = len(facts)
        selection_of = company.name if company.selection else None
        self._figures = Figures(self.calendar, self.sector, self.currency, view, selection_of)
        self._first = Figures(self.calendar, self.sector, self.currency, "first", selection_of)
        self._evaluator = Evaluator(self._figures, self.figure)
        self._kept: dict[tuple[str, date], Figure] = {}

    @cached_property
    def years(self) -> tuple[FiscalYear, ...]:
        """The fiscal years, oldest first; a recast as a new reporting entity starts the series anew (2.12)."""
        start = recast_start(self.calendar, self._figures, self._first)
        return tuple(year for year in self.calendar.years if start is None or year.end >= start)

    @property
    def latest(self) -> FiscalYear:
        """The newest fiscal year. Raises LookupError where no annual report is at hand."""
        if not self.years:
            raise LookupError(f"{self.company.name} has no fiscal year in its filings")
        return self.years[-1]

    def previous(self, end: date) -> FiscalYear | None:
        """The fiscal year that ended 350 to 380 days before a day."""
        before = self.calendar.previous(end)
        return before if before in self.years else None

    def figure(self, id: str, end: date) -> Figure:
        """The concept or ratio for the year, or the balance, that ends on a day: always one, absent with its code.

        Raises KeyError for an id that is in neither table.
        """
        key = id, end
        if key not in self._kept:
            self._kept[key] = self._concept(id, end) if id in CONCEPTS else self._evaluator.ratio(id, end)
        return self._kept[key]

    def pair(self, concept_id: str, end: date) -> tuple[Figure, Figure]:
        """This year's and the prior year's figure from one filing (2.10); the prior is absent where none has both."""
        before = self.previous(end)
        found = self._figures.pair(concept_id, end, before.end) if before else None
        if found is not None:
            return found
        absent = Figure(
            concept_id, LABELS[concept_id], CONCEPTS[concept_id].unit, "absent", None, None,
            before.end if before else end, code="no_prior_year",
            reason="No filing reports both this year and a year that ended 350 to 380 days earlier.",
        )  # fmt: skip
        return self.figure(concept_id, end), absent

    def own_filing(self, end: date) -> Filing | None:
        """The first filing whose own period is the fiscal year."""
        return self.calendar.own_filing(end)

    @cached_property
    def stale(self) -> bool:
        """True when the newest year ended more than 18 months before the as-of date (2.12)."""
        return bool(self.years) and _months_after(self.latest.end, 18) < self.as_of

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        """The share splits that two filings' numbers of one period show (2.9)."""
        return splits_of(self.calendar, self._figures)

    @cached_property
    def restated(self) -> tuple[dict[str, Any], ...]:
        """Concepts of the years at hand whose latest filed value is more than 0.5 % off the first, with the kind."""
        found = []
        for year in self.years[-YEARS_AT_HAND:]:
            for concept in CONCEPTS.values():
                one = self.figure(concept.id, year.end) if concept.shown else None
                if one is not None and one.first is not None:
                    sides = {"first": _side(one.first), "latest": _side(one)}
                    found.append({"concept": concept.id, "end": year.end.isoformat(), "kind": one.apart, **sides})
        return tuple(found)

    @cached_property
    def transition_periods(self) -> tuple[FiscalYear, ...]:
        """The stubs that a changed year end left: never annualised, never a growth base (2.10)."""
        return tuple(FiscalYear(start, end, "transition period") for start, end, _ in self._stubs)

    @cached_property
    def notes(self) -> tuple[dict[str, Any], ...]:
        """What a reader must know before the figures: {kind, text, end?}."""
        sector = self.told.words(self.company.name)
        return (*([{"kind": "sector", "text": sector}] if sector else []), *notes_of(self))

    @property
    def _stubs(self) -> list[tuple[date, date, Filing | None]]:
        return self.calendar.transition_periods()

    def _concept(self, id: str, end: date) -> Figure:
        found = self._figures.figure(id, end)
        if found.present and self.view == "latest":
            found = mark_restated(found, self._first.figure(id, end), self.calendar)
            if found.first is not None:
                same = id == "net_income" or self.figure("net_income", end).first is None
                found = replace(found, apart=kind_of(found, found.first, self.splits, same_income=same))
        return self._on_its_basis(found) if found.present and found.unit.endswith("shares") else found

    def _on_its_basis(self, found: Figure) -> Figure:
        """A number of shares, or per share: noted where a split came after it, marked where it is first after one."""
        if split := unadjusted(self.splits, found):
            found = replace(found, notes=(*found.notes, split.note))
        earlier = (year.end for year in reversed(self.years) if year.end < found.end)
        series = (self._figures.figure(found.concept, end) for end in earlier)
        before = next((one for one in series if one.present), None)
        begun = last_between(self.splits, before, found) if before else None
        return replace(found, begins=split_mark(self.splits, begun)) if begun else found


def analyse(company: Company, facts: Sequence[Fact], as_of: date, view: View = "latest") -> Analysis:
    """The company's figures as known on a day. Nothing filed later is used; work is done when a figure is asked for."""
    return Analysis(company, facts, as_of, view)


def _side(figure: Figure) -> dict[str, Any]:
    """One side of a restatement: the value and the filing it stands in."""
    filing = figure.facts[0].filing
    return {"value": exact(figure), "accession": filing.accession, "filed": filing.filed.isoformat()}


def _months_after(day: date, months: int) -> date:
    """The same day some months later; the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)
