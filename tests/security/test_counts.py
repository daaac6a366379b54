"""A limit that is met is said, on a page of its own, with what would do; and who is behind what a token asked for."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.services import accounts, organise, saved_views
from tests.factories import make_run

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """A researcher's browser, over a run."""
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "researcher")
        make_run(results={"financial_health": {"years": [], "concepts": []}})
    client = app.test_client()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    return client


def test_what_is_too_long_or_too_many_is_said(app: Flask, ann: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organise, "MOST_TAGS", 1)
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 0)
    monkeypatch.setattr(accounts, "MOST_LINKS", 0)
    assert ann.post("/runs/1/organise", data={"do": "tag", "tag": "first"}).status_code == 303
    for path, form, said in (
        ("/runs/1/organise", {"do": "note", "text": "a" * 20_001}, "20,001"),
        ("/runs/1/organise", {"do": "tag", "tag": "more"}, "take one away first"),
        ("/historical-records/views", {"name": "more", "query": ""}, "remove one first"),
        ("/runs/1/shares", {"days": "7"}, "close one first"),
    ):
        answer = ann.post(path, data=form)
        assert (answer.status_code, said in answer.text) == (422, True), (path, said)
    assert ann.post("/runs/1/organise", data={"do": "note", "text": "a" * 20_000}).status_code == 303


def test_a_token_is_its_users_and_a_single_users_name_is_left_whole(in_app: Flask) -> None:
    assert accounts.person_of("Ann (Acme)") == "Ann (Acme)"
    accounts.add_user("ann", PASSWORD, "researcher")
    assert (accounts.person_of("ann (nightly job)"), accounts.person_of("ann")) == ("ann", "ann")


def test_the_proxy_lets_no_header_pass_that_reads_like_its_own() -> None:
    text = (Path(__file__).parents[2] / "deploy" / "compose.yaml").read_text()
    assert "request_header -*_*" in text
    assert "TRUSTED_PROXIES" in text


def test_the_image_takes_nothing_without_a_hash() -> None:
    root = Path(__file__).parents[2]
    installs = [line for line in (root / "Dockerfile").read_text().splitlines() if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps ." in line for line in installs)
    lock = (root / "image.lock").read_text()
    assert "psycopg-binary==" in lock
    assert "redis==" in lock
    assert "://" not in lock
