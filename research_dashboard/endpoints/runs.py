"""Runs over the API: log one, list them, read one."""

from typing import Any

from flask import Response, request
from spectree import Response as Answers

from research_dashboard.access import actor
from research_dashboard.endpoints.contract import answer, page_links, spec
from research_dashboard.endpoints.shapes import Run, RunCreate, RunList
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.queries import records
from research_dashboard.queries.runs import InvalidFilter, RunFilter, runs_total
from research_dashboard.services.records import log_run


def no_such_run(run_id: int) -> Problem:
    """The problem of a run that is not there, with its line in the log (P17)."""
    logger.warning("Research run not found", run_id=run_id)
    return Problem("not-found", f"There is no research run {run_id}.")


@spec.validate(resp=Answers(HTTP_201=Run), tags=["Runs"])
def run_create(json: RunCreate) -> Response:
    """Log a run that your program did."""
    sender = actor()
    run = log_run(**dict(json), created_by=sender.name if sender else None)
    logger.info("Created research run", run_id=run["id"], company=run["company"], status=run["status"])
    return answer(run, 201, {"Location": f"/api/research_runs/{run['id']}"})


@spec.validate(resp=Answers(HTTP_200=list[Run]), tags=["Runs"])
def runs(query: RunList) -> Response:
    """List runs, newest first, filtered as on the page of historical records."""
    try:
        wanted = RunFilter.parse(query.filters())
    except InvalidFilter as error:
        raise invalid(FieldError(each.field, each.detail) for each in error.errors) from None
    session = db.session()
    found = records.run_records(session, wanted, skip=query.skip, limit=query.limit)
    # A page that is not full says the total itself.
    full = len(found) == query.limit or (not found and query.skip)
    total = runs_total(session, wanted) if full else query.skip + len(found)
    filters: dict[str, Any] = dict(query.filters())
    logger.info("Fetched research runs", number=len(found), skip=query.skip, limit=query.limit, **filters)
    headers = {
        "X-Total-Count": str(total),
        "Link": page_links(total, query.skip, query.limit, request.args.items()),
    }
    return answer(found, headers=headers)


@spec.validate(resp=Answers(HTTP_200=Run), tags=["Runs"])
def run(run_id: int) -> Response:
    """Read one run."""
    found = records.run_record(db.session(), run_id)
    if found is None:
        raise no_such_run(run_id)
    logger.info("Fetched research run", run_id=run_id)
    return answer(found)
