"""Issue 6, 4: a pasted list; each line is checked, and nothing starts while one is wrong, but by choice."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from research_dashboard.extensions import reading
from research_dashboard.models import ResearchRun
from research_dashboard.services.batches import BatchError, check_list, companies_of

from .conftest import Page

Visit = Callable[..., Page]


def count_runs() -> int:
    with reading() as session:
        return session.scalar(select(func.count(ResearchRun.id))) or 0


def test_each_line_is_a_name_a_ticker_or_a_cik(bundled: Flask) -> None:
    lines = check_list("AAPL\n\n0000789019\nNIKE, Inc.\nTGT; WMT\tjpm\n aapl ,\n")
    assert [(line.number, line.text, line.error) for line in lines] == [
        (1, "AAPL", None),
        (3, "0000789019", None),
        (4, "NIKE, Inc.", None),
        (5, "TGT", None),
        (5, "WMT", None),
        (5, "jpm", None),
        (6, "aapl", None),
    ]
    assert lines[-1].twice == 1
    assert len(companies_of(lines)) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" \n,\n", "The list is empty"),
        ("AAPL\n" * 501, "at most 500 companies"),
        ("x" * 100_001, "at most 100,000"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(bundled: Flask, text: str, words: str) -> None:
    with pytest.raises(BatchError, match=words):
        check_list(text)


def test_a_good_list_starts_all_and_leads_to_the_runs(bundled: Flask, client: FlaskClient, visit: Visit) -> None:
    assert visit("/researcher").soup.select_one('a[href="/researcher/batch"]') is not None
    visit("/researcher/batch")
    answer = client.post("/researcher/batch", data={"companies": "AAPL\nMSFT\nNKE"})
    assert answer.status_code == 303
    assert count_runs() == 3
    page = visit(answer.headers["Location"])
    assert len(page.texts("#runs tbody tr[data-state]")) == 3
    again = client.post("/researcher/batch", data={"companies": "AAPL\nMSFT\nNKE"})
    assert (again.status_code, count_runs()) == (303, 3)


def test_one_wrong_line_stops_them_all_and_is_said_with_its_number(bundled: Flask, client: FlaskClient) -> None:
    form = {"companies": "AAPL\nAple Computers of Mars\nMSFT"}
    page = Page(client.post("/researcher/batch", data=form))
    assert (page.status, count_runs()) == (422, 0)
    assert page.texts("main .data tbody tr")[0].startswith("2 Aple Computers of Mars No company called")
    assert page.text("[name=only_good]") == "Start the 2 good ones only"
    assert page.text("#companies") == form["companies"].replace("\n", " ")
    good = client.post("/researcher/batch", data=form | {"only_good": "1"})
    assert (good.status_code, count_runs()) == (303, 2)


@pytest.mark.parametrize(
    "form",
    [
        {"companies": ""},
        {"companies": "AAPL", "as_of": "2999-01-01"},
        {"companies": "AAPL", "as_of": "soon"},
        {"companies": "AAPL", "source": "moon"},
        {"companies": "\x00\x01"},
        {"companies": "Nosuch of Mars", "only_good": "1"},
    ],
)
def test_what_cannot_be_starts_nothing(bundled: Flask, client: FlaskClient, form: dict[str, str]) -> None:
    assert client.post("/researcher/batch", data=form).status_code == 422
    assert count_runs() == 0
