"""Nothing in that does harm: scripts, formulas, log lines, headers and SQL put in as text come out as text."""

import csv
import io
import json
import logging
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from research_dashboard.extensions import writing
from research_dashboard.logs import logger, set_up
from research_dashboard.models import ResearchRun
from research_dashboard.services.runs import start_research
from research_dashboard.worker import Worker
from tests.factories import make_research
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
    "text", ["x\nforged", "\x1b[2J\x1b[31mred", "a\u2028b", "\r\x00\x07", '"}\n{"event": "forged', "\u202eevil"]
)
def test_a_json_log_holds_one_object_a_line_in_plain_ascii(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    set_up(path, "json", console=False)
    logger.info(text, company=text, **{"key\n": text})
    logging.getLogger("research_dashboard.other").warning("foreign %s", text)
    raw = path.read_bytes()
    assert raw.isascii()
    assert not set(raw) & (set(range(32)) - {10})
    ours, foreign = (json.loads(line) for line in raw.splitlines())
    assert (ours["event"], ours["company"], foreign["event"]) == (text, text, f"foreign {text}")


HOSTILE_PARTS = [
    *("..%2f..%2f..%2fetc%2fpasswd", "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cetc%5cpasswd"),
    *("%00", "1%00", "9" * 30, "-1", "0", "1.5", "1e9", "%0d%0aX-Forged:%201", "%ff%fe", "~root", "....//etc/passwd"),
    *("file:%2f%2f%2fetc%2fpasswd", "x" * 3000, "%F0%9F%98%80", "'%20OR%201=1--", "{{7*7}}", "%C0%AE%C0%AE/", "."),
]


def test_no_part_of_a_path_leads_to_a_file_a_header_or_a_fault(app: Flask, in_app: Flask) -> None:
    make_research("Completed", done=5)
    app.config["PROPAGATE_EXCEPTIONS"], app.testing = False, False
    client, bad, asked = app.test_client(), [], 0
    for rule in app.url_map.iter_rules():
        for part in HOSTILE_PARTS if "<" in rule.rule else ():
            path = re.sub(r"<[^>]+>", lambda _, part=part: part, rule.rule)  # type: ignore[misc]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                asked += 1
                with client.open(path, method=method, json={} if path.startswith("/api") else None) as answer:
                    harm = b"root:" in answer.data or "X-Forged" in answer.headers or b">49<" in answer.data
                    bad += [(method, path, answer.status_code)] if harm or answer.status_code >= 500 else []
    assert asked > 800
    assert bad == []


@pytest.mark.parametrize("digit", ["١", "１", "१", "+1", "1_0"])
@pytest.mark.parametrize("path", ["/runs/", "/companies/", "/api/research_runs/"])
def test_a_number_in_an_address_is_written_in_one_way(
    client: FlaskClient, in_app: Flask, path: str, digit: str
) -> None:
    make_research("Completed", done=5)
    assert client.get(path + digit).status_code == 404


@pytest.mark.parametrize("kind", ["html", "md", "pdf", "xlsx", "csv", "json", "zip"])
def test_a_companys_name_makes_no_header_and_no_path_of_a_files_name(bundled: Flask, kind: str) -> None:
    run_id = start_research("AAPL", "ann").run_id
    Worker(bundled).work()
    hostile = '../../x"; filename="evil.exe\r\nX-Forged: 1\u202egpj'
    with writing() as session:
        session.execute(update(ResearchRun).where(ResearchRun.id == run_id).values(company=hostile, ticker=hostile))
    with bundled.test_client().get(f"/runs/{run_id}/report.{kind}") as answer:
        assert answer.status_code == 200
        assert "X-Forged" not in answer.headers
        said = answer.headers["Content-Disposition"]
        assert re.fullmatch(rf'attachment; filename="[\w.-]+\.{kind}"', said), said
        assert ".." not in said


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
