"""Numbers and words: the formats that pages, sentences and files share."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_dashboard.research import wording as w


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (0, 0, "0"),
        (1234, 0, "1,234"),
        (-1234, 0, "−1,234"),
        (0.5, 0, "0"),
        (1.5, 0, "2"),
        (2.5, 0, "2"),
        (-0.04, 1, "0.0"),
        (0.25, 1, "0.2"),
        (2.675, 2, "2.68"),  # the digits a person reads, not the binary below them
        (Decimal("12345678.95"), 1, "12,345,679.0"),
    ],
)
def test_numbers_round_half_to_even_with_a_true_minus(value: float, places: int, shown: str) -> None:
    assert w.number(value, places) == shown


def test_a_sign_is_shown_on_changes_but_not_on_zero() -> None:
    assert (w.number(3, signed=True), w.number(-3, signed=True), w.number(0, signed=True)) == ("+3", "−3", "0")
    assert w.pp(0.46) == "+0.5 pp"
    assert w.pp(-2.04) == "−2.0 pp"
    assert w.pp(2.04, signed=False) == "2.0 pp"


def test_a_table_has_one_scale() -> None:
    assert w.table_scale([Decimal(416_161_000_000), None]) == w.MILLIONS
    small = w.table_scale([Decimal(999_000_000), Decimal(5)])
    assert small.places == 1
    assert w.money(Decimal(88_900_000), small) == "88.9"
    assert w.money(Decimal(416_161_000_000)) == "416,161"
    assert w.money(-1_991_000_000) == "−1,991"
    assert w.MILLIONS.title == "US$ million"
    assert w.table_scale([], "EUR").title == "EUR million"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (416_161_000_000, "US$ 416.2 bn"),
        (-1_234_000_000, "US$ −1.2 bn"),
        (999_960_000, "US$ 1.0 bn"),
        (999_940_000, "US$ 999.9 m"),
        (75_300_000, "US$ 75.3 m"),
        (512_000, "US$ 512,000"),
        (0, "US$ 0"),
    ],
)
def test_money_in_sentences(value: int, words: str) -> None:
    assert w.money_words(value) == words


def test_money_of_other_currencies_and_on_tiles() -> None:
    assert w.money_words(-5_000_000_000, "EUR") == "EUR −5.0 bn"
    assert w.money_parts(416_161_000_000) == ("US$", "416.2", "bn")
    assert w.money_parts(Decimal("605800000")) == ("US$", "605.8", "m")
    assert w.per_share(Decimal("-0.125")) == "−0.12"
    assert w.per_share(7.46, "USD") == "US$ 7.46"


def test_ratios() -> None:
    assert w.percent(-2.8004) == "−2.8%"
    assert w.percent(6.43, signed=True) == "+6.4%"
    assert w.percent(999.94) == "999.9%"
    assert w.percent(-1000) == "n/m"
    assert w.multiple(0.988) == "0.99×"
    assert w.multiple(29.06, 1) == "29.1×"
    assert w.days(1) == "1 day"
    assert w.days(62.6) == "63 days"


def figure(concept: str, unit: str, value: float | None, code: str | None = None) -> dict[str, object]:
    return {"concept": concept, "unit": unit, "value": value, "code": code}


@pytest.mark.parametrize(
    ("given_figure", "cell", "words"),
    [
        (figure("revenue", "USD", 416_161_000_000), "416,161", "US$ 416.2 bn"),
        (figure("eps_diluted", "USD/shares", 7.46), "7.46", "US$ 7.46"),
        (figure("shares_diluted", "shares", 14_948_500_000), "14,948", "14.9 bn shares"),
        (figure("om", "percent", 31.97), "32.0%", "32.0%"),
        (figure("roe", "percent", 1250.0), "n/m", "n/m"),
        (figure("cr", "ratio", 0.988), "0.99×", "0.99×"),
        (figure("cover", "ratio", 29.06), "29.1×", "29.1×"),
        (figure("cover", "ratio", 100.5), ">100×", ">100×"),
        (figure("nde", "ratio", -0.4), "net cash", "net cash"),
        (figure("dso", "days", 62.6), "63 days", "63 days"),
        (figure("gm", "percent", None, "not_reported"), "n/r", "not reported"),
        (figure("roe", "percent", None, "thin_equity"), "n/m", "not meaningful"),
        (figure("gm", "percent", None, "not_applicable_sector"), "n/a", "not applicable"),
    ],
)
def test_a_figure_is_shown_by_unit_and_concept(given_figure: dict[str, object], cell: str, words: str) -> None:
    assert w.display(given_figure) == cell
    assert w.in_words(given_figure) == words


def test_every_absent_code_has_a_mark_and_a_sentence() -> None:
    for code, absence in w.ABSENT.items():
        assert absence.mark in w.WORDS, code
        assert absence.reason.endswith("."), code
        assert w.why(figure("x", "USD", None, code)) == absence.reason
    assert w.absence("new_code").mark == "n/m"
    assert w.why(figure("x", "USD", 1)) == ""
    assert w.display(None) == "–"


def test_what_moved_says_which_way() -> None:
    assert [w.moved(x) for x in (5, -3, 0.04)] == ["grew 5.0%", "fell 3.0%", "did not change"]


def test_changes_are_computed_before_rounding() -> None:
    money = (figure("revenue", "USD", 416_161_000_000), figure("revenue", "USD", 391_035_000_000))
    assert w.change(*money) == "+6.4%"
    assert w.change(figure("om", "percent", 31.97), figure("om", "percent", 31.44)) == "+0.5 pp"
    assert w.change(figure("de", "ratio", 1.338), figure("de", "ratio", 1.872)) == "−0.53×"
    assert w.change(figure("dso", "days", 60.2), figure("dso", "days", 63.4)) == "−3 days"
    assert w.change(figure("fcf", "USD", 5), figure("fcf", "USD", -5)) == "n/m"
    assert w.change(figure("fcf", "USD", 5), figure("fcf", "USD", None, "not_reported")) == "–"


def test_no_change_is_shown_of_what_is_shown_without_a_number() -> None:
    cash, less, owing = (figure("nde", "ratio", value) for value in (-0.3, -0.4, 0.2))
    assert w.change(cash, less) == w.change(owing, less) == w.change(cash, owing) == "–"
    assert w.change(figure("cover", "ratio", 150), figure("cover", "ratio", 120)) == "–"
    assert w.change(figure("cover", "ratio", 12), figure("cover", "ratio", 10.5)) == "+1.5×"


@pytest.mark.parametrize(
    ("label", "verb"),
    [
        ("Total assets", "are"), ("Finance leases", "are"), ("Weighted shares, basic", "are"), ("Receivables", "are"),
        ("Cash and short-term investments", "are"), ("Dividends paid", "are"), ("EPS, diluted", "is"), ("EBITDA", "is"),
        ("Gross profit", "is"), ("Shareholders' equity", "is"), ("Net income incl. minorities", "is"), ("Debt", "is"),
        ("Amortization of intangible assets", "is"), ("Goodwill", "is"),
    ],
)  # fmt: skip
def test_a_label_takes_its_verb(label: str, verb: str) -> None:
    assert w.is_or_are(label) == verb


def test_dates_times_and_counts() -> None:
    assert w.long_date("2025-09-27") == "27 Sep 2025"
    assert w.long_date(date(2026, 3, 2)) == "2 Mar 2026"
    assert w.iso_date(date(2026, 3, 2)) == "2026-03-02"
    moment = datetime(2026, 3, 2, 11, 42, tzinfo=UTC)
    assert w.minute(moment, ZoneInfo("Europe/Berlin")) == "2026-03-02 12:42"
    assert w.long_minute(moment) == "2 Mar 2026 11:42"
    assert w.year_ended("FY2025", "2025-09-27") == "FY2025, year ended 27 Sep 2025"
    assert w.counted(1, "run") == "1 run"
    assert w.counted(1204, "run") == "1,204 runs"
    assert w.counted(2, "company", "companies") == "2 companies"
    assert [w.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.003, "<0.01 s"),
        (0.04, "0.04 s"),
        (0.31, "0.3 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (90, "1 min 30 s"),
        (240, "4 min"),
        (3599, "1 h"),
        (7500, "2 h 5 min"),
        (3 * 86400, "3 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert w.duration(seconds) == words


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_a_shown_number_reads_back_as_the_rounded_value(value: Decimal) -> None:
    assert Decimal(w.number(value, 1).replace("−", "-").replace(",", "")) == w.rounded(value, 1)
    assert "-" not in w.money_words(value)


@pytest.mark.parametrize(
    ("mmdd", "shown"), [("0926", "26 September"), ("0229", "29 February"), ("1231", "31 December"), ("0000", "0000")]
)
def test_the_end_of_a_fiscal_year_is_a_day_people_know(mmdd: str, shown: str) -> None:
    assert w.day_of_year(mmdd) == shown


def test_a_number_of_any_size_is_written_out() -> None:
    assert w.number(1e126).count("000") > 30
