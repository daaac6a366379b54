"""Stored results read back: the facts a result keeps, as research takes them. The way there is stored.py."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from research_dashboard.research.model import Fact, Filing


def fact_of(stored: Mapping[str, Any]) -> Fact:
    """The fact that `stored.fact_json` wrote. The company's own label of the year is not part of it."""
    taxonomy, _, tag = str(stored["tag"]).rpartition(":")
    start = stored.get("start")
    return Fact(
        taxonomy=taxonomy,
        tag=tag,
        unit=stored["unit"],
        start=date.fromisoformat(start) if start else None,
        end=date.fromisoformat(stored["end"]),
        value=Decimal(str(stored["value"])),
        filing=Filing(
            accession=stored["accession"],
            cik=stored.get("cik"),
            form=stored["form"],
            filed=date.fromisoformat(stored["filed"]),
        ),
    )


def facts_in(result: Mapping[str, Any]) -> dict[str, Fact]:
    """Every fact of a stored result, by the id it has now: older results call facts by the number of a row."""
    return {fact.id: fact for fact in map(fact_of, result.get("facts", {}).values())}
