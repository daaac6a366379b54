"""One thing done to all runs of a filter over the API: confirmed by their number, worked off in chunks."""

from flask import Response

from research_dashboard.access import refuse_purging
from research_dashboard.endpoints.answers import BulkCount, BulkJob
from research_dashboard.endpoints.contract import answer, endpoint, sender
from research_dashboard.endpoints.shapes import BulkStart
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.queries import bulk as queries
from research_dashboard.queries.preferences import preferences
from research_dashboard.queries.run_filter import InvalidFilter
from research_dashboard.services import bulk_jobs
from research_dashboard.services.organise import CannotOrganise, OthersByNow
from research_dashboard.tables import bulk as tables

KEYS = ("id", "action", "tag", "state", "total", "place", "done", "skipped", "asked_by", "created_at", "finished_at")


@endpoint({200: BulkCount, 202: BulkJob}, "conflict", tag="Bulk", gives=("Location", "Retry-After"))
def bulk_start(json: BulkStart) -> Response:
    """Do one thing to every run that a filter text finds: tag, untag, trash, restore, purge, rerun, retry, cancel.

    Send it without a count first: nothing is done, and the answer says how many runs it is about. Send it again with
    that count: it is done to these runs and no others, at once as far as a moment allows, the rest by the workers.
    """
    if json.action == "purge":
        refuse_purging()
    if json.all == bool(json.filter.strip()) and not (json.days and not json.all):
        raise invalid([FieldError("filter", "Say which runs by a filter, or all: true for every run there is.")])
    try:
        chosen = bulk_jobs.chosen_by(json.action, json.filter, json.days)
    except InvalidFilter as error:
        raise invalid(FieldError("filter", each.detail) for each in error.errors) from None
    if json.count is None:
        count, mark = bulk_jobs.counted(chosen, json.action, json.tag)
        return answer({"action": json.action, "count": count, "mark": mark})
    by = sender() or preferences(db.session()).researcher
    try:
        job_id = bulk_jobs.ask(
            json.action, chosen, by, shown=json.count, mark=json.mark or None, tag=json.tag, via="api"
        )
    except OthersByNow as error:
        raise Problem("conflict", str(error), [FieldError("count", str(error))]) from None
    except CannotOrganise as error:
        raise invalid([FieldError("tag", str(error))]) from None
    logger.info("Asked for many runs", action=json.action, job=job_id, number=json.count)
    return _shown(bulk_jobs.work_off_now(job_id), 202)


@endpoint({200: BulkJob}, tag="Bulk", gives=("ETag", "Retry-After"))
def bulk_job(job_id: int) -> Response:
    """How far it is with what is being done to many runs."""
    job = queries.bulk_job(db.session(), job_id)
    if job is None:
        raise Problem("not-found", f"Nothing was asked for under the number {job_id}.")
    return _shown(job, 200)


def _shown(job: tables.BulkJob, status: int) -> Response:
    headers = {"Location": f"/api/bulk/{job.id}"} if status == 202 else {}
    if job.state in ("Waiting", "Working"):
        headers["Retry-After"] = "1"
    body = {key: getattr(job, key) for key in KEYS} | {"said": bulk_jobs.said(job)}
    return answer(body, status, headers)
