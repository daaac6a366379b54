"""Secrets stay where they belong: in a folder of the operator's own, and out of what errors say."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from research_dashboard.extensions import reading
from research_dashboard.services import health
from research_dashboard.settings import load


def test_the_instance_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    settings = load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path / "new")})
    assert stat.S_IMODE(settings.instance.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.instance / "secret_key").stat().st_mode) == 0o600


def test_in_a_folder_that_others_may_enter_the_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    folder.chmod(0o755)
    code = """import os, sys
os.umask(0o022)
from research_dashboard import create_app
from research_dashboard.queue import queue_of
from research_dashboard.sources.raw import keep_raw
app = create_app()
settings = app.config["SETTINGS"]
run = app.test_cli_runner().invoke
for command in (["db", "upgrade"], ["users", "add", "ann", "--password", "correct horse battery"], ["db", "backup"]):
    answer = run(args=command)
    assert answer.exit_code == 0, answer.output
queue_of(settings)
keep_raw(settings.instance / "raw" / "CIK1", "facts", b"{}")
"""
    environ = {**os.environ, "RESEARCH_DASHBOARD_INSTANCE": str(folder)}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = {path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert {name for name, mode in found.items() if mode & 0o077} == set()
    assert {"research.db", "secret_key", "logs/research_dashboard.log"} <= set(found)
    assert [name for name in found if name.startswith("backups/")]
    assert [name for name in found if name.startswith("raw/CIK1/")]


def test_the_doctor_says_which_files_others_can_read(app: Flask) -> None:
    settings = app.config["SETTINGS"]

    def told() -> health.Check:
        with app.app_context():
            return next(check for check in health.checks(settings) if check.name == "privacy")

    settings.instance.chmod(0o755)
    (settings.instance / "old.db").touch()
    (settings.instance / "old.db").chmod(0o644)
    assert "others can read" in told().found
    assert told().cure == f"chmod -R go= '{settings.instance}'"
    settings.instance.chmod(0o700)
    assert told().well


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    url = "postgresql+psycopg://research:hunter2@db/research"
    values = {"INSTANCE": str(tmp_path), "DATABASE_URL": url, "SECRET_KEY": "hunter3"}
    assert "hunter" not in repr(load({f"RESEARCH_DASHBOARD_{name}": value for name, value in values.items()}))


def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(in_app: Flask) -> None:
    with pytest.raises(DBAPIError) as caught, reading() as session:
        session.execute(text("SELECT * FROM nowhere WHERE password_hash = :hash"), {"hash": "hunter2"})
    assert "hunter2" not in str(caught.value)
