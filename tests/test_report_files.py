"""The other files of a report: each opened, its numbers and sources compared with the model."""

import hashlib
import io
import re
import zipfile
from dataclasses import replace
from typing import Any

import msgspec
import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from research_dashboard.base import utcnow
from research_dashboard.reports import markdown, pack, pdf, xlsx
from research_dashboard.reports.build import build
from research_dashboard.reports.model import RunFacts
from research_dashboard.research.formula import NoFormula, Term, translate
from tests.report_results import results

RUN = RunFacts(7, "Apple Inc.", "analyst", utcnow(), None, "bundled", "AAPL")


def test_the_pdf_has_pages_words_links_contents_and_tags() -> None:
    data = pdf.write(build(RUN, results()))
    with pypdfium2.PdfDocument(data) as document:
        pages = _pages(document)
        sizes = [page.get_size() for page in document]
        outline = [item.get_title() for item in document.get_toc()]
    words = " ".join(" ".join(pages).split())
    assert sizes[0] == pytest.approx((595.3, 841.9), abs=0.5)
    assert "Summary Report: Apple Inc." in pages[0]
    assert f"Page 2 of {len(pages)}" in words
    assert "416,161" in words
    assert "n/r" in words
    assert outline[:3] == ["Key figures", "Charts", "Peers"]
    assert outline[-1] == "Sources"
    assert "\ufffe" not in words
    assert b"/StructTreeRoot" in data
    assert b"https://www.sec.gov/Archives/edgar/data/320193/" in data


def test_the_pdf_comes_on_letter_too_and_is_the_same_every_time() -> None:
    report = build(RUN, results())
    letter = pdf.write(report, "us-letter")
    assert letter == pdf.write(report, "us-letter")
    with pypdfium2.PdfDocument(letter) as document:
        assert document[0].get_size() == pytest.approx((612, 792), abs=0.5)


def test_a_chart_alone_in_its_row_of_the_pdf_has_its_data_beside_it() -> None:
    report = build(RUN, results())
    first, *_, last = report.charts
    values = {row[1] for row in last.rows}
    for charts, beside in ([first, *[last] * 2], False), ([first, *[last] * 3], True):
        with pypdfium2.PdfDocument(pdf.write(replace(report, charts=tuple(charts)))) as document:
            assert values.issubset(" ".join(_pages(document)).split()) == beside


def _pages(document: pypdfium2.PdfDocument) -> list[str]:
    return [page.get_textpage().get_text_range() for page in document]


def test_every_letter_of_the_pdf_is_in_its_fonts() -> None:
    data = results()
    data["company_profile"]["name"] = "Société #1 *Test* $100 Žižkov"
    with pypdfium2.PdfDocument(pdf.write(build(RUN, data))) as document:
        assert "Société #1 *Test* $100 Žižkov" in document[0].get_textpage().get_text_range()


def test_markdown_states_the_same_numbers_and_numbers_its_sources_alike() -> None:
    report = build(RUN, results())
    text = markdown.write(report)
    revenue = next(row for part in report.parts for row in part.rows if row.concept == "revenue")
    assert f"[{revenue.cells[-1].shown}](https://www.sec.gov/" in text
    listed = re.findall(r"^(\d+)\. .*accession \[([\d-]+)\]", text, re.MULTILINE)
    assert [(int(n), accession) for n, accession in listed] == [(s.number, s.accession) for s in report.sources]
    assert "## Gaps" in text


def test_markdown_lets_no_name_become_markup() -> None:
    data = results()
    data["company_profile"]["name"] = "<b>|*x*"
    assert "# Summary Report: \\<b\\>\\|\\*x\\*" in markdown.write(build(RUN, data))


