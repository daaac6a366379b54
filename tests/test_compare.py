"""Compare: two to ten runs or companies side by side, as a page and as files."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from research_dashboard.services import organise, runs
from research_dashboard.worker import Worker

from .conftest import Page
from .factories import make_research, make_run

Visit = Callable[..., Page]
EARLIER, LATER = date(2025, 9, 1), date(2026, 9, 1)


def research(app: Flask, *companies: str, as_of: date = LATER) -> list[int]:
    ids = [runs.start_research(company, "ann", as_of=as_of).run_id for company in companies]
    Worker(app).work()
    return ids


def row(page: Page, name: str, table: int = 0) -> list[str]:
    """The cells of a figure, in one of the page's tables."""
    found = page.soup.select("table.compared")[table]
    line = next(row for row in found.select("tbody tr") if row.select_one("th.key") and row.th.get_text() == name)  # type: ignore[union-attr]
    return [" ".join(cell.get_text(" ", strip=True).split()) for cell in line.select("td")]


def test_two_runs_of_a_company_say_what_changed_and_why(bundled: Flask, visit: Visit) -> None:
    (first,), (second,) = research(bundled, "AAPL", as_of=EARLIER), research(bundled, "AAPL")
    page = visit(f"/compare?a={first}&b={second}")
    assert page.text("h1") == "Compare runs: Apple Inc."
    assert page.text("#figures-h") == "Newest year of each"
    assert row(page, "Revenue") == ["391,035 worst", "416,161 best", "+6.4%"]
    assert "FY2024, ended 28 Sep 2024" in page.text("table.compared thead")
    heads = page.texts("details.further > summary")
    assert heads[:2] == ["FY2025, year ended 27 Sep 2025", "FY2024, year ended 28 Sep 2024"]
    assert row(page, "Revenue", 1) == ["–", "416,161", "–"]
    assert row(page, "Revenue", 2)[:2] == ["391,035", "391,035"]  # one year of one company: nothing is best of it
    assert "New filings" in page.text("section[aria-labelledby=why-h]")
    assert {"new", "kept", "gone"} & {
        tag.split(" ")[0] for tag in page.texts("section[aria-labelledby=findings-h] .tag")
    }
    assert f"/compare?run={second}&run={first}" in [str(link.get("href")) for link in page.soup.select(".head a.btn")]


def test_the_same_address_in_its_other_forms(bundled: Flask, client: FlaskClient) -> None:
    ids = research(bundled, "AAPL", "MSFT", "ORCL")
    first = client.get("/compare.json?" + "&".join(f"run={run_id}" for run_id in ids)).get_json()
    assert [column["run"] for column in first["columns"]] == ids
    for query in (f"run={ids[0]},{ids[1]},{ids[2]}", "company=320193&company=789019&company=ORCL"):
        assert client.get(f"/compare.json?{query}").get_json() == first


def test_companies_side_by_side_are_ranked_warned_of_and_sourced(bundled: Flask, visit: Visit) -> None:
    ids = research(bundled, "AAPL", "MSFT", "JPM")
    page = visit("/compare?" + "&".join(f"run={run_id}" for run_id in ids))
    margins = row(page, "Net margin")
    ends = [cell.split(" ")[-1] for cell in margins if " " in cell]
    assert sorted(ends) == ["highest", "lowest"], "a bank's margin is neither better nor worse than a maker's"
    assert "best" in " ".join(row(page, "Gross margin")), "of the two that have one, both of one sector"
    assert len([cell for cell in row(page, "EPS, diluted") if "est" in cell]) == 0
    warnings = page.text(".msg.warn")
    assert "Fiscal years end in different months" in warnings
    assert "different sectors" in warnings
    links = [str(link["href"]) for link in page.soup.select("table.compared td.num a")]
    assert any(link.startswith("/facts/") for link in links)
    assert any(link.startswith("/runs/") and "#how-" in link for link in links)
    cells = [
        cell for cell in page.soup.select("table.compared td.num:not(:last-child)") if cell.get_text(strip=True) != "–"
    ]
    assert all(cell.select_one("a[title]") for cell in cells)
    assert "CY20" in " ".join(page.texts("details.further > summary"))


