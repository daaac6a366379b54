"""The steps of runs over the API: log one, list a run's."""

from flask import Response
from spectree import Response as Answers

from research_dashboard.endpoints.contract import answer, spec
from research_dashboard.endpoints.runs import no_such_run
from research_dashboard.endpoints.shapes import Detail, DetailCreate
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.problems import Problem
from research_dashboard.queries import records
from research_dashboard.services.records import NoSuchRun, NotYours, log_detail


@spec.validate(resp=Answers(HTTP_201=Detail), tags=["Details"])
def detail_create(json: DetailCreate) -> Response:
    """Log a step of a run; it stands after the steps that are there."""
    values = dict(json)
    run_id = values.pop("research_run_id")
    try:
        detail = log_detail(run_id, **values)
    except NoSuchRun:
        raise no_such_run(run_id) from None
    except NotYours as error:
        raise Problem("conflict", str(error)) from None
    logger.info("Created research detail", detail_id=detail["id"], run_id=run_id, step=detail["step_name"])
    return answer(detail, 201, {"Location": f"/api/research_details/{run_id}"})


@spec.validate(resp=Answers(HTTP_200=list[Detail]), tags=["Details"])
def details(run_id: int) -> Response:
    """List the steps of a run, in their order."""
    session = db.session()
    found = records.detail_records(session, run_id)
    if not found and not records.run_exists(session, run_id):
        raise no_such_run(run_id)
    logger.info("Fetched research details", run_id=run_id, number=len(found))
    return answer(found, headers={"X-Total-Count": str(len(found))})
