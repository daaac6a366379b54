"""Runs the migrations on the application's own engine (CONVENTIONS, traps 1 and 4)."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

database = current_app.extensions["migrate"].db
options = current_app.extensions["migrate"].configure_args


@contextmanager
def foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Let batch mode rebuild a table without deleting the rows that point to it (trap 1)."""
    if connection.dialect.name != "sqlite":
        yield
        return
    # The pragma does nothing inside a transaction, and ours begin explicitly: set it on the raw connection.
    connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
    yield
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration broke foreign keys: {broken}")
    connection.commit()
    connection.connection.driver_connection.execute("PRAGMA foreign_keys = ON")


def back_up() -> None:
    """Before an upgrade or a downgrade: a backup, without which the schema is not touched."""
    from research_dashboard.services.backups import before_change

    try:
        context.get_revision_argument()
    except KeyError:
        return  # flask db check, migrate, current: nothing will be changed
    settings = current_app.config["SETTINGS"]
    before_change(settings.database_url, settings.backups, context.script.get_heads())


def run_online() -> None:
    """Migrate under the write lock, so that two upgrades at once stand in line."""
    back_up()
    engine = database.engine.execution_options(writes=True)
    with engine.connect() as connection, foreign_keys_off(connection):
        context.configure(
            connection=connection, target_metadata=database.metadata, transaction_per_migration=False, **options
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise RuntimeError("migrations run online only: they look at the rows that are there")
run_online()
