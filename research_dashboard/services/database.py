"""The database made ready: migrated and filled with the bundle, once, however many processes start at once."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import inspect, text

from research_dashboard.extensions import db
from research_dashboard.services.loads import bundle_is_loaded, import_bundle

VERSIONS = Path(__file__).resolve().parents[1] / "migrations" / "versions"
ADVISORY_LOCK = 7_319_052  # any number of our own: PostgreSQL's name for “preparing this database”


def prepare_database(instance: Path) -> bool:
    """Migrate the database to this code's schema and import the bundle, where that is not done yet.

    True when something was done. Needs an application context. Two processes may call it at once: one works, the
    other waits. When there is nothing to do it costs some milliseconds.
    """
    if is_ready():
        return False
    with _one_at_a_time(instance):
        if is_ready():
            return False
        if (current_revision() or "") < newest_revision():
            from flask_migrate import upgrade

            upgrade()
        if not bundle_is_loaded():
            import_bundle()
    return True


def is_ready() -> bool:
    """True when the schema is this code's, or a newer one's (an upgrade goes on), and the bundle is loaded."""
    return (current_revision() or "") >= newest_revision() and bundle_is_loaded()


def newest_revision() -> str:
    """The newest migration: they are numbered, with one head."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def current_revision() -> str | None:
    """The migration the database is at; None when it is empty."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if revision is None else str(revision)


@contextlib.contextmanager
def _one_at_a_time(instance: Path) -> Iterator[None]:
    """A lock between processes that ends with its process: the database's own, or one on a file beside SQLite's."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        return
    try:
        import fcntl
    except ImportError:  # Windows: SQLite's own lock must do
        yield
        return
    with (instance / "prepare.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
