"""Nothing in that does harm: scripts, formulas, log lines, headers and SQL put in as text come out as text."""

import csv
import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.security.payloads import FORMULAS


def run_of(text: str) -> dict[str, object]:
    return {"company": text[:200], "researcher": text[:100], "duration_mins": 1, "status": "Completed", "insights": 1}


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
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "noindex" in headers["X-Robots-Tag"]
