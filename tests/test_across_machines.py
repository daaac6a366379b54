"""What several processes on several machines share through PostgreSQL: the SEC's queue, and what searches go by."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, func, select, text

from research_dashboard import create_app
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import ResearchRun
from research_dashboard.queries import status
from research_dashboard.queries.run_fields import full_text
from research_dashboard.queries.runs import runs_overall
from research_dashboard.services import health, live
from research_dashboard.services.fill import fill
from research_dashboard.sources.limiter import DatabaseLimiter, FileLimiter, TooLongError
from tests import postgres
from tests.conftest import settings_for
from tests.test_models import make_run

SLOTS = """
import sys
from sqlalchemy import create_engine
from research_dashboard.sources.limiter import DatabaseLimiter
limiter = DatabaseLimiter(create_engine(sys.argv[1]), per_second=50)
for _ in range(10):
    limiter.wait()
"""


@pytest.fixture
def there(server: str, empty_there: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on an empty PostgreSQL database of its own."""
    url = postgres.database(server, empty_there)
    app = create_app({"TESTING": True}, settings_for(tmp_path / "one", database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    postgres.drop(server, url)


@pytest.fixture
def engine(there: Flask) -> Engine:
    return db.engine


def test_two_machines_stand_in_one_line_for_the_sec(there: Flask) -> None:
    url = there.config["SETTINGS"].database_url
    began = time.monotonic()
    machines = [subprocess.Popen([sys.executable, "-c", SLOTS, url]) for _ in range(2)]
    assert [machine.wait(60) for machine in machines] == [0, 0]
    assert time.monotonic() - began >= 19 / 50
    assert live.limiter_of(there.config["SETTINGS"].instance).calls() == 20
    assert "research_dashboard_sec_calls_total 20.0" in there.test_client().get("/metrics").text


def test_a_pause_holds_on_every_machine_and_a_long_one_is_not_waited_for(engine: Engine) -> None:
    here, elsewhere = DatabaseLimiter(engine), DatabaseLimiter(create_engine(engine.url))
    here.pause(600)
    with pytest.raises(TooLongError) as refused:
        elsewhere.wait()
    assert 590 < refused.value.seconds <= 600
    elsewhere.engine.dispose()
    here.pause(3)  # a shorter one does not end it
    here.hurry(2)
    with pytest.raises(TooLongError):
        here.wait()


def test_the_files_queue_counts_what_was_sent_and_a_pause_is_no_request(tmp_path: Path) -> None:
    limiter = FileLimiter(tmp_path / "limit", per_second=1000)
    assert limiter.calls() == 0
    limiter.wait()
    limiter.pause(0)
    limiter.wait()
    assert FileLimiter(tmp_path / "limit").calls() == 2
    (tmp_path / "limit").write_text(f"{time.time()!r}")  # as it was kept before there was a number
    assert limiter.calls() == 0


def test_an_id_beyond_what_the_column_holds_is_not_there(there: Flask) -> None:
    client = there.test_client()
    for path in ("/runs/999999999999", "/api/research_runs/999999999999", "/companies/999999999999"):
        assert client.get(path).status_code == 404, path
    assert client.get("/api/research_runs/?q=id%3D999999999999").get_json() == []


def test_an_installation_is_filled_there_too(there: Flask) -> None:
    fill(200)
    with reading() as session:
        assert runs_overall(session) == session.scalar(select(func.count(ResearchRun.id))) == 200


def test_the_start_of_a_word_is_found_and_signs_do_no_harm(there: Flask) -> None:
    with writing() as session:
        session.add_all([make_run(title="Rising inventories"), make_run(title="Margins hold")])
    with reading() as session:
        for words, found in (("invent", [1]), ("rising inventory", [1]), ("ri", []), ("'* | ! &", []), ('"hold', [2])):
            assert list(session.scalars(full_text(words))) == found, words


def test_trigrams_are_used_where_the_server_has_them_and_else_the_doctor_says_so(there: Flask) -> None:
    with reading() as session:
        at_hand = session.scalar(text("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"))
        assert status.has_trigrams(session) == at_hand
        if at_hand:
            session.execute(text("SET enable_seqscan = off"))
            sought = "SELECT name FROM company_names WHERE lower(normalize(name, NFKC)) LIKE '%' || 'acme' || '%'"
            plan = " ".join(session.scalars(text(f"EXPLAIN {sought}")))
            assert "company_names_parts" in plan
    check = next(check for check in health.checks(there.config["SETTINGS"]) if check.name == "search")
    assert check.well == at_hand
    assert at_hand or "pg_trgm" in check.cure
