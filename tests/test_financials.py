"""The results of the financial step: self-contained JSON, every figure with facts or with a reason."""

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from research_dashboard.research.analysis import analyse
from research_dashboard.research.financials import company_profile, financial_health, gaps
from research_dashboard.research.model import Company
from research_dashboard.research.record import facts_in
from tests.filed import TODAY, bundle_once, bundled


def stored() -> dict[str, Any]:
    """Apple's result through JSON and back."""
    body = msgspec.json.Encoder(decimal_format="number").encode(financial_health(analyse(*bundled("AAPL"), TODAY)))
    return dict(msgspec.json.decode(body))


@pytest.fixture(scope="module")
def health() -> dict[str, Any]:
    """Apple's financial health, as it is stored."""
    return stored()


def test_the_seed_s_three_are_those_of_the_latest_year(health: dict[str, Any]) -> None:
    assert health["fiscal_year"] == {"label": "FY2025", "start": "2024-09-29", "end": "2025-09-27"}
    assert health["revenue_growth"]["value"] == pytest.approx(6.425511)
    assert health["profit_margin"]["value"] == pytest.approx(26.915064)
    assert health["debt_equity_ratio"]["unit"] == "ratio"


def test_years_run_oldest_first_and_every_series_has_their_length(health: dict[str, Any]) -> None:
    ends = [year["end"] for year in health["years"]]
    assert ends == sorted(ends)
    assert len(ends) == 10
    assert health["years"][-1]["accession"] == "0000320193-25-000079"
    for series in (*health["concepts"].values(), *health["ratios"].values()):
        assert [figure["period"]["end"] for figure in series] == ends


def test_every_figure_has_facts_in_the_result_or_a_reason(health: dict[str, Any]) -> None:
    for series in (*health["concepts"].values(), *health["ratios"].values()):
        for figure in series:
            assert all(str(id) in health["facts"] for id in figure.get("facts", ()))
            if figure["value"] is None:
                assert figure["code"]
                assert figure["reason"]
            else:
                assert figure["facts"]


def test_a_filed_figure_names_its_tag_and_links_its_filing(health: dict[str, Any]) -> None:
    revenue = health["concepts"]["revenue"][-1]
    assert revenue["tag"] == "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax"
    assert revenue["value"] == 416_161_000_000
    assert revenue["url"].endswith("/320193/000032019325000079/0000320193-25-000079-index.htm")


def test_the_same_facts_give_the_same_bytes(health: dict[str, Any]) -> None:
    assert json.dumps(stored()) == json.dumps(health)


def test_gaps_name_the_tags_tried() -> None:
    found = gaps(analyse(*bundled("NKE"), TODAY))
    assert found["count"] == len(found["gaps"]) > 0
    income = next(gap for gap in found["gaps"] if gap["concept"] == "operating_income")
    assert income["code"] == "not_reported"
    assert income["tags_tried"][0] == "us-gaap:OperatingIncomeLoss"
    assert all(gap["tags_tried"] and gap["reason"] and gap["period_label"] for gap in found["gaps"])


def test_a_part_is_no_substitute_and_the_gap_says_so() -> None:
    mattel = analyse(*bundled("MAT"), TODAY)
    capex = mattel.figure("capex", mattel.latest.end)
    assert capex.code == "partial_tag_only"
    assert "PaymentsToAcquireOtherPropertyPlantAndEquipment" in (capex.reason or "")
    assert not mattel.figure("fcf", mattel.latest.end).present


def test_the_profile_names_the_newest_filing_known_on_the_day() -> None:
    company, facts = bundled("AAPL")
    profile = company_profile(company, facts, date(2025, 11, 15))
    assert profile["latest_filing"]["accession"] == "0000320193-25-000079"
    assert profile["latest_filing"]["period_end"] == "2025-09-27"
    assert profile["facts_read"] == len(facts)


def test_a_company_without_an_annual_report_has_no_year() -> None:
    analysis = analyse(Company(1, 1, "Nobody"), [], TODAY)
    assert analysis.years == ()
    assert analysis.notes == ()
    with pytest.raises(LookupError, match="no fiscal year"):
        financial_health(analysis)
    assert gaps(analysis) == {"count": 0, "gaps": []}


def test_a_stored_result_gives_back_the_facts_it_stands_on(health: dict[str, Any]) -> None:
    filed = {fact.id: fact for fact in bundled("AAPL")[1]}
    read = facts_in(health)
    assert read
    for id, fact in read.items():
        known = filed[id]
        assert (fact.name, fact.unit, fact.start, fact.end, fact.value) == (
            known.name, known.unit, known.start, known.end, known.value,
        )  # fmt: skip
        assert fact.filing.accession == known.filing.accession


def test_every_bundled_company_has_years_and_results_that_stand_on_facts() -> None:
    for company in bundle_once().companies:
        analysis = analyse(*bundled(company.tickers[0]), TODAY)
        result = financial_health(analysis)
        assert len(result["years"]) >= 3, company.name
        revenue = result["concepts"]["revenue"][-1]
        assert revenue["value"] is not None, company.name
        assert set(map(str, revenue["facts"])) <= set(result["facts"])
