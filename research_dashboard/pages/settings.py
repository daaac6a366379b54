"""/settings and the theme switch."""

from flask import Response, abort, make_response, redirect, request, url_for

from research_dashboard.htmx import is_partial
from research_dashboard.queries.preferences import THEMES

A_YEAR = 365 * 24 * 60 * 60


def local_path(path: str) -> str | None:
    """The path, if it stays on this site; None for anything a browser could read as another site's address."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else None


def theme_save() -> Response:
    """Keep the theme in this browser's cookie and go back to the page."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(422, f"The theme is one of {', '.join(THEMES)}.")
    back = local_path(request.form.get("next", "")) or url_for("pages.overview")
    response = make_response("", 204) if is_partial() else make_response(redirect(back, 303))
    response.set_cookie("theme", theme, max_age=A_YEAR, samesite="Lax", httponly=True)
    return response
