"""One place for errors: pages for people, problem+json for programs."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the handlers for the whole application: a blueprint does not see routing's 404 and 405."""
