"""The report as an Excel workbook: a sheet a part, real numbers, formulas where a figure is one, a sources column."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from math import ceil
from typing import Any

import xlsxwriter

from research_dashboard.reports import layout
from research_dashboard.reports.book import JSON, Book, form_words
from research_dashboard.reports.model import Report
from research_dashboard.reports.sentences import plain
from research_dashboard.research import wording
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
        self.cells: dict[tuple[str, str], tuple[str, float]] = {}  # (concept, end) → cell, value

    def look(self, **properties: Any) -> Any:
        """A cell format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self.looks:
            self.looks[key] = self.file.add_format(
                {"font_name": "Arial", "font_size": 10, "valign": "top", **properties}
            )
        return self.looks[key]

    def number_look(self, unit: str, *, bold: bool = False) -> Any:
        """How a number of that unit is shown; the cell holds it whole (money in units, percent as a fraction)."""
        money = MONEY if self.report.scale.places == 0 else FINE_MONEY
        formats = {"percent": PERCENT, "ratio": "0.00", "days": DAYS, "shares": "#,##0.0,,"}
        shown = "0.00" if "/" in unit else formats.get(unit, money)
        return self.look(num_format=shown, bold=bold)

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


def write(report: Report, results: Mapping[str, Any]) -> bytes:
    """The workbook's bytes. Facts are laid out first, so that formulas can lead to them; they stand last but two."""
    made = Workbook(report, results)
    place_facts(made)
    _summary(made)
    _figures(made)
    _peers(made)
    _swot(made)
    _gaps(made)
    _facts(made)
    _sources(made)
    _method(made)
    return made.finish()


def place_facts(made: Workbook) -> None:
    """Where each fact's value will stand on the sheet Facts."""
    for row, key in enumerate(made.book.facts, 3):
        made.fact_cells[key] = f"Facts!$G${row + 1}"


def _summary(made: Workbook) -> None:
    report = made.report
    sheet = made.sheet("Summary", ["", ""], [22, 110], f"Summary Report: {report.name}")
    rows = [("Company", " · ".join(report.identity)), ("Basis", report.basis)]
    rows += list(report.banners)
    rows += [(question, " ".join(plain(one) for one in said)) for question, said in report.answers]
    rows += [(tile.label, f"{tile.shown} ({tile.below})") for tile in report.tiles]
    rows += [
        (
            "Money",
            f"Cells hold whole units of {report.scale.currency} and show {report.money}; a loss stands in brackets.",
        ),
        (
            "Formulas",
            "A figure that is a formula is one here too, over the cells it is made of, to the facts as filed.",
        ),
        ("Marks", "; ".join(f"{mark}: {words}" for mark, words in layout.MARKS.items())),
        ("Run", f"#{report.run.id} by {report.run.researcher}, {report.run.date:%Y-%m-%d %H:%M} UTC"),
    ]
    for place, (name, words) in enumerate(rows, 3):
        made.prose(sheet, place, (name, words), (22, 110), bold=True)


# ── Figures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _figures(made: Workbook) -> None:
    """Every concept and ratio over all years at hand, newest right; ratios as formulas over the cells above."""
    health = made.book.health
    years = list(health.get("years") or ())
    every: dict[str, Sequence[JSON]] = {**health["concepts"], **health["ratios"]}
    heads = ["Figure", *(year["label"] for year in years), "Formula", "Unit", "Marks", "Sources"]
    sheet = made.sheet("Figures", heads, [34, *([12.0] * len(years)), 44, 12, 8, 22], "Figures by fiscal year")
    sheet.write_string(3, 0, "Year ended", made.look(italic=True))
    for column, year in enumerate(years, 1):
        sheet.write_datetime(3, column, _day(year["end"]), made.look(num_format="yyyy-mm-dd", italic=True))
    rows = _rows(every)
    for row, (part, concept) in enumerate(rows, 4):
        if concept is None:
            sheet.write_string(row, 0, part, made.look(bold=True, top=1))
            continue
        for column, figure in enumerate(every[concept], 1):
            if figure.get("value") is not None:
                cell = xlsxwriter.utility.xl_rowcol_to_cell(row, column)
                made.cells[concept, figure["period"]["end"]] = (cell, _amount(figure["value"], figure["unit"]))
    for row, (_, concept) in enumerate(rows, 4):
        if concept is not None:
            _figure_row(made, sheet, row, every[concept])


def _rows(every: Mapping[str, Sequence[JSON]]) -> list[tuple[str, str | None]]:
    """Parts and rows in the order of the report, then what stands in no part; rows without any value left out."""
    rows: list[tuple[str, str | None]] = []
    placed = {row.concept for plan in layout.PARTS for row in plan.rows}
    plans = [(plan.title, [row.concept for row in plan.rows]) for plan in layout.PARTS]
    plans.append(("Further", [concept for concept in every if concept not in placed]))
    for title, concepts in plans:
        shown = [c for c in concepts if any(f.get("value") is not None for f in every.get(c) or ())]
        rows += [(title, None), *((title, concept) for concept in shown)] if shown else []
    return rows


