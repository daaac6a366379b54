"""What a monitor and an administrator see."""

import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import writing
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
    text = client.get("/metrics").text
    assert 'research_dashboard_runs{status="Completed"} 2.0' in text
    assert 'research_dashboard_requests_total{endpoint="pages.healthz",method="GET",status="200"}' in text
    assert "research_dashboard_database_bytes" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_the_systemd_units_are_well_formed(tmp_path: Path) -> None:
    for unit in (ROOT / "deploy").glob("*.service"):
        text = unit.read_text().replace("/opt/research-dashboard/.venv/bin/research-dashboard", "/bin/true")
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(text.replace("/opt/research-dashboard/.venv/bin/flask", "/bin/true"))
        told = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(copy)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert [line for line in told.stderr.splitlines() if copy.name in line] == []
