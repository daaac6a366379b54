"""The results of runs over the API: log one, list a run's."""

from flask import Response

from research_dashboard.endpoints.answers import Result
from research_dashboard.endpoints.contract import answer, endpoint
from research_dashboard.endpoints.kept import tell
from research_dashboard.endpoints.shapes import ResultCreate
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.queries import records
from research_dashboard.services.records import NoSuchRun, log_result


@endpoint({201: Result}, "not-found", "conflict", tag="Results", gives=("Location",))
def result_create(json: ResultCreate) -> Response:
    """Log a result of a run: any JSON, under a type of your choice."""
    run_id = json.research_run_id
    result = log_result(run_id, result_type=json.result_type, result_data=json.result_data)
    logger.info("Created research result", result_id=result["id"], run_id=run_id, type=result["result_type"])
    return answer(result, 201, {"Location": f"/api/research_results/{run_id}"})


@endpoint({200: list[Result]}, tag="Results", takes=("If-None-Match",), gives=("X-Total-Count", "ETag"), kept=True)
def results(run_id: int) -> Response:
    """List the results of a run, in the order they were stored."""
    session = db.session()
    found = records.result_records(session, run_id)
    if not records.run_exists(session, run_id):
        raise NoSuchRun(run_id)
    tell("Fetched research results", run_id=run_id, number=len(found))
    return answer(found, headers={"X-Total-Count": str(len(found))})
