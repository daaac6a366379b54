"""Two values of one period: a restatement, another tag, a split, another share basis, an error of scale; and payments
of a negative sign, and depreciation filed in parts."""

from datetime import date
from decimal import Decimal

import pytest

from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.financials import company_profile, financial_health
from research_dashboard.research.model import Company
from research_dashboard.research.twofold import split_ratio
from research_dashboard.research.verify import verify
from tests.filed import TODAY, Book, answered, bundled

Y25, Y24, Y23 = (("2025-01-01", "2025-12-31"), ("2024-01-01", "2024-12-31"), ("2023-01-01", "2023-12-31"))
E24, E25 = date(2024, 12, 31), date(2025, 12, 31)
SHARES, EPS = "WeightedAverageNumberOfDilutedSharesOutstanding", "EarningsPerShareDiluted"


def analysed(book: Book) -> Analysis:
    return analyse(Company(1, 1, "Subject Inc.", sic=3571), book.facts, date(2026, 6, 30))


def kinds(analysis: Analysis) -> dict[tuple[str, str], str]:
    return {(entry["concept"], entry["end"]): entry["kind"] for entry in analysis.restated}


def two_reports(first: dict[str, tuple[float | str, str]], latest: dict[str, tuple[float | str, str]]) -> Analysis:
    """2024 as its own report has it, and as the next year's does: {tag: (value, unit)}."""
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1000).year(*Y23, Revenues=900)
    for tag, (value, unit) in first.items():
        book.flow(tag, value, *Y24, unit=unit)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=1000)
    for tag, (value, unit) in latest.items():
        book.flow(tag, value, *Y24, unit=unit)
    return analysed(book)


@pytest.mark.parametrize(
    ("first", "latest", "kind"),
    [
        ((SHARES, 741_300_000, "shares"), (SHARES, "741.3", "shares"), "scale"),
        ((SHARES, 588_684, "shares"), (SHARES, 588_684_000, "shares"), "scale"),
        ((SHARES, 510, "shares"), (SHARES, 10_198, "shares"), "split"),
        ((SHARES, 900, "shares"), (SHARES, 100, "shares"), "split"),
        ((SHARES, 168_142_740, "shares"), (SHARES, 28_600_000, "shares"), "share_basis"),
        ((SHARES, 1_001, "shares"), (SHARES, 1_037, "shares"), "restated"),
        ((EPS, "58.61", "USD/shares"), (EPS, "2.93", "USD/shares"), "split"),
        ((EPS, "2.74", "USD/shares"), (EPS, "3.29", "USD/shares"), "restated"),
        ((EPS, "0.02", "USD/shares"), (EPS, "0.01", "USD/shares"), "restated"),
        (("OperatingIncomeLoss", 200, "USD"), ("OperatingIncomeLoss", 210, "USD"), "restated"),
        (("PaymentsOfDividendsCommonStock", 200, "USD"), ("PaymentsOfDividends", 210, "USD"), "retagged"),
        (("OperatingIncomeLoss", 26, "USD"), ("OperatingIncomeLoss", 26_000_000, "USD"), "scale"),
    ],
)
def test_two_values_of_one_period_are_called_what_they_are(
    first: tuple[str, float | str, str], latest: tuple[str, float | str, str], kind: str
) -> None:
    analysis = two_reports({first[0]: first[1:]}, {latest[0]: latest[1:]})
    assert [entry["kind"] for entry in analysis.restated if entry["concept"] != "ebitda"] == [kind]
    (entry,) = analysis.restated
    made = financial_health(analysis)
    figure = next(one for one in made["concepts"][entry["concept"]] if one["period"]["end"] == entry["end"])
    assert ("r" in figure.get("marks", ())) == (kind == "restated")
    assert figure["first"]["kind"] == kind


def test_an_amount_per_share_is_split_only_where_net_income_stands() -> None:
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, NetIncomeLoss=100).year(*Y23)
    book.flow(EPS, "4.00", *Y24, unit="USD/shares")
    book.file("10-K", "2026-02-01", 2025).year(*Y25).year(*Y24, NetIncomeLoss=50)
    book.flow(EPS, "2.00", *Y24, unit="USD/shares")
    assert kinds(analysed(book))["eps_diluted", "2024-12-31"] == "restated"


def test_the_ratio_of_a_split_is_whole_or_a_half_and_near() -> None:
    assert split_ratio(Decimal("19.9994")) == 20
    assert split_ratio(Decimal("1.5")) == Decimal("1.5")
    assert split_ratio(Decimal("0.125")) == Decimal(1) / 8
    assert split_ratio(Decimal("0.1701")) is None
    assert split_ratio(Decimal("1.2")) is None
    assert split_ratio(Decimal(0)) is None


def test_a_new_share_basis_is_not_called_a_split() -> None:
    analysis = two_reports({SHARES: (168_142_740, "shares")}, {SHARES: (28_600_000, "shares")})
    (text,) = [note["text"] for note in analysis.notes if note["kind"] == "split"]
    assert text.startswith("A change of the share basis (0.17 new for each old share): filings from")
    halves = two_reports({SHARES: (200, "shares")}, {SHARES: (300, "shares")})
    assert [split.words for split in halves.splits] == ["3-for-2 share split"]


