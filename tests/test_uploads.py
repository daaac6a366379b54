"""Own companies: what a CSV file of figures must be, what is stored of it, and that it is researched as not filed."""

import io
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from research_dashboard.base import utcnow
from research_dashboard.extensions import from_json, reading
from research_dashboard.models import Company, DataLoad, Fact, Filing, ResearchRun
from research_dashboard.research.concepts import CONCEPTS, UPLOADABLE
from research_dashboard.services import runs
from research_dashboard.services.companies import resolve
from research_dashboard.services.runs import RunError, start_research
from research_dashboard.services.uploads import upload
from research_dashboard.sources.uploaded import EXAMPLE_NAME, BadUploadError, read_upload, template
from tests.makers import make_company
from tests.test_pipeline import research, stored

TODAY = date(2026, 11, 23)
HEAD = "company name,concept,period start,period end,value,unit\n"
GOOD = "Acme Private,revenue,2025-01-01,2025-12-31,1200000,USD\n"


def errors_of(text: str | bytes) -> list[tuple[int, str, str]]:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(BadUploadError) as caught:
        read_upload(content, TODAY)
    return [(error.line, error.column, error.text) for error in caught.value.errors]


def test_the_template_is_right_and_every_line_of_it_is_read() -> None:
    (company,) = read_upload(template().encode(), TODAY)
    assert company.sic == 7372
    assert len(company.figures) == len(template().splitlines()) - 1
    newest = {f.concept: f.value for f in company.figures if f.end == date(2025, 12, 31)}
    assert newest["assets"] == newest["liabilities"] + newest["equity"]


def test_labels_a_mark_of_utf8_crlf_and_the_columns_in_any_order_are_taken() -> None:
    text = "\ufeffunit,value,period_end,period_start,concept,company\r\n"
    text += "EUR,-12.50,2025-06-30,2024-07-01,Net income,Ärzte GmbH\r\n"
    (company,) = read_upload(text.encode(), TODAY)
    (figure,) = company.figures
    assert (company.name, figure.concept, figure.value, figure.unit) == (
        "Ärzte GmbH", "net_income", Decimal("-12.50"), "EUR",
    )  # fmt: skip
    assert (figure.start, figure.end, figure.line) == (date(2024, 7, 1), date(2025, 6, 30), 2)


@pytest.mark.parametrize("concept", ["revenue", "capex", "shares_diluted", "assets", "liabilities", "debt"])
def test_what_cannot_be_below_zero_is_refused_with_limit_and_cure(concept: str) -> None:
    unit = "shares" if concept.startswith("shares") else "USD"
    start = "" if CONCEPTS[concept].kind == "instant" else "2025-01-01"
    ((line, column, text),) = errors_of(f"{HEAD}Acme,{concept},{start},2025-12-31,-5,{unit}\n")
    assert (line, column) == (2, "value")
    assert f"{CONCEPTS[concept].label} is -5: it cannot be below 0; " in text


def balance(assets: str, liabilities: str, equity: str, kind: str = "equity") -> str:
    rows = (("assets", assets), ("liabilities", liabilities), (kind, equity))
    return HEAD + "".join(f"Acme,{concept},,2025-12-31,{value},USD\n" for concept, value in rows)


def test_a_balance_sheet_that_does_not_balance_is_refused_and_rounding_is_not() -> None:
    ((line, column, text),) = errors_of(balance("1000", "700", "250"))
    assert (line, column) == (2, "value")
    assert "liabilities (line 3) and equity (line 4), 950 together: at most 0.2% may differ" in text
    for right in (balance("100000", "70000", "30150"), balance("1000", "1300", "-300"),
                  balance("1000", "700", "300", "equity_total")):  # fmt: skip
        assert len(read_upload(right.encode(), TODAY)[0].figures) == 3


