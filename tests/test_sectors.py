"""The sector of a company without a SIC code: told by what it files, and said."""

import pytest

from research_dashboard.research.analysis import analyse
from research_dashboard.research.model import Company
from research_dashboard.research.peer_results import shown_json
from research_dashboard.research.peers import compare
from tests.filed import TODAY, Book, bundled

YEAR = "2025-01-01", "2025-12-31"
BANK = {"InterestIncomeExpenseNet": 60, "NoninterestIncome": 40, "NoninterestExpense": 50, "Revenues": 100}
INSURER = {"PremiumsEarnedNet": 90, "PolicyholderBenefitsAndClaimsIncurredNet": 70, "Revenues": 100}


@pytest.mark.parametrize(
    ("filed", "sector"),
    [
        (BANK, "bank"),
        (INSURER, "insurer"),
        ({"RegulatedAndUnregulatedOperatingRevenue": 9}, "utility"),
        ({"Revenues": 100, "NoninterestIncome": 4}, "general"),  # one such tag tells nothing
        ({"Revenues": 100}, "general"),
    ],
)
def test_what_is_filed_tells_the_sector(filed: dict[str, int], sector: str) -> None:
    book = Book().file("10-K", "2026-02-01").year(*YEAR, **filed)
    analysis = analyse(Company(1, 1, "A"), book.facts, TODAY)
    assert analysis.sector == sector
    assert [note["kind"] for note in analysis.notes] == (["sector"] if sector != "general" else [])


def test_the_sic_code_decides_where_it_is_known() -> None:
    book = Book().file("10-K", "2026-02-01").year(*YEAR, **BANK)
    analysis = analyse(Company(1, 1, "A", sic=7372), book.facts, TODAY)
    assert (analysis.sector, analysis.notes) == ("general", ())


def test_only_the_newest_annual_report_tells() -> None:
    book = Book().file("10-K", "2025-02-01").year("2024-01-01", "2024-12-31", **BANK)
    book.file("10-K", "2026-02-01").year(*YEAR, Revenues=100)
    assert analyse(Company(1, 1, "A"), book.facts, TODAY).sector == "general"


@pytest.mark.parametrize(
    "ticker", ["DUK", "AAPL", "XOM", "HRB", "WMT", "UPS", "PFE", "KHC", "AMZN", "BA", "ORCL", "DOW"]
)
def test_a_bundled_company_is_told_as_its_sic_code_says(ticker: str) -> None:
    company, facts = bundled(ticker)
    blind = Company(company.id, company.cik, company.name)
    assert analyse(blind, facts, TODAY).sector == analyse(company, facts, TODAY).sector


def test_a_peer_told_to_be_a_bank_has_no_debt_to_equity_and_the_set_says_why() -> None:
    subject = analyse(*bundled("SNOW"), TODAY)
    facts = Book().file("10-K", "2026-02-01").year(*YEAR, **BANK)
    facts.stock("StockholdersEquity", 40, YEAR[1]).stock("ShortTermBorrowings", 30, YEAR[1])
    bank = Company(2, 2, "A Bank")
    found = compare(subject, [bank], lambda _: analyse(bank, facts.facts, TODAY), (bank.id,), lambda *_: {})
    assert found is not None
    (peer,) = found.display.peers
    assert peer.figure("de").code == "not_applicable_sector"
    assert "A Bank is not known here; it is read as a bank" in shown_json(found)["warning"]
