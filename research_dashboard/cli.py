"""The `flask …` commands; each group is in commands/."""

import click
from flask import Flask

from research_dashboard.commands.audit import audit
from research_dashboard.commands.backups import COMMANDS as BACKUP_COMMANDS
from research_dashboard.commands.companies import companies
from research_dashboard.commands.doctor import doctor
from research_dashboard.commands.record import COMMANDS as RECORD_COMMANDS
from research_dashboard.commands.research import research
from research_dashboard.commands.users import users
from research_dashboard.commands.worker import worker


def init_app(app: Flask) -> None:
    """Register the command groups."""
    app.cli.add_command(audit)
    app.cli.add_command(companies)
    app.cli.add_command(worker)
    database = app.cli.commands["db"]
    assert isinstance(database, click.Group)  # noqa: S101  # Flask-Migrate's own group
    for command in (*BACKUP_COMMANDS, *RECORD_COMMANDS):
        database.add_command(command)
    app.cli.add_command(doctor)
    app.cli.add_command(research)
    app.cli.add_command(users)
