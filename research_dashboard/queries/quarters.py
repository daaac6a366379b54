"""A company's newest quarters, from the data sets at hand: the one source that brings quarterly figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from research_dashboard.models import Source
from research_dashboard.queries.companies import facts_of
from research_dashboard.research.concepts import CONCEPTS
from research_dashboard.research.model import Figure
from research_dashboard.research.periods import currency_of, file_facts, usable
from research_dashboard.research.quarters import quarters
from research_dashboard.research.sectors import told

SHOWN = ("revenue", "operating_income", "net_income", "eps_diluted", "ocf")
OF_BANKS = ("revenue", "net_income", "eps_diluted", "ocf")
MOST = 8


@dataclass(frozen=True, slots=True)
class Quarters:
    """The ends of the quarters, oldest first, and each concept's figure at each of them, None where there is none."""

    currency: str
    ends: Sequence[date]
    rows: Sequence[tuple[str, Sequence[Figure | None]]]

    @property
    def derived(self) -> list[Figure]:
        """The figures that no filing states: the fourth quarter, and those of cash flows."""
        return [figure for _, row in self.rows for figure in row if figure and figure.made == "derived"]


def newest_quarters(company_id: int, sic: int | None, as_of: date) -> Quarters | None:
    """Up to eight quarters of a company as known on a day; None where no data set with any is loaded."""
    known = usable(facts_of(company_id, Source.IMPORTED), as_of)
    if not known:
        return None
    currency = currency_of(known)
    filed = file_facts(known, currency)
    bank = told(sic, filed).sector == "bank"
    shown = OF_BANKS if bank else SHOWN
    found = {concept: {figure.end: figure for figure in quarters(filed, concept, bank=bank)} for concept in shown}
    ends = sorted({end for figures in found.values() for end in figures})[-MOST:]
    rows = [
        (CONCEPTS[concept].label, [figures.get(end) for end in ends])
        for concept, figures in found.items()
        if figures.keys() & set(ends)
    ]
    return Quarters(currency, ends, rows) if rows else None
