"""Reports of real runs on bundled filings: each format of a maker, a bank, a loss; verified from their own facts."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from research_dashboard.extensions import reading, writing
from research_dashboard.models import ResearchResult, ResearchRun
from research_dashboard.pages.report import run_facts
from research_dashboard.queries.preferences import system_user
from research_dashboard.queries.reports import results_by_type
from research_dashboard.reports import csv_file, markdown, pdf, xlsx
from research_dashboard.reports.build import build
from research_dashboard.reports.sentences import plain
from research_dashboard.research import wording
from research_dashboard.research.verify import verify
from research_dashboard.services import runs
from research_dashboard.worker import Worker
from tests.conftest import Page

Visit = Callable[..., Page]
COMPANIES = ("AAPL", "JPM", "KHC")


@pytest.fixture
def researched(bundled: Flask) -> Mapping[str, int]:
    """The runs of a maker of computers, a bank and a company with a loss, by ticker."""
    started = {ticker: runs.start_research(ticker, "ann").run_id for ticker in COMPANIES}
    Worker(bundled).work()
    return started


def results_of(run_id: int) -> dict[str, Any]:
    """The stored results."""
    with reading() as session:
        return results_by_type(session, run_id)


def test_every_number_of_a_report_leads_somewhere_and_every_place_is_there(
    researched: Mapping[str, int], visit: Visit
) -> None:
    for run_id in researched.values():
        page = visit(f"/runs/{run_id}")
        ids = {element["id"] for element in page.soup.select("[id]")}
        links = [str(link["href"]) for link in page.soup.select("main a[href^='#']")]
        assert set(links) <= {f"#{name}" for name in ids}
        cells = page.soup.select("#figures tbody td.num:not(.change), #peers .data td.num a, .tile .value")
        for cell in page.soup.select("#figures tbody td.num:not(.change), .tile .value"):
            assert cell.select_one("a[href]"), cell
        assert len(cells) > 100
        assert "None" not in page.text("main").replace("None of the years shown", "")
        facts = {str(link["href"]) for link in page.soup.select("main a[href^='/facts/']")}
        assert len(facts) > 100


def test_facts_companies_and_filings_that_a_report_names_are_there(
    researched: Mapping[str, int], visit: Visit, client: FlaskClient
) -> None:
    page = visit(f"/runs/{researched['KHC']}")
    for link in sorted({str(a["href"]) for a in page.soup.select("main a[href^='/facts/']")})[::60]:
        card = visit(link)
        assert "A filed fact" in card.text("main")
        assert card.soup.select_one("a[href^='https://www.sec.gov/Archives/edgar/data/']")
    for link in {str(a["href"]) for a in page.soup.select("#peers a[href^='/companies/']")}:
        assert client.get(link).status_code == 200


def test_sources_have_the_same_numbers_in_every_format(researched: Mapping[str, int], client: FlaskClient) -> None:
    run_id = researched["AAPL"]
    html = BeautifulSoup(client.get(f"/runs/{run_id}/report.html").text, "html.parser")
    numbers = [(int(str(li["id"])[1:]), li.select_one("code").get_text()) for li in html.select(".sources li")]
    listed = re.findall(
        r"^(\d+)\. .*accession \[([\d-]+)\]", client.get(f"/runs/{run_id}/report.md").text, re.MULTILINE
    )
    assert [(int(number), accession) for number, accession in listed] == numbers
    sources = client.get(f"/runs/{run_id}/report.json").json["sources"]
    assert [(source["number"], source["accession"]) for source in sources] == numbers
    by_number = dict(numbers)
    for row in csv.DictReader(io.StringIO(client.get(f"/runs/{run_id}/report.csv").text)):
        if row["made"] == "filed":
            assert by_number[int(row["source"])] == row["accession"]
    with pypdfium2.PdfDocument(client.get(f"/runs/{run_id}/report.pdf").data) as document:
        words = "".join(page.get_textpage().get_text_range() for page in document)
    assert all(accession in words for _, accession in numbers)


@pytest.mark.parametrize("ticker", ["AAPL", "JPM", "KHC"])
def test_no_format_denies_on_its_first_page_the_rank_that_it_gives_among_peers(
    researched: Mapping[str, int], client: FlaskClient, ticker: str
) -> None:
    with reading() as session:
        run = session.get_one(ResearchRun, researched[ticker])
        report = build(run_facts(run), results_of(run.id))
    first = " ".join(plain(one) for one in dict(report.answers)["How it stands"])
    assert "no rank" not in first
    assert plain(report.peer_line).startswith("Number ")
    assert (": number " in first) != ("its rank among them says little" in first and bool(report.peer_warning))


def test_a_bank_shows_what_means_something_for_a_bank(researched: Mapping[str, int]) -> None:
    with reading() as session:
        run = session.get_one(ResearchRun, researched["JPM"])
        report = build(run_facts(run), results_of(run.id))
    assert [tile.label for tile in report.tiles] == [
        "Revenue", "Net income", "Return on equity", "Return on assets", "Equity to assets", "EPS, diluted",
    ]  # fmt: skip
    shown = {row.concept for part in report.parts for row in part.rows}
    assert "equity_assets" in shown
    assert "gm" not in shown
    assert report.notes[0].startswith("Does not apply to a bank: gross profit, operating income, ")
    assert report.notes[1].startswith("Not in the data at hand, which are a selection of the company’s figures: ")


def test_every_figure_of_real_runs_is_what_its_facts_give(researched: Mapping[str, int]) -> None:
    for run_id in researched.values():
        done = verify(results_of(run_id))
        assert done.failures == []
        assert done.changed == []
        assert done.checked > 400
        assert done.hashed == 7


def _a_fact(results: dict[str, Any]) -> None:
    key = str(results["financial_health"]["concepts"]["revenue"][-1]["facts"][0])
    for result in results.values():
        if key in (result.get("facts") or {}):
            result["facts"][key]["value"] += 1_000_000


def _a_margin(results: dict[str, Any]) -> None:
    results["financial_health"]["ratios"]["nm"][-1]["value"] += 1


def _an_accession(results: dict[str, Any]) -> None:
    results["financial_health"]["concepts"]["assets"][-1]["accession"] = "0000000000-00-000000"


def _a_rank(results: dict[str, Any]) -> None:
    results["market_position"]["rank"] += 1


def _a_missing_fact(results: dict[str, Any]) -> None:
    for result in results.values():
        if result.get("facts"):
            result["facts"] = {}


@pytest.mark.parametrize("change", [_a_fact, _a_margin, _an_accession, _a_rank, _a_missing_fact])
def test_what_was_changed_after_the_run_is_found(researched: Mapping[str, int], change: Callable[[Any], None]) -> None:
    results = deepcopy(results_of(researched["KHC"]))
    change(results)
    done = verify(results)
    assert done.failures
    assert done.changed
    assert not done.sound


def test_the_verify_button_says_n_of_n_with_and_without_script(
    researched: Mapping[str, int], client: FlaskClient, visit: Visit
) -> None:
    run_id = researched["AAPL"]
    partial = client.post(f"/runs/{run_id}/verify", headers={"HX-Request": "true"}).text
    assert re.search(r"([\d,]+) of \1 figures recomputed from their facts", partial)
    assert "<html" not in partial
    answer = client.post(f"/runs/{run_id}/verify")
    assert answer.status_code == 303
    assert "figures recomputed from their facts" in visit(answer.headers["Location"]).text("#messages")
    assert client.post("/runs/999/verify").status_code == 404


def test_the_verify_command_says_n_of_n_and_fails_when_something_was_changed(
    bundled: Flask, researched: Mapping[str, int]
) -> None:
    run_id = researched["KHC"]
    runner = bundled.test_cli_runner()
    said = runner.invoke(args=["research", "verify", str(run_id)])
    assert said.exit_code == 0, said.output
    assert re.search(r"([\d,]+) of \1 figures", said.output)
    with writing() as session:
        statement = select(ResearchResult).where(
            ResearchResult.research_run_id == run_id, ResearchResult.result_type == "financial_health"
        )
        row = session.scalars(statement).one()
        changed = deepcopy(row.result_data)
        _a_margin(changed and {"financial_health": changed})
        row.result_data = changed
    said = runner.invoke(args=["research", "verify", str(run_id)])
    assert said.exit_code == 1
    assert "nm at" in said.output
    assert runner.invoke(args=["research", "verify", "999"]).exit_code == 1


def test_evidence_over_chosen_peers_names_its_figure_once(bundled: Flask, visit: Visit) -> None:
    peers = ["AAPL", "GOOGL", "NVDA", "ORCL", "ADBE", "AMZN", "SNOW", "MDB", "DDOG", "INTC"]
    run_id = runs.start_research("MSFT", "ann", peers=peers).run_id
    Worker(bundled).work()
    found = visit(f"/runs/{run_id}").soup.select_one(".swot .ok .why")
    assert found is not None
    why = found.get_text()
    assert why.count("Operating margin") == 1
    assert "45.6%; AMAZON COM INC FY2025 11.2%; Apple Inc. FY2025 32.0%" in why


FOOT = 0.94  # of a page's height: below it stands the running foot


def blank_at_foot(page: pypdfium2.PdfPage) -> float:
    """The part of a page under its last words or lines."""
    drawn = page.render(scale=0.25, force_bitmap_format=pdfium.FPDFBitmap_Gray)
    rows, height = memoryview(bytes(drawn.buffer)), int(drawn.height * FOOT)
    inked = [at for at in range(height) if min(rows[at * drawn.stride : at * drawn.stride + drawn.width]) < 200]
    return 1 - inked[-1] / height


def sizes(page: pypdfium2.PdfPage) -> set[float]:
    """The sizes in points that letters are set in; typst's own blanks have none."""
    text, found, matrix = page.get_textpage(), set(), pdfium.FS_MATRIX()
    for at in range(text.count_chars()):
        pdfium.FPDFText_GetMatrix(text.raw, at, matrix)
        if not chr(pdfium.FPDFText_GetUnicode(text.raw, at)).isspace():
            found.add(round(pdfium.FPDFText_GetFontSize(text.raw, at) * abs(matrix.d), 1))
    return found


