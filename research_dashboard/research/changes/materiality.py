"""Which change of a figure is worth telling: the thresholds of FINANCE.md, section 6."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from research_dashboard.research.wording import exact

Figure = Mapping[str, Any]  # of a stored result
Table = Mapping[tuple[str, str], Figure]  # (concept, period end) -> figure

# Decimals, for what is filed is exact: 6.09 and 6.10 lie a whole cent apart.
RESTATED, MAJOR = Decimal("0.005"), Decimal("0.05")  # of the figure itself
OF_THE_COMPANY = Decimal("0.001")  # of revenue for flows, of assets for stocks
EPS_AMOUNT, EPS_PART = Decimal("0.01"), Decimal("0.01")
SPLIT_FROM, SAME_INCOME = Decimal("1.4"), Decimal("0.01")

MARGINS = frozenset({"gm", "om", "nm", "fcfm", "rd", "sga%", "etr", "efficiency", "equity_assets"})
MARGIN_PP, RETURN_PP = Decimal("0.5"), Decimal(1)  # every other percentage is a growth or a return
MULTIPLE_AMOUNT, MULTIPLE_PART = Decimal("0.1"), Decimal("0.05")
DAYS = 3
SHARE_PP, PERCENTILE = Decimal("0.5"), 10
PLACES = 6  # as ratios are stored: a difference of two is no more exact


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a change is told; major: 5 % or more, or another sign; split: the basis of the shares changed."""

    material: bool
    major: bool = False
    split: bool = False


def judge_filed(old: Table, new: Table, key: tuple[str, str]) -> Judgement:
    """A filed figure with two values, in the company's two sets of figures."""
    was, now = exact(old[key]["value"]), exact(new[key]["value"])
    unit, difference = str(new[key]["unit"]), abs(now - was)
    part = difference / abs(was) if was else Decimal("Infinity")
    major = part >= MAJOR or was * now < 0
    if unit.endswith("shares") and _split(old, new, key, was, now):
        return Judgement(material=True, split=True)
    if "/" in unit:
        material = difference >= EPS_AMOUNT and part >= EPS_PART
    elif unit == "shares":
        material = part >= RESTATED
    else:
        measure = new.get(("revenue" if new[key]["period"].get("start") else "assets", key[1]))
        size = measure.get("value") if measure else None
        material = part >= RESTATED and (size is None or difference >= OF_THE_COMPANY * abs(exact(size)))
    return Judgement(material, material and major)


def _split(old: Table, new: Table, key: tuple[str, str], was: Decimal, now: Decimal) -> bool:
    """Shares, or an amount per share, 1.4 times apart while net income stayed the same."""
    before, after = (table.get(("net_income", key[1]), {}).get("value") for table in (old, new))
    if before is None or after is None or was * now <= 0:
        return False
    apart = max(abs(was / now), abs(now / was))
    same = abs(exact(after) - exact(before)) <= SAME_INCOME * abs(exact(before))
    return apart >= SPLIT_FROM and same


def judge_ratio(was: Figure, now: Figure) -> Judgement:
    """A ratio with two values: margins 0.5 pp, growth and returns 1 pp, multiples 0.1 and 5 %, days 3."""
    old, new = exact(was["value"]), exact(now["value"])
    difference = apart(old, new)
    match now["unit"]:
        case "percent":
            material = difference >= (MARGIN_PP if now["concept"] in MARGINS else RETURN_PP)
        case "days":
            material = difference >= DAYS
        case "ratio":
            material = difference >= MULTIPLE_AMOUNT and (not old or difference >= MULTIPLE_PART * abs(old))
        case _:  # an amount: net debt, EBITDA
            material = not old or difference >= MULTIPLE_PART * abs(old)
    return Judgement(material, material and old * new < 0)


def apart(was: Any, now: Any) -> Decimal:
    """How far two stored ratios lie apart."""
    return round(abs(exact(now) - exact(was)), PLACES)
