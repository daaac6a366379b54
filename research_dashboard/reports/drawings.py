"""Which charts a report has, from its figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from research_dashboard.charts import Chart, Series, beside
from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.layout import PEERS_DRAWN, YEARS_SHOWN
from research_dashboard.reports.model import PeerRow
from research_dashboard.research import wording

CHARTS_OF_PEERS = 3


class MoneyScale(NamedTuple):
    """What money is divided by, what the unit is called then, and how many decimals it is shown with."""

    divide: float
    unit: str
    places: int


@dataclass(frozen=True, slots=True)
class Years:
    """The figures of the years shown, as a chart wants them."""

    book: Book
    every: Mapping[str, Sequence[JSON]]
    labels: tuple[str, ...]

    def figures(self, concept: str) -> list[JSON]:
        """The concept's figures of these years, oldest first; fewer where it has fewer."""
        return list(self.every.get(concept) or ())[-YEARS_SHOWN:]

    def values(self, concept: str, divide: float = 1) -> tuple[float | None, ...]:
        """One value a label, None where there is none."""
        figures = self.figures(concept)
        found = [None if figure.get("value") is None else float(figure["value"]) / divide for figure in figures]
        return tuple([None] * (len(self.labels) - len(found)) + found)

    def has(self, concept: str) -> bool:
        """True where any of the years has it."""
        return any(value is not None for value in self.values(concept))

    def series(self, named: Iterable[tuple[str, str]], divide: float = 1) -> tuple[Series, ...]:
        """A series for each concept that any year has."""
        return tuple(Series(name, self.values(concept, divide)) for concept, name in named if self.has(concept))

    def marks(self, concept: str) -> tuple[str, ...]:
        """What a cell shows for each year: the mark that says why a value is missing."""
        return tuple(wording.display(figure) for figure in self.figures(concept))

    def sources(self, *concepts: str) -> tuple[int, ...]:
        """The numbers of the filings that the concepts come from."""
        figures = [figure for concept in concepts for figure in self.figures(concept)]
        return tuple(sorted({number for figure in figures for number in self.book.cell(figure).sources}))

    def newest(self, concept: str, divide: float) -> float | None:
        """The value of the newest year."""
        return self.values(concept, divide)[-1]


def own(book: Book, every: Mapping[str, Sequence[JSON]], health: JSON) -> tuple[Chart, ...]:
    """The company over its years, the revenue first. A chart without a single value is left out."""
    ends = list(health["years"])[-YEARS_SHOWN:]
    years = Years(book, every, tuple(year["label"] for year in ends))
    if not years.labels:
        return ()
    scale = money_scale(book, years.values("revenue") + years.values("ocf"))
    ended = f"fiscal years to {wording.long_date(ends[-1]['end'])}"
    charts = (*_income(years, scale, ended), *_cash(years, scale), *_balance(years, scale))
    return tuple(chart for chart in charts if chart.series and not chart.empty)


def _income(years: Years, scale: MoneyScale, ended: str) -> tuple[Chart, ...]:
    """Revenue with the margin below; its growth; the margins."""
    margin, name = ("om", "Operating margin") if years.has("om") else ("nm", "Net margin")
    return (
        Chart(
            "revenue", "columns", f"Revenue and {name.lower()}", f"{scale.unit}, {ended}", years.labels,
            (Series("Revenue", years.values("revenue", scale.divide)),), places=scale.places,
            marked=len(years.labels) - 1, below=Series(name, years.values(margin)), marks=years.marks("revenue"),
            sources=years.sources("revenue", margin), source="Income statement; the margin is a formula over it",
        ),
        Chart(
            "growth", "columns", "Revenue growth", "% on the year before, both years as one filing states them",
            years.labels, years.series([("g1", "Revenue growth")]), suffix="%", signed=True,
            marked=len(years.labels) - 1, marks=years.marks("g1"), sources=years.sources("g1"),
            source="Formula over the income statement",
        ),
        Chart(
            "margins", "lines", "Margins", "% of revenue", years.labels,
            years.series([("gm", "Gross"), ("om", "Operating"), ("nm", "Net")]), suffix="%",
            sources=years.sources("gm", "om", "nm"), source="Formulas over the income statement",
        ),
    )  # fmt: skip


