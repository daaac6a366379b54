"""The `flask …` commands; each group is in commands/, and loaded when it is called."""

import re
from functools import cached_property
from importlib import import_module
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError

UNMADE = re.compile(r"no such (table|column)|(relation|column) .* does not exist")

# name: where it is, and what `flask --help` says of it (a test keeps it the command's own words)
COMMANDS = {
    "audit": ("audit:audit", "The audit: every change, who made it, from where, before and after."),
    "companies": ("companies:companies", "Companies and their filed facts: import, fetch, status."),
    "db": ("database:database", "Migrate, back up, restore, check, fill and prune the database."),
    "doctor": (
        "doctor:doctor",
        "Look over the installation: what is well, what is not, and how to mend it. Exit code 1 when something is not.",
    ),
    "research": ("research:research", "Check what research has stored."),
    "runs": ("runs:runs", "Do one thing to every run of a filter: tag, trash, restore, run again, cancel."),
    "users": ("users:users", "Who may sign in, and their API tokens."),
    "worker": ("worker:worker", "Run a worker until Ctrl-C: it claims waiting runs and works on them."),
}


class Lazily(click.Group):
    """A command or a group that stands in the list by name and help, and is imported when it is called."""

    def __init__(self, name: str, place: str, help: str) -> None:
        super().__init__(name, help=help)
        self.place = place

    @cached_property
    def real(self) -> click.Command:
        """The command itself."""
        module, _, name = self.place.partition(":")
        command: click.Command = getattr(import_module(f"research_dashboard.commands.{module}"), name)
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """The context in which click calls a command: the real one's, so that the rest is its own."""
        context = self.real.make_context(*args, **kwargs)
        context.command = self
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command. What the database or the disk cannot do is told in words, not by a traceback."""
        try:
            return self.real.invoke(ctx)
        except DBAPIError as error:
            raise click.ClickException(_told(str(error.orig))) from None
        except OSError as error:
            if isinstance(error, BrokenPipeError) or error.strerror is None:
                raise  # click ends a closed pipe in silence
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror}.") from None


def _told(cause: str) -> str:
    """Why the database could not be used, and the cure."""
    words = (cause.strip().splitlines() or ["it says nothing"])[0]
    if UNMADE.search(words):
        return f"The database is not made yet, or is older than the program ({words}): run `flask db upgrade`."
    return f"The database cannot be used ({words}). RESEARCH_DASHBOARD_DATABASE_URL says where it is."


def init_app(app: Flask) -> None:
    """Register the command groups."""
    for name, (place, help) in COMMANDS.items():
        app.cli.add_command(Lazily(name, place, help))
