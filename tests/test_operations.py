"""What a monitor and an administrator see."""

import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from research_dashboard.extensions import db, reading, writing
from research_dashboard.services import accounts, health
from tests.test_models import make_run

ROOT = Path(__file__).parent.parent


def test_not_ready_says_which_part_is_not_and_what_to_do(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    worker = answer.get_json()["checks"]["worker"]
    assert not worker["well"]
    assert "flask worker" in worker["cure"]


def test_once_there_are_accounts_a_stranger_is_not_told_where_things_lie(app: Flask) -> None:
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "viewer")
        token = accounts.add_token("ann", "monitor", "read", 30)[0]
    stranger = app.test_client().get("/readyz")
    assert stranger.get_json()["checks"]["instance"] == {"well": True}
    assert str(app.config["SETTINGS"].instance) not in stranger.text
    known = app.test_client().get("/readyz", headers={"Authorization": f"Bearer {token}"})
    assert known.get_json()["checks"]["instance"]["found"] == str(app.config["SETTINGS"].instance)


def test_the_doctor_names_each_cure_and_fails_when_something_is_wrong(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "NOT  worker: 0 alive" in result.output
    assert "ok   migration" in result.output
    assert "--   accounts: this machine only" in result.output


def broken(app: Flask, offset: int) -> None:
    """Overwrite a part of the database's file, as a failing disk does."""
    with app.app_context():
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    with (app.config["SETTINGS"].instance / "research.db").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 100)


@pytest.mark.sqlite
@pytest.mark.parametrize("where", ["head", "page"])
def test_the_doctor_gives_the_command_that_restores_the_newest_backup_of_a_damaged_file(app: Flask, where: str) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=["db", "backup"])
    (backup,) = (path.name for path in app.config["SETTINGS"].backups.glob("*.db"))
    with app.app_context(), reading() as session:
        root = session.scalar(text("SELECT rootpage FROM sqlite_master WHERE name = 'saved_views'"))
        size = session.scalar(text("PRAGMA page_size"))
    assert root
    assert size
    broken(app, 0 if where == "head" else (root - 1) * size)
    result = runner.invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "NOT  database: " in result.output
    assert "DATABASE_URL" not in result.output
    assert result.output.count(f"`flask db restore {backup}`") == 1
    restored = runner.invoke(args=["db", "restore", backup])
    assert restored.exit_code == 0, restored.output
    assert "ok   database: SQLite" in runner.invoke(args=["doctor"]).output


@pytest.mark.sqlite
def test_the_doctor_says_where_a_backup_of_a_damaged_file_belongs_when_there_is_none(app: Flask) -> None:
    broken(app, 0)
    output = app.test_cli_runner().invoke(args=["doctor"]).output
    assert f"There is no backup in {app.config['SETTINGS'].backups}" in output


def test_a_full_disk_is_seen_before_writes_fail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 1, 1))  # type: ignore[attr-defined]
    with app.app_context():
        disk = next(check for check in health.checks(app.config["SETTINGS"]) if check.name == "disk")
    assert not disk.well
    assert "Make room" in disk.cure


def test_the_metrics_count_requests_and_runs(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        session.add_all([make_run(status="Completed"), make_run(status="Completed"), make_run(status="Queued")])
    client.get("/healthz")
    page = client.get("/metrics").text
    assert 'research_dashboard_runs{status="Completed"} 2.0' in page
    assert 'research_dashboard_requests_total{endpoint="pages.healthz",method="GET",status="200"}' in page
    assert "research_dashboard_database_bytes" in page


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_the_systemd_units_are_well_formed(tmp_path: Path) -> None:
    for unit in (ROOT / "deploy").glob("*.service"):
        lines = unit.read_text().replace("/opt/research-dashboard/.venv/bin/research-dashboard", "/bin/true")
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(lines.replace("/opt/research-dashboard/.venv/bin/flask", "/bin/true"))
        told = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(copy)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert [line for line in told.stderr.splitlines() if copy.name in line] == []
