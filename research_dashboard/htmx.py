"""The few things a view needs to know about htmx."""

from flask import Response, make_response, render_template, request

STOP_POLLING = 286


def is_partial() -> bool:
    """True when htmx will swap the reply into a page that is already there."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def render(page: str, partial: str, status: int = 200, /, **context: object) -> Response:
    """Render the partial for htmx and the whole page for everybody else."""
    template = partial if is_partial() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response
