"""Two filings, two values of one figure: what the difference is. Restated, retagged, a split, or an error of scale."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from research_dashboard.research.model import Figure

if TYPE_CHECKING:
    from research_dashboard.research.series import Split

Kind = Literal["restated", "retagged", "split", "share_basis", "scale"]

WORDS: Mapping[str, str] = {
    "restated": "restated",
    "retagged": "another tag",
    "split": "share split",
    "share_basis": "another share basis",
    "scale": "error of scale",
}
SCALES = tuple(Decimal(1000) ** power for power in (1, 2, 3))  # filed in thousands, millions, billions
NEAR_SCALE = Decimal("0.005")
NEAR_SPLIT = Decimal("0.01")  # of shares: averages over a year are counted anew
EXACT_SPLIT = Decimal("0.005")  # where nothing but the ratio tells of a split
CENT = Decimal("0.005")  # amounts per share are rounded to it
LEAST_PER_SHARE = Decimal("0.10")  # below, cents are too coarse to tell a ratio
LEAST_RATIO = Decimal("1.4")


def kind_of(latest: Figure, first: Figure, splits: Sequence["Split"], *, same_income: bool) -> Kind:
    """What lies between the first and the latest filed value of one period.

    `same_income`: both filings state the same net income, so that amounts per share can differ by the shares alone.
    """
    now, then = _value(latest), _value(first)
    if _by_scale(now, then):
        return "scale"
    if latest.unit.endswith("shares") and now * then > 0:
        begun, seen = first.facts[0].filing.filed, latest.facts[0].filing.filed
        between = [split for split in splits if begun < split.filed <= seen]
        ratio = Decimal(1)
        for split in between:
            ratio *= split.exact
        per_share = "/" in latest.unit
        if between and _by(now, then, ratio, per_share=per_share, near=NEAR_SPLIT):
            return "split" if all(split.is_split for split in between) else "share_basis"
        if (same_income or not per_share) and _by_whole(now, then, per_share=per_share):
            return "split"
    return "retagged" if _tags(latest) != _tags(first) else "restated"


def kind_of_values(first: Decimal, latest: Decimal, unit: str) -> Kind:
    """What lies between two values under one tag, by the values alone."""
    if _by_scale(latest, first):
        return "scale"
    shares = unit.endswith("shares") and latest * first > 0
    return "split" if shares and _by_whole(latest, first, per_share="/" in unit) else "restated"


def split_ratio(ratio: Decimal, near: Decimal = EXACT_SPLIT) -> Decimal | None:
    """The ratio of shares that a split has (20, 1.5, an eighth) where one lies this near; else None."""
    if ratio <= 0:
        return None
    large = max(ratio, 1 / ratio)
    whole = (large * 2).to_integral_value() / 2 if large < 3 else large.to_integral_value()
    if large < LEAST_RATIO or abs(large / whole - 1) > near:
        return None
    return whole if ratio >= 1 else 1 / whole


def _value(figure: Figure) -> Decimal:
    return Decimal(str(figure.value))


def _tags(figure: Figure) -> set[str]:
    return {fact.name for fact in figure.facts}


def _by_scale(now: Decimal, then: Decimal) -> bool:
    """True when one is a thousand, a million or a milliard times the other."""
    if not now or not then:
        return False
    apart = max(abs(now / then), abs(then / now))
    return any(abs(apart / scale - 1) <= NEAR_SCALE for scale in SCALES)


def _by(now: Decimal, then: Decimal, ratio: Decimal, *, per_share: bool, near: Decimal) -> bool:
    """True when `ratio` times as many shares make the difference."""
    if not per_share:
        return abs(now / (then * ratio) - 1) <= near
    return abs(now * ratio - then) <= CENT * (ratio + 1) + near * abs(then)


def _by_whole(now: Decimal, then: Decimal, *, per_share: bool) -> bool:
    """True when the two lie apart by exactly the ratio of a split, which no two share counts showed."""
    if not per_share:
        return split_ratio(now / then) is not None
    small, large = sorted((abs(now), abs(then)))
    ratio = split_ratio(large / small, near=Decimal("0.05"))
    return ratio is not None and large >= LEAST_PER_SHARE and abs(large - ratio * small) <= CENT * (ratio + 1)
