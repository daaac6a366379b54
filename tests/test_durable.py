"""A run is never lost, never doubled, and ends in one way only."""

import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import Origin, ResearchDetail, ResearchResult, ResearchRun, Status
from research_dashboard.queries import work
from research_dashboard.research.steps import STEPS, Outcome
from research_dashboard.services import leases, runs
from research_dashboard.services.leases import LeaseLostError
from research_dashboard.tables.workers import Worker
from tests.makers import make_company

DONE = Outcome("Done.")
LAST = Outcome("Done.", {"insights": {"count": 2}, "manifest": {}}, insights=2, gaps=1)


@pytest.fixture(autouse=True)
def apple(in_app: Flask) -> None:
    make_company("Apple Inc.", 320193, "AAPL")


def start(**values: object) -> int:
    return runs.start_research("AAPL", "ann", **values).run_id  # type: ignore[arg-type]


def claimed(worker: str = "w1") -> leases.Lease:
    lease = leases.claim(worker)
    assert lease is not None
    return lease


def the(run_id: int) -> ResearchRun:
    with reading() as session:
        return session.get_one(ResearchRun, run_id)


def steps(run_id: int) -> list[str]:
    with reading() as session:
        found = select(ResearchDetail.status).where(ResearchDetail.research_run_id == run_id)
        return list(session.scalars(found.order_by(ResearchDetail.position)))


def finish(lease: leases.Lease, now: datetime | None = None) -> None:
    for position in range(lease.position, len(STEPS) + 1):
        leases.checkpoint(lease, position, LAST if position == len(STEPS) else DONE, now)


def test_p33_the_run_and_its_five_steps_are_on_record_before_any_work(in_app: Flask) -> None:
    run = the(start())
    assert (run.status, run.company, run.ticker, run.researcher) == ("Queued", "Apple Inc.", "AAPL", "ann")
    with reading() as session:
        names = session.scalars(select(ResearchDetail.step_name).order_by(ResearchDetail.position)).all()
    assert tuple(names) == STEPS
    assert steps(run.id) == ["Pending"] * 5


def test_d10_a_double_click_makes_one_run(in_app: Flask) -> None:
    first, again = runs.start_research("AAPL", "ann"), runs.start_research("320193", "bob")
    assert (again.run_id, again.new) == (first.run_id, False)
    assert start(options={"view": "first"}) != first.run_id
    finish(claimed())
    assert start() != first.run_id


def test_eight_clicks_at_once_make_one_run(in_app: Flask) -> None:
    answers = []

    def click() -> None:
        with in_app.app_context():
            answers.append(start())

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_d1_d2_a_run_goes_from_queued_to_completed_and_measures_its_work(in_app: Flask) -> None:
    run_id = start()
    lease = claimed()
    assert (lease.run_id, lease.position) == (run_id, 1)
    assert (the(run_id).status, steps(run_id)[0]) == ("Running", "Running")
    assert leases.claim("w2") is None
    began = the(run_id).started_at
    assert began is not None
    leases.checkpoint(lease, 1, DONE, began + timedelta(seconds=20))
    assert steps(run_id)[:3] == ["Completed", "Running", "Pending"]
    finish(leases.Lease(run_id, lease.token, 2), began + timedelta(seconds=50))
    run = the(run_id)
    assert (run.status, run.insights, run.gaps, run.worker) == ("Completed", 2, 1, None)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.date <= run.started_at
    assert run.duration_mins * 60 == pytest.approx((run.finished_at - run.started_at).total_seconds(), abs=1e-6)
    assert steps(run_id) == ["Completed"] * 5
    assert db.session.scalar(select(func.count(ResearchResult.id))) == 2


