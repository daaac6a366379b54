"""A short, seeded `./dev drill`, as part of ./dev soak: it keeps two processors busy for a minute or two."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from benchmarks.drill import drill
from research_dashboard import create_app
from research_dashboard.extensions import db
from tests import postgres
from tests.conftest import settings_for


@pytest.fixture
def shared(server: str, bundle_there: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a PostgreSQL database with the bundle in it."""
    url = postgres.database(server, bundle_there)
    app = create_app({"TESTING": True}, settings_for(tmp_path / "instance", database_url=url))
    yield app
    with app.app_context():
        db.engine.dispose()
    postgres.drop(server, url)


@pytest.mark.soak
def test_killed_one_after_the_other_nothing_is_lost_doubled_or_refused(shared: Flask, tmp_path: Path) -> None:
    found = drill(shared, tmp_path, seconds=25, every=5, seed=3)
    assert min(found["killed workers"], found["killed web processes"]) > 0
    assert min(found["runs researched"], found["runs logged"]) > 0
    zeros = ("errors beyond those", "lost", "doubled", "requests whose runs differ")
    assert [found[name] for name in zeros] == [0, 0, 0, 0], found
