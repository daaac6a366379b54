"""The report as an Excel workbook: a sheet a part, real numbers, formulas where a figure is one, a sources column."""

from collections.abc import Iterable, Mapping, Sequence
from math import isclose
from typing import Any

from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from research_dashboard.reports import layout
from research_dashboard.reports.book import JSON, Cell, form_words
from research_dashboard.reports.model import Report, Tile
from research_dashboard.reports.over_years import over_years
from research_dashboard.reports.sentences import plain
from research_dashboard.reports.workbook import LINE, Workbook, amount_of, day_of, formula_of, lead, link
from research_dashboard.research import wording
from research_dashboard.research.formula import CLOSE_ENOUGH, NoFormula

FIRST_ROW = 3  # of a sheet's cells, below its title, a line on it and the heads
HOW = "Formula, or the tags it was filed under"
PROSE = 110.0  # the width of a sheet's words, in letters


def write(report: Report, results: Mapping[str, Any]) -> bytes:
    """The workbook's bytes. Facts and figures are laid out first, so that formulas on any sheet can lead to them."""
    made = Workbook(report, results)
    place_facts(made)
    rows = place_figures(made)
    _summary(made)
    _figures(made, rows)
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


def place_figures(made: Workbook) -> list[tuple[str, str | None]]:
    """The rows of the sheet Figures, and where on it each figure with a value will stand."""
    every = _every(made)
    rows = _rows(every)
    for row, (_, concept) in enumerate(rows, FIRST_ROW + 1):
        for column, figure in enumerate(every[concept] if concept else (), 1):
            if figure.get("value") is not None:
                where = xl_rowcol_to_cell(row, column)
                made.cells[figure["concept"], figure["period"]["end"]] = (
                    where, amount_of(figure["value"], figure["unit"])
                )  # fmt: skip
    return rows


def _every(made: Workbook) -> dict[str, Sequence[JSON]]:
    return {**made.book.health["concepts"], **made.book.health["ratios"]}