def sheets(data: dict[str, Any]) -> dict[str, list[list[Any]]]:
    """The workbook of the results, read again: rows by sheet."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.write(build(RUN, data), data)))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def test_markdown_leads_from_each_computed_figure_to_how_it_was_made_and_from_each_fact_to_its_filing() -> None:
    text = markdown.write(build(RUN, results()))
    wanted, there = re.findall(r"\]\(#([^)]+)\)", text), re.findall(r'<a id="([^"]+)"></a>', text)
    assert len(there) == len(set(there)) > 20
    assert set(wanted) <= set(there)
    figures = text.partition("## Key figures")[2].partition("## SWOT")[0]
    growth = next(line for line in figures.splitlines() if line.startswith("| Revenue growth"))
    assert growth.count("](#how-g1-") >= 4
    made = text.partition("## How the figures were made")[2].partition("## Method")[0]
    assert "(10-K [0" in made
    assert not re.search(r"\(10-K \d", made)


def test_each_figure_of_the_workbook_leads_to_its_facts() -> None:
    report = build(RUN, results())
    with zipfile.ZipFile(io.BytesIO(xlsx.write(report, results()))) as archive:
        sheets = {
            name: archive.read(f"xl/worksheets/sheet{place}.xml").decode()
            for place, name in ((2, "Figures"), (3, "Peers"))
        }
    for name, sheet in sheets.items():
        cells = re.findall(r'<c r="([A-Z]+)(\d+)"([^>]*)>(?:<f>|<v>)', sheet)
        linked = dict(re.findall(r'<hyperlink ref="([A-Z]+\d+)" location="(Facts!G\d+)"', sheet))
        assert len(linked) > 5, name
        if name == "Figures":
            numbers = {f"{column}{row}" for column, row, kind in cells if 't="s"' not in kind and int(row) > 4}
            assert numbers <= set(linked)


def test_the_workbook_has_a_sheet_a_part_and_real_numbers() -> None:
    read = sheets(results())
    assert list(read) == ["Summary", "Figures", "Peers", "SWOT", "Gaps", "Facts", "Sources", "Method"]
    figures = {row[0]: row for row in read["Figures"]}
    assert figures["Revenue"][5] == 416_161_000_000
    assert figures["Operating margin"][5] == pytest.approx(0.319708)
    assert figures["Interest expense"][5] == "n/r"
    assert figures["Revenue"][-1] == "1, 2, 3, 4, 5"
    assert [row[0] for row in read["Sources"][3:]] == [1, 2, 3, 4, 5, 6, 7]


def test_a_figure_that_is_a_formula_is_one_in_the_workbook() -> None:
    data = results()
    with zipfile.ZipFile(io.BytesIO(xlsx.write(build(RUN, data), data))) as book:
        written = "".join(book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name)
    formulas = re.findall(r"<f>([^<]+)</f>", written)
    assert any(re.fullmatch(r"F\d+/F\d+", formula) for formula in formulas)  # a margin
    assert any(re.fullmatch(r"F\d+/E\d+-1", formula) for formula in formulas)  # growth
    assert any(re.fullmatch(r"F\d+-F\d+", formula) for formula in formulas)  # free cash flow
    assert not any("cmd" in formula for formula in formulas)


def test_the_workbook_says_its_scale_where_its_numbers_are_and_its_summary_holds_numbers() -> None:
    read = sheets(results())
    assert "show US$ million" in read["Figures"][1][0]
    assert "show US$ million" in read["Peers"][1][0]
    rows = {row[0]: row for row in read["Summary"]}
    assert rows["Revenue"][1:3] == [416_161_000_000, 391_035_000_000]
    assert rows["Revenue"][3] == pytest.approx(0.0642551)
    assert rows["Revenue growth"][3] == pytest.approx(4.4035, abs=1e-4)  # in points


def test_a_row_of_the_workbook_names_each_tag_it_was_filed_under_with_its_years() -> None:
    data = results()
    revenue = data["financial_health"]["concepts"]["revenue"]
    for figure in revenue[:2]:
        for key in figure["facts"]:
            data["financial_health"]["facts"][str(key)]["tag"] = "us-gaap:SalesRevenueNet"
    data["financial_health"]["concepts"]["equity"][1]["marks"] = ["o"]
    figures = {row[0]: row for row in sheets(data)["Figures"]}
    assert figures["Revenue"][6] == "us-gaap:Revenues (FY2023 to FY2025); us-gaap:SalesRevenueNet (FY2021 to FY2022)"
    assert figures["Shareholders' equity"][8] == "o FY2022"


def test_what_a_peer_is_computed_from_stands_in_the_formula_of_its_cell() -> None:
    formulas = sheet_formulas(xlsx.write(build(RUN, results()), results()), 3)
    own, *peers = [formulas[f"{column}{row}"] for row in (4, 5, 6) for column in ("H",)]
    assert own.startswith("Figures!F")
    assert all(re.fullmatch(r"Facts!\$G\$\d+/Facts!\$G\$\d+", formula) for formula in peers)


def sheet_formulas(data: bytes, place: int) -> dict[str, str]:
    """The formulas of the sheet at a place, by cell."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read(f"xl/worksheets/sheet{place}.xml").decode()
    return dict(re.findall(r'<c r="([A-Z]+\d+)"[^>]*><f>([^<]+)</f>', sheet))