def test_an_error_of_scale_is_a_note_and_no_restatement() -> None:
    analysis = two_reports({SHARES: (741_300_000, "shares")}, {SHARES: ("741.3", "shares")})
    (note,) = [note for note in analysis.notes if note["kind"] == "scale"]
    assert "741.3 in the latest filing, 741,300,000 in the first" in note["text"]
    assert "restated" not in [note["kind"] for note in analysis.notes]


def test_shares_filed_in_millions_by_mcdonalds_are_errors_of_scale() -> None:
    analysis = analyse(*answered(63908, 5812), TODAY)
    found = kinds(analysis)
    assert {
        found[name, end] for name in ("shares_basic", "shares_diluted") for end in ("2021-12-31", "2022-12-31")
    } == {"scale"}


def test_splits_of_bundled_companies_are_splits_and_their_recast_is_not() -> None:
    amazon, microsoft = kinds(analyse(*bundled("AMZN"), TODAY)), kinds(analyse(*bundled("MSFT"), TODAY))
    assert amazon["eps_diluted", "2021-12-31"] == amazon["shares_diluted", "2021-12-31"] == "split"
    assert microsoft["eps_diluted", "2017-06-30"] == "restated"  # the new standard for revenue
    assert microsoft["revenue", "2017-06-30"] == "retagged"


def payments(first: float, latest: float | None) -> Analysis:
    tag = "PaymentsToAcquirePropertyPlantAndEquipment"
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1000).year(*Y23, Revenues=900)
    book.flow("NetCashProvidedByUsedInOperatingActivities", 300, *Y24).flow(tag, first, *Y24)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=1000)
    book.flow("NetCashProvidedByUsedInOperatingActivities", 300, *Y24)
    if latest is not None:
        book.flow(tag, latest, *Y24)
    return analysed(book)


def test_a_negative_payment_is_taken_from_the_filing_that_states_it_as_a_payment() -> None:
    analysis = payments(first=80, latest=-80)
    capex, fcf = analysis.figure("capex", E24), analysis.figure("fcf", E24)
    assert (capex.value, capex.other_filing, fcf.value) == (80, True, 220)


def test_a_payment_that_is_negative_everywhere_is_a_gap_and_makes_no_cash_flow_larger() -> None:
    analysis = payments(first=-80, latest=-80)
    for id in ("capex", "fcf", "fcfm", "capint"):
        figure = analysis.figure(id, E24)
        assert figure.value is None, id
    assert analysis.figure("capex", E24).code == analysis.figure("fcf", E24).code == "negative_payment"
    assert "PaymentsToAcquirePropertyPlantAndEquipment −80 in 0000000001-26-" in (
        analysis.figure("fcf", E24).reason or ""
    )
    assert analysis.figure("capex", E25).code == "not_reported"
    assert payments(first=0, latest=0).figure("fcf", E24).value == 300


def test_dukes_dividends_of_2010_are_the_payment_that_two_filings_state_not_the_sign_of_the_third() -> None:
    figure = analyse(*bundled("DUK"), TODAY).figure("dividends", date(2010, 12, 31))
    assert (figure.value, figure.other_filing) == (1_284_000_000, True)


@pytest.mark.parametrize(
    ("filed", "value", "formula"),
    [
        ({"DepreciationDepletionAndAmortization": 100, "Depreciation": 80, "AmortizationOfIntangibleAssets": 30}, 100,
         None),
        ({"DepreciationAndAmortization": 10, "Depreciation": 80, "AmortizationOfIntangibleAssets": 30}, 110,
         "depreciation + amortization"),
        ({"DepreciationAndAmortization": 10, "Depreciation": 80}, 80, "depreciation"),
        ({"DepreciationDepletionAndAmortization": 3336, "AmortizationOfIntangibleAssets": 425,
          "CostOfGoodsAndServicesSoldDepreciationAndAmortization": 3708}, 3761, "d_and_a_line + amortization"),
        ({"Depreciation": 177, "AmortizationOfIntangibleAssets": 1053, "OtherDepreciationAndAmortization": 304}, 1357,
         "other_d_and_a + amortization"),
        ({"Depreciation": 800, "AmortizationOfIntangibleAssets": 200, "OtherDepreciationAndAmortization": 1000}, 1000,
         "depreciation + amortization"),
    ],
)  # fmt: skip
def test_depreciation_that_is_filed_in_parts_is_taken_whole(
    filed: dict[str, float], value: int, formula: str | None
) -> None:
    book = Book().file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=5000, OperatingIncomeLoss=500, **filed)
    analysis = analysed(book)
    figure = analysis.figure("d_and_a", E25)
    assert (figure.value, figure.formula) == (value, formula)
    assert any("is a part of it" in note for note in figure.notes) == (formula is not None and value != 1000)
    assert analysis.figure("ebitda", E25).value == 500 + value
    results = {
        "company_profile": company_profile(analysis.company, book.facts, analysis.as_of),
        "financial_health": financial_health(analysis),
    }
    assert verify(results).failures == []


def test_the_depreciation_of_home_depot_and_marvell_is_that_of_their_cash_flow_statements() -> None:
    depot, marvell = analyse(*answered(354950, 5211), TODAY), analyse(*answered(1835632, 3674), TODAY)
    assert depot.figure("d_and_a", date(2025, 2, 2)).value == 3_761_000_000  # 3,336 and, apart, 425
    assert marvell.figure("d_and_a", date(2025, 2, 1)).value == 1_356_900_000  # 304.3 and, apart, 1,052.6
