"""A run's page in every state: what it says, what it offers, when it stops asking."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.models import ResearchDetail, ResearchRun
from research_dashboard.pages.progress import poll_after, progress
from research_dashboard.pages.runs import clock
from research_dashboard.research.steps import STEPS
from research_dashboard.services.runs import cancel

from .conftest import Page
from .factories import make_research, make_run, make_worker

Visit = Callable[..., Page]
BOTH_WAYS = pytest.mark.parametrize("htmx", [False, True])


def status_of(run_id: int) -> str:
    with reading() as session:
        return session.get_one(ResearchRun, run_id).status


@BOTH_WAYS
def test_p25_p32_a_running_run_shows_its_five_steps_in_order(in_app: Flask, visit: Visit, htmx: bool) -> None:
    make_worker()
    page = visit(f"/runs/{make_research('Running', done=2, at='Running')}", htmx=htmx)
    assert page.text("h1") == "Researching Acme Inc."
    assert page.text("#progress-h") == f"Step 3 of 5: {STEPS[2]}"
    names = [heading.find(string=True, recursive=False) for heading in page.soup.select(".steps h3")]
    assert names == list(STEPS)
    states = [str(step["data-state"]) for step in page.soup.select(".steps li")]
    assert states == ["done", "done", "running", "waiting", "waiting"]
    bar = page.soup.select_one("#run-progress .body > progress")
    assert (bar["value"], bar["max"]) == ("40", "100")  # type: ignore[index]
    assert page.text("#run-live") == "2 of 5 steps done"


@BOTH_WAYS
def test_p82_progress_asks_for_itself_until_the_run_has_ended(in_app: Flask, visit: Visit, htmx: bool) -> None:
    root = visit(f"/runs/{make_research('Running', done=1, at='Running')}", htmx=htmx).soup.select_one("#run-progress")
    assert root is not None
    assert str(root["hx-trigger"]).startswith("load delay:")
    assert root["hx-swap"] == "outerHTML"
    ended = make_research("Failed", done=1, at="Failed", error_message="No filed figures.")
    page = visit(f"/runs/{ended}", htmx=htmx, status=286 if htmx else 200)
    assert not page.soup.select("[hx-trigger^=load]")


def test_a_partial_is_never_mistaken_for_the_page(in_app: Flask, visit: Visit) -> None:
    path = f"/runs/{make_research('Running', done=1, at='Running')}"
    assert "HX-Request" in visit(path).headers["Vary"]
    assert "HX-Request" in visit(path, htmx=True).headers["Vary"]
    assert visit(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(4.9, 0), (5, 5), (14.9, 10), (15, 15), (29.9, 15), (30, 30), (59.9, 45), (60, 60), (89.9, 60), (90.0, 90)],
)
def test_time_alone_makes_a_watched_part_anew_ever_more_rarely(seconds: float, shown: int) -> None:
    assert clock(seconds) == shown


def test_who_watches_is_told_304_until_something_of_the_run_changes(in_app: Flask, visit: Visit) -> None:
    make_worker()
    first, second = make_research("Queued"), make_research("Queued", ago=60)
    path = f"/runs/{second}"
    seen = visit(path, htmx=True).headers
    assert seen["Cache-Control"] == "private, no-cache"
    client = in_app.test_client()
    asking = {"HX-Request": "true", "If-None-Match": seen["ETag"]}
    again = client.get(path, headers=asking)
    assert (again.status_code, again.data) == (304, b"")
    assert "HX-Request" in again.headers["Vary"]
    assert client.get(path, headers={"If-None-Match": seen["ETag"]}).status_code == 200  # the whole page is not kept
    with writing() as session:
        session.get_one(ResearchRun, first).status = "Cancelled"
    moved = client.get(path, headers=asking)
    assert "Waiting in the queue, next" in moved.text
    with writing() as session:
        session.get_one(ResearchRun, second).status = "Cancelled"
    ended = client.get(path, headers=asking)
    assert (ended.status_code, "ETag" in ended.headers) == (286, False)


def test_a_part_made_for_one_who_watches_serves_the_next_with_a_token_of_their_own(app: Flask) -> None:
    with app.app_context():
        path = f"/runs/{make_research('Queued')}"
    app.config["WTF_CSRF_ENABLED"] = True
    first, second = app.test_client(), app.test_client()
    one, other = (client.get(path, headers={"HX-Request": "true"}) for client in (first, second))
    tokens = [re.findall(r'name="csrf_token" value="([^"]+)"', answer.text) for answer in (one, other)]
    assert tokens[0] != tokens[1]
    assert one.text.replace(tokens[0][0], tokens[1][0]) == other.text
    for client, token in ((first, tokens[1][0]), (first, "TOKEN-OF-WHO-READS")):  # another's, and nobody's
        assert client.post(f"{path}/cancel", data={"csrf_token": token}).status_code == 400
    assert first.post(f"{path}/cancel", data={"csrf_token": tokens[0][0]}).status_code == 303


@BOTH_WAYS
def test_p39_the_end_says_research_complete(in_app: Flask, visit: Visit, htmx: bool) -> None:
    run_id = make_research("Completed", done=5)
    page = visit(f"/runs/{run_id}", htmx=htmx, status=286 if htmx else 200)
    assert page.text("#messages") == "Research Complete: Acme Inc. All research steps completed successfully!"
    assert len(page.soup.select("#messages[hx-swap-oob]")) == htmx
    assert "5 of 5 steps done" in page.text("#run-live")


def test_that_a_run_is_complete_is_said_once_it_is_not_on_every_later_visit(in_app: Flask, visit: Visit) -> None:
    ended = utcnow() - timedelta(seconds=30)
    path = f"/runs/{make_research('Completed', done=5, ago=60.0, finished_at=ended)}"
    assert visit(path).text("#messages") == ""
    watched = visit(path, htmx=True, status=286)  # whoever watched, if behind a window that slept
    assert watched.text("#messages").startswith("Research Complete: Acme Inc.")


def test_without_javascript_the_page_of_a_run_under_way_comes_anew_by_itself(in_app: Flask, visit: Visit) -> None:
    under_way = visit(f"/runs/{make_research('Running', done=2, at='Running')}")
    assert under_way.soup.select_one("head noscript meta[http-equiv=refresh][content='3']")
    for over in (make_research("Completed", done=5), make_research("Failed", done=1, at="Failed")):
        assert not visit(f"/runs/{over}").soup.select("meta[http-equiv=refresh]")


@BOTH_WAYS
def test_a_queued_run_says_where_it_stands(in_app: Flask, visit: Visit, htmx: bool) -> None:
    make_worker()
    first, second = make_research("Queued"), make_research("Queued")
    assert "next" in visit(f"/runs/{first}", htmx=htmx).text("#progress-h")
    assert "number 2" in visit(f"/runs/{second}", htmx=htmx).text("#progress-h")


@pytest.mark.parametrize("status", ["Queued", "Running", "Cancelling"])
def test_a_run_that_waits_for_a_worker_says_how_to_start_one(in_app: Flask, visit: Visit, status: str) -> None:
    path = f"/runs/{make_research(status)}"
    assert "flask worker" in visit(path).text(".msg.warn")
    make_worker()
    assert not visit(path).soup.select(".msg.warn")


@BOTH_WAYS
def test_d5_a_failed_run_says_why_and_offers_another_go(in_app: Flask, visit: Visit, htmx: bool) -> None:
    message = "There are no filed figures of Acme Inc. Turn on live SEC data."
    run_id = make_research("Failed", done=1, at="Failed", error_message=message)
    page = visit(f"/runs/{run_id}", htmx=htmx, status=286 if htmx else 200)
    assert page.text("h1") == "Research of Acme Inc. failed"
    assert "failed in step 2 of 5" in page.text(".msg.bad")
    assert message in page.text(".msg.bad")
    assert page.text("#run-again.primary") == "Run again"
    assert page.texts(".steps .time b")[2:] == ["Not started"] * 3


@pytest.mark.parametrize(("kind", "offered"), [("no_annual_report", True), ("sec_down", False)])
def test_a_failure_that_asking_otherwise_cures_leads_to_the_form(
    in_app: Flask, visit: Visit, kind: str, offered: bool
) -> None:
    run_id = make_research("Failed", error_kind=kind, as_of=date(2010, 1, 31))
    links = [str(link["href"]) for link in visit(f"/runs/{run_id}").soup.select(".msg.bad a")]
    assert links == ["/researcher?company=ACME&as_of=2010-01-31&source=bundled"] * offered


def test_an_interrupted_run_offers_to_resume(in_app: Flask, visit: Visit) -> None:
    page = visit(f"/runs/{make_research('Interrupted', done=2)}")
    assert page.text("#run-resume.primary") == "Resume"
    assert page.text("#run-cancel") == "Cancel run"
    assert "worker stopped" in page.text(".msg.warn")


def test_a_run_that_is_being_cancelled_cannot_be_cancelled_twice(in_app: Flask, visit: Visit) -> None:
    button = visit(f"/runs/{make_research('Cancelling', done=1, at='Running')}").soup.select_one("#run-cancel")
    assert button is not None
    assert button.has_attr("disabled")
    assert button.text == "Cancelling…"


def test_a_failed_run_can_try_its_failed_step_again(in_app: Flask, visit: Visit, client: FlaskClient) -> None:
    run_id = make_research("Failed", done=2, at="Failed")
    assert visit(f"/runs/{run_id}").text("#run-resume") == "Try the failed step again"
    assert client.post(f"/runs/{run_id}/resume").status_code == 303
    assert status_of(run_id) == "Queued"
    with reading() as session:
        found = session.scalars(select(ResearchDetail.status).where(ResearchDetail.research_run_id == run_id)).all()
    assert found == ["Completed", "Completed", "Pending", "Pending", "Pending"]


def test_a_cancelled_run_says_by_whom_and_what_to_do(in_app: Flask, visit: Visit) -> None:
    run_id = make_research("Queued")
    cancel(run_id)
    with reading() as session:
        assert session.get_one(ResearchRun, run_id).error_kind == "cancelled"
    assert "Cancelled by " in visit(f"/runs/{run_id}").text(".msg.run")


@BOTH_WAYS
def test_a_cancelled_run_can_go_on_or_start_again(in_app: Flask, visit: Visit, htmx: bool) -> None:
    run_id = make_research("Cancelled", done=2, at="Cancelled")
    page = visit(f"/runs/{run_id}", htmx=htmx, status=286 if htmx else 200)
    assert page.texts("#run-progress .head .btn") == ["Resume", "Run again"]


@BOTH_WAYS
def test_what_a_program_logged_is_shown_and_left_alone(in_app: Flask, visit: Visit, htmx: bool) -> None:
    run_id = make_run(company="<b>Bold</b> & Co", insights=3, results={"swot_analysis": {"strengths": ["<script>"]}})
    page = visit(f"/runs/{run_id}", htmx=htmx, status=286 if htmx else 200)
    assert page.text("h1") == "<b>Bold</b> & Co"
    assert page.text("summary") == "SWOT Analysis"
    assert '"<script>"' in page.text("pre")
    assert not page.soup.select("#run-progress .head .btn")


def test_d25_the_bar_shows_the_steps_done_and_what_was_left_open_has_no_time(in_app: Flask, visit: Visit) -> None:
    begun = utcnow() - timedelta(days=326)
    steps = [
        ResearchDetail(step_name="Find", status="Completed", position=1),
        ResearchDetail(step_name="Read", status="Running", position=2, start_time=begun),
    ]
    run_id = make_run(status="Completed", details=steps)
    page = visit(f"/runs/{run_id}")
    assert page.text("#progress-h") == "1 of 2 steps done"
    assert page.soup.select_one("#run-progress .body > progress")["value"] == "50"  # type: ignore[index]
    assert page.texts(".steps .time") == ["Done", "N/A"]


def test_the_title_comes_along_when_the_report_is_swapped_in(in_app: Flask, visit: Visit) -> None:
    run_id = make_research("Failed", done=1, at="Failed")
    page = visit(f"/runs/{run_id}", htmx=True, status=286)
    assert page.text("title") == visit(f"/runs/{run_id}").text("title")
    assert page.text("title") == "Research of Acme Inc. failed - Research Dashboard"


def test_cancel_resume_and_again_lead_back_to_the_run(in_app: Flask, client: FlaskClient) -> None:
    run_id = make_research("Queued", done=1)
    answer = client.post(f"/runs/{run_id}/cancel")
    assert (answer.status_code, answer.location) == (303, f"/runs/{run_id}")
    assert status_of(run_id) == "Cancelled"
    client.post(f"/runs/{run_id}/resume")
    assert status_of(run_id) == "Queued"


def test_what_cannot_be_done_is_said_on_the_page(in_app: Flask, client: FlaskClient, visit: Visit) -> None:
    run_id = make_research("Completed", done=5)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 303
    assert "nothing left to cancel" in visit(f"/runs/{run_id}").text("#messages .bad")
    for action in ("cancel", "resume", "rerun"):
        assert client.get(f"/runs/{run_id}/{action}").status_code == 405, "a GET never writes"
        assert client.post(f"/runs/99999/{action}").status_code == 404


@pytest.mark.parametrize("run_id", ["99999", "0", "10" * 20, "-1", "x", "1.0", "%00"])
def test_a_missing_run_is_404_whatever_its_number(in_app: Flask, visit: Visit, run_id: str) -> None:
    visit(f"/runs/{run_id}", status=404)


def test_a_missing_run_names_the_newest(in_app: Flask, visit: Visit) -> None:
    run_id = make_run()
    assert f"The newest is #{run_id}." in visit("/runs/99999", status=404).text("main")


def test_a_step_is_slow_when_it_takes_over_twice_the_usual_time() -> None:
    now = datetime(2026, 3, 2, 11, 42, tzinfo=UTC)

    def state(seconds: float, usual: dict[str, float]) -> str:
        start = now - timedelta(seconds=seconds)
        detail = ResearchDetail(step_name=STEPS[0], position=1, status="Running", start_time=start, progress=0.5)
        run = ResearchRun(status="Running", origin="research", started_at=start, date=start, details=[detail])
        return progress(run, usual, now).steps[0].state

    assert state(4.1, {STEPS[0]: 2.0}) == "slow"
    assert state(3.9, {STEPS[0]: 2.0}) == "running"
    assert state(0.9, {STEPS[0]: 0.1}) == "running", "below a second nobody waits"
    assert state(60, {}) == "running", "nothing is known yet"


def test_what_is_left_is_said_only_when_it_is_known() -> None:
    now = datetime(2026, 3, 2, 11, 42, tzinfo=UTC)
    run = ResearchRun(status="Running", origin="research", started_at=now, date=now, details=[])
    assert progress(run, {}, now).left is None
    assert progress(run, dict.fromkeys(STEPS, 2.0), now).left == 10.0
    assert progress(run, {}, now - timedelta(seconds=5)).elapsed == 0.0, "a clock that went back is no negative time"


def test_the_page_asks_more_rarely_the_longer_it_takes() -> None:
    start = datetime(2026, 3, 2, 11, 42, tzinfo=UTC)
    run = ResearchRun(status="Running", date=start, started_at=start)
    waits = [poll_after(run, start + timedelta(seconds=seconds)) for seconds in (0, 2, 5, 60)]
    assert waits == ["250ms", "250ms", "1s", "2s"]
    assert poll_after(ResearchRun(status="Completed", date=start), start) is None


@BOTH_WAYS
def test_status_says_whether_a_worker_is_there(in_app: Flask, visit: Visit, htmx: bool) -> None:
    make_run(status="Failed")
    assert "No worker is running" in visit("/status").text(".msg.warn")
    make_worker()
    page = visit("/status")
    assert not page.soup.select(".msg")
    assert "here, process 1" in page.text("#main")


def test_healthz_answers_machines(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"  # type: ignore[index]
