"""Saved views of the record: a name, an address, a filter."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.access import owns, reader
from research_dashboard.extensions import db
from research_dashboard.models import SavedView
from research_dashboard.pages.history import refused
from research_dashboard.pages.history_links import record_url
from research_dashboard.pages.runs import researcher
from research_dashboard.queries.run_filter import InvalidFilter, RunFilter
from research_dashboard.services import saved_views as services
from research_dashboard.services.saved_views import CannotSave, NotYours


def view_save() -> AnyResponse:
    """Save the filter under a name, and show it."""
    query = request.form.get("query", "")
    try:
        view_id = services.save_view(request.form.get("name", ""), query, researcher(), owns)
    except InvalidFilter as error:
        return refused(error)
    except CannotSave as error:
        abort(403 if isinstance(error, NotYours) else 422, str(error))
    flash("The view is saved: its address can be shared.", "ok")
    return redirect(url_for("pages.view", view_id=view_id), 303)


def view(view_id: int) -> AnyResponse:
    """The record under the saved filter; POST pins the view, makes it the reader's default or removes it."""
    if request.method == "GET":
        found = db.session.get(SavedView, view_id)
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
    try:
        actions[do]()
    except NotYours as error:
        abort(403, str(error))
    except CannotSave as error:
        flash(str(error), "bad")
    return redirect(_where_it_was_done(), 303)


def _where_it_was_done() -> str:
    """The record under the filter that was shown with the button; all of it where none was sent."""
    try:
        shown = RunFilter.parse(parse_qsl(request.form.get("query", "")), also=("facets",))
    except InvalidFilter:
        shown = RunFilter()
    return record_url(**shown.params(page=shown.page))
