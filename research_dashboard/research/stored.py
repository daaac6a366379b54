"""Figures and facts as results keep them: plain JSON, complete enough to be read when the data is long refreshed."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from research_dashboard.research.analysed import reading
from research_dashboard.research.model import Fact, Figure, FiscalYear


def fact_json(fact: Fact) -> dict[str, Any]:
    """A filed value with everything that finds it again at the SEC."""
    return {
        "id": fact.id,
        "tag": fact.name,
        "unit": fact.unit,
        "start": fact.start.isoformat() if fact.start else None,
        "end": fact.end.isoformat(),
        "value": fact.value,
        "accession": fact.filing.accession,
        "form": fact.filing.form,
        "filed": fact.filing.filed.isoformat(),
        "url": fact.filing.url,
        "cik": fact.filing.cik,
    }


def stored_value(figure: Figure) -> Decimal | float | None:
    """Exact for what is filed or derived; a ratio as a float with six decimals, percentages in percent."""
    if figure.value is None or isinstance(figure.value, Decimal):
        return figure.value
    value = reading(figure)
    return None if value is None else round(value, 6)


def marks(figure: Figure) -> list[str]:
    """d: derived; o: from another filing than the rest of the year; r: restated since first filed; s1: begins the share
    basis of the split whose note has that mark."""
    found = [
        mark
        for mark, holds in (
            ("d", figure.made == "derived"),
            ("o", figure.other_filing),
            ("r", figure.apart == "restated"),
        )
        if holds
    ]
    return [*found, figure.begins] if figure.begins else found


def figure_json(figure: Figure, label: str | None = None) -> dict[str, Any]:
    """A figure as the JSON contract has it; `label` is what the company calls the year. Empty keys are left out."""
    period = {"start": figure.start.isoformat() if figure.start else None, "end": figure.end.isoformat()}
    stored: dict[str, Any] = {
        "concept": figure.concept,
        "label": figure.label,
        "value": stored_value(figure),
        "unit": figure.unit,
        "made": figure.made if figure.present else "absent",
        "period": period | ({"label": label} if label else {}),
        "formula": figure.formula,
        "inputs": [
            {"concept": used.concept, "end": used.end.isoformat(), "value": stored_value(used)}
            for used in figure.inputs
        ],
        "facts": [fact.id for fact in figure.facts],
        "code": figure.code,
        "reason": figure.reason,
        "tags_tried": list(figure.tags_tried),
        "notes": list(figure.notes),
        "marks": marks(figure),
    }
    if figure.first is not None and figure.first.facts:
        filing = figure.first.facts[0].filing
        stored["first"] = {
            "value": stored_value(figure.first),
            "accession": filing.accession,
            "filed": filing.filed.isoformat(),
            "kind": figure.apart,
        }
    if figure.made == "filed" and figure.facts:
        fact = figure.facts[0]
        stored |= {
            "tag": fact.name,
            "accession": fact.filing.accession,
            "form": fact.filing.form,
            "filed": fact.filing.filed.isoformat(),
            "url": fact.filing.url,
        }
    return {key: value for key, value in stored.items() if key == "value" or value not in (None, [], ())}


def facts_json(figures: Iterable[Figure]) -> dict[str, dict[str, Any]]:
    """The facts that figures stand on (and those first filed), by id in order: what makes a result self-contained."""
    facts = {
        fact.id: fact
        for figure in figures
        for made in (figure, figure.first)
        if made is not None
        for fact in made.facts
    }
    return {id_: fact_json(facts[id_]) for id_ in sorted(facts)}


def year_json(year: FiscalYear) -> dict[str, Any]:
    """A fiscal year: its label, and the days it lies between."""
    return {"label": year.label, "start": year.start.isoformat(), "end": year.end.isoformat(), "days": year.days}
