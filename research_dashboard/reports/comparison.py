"""Runs or companies side by side: figures by period, best and worst, what to be wary of, findings in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from research_dashboard.reports import layout
from research_dashboard.reports.book import JSON, Book, Cell
from research_dashboard.reports.build import is_report, notes_of
from research_dashboard.reports.model import NotAReport, RunFacts
from research_dashboard.reports.unsaid import NOT_APPLICABLE
from research_dashboard.research import wording
from research_dashboard.research.peers import calendar_year
from research_dashboard.research.wording import Scale

FEWEST, MOST = 2, 10
MORE_IS_BETTER = frozenset({
    "revenue", "gross_profit", "operating_income", "net_income", "ocf", "fcf",
    "g1", "g3", "g5", "g1_net_income", "g1_eps_diluted", "g1_operating_income", "g1_ocf", "deposits_growth",
    "gm", "om", "nm", "fcfm", "roe", "roic", "roa", "at", "cover", "cc", "equity_assets",
})  # fmt: skip
LESS_IS_BETTER = frozenset({"de", "nde", "efficiency", "dso", "dio", "ccc"})
MARKS: Mapping[str, str] = {
    "best": "the best of the row, where more (or, of debt ratios and days, less) is plainly better and all are of one "
    "sector",
    "worst": "the worst of it",
    "highest": "the largest value, where it depends whether that is good, or companies of different sectors have one",
    "lowest": "the smallest",
}
A_LONG_YEAR = 370  # days: 53 weeks
QUADRANT_TITLES = {key: title.removesuffix("s") for key, title, _ in layout.QUADRANTS} | {
    "weaknesses": "Weakness",
    "opportunities": "Opportunity",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A run with what its figures are read from."""

    run: RunFacts
    results: Mapping[str, Any]
    book: Book
    rules: str | None

    @property
    def name(self) -> str:
        """Apple Inc."""
        return str(self.book.profile.get("name") or self.run.company)

    @property
    def cik(self) -> int | None:
        """The company's number at the SEC; None for a private one."""
        found: int | None = self.book.profile.get("cik")
        return found

    @property
    def currency(self) -> str:
        """What its money is in; amounts are never converted."""
        return str(self.book.health.get("currency") or "USD")

    @property
    def years(self) -> Sequence[JSON]:
        """The fiscal years that its report shows, oldest first."""
        shown: Sequence[JSON] = self.book.health["years"][-layout.YEARS_SHOWN :]
        return shown

    @property
    def figures(self) -> Mapping[str, Sequence[JSON]]:
        """Every concept and ratio, by year."""
        return {**self.book.health["concepts"], **self.book.health["ratios"]}


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of one column; mark: best, worst, highest, lowest or nothing."""

    cell: Cell | None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A concept over the columns. `change`: from the first column to the second, where there are two."""

    concept: str
    label: str
    cells: tuple[Compared, ...]
    change: str
    same: bool


@dataclass(frozen=True, slots=True)
class ComparedPart:
    """Income, US$ million: rows of one sort."""

    title: str
    unit: str
    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One period: which year of each column it is, and the figures. `same`: how many rows were left out as equal."""

    key: str
    title: str
    years: tuple[JSON | None, ...]
    parts: tuple[ComparedPart, ...]
    same: int

    @property
    def absences(self) -> tuple[tuple[str, int, str], ...]:
        """Figure, column and reason of each value that is missing or means nothing; what does not apply is plain."""
        return tuple(
            (row.label, number, compared.cell.why)
            for part in self.parts
            for row in part.rows
            for number, compared in enumerate(row.cells)
            if compared.cell and not compared.cell.present and compared.cell.code != NOT_APPLICABLE
        )


@dataclass(frozen=True, slots=True)
class ComparedFinding:
    """A rule over the columns: its sentence in each that it fired in; new, kept or gone from the first to the last."""

    rule: str
    quadrant: str
    state: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything a page or a file needs."""

    columns: tuple[Column, ...]
    same_company: bool
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    findings: tuple[ComparedFinding, ...]
    same_findings: int
    scale: Scale

    def label(self, number: int) -> str:
        """What sets a column apart: the company's name, and its run where it stands for one of several."""
        column = self.columns[number]
        return f"Run #{column.run.id}" if self.same_company else f"{column.name}, run #{column.run.id}"


