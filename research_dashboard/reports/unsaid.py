"""What a report does not draw, in a sentence a reason: rows that do not apply, and rows that the data lack."""

from collections.abc import Mapping, Sequence

from research_dashboard.reports import layout
from research_dashboard.reports.book import JSON
from research_dashboard.research import wording
from research_dashboard.research.sectors import KINDS

NOT_IN_DATA, NOT_APPLICABLE = "not_in_data", "not_applicable_sector"


def why_undrawn(figures: Sequence[JSON]) -> str:
    """The code that keeps a whole row out of the tables; empty for a row that is drawn.

    What filings do not report is drawn as n/r: that is news. What does not apply, or was never loaded, is none.
    """
    if any(figure.get("value") is not None for figure in figures):
        return ""
    codes = {figure.get("code") for figure in figures}
    if codes == {NOT_APPLICABLE}:
        return NOT_APPLICABLE
    return NOT_IN_DATA if NOT_IN_DATA in codes else ""


def sentences(sector: str, every: Mapping[str, Sequence[JSON]], shown: int = layout.YEARS_SHOWN) -> tuple[str, ...]:
    """The core rows that are not drawn, by name."""
    names: dict[str, list[str]] = {NOT_APPLICABLE: [], NOT_IN_DATA: []}
    for row in (row for plan in layout.PARTS for row in plan.rows if row.core):
        figures = (every.get(row.concept) or ())[-shown:]
        code = why_undrawn(figures) if figures else ""
        if code and not (code == NOT_APPLICABLE and row.concept in layout.SECTOR_ROWS):
            names[code].append(inside(figures[-1].get("label") or row.concept))
    kind = KINDS.get(sector, "a company of this sector")
    said = {
        NOT_APPLICABLE: f"Does not apply to {kind}: {{}}.",
        NOT_IN_DATA: "Not in the data at hand, which are a selection of the company’s figures: {}.",
    }
    return tuple(said[code].format(wording.listed(found)) for code, found in names.items() if found)


def inside(label: str) -> str:
    """A label inside a sentence: return on equity; EPS diluted."""
    label = label.replace(",", "")
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
