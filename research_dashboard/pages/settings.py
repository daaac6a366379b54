"""/settings and the theme switch."""

import zoneinfo

from flask import Response, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from research_dashboard.access import safe_target
from research_dashboard.forms import SettingsForm
from research_dashboard.htmx import is_partial
from research_dashboard.pages.frame import preferences
from research_dashboard.queries.preferences import THEMES
from research_dashboard.services.preferences import save_preferences

A_YEAR = 365 * 24 * 60 * 60


def _keep_theme(response: AnyResponse, theme: str) -> None:
    response.set_cookie("theme", theme, max_age=A_YEAR, samesite="Lax", httponly=True)


def theme_save() -> Response:
    """Keep the theme in this browser's cookie and go back to the page."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(422, f"The theme is one of {', '.join(THEMES)}.")
    back = safe_target(request.form.get("next"))
    response = make_response("", 204) if is_partial() else make_response(redirect(back, 303))
    _keep_theme(response, theme)
    return response


def settings() -> AnyResponse:
    """The researcher's name, the contact for live SEC data, time zone and theme; POST keeps them."""
    form = SettingsForm(obj=preferences())
    if form.validate_on_submit():
        save_preferences(
            {name: getattr(form, name).data for name in ("researcher", "sec_contact", "time_zone", "theme")}
        )
        flash("The settings are saved.", "ok")
        response = redirect(url_for("pages.settings"), 303)
        _keep_theme(response, form.theme.data)
        return response
    page = render_template(
        "settings/index.html",
        form=form,
        zones=sorted(zoneinfo.available_timezones()),
        from_environment=current_app.config["SETTINGS"].sec_contact,
    )
    return make_response(page, 422 if form.is_submitted() else 200)
