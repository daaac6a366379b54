"""What the sketch had, item by item (P), and what it got wrong (D), where no other test names the item.

One Apple run over the bundled filings, worked on by the real worker, is looked at from all sides.
"""

import csv
import io
import json
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect

from research_dashboard.extensions import db
from research_dashboard.models import Base
from research_dashboard.research.steps import STEPS
from research_dashboard.services.runs import start_research
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.factories import make_research, make_run, make_worker

ROOT = Path(__file__).parent.parent
Visit = Callable[..., Page]


@pytest.fixture
def apple(bundled: Flask) -> int:
    run_id = start_research("AAPL", "ann").run_id
    Worker(bundled).work()
    return run_id


def columns(table: str) -> dict[str, Any]:
    return {column["name"]: column for column in inspect(db.engine).get_columns(table)}


@pytest.mark.sqlite
def test_p1_p2_p3_p6_one_sqlite_database_holds_runs_details_and_results(in_app: Flask) -> None:
    assert db.engine.dialect.name == "sqlite"
    assert {"id", "company", "researcher", "date", "duration_mins", "status", "insights"} <= set(
        columns("research_runs")
    )
    details = columns("research_details")
    assert {"id", "research_run_id", "step_name", "start_time", "end_time", "status"} <= set(details)
    assert details["end_time"]["nullable"]
    assert {"id", "research_run_id", "result_type", "result_data"} <= set(columns("research_results"))


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # SQLAlchemy cannot read an index on an expression
def test_d24_d27_foreign_keys_date_and_status_are_indexed_and_made_by_migrations(in_app: Flask) -> None:
    found = inspect(db.engine)
    assert found.has_table("alembic_version")
    for table in Base.metadata.sorted_tables:
        if table.name.startswith(("research_", "facts", "filings")):
            led = {index["column_names"][0] for index in found.get_indexes(table.name)}
            led |= {unique["column_names"][0] for unique in found.get_unique_constraints(table.name)}
            for key in found.get_foreign_keys(table.name):
                assert key["constrained_columns"][0] in led | {"tag_id"}, (table.name, key)
    leading = {index["column_names"][0] for index in found.get_indexes("research_runs")}
    assert {"date", "status"} <= leading


def test_p5_p34_p36_p37_p38_p73_p74_d3_a_run_stores_its_steps_and_filed_results(
    apple: int, client: FlaskClient
) -> None:
    details = client.get(f"/api/research_details/{apple}").get_json()
    assert [detail["step_name"] for detail in details] == list(STEPS)
    for detail in details:
        assert detail["status"] == "Completed"
        assert datetime.fromisoformat(detail["start_time"]) <= datetime.fromisoformat(detail["end_time"])
    results = {r["result_type"]: r["result_data"] for r in client.get(f"/api/research_results/{apple}").get_json()}
    assert {"market_position", "financial_health", "swot_analysis"} <= set(results)
    assert {"market_share", "competitors"} <= set(results["market_position"])
    assert all("Competitor" not in peer["name"] for peer in results["market_position"]["competitors"])
    assert {"strengths", "weaknesses", "opportunities", "threats"} <= set(results["swot_analysis"])
    health = results["financial_health"]
    assert {"revenue_growth", "profit_margin", "debt_equity_ratio"} <= set(health)
    revenue = next(f for f in health["concepts"]["revenue"] if f["period"]["end"] == "2023-09-30")
    assert revenue["value"] == 383_285_000_000
    assert {"accession", "tag", "form"} <= set(revenue)


def test_d4_no_figure_stands_without_its_facts(apple: int, client: FlaskClient) -> None:
    results = client.get(f"/api/research_results/{apple}").get_json()
    looked_at = 0

    def look(value: Any, facts: dict[str, Any]) -> None:
        nonlocal looked_at
        if isinstance(value, list):
            for each in value:
                look(each, facts)
        elif isinstance(value, dict):
            if "made" in value and value.get("value") is not None:
                looked_at += 1
                assert value["facts"], value
                assert all(str(fact) in facts for fact in value["facts"]), value
            for each in value.values():
                look(each, facts)

    for result in results:
        look(result["result_data"], result["result_data"].get("facts", {}))
    assert looked_at > 300


def test_p26_p27_p28_d8_progress_shows_text_bar_and_details_as_they_are(in_app: Flask, visit: Visit) -> None:
    make_worker()
    run_id = make_research("Running", done=2, at="Running")
    page = visit(f"/runs/{run_id}")
    bar = page.soup.select_one("#run-progress progress")
    assert bar is not None
    assert 0 < float(str(bar["value"])) < float(str(bar["max"]))
    assert STEPS[2] in page.text("#run-progress h2")
    assert "Done with 2." in page.text("#run-progress .steps")
    assert "2 of 5 steps done" in page.text("#run-progress")


