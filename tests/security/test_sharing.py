"""A shared link lets its holder read one report, and nothing else, until it expires or is revoked."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from research_dashboard.base import utcnow
from research_dashboard.pages import shares
from research_dashboard.services import accounts
from research_dashboard.services.runs import start_research
from research_dashboard.worker import Worker
from tests.factories import make_run

PASSWORD = "correct horse battery"


@pytest.fixture
def shared(app: Flask, loaded: Path) -> tuple[int, str]:
    """A finished run and what stands in a link to it; without a context of its own, so that each request has one."""
    with app.app_context():
        run_id = start_research("AAPL", "ann").run_id
        Worker(app).work()
        for role in ("viewer", "researcher"):
            accounts.add_user(role, PASSWORD, role)
        kept = accounts.share(run_id, 7, accounts.Actor("researcher", accounts.Role.RESEARCHER))
        return run_id, shares.signed(kept)


def test_a_link_opens_its_report_and_nothing_else(app: Flask, shared: tuple[int, str]) -> None:
    run_id, token = shared
    stranger = app.test_client()
    page = stranger.get(f"/shared/{token}")
    assert page.status_code == 200
    assert "Summary Report: Apple Inc." in page.text
    assert "416,161" in page.text
    assert "<script" not in page.text
    assert "<form" not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    own = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert own
    assert all(address.startswith("/static/") for address in own)
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/report.pdf", "/historical-records"):
        assert stranger.get(path).status_code == 303


def test_only_what_this_server_signed_opens_anything(app: Flask, shared: tuple[int, str]) -> None:
    _, token = shared
    stranger = app.test_client()
    swapped = token[: shares.TOKEN - 1] + ("A" if token[shares.TOKEN - 1] != "A" else "B") + token[shares.TOKEN :]
    unsigned = token[: shares.TOKEN]
    for forged in (f"{token}x", unsigned, unsigned + unsigned, swapped, token[:-5], "é" * 86, "x"):
        assert stranger.get(f"/shared/{forged}").status_code == 404, forged
    app.config["SECRET_KEY"] = "another"
    assert stranger.get(f"/shared/{token}").status_code == 404


def test_a_link_ends_when_it_expires_or_is_revoked(app: Flask, shared: tuple[int, str]) -> None:
    run_id, token = shared
    with time_machine.travel(utcnow() + timedelta(days=7, seconds=1)):
        assert app.test_client().get(f"/shared/{token}").status_code == 404
    client = app.test_client()
    client.post("/login", data={"name": "researcher", "password": PASSWORD})
    with app.app_context():
        (link,) = accounts.share_links(run_id)
    assert client.post(f"/runs/{run_id}/shares/{link.id}/revoke").status_code == 303
    assert app.test_client().get(f"/shared/{token}").status_code == 404


def test_a_researcher_makes_a_link_on_the_reports_page_and_a_viewer_cannot(app: Flask, shared: tuple[int, str]) -> None:
    run_id, _ = shared
    viewer, researcher = app.test_client(), app.test_client()
    viewer.post("/login", data={"name": "viewer", "password": PASSWORD})
    assert viewer.post(f"/runs/{run_id}/shares", data={"days": "7"}).status_code == 403
    assert f"/runs/{run_id}/shares" not in viewer.get(f"/runs/{run_id}").text
    researcher.post("/login", data={"name": "researcher", "password": PASSWORD})
    assert researcher.post(f"/runs/{run_id}/shares", data={"days": "91"}).status_code == 422
    page = researcher.post(f"/runs/{run_id}/shares", data={"days": "7"}, follow_redirects=True)
    link = re.search(r"/shared/([\w-]{40,})", page.text)
    assert link is not None
    assert app.test_client().get(link[0]).status_code == 200


def test_a_run_without_a_report_has_no_link_to_share(app: Flask, shared: tuple[int, str]) -> None:
    with app.app_context():
        logged, waiting = make_run(), start_research("MSFT", "ann").run_id
    client = app.test_client()
    client.post("/login", data={"name": "researcher", "password": PASSWORD})
    for run_id in (logged, waiting, 999):
        answer = client.post(f"/runs/{run_id}/shares", data={"days": "7"})
        assert (answer.status_code, "has no report to share" in answer.text) == (409, True)
        with app.app_context():
            assert accounts.share_links(run_id) == []
