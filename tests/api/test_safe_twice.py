"""Idempotency-Key, bulk, and the limit of requests."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from research_dashboard import create_app
from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.models import ResearchRun
from research_dashboard.services import accounts
from research_dashboard.tables.audit import AuditEvent
from tests.api.test_records import DETAIL, RESULT, RUN, counts, make, refused
from tests.conftest import settings_for
from tests.makers import make_company

KEY = {"Idempotency-Key": "one"}


def test_a_request_with_a_key_is_done_once(app: Flask, client: FlaskClient) -> None:
    first = client.post("/api/research_runs/", json=RUN, headers=KEY)
    again = client.post("/api/research_runs/", json=RUN, headers=KEY)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    slashless = client.post("/api/research_runs", json=RUN, headers=KEY)
    assert (slashless.status_code, slashless.json) == (first.status_code, first.json)
    assert counts(app) == (1, 0, 0)
    assert client.post("/api/research_runs/", json=RUN, headers={"Idempotency-Key": "two"}).json["id"] == 2


def test_a_key_with_another_body_or_address_is_422(app: Flask, client: FlaskClient) -> None:
    make(client)
    client.post("/api/research_runs/", json=RUN, headers=KEY)
    refused(client.post("/api/research_runs/", json=RUN | {"insights": 1}, headers=KEY), 422, "Idempotency-Key")
    refused(client.post("/api/research_details/", json=DETAIL, headers=KEY), 422, "Idempotency-Key")
    refused(
        client.post("/api/research_runs/", json=RUN, headers={"Idempotency-Key": "x" * 201}), 422, "Idempotency-Key"
    )
    refused(client.post("/api/research_runs/", json=RUN, headers={"Idempotency-Key": "a b"}), 422, "Idempotency-Key")
    assert counts(app) == (2, 0, 0)


def test_a_key_is_kept_for_24_hours(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client.post("/api/research_runs/", json=RUN, headers=KEY)
        clock.shift(timedelta(hours=23))
        assert client.post("/api/research_runs/", json=RUN, headers=KEY).json["id"] == 1
        clock.shift(timedelta(hours=2))
        assert client.post("/api/research_runs/", json=RUN, headers=KEY).json["id"] == 2


def test_what_is_refused_is_not_remembered(client: FlaskClient) -> None:
    refused(client.post("/api/research_details/", json=DETAIL, headers=KEY), 404)
    make(client)
    assert client.post("/api/research_details/", json=DETAIL, headers=KEY).status_code == 201


def test_every_post_takes_a_key(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    for number, (path, body) in enumerate([
        ("research", {"company": "AAPL"}),
        ("research_runs/1/cancel", None),
        ("research_runs/1/rerun", None),
        ("research_runs/bulk", [RUN, RUN]),
        ("research_results", RESULT | {"research_run_id": 3}),
        ("research_runs/3/restore", None),
    ]):  # fmt: skip
        headers = {"Idempotency-Key": f"key{number}"}
        first = client.post(f"/api/{path}", json=body, headers=headers)
        assert first.status_code < 300, first.text
        again = client.post(f"/api/{path}", json=body, headers=headers)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.data == first.data
    assert counts(app) == (4, 10, 1)


def test_a_change_with_a_key_is_done_once_whatever_was_changed_meanwhile(client: FlaskClient) -> None:
    make(client, status="Running")
    tag = client.get("/api/research_runs/1").headers["ETag"]
    first = client.patch("/api/research_runs/1", json={"insights": 8}, headers=KEY | {"If-Match": tag})
    client.patch("/api/research_runs/1", json={"insights": 9})
    again = client.patch("/api/research_runs/1", json={"insights": 8}, headers=KEY | {"If-Match": tag})
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get("/api/research_runs/1").json["insights"] == 9
    refused(client.patch("/api/research_runs/1", json={"insights": 7}, headers=KEY), 422, "Idempotency-Key")


def bulk(client: FlaskClient, items: list[Any], query: str = "") -> Any:
    return client.post(f"/api/research_runs/bulk{query}", json=items)


def test_runs_come_in_bulk_with_their_steps_and_results(app: Flask, client: FlaskClient) -> None:
    step = {name: value for name, value in DETAIL.items() if name != "research_run_id"}
    result = {"result_type": "note", "result_data": {"a": 1.50}}
    answer = bulk(client, [RUN | {"details": [step, step], "results": [result]}, RUN | {"company": "Bolt"}])
    assert answer.json["created"] == 2
    ids = [item["id"] for item in answer.json["items"]]
    run = client.get(f"/api/research_runs/{ids[0]}?include=details,results").json
    assert [detail["position"] for detail in run["details"]] == [1, 2]
    assert run["results"][0]["result_data"] == {"a": 1.5}
    assert client.get(f"/api/research_runs/{ids[1]}").json["company"] == "Bolt"
    assert counts(app) == (2, 2, 1)


def test_bulk_is_all_or_nothing_unless_told_otherwise(app: Flask, client: FlaskClient) -> None:
    items = [RUN, RUN | {"insights": -1}, "text", RUN]
    refused(bulk(client, items), 422, "1.insights", "2.body")
    assert counts(app) == (0, 0, 0)
    answer = bulk(client, items, "?atomic=false")
    assert (answer.json["created"], answer.json["refused"]) == (2, 2)
    assert [item["status"] for item in answer.json["items"]] == [201, 422, 422, 201]
    assert answer.json["items"][1]["errors"][0]["field"] == "insights"
    assert counts(app) == (2, 0, 0)


def test_bulk_reads_ndjson_line_by_line(app: Flask, client: FlaskClient) -> None:
    lines = b"\n".join([json.dumps(RUN).encode(), b"", b"{broken", json.dumps(RUN).encode()])
    path = "/api/research_runs/bulk?atomic=false"
    answer = client.post(path, data=lines, content_type="application/x-ndjson")
    assert [item["status"] for item in answer.json["items"]] == [201, 400, 201]
    assert counts(app) == (2, 0, 0)


def test_bulk_has_its_limits(app: Flask, client: FlaskClient) -> None:
    refused(bulk(client, []), 422, "body")
    refused(client.post("/api/research_runs/bulk", json={}), 422, "body")
    refused(bulk(client, [{}] * 10_001), 422, "body")
    refused(client.post("/api/research_runs/bulk", data="x", content_type="text/csv"), 415)
    assert bulk(client, [RUN | {"researcher": "x" * 90}] * 10_000).json["created"] == 10_000
    assert counts(app) == (10_000, 0, 0)


def test_the_limits_of_bulk_are_the_same_with_a_key(app: Flask, client: FlaskClient) -> None:
    many = [RUN | {"researcher": "x" * 90}] * 10_000  # some 2 MB: more than other bodies may have
    first = client.post("/api/research_runs/bulk", json=many, headers=KEY)
    again = client.post("/api/research_runs/bulk", json=many, headers=KEY)
    assert (first.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    refused(client.post("/api/research_runs/bulk", json=[*many, RUN], headers={"Idempotency-Key": "2"}), 422, "body")
    assert counts(app) == (10_000, 0, 0)
    too_large = client.post("/api/research_runs/", data=b" " * 1_100_000, content_type="application/json")
    refused(too_large, 413)
    assert "1 MB" in too_large.json["detail"]


def test_requests_are_limited_once_there_are_accounts(migrated: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "limited"
    folder.mkdir()
    shutil.copy(migrated, folder / "research.db")
    app = create_app({"TESTING": True}, settings_for(folder, api_limit="3 per minute"))
    client = app.test_client()
    assert [client.get("/api/research_runs/").status_code for _ in range(5)] == [200] * 5
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "researcher")
        token = accounts.add_token("ann", "test", "write", 30)[0]
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [client.get("/api/research_runs/", headers=bearer) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused(answers[3], 429)
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert 1 <= int(answers[0].headers["RateLimit-Reset"]) <= 60
    assert "Retry-After" not in answers[0].headers
    other = client.get("/api/companies/", headers=bearer)  # what is counted is the token's, whatever the address
    assert other.status_code == 429
    nobody = [client.get("/api/research_runs/", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
    assert [answer.status_code for answer in nobody] == [401, 401, 401, 429]


def test_sixteen_writers_at_once_lose_nothing_and_audit_each(app: Flask) -> None:
    def log(number: int) -> int:
        answer = app.test_client().post("/api/research_runs/", json=RUN | {"company": f"C{number}"})
        assert answer.status_code == 201
        assert answer.json["company"] == f"C{number}"
        return int(answer.json["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(log, range(64)))
    assert sorted(ids) == list(range(1, 65))
    with app.app_context():
        stored = {run.id: run.company for run in db.session.scalars(select(ResearchRun))}
        events = {event.subject: event.after for event in db.session.scalars(select(AuditEvent))}
    assert stored == {run_id: f"C{number}" for number, run_id in enumerate(ids)}
    assert {f"run {run_id}": company for run_id, company in stored.items()} == {
        subject: after["company"] for subject, after in events.items()
    }


@pytest.mark.parametrize("value", ["lots", "5", "-1 per minute"])
def test_a_limit_that_is_none_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    from research_dashboard.settings import SettingError, load

    with pytest.raises(SettingError, match="API_LIMIT"):
        load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), "RESEARCH_DASHBOARD_API_LIMIT": value})
