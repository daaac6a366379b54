"""Saved views: named filters with an address."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Page
from tests.test_run_filter import store

PATH = "/historical-records"
Visit = Callable[..., Page]


@pytest.fixture(autouse=True)
def some(app: Flask) -> None:
    """Two runs."""
    with app.app_context():
        store({"company": "Acme"}, {"company": "Other", "status": "Failed"})


def test_a_view_is_saved_opened_and_removed(client: FlaskClient, visit: Visit) -> None:
    query = visit(f"{PATH}?company=acme&sort=company&page=1").soup.select_one("[form=save-view][name=query]")["value"]
    saved = client.post(f"{PATH}/views", data={"name": " Acme  runs ", "query": query}, follow_redirects=True)
    assert saved.request.args.to_dict() == {"company": "acme", "sort": "company", "view": "1"}
    page = visit(PATH)
    assert page.text("[aria-label='Saved views'] .chip") == "Acme runs"
    client.post(f"{PATH}/views", data={"name": "acme RUNS", "query": "company=other"})
    assert visit(PATH).texts("[aria-label='Saved views'] .chip") == ["Acme runs"]
    shown = client.get(f"{PATH}/views/1", follow_redirects=True)
    assert "company=other" in shown.request.url
    client.post(f"{PATH}/views/1", data={"do": "remove"})
    assert visit(PATH).soup.select("[aria-label='Saved views']") == []
    assert client.get(f"{PATH}/views/1").status_code == 404


def test_the_record_opens_with_the_default_view_and_clear_still_shows_all(client: FlaskClient, visit: Visit) -> None:
    client.post(f"{PATH}/views", data={"name": "Failed", "query": "status=Failed"})
    client.post(f"{PATH}/views/1", data={"do": "default"})
    opened = client.get(PATH, follow_redirects=True)
    assert opened.request.args.to_dict() == {"status": "Failed", "view": "1"}
    cleared = visit(visit(f"{PATH}?company=x").soup.find("a", string="Clear Filters")["href"])
    assert len(cleared.soup.select("tbody tr")) == 2
    client.post(f"{PATH}/views/1", data={"do": "no_default"})
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": " ", "query": ""}, "1 to 100 characters"),
        ({"name": "x", "query": "status=Bananas"}, "cannot be saved"),
    ],
)
def test_what_cannot_be_saved_says_why(client: FlaskClient, form: dict[str, str], says: str) -> None:
    assert says in client.post(f"{PATH}/views", data=form, follow_redirects=True).text


def test_an_unknown_action_is_refused(client: FlaskClient) -> None:
    assert client.post(f"{PATH}/views/1", data={"do": "x"}).status_code == 422
    answer = client.post(f"{PATH}/views/9", data={"do": "pin"}, follow_redirects=True)
    assert "There is no such view" in answer.text
