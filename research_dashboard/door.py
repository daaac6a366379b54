"""What no page and no endpoint reads: NUL, which PostgreSQL keeps in no text; refused before any of them is asked."""

from collections.abc import Iterator

from flask import Flask, request
from werkzeug.exceptions import NotFound, UnprocessableEntity

from research_dashboard.access import shown
from research_dashboard.problems import FieldError, invalid

NUL = "\0"
AT_ITS_FIELD = {("pages.researcher", "company")}  # where the form itself says so, and keeps what was typed


def refuse_nul() -> None:
    """Raises UnprocessableEntity for NUL in what the address or a form holds, by the name of its field; NotFound for it
    in a path. What the API reads from bodies, its contract refuses (endpoints/kinds.py)."""
    if any(NUL in value for value in (request.view_args or {}).values() if isinstance(value, str)):
        raise NotFound
    for name, value in _sent():
        if (NUL in name or NUL in value) and (request.endpoint, name) not in AT_ITS_FIELD:
            said = "holds the character NUL, which is not kept: take it out."
            if request.path.startswith("/api/"):
                raise invalid([FieldError(shown(name), f"It {said}")])
            raise UnprocessableEntity(f"{shown(name)} {said}")


def _sent() -> Iterator[tuple[str, str]]:
    yield from request.args.items(multi=True)
    if not request.path.startswith("/api/"):
        yield from request.form.items(multi=True)
        yield from ((name, file.filename or "") for name, file in request.files.items(multi=True))


def init_app(app: Flask) -> None:
    """Before each request that access.py lets pass."""
    app.before_request(refuse_nul)