def _figure_row(made: Workbook, sheet: Any, row: int, figures: Sequence[JSON]) -> None:
    last = figures[-1]
    sheet.write_string(row, 0, last.get("label") or last["concept"], made.look())
    for column, figure in enumerate(figures, 1):
        if figure.get("value") is None:
            mark = wording.absence(figure.get("code")).mark
            sheet.write_string(row, column, mark, made.look(align="right", font_color="#7A5000"))
            continue
        amount, look = _amount(figure["value"], figure["unit"]), made.number_look(figure["unit"])
        _lead(made, sheet, (row, column), figure)
        try:
            sheet.write_formula(row, column, _formula(made, figure, amount), look, amount)
        except NoFormula:
            sheet.write_number(row, column, amount, look)
    cell = made.book.cell(last)
    column = len(figures) + 1
    sheet.write_string(
        row, column, cell.formula or ", ".join(dict.fromkeys(fact.tag for fact in cell.facts)), made.look()
    )
    sheet.write_string(row, column + 1, "fraction" if last["unit"] == "percent" else last["unit"], made.look())
    sheet.write_string(row, column + 2, " ".join(cell.marks), made.look())
    numbers = sorted({n for figure in figures for n in made.book.cell(figure).sources})
    sheet.write_string(row, column + 3, ", ".join(str(number) for number in numbers), made.look())


def _lead(made: Workbook, sheet: Any, at: tuple[int, int], figure: JSON) -> None:
    """Let a cell lead to the first of its facts on the sheet Facts; the number is written over it afterwards."""
    facts = [made.fact_cells[str(fact)] for fact in figure.get("facts") or () if str(fact) in made.fact_cells]
    if facts:
        tip = "its fact" if len(facts) == 1 else f"the first of its {len(facts)} facts"
        sheet.write_url(*at, f"internal:{facts[0].replace('$', '')}", None, " ", tip)


def _amount(value: Any, unit: str) -> float:
    """What a cell holds: percent as a fraction, everything else whole."""
    return float(value) / 100 if unit == "percent" else float(value)


def _formula(made: Workbook, figure: JSON, amount: float) -> str:
    """The figure as a formula over the cells of its inputs, or over its facts; NoFormula for a filed one."""
    if figure["made"] == "filed" or not figure.get("formula"):
        raise NoFormula(figure["concept"])
    inputs: dict[str, list[JSON]] = {}
    for item in figure.get("inputs") or ():
        inputs.setdefault(item["concept"], []).append(item)
    facts = {str(made.book.facts[str(f)]["tag"]).partition(":")[2]: str(f) for f in figure.get("facts") or ()
             if str(f) in made.book.facts}  # fmt: skip

    def find(name: str, place: int) -> Term:
        items = sorted(inputs.get(name) or (), key=lambda item: str(item["end"]), reverse=True)
        if place >= len(items):
            raise NoFormula(name)
        item = items[place]
        if name in facts:
            return Term(made.fact_cells[facts[name]], float(made.book.facts[facts[name]]["value"]))
        known = made.cells.get((name, item["end"]))
        unit = made.book.units.get(name, "USD")
        if known is None or known[1] != _amount(item["value"], unit):
            raise NoFormula(name)
        return Term(known[0], known[1])

    return translate(figure["formula"], find, amount)


# ── The other sheets ───────────────────────────────────────────────────────────────────────────────────────────────


def _peers(made: Workbook) -> None:
    report, members = made.report, made.book.comparison.get("members") or ()
    columns = report.peer_columns
    heads = [
        "Company",
        "Ticker",
        "CIK",
        "Year ended",
        "Share of set",
        *(layout.PEER_LABELS[c] for c in columns),
        "Sources",
    ]
    widths = [34, 9, 12, 12, 12, *([14.0] * len(columns)), 20]
    title = f"Peers: {report.peer_set}" if report.peer_set else "Peers: none at hand"
    sheet = made.sheet("Peers", heads, widths, title)
    sheet.write_string(1, 0, report.peer_warning, made.look(font_color="#7A5000"))
    first, last = 4, 3 + len(members)
    for row, member in enumerate(members, 3):
        look = made.look(bold=bool(member.get("subject")))
        sheet.write_string(row, 0, member["name"], look)
        sheet.write_string(row, 1, member.get("ticker") or "", look)
        sheet.write_string(row, 2, f"{member['cik']:010}" if member.get("cik") else "", look)
        sheet.write_datetime(row, 3, _day(member["end"]), made.look(num_format="yyyy-mm-dd"))
        if columns and columns[0] == "revenue" and member.get("share") is not None:
            formula = f"=F{row + 1}/SUM(F${first}:F${last})"
            sheet.write_formula(row, 4, formula, made.number_look("percent"), float(member["share"]) / 100)
        sources: set[int] = set()
        for column, concept in enumerate(columns, 5):
            figure = member["figures"].get(concept)
            if figure is None:
                continue
            sources |= set(made.book.cell(figure, f"{member.get('cik')}-").sources)
            if figure.get("value") is None:
                sheet.write_string(row, column, wording.absence(figure.get("code")).mark, made.look(align="right"))
            else:
                amount = _amount(figure["value"], figure["unit"])
                _lead(made, sheet, (row, column), figure)
                sheet.write_number(
                    row, column, amount, made.number_look(figure["unit"], bold=bool(member.get("subject")))
                )
        sheet.write_string(row, 5 + len(columns), ", ".join(str(n) for n in sorted(sources)), made.look())
    _standing(made, sheet, last + 2)


