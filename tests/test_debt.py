"""Debt, step by step: what each step of algorithm 1a makes of the tags of one balance sheet."""

from datetime import date
from decimal import Decimal

import pytest

from research_dashboard.research.debt import ABOVE_SUM, BESIDE, HOLDS_LEASES, NO_CURRENT, ONLY_CURRENT, debt_of
from research_dashboard.research.model import Fact, Filing

FILING = Filing("0000000001-26-000001", 1, "10-K", date(2026, 2, 1))

CASES: list[tuple[str, dict[str, int], int | None, str | None]] = [
    ("noncurrent and current part", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10}, 100, None),
    ("short-term borrowings are added", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10,
                                         "ShortTermBorrowings": 5}, 105, None),
    ("all current debt replaces its parts", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10, "DebtCurrent": 15,
                                             "ShortTermBorrowings": 5}, 105, None),
    ("all current debt below its part is not believed", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10,
                                                         "DebtCurrent": 5, "ShortTermBorrowings": 5}, 105, None),
    ("the larger noncurrent line", {"LongTermDebtNoncurrent": 80, "LongTermDebtAndCapitalLeaseObligations": 90,
                                    "LongTermDebtCurrent": 1}, 91, HOLDS_LEASES),
    ("UPS: the second line is a total", {"LongTermDebtNoncurrent": 19784, "LongTermDebtCurrent": 2131,
                                         "LongTermDebtAndCapitalLeaseObligations": 21915}, 21915, None),
    ("Hertz: N is the total", {"LongTermDebtNoncurrent": 1000, "DebtAndCapitalLeaseObligations": 1001,
                               "DebtCurrent": 300}, 1000, None),
    ("MCD: commercial paper refinanced long-term is not added", {"LongTermDebtNoncurrent": 100, "LongTermDebt": 100,
                                                                 "LongTermDebtCurrent": 7, "CommercialPaper": 20},
     107, None),
    ("MRVL: one 63 under two tags", {"LongTermDebtNoncurrent": 4484, "LongTermDebtCurrent": 63,
                                     "OtherShortTermBorrowings": 63}, 4547, None),
    ("no current part: the larger total holds it", {"LongTermDebtNoncurrent": 90, "LongTermDebt": 100}, 100, None),
    ("no current part: said", {"LongTermDebtNoncurrent": 90, "CommercialPaper": 5}, 95, NO_CURRENT),
    ("other noncurrent tags", {"ConvertibleNotesPayableNoncurrent": 50, "ConvertibleNotesPayableCurrent": 2}, 52, None),
    ("combined tag alone", {"DebtLongtermAndShorttermCombinedAmount": 70, "DebtCurrent": 10}, 70, None),
    ("long-term debt with what is short-term beyond it", {"LongTermDebt": 70, "DebtCurrent": 12,
                                                          "LongTermDebtCurrent": 10}, 72, None),
    ("ADBE 2024: the noncurrent line under LongTermDebt", {"LongTermDebt": 4129, "DebtCurrent": 1499}, 5628, BESIDE),
    ("ADBE 2024, a year later: the notes' current part is face value", {"LongTermDebt": 4129, "DebtCurrent": 1499,
                                                                        "LongTermDebtCurrent": 1500}, 5628, BESIDE),
    ("ADBE 2025: nothing current", {"LongTermDebt": 6210, "DebtCurrent": 0, "LongTermDebtCurrent": 0}, 6210, None),
    ("long-term debt with short-term borrowings", {"LongTermDebt": 70, "CommercialPaper": 5}, 75, None),
    ("only current debt", {"DebtCurrent": 12}, 12, ONLY_CURRENT),
    ("a combined tag above the sum is used", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10,
                                              "DebtLongtermAndShorttermCombinedAmount": 110}, 110, ABOVE_SUM),
    ("HD: a combined tag below the sum is normal", {"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10,
                                                    "DebtLongtermAndShorttermCombinedAmount": 95}, 100, None),
    ("zero is a value", {"LongTermDebtNoncurrent": 0, "LongTermDebtCurrent": 0}, 0, None),
    ("IFRS", {"ifrs-full:LongtermBorrowings": 30, "ifrs-full:CurrentPortionOfLongtermBorrowings": 3}, 33, None),
    ("face values are never debt", {"DebtInstrumentFaceAmount": 500, "DebtInstrumentCarryingAmount": 500}, None, None),
    ("nothing is never zero", {}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("case", "tags", "value", "note"), CASES, ids=[case[0] for case in CASES])
def test_debt_is_what_the_balance_sheet_carries(
    case: str, tags: dict[str, int], value: int | None, note: str | None
) -> None:
    facts = {}
    for name, amount in tags.items():
        taxonomy, _, tag = name.rpartition(":")
        fact = Fact(taxonomy or "us-gaap", tag, "USD", None, date(2025, 12, 31), Decimal(amount), FILING)
        facts[fact.name] = fact
    debt = debt_of(facts.get)
    if value is None:
        assert debt is None
        return
    assert debt is not None
    assert debt.value == value
    assert sum(sign * fact.value for sign, fact in debt.parts) == debt.value
    assert note is None or note in debt.notes