def test_amounts_a_share_have_no_difference_between_companies_and_no_warning_is_of_a_year_not_shown(
    bundled: Flask, client: FlaskClient, visit: Visit
) -> None:
    nvidia, bank = research(bundled, "NVDA", "JPM")
    page = visit(f"/compare?run={nvidia}&run={bank}&figures=all")
    assert row(page, "EPS, diluted")[2] == "–"
    assert row(page, "Weighted shares, diluted")[2] == "–"
    assert row(page, "Revenue")[2].endswith("%")
    assert "2010" not in page.text(".msg.warn"), "what may be a scale error of 2010 is not shown"
    own = research(bundled, "NVDA", as_of=EARLIER)[0]
    assert row(visit(f"/compare?run={own}&run={nvidia}"), "EPS, diluted")[2].endswith("%")
    figures = client.get(f"/compare.json?run={nvidia}&run={bank}").get_json()["periods"][0]["figures"]
    assert next(one for one in figures if one["concept"] == "eps_diluted")["change"] == "–"


@pytest.mark.parametrize("query", ["run={0}", "run={0}&run=", "run=&run={0}", "with={0}", "company=AAPL"])
def test_who_has_chosen_the_first_of_two_is_told_what_comes_next_not_of_an_error(
    bundled: Flask, visit: Visit, query: str
) -> None:
    run_id = research(bundled, "AAPL")[0]
    for htmx in (False, True):
        page = visit(f"/compare?{query.format(run_id)}", htmx=htmx)
        assert not page.soup.select(".msg.bad")
        assert page.text("#comparison .msg").startswith(f"Run #{run_id} is chosen. Add")
        assert page.soup.select_one(f"#run-1 option[value='{run_id}'][selected]")


def test_only_differences_leaves_out_what_is_the_same(bundled: Flask, visit: Visit) -> None:
    first, second = research(bundled, "MSFT", as_of=LATER)[0], research(bundled, "MSFT", as_of=date(2026, 9, 2))[0]
    page = visit(f"/compare?run={first}&run={second}&differences=1")
    assert "Every figure of this period is the same." in page.text("section[aria-labelledby=figures-h]")
    assert "Every finding is in every column." in page.text("section[aria-labelledby=findings-h]")
    whole = visit(f"/compare?run={first}&run={second}")
    assert len(whole.soup.select("table.compared tbody tr")) > 50


def test_the_files_hold_every_cell_with_its_source(bundled: Flask, client: FlaskClient) -> None:
    (first,), (second,) = research(bundled, "AAPL", as_of=EARLIER), research(bundled, "AAPL")
    query = f"run={first}&run={second}"
    lines = list(csv.reader(io.StringIO(client.get(f"/compare.csv?{query}").text)))
    revenue = next(line for line in lines if line[3] == "revenue")
    assert revenue[:6] == ["Newest year of each", "Income", "Revenue", "revenue", "USD", "FY2024, FY2025"]
    assert lines[0][6:10] == [
        lines[0][6].removesuffix("value") + what for what in ("value", "mark", "source", "address")
    ]
    assert (revenue[6], revenue[10]) == ("391035000000", "416161000000")
    assert revenue[8].startswith("10-K 0000320193-24-000123, us-gaap:")
    address = revenue[9]
    assert address.startswith("https://www.sec.gov/Archives/edgar/data/320193/")
    assert "0000320193-24-000123" in address
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"/compare.xlsx?{query}").data))
    assert book.sheet_names == ["Figures", "Findings", "About"]
    sheet = book.get_sheet_by_name("Figures").to_python()
    assert len(sheet) == len(lines)
    figures = next(line for line in sheet if line[3] == "revenue")
    assert (figures[9], figures[8]) == (416161000000.0, revenue[8])
    with zipfile.ZipFile(io.BytesIO(client.get(f"/compare.xlsx?{query}").data)) as parts:
        assert f'Target="{address}"' in parts.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    made: Any = json.loads(client.get(f"/compare.json?{query}").data)
    figure = next(one for one in made["periods"][0]["figures"] if one["concept"] == "om")
    assert figure["cells"][1]["formula"] == "Operating income ÷ Revenue"
    assert figure["cells"][1]["facts"][0]["accession"] == "0000320193-25-000079"
    assert made["same_company"] is True