def compare(
    runs: Sequence[tuple[RunFacts, Mapping[str, Any]]], *, every: bool = False, differences: bool = False
) -> Comparison:
    """The runs, in the order given, side by side. `every`: further figures too; `differences`: equal rows left out.

    Raises NotAReport for a run whose results are not those of the built-in research.
    """
    for run, results in runs:
        if not is_report(results):
            raise NotAReport(f"run {run.id} has no results of the built-in research")
    healths = [results["financial_health"] for _, results in runs]
    revenues = [figure.get("value") for health in healths for figure in health["concepts"].get("revenue", ())]
    currencies = {health.get("currency") or "USD" for health in healths}
    scale = wording.table_scale(revenues, currencies.pop() if len(currencies) == 1 else "")
    columns = tuple(
        Column(run, results, Book(results, scale), (results.get("manifest") or {}).get("rules_version"))
        for run, results in runs
    )
    same_company = len({column.cik or column.name for column in columns}) == 1
    findings = _findings(columns, ordered=same_company)
    kept = [found for found in findings if not differences or not _in_all(found)]
    return Comparison(
        columns,
        same_company,
        tuple(_warnings(columns, same_company=same_company)),
        tuple(
            _section(columns, period, every=every, differences=differences, same_company=same_company)
            for period in _periods(columns, same_company=same_company)
        ),
        tuple(kept),
        len(findings) - len(kept),
        scale,
    )


# ── Periods ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _periods(columns: Sequence[Column], *, same_company: bool) -> list[tuple[str, str, tuple[JSON | None, ...]]]:
    """Key, title and each column's year: the newest year of each first, then period by period, newest first.

    One company's periods are its fiscal years, those of several the SEC's calendar frames (FINANCE.md, section 4).
    """
    newest: tuple[JSON | None, ...] = tuple(column.years[-1] if column.years else None for column in columns)
    by_key: dict[str, list[JSON | None]] = {}
    titles: dict[str, str] = {}
    for number, column in enumerate(columns):
        for year in column.years:
            key = year["end"] if same_company else f"CY{calendar_year(date.fromisoformat(year['end']))}"
            by_key.setdefault(key, [None] * len(columns))[number] = year
            titles[key] = wording.year_ended(year["label"], year["end"]) if same_company else key
    periods = [(key, titles[key], tuple(by_key[key])) for key in sorted(by_key, reverse=True)]
    ends = [year["end"] if year else None for year in newest]
    if periods and [year["end"] if year else None for year in periods[0][2]] == ends:
        return periods
    return [("latest", "Newest year of each", newest), *periods]


def _section(
    columns: Sequence[Column],
    period: tuple[str, str, tuple[JSON | None, ...]],
    *,
    every: bool,
    differences: bool,
    same_company: bool,
) -> Section:
    key, title, years = period
    # What one company filed of one year is one value, restated or not: nothing is best of it.
    ranked = not same_company or len({year["end"] for year in years if year}) > 1
    parts, same = [], 0
    for plan in layout.PARTS:
        rows = []
        for concept, core in plan.rows:
            row = _row(columns, years, concept, ranked=ranked, same_company=same_company) if core or every else None
            if row is None:
                continue
            if differences and row.same:
                same += 1
                continue
            rows.append(row)
        if rows:
            unit = columns[0].book.scale.title.strip() if plan.money else ""
            parts.append(ComparedPart(plan.title, unit, tuple(rows)))
    return Section(key, title, years, tuple(parts), same)


def _row(
    columns: Sequence[Column], years: Sequence[JSON | None], concept: str, *, ranked: bool, same_company: bool
) -> ComparedRow | None:
    """The concept in each column's year; None where no column has it, or it applies to none."""
    found = [
        next(
            (figure for figure in column.figures.get(concept, ()) if year and figure["period"]["end"] == year["end"]),
            None,
        )
        for column, year in zip(columns, years, strict=True)
    ]
    if not any(figure is not None and figure.get("value") is not None for figure in found):
        return None
    cells = [column.book.cell(figure) if figure else None for column, figure in zip(columns, found, strict=True)]
    seen = {cell.shown for cell in cells if cell and cell.present}  # what looks the same is not ranked
    marks = [""] * len(found)
    if ranked and len(seen) > 1:
        there = [column for column, cell in zip(columns, cells, strict=True) if cell and cell.present]
        alike = len({column.book.health.get("sector") for column in there}) == 1
        marks = _marks(concept, found, same_company=same_company, judged=alike)
    change = ""
    if len(found) == FEWEST:
        first, second = found
        both = first is not None and second is not None and first["unit"] == second["unit"]
        apart = not same_company and any(figure and _of_shares(figure) for figure in found)
        change = wording.change(second, first) if both and not apart and first and second else wording.DASH
    label = next(cell.label for cell in cells if cell)
    values = {(figure.get("value"), figure.get("code")) if figure else None for figure in found}
    compared = tuple(Compared(cell, mark) for cell, mark in zip(cells, marks, strict=True))
    return ComparedRow(concept, label, compared, change, len(values) == 1)


def _of_shares(figure: JSON) -> bool:
    """True for shares and amounts a share: how many shares a company is cut into says nothing beside another's."""
    return "shares" in figure["unit"]


