"""The OpenAPI 3.1 document: what spectree reads off the endpoints, with the errors as they really are."""

from copy import deepcopy
from typing import Any

from flask import Response, current_app, request
from pydantic import BaseModel

from research_dashboard.endpoints.answers import ProblemDocument
from research_dashboard.endpoints.bulk import NDJSON
from research_dashboard.endpoints.contract import DOCUMENTED, KEYED, spec
from research_dashboard.endpoints.kinds import MAX_ID
from research_dashboard.endpoints.lazily import load
from research_dashboard.endpoints.shapes import BulkRun
from research_dashboard.extensions import to_json
from research_dashboard.problems import BY_STATUS, KINDS, MEDIA_TYPE, PAGES
from research_dashboard.queries.records import fingerprint
from research_dashboard.services.bulk import MAX_RUNS

EVERYWHERE = (
    "unauthorized", "forbidden", "invalid-input", "too-many-requests", "server-error", "unavailable",
)  # fmt: skip
WITH_BODY = ("bad-request", "malformed-json", "too-large", "unsupported-media-type")
ABOUT = """\
Log what your programs research, start the built-in research, read both.

- Bodies are JSON in UTF-8. What is not declared is refused, and an error names every field that is wrong.
- Times are ISO 8601. One without an offset is read as UTC; answers are in UTC, with Z.
- Lists are arrays. How many there are in all says `X-Total-Count`, where the other pages are says `Link`.
- Errors are `application/problem+json` (RFC 9457); each type has a page that says what to do.
- Without accounts the server answers this machine only, and needs no token. With accounts: `Authorization: Bearer`.
"""
TAKES = {
    "If-None-Match": "The ETag of the answer you have: 304 when it still holds.",
    "If-Match": "The ETag of the run as you read it: 412 when it was changed since.",
    "Idempotency-Key": "A key of your making for this request, up to 200 characters: sent again within 24 hours, the "
    "first answer is given again and nothing is done twice. With another body: 422.",
}
GIVES = {
    "ETag": "Changes when the answer does.",
    "Link": "first, prev, next and last page (RFC 8288).",
    "Location": "Where the run is.",
    "Retry-After": "Seconds after which to ask again.",
    "X-Total-Count": "How many there are in all.",
    "RateLimit-Limit": "With accounts: requests that a token or an address has in a window of time.",
    "RateLimit-Remaining": "With accounts: how many of them are left.",
    "RateLimit-Reset": "With accounts: seconds until the window begins anew.",
}
RATES = tuple(name for name in GIVES if name.startswith("RateLimit-"))


A_RUN = {"company": "Acme", "researcher": "ann", "duration_mins": 12.5, "status": "Completed", "insights": 7}
BULK = {  # JSON Schema has no word for lines: each is a BulkRun
    "application/json": {
        "schema": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_RUNS,
            "items": {"$ref": "#/components/schemas/BulkRun"},
        },
        "examples": {"two": {"summary": "Two runs", "value": [A_RUN, A_RUN | {"company": "Bolt"}]}},
    },
    NDJSON: {
        "schema": {
            "type": "string",
            "minLength": 2,
            "description": f"One BulkRun a line, 1 to {MAX_RUNS:,} lines; empty ones are passed over: {to_json(A_RUN)}",
        },
    },
}


def openapi() -> Response:
    """This document."""
    key = "openapi.json"
    body: str = current_app.extensions.get(key) or current_app.extensions.setdefault(key, to_json(document()))
    response = Response(body, content_type="application/json")
    response.set_etag(fingerprint(body))
    response.make_conditional(request)
    return response


def document() -> dict[str, Any]:
    """The document as a value. Needs an application context."""
    load(current_app)
    made: dict[str, Any] = deepcopy(spec.spec)
    made["info"] |= {"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}}
    made["servers"] = [{"url": "/"}]
    made["security"] = [{}, {"token": []}]
    schemas = made["components"]["schemas"]
    schemas |= _definitions(BulkRun)
    for unused in [name for name in schemas if name.startswith("ValidationError")]:
        del schemas[unused]
    schemas["Problem"] = _inlined(ProblemDocument.model_json_schema())
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of your account page: rd_…"}
    }
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
            if path.startswith("/api/research_runs/{run_id}/") and operation["operationId"] in ("details", "results"):
                operation["operationId"] = f"run_{operation['operationId']}"  # the seed's path has the plain name
    return made


