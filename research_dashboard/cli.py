"""The `flask …` commands; each group is in commands/."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the command groups."""
