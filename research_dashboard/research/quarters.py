"""Quarters (2.11): filed ones of 80 to 100 days, and those that are a difference of two periods with one start."""

from dataclasses import replace
from datetime import date, timedelta

from research_dashboard.research.concepts import CONCEPTS, Concept, D
from research_dashboard.research.figures import exact, facts_of
from research_dashboard.research.model import Figure
from research_dashboard.research.periods import QUARTER_DAYS, Filed, days

LONGEST = 380  # days: nothing longer than a fiscal year is ever split


def quarters(filed: list[Filed], concept_id: str, filed_only: bool = False, bank: bool = False) -> list[Figure]:
    """The quarters of a flow concept, oldest first, the newest filing speaking for each.

    A quarter that no filing states alone (the fourth, and the second and third of cash flows) is the longer period
    less the shorter one with the same start, marked derived. Never by `fp`. Of a `bank` by its rules (revenue may be
    a sum there). Raises ValueError for a stock.
    """
    concept = CONCEPTS[concept_id]
    if concept.kind != "duration":
        raise ValueError(f"{concept_id} has no quarters")
    periods: dict[tuple[date, date], Figure] = {}
    for one in filed:  # oldest first, so that the newest stands
        for start, end in {(s, e) for tag, s, e in one.values if s is not None and days(s, e) <= LONGEST}:
            stated = _stated(one, concept, start, end, bank)
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


def _stated(one: Filed, concept: Concept, start: date, end: date, bank: bool) -> Figure | None:
    """The concept as one filing states it for one period: by its tags; a bank's by its sums as well."""
    for step in concept.bank if bank and concept.bank else concept.steps:
        if isinstance(step, D):
            summed = _summed(one, concept, step, start, end) if bank and concept.bank else None
            if summed is not None:
                return summed
            continue
        facts = [fact for tag in step.tags if (fact := one.values.get((tag, start, end))) is not None]
        if facts:
            picked = facts[0] if step.rule == "F" else max(facts, key=lambda fact: fact.value)
            return Figure(concept.id, concept.label, picked.unit, "filed", picked.value, start, end, facts=(picked,))
    return None


def _summed(one: Filed, concept: Concept, formula: D, start: date, end: date) -> Figure | None:
    """The sum of the formula's concepts in one filing; None where one of them is absent."""
    parts = [_stated(one, CONCEPTS[term.concept], start, end, bank=True) for term in formula.terms]
    inputs = tuple(part for part in parts if part is not None)
    if len(inputs) < len(parts):
        return None
    value = sum(term.sign * exact(part) for term, part in zip(formula.terms, inputs, strict=True))
    return Figure(
        concept.id, concept.label, inputs[0].unit, "derived", value, start, end, facts=facts_of(inputs),
        formula=" + ".join(term.concept for term in formula.terms), inputs=inputs,
    )  # fmt: skip
