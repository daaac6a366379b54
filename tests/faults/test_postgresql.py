"""The same on a real PostgreSQL: migrations, leases, huey's storage, two workers, the audit's triggers, backups."""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from research_dashboard import create_app
from research_dashboard.extensions import db, writing
from research_dashboard.services import backups, leases, runs
from research_dashboard.services.database import newest_revision
from research_dashboard.worker import Worker
from tests import postgres
from tests.conftest import settings_for
from tests.faults.bench import status, stored, until, worker


@pytest.fixture
def on_postgresql(server: str, bundle_there: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a PostgreSQL database of its own, bundle loaded."""
    url = postgres.database(server, bundle_there)
    app = create_app({"TESTING": True}, settings_for(tmp_path / "instance", database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    postgres.drop(server, url)


def start(number: int) -> int:
    return runs.start_research("NKE", "ann", peers=["TGT"], options={"n": number}).run_id


def test_p84_postgresql_carries_the_whole_of_durable_work(on_postgresql: Flask) -> None:
    app, settings = on_postgresql, on_postgresql.config["SETTINGS"]
    first = start(0)
    assert not runs.start_research("NKE", "bob", peers=["TGT"], options={"n": 0}).new
    Worker(app).work()
    assert status(first) == "Completed"
    wanted = stored(first)

    ids = [start(number) for number in range(1, 5)]
    with worker(app) as killed, worker(app):
        until(lambda: any(status(run_id) != "Queued" for run_id in ids), 120)
        killed.kill()
        until(lambda: all(status(run_id) == "Completed" for run_id in ids), 120)
    assert all(stored(run_id) == wanted for run_id in ids)

    run_id = start(9)
    lease = leases.claim("w1")
    assert lease is not None
    assert runs.cancel(run_id) == "Cancelling"
    assert leases.confirm_cancel(lease)
    assert status(run_id) == "Cancelled"

    replaced = "INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET actor = 'nobody'"
    changed = "UPDATE audit_events SET actor = 'nobody'"
    for statement in (changed, replaced, "DELETE FROM audit_events", "TRUNCATE audit_events"):
        with pytest.raises(DBAPIError, match="never changed or deleted"), writing() as session:
            session.execute(text(statement))

    made = backups.make(settings.database_url, settings.backups)
    assert made.schema == newest_revision()
    assert backups.verify(made.path) == made
    with writing() as session:
        session.execute(text("DELETE FROM research_runs"))
    db.session.remove()
    db.engine.dispose()
    backups.restore(made.path, settings.database_url, known=[made.schema])
    assert stored(first) == wanted


def test_the_same_research_asked_for_at_once_is_a_new_run_when_the_quicker_one_has_ended(
    on_postgresql: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither finds a standing run; one is quicker, and its run has ended before the other looks again."""
    looks, quicker = itertools.count(1), []
    find = runs.standing_run

    def elsewhere(what: Callable[[], object]) -> None:
        def work() -> None:
            with on_postgresql.app_context():
                what()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def look(session: Session, key: str) -> int | None:
        number = next(looks)
        if number == 3:
            elsewhere(lambda: runs.cancel(quicker[0]))
        found = find(session, key)
        if number == 1:
            elsewhere(lambda: quicker.append(start(1)))
        return found

    monkeypatch.setattr(runs, "standing_run", look)
    slower = start(1)
    assert (next(looks), status(quicker[0]), status(slower)) == (4, "Cancelled", "Queued")
    assert slower != quicker[0]
