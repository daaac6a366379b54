"""The rules and the peers on what the bundled companies filed."""

from collections import Counter
from datetime import date
from functools import cache
from typing import Any

import pytest

from research_dashboard.extensions import from_json, to_json
from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.changes import what_changed
from research_dashboard.research.financials import financial_health
from research_dashboard.research.model import Company
from research_dashboard.research.peer_results import market_position, peer_comparison
from research_dashboard.research.peers import Comparison, compare
from research_dashboard.research.rules import RULES
from research_dashboard.research.rules.engine import Verdict
from research_dashboard.research.swot import insights, judge, swot_analysis
from research_dashboard.sources.bundled import sic_list
from tests.filed import TODAY, bundle_once, facts_of


@cache
def companies() -> dict[str, Company]:
    """The 26 companies by ticker, with their review office."""
    found = {}
    for one in bundle_once().companies:
        assert one.cik is not None
        office = sic_list().get(one.sic or 0, (None, None))[1]
        found[one.tickers[0]] = Company(one.cik, one.cik, one.name, one.tickers, sic=one.sic, office=office)
    return found


@cache
def analysed(company: Company) -> Analysis:
    """All figures of a bundled company, as known today."""
    assert company.cik is not None
    return analyse(company, facts_of(bundle_once().facts(company.cik), company.cik), TODAY)


@cache
def compared(ticker: str) -> Comparison:
    """A bundled company set against the others."""
    found = compare(analysed(companies()[ticker]), list(companies().values()), analysed)
    assert found is not None
    return found


@cache
def judged(ticker: str) -> list[Verdict]:
    """The rules tried on a bundled company."""
    return judge(analysed(companies()[ticker]), compared(ticker))


def sentences(ticker: str) -> dict[str, str]:
    """What is shown, by rule."""
    told = insights(judged(ticker), analysed(companies()[ticker]))
    return {finding["rule"]: finding["sentence"] for finding in told["findings"]}


def test_every_bundled_company_can_be_judged_and_carries_the_facts_it_is_judged_by() -> None:
    assert len(companies()) == 26
    for ticker, company in companies().items():
        swot, told = swot_analysis(judged(ticker)), insights(judged(ticker), analysed(company))
        assert swot["tested"] >= (5 if ticker == "JPM" else 15), ticker
        shown = [finding for name in ("strengths", "weaknesses", "opportunities", "threats") for finding in swot[name]]
        assert told["count"] == len(shown) >= 1, ticker
        for finding in shown:
            assert finding["figures"], (ticker, finding["rule"])
            assert {str(fact) for fact in finding["facts"]} <= set(swot["facts"])
            assert all(figure.get("facts") for figure in finding["figures"])
            assert "{" not in finding["sentence"]


def test_how_often_each_rule_fires_stays_near_what_was_measured() -> None:
    """FINANCE.md measured 36 companies; these 26 are nearly all among them, so no count can be far above its own."""
    measured = dict(zip([rule.id for rule in RULES], (
        7, 15, 2, 6, 12, 9, 7, 9, 13, 3, 6, 9, 3, 5, 8, 3, 6, 3, 2, 6, 2, 3, 2, 7, 2, 1, 4, 9, 1, 4, 5, 3, 7, 7, 6, 5,
    ), strict=True))  # fmt: skip
    fired = Counter(verdict.rule.id for ticker in companies() for verdict in judged(ticker) if verdict.fired)
    assert {rule: count for rule, count in fired.items() if count > measured[rule] + 3} == {}
    assert sum(fired.values()) == pytest.approx(sum(measured.values()) * 26 / 36, rel=0.15)


def test_no_two_rules_that_cannot_meet_fire_on_one_company() -> None:
    apart = ({"S01", "W01"}, {"S02", "W01"}, {"S04", "T03"}, {"S05", "W02"}, {"S07", "W06"}, {"S07", "W07"},
             {"S08", "T01"}, {"S09", "W05"}, {"O07", "W01"}, {"O01", "T02"}, {"W01", "T02"}, {"W07", "T01"},
             {"O04", "T06"}, {"O04", "T08"})  # fmt: skip
    for ticker in companies():
        fired = {verdict.rule.id for verdict in judged(ticker) if verdict.fired}
        assert not [pair for pair in apart if pair <= fired], ticker


