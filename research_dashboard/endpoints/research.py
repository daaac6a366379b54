"""The built-in research over the API: start it, watch it."""

from typing import Any

from flask import Response, current_app, request
from spectree import Response as Answers

from research_dashboard.access import actor
from research_dashboard.endpoints.contract import answer, spec
from research_dashboard.endpoints.runs import no_such_run
from research_dashboard.endpoints.shapes import Progress, ResearchCreate, Run
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.models import ENDED, Origin, Status, StepStatus
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.queries import records, work
from research_dashboard.queries.preferences import preferences, sec_contact
from research_dashboard.services.companies import CompanyError, resolve
from research_dashboard.services.runs import RunError, start_research

# What RFC 9110 says of 422 fits each: the request is understood, its content cannot be processed. 404 and 409 speak of
# the address and of the state of what stands there, and /api/research is there and has no state.
PROBLEMS = {"unknown": "unknown-company", "ambiguous": "ambiguous-company", "no_figures": "no-figures"}


@spec.validate(resp=Answers(HTTP_202=Run), tags=["Research"])
def research_create(json: ResearchCreate) -> Response:
    """Research a company. The same request that waits or works already is answered with the same run."""
    session = db.session()
    if json.source == "live" and not sec_contact(session, current_app.config["SETTINGS"].sec_contact):
        how = "set RESEARCH_DASHBOARD_SEC_CONTACT, or the contact on the settings page"
        raise invalid([FieldError("source", f"Live SEC data is off: {how}.")])
    sender = actor()
    try:
        started = start_research(
            json.company,
            sender.name if sender else preferences(session).researcher,
            as_of=json.as_of,
            source=json.source,
            peers=json.peers,
        )
    except CompanyError as error:
        raise _company_problem(error, json) from None
    except RunError as error:
        raise invalid([FieldError("as_of", str(error))]) from None
    session.rollback()  # what was read before the run was written is old
    run = records.run_record(session, started.run_id)
    verb = "Started" if started.new else "Found standing"
    logger.info(f"{verb} research", run_id=started.run_id, company=json.company, source=json.source)
    return answer(run, 202, {"Location": f"/api/research_runs/{started.run_id}", "Retry-After": "1"})


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


@spec.validate(resp=Answers(HTTP_200=Progress), tags=["Research"])
def run_progress(run_id: int) -> Response:
    """How far a run is."""
    session = db.session()
    run = records.run_record(session, run_id)
    if run is None:
        raise no_such_run(run_id)
    ended = run["status"] in ENDED
    ours = run["origin"] in (Origin.RESEARCH, Origin.SCHEDULE)
    usual = work.usual_seconds(session) if ours else {}
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
    response = answer(body)
    response.headers["Cache-Control"] = "no-cache"
    if not ended:
        response.headers["Retry-After"] = "1"
    response.add_etag()
    response.make_conditional(request)
    return response