def test_without_anything_chosen_there_is_a_form(bundled: Flask, visit: Visit) -> None:
    assert visit("/compare").text(".empty h2") == "Nothing to compare yet"
    run_id = research(bundled, "AAPL")[0]
    page = visit(f"/compare?with={run_id}")
    assert page.soup.select_one(f"#run-1 option[value='{run_id}'][selected]")
    assert [str(select["name"]) for select in page.soup.select("form.card select")] == ["run", "run"]
    partial = visit(f"/compare?with={run_id}", htmx=True)
    assert partial.soup.select_one("#comparison")


@pytest.mark.parametrize("kind", ["", ".csv", ".json", ".xlsx"])
def test_what_cannot_be_compared_is_answered_clearly(bundled: Flask, client: FlaskClient, kind: str) -> None:
    good = research(bundled, "AAPL")[0]
    gone, other = research(bundled, "MSFT")[0], research(bundled, "ORCL")[0]
    organise.trash([gone])
    working, logged = make_research("Running", done=1, at="Running"), make_run(results={"own": {"a": 1}})
    for query, status, words in (
        (f"run={good}", 422 if kind else 200, "One run is given; a comparison needs 2 to 10" if kind else "is chosen"),
        (f"run={good}&run={good}", 422, "the same one was given twice"),
        ("&".join(f"run={number}" for number in range(1, 12)), 422, "11 were given; at most 10"),
        (f"run={good}&run=99999", 404, "There is no run #99999"),
        (f"run={good}&run={gone}", 404, f"Run #{gone} is in the trash"),
        (f"run={good}&run={working}", 409, f"Run #{working} is Running"),
        (f"run={good}&run={logged}", 409, f"Run #{logged} holds no figures"),
        (f"run={good}&run=1e9", 422, "is not the number of a run"),
        (f"run={good}&run=-1", 422, "is not the number of a run"),
        (f"run={good}&run={10**30}", 422, "is not the number of a run"),
        (f"run={good}&company=999999999", 404, "999999999"),
        (f"run={good}&company=ADBE", 409, "has no completed run yet"),
        (f"run={good}&run={other}&color=red", 422, "color"),
        (f"run={good}&run={other}&differences=yes", 422, "differences"),
    ):
        answer = client.get(f"/compare{kind}?{query}")
        assert (answer.status_code, words in answer.text) == (status, True), (query, answer.text[:3000])
    assert client.get(f"/compare.pdf?run={good}&run={other}").status_code == 404


def test_runs_logged_by_a_program_with_figures_of_their_own_do_no_harm(in_app: Flask, client: FlaskClient) -> None:
    odd = [
        make_run(origin="research", results={"financial_health": {"years": [], "concepts": {}, "ratios": {}}})
        for _ in "ab"
    ]
    assert client.get(f"/compare?run={odd[0]}&run={odd[1]}").status_code == 200


def test_ticked_rows_a_run_and_the_menu_lead_here(bundled: Flask, client: FlaskClient, visit: Visit) -> None:
    first, second = research(bundled, "AAPL", as_of=EARLIER)[0], research(bundled, "AAPL")[0]
    picked = client.post("/historical-records/bulk", data={"do": "compare", "ids": [second, first]})
    assert (picked.status_code, picked.headers["Location"]) == (303, f"/compare?run={first}&run={second}")
    whole = client.post("/historical-records/bulk", data={"do": "compare", "all": "1", "filter": "company=apple"})
    assert whole.headers["Location"] == f"/compare?run={first}&run={second}"
    assert visit(f"/runs/{second}").soup.select_one(f".head a[href='/compare?run={first}&run={second}']")
    assert visit(f"/runs/{first}").soup.select_one(f".head a[href='/compare?with={first}']")
    assert visit("/").soup.select_one(".nav a[href='/compare']")


def test_a_figure_that_is_missing_says_why_in_words(bundled: Flask, visit: Visit) -> None:
    ids = research(bundled, "BA", "AAPL")
    page = visit("/compare?" + "&".join(f"run={run_id}" for run_id in ids))
    reasons = " ".join(page.texts("#comparison details.further li"))
    assert "Return on equity , BOEING CO, run #" in reasons
    assert "Equity is not positive." in reasons
    assert "LongTermDebtANet debt" not in page.html, "the name of a concept inside that of a tag"
