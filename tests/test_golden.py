"""Golden values: section 8 of FINANCE.md, read from the bundled filings, and ratios worked by hand."""

import csv
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from research_dashboard.research import analysis
from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.model import Fact
from tests.filed import TODAY, bundled

ROWS = list(csv.DictReader(Path(__file__).with_name("golden_figures.csv").read_text().splitlines()))
CONCEPTS = [name for name in ROWS[0] if name not in ("company", "end", "own_accession")]
TAGS = {
    "X": "RevenueFromContractWithCustomerExcludingAssessedTax",
    "I": "RevenueFromContractWithCustomerIncludingAssessedTax",
    "R": "Revenues",
    "U": "RegulatedAndUnregulatedOperatingRevenue",
    "C": "NetIncomeLossAvailableToCommonStockholdersBasic",
    "P": "PaymentsToAcquireProductiveAssets",
    "n": "LongTermDebtNoncurrent",
    "k": "LongTermDebtAndCapitalLeaseObligations",
    "kc": "LongTermDebtAndCapitalLeaseObligationsCurrent",
    "m": "LongTermNotesPayable",
    "c": "LongTermDebtCurrent",
    "d": "DebtCurrent",
    "s": "ShortTermBorrowings",
    "p": "CommercialPaper",
    "b": "ShortTermBankLoansAndNotesPayable",
    "t": "LongTermDebt",
}
# Where the filings themselves prove the given table wrong: docs/decisions/0010-adobe-debt.md.
DECIDED = {("ADBE", "2024-11-29", "debt"): "5628 t+d"}


@cache
def analysed(ticker: str) -> Analysis:
    """A bundled company, analysed once for all tests."""
    return analyse(*bundled(ticker), TODAY)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['company']}-{row['end']}")
def test_every_golden_value_is_the_filed_one(row: dict[str, str]) -> None:
    analysis, end = analysed(row["company"]), date.fromisoformat(row["end"])
    own = analysis.own_filing(end)
    assert own is not None
    assert own.accession == row["own_accession"]
    for concept in CONCEPTS:
        cell = DECIDED.get((row["company"], row["end"], concept), row[concept])
        value, _, tags = cell.partition(" ")
        figure = analysis.figure(concept, end)
        if value == "NR":
            assert figure.value is None, concept
            assert figure.tags_tried or figure.code == "not_applicable_sector", concept
            continue
        wanted = Decimal(value.rstrip("*"))
        assert isinstance(figure.value, Decimal), concept
        assert round(figure.value / 10**6, -int(wanted.as_tuple().exponent)) == wanted, concept
        assert not figure.other_filing, concept
        assert len({fact.filing.accession for fact in figure.facts}) == 1, "one filing"
        used = [fact.tag for fact in figure.facts if concept != "debt" or fact.value]
        if tags:
            assert used == [TAGS[tag] for tag in tags.split("+")], concept
        if concept != "debt":
            assert (figure.made == "derived") == value.endswith("*"), concept


@pytest.mark.parametrize("ticker", sorted({row["company"] for row in ROWS}))
def test_the_older_year_has_the_same_values_as_first_filed(ticker: str) -> None:
    older = next(row for row in ROWS if row["company"] == ticker)
    first = analyse(*bundled(ticker), TODAY, view="first")
    latest = analysed(ticker)
    end = date.fromisoformat(older["end"])
    for concept in CONCEPTS:
        expected = latest.figure(concept, end).value
        if (ticker, concept) == ("NKE", "debt"):
            expected = Decimal("7966000000")
        assert first.figure(concept, end).value == expected, concept


RATIOS = {
    ("AAPL", "2023-09-30"): {"g1": -2.8, "gm": 44.1, "om": 29.8, "roe": 171.9, "cr": 0.99, "de": 1.79, "cover": 29.1},
    ("MSFT", "2023-06-30"): {"g1": 6.9, "gm": 68.9, "om": 41.8, "roe": 38.8, "cr": 1.77, "de": 0.23, "cover": 45.0},
}


@pytest.mark.parametrize(("ticker", "end"), RATIOS)
def test_ratios_worked_by_hand(ticker: str, end: str) -> None:
    analysis = analysed(ticker)
    for ratio, wanted in RATIOS[ticker, end].items():
        figure = analysis.figure(ratio, date.fromisoformat(end))
        assert figure.value is not None, figure.reason
        shown = float(figure.value) * (100 if figure.unit == "percent" else 1)
        assert round(shown, 2 if ratio in ("cr", "de") else 1) == wanted, ratio
        assert figure.formula
        assert figure.inputs
        assert figure.facts


def test_interest_apple_no_longer_reports_is_taken_from_the_year_s_own_filing_and_marked() -> None:
    figure = analysed("AAPL").figure("interest_expense", date(2023, 9, 30))
    assert (figure.value, figure.other_filing) == (Decimal(3_933_000_000), True)
    later = analysed("AAPL").figure("cover", date(2025, 9, 27))
    assert later.code == "not_reported"
    assert "us-gaap:InterestExpenseNonoperating" in later.tags_tried


