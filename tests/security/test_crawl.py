"""A crawl of every page: nothing is loaded from elsewhere, links lead here or to the SEC, every answer is guarded."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from research_dashboard.pages import shares
from research_dashboard.pages.frame import HEADERS
from research_dashboard.services import accounts, organise
from research_dashboard.services.runs import start_research
from research_dashboard.worker import Worker
from tests.conftest import Page
from tests.test_every_page import pages_of

PASSWORD = "correct horse battery"
HERE = "http://localhost"
LOADED = {"src", "srcset", "action", "formaction", "poster", "data", "background", "hx-get", "hx-post", "hx-delete"}
MOST = 400  # pages, so that a link that makes ever new ones ends


@pytest.fixture
def reader(app: Flask, loaded: Path) -> tuple[FlaskClient, str]:
    """An admin's browser over a report, a failed run and a shared link; and the path of that link."""
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "admin")
        run_id = start_research("AAPL", "ann").run_id
        Worker(app).work()
        start_research("MSFT", "ann")
        token = shares.signed(accounts.share(run_id, 7, accounts.Actor("ann", accounts.Role.ADMIN)))
        organise.write_note(run_id, "See [this](https://elsewhere.example/x) and [that](//elsewhere.example).", "ann")
        accounts.add_token("ann", "a program", "read", 30)
    client = app.test_client()
    assert client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 303
    return client, f"/shared/{token}"


def addresses(page: Page) -> Iterator[tuple[bool, str]]:
    """(is loaded by itself or sent to, address) of everything in the page that names one."""
    for element in page.soup.find_all(True):
        for name, value in element.attrs.items():
            if name in ("href", "xlink:href"):
                yield element.name in ("link", "use", "image"), str(value)
            elif name == "srcset":
                yield from ((True, part.split()[0]) for part in str(value).split(",") if part.strip())
            elif name in LOADED:
                yield True, str(value)
    yield from ((True, found) for found in re.findall(r"url\(\s*['\"]?([^'\")]+)", page.html))


def guarded(answer: TestResponse, what: str) -> None:
    """Every safety header is there, once; only the API's documentation has a policy of its own."""
    for name, value in HEADERS.items():
        sent = answer.headers.getlist(name)
        assert len(sent) == 1, (what, name, sent)
        if name == "Referrer-Policy" and what.startswith("/shared/"):
            assert sent[0] in ("no-referrer", value)  # the token stands in the address; one that opens nothing is none
        elif name != "Content-Security-Policy":
            assert sent == [value], (what, name)
        assert "unsafe-eval" not in sent[0], what


def test_nothing_is_loaded_from_elsewhere_and_links_lead_here_or_to_the_sec(
    app: Flask, reader: tuple[FlaskClient, str]
) -> None:
    client, shared = reader
    settings = app.config["SETTINGS"]
    allowed = {urlsplit(HERE).netloc, urlsplit(settings.sec_www_url).netloc}
    waiting, seen, strange, styled = [*pages_of(app), shared], set[str](), list[tuple[str, str]](), list[str]()
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        with client.get(path) as answer:
            guarded(answer, path)
            if answer.mimetype != "text/html":
                continue
            page = Page(answer)
            a_file = "attachment" in answer.headers.get("Content-Disposition", "")  # has a policy of its own
            styled += (
                [path]
                if not a_file and page.soup.select_one("[style], style, script:not([src]), [onclick], [onload]")
                else []
            )
            for loads, address in addresses(page):
                if address.startswith("data:image/") and loads:
                    continue
                target = urlsplit(urljoin(HERE + path, address))
                here = target.netloc == urlsplit(HERE).netloc
                if target.scheme not in ("http", "https") or target.netloc not in allowed or (loads and not here):
                    strange.append((path, address))
                elif here and not loads and re.sub(r"\d+", "1", target.path) not in seen and not target.query:
                    one_of_many = target.path.startswith(("/runs/", "/facts/"))  # one of them is looked at
                    waiting.append(re.sub(r"\d+", "1", target.path) if one_of_many else target.path)
    assert 40 < len(seen) < MOST, "all of it was seen"
    assert strange == []
    assert styled == [], "nothing inline: the policy would refuse it"


def test_what_a_style_sheet_loads_is_ours() -> None:
    static = Path(__file__).parents[2] / "research_dashboard" / "static"
    sheets = list(static.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text()
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//|@import", text), sheet.name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/static/app.css", 200),
        ("HEAD", "/historical-records", 200),
        ("OPTIONS", "/historical-records", 200),
        ("GET", "/no-such-page", 404),
        ("GET", "/api/no-such-page", 404),
        ("DELETE", "/historical-records", 405),
        ("PUT", "/api/research_runs/", 403),  # a sign-in of the browser does not write there
        ("GET", "/api/research_runs/?limit=x", 422),
        ("POST", "/api/research_runs/", 403),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/healthz", 200),
        ("GET", "/static/../pyproject.toml", 404),
    ],
)
def test_every_kind_of_answer_is_guarded(reader: tuple[FlaskClient, str], method: str, path: str, status: int) -> None:
    with reader[0].open(path, method=method) as answer:
        guarded(answer, path)
        assert answer.status_code == status


def test_an_answer_to_a_fault_of_ours_is_guarded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("broken")

    monkeypatch.setitem(app.view_functions, "pages.styleguide", broken)
    app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
    answer = app.test_client().get("/styleguide")
    assert answer.status_code == 500
    guarded(answer, "500")
