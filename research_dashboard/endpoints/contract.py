"""The contract in one place: how a request's parameters and body are read and refused, how answers are made.

The models in shapes.py validate what comes in and, through spectree, describe it: there is no second description.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Request, Response, request
from pydantic import BaseModel, ValidationError
from spectree import SpecTree
from spectree.plugins.flask_plugin import FlaskPlugin

from research_dashboard.extensions import from_json, to_json
from research_dashboard.problems import FieldError, Problem, invalid

RUN_ID = "<int(min=1, max=2147483647):run_id>"
JSON_TYPES = frozenset({"application/json"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site_writes() -> None:
    """Raise a Problem for a write that a page elsewhere sent: the API needs no CSRF token because of this."""
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin"):
        raise Problem("cross-site-write", f"Sec-Fetch-Site is {_shown(site)}: a page on another site sent this.")
    origin = request.headers.get("Origin")
    if origin is not None and _host(origin) != request.host:
        raise Problem("cross-site-write", f"Origin is {_shown(origin)}, and this server is {request.host}.")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _shown(text: str) -> str:
    """What was sent, fit to stand in an answer."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def json_body(request: Request) -> Any:
    """The body's JSON. Raises a Problem: 413 too large, 415 not JSON by its type, 400 not JSON by its text."""
    if request.mimetype not in JSON_TYPES or request.headers.get("Content-Encoding", "identity") != "identity":
        sent = _shown(request.headers.get("Content-Type", "")) or "no Content-Type"
        raise Problem("unsupported-media-type", f"This reads application/json; {sent} was sent.")
    data = request.get_data(cache=False)
    try:
        return from_json(data)
    except UnicodeDecodeError:
        raise Problem("malformed-json", "The body is not UTF-8.") from None
    except RecursionError:
        raise Problem("malformed-json", "The body is nested too deeply.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Problem("malformed-json", f"{str(error).rstrip('.')}.") from None


def parameters(request: Request) -> dict[str, str]:
    """The query string's parameters. Raises a Problem for one that is given twice."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise invalid(FieldError(_shown(name), "It is given twice: give it once.") for name in twice)
    return request.args.to_dict()


def validated(model: type[BaseModel], value: Any) -> BaseModel:
    """The value as the model. Raises a Problem that names every field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(field_errors(error, model)) from None


def field_errors(error: ValidationError, model: type[BaseModel]) -> list[FieldError]:
    """What pydantic found, each thing in plain words."""
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        field = _shown(".".join(str(part) for part in each["loc"])) or "body"
        if each["type"] == "extra_forbidden":
            detail = f"There is no such field. There are: {', '.join(model.model_fields)}."
        elif each["type"] == "missing":
            detail = "It is required and missing."
        elif each["type"] in ("model_type", "model_attributes_type", "dict_type"):
            detail = "A JSON object is needed here."
        else:
            detail = each["msg"].removeprefix("Value error, ").rstrip(".") + "."
        found.append(FieldError(field, detail))
    return found


class ProblemPlugin(FlaskPlugin):
    """spectree's Flask plugin, strict: unknown and doubled parameters, wrong types and broken JSON are Problems."""

    def validate(self, func: Callable[..., Any], query: Any, json: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the endpoint with what it declares, as keywords; one without a query takes no parameters.

        Its answer goes out as it is: the database's constraints vouch for it, and validating 100 rows costs as much
        as reading them. `args`: form, headers, cookies, resp, before, after, status, skip_validation, force.
        """
        if query:
            kwargs["query"] = validated(query, parameters(request))
        elif request.args:
            name = _shown(next(iter(request.args)))
            raise invalid([FieldError(name, "There is no such parameter; this address takes none.")])
        if json:
            kwargs["json"] = validated(json, json_body(request))
        return func(*args[9:], **kwargs)


spec = SpecTree(
    "flask",
    backend=ProblemPlugin,
    title="Research Dashboard API",
    version="1",
    openapi_version="3.1.0",
    annotations=True,
    page_templates={},
)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON."""
    response = Response(to_json(value), status, content_type="application/json")
    if headers:
        response.headers.update(headers)
    return response


def page_links(total: int, skip: int, limit: int, params: Iterable[tuple[str, str]]) -> str:
    """The Link header (RFC 8288) of one page of a list: first, prev, next, last; without what there is not."""
    kept = [(name, value) for name, value in params if name not in ("skip", "limit")]
    last = max(0, (total - 1) // limit * limit)
    places = {"first": 0, "last": last}
    if skip > 0:
        places["prev"] = max(0, skip - limit)
    if skip + limit < total:
        places["next"] = skip + limit
    order = [name for name in ("first", "prev", "next", "last") if name in places]
    return ", ".join(
        f'<{request.path}?{urlencode([*kept, ("skip", places[name]), ("limit", limit)])}>; rel="{name}"'
        for name in order
    )
