"""No `flask` command ends in a traceback: not on an empty instance, nor where the database or the disk fails."""

from pathlib import Path

import pytest
from flask import Flask

from research_dashboard import create_app, settings
from research_dashboard.settings import SettingError

READING = (
    ("companies", "status"),
    ("companies", "verify"),
    ("companies", "fetch", "AAPL"),
    ("companies", "import-bundle"),
    ("research", "verify", "1"),
    ("runs", "cancel"),
    ("db", "prune"),
    ("db", "fill", "1"),
    ("audit", "export"),
    ("audit", "list"),
)


def an_app(tmp_path: Path, url: str = "") -> Flask:
    """The program on an instance where nothing was made yet."""
    environ = {"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), "RESEARCH_DASHBOARD_DATABASE_URL": url}
    return create_app({"TESTING": True}, settings.load(environ))


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_command_on_an_empty_instance_says_what_to_run_first(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = an_app(tmp_path).test_cli_runner().invoke(args=command)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code != 0
    assert "flask db upgrade" in done.output
    assert "SELECT" not in done.output


def test_a_command_whose_database_cannot_be_opened_names_the_setting(tmp_path: Path) -> None:
    app = an_app(tmp_path, "sqlite:////proc/nowhere/research.db")
    for command in (["companies", "status"], ["db", "upgrade"]):
        done = app.test_cli_runner().invoke(args=command)
        assert done.exit_code == 1
        assert "unable to open database file" in done.output
        assert "RESEARCH_DASHBOARD_DATABASE_URL" in done.output


@pytest.mark.parametrize("url", ["nonsense", "oracle9://a:secret@b/c", "postgresql+psycopg://a:secret@b:port/c"])
def test_an_address_of_no_database_is_refused_by_name_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingError, match="DATABASE_URL") as refused:
        an_app(tmp_path, url)
    assert "secret" not in str(refused.value)


def test_an_instance_that_cannot_be_written_to_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="INSTANCE"):
        an_app(tmp_path / "file" / "instance")