BAD_CELLS = {
    "unknown concept": ("Acme,turnover,2025-01-01,2025-12-31,1,USD", "concept", "“turnover” is no concept known here."),
    "near concept": ("Acme,revenues,2025-01-01,2025-12-31,1,USD", "concept", "Did you mean revenue?"),
    "formula concept": ("Acme,fcf,2025-01-01,2025-12-31,1,USD", "concept", "worked out from other figures"),
    "bad date": ("Acme,revenue,2025-02-30,2025-12-31,1,USD", "period start", "write it as 2025-12-31"),
    "other date": ("Acme,revenue,2025-01-01,31.12.2025,1,USD", "period end", "write it as 2025-12-31"),
    "digits of other scripts": ("Acme,revenue,2025-01-01,٢٠٢٥-12-31,1,USD", "period end", "no date"),
    "future": ("Acme,revenue,2026-01-01,2026-12-31,1,USD", "period end", "future"),
    "start after end": ("Acme,revenue,2025-12-31,2025-01-01,1,USD", "period start", "after its end"),
    "a quarter": ("Acme,revenue,2025-10-01,2025-12-31,1,USD", "period start", "350 to 380 days; this period has 92"),
    "no start": ("Acme,revenue,,2025-12-31,1,USD", "period start", "say when it began"),
    "a start too many": ("Acme,assets,2025-01-01,2025-12-31,1,USD", "period start", "leave the period start empty"),
    "NaN": ("Acme,revenue,2025-01-01,2025-12-31,NaN,USD", "value", "no number"),
    "infinity": ("Acme,revenue,2025-01-01,2025-12-31,-Infinity,USD", "value", "no number"),
    "over-large": (f"Acme,revenue,2025-01-01,2025-12-31,1{'0' * 15},USD", "value", "too large"),
    "exponent": ("Acme,revenue,2025-01-01,2025-12-31,1e9,USD", "value", "no exponent"),
    "thousands": ('Acme,revenue,2025-01-01,2025-12-31,"1,200",USD', "value", "no commas"),
    "formula value": ("Acme,revenue,2025-01-01,2025-12-31,=1+1,USD", "value", "no plain number"),
    "empty value": ("Acme,revenue,2025-01-01,2025-12-31,,USD", "value", "no value"),
    "unit": ("Acme,revenue,2025-01-01,2025-12-31,1,shares", "unit", "not in “shares”"),
    "per share": ("Acme,eps_basic,2025-01-01,2025-12-31,1,USD", "unit", "USD/shares"),
    "no unit": ("Acme,revenue,2025-01-01,2025-12-31,1,", "unit", "Give the unit"),
    "formula name": ("=cmd|' /C calc'!A0,revenue,2025-01-01,2025-12-31,1,USD", "company name", "formula"),
    "no name": (" ,revenue,2025-01-01,2025-12-31,1,USD", "company name", "needs a name"),
    "number as name": ("320193,revenue,2025-01-01,2025-12-31,1,USD", "company name", "has a letter"),
    "long name": (f"{'A' * 201},revenue,2025-01-01,2025-12-31,1,USD", "company name", "at most 200"),
    "control character": ("Ac\x07me,revenue,2025-01-01,2025-12-31,1,USD", "company name", "control characters"),
    "line break in a cell": ('"Ac\nme",revenue,2025-01-01,2025-12-31,1,USD', "company name", "line breaks"),
    "direction override": ("Ac\u202eme,revenue,2025-01-01,2025-12-31,1,USD", "company name", "control characters"),
    "two alphabets in a word": (
        "\u0410pple,revenue,2025-01-01,2025-12-31,1,USD",
        "company name",
        "mixes Cyrillic and Latin letters",
    ),
    "too few cells": ("Acme,revenue", "", "2 cells, the header 6"),
}


@pytest.mark.parametrize("case", BAD_CELLS)
def test_a_wrong_cell_is_told_by_line_and_column(case: str) -> None:
    row, column, words = BAD_CELLS[case]
    found = errors_of(HEAD + GOOD + row + "\n")
    assert [(line, where) for line, where, _ in found] == [(3, column)]
    assert words in found[0][2]


