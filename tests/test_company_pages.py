"""The company page and the fact card."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from research_dashboard.extensions import reading, writing
from research_dashboard.models import (
    Company,
    DataLoad,
    Fact,
    Filing,
    ResearchResult,
    ResearchRun,
    Source,
    Ticker,
    XbrlTag,
)
from research_dashboard.queries.companies import facts_of
from research_dashboard.research.places import place_name, seat
from research_dashboard.services.companies import resolve
from research_dashboard.services.runs import start_research
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.report_results import results
from tests.test_pipeline import research

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
    for figure in data["financial_health"]["concepts"]["revenue"]:
        figure["value"] = 43_862_372  # below 1,000 million the tables have a decimal
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
    assert page.text("section[aria-labelledby=us-h] td.num") == "43.9"
    assert "shown in reports as US$ 416,161.0 m" in page.text(".tile")
    page = visit("/companies/320193")
    assert page.text("tr:has(a[href$='#how-revenue'])").startswith("Revenue 43.9")
    assert "Completed" in page.text("#company-runs tbody")


def test_a_company_page_says_what_is_at_hand(apple: list[int], visit: Visit) -> None:
    page = visit("/companies/320193")
    assert page.text("h1") == "Apple Inc."
    assert "Not researched yet" in page.text(".empty")
    assert "3 filed facts" in page.text("main")
    assert "AAPL" in page.text(".lead")


def test_every_run_of_a_company_is_on_its_page_and_its_filter_finds_the_same(
    app: Flask, apple: list[int], visit: Visit
) -> None:
    with app.app_context(), writing() as session:
        company_id = session.scalar(select(Company.id))
        filed = {"company": "Apple Inc.", "researcher": "a", "status": "Completed", "company_id": company_id}
        session.add_all([ResearchRun(**filed, date=datetime(2026, 1, n, tzinfo=UTC)) for n in range(1, 13)])
        session.add(ResearchRun(**filed | {"status": "Failed"}, deleted_at=datetime(2026, 2, 1, tzinfo=UTC)))
        session.add(ResearchRun(company="Apple Inc.", researcher="program", status="Completed"))
        session.add(ResearchRun(company="Other", researcher="program", status="Completed"))
    page = visit("/companies/320193")
    assert page.text("#company-runs .pager p") == "Showing 1–10 of 12 total runs"
    assert page.text("#company-runs footer").startswith("13 runs bear this name")
    assert visit("/companies/320193?page=2").texts("#company-runs tbody .key") == ["#2", "#1"]
    all_of_them = page.soup.select_one("#company-runs header a")
    assert all_of_them
    assert visit(str(all_of_them["href"])).text("#runs .pager p") == "Showing 1–12 of 12 of 14 total records"
    named = page.soup.select_one("#company-runs footer a")
    assert named
    assert visit(str(named["href"])).text("#runs .pager p") == "Showing 1–13 of 13 of 14 total records"
    assert "page" in visit("/companies/320193?page=0", status=422).text("main")


def test_a_company_page_has_every_year_what_changed_and_a_way_to_compare(
    bundled: Flask, client: FlaskClient, visit: Visit
) -> None:
    for day in (date(2025, 9, 1), date(2026, 9, 1)):
        start_research("AAPL", "ann", as_of=day)
        Worker(bundled).work()
    page = visit("/companies/320193")
    years = page.texts("table.years thead th.num")[:-1]
    assert len(years) == 10
    assert (years[0], years[-1]) == ("FY2016", "FY2025")
    cells = page.soup.select("tr:has(a[href$='#how-revenue']) td.num")
    assert cells[0].get_text(strip=True) == "215,639"
    assert cells[0].select_one("a[href^='/facts/']")
    notes = page.texts("section[aria-labelledby=k-h] footer p")
    assert any("4-for-1 share split" in note for note in notes)
    assert not any("7-for-1" in note for note in notes)
    assert notes[-1] == "Filed, but before the ten years of a report: FY2007 to FY2015."
    assert "New filing: 10-" in page.text("section[aria-labelledby=news-h]")
    assert page.soup.select_one(".head a[href='/compare?run=1&run=2']")


def test_a_known_company_without_figures_says_how_to_get_them(app: Flask, visit: Visit) -> None:
    with app.app_context(), writing() as session:
        session.add(Company(cik=5, name="Unloaded Corp."))
    assert "Known, but no figures here" in visit("/companies/5").text(".empty")


def test_a_foreign_seat_is_named_in_words(app: Flask, visit: Visit) -> None:
    with app.app_context(), writing() as session:
        session.add(Company(cik=5, name="Logistics", state="G2", state_of_incorporation="E9"))
    shown = visit("/companies/5").text("section[aria-labelledby=p-h]")
    assert "Seat Costa Rica" in shown
    assert "Incorporated Cayman Islands" in shown


@pytest.mark.parametrize(
    ("code", "name"), [("CA", "CA"), ("A6", "Ontario"), ("XX", "XX"), (None, ""), ("2M", "Germany")]
)
def test_a_code_that_is_not_known_for_sure_stays_as_it_is(code: str | None, name: str) -> None:
    assert place_name(code) == name


@pytest.mark.parametrize(
    ("city", "code", "name"),
    [
        ("ONTARIO CANADA", "ON", "Ontario, Canada"),
        ("CANADA", "QC", "Quebec, Canada"),
        ("OAKVILLE", "ON", "Oakville, ON"),
        ("Toronto", "A6", "Toronto, Ontario"),
        ("Cupertino", "CA", "Cupertino, CA"),
        (None, "G2", "Costa Rica"),
        ("SINGAPORE", None, "Singapore"),
        (None, None, ""),
    ],
)
def test_a_seat_names_its_province_once(city: str | None, code: str | None, name: str) -> None:
    assert seat(city, code) == name


def test_the_page_of_a_company_and_a_card_show_what_was_known_on_the_newest_day(bundled: Flask, visit: Visit) -> None:
    newest = research(bundled, "AAPL", as_of=date(2026, 11, 1))
    research(bundled, "AAPL", as_of=date(2022, 11, 1))  # ran later, and knows less
    shown = visit("/companies/320193").text("section[aria-labelledby=k-h] header")
    assert f"run #{newest.id} , as known on 1 Nov 2026" in shown
    page = visit("/companies/320193")
    fact = next(str(a["href"]) for a in page.soup.select("a[href^='/facts/']"))
    assert f"run #{newest.id} , as known on 1 Nov 2026" in visit(fact).text("section[aria-labelledby=us-h]")


def test_a_card_says_whether_two_values_are_a_split_or_a_restatement(bundled: Flask, visit: Visit) -> None:
    with reading() as session:
        wanted = (Company.cik == 1018724, XbrlTag.name == "EarningsPerShareDiluted", Fact.end == date(2021, 12, 31))
        whole = select(Fact.id).join(XbrlTag).join(Company).where(*wanted, Fact.start == date(2021, 1, 1))
        amazon = session.scalars(whole.order_by(Fact.id).limit(1)).one()
    assert "Share split, 2 values" in visit(f"/facts/{amazon}").text("[aria-labelledby=wh-h]")


def test_what_is_not_there_is_a_404(visit: Visit) -> None:
    assert "CIK 99" in visit("/companies/99", status=404).text("main")
    assert "no fact 99" in visit("/facts/99", status=404).text("main")


def test_a_fact_card_shows_who_states_the_period_under_another_tag(bundled: Flask, visit: Visit) -> None:
    """Nike's year 2017 stands under Revenues in its own report and under a newer tag in that of 2019."""
    nike = resolve("NKE")
    found = next(
        fact
        for fact in facts_of(nike.id, Source.BUNDLED)
        if fact.tag == "RevenueFromContractWithCustomerExcludingAssessedTax" and str(fact.end) == "2017-05-31"
    )
    page = visit(f"/facts/{found.id}")
    rows = [row.get_text(" ", strip=True) for row in page.soup.select("section[aria-labelledby=ot-h] tbody tr")]
    assert rows
    assert all("34,350,000,000" in row and "Revenue" in row for row in rows)
    link = page.soup.select_one("section[aria-labelledby=ot-h] td a[href^='/facts/']")
    assert "34,350,000,000 USD" in visit(str(link["href"])).text(".tile .value")
