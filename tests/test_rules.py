"""The 36 rules: each fires, stays silent, and is untested when an input is missing; silencing, score, selection."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_dashboard.research.model import Company
from research_dashboard.research.peers import Comparison, compare
from research_dashboard.research.rules import RULES
from research_dashboard.research.rules.engine import Hit, Rule, Trial, Verdict
from research_dashboard.research.swot import findings, insights, judge, select, swot_analysis
from tests.companies_by_hand import ByHand

Values = dict[str, list[float | None]]
BY_ID = {rule.id: rule for rule in RULES}


def verdict(rule_id: str, values: Values, **company: Any) -> Verdict:
    """The rule tried on a company with these figures, newest year first."""
    peers = company.pop("peers", [])
    subject = ByHand(values, **company)
    return Trial(subject, compared(subject, peers), RULES).verdict(rule_id)


def compared(subject: ByHand, peers: list[Values], sic: int = 7372, **company: Any) -> Comparison | None:
    """The subject set against peers with these figures."""
    others = {
        number: ByHand(
            {"revenue": [10]} | values, Company(number, number, f"Peer {number}", sic=sic, office="06"), **company
        )
        for number, values in enumerate(peers, start=2)
    }
    return compare(subject, [other.company for other in others.values()], lambda company: others[company.id])


def peers(**values: list[float]) -> list[Values]:
    """As many peers as values: peers(g1=[1, 2, 3]) are three, each with one of them."""
    return [dict(zip(values, ([each] for each in row), strict=True)) for row in zip(*values.values(), strict=True)]


M = 10**6
CASES: list[tuple[str, dict[str, Any], dict[str, Any], float, str]] = [
    # rule, figures with which it fires, what is changed for it to be silent, score, sentence
    ("S01", {"revenue": [50], "g1": [8], "peers": peers(g1=[1, 2, 3])}, {"g1": [4.9]}, 42.0,
     "Revenue grew 8.0%, the peer median 2.0% (peers of SIC 7372)"),
    ("S02", {"g1": [5, 3, 2, 4]}, {"g1": [5, 3, 0, 4]}, 32.0,
     "Revenue rose in each of the last four years, by at least 2.0%"),
    ("S03", {"revenue": [50], "om": [30], "peers": peers(om=[10, 20, 28])}, {"om": [21.9]}, 54.0,
     "Operating margin 30.0% is 1 of 4 among the companies of SIC 7372; the peer median is 20.0%"),
    ("S04", {"gm": [45, 44, 43]}, {"gm": [44.9, 44, 43]}, 20.0, "Gross margin rose 2.0 pp in two years to 45.0%"),
    ("S05", {"roic": [20, 18, 16.5]}, {"roic": [20, 18, 14.9]}, 33.0,
     "Return on invested capital was at least 16.5% for three years"),
    ("S06", {"cc": [1.5, 1.5, 1.5], "fcf": [80], "net_income": [100]}, {"fcf": [79]}, 50.0,
     "Operating cash flow exceeded net income in three years, 1.50 times lately"),
    ("S07", {"nd": [-30 * M], "assets": [200 * M]}, {"finance_leases": [26.5 * M]}, 60.0,
     "Cash and short-term investments exceed borrowings by US$ 30.0 m"),
    ("S08", {"cover": [20, 14, 30]}, {"cover": [20, 9.9, 30]}, 26.0,
     "Operating income covered interest at least 14.0 times for three years"),
    ("S09", {"fcf": [5, 5, 5, 5, 5], "fcfm": [15]}, {"fcf": [5, 5, 0, 5, 5]}, 40.0,
     "Free cash flow was positive in five years, 15.0% of revenue lately"),
    ("S10", {"revenue": [20], "peers": peers(om=[1, 1, 1])}, {"revenue": [7]}, 49.0,
     "40.0% of the revenue reported by these 4 companies (SIC 7372), rank 1"),
    ("W01", {"g1": [-8.5]}, {"g1": [-1.9]}, 60.0, "Revenue fell 8.5%"),
    ("W02", {"nm": [-5], "net_income": [-3 * M]}, {"nm": [0]}, 55.0,
     "The year closed with a net loss of US$ 3.0 m, 5.0% of revenue"),
    ("W03", {"revenue": [50], "om": [5], "peers": peers(om=[10, 20, 28])}, {"om": [18.5]}, 64.0,
     "Operating margin 5.0% is below the peer median 20.0% (peers of SIC 7372)"),
    ("W04", {"om": [10, 14]}, {"om": [10, 11.9]}, 45.0, "Operating margin fell 4.0 pp to 10.0%"),
    ("W05", {"fcf": [-3 * M], "revenue": [100 * M]}, {"fcf": [0]}, 42.0,
     "Operating cash flow did not cover capital expenditure: free cash flow was US$ −3.0 m"),
    ("W06", {"nd": [45], "debt": [50], "assets": [100], "ebitda": [10]}, {"ebitda": [13]}, 45.0,
     "Net debt is 4.5 times EBITDA"),
    ("W07", {"nd": [1], "cover": [2], "operating_income": [10]}, {"nd": [-1]}, 47.0,
     "Operating income covered interest 2.0 times"),
    ("W08", {"cr": [0.75], "ocf": [39], "current_liabilities": [100]}, {"ocf": [40]}, 45.0,
     "Current assets are 0.75 times current liabilities"),
    ("W09", {"equity": [-5 * M]}, {"equity": [0]}, 43.0, "Shareholders’ equity is negative: US$ −5.0 m"),
    ("W10", {"shares_diluted": [105, 100]}, {"shares_diluted": [151, 100]}, 32.0, "Diluted shares rose 5.0%"),
    ("O01", {"revenue": [50], "g1": [1], "om": [23], "peers": peers(g1=[3, 4, 5], om=[10, 20, 28])}, {"om": [22]},
     42.0, "Operating margin 23.0% is above the peer median 20.0% while growth 1.0% is below their 4.0%: "
     "margin leaves room to fund growth (peers of SIC 7372)"),
    ("O02", {"om": [10, 12, 15, 11, 9], "revenue": [95, 90, 100, 80, 70]}, {"revenue": [94, 90, 100, 80, 70]}, 32.0,
     "Revenue no larger than now, or hardly so, earned an operating margin of 15.0% in FY2023; now it is 10.0%"),
    ("O03", {"revenue": [50], "rd": [15], "g1": [1], "peers": peers(rd=[2, 8, 9])}, {"g1": [0]}, 49.0,
     "R&D takes 15.0% of revenue, peers 8.0% (peers of SIC 7372)"),
    ("O04", {"nd": [5 * M], "ebitda": [20 * M], "fcf": [9 * M], "nm": [5]}, {"cover": [7.9]}, 55.0,
     "Net debt is 0.2 times EBITDA and free cash flow US$ 9.0 m: borrowing is low against earnings"),
    ("O05", {"g1": [5], "om": [10], "operating_income": [125, 100]}, {"om": [1.9]}, 55.0,
     "Operating income grew 25.0% on revenue growth of 5.0%"),
    ("O06", {"debt": [75, 100], "assets": [500, 500], "fcf": [1]}, {"fcf": [-1]}, 50.0,
     "Debt fell 25.0% while free cash flow was positive"),
    ("O07", {"g1": [4, -3]}, {"g1": [4, -1.9]}, 49.0, "Revenue grew 4.0% after falling 3.0%"),
    ("O08", {"capint": [2], "g1": [5], "ocf": [1]}, {"g1": [4.9]}, 40.0,
     "Capital expenditure is 2.0 times depreciation: investment runs ahead of wear"),
    ("T01", {"cover": [5, 10]}, {"cover": [8, 20]}, 60.0, "Interest cover fell from 10.0 times to 5.0 times"),
    ("T02", {"revenue": [50], "g1": [1], "peers": peers(g1=[9, 9, 9])}, {"g1": [4.1]}, 37.0,
     "Peers’ revenue grew faster: median 9.0% against 1.0% (peers of SIC 7372)"),
    ("T03", {"gm": [40, 41, 43.5]}, {"gm": [41.6, 42, 43.5]}, 40.0, "Gross margin fell 3.5 pp in two years to 40.0%"),
    ("T04", {"current_debt": [30 * M], "liquid": [15 * M], "fcf": [5 * M], "assets": [1000 * M]}, {"fcf": [15 * M]},
     60.0, "Debt due within a year, US$ 30.0 m, exceeds cash, short-term investments and free cash flow, US$ 20.0 m"),
    ("T05", {"g1": [5], "assets": [1000], "inventory": [150, 100], "receivables": [60, 59]}, {"inventory": [114, 100]},
     85.0, "Inventory grew 50.0%, revenue grew 5.0%"),
    ("T06", {"fcf": [10 * M, 10 * M], "revenue": [100 * M], "dividends": [12 * M, 11 * M]},
     {"dividends": [12 * M, 9 * M]}, 37.0,
     "Distributions of US$ 12.0 m exceeded free cash flow of US$ 10.0 m for two years"),
    ("T07", {"goodwill": [8 * M], "equity": [7 * M]}, {"equity": [-7 * M]}, 33.0,
     "Goodwill of US$ 8.0 m is larger than equity of US$ 7.0 m: exposed to impairment"),
    ("T08", {"debt": [135, 100], "assets": [500], "g1": [-3]}, {"g1": [18]}, 40.0,
     "Debt grew 35.0%, revenue fell 3.0%"),
]  # fmt: skip


def split(given: dict[str, Any]) -> tuple[Values, dict[str, Any]]:
    """Figures, and what else makes the company."""
    return {k: v for k, v in given.items() if k != "peers"}, {k: v for k, v in given.items() if k == "peers"}


@pytest.mark.parametrize(("rule_id", "given", "silent", "score", "sentence"), CASES, ids=[case[0] for case in CASES])
def test_each_rule_fires_with_its_score_and_sentence(
    rule_id: str, given: dict[str, Any], silent: dict[str, Any], score: float, sentence: str
) -> None:
    values, company = split(given)
    found = verdict(rule_id, values, **company)
    assert (found.state, found.score, found.sentence) == ("fired", score, sentence)
    assert {used.figure.concept for used in found.used} <= {*found.rule.inputs, *found.rule.optional}
    assert found.used
    assert all(used.figure.facts for used in found.used)
    assert verdict(rule_id, values | silent, **company).state == "silent"


@pytest.mark.parametrize(("rule_id", "given"), [case[:2] for case in CASES], ids=[case[0] for case in CASES])
def test_each_rule_is_untested_when_any_input_is_missing(rule_id: str, given: dict[str, Any]) -> None:
    values, company = split(given)
    for missing in BY_ID[rule_id].inputs:
        without = {concept: made for concept, made in values.items() if concept != missing}
        assert verdict(rule_id, without, **company).state == "untested", missing
    if BY_ID[rule_id].peers:
        assert verdict(rule_id, values).state == "untested"


def test_every_rule_of_the_specification_stands_in_the_table_once() -> None:
    wanted = [
        f"{letter}{n:02}" for letter, count in (("S", 10), ("W", 10), ("O", 8), ("T", 8)) for n in range(1, count + 1)
    ]
    assert [rule.id for rule in RULES] == wanted
    assert sorted(case[0] for case in CASES) == sorted(wanted)


def test_no_sentence_advises_forecasts_or_names_a_cause() -> None:
    banned = r"\b(should|will|expect\w*|likely|recommend\w*|because|due to|buy|sell|caused|forecast\w*|may|could)\b"
    for rule in RULES:
        assert not re.search(banned, rule.sentence), rule.id
        assert not rule.sentence.endswith("."), rule.id


# ── Special cases of single rules ──────────────────────────────────────────────────────────────────────────────────


def test_a_utility_may_carry_more_debt() -> None:
    values: Values = {
        "nd": [55],
        "debt": [55],
        "assets": [100],
        "ebitda": [10],
        "cover": [2.5],
        "operating_income": [1],
    }
    values |= {"cr": [0.5], "ocf": [1], "current_liabilities": [100]}
    assert [verdict(rule, values).state for rule in ("W06", "W07", "W08")] == ["fired", "fired", "fired"]
    assert [verdict(rule, values, sector="utility").state for rule in ("W06", "W07", "W08")] == [
        "silent",
        "silent",
        "untested",
    ]


def test_negative_earnings_are_said_in_words() -> None:
    loss: Values = {"nd": [5 * M], "debt": [5 * M], "assets": [9 * M], "ebitda": [-2 * M], "operating_income": [-3 * M]}
    leverage, cover = verdict("W06", loss), verdict("W07", loss, raw={"cover": [-4]})
    assert (leverage.score, leverage.sentence) == (
        90.0,
        "Net debt is US$ 5.0 m and EBITDA is not positive: US$ −2.0 m",
    )
    assert cover.sentence == "Interest was not covered: operating income was US$ −3.0 m"
    assert verdict("W07", loss).state == "untested"


def test_impairment_is_said_and_keeps_negative_ebitda_from_counting() -> None:
    values: Values = {"nm": [-23], "net_income": [-5 * M], "operating_income": [-4 * M], "impairment": [9 * M]}
    values |= {"nd": [5 * M], "debt": [5 * M], "assets": [9 * M], "ebitda": [-2 * M]}
    found = verdict("W02", values)
    assert found.sentence.endswith(", after impairment charges of US$ 9.0 m")
    assert "impairment" in {used.figure.concept for used in found.used}
    assert verdict("W06", values).state == "silent"
    small = values | {"impairment": [1.9 * M]}
    assert "impairment" not in verdict("W02", small).sentence
    assert verdict("W06", small).state == "fired"


def test_negative_equity_names_what_was_paid_out_when_it_exceeds_profit() -> None:
    values: Values = {"equity": [-5 * M], "buybacks": [9 * M] * 5, "net_income": [8 * M] * 5}
    assert verdict("W09", values).sentence == (
        "Shareholders’ equity is negative: US$ −5.0 m; dividends and buybacks of five years came to US$ 45.0 m, "
        "net income to US$ 40.0 m"
    )


def test_net_cash_and_spending_beyond_cash_flow_have_their_own_words() -> None:
    rich: Values = {"nd": [-5 * M], "ebitda": [20 * M], "fcf": [9 * M], "nm": [5]}
    assert verdict("O04", rich).sentence.startswith("Liquid funds exceed debt by US$ 5.0 m")
    builder: Values = {"capint": [2], "g1": [5], "ocf": [1], "fcf": [-1]}
    assert verdict("O08", builder).sentence.endswith("times depreciation, beyond operating cash flow")


def test_finance_leases_that_are_counted_are_named() -> None:
    owing: Values = {"nd": [5 * M], "ebitda": [20 * M], "fcf": [9 * M], "nm": [5], "debt": [9 * M]}
    assert verdict("O04", owing).sentence.startswith("Net debt is 0.2 times EBITDA")
    leasing = owing | {"finance_leases": [2 * M]}
    assert verdict("O04", leasing).sentence.startswith("Net debt with finance leases is 0.4 times EBITDA")
    rich = leasing | {"nd": [-5 * M], "assets": [50 * M]}
    assert verdict("O04", rich).sentence.startswith("Liquid funds exceed debt and finance leases by US$ 3.0 m")
    assert verdict("S07", rich).sentence == (
        "Cash and short-term investments exceed borrowings and finance leases by US$ 3.0 m"
    )
    inside = verdict("S07", rich, figure_notes={"debt": ("Holds finance leases.",)})
    assert inside.sentence == "Cash and short-term investments exceed borrowings by US$ 5.0 m"


def test_leases_inside_the_debt_line_are_not_counted_again() -> None:
    values: Values = {"nd": [-30 * M], "assets": [200 * M], "finance_leases": [29 * M], "debt": [1]}
    assert verdict("S07", values).state == "silent"
    assert verdict("S07", values, figure_notes={"debt": ("Holds finance leases.",)}).state == "fired"


def test_working_capital_needs_one_of_its_two_parts() -> None:
    base: Values = {"g1": [-5], "assets": [1000]}
    assert verdict("T05", base).state == "untested"
    found = verdict("T05", base | {"receivables": [104, 100]})
    assert found.state == "silent"
    assert verdict("T05", base | {"receivables": [120, 100]}).sentence == "Receivables grew 20.0%, revenue fell 5.0%"
    assert verdict("T05", base | {"receivables": [49, 10]}).state == "silent"  # under 5 % of assets


def test_growth_from_a_base_that_is_not_positive_fires_nothing() -> None:
    assert verdict("O05", {"g1": [5], "om": [10], "operating_income": [125, -100]}).state == "silent"
    assert verdict("O06", {"debt": [75, 0], "assets": [500, 500], "fcf": [1]}).state == "silent"
    assert verdict("T08", {"debt": [75, 0], "assets": [500], "g1": [1]}).state == "silent"
    assert verdict("T01", {}, raw={"cover": [-5, -1]}).state == "silent"


# ── Rules that silence each other ──────────────────────────────────────────────────────────────────────────────────


def test_rules_that_say_the_same_do_not_both_fire() -> None:
    falling = {"revenue": [50], "g1": [-3]}
    assert verdict("W01", falling, peers=peers(g1=[9, 9, 9])).fired
    assert verdict("T02", falling, peers=peers(g1=[9, 9, 9])).state == "silenced"
    slow: Values = {"revenue": [50], "g1": [1], "om": [40]}
    set_against = peers(g1=[9, 9, 9], om=[10, 20, 28])
    assert verdict("O01", slow, peers=set_against).fired
    assert verdict("T02", slow, peers=set_against).state == "silenced"
    covered: Values = {"cover": [2, 10], "nd": [1], "operating_income": [10]}
    assert verdict("W07", covered).fired
    assert verdict("T01", covered).state == "silenced"
    paying: Values = {"nd": [5], "ebitda": [20], "fcf": [10, 10], "nm": [5], "revenue": [100], "dividends": [12, 11]}
    assert verdict("T06", paying).fired
    assert verdict("O04", paying).state == "silenced"


def test_a_margin_above_all_peers_must_fall_further_to_count() -> None:
    high = {"revenue": [50], "om": [40, 44]}
    set_against = peers(om=[10, 20, 28])
    assert verdict("S03", high, peers=set_against).fired
    assert verdict("W04", high, peers=set_against).state == "silent"
    assert verdict("W04", high | {"om": [40, 45]}, peers=set_against).fired


# ── Peer sets and rules ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wide_set_feeds_growth_only_and_no_industry_no_rank() -> None:
    subject = ByHand({"revenue": [50], "g1": [8], "om": [90]}, Company(1, 1, "Subject", sic=7372, office="06"))
    wide = compared(subject, peers(g1=[1, 2, 3, 4, 5], om=[1, 2, 3, 4, 5]), sic=3571)
    trial = Trial(subject, wide, RULES)
    assert (
        trial.verdict("S01").sentence == "Revenue grew 8.0%, the peer median 3.0% (peers of the SEC review office 06)"
    )
    assert trial.verdict("S03").state == trial.verdict("S10").state == "untested"
    broad = compared(subject, peers(g1=[1, 2, 3], om=[1, 2, 3]), sic=7311)  # the same SIC-2 only
    trial = Trial(subject, broad, RULES)
    assert trial.verdict("S10").state == "untested"
    assert trial.verdict("S03").sentence == "Operating margin 90.0% is above the median 2.0% of the peers of SIC 73"


def test_a_rule_names_the_year_when_peers_are_a_year_behind() -> None:
    subject = ByHand({"revenue": [60, 50], "g1": [1, 8]})
    last_year = [{"revenue": [None, 10], "g1": [None, 2]} for _ in range(3)]
    found = Trial(subject, compared(subject, last_year), RULES).verdict("S01")
    assert found.sentence == "Revenue grew 8.0%, the peer median 2.0% (peers of SIC 7372; FY2024, the year compared)"


def test_the_figures_of_peers_are_evidence_too() -> None:
    values, company = split(CASES[0][1])
    names = [used.company.name for used in verdict("S01", values, **company).used]
    assert names == ["Subject Inc.", "Peer 2", "Peer 3", "Peer 4"]


# ── Score and selection ────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(min_value=-100, max_value=100))
def test_a_score_lies_between_the_base_and_sixty_points_above(excess: float) -> None:
    made = Rule("S99", "t", "", 30, "", "x", (), lambda x: Hit(excess, {}))
    assert 30 <= Trial(ByHand({}), None, [made]).verdict("S99").score <= 90


def made_up(rule_id: str, topic: str, score: float) -> Verdict:
    return Verdict(Rule(rule_id, topic, "", 0, "", "", (), lambda x: None), "fired", score, "It is so")


def test_selection_takes_the_best_of_each_topic_and_between_three_and_five() -> None:
    def ids(*verdicts: Verdict) -> list[str]:
        return [chosen.rule.id for chosen in select(verdicts)]

    assert ids() == []
    assert ids(made_up("S01", "a", 20)) == ["S01"]
    assert ids(made_up("S02", "a", 50), made_up("S01", "a", 50)) == ["S01"]  # one topic; same score: by id
    assert ids(*(made_up(f"S{n:02}", str(n), 20 + n) for n in range(1, 6))) == ["S05", "S04", "S03"]
    assert ids(*(made_up(f"S{n:02}", str(n), 30 + n) for n in range(1, 9))) == ["S08", "S07", "S06", "S05", "S04"]
    assert ids(*(made_up(f"S{n:02}", str(n), score) for n, score in enumerate([40, 35, 31, 29], 1))) == [
        "S01",
        "S02",
        "S03",
    ]


def test_a_weakness_beside_a_neighbouring_strength_says_although() -> None:
    values: Values = {"fcf": [5] * 5, "fcfm": [15], "nm": [-5], "net_income": [-3 * M]}
    shown = findings(judge(ByHand(values), None))
    assert shown["weaknesses"][0].sentence == (
        "The year closed with a net loss of US$ 3.0 m, 5.0% of revenue, "
        "although free cash flow was positive in five years, 15.0% of revenue lately"
    )


def test_the_results_count_what_was_tested_and_carry_their_facts() -> None:
    values: Values = {"fcf": [5] * 5, "fcfm": [15], "nm": [-5], "net_income": [-3 * M], "g1": [1, 1, 1, -1]}
    subject = ByHand(values, notes=[{"kind": "stale", "text": "Old."}])
    verdicts = judge(subject, None)
    swot = swot_analysis(verdicts)
    assert (swot["rules"], swot["fired"]) == (36, 2)
    assert swot["tested"] == 36 - len(swot["untested"])
    assert [finding["rule"] for finding in swot["weaknesses"]] == ["W02"]
    assert swot["opportunities"] == []
    finding = swot["strengths"][0]
    assert finding["figures"][0]["company"] == "Subject Inc."
    assert finding["figures"][0]["period"]["label"] == "FY2025"
    assert {str(fact) for fact in finding["facts"]} <= set(swot["facts"])
    told = insights(verdicts, subject)
    assert told["count"] == len(told["findings"]) == 2
    assert told["findings"][0]["score"] >= told["findings"][1]["score"]
    assert told["notes"][0]["kind"] == "stale"


def test_finance_leases_of_a_quarter_of_debt_are_noted() -> None:
    subject = ByHand({"debt": [100 * M], "finance_leases": [25 * M]})
    assert [note["kind"] for note in insights(judge(subject, None), subject)["notes"]] == ["finance_leases"]


def test_judging_a_company_without_years_is_all_untested() -> None:
    assert {found.state for found in judge(ByHand({}, count=0), None)} == {"untested"}


ANY = st.sampled_from(sorted({name for rule in RULES for name in rule.inputs}))


@given(st.dictionaries(ANY, st.lists(st.none() | st.floats(-500, 500), min_size=1, max_size=5)))
def test_no_figures_whatever_break_a_rule_or_make_two_that_contradict(values: Values) -> None:
    states = {found.rule.id: found for found in judge(ByHand(values), None)}
    fired = {rule_id for rule_id, found in states.items() if found.fired}
    for pair in ({"S04", "T03"}, {"S02", "W01"}, {"O07", "W01"}, {"S09", "W05"}, {"S07", "W06"}, {"S07", "W07"},
                 {"S08", "T01"}, {"W01", "T02"}, {"W07", "T01"}):  # fmt: skip
        assert not pair <= fired
    for found in states.values():
        assert not found.fired or (found.used and "{" not in found.sentence)
