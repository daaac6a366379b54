"""Without an account nobody listens where others could reach it, however the server is started."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask.cli
import pytest
from click.testing import CliRunner, Result
from flask import Flask

from research_dashboard import create_app
from research_dashboard.extensions import db
from research_dashboard.listening import is_loopback
from research_dashboard.services import accounts
from research_dashboard.settings import SettingError, Settings
from tests.conftest import settings_for

FAR = ("0.0.0.0", "::", "", "192.0.2.7", "0")
NEAR = ("127.0.0.1", "localhost", "::1", "127.9.9.9")


@pytest.fixture
def listens(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Where Flask's development server was about to listen, instead of doing so."""
    hosts: list[str] = []
    monkeypatch.setattr(flask.cli, "run_simple", lambda host, *_args, **_kw: hosts.append(host))
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda host, *_args, **_kw: hosts.append(host))
    for name in ("FLASK_RUN_FROM_CLI", "FLASK_DEBUG"):  # `flask` sets them for good
        monkeypatch.setenv(name, "0")
    mask = os.umask(0o077)  # as loading the settings does
    yield hosts
    os.umask(mask)


def flask_run(folder: Path, *args: str, **env: str) -> Result:
    env = {"RESEARCH_DASHBOARD_INSTANCE": str(folder), **env}
    return CliRunner().invoke(flask.cli.cli, ["--app", "research_dashboard", "run", *args], env=env)


@pytest.mark.parametrize("host", FAR)
def test_flask_run_refuses_an_address_that_others_could_reach(tmp_path: Path, listens: list[str], host: str) -> None:
    for answer in (flask_run(tmp_path, "--host", host), flask_run(tmp_path, "-h", host, "--no-debugger")):
        assert answer.exit_code == 2
        assert f"at {host or 'every address'}, and there is no account yet" in answer.output
        assert "flask users add NAME --role admin" in answer.output
    assert listens == []


def test_flask_run_refuses_it_from_the_environment_too(tmp_path: Path, listens: list[str]) -> None:
    assert flask_run(tmp_path, FLASK_RUN_HOST="0.0.0.0").exit_code == 2
    assert listens == []


@pytest.mark.parametrize("host", NEAR)
def test_flask_run_listens_on_this_machine(tmp_path: Path, listens: list[str], host: str) -> None:
    answer = flask_run(tmp_path, "--host", host)
    assert (answer.exit_code, listens) == (0, [host]), answer.output
    assert is_loopback(host)


def test_with_an_account_flask_run_listens_anywhere_but_not_with_its_debugger(
    app: Flask, listens: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        accounts.add_user("ann", "correct horse battery", "admin")
    monkeypatch.setenv("RESEARCH_DASHBOARD_DATABASE_URL", settings.database_url)
    assert flask_run(settings.instance, "--host", "0.0.0.0").exit_code == 0
    assert listens == ["0.0.0.0"]
    for args in (("--debugger",), ("--debug",)):
        answer = flask_run(settings.instance, "--host", "0.0.0.0", *args)
        assert (answer.exit_code, "debugger" in answer.output) == (2, True)
    assert listens == ["0.0.0.0"]


def made(app: Flask) -> Flask:
    """The application as a server makes it, on the same database."""
    return create_app(settings=replace(app.config["SETTINGS"]))


def test_app_run_follows_the_same_rule(app: Flask, listens: list[str]) -> None:
    other: Any = made(app)
    with pytest.raises(SettingError, match="flask users add"):
        other.run(host="0.0.0.0")
    other.run(port=8000)
    assert listens == ["127.0.0.1"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux shows a process its sockets")
def test_a_server_that_listens_already_gets_no_application_without_an_account(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        made(app)
    with socket.create_server(("0.0.0.0", 0)):
        with pytest.raises(SettingError, match=r"at 0\.0\.0\.0, and there is no account yet"):
            made(app)
        with app.app_context():
            accounts.add_user("ann", "correct horse battery", "admin")
        made(app)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux shows a process its sockets")
def test_while_the_database_is_away_a_server_may_start_and_lets_nobody_in(tmp_path: Path) -> None:
    away = f"sqlite:///{tmp_path / 'not' / 'there' / 'research.db'}"
    with socket.create_server(("0.0.0.0", 0)):
        app = create_app({"PROPAGATE_EXCEPTIONS": False}, settings_for(tmp_path, database_url=away))
    assert app.test_client().get("/", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 503
    with app.app_context():
        db.engine.dispose()
