"""One thing done to many runs: what was confirmed is done, to these and no others, and goes on where it was killed."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from research_dashboard.extensions import reading, writing
from research_dashboard.models import AuditEvent, BulkJob, ResearchRun, RunTag
from research_dashboard.queries.organised import Trashed
from research_dashboard.queries.runs import RunFilter
from research_dashboard.services import bulk_jobs, organise, runs
from research_dashboard.services.organise import CannotOrganise, OthersByNow
from research_dashboard.worker import Worker

from .conftest import Page
from .factories import make_research, make_run
from .test_organise import PATH, do

Visit = Callable[..., Page]


def job(job_id: int) -> BulkJob:
    with reading() as session:
        return session.get_one(BulkJob, job_id)


def statuses() -> dict[int, str]:
    with reading() as session:
        return {run.id: run.status for run in session.scalars(select(ResearchRun).order_by(ResearchRun.id))}


@given(st.sets(st.integers(1, 2**40), max_size=200))
def test_ids_are_the_same_after_they_were_packed(ids: set[int]) -> None:
    assert bulk_jobs.unpacked(bulk_jobs.packed(sorted(ids))) == sorted(ids)


def test_a_million_ids_take_little_room() -> None:
    assert len(bulk_jobs.packed(range(1, 1_000_001))) < 50_000


def test_runs_are_asked_for_again_retried_and_cancelled(bundled: Flask, client: FlaskClient) -> None:
    done = runs.start_research("AAPL", "ann", as_of=date(2026, 9, 1)).run_id
    Worker(bundled).work()
    failed = make_research("Failed", done=2, at="Failed")
    waiting = make_research("Queued")
    logged = make_run(status="Failed")
    said = do(client, "rerun", all="1")
    assert said.startswith("1 run asked for again.")
    assert "1 were logged by a program: only that program can change them." in said
    assert "1 are under way already." in said
    assert "1 could not be: The company of the run is no longer loaded: start a new run instead." in said
    again = max(statuses())
    assert statuses()[again] == "Queued"
    assert do(client, "retry", ids=[failed, done, logged]) == (
        "1 run put in the queue again. 1 had not failed. 1 were logged by a program: only that program can change them."
    )
    assert statuses()[failed] == "Queued"
    assert do(client, "cancel", all="1", filter="status=Queued").startswith("3 runs asked to stop.")
    assert {statuses()[run_id] for run_id in (again, failed, waiting)} == {"Cancelled"}
    assert statuses()[done] == "Completed"


def test_other_runs_than_those_shown_are_left_alone(in_app: Flask) -> None:
    first = [make_run() for _ in range(3)]
    with reading() as session:
        mark = bulk_jobs.marked(bulk_jobs.ids_of(session, RunFilter()), "trash")
    organise.trash([first[0]])
    with pytest.raises(OthersByNow, match="there are 2 by now"):
        bulk_jobs.ask("trash", RunFilter(), "ann", shown=3, mark=mark)
    make_run()
    with pytest.raises(OthersByNow, match="they are not the same by now"):
        bulk_jobs.ask("trash", RunFilter(), "ann", shown=3, mark=mark)
    with pytest.raises(CannotOrganise, match="There is no tag"):
        bulk_jobs.ask("untag", RunFilter(), "ann", shown=3, tag="none")
    with pytest.raises(CannotOrganise, match="cannot be done"):
        bulk_jobs.ask("paint", RunFilter(), "ann", shown=3)


def test_too_much_for_a_moment_is_the_workers_and_its_page_says_how_far(
    in_app: Flask, client: FlaskClient, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "CHUNK", 7)
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 0)
    ids = [make_run() for _ in range(30)]
    form = {"do": "tag", "tag": "Old", "all": "1", "filter": "", "shown": "30"}
    answer = client.post(f"{PATH}/bulk", data=form)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    page = visit(address)
    assert "No worker is running." in page.text("#bulk")
    assert page.soup.select_one("#bulk[hx-get]")
    make_run()  # came later: it was not confirmed
    bulk_jobs.work_off_all(lambda: False)
    page = visit(address, htmx=True, status=286)
    assert "30 of 30 runs dealt with" in page.text("#bulk")
    assert "30 runs put under the tag “Old”." in page.text("#bulk")
    with reading() as session:
        assert sorted(session.scalars(select(RunTag.run_id))) == ids
        by = set(session.scalars(select(AuditEvent.actor).where(AuditEvent.action == "run.tag")))
        assert by == {job(1).asked_by}
        assert session.scalar(select(func.count()).where(AuditEvent.action == "bulk.tag")) == 1
    assert visit("/bulk/99", status=404)


def test_a_job_whose_worker_was_killed_goes_on_where_it_was(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_jobs, "CHUNK", 4)
    for _ in range(10):
        make_run()
    job_id = bulk_jobs.ask("trash", RunFilter(), "ann", shown=10)
    real, calls = organise.trash, []

    def killed(ids: Any) -> int:
        calls.append(ids)
        if len(calls) == 2:
            real(ids)
            raise KeyboardInterrupt  # within the chunk's transaction
        return real(ids)

    monkeypatch.setattr(organise, "trash", killed)
    with pytest.raises(KeyboardInterrupt):
        bulk_jobs.work_off(job_id)
    assert (job(job_id).place, job(job_id).done, job(job_id).state) == (4, 4, "Working")
    bulk_jobs.work_off(job_id)  # its lease has not run out
    assert job(job_id).place == 4
    with writing() as session:
        session.get_one(BulkJob, job_id).lease_until = None
    bulk_jobs.work_off(job_id)
    assert (job(job_id).place, job(job_id).done, job(job_id).state, job(job_id).ids) == (10, 10, "Done", None)


def test_the_last_run_under_a_tag_may_lie_in_an_early_chunk(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_jobs, "CHUNK", 2)
    ids = [make_run() for _ in range(6)]
    organise.tag(ids[:1], "x")
    job_id = bulk_jobs.ask("untag", RunFilter(), "ann", shown=6, tag="X")
    bulk_jobs.work_off(job_id)
    assert bulk_jobs.said(job(job_id)) == "1 run taken from under the tag “X”. 5 were not under it."


def test_the_whole_trash_is_restored_or_emptied_by_age(in_app: Flask, client: FlaskClient, visit: Visit) -> None:
    ids = [make_run() for _ in range(5)]
    organise.trash(ids)
    assert "All that have lain here" in visit("/trash").text("main")
    asked = client.post(f"{PATH}/bulk", data={"do": "purge", "all": "1", "days": "30"})
    assert "Delete for good: 0 runs?" in asked.text
    assert do(client, "restore", all="1", days="0") == "5 runs restored."
    organise.trash(ids)
    assert do(client, "purge", all="1", days="0") == "5 runs deleted for good."
    assert statuses() == {}
    with reading() as session:
        assert bulk_jobs.ids_of(session, Trashed()) == []


def test_a_program_that_posts_to_the_trash_is_answered_as_ever(in_app: Flask, client: FlaskClient) -> None:
    ids = [make_run() for _ in range(3)]
    organise.trash(ids)
    answer = client.post("/trash", data={"do": "restore", "ids": ids[:1]}, follow_redirects=True)
    assert "1 restored." in answer.text
    answer = client.post("/trash", data={"do": "purge", "ids": ids}, follow_redirects=True)
    assert "2 deleted for good." in answer.text
    assert set(statuses()) == set(ids[:1])
    assert client.post("/trash", data={"do": "paint", "ids": ids}).status_code == 422


def test_two_hundred_picked_runs_are_exported(in_app: Flask, client: FlaskClient) -> None:
    ids = [make_run() for _ in range(200)]
    answer = client.post(f"{PATH}/bulk", data={"do": "export", "ids": ids, "filter": ""}, follow_redirects=True)
    assert len(answer.text.splitlines()) == 201
