"""The JSON blueprint, all under /api: every path in one place; the endpoints are in endpoints/, one noun a file."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask

from research_dashboard.endpoints import companies, details, research, results, runs
from research_dashboard.endpoints.contract import RUN_ID, refuse_cross_site_writes
from research_dashboard.extensions import csrf

api = Blueprint("api", __name__, url_prefix="/api")
api.before_request(refuse_cross_site_writes)
csrf.exempt(api)  # JSON bodies only, no cookie is trusted, and cross-site writes are refused


def _route(method: str, path: str, endpoint: Callable[..., Any]) -> None:
    """One path; with and without its last slash it answers directly, for a redirect would lose a POST's body."""
    api.add_url_rule(path, view_func=endpoint, methods=[method], strict_slashes=False)


_route("POST", "/research_runs/", runs.run_create)
_route("GET", "/research_runs/", runs.runs)
_route("GET", f"/research_runs/{RUN_ID}", runs.run)
_route("GET", f"/research_runs/{RUN_ID}/progress", research.run_progress)
_route("GET", f"/research_runs/{RUN_ID}/details", details.details)
_route("GET", f"/research_runs/{RUN_ID}/results", results.results)
_route("POST", "/research_details/", details.detail_create)
_route("GET", f"/research_details/{RUN_ID}", details.details)
_route("POST", "/research_results/", results.result_create)
_route("GET", f"/research_results/{RUN_ID}", results.results)
_route("POST", "/research/", research.research_create)
_route("GET", "/companies/", companies.companies)


def init_app(app: Flask) -> None:
    """Register the API."""
    app.register_blueprint(api)
