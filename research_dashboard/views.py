"""The HTML blueprint; its pages are in pages/."""

from flask import Blueprint, Flask

pages = Blueprint("pages", __name__)


@pages.get("/")
def overview() -> str:
    """The overview."""
    return "Research Dashboard"


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(pages)