def test_text_that_looks_like_a_formula_stays_text() -> None:
    data = results()
    data["company_profile"]["name"] = "=1+1"
    assert sheets(data)["Summary"][0][0] == "Summary Report: =1+1"
    assert any(row[0] == "Peer Two =Inc." for row in sheets(data)["Peers"])


CELLS = {"a": [Term("B1", 6.0), Term("A1", 2.0)], "b": [Term("B2", 3.0), Term("A2", 5.0)]}


def find(name: str, place: int) -> Term:
    """The cell of an operand."""
    try:
        return CELLS[name][place]
    except (KeyError, IndexError):
        raise NoFormula(name) from None


@pytest.mark.parametrize(
    ("formula", "expected", "text"),
    [
        ("a / b", 2, "=B1/B2"),
        ("a / a[-1] − 1", 2, "=B1/A1-1"),
        ("(a / a[-3])^(1/2) − 1", 3**0.5 - 1, "=(B1/A1)^(1/2)-1"),
        ("a / avg b", 1.5, "=B1/AVERAGE(B2,A2)"),
        ("a × (1 − b) / avg (a + b − 1)", -12 / 7, "=B1*(1-B2)/AVERAGE((B1+B2-1),(A1+A2-1))"),
        ("365 × a", 2190, "=365*B1"),
        ("a − b − a", -3, "=B1-B2-B1"),
    ],
)
def test_a_formula_becomes_a_spreadsheets(formula: str, expected: float, text: str) -> None:
    assert translate(formula, find, expected) == text


@pytest.mark.parametrize("formula", ["a / c", "a +", "a b", "(a", "a / (b − b)", "a % b", "", "a; b"])
def test_a_formula_that_cannot_be_one_is_refused(formula: str) -> None:
    with pytest.raises(NoFormula):
        translate(formula, find, 1)


def test_a_formula_that_gives_another_value_is_refused() -> None:
    with pytest.raises(NoFormula, match="stored is 3"):
        translate("a / b", find, 3)


def test_the_pack_holds_hashes_of_all_it_holds_and_says_how_to_check() -> None:
    data = results()
    report = build(RUN, data)
    with zipfile.ZipFile(io.BytesIO(pack.write(report, data, {"report.md": b"# x", "figures.csv": b"y"}))) as made:
        names = set(made.namelist())
        sums = dict(reversed(line.split("  ")) for line in made.read("SHA256SUMS").decode().splitlines())
        assert sums == {name: hashlib.sha256(made.read(name)).hexdigest() for name in names - {"SHA256SUMS"}}
        assert {"README.txt", "manifest.json", "facts.csv", "report.md"} <= names
        assert "flask research verify 7" in made.read("README.txt").decode()
        assert msgspec.json.decode(made.read("manifest.json"))["rules_version"] == "1"
        assert made.read("facts.csv").decode().count("\n") == 1 + len(
            {key for result in data.values() for key in (result.get("facts") or {})}
        )
