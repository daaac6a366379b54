"""Small questions to the database that every request asks, without SQLAlchemy's share of the time (100 µs each).

On SQLite each thread keeps one connection for them, read-only and always outside a transaction, so that it sees what
is committed. Elsewhere they go through the engine.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from research_dashboard.extensions import db

Rows = Callable[..., list[tuple[Any, ...]]]


class _Kept(threading.local):
    """This thread's connection, and the engine whose database it reads."""

    engine: Engine | None = None
    connection: Any = None

    def close(self) -> None:
        """Let the connection go; the next question makes another."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        self.close()


_kept = _Kept()


def rows(sql: str) -> list[tuple[Any, ...]]:
    """The rows of a fixed statement, as the driver gives them. Needs an application context."""
    engine = db.engine
    if engine.dialect.name == "sqlite":
        try:
            found: list[tuple[Any, ...]] = _connection(engine).execute(sql).fetchall()
            return found
        except sqlite3.Error:  # the engine says the same in SQLAlchemy's terms, or finds the database mended
            _kept.close()
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


@contextmanager
def snapshot() -> Iterator[Rows]:
    """A way to ask several questions of one and the same state, on SQLite; each with its parameters.

    Raises sqlite3.Error: what is asked and who asks it decide whether there is another way.
    """
    connection = _connection(db.engine)
    connection.execute("BEGIN")
    try:
        yield lambda sql, *values: connection.execute(sql, values).fetchall()
    finally:
        connection.rollback()


def _connection(engine: Engine) -> Any:
    """This thread's connection."""
    if _kept.engine is not engine or _kept.connection is None:
        _kept.close()
        arguments, options = engine.dialect.create_connect_args(engine.url)
        made: Any = engine.dialect.connect(*arguments, **options)
        made.isolation_level = None
        made.execute("PRAGMA busy_timeout = 10000")
        made.execute("PRAGMA query_only = ON")
        _kept.engine, _kept.connection = engine, made
    return _kept.connection


def version() -> int | None:
    """Another number, in this thread, whenever anything was committed since; None where it is not so cheaply known."""
    if db.engine.dialect.name != "sqlite":
        return None
    number: int = rows("PRAGMA data_version")[0][0]
    return number
