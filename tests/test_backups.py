"""Backups: made under load, verified, restored, made before an upgrade."""

import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade

from research_dashboard import create_app
from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import ResearchRun
from research_dashboard.services import backups
from research_dashboard.services.backups import BackupError
from tests.conftest import Page, settings_for


def add_runs(count: int) -> None:
    with writing() as session:
        session.add_all(ResearchRun(company=f"Company {number}", researcher="ann") for number in range(count))


def count_runs() -> int:
    with reading() as session:
        return session.query(ResearchRun).count()


def flask(app: Flask, *args: str) -> tuple[int, str]:
    with app.app_context():
        db.session.remove()
    result = app.test_cli_runner().invoke(args=list(args))
    return result.exit_code, result.output


def test_p85_a_backup_is_made_verified_and_put_back_and_nothing_is_lost(app: Flask) -> None:
    with app.app_context():
        add_runs(3)
    assert flask(app, "db", "backup")[0] == 0
    with app.app_context():
        add_runs(2)
        db.session.remove()
        db.engine.dispose()
    code, said = flask(app, "db", "verify")
    assert (code, "is sound" in said) == (0, True), said
    made = backups.kept(app.config["SETTINGS"].backups)[0]
    assert made.rows["research_runs"] == 3
    code, said = flask(app, "db", "restore", made.path.name)
    assert code == 0, said
    with app.app_context():
        assert count_runs() == 3
    if not app.config["SETTINGS"].database_url.startswith("sqlite"):
        return
    (aside,) = app.config["SETTINGS"].instance.glob("research-before-restore-*.db")
    with closing(sqlite3.connect(aside)) as kept:
        assert kept.execute("SELECT count(*) FROM research_runs").fetchone() == (5,)


def test_a_backup_of_a_newer_schema_is_refused(app: Flask) -> None:
    made = backups.make(app.config["SETTINGS"].database_url, app.config["SETTINGS"].backups)
    with pytest.raises(BackupError, match="newer version"):
        backups.restore(made.path, app.config["SETTINGS"].database_url, known=["0001"])


def test_a_changed_or_broken_backup_is_found(app: Flask) -> None:
    made = backups.make(app.config["SETTINGS"].database_url, app.config["SETTINGS"].backups)
    content = bytearray(made.path.read_bytes())
    content[5000] ^= 0xFF
    made.path.write_bytes(content)
    code, said = flask(app, "db", "verify")
    assert code == 1
    assert "sha256 differs" in said
    code, said = flask(app, "db", "restore", made.path.name)
    assert code == 1


def test_the_newest_ten_of_each_reason_are_kept(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    before = backups.make(settings.database_url, settings.backups, "before upgrade")
    made = [backups.make(settings.database_url, settings.backups) for _ in range(backups.KEEP + 2)]
    assert {backup.path for backup in backups.kept(settings.backups)} == {
        before.path,
        *(backup.path for backup in made[2:]),
    }
    assert len(list(settings.backups.iterdir())) == 2 * (backups.KEEP + 1), "each is a file and its note"


def test_no_restore_under_a_running_program(app: Flask) -> None:
    import fcntl

    settings = app.config["SETTINGS"]
    backups.make(settings.database_url, settings.backups)
    with (settings.instance / "serve.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = flask(app, "db", "restore", backups.kept(settings.backups)[0].path.name)
    assert code == 1
    assert "stop it" in said


def test_a_backup_that_cannot_be_written_says_so_and_leaves_nothing(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = flask(app, "db", "backup", "--to", str(tmp_path / "file" / "folder"))
    assert code == 1
    assert "No backup was made" in said


def test_a_backup_is_made_before_an_upgrade(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    with app.app_context():
        add_runs(1)
        db.session.remove()
        downgrade(revision="0003")
        upgrade()
        assert count_runs() == 1
        upgrade()
    (made,) = backups.kept(settings.backups)
    assert (made.reason, made.schema, made.rows["research_runs"]) == ("before upgrade", "0003", 1)


def upgrade_in_a_process(folder: Path) -> None:
    app = create_app({"TESTING": True}, settings_for(folder))
    with app.app_context():
        upgrade()


def test_two_upgrades_at_once_do_not_collide(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=upgrade_in_a_process, args=(tmp_path,)) for _ in range(3)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0, 0]


def test_the_status_page_and_the_doctor_say_how_old_the_last_backup_is(
    app: Flask, visit: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = app.config["SETTINGS"]
    assert "None yet" in visit("/status").text("#last-backup")
    backups.make(settings.database_url, settings.backups, now=utcnow() - timedelta(days=9))
    said = visit("/status").text("#last-backup")
    assert said.startswith("9 days ago,")
    assert said.endswith("Older than a week")
    backups.make(settings.database_url, settings.backups)
    assert "Older" not in visit("/status").text("#last-backup")
    assert "backup" in flask(app, "doctor")[1]