def test_a_pdf_is_set_in_letters_one_can_read_and_wastes_no_page(researched: Mapping[str, int]) -> None:
    for run_id in researched.values():
        with reading() as session:
            report = build(run_facts(session.get_one(ResearchRun, run_id)), results_of(run_id))
        document = pypdfium2.PdfDocument(pdf.write(report))
        pages = [document[number] for number in range(len(document))]
        assert max(map(blank_at_foot, pages[:-1])) <= 0.2, report.name
        assert blank_at_foot(pages[-1]) < 0.9, "no page for a single sentence"
        assert min(min(sizes(page)) for page in pages) >= 7
        assert document.get_metadata_dict()["Author"] == ""
        assert len(pages) <= 7


def test_a_pdf_names_the_researcher_whom_someone_chose(client: FlaskClient, bundled: Flask) -> None:
    authors = {}
    for name in ("ann", system_user()):
        run_id = runs.start_research("SNOW", name).run_id
        Worker(bundled).work()
        made = pypdfium2.PdfDocument(client.get(f"/runs/{run_id}/report.pdf").data)
        authors[name] = made.get_metadata_dict()["Author"]
    assert authors == {"ann": "ann", system_user(): ""}


def test_the_first_number_on_a_new_share_basis_is_marked_in_every_format(bundled: Flask, visit: Visit) -> None:
    run_id = runs.start_research("NVDA", "ann").run_id
    Worker(bundled).work()
    stored = results_of(run_id)
    with reading() as session:
        report = build(run_facts(session.get_one(ResearchRun, run_id)), stored)
    marked = {
        (row.concept, cell.period): cell.shown
        for part in (*report.parts, *report.further)
        for row in part.rows
        for cell in row.cells
        if "s1" in cell.marks
    }
    assert marked["eps_diluted", "FY2023"] == "0.17"
    assert marked["shares_outstanding", "FY2024"] == "24,643"
    assert {period for _, period in marked} == {"FY2023", "FY2024"}
    note = next(note for note in report.notes if note.startswith("s1: A 10-for-1 share split"))
    page = visit(f"/runs/{run_id}")
    (cell,) = [td for td in page.soup.select("#figures td.num") if td.get_text(strip=True) == "24,643s1"]
    assert cell.select_one("sup[title*='note s1']")
    assert note in page.text("#figures")
    assert "0.17](" in (text := markdown.write(report))
    assert re.search(r"\[24,643\]\([^)]*\) s1 ", text)
    assert note in text
    with pypdfium2.PdfDocument(pdf.write(report)) as document:
        words = " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())
    assert "24,643 s1" in words
    assert note in words
    rows = csv.DictReader(io.StringIO(csv_file.write(stored)))
    outstanding = {row["period"]: row for row in rows if row["concept"] == "shares_outstanding"}
    assert outstanding["FY2024"]["marks"] == "s1"
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.write(report, stored)))
    sheet = {row[0]: row for row in book.get_sheet_by_name("Figures").to_python(skip_empty_area=False)}
    assert sheet["Shares outstanding"][-2] == "s2 FY2021; s1 FY2024"
    assert {note[:3] for note in sheet if note.startswith("s")} == {"s1:", "s2:"}
    assert "Before the 10-for-1 share split" in outstanding["FY2023"]["notes"]


def test_no_change_is_drawn_over_a_change_of_the_share_basis() -> None:
    before = {
        "concept": "eps_diluted",
        "unit": "USD/shares",
        "value": 3.85,
        "notes": ["Before the split: not adjusted."],
    }
    assert wording.change({**before, "value": 0.17, "notes": []}, before) == "n/m"
    assert wording.change({**before, "value": 4.62}, before) == "+20.0%"