# ── Summary ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(made: Workbook) -> None:
    """What the first screen says; its numbers as cells that lead to the sheet Figures."""
    report = made.report
    widths = (22.0, 18.0, 18.0, 14.0, PROSE - 50)
    sheet = made.sheet("Summary", [""] * len(widths), widths, f"Summary Report: {report.name}")
    said = [("Company", " · ".join(report.identity)), ("Basis", report.basis), *report.banners]
    said += [(question, " ".join(plain(one) for one in words)) for question, words in report.answers]
    last = _said(made, sheet, FIRST_ROW, said)
    years = [year.label for year in report.years[-2:]]
    heads = ("Figure", years[-1] if years else "", years[0] if len(years) > 1 else "", "Change", "In words")
    for column, head in enumerate(heads):
        side: dict[str, Any] = {"align": "right"} if 0 < column < 4 else {"indent": column // 4}
        sheet.write_string(last, column, head, made.look(bold=True, bg_color="#F1ECE3", bottom=1, **side))
    for row, tile in enumerate(report.tiles, last + 1):
        _tile(made, sheet, row, tile)
    words = "A figure that is a formula is one here too, over the cells it is made of, to the facts as filed."
    marks = "; ".join(f"{mark}: {meaning}" for mark, meaning in layout.MARKS.items())
    run = f"#{report.run.id} by {report.run.researcher}, {report.run.date:%Y-%m-%d %H:%M} UTC"
    rest = (("Numbers", made.shown), ("Formulas", words), ("Marks", marks), ("Run", run))
    _said(made, sheet, last + 1 + len(report.tiles), rest)


def _said(made: Workbook, sheet: Any, row: int, rows: Iterable[tuple[str, str]]) -> int:
    """Names and words over the width of the sheet; the row below them."""
    for name, words in rows:
        made.prose(sheet, row, (name, words), (22, PROSE), bold=True)
        sheet.merge_range(row, 1, row, 4, words, made.look(text_wrap=True))
        row += 1
    return row


def _tile(made: Workbook, sheet: Any, row: int, tile: Tile) -> None:
    """A figure of the newest year, the one of the year before, and what lies between: formulas all three."""
    figures = _every(made).get(tile.cell.concept) or ()
    unit = tile.cell.unit
    sheet.write_string(row, 0, tile.label, made.look(bold=True))
    words = f"{tile.shown} ({tile.below})" if tile.below else str(tile.shown)
    sheet.write_string(row, 4, words, made.look(indent=1))
    for column, figure in enumerate(reversed(figures[-2:]), 1):
        where = made.cells.get((figure["concept"], figure["period"]["end"]))
        if where is None:
            mark = wording.absence(figure.get("code")).mark
            sheet.write_string(row, column, mark, made.look(align="right", font_color="#7A5000"))
        else:
            sheet.write_formula(row, column, f"=Figures!{where[0]}", made.number_look(unit), where[1])
    shown = wording.change(figures[-1], figures[-2]) if len(figures) > 1 else wording.DASH
    if shown in {wording.DASH, wording.NOT_MEANINGFUL}:
        sheet.write_string(row, 3, shown, made.look(align="right"))
        return
    now, before = (amount_of(figure["value"], unit) for figure in (figures[-1], figures[-2]))
    newest, older = xl_rowcol_to_cell(row, 1), xl_rowcol_to_cell(row, 2)
    if unit == "percent":
        look = made.look(num_format='+0.0" pp";-0.0" pp"')
        sheet.write_formula(row, 3, f"=({newest}-{older})*100", look, (now - before) * 100)
    elif unit in {"ratio", "days"}:
        look = made.look(num_format="+0.00;-0.00" if unit == "ratio" else "+0;-0;0")
        sheet.write_formula(row, 3, f"={newest}-{older}", look, now - before)
    else:
        sheet.write_formula(row, 3, f"={newest}/{older}-1", made.look(num_format="+0.0%;-0.0%"), now / before - 1)


# ── Figures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _figures(made: Workbook, rows: Sequence[tuple[str, str | None]]) -> None:
    """Every concept and ratio over all years at hand, newest right; ratios as formulas over the cells above."""
    years = list(made.book.health.get("years") or ())
    every = _every(made)
    heads = ["Figure", *(year["label"] for year in years), HOW, "Unit", "Marks", "Sources"]
    sheet = made.sheet("Figures", heads, [34, *([12.0] * len(years)), 60, 12, 18, 22], "Figures by fiscal year")
    sheet.write_string(1, 0, made.shown, made.look())
    sheet.write_string(FIRST_ROW, 0, "Year ended", made.look(italic=True))
    for column, year in enumerate(years, 1):
        sheet.write_datetime(FIRST_ROW, column, day_of(year["end"]), made.look(num_format="yyyy-mm-dd", italic=True))
    for row, (part, concept) in enumerate(rows, FIRST_ROW + 1):
        if concept is None:
            sheet.write_string(row, 0, part, made.look(bold=True, top=1))
        else:
            _figure_row(made, sheet, row, every[concept])
    notes = [f"{mark}: {words}." for mark, words in layout.MARKS.items()]
    for row, note in enumerate((*notes, *over_years(made.results, 0).notes), FIRST_ROW + 2 + len(rows)):
        sheet.write_string(row, 0, note, made.look(italic=True))


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
    cells = [made.book.cell(figure) for figure in figures]
    for column, (figure, cell) in enumerate(zip(figures, cells, strict=True), 1):
        begins = next((mark for mark in cell.marks if mark not in layout.MARKS), "")
        _number(made, sheet, (row, column), figure, made.number_look(figure["unit"], mark=begins))
    column = len(figures) + 1
    present = [cell for cell in cells if cell.present]
    how = _by_years([(_how(cell), cell.period) for cell in present])
    sheet.write_string(row, column, how, made.look(text_wrap=True, indent=1))
    sheet.set_row(row, LINE * max(1, -(-len(how) // 56)))
    sheet.write_string(row, column + 1, "fraction" if last["unit"] == "percent" else last["unit"], made.look())
    sheet.write_string(row, column + 2, _marks(present), made.look())
    numbers = sorted({number for cell in cells for number in cell.sources})
    sheet.write_string(row, column + 3, ", ".join(str(number) for number in numbers), made.look())


def _number(made: Workbook, sheet: Any, at: tuple[int, int], figure: JSON, look: Any, *, own: bool = True) -> None:
    """A figure as a formula over the cells at hand, else as the number it is, else the mark that says why not."""
    if figure.get("value") is None:
        mark = wording.absence(figure.get("code")).mark
        sheet.write_string(*at, mark, made.look(align="right", font_color="#7A5000"))
        return
    amount = amount_of(figure["value"], figure["unit"])
    lead(made, sheet, at, figure)
    try:
        sheet.write_formula(*at, formula_of(made, figure, amount, own=own), look, amount)
    except NoFormula:
        sheet.write_number(*at, amount, look)


def _how(cell: Cell) -> str:
    return cell.formula or ", ".join(dict.fromkeys(fact.tag for fact in cell.facts))


def _by_years(said: Sequence[tuple[str, str]]) -> str:
    """What holds for all years alone; else each with its years, the newest first: A (FY2025 to FY2026); B (FY2024)."""
    years: dict[str, list[str]] = {}
    for words, year in said:
        years.setdefault(words, []).append(year)
    if len(years) == 1:
        return next(iter(years))
    every = [year for _, year in said]
    return "; ".join(f"{words} ({_span(found, every)})" for words, found in reversed(years.items()))


def _span(found: Sequence[str], every: Sequence[str]) -> str:
    """FY2017 to FY2020 where no other year lies between them, else one by one."""
    start = every.index(found[0])
    unbroken = len(found) > 1 and list(every[start : start + len(found)]) == list(found)
    return f"{found[0]} to {found[-1]}" if unbroken else ", ".join(found)


def _marks(cells: Sequence[Cell]) -> str:
    """The marks of a row: alone where every year has it, else with its years."""
    every = [cell.period for cell in cells]
    found = {mark: [cell.period for cell in cells if mark in cell.marks] for cell in cells for mark in cell.marks}
    return "; ".join(mark if years == every else f"{mark} {_span(years, every)}" for mark, years in found.items())


# ── The other sheets ───────────────────────────────────────────────────────────────────────────────────────────────


def _peers(made: Workbook) -> None:
    report, members = made.report, made.book.comparison.get("members") or ()
    columns = report.peer_columns
    named = [layout.PEER_LABELS[column] for column in columns]
    heads = ["Company", "Ticker", "CIK", "Year ended", "Share of set", *named, "Sources"]
    widths = [34, 9, 12, 12, 12, *([14.0] * len(columns)), 20]
    title = f"Peers: {report.peer_set}" if report.peer_set else "Peers: none at hand"
    sheet = made.sheet("Peers", heads, widths, title)
    sheet.write_string(1, 0, f"{report.peer_warning} {made.shown}".strip(), made.look(font_color="#7A5000"))
    first, last = FIRST_ROW + 1, FIRST_ROW + len(members)
    for row, member in enumerate(members, FIRST_ROW):
        look = made.look(bold=bool(member.get("subject")))
        sheet.write_string(row, 0, member["name"], look)
        sheet.write_string(row, 1, member.get("ticker") or "", look)
        sheet.write_string(row, 2, f"{member['cik']:010}" if member.get("cik") else "", look)
        sheet.write_datetime(row, 3, day_of(member["end"]), made.look(num_format="yyyy-mm-dd"))
        if columns and columns[0] == "revenue" and member.get("share") is not None:
            formula = f"=F{row + 1}/SUM(F${first}:F${last})"
            sheet.write_formula(row, 4, formula, made.number_look("percent"), float(member["share"]) / 100)
        sources: set[int] = set()
        for column, concept in enumerate(columns, 5):
            figure = member["figures"].get(concept)
            if figure is not None:
                sources |= set(made.book.cell(figure, f"{member.get('cik')}-").sources)
                _member_cell(made, sheet, (row, column), figure, own=bool(member.get("subject")))
        sheet.write_string(row, 5 + len(columns), ", ".join(str(n) for n in sorted(sources)), made.look())
    _standing(made, sheet, last + 2)


def _member_cell(made: Workbook, sheet: Any, at: tuple[int, int], figure: JSON, *, own: bool) -> None:
    """The company's own figure is the one of the sheet Figures; a peer's is a formula over its facts."""
    look = made.number_look(figure["unit"], bold=own)
    known = made.cells.get((figure["concept"], figure["period"]["end"])) if own else None
    if known is not None and figure.get("value") is not None and _same(known[1], figure):
        lead(made, sheet, at, figure)
        sheet.write_formula(*at, f"=Figures!{known[0]}", look, known[1])
    else:
        _number(made, sheet, at, figure, look, own=False)


def _same(amount: float, figure: JSON) -> bool:
    """True where a cell that holds the amount shows the figure, which may be stored with fewer decimals."""
    return isclose(amount, amount_of(figure["value"], figure["unit"]), rel_tol=CLOSE_ENOUGH, abs_tol=CLOSE_ENOUGH)


def _standing(made: Workbook, sheet: Any, row: int) -> None:
    items = made.book.comparison.get("standing") or ()
    if not items:
        return
    for column, head in enumerate(("Standing in the set", "Value", "Median", "Rank", "Of", "Percentile")):
        sheet.write_string(row, column, head, made.look(bold=True, bg_color="#F1ECE3", bottom=1))
    for at, item in enumerate(items, row + 1):
        sheet.write_string(at, 0, item["label"], made.look())
        formulas = _standing_formulas(made, item)
        for column, key in enumerate(("value", "median", "rank", "n", "percentile"), 1):
            if item.get(key) is None:
                continue
            unit = item["unit"] if key in {"value", "median"} else ""
            look = made.number_look(unit) if unit else made.look(num_format="0")
            amount = amount_of(item[key], unit)
            if key in formulas:
                sheet.write_formula(at, column, f"={formulas[key]}", look, amount)
            else:
                sheet.write_number(at, column, amount, look)


def _standing_formulas(made: Workbook, item: JSON) -> dict[str, str]:
    """Value, median of the peers, rank and number over the column of the figure above, where it has one."""
    members = made.book.comparison.get("members") or ()
    if item["ratio"] not in made.report.peer_columns:
        end = next((member["end"] for member in members if member.get("subject")), "")
        known = made.cells.get((item["ratio"], end))
        return (
            {"value": f"Figures!{known[0]}"}
            if known and item.get("value") is not None and _same(known[1], item)
            else {}
        )
    column = xl_col_to_name(5 + list(made.report.peer_columns).index(item["ratio"]))
    cells, values, own = [], [], ""
    for row, member in enumerate(members, FIRST_ROW + 1):
        value = (member["figures"].get(item["ratio"]) or {}).get("value")
        if member.get("subject"):
            own = f"{column}{row}" if value is not None else ""
        elif value is not None:
            cells.append(f"{column}{row}")
        if value is not None:
            values.append(value)
    if len(values) != item.get("n") or not own or not cells:
        return {}
    among = f"{column}${FIRST_ROW + 1}:{column}${FIRST_ROW + len(members)}"
    found = {"value": own, "median": f"MEDIAN({','.join(cells)})", "n": f"COUNT({among})"}
    return found | {"rank": f"RANK({own},{among})"} if len(set(values)) == len(values) else found


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
            sheet.write_datetime(row, 4, day_of(fact["start"]), days)
        sheet.write_datetime(row, 5, day_of(fact["end"]), days)
        places = max(0, -int(wording.exact(fact["value"]).as_tuple().exponent))
        filed = made.look(num_format=f"#,##0.{'0' * places}" if places else "#,##0")
        sheet.write_number(row, 6, float(fact["value"]), filed)
        sheet.write_string(row, 7, form_words(fact["form"]), made.look())
        sheet.write_datetime(row, 8, day_of(fact["filed"]), days)
        link(made, sheet, (row, 9), fact.get("url"), fact["accession"])
        sheet.write_number(row, 10, made.book.number[fact["accession"]], made.look())


def _sources(made: Workbook) -> None:
    sheet = made.sheet("Sources", ["No.", "Filing", "Accession"], [6, 90, 26], "Sources, numbered as in every format")
    for row, source in enumerate(made.report.sources, 3):
        sheet.write_number(row, 0, source.number, made.look())
        sheet.write_string(row, 1, source.words, made.look())
        link(made, sheet, (row, 2), source.url, source.accession)


def _method(made: Workbook) -> None:
    sheet = made.sheet("Method", ["", ""], [22, 110], "Method")
    for row, line in enumerate(made.report.method, 3):
        made.prose(sheet, row, line, (22, 110), bold=True)
