"""Old and new code on one database: the code before the newest migration works on while that is made under it."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from research_dashboard import create_app
from research_dashboard.extensions import db
from research_dashboard.queries.companies import companies_with_facts
from research_dashboard.services import health, runs
from research_dashboard.services.database import VERSIONS, current_revision, newest_revision, prepare_database
from research_dashboard.tables.runs import Source
from tests.conftest import settings_for
from tests.faults.bench import ROOT, answers, environment, free_port, status, until

Columns = dict[tuple[str, str], bool]


def git(*arguments: str) -> bytes:
    """What git says; nothing where there is no repository."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """A folder with the package as it was before the newest migration."""
    (newest,) = VERSIONS.glob(f"{newest_revision()}_*.py")
    added = git("log", "--diff-filter=A", "-1", "--format=%H", "--", str(newest.relative_to(ROOT))).decode().strip()
    archive = git("archive", f"{added}^", "research_dashboard") if added else b""
    if not archive:
        pytest.skip("the code before the newest migration is not in this repository's history")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


@contextmanager
def old_process(app: Flask, folder: Path, *arguments: str) -> Iterator[None]:
    """A process of the old code on the app's database; killed at the end."""
    with (folder / f"{arguments[0]}.log").open("w") as log:
        command = [sys.executable, "-m", "flask", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment(app), stdout=log, stderr=log)
        try:
            yield
            assert process.poll() is None, (folder / f"{arguments[0]}.log").read_text()
        finally:
            process.kill()
            process.wait()


def columns() -> Columns:
    """Every column, and whether a row may be stored without it."""
    there = inspect(db.engine)
    return {
        (table, column["name"]): bool(column["nullable"] or column["default"] or column.get("autoincrement") is True)
        for table in there.get_table_names()
        for column in there.get_columns(table)
    }


def previous() -> str:
    return sorted(path.name[:4] for path in VERSIONS.glob("[0-9]*_*.py"))[-2]


def test_the_newest_migration_takes_nothing_away_and_asks_for_nothing_new(app: Flask) -> None:
    with app.app_context():
        downgrade(revision=previous())
        before = columns()
        db.engine.dispose()
        upgrade()
        after = columns()
    assert set(before) <= set(after), "old code reads and writes these"
    tables = {table for table, _ in before}
    required = [key for key, may_be_left_out in after.items() if key not in before and not may_be_left_out]
    assert [key for key in required if key[0] in tables] == [], "old code does not write these"


def test_code_that_is_older_than_its_database_goes_on_and_says_so(
    bundled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bundled.config["SETTINGS"]
    monkeypatch.setattr("research_dashboard.services.database.newest_revision", previous)
    monkeypatch.setattr("research_dashboard.services.health.newest_revision", previous)
    assert not prepare_database(settings.instance)
    check = next(check for check in health.checks(settings) if check.name == "migration")
    assert (check.well, check.needed, check.cure) == (False, False, "Install the newer program.")


def test_old_web_and_worker_work_on_while_the_newest_migration_is_made(bundled: Flask, old_code: Path) -> None:
    assert companies_with_facts(Source.BUNDLED)
    downgrade(revision=previous())
    db.session.remove()
    shutil.rmtree(bundled.config["SETTINGS"].backups, ignore_errors=True)
    port = free_port()
    with old_process(bundled, old_code, "worker"), old_process(bundled, old_code, "run", "--port", str(port)):
        until(lambda: answers(port))
        before = ask(port)
        upgrade()
        assert current_revision() == newest_revision()
        by_new = runs.start_research("TGT", "ann", peers=["NKE"]).run_id
        by_old = ask(port)
        until(lambda: all(status(run_id) == "Completed" for run_id in (before, by_new, by_old)), 120)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/historical-records", timeout=60) as page:
            assert page.status == 200
    new = create_app(
        {"TESTING": True}, settings_for(old_code / "x", database_url=bundled.config["SETTINGS"].database_url)
    )
    assert new.test_client().get(f"/runs/{by_new}").status_code == 200
    with new.app_context():
        db.session.remove()
        db.engine.dispose()


def ask(port: int) -> int:
    """Ask the old web process for research; answers the run's id."""
    body = json.dumps({"company": "NKE", "peers": ["TGT"]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/research", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202
        return int(json.load(answer)["id"])
