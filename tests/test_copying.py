"""`flask db copy-to`: an installation moves from SQLite to a real PostgreSQL, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from research_dashboard import create_app
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import AuditEvent, ResearchResult, ResearchRun, RunCount, RunNote
from research_dashboard.services import copying, organise, runs
from research_dashboard.services.fill import fill
from research_dashboard.worker import Worker
from tests import postgres
from tests.conftest import settings_for

pytestmark = pytest.mark.sqlite


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """The URL of a database in which nothing is, not even a table."""
    url = postgres.database(server)
    yield url
    postgres.drop(server, url)


@pytest.fixture
def lived_in(bundled: Flask) -> Flask:
    """An installation with a report, notes, runs from elsewhere, one of them in the trash."""
    runs.start_research("NKE", "ann", peers=["TGT"])
    Worker(bundled).work()
    fill(30)
    organise.write_note(1, "Änderung: “inventory” – seen\nby two", "ann")
    with writing() as session:
        session.execute(text("UPDATE research_runs SET deleted_at = date WHERE id = 7"))
    db.session.remove()
    return bundled


def results() -> list[tuple[str, object]]:
    """The report of run 1 as it is stored."""
    with reading() as session:
        statement = select(ResearchResult.result_type, ResearchResult.result_data)
        rows = session.execute(statement.where(ResearchResult.research_run_id == 1).order_by(ResearchResult.id))
        return [(kind, data) for kind, data in rows]


def copy_to(app: Flask, url: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["db", "copy-to", url])
    return result.exit_code, result.output


def test_everything_arrives_and_the_installation_goes_on_there(lived_in: Flask, empty: str, tmp_path: Path) -> None:
    with reading() as session:
        there_are = session.scalar(select(func.count(ResearchRun.id)))
        counted = session.execute(select(RunCount.kind, RunCount.key, RunCount.status, RunCount.runs)).all()
    report = results()
    code, said = copy_to(lived_in, empty)
    assert code == 0, said
    assert f"{there_are:,} rows" in " ".join(said.split())
    moved = create_app({"TESTING": True}, settings_for(tmp_path / "moved", database_url=empty))
    with moved.app_context():
        with reading() as session:
            assert sorted(
                session.execute(select(RunCount.kind, RunCount.key, RunCount.status, RunCount.runs)).all()
            ) == sorted(counted)
            assert session.scalar(select(RunNote.text)) == "Änderung: “inventory” – seen\nby two"
        assert results() == report
        found = moved.test_client().get("/api/research_runs/?q=inventory").get_json()
        assert 1 in [run["id"] for run in found]
        new = runs.start_research("TGT", "bob", peers=["NKE"]).run_id
        assert new == there_are + 1 if there_are else False
        db.session.remove()
        db.engine.dispose()


def test_a_target_that_is_in_use_is_refused_and_left_alone(in_app: Flask, empty: str) -> None:
    fill(30)
    assert copy_to(in_app, empty)[0] == 0
    code, said = copy_to(in_app, empty)
    assert code == 1
    assert "not empty" in said


def test_a_copy_that_broke_off_leaves_nothing_and_is_made_again(
    in_app: Flask, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(30)

    def breaks(_connection: object) -> None:
        raise copying.CopyError("The power went.")

    with monkeypatch.context() as patched:
        patched.setattr(copying, "_reset_sequences", breaks)
        assert copy_to(in_app, empty)[1].strip().endswith("The power went.")
    code, said = copy_to(in_app, empty)
    assert code == 0, said


def test_a_target_that_cannot_be_reached_is_named_without_its_password_and_no_setting_is_blamed(app: Flask) -> None:
    code, said = copy_to(app, "postgresql+psycopg://ann:secret@127.0.0.1:9/research")
    assert code == 1
    assert "postgresql+psycopg://ann:***@127.0.0.1:9/research cannot be reached" in said
    assert "Check the URL given to this command" in said
    assert "RESEARCH_DASHBOARD" not in said
    assert "secret" not in said


@pytest.mark.parametrize("url", ["sqlite:///other.db", "no url at all"])
def test_only_postgresql_is_a_target(app: Flask, url: str) -> None:
    code, said = copy_to(app, url)
    assert code == 1
    assert "Traceback" not in said


def test_what_postgresql_does_not_keep_is_marked_and_named(app: Flask, empty: str, tmp_path: Path) -> None:
    with app.app_context():
        fill(3)
        with writing() as session:
            run = session.get(ResearchRun, 2)
            assert run is not None
            run.title = "a\0b"
            session.add(RunNote(run_id=2, text="n\0te", author="ann"))
            values = {"title": "a\0b \\u0000", "\0": 1}
            session.add(AuditEvent(actor="x", via="page", action="run.title", subject="run 2", after=values))
    code, said = copy_to(app, empty)
    assert code == 0, said
    words = " ".join(said.split())
    for place in ("title of research_runs 2", "text of run_notes 1", "after of audit_events"):
        assert place in words
    assert "PostgreSQL does not keep the character NUL" in words
    moved = create_app({"TESTING": True}, settings_for(tmp_path / "moved", database_url=empty))
    with moved.app_context():
        with reading() as session:
            assert session.scalar(select(ResearchRun.title).where(ResearchRun.id == 2)) == "a\ufffdb"
            assert session.scalar(select(RunNote.text)) == "n\ufffdte"
            newest = select(AuditEvent.after).where(AuditEvent.action == "run.title")
            assert session.scalar(newest) == {"title": "a\ufffdb \\u0000", "\ufffd": 1}
        db.session.remove()
        db.engine.dispose()
