"""`flask db`: Flask-Migrate's group, with our own commands beside its."""

from flask_migrate.cli import db as database

from research_dashboard.commands import backups, record

__all__ = ["database"]

database.help = "Migrate, back up, restore, check, fill and prune the database."
for command in (*backups.COMMANDS, *record.COMMANDS):
    database.add_command(command)
