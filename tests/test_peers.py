"""Peers: which set, which calendar year, who is left out and why; rank, median, percentile, share; the two results."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_dashboard.research import standing
from research_dashboard.research.crowd import MOST, Size, size_of
from research_dashboard.research.model import Company, FiscalYear
from research_dashboard.research.peer_results import market_position, peer_comparison, shown_json
from research_dashboard.research.peers import Comparison, calendar_year, compare, related
from research_dashboard.research.rules import RULES
from research_dashboard.research.rules.engine import Trial
from tests.companies_by_hand import ByHand

values_of = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


# ── Statistics ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ties_share_the_better_rank_and_count_half_in_the_percentile() -> None:
    others = [5.0, 3.0, 3.0, 1.0]
    assert standing.rank(3.0, others) == 2
    assert standing.percentile(3.0, others) == pytest.approx(100 * (1 + 0.5 * 2) / 4)
    assert standing.percentile(9.0, others) == 100
    assert standing.percentile(0.0, others) == 0


def test_the_median_takes_three_values_and_the_mean_of_two_middle_ones() -> None:
    assert standing.median([1.0, 2.0]) is None
    assert standing.median([3.0, 1.0, 2.0]) == 2
    assert standing.median([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_too_few_companies_have_no_percentile_and_no_concentration() -> None:
    assert standing.percentile(1.0, [1.0, 2.0, 3.0]) is None
    assert standing.percentile(1.0, [1.0, 2.0, 3.0], at_least=4) is not None
    assert standing.concentration([1.0] * 4) is None
    assert standing.concentration([1.0] * 5) == pytest.approx(2000)
    assert standing.share(1.0, []) is None


@given(st.floats(-1e6, 1e6), values_of)
def test_rank_and_percentile_agree(value: float, others: list[float]) -> None:
    place, among = standing.rank(value, others), standing.percentile(value, others, at_least=2)
    assert 1 <= place <= len(others) + 1
    assert among is not None
    assert 0 <= among <= 100
    assert (place == 1) == (max(others) <= value)
    if value not in others:
        assert among == pytest.approx(100 * (len(others) + 1 - place) / len(others))


@given(st.lists(st.floats(0.01, 1e9), min_size=2, max_size=20))
def test_the_shares_of_a_set_add_up(values: list[float]) -> None:
    shares = [standing.share(value, values[:i] + values[i + 1 :]) for i, value in enumerate(values)]
    assert sum(part for part in shares if part is not None) == pytest.approx(100)


@pytest.mark.parametrize(
    ("end", "year"),
    [("2025-12-31", 2025), ("2026-01-31", 2025), ("2026-05-31", 2025), ("2026-06-30", 2026), ("2025-09-27", 2025)],
)
def test_a_year_that_ends_by_may_belongs_to_the_calendar_year_before(end: str, year: int) -> None:
    assert calendar_year(date.fromisoformat(end)) == year


# ── Choosing the set ───────────────────────────────────────────────────────────────────────────────────────────────


def company(number: int, sic: int, office: str = "06", **values: Any) -> Company:
    return Company(number, number, f"Company {number}", sic=sic, office=office, **values)


def world(*members: ByHand) -> tuple[ByHand, list[Company], dict[int, ByHand]]:
    """The first is the subject."""
    return members[0], [each.company for each in members], {each.company.id: each for each in members}


def compared(*members: ByHand, chosen: tuple[int, ...] = ()) -> Comparison:
    subject, candidates, known = world(*members)
    found = compare(subject, candidates, lambda other: known[other.id], chosen)
    assert found is not None
    return found


def filer(
    number: int, sic: int, revenue: list[float | None] | None = None, office: str = "06", **values: Any
) -> ByHand:
    return ByHand({"revenue": revenue or [10 + number] * 6}, company(number, sic, office), **values)


def test_the_set_widens_until_five_peers_and_the_findings_take_the_narrowest_of_three() -> None:
    same4, same3, same2 = [filer(n, 7372) for n in (2, 3, 4)], [filer(5, 7379)], [filer(6, 7311), filer(7, 7320)]
    found = compared(filer(1, 7372), *same4, *same3, *same2, filer(8, 2834))
    assert (found.display.level, len(found.display.peers)) == ("sic2", 6)
    assert found.display.text == "6 companies of SIC 73; fewer than five share SIC 7372 or 737 in the loaded data"
    assert found.warning == (
        "These companies share no more than a broad industry with the company. Ranks within the set say little. "
        "Findings compare with the 3 companies of SIC 7372 instead."
    )
    assert found.finding is not None
    assert (found.finding.level, len(found.finding.peers), found.finding.close, found.finding.ranks) == (
        "sic4",
        3,
        True,
        True,
    )


def test_an_office_of_five_is_wide_and_all_that_is_loaded_never_feeds_a_rule() -> None:
    office = compared(filer(1, 3571), *[filer(n, 7000 + 100 * n) for n in range(2, 7)])
    assert (office.display.level, office.finding and office.finding.close) == ("office", False)
    everyone = compared(filer(1, 3571), *[filer(n, 7000 + 100 * n, office=str(n)) for n in range(2, 8)])
    assert (everyone.display.level, everyone.finding) == ("all", None)
    assert everyone.display.text.startswith(
        "6 companies: all that are loaded; fewer than five share SIC 3571, 357 or 35"
    )


def test_companies_that_share_no_industry_are_not_said_to_share_a_broad_one() -> None:
    everyone = compared(filer(1, 3571), *[filer(n, 7000 + 100 * n, office=str(n)) for n in range(2, 8)])
    assert everyone.warning == (
        "These companies share no industry with the company: they are only those that are loaded. "
        "Ranks within the set say little. No finding uses the set."
    )
    office = compared(filer(1, 3571), *[filer(n, 7000 + 100 * n) for n in range(2, 7)])
    assert office.warning == (
        "These companies share no more than a broad industry with the company. Ranks within the set say little. "
        "Findings compare growth alone, with its median; none uses a rank."
    )


def test_what_findings_compare_with_is_said_wherever_it_is_not_the_table() -> None:
    broad = compared(filer(1, 7372), *[filer(n, 7300 + n) for n in range(2, 8)])
    assert (broad.display.level, broad.finding and broad.finding.level) == ("sic2", "sic2")
    assert (broad.warning or "").endswith("Findings compare with its median; none uses a rank.")
    narrower = compared(filer(1, 7372), *[filer(n, 7372) for n in (2, 3, 4)], *[filer(n, 7373) for n in (5, 6)])
    assert narrower.warning is None
    assert narrower.text == (
        "5 companies of SIC 737; fewer than five share SIC 7372 in the loaded data. "
        "Findings compare with the 3 companies of SIC 7372 instead."
    )
    assert shown_json(narrower) == {"level": "sic3", "text": narrower.text, "peers": 5}


def test_a_narrow_set_of_five_needs_no_warning() -> None:
    found = compared(filer(1, 7372), *[filer(n, 7372) for n in range(2, 7)])
    assert (found.display.level, found.warning) == ("sic4", None)
    assert found.display.text == "5 companies of SIC 7372"
    assert [peer.company.id for peer in found.display.peers] == [6, 5, 4, 3, 2]  # largest revenue first


def test_a_choice_is_taken_as_it_is() -> None:
    found = compared(filer(1, 7372), *[filer(n, 7372) for n in range(2, 8)], chosen=(3, 5))
    assert (found.display.level, len(found.display.peers), found.finding) == ("chosen", 2, None)
    assert "Fewer than three peers" in (found.warning or "")
    three = compared(filer(1, 7372), *[filer(n, 100 * n) for n in range(2, 8)], chosen=(3, 5, 7))
    assert three.finding is three.display


def test_the_year_steps_back_until_half_of_the_peers_have_revenue() -> None:
    behind = [filer(n, 7372, [None, 5, 5]) for n in range(2, 7)]
    found = compared(filer(1, 7372), filer(9, 7372), *behind)
    assert (found.calendar_year, found.display.subject.year.label, len(found.display.peers)) == (2024, "FY2024", 6)
    half = compared(filer(1, 7372), *[filer(n, 7372) for n in range(7, 12)], *behind)
    assert (half.calendar_year, len(half.display.peers), len(half.display.excluded)) == (2025, 5, 5)
    assert half.display.excluded[0].reason == "It reports no revenue for a year of CY2025."


def test_alone_in_the_data_there_is_no_share_and_it_says_so() -> None:
    found = compared(filer(1, 7372))
    result = market_position(found.display.subject.analysis, found)
    assert result["market_share"]["code"] == "too_few_peers"
    assert result["set"]["warning"] == "There is no company to compare with in the loaded data."
    assert (result["rank"], result["competitors"]) == (None, [])


def test_a_company_without_revenue_is_compared_with_nobody() -> None:
    subject, candidates, known = world(filer(1, 7372, [None]), filer(2, 7372))
    assert compare(subject, candidates, lambda other: known[other.id]) is None
    assert market_position(subject, None)["market_share"]["code"] == "not_reported"
    assert peer_comparison(None)["members"] == []


def test_each_company_left_out_has_its_reason() -> None:
    foreign = filer(10, 7372, currency="EUR")
    old = filer(11, 7372, newest=date(2022, 12, 31))
    stub = FiscalYear(date(2025, 1, 1), date(2025, 9, 30), "transition period")
    changed = filer(12, 7372, [None, 9], transition_periods=[stub])
    empty = filer(13, 7372, count=0)
    before = filer(14, 7372)
    before.company = dataclasses.replace(before.company, former_names=("Company 1",))
    found = compared(filer(1, 7372), *[filer(n, 7372) for n in range(2, 9)], foreign, old, changed, empty, before)
    left_out = {out.company.id: out.code for out in found.display.excluded}
    assert left_out == {
        10: "currency_mismatch",
        11: "stale",
        12: "transition_period",
        13: "not_reported",
        14: "related",
    }
    assert all(out.reason.endswith(".") for out in found.display.excluded)


def test_a_name_or_a_ticker_in_common_makes_two_filers_related() -> None:
    one = Company(1, 1, "Walt Disney Co.", tickers=("DIS",))
    assert related(one, Company(2, 2, "TWDC Enterprises 18 Corp.", former_names=("WALT DISNEY CO",)))
    assert related(one, Company(2, 2, "Other", tickers=("DIS",)))
    assert not related(one, Company(2, 2, "Other", tickers=("OTH",)))


def test_a_filer_with_the_very_same_revenue_is_of_the_same_group() -> None:
    found = compared(filer(1, 7372, [50]), filer(2, 7372, [50]), *[filer(n, 7372) for n in range(3, 8)])
    assert [(out.company.id, out.code) for out in found.display.excluded] == [(2, "related")]


def test_an_industry_keeps_its_leading_zero() -> None:
    found = compared(filer(1, 100), *[filer(n, 111) for n in range(2, 7)])
    assert found.display.text == "5 companies of SIC 01; fewer than five share SIC 0100 or 010 in the loaded data"


def test_candidates_are_analysed_once_and_only_as_far_as_the_set_widens() -> None:
    subject, candidates, known = world(filer(1, 7372), *[filer(n, 7372) for n in range(2, 7)], filer(8, 2834))
    asked: list[int] = []

    def analyse(other: Company) -> ByHand:
        asked.append(other.id)
        return known[other.id]

    compare(subject, candidates, analyse)
    assert asked == [2, 3, 4, 5, 6]


# ── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_market_position_names_the_set_and_never_a_market() -> None:
    found = compared(filer(1, 7372, [50, 40]), *[filer(n, 7372, [10, 5]) for n in range(2, 7)])
    result = market_position(found.display.subject.analysis, found)
    share = result["market_share"]
    assert (share["value"], share["unit"]) == (50.0, "percent")
    assert share["wording"] == "50.0% of the revenue reported by these 6 companies for CY2025"
    assert {str(fact) for fact in share["facts"]} == set(result["facts"])
    assert (result["rank"], result["of"], result["calendar_year"]) == (1, 6, 2025)
    assert result["share_change"]["value"] == pytest.approx(50 - 100 * 40 / 65)
    assert result["share_change"]["companies"] == 6
    assert result["older_year"] is False
    assert result["competitors"][0]["revenue"]["period"]["label"] == "FY2025"


def test_the_change_of_the_share_takes_only_members_of_both_years() -> None:
    found = compared(filer(1, 7372, [50, 50]), *[filer(n, 7372, [10, 10]) for n in range(2, 7)], filer(7, 7372, [99]))
    change = market_position(found.display.subject.analysis, found)["share_change"]
    assert (change["value"], change["companies"]) == (0, 6)


def test_peer_comparison_lists_members_and_where_the_company_stands() -> None:
    peers = [ByHand({"revenue": [10], "om": [om]}, company(n, 7372)) for n, om in enumerate((5, 10, 20, 20, None), 2)]
    found = compared(ByHand({"revenue": [50], "om": [20], "gm": [60]}, company(1, 7372)), *peers)
    result = peer_comparison(found)
    assert [member["subject"] for member in result["members"]] == [True, False, False, False, False, False]
    assert sum(member["share"] for member in result["members"]) == pytest.approx(100)
    rows = {row["ratio"]: row for row in result["standing"]}
    assert rows["om"] | {"label": ""} == {
        "ratio": "om", "label": "", "unit": "percent", "value": 20, "rank": 1, "n": 5,
        "percentile": 75, "median": 15, "values": [5, 10, 20, 20, 20],
    }  # fmt: skip
    assert (rows["gm"]["rank"], rows["gm"]["median"], rows["gm"]["n"]) == (None, None, 1)
    assert (rows["cr"]["value"], rows["cr"]["code"]) == (None, "not_reported")
    used = {
        str(fact)
        for member in result["members"]
        for made in member["figures"].values()
        for fact in made.get("facts", [])
    }
    assert used == set(result["facts"])


# ── A crowded industry ─────────────────────────────────────────────────────────────────────────────────────────────


def crowded(count: int, sizes: dict[int, Size]) -> tuple[Comparison, list[int]]:
    """A subject with revenue 100.5 among `count` of its industry; and who was read."""
    subject, candidates, known = world(filer(1, 7372, [100.5] * 6), *[filer(n, 7372) for n in range(2, count + 2)])
    read: list[int] = []

    def analyse(other: Company) -> ByHand:
        read.append(other.id)
        return known[other.id]

    found = compare(subject, candidates, analyse, sizes=lambda companies, currency: sizes)
    assert found is not None
    return found, read


def test_of_a_crowd_the_nearest_in_size_are_compared_and_nobody_else_is_read() -> None:
    sizes = {n: Size(Decimal(n), date(2025, 12, 31)) for n in range(2, 302)}
    found, read = crowded(300, sizes)
    assert len(read) == MOST == len(found.display.peers)
    assert min(read) > 65  # 100 ÷ 66 is as far as 100 × 1.5
    assert max(read) < 150
    assert found.display.crowd == 300
    assert found.display.text == "60 companies: the nearest in revenue of the 300 of SIC 7372"
    assert (found.warning or "").startswith("300 companies with figures share SIC 7372: compared are the 60")
    assert found.display.basis == "SIC 7372 nearest in size"
    assert peer_comparison(found)["set"]["crowd"] == 300


def test_of_a_crowd_those_without_a_fresh_size_come_last() -> None:
    sizes = {n: Size(Decimal(100), date(2025, 12, 31)) for n in range(50, 102)}
    sizes |= {n: Size(Decimal(100), date(2023, 12, 31)) for n in range(2, 10)}  # stale
    sizes |= {n: Size(Decimal(0), date(2025, 12, 31)) for n in range(10, 20)}
    _, read = crowded(100, sizes)
    assert set(range(50, 102)) < set(read)
    assert sorted(set(read) - set(range(50, 102))) == list(range(2, 10))  # the smallest ids of the rest


def test_an_industry_that_is_not_crowded_is_compared_whole() -> None:
    found, read = crowded(MOST, {})
    assert (len(read), found.display.crowd, found.warning) == (MOST, 0, None)


def test_no_rule_ranks_by_revenue_a_set_chosen_by_revenue() -> None:
    sizes = {n: Size(Decimal(n), date(2025, 12, 31)) for n in range(2, 302)}
    found, _ = crowded(300, sizes)
    verdict = Trial(found.display.subject.analysis, found, RULES).verdict("S10")
    assert verdict.state == "untested"


def test_a_size_is_the_largest_revenue_tag_or_the_income_of_a_bank() -> None:
    assert size_of({"us-gaap:Revenues": Decimal(5), "us-gaap:SalesRevenueNet": Decimal(7)}) == 7
    assert size_of({"us-gaap:InterestIncomeExpenseNet": Decimal(5), "us-gaap:NoninterestIncome": Decimal(2)}) == 7
