"""Which change of a figure is worth telling: the thresholds of FINANCE.md, section 6."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Figure = Mapping[str, Any]  # of a stored result
Table = Mapping[tuple[str, str], Figure]  # (concept, period end) -> figure

RESTATED, MAJOR = 0.005, 0.05  # of the figure itself
OF_THE_COMPANY = 0.001  # of revenue for flows, of assets for stocks
EPS_AMOUNT, EPS_PART = 0.01, 0.01
SPLIT_FROM, SAME_INCOME = 1.4, 0.01

MARGINS = frozenset({"gm", "om", "nm", "fcfm", "rd", "sga%", "etr", "efficiency", "equity_assets"})
MARGIN_PP, RETURN_PP = 0.5, 1.0  # every other percentage is a growth or a return
MULTIPLE_AMOUNT, MULTIPLE_PART = 0.1, 0.05
DAYS = 3
SHARE_PP, PERCENTILE = 0.5, 10


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a change is told; major: 5 % or more, or another sign; split: the basis of the shares changed."""

    material: bool
    major: bool = False
    split: bool = False


def judge_filed(old: Table, new: Table, key: tuple[str, str]) -> Judgement:
    """A filed figure with two values, in the company's two sets of figures."""
    was, now = float(old[key]["value"]), float(new[key]["value"])
    unit, difference = str(new[key]["unit"]), abs(now - was)
    part = difference / abs(was) if was else float("inf")
    major = part >= MAJOR or was * now < 0
    if unit.endswith("shares") and _split(old, new, key, was, now):
        return Judgement(material=True, split=True)
    if "/" in unit:
        return Judgement(difference >= EPS_AMOUNT and part >= EPS_PART, major)
    if part < RESTATED:
        return Judgement(material=False)
    if unit == "shares":
        return Judgement(material=True, major=major)
    measure = new.get(("revenue" if new[key]["period"].get("start") else "assets", key[1]))
    size = measure.get("value") if measure else None
    material = size is None or difference >= OF_THE_COMPANY * abs(float(size))
    return Judgement(material, major and material)


def _split(old: Table, new: Table, key: tuple[str, str], was: float, now: float) -> bool:
    """Shares, or an amount per share, 1.4 times apart while net income stayed the same."""
    before, after = (table.get(("net_income", key[1]), {}).get("value") for table in (old, new))
    if before is None or after is None or was * now <= 0:
        return False
    apart = max(abs(was / now), abs(now / was))
    same = abs(float(after) - float(before)) <= SAME_INCOME * abs(float(before))
    return apart >= SPLIT_FROM and same


def judge_ratio(was: Figure, now: Figure) -> Judgement:
    """A ratio with two values: margins 0.5 pp, growth and returns 1 pp, multiples 0.1 and 5 %, days 3."""
    old, new = float(was["value"]), float(now["value"])
    difference = round(abs(new - old), 6)
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
