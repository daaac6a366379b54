"""Which filing speaks for which period: section 2 of FINANCE.md, on filings made by hand and made at random."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research_dashboard.research.analysis import Analysis, analyse
from research_dashboard.research.concepts import DEBT_TAGS, STOCKS, TAGS, Step
from research_dashboard.research.financials import financial_health, gaps
from research_dashboard.research.model import Company, Fact, Filing
from research_dashboard.research.periods import Calendar, currency_of, file_facts, usable
from research_dashboard.research.quarters import quarters
from tests.filed import TODAY, Book

STOCK_TAGS = {tag for concept in STOCKS for step in concept.steps if isinstance(step, Step) for tag in step.tags} | {
    tag for tags in DEBT_TAGS.values() for tag in tags
}
Y23, Y24, Y25 = ("2023-01-01", "2023-12-31"), ("2024-01-01", "2024-12-31"), ("2025-01-01", "2025-12-31")


def analysed(book: Book, as_of: date = TODAY, **values: object) -> Analysis:
    """A company with the facts of a book."""
    return analyse(Company(1, 1, "By Hand"), book.facts, as_of, **values)  # type: ignore[arg-type]


def two_reports() -> Book:
    """FY2024 as first filed, and as the next report has it."""
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1000)
    return book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=1020)


def test_the_newest_report_speaks_for_a_year_and_the_first_stands_beside_it() -> None:
    figure = analysed(two_reports()).figure("revenue", date(2024, 12, 31))
    assert figure.value == 1020
    assert figure.first is not None
    assert figure.first.value == 1000
    assert analysed(two_reports(), view="first").figure("revenue", date(2024, 12, 31)).value == 1000


def test_nothing_filed_after_the_as_of_date_is_used() -> None:
    before, on = (analysed(two_reports(), as_of=date(2026, 1, day)) for day in (30, 31))
    assert [year.label for year in before.years] == [year.label for year in on.years] == ["FY2024"]
    assert len(analysed(two_reports(), as_of=date(2026, 2, 1)).years) == 2


def test_a_period_that_ends_after_its_filing_is_a_typing_error() -> None:
    book = two_reports().year("2029-01-01", "2029-12-31")
    assert [year.end.year for year in analysed(book).years] == [2024, 2025]


def test_fy_and_fp_of_a_fact_decide_nothing() -> None:
    """A filing's facts carry the filing's year, also its comparatives: whoever reads `fy` gets the wrong year."""
    book = Book().file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=1020)
    analysis = analysed(book)
    assert analysis.figure("revenue", date(2024, 12, 31)).value == 1020
    assert analysis.figure("revenue", date(2025, 12, 31)).value == 1100
    assert [year.label for year in analysis.years] == ["FY2024", "FY2025"]
    assert all(fact.filing.fiscal_year == 2025 for fact in book.facts)


def test_swapping_start_and_end_or_shifting_them_would_be_seen() -> None:
    book = Book().file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100)
    book.flow("Revenues", 300, "2025-10-01", "2025-12-31")  # the fourth quarter stands in the same report
    book.flow("Revenues", 9999, "2023-01-01", "2025-12-31")  # and so does a sum of three years
    assert analysed(book).figure("revenue", date(2025, 12, 31)).value == 1100


@pytest.mark.parametrize("form", ["10-Q", "8-K", "DEF 14A", "ARS", "10-K/A"])
def test_a_pay_table_or_an_interim_report_does_not_speak_for_a_year(form: str) -> None:
    book = two_reports().file(form, "2026-05-01", 2026)
    book.flow("NetIncomeLoss", 99, *Y25).flow("Revenues", 9, *Y25)  # no balance sheet, so no statements
    figure = analysed(book).figure("revenue", date(2025, 12, 31))
    assert figure.value == 1100


def test_a_whole_amendment_is_an_ordinary_newer_filing() -> None:
    book = two_reports().file("10-K/A", "2026-05-01", 2025).year(*Y25, Revenues=1150)
    assert analysed(book).figure("revenue", date(2025, 12, 31)).value == 1150
    own = analysed(book).own_filing(date(2025, 12, 31))
    assert own is not None
    assert own.form == "10-K"


def test_a_concept_the_newest_filing_lacks_comes_from_the_next_and_is_marked() -> None:
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1000, InterestExpense=7)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=1000)
    figure = analysed(book).figure("interest_expense", date(2024, 12, 31))
    assert (figure.value, figure.other_filing) == (7, True)
    assert not analysed(book).figure("revenue", date(2024, 12, 31)).other_filing


def test_growth_comes_from_one_filing_that_reports_both_years() -> None:
    growth = analysed(two_reports()).figure("g1", date(2025, 12, 31))
    assert growth.value == pytest.approx(1100 / 1020 - 1)
    assert len({fact.filing.accession for fact in growth.facts}) == 1


def test_without_a_filing_that_reports_both_years_there_is_no_growth() -> None:
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1000)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100)
    assert analysed(book).figure("g1", date(2025, 12, 31)).code == "no_prior_year"


@pytest.mark.parametrize(("prior", "code"), [(0, "negative_base"), (-5, "negative_base"), (1, "base_near_zero")])
def test_a_growth_base_must_be_worth_something(prior: int, code: str) -> None:
    book = Book().file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=1100).year(*Y24, Revenues=prior)
    assert analysed(book).figure("g1", date(2025, 12, 31)).code == code


def test_a_transition_report_gives_a_stub_and_a_balance_and_no_year() -> None:
    book = Book().file("10-K", "2024-02-01", 2023).year(*Y23, Revenues=900)
    stub = ("2024-01-01", "2024-03-31")
    book.file("10-KT", "2024-05-01").flow("NetIncomeLoss", 3, *stub).flow("Revenues", 250, *stub)
    book.stock("Assets", 120, "2024-03-31").flow("NetIncomeLoss", 10, *Y23).flow("Revenues", 777, *Y23)
    year = ("2024-04-01", "2025-03-31")
    book.file("10-K", "2025-05-01", 2025).year(*year, Revenues=1000).stock("Assets", 120, "2024-03-31")
    analysis = analysed(book, as_of=date(2026, 1, 1))
    assert [str(year.end) for year in analysis.years] == ["2023-12-31", "2025-03-31"]
    assert [(str(one.start), str(one.end)) for one in analysis.transition_periods] == [stub]
    assert analysis.figure("revenue", date(2023, 12, 31)).value == 900
    assert analysis.figure("g1", date(2025, 3, 31)).code == "no_prior_year"
    assert analysis.figure("roa", date(2025, 3, 31)).value == pytest.approx(10 / 110)
    assert [note["kind"] for note in analysis.notes] == ["changed_year_end"]


def test_a_difference_of_rounding_is_no_restatement() -> None:
    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24, NetIncomeLoss=12_400, Assets=900_100, Revenues=98_600)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, NetIncomeLoss=13_000, Assets=950_000, Revenues=120_000)
    book.year(*Y24, NetIncomeLoss=12_000, Assets=900_000, Revenues=99_000)
    assert analysed(book).restated == ()


def test_a_split_breaks_the_series_per_share() -> None:
    shares = "WeightedAverageNumberOfDilutedSharesOutstanding"

    def report(book: Book, year: tuple[str, str], count: int, eps: str) -> None:
        book.flow(shares, count, *year, unit="shares").flow("EarningsPerShareDiluted", eps, *year, unit="USD/shares")

    book = Book().file("10-K", "2025-02-01", 2024).year(*Y24).year(*Y23)
    report(book, Y24, 100, "0.10")
    report(book, Y23, 100, "0.10")
    book.file("10-K", "2026-02-01", 2025).year(*Y25, NetIncomeLoss=12).year(*Y24)
    report(book, Y25, 1000, "0.012")
    report(book, Y24, 1000, "0.01")
    analysis = analysed(book)
    assert [split.words for split in analysis.splits] == ["10-for-1 share split"]
    assert analysis.figure("eps_diluted", date(2024, 12, 31)).value == Decimal("0.01")
    assert analysis.figure("eps_diluted", date(2023, 12, 31)).notes == (analysis.splits[0].note,)
    assert analysis.figure("g1_eps_diluted", date(2025, 12, 31)).value == pytest.approx(0.2)
    begun = {year.end.year: analysis.figure("eps_diluted", year.end).begins for year in analysis.years}
    assert begun == {2023: None, 2024: "s1", 2025: None}
    assert [note["mark"] for note in analysis.notes if note["kind"] == "split"] == ["s1"]


def test_an_old_company_is_stale_eighteen_months_on() -> None:
    assert not analysed(two_reports(), as_of=date(2027, 6, 30)).stale
    assert analysed(two_reports(), as_of=date(2027, 7, 1)).stale


def test_a_recast_of_revenue_and_assets_together_starts_the_series_anew() -> None:
    book = Book().file("10-K", "2024-02-01", 2023).year(*Y23, Revenues=1, Assets=100)
    book.file("10-K", "2025-02-01", 2024).year(*Y24, Revenues=1, Assets=100)
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=500, Assets=900).year(*Y24, Revenues=400, Assets=800)
    analysis = analysed(book)
    assert [year.end.year for year in analysis.years] == [2024, 2025]
    assert "recast" in [note["kind"] for note in analysis.notes]


def test_data_without_any_balance_sheet_still_have_the_years_of_their_flows() -> None:
    book = Book().file("10-K", "2026-02-01", 2025).flow("Revenues", 1100, *Y25).flow("Revenues", 1000, *Y24)
    book.file("10-K/A", "2026-05-01", 2025).flow("Revenues", 9, *Y25)
    analysis = analysed(book)
    assert analysis.figure("g1", date(2025, 12, 31)).value == pytest.approx(0.1)
    assert analysis.figure("assets", date(2025, 12, 31)).code == "not_reported"
    assert [note["kind"] for note in analysis.notes] == ["partial_data"]


def test_one_reporting_currency_and_never_another() -> None:
    book = Book().file("20-F", "2026-02-01", 2025)
    for unit, factor in (("EUR", 1), ("USD", 2)):
        book.flow("ifrs-full:ProfitLoss", 10 * factor, *Y25, unit=unit)
        book.stock("ifrs-full:Assets", 100 * factor, "2025-12-31", unit=unit)
    book.flow("ifrs-full:Revenue", 50, *Y25, unit="EUR")
    analysis = analysed(book)
    assert analysis.currency == "EUR"
    assert analysis.figure("net_income", date(2025, 12, 31)).value == 10
    assert {note["kind"] for note in analysis.notes} == {"ifrs", "currency"}


def test_the_fourth_quarter_is_the_year_less_nine_months_of_the_same_start() -> None:
    book = Book().file("10-Q", "2025-05-01").flow("Revenues", 100, "2025-01-01", "2025-03-31")
    book.file("10-Q", "2025-08-01").flow("Revenues", 210, "2025-01-01", "2025-06-30")
    book.file("10-Q", "2025-11-01").flow("Revenues", 330, "2025-01-01", "2025-09-30")
    book.flow("Revenues", 120, "2025-07-01", "2025-09-30")
    book.file("10-K", "2026-02-01", 2025).year(*Y25, Revenues=460)
    known = usable(book.facts, TODAY)
    found = quarters(file_facts(known, currency_of(known)), "revenue")
    assert [(str(one.start), one.value, one.made) for one in found] == [
        ("2025-01-01", 100, "filed"),
        ("2025-04-01", 110, "derived"),
        ("2025-07-01", 120, "filed"),
        ("2025-10-01", 130, "derived"),
    ]
    with pytest.raises(ValueError, match="no quarters"):
        quarters([], "assets")


def test_a_bank_s_quarter_is_its_revenue_tag_or_the_sum_of_its_two_incomes() -> None:
    book = Book().file("10-Q", "2025-05-01")
    for tag, value in {"InterestIncomeExpenseNet": 60, "NoninterestIncome": 40, "SalesRevenueNet": 7}.items():
        book.flow(tag, value, "2025-01-01", "2025-03-31")
    book.file("10-Q", "2025-08-01").flow("InterestIncomeExpenseNet", 61, "2025-04-01", "2025-06-30")
    book.file("10-Q", "2025-11-01").flow("Revenues", 104, "2025-07-01", "2025-09-30")
    known = usable(book.facts, TODAY)
    found = quarters(file_facts(known, currency_of(known)), "revenue", bank=True)
    assert [(str(one.end), one.value, one.made) for one in found] == [
        ("2025-03-31", 100, "derived"),
        ("2025-09-30", 104, "filed"),  # of the second quarter one part alone is filed: no revenue
    ]
    assert {fact.tag for fact in found[0].facts} == {"InterestIncomeExpenseNet", "NoninterestIncome"}
    assert found[0].formula == "net_interest_income + noninterest_income"


Drawn = tuple[str, int, list[tuple[date, date]]]  # form, days until filed, periods
spans = st.builds(
    lambda start, length: (start, start + timedelta(days=length - 1)),
    st.dates(date(2015, 1, 1), date(2025, 1, 1)),
    st.sampled_from((31, 90, 91, 181, 272, 349, 350, 363, 364, 365, 366, 371, 380, 381, 730)),
)
reports = st.lists(
    st.tuples(
        st.sampled_from(("10-K", "10-K/A", "10-KT", "20-F", "10-Q", "8-K", "DEF 14A")),
        st.integers(-40, 400),  # days from the last period's end to the filing; before it: a typing error
        st.lists(spans, min_size=1, max_size=5),
    ),
    max_size=7,
)


@given(reports)
def test_whatever_is_filed_the_periods_hold_their_promises(drawn: list[Drawn]) -> None:
    facts: list[Fact] = []
    for number, (form, lag, periods) in enumerate(drawn):
        filed = max(end for _, end in periods) + timedelta(days=lag)
        filing = Filing(f"0000000001-20-{number:06}", 1, form, filed, filed.year)
        for start, end in periods:
            income = Fact("us-gaap", "NetIncomeLoss", "USD", start, end, Decimal(number), filing)
            assets = Fact("us-gaap", "Assets", "USD", None, end, Decimal(number), filing)
            facts += [income, assets]
    known = usable(facts, TODAY)
    calendar = Calendar(file_facts(known, "USD"))
    ends = [year.end for year in calendar.years]
    assert all((later - earlier).days > 7 for earlier, later in pairwise(ends))
    for year in calendar.years:
        latest, first = (calendar.anchors(year.end, False, view) for view in ("latest", "first"))
        assert latest, "a year is reported by a statement filing"
        assert latest == first[::-1]
        dates = [anchor.filed.filing.filed for anchor in latest]
        assert dates == sorted(dates, reverse=True)
        for anchor in latest:
            assert anchor.start is not None
            assert 350 <= (anchor.end - anchor.start).days + 1 <= 380
            assert anchor.end <= anchor.filed.filing.filed <= TODAY
            assert abs((anchor.end - year.end).days) <= 60
        before = calendar.previous(year.end)
        assert before is None or 350 <= (year.end - before.end).days <= 380
    shuffled = Calendar(file_facts(known[::-1], "USD"))
    assert shuffled.years == calendar.years, "the order of the facts decides nothing"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(TAGS)),
            st.sampled_from((0, 1, 2)),  # the report
            st.sampled_from((Y23, Y24, Y25)),
            st.sampled_from((-(10**9), -1, 0, 1, 7, 10**6, 10**12)),
        ),
        max_size=120,
    ),
    st.sampled_from((None, 3571, 6021, 6331, 4911, 6798)),
    st.sampled_from(("latest", "first")),
)
def test_whatever_values_are_filed_every_figure_is_there_or_says_why(
    filed: list[tuple[str, int, tuple[str, str], int]], sic: int | None, view: str
) -> None:
    book = Book()
    for number, (day, year) in enumerate((("2024-02-01", Y23), ("2025-02-01", Y24), ("2026-02-01", Y25))):
        book.file("10-K", day, int(day[:4]) - 1).year(*year)
        for tag, report, (start, end), value in filed:
            if report == number and end < day:
                book.stock(tag, value, end) if tag in STOCK_TAGS else book.flow(tag, value, start, end)
    analysis = analyse(Company(1, 1, "By Hand", sic=sic), book.facts, TODAY, view)  # type: ignore[arg-type]
    health, missing = financial_health(analysis), gaps(analysis)
    assert missing["count"] == len(missing["gaps"])
    for series in (*health["concepts"].values(), *health["ratios"].values()):
        for figure in series:
            assert figure["facts"] if figure["value"] is not None else figure["code"] and figure["reason"]
