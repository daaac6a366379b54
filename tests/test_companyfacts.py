"""The reader of companyfacts keeps every digit and drops what is malformed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from research_dashboard.sources.companyfacts import NotCompanyFacts, cik_of, load_companyfacts, parse_companyfacts

GOOD = {"end": "2025-09-27", "start": "2024-09-29", "val": 1, "accn": "0000320193-25-000079", "fy": 2025, "fp": "FY",
        "form": "10-K", "filed": "2025-10-31"}  # fmt: skip


def answer(*rows: Any) -> dict[str, Any]:
    """A companyfacts answer of one tag."""
    units = {"USD": list(rows)}
    return {"cik": 320193, "entityName": "X", "facts": {"us-gaap": {"Revenues": {"label": None, "units": units}}}}


def test_a_row_carries_what_was_filed() -> None:
    row = next(parse_companyfacts(answer(GOOD)))
    assert (row.taxonomy, row.tag, row.label, row.unit) == ("us-gaap", "Revenues", None, "USD")
    assert (row.start, row.end, row.filed) == (date(2024, 9, 29), date(2025, 9, 27), date(2025, 10, 31))
    assert (row.accession, row.form, row.fy, row.fp) == ("0000320193-25-000079", "10-K", 2025, "FY")


def test_values_stay_exact_to_the_last_digit() -> None:
    body = """{"cik": "0000320193", "facts": {"us-gaap": {"EarningsPerShareBasic": {"units": {"USD/shares": [
        {"end": "2025-09-27", "val": 0.1234567890123456789, "accn": "0000320193-25-000079",
         "form": "10-K", "filed": "2025-10-31"},
        {"end": "2025-09-27", "val": 12345678901234567890123, "accn": "0000320193-25-000079",
         "form": "10-K", "filed": "2025-10-31"},
        {"end": "2025-09-27", "val": 1.50, "accn": "0000320193-25-000079",
         "form": "10-K", "filed": "2025-10-31"}]}}}}}"""
    values = [row.value for row in parse_companyfacts(load_companyfacts(body))]
    assert values == [Decimal("0.1234567890123456789"), Decimal("12345678901234567890123"), Decimal("1.50")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": None}, {"end": "2025-02-30"}, {"end": 2025}, {"start": "x"}, {"start": "2025-12-01"}, {"val": None},
        {"val": "1"}, {"val": True}, {"val": [1]}, {"val": float("nan")}, {"val": Decimal("1e400")},
        {"val": 10**40}, {"val": Decimal("1e-99")}, {"accn": "x"}, {"accn": None}, {"accn": ""},
        {"form": None}, {"filed": None}, {"filed": "soon"},
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_row_is_dropped_and_the_others_stay(wrong: dict[str, Any]) -> None:
    assert len(list(parse_companyfacts(answer({**GOOD, **wrong}, GOOD)))) == 1


def test_rows_lists_and_objects_of_the_wrong_kind_are_dropped() -> None:
    assert list(parse_companyfacts(answer("x", None, 3, []))) == []
    for facts in (None, [], {"us-gaap": None}, {"us-gaap": {"A": 1}}, {"us-gaap": {"A": {"units": {"USD": "x"}}}}):
        assert list(parse_companyfacts({"cik": 1, "facts": facts})) == []


def test_an_instant_has_no_start_and_fy_may_be_missing() -> None:
    row = next(parse_companyfacts(answer({**GOOD, "start": None, "fy": None, "fp": None})))
    assert (row.start, row.fy, row.fp) == (None, None, None)


@pytest.mark.parametrize("cik", [320193, "320193", "0000320193"])
def test_the_cik_is_a_number_or_a_padded_string(cik: object) -> None:
    assert cik_of({"cik": cik}) == 320193


@pytest.mark.parametrize("wrong", [{}, {"cik": None}, {"cik": "x"}, {"cik": 0}, {"cik": 10**10}])
def test_an_answer_without_a_cik_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotCompanyFacts):
        cik_of(wrong)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"facts": []}', b"\xff\xfe\x00"])
def test_something_else_than_companyfacts_is_refused(body: bytes) -> None:
    with pytest.raises(NotCompanyFacts):
        load_companyfacts(body)