def test_a_chip_maker_is_set_against_chip_makers() -> None:
    peers = {peer.company.ticker for peer in compared("NVDA").display.peers}
    assert "INTC" in peers
    found = compared("INTC").finding
    assert found is None or found.level == "office" or {peer.company.sic for peer in found.peers} == {3674}


def test_apple_is_set_against_its_review_office() -> None:
    apple = compared("AAPL")
    assert (apple.calendar_year, apple.display.level) == (2025, "office")
    assert {"MSFT", "GOOGL", "ORCL", "ADBE", "SNOW"} <= {peer.company.ticker for peer in apple.display.peers}
    assert "fewer than five share SIC 3571, 357 or 35" in apple.display.text
    position = market_position(analysed(companies()["AAPL"]), apple)
    assert (position["rank"], position["of"]) == (1, 9)
    assert position["market_share"]["value"] == pytest.approx(34.5, abs=0.1)
    assert position["market_share"]["wording"].endswith("reported by these 9 companies for CY2025")


def test_microsofts_june_year_waits_for_its_peers() -> None:
    microsoft = compared("MSFT")
    assert microsoft.calendar_year == 2025
    assert str(microsoft.display.subject.year.end) == "2025-06-30"
    assert market_position(analysed(companies()["MSFT"]), microsoft)["older_year"] is True
    shown = peer_comparison(microsoft)
    ends = {member["ticker"]: member["end"] for member in shown["members"]}
    assert (ends["MSFT"], ends["ORCL"], ends["ADBE"]) == ("2025-06-30", "2026-05-31", "2025-11-28")
    assert sentences("MSFT")["S03"].endswith("(FY2025, the year compared)")


def test_kraft_heinz_lost_money_and_made_cash() -> None:
    assert sentences("KHC")["W02"] == (
        "The year closed with a net loss of US$ 5.8 bn, 23.4% of revenue, after impairment charges of US$ 9.3 bn, "
        "although free cash flow was positive in five years, 14.7% of revenue lately"
    )
    assert "W06" not in {verdict.rule.id for verdict in judged("KHC") if verdict.fired}


def test_a_year_later_the_new_period_is_told_and_the_same_day_nothing() -> None:
    def results(as_of: date) -> dict[str, Any]:
        company = companies()["AAPL"]
        assert company.cik is not None
        analysis = analyse(company, facts_of(bundle_once().facts(company.cik), company.cik), as_of)
        manifest = {"rules_version": "1", "as_of": as_of.isoformat()}
        made = {"manifest": manifest, "financial_health": financial_health(analysis)}
        return {name: from_json(to_json(result)) for name, result in made.items()}

    before, after = results(date(2025, 9, 1)), results(date(2026, 9, 1))
    found = what_changed(before, after)
    assert found["changes"][0]["kind"] == "new_period"
    assert found["changes"][0]["text"].startswith(
        "New: FY2025, year ended 27 Sep 2025, against FY2024: revenue US$ 416.2 bn (+6.4%), operating income "
    )
    assert found["refiled"] > 20
    assert [filing["text"] for filing in found["filings"]] == [
        "10-K for FY2025, year ended 27 Sep 2025, filed 31 Oct 2025"
    ]
    same = what_changed(after, after)
    assert (same["changes"], same["small"], same["refiled"]) == ([], [], 0)


def test_a_bank_is_not_judged_by_rules_for_makers() -> None:
    untested = {verdict.rule.id for verdict in judged("JPM") if verdict.state == "untested"}
    assert {"S03", "S04", "S05", "S06", "S07", "W05", "W06", "W08", "O04", "O08", "T03", "T06"} <= untested


def test_companies_filed_as_a_selection_of_tags_have_years_all_the_same() -> None:
    for ticker in ("SNOW", "DDOG", "TTD", "MDB"):
        analysis: Any = analysed(companies()[ticker])
        assert len(analysis.years) >= 5, ticker
        assert analysis.figure("revenue", analysis.latest.end).present
        assert analysis.figure("assets", analysis.latest.end).code == "not_reported"
