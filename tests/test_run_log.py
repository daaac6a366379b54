"""Issue 6, 5: a run's log by level, kept with the run; its timeline; what took longer than usual."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.base import utcnow
from research_dashboard.extensions import from_json, reading, writing
from research_dashboard.models import Level, ResearchDetail
from research_dashboard.queries.run_log import lines
from research_dashboard.queries.work import usual_seconds
from research_dashboard.research.steps import STEPS
from research_dashboard.services import leases, runs
from research_dashboard.services.leases import NO_WORKER
from research_dashboard.services.run_log import say
from research_dashboard.timeline import Bar, draw, pauses
from research_dashboard.worker import Worker

from .conftest import Page
from .factories import make_research

Visit = Callable[..., Page]


def said(run_id: int, level: Level = Level.DEBUG) -> list[str]:
    with reading() as session:
        return [line.message for line in lines(session, run_id, level)]


def start(app: Flask) -> int:
    return runs.start_research("NKE", "ann", peers=["TGT"]).run_id


def test_an_unbroken_run_says_what_it_did_step_by_step(bundled: Flask) -> None:
    run_id = start(bundled)
    Worker(bundled).work()
    told = said(run_id)
    assert told[0].startswith("Asked for by ann. Source: bundled, data: ")
    assert told[1].startswith("Taken by ")
    assert [line for line in told if line.endswith(" begins.")] == [f"{name} begins." for name in STEPS]
    assert len([line for line in told if line.startswith("Done. ")]) == 5
    assert told[-1] == "Completed."
    assert said(run_id, Level.WARNING) == []


def test_cancel_resume_and_a_taken_over_run_are_in_the_log(bundled: Flask) -> None:
    run_id = start(bundled)
    lease = leases.claim("first")
    assert lease is not None
    runs.cancel(run_id)
    leases.confirm_cancel(lease)
    runs.resume(run_id)
    assert leases.claim("second") is not None
    assert leases.claim("third", utcnow() + timedelta(seconds=8)) is not None
    told = said(run_id, Level.INFO)
    for words in ("Cancel was asked for", "Cancelled: the worker", "In the queue again", "Taken over by third"):
        assert any(words in line for line in told), words


def test_an_interrupted_run_says_so_in_its_log_too(bundled: Flask) -> None:
    run_id = start(bundled)
    assert leases.claim("gone") is not None
    leases.sweep(utcnow() + timedelta(minutes=1))
    assert "Interrupted" in said(run_id, Level.WARNING)[-1]
    assert NO_WORKER == "no_worker"


def test_a_worker_that_died_in_a_later_step_is_in_the_log_too(bundled: Flask) -> None:
    run_id = start(bundled)
    lease = leases.claim("first")
    assert lease is not None
    leases.checkpoint(lease, 1, leases.Outcome("Done."))
    assert leases.claim("second", utcnow() + timedelta(seconds=30)) is not None
    assert said(run_id, Level.WARNING) == ["The worker before stopped without a word. Taken over by second, attempt 2."]


def test_a_step_at_which_nobody_works_is_not_called_running(in_app: Flask, visit: Visit) -> None:
    run_id = make_research("Interrupted", done=1, at="Running", ago=500)
    make_research("Completed", done=5)
    page = visit(f"/runs/{run_id}")
    assert "Running" not in page.text("main")
    assert "slower than usual" not in page.text("main")


def test_what_is_usual_is_measured_by_runs_of_the_same_source(in_app: Flask) -> None:
    for source, runs_of_it in (("bundled", 3), ("live", 1)):
        for _ in range(runs_of_it):
            run_id = make_research("Completed", done=5, source=source)
    with writing() as session:
        step = session.query(ResearchDetail).filter_by(research_run_id=run_id, position=2).one()
        assert step.start_time is not None
        step.end_time = step.start_time + timedelta(seconds=40)
    with reading() as session:
        usual = [usual_seconds(session, None, source)[STEPS[1]] for source in ("bundled", "live", None)]
        assert usual == [1, 40, 1]
        assert usual_seconds(session, None, "uploaded") == {}


def test_a_failure_is_an_error_line_with_its_kind(bundled: Flask) -> None:
    run_id = start(bundled)
    lease = leases.claim("one")
    assert lease is not None
    leases.fail(lease, 1, "no_facts", "No filed figures. Load some.")
    assert said(run_id, Level.ERROR) == ["Failed (no_facts): No filed figures. Load some."]


def test_a_refused_checkpoint_leaves_no_line(bundled: Flask) -> None:
    run_id = start(bundled)
    lease = leases.claim("one")
    assert lease is not None
    runs.cancel(run_id)
    before = said(run_id)
    with pytest.raises(leases.LeaseLostError):
        leases.checkpoint(lease, 1, leases.Outcome("Never kept."))
    assert said(run_id) == before


def a_run_with_lines() -> int:
    run_id = make_research("Failed", done=1, at="Failed")
    with writing() as session:
        for level in Level:
            say(session, run_id, f"A line of {level}\nin two", level, 2)
    return run_id


@pytest.mark.parametrize("htmx", [False, True])
def test_the_page_filters_by_level(in_app: Flask, visit: Visit, htmx: bool) -> None:
    run_id = a_run_with_lines()

    def shown(query: str) -> list[str]:
        page = visit(f"/runs/{run_id}/log{query}", htmx=htmx, status=286 if htmx else 200)
        return page.texts("#run-log tbody .badge")

    assert shown("") == ["Info", "Warning", "Error"]
    assert shown("?level=debug") == ["Debug", "Info", "Warning", "Error"]
    assert shown("?level=warning") == ["Warning", "Error"]
    assert shown("?level=error") == ["Error"]


def test_a_level_that_there_is_not_is_refused_by_name(in_app: Flask, visit: Visit) -> None:
    page = visit(f"/runs/{a_run_with_lines()}/log?level=loud", status=422)
    assert "debug, info, warning, error" in page.text("main")


def test_the_log_downloads_as_text_and_as_lines_of_json(in_app: Flask, client: FlaskClient) -> None:
    run_id = a_run_with_lines()
    text = client.get(f"/runs/{run_id}/log.txt?level=warning")
    assert text.headers["Content-Disposition"] == f"attachment; filename=run-{run_id}-log.txt"
    assert [line.split()[1] for line in text.text.splitlines()] == ["WARNING", "ERROR"]
    assert "A line of warning in two" in text.text
    rows = [from_json(line) for line in client.get(f"/runs/{run_id}/log.ndjson?level=debug").text.splitlines()]
    assert [(row["run"], row["level"], row["step"]) for row in rows] == [(run_id, level, 2) for level in Level]
    assert client.get(f"/runs/{run_id}/log.exe").status_code == 404


def test_a_working_run_shows_its_newest_lines_and_the_way_to_all(in_app: Flask, visit: Visit) -> None:
    run_id = make_research("Running", done=1, at="Running")
    with writing() as session:
        say(session, run_id, "Fetching the second of eight.")
    page = visit(f"/runs/{run_id}")
    assert "Fetching the second of eight." in page.text("[aria-labelledby=lately-h]")
    assert page.soup.select_one(f'a[href="/runs/{run_id}/log"]') is not None


def test_a_step_that_took_longer_than_usual_is_marked_also_when_it_is_done(in_app: Flask, visit: Visit) -> None:
    for _ in range(3):
        make_research("Completed", done=5)
    run_id = make_research("Failed", done=2, at="Failed")
    with writing() as session:
        step = session.query(ResearchDetail).filter_by(research_run_id=run_id, position=2).one()
        assert step.start_time is not None
        step.end_time = step.start_time + timedelta(seconds=9)
        step.attempt = 3
    times = visit(f"/runs/{run_id}").texts(".steps .time")
    assert times[0] == "1.0 s usually 1.0 s"
    assert times[1] == "9.0 s slower than usual, usually 1.0 s, attempt 3"
    assert len(visit(f"/runs/{run_id}").soup.select(".timeline .step.slow")) == 1


def test_the_timeline_sets_steps_one_after_another_and_marks_a_night_between_them() -> None:
    bars = [
        Bar("One", "done", 0.0, 2.0, 1.0),
        Bar("Two", "done", 30_000.0, 30_004.0, 4.0),
        Bar("Three <b>", "waiting", None, None),
    ]
    svg = draw(bars)
    assert svg.count("<rect") == 2
    assert svg.count('class="pause"') == 1
    assert "Three &lt;b&gt;: not started" in svg
    assert pauses(bars) == 29_998.0
    assert draw([Bar("One", "waiting", None, None)]) == ""
