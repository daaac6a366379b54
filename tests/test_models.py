"""What must be true is a constraint in the database."""

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from research_dashboard.extensions import db, writing
from research_dashboard.models import ResearchDetail, ResearchRun


def make_run(**values: object) -> ResearchRun:
    return ResearchRun(**{"company": "Acme", "researcher": "ann", **values})


@pytest.mark.parametrize(
    "values",
    [
        {"company": ""},
        {"company": "   "},
        {"company": "x" * 201},
        {"researcher": ""},
        {"duration_mins": -5.0},
        {"status": "Bananas"},
        {"insights": -9},
        {"status": "Failed", "origin": "research"},
    ],
)
def test_d17_the_database_refuses_a_run_that_cannot_be(in_app: Flask, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), writing() as session:
        session.add(make_run(**values))


def test_d15_a_detail_needs_its_run_and_p4_goes_with_it(in_app: Flask) -> None:
    with pytest.raises(IntegrityError), writing() as session:
        session.add(ResearchDetail(research_run_id=99, step_name="one", position=1))
    with writing() as session:
        run = make_run(details=[ResearchDetail(step_name="one", position=1)])
        session.add(run)
    with writing() as session:
        session.delete(session.get(ResearchRun, run.id))
    assert db.session.query(ResearchDetail).count() == 0


def test_d25_sqlite_runs_in_wal_with_patience_and_foreign_keys(in_app: Flask) -> None:
    with db.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "busy_timeout": 10000, "foreign_keys": 1}
