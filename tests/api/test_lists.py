"""Lists of runs are read by two ways: a short one for all runs, and by SQLAlchemy. They say the same."""

from datetime import date

from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import writing
from research_dashboard.models import ResearchRun
from tests.api.test_records import make


def test_a_list_says_of_each_run_what_the_run_itself_says_whichever_way_it_is_read(
    app: Flask, client: FlaskClient
) -> None:
    for number in range(9):
        make(
            client, company=f"Añ “{number}”", duration_mins=number / 7, date=f"2026-01-0{number + 1}T10:00:00.{number}5"
        )
    make(client, status="Running", date="2026-01-05T00:00:00Z")
    client.patch("/api/research_runs/10", json={"status": "Failed", "error_kind": "odd", "error_message": "It is."})
    client.delete("/api/research_runs/4")
    with app.app_context(), writing() as session:
        session.add(
            ResearchRun(
                company="B", researcher="b", origin="research", source="live", as_of=date(2026, 1, 2), ticker="B"
            )
        )
    whole = client.get("/api/research_runs/")
    assert whole.headers["X-Total-Count"] == "10"
    assert whole.json == [client.get(f"/api/research_runs/{run['id']}").json for run in whole.json]
    for sort in ("-date", "date", "company", "-duration", "ticker", "tag"):
        every = client.get(f"/api/research_runs/?sort={sort}").json
        assert every == client.get(f"/api/research_runs/?sort={sort}&col_id=>0").json  # the long way
        pages = [client.get(f"/api/research_runs/?sort={sort}&limit=3&skip={skip}").json for skip in range(0, 12, 3)]
        assert [run for page in pages for run in page] == every
    some = client.get("/api/research_runs/?fields=date,company&limit=2").json
    assert some == [{"date": run["date"], "company": run["company"]} for run in whole.json[:2]]
    assert client.get("/api/research_runs/?skip=99").json == []
