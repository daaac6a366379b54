"""Every page there is, fetched as a browser and as htmx do: valid, whole or a partial, never a 500."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

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