def _definitions(model: type[BaseModel]) -> dict[str, Any]:
    """The schemas of a model that no endpoint declares by its signature, and of what it holds."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The problem's schema, its field errors written in place; members of a type's own are allowed."""
    definitions = schema.pop("$defs", {})
    schema["properties"]["errors"]["anyOf"][0]["items"] = definitions["FieldError"]
    return schema | {"additionalProperties": True}


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Give the operation its headers and problems."""
    told = DOCUMENTED[operation["operationId"]]
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
    keyed = method.upper() in KEYED
    for name in (*told.takes, *(("Idempotency-Key",) if keyed else ())):
        operation["parameters"].append(_header(name))
    if told.reads:
        operation["requestBody"] = {"required": True, "content": {media: BULK[media] for media in told.reads}}
    responses = operation["responses"]
    responses.pop("422", None)
    if "If-None-Match" in told.takes:
        responses["304"] = {"description": "You have it already."}
    for status, response in responses.items():
        if status[0] in "23" and status != "304":
            response["headers"] = _gives(*told.gives, *RATES)
            if status in ("201", "202"):
                response["links"] = _links(path)
            if told.media:
                response["content"] = {media: {} for media in told.media}
    kinds = [*EVERYWHERE, *told.problems]
    if told.gives_media:
        kinds.append("not-acceptable")
    if "{" in path:
        kinds.append("not-found")
    if method != "get":
        kinds.append("cross-site-write")
    if "requestBody" in operation:
        kinds.extend(WITH_BODY)
    if keyed:
        kinds += ["key-reused", "bad-request", "too-large"]  # with a key even a body that nobody asked for is read
    if told.reads:
        kinds.append("length-required")
    for kind in dict.fromkeys(kinds):
        _add_problem(responses, kind)
    operation["responses"] = dict(sorted(responses.items()))


def _links(path: str) -> dict[str, Any]:
    """Where one can go on from what was just made: a run, a detail, a result, a job for many runs."""
    if path.startswith("/api/bulk"):
        return {"bulk_job": {"operationId": "bulk_job", "parameters": {"job_id": "$response.body#/id"}}}
    below = path.startswith(("/api/research_details/", "/api/research_results/"))
    run_id = "$response.body#/research_run_id" if below else "$response.body#/id"
    ways = ["run", "details", "results", "run_progress", "run_change", "run_delete"]
    if path.startswith("/api/research/"):
        ways += ["run_cancel", "run_resume", "run_rerun"]
    links: dict[str, Any] = {name: {"operationId": name, "parameters": {"run_id": run_id}} for name in ways}
    if path.startswith("/api/research_details/"):
        step = {"run_id": run_id, "position": "$response.body#/position"}
        links["detail_change"] = {"operationId": "detail_change", "parameters": step}
    return links


def _gives(*names: str) -> dict[str, Any]:
    return {name: {"description": GIVES[name], "schema": {"type": "string"}} for name in names}


def _header(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name == "Idempotency-Key":
        schema |= {"minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": TAKES[name]}


def _add_problem(responses: dict[str, Any], kind: str) -> None:
    """Add the kind to the problems of its status, with an example."""
    what = KINDS[kind]
    main = KINDS[BY_STATUS[what.status]]
    response = responses.setdefault(
        str(what.status),
        {
            "description": main.title + ".",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
        },
    )
    example = {"type": PAGES + kind, "title": what.title, "status": what.status, "detail": what.meaning}
    if what.status == 422:
        example["errors"] = [{"field": "company", "detail": "It is blank."}]
    response["content"][MEDIA_TYPE]["examples"][kind] = {"summary": what.title, "value": example}
    if what.status == 429:
        response["headers"] = _gives("Retry-After", *RATES)
