"""The record as files: the same runs, order and total in every format."""

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from research_dashboard.extensions import writing
from research_dashboard.models import Company, ResearchRun
from research_dashboard.pages import run_files
from research_dashboard.services import organise
from tests.test_run_filter import NOON, store

PATH = "/historical-records"
KINDS = ("csv", "json", "ndjson", "xlsx", "atom")
ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def some(app: Flask) -> None:
    """Runs of two companies, more than a chunk of them, one with a name that is hard to write."""
    with app.app_context():
        store(*({"company": "Acme" if n % 3 else "Other", "duration_mins": n / 8} for n in range(1200)))
        store({"company": '=1+1, "<b>&amp;\x01', "researcher": "Ö", "error_message": "a\nb", "insights": 3})


def read(kind: str, data: bytes) -> list[dict[str, object]]:
    """The rows of a file: id, company, duration."""
    if kind == "csv":
        found = csv.DictReader(io.StringIO(data.decode(), newline=""))
        return [{"id": int(r["ID"]), "company": r["Company"], "duration": float(r["Duration (mins)"])} for r in found]
    if kind == "xlsx":
        rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
        return [{"id": int(r[0]), "company": r[2], "duration": r[4], "date": r[1]} for r in rows[1:]]  # type: ignore[arg-type]
    if kind == "atom":
        entries = ET.fromstring(data).findall("a:entry", ATOM)
        return [{"id": int((e.findtext("a:id", "", ATOM)).rsplit("/", 1)[1])} for e in entries]
    records = json.loads(data) if kind == "json" else [json.loads(line) for line in data.splitlines()]
    return [{"id": r["id"], "company": r["company"], "duration": r["duration_mins"]} for r in records]


@pytest.mark.parametrize(
    "query", ["", "?company=acme&sort=-duration", "?q=company:other+duration%3E50&page=3", "?q=id:0"]
)
def test_every_format_has_the_same_runs_order_and_total(some: None, client: FlaskClient, query: str) -> None:
    found = {}
    for kind in KINDS:
        response = client.get(f"{PATH}.{kind}{query}")
        assert response.status_code == 200
        rows = read(kind, response.data)
        assert response.headers["X-Total-Count"] == str(len(rows))
        found[kind] = [row["id"] for row in rows]
    assert all(ids == found["csv"] for ids in found.values())
    assert found["csv"] if query != "?q=id:0" else found["csv"] == []


def test_tables_have_the_columns_that_were_chosen_in_their_order(
    some: None, app: Flask, client: FlaskClient, in_app: Flask
) -> None:
    organise.tag([1], "Draft")
    query = "cols=tag,company,gaps,date,sic&sort=id&q=id<=2"
    text = client.get(f"{PATH}.csv?{query}").text
    assert text.splitlines()[0] == "Tags,Company,Gaps,Date,SIC"
    assert text.splitlines()[1].startswith("Draft,")
    assert text.splitlines()[1].endswith("Z,")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{PATH}.xlsx?{query}").data)).get_sheet_by_index(0)
    assert sheet.to_python()[0] == ["Tags", "Company", "Gaps", "Date", "SIC"]
    assert [row[0] for row in sheet.to_python()[1:]] == ["Draft", ""]
    assert client.get(f"{PATH}.ndjson?{query}").text.count('"insights"') == 2
    usual = "cols=id,date,company,researcher,duration,status,insights"
    assert client.get(f"{PATH}.csv?{usual}").data == client.get(f"{PATH}.csv").data
    done = app.test_cli_runner().invoke(args=["db", "export-runs", "id=1", "--filter", "cols=status,id"])
    assert done.stdout.splitlines()[0] == "Status,ID"


def test_json_holds_the_industry_and_the_tags_in_order_whatever_is_shown(
    some: None, client: FlaskClient, in_app: Flask
) -> None:
    with writing() as session:
        session.add(Company(id=7, cik=1, name="Acme", sic=3600))
    with writing() as session:
        session.get_one(ResearchRun, 1).company_id = 7
    for name in ("Zebra", "Draft", "Mid, dle"):
        organise.tag([1], name)
    organise.rename(1, "The big one")
    organise.pin(1, True)
    known = {"sic": 3600, "tags": ["Draft", "Mid, dle", "Zebra"], "title": "The big one", "pinned": True}
    bare = {"sic": None, "tags": [], "title": None, "pinned": False}
    query = "q=id<=2&sort=id"
    lists = [client.get(f"{PATH}.json?{query}").json, client.get(f"/api/research_runs/?{query}").json]
    lists.append([json.loads(line) for line in client.get(f"{PATH}.ndjson?{query}&cols=id").data.splitlines()])
    lists.append(client.get("/api/research_runs/?sort=id&limit=2").json)
    lists.append([client.get(f"/api/research_runs/{run_id}").json for run_id in (1, 2)])
    for runs in lists:
        assert [{name: run[name] for name in known} for run in runs] == [known, bare]
    table = client.get(f"{PATH}.csv?{query}&cols=tag").text
    assert table.splitlines()[1] == '"Draft, Mid, dle, Zebra"'


def test_dates_and_names_are_to_be_read_in_the_sheet_as_it_opens(some: None, client: FlaskClient) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get(f"{PATH}.xlsx?q=id<3").data)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    widths = [float(column.get("width", 0)) for column in sheet.findall(".//{*}col")]
    assert widths[1] >= len("2026-03-02 12:00:00")
    assert widths[2] >= 30


def test_values_survive_in_every_format(some: None, client: FlaskClient) -> None:
    for kind in KINDS[:4]:
        row = read(kind, client.get(f"{PATH}.{kind}?col_id=1201").data)[0]
        name = '=1+1, "<b>&amp;\x01'
        assert row["company"] == {"csv": f"'{name}", "xlsx": name.replace("\x01", "�")}.get(kind, name)
        if kind == "xlsx":
            assert row["date"] == datetime(2026, 3, 2, 12)  # noqa: DTZ001
    feed = ET.fromstring(client.get(f"{PATH}.atom?col_id=1201").data)
    assert feed.findtext("a:entry/a:title", "", ATOM) == '=1+1, "<b>&amp;�: Queued'
    assert feed.findtext("a:entry/a:updated", "", ATOM) == "2026-03-02T12:00:00Z"
    assert NOON.tzinfo is UTC


def test_a_sheet_that_would_be_too_long_is_refused(
    some: None, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_files, "MOST_SHEET_ROWS", 100)
    response = client.get(f"{PATH}.xlsx")
    assert response.status_code == 422
    assert "These are 1,201 runs; a sheet holds 100." in response.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_filter_gives_no_file(client: FlaskClient, kind: str) -> None:
    response = client.get(f"{PATH}.{kind}?q=(")
    assert response.status_code == 422
    assert "At character 2" in response.text


def test_another_kind_is_not_found(client: FlaskClient) -> None:
    assert client.get(f"{PATH}.pdf").status_code == 404
