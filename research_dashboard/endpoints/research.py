"""The built-in research over the API: start it, watch it."""

from typing import Any

from flask import Response, current_app, request

from research_dashboard.base import utcnow
from research_dashboard.endpoints.answers import Progress, Run
from research_dashboard.endpoints.contract import answer, empty, endpoint, person, sender
from research_dashboard.endpoints.shapes import ReportQuery, ResearchCreate
from research_dashboard.extensions import db, reading
from research_dashboard.logs import logger
from research_dashboard.models import ENDED, Origin, Status, StepStatus
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.queries import records, reports, work
from research_dashboard.queries.preferences import preferences, sec_contact
from research_dashboard.reports.build import is_report
from research_dashboard.services.companies import CompanyError, resolve
from research_dashboard.services.records import NoSuchRun
from research_dashboard.services.runs import RunError, cancel, rerun, resume, start_research
from research_dashboard.services.tickers import look_up

# What RFC 9110 says of 422 fits each: the request is understood, its content cannot be processed. 404 and 409 speak of
# the address and of the state of what stands there, and /api/research is there and has no state.
PROBLEMS = {"unknown": "unknown-company", "ambiguous": "ambiguous-company", "no_figures": "no-figures"}


def _look_up(json: ResearchCreate) -> None:
    """Ask the SEC for names that are unknown here, where live data is on: once a day, and outside of transactions."""
    db.session().commit()
    look_up(map(str, (json.company, *json.peers)), current_app.config["SETTINGS"])


@endpoint(
    {202: Run},
    "unknown-company",
    "ambiguous-company",
    "no-figures",
    tag="Research",
    gives=("Location", "Retry-After"),
    ahead=_look_up,
)
def research_create(json: ResearchCreate) -> Response:
    """Research a company. The same request that waits or works already is answered with the same run."""
    session = db.session()
    live = bool(sec_contact(session, current_app.config["SETTINGS"].sec_contact))
    if json.source == "live" and not live:
        how = "set RESEARCH_DASHBOARD_SEC_CONTACT, or the contact on the settings page"
        raise invalid([FieldError("source", f"Live SEC data is off: {how}.")])
    try:
        started = start_research(
            json.company,
            person() or preferences(session).researcher,
            as_of=json.as_of,
            source=json.source,
            live=live,
            peers=json.peers,
            created_by=sender(),
        )
    except CompanyError as error:
        raise _company_problem(error, json) from None
    except RunError as error:
        raise invalid([FieldError(error.field, str(error))]) from None
    verb = "Started" if started.new else "Found standing"
    return _accepted(verb, started.run_id, company=json.company, source=json.source)


def _company_problem(error: CompanyError, json: ResearchCreate) -> Problem:
    """The problem of a company or a peer that cannot be taken, with what can be instead."""
    field = "peers"
    try:
        resolve(str(json.company), need_figures=json.source != "live")
    except CompanyError:
        field = "company"
    kind = PROBLEMS.get(error.code, "invalid-input")
    choices = [
        {"cik": each.cik, "name": each.name, "ticker": next(iter(each.tickers), None), "figures": each.loaded}
        for each in error.choices
    ]
    more: dict[str, Any] = {}
    if error.code in ("unknown", "ambiguous"):
        more["nearest" if error.code == "unknown" else "choices"] = choices
    return Problem(kind, str(error), [FieldError(field, str(error))], **more)


