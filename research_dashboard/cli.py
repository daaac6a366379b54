"""The `flask …` commands; each group is in commands/, and loaded when it is called."""

from functools import cached_property
from importlib import import_module
from typing import Any

import click
from flask import Flask

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
        return self.real.make_context(*args, **kwargs)


def init_app(app: Flask) -> None:
    """Register the command groups."""
    for name, (place, help) in COMMANDS.items():
        app.cli.add_command(Lazily(name, place, help))
