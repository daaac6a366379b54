"""INSERTs made once: SQLAlchemy takes ten times as long to handle one as SQLite to run it.

The statement is SQLAlchemy's, compiled once for the database; on SQLite the driver is then handed its text and values
(docs/decisions/0013), elsewhere SQLAlchemy runs it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, Any]


class Insert:
    """The INSERT of one row that names all the table's columns but its `id`, which it answers."""

    def __init__(self, table: Table) -> None:
        self.columns = [column for column in table.c if column.name != "id"]
        self.statement = insert(table).returning(table.c.id)
        self._made = lru_cache(maxsize=4)(self._make)

    def run(self, connection: Connection, row: Row) -> int:
        """Store the row; a column that it leaves out is NULL. Its id. Raises what SQLAlchemy would."""
        if connection.dialect.name != "sqlite":
            whole = {column.name: row.get(column.name) for column in self.columns}
            stored: int = connection.execute(self.statement, whole).scalar_one()
            return stored
        text, processors = self._made(connection.dialect)
        values = [process(row.get(name)) if process else row.get(name) for name, process in processors]
        driver: Any = connection.connection.driver_connection
        try:
            found: int = driver.execute(text, values).fetchall()[0][0]
        except sqlite3.Error as error:
            raise DBAPIError.instance(text, values, error, sqlite3.Error, dialect=connection.dialect) from error
        return found

    def _make(self, dialect: Dialect) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
        """The statement's text, and by their order in it the columns' names with what makes a value the driver's."""
        compiled: Any = self.statement.compile(dialect=dialect, column_keys=[column.name for column in self.columns])
        types = {column.name: column.type.dialect_impl(dialect) for column in self.columns}
        return str(compiled), [(name, types[name].bind_processor(dialect)) for name in compiled.positiontup]
