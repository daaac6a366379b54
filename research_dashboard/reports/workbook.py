"""The Excel workbook that the report's sheets are written into: its formats, its cells, and formulas over them."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from math import ceil
from typing import Any

import xlsxwriter

from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.model import Report
from research_dashboard.research.concepts import CONCEPTS, Step
from research_dashboard.research.formula import NoFormula, Term, translate

MONEY, PERCENT, DAYS = '#,##0,,;(#,##0,,);0', '0.0%;-0.0%', '0'  # fmt: skip
FINE_MONEY = "#,##0.0,,;(#,##0.0,,);0"
LINE = 13.5  # points of height a line of text takes


class Workbook:
    """The workbook, its formats, and what its sheets need to know of each other."""

    def __init__(self, report: Report, results: Mapping[str, Any]) -> None:
        self.report, self.results = report, results
        self.book = Book(results, report.scale)
        self.out = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
        self.file = xlsxwriter.Workbook(self.out, options)
        self.file.set_properties({"title": f"Summary Report: {report.name}", "author": report.run.researcher,
                                  "created": report.run.date.replace(tzinfo=None)})  # fmt: skip
        self.looks: dict[tuple[tuple[str, Any], ...], Any] = {}
        self.fact_cells: dict[str, str] = {}  # id of a fact → its value's cell
        self.cells: dict[tuple[str, str], tuple[str, float]] = {}  # (concept, end) → cell of the sheet Figures, value

    def look(self, **properties: Any) -> Any:
        """A cell format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self.looks:
            self.looks[key] = self.file.add_format(
                {"font_name": "Arial", "font_size": 10, "valign": "top", **properties}
            )
        return self.looks[key]

    @property
    def shown(self) -> str:
        """How cells show what they hold; it stands on each sheet that has such cells."""
        money = f"whole units of {self.report.scale.currency} and show {self.report.money}"
        return f"Cells hold {money}, a loss in brackets; whole shares, shown in millions; percent as a fraction."

    def number_look(self, unit: str, *, bold: bool = False, mark: str = "") -> Any:
        """How a number of that unit is shown; the cell holds it whole (money in units, percent as a fraction)."""
        money = MONEY if self.report.scale.places == 0 else FINE_MONEY
        formats = {"percent": PERCENT, "ratio": "0.00", "days": DAYS, "shares": "#,##0.0,,"}
        shown = "0.00" if "/" in unit else formats.get(unit, money)
        return self.look(num_format=f'"{mark}  "{shown}' if mark else shown, bold=bold)

    def sheet(self, name: str, heads: Sequence[str], widths: Sequence[float], title: str) -> Any:
        """A sheet with its title in the first row, its heads in the third, frozen below."""
        sheet = self.file.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.write_string(0, 0, title, self.look(bold=True, font_size=13))
        for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
            sheet.set_column(column, column, width)
            look = self.look(bold=True, bg_color="#F1ECE3", bottom=1, text_wrap=True)
            sheet.write_string(2, column, head, look)
        sheet.freeze_panes(3, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def prose(
        self, sheet: Any, row: int, words: Sequence[str | None], widths: Sequence[float], *, bold: bool = False
    ) -> None:
        """Words that wrap in their cells. The height is written down: not every program finds it by itself."""
        for column, text in enumerate(words):
            if text is not None:
                sheet.write_string(row, column, text, self.look(text_wrap=True, bold=bold and column == 0))
        lines = (ceil(len(text or "") * 1.05 / width) for text, width in zip(words, widths, strict=True))
        sheet.set_row(row, LINE * max(1, *lines))

    def finish(self) -> bytes:
        """The file's bytes."""
        self.file.close()
        return self.out.getvalue()


def lead(made: Workbook, sheet: Any, at: tuple[int, int], figure: JSON) -> None:
    """Let a cell lead to the first of its facts on the sheet Facts; the number is written over it afterwards."""
    facts = [made.fact_cells[str(fact)] for fact in figure.get("facts") or () if str(fact) in made.fact_cells]
    if facts:
        tip = "its fact" if len(facts) == 1 else f"the first of its {len(facts)} facts"
        sheet.write_url(*at, f"internal:{facts[0].replace('$', '')}", None, " ", tip)


def amount_of(value: Any, unit: str) -> float:
    """What a cell holds: percent as a fraction, everything else whole."""
    return float(value) / 100 if unit == "percent" else float(value)


def formula_of(made: Workbook, figure: JSON, amount: float, *, own: bool) -> str:
    """The figure as a formula over its facts, of the company's `own` on the sheet Figures over that sheet's cells too.

    Raises NoFormula for a filed figure, and where an input stands in no cell.
    """
    if figure["made"] == "filed" or not figure.get("formula"):
        raise NoFormula(figure["concept"])
    inputs: dict[str, list[JSON]] = {}
    for item in figure.get("inputs") or ():
        inputs.setdefault(item["concept"], []).append(item)
    facts = [made.book.facts[str(key)] for key in figure.get("facts") or () if str(key) in made.book.facts]

    def find(name: str, place: int) -> Term:
        items = sorted(inputs.get(name) or (), key=lambda item: str(item["end"]), reverse=True)
        if place >= len(items):
            raise NoFormula(name)
        item = items[place]
        unit = made.book.units.get(name, "USD")
        known = made.cells.get((name, item["end"])) if own else None
        tagged = next((fact for fact in facts if str(fact["tag"]).partition(":")[2] == name), None)
        if tagged is None and known is not None and known[1] == amount_of(item["value"], unit):
            return Term(known[0], known[1])
        fact = tagged or next((fact for fact in facts if _states(fact, item)), None)
        if fact is None:
            raise NoFormula(name)
        return Term(made.fact_cells[str(fact["id"])], float(fact["value"]))

    return translate(figure["formula"], find, amount)


def _states(fact: JSON, item: JSON) -> bool:
    """True where the fact is the input as filed: one of the concept's tags, that day, that value."""
    concept = CONCEPTS.get(item["concept"])
    steps = (*concept.steps, *concept.bank) if concept else ()
    tags = {tag for step in steps if isinstance(step, Step) for tag in step.tags}
    return fact["tag"] in tags and fact["end"] == item["end"] and fact["value"] == item["value"]


def link(made: Workbook, sheet: Any, at: tuple[int, int], url: str | None, words: str) -> None:
    """The words as a link to the address, which must be https; else the words alone."""
    if url and url.startswith("https://"):
        sheet.write_url(*at, url, made.look(font_color="#2A5885", underline=1), words)
    else:
        sheet.write_string(*at, words, made.look())


def day_of(text: str) -> date:
    """The day of an ISO date, or of a time."""
    return date.fromisoformat(text[:10])
