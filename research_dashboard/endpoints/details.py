"""The steps of runs over the API: log one, list a run's, change one."""

from flask import Response

from research_dashboard.endpoints.answers import Detail
from research_dashboard.endpoints.contract import answer, endpoint
from research_dashboard.endpoints.kept import tell
from research_dashboard.endpoints.shapes import DetailChange, DetailCreate
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, invalid
from research_dashboard.queries import records
from research_dashboard.services.records import EndBeforeStart, NoSuchRun, change_detail, log_detail


@endpoint({201: Detail}, "not-found", "conflict", tag="Details", gives=("Location",))
def detail_create(json: DetailCreate) -> Response:
    """Log a step of a run; it stands after the steps that are there."""
    values = dict(json)
    run_id = values.pop("research_run_id")
    detail = log_detail(run_id, **values)
    logger.info("Created research detail", detail_id=detail["id"], run_id=run_id, step=detail["step_name"])
    return answer(detail, 201, {"Location": f"/api/research_details/{run_id}"})


@endpoint({200: list[Detail]}, tag="Details", takes=("If-None-Match",), gives=("X-Total-Count", "ETag"), kept=True)
def details(run_id: int) -> Response:
    """List the steps of a run, in their order."""
    session = db.session()
    found = records.detail_records(session, run_id)
    if not records.run_exists(session, run_id):
        raise NoSuchRun(run_id)
    tell("Fetched research details", run_id=run_id, number=len(found))
    return answer(found, headers={"X-Total-Count": str(len(found))})


@endpoint({200: Detail}, "conflict", tag="Details")
def detail_change(run_id: int, position: int, json: DetailChange) -> Response:
    """Change a step of a run that your program logged: its end, its status, what it says."""
    try:
        detail = change_detail(run_id, position, json.changes())
    except EndBeforeStart:
        raise invalid([FieldError("end_time", "It is before start_time.")]) from None
    logger.info("Changed research detail", run_id=run_id, position=position, status=detail["status"])
    return answer(detail)