def _cash(years: Years, scale: MoneyScale) -> tuple[Chart, ...]:
    """Cash flows over the years; the newest year as a bridge from what came in to what was left."""
    flows = ("ocf", "capex", "fcf")
    over_years = Chart(
        "cash", "groups", "Cash flow", f"{scale.unit}; free is operating less capital expenditure", years.labels,
        years.series(zip(flows, ("Operating", "Capital expenditure", "Free"), strict=True), scale.divide),
        places=scale.places, sources=years.sources(*flows), source="Cash flow statement",
    )  # fmt: skip
    operating, capex, free, dividends, buybacks = (
        years.newest(concept, scale.divide) for concept in (*flows, "dividends", "buybacks")
    )
    if operating is None or capex is None or free is None:
        return (over_years,)
    steps: list[tuple[str, float | None]] = [
        ("Operating cash flow", operating), ("Capital expenditure", -capex), ("Free cash flow", free)
    ]  # fmt: skip
    if dividends is not None or buybacks is not None:
        left = None if dividends is None or buybacks is None else free - dividends - buybacks
        steps += [
            ("Dividends", None if dividends is None else -dividends),
            ("Buybacks", None if buybacks is None else -buybacks),
            ("Left after both", left),
        ]
    bridge = Chart(
        "bridge", "bridge", f"Cash flow bridge, {years.labels[-1]}", f"{scale.unit}; what came in, and where it went",
        tuple(label for label, _ in steps), (Series("Amount", tuple(value for _, value in steps)),),
        places=scale.places, totals=("Operating cash flow", "Free cash flow", "Left after both"),
        sources=years.sources(*flows, "dividends", "buybacks"),
        source="Cash flow statement; free cash flow is a formula over it"
        + ("" if len(steps) == 3 else ", so is what is left"),
    )  # fmt: skip
    return (over_years, bridge)


def _balance(years: Years, scale: MoneyScale) -> tuple[Chart, ...]:
    """What the assets are financed with; liquid funds beside debt."""
    owners = "equity_total" if years.has("equity_total") else "equity"
    owed, lent = years.values("liabilities", scale.divide), years.values("debt", scale.divide)
    if years.has("debt"):
        other = tuple(None if a is None or b is None else a - b for a, b in zip(owed, lent, strict=True))
        parts: tuple[Series, ...] = (Series("Debt", lent), Series("Other liabilities", other))
    else:
        parts = (Series("Liabilities", owed),)
    at_ends = f"{scale.unit}, at the end of each fiscal year"
    makeup = Chart(
        "makeup", "stack", "Balance-sheet make-up", at_ends, years.labels,
        (*parts, Series("Equity", years.values(owners, scale.divide))), places=scale.places,
        marks=years.marks("liabilities"), sources=years.sources("liabilities", "debt", owners),
        source="Balance sheet; other liabilities are liabilities less debt" if len(parts) > 1 else "Balance sheet",
    )  # fmt: skip
    funds = Chart(
        "funds", "groups", "Debt and liquid funds", at_ends, years.labels,
        years.series([("debt", "Debt"), ("liquid", "Liquid funds")], scale.divide), places=scale.places,
        sources=years.sources("liquid", "debt"), source="Balance sheet",
    )  # fmt: skip
    drawn = any(None not in column for column in zip(*(line.values for line in makeup.series), strict=True))
    return (makeup, funds) if drawn else (funds,)


def money_scale(book: Book, values: Sequence[float | None]) -> MoneyScale:
    """Billions with one decimal from 1,000 million on, else millions; and how the unit is called."""
    name = wording.currency_name(book.scale.currency)
    largest = max((abs(value) for value in values if value is not None), default=0)
    if largest >= 1000 * wording.MILLION:
        return MoneyScale(wording.BILLION, f"{name} billion", 1)
    return MoneyScale(wording.MILLION, f"{name} million", 1)


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
        names([row for row, _ in ordered]),
        (Series(title, tuple(value for _, value in ordered)),),
        suffix="%",
        signed=signed,
        marked=next((place for place, (row, _) in enumerate(ordered) if row.subject), None),
        marks=tuple((marks or {}).get(row.name, "n/r") for row, _ in ordered),
        sources=sources,
        source="Annual report of each company",
    )


def names(rows: Sequence[PeerRow]) -> tuple[str, ...]:
    """What stands beside the bars: the companies' names where all of them fit, else the ticker of each that has one."""
    if all(beside(row.name) for row in rows):
        return tuple(row.name for row in rows)
    return tuple(row.ticker or row.name for row in rows)
