"""PATCH, DELETE, restore; conditional requests; chosen parts; cursors; the actions on built-in runs."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.models import Origin, ResearchRun
from tests.api.test_records import DETAIL, RESULT, RUN, make, refused
from tests.makers import make_company


def test_d21_finishing_a_run_sets_its_end_and_its_duration(client: FlaskClient) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        run_id = make(client, status="Running", duration_mins=0, insights=0)
        clock.shift(timedelta(seconds=90))
        run = client.patch(f"/api/research_runs/{run_id}", json={"status": "Completed", "insights": 3}).json
    assert (run["status"], run["insights"], run["duration_mins"]) == ("Completed", 3, 1.5)
    assert run["finished_at"] > run["started_at"]
    assert client.get(f"/api/research_runs/{run_id}").json == run


def test_a_duration_that_is_sent_stands(client: FlaskClient) -> None:
    run_id = make(client, status="Running")
    run = client.patch(f"/api/research_runs/{run_id}", json={"status": "Failed", "duration_mins": 7}).json
    assert run["duration_mins"] == 7


@pytest.mark.parametrize(
    ("now", "to", "legal"),
    [
        ("Running", "Completed", True),
        ("Running", "Cancelled", True),
        ("Queued", "Running", True),
        ("Failed", "Queued", True),
        ("Completed", "Completed", True),
        ("Completed", "Running", False),
        ("Queued", "Completed", False),
        ("Cancelled", "Completed", False),
    ],
)
def test_a_status_moves_by_the_legal_moves_only(client: FlaskClient, now: str, to: str, legal: bool) -> None:
    run_id = make(client, status=now)
    answer = client.patch(f"/api/research_runs/{run_id}", json={"status": to})
    if legal:
        assert answer.json["status"] == to
    else:
        refused(answer, 409, "status")
        assert client.get(f"/api/research_runs/{run_id}").json["status"] == now


def test_a_change_is_checked_like_a_new_run(client: FlaskClient) -> None:
    run_id = make(client)
    path = f"/api/research_runs/{run_id}"
    for body, field in (
        ({}, "body"),
        ({"company": ""}, "company"),
        ({"company": None}, "company"),
        ({"duration_mins": -1}, "duration_mins"),
        ({"id": 5}, "id"),
        ({"status": "Bananas"}, "status"),
    ):
        refused(client.patch(path, json=body), 422, field)
    assert client.get(path).json.items() >= RUN.items()
    refused(client.patch("/api/research_runs/99", json={"insights": 1}), 404)


def test_a_step_is_changed_where_it_stands(client: FlaskClient) -> None:
    make(client)
    client.post("/api/research_details/", json={**DETAIL, "end_time": None, "status": "Running"})
    path = "/api/research_runs/1/details/1"
    step = client.patch(path, json={"status": "Completed", "end_time": "2026-01-01T11:00:00Z"}).json
    assert (step["status"], step["end_time"], step["progress"]) == ("Completed", "2026-01-01T11:00:00Z", 1.0)
    refused(client.patch(path, json={"end_time": "2020-01-01T00:00:00Z"}), 422, "end_time")
    refused(client.patch("/api/research_runs/1/details/2", json={"status": "Failed"}), 404)
    refused(client.patch("/api/research_runs/2/details/1", json={"status": "Failed"}), 404)


def test_a_run_is_deleted_and_restored_with_all_that_is_its(client: FlaskClient) -> None:
    run_id = make(client)
    client.post("/api/research_details/", json=DETAIL)
    path = f"/api/research_runs/{run_id}"
    assert client.delete(path).status_code == 204
    for gone in (path, f"{path}/details", f"/api/research_results/{run_id}"):
        refused(client.get(gone), 404)
    refused(client.delete(path), 404)
    refused(client.post("/api/research_details/", json=DETAIL), 404)
    assert client.get("/api/research_runs/").json == []
    assert client.post(f"{path}/restore").json["id"] == run_id
    assert len(client.get(f"{path}/details").json) == 1
    refused(client.post("/api/research_runs/9/restore"), 404)


def test_a_built_in_run_is_deleted_only_when_it_has_ended(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        session.add(ResearchRun(company="Acme", researcher="ann", origin=Origin.RESEARCH))
        session.add(ResearchRun(company="Acme", researcher="ann", origin=Origin.RESEARCH, status="Completed"))
    refused(client.delete("/api/research_runs/1"), 409)
    assert client.delete("/api/research_runs/2").status_code == 204
    refused(client.patch("/api/research_runs/1", json={"insights": 1}), 409)


def test_if_match_lets_nobody_overwrite_what_they_have_not_seen(client: FlaskClient) -> None:
    path = f"/api/research_runs/{make(client)}"
    seen = client.get(path).headers["ETag"]
    assert client.patch(path, json={"insights": 8}, headers={"If-Match": seen}).status_code == 200
    refused(client.patch(path, json={"insights": 9}, headers={"If-Match": seen}), 412)
    refused(client.delete(path, headers={"If-Match": seen}), 412)
    assert client.get(path).json["insights"] == 8
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_what_was_written_says_the_etag_that_the_next_change_needs(client: FlaskClient) -> None:
    made = client.post("/api/research_runs/", json=RUN, headers={"Idempotency-Key": "one"})
    again = client.post("/api/research_runs/", json=RUN, headers={"Idempotency-Key": "one"})
    path = made.headers["Location"]
    assert made.headers["ETag"] == again.headers["ETag"] == client.get(path).headers["ETag"]
    changed = client.patch(path, json={"insights": 8}, headers={"If-Match": made.headers["ETag"]})
    assert changed.headers["ETag"] == client.get(path).headers["ETag"]
    assert client.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_from_beyond_the_end_prev_leads_to_the_end(client: FlaskClient) -> None:
    for _ in range(3):
        make(client)
    answer = client.get("/api/research_runs/?limit=2&skip=500")
    assert answer.json == []
    assert '</api/research_runs/?limit=2&skip=2>; rel="prev"' in answer.headers["Link"]


@pytest.mark.parametrize("path", ["", "?limit=5", "1", "1/details", "1/progress"])
def test_if_none_match_answers_304_until_something_changes(client: FlaskClient, path: str) -> None:
    make(client)
    path = f"/api/research_runs/{path}"
    seen = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": seen})
    assert (again.status_code, again.data) == (304, b"")
    client.patch("/api/research_runs/1", json={"company": "Other"})
    client.post("/api/research_details/", json=DETAIL)
    assert client.get(path, headers={"If-None-Match": seen}).status_code == 200


def test_a_run_comes_with_its_parts_and_only_the_keys_asked_for(client: FlaskClient) -> None:
    for _ in range(2):
        make(client)
    client.post("/api/research_details/", json=DETAIL)
    client.post("/api/research_results/", json=RESULT)
    run = client.get("/api/research_runs/1?include=details,results&fields=company,status").json
    assert list(run) == ["company", "status", "details", "results"]
    assert run["results"][0]["result_data"] == RESULT["result_data"]
    runs = client.get("/api/research_runs/?include=results&fields=insights&sort=id").json
    assert [(list(run), len(run["results"])) for run in runs] == [
        (["insights", "results"], 1),
        (["insights", "results"], 0),
    ]
    refused(client.get("/api/research_runs/1?include=colour"), 422, "include")
    refused(client.get("/api/research_runs/?fields=id,colour"), 422, "fields")


@pytest.mark.parametrize(
    "sort", ["-date", "date", "id", "-id", "company", "-insights", "duration", "status", "researcher"]
)
def test_a_cursor_goes_through_all_once_while_runs_come_in(client: FlaskClient, sort: str) -> None:
    for number in range(7):
        make(client, company=f"C{number % 3}", insights=number % 2, duration_mins=number % 4)
    whole = [run["id"] for run in client.get(f"/api/research_runs/?sort={sort}").json]
    seen: list[int] = []
    path: str | None = f"/api/research_runs/?sort={sort}&limit=2&cursor=*&fields=id"
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        seen += [run["id"] for run in answer.json]
        found = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = found[1] if found else None
        if len(seen) == 2 and sort == "-date":
            make(client)
    assert seen == whole


def test_a_cursor_that_is_none_is_refused(client: FlaskClient) -> None:
    make(client)
    for query in ("cursor=abc", "cursor=!!", "cursor=W10", "cursor=*&skip=5", "cursor=" + "x" * 1001):
        refused(client.get(f"/api/research_runs/?{query}"), 422, "cursor")


def test_a_built_in_run_is_cancelled_resumed_and_run_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    client.post("/api/research", json={"company": "AAPL"})
    assert client.post("/api/research_runs/1/cancel").json["status"] == "Cancelled"
    assert client.post("/api/research_runs/1/resume").json["status"] == "Queued"
    refused(client.post("/api/research_runs/1/resume"), 409)
    client.post("/api/research_runs/1/cancel")
    again = client.post("/api/research_runs/1/rerun")
    assert (again.status_code, again.headers["Location"]) == (202, "/api/research_runs/2")
    assert again.json["parent_run_id"] == 1
    make(client)
    refused(client.post("/api/research_runs/3/cancel"), 409)
    refused(client.post("/api/research_runs/9/rerun"), 404)
