"""What must be true is a constraint in the database."""

from contextlib import nullcontext

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from research_dashboard.extensions import db, writing
from research_dashboard.models import MOVES, Origin, ResearchDetail, ResearchRun, Status
from research_dashboard.services.records import legal_moves
from research_dashboard.tables.runs import OURS


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


@pytest.mark.sqlite
def test_d25_sqlite_runs_in_wal_with_patience_and_foreign_keys(in_app: Flask) -> None:
    with db.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "busy_timeout": 10000, "foreign_keys": 1}


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("now", list(Status))
def test_the_database_lets_a_status_move_by_the_legal_table_only(in_app: Flask, now: Status, origin: Origin) -> None:
    legal = MOVES[now] if origin in OURS else legal_moves(now)
    for to in Status:
        with writing() as session:
            run = make_run(status=now.value, origin=origin.value, error_kind="given")
            session.add(run)
        moving = update(ResearchRun).where(ResearchRun.id == run.id).values(status=to.value)
        wanted = nullcontext() if to == now or to in legal else pytest.raises(IntegrityError, match="not legal")
        with wanted, writing() as session:
            session.execute(moving)


@pytest.mark.parametrize("origin", OURS)
def test_a_run_of_ours_cannot_fail_without_saying_why(in_app: Flask, origin: str) -> None:
    with writing() as session:
        run = make_run(status="Running", origin=origin)
        session.add(run)
    failing = update(ResearchRun).where(ResearchRun.id == run.id).values(status="Failed")
    with pytest.raises(IntegrityError, match="says why"), writing() as session:
        session.execute(failing)
    with writing() as session:
        session.execute(failing.values(error_kind="sec_down"))