def test_p29_p30_p31_d40_d7_results_are_hidden_until_done_then_a_report_that_downloads(
    apple: int, visit: Visit, client: FlaskClient
) -> None:
    waiting = make_research("Queued")
    assert "Summary Report" not in visit(f"/runs/{waiting}").html
    page = visit(f"/runs/{apple}")
    assert page.text("h1") == "Summary Report: Apple Inc."
    assert "416,161" in page.html
    assert '{"' not in page.text("main")
    assert client.get(f"/runs/{apple}/report.html").headers["Content-Disposition"].startswith("attachment")
    failed = make_research("Failed", done=1, at="Failed", error_message="No filings.")
    assert "successfully" not in visit(f"/runs/{failed}").html


def test_p43_p58_p59_p60_p61_p75_p76_d37_the_table_is_filtered_framed_and_its_rows_lead_to_their_run(
    in_app: Flask, visit: Visit
) -> None:
    first, second = make_run(company="Acme Inc."), make_run(company="Bolt Corp.", status="Failed")
    page = visit("/historical-records")
    assert page.soup.select_one("form#filters.card") is not None
    assert page.soup.select_one(".frame > table > thead") is not None
    links = [str(link["href"]) for link in page.soup.select("#runs tbody th a")]
    assert [f"run={second}" in links[0], f"run={first}" in links[1]] == [True, True]
    assert page.soup.select_one('#runs tbody tr[data-state="Failed"]') is not None
    assert "nth-child(even)" in (ROOT / "research_dashboard/static/app.css").read_text()
    narrowed = visit("/historical-records?company=bolt")
    assert [str(link["href"]).rpartition("run=")[2] for link in narrowed.soup.select("#runs tbody th a")] == [
        str(second)
    ]


def test_p65_to_p70_d41_d42_the_details_show_steps_in_order_and_results_pretty(in_app: Flask, visit: Visit) -> None:
    run_id = make_research("Running", done=1, at="Running", results={"market_position": {"market_share": 12}})
    page = visit(f"/historical-records?run={run_id}")
    assert page.text("dialog .eyebrow") == "Research Run Details"
    assert page.text("dialog h2") == f"Research Run #{run_id}: Acme Inc."
    assert "Close" in page.texts("dialog header a, dialog header button")
    tables = page.soup.select("dialog table")
    assert [cell.get_text(strip=True) for cell in tables[0].select("thead th")] == [
        *("Step", "Start Time", "End Time", "Status")
    ]
    assert [cell.get_text(strip=True) for cell in tables[0].select("tbody th")] == list(STEPS)
    assert "N/A" in tables[0].get_text()
    assert tables[0].select(".badge")
    assert "Market Position" in page.texts("dialog summary")
    assert json.loads(page.text("dialog pre")) == {"market_share": 12}
    assert '\n  "market_share": 12' in page.soup.select("dialog pre")[0].get_text()


def test_p77_p78_p79_p80_p81_p84_d9_d12_d13_d14_flask_alone_serves_pages_and_api(
    app: Flask, client: FlaskClient
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {name.split(">")[0] for name in project["dependencies"]}
    assert {"flask", "flask-sqlalchemy", "flask-wtf", "jinja2"} <= packages
    assert not {"fastapi", "dash", "uvicorn", "requests"} & packages
    for path in ("README.md", "tests", *(f"research_dashboard/{n}" for n in ("templates", "static", "models.py"))):
        assert (ROOT / path).exists()
    assert {"pages", "api"} <= set(app.blueprints)
    assert client.get("/").content_type.startswith("text/html")
    assert client.get("/api/research_runs/").content_type == "application/json"
    assert client.get("/api/nowhere").content_type == "application/problem+json"


def test_p83_d28_programs_write_and_read_runs_details_and_results(client: FlaskClient) -> None:
    body = {"company": "Acme", "researcher": "ann", "duration_mins": 1.5, "status": "Completed", "insights": 3}
    run = client.post("/api/research_runs/", json=body).get_json()
    assert {key: run[key] for key in body} == body
    step = {
        "research_run_id": run["id"],
        "step_name": "Fetch",
        "start_time": "2026-01-05T09:00:00",
        "status": "Completed",
    }
    assert client.post("/api/research_details/", json=step).status_code == 201
    result = {
        "research_run_id": run["id"],
        "result_type": "swot_analysis",
        "result_data": json.dumps({"strengths": []}),
    }
    assert client.post("/api/research_results/", json=result).status_code == 201
    assert client.get(f"/api/research_details/{run['id']}").get_json()[0]["start_time"] == "2026-01-05T09:00:00Z"
    assert client.get(f"/api/research_results/{run['id']}").get_json()[0]["result_data"] == {"strengths": []}
    rows = list(csv.DictReader(io.StringIO(client.get("/historical-records.csv").text.lstrip("\ufeff"))))
    assert [row["Company"] for row in rows] == ["Acme"]
