"""The results of runs over the API: log one, list a run's."""

from flask import Response
from spectree import Response as Answers

from research_dashboard.endpoints.contract import answer, spec
from research_dashboard.endpoints.runs import no_such_run
from research_dashboard.endpoints.shapes import Result, ResultCreate
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.problems import Problem
from research_dashboard.queries import records
from research_dashboard.services.records import NoSuchRun, NotYours, log_result


@spec.validate(resp=Answers(HTTP_201=Result), tags=["Results"])
def result_create(json: ResultCreate) -> Response:
    """Log a result of a run: any JSON, under a type of your choice."""
    run_id = json.research_run_id
    try:
        result = log_result(run_id, result_type=json.result_type, result_data=json.result_data)
    except NoSuchRun:
        raise no_such_run(run_id) from None
    except NotYours as error:
        raise Problem("conflict", str(error)) from None
    logger.info("Created research result", result_id=result["id"], run_id=run_id, type=result["result_type"])
    return answer(result, 201, {"Location": f"/api/research_results/{run_id}"})


@spec.validate(resp=Answers(HTTP_200=list[Result]), tags=["Results"])
def results(run_id: int) -> Response:
    """List the results of a run, in the order they were stored."""
    session = db.session()
    found = records.result_records(session, run_id)
    if not found and not records.run_exists(session, run_id):
        raise no_such_run(run_id)
    logger.info("Fetched research results", run_id=run_id, number=len(found))
    return answer(found, headers={"X-Total-Count": str(len(found))})
