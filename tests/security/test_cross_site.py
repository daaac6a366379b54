"""What a page elsewhere makes a browser send is refused on pages as on the API; and nobody shares what a user saw."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard import create_app
from research_dashboard.extensions import db
from research_dashboard.services import accounts
from research_dashboard.services.database import prepare_database
from tests.conftest import settings_for

PASSWORD = "correct horse battery"
CROSS = [
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8001"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
    {"Origin": "http://[broken"},
    {"Origin": "https://localhost"},
    {"Origin": "https://localhost", "Sec-Fetch-Site": "none"},
]
OURS = [
    {},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # from a page without a referrer, as a shared report
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://localhost"},  # through a proxy that does not tell of its TLS
]


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """An admin's browser."""
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "admin")
    client = app.test_client()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    return client


@pytest.mark.parametrize("headers", CROSS)
@pytest.mark.parametrize("path", ["/theme", "/login", "/account/tokens", "/historical-records/bulk"])
def test_a_form_sent_by_a_page_elsewhere_is_refused(ann: FlaskClient, headers: dict[str, str], path: str) -> None:
    assert ann.post(path, headers=headers, data={"theme": "dark", "back": "/"}).status_code == 403
    assert ann.get("/status", headers=headers).status_code == 200  # a link may lead here from anywhere


@pytest.mark.parametrize("headers", OURS)
def test_a_form_of_ours_is_taken(ann: FlaskClient, headers: dict[str, str]) -> None:
    assert ann.post("/theme", headers=headers, data={"theme": "dark", "back": "/"}).status_code == 303


def test_what_a_user_sees_is_in_no_shared_cache(ann: FlaskClient) -> None:
    for path in ("/", "/historical-records", "/historical-records.csv", "/settings", "/api/companies/"):
        with ann.get(path) as answer:
            assert answer.headers["Cache-Control"].startswith("private, "), path
    for path in ("/account", "/audit", "/audit.csv"):
        with ann.get(path) as answer:
            assert answer.headers["Cache-Control"] == "private, no-store", path
    with ann.get("/no-such-page") as answer:
        assert "no-store" in answer.headers["Cache-Control"]


def test_the_api_takes_no_write_of_another_scheme_but_behind_a_trusted_proxy_https_is_its_own(tmp_path: Path) -> None:
    run = {"company": "Acme", "researcher": "ann", "duration_mins": 1, "status": "Completed", "insights": 0}
    for proxies, forwarded, code in ((0, {}, 403), (1, {"X-Forwarded-Proto": "https"}, 201), (1, {}, 403)):
        app = create_app({"TESTING": True}, settings_for(tmp_path / f"{proxies}{code}", trusted_proxies=proxies))
        with app.app_context():
            prepare_database(app.config["SETTINGS"].instance)
            accounts.add_user("ann", PASSWORD, "researcher")
            secret, _ = accounts.add_token("ann", "job", "write", 9)
        headers = {"Origin": "https://localhost", "Authorization": f"Bearer {secret}", **forwarded}
        answer = app.test_client().post("/api/research_runs/", json=run, headers=headers)
        assert answer.status_code == code, answer.text
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
