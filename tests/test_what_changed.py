"""What changed since the last run: found when a run ends, kept with it, told on the run, the overview and the feed."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from research_dashboard.extensions import reading
from research_dashboard.models import ResearchResult, RunChanges
from research_dashboard.queries.trends import revenue_trends
from research_dashboard.services import changes as services
from research_dashboard.services import organise, runs
from research_dashboard.worker import Worker

from .conftest import Page

Visit = Callable[..., Page]
EARLIER, LATER = date(2025, 9, 1), date(2026, 9, 1)


def research(app: Flask, company: str, as_of: date, **values: Any) -> int:
    run_id = runs.start_research(company, "ann", as_of=as_of, **values).run_id
    Worker(app).work()
    return run_id


def told(run_id: int) -> RunChanges | None:
    with reading() as session:
        return session.get(RunChanges, run_id)


def test_the_first_run_of_a_company_tells_no_changes(bundled: Flask) -> None:
    assert told(research(bundled, "AAPL", EARLIER)) is None


def test_a_run_tells_what_changed_since_the_last_one_by_itself(
    bundled: Flask, client: FlaskClient, visit: Visit
) -> None:
    first = research(bundled, "AAPL", EARLIER)
    second = research(bundled, "AAPL", LATER)
    found = told(second)
    assert found is not None
    assert (found.against_id, found.filings) == (first, len(found.data["filings"]))
    assert found.data["changes"][0]["kind"] == "new_period"
    assert found.news == len(found.data["changes"]) + found.filings
    page = visit(f"/runs/{second}")
    assert f"run #{first}" in page.text("#changed header")
    headings = [heading.split(" ")[0] for heading in page.texts("#changed h3")]
    assert headings[:2] == ["New", "New"]
    assert "10-K for FY2025, year ended 27 Sep 2025, filed 31 Oct 2025" in page.text("#changed")
    overview = visit("/")
    assert "New filing: 10-" in overview.text("section[aria-labelledby=news-h]")
    feed = client.get("/historical-records.atom").text
    assert "Since the last run: New filing: 10-" in feed


def test_programs_read_what_changed(bundled: Flask, client: FlaskClient) -> None:
    first, second = research(bundled, "AAPL", EARLIER), research(bundled, "AAPL", LATER)
    answer = client.get(f"/api/research_runs/{second}/changes")
    body, found = answer.json, told(second)
    assert found is not None
    assert (body["run_id"], body["against_id"], body["against"]["id"], body["nothing"]) == (second, first, first, False)
    assert body["filings"] == found.data["filings"]
    assert [entry["text"] for entry in body["changes"]] == [entry["text"] for entry in found.data["changes"]]
    assert client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    body = client.get(f"/api/research_runs/{first}/changes").json
    assert (body["against"], body["against_id"], body["nothing"], body["changes"]) == (None, None, True, [])
    assert client.get("/api/research_runs/99/changes").status_code == 404
    assert client.get(f"/api/research_runs/{second}/changes?x=1").status_code == 422
    organise.trash([second])
    assert client.get(f"/api/research_runs/{second}/changes").status_code == 404


def test_the_record_draws_how_revenue_went(bundled: Flask, client: FlaskClient, visit: Visit) -> None:
    run_id = research(bundled, "AAPL", LATER)
    queued = runs.start_research("MSFT", "ann", as_of=LATER).run_id
    run = {"company": "Odd Ltd.", "researcher": "p", "duration_mins": 1, "status": "Completed", "insights": 0}
    logged = client.post("/api/research_runs/", json=run).json["id"]
    odd = {"concepts": {"revenue": [{"value": "much"}, 3]}}
    result = {"research_run_id": logged, "result_type": "financial_health", "result_data": odd}
    assert client.post("/api/research_results/", json=result).status_code == 201
    with reading() as session:
        found = revenue_trends(session, [run_id, queued, logged, 99])
    assert list(found) == [run_id]
    page = visit("/historical-records")
    (drawing,) = page.soup.select("tbody .key [role=img]")
    assert drawing["aria-label"] == "Revenue: US$ 215.6 bn in FY2016, US$ 416.2 bn in FY2025"
    assert drawing.select_one("svg.spark path")
    assert page.texts("tbody .key") == ["Odd Ltd.", "MICROSOFT CORP MSFT", "Apple Inc. AAPL"]


def test_the_results_of_a_repeat_are_the_same_bytes_and_nothing_changed(bundled: Flask, visit: Visit) -> None:
    first, second = (research(bundled, "MSFT", LATER) for _ in range(2))
    found = told(second)
    assert found is not None
    assert (found.news, found.data["changes"], found.data["small"]) == (0, [], [])
    assert "Nothing changed" in visit(f"/runs/{second}").text("#changed")
    with reading() as session:
        manifests = [
            session.scalar(
                select(ResearchResult.result_data).where(
                    ResearchResult.research_run_id == run_id, ResearchResult.result_type == "manifest"
                )
            )
            for run_id in (first, second)
        ]
    assert manifests[0] == manifests[1]


def test_a_deleted_run_is_not_compared_with_and_a_purged_one_is_still_named(bundled: Flask, visit: Visit) -> None:
    first, second = research(bundled, "AAPL", EARLIER), research(bundled, "AAPL", LATER)
    organise.trash([first])
    third = research(bundled, "AAPL", date(2026, 9, 2))
    found = told(third)
    assert found is not None
    assert found.against_id == second
    organise.purge([first])
    orphan = told(second)
    assert orphan is not None
    assert orphan.against_id is None
    assert f"run #{first}, deleted since" in visit(f"/runs/{second}").text("#changed header")
    organise.trash([second])
    organise.purge([second])
    assert told(second) is None
    assert "Apple" not in visit("/").text("main").split("Recent runs")[0]


def test_results_that_cannot_be_compared_do_not_cost_the_run(bundled: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    research(bundled, "AAPL", EARLIER)

    def broken(*_: object) -> None:
        raise KeyError("years")

    monkeypatch.setattr(services, "what_changed", broken)
    second = research(bundled, "AAPL", LATER)
    with reading() as session:
        assert session.scalar(select(func.count()).where(ResearchResult.research_run_id == second)) == 8
    assert told(second) is None
