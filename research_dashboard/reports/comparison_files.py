"""A comparison as CSV, XLSX and JSON: every value raw, with the filing or the formula that it stands on."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from research_dashboard.extensions import to_json
from research_dashboard.reports.comparison import Compared, ComparedRow, Comparison, Section
from research_dashboard.reports.run_lists import NOT_XML, harmless

Written = Callable[[Comparison], bytes]


def source_of(compared: Compared) -> str:
    """10-K 0000320193-25-000079, us-gaap:Assets; or the formula; or why there is no value."""
    cell = compared.cell
    if cell is None:
        return "no such year"
    if not cell.present:
        return f"{cell.code}: {cell.why}"
    if cell.made == "filed" and cell.facts:
        fact = cell.facts[0]
        return f"{fact.form} {fact.accession}, {fact.tag}"
    filings = ", ".join(sorted({fact.accession for fact in cell.facts}))
    return f"{cell.formula} ({filings})" if filings else cell.formula


@dataclass(frozen=True, slots=True)
class Sourced:
    """What a value stands on, in words, and the addresses of the filings, each once."""

    words: str
    addresses: tuple[str, ...]


def _sourced(compared: Compared) -> Sourced:
    facts = compared.cell.facts if compared.cell and compared.cell.present else ()
    urls = dict.fromkeys(fact.url for fact in facts if fact.url and fact.url.startswith("https://"))
    return Sourced(source_of(compared), tuple(urls))


def _header(made: Comparison, *kinds: str) -> list[str]:
    labels = [made.label(number) for number in range(len(made.columns))]
    marks = [f"{label}: {what}" for label in labels for what in ("value", "mark", "source", *kinds)]
    return ["Period", "Part", "Figure", "Concept", "Unit", "Years", *marks]


def _lines(made: Comparison) -> list[list[Any]]:
    """A line a figure and period: its value, mark and source in each column."""
    return [
        _line(made, section, part.title, row)
        for section in made.sections
        for part in section.parts
        for row in part.rows
    ]


def _line(made: Comparison, section: Section, part: str, row: ComparedRow) -> list[Any]:
    units = {compared.cell.unit for compared in row.cells if compared.cell}
    years = ", ".join(year["label"] if year else "none" for year in section.years)
    line: list[Any] = [section.title, part, row.label, row.concept, " or ".join(sorted(units)), years]
    for compared in row.cells:
        value = compared.cell.value if compared.cell and compared.cell.present else None
        line += [value, compared.mark, _sourced(compared)]
    return line


def as_csv(made: Comparison) -> bytes:
    """UTF-8, a line a figure and period, harmless in a spreadsheet; the filings' addresses in a column of their own."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([harmless(text) for text in _header(made, "address")])
    for line in _lines(made):
        texts = (part for value in line for part in _parts(value))
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in texts])
    return buffer.getvalue().encode()


def _parts(value: Any) -> tuple[Any, ...]:
    """A value's columns: of a source its words and its addresses."""
    return (value.words, " ".join(value.addresses)) if isinstance(value, Sourced) else (value,)


def as_xlsx(made: Comparison) -> bytes:
    """Figures, findings and warnings, a sheet each; numbers typed, headers frozen, every text a text. A source leads to
    its filing, of several to the first."""
    import xlsxwriter

    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        labels = [made.label(number) for number in range(len(made.columns))]
        _sheet(book, bold, "Figures", _header(made), _lines(made))
        findings = [[one.quadrant, one.rule, one.state, *one.sentences] for one in made.findings]
        _sheet(book, bold, "Findings", ["Quadrant", "Rule", "State", *labels], findings)
        about = [[label, *_about(made, number).values()] for number, label in enumerate(labels)]
        about += [[f"Warning: {text}"] for text in made.warnings]
        _sheet(book, bold, "About", ["Column", *_about(made, 0)], about)
    return file.getvalue()


def _sheet(book: Any, bold: Any, name: str, header: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 3)
    sheet.set_column(0, 2, 22)
    sheet.set_column(3, len(header), 14)
    for row, line in enumerate([header, *lines]):
        for column, value in enumerate(line):
            look = bold if row == 0 else None
            if isinstance(value, Sourced):
                words = NOT_XML.sub("�", value.words)
                if value.addresses:
                    sheet.write_url(row, column, value.addresses[0], None, words)
                else:
                    sheet.write_string(row, column, words)
            elif isinstance(value, str):
                sheet.write_string(row, column, NOT_XML.sub("�", value), look)
            elif value is not None:
                sheet.write_number(row, column, float(value), look)


def _about(made: Comparison, number: int) -> dict[str, Any]:
    """What a column is."""
    column = made.columns[number]
    return {
        "run": column.run.id,
        "company": column.name,
        "cik": column.cik,
        "as_of": column.run.as_of.isoformat() if column.run.as_of else None,
        "source": column.run.source,
        "rules_version": column.rules,
        "currency": column.currency,
        "fiscal_year": column.years[-1]["label"] if column.years else None,
        "year_end": column.years[-1]["end"] if column.years else None,
    }


def document(made: Comparison) -> dict[str, Any]:
    """The comparison as plain values."""
    return {
        "same_company": made.same_company,
        "columns": [_about(made, number) for number in range(len(made.columns))],
        "warnings": list(made.warnings),
        "periods": [
            {
                "period": section.key,
                "title": section.title,
                "years": [year and {key: year[key] for key in ("label", "end")} for year in section.years],
                "same": section.same,
                "figures": [
                    {
                        "concept": row.concept,
                        "label": row.label,
                        "part": part.title,
                        "change": row.change or None,
                        "same": row.same,
                        "cells": [_cell(compared) for compared in row.cells],
                    }
                    for part in section.parts
                    for row in part.rows
                ],
            }
            for section in made.sections
        ],
        "findings": [
            {"rule": one.rule, "quadrant": one.quadrant, "state": one.state, "sentences": list(one.sentences)}
            for one in made.findings
        ],
    }


def _cell(compared: Compared) -> dict[str, Any] | None:
    cell = compared.cell
    if cell is None:
        return None
    return {
        "value": cell.value,
        "unit": cell.unit,
        "shown": cell.shown,
        "mark": compared.mark or None,
        "made": cell.made,
        "formula": cell.formula or None,
        "facts": [
            {"id": f.id, "tag": f.tag, "accession": f.accession, "form": f.form, "url": f.url} for f in cell.facts
        ],
        "code": cell.code,
        "reason": cell.why or None,
    }


WRITERS: Mapping[str, tuple[Written, str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": (lambda made: to_json(document(made)).encode(), "application/json"),
}