def test_another_worker_goes_on_after_the_last_finished_step(in_app: Flask) -> None:
    run_id = start()
    dead = claimed()
    leases.checkpoint(dead, 1, DONE)
    assert leases.claim("w2") is None
    later = leases.claim("w2", utcnow() + leases.LEASE + timedelta(seconds=1))
    assert later is not None
    assert later.position == 2
    with pytest.raises(LeaseLostError):
        leases.checkpoint(dead, 2, DONE)
    assert not leases.fail(dead, 2, "x", "y")
    finish(later)
    assert the(run_id).status == "Completed"
    with reading() as session:
        assert session.scalars(select(ResearchDetail.attempt).order_by(ResearchDetail.position)).all() == [
            1,
            2,
            1,
            1,
            1,
        ]


def test_a_clock_set_back_does_not_keep_a_dead_workers_run(in_app: Flask) -> None:
    start()
    claimed()
    assert leases.claim("w2", utcnow() - timedelta(hours=1)) is not None


def test_five_deaths_without_a_checkpoint_end_the_run(in_app: Flask) -> None:
    run_id = start()
    now = utcnow()
    for death in range(leases.MAX_CLAIMS):
        lease = leases.claim(f"w{death}", now)
        assert lease is not None
        now += leases.LEASE + timedelta(seconds=1)
    assert leases.claim("w9", now) is None
    leases.sweep(now)
    run = the(run_id)
    assert (run.status, run.error_kind) == ("Failed", leases.WORKER_DIED)
    assert "died 5 times" in str(run.error_message)
    assert steps(run_id)[0] == "Failed"


def test_a_checkpoint_forgives_the_deaths_before_it(in_app: Flask) -> None:
    run_id = start()
    now = utcnow()
    for _ in range(leases.MAX_CLAIMS - 1):
        leases.claim("w", now)
        now += leases.LEASE + timedelta(seconds=1)
    lease = leases.claim("w", now)
    assert lease is not None
    leases.checkpoint(lease, 1, DONE, now)
    assert the(run_id).attempts == 0


def test_a_run_whose_worker_is_gone_is_interrupted_and_goes_on_when_one_comes(in_app: Flask) -> None:
    run_id = start()
    leases.beat("w1", [])
    claimed()
    soon = utcnow() + leases.LEASE + timedelta(seconds=1)
    leases.sweep(soon)
    assert the(run_id).status == "Running", "a worker that lives may still take it"
    later = utcnow() + work.DEAD_AFTER + timedelta(seconds=1)
    leases.sweep(later)
    assert (the(run_id).status, the(run_id).error_kind) == ("Interrupted", leases.NO_WORKER)
    lease = leases.claim("w2", later)
    assert lease is not None
    assert (the(run_id).status, the(run_id).error_kind) == ("Running", None)


def test_cancelling_a_waiting_run_ends_it_at_once(in_app: Flask) -> None:
    run_id = start()
    assert runs.cancel(run_id) == runs.cancel(run_id) == Status.CANCELLED
    assert leases.claim("w1") is None


def test_cancelled_only_once_the_worker_says_so_and_never_overwritten(in_app: Flask) -> None:
    run_id = start()
    lease = claimed()
    assert runs.cancel(run_id) == Status.CANCELLING
    assert leases.beat("w1", [lease.token]) == {lease.token: Status.CANCELLING}
    with pytest.raises(LeaseLostError):
        leases.checkpoint(lease, 1, DONE)
    assert leases.confirm_cancel(lease)
    assert (the(run_id).status, steps(run_id)[0]) == ("Cancelled", "Cancelled")
    with pytest.raises(LeaseLostError):
        leases.checkpoint(lease, 1, DONE)
    runs.resume(run_id)
    finish(claimed())
    with pytest.raises(runs.RunError, match="nothing left to cancel"):
        runs.cancel(run_id)


def test_a_dead_workers_cancelled_run_is_cancelled_by_the_sweep(in_app: Flask) -> None:
    run_id = start()
    claimed()
    runs.cancel(run_id)
    leases.sweep()
    assert the(run_id).status == "Cancelling"
    leases.sweep(utcnow() + leases.LEASE + timedelta(seconds=1))
    assert the(run_id).status == "Cancelled"


