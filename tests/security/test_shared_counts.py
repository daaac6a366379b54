"""One count over several processes and machines (RATE_STORAGE): shared, refused where it is none, away without harm."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from research_dashboard import create_app, rates
from research_dashboard.extensions import db
from research_dashboard.services import accounts
from research_dashboard.settings import SettingError, load
from tests.conftest import settings_for
from tests.security import redis_server
from tests.security.test_limits import PASSWORD, ask, sign_in

NAME = "RESEARCH_DASHBOARD_RATE_STORAGE"


@pytest.fixture(params=["the machine's own", "the five commands"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a store: of a real Redis where there is one, and of the stand-in in any case."""
    if request.param == "the five commands":
        monkeypatch.setattr(shutil, "which", lambda _name: None)
    with redis_server.redis_server(tmp_path) as uri:
        yield uri


@pytest.fixture
def counting_in(app: Flask) -> Iterator[Callable[[str], Flask]]:
    """Make another process's application on the same database, with a limit that is soon reached."""
    made: list[Flask] = []

    def make(uri: str) -> Flask:
        settings = settings_for(
            app.config["SETTINGS"].instance,
            database_url=app.config["SETTINGS"].database_url,
            api_limit="5 per hour",
            rate_storage=uri,
        )
        made.append(create_app({"TESTING": True, "WTF_CSRF_ENABLED": False}, settings))
        made[-1].before_request(db.session.remove)
        return made[-1]

    yield make
    for each in made:
        with each.app_context():
            db.session.remove()
            db.engine.dispose()


def token_of_ann(app: Flask) -> str:
    with app.app_context():
        accounts.add_user("ann", PASSWORD, "admin")
        return accounts.add_token("ann", "test", "admin", 30)[0]


def test_two_processes_share_one_count(app: Flask, store: str, counting_in: Callable[[str], Flask]) -> None:
    token = token_of_ann(app)
    one, two = counting_in(store), counting_in(store)
    asked = [ask((one, two)[n % 2], "/api/research_runs/", token) for n in range(7)]
    assert asked == [*[200] * 5, 429, 429]
    with two.test_client().get("/api/research_runs/", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.headers["RateLimit-Remaining"] == "0"
        assert 3500 < int(answer.headers["Retry-After"]) <= 3601
    guesses = [sign_in((one, two)[n % 2].test_client(), "ann", "a wrong guess") for n in range(12)]
    assert guesses == [*[422] * 10, 429, 429]


@pytest.mark.parametrize("kind", ["refuses", "never answers"])
def test_a_store_that_is_away_closes_nobodys_door_and_each_process_counts_by_itself(
    app: Flask, kind: str, counting_in: Callable[[str], Flask]
) -> None:
    token = token_of_ann(app)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        uri = f"redis://127.0.0.1:{deaf.getsockname()[1]}"
        if kind == "refuses":
            deaf.close()
        strict = counting_in(uri)
        assert [ask(strict, "/api/research_runs/", token) for _ in range(6)] == [*[200] * 5, 429]
    log = (app.config["SETTINGS"].instance / "logs" / "research_dashboard.log").read_text()
    assert log.count("rate_store_away") == 1, "said once, and not asked again at each request"


def test_a_store_that_is_back_is_counted_in_again(app: Flask, store: str, counting_in: Callable[[str], Flask]) -> None:
    token = token_of_ann(app)
    strict = counting_in(store)
    strict.extensions["rates"].away_until = time.monotonic() + rates.LOOK_AGAIN
    assert [ask(strict, "/api/research_runs/", token) for _ in range(6)][-1] == 429
    strict.extensions["rates"].away_until = time.monotonic()
    assert ask(strict, "/api/research_runs/", token) == 200


@pytest.mark.parametrize(
    "value",
    [
        *("bananas://x", "redis", "redis:/x", "memory", "memory://x", "async+memory://", "redis://h:secret@b:c"),
        *("redis://:secret/word@host", "http://169.254.169.254/", "redis://h?socket_timeout=secret"),
    ],
)
def test_a_store_that_is_none_is_refused_at_the_start_and_not_repeated(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match=f"{NAME}.*redis://HOST") as caught:
        load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), NAME: value})
    assert "secret" not in str(caught.value)


def test_a_command_ends_with_the_words_and_no_traceback(tmp_path: Path) -> None:
    environ = {**os.environ, "RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), NAME: "bananas://x"}
    for command in (
        ["-m", "flask", "--app", "research_dashboard", "users", "list"],
        ["-m", "research_dashboard.serve"],
    ):
        ended = subprocess.run([sys.executable, *command], env=environ, check=False, capture_output=True, text=True)
        assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
        assert f"{NAME} cannot be used: give memory://" in ended.stderr


def test_without_its_package_the_store_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingError, match=r"research-dashboard\[redis\]"):
        load({"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), NAME: "redis://localhost"})


def test_memory_is_the_default_and_a_password_is_not_shown(tmp_path: Path) -> None:
    folder = {"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path)}
    assert load(folder).rate_storage == "memory://"
    assert load({**folder, NAME: "memory://"}).rate_storage == "memory://"
    assert "hunter2" not in repr(load({**folder, NAME: "rediss://:hunter2@counts:6379/1"}))
