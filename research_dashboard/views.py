"""The HTML blueprint: every page's address in one place; the views are in pages/, one noun a file."""

from flask import Blueprint, Flask

from research_dashboard.pages import frame, overview, settings

pages = Blueprint("pages", __name__)

pages.get("/")(overview.overview)
pages.route("/settings", methods=["GET", "POST"])(settings.settings)
pages.post("/theme")(settings.theme_save)


def init_app(app: Flask) -> None:
    """Register the pages and what they share."""
    frame.init_app(app)
    app.register_blueprint(pages)
