"""Saved views of the record: a name, an address, a filter."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.access import owns, reader
from research_dashboard.extensions import db
from research_dashboard.models import SavedView
from research_dashboard.pages.history import refused
from research_dashboard.pages.history_links import record_url
from research_dashboard.pages.runs import researcher
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.services import saved_views as services
from research_dashboard.services.saved_views import CannotSave, NotYours, ThereIsOne


def view_save() -> AnyResponse:
    """Save the filter under a name, and show it. What cannot be is shown again as it was typed; a view that has the
    name is replaced once that is confirmed."""
    name, query = request.form.get("name", ""), request.form.get("query", "")
    try:
        replaces = request.form.get("replaces", type=int)
        view_id = services.save_view(name, query, researcher(), owns, replaces=replaces)
    except InvalidFilter as error:
        return refused(error)
    except ThereIsOne as error:
        return _asked(f"Replace the view “{error.name}”?", problem=str(error), replaces=error.view_id)
    except CannotSave as error:
        code = 403 if isinstance(error, NotYours) else 422
        return _asked("The view is not saved", problem=str(error), code=code)
    flash("The view is saved: its address can be shared.", "ok")
    return redirect(url_for("pages.view", view_id=view_id), 303)


def view(view_id: int) -> AnyResponse:
    """The record under the saved filter; POST pins the view, makes it the reader's default or, once that is confirmed,
    removes it."""
    found = db.session.get(SavedView, view_id)
    if request.method == "GET":
        if found is None:
            abort(404, "There is no such view: it may have been removed.")
        names: dict[str, Any] = dict(parse_qsl(found.query))
        return redirect(url_for("pages.historical_records", **names, view=view_id))
    actions: Mapping[str, Callable[[], None]] = {
        "pin": lambda: services.pin_view(view_id, reader(), True),
        "unpin": lambda: services.pin_view(view_id, reader(), False),
        "default": lambda: services.default_view(view_id, reader(), True),
        "no_default": lambda: services.default_view(view_id, reader(), False),
        "remove": lambda: services.remove_view(view_id, owns),
    }
    do = request.form.get("do", "")
    if do not in actions:
        abort(422, f"That cannot be done to a view. Choose {', '.join(actions)}.")
    if do == "remove" and found is not None and owns(found.author) and not request.form.get("sure"):
        return _asked(f"Remove the view “{found.name}”?", view=found)
    try:
        actions[do]()
    except NotYours as error:
        abort(403, str(error))
    except CannotSave as error:
        flash(str(error), "bad")
    return redirect(_where_it_was_done(), 303)


def _asked(question: str, *, code: int = 200, **context: Any) -> AnyResponse:
    """The question, or what is wrong, with what was typed and sent; `view`: the one to be removed."""
    return make_response(
        render_template(
            "history/view.html",
            question=question,
            **context,
            name=request.form.get("name", ""),
            query=request.form.get("query", ""),
            back=_where_it_was_done(),
        ),
        code,
    )


def _where_it_was_done() -> str:
    """The record under the filter that was shown with the button; all of it where none was sent."""
    try:
        shown = RunFilter.parse(parse_qsl(request.form.get("query", "")), also=("facets",))
    except InvalidFilter:
        shown = RunFilter()
    return record_url(**shown.params(page=shown.page))
