"""What goes out gzipped, what does not, and that it is the same."""

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .factories import make_research

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def run(in_app: Flask) -> int:
    return make_research("Completed", done=5)


def plain(client: FlaskClient, path: str) -> TestResponse:
    answer = client.get(path)
    assert "Content-Encoding" not in answer.headers
    return answer


@pytest.mark.parametrize("path", ["/historical-records", "/static/app.css", "/static/vendor/htmx.min.js"])
def test_pages_style_and_scripts_are_gzipped_for_who_takes_it(client: FlaskClient, path: str) -> None:
    with plain(client, path) as whole, client.get(path, headers=GZIP) as small:
        assert small.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in small.headers["Vary"]
        assert "Accept-Encoding" in whole.headers["Vary"]
        assert int(small.headers["Content-Length"]) == len(small.data) < len(whole.data) / 2
        if path.startswith("/static"):
            assert gzip.decompress(small.data) == whole.data


@pytest.mark.parametrize("taken", ["", "br", "gzip;q=0", "identity"])
def test_who_does_not_take_it_gets_it_plain(client: FlaskClient, taken: str) -> None:
    with client.get("/historical-records", headers={"Accept-Encoding": taken}) as answer:
        assert "Content-Encoding" not in answer.headers


def test_the_api_and_exports_keep_their_bytes_and_tags(client: FlaskClient, run: int) -> None:
    for path in (f"/api/research_runs/{run}", "/historical-records.csv", f"/api/research_results/{run}"):
        with client.get(path, headers=GZIP) as answer:
            assert answer.status_code == 200
            assert "Content-Encoding" not in answer.headers
            assert not answer.get_etag()[1]


def test_the_length_of_a_page_does_not_tell_what_is_in_it(client: FlaskClient) -> None:
    lengths = {len(client.get("/help/reference", headers=GZIP).data) for _ in range(12)}
    assert len(lengths) > 3


def test_a_file_that_the_browser_has_is_not_sent_again(client: FlaskClient) -> None:
    with client.get("/static/app.css", headers=GZIP) as first:
        tag = first.headers["ETag"]
    assert tag.startswith("W/")
    with client.get("/static/app.css", headers=GZIP | {"If-None-Match": tag}) as again:
        assert again.status_code == 304
        assert again.data == b""


def test_a_run_that_has_not_changed_is_304_for_a_gzipped_page_too(client: FlaskClient, in_app: Flask) -> None:
    run = make_research("Queued", ago=60)  # its page has no clock that goes on, and is asked for as seldom as can be
    with client.get(f"/runs/{run}", headers=GZIP | {"HX-Request": "true"}) as first:
        assert first.headers["Content-Encoding"] == "gzip"
        tag = first.headers["ETag"]
    with client.get(f"/runs/{run}", headers=GZIP | {"HX-Request": "true", "If-None-Match": tag}) as again:
        assert again.status_code == 304
