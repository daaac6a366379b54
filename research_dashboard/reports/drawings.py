"""Which charts a report has, from its figures."""

from collections.abc import Mapping, Sequence

from research_dashboard.charts import Chart, Series
from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.layout import PEERS_DRAWN, YEARS_SHOWN
from research_dashboard.reports.model import PeerRow
from research_dashboard.research import wording

NAME_FITS = 15
CHARTS_OF_PEERS = 3


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
    funds = tuple(
        Series(label, values(concept, divide))
        for concept, label in (("liquid", "Liquid funds"), ("debt", "Debt"), ("equity", "Equity"))
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
        Chart(
            "funds", "groups", "Funds, debt, equity", f"{unit}, at the end of each fiscal year", labels, funds,
            places=places, sources=sources("liquid", "debt", "equity"), source="Balance sheet",
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


def peers(every: Sequence[PeerRow], columns: Sequence[str]) -> tuple[Chart, ...]:
    """Growth and margin of the company and its largest peers as lying bars, largest value first, itself marked."""
    if len(every) < 2:
        return ()
    others = [row for row in every if not row.subject][: PEERS_DRAWN - 1]
    rows = [row for row in every if row.subject] + others
    few = f", the {len(others)} largest of {len(every) - 1} peers" if len(others) < len(every) - 1 else ""
    ends = sorted(row.end for row in rows)
    unit = f"years ended {wording.long_date(ends[0])} to {wording.long_date(ends[-1])}"
    charts = [
        _bars("share", "Revenue among the set", f"% of the revenue of the set{few}", [(row, row.part) for row in rows])
    ]
    for concept, title, what, signed in (
        ("g1", "Revenue growth against peers", "% on the year before", True),
        ("om", "Operating margin against peers", "% of revenue", False),
        ("nm", "Net margin against peers", "% of revenue", False),
    ):
        if concept not in columns or len(charts) == CHARTS_OF_PEERS:
            continue
        at = list(columns).index(concept)
        if concept == "om" and rows[0].subject and not ((own := rows[0].cells[at]) and own.present):
            continue  # set the company beside its peers where it has a figure: the net margin
        found = [(row, None if (c := row.cells[at]) is None or c.value is None else float(c.value)) for row in rows]
        marks = {row.name: cell.shown for row in rows if (cell := row.cells[at]) is not None}
        cells = [row.cells[at] for row in rows]
        sources = sorted({number for cell in cells if cell for number in cell.sources})
        charts.append(_bars(concept, title, f"{what}, {unit}{few}", found, marks, tuple(sources), signed=signed))
    return tuple(charts)


def _bars(  # noqa: PLR0917
    id: str,
    title: str,
    unit: str,
    found: Sequence[tuple[PeerRow, float | None]],
    marks: Mapping[str, str] | None = None,
    sources: tuple[int, ...] = (),
    *,
    signed: bool = False,
) -> Chart:
    """One value a company, largest first, those without one last."""
    ordered = sorted(found, key=lambda item: (item[1] is None, -(item[1] or 0)))
    if not sources:
        cells = [row.cells[0] for row, _ in ordered if row.cells]
        sources = tuple(sorted({number for cell in cells if cell for number in cell.sources}))
    return Chart(
        f"peers-{id}",
        "bars",
        title,
        unit,
        tuple(short(row) for row, _ in ordered),
        (Series(title, tuple(value for _, value in ordered)),),
        suffix="%",
        signed=signed,
        marked=next((place for place, (row, _) in enumerate(ordered) if row.subject), None),
        marks=tuple((marks or {}).get(row.name, "n/r") for row, _ in ordered),
        sources=sources,
        source="Annual report of each company",
    )


def short(row: PeerRow) -> str:
    """A name that fits beside a bar: the ticker where the name is long."""
    return row.ticker if row.ticker and len(row.name) > NAME_FITS else row.name
