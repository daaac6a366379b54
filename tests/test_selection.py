"""A company of which the bundle has some tags only: what is absent is not in the data, and no page says more."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import reading
from research_dashboard.pages.report import run_facts
from research_dashboard.queries.companies import companies_with_facts
from research_dashboard.queries.reports import results_by_type
from research_dashboard.reports.build import build
from research_dashboard.reports.markdown import write
from research_dashboard.reports.sentences import plain
from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.concepts import CONCEPTS
from research_dashboard.research.evaluate import EVERY_RATIO
from research_dashboard.research.financials import gaps
from research_dashboard.research.peer_results import market_position
from research_dashboard.services import runs
from research_dashboard.services.research import as_known
from research_dashboard.sources.bundled import selections
from research_dashboard.tables.runs import ResearchRun, Source
from research_dashboard.worker import Worker
from tests.companies_by_hand import ByHand
from tests.conftest import Page
from tests.filed import TODAY, bundled
from tests.test_peers import compared, filer
from tests.test_rules import verdict

SELECTED = ("SNOW", "DDOG", "TTD", "MDB", "JPM", "GOOGL")
NEVER_OF_A_SELECTION = {"not_reported", "partial_tag_only", "st_investments_not_found", "unclassified_balance_sheet",
                        "no_opening_balance", "no_prior_year"}  # fmt: skip
SAID = "not in the data at hand (the bundled figures of Snowflake Inc. are a selection)"


def analysed(ticker: str, selection: bool = True) -> Analysis:
    company, facts = bundled(ticker)
    return analyse(replace(company, selection=selection), facts, TODAY)


def test_the_bundle_says_of_which_companies_it_has_a_selection(bundled: Flask) -> None:
    ciks = {company.cik for company in companies_with_facts(Source.BUNDLED) if {*company.tickers} & {*SELECTED}}
    assert len(ciks) == 6
    assert selections() == ciks


def test_only_the_bundled_source_is_a_selection(bundled: Flask) -> None:
    companies = {company.ticker: company for company in companies_with_facts(Source.BUNDLED)}
    assert as_known(companies["SNOW"], Source.BUNDLED).selection
    assert not as_known(companies["SNOW"], Source.LIVE).selection
    assert not as_known(companies["SNOW"], Source.IMPORTED).selection
    assert not as_known(companies["AAPL"], Source.BUNDLED).selection


@pytest.mark.parametrize("ticker", SELECTED)
def test_no_absent_figure_of_a_selection_speaks_of_the_filings(ticker: str) -> None:
    analysis = analysed(ticker)
    absent = [
        figure
        for year in analysis.years
        for name in (*CONCEPTS, *EVERY_RATIO)
        if not (figure := analysis.figure(name, year.end)).present
    ]
    assert any(figure.code == "not_in_data" for figure in absent)
    for figure in absent:
        if "short-term investments are inside the cash line" in " ".join(figure.notes).lower():
            continue
        assert figure.code not in NEVER_OF_A_SELECTION, (figure.concept, figure.end, figure.code)
        if figure.code == "not_in_data":
            assert "not in the data at hand" in (figure.reason or "")
            assert "urn on live data" in (figure.reason or "")


def test_cash_alone_is_not_taken_for_all_liquid_funds_in_a_selection() -> None:
    end = analysed("GOOGL").latest.end
    assert analysed("GOOGL", selection=False).figure("liquid", end).present
    assert analysed("GOOGL").figure("liquid", end).code == "not_in_data"
    assert analysed("GOOGL").figure("nd", end).code == "not_in_data"


def test_a_whole_source_keeps_not_reported() -> None:
    analysis = analysed("NKE", selection=False)
    assert analysis.figure("operating_income", analysis.latest.end).code == "not_reported"


def test_a_peer_left_out_for_want_of_data_is_not_said_to_report_nothing() -> None:
    members = [filer(n, 7372) for n in range(1, 7)]
    lacking = filer(9, 7372, [None] * 6)
    lacking.company = replace(lacking.company, selection=True)
    (out,) = compared(*members, lacking).display.excluded
    assert out.code == "not_in_data"
    assert "not in the bundled selection" in out.reason
    alone = market_position(ByHand({}, replace(ByHand({}).company, selection=True)), None)
    assert alone["market_share"]["code"] == "not_in_data"


def test_what_a_selection_lacks_is_not_taken_for_nothing_by_a_rule() -> None:
    values: dict[str, Any] = {"nd": [-30e6], "assets": [200e6], "debt": [1]}
    selected = replace(ByHand({}).company, selection=True)
    assert verdict("S07", values).state == "fired"
    assert verdict("S07", values, company=selected).state == "untested"


def test_a_report_on_a_selection_says_so_once_and_dwells_on_no_gap(
    bundled: Flask, visit: Callable[..., Page], client: FlaskClient
) -> None:
    run_id = runs.start_research("SNOW", "ann").run_id
    Worker(bundled).work()
    with reading() as session:
        results: dict[str, Any] = results_by_type(session, run_id)
        report = build(run_facts(session.get_one(ResearchRun, run_id)), results)
    assert [title for title, _ in report.banners].count("A selection of figures") == 1
    assert "hold no balance sheets" not in " ".join(report.notes)
    look = next(said for question, said in report.answers if question == "What to look at")
    assert not any(word in plain(sentence) for sentence in look for word in ("missing", "not reported"))
    assert report.gaps
    assert {gap.code for gap in report.gaps} <= {"not_in_data"}
    assert all(gap.mark == "n/r" and SAID in gap.reason for gap in report.gaps)
    assert all(tile.cell.present for tile in report.tiles)
    assert len(report.tiles) == 6
    hollow = [row.label for part in report.parts for row in part.rows if not any(cell.present for cell in row.cells)]
    assert hollow == []
    assert report.notes[0].startswith("Not in the data at hand, which are a selection of the company’s figures: net ")
    assert all(row.value is not None for row in report.standing)
    assert "return on equity" in report.unplaced_line
    page = visit(f"/runs/{run_id}")
    assert "none of the tags stands in the filings" not in page.text("main")
    assert page.soup.select_one("#gaps #gap-net_income")
    assert not page.soup.select("#gaps table")
    assert "none of the tags stands" not in write(report)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/runs/{run_id}/report.csv").text)))
    assert "not_in_data" in {row["code"] for row in rows}
    assert "not_reported" not in {row["code"] for row in rows if row["company"].startswith("Snowflake")}


def test_a_margin_does_not_apply_to_a_bank_even_where_its_input_is_missing() -> None:
    bank = analysed("JPM")
    codes = {bank.figure(name, bank.latest.end).code for name in ("gm", "om", "fcfm", "de")}
    assert codes == {"not_applicable_sector"}


def test_a_derived_figure_names_the_input_that_it_lacks() -> None:
    nike = analysed("NKE", selection=False)
    assert (
        nike.figure("ebitda", nike.latest.end).reason == "EBITDA cannot be derived: operating income is not reported."
    )
    snow = analysed("SNOW")
    words = snow.figure("ebitda", snow.latest.end).reason or ""
    assert words.startswith("EBITDA cannot be derived: depreciation and amortization is ")
    assert SAID in words


def test_what_a_bank_never_reports_does_not_apply_and_is_no_gap() -> None:
    bank = analysed("JPM")
    never = {"inventory", "receivables", "payables", "cost_of_revenue", "operating_income", "capex", "current_assets"}
    assert {bank.figure(name, bank.latest.end).code for name in never} == {"not_applicable_sector"}
    listed = {gap["concept"] for gap in gaps(bank)["gaps"]}
    assert not listed & {*never, "fcf", "current_liabilities", "debt", "gross_profit", "sga", "rnd"}
    assert "deposits" in listed  # a bank has them, this selection does not
