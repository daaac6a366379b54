"""The JSON blueprint, all under /api: every path in one place; the endpoints are in endpoints/, one noun a file."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask

from research_dashboard.endpoints import refusals
from research_dashboard.endpoints.cross_site import refuse_cross_site_writes
from research_dashboard.endpoints.lazily import Endpoints
from research_dashboard.endpoints.limits import limit_requests
from research_dashboard.extensions import csrf

RUN_ID, POSITION = "<int:run_id>", "<int:position>"

api = Blueprint("api", __name__, url_prefix="/api")
api.before_request(refuse_cross_site_writes)
limit_requests(api)
refusals.register(api)
csrf.exempt(api)  # JSON bodies only, no cookie is trusted, and cross-site writes are refused

bulk, bulk_jobs, companies = (Endpoints(name) for name in ("bulk", "bulk_jobs", "companies"))
details, docs = (Endpoints(name) for name in ("details", "docs"))
openapi, research, results, runs = (Endpoints(name) for name in ("openapi", "research", "results", "runs"))


def _route(method: str, path: str, endpoint: Callable[..., Any]) -> None:
    """One path; with and without its last slash it answers directly, for a redirect would lose a POST's body."""
    api.add_url_rule(path, view_func=endpoint, methods=[method], strict_slashes=False)


_route("POST", "/research_runs/", runs.run_create)
_route("GET", "/research_runs/", runs.runs)
_route("POST", "/research_runs/bulk", bulk.runs_bulk)
_route("POST", "/bulk/", bulk_jobs.bulk_start)
_route("GET", "/bulk/<int:job_id>", bulk_jobs.bulk_job)
_route("GET", f"/research_runs/{RUN_ID}", runs.run)
_route("PATCH", f"/research_runs/{RUN_ID}", runs.run_change)
_route("DELETE", f"/research_runs/{RUN_ID}", runs.run_delete)
_route("POST", f"/research_runs/{RUN_ID}/restore", runs.run_restore)
_route("POST", f"/research_runs/{RUN_ID}/cancel", research.run_cancel)
_route("POST", f"/research_runs/{RUN_ID}/resume", research.run_resume)
_route("POST", f"/research_runs/{RUN_ID}/rerun", research.run_rerun)
_route("GET", f"/research_runs/{RUN_ID}/progress", research.run_progress)
_route("GET", f"/research_runs/{RUN_ID}/changes", runs.run_changes)
_route("GET", f"/research_runs/{RUN_ID}/report", research.run_report)
_route("GET", f"/research_runs/{RUN_ID}/details", details.details)
_route("PATCH", f"/research_runs/{RUN_ID}/details/{POSITION}", details.detail_change)
_route("GET", f"/research_runs/{RUN_ID}/results", results.results)
_route("POST", "/research_details/", details.detail_create)
_route("GET", f"/research_details/{RUN_ID}", details.details)
_route("POST", "/research_results/", results.result_create)
_route("GET", f"/research_results/{RUN_ID}", results.results)
_route("POST", "/research/", research.research_create)
_route("GET", "/companies/", companies.companies)
_route("POST", "/companies/upload", companies.companies_upload)
_route("GET", "/openapi.json", openapi.openapi)
_route("GET", "/docs/", docs.docs)
_route("GET", "/problems/", docs.problem_list)
_route("GET", "/problems/<kind>", docs.problem_page)


def init_app(app: Flask) -> None:
    """Register the API."""
    app.register_blueprint(api)