def _marks(concept: str, figures: Sequence[JSON | None], *, same_company: bool, judged: bool) -> list[str]:
    """The ends of the row, where the values can be set against each other: one unit, and no amounts a share.

    `judged`: best and worst rather than highest and lowest, where that is plain.
    """
    present = [figure for figure in figures if figure is not None and figure.get("value") is not None]
    units = {figure["unit"] for figure in present}
    values = {wording.exact(figure["value"]) for figure in present}
    if len(units) != 1 or len(values) < FEWEST or (_of_shares(present[0]) and not same_company):
        return [""] * len(figures)
    top, bottom = max(values), min(values)
    words = ("best", "worst") if judged and concept in MORE_IS_BETTER else ("highest", "lowest")
    if judged and concept in LESS_IS_BETTER:
        words = ("worst", "best")

    def mark(figure: JSON | None) -> str:
        if figure is None or figure.get("value") is None:
            return ""
        value = wording.exact(figure["value"])
        return words[0] if value == top else words[1] if value == bottom else ""

    return [mark(figure) for figure in figures]


# ── What to be wary of ─────────────────────────────────────────────────────────────────────────────────────────────


def _warnings(columns: Sequence[Column], *, same_company: bool) -> list[str]:
    """Why the columns may not be set against each other as they stand."""
    found = []
    names = [f"run #{column.run.id}" if same_company else column.name for column in columns]

    def listed(values: Sequence[str]) -> str:
        return wording.listed([f"{name}: {value}" for name, value in zip(names, values, strict=True)])

    ends = [column.years[-1]["end"] for column in columns if column.years]
    if not same_company and len({end[5:7] for end in ends}) > 1:
        days = listed([wording.long_date(column.years[-1]["end"]) if column.years else "none" for column in columns])
        found.append(f"Fiscal years end in different months, so one heading covers different months ({days}).")
    long = [
        f"{name}: {year['label']}"
        for name, column in zip(names, columns, strict=True)
        for year in column.years
        if (year.get("days") or 0) >= A_LONG_YEAR
    ]
    if long:
        found.append(
            f"Years of 53 weeks beside years of 52, not adjusted ({wording.listed(list(dict.fromkeys(long)))})."
        )
    if len({column.currency for column in columns}) > 1:
        units = listed([column.currency for column in columns])
        found.append(f"Money is in different currencies and is not converted; amounts are not ranked ({units}).")
    if len({column.rules for column in columns}) > 1:
        versions = listed([f"version {column.rules or 'unknown'}" for column in columns])
        found.append(f"Ratios and findings were made by different rules ({versions}): run the older ones again.")
    if len({column.run.as_of for column in columns}) > 1:
        days = listed([wording.long_date(column.run.as_of) if column.run.as_of else "unknown" for column in columns])
        found.append(f"The data are as of different days ({days}).")
    if len({column.run.source for column in columns}) > 1:
        found.append(
            f"The figures come from different sources ({listed([column.run.source or '?' for column in columns])})."
        )
    if len({column.book.health.get("sector") for column in columns}) > 1:
        sectors = listed([str(column.book.health.get("sector") or "unknown") for column in columns])
        found.append(f"The companies are of different sectors, whose statements are built differently ({sectors}).")
    for name, column in zip(names, columns, strict=True):
        for note in notes_of(column.book.health):
            if note["kind"] in layout.BANNERS:
                found.append(f"{layout.BANNERS[note['kind']]}, {name}: {note['text']}")
    return list(dict.fromkeys(found))


# ── Findings ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _findings(columns: Sequence[Column], *, ordered: bool) -> list[ComparedFinding]:
    """Every rule that fired in one of the columns; `ordered`: runs of one company, the first to the last."""
    fired = [
        {
            finding["rule"]: (quadrant, finding["sentence"])
            for quadrant, _, _ in layout.QUADRANTS
            for finding in (column.results.get("swot_analysis") or {}).get(quadrant) or ()
        }
        for column in columns
    ]
    order = [key for key, _, _ in layout.QUADRANTS]
    rules = {rule: quadrant for column in fired for rule, (quadrant, _) in column.items()}
    found = []
    for rule, quadrant in sorted(rules.items(), key=lambda item: (order.index(item[1]), item[0])):
        there = [rule in column for column in fired]
        if ordered:
            state = "kept" if there[0] and there[-1] else "new" if there[-1] else "gone" if there[0] else "between"
        else:
            state = f"{sum(there)} of {len(there)}"
        sentences = tuple(column[rule][1] if rule in column else "" for column in fired)
        found.append(ComparedFinding(rule, QUADRANT_TITLES[quadrant], state, sentences))
    states = ["new", "gone", "between", "kept"]
    return sorted(found, key=lambda one: states.index(one.state)) if ordered else found


def _in_all(found: ComparedFinding) -> bool:
    return all(found.sentences)
