"""The ratios: section 3 of FINANCE.md as a table, and how one is computed or refused.

A flow over a stock stands on the average of opening and closing balance, a stock over a stock on the period's end.
The tests come in one order: the ratio does not apply, an input is missing, a sign, a size. Values are fractions:
0.281 is 28.1 %; whoever stores or shows them multiplies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from research_dashboard.research.concepts import FINANCIAL, NO_MARGIN, NOT_BANKS, Sector

Values = Mapping[str, float]  # by operand: "revenue", "avg equity", "equity[-1]"
Test = Callable[[Values], str | None]  # the code of a refusal, or None

REITS: frozenset[Sector] = frozenset({"reit"})
THIN_EQUITY = 0.05  # of assets
TINY_PROFIT = 0.01  # of revenue
NEAR_ZERO_BASE = 0.01  # of the current value
TAX_RATES = (0.0, 0.5)

REFUSALS = {
    "zero_denominator": "The denominator ({divisor}) is zero.",
    "negative_base": "The base ({divisor}) is not positive.",
    "negative_equity": "Equity is not positive.",
    "thin_equity": "Equity is less than 5 % of assets: the ratio would mean nothing.",
    "loss": "The ratio means nothing in a loss ({divisor} is not positive).",
    "tiny_profit": "Net income is less than 1 % of revenue: the ratio would mean nothing.",
    "base_near_zero": "The prior year's value is less than 1 % of this year's.",
    "tax_rate_unusable": "The effective tax rate is unusable: no profit before tax, or a rate outside 0 to 50 %.",
    "no_opening_balance": "The balance sheet a year earlier has no {label}.",
    "no_prior_year": "No filing reports both this year and a year that ended 350 to 380 days earlier.",
    "unclassified_balance_sheet": "The balance sheet does not separate current from noncurrent.",
    "not_in_data": "{label} needs an earlier year, which is not in the data at hand ({selection}): turn on live data.",
    "not_applicable_sector": "The ratio does not apply to this sector ({sector}).",
    "accrued_inside": "Trade payables hold accrued liabilities.",
    "operating_loss": "Operating loss.",
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """One row of the table. `operands` are concepts or ratios of the year, "avg x" the mean of opening and closing.

    `also` are operands that only the tests look at; a test on one that is missing is passed over. `before` tests
    the operands; `after` tests the result (as operand "result"), which is then kept for the rules.
    """

    id: str
    label: str
    unit: str
    formula: str
    operands: tuple[str, ...]
    compute: Callable[[Values], float]
    divisor: str = ""  # in words, for the reason of a refusal
    before: tuple[Test, ...] = ()
    after: tuple[Test, ...] = ()
    also: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()  # operands of which one may be missing: it counts as nothing
    not_for: frozenset[Sector] = frozenset()


def over(numerator: str, denominator: str, factor: float = 1) -> Callable[[Values], float]:
    """A quotient, times a factor."""
    return lambda v: factor * v[numerator] / v[denominator]


def positive(operand: str) -> Test:
    """The denominator must be above zero."""
    return lambda v: "zero_denominator" if v[operand] == 0 else "negative_base" if v[operand] < 0 else None


def profit(operand: str) -> Test:
    """A loss makes the ratio meaningless."""
    return lambda v: "loss" if v[operand] <= 0 else None


def sound_equity(*operands: str) -> Test:
    """Equity must be above zero at every date used, and no less than 5 % of assets at the close."""

    def test(v: Values) -> str | None:
        if any(v[operand] <= 0 for operand in operands if operand in v):
            return "negative_equity"
        return "thin_equity" if "assets" in v and v["equity"] < THIN_EQUITY * v["assets"] else None

    return test


def not_tiny(v: Values) -> str | None:
    """Net income of less than 1 % of revenue makes every multiple of it absurd."""
    return "tiny_profit" if "revenue" in v and v["net_income"] < TINY_PROFIT * v["revenue"] else None


def usable_rate(v: Values) -> str | None:
    """A tax rate outside 0 to 50 % says nothing about the next year."""
    return None if TAX_RATES[0] <= v["result"] <= TAX_RATES[1] else "tax_rate_unusable"


def not_negative(v: Values) -> str | None:
    """A negative cover is an operating loss."""
    return "operating_loss" if v["result"] < 0 else None


def _margin(id: str, label: str, concept: str, not_for: frozenset[Sector] = frozenset()) -> Ratio:
    return Ratio(id, label, "percent", f"{concept} / revenue", (concept, "revenue"), over(concept, "revenue"),
                 "revenue", (positive("revenue"),), not_for=not_for)  # fmt: skip


def _days(id: str, label: str, stock: str, flow: str, not_for: frozenset[Sector]) -> Ratio:
    return Ratio(id, label, "days", f"365 × avg {stock} / {flow}", (f"avg {stock}", flow),
                 over(f"avg {stock}", flow, 365), flow.replace("_", " "), (positive(flow),),
                 not_for=not_for)  # fmt: skip


RATIOS: dict[str, Ratio] = {ratio.id: ratio for ratio in (
    _margin("gm", "Gross margin", "gross_profit", NO_MARGIN | REITS),
    _margin("om", "Operating margin", "operating_income", frozenset({"bank"})),
    _margin("nm", "Net margin", "net_income"),
    _margin("rd", "R&D to revenue", "rnd"),
    _margin("sga%", "SG&A to revenue", "sga"),
    Ratio("etr", "Effective tax rate", "percent", "tax / pretax_income", ("tax", "pretax_income"),
          over("tax", "pretax_income"), "income before tax", (profit("pretax_income"),), (usable_rate,)),
    Ratio("roe", "Return on equity", "percent", "net_income / avg equity", ("net_income", "avg equity"),
          over("net_income", "avg equity"), "equity", (sound_equity("equity", "equity[-1]"),), also=("assets",)),
    Ratio("roa", "Return on assets", "percent", "net_income / avg assets", ("net_income", "avg assets"),
          over("net_income", "avg assets"), "assets", (positive("avg assets"),)),
    Ratio("roic", "Return on invested capital", "percent",
          "operating_income × (1 − etr) / avg (equity_total + debt − liquid)",
          ("operating_income", "etr", "avg equity_total", "avg debt", "avg liquid"),
          lambda v: v["operating_income"] * (1 - v["etr"]) / _invested(v), "invested capital",
          (lambda v: None if _invested(v) > 0 else "negative_base",), not_for=FINANCIAL),
    Ratio("at", "Asset turnover", "ratio", "revenue / avg assets", ("revenue", "avg assets"),
          over("revenue", "avg assets"), "assets", (positive("avg assets"),), not_for=FINANCIAL),
    Ratio("cr", "Current ratio", "ratio", "current_assets / current_liabilities",
          ("current_assets", "current_liabilities"), over("current_assets", "current_liabilities"),
          "current liabilities", (positive("current_liabilities"),)),
    Ratio("qr", "Quick ratio", "ratio", "(liquid + receivables) / current_liabilities",
          ("liquid", "receivables", "current_liabilities"),
          lambda v: (v["liquid"] + v["receivables"]) / v["current_liabilities"],
          "current liabilities", (positive("current_liabilities"),)),
    Ratio("de", "Debt to equity", "ratio", "debt / equity", ("debt", "equity"), over("debt", "equity"), "equity",
          (sound_equity("equity"),), also=("assets",), not_for=FINANCIAL),
    Ratio("nde", "Net debt to EBITDA", "ratio", "nd / ebitda", ("nd", "ebitda"), over("nd", "ebitda"), "EBITDA",
          (profit("ebitda"),)),
    Ratio("cover", "Interest cover", "ratio", "operating_income / interest_expense",
          ("operating_income", "interest_expense"), over("operating_income", "interest_expense"), "interest expense",
          (positive("interest_expense"),), (not_negative,)),
    Ratio("cc", "Cash conversion", "ratio", "ocf / net_income", ("ocf", "net_income"), over("ocf", "net_income"),
          "net income", (profit("net_income"), not_tiny), also=("revenue",), not_for=FINANCIAL),
    _margin("fcfm", "Free cash flow margin", "fcf", FINANCIAL),
    _days("dso", "Days sales outstanding", "receivables", "revenue", FINANCIAL),
    _days("dio", "Days inventory outstanding", "inventory", "cost_of_revenue", FINANCIAL | REITS),
    _days("dpo", "Days payables outstanding", "payables", "cost_of_revenue", FINANCIAL),
    Ratio("ccc", "Cash conversion cycle", "days", "dso + dio − dpo", ("dso", "dio", "dpo"),
          lambda v: v["dso"] + v["dio"] - v["dpo"]),
    Ratio("payout", "Payout ratio", "percent", "(dividends + buybacks) / net_income",
          ("dividends", "buybacks", "net_income"),
          lambda v: (v.get("dividends", 0) + v.get("buybacks", 0)) / v["net_income"], "net income",
          (profit("net_income"),), optional=("dividends", "buybacks")),
    Ratio("capint", "Capital expenditure to depreciation", "ratio", "capex / d_and_a", ("capex", "d_and_a"),
          over("capex", "d_and_a"), "depreciation and amortization", (positive("d_and_a"),), not_for=FINANCIAL),
    Ratio("equity_assets", "Equity to assets", "percent", "equity_total / assets", ("equity_total", "assets"),
          over("equity_total", "assets"), "assets", (positive("assets"),), not_for=NOT_BANKS),
    Ratio("efficiency", "Efficiency ratio", "percent", "noninterest_expense / revenue",
          ("noninterest_expense", "revenue"), over("noninterest_expense", "revenue"), "revenue",
          (positive("revenue"),), not_for=NOT_BANKS),
)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Growth:
    """A change over the prior year, both values from one filing (2.10)."""

    id: str
    label: str
    concept: str
    not_for: frozenset[Sector] = frozenset()


GROWTHS: dict[str, Growth] = {growth.id: growth for growth in (
    Growth("g1", "Revenue growth", "revenue"),
    Growth("g1_net_income", "Net income growth", "net_income"),
    Growth("g1_eps_diluted", "Diluted EPS growth", "eps_diluted"),
    Growth("g1_ocf", "Operating cash flow growth", "ocf"),
    Growth("g1_operating_income", "Operating income growth", "operating_income"),
    Growth("deposits_growth", "Deposits growth", "deposits", NOT_BANKS),
)}  # fmt: skip

CAGR_YEARS: dict[str, int] = {"g3": 3, "g5": 5}  # of revenue


def growth_refusal(now: Decimal, prior: Decimal) -> str | None:
    """Why a growth rate would mean nothing: the base is not positive, or next to nothing."""
    if prior <= 0:
        return "negative_base"
    return "base_near_zero" if prior < Decimal(str(NEAR_ZERO_BASE)) * abs(now) else None


def _invested(v: Values) -> float:
    """Average invested capital."""
    return v["avg equity_total"] + v["avg debt"] - v["avg liquid"]
