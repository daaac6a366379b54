"""Companies the bundle does not hold, from the SEC's complete answers where they are at hand."""

from datetime import date

import pytest

from research_dashboard.research.analysis import analyse
from research_dashboard.research.financials import financial_health
from research_dashboard.research.periods import currency_of, file_facts, usable
from research_dashboard.research.quarters import quarters
from tests.filed import TODAY, answered

MCDONALDS, TEXAS, HOME_DEPOT, UNDER_ARMOUR, MARVELL, LPA = 63908, 97476, 354950, 1336917, 1835632, 1997711


def test_under_armour_changed_its_year_end() -> None:
    analysis = analyse(*answered(UNDER_ARMOUR), TODAY)
    ends = [str(year.end) for year in analysis.years]
    assert ends[ends.index("2021-12-31") + 1] == "2023-03-31"
    assert [(str(one.start), str(one.end)) for one in analysis.transition_periods] == [("2022-01-01", "2022-03-31")]
    end = date(2023, 3, 31)
    assert analysis.figure("g1", end).code == "no_prior_year"
    assert analysis.figure("roa", end).present, "the balance of the transition report opens the year"


def test_an_ifrs_filer_reads_its_own_taxonomy_and_a_padded_cik() -> None:
    analysis = analyse(*answered(LPA), TODAY)
    revenue = analysis.figure("revenue", analysis.latest.end)
    assert revenue.facts[0].name == "ifrs-full:Revenue"
    assert revenue.facts[0].filing.form.startswith("20-F")
    assert {"ifrs", "stale"} <= {note["kind"] for note in analysis.notes}
    cash_flow = analysis.figure("ocf", analysis.latest.end)
    assert "Before tax and interest." in cash_flow.notes


def test_home_depot_names_its_years_by_their_start_and_has_little_equity() -> None:
    analysis = analyse(*answered(HOME_DEPOT), TODAY)
    assert {str(year.end): year.label for year in analysis.years}["2024-01-28"] == "FY2023"
    assert any(year.days == 371 for year in analysis.years)
    assert analysis.figure("roe", date(2024, 1, 28)).code in ("thin_equity", "negative_equity")


def test_mcdonalds_equity_is_negative_and_its_debt_holds_the_current_part() -> None:
    analysis = analyse(*answered(MCDONALDS), TODAY)
    assert analysis.figure("de", analysis.latest.end).code == "negative_equity"
    assert analysis.figure("debt", analysis.latest.end).present
    assert analysis.figure("d_and_a", analysis.latest.end).facts[0].tag.startswith("Depreciation")


def test_marvell_counts_one_short_term_item_once() -> None:
    debt = analyse(*answered(MARVELL), TODAY).figure("debt", date(2022, 1, 29))
    assert debt.present
    assert len({fact.value for fact in debt.facts}) == len(debt.facts)


def test_quarters_of_a_year_add_up_to_it() -> None:
    company, facts = answered(TEXAS)
    analysis = analyse(company, facts, TODAY)
    known = usable(facts, TODAY)
    found = {one.end: one for one in quarters(file_facts(known, currency_of(known)), "revenue")}
    year = analysis.latest
    own = [one for one in found.values() if one.start and year.start <= one.start and one.end <= year.end]
    assert len(own) == 4
    assert sum(one.value or 0 for one in own) == analysis.figure("revenue", year.end).value
    assert own[-1].made == "derived"


@pytest.mark.parametrize("cik", [MCDONALDS, TEXAS, HOME_DEPOT, UNDER_ARMOUR, MARVELL, LPA])
def test_every_figure_of_every_company_has_facts_or_a_reason(cik: int) -> None:
    company, facts = answered(cik)
    analysis = analyse(company, facts, TODAY)
    analysis.figure("revenue", analysis.latest.end)
    health = financial_health(analysis)
    for series in (*health["concepts"].values(), *health["ratios"].values()):
        for figure in series:
            assert figure["value"] is not None or (figure["code"] and figure["reason"])
