"""Quarters (2.11): filed ones of 80 to 100 days, and those that are a difference of two periods with one start."""

from dataclasses import replace
from datetime import date, timedelta

from research_dashboard.research.concepts import CONCEPTS, Step
from research_dashboard.research.figures import exact
from research_dashboard.research.model import Figure
from research_dashboard.research.periods import QUARTER_DAYS, Filed, days

LONGEST = 380  # days: nothing longer than a fiscal year is ever split


def quarters(filed: list[Filed], concept_id: str, filed_only: bool = False) -> list[Figure]:
    """The quarters of a flow concept, oldest first, the newest filing speaking for each.

    A quarter that no filing states alone (the fourth, and the second and third of cash flows) is the longer period
    less the shorter one with the same start, marked derived. Never by `fp`. Raises ValueError for a stock.
    """
    concept = CONCEPTS[concept_id]
    if concept.kind != "duration":
        raise ValueError(f"{concept_id} has no quarters")
    periods: dict[tuple[date, date], Figure] = {}
    for one in filed:  # oldest first, so that the newest stands
        for start, end in {(s, e) for tag, s, e in one.values if s is not None and days(s, e) <= LONGEST}:
            stated = _stated(one, concept_id, start, end)
            if stated is not None:
                periods[start, end] = stated
    found = {end: figure for (start, end), figure in sorted(periods.items()) if days(start, end) in QUARTER_DAYS}
    if not filed_only and concept.unit == "USD":  # shares and values per share do not add up
        for derived in _differences(periods):
            found.setdefault(derived.end, derived)
    return [found[end] for end in sorted(found)]


def _differences(periods: dict[tuple[date, date], Figure]) -> list[Figure]:
    """A period less the longest shorter one that starts on the same day, where a quarter is left."""
    differences = []
    for (start, end), longer in sorted(periods.items()):
        shorter = [other for other in periods if other[0] == start and other[1] < end]
        for other in sorted(shorter, key=lambda period: period[1], reverse=True):
            rest = other[1] + timedelta(days=1)
            if days(rest, end) in QUARTER_DAYS:
                differences.append(_difference(longer, periods[other], rest))
                break
    return differences


def _difference(longer: Figure, shorter: Figure, start: date) -> Figure:
    """The quarter that lies between the ends of two periods."""
    return replace(
        longer,
        made="derived",
        value=exact(longer) - exact(shorter), start=start, facts=(*longer.facts, *shorter.facts),
        formula=f"{longer.concept} to {longer.end} − {longer.concept} to {shorter.end}", inputs=(longer, shorter),
    )  # fmt: skip


def _stated(one: Filed, concept_id: str, start: date, end: date) -> Figure | None:
    """The concept as one filing states it for one period, by its tags."""
    concept = CONCEPTS[concept_id]
    for step in concept.steps:
        if not isinstance(step, Step):
            continue
        facts = [fact for tag in step.tags if (fact := one.values.get((tag, start, end))) is not None]
        if facts:
            picked = facts[0] if step.rule == "F" else max(facts, key=lambda fact: fact.value)
            return Figure(concept.id, concept.label, picked.unit, "filed", picked.value, start, end, facts=(picked,))
    return None
