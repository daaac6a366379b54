"""The `flask …` commands; each group is in commands/."""

from flask import Flask

from research_dashboard.commands.companies import companies
from research_dashboard.commands.users import users
from research_dashboard.commands.worker import worker


def init_app(app: Flask) -> None:
    """Register the command groups."""
    app.cli.add_command(companies)
    app.cli.add_command(worker)
    app.cli.add_command(users)
