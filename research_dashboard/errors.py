"""One place for errors: pages for people, problem+json for programs. Every answer carries its request's number."""

from http import HTTPStatus

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DatabaseError
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from research_dashboard import htmx, problems
from research_dashboard.base import trouble
from research_dashboard.logs import logger, request_id

# What happened and what to do, where the one who raised the error did not say it better.
PAGES: dict[int, tuple[str, str, str]] = {
    400: (
        "That request cannot be understood",
        "Something in it is not as it should be; a form left open over a restart is a likely reason.",
        "Go back, load the page again and try once more.",
    ),
    403: ("Not allowed", "You may not see or do this.", "Ask whoever runs this dashboard for access."),
    404: ("Page not found", "There is nothing at this address.", "Check it for a slip, or search."),
    405: (
        "This address does not take that request",
        "It exists, but not for this kind of request.",
        "Start from the page that has the button.",
    ),
    409: ("Not now", "As things stand, that cannot be done.", ""),
    413: ("Too large", "More was sent than is accepted: at most 1 MB.", "Send less."),
    415: ("Not a kind of content that is read here", "What was sent is of a kind this address does not read.", ""),
    422: ("That value cannot be used", "Something that was sent is not a value this page can use.", "Correct it."),
    429: ("Too many requests", "More came in than are allowed at a time.", "Wait a minute and try again."),
    500: (
        "Something went wrong here",
        "The program met an error that it did not expect; it is in the log, with the number below.",
        "Try again; if it stays, report it with the number.",
    ),
    503: (
        "The database does not answer just now",
        "It is busy or not ready; nothing was stored.",
        "Try again in a moment. The Status page says more.",
    ),
}


def page(error: HTTPException) -> Response:
    """The error as a page; for htmx as a message. The error's own description wins over the general words."""
    status = error.code or 500
    heading, cause, cure = PAGES.get(status) or (HTTPStatus(status).phrase, "", "")
    if error.description and error.description != type(error).description:
        cause, cure = error.description, cure if status == 404 else ""
    response = htmx.render(
        "errors/error.html",
        "errors/_error.html",
        status,
        status=status,
        heading=heading,
        cause=cause,
        cure=cure,
        request_id=request_id(),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def in_api() -> bool:
    """True when a program asks, by the address."""
    return request.path == "/api" or request.path.startswith("/api/")


def handle(error: HTTPException) -> ResponseReturnValue:
    """A page or a problem, by the address that was asked for; headers the error brings (Allow) stay."""
    if error.response is not None:  # abort(response): the one who raised it has answered already
        return error.response
    response = problems.answer(error) if in_api() else page(error)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _database(error: DatabaseError) -> ResponseReturnValue:
    """A database that is full, locked, broken or not there is no mystery: say so, and what to do."""
    found = trouble(error)
    if found is None:
        raise error
    logger.error("database_trouble", kind=found.kind, error=str(error.orig))
    return handle(ServiceUnavailable(f"{found.cause} {found.cure} {found.then}".rstrip(), retry_after=1))


def _number(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    return response


def init_app(app: Flask) -> None:
    """Register the handlers for the whole application: a blueprint does not see routing's 404 and 405."""
    app.register_error_handler(HTTPException, handle)
    app.register_error_handler(DatabaseError, _database)
    app.after_request(_number)