def test_a_bank_has_a_bank_s_revenue_and_no_gross_margin_nor_debt() -> None:
    jpm = analysed("JPM")
    assert jpm.sector == "bank"
    for year in jpm.years:
        assert {jpm.figure(id, year.end).code for id in ("gross_profit", "debt")} == {"not_applicable_sector"}
        revenue = jpm.figure("revenue", year.end)
        assert revenue.present or "us-gaap:NoninterestIncome" in revenue.tags_tried


def test_amazon_files_no_liabilities_and_no_research_expense() -> None:
    amazon = analysed("AMZN")
    liabilities = amazon.figure("liabilities", amazon.latest.end)
    assert liabilities.formula == "liabilities_and_equity − equity_total"
    research = amazon.figure("rnd", amazon.latest.end)
    assert (research.value, research.code) == (None, "not_reported")


def test_a_filed_gross_profit_that_is_not_revenue_less_cost_gives_way_with_a_warning() -> None:
    gross = analyse(*bundled("COST"), TODAY, view="first").figure("gross_profit", date(2019, 9, 1))
    assert (gross.value, gross.made) == (Decimal(19_817_000_000), "derived")
    assert any("16465000000" in note for note in gross.notes)


def test_operating_income_is_never_derived() -> None:
    for ticker in ("NKE", "PFE", "XOM", "DOW"):
        figure = analysed(ticker).figure("operating_income", analysed(ticker).latest.end)
        assert (figure.code, analysed(ticker).figure("om", analysed(ticker).latest.end).code) == ("not_reported",) * 2


@pytest.mark.parametrize(("ticker", "many"), [("NVDA", "10"), ("AMZN", "20"), ("WMT", "3")])
def test_a_split_is_said_and_older_numbers_per_share_stay_as_filed(ticker: str, many: str) -> None:
    words = f"{many}-for-1 share split"
    analysis = analysed(ticker)
    split = next(split for split in analysis.splits if split.words == words)
    assert any(note["kind"] == "split" and words in note["text"] for note in analysis.notes)
    old = [analysis.figure("eps_diluted", year.end) for year in analysis.years]
    before = [one for one in old if one.present and one.facts[0].filing.filed < split.filed]
    assert before
    assert all(any("split" in note for note in one.notes) for one in before)


def test_growth_per_share_across_a_split_comes_from_one_filing() -> None:
    now, then = analysed("AMZN").pair("eps_diluted", date(2022, 12, 31))
    assert now.facts[0].filing.accession == then.facts[0].filing.accession
    assert then.value == Decimal("3.24")  # filed as 64.81 a year before


def test_lost_investments_are_a_gap_and_net_debt_is_not_guessed() -> None:
    nvda = analysed("NVDA")
    for id in ("st_investments", "liquid", "nd", "qr", "roic"):
        assert nvda.figure(id, date(2026, 1, 25)).code == "st_investments_not_found", id


def test_years_of_52_and_53_weeks_june_and_january_are_fiscal_years() -> None:
    for ticker, ends in {"AAPL": (27, 28), "NVDA": (25, 26), "MSFT": (30,), "TGT": (31, 1), "HRB": (30,)}.items():
        assert {year.end.day for year in analysed(ticker).years[-2:]} <= set(ends), ticker
    assert analysed("WMT").latest.label == "FY2026"
    assert any(note["kind"] == "long_year" for note in analysed("AAPL").notes)


def test_a_loss_gives_no_payout_and_no_cash_conversion() -> None:
    intel = analysed("INTC")
    for id in ("cc", "payout", "etr"):
        assert intel.figure(id, date(2024, 12, 28)).code == "loss", id
    cover = intel.figure("cover", date(2024, 12, 28))
    assert (cover.value, cover.code) == (None, "loss")
    assert cover.raw is not None
    assert cover.raw < 0


def test_reading_years_by_the_label_of_the_filing_instead_of_the_days_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`fy` is the filing's: two of three annual facts are of an earlier year (EDGAR.md, trap 1)."""
    by_days = analysis.file_facts

    def moved(fact: Fact) -> Fact:
        year = fact.filing.fiscal_year
        if year is None or fact.start is None or fact.end.month == 2:  # 29 February has no other year
            return fact
        move = year - fact.end.year
        return replace(fact, start=fact.start + timedelta(365 * move), end=fact.end.replace(year=year))

    monkeypatch.setattr(
        analysis, "file_facts", lambda facts, currency: by_days([moved(fact) for fact in facts], currency)
    )
    newest = {row["company"]: row for row in ROWS}
    wrong = 0
    for ticker, row in newest.items():
        figure = analyse(*bundled(ticker), TODAY).figure("revenue", date.fromisoformat(row["end"]))
        wanted = Decimal(row["revenue"].split(" ")[0])
        wrong += figure.value is None or round(Decimal(figure.value) / 10**6, 1) != round(wanted, 1)
    assert wrong > 5
