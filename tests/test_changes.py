"""What changed between two runs: kinds, thresholds, and whose doing it was."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_dashboard.research.changes import KINDS, moved_most, what_changed

YEARS = ["2024-12-31", "2025-12-31"]
M = 10**6


def figure(
    concept: str, value: float | None, end: str, unit: str = "USD", accession: str = "a1", **more: Any
) -> dict[str, Any]:
    period = {"end": end, "label": f"FY{end[:4]}"} | ({} if concept in {"assets", "debt"} else {"start": "x"})
    absent = {"code": "not_reported"} if value is None else {"accession": accession, "tag": "us-gaap:T"}
    return (
        {"concept": concept, "label": concept.title(), "value": value, "unit": unit, "period": period} | absent | more
    )


def results(
    concepts: Mapping[str, list[Any]],
    ratios: Mapping[str, list[Any]] | None = None,
    years: list[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    ends = YEARS if years is None else years
    rows = [{"label": f"FY{end[:4]}", "end": end} for end in ends]
    health = {"years": rows, "concepts": concepts, "ratios": ratios or {}}
    return {"manifest": {"rules_version": "1", "as_of": "2026-06-30"}, "financial_health": health} | more


def base(**changed: dict[str, Any]) -> dict[str, Any]:
    """Revenue, assets and net income of two years, some figures of 2025 changed."""
    amounts = {"revenue": 1000 * M, "assets": 2000 * M, "net_income": 100 * M}
    table = {concept: [figure(concept, value, end) for end in YEARS] for concept, value in amounts.items()}
    for concept, made in changed.items():
        table[concept] = [*table.get(concept, [made])[:1], made]
    return results(table)


def kinds(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [change["kind"] for change in what_changed(before, after)["changes"]]


def test_the_same_results_have_no_changes() -> None:
    found = what_changed(base(), base())
    assert (found["changes"], found["small"], found["refiled"], found["nothing"]) == ([], [], 0, True)


@pytest.mark.parametrize(
    ("value", "told", "major"),
    [(1004.9, False, False), (1005.1, True, False), (1050, True, True), (-1, True, True)],
)
def test_a_restated_figure_is_told_from_half_a_percent_and_major_from_five(
    value: float, told: bool, major: bool
) -> None:
    found = what_changed(base(), base(revenue=figure("revenue", value * M, YEARS[1], accession="a2")))
    entry = (found["changes"] or found["small"])[0]
    assert (entry["kind"], entry["material"], entry["major"]) == ("restated", told, major)
    assert entry["text"].startswith("Revenue of FY2025: US$ 1.0 bn before, ")


def test_a_restatement_that_is_small_for_the_company_is_folded_away() -> None:
    small = (
        {"goodwill": figure("goodwill", 1.0 * M, YEARS[1])},
        {"goodwill": figure("goodwill", 1.5 * M, YEARS[1], accession="a2")},
    )
    found = what_changed(base(**small[0]), base(**small[1]))
    assert (len(found["changes"]), len(found["small"])) == (0, 1)  # 0.5 m is under 0.1 % of 1,000 m revenue


def test_the_same_value_in_a_newer_filing_is_only_counted() -> None:
    found = what_changed(base(), base(revenue=figure("revenue", 1000 * M, YEARS[1], accession="a2")))
    assert (found["changes"], found["small"], found["refiled"]) == ([], [], 1)


def test_figures_that_come_go_or_change_their_tag_are_told() -> None:
    gone = base(revenue=figure("revenue", None, YEARS[1]))
    assert kinds(base(), gone) == ["became_absent"]
    assert kinds(gone, base()) == ["appeared"]
    assert "(not_reported)" in what_changed(gone, base())["changes"][0]["text"]
    other = base(revenue=figure("revenue", 1000 * M, YEARS[1], tag="us-gaap:Other"))
    assert kinds(base(), other) == ["tag_changed"]


def test_shares_and_eps_that_a_split_changed_are_a_kind_of_their_own() -> None:
    def with_eps(value: float, accession: str = "a1", income: float = 100 * M) -> dict[str, Any]:
        made = figure("eps_diluted", value, YEARS[1], "USD/shares", accession)
        return base(eps_diluted=made, net_income=figure("net_income", income, YEARS[1]))

    assert kinds(with_eps(10.0), with_eps(1.0, "a2")) == ["split"]
    assert kinds(with_eps(10.0), with_eps(10.2, "a2")) == ["restated"]
    assert kinds(with_eps(10.0), with_eps(10.05, "a2")) == []  # under 1 %
    assert kinds(with_eps(0.5), with_eps(0.509, "a2")) == []  # under a cent


def test_a_new_year_is_set_against_the_year_before_it_in_the_new_run() -> None:
    years = [*YEARS, "2026-12-31"]
    table = {
        "revenue": [figure("revenue", value * M, end) for value, end in zip((900, 1000, 1100), years, strict=True)]
    }
    old = results({"revenue": [figure("revenue", 500 * M, end) for end in YEARS[:1]]}, years=YEARS[:1])
    found = what_changed(old, results(table, years=years))
    told = [change["text"] for change in found["changes"] if change["kind"] == "new_period"]
    assert told == [
        "New: FY2025, year ended 31 Dec 2025, against FY2024: revenue US$ 1.0 bn (+11.1%)",
        "New: FY2026, year ended 31 Dec 2026, against FY2025: revenue US$ 1.1 bn (+10.0%)",
    ]


@pytest.mark.parametrize(
    ("ratio", "unit", "before", "after", "told"),
    [
        ("om", "percent", 10.0, 10.49, False),
        ("om", "percent", 10.0, 10.5, True),
        ("roe", "percent", 10.0, 10.9, False),
        ("roe", "percent", 10.0, 11.0, True),
        ("cr", "ratio", 1.0, 1.09, False),
        ("cr", "ratio", 1.0, 1.1, True),
        ("cover", "ratio", 10.0, 10.4, False),  # under 5 %
        ("dso", "days", 40.0, 42.9, False),
        ("dso", "days", 40.0, 43.0, True),
        ("om", "percent", 10.0, None, True),
    ],
)
def test_ratios_have_thresholds_of_their_own(
    ratio: str, unit: str, before: float, after: float | None, told: bool
) -> None:
    def run(value: float | None) -> dict[str, Any]:
        return results({}, {ratio: [figure(ratio, value, YEARS[1], unit)]})

    assert bool(kinds(run(before), run(after))) is told


def test_a_ratio_names_the_input_that_moved_most() -> None:
    def made(income: float, revenue: float) -> dict[str, Any]:
        inputs = [
            {"concept": "operating_income", "end": "e", "value": income},
            {"concept": "revenue", "end": "e", "value": revenue},
        ]
        return figure("om", 100 * income / revenue, YEARS[1], "percent", inputs=inputs)

    assert moved_most(made(10, 100), made(15, 101)) == "operating income"
    assert moved_most(made(10, 100), made(10, 100)) is None
    found = what_changed(results({}, {"om": [made(10, 100)]}), results({}, {"om": [made(15, 101)]}))
    assert found["changes"][0]["text"].endswith("operating income moved most")


def test_changed_rules_come_first_and_leave_only_filed_figures_to_compare() -> None:
    after = base(revenue=figure("revenue", 1100 * M, YEARS[1], accession="a2"))
    after["manifest"] = {"rules_version": "2", "as_of": "2026-07-31"}
    after["financial_health"]["ratios"] = {"om": [figure("om", 1.0, YEARS[1], "percent")]}
    found = what_changed(base(), after)
    assert [change["kind"] for change in found["changes"]] == ["rules_changed", "restated", "as_of_changed"]
    assert "30 Jun 2026" in found["changes"][2]["text"]


def peers(own: float, rank: int, percentile: float, share: float, *names: str) -> dict[str, Any]:
    members = [
        {"name": "Subject", "cik": 0, "subject": True, "figures": {"revenue": {"value": 5}, "om": {"value": own}}}
    ]
    members += [{"name": name, "cik": number, "subject": False, "figures": {}} for number, name in enumerate(names, 1)]
    row = {"ratio": "om", "label": "Operating margin", "value": own, "rank": rank, "n": 5, "percentile": percentile}
    comparison = {"calendar_year": 2025, "members": members, "standing": [row]}
    return results({}, peer_comparison=comparison, market_position={"market_share": {"value": share}})


def test_peer_driven_changes_are_said_to_be_so() -> None:
    before = peers(10, 2, 50, 20, "A", "B")
    member = what_changed(before, peers(10, 3, 50, 20, "A", "B"))["changes"]
    assert [(change["kind"], change["driven_by"]) for change in member] == [("standing", "member")]
    assert member[0]["text"].endswith(
        "rank 2 of 5 before, rank 3 of 5 now; the company’s own figure is the same, a peer’s changed"
    )
    other = what_changed(before, peers(10, 3, 50, 20.6, "A", "C"))["changes"]
    assert [change.get("driven_by") for change in other] == [None, "set", "set"]
    assert other[0]["text"] == "Peers: C came in and B left"
    own = what_changed(before, peers(12, 3, 50, 20, "A", "B"))["changes"]
    assert [change["driven_by"] for change in own] == ["subject"]


def test_small_moves_among_peers_are_folded_away() -> None:
    before = peers(10, 2, 50, 20, "A")
    found = what_changed(before, peers(10, 2, 59, 20.4, "A"))
    assert (found["changes"], len(found["small"])) == ([], 2)
    assert kinds(before, peers(10, 2, 60, 20, "A")) == ["standing"]


def finding(rule: str, topic: str, quadrant: str) -> dict[str, Any]:
    return {"rule": rule, "topic": topic, "quadrant": quadrant, "sentence": f"{rule} is so"}


def test_findings_are_new_gone_or_have_moved_to_another_quadrant() -> None:
    before = results(
        {},
        swot_analysis={"strengths": [finding("S04", "gross_margin", "strengths"), finding("S02", "run", "strengths")]},
    )
    after = results(
        {},
        swot_analysis={"threats": [finding("T03", "gross_margin", "threats"), finding("T07", "goodwill", "threats")]},
    )
    found = what_changed(before, after)["changes"]
    assert [(change["kind"], change["rule"]) for change in found] == [
        ("finding_new", "T07"),
        ("finding_gone", "S02"),
        ("finding_moved", "T03"),
    ]
    assert found[2]["text"] == "From strengths to threats: T03 is so; before: S04 is so"
    assert kinds(before, before) == []


def test_another_rule_of_the_same_topic_and_quadrant_has_not_moved() -> None:
    before = results({}, swot_analysis={"weaknesses": [finding("W06", "debt", "weaknesses")]})
    after = results({}, swot_analysis={"weaknesses": [finding("W07", "debt", "weaknesses")]})
    assert kinds(before, after) == ["finding_new", "finding_gone"]


def test_a_rank_or_a_share_that_came_or_went_is_told() -> None:
    there, gone = peers(10, 2, 50, 20, "A"), peers(10, 2, 50, 20, "A")
    gone["peer_comparison"]["standing"][0].update(rank=None, percentile=None)
    gone["market_position"]["market_share"]["value"] = None
    for before, after in ((there, gone), (gone, there)):
        assert kinds(before, after) == ["standing", "standing"]
    alone = results({}, peer_comparison={"members": []})
    assert kinds(alone, there) == ["peers_changed", "standing", "standing"]
    assert kinds(there, alone) == ["peers_changed", "standing", "standing"]


def test_the_same_rank_in_a_larger_set_is_told_by_its_percentile() -> None:
    before, after = peers(10, 2, 50, 20, "A"), peers(10, 2, 75, 20, "A")
    after["peer_comparison"]["standing"][0]["n"] = 9
    told = what_changed(before, after)["changes"]
    assert "rank 2 of 5 and percentile 50 before, rank 2 of 9 and percentile 75 now" in told[0]["text"]


def test_a_year_is_set_against_its_prior_year_alone() -> None:
    years = ["2022-12-31", "2024-12-31"]
    after = results(
        {"revenue": [figure("revenue", value * M, end) for value, end in zip((900, 1000), years, strict=True)]},
        years=years,
    )
    before = results({}, years=years[:1])
    text = what_changed(before, after)["changes"][0]["text"]
    assert text == "New: FY2024, year ended 31 Dec 2024: revenue US$ 1.0 bn"


def test_a_year_that_the_old_run_only_listed_is_no_new_period() -> None:
    before, after = results({}, years=YEARS[1:]), results({}, years=YEARS)
    assert kinds(before, after) == ["new_period"]
    before["financial_health"]["earlier_years"] = [{"label": "FY2024", "end": YEARS[0]}]
    assert kinds(before, after) == []


def test_figures_of_two_views_are_not_matched() -> None:
    before, after = base(), base(revenue=figure("revenue", 5 * M, YEARS[1], accession="a2"))
    before["financial_health"]["view"], after["financial_health"]["view"] = "first", "latest"
    assert kinds(before, after) == []


def test_a_later_day_alone_is_said_and_is_no_news() -> None:
    after = base()
    after["manifest"] = after["manifest"] | {"as_of": "2026-07-31"}
    found = what_changed(base(), after)
    assert ([change["kind"] for change in found["changes"]], found["nothing"]) == (["as_of_changed"], True)


def test_filings_that_came_since_are_named_and_old_ones_in_a_new_light_are_not() -> None:
    def knowing(*filings: tuple[str, str]) -> dict[str, Any]:
        made = base()
        made["financial_health"]["facts"] = {
            str(id_): {"accession": accession, "form": "10-K", "filed": filed, "url": f"https://sec/{accession}"}
            for id_, (accession, filed) in enumerate(filings)
        }
        return made

    before = knowing(("a1", "2025-02-01"))
    after = knowing(("a0", "2024-02-01"), ("a1", "2025-02-01"), ("a2", "2026-02-01"))
    after["financial_health"]["years"][1] |= {"accession": "a2", "form": "10-K", "filed": "2026-02-01"}
    found = what_changed(before, after)
    assert [filing["accession"] for filing in found["filings"]] == ["a2"]
    assert found["filings"][0]["text"] == "10-K for FY2025, year ended 31 Dec 2025, filed 1 Feb 2026"
    assert found["nothing"] is False


def test_a_change_names_the_filings_both_values_stand_in() -> None:
    found = what_changed(base(), base(revenue=figure("revenue", 1100 * M, YEARS[1], accession="a2")))["changes"][0]
    assert [filing["accession"] for filing in (*found["before_filings"], *found["after_filings"])] == ["a1", "a2"]


amounts = st.decimals("-99999", "99999", places=2, allow_nan=False).map(lambda value: value * 10_000)


@given(amounts, amounts, st.booleans())
def test_a_restatement_is_told_by_the_two_thresholds_of_section_6(was: Decimal, now: Decimal, stock: bool) -> None:
    concept, size = ("debt", "assets") if stock else ("capex", "revenue")
    before, after = base(), base()
    for made, value, accession in ((before, was, "a1"), (after, now, "a2")):
        made["financial_health"]["concepts"][concept] = [figure(concept, value, YEARS[1], accession=accession)]  # type: ignore[arg-type]
    company = Decimal((2000 if size == "assets" else 1000) * M)
    found = what_changed(before, after)
    if was == now:
        assert (found["changes"], found["small"]) == ([], [])
        return
    told = abs(now - was) * 1000 >= company and abs(now - was) * 200 >= abs(was)
    major = told and (abs(now - was) * 20 >= abs(was) or was * now < 0)
    assert [(change["kind"], change["major"]) for change in found["changes"]] == ([("restated", major)] if told else [])
    assert len(found["small"]) == (not told)


@given(st.decimals("0.01", "99", places=2), st.decimals("0.01", "99", places=2))
def test_earnings_a_share_are_told_from_a_cent_and_a_percent(was: Decimal, now: Decimal) -> None:
    def run(value: Decimal, accession: str) -> dict[str, Any]:
        made = figure("eps_diluted", value, YEARS[1], "USD/shares", accession)  # type: ignore[arg-type]
        # Net income moved, so that no split hides the change.
        return base(
            eps_diluted=made,
            net_income=figure("net_income", 100 * M * (1 + (accession == "a2")), YEARS[1], accession=accession),
        )

    told = [
        change
        for change in what_changed(run(was, "a1"), run(now, "a2"))["changes"]
        if change["concept"] == "eps_diluted"
    ]
    assert bool(told) is (abs(now - was) >= Decimal("0.01") and abs(now - was) * 100 >= was)


def test_changes_come_in_the_order_of_their_kinds() -> None:
    order = [KINDS.index(kind) for kind in kinds(base(), base(revenue=figure("revenue", None, YEARS[1])))]
    assert order == sorted(order)
