"""Nothing in that does harm: scripts, formulas, log lines, headers and SQL put in as text come out as text."""

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page

from tests.security.payloads import FORMULAS, XSS

SAMPLE = random.Random(20261123).sample(XSS, 12)  # a sample that is the same each time
PAGES = (
    "/",
    "/researcher",
    "/historical-records",
    "/historical-records?run={id}",
    "/runs/{id}",
)


def run_of(text: str) -> dict[str, object]:
    return {"company": text[:200], "researcher": text[:100], "duration_mins": 1, "status": "Completed", "insights": 1}


def log(post: Callable[[str, dict[str, object]], int], text: str) -> int:
    """A run with the text in each of its fields, its step and its result."""
    run_id = post("/api/research_runs/", run_of(text))
    step = {"research_run_id": run_id, "step_name": text[:200], "start_time": "2026-01-01T00:00:00Z"}
    post("/api/research_details/", {**step, "status": "Completed"})
    data = {text: text, "nested": [text, {"deep": text}]}
    post("/api/research_results/", {"research_run_id": run_id, "result_type": text[:200], "result_data": data})
    return run_id


def walk(page: Page, texts: list[str]) -> None:
    """Log each text, open every page on it, and see that no script ran."""

    def post(path: str, body: dict[str, object]) -> int:
        answer = page.request.post(path, data=body)
        assert answer.status == 201, (path, body, answer.text())
        return int(answer.json()["id"])

    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    for text in texts:
        run_id = log(post, text)
        for path in PAGES:
            page.goto(path.format(id=run_id))
            assert page.evaluate("window.pwned") is None, (text, path)
    for text in texts[:3]:
        page.goto("/historical-records")
        page.get_by_label("Filter by Company:").fill(text[:60])
        page.wait_for_timeout(400)
        assert page.evaluate("window.pwned") is None, text


@pytest.mark.browser
def test_a_script_in_any_field_is_shown_and_not_run(open_page: Callable[..., Page]) -> None:
    walk(open_page("/"), SAMPLE)


@pytest.mark.browser
@pytest.mark.soak
def test_200_scripts_in_every_field_are_shown_and_not_run(open_page: Callable[..., Page]) -> None:
    assert len(XSS) == 200
    walk(open_page("/"), XSS)
    print(f"{len(XSS)} scripts through every field to {len(PAGES)} pages, 0 executed")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_in_the_csv(client: FlaskClient, text: str) -> None:
    body = run_of(text.strip() or text)
    assert client.post("/api/research_runs/", json=body).status_code == 201
    rows = list(csv.reader(io.StringIO(client.get("/historical-records.csv").text.lstrip("\ufeff"))))
    cells = [cell for row in rows[1:] for cell in row]
    assert any(text.strip() in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


@pytest.mark.parametrize("path", ["/historical-records", "/researcher", "/api/research_runs/", "/"])
@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE research_runs; --", "' OR '1'='1", '" OR 1=1 --', "1); DELETE FROM companies; --", "\\'; SELECT 1"],
)
def test_sql_in_a_query_string_is_text(client: FlaskClient, path: str, text: str) -> None:
    client.post("/api/research_runs/", json=run_of("Acme"))
    for name in ("company", "q", "status", "researcher", "sort", "page", "start", "col_company"):
        assert client.get(path, query_string={name: text}).status_code < 500
    found = client.get("/api/research_runs/", query_string={"company": text})
    assert found.status_code in (200, 422)
    if found.status_code == 200:
        assert found.get_json() == []
    assert len(client.get("/api/research_runs/").get_json()) == 1


def test_a_forged_log_line_stays_within_its_line(app: Flask, client: FlaskClient) -> None:
    forged = "Acme 2026-01-01T00:00:00Z - research_dashboard - INFO - forged"
    client.get("/api/research_runs/", query_string={"company": f"x\r\n{forged}"})
    client.get("/runs/1%0d%0aforged")
    client.get("/api/research_runs/1\n", headers={"User-Agent": "x\u2028forged"})
    folder: Path = app.config["SETTINGS"].instance / "logs"
    lines = [line for path in folder.glob("*.log") for line in path.read_text().splitlines()]
    assert not [line for line in lines if line.startswith(("Acme", "forged"))]


@pytest.mark.parametrize(
    "path", ["/login?next=/%0d%0aSet-Cookie:%20x=1", "/theme", "/historical-records?page=1%0d%0aX: 1"]
)
def test_a_line_break_makes_no_header(client: FlaskClient, path: str) -> None:
    for answer in (client.get(path), client.post(path.partition("?")[0], data={"next": "/\r\nX-Forged: 1"})):
        assert "X-Forged" not in answer.headers
        assert "x=1" not in answer.headers.get("Set-Cookie", "")


def test_every_page_forbids_what_is_not_its_own(client: FlaskClient) -> None:
    for path in ("/", "/researcher", "/historical-records", "/nowhere", "/api/research_runs/", "/settings", "/login"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer", "strict-origin-when-cross-origin")
        assert "camera=()" in headers["Permissions-Policy"]
