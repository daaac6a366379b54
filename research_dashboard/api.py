"""The JSON blueprint, all under /api; its endpoints are in endpoints/."""

from flask import Blueprint, Flask

api = Blueprint("api", __name__, url_prefix="/api")


def init_app(app: Flask) -> None:
    """Register the API."""
    app.register_blueprint(api)
