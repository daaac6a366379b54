"""The test bench: a migrated database made once and copied for each test, pages fetched and checked by visit()."""

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import html5lib
import hypothesis
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from research_dashboard import create_app
from research_dashboard.extensions import db
from research_dashboard.pages.frame import CompiledTemplates
from research_dashboard.services.loads import import_bundle
from research_dashboard.settings import Settings
from tests import postgres

# How fast a busy machine makes up examples says nothing about the code: what is asserted stays as it is.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


def settings_for(folder: Path, **values: Any) -> Settings:
    """Settings whose instance folder is the test's own."""
    folder.mkdir(parents=True, exist_ok=True)
    return Settings(
        **{
            "instance": folder,
            "database_url": f"sqlite:///{folder / 'research.db'}",
            "secret_key": "test",
            **values,
        }
    )


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest migration, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("migrated")
    app = create_app({"TESTING": True}, settings_for(folder))
    with app.app_context():
        upgrade()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return folder / "research.db"


ON_POSTGRESQL = bool(os.environ.get("TEST_DATABASE_URL"))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def empty_there(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """On the server, a migrated database, to be copied."""
    url = postgres.database(server)
    _on(url, tmp_path_factory.mktemp("empty"), upgrade)
    return url


@pytest.fixture(scope="session")
def bundle_there(server: str, empty_there: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """On the server, a migrated database with the bundle in it, to be copied."""
    url = postgres.database(server, empty_there)
    _on(url, tmp_path_factory.mktemp("full"), import_bundle)
    return url


def _on(url: str, folder: Path, do: Callable[[], object]) -> None:
    app = create_app({"TESTING": True}, settings_for(folder, database_url=url))
    with app.app_context():
        do()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of the test's own; with the bundle in it where the test asks for `bundled`."""
    wants_bundle = {"bundled", "loaded"} & set(request.fixturenames)
    folder = tmp_path / "instance"
    folder.mkdir()
    if not ON_POSTGRESQL or request.node.get_closest_marker("sqlite"):
        shutil.copy(request.getfixturevalue("loaded" if wants_bundle else "migrated"), folder / "research.db")
        yield f"sqlite:///{folder / 'research.db'}"
        return
    server = request.getfixturevalue("server")
    url = postgres.database(server, request.getfixturevalue("bundle_there" if wants_bundle else "empty_there"))
    yield url
    postgres.drop(server, url)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledTemplates:
    """The templates, compiled once for all tests."""
    return CompiledTemplates(_common(tmp_path_factory) / "compiled-templates")


@pytest.fixture
def app(database_url: str, tmp_path: Path, compiled: CompiledTemplates) -> Iterator[Flask]:
    """The application on an empty, migrated database of its own."""
    settings = settings_for(tmp_path / "instance", database_url=database_url)
    app = create_app({"TESTING": True, "WTF_CSRF_ENABLED": False}, settings)
    app.jinja_env.bytecode_cache = compiled
    # In a test's own application context the requests share its session, and with it an old view of the database.
    app.before_request(db.session.remove)
    yield app
    with app.app_context():
        db.session.remove()
    for engines in list(db._app_engines.values()):  # also those of applications that the test made beside it
        for engine in engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def loaded(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the bundle in it, made once by the first test process that wants it, then copied."""
    folder = _common(tmp_path_factory) / "loaded"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _load_bundle(migrated, folder)
            (folder / "done").touch()
    return folder / "research.db"


def _common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the test processes have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _load_bundle(migrated: Path, folder: Path) -> None:
    shutil.copy(migrated, folder / "research.db")
    app = create_app({"TESTING": True}, settings_for(folder))
    with app.app_context():
        import_bundle()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()


@pytest.fixture
def bundled(app: Flask) -> Iterator[Flask]:
    """An application context whose database holds the bundle (`database_url` sees to that)."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript, or a program."""
    return app.test_client()


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    """An application context, for calling services and queries."""
    with app.app_context():
        yield app


class Page:
    """A fetched page: status, headers, text, and soup to select from."""

    def __init__(self, response: Any) -> None:
        self.response, self.status, self.headers = response, response.status_code, response.headers
        self.html = response.text
        self.soup = BeautifulSoup(self.html, "html.parser")

    def text(self, selector: str) -> str:
        """The words of the first element that the selector finds."""
        found = self.soup.select_one(selector)
        assert found is not None, f"nothing matches {selector}"
        return " ".join(found.get_text(" ", strip=True).split())

    def texts(self, selector: str) -> list[str]:
        """The words of every element that the selector finds."""
        return [" ".join(found.get_text(" ", strip=True).split()) for found in self.soup.select(selector)]


# What parses and is wrong all the same, as the Nu checker says.
MISPLACED = (
    "a a", "a button", "button a", "label label", "form form", "p ul", ":is(ul, ol) > :not(li)", "img:not([alt])",
    "[type=checkbox][autocomplete]", "[type=radio][autocomplete]", ":is(pre, div, span, p)[aria-label]:not([role])",
)  # fmt: skip


def check_page(page: Page, *, htmx: bool) -> None:
    """What every page owes: valid HTML, one h1, unique ids, an action on each form; no document around a partial."""
    ids = [element["id"] for element in page.soup.select("[id]")]
    assert len(ids) == len(set(ids)), f"duplicate ids: {sorted({i for i in ids if ids.count(i) > 1})}"
    if htmx:
        assert "<html" not in page.html
        return
    html5lib.HTMLParser(strict=True).parse(page.html)
    assert len(page.soup.select("h1")) == 1
    title = page.text("title")
    assert title, "a page has a title"
    for form in page.soup.select("form"):
        assert form.get("action"), "a form works without JavaScript"
    for attribute in ("for", "form", "aria-labelledby", "aria-describedby", "aria-controls"):
        for element in page.soup.select(f"[{attribute}]"):
            assert set(str(element[attribute]).split()) <= set(ids), f"{attribute} names nothing: {element}"
    for rule in MISPLACED:
        assert not page.soup.select(rule), f"{rule}: {page.soup.select(rule)[0]}"


@pytest.fixture
def visit(client: FlaskClient) -> Callable[..., Page]:
    """Fetch a page as a browser (or as htmx) does, and check what every page owes."""

    def visit(path: str, *, htmx: bool = False, status: int = 200) -> Page:
        page = Page(client.get(path, headers={"HX-Request": "true"} if htmx else {}))
        assert page.status == status, page.html[:2000]
        check_page(page, htmx=htmx)
        return page

    return visit


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
