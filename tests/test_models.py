"""What must be true is a constraint in the database."""

from contextlib import nullcontext

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from research_dashboard.extensions import db, writing
from research_dashboard.models import MOVES, Origin, ResearchDetail, ResearchResult, ResearchRun, Status
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
        {"status": "Failed", "origin": "schedule"},
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
            session.flush()
            session.add(ResearchResult(research_run_id=run.id, result_type="manifest", result_data={}))
        moving = update(ResearchRun).where(ResearchRun.id == run.id).values(status=to.value)
        wanted = nullcontext() if to == now or to in legal else pytest.raises(IntegrityError, match="not legal")
        with wanted, writing() as session:
            session.execute(moving)


@pytest.mark.parametrize("origin", OURS)
def test_a_run_of_ours_cannot_fail_without_saying_why(in_app: Flask, origin: str) -> None:
    run_id = running_run(origin)
    with pytest.raises(IntegrityError, match="says why"):
        end_run(run_id, "Failed")
    end_run(run_id, "Failed", error_kind="sec_down")


@pytest.mark.parametrize("origin", OURS)
def test_a_run_of_ours_cannot_be_completed_without_results(in_app: Flask, origin: str) -> None:
    run_id = running_run(origin)
    with pytest.raises(IntegrityError, match="without results"):
        end_run(run_id, "Completed")
    with writing() as session:
        session.add(ResearchResult(research_run_id=run_id, result_type="manifest", result_data={}))
    end_run(run_id, "Completed")


def running_run(origin: str) -> int:
    with writing() as session:
        run = make_run(status="Running", origin=origin)
        session.add(run)
    return run.id


def end_run(run_id: int, status: str, **values: str) -> None:
    with writing() as session:
        session.execute(update(ResearchRun).where(ResearchRun.id == run_id).values(status=status, **values))


@pytest.mark.sqlite
def test_a_run_is_not_replaced_behind_the_moves(in_app: Flask) -> None:
    with writing() as session:
        run = make_run(status="Cancelled", origin="research")
        session.add(run)
    columns = [column.name for column in ResearchRun.__table__.columns]
    taken = ", ".join("'Running'" if name == "status" else f'"{name}"' for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    for how in ("INSERT OR REPLACE", "REPLACE"):
        with pytest.raises(IntegrityError, match="never replaced"), writing() as session:
            session.execute(text(f"{how} INTO research_runs ({names}) SELECT {taken} FROM research_runs"))
