"""What stands where in the report: parts and rows of the table, tiles, peer columns (FINANCE.md, section 7)."""

from collections.abc import Mapping
from typing import NamedTuple

YEARS_SHOWN = 5


class RowPlan(NamedTuple):
    """A concept or ratio that may be a row. `core`: in the first table, as n/r where no filing of any year has it."""

    concept: str
    core: bool = False


class PartPlan(NamedTuple):
    """A part of the table and the unit its money is in."""

    id: str
    title: str
    money: bool
    rows: tuple[RowPlan, ...]


def _rows(names: str) -> tuple[RowPlan, ...]:
    """Names separated by blanks; a star behind one: core."""
    return tuple(RowPlan(name.rstrip("*"), name.endswith("*")) for name in names.split())


PARTS: tuple[PartPlan, ...] = (
    PartPlan("income", "Income", True, _rows(
        "revenue* g1* gross_profit* operating_income* net_income* eps_diluted* "
        "net_income_total cost_of_revenue rnd sga selling gna d_and_a impairment interest_expense pretax_income tax "
        "eps_basic g1_net_income g1_eps_diluted g1_operating_income g3 g5")),
    PartPlan("cash", "Cash", True, _rows("ocf* capex* fcf* dividends buybacks g1_ocf")),
    PartPlan("margins", "Margins", False, _rows("gm* om* nm* fcfm rd sga% etr efficiency*")),
    PartPlan("balance", "Balance sheet", True, _rows(
        "assets* liquid* debt* equity* nd current_assets cash st_investments receivables inventory goodwill "
        "liabilities current_liabilities payables equity_total finance_leases operating_leases "
        "deposits deposits_growth")),
    PartPlan("ratios", "Returns and ratios", False, _rows(
        "cr* de* nde* cover* roe* roic* equity_assets* roa qr cc capint payout at dso dio dpo ccc")),
    PartPlan("shares", "Shares, million", False, _rows("shares_basic shares_diluted shares_outstanding")),
)  # fmt: skip

# What a reader would miss: the core rows, and what the core ratios stand on.
CORE = frozenset(row.concept for plan in PARTS for row in plan.rows if row.core) | {
    "interest_expense",
    "current_assets",
    "cash",
    "st_investments",
}

# Six tiles; for a bank those that mean something there. The first of each line that is there is taken.
TILES: tuple[tuple[str, ...], ...] = (
    ("revenue",),
    ("g1",),
    ("om", "nm"),
    ("net_income", "operating_income"),
    ("fcf", "ocf", "roe", "gm"),
    ("nde", "de", "nd", "gm", "rd"),
)
BANK_TILES: tuple[tuple[str, ...], ...] = (
    ("revenue",),
    ("net_income",),
    ("roe",),
    ("roa",),
    ("equity_assets", "equity"),
    ("efficiency", "deposits_growth", "eps_diluted", "nm"),
)
SECTOR_ROWS = frozenset({"efficiency", "equity_assets"})  # core rows of one sector: their absence elsewhere is no news

# What is no gap to dwell on: of a bank or an insurer; and the R&D of a retailer.
NOT_FOR_FINANCIALS = frozenset({"gross_profit", "operating_income", "cost_of_revenue", "rnd"})
RETAIL = range(5200, 6000)  # SIC

PEER_LABELS: Mapping[str, str] = {
    "revenue": "Revenue",
    "g1": "Revenue growth",
    "gm": "Gross margin",
    "om": "Operating margin",
    "nm": "Net margin",
    "roe": "Return on equity",
    "cr": "Current ratio",
}
PEER_COLUMNS = tuple(PEER_LABELS)
PEERS_DRAWN = 10  # bars of a peer chart: the company and the largest of its peers

# Notes that stand above the tear sheet; the others stand below the table.
BANNERS: Mapping[str, str] = {
    "stale": "Old figures",
    "ifrs": "IFRS",
    "currency": "Currency",
    "changed_year_end": "Changed year end",
    "scale": "Possible scale error",
    "recast": "New reporting entity",
    "not_filed": "Not filed",
    "selection": "A selection of figures",
}

MARKS: Mapping[str, str] = {
    "d": "derived by formula from filed figures of one filing",
    "o": "taken from another filing than the rest of its year",
    "r": "restated: first filed with another value",
}

CHANGES = "Changes are computed before rounding."


def mark_words(mark: str) -> str:
    """What a mark at a figure says; of s1 the note that begins with it says more."""
    return MARKS.get(mark) or f"the first on another share basis than the year before: note {mark}"


QUADRANTS: tuple[tuple[str, str, str], ...] = (
    ("strengths", "Strengths", "ok"),
    ("weaknesses", "Weaknesses", "warn"),
    ("opportunities", "Opportunities", "run"),
    ("threats", "Threats", "bad"),
)
