"""A third year by hand: what each company's own annual report said, read from the SEC's answers (never from our code).

golden_figures.csv holds two newer years of twenty of these companies; here is one more, and three of those that the
bundle lacks or that are odd: a bank, a 10-KT, IFRS, losses, negative equity.
"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from research_dashboard.research import periods
from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.model import Fact
from research_dashboard.research.periods import View
from tests.filed import TODAY, Filed, answered, bundled

ROWS = list(csv.DictReader(Path(__file__).with_name("golden_years.csv").read_text().splitlines()))
CONCEPTS = [name for name in ROWS[0] if name not in ("company", "cik", "case", "end", "accession")]
AT_HAND = {"MCD", "TXN", "HD", "UA", "MRVL", "LPA"}  # from the SEC's complete answers, where they are at hand
# What later annual reports say of the same year, read there by hand.
RESTATED: dict[tuple[str, str], dict[str, str]] = {
    ("WMT", "2024-01-31"): {"liabilities": "162050*"},  # 0000104169-26-000055 has no redeemable minorities of that day
    ("TGT", "2024-02-03"): {"gross_profit": "29584*"},  # 0000027419-26-000016: cost of sales 77,828 after a reclassing
    ("PFE", "2023-12-31"): {"revenue": "59553", "gross_profit": "34599*"},  # 0000078003-26-000026, with royalties
    ("MCD", "2023-12-31"): {  # 0000063908-26-000035 rounds to whole millions
        "revenue": "25494", "operating_income": "11647", "net_income": "8469", "assets": "56147",
        "liabilities": "60854*", "equity": "-4707", "ocf": "9612",
    },
    ("UA", "2021-12-31"): {  # 0001336917-24-000073: errors corrected
        "revenue": "5682.592", "gross_profit": "2860.625", "operating_income": "475.248", "net_income": "351.003",
        "ocf": "660.565",
    },
    ("UA", "2023-03-31"): {  # 0001336917-25-000078 and, for the balance sheet, 0001336917-24-000073
        "revenue": "5903.165", "gross_profit": "2643.831", "operating_income": "263.586", "net_income": "374.459",
        "assets": "4827.553", "liabilities": "2861.406", "equity": "1966.147", "ocf": "-39.886",
    },
}  # fmt: skip


def facts_of(row: dict[str, str]) -> Filed:
    return answered(int(row["cik"])) if row["company"] in AT_HAND else bundled(row["company"])


def analysed(row: dict[str, str], view: View) -> Analysis:
    return analyse(*facts_of(row), TODAY, view=view)


def in_millions(text: str) -> Decimal | None:
    return None if text == "NR" else Decimal(text.rstrip("*")) * 10**6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['company']}-{row['end']}")
def test_the_first_view_is_the_company_s_own_annual_report(row: dict[str, str]) -> None:
    analysis, end = analysed(row, "first"), date.fromisoformat(row["end"])
    for concept in CONCEPTS:
        figure = analysis.figure(concept, end)
        assert figure.value == in_millions(row[concept]), (concept, figure)
        if figure.present:
            assert {fact.filing.accession for fact in figure.facts} == {row["accession"]}, concept
            assert (figure.made == "derived") == row[concept].endswith("*"), concept
        else:
            assert figure.code in ("not_reported", "not_applicable_sector"), concept


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['company']}-{row['end']}")
def test_the_latest_view_says_the_same_unless_restated_since(row: dict[str, str]) -> None:
    analysis, end = analysed(row, "latest"), date.fromisoformat(row["end"])
    for concept in CONCEPTS:
        figure = analysis.figure(concept, end)
        wanted = RESTATED.get((row["company"], row["end"]), {}).get(concept, row[concept])
        assert figure.value == in_millions(wanted), (concept, figure)
        if figure.first is not None:
            assert figure.first.value == in_millions(row[concept]), "what was filed first stands beside it"


def test_twelve_companies_have_three_years_of_eight_figures_by_hand() -> None:
    years: dict[str, set[str]] = {}
    for file in ("golden_figures.csv", "golden_years.csv"):
        for row in csv.DictReader(Path(__file__).with_name(file).read_text().splitlines()):
            years.setdefault(row["company"], set()).add(row["end"])
    assert len([company for company, ends in years.items() if len(ends) >= 3]) >= 12
    assert len(CONCEPTS) == 8


def by_fiscal_year(facts: Sequence[Fact], currency: str) -> list[periods.Filed]:
    """The mistake everybody makes once: `fy` and `fp` taken for the fact's own year. They are the filing's."""
    named: dict[tuple[str, str, bool, str], Fact] = {}
    own: dict[str, tuple[date, date]] = {}
    for fact in facts:
        if fact.start is not None and periods.days(fact.start, fact.end) in periods.YEAR_DAYS:
            own[fact.filing.accession] = max(own.get(fact.filing.accession, (date.min, date.min)),
                                             (fact.start, fact.end))  # fmt: skip
    for fact in facts:
        if fact.filing.accession in own:
            start, end = own[fact.filing.accession]
            key = fact.filing.accession, fact.name, fact.start is None, fact.unit
            named.setdefault(key, replace(fact, start=None if fact.start is None else start, end=end))
    return periods.file_facts(list(named.values()), currency)


def test_reading_fy_and_fp_for_start_and_end_makes_these_tests_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research_dashboard.research.analysis.file_facts", by_fiscal_year)
    rows = [row for row in ROWS if row["company"] not in AT_HAND]
    wrong = set()
    for row in rows:
        try:
            test_the_first_view_is_the_company_s_own_annual_report(row)
        except AssertionError:
            wrong.add(row["company"])
    assert wrong == {row["company"] for row in rows}
