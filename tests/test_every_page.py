"""Every page there is, fetched as a browser and as htmx do: valid, whole or a partial, never a 500."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.services import organise, runs
from research_dashboard.worker import Worker

from .conftest import Page, check_page
from .factories import make_research

VALUES = {"run_id": "1", "cik": "320193", "name": "reference", "fact_id": "1", "extension": "json"}


def pages_of(app: Flask) -> list[str]:
    """The address of every GET route of the pages, with sample values for its parts."""
    urls = app.url_map.bind("localhost")
    found = set()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint.startswith("pages."):
            try:
                found.add(urls.build(rule.endpoint, {part: VALUES.get(part, "1") for part in rule.arguments}))
            except ValueError:  # a converter that takes certain words only
                found.add(urls.build(rule.endpoint, dict.fromkeys(rule.arguments, "json")))
    return sorted(found)


@pytest.mark.parametrize("query", ["", "?page=abc&sort=x&company=%00%25_&status=Bananas&start=never&run=1e9&q=("])
def test_every_page_answers_both_ways_and_never_500(in_app: Flask, client: FlaskClient, query: str) -> None:
    make_research("Completed", done=5)
    paths = pages_of(in_app)
    assert len(paths) > 12
    for path in paths:
        for htmx in (False, True):
            with client.get(path + query, headers={"HX-Request": "true"} if htmx else {}) as response:
                assert response.status_code < 500 or path == "/readyz", path + query
                if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 308):
                    partial = htmx and "<html" not in response.text
                    try:
                        check_page(Page(response), htmx=partial)
                    except Exception as error:
                        raise AssertionError(path) from error
                if response.status_code < 400:
                    assert "Content-Security-Policy" in response.headers


ISO, LONG = (
    re.compile(r"\b20\d\d-\d\d-\d\d\b"),
    re.compile(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20\d\d\b"),
)


def test_a_screen_writes_its_dates_in_one_way(bundled: Flask, visit: Callable[..., Page]) -> None:
    number = runs.start_research("AAPL", "ann", as_of=date(2026, 9, 1)).run_id
    again = runs.start_research("AAPL", "ann", as_of=date(2025, 9, 1)).run_id
    Worker(bundled).work()
    organise.write_note(number, "See the filing.", "ann")
    working = make_research("Running", done=2, at="Running")
    mixed = {}
    for path in (
        "/", "/researcher", "/historical-records", f"/historical-records?run={number}", f"/runs/{number}",
        f"/runs/{working}", f"/runs/{number}/log", f"/compare?run={again}&run={number}", "/companies/320193",
        "/watchlist", "/trash", "/status", "/audit",
    ):  # fmt: skip
        page = visit(path)
        shown = page.soup.select_one("dialog[open]") or page.soup.select_one("main")
        for hidden in shown.select(
            "pre, code, .vh, script, #curl, input"
        ):  # what was filed, sent or stored stays as it is
            hidden.decompose()
        words = shown.get_text(" ")
        if ISO.search(words) and LONG.search(words):
            mixed[path] = (ISO.findall(words)[:3], LONG.findall(words)[:3])
    assert mixed == {}