def test_a_failed_step_is_tried_again_and_what_is_finished_stays(in_app: Flask) -> None:
    run_id = start()
    lease = claimed()
    leases.checkpoint(lease, 1, DONE)
    assert leases.fail(lease, 2, "no_facts", "There are no figures. Choose another company.")
    assert steps(run_id) == ["Completed", "Failed", "Pending", "Pending", "Pending"]
    runs.resume(run_id)
    assert (the(run_id).status, the(run_id).error_kind) == ("Queued", None)
    assert claimed().position == 2


def test_a_released_run_is_taken_at_once_and_counts_no_death(in_app: Flask) -> None:
    run_id = start()
    leases.release(claimed())
    assert (the(run_id).attempts, steps(run_id)[0]) == (0, "Pending")
    assert claimed("w2").run_id == run_id


def test_a_workers_beat_says_that_one_is_alive(in_app: Flask) -> None:
    with reading() as session:
        assert not work.alive(session)
    leases.beat("w1", [], 2)
    with reading() as session:
        assert work.alive(session)
        assert not work.alive(session, utcnow() + timedelta(seconds=9))
        assert session.scalar(select(Worker.threads)) == 2
    leases.leave("w1")
    with reading() as session:
        assert not work.alive(session)


def test_people_go_before_schedules_and_see_their_place(in_app: Flask) -> None:
    scheduled = start(origin=Origin.SCHEDULE, options={"n": 1})
    person = start(options={"n": 2})
    with reading() as session:
        assert [work.queue_position(session, run) for run in (person, scheduled)] == [1, 2]
    assert claimed().run_id == person


def test_the_worker_leaves_alone_what_programs_log(in_app: Flask) -> None:
    with writing() as session:
        session.add(ResearchRun(company="Acme", researcher="ann", status="Queued", origin="api"))
        session.add(ResearchRun(company="Acme", researcher="ann", status="Running", origin="api"))
    assert leases.claim("w1") is None
    leases.sweep()
    with reading() as session:
        assert sorted(session.scalars(select(ResearchRun.status))) == ["Queued", "Running"]


@pytest.mark.sqlite
def test_the_claim_looks_at_unfinished_runs_only_however_long_the_history(in_app: Flask) -> None:
    from sqlalchemy.dialects import sqlite

    statement = select(ResearchRun.id).where(leases.eligible(utcnow())).order_by(ResearchRun.priority, ResearchRun.id)
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with db.engine.connect() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "ix_research_runs_unfinished" in plan
    assert "TEMP B-TREE" not in plan


def test_d2_a_failed_run_has_its_duration_and_hours_without_a_worker_are_not_counted(in_app: Flask) -> None:
    run_id = start()
    lease = claimed()
    began = the(run_id).started_at
    assert began is not None
    leases.checkpoint(lease, 1, DONE, began + timedelta(seconds=6))
    later = leases.claim("w2", began + timedelta(hours=5))
    assert later is not None
    leases.fail(later, 2, "no_facts", "Nothing there.", began + timedelta(hours=5, seconds=12))
    run = the(run_id)
    assert run.status == "Failed"
    assert run.duration_mins == pytest.approx((6 + 12) / 60)


def test_what_a_program_logged_waits_in_no_queue(in_app: Flask) -> None:
    with writing() as session:
        logged = ResearchRun(company="Acme", researcher="bot", status="Queued", origin="api")
        session.add(logged)
    run_id = start()
    with reading() as session:
        assert work.queue_position(session, run_id) == 1
        assert work.queue_position(session, logged.id) is None
        assert work.waiting_and_working(session)["Queued"] == 1


def test_the_same_research_waits_until_the_worker_that_is_told_to_stop_has_stopped(in_app: Flask) -> None:
    make_company("Microsoft Corporation", 789019, "MSFT")
    first = start()
    lease = claimed()
    runs.cancel(first)
    second, other = start(), runs.start_research("MSFT", "ann").run_id
    assert second != first
    assert claimed("w2").run_id == other
    assert leases.claim("w2") is None
    assert leases.confirm_cancel(lease)
    assert claimed("w2").run_id == second
