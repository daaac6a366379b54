"""Errors as programs read them: problem+json (RFC 9457), with a field list for input."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from research_dashboard.extensions import to_json
from research_dashboard.logs import request_id

MEDIA_TYPE = "application/problem+json"
PAGES = "/api/problems/"  # where each type is described


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of problem: its status, its title, what it means and what the caller should do."""

    status: int
    title: str
    meaning: str
    cure: str


KINDS: Mapping[str, Kind] = {
    "malformed-json": Kind(
        400,
        "The body is not JSON",
        "The request says application/json, but its body cannot be read as JSON (RFC 8259): it is cut off, has a "
        "trailing comma, holds NaN or Infinity, names a member twice, is nested too deeply or is not UTF-8.",
        "Send the output of a JSON library, with NaN and Infinity replaced by null.",
    ),
    "bad-request": Kind(
        400,
        "The request cannot be understood",
        "The request breaks a rule of HTTP, for example in a header, or its body was cut off on the way.",
        "Send it again; if it stays, compare it with the example in the documentation.",
    ),
    "unauthorized": Kind(
        401,
        "Who are you?",
        "This server has accounts, and the request says nothing of whose it is.",
        "Send Authorization: Bearer with a token of your account page.",
    ),
    "forbidden": Kind(
        403, "Not allowed", "The caller may not do this.", "Use a token with the scope that the answer names."
    ),
    "cross-site-write": Kind(
        403,
        "A page elsewhere may not write here",
        "The request's Sec-Fetch-Site or Origin header says that a page on another site sent it.",
        "Send writes from a program, or from a page that this server serves.",
    ),
    "not-found": Kind(
        404,
        "There is nothing here",
        "The address names no route, or a run, detail or result that does not exist or was deleted.",
        "List what there is, for example GET /api/research_runs/.",
    ),
    "method-not-allowed": Kind(
        405,
        "This address does not take that method",
        "The address exists; the header Allow names the methods it takes.",
        "Use one of them.",
    ),
    "not-acceptable": Kind(
        406,
        "You take nothing that this answers",
        "The header Accept leaves out every format that the address has; detail names them.",
        "Send Accept: application/json, or leave the header out.",
    ),
    "conflict": Kind(
        409,
        "This cannot be done to what is there",
        "The request is sound, but the state of the run forbids it: a move that is not legal, or a write to a run "
        "that the built-in research owns.",
        "Read the run again; the detail says what is possible.",
    ),
    "length-required": Kind(
        411,
        "How long are the lines?",
        "Lines of JSON came in chunks, without a Content-Length. Where the connection breaks, what came of them looks "
        "whole, so that half of them would be stored.",
        "Send a Content-Length, as every client does that has the body in hand, or an array, which says where it ends.",
    ),
    "changed-since": Kind(
        412,
        "It was changed since you read it",
        "The header If-Match names an ETag that the run no longer has: somebody else changed it.",
        "Read the run again, decide again, send its new ETag.",
    ),
    "too-large": Kind(
        413,
        "The body is too large",
        "More bytes were sent than are accepted: 1 MB, 16 MB for a company's figures, 32 MB in bulk.",
        "Send less at a time.",
    ),
    "unsupported-media-type": Kind(
        415,
        "The body is of a kind that is not read here",
        "Bodies are JSON in UTF-8: Content-Type must be application/json, in bulk also application/x-ndjson; a charset "
        "can only be utf-8.",
        "Set the header, and send no Content-Encoding.",
    ),
    "invalid-input": Kind(
        422,
        "Some of the input cannot be used",
        "The JSON can be read, but a field or a parameter is missing, unknown, out of bounds or of the wrong type. "
        "Nothing was stored. errors[] names each one.",
        "Correct the fields that errors[] names.",
    ),
    "key-reused": Kind(
        422,
        "The Idempotency-Key stands for another request",
        "The same key came with another body or to another address within 24 hours: this cannot be the same request "
        "sent again.",
        "Make a new key for each new request; a random UUID does.",
    ),
    "unknown-company": Kind(
        422,
        "No such company",
        "The company is neither a name, a ticker nor a CIK that is known; it is not guessed. nearest[] lists the "
        "closest names.",
        "Send one of nearest[], or search with GET /api/companies?q=.",
    ),
    "ambiguous-company": Kind(
        422,
        "Several companies go by that name",
        "The name alone does not say which company is meant; choices[] lists them.",
        "Send the ticker or the CIK of one of choices[].",
    ),
    "no-figures": Kind(
        422,
        "The company is known, but its figures are not here",
        "The company files with the SEC, but none of its figures are loaded in the source that was asked for.",
        "Turn live SEC data on by setting RESEARCH_DASHBOARD_SEC_CONTACT, or import its figures.",
    ),
    "too-many-requests": Kind(
        429,
        "Too many requests",
        "More requests came in than are allowed at a time; Retry-After says how long to wait.",
        "Wait that long, then try again.",
    ),
    "server-error": Kind(
        500,
        "Something went wrong here",
        "The program met an error that it did not expect; it is in the log under the request's id.",
        "Try again; if it stays, report it with request_id.",
    ),
    "unavailable": Kind(
        503,
        "The service does not answer just now",
        "The database is busy or not ready. Nothing was stored.",
        "Try again after Retry-After seconds.",
    ),
}

# The type of an error that was raised without one, by its status.
BY_STATUS: Mapping[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    411: "length-required",
    412: "changed-since",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-input",
    429: "too-many-requests",
    500: "server-error",
    503: "unavailable",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with the input: the field (or parameter) and the reason."""

    field: str
    detail: str


class Problem(HTTPException):
    """An error of a known kind, with its own detail, the fields it is about and what else helps."""

    def __init__(self, kind: str, detail: str, errors: Iterable[FieldError] = (), /, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.errors, self.more = kind, tuple(errors), more
        self.code = KINDS[kind].status
        self.headers: dict[str, str] = {}


def invalid(errors: Iterable[FieldError]) -> Problem:
    """The problem of input that cannot be used; its detail names the first fields, and says how many more there are."""
    errors = tuple(errors)
    said = [f"{error.field}: {error.detail}" for error in errors[:3]]
    if len(errors) > len(said):
        said.append(f"and {len(errors) - len(said)} more, see errors[]")
    return Problem("invalid-input", "; ".join(said), errors)


def body_of(error: HTTPException) -> dict[str, Any]:
    """The members of the problem document; one is told apart from another by its type."""
    status = error.code or 500
    kind = error.kind if isinstance(error, Problem) else BY_STATUS.get(status, "")
    if not kind:
        title = HTTPStatus(status).phrase
        return {"type": "about:blank", "title": title, "status": status, "detail": error.description or title}
    own_words = error.description != type(error).description  # werkzeug's general ones say less than ours
    body: dict[str, Any] = {
        "type": PAGES + kind,
        "title": KINDS[kind].title,
        "status": status,
        "detail": (own_words and error.description) or KINDS[kind].meaning,
        "request_id": request_id(),
    }
    if isinstance(error, Problem):
        if error.errors:
            body["errors"] = [{"field": each.field, "detail": each.detail} for each in error.errors]
        body.update(error.more)
    return body


def answer(error: HTTPException) -> Response:
    """The error as an application/problem+json answer that nobody keeps."""
    response = Response(to_json(body_of(error)), error.code or 500, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if isinstance(error, Problem):
        response.headers.update(error.headers)
    return response
