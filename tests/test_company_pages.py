"""The company page and the fact card."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from research_dashboard.extensions import writing
from research_dashboard.models import Company, DataLoad, Fact, Filing, ResearchResult, ResearchRun, Ticker, XbrlTag
from tests.conftest import Page
from tests.report_results import results

Visit = Callable[..., Page]
YEAR = (date(2024, 9, 29), date(2025, 9, 27))


@pytest.fixture
def apple(app: Flask) -> list[int]:
    """Apple with one revenue in two filings of different value, and one balance; the ids of the facts."""
    with app.app_context(), writing() as session:
        company = Company(cik=320193, name="Apple Inc.", exchange="Nasdaq", sic=3571, sic_description="Computers")
        company.tickers = [Ticker(symbol="AAPL")]
        revenue, assets = (
            XbrlTag(taxonomy="us-gaap", name="SalesRevenueNet"),
            XbrlTag(taxonomy="us-gaap", name="Assets"),
        )
        load = DataLoad(source="bundled", name="bundle", version="1", sha256="0" * 64)
        session.add_all([company, revenue, assets, load])
        session.flush()
        first, later = (
            Filing(accession=f"0000320193-{year}-000001", company=company, form="10-K", filed=date(2000 + year, 10, 31))
            for year in (25, 26)
        )
        common = {"company": company, "source": "bundled", "unit": "USD", "load_id": load.id}
        flow = {**common, "tag": revenue, "start": YEAR[0], "end": YEAR[1]}
        facts = [
            Fact(**flow, value=Decimal(416161000000), filing=first),
            Fact(**flow, value=Decimal(416100000000), filing=later),
            Fact(**common, tag=assets, end=YEAR[1], value=Decimal("359241000000.5"), filing=first),
        ]
        session.add_all(facts)
        session.flush()
        return [fact.id for fact in facts]


def test_a_fact_card_shows_every_filing_of_the_period_and_what_differs(apple: list[int], visit: Visit) -> None:
    page = visit(f"/facts/{apple[0]}")
    assert page.text("h1") == "Sales Revenue Net, 27 Sep 2025, Apple Inc."
    assert "416,161,000,000 USD" in page.text(".tile .value")
    assert "29 Sep 2024 – 27 Sep 2025" in page.text("main")
    assert "Restated, 2 values" in page.text(".badge")
    assert len(page.soup.select("table tbody tr")) == 2
    link = "https://www.sec.gov/Archives/edgar/data/320193/000032019325000001/0000320193-25-000001-index.htm"
    assert page.soup.select_one(f"a[href='{link}']")
    assert '"val": 416161000000' in page.text("pre")


def test_a_balance_has_a_day_and_keeps_its_fraction(apple: list[int], visit: Visit) -> None:
    page = visit(f"/facts/{apple[2]}")
    assert "359,241,000,000.5 USD" in page.text(".tile .value")
    assert "a balance, not a flow" in page.text("main")


def test_a_fact_names_the_figures_of_the_newest_report_that_stand_on_it(
    app: Flask, apple: list[int], visit: Visit
) -> None:
    data = results()
    data["financial_health"]["concepts"]["revenue"][-1]["facts"] = [apple[0]]
    with app.app_context(), writing() as session:
        company = session.query(Company).one()
        run = ResearchRun(
            company="Apple Inc.", researcher="a", status="Completed", origin="research", company_id=company.id
        )
        run.results = [ResearchResult(result_type=kind, result_data=value) for kind, value in data.items()]
        session.add(run)
    page = visit(f"/facts/{apple[0]}")
    assert "Revenue, FY2025" in page.text("main")
    page = visit("/companies/320193")
    assert page.text("tr:has(a[href$='#how-revenue'])").startswith("Revenue 365,817")
    assert "Completed" in page.text(".list")


def test_a_company_page_says_what_is_at_hand(apple: list[int], visit: Visit) -> None:
    page = visit("/companies/320193")
    assert page.text("h1") == "Apple Inc."
    assert "Not researched yet" in page.text(".empty")
    assert "3 filed facts" in page.text("main")
    assert "AAPL" in page.text(".lead")


def test_a_known_company_without_figures_says_how_to_get_them(app: Flask, visit: Visit) -> None:
    with app.app_context(), writing() as session:
        session.add(Company(cik=5, name="Unloaded Corp."))
    assert "Known, but no figures here" in visit("/companies/5").text(".empty")


def test_what_is_not_there_is_a_404(visit: Visit) -> None:
    assert "CIK 99" in visit("/companies/99", status=404).text("main")
    assert "no fact 99" in visit("/facts/99", status=404).text("main")
