"""Small questions to the database that every request asks, without SQLAlchemy's share of the time (100 µs each).

On SQLite they go over connections kept for them, read-only and always outside a transaction, so that they see what is
committed. The last one given back is the first one lent, whichever thread asks: its pages are still in its cache and in
the processor's. Elsewhere the questions go through the engine.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Engine

from research_dashboard.base import File
from research_dashboard.extensions import db

Rows = Callable[..., list[tuple[Any, ...]]]
Version = tuple[int, int]
_numbers = count()


class _Connection:
    """A connection for such questions; its number is never another's."""

    def __init__(self, engine: Engine) -> None:
        arguments, options = engine.dialect.create_connect_args(engine.url)
        File.refuse_to_make(arguments[0])
        made: Any = engine.dialect.connect(*arguments, **options)
        made.isolation_level = None
        made.execute("PRAGMA busy_timeout = 10000")
        made.execute("PRAGMA query_only = ON")
        self.file = File(made)
        self.number, self.execute, self.rollback, self.close = next(_numbers), made.execute, made.rollback, made.close

    def __del__(self) -> None:
        if close := getattr(self, "close", None):
            close()


class _Shelf:
    """The connections that nobody uses just now, and the engine whose database they read."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine
        self.idle: list[_Connection] = []


_shelf = _Shelf()
_not_ours: list[_Shelf] = []


def _after_fork() -> None:
    """SQLite's connections belong to the process that made them; another one must not even close them."""
    global _shelf  # noqa: PLW0603  # one for the process
    _not_ours.append(_shelf)
    _shelf = _Shelf()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _lent(engine: Engine) -> Iterator[_Connection]:
    """A connection, for as long as this lasts; after an error it is not used again."""
    global _shelf  # noqa: PLW0603  # one for the process
    shelf = _shelf
    if shelf.engine is not engine:
        shelf = _shelf = _Shelf(engine)
    try:
        connection = shelf.idle.pop()
        if not connection.file.same():
            shelf.idle.clear()
            connection = _Connection(engine)
    except IndexError:
        connection = _Connection(engine)
    yield connection
    shelf.idle.append(connection)


def rows(sql: str) -> list[tuple[Any, ...]]:
    """The rows of a fixed statement, as the driver gives them. Needs an application context."""
    engine = db.engine
    if engine.dialect.name == "sqlite":
        try:
            with _lent(engine) as connection:
                found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return found
        except sqlite3.Error:  # the engine says the same in SQLAlchemy's terms, or finds the database mended
            pass
    with engine.connect() as other:
        return [tuple(row) for row in other.exec_driver_sql(sql)]


@contextmanager
def snapshot() -> Iterator[Rows]:
    """A way to ask several questions of one and the same state, on SQLite; each with its parameters.

    Raises sqlite3.Error: what is asked and who asks it decide whether there is another way.
    """
    with _lent(db.engine) as connection:
        connection.execute("BEGIN")
        try:
            yield lambda sql, *values: connection.execute(sql, values).fetchall()
        finally:
            connection.rollback()


def version() -> Version | None:
    """Another value whenever anything was committed since; None where it is not so cheaply known."""
    engine = db.engine
    if engine.dialect.name != "sqlite":
        return None
    try:
        with _lent(engine) as connection:  # what counts is one connection's own count
            return connection.number, connection.execute("PRAGMA data_version").fetchone()[0]
    except sqlite3.Error:
        return None
