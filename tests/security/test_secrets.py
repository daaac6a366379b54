"""Secrets stay where they belong: in a folder of the operator's own, and out of what errors say."""

import stat
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from research_dashboard.extensions import reading
from research_dashboard.settings import load


def test_the_instance_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    settings = load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path / "new")})
    assert stat.S_IMODE(settings.instance.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.instance / "secret_key").stat().st_mode) == 0o600


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    url = "postgresql+psycopg://research:hunter2@db/research"
    values = {"INSTANCE": str(tmp_path), "DATABASE_URL": url, "SECRET_KEY": "hunter3"}
    assert "hunter" not in repr(load({f"RESEARCH_DASHBOARD_{name}": value for name, value in values.items()}))


def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(in_app: Flask) -> None:
    with pytest.raises(DBAPIError) as caught, reading() as session:
        session.execute(text("SELECT * FROM nowhere WHERE password_hash = :hash"), {"hash": "hunter2"})
    assert "hunter2" not in str(caught.value)