BAD_FILES: dict[str, tuple[Any, int, str]] = {
    "empty": ("", 0, "empty"),
    "blank": ("\n\n", 0, "empty"),
    "header alone": (HEAD, 0, "no rows"),
    "no column": ("company,concept\nA,b\n", 1, "“value” is missing"),
    "semicolons": (HEAD.replace(",", ";"), 1, "separated by commas"),
    "column twice": (HEAD.strip() + ",unit\n", 1, "is there twice"),
    "latin-1": (HEAD.encode() + "Müller,revenue,2025-01-01,2025-12-31,1,USD\n".encode("latin-1"), 2, "CSV UTF-8"),
    "utf-16": (HEAD.encode("utf-16"), 1, "CSV UTF-8"),
    "open quote": (HEAD + '"Acme,revenue\n', 2, "not CSV"),
    "too many rows": (HEAD + GOOD * 5001, 5002, "more than 5,000 rows"),
    "too large": (b"x" * 1_000_001, 0, "1 MB"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_no_such_file_is_told_so(case: str) -> None:
    content, line, words = BAD_FILES[case]
    found = errors_of(content)
    assert found[0][0] == line
    assert words in found[0][2]


def test_every_wrong_line_is_told_at_once_and_rows_are_compared_with_each_other() -> None:
    text = HEAD + GOOD + GOOD.replace("1200000", "7") + GOOD.replace("USD", "EUR").replace("revenue", "net_income")
    text += "B,revenue,x,2025-12-31,NaN,USD\n"
    found = errors_of(text)
    assert [(line, column) for line, column, _ in found] == [
        (3, "concept"), (4, "unit"), (5, "value"), (5, "period start"),
    ]  # fmt: skip
    assert "line 2 already" in found[0][2]
    assert "USD on line 2" in found[1][2]


def test_every_concept_that_can_be_uploaded_becomes_its_figure(in_app: Flask) -> None:
    from research_dashboard.queries.companies import company_by_id, facts_of
    from research_dashboard.research.analysis import analyse
    from research_dashboard.tables.runs import Source

    values = {concept: 1000 + number for number, concept in enumerate(UPLOADABLE, 1)}
    values["assets"] = values["liabilities"] + values["equity_total"]
    rows = []
    for concept, value in values.items():
        start = "2025-01-01" if CONCEPTS[concept].kind == "duration" else ""
        rows.append(f"Acme,{concept},{start},2025-12-31,{value},{CONCEPTS[concept].unit}")
    upload((HEAD + "\n".join(rows)).encode(), "acme.csv")
    company = company_by_id(resolve("Acme").id)
    assert company is not None
    analysis = analyse(company, facts_of(company.id, Source.UPLOADED), utcnow().date())
    for concept, value in values.items():
        figure = analysis.figure(concept, date(2025, 12, 31))
        if concept not in ("gross_profit", "deposits"):  # a formula contradicts the one, the other is for banks alone
            assert (figure.value, figure.made) == (value, "filed"), concept
            assert [fact.name for fact in figure.facts] == [f"uploaded:{concept}"]


def count(table: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_nothing_is_stored_of_a_file_with_one_wrong_row(in_app: Flask) -> None:
    with pytest.raises(BadUploadError):
        upload((HEAD + GOOD + "Acme Private,revenue,,2025-12-31,1,USD\n").encode(), "a.csv")
    assert [count(table) for table in (Company, Filing, Fact, DataLoad)] == [0, 0, 0, 0]


def test_the_same_file_twice_is_stored_once_and_a_later_one_restates(in_app: Flask) -> None:
    content = (HEAD + GOOD).encode()
    assert upload(content, "../x/a.csv").new
    assert not upload(content, "b.csv").new
    assert [count(table) for table in (Company, Filing, Fact, DataLoad)] == [1, 1, 1, 1]
    upload((HEAD + GOOD.replace("1200000", "1300000").replace("Acme Private", "ACME  private")).encode(), "c.csv")
    assert [count(table) for table in (Company, Filing, Fact)] == [1, 2, 2]
    with reading() as session:
        loads = session.scalars(select(DataLoad).order_by(DataLoad.id)).all()
        filings = session.scalars(select(Filing).order_by(Filing.id)).all()
    assert [load.name for load in loads] == ["a.csv", "c.csv"]
    assert filings[0].accession < filings[1].accession
    assert {filing.form for filing in filings} == {"uploaded"}


def test_a_name_that_means_a_filer_or_is_spelled_in_two_ways_is_refused(in_app: Flask) -> None:
    make_company("Apple Inc.", 320193, "AAPL", figures=False)
    make_company("CAT Co", 18230, "CAT", figures=False)
    lookalike = "\u0421\u0410\u0422"  # CAT in Cyrillic letters
    filers = ("apple inc", "Apple Inc. (AAPL)"), ("Aapl", "Apple Inc. (AAPL)"), (lookalike, "CAT Co (CAT)")
    for name, words in filers:
        with pytest.raises(BadUploadError, match="files with the SEC") as caught:
            upload((HEAD + GOOD.replace("Acme Private", name)).encode(), "a.csv")
        assert words in str(caught.value)
    with pytest.raises(BadUploadError, match="spell it the same way"):
        upload((HEAD + GOOD + GOOD.replace("Acme Private", "Acme-private")).encode(), "a.csv")


def test_an_own_company_is_researched_like_the_rest_and_marked_as_not_filed(
    bundled: Flask, visit: Any, client: Any
) -> None:
    upload(template().encode(), "own.csv")
    run = research(bundled, "Example Holding (change me)", peers=["MSFT", "ADBE", "ORCL"])
    assert (run.status, run.source, run.error_message) == ("Completed", "uploaded", None)
    results = {kind: from_json(text) for kind, text in stored(run.id).items()}
    health = results["financial_health"]
    assert health["cik"] is None
    assert any(note["kind"] == "not_filed" for note in health["notes"])
    revenue = health["concepts"]["revenue"][-1]
    assert revenue["value"] == 57_200_000
    assert (revenue["tag"], revenue["form"], revenue.get("url")) == ("uploaded:revenue", "uploaded", None)
    assert health["revenue_growth"]["value"] == 10
    assert {member["name"] for member in results["peer_comparison"]["members"] if not member["subject"]} == {
        "MICROSOFT CORP", "ADOBE INC.", "ORACLE CORP",
    }  # fmt: skip
    assert {data["source"] for data in results["manifest"]["data"]} == {"bundled", "uploaded"}
    page = visit(f"/runs/{run.id}")
    assert "not filed with the SEC" in page.html
    assert "private company" in page.html
    own = [link["href"] for link in page.soup.select("a[href*='sec.gov']") if "uploaded" in link["href"]]
    assert own == []
    fact = visit(f"/facts/{revenue['facts'][0]}")
    assert "Not filed" in fact.text("p.lead")
    assert "sec.gov" not in fact.html
    assert "Uploaded, not filed" in visit(f"/historical-records?run={run.id}").html
    assert "As uploaded, not filed." in page.html
    verified = bundled.test_cli_runner().invoke(args=["research", "verify", str(run.id)])
    assert verified.exit_code == 0, verified.output
    assert "as filed" not in fact.html
    for extension in ("csv", "html", "json", "md"):
        answer = client.get(f"/runs/{run.id}/report.{extension}")
        assert answer.status_code == 200
        assert "uploaded" in answer.text


def test_without_chosen_peers_the_sic_chooses_them(bundled: Flask) -> None:
    upload(template().encode(), "own.csv")
    run = research(bundled, "Example Holding (change me)")
    comparison = from_json(stored(run.id)["peer_comparison"])
    assert "7372" in comparison["set"]["text"]
    again = runs.rerun(run.id, "ann")
    with reading() as session:
        assert session.get_one(ResearchRun, again.run_id).source == "uploaded"


def test_a_private_company_can_be_a_chosen_peer(bundled: Flask) -> None:
    upload(template().encode(), "own.csv")
    run = research(bundled, "MSFT", peers=["Example Holding (change me)", "ORCL"])
    members = from_json(stored(run.id)["peer_comparison"])["members"]
    assert [member["name"] for member in members] == ["MICROSOFT CORP", "ORACLE CORP", "Example Holding (change me)"]
    assert (run.status, run.source) == ("Completed", "bundled")


def test_a_run_with_a_private_peer_verifies_whole_and_names_the_peer_in_its_manifest(bundled: Flask) -> None:
    upload(template().encode(), "own.csv")
    (company,) = read_upload(template().encode(), TODAY)
    run = research(bundled, "MSFT", peers=["AAPL", company.name])
    manifest = from_json(stored(run.id)["manifest"])
    assert manifest["options"]["peers"] == [320193, company.name]
    verified = bundled.test_cli_runner().invoke(args=["research", "verify", str(run.id)])
    assert verified.exit_code == 0, verified.output


def test_a_source_that_cannot_have_the_figures_is_refused_at_its_field(bundled: Flask) -> None:
    upload(template().encode(), "own.csv")
    for company, source in (("Example Holding (change me)", "bundled"), ("AAPL", "uploaded")):
        with pytest.raises(RunError, match="choose the source auto") as caught:
            start_research(company, "ann", source=source)
        assert caught.value.field == "source"


def test_each_file_of_a_run_on_uploaded_figures_says_so(in_app: Flask, client: Any) -> None:
    upload(template().encode(), "own.csv")
    run = research(in_app, EXAMPLE_NAME)
    said = {"html": b"not filed", "md": b"not filed", "csv": b"uploaded, not filed", "json": b"not filed"}
    for extension, words in said.items():
        assert words in client.get(f"/runs/{run.id}/report.{extension}").data, extension
    sheets = zipfile.ZipFile(io.BytesIO(client.get(f"/runs/{run.id}/report.xlsx").data))
    assert b"uploaded, not filed" in sheets.read("xl/sharedStrings.xml")
    pack = zipfile.ZipFile(io.BytesIO(client.get(f"/runs/{run.id}/report.zip").data))
    assert b"not filed" in pack.read("README.txt")
    rows = pack.read("facts.csv").decode().splitlines()
    assert len(rows) > 20
    assert all("uploaded, not filed" in row for row in rows[1:])


def test_the_page_takes_a_file_and_says_what_is_wrong_by_line(in_app: Flask, visit: Any, client: Any) -> None:
    page = visit("/companies/upload")
    assert page.soup.select_one("input[type=file]") is not None
    assert "None yet" in page.html
    path = page.soup.select_one("a[href$='template.csv']")["href"]
    sheet = client.get(path)
    assert sheet.mimetype == "text/csv"
    assert sheet.text == template()

    def send(text: str) -> Any:
        return client.post("/companies/upload", data={"file": (io.BytesIO(text.encode()), "a.csv")})

    refused = send(HEAD + GOOD.replace("1200000", "NaN"))
    assert refused.status_code == 422
    assert "“NaN” is no number" in refused.text
    assert client.post("/companies/upload").status_code == 422
    assert send(HEAD + GOOD).status_code == 303
    page = visit("/companies/upload")
    assert page.text("tbody th.key") == "Acme Private not filed"
    assert page.soup.select_one("button[name=company]")["value"] == "Acme Private"
    large = client.post("/companies/upload", data=b"x" * 2_000_000, content_type="multipart/form-data; boundary=b")
    assert large.status_code == 413


def test_the_api_takes_the_file_as_text(in_app: Flask, client: Any) -> None:
    made = client.post("/api/companies/upload", json={"csv": HEAD + GOOD})
    assert (made.status_code, made.json) == (201, {"companies": ["Acme Private"], "figures": 1, "new": True})
    again = client.post("/api/companies/upload", json={"csv": HEAD + GOOD})
    assert (again.status_code, again.json["new"]) == (200, False)
    wrong = client.post("/api/companies/upload", json={"csv": HEAD + GOOD.replace(",USD", ",")})
    assert wrong.status_code == 422
    detail = "Line 2, unit: Give the unit: USD, USD/shares or shares."
    assert wrong.json["errors"] == [{"field": "csv", "detail": detail}]


def test_the_command_stores_a_file_or_lists_its_errors(in_app: Flask, tmp_path: Any) -> None:
    runner = in_app.test_cli_runner()
    file = tmp_path / "own.csv"
    file.write_text(runner.invoke(args=["companies", "template"]).output)
    done = runner.invoke(args=["companies", "upload", str(file)])
    assert done.exit_code == 0
    assert done.output.startswith("26 figures of Example Holding")
    file.write_text(HEAD + GOOD.replace("2025-01-01", "2025-13-01"))
    failed = runner.invoke(args=["companies", "upload", str(file)])
    assert failed.exit_code == 1
    assert "Line 2, period start: “2025-13-01” is no date" in failed.output
