"""The contract in one place: how a request's parameters and body are read and refused, how answers are made.

The models in shapes.py validate what comes in and, through spectree, describe it: there is no second description.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode

import msgspec
from flask import Response, request
from pydantic import BaseModel, ValidationError
from spectree import Response as Answers
from spectree import SpecTree
from spectree.plugins.flask_plugin import FlaskPlugin

from research_dashboard.access import actor
from research_dashboard.access import shown as _shown
from research_dashboard.endpoints import kept
from research_dashboard.endpoints.kinds import MAX_ID
from research_dashboard.endpoints.sent_json import sent_json
from research_dashboard.extensions import to_json
from research_dashboard.problems import FieldError, Problem, invalid
from research_dashboard.queries.records import fingerprint
from research_dashboard.services.idempotency import Given, KeyReused, once
from research_dashboard.services.records import Matches
from research_dashboard.tables.idempotency import KEY_LENGTH

UTF_8 = ("utf-8", "utf8", "us-ascii")
KEYED = (
    "POST",
    "PATCH",
)  # what the draft of Idempotency-Key speaks of: the other methods are safe to send again anyway
REMEMBERED = ("Content-Type", "ETag", "Location", "Retry-After")


def one_media_type(*read: str) -> str:
    """The body's media type. Raises a Problem (415) for one that is not read here, and for what is not UTF-8."""
    if request.mimetype not in read:
        sent = _shown(request.headers.get("Content-Type", "")) or "no Content-Type"
        raise Problem("unsupported-media-type", f"This reads {' or '.join(read)}; {sent} was sent.")
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise Problem("unsupported-media-type", f"Bodies are read as they are; Content-Encoding is {_shown(encoding)}.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in UTF_8:
        raise Problem("unsupported-media-type", f"JSON is read as UTF-8 (RFC 8259); charset is {_shown(charset)}.")
    return request.mimetype


def json_body() -> Any:
    """The body's JSON. Raises a Problem: 413 too large, 415 not JSON by its type, 400 not JSON by its text."""
    one_media_type("application/json")
    return decoded(whole_body())


def whole_body() -> bytes:
    """The body. Raises a Problem (413) for one in chunks that is too large: werkzeug hands on what fits, in silence."""
    data = request.get_data()
    if request.content_length is None:
        request.stream.read(1)
    return data


def _refuse_open_end(read: tuple[str, ...]) -> None:
    """Read the body of an endpoint that takes lines. Raises a Problem (411) for lines in chunks: where a connection
    broke they look whole, for nothing but their length says where they end."""
    if one_media_type(*read) != "application/json" and request.content_length is None:
        raise Problem("length-required", "Lines are read with a Content-Length only: send it, or send an array.")
    whole_body()


def decoded(data: bytes) -> Any:
    """The value of the JSON. Raises a Problem (400) that says what is wrong with it."""
    try:
        return sent_json(data)
    except UnicodeDecodeError:
        raise Problem("malformed-json", "The body is not UTF-8.") from None
    except RecursionError:
        raise Problem("malformed-json", "The body is nested too deeply.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Problem("malformed-json", f"{str(error).rstrip('.')}.") from None


def parameters() -> dict[str, str]:
    """The query string's parameters. Raises a Problem for one that is given twice."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise invalid(FieldError(_shown(name), "It is given twice: give it once.") for name in twice)
    return request.args.to_dict()


def validated(model: type[BaseModel], value: Any, called: str = "field") -> BaseModel:
    """The value as the model. Raises a Problem that names every field that is wrong; `called`: what they are called."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(field_errors(error, model, called)) from None


def field_errors(error: ValidationError, model: type[BaseModel], called: str) -> list[FieldError]:
    """What pydantic found, each thing in plain words."""
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        field = _shown(".".join(str(part) for part in each["loc"])) or "body"
        if each["type"] == "extra_forbidden":
            known = _model_at(model, each["loc"][:-1]).model_fields
            detail = f"There is no such {called}. There are: {', '.join(known)}."
        elif each["type"] == "missing":
            detail = "It is required and missing."
        elif each["type"] in ("model_type", "model_attributes_type", "dict_type"):
            detail = "A JSON object is needed here."
        else:
            detail = each["msg"].removeprefix("Value error, ").rstrip(".") + "."
        found.append(FieldError(field, detail))
    return found


def _model_at(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel]:
    """The model of what lies at a place in a value: of a run's details.0, that of a detail."""
    for name in path:
        field = model.model_fields.get(str(name))
        kinds = [field.annotation] if field else []
        while kinds:
            kind = kinds.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
            kinds += get_args(kind)
    return model


def _refuse_other_formats(name: str) -> None:
    """Raise a Problem (406) when the caller takes nothing that this endpoint gives; one without a body suits all."""
    gives = DOCUMENTED[name].gives_media
    asks = bool(request.headers.get("Accept", "").strip())
    if gives and asks and request.accept_mimetypes.best_match(gives) is None:
        raise Problem("not-acceptable", f"This answers {', '.join(gives)}.")


class ProblemPlugin(FlaskPlugin):
    """spectree's Flask plugin, strict: unknown and doubled parameters, wrong types and broken JSON are Problems."""

    def validate(self, func: Callable[..., Any], query: Any, json: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the endpoint with what it declares, as keywords; one without a query takes no parameters.

        Its answer goes out as it is: the database's constraints vouch for it, and validating 100 rows costs as much
        as reading them. `args`: form, headers, cookies, resp, before, after, status, skip_validation, force.
        """
        _refuse_other_formats(func.__name__)
        if DOCUMENTED[func.__name__].kept:
            return kept.answer(lambda: self._call(func, query, json, args[9:], kwargs))
        return self._call(func, query, json, args[9:], kwargs)

    def _call(self, func: Callable[..., Any], query: Any, json: Any, args: Any, kwargs: Any) -> Any:
        """Validate what was sent and call the endpoint."""
        told = DOCUMENTED[func.__name__]
        if told.most_bytes:
            request.max_content_length = told.most_bytes
        if told.reads:
            _refuse_open_end(told.reads)
        for name, number in kwargs.items():
            if not 1 <= number <= MAX_ID:
                what = name.removesuffix("_id")
                raise Problem("not-found", f"There is no {what} {number if number < 10**20 else 'so large'}.")
        if query:
            kwargs["query"] = validated(query, parameters(), "parameter")
        elif request.args:
            name = _shown(next(iter(request.args)))
            raise invalid([FieldError(name, "There is no such parameter; this address takes none.")])
        if json:
            kwargs["json"] = validated(json, json_body())
        if told.ahead:
            told.ahead(kwargs["json"])
        if request.method in KEYED and "Idempotency-Key" in request.headers:
            return _once(lambda: func(*args, **kwargs))
        return func(*args, **kwargs)


def _once(view: Callable[[], Response]) -> Response:
    """Answer what this sender got for this Idempotency-Key before, or call the endpoint and remember its answer."""
    key = request.headers["Idempotency-Key"]
    if not re.fullmatch(f"[!-~]{{1,{KEY_LENGTH}}}", key):
        raise invalid([FieldError("Idempotency-Key", f"1 to {KEY_LENGTH} printable ASCII characters, no blanks.")])
    address = request.path.rstrip("/")  # with and without its last slash it is the same one
    what = "\n".join((request.method, address, request.query_string.decode("latin-1"), ""))
    same = hashlib.sha256(what.encode() + whole_body()).hexdigest()

    def do() -> Given:
        response = view()
        kept = {name: response.headers[name] for name in REMEMBERED if name in response.headers}
        return Given(response.status_code, kept, response.get_data(as_text=True))

    try:
        given = once(sender() or "", key, same, do)
    except KeyReused as error:
        raise Problem("key-reused", str(error), [FieldError("Idempotency-Key", str(error))]) from None
    response = Response(given.body, given.status, given.headers)
    if given.again:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def sender() -> str | None:
    """Who is behind the request."""
    who = actor()
    return who.name if who else None


def person() -> str | None:
    """The user behind the request, also when it is a token of theirs: who researches."""
    who = actor()
    return who.person if who else None


spec = SpecTree(
    "flask",
    backend=ProblemPlugin,
    title="Research Dashboard API",
    version="1",
    openapi_version="3.1.0",
    mode="strict",
    annotations=True,
    page_templates={},
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
)


@dataclass(frozen=True, slots=True)
class Documented:
    """What an endpoint's signature does not say: its problems, its headers, media types that it gives and reads."""

    problems: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    empty: bool = False  # its good answers have no body
    reads: tuple[str, ...] = ()
    kept: bool = False  # the same answer until something is committed: see kept.py
    most_bytes: int | None = None  # of a body, where it may be longer than elsewhere
    ahead: Callable[[Any], None] | None = None  # with the body, before all else: for what must not be in a transaction

    @property
    def gives_media(self) -> tuple[str, ...]:
        """The media types of its good answers."""
        return () if self.empty else self.media or ("application/json",)


DOCUMENTED: dict[str, Documented] = {}


def endpoint(
    answers: Mapping[int, Any],
    *problems: str,
    tag: str,
    takes: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
    media: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
    kept: bool = False,
    most_bytes: int | None = None,
    ahead: Callable[[Any], None] | None = None,
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Make an endpoint: its annotations `query` and `json` say what it reads, this what it answers.

    `answers`: model (or None) by status; `problems`: kinds beyond those that its method and parameters bring.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        DOCUMENTED[view.__name__] = Documented(
            problems, takes, gives, media, not any(answers.values()), reads, kept, most_bytes, ahead
        )
        models = {f"HTTP_{status}": model for status, model in answers.items()}
        made: Callable[..., Response] = spec.validate(resp=Answers(**models), tags=[tag], operation_id=view.__name__)(
            view
        )
        return made

    return decorate


def answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, tagged: bool = False
) -> Response:
    """The value as JSON. One that is read carries an ETag, and so does a run that was just written (`tagged`): the ETag
    that reading it whole would give, so that the next change can say If-Match."""
    body = to_json(value)
    response = Response(body, status, content_type="application/json")
    if headers:
        response.headers.update(headers)
    reads = status == 200 and request.method in ("GET", "HEAD")
    if reads or tagged:
        response.set_etag(fingerprint(body))
    if reads:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body, and so without a Content-Type."""
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def matches() -> Matches | None:
    """What If-Match says of the ETag of what is to be changed; None when nothing was said."""
    if "If-Match" not in request.headers:
        return None
    return request.if_match.contains


def page_links(places: Mapping[str, Mapping[str, str]], params: Mapping[str, str]) -> str:
    """The Link header (RFC 8288): each place is this address with some of its parameters exchanged."""
    return ", ".join(
        f'<{request.path}?{urlencode({**params, **changes})}>; rel="{name}"' for name, changes in places.items()
    )