def _standing(made: Workbook, sheet: Any, row: int) -> None:
    items = made.book.comparison.get("standing") or ()
    if not items:
        return
    for column, head in enumerate(("Standing in the set", "Value", "Median", "Rank", "Of", "Percentile")):
        sheet.write_string(row, column, head, made.look(bold=True, bg_color="#F1ECE3", bottom=1))
    for at, item in enumerate(items, row + 1):
        sheet.write_string(at, 0, item["label"], made.look())
        for column, key in ((1, "value"), (2, "median")):
            if item.get(key) is not None:
                sheet.write_number(at, column, _amount(item[key], item["unit"]), made.number_look(item["unit"]))
        for column, key in ((3, "rank"), (4, "n"), (5, "percentile")):
            if item.get(key) is not None:
                sheet.write_number(at, column, float(item[key]), made.look(num_format="0"))


def _swot(made: Workbook) -> None:
    heads = ["Quadrant", "Finding", "Rule", "Score", "Evidence", "Sources"]
    widths = (16, 70, 8, 8, 80, 18)
    sheet = made.sheet("SWOT", heads, widths, f"SWOT: {made.report.rules_line}")
    row = 3
    for _, title, _, findings in made.report.swot:
        for found in findings:
            evidence = "; ".join(
                f"{company + ', ' if company else ''}{cell.label} {cell.period} {cell.shown}"
                for company, cell in found.evidence
            )
            words = (title, plain(found.sentence), found.rule, None, evidence, ", ".join(map(str, found.sources)))
            made.prose(sheet, row, words, widths)
            sheet.write_number(row, 3, found.score, made.look(num_format="0"))
            row += 1


def _gaps(made: Workbook) -> None:
    widths = (34, 8, 30, 60, 90)
    sheet = made.sheet("Gaps", ["Figure", "Mark", "Periods", "Why", "Tags tried"], widths, "Gaps")
    for row, gap in enumerate(made.report.gaps, 3):
        words = (gap.label, gap.mark, ", ".join(gap.periods), gap.reason, ", ".join(gap.tags))
        made.prose(sheet, row, words, widths)


def _facts(made: Workbook) -> None:
    heads = ["Id", "Company", "Tag", "Unit", "Start", "End", "Value as filed", "Form", "Filed", "Accession", "Source"]
    widths = [34, 30, 60, 12, 12, 12, 22, 9, 12, 24, 8]
    sheet = made.sheet("Facts", heads, widths, "Filed facts that the figures stand on")
    days = made.look(num_format="yyyy-mm-dd")
    for row, (key, fact) in enumerate(made.book.facts.items(), 3):
        sheet.write_string(row, 0, key, made.look())
        sheet.write_string(row, 1, made.book.names.get(fact.get("cik") or 0, ""), made.look())
        sheet.write_string(row, 2, fact["tag"], made.look())
        sheet.write_string(row, 3, fact["unit"], made.look())
        if fact.get("start"):
            sheet.write_datetime(row, 4, _day(fact["start"]), days)
        sheet.write_datetime(row, 5, _day(fact["end"]), days)
        sheet.write_number(row, 6, float(fact["value"]), made.look(num_format="#,##0.########"))
        sheet.write_string(row, 7, form_words(fact["form"]), made.look())
        sheet.write_datetime(row, 8, _day(fact["filed"]), days)
        _link(made, sheet, (row, 9), fact.get("url"), fact["accession"])
        sheet.write_number(row, 10, made.book.number[fact["accession"]], made.look())


def _sources(made: Workbook) -> None:
    sheet = made.sheet("Sources", ["No.", "Filing", "Accession"], [6, 90, 26], "Sources, numbered as in every format")
    for row, source in enumerate(made.report.sources, 3):
        sheet.write_number(row, 0, source.number, made.look())
        sheet.write_string(row, 1, source.words, made.look())
        _link(made, sheet, (row, 2), source.url, source.accession)


def _method(made: Workbook) -> None:
    sheet = made.sheet("Method", ["", ""], [22, 110], "Method")
    for row, line in enumerate(made.report.method, 3):
        made.prose(sheet, row, line, (22, 110), bold=True)


def _link(made: Workbook, sheet: Any, at: tuple[int, int], url: str | None, words: str) -> None:
    if url and url.startswith("https://"):
        sheet.write_url(*at, url, made.look(font_color="#2A5885", underline=1), words)
    else:
        sheet.write_string(*at, words, made.look())


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
