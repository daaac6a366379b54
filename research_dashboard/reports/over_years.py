"""A company's figures over every fiscal year that its newest report has, for the page on the company."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from research_dashboard.reports import unsaid
from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.build import notes_of, parts_of, scale_of
from research_dashboard.reports.model import Part, YearHead


@dataclass(frozen=True, slots=True)
class OverYears:
    """The core rows of the report's table, oldest year first. `explained`: ends of the years that it has itself."""

    money: str
    years: tuple[YearHead, ...]
    parts: tuple[Part, ...]
    explained: frozenset[str]
    notes: tuple[str, ...]


def over_years(results: Mapping[str, Any], explained: int) -> OverYears:
    """The figures of a report's results; the report explains those of its last `explained` years."""
    health = results["financial_health"]
    scale = scale_of(health)
    years = health["years"]
    every = {**health["concepts"], **health["ratios"]}
    said = unsaid.sentences(health.get("sector") or "", every, len(years))
    return OverYears(
        scale.title,
        tuple(YearHead(year["label"], year["end"], year.get("days"), ()) for year in years),
        parts_of(Book(results, scale), every, core=True, shown=len(years)),
        frozenset(year["end"] for year in years[-explained:]),
        (*said, *(note["text"] for note in notes_of(health, len(years))), *_earlier(health.get("earlier_years") or ())),
    )


def _earlier(years: Sequence[JSON]) -> tuple[str, ...]:
    """That there are filed years which no report reaches."""
    if not years:
        return ()
    labels = list(dict.fromkeys((years[0]["label"], years[-1]["label"])))
    return (f"Filed, but before the ten years of a report: {' to '.join(labels)}.",)