@endpoint({200: Progress}, tag="Research", takes=("If-None-Match",), gives=("ETag", "Retry-After"))
def run_progress(run_id: int) -> Response:
    """How far a run is."""
    session = db.session()
    rows = work.watched(session, run_id, utcnow())
    state = records.fingerprint(repr(rows))  # read before the rest, which is as new or newer: 304 is never wrong
    if rows and request.if_none_match.contains(state):
        return _unchanged(state, ended=rows[0].status in ENDED)
    run = records.run_record(session, run_id)
    if run is None:
        raise NoSuchRun(run_id)
    ended = run["status"] in ENDED
    ours = run["origin"] in (Origin.RESEARCH, Origin.SCHEDULE)
    usual = work.usual_seconds(session, run_id, run["source"]) if ours else {}
    keys = ("position", "step_name", "status", "progress", "message", "start_time", "end_time")
    details = records.detail_records(session, run_id)
    steps = [{key: step[key] for key in keys} | {"usual_seconds": usual.get(step["step_name"])} for step in details]
    parts = [1.0 if step["status"] == StepStatus.COMPLETED else step["progress"] for step in details]
    done = 1.0 if run["status"] == Status.COMPLETED else sum(parts) / (len(parts) or 1)
    at_work = (StepStatus.RUNNING, StepStatus.FAILED)
    body = {
        **{key: run[key] for key in ("id", "company", "status")},
        "progress": round(done, 4),
        "step": next((step["step_name"] for step in details if step["status"] in at_work), None),
        "steps": steps,
        **{key: run[key] for key in ("started_at", "finished_at", "error_kind", "error_message")},
        "queue_position": work.queue_position(session, run_id),
        "worker_alive": ended or not ours or work.alive(session),
    }
    response = answer(body, headers={} if ended else {"Retry-After": "1"})
    response.set_etag(state)
    return response


def _unchanged(state: str, *, ended: bool) -> Response:
    """304: nothing of the run has changed since."""
    response = Response(
        status=304, headers={"Cache-Control": "private, no-cache"} | ({} if ended else {"Retry-After": "1"})
    )
    response.set_etag(state)
    return response


@endpoint({303: None}, "conflict", tag="Research", gives=("Location",))
def run_report(run_id: int, query: ReportQuery) -> Response:
    """Be led to the report of a run, in a format of your choice; the file's address takes the same token.

    Before the run is completed: 409. A run that a program logged has no report: 404; its results say what it found.
    """
    session = db.session()
    run = reports.run_kept(session, run_id)
    if run is None:
        raise NoSuchRun(run_id)
    if run.status != Status.COMPLETED:
        raise Problem("conflict", f"Run {run_id} is {run.status}; a report is made of a completed run.")
    if not is_report({"financial_health": reports.result_of(session, run_id, "financial_health")}):
        results = f"GET /api/research_runs/{run_id}/results"
        raise Problem("not-found", f"Run {run_id} has no report; what a program logged of it says {results}.")
    logger.info("Fetched report", run_id=run_id, format=query.format)
    return empty(303, {"Location": f"/runs/{run_id}/report.{query.format}"})


@endpoint({202: Run}, "conflict", tag="Research")
def run_cancel(run_id: int) -> Response:
    """Ask a run of the built-in research to stop; a worker that is at it stops at its next step."""
    cancel(run_id)
    return _accepted("Cancelled", run_id)


@endpoint({202: Run}, "conflict", tag="Research")
def run_resume(run_id: int) -> Response:
    """Let an interrupted, failed or cancelled run go on after its last finished step."""
    resume(run_id)
    return _accepted("Resumed", run_id)


@endpoint({202: Run}, "conflict", tag="Research", gives=("Location", "Retry-After"))
def run_rerun(run_id: int) -> Response:
    """Research the same again, on the data as it is now; parent_run_id of the new run names this one."""
    started = rerun(run_id, person() or preferences(db.session()).researcher, created_by=sender())
    return _accepted("Reran", started.run_id, parent_run_id=run_id)


def _accepted(what: str, run_id: int, **more: Any) -> Response:
    """The run as it is now: the rest is the worker's."""
    with reading() as session:
        run = records.run_record(session, run_id)
    logger.info(f"{what} research run", run_id=run_id, **more)
    return answer(run, 202, {"Location": f"/api/research_runs/{run_id}", "Retry-After": "1"})
