"""Issue 6, 8: disk full, file locked, broken or gone, clock set back: said clearly, nothing half-written, mended."""

import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from research_dashboard.base import utcnow
from research_dashboard.extensions import db
from research_dashboard.research.steps import Outcome
from research_dashboard.services import leases, runs
from research_dashboard.worker import Job, Worker
from tests.faults.bench import ROOT, status, steps, stored


def start(**options: object) -> int:
    return runs.start_research("AAPL", "ann", peers=["MSFT"], options=options).run_id


def allow_pages(app: Flask, pages: int) -> None:
    """Let the database file grow no further than this: SQLite says “full”, as it does on a full disk."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    db.engine.dispose()
    event.listen(db.engine, "connect", limit)


def pages(app: Flask) -> int:
    with db.engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)


@pytest.mark.sqlite
def test_on_a_full_disk_nothing_is_half_written_and_the_run_goes_on_when_there_is_room(
    bundled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research_dashboard.worker.TROUBLE_PAUSE", 0.0)
    run_id = start()
    allow_pages(bundled, pages(bundled) + 2)
    worker = Worker(bundled)
    lease = leases.claim(worker.id)
    assert lease is not None
    worker.perform(Job(lease))
    assert status(run_id) == "Running"
    done = [state for state, _ in steps(run_id)].count("Completed")
    assert 0 < done < 5
    before = len(stored(run_id))
    allow_pages(bundled, 10**9)
    worker.work()
    assert status(run_id) == "Completed"
    assert before < len(stored(run_id)) == 8


@pytest.mark.sqlite
def test_a_full_disk_is_said_in_plain_words(bundled: Flask, client: FlaskClient) -> None:
    allow_pages(bundled, 1)
    filler = "x" * 100_000
    bundled.add_url_rule("/fill", "fill", lambda: str(start(filler=filler)))
    answer = client.get("/fill")
    assert answer.status_code == 503
    assert "full" in answer.text
    assert "Free some space" in answer.text


@pytest.mark.sqlite
def test_a_file_that_another_program_holds_is_waited_for(bundled: Flask) -> None:
    path = bundled.config["SETTINGS"].instance / "research.db"
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held.set()
            released.wait(0.5)
            other.execute("COMMIT")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    assert start() > 0
    holder.join()


@pytest.mark.sqlite
def test_a_file_that_stays_locked_is_said(bundled: Flask, client: FlaskClient) -> None:
    def impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    db.engine.dispose()
    event.listen(db.engine, "connect", impatient)
    bundled.add_url_rule("/write", "write", lambda: str(start()))
    path = bundled.config["SETTINGS"].instance / "research.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.get("/write")
    assert answer.status_code == 503
    assert "Another program holds the database" in answer.text


@pytest.mark.sqlite
def test_a_read_only_file_is_said(bundled: Flask, client: FlaskClient) -> None:
    def only_read(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    db.engine.dispose()
    event.listen(db.engine, "connect", only_read)
    bundled.add_url_rule("/write", "write", lambda: str(start()))
    answer = client.get("/write")
    assert answer.status_code == 503
    assert "not written" in answer.text
    event.remove(db.engine, "connect", only_read)
    client.get("/write")  # the page of the first refusal opened a connection of its own, which is given up here
    assert client.get("/write").status_code == 200


@pytest.mark.sqlite
def test_a_broken_file_is_said_and_the_backup_brings_it_back(bundled: Flask) -> None:
    settings = bundled.config["SETTINGS"]
    run_id = start()
    db.session.remove()
    bundled.test_cli_runner().invoke(args=["db", "backup"])
    db.engine.dispose()
    path = settings.instance / "research.db"
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.write(b"this is no database " * 500)
    answer = bundled.test_client().get("/runs/1")
    assert answer.status_code == 503
    assert "flask db restore" in answer.text
    db.session.remove()
    (name,) = (backup.name for backup in settings.backups.glob("*.db"))
    result = bundled.test_cli_runner().invoke(args=["db", "restore", name])
    assert result.exit_code == 0, result.output
    assert status(run_id) == "Queued"
    assert list(settings.instance.glob("research-before-restore-*.db"))


@pytest.mark.sqlite
def test_a_database_gone_for_a_while_and_back_loses_nothing(bundled: Flask, tmp_path: Path) -> None:
    run_id = start()
    path = bundled.config["SETTINGS"].instance / "research.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.session.remove()
    db.engine.dispose()
    shutil.move(path, tmp_path / "away.db")
    path.mkdir()  # a folder in its place: it cannot be opened
    worker = Worker(bundled)
    with pytest.raises(Exception, match="unable to open"):
        worker.work()
    path.rmdir()
    shutil.move(tmp_path / "away.db", path)
    worker.work()
    assert status(run_id) == "Completed"


@pytest.mark.sqlite
def test_a_database_removed_under_the_program_is_said_and_nothing_is_acknowledged_until_it_is_back(
    bundled: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    bundled.add_url_rule("/write", "write", lambda: str(start()))
    path = bundled.config["SETTINGS"].instance / "research.db"
    assert client.get("/write").text == "1"
    assert client.get("/api/research_runs/").status_code == 200
    (tmp_path / "away").mkdir()
    beside = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    for file in beside:
        shutil.move(file, tmp_path / "away")
    for _ in range(2):  # no new, empty database is made by the second either
        answer = client.get("/write")
        assert (answer.status_code, "cannot be reached" in answer.text) == (503, True)
        assert client.get("/api/research_runs/1").status_code == 503
        assert client.get("/readyz").status_code == 503
        assert not path.exists()
    for file in beside:
        shutil.move(tmp_path / "away" / file.name, file)
    assert client.get("/write").status_code == 200
    assert client.get("/api/research_runs/1").status_code == 200


@pytest.mark.sqlite
def test_a_database_put_in_the_place_of_another_is_read_from_then_on(
    bundled: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    path = bundled.config["SETTINGS"].instance / "research.db"
    with closing(sqlite3.connect(path)) as there, closing(sqlite3.connect(tmp_path / "other.db")) as other:
        there.backup(other)
    start()
    db.session.remove()
    assert client.get("/api/research_runs/1").status_code == 200
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    (tmp_path / "other.db").replace(path)
    assert client.get("/api/research_runs/1").status_code == 404


def test_a_clock_set_back_an_hour_keeps_ends_after_starts_and_frees_dead_leases(bundled: Flask) -> None:
    run_id = start()
    assert leases.claim("dead") is not None
    back = utcnow() - timedelta(hours=1)
    lease = leases.claim("alive", back)
    assert lease is not None
    for position in range(1, 6):
        leases.checkpoint(lease, position, Outcome("Done.", {"manifest": {}} if position == 5 else {}), back)
    assert status(run_id) == "Completed"


@pytest.mark.sqlite
def test_a_disk_that_is_full_at_the_start_is_said_by_the_server(tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    result = subprocess.run(
        [sys.executable, "-m", "research_dashboard.serve"],
        cwd=ROOT,
        env={"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), "PORT": "18999", "PATH": "/usr/bin:/bin"},
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "full" in result.stderr
    assert "Traceback" not in result.stderr
