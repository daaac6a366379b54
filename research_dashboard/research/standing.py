"""Where one value stands among others: rank, median, percentile, concentration (FINANCE.md, section 4).

`others` are the values of the peers, without the subject's own. What too few values cannot say is None.
"""

from collections.abc import Sequence

MEDIAN_FROM = 3  # values of peers
PERCENTILE_SHOWN_FROM = 5  # companies, the subject included
PERCENTILE_IN_RULES_FROM = 4
CONCENTRATION_FROM = 5


def rank(value: float, others: Sequence[float]) -> int:
    """1 is the largest; ties share the better rank."""
    return 1 + sum(other > value for other in others)


def median(others: Sequence[float]) -> float | None:
    """The middle value, or the mean of the two middle ones."""
    if len(others) < MEDIAN_FROM:
        return None
    ordered, half = sorted(others), len(others) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def percentile(value: float, others: Sequence[float], *, at_least: int = PERCENTILE_SHOWN_FROM) -> float | None:
    """Part of the others that lie below, ties counting half, in percent: 0 is the lowest, 100 the highest."""
    if len(others) + 1 < at_least:
        return None
    below = sum(other < value for other in others)
    equal = sum(other == value for other in others)
    return 100 * (below + 0.5 * equal) / len(others)


def share(value: float, others: Sequence[float]) -> float | None:
    """The value's part of the sum with the others, in percent."""
    total = value + sum(others)
    return 100 * value / total if others and total > 0 else None


def concentration(values: Sequence[float]) -> float | None:
    """Herfindahl-Hirschman index within the set: the sum of squared percentage shares, 10,000 for a single company."""
    total = sum(values)
    if len(values) < CONCENTRATION_FROM or total <= 0 or min(values) < 0:
        return None
    return sum((100 * value / total) ** 2 for value in values)
