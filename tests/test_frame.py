"""The frame around every page: links, theme, headers, error pages; the overview."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import DictLoader, Environment
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from research_dashboard.extensions import reading, writing
from research_dashboard.models import ResearchRun
from research_dashboard.pages.frame import CompiledTemplates
from research_dashboard.queries.overview import runs_a_week

from .conftest import Page
from .factories import make_run

Visit = Callable[..., Page]


def test_p18_pages_are_at_the_root_and_the_safety_headers_are_on_all_answers(client: FlaskClient) -> None:
    for path in ("/", "/nowhere", "/api/nowhere", "/static/app.css"):
        with client.get(path) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}", headers["X-Request-ID"])


def test_p19_the_frame_leads_to_every_page_and_marks_this_one(visit: Visit) -> None:
    page = visit("/")
    assert page.text(".nav [aria-current=page]") == "Overview"
    assert page.soup.select_one(".skip")["href"] == "#main"  # type: ignore[index]
    assert not page.soup.select("[style], script:not([src]), [onclick]"), "nothing inline: the policy forbids it"


def test_htmx_is_configured_as_the_conventions_say(visit: Visit) -> None:
    meta = visit("/").soup.select_one("meta[name=htmx-config]")
    config = json.loads(str(meta["content"]))  # type: ignore[index]
    assert config["historyRestoreAsHxRequest"] is False
    assert config["historyCacheSize"] == 0
    assert config["includeIndicatorStyles"] is config["allowEval"] is False
    assert [rule["code"] for rule in config["responseHandling"]] == ["204", "[23]..", "422", "[45].."]


def test_static_files_carry_their_fingerprint_and_may_be_kept(client: FlaskClient, visit: Visit) -> None:
    href = str(visit("/").soup.select_one("link[rel=stylesheet]")["href"])  # type: ignore[index]
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{10}", href)
    with client.get(href) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/").headers["Cache-Control"] == "private, no-cache"


def test_the_theme_is_kept_in_a_cookie_and_the_reader_goes_back(client: FlaskClient, visit: Visit) -> None:
    answer = client.post("/theme", data={"theme": "dark", "next": "/nowhere?a=1"})
    assert (answer.status_code, answer.location) == (303, "/nowhere?a=1")
    assert visit("/").soup.html["data-theme"] == "dark"  # type: ignore[index]
    assert client.post("/theme", data={"theme": "light"}, headers={"HX-Request": "true"}).status_code == 204
    assert client.post("/theme", data={"theme": "pink"}).status_code == 422


@pytest.mark.parametrize("there", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nb"])
def test_the_theme_switch_leads_to_no_other_site(client: FlaskClient, there: str) -> None:
    assert client.post("/theme", data={"theme": "dark", "next": there}).location == "/"


def test_a_missing_page_says_so_and_offers_a_search(visit: Visit) -> None:
    page = visit("/nowhere", status=404)
    assert page.text("h1") == "Page not found"
    assert page.headers["X-Request-ID"] in page.text("main")
    partial = visit("/nowhere", status=404, htmx=True)
    assert partial.text(".msg.bad b") == "Page not found."


def test_d38_every_kind_of_error_has_words_for_people(app: Flask, visit: Visit) -> None:
    from flask import abort

    statuses = (400, 403, 404, 405, 413, 415, 422, 429, 500, 503)
    app.add_url_rule("/fail/<int:code>", view_func=abort)
    for status in statuses:
        page = visit(f"/fail/{status}", status=status)
        assert page.text(".eyebrow") == str(status)
        assert len(page.text("h1 + p")) > 20


def test_an_unexpected_error_is_a_page_without_a_trace(app: Flask, visit: Visit) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fails() -> str:
        raise RuntimeError("secret")

    app.add_url_rule("/fail", view_func=fails)
    page = visit("/fail", status=500)
    assert "secret" not in page.html
    assert "Traceback" not in page.html


def test_a_busy_database_is_503_and_the_page_still_stands(app: Flask, visit: Visit) -> None:
    def busy() -> str:
        raise OperationalError("SELECT 1", {}, Exception("database is locked"))

    app.add_url_rule("/busy", view_func=busy)
    assert visit("/busy", status=503).text("h1") == "The database does not answer just now"


def test_a_form_without_its_token_is_refused_in_words(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/theme", data={"theme": "dark"})
    assert answer.status_code == 400
    assert "token" in answer.text


def test_p72_a_broken_record_takes_its_tiles_not_the_page(in_app: Flask, client: FlaskClient, visit: Visit) -> None:
    with writing() as session:
        session.execute(text("ALTER TABLE research_runs RENAME TO research_runs_gone"))
    page = visit("/")
    assert page.texts("#tiles .value") == ["–", "–", "–", "–", "0"]
    assert page.text("#tiles .tile a[href='/status']") == "why"
    assert visit("/", htmx=True).soup.select("#tiles")
    page = visit("/researcher")
    assert page.soup.select_one("#company")
    assert "cannot be read" in page.text("section[aria-labelledby=recent-h]")


@pytest.mark.parametrize("path", ["/", "/researcher", "/status", "/rules", "/help", "/settings"])
def test_a_parameter_that_a_page_does_not_know_is_refused_by_name(visit: Visit, path: str) -> None:
    assert "“foo”" in visit(f"{path}?foo=1", status=422).text("main")


def test_a_slash_too_many_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/historical-records/?status=Failed")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/historical-records?status=Failed")
    assert client.get("/researcher/").headers["Location"] == "/researcher"
    assert client.get("/rules/").status_code == 404


def test_an_empty_database_leads_to_data(visit: Visit) -> None:
    page = visit("/")
    assert page.text(".empty h2") == "No company data yet"
    assert page.texts("#tiles .value")[:2] == ["0", "0"]


@pytest.mark.parametrize("htmx", [False, True])
def test_the_overview_counts_and_lists_the_newest_runs(in_app: Flask, visit: Visit, htmx: bool) -> None:
    for number in range(14):
        make_run(company=f"Acme {number}", origin="research", duration_mins=number / 60)
    make_run(company="Gone", deleted_at=ResearchRun.date.default.arg(None))  # type: ignore[union-attr]
    page = visit("/", htmx=htmx)
    assert page.texts("#tiles .value")[0] == "14"
    assert len(page.soup.select("#recent tbody tr")) == 12
    assert page.text("#recent tbody .key") == "Acme 13"
    assert page.text("#tiles .tile:nth-of-type(4) .value") == "6.5 s"
    assert not page.soup.select("#tiles[hx-trigger]"), "nothing runs: nothing is asked for"
    assert len(page.soup.select("#recent[hx-swap-oob]")) == htmx


def test_the_overview_polls_while_something_runs(in_app: Flask, visit: Visit) -> None:
    number = make_run(company="Busy Corp", origin="research", status="Running")
    page = visit("/")
    assert page.soup.select_one("#tiles")["hx-trigger"] == "every 10s"  # type: ignore[index]
    assert page.soup.select_one(f"#tiles a[href='/runs/{number}']")


def test_runs_a_week_are_counted_by_the_readers_weeks(in_app: Flask) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    make_run(date=datetime(2026, 3, 1, 18, 29, tzinfo=UTC))  # Sunday 23:59 in Kolkata
    make_run(date=datetime(2026, 3, 1, 18, 30, tzinfo=UTC))  # Monday 00:00
    with reading() as session:
        weeks = runs_a_week(session, datetime(2026, 3, 2, tzinfo=zone), weeks=3)
    assert [(day.isoformat(), number) for day, number in weeks] == [
        ("2026-02-16", 0),
        ("2026-02-23", 1),
        ("2026-03-02", 1),
    ]


def test_a_template_is_compiled_once_and_kept_for_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    for _ in range(2):
        loads = Environment(loader=DictLoader({"a": "{{ 6 * 7 }}"}), bytecode_cache=CompiledTemplates(folder))
        assert loads.get_template("a").render() == "42"
    assert len(list(folder.iterdir())) == 1
    assert folder.stat().st_mode & 0o077 == 0  # what is kept is code


def test_templates_are_shown_also_where_they_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "not" / "there"):
        shows = Environment(loader=DictLoader({"a": "{{ 6 * 7 }}"}), bytecode_cache=CompiledTemplates(folder))
        assert shows.get_template("a").render() == "42"
