"""The built-in research over the API: asked for, watched, refused."""

from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.models import Status
from tests.api.test_records import counts, make, refused
from tests.makers import make_company
from tests.report_results import results


def make_reported(client: FlaskClient) -> int:
    """A run with the results that a report is made of."""
    run_id = make(client)
    for kind, data in results().items():
        body = {"research_run_id": run_id, "result_type": kind, "result_data": data}
        assert client.post("/api/research_results/", json=body).status_code == 201
    return run_id


def start(client: FlaskClient, **body: object) -> object:
    return client.post("/api/research", json=body)


def test_research_is_accepted_with_its_address_and_a_double_click_makes_one_run(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    answer = client.post("/api/research", json={"company": "aapl"})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == "/api/research_runs/1"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json.items() >= {"id": 1, "company": "Apple Inc.", "status": "Queued", "origin": "research"}.items()
    again = client.post("/api/research/", json={"company": 320193})
    assert (again.status_code, again.headers["Location"]) == (202, "/api/research_runs/1")
    assert counts(app) == (1, 5, 0)


def test_a_company_that_cannot_be_taken_is_refused_with_what_can_be(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
        make_company("Delta Air Lines, Inc.", 27904, "DAL")
        make_company("Delta Apparel, Inc.", 1101396, "DLA")
        make_company("Oil Co", 7, "OIL", figures=False)
    unknown = client.post("/api/research", json={"company": "Appel"})
    refused(unknown, 422, "company")
    assert unknown.json["type"].endswith("/unknown-company")
    assert unknown.json["nearest"][0]["ticker"] == "AAPL"
    ambiguous = client.post("/api/research", json={"company": "Delta"})
    refused(ambiguous, 422, "company")
    assert {each["ticker"] for each in ambiguous.json["choices"]} == {"DAL", "DLA"}
    without = client.post("/api/research", json={"company": "OIL"})
    refused(without, 422, "company")
    assert "RESEARCH_DASHBOARD_SEC_CONTACT" in without.json["detail"]
    refused(client.post("/api/research", json={"company": "AAPL", "peers": ["Nobody at all"]}), 422, "peers")
    refused(client.post("/api/research", json={"company": "AAPL", "as_of": "2999-01-01"}), 422, "as_of")
    refused(client.post("/api/research", json={"company": "AAPL", "as_of": 5}), 422, "as_of")
    refused(client.post("/api/research", json={"company": "AAPL", "source": "live"}), 422, "source")
    refused(client.post("/api/research", json={"company": ""}), 422, "company")
    refused(client.post("/api/research", json={"company": 10**30}), 422, "company")
    refused(client.post("/api/research", json={}), 422, "company")
    assert counts(app) == (0, 0, 0)


def test_progress_is_json_with_an_etag_and_says_when_to_ask_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    client.post("/api/research", json={"company": "AAPL"})
    answer = client.get("/api/research_runs/1/progress")
    assert answer.json["status"] == Status.QUEUED
    assert len(answer.json["steps"]) == 5
    assert answer.json["queue_position"] == 1
    assert answer.json["worker_alive"] is False
    assert answer.headers["Retry-After"] == "1"
    again = client.get("/api/research_runs/1/progress", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    refused(client.get("/api/research_runs/9/progress"), 404)


def test_progress_of_a_logged_run(client: FlaskClient) -> None:
    run_id = make(client)
    answer = client.get(f"/api/research_runs/{run_id}/progress")
    assert answer.json.items() >= {"status": "Completed", "progress": 1.0, "steps": [], "worker_alive": True}.items()
    assert "Retry-After" not in answer.headers


def test_steps_and_results_stand_below_their_run_too(client: FlaskClient) -> None:
    make(client)
    assert client.get("/api/research_runs/1/details").json == []
    assert client.get("/api/research_runs/1/results/").json == []
    refused(client.get("/api/research_runs/2/details"), 404)


def test_companies_are_found_while_typing(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    expected = {"cik": 320193, "name": "Apple Inc.", "ticker": "AAPL", "figures": True, "years": 1, "former": None}
    assert client.get("/api/companies?q=app").json == [expected]
    assert client.get("/api/companies/?q=zzz").json == []
    refused(client.get("/api/companies?limit=0"), 422, "limit")


def test_a_file_of_a_megabyte_is_read_however_its_characters_are_escaped(client: FlaskClient) -> None:
    refused(client.post("/api/companies/upload", json={"csv": "\U0001f4c8" * 250_000}), 422, "csv")
    refused(client.post("/api/companies/upload", json={"csv": "\x9e" * 1_000_001}), 422, "csv")


FORMATS = ("html", "pdf", "md", "xlsx", "csv", "json", "zip")


def test_a_report_is_found_in_every_format(app: Flask, client: FlaskClient) -> None:
    run_id = make_reported(client)
    for name in FORMATS:
        answer = client.get(f"/api/research_runs/{run_id}/report?format={name}")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run_id}/report.{name}")
        assert "Content-Type" not in answer.headers, "there is no body"
        assert app.url_map.bind("").match(answer.headers["Location"])[0].startswith("pages.")
    refused(client.get(f"/api/research_runs/{run_id}/report?format=doc"), 422, "format")
    refused(client.get("/api/research_runs/99/report"), 404)


def test_a_report_that_is_not_there_is_refused_at_once_in_every_format(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    logged, queued = make(client), client.post("/api/research", json={"company": "AAPL"}).json["id"]
    for name in FORMATS:
        without = client.get(f"/api/research_runs/{logged}/report?format={name}")
        refused(without, 404)
        assert f"/api/research_runs/{logged}/results" in without.json["detail"]
        early = client.get(f"/api/research_runs/{queued}/report?format={name}")
        refused(early, 409)
        assert "Queued" in early.json["detail"]
