"""The API's pages for people: its documentation, drawn by Swagger UI from this server, and one page a problem."""

from importlib.resources import files

from flask import Response, abort, make_response, render_template

from research_dashboard.problems import KINDS

ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
# Swagger UI sets styles on elements and draws its icons from data: addresses; nothing comes from elsewhere.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)


def docs() -> Response:
    """The documentation of the API, to read and to try out; it needs no network."""
    response = make_response(render_template("api/docs.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def docs_asset(name: str) -> Response:
    """A file of Swagger UI, out of its package."""
    if name not in ASSETS:
        abort(404)
    data = files("flask_swagger_ui").joinpath("dist", name).read_bytes()
    response = Response(data, content_type=f"{ASSETS[name]}; charset=utf-8")
    response.cache_control.max_age = 86400
    return response


def problem_list() -> str:
    """Every type of problem that the API answers with."""
    return render_template("api/problems.html", kinds=KINDS)


def problem_page(kind: str) -> str:
    """One type of problem: what it means and what to do."""
    if kind not in KINDS:
        abort(404, f"There is no problem type {kind!r}.")
    return render_template("api/problem.html", name=kind, kind=KINDS[kind])
