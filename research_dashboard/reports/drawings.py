"""Which charts a report has, from its figures."""

from collections.abc import Mapping, Sequence

from research_dashboard.charts import Chart, Series
from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.layout import YEARS_SHOWN
from research_dashboard.reports.model import PeerRow
from research_dashboard.research import wording


def own(book: Book, every: Mapping[str, Sequence[JSON]], health: JSON) -> tuple[Chart, ...]:
    """Revenue with the margin below; margins; cash flows. A chart without a single value is left out."""
    years = list(health["years"])[-YEARS_SHOWN:]
    labels = tuple(year["label"] for year in years)
    if not labels:
        return ()

    def values(concept: str, divide: float = 1) -> tuple[float | None, ...]:
        figures = list(every.get(concept) or ())[-YEARS_SHOWN:]
        found = [None if figure.get("value") is None else float(figure["value"]) / divide for figure in figures]
        return tuple([None] * (len(labels) - len(found)) + found)

    def sources(*concepts: str) -> tuple[int, ...]:
        figures = [figure for concept in concepts for figure in list(every.get(concept) or ())[-YEARS_SHOWN:]]
        return tuple(sorted({number for figure in figures for number in book.cell(figure).sources}))

    divide, unit, places = money_scale(book, values("revenue") + values("ocf"))
    margin = "om" if any(value is not None for value in values("om")) else "nm"
    name = {"om": "Operating margin", "nm": "Net margin"}[margin]
    ended = f"fiscal years to {wording.long_date(years[-1]['end'])}"
    marks = tuple(wording.display(figure) for figure in list(every.get("revenue") or ())[-YEARS_SHOWN:])
    margins = tuple(
        Series(label, values(concept))
        for concept, label in (("gm", "Gross"), ("om", "Operating"), ("nm", "Net"))
        if any(value is not None for value in values(concept))
    )
    flows = tuple(
        Series(label, values(concept, divide))
        for concept, label in (("ocf", "Operating"), ("capex", "Capital expenditure"), ("fcf", "Free"))
        if any(value is not None for value in values(concept))
    )
    charts = (
        Chart(
            "revenue", "columns", f"Revenue and {name.lower()}", f"{unit}, {ended}", labels,
            (Series("Revenue", values("revenue", divide)),), places=places, marked=len(labels) - 1,
            below=Series(name, values(margin)), marks=marks, sources=sources("revenue", margin),
            source="Income statement; the margin is a formula over it",
        ),
        Chart(
            "margins", "lines", "Margins", "% of revenue", labels, margins, suffix="%",
            sources=sources("gm", "om", "nm"), source="Formulas over the income statement",
        ),
        Chart(
            "cash", "groups", "Cash flow", f"{unit}; free is operating less capital expenditure", labels, flows,
            places=places, sources=sources("ocf", "capex", "fcf"), source="Cash flow statement",
        ),
    )  # fmt: skip
    return tuple(chart for chart in charts if chart.series and not chart.empty)


def money_scale(book: Book, values: Sequence[float | None]) -> tuple[float, str, int]:
    """Billions with one decimal from 1,000 million on, else millions; and how the unit is called."""
    name = wording.currency_name(book.scale.currency)
    largest = max((abs(value) for value in values if value is not None), default=0)
    if largest >= 1000 * wording.MILLION:
        return float(wording.BILLION), f"{name} billion", 1
    return float(wording.MILLION), f"{name} million", 1


def peers(rows: Sequence[PeerRow], columns: Sequence[str], comparison: JSON) -> tuple[Chart, ...]:
    """The set's growth and margin as lying bars, largest value first, the subject marked."""
    if len(rows) < 2:
        return ()
    ends = sorted(row.end for row in rows)
    unit = f"years ended {wording.long_date(ends[0])} to {wording.long_date(ends[-1])}"
    charts: list[Chart] = []
    for concept, title, what, signed in (
        ("g1", "Revenue growth against peers", "% on the year before", True),
        ("om", "Operating margin against peers", "% of revenue", False),
        ("nm", "Net margin against peers", "% of revenue", False),
    ):
        if concept not in columns or (concept == "nm" and any(chart.id == "peers-om" for chart in charts)):
            continue
        at = list(columns).index(concept)
        found = [(row, row.cells[at]) for row in rows]
        found.sort(
            key=lambda item: (item[1] is None or item[1].value is None, -float((item[1] and item[1].value) or 0))
        )
        charts.append(
            Chart(
                f"peers-{concept}",
                "bars",
                title,
                f"{what}, {unit}",
                tuple(row.name for row, _ in found),
                (Series(title, tuple(None if c is None or c.value is None else float(c.value) for _, c in found)),),
                suffix="%",
                signed=signed,
                marked=next((place for place, (row, _) in enumerate(found) if row.subject), None),
                marks=tuple("n/r" if c is None else c.shown for _, c in found),
                sources=tuple(sorted({n for _, c in found if c for n in c.sources})),
                source="Formulas over the annual report of each company",
            )
        )
    return tuple(charts)
