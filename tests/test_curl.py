"""Each page shows the line of curl that does the same; what the line asks for is what the page shows."""

import json
import shlex
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.services import accounts
from tests.api.test_records import make
from tests.makers import make_company

NASTY = 'O\'Neil $(id) `id` "x" & \\ ; #'


def lines(page: Any) -> list[list[str]]:
    """The lines as a shell reads them: word by word."""
    return [shlex.split(code.get_text()) for code in page.soup.select(".curl code") if code.get_text() != "$TOKEN"]


def ask(client: FlaskClient, words: list[str]) -> Any:
    """Send what curl would."""
    assert words[0] == "curl"
    (address,) = [word for word in words if word.startswith("http://")]
    at = urlsplit(address)
    path = f"{at.path}?{at.query}"
    if "-d" in words:
        return client.post(path, data=words[words.index("-d") + 1], content_type="application/json")
    return client.open(path, method="POST" if "POST" in words else "GET")


@pytest.mark.parametrize("htmx", [False, True])
def test_the_history_asks_for_its_filter_order_and_page(client: FlaskClient, visit: Any, htmx: bool) -> None:
    for number in range(5):
        make(client, company=f"Acme {number}", insights=number)
    make(client, company="Bolt")
    page = visit("/historical-records?company=acme&status=Completed&sort=-insights&per_page=2&page=2&q=", htmx=htmx)
    (line,) = lines(page)
    assert [run["company"] for run in ask(client, line).json] == ["Acme 2", "Acme 1"]
    assert len(page.soup.select(".curl")) == 1


def test_whatever_is_typed_stays_one_word_of_the_line(client: FlaskClient, visit: Any) -> None:
    make(client, company=NASTY)
    (line,) = lines(visit(f"/historical-records?{urlencode({'company': NASTY})}"))
    assert [run["company"] for run in ask(client, line).json] == [NASTY]
    start, _find = lines(visit(f"/researcher?{urlencode({'company': NASTY})}"))
    assert json.loads(start[start.index("-d") + 1]) == {"company": NASTY}


def test_every_line_of_every_page_is_answered(app: Flask, client: FlaskClient, visit: Any) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    client.post("/api/research", json={"company": "AAPL"})
    make(client)
    paths = ("/", "/researcher", "/runs/1", "/runs/2", "/companies/320193", "/compare", "/trash", "/watchlist")
    for path in paths:
        found = lines(visit(path))
        assert found, path
        assert len(found) == {"/runs/1": 4, "/runs/2": 2}.get(path, len(found))
        for words in found:
            answer = ask(client, words)
            waits = any(
                word.endswith(("/research_runs/1/restore", "/research_runs/1/report?format=pdf")) for word in words
            )
            assert answer.status_code < 400 or waits, words
    assert lines(visit("/status")) == []


def test_with_accounts_a_line_says_where_the_token_goes(app: Flask, client: FlaskClient, visit: Any) -> None:
    assert "Authorization" not in visit("/").html
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "researcher")
    client.post("/login", data={"name": "ann", "password": "correct horse battery"})
    page = visit("/")
    assert lines(page)[0][1:3] == ["-H", "Authorization: Bearer $TOKEN"]
    assert page.soup.select_one('.curl a[href="/account"]') is not None
